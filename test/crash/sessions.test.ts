/** Whoever holds a session with a vendor is killed without warning: another one goes on within seconds, and nothing is lost or doubled. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectLine, installApplication, openPage, saveRoute } from '../../sandbox/administrator.ts'
import { startApplication, type Application } from '../../sandbox/application.ts'
import { startMailProvider, type MailProvider } from '../../sandbox/messengers/mail.ts'
import { type SmppAccount } from '../../sandbox/messengers/smpp.ts'
import { startWorld, type World } from '../../sandbox/world.ts'

let world: World
let app: Application
let provider: MailProvider
let account: SmppAccount
const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-sessions-'))

const until = async (what: string, check: () => boolean, limitMs = 30_000): Promise<void> => {
  const end = Date.now() + limitMs
  while (!check()) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await sleep(20)
  }
}

beforeAll(async () => {
  const clockFile = path.join(folder, 'clock.json')
  world = await startWorld({ clockFile, speed: 60, portal: { tokenLifeSeconds: 30 * 24 * 3600, limits: { burst: 0, operatingSeconds: 0 } } })
  provider = await startMailProvider()
  app = await startApplication({ portal: world.portal, dataDir: path.join(folder, 'data'), clockFile, env: { REQUEST_TIMEOUT_SECONDS: '3' } })
  await installApplication(app, world.portal)
  const administrator = await openPage(app, world.portal)
  const connect = async (channel: string, credentials: Record<string, string>): Promise<string> => {
    const answer = await administrator.call('POST', '/connections', { channel, name: channel, credentials })
    expect({ channel, status: answer.status }).toEqual({ channel, status: 200 })
    return answer.body.id as string
  }
  account = world.messengers.addSmppAccount()
  const { address, systemId, password, sender } = account
  const sms = await connect('smpp', { address, systemId, password, sender, messageIds: 'hex' })
  const reception = provider.add('reception@clinic.example', 'app-pa55word')
  const mail = await connect('email', { address: reception.address, password: reception.password, smtp: provider.smtpUrl, imap: provider.imapUrl })
  await connectLine(app, world.portal, { connector: 'estafeta_smpp', connectionId: sms, name: 'SMS' })
  await connectLine(app, world.portal, { connector: 'estafeta_email', connectionId: mail, name: 'Почта' })
  await saveRoute(administrator, [{ kind: 'channel', connectionId: sms, proof: 'delivered', minutes: 60, content: {} }, { kind: 'task', minutes: 120 }])
  await until('both sessions are open', () => world.messengers.smpp.bound(systemId) === 1 && [...provider.imapSessions].some(({ isWaiting }) => isWaiting))
}, 120_000)
afterAll(async () => {
  await app.stop()
  await world.stop()
  await provider.stop()
  rmSync(folder, { recursive: true, force: true })
})

const said = (): string[] => world.portal.lines.chats().flatMap(({ id }) => world.portal.lines.chat(id).messages.filter(({ kind }) => kind === 'patient').map(({ text }) => text))
const send = (): void => void world.portal.runRobot({ dealId: world.dealId, code: 'estafeta_send', properties: { text: 'Ждём вас завтра.', route: '', deadline: '' } })
const sent = () => world.patient.messages('sms').filter(({ direction, text }) => direction === 'received' && text.startsWith('Ждём'))

describe('a holder of sessions that is killed', () => {
  it('is followed within seconds: what is to be sent leaves, what patients wrote meanwhile is there, once', async () => {
    for (let round = 1; round <= 3; round++) {
      const text = (channel: string): string => `${channel} ${round}`
      world.patient.reply('sms', text('sms до'), { account: account.systemId })
      provider.write({ from: 'patient@example.ru', to: 'reception@clinic.example', text: text('письмо до') })
      await app.kill()
      await until('the SMSC sees the line break', () => world.messengers.smpp.bound(account.systemId) === 0)
      world.patient.reply('sms', text('sms после'), { account: account.systemId })
      provider.write({ from: 'patient@example.ru', to: 'reception@clinic.example', text: text('письмо после') })
      await app.restart()
      const startedAt = Date.now()
      await until('both sessions are open again', () => world.messengers.smpp.bound(account.systemId) === 1 && [...provider.imapSessions].some(({ isWaiting }) => isWaiting))
      expect(Date.now() - startedAt).toBeLessThan(15_000)
      const wanted = ['sms до', 'sms после', 'письмо до', 'письмо после'].map(text)
      await until('everything is in the chats', () => wanted.every((words) => said().some((line) => line.includes(words))))
      for (const words of wanted) expect({ words, times: said().filter((line) => line.includes(words)).length }).toEqual({ words, times: 1 })
      const before = sent().length
      send()
      await until('the notification has arrived', () => sent().filter(({ arrivedAt }) => arrivedAt !== undefined).length === before + 1)
    }
    expect(sent()).toHaveLength(3)
  }, 180_000)
})
