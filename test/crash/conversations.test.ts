/**
 * Ten thousand messages of five hundred people while the portal is overloaded and the application is killed again and again: every one
 * comes into the open line, once, in the order of its chat (I8).
 *
 * The moments are drawn from a seed: `SEED=… npm test -- test/crash/conversations` plays the same kills again.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { connectLine, connectMessengers, installApplication, openPage } from '../../sandbox/administrator.ts'
import { startApplication, type Application } from '../../sandbox/application.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { startWorld, type World } from '../../sandbox/world.ts'
import { seeded } from '../support/random.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
const people = 500
const messagesEach = 20
const kills = 8
const boundMs = 400_000

const random = seeded(seed)

let world: World
let app: Application
let folder: string
const phones: Handset[] = []

const socketOf = (dataDir: string): string => readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[4]!
const query = async <Row>(text: string): Promise<Row[]> => {
  const client = new pg.Client({ host: socketOf(path.join(folder, 'data', 'postgres')), port: 5432, user: 'estafeta', database: 'estafeta' })
  await client.connect()
  try {
    return (await client.query(text)).rows as Row[]
  } finally {
    await client.end()
  }
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-talk-'))
  world = await startWorld({ seed, portal: { tokenLifeSeconds: 30 * 24 * 3600, limits: { burst: 0, operatingSeconds: 0 } } })
  app = await startApplication({ portal: world.portal, dataDir: path.join(folder, 'data'), env: { REQUEST_TIMEOUT_SECONDS: '3', LOG_LEVEL: 'warn' } })
  await installApplication(app, world.portal)
  const ids = await connectMessengers(await openPage(app, world.portal), world)
  await connectLine(app, world.portal, { connector: 'estafeta_telegram', connectionId: ids.telegram, name: 'Telegram клиники' })
  for (let index = 0; index < people; index++) {
    const phone = world.messengers.addPatient({ name: 'Мария Иванова', phone: `+7900000${String(1000 + index)}` })
    phone.start('telegram', { quietly: true })
    phones.push(phone)
  }
}, 120_000)
afterAll(async () => {
  await app.stop()
  await world.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const misbehave = (): void => {
  const rules = [['query_limit', 0.1], ['internal_error', 0.05], ['drop_after', 0.05], ['drop_before', 0.05]] as const
  for (const [index, [kind, probability]] of rules.entries()) world.portal.misbehave({ kind, method: 'batch', probability, seed: seed + index })
  // 429: the method itself is left alone for a while.
  world.portal.misbehave({ kind: 'operation_limit', method: 'imconnector.send.messages', times: 1 })
}

const finish = async (): Promise<void> => {
  const end = Date.now() + boundMs
  let left = ''
  while (Date.now() < end) {
    const rows = await query<{ what: string; count: number }>(`
      select 'queue ' || direction || ' ' || kind || ' ' || state as what, count(*)::int from chat_queue where kind = 'message' group by 1
      union all select 'inbox', count(*)::int from inbox where state = 'received' having count(*) > 0`).catch(() => undefined)
    left = rows === undefined ? 'the database is away' : rows.map(({ what, count }) => `${what}: ${count}`).join(', ')
    if (rows?.length === 0 && world.messengers.pendingWebhooks() === 0) return
    await sleep(300)
  }
  throw new Error(`It does not come to an end (SEED=${seed}): ${left}`)
}

describe('messages of many people', () => {
  it('F10, F32: come into their line once each and in order, through an overloaded portal and a killed application', async () => {
    misbehave()
    const killAt = new Set(Array.from({ length: kills }, () => 1 + Math.floor(random() * (messagesEach - 1))))
    for (let turn = 1; turn <= messagesEach; turn++) {
      for (const phone of phones) phone.reply('telegram', `слово ${turn}`)
      await sleep(Math.floor(random() * 600))
      if (killAt.has(turn)) {
        await app.kill()
        await sleep(Math.floor(random() * 500))
        await app.restart()
      }
    }
    await finish()
    const wanted = Array.from({ length: messagesEach }, (_, index) => `слово ${index + 1}`)
    const chats = world.portal.lines.chats()
    expect(chats).toHaveLength(people)
    const wrong = chats.flatMap(({ id, name }) => {
      const texts = world.portal.lines.chat(id).messages.filter((message) => message.kind === 'patient').map((message) => message.text)
      return texts.join() === wanted.join() ? [] : [`${name} ${id}: ${texts.join()}`]
    })
    expect({ seed, wrong }).toEqual({ seed, wrong: [] })
    // What was talked about never stands in a log.
    expect(readFileSync(app.logFile, 'utf8')).not.toMatch(/слово \d|7900000\d{4}/)
  }, boundMs + 120_000)
})
