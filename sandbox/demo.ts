/**
 * `npm run demo`: the outer world and the application side by side, installed and ready, with a page to play with.
 *
 * `--script reminder` (or `conversation`) plays a story without a person and ends with 0 only if it ended as it should;
 * `--calls FILE` saves every REST call as JSON lines; `--port N` chooses the page's port; `--keep` leaves the data for a look.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chooseVisitField, connectLines, connectMessengers, installApplication, introduce, openPage, saveRoute, usualSteps, type Administrator, type Installable } from './administrator.ts'
import { startApplication, type Application } from './application.ts'
import { playConversation } from './conversation-story.ts'
import { playReminder, until, type Findings } from './reminder-story.ts'
import { startWorld, type World } from './world.ts'

const stories: Record<string, (world: World, administrator: Administrator, tell: (line: string) => void, application: Installable) => Promise<Findings>> = {
  reminder: playReminder,
  conversation: playConversation,
}

const tell = (line: string): void => console.log(line)

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: { script: { type: 'string' }, calls: { type: 'string' }, port: { type: 'string' }, keep: { type: 'boolean', default: false } },
  })
  const story = values.script === undefined ? undefined : stories[values.script]
  if (values.script !== undefined && story === undefined) {
    console.error(`There is no story "${values.script}": choose one of ${Object.keys(stories).join(', ')}.`)
    return 2
  }
  const port = values.port === undefined ? (story === undefined ? 8100 : 0) : Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    console.error('--port must be a port number.')
    return 2
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-demo-'))
  const clockFile = path.join(folder, 'clock.json')
  let world: World | undefined
  let application: Application | undefined
  const close = async (): Promise<void> => {
    if (values.calls !== undefined && world !== undefined) {
      mkdirSync(path.dirname(path.resolve(values.calls)), { recursive: true })
      writeFileSync(values.calls, world.portal.calls.map((call) => `${JSON.stringify(call)}\n`).join(''))
      tell(`Вызовы REST сохранены: ${values.calls}`)
    }
    await application?.stop()
    await world?.stop()
    if (values.keep) tell(`Данные остались в ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
  try {
    tell('Запускаем портал и мессенджеры …')
    world = await startWorld({ clockFile, ports: { page: port } })
    tell('Запускаем приложение (PostgreSQL внутри) …')
    application = await startApplication({ portal: world.portal, dataDir: path.join(folder, 'data'), clockFile })
    tell('Устанавливаем приложение на портал, подключаем WhatsApp, Telegram, MAX и SMS, открытые линии …')
    await installApplication(application, world.portal)
    const administrator = await openPage(application, world.portal)
    const ids = await connectMessengers(administrator, world)
    await saveRoute(administrator, usualSteps(ids))
    await connectLines(application, world.portal, ids)
    await chooseVisitField(administrator)
    tell('Пациент запускает ботов и делится номером …')
    await introduce(world.patient, until)
    world.setApplicationLink(`${world.portal.origin}/app/${application.clientId}/`)
    if (story !== undefined) {
      tell('')
      const findings = await story(world, administrator, tell, application)
      tell('')
      if (findings.length > 0) {
        tell('Не так, как должно быть:')
        for (const finding of findings) tell(`  ${finding}`)
      } else tell('Всё так, как должно быть.')
      return findings.length === 0 ? 0 : 1
    }
    tell('')
    tell(`Откройте в браузере: ${world.origin}`)
    tell('Ctrl-C - закончить.')
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
    })
    return 0
  } finally {
    await close()
  }
}

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
