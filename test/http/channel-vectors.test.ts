import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { readdirSync } from 'node:fs'
import { vectorNames, webhook } from '../contract/vectors.ts'
import { nobody, startSwitchboard, untouched, type Subject, type Switchboard } from './channel-line.ts'
import { raw } from './support.ts'

/** Prefixes of samples whose channel has a file `channel-vectors-<id>.test.ts`. */
const replayed = { whatsapp: 'wa-cloud-', telegram: 'telegram-', max: 'max-', smsc: 'sms-smsc-', greenapi: 'green-api-', wazzup: 'wazzup-', vk: 'vk-', smsru: 'sms-smsru-', smpp: 'smpp-' }
/** What a mailbox reads out of letters. */
const sessions = ['email-']

const subjects: readonly Subject[] = [
  { channel: 'telegram', form: { botToken: '7000000001:AAvecTelegramToken-0001', webhookSecret: 'vec_tg_secret-1', apiRoot: nobody }, to: '500000001', message: '500000001:90' },
  { channel: 'max', form: { token: 'vec-max-bot-token', webhookSecret: 'vec_max-secret_01', baseUrl: nobody }, to: '123456789', message: 'mid.out1' },
  { channel: 'smsc', form: { apiKey: 'vec-smsc-api-key', callbackSecret: 'vec-smsc-secret', baseUrl: nobody }, to: '+79000000001', message: '1001' },
  { channel: 'smsru', form: { apiId: 'vec-smsru-api-id', baseUrl: nobody }, to: '+79000000001', message: '202647-1000001' },
  { channel: 'greenapi', form: { idInstance: '1101000001', apiTokenInstance: 'vec-green-api-token', apiUrl: nobody }, to: '+79000000001', message: 'BAE5367237E13A87' },
  { channel: 'wazzup', form: { apiKey: 'vec-wazzup-api-key', channelId: 'd9e5721c-ce2b-444f-9627-60a8129d7e1f', baseUrl: nobody }, to: '+79000000001', message: 'x' },
]

let board: Switchboard
beforeAll(async () => {
  board = await startSwitchboard()
})
afterAll(async () => {
  await board.stage.stop()
})

it('every sample belongs to a channel whose route it is posted to, or to a mailbox', () => {
  const files = readdirSync(new URL('.', import.meta.url))
  for (const channel of Object.keys(replayed)) expect(files).toContain(`channel-vectors-${channel}.test.ts`)
  const prefixes = [...Object.values(replayed), ...sessions]
  expect(vectorNames('').filter((name) => !prefixes.some((prefix) => name.startsWith(prefix)))).toEqual([])
})

it('a webhook of another channel, or to a key that nobody has, is not found', async () => {
  const line = await board.openLine(subjects[0]!)
  const key = line.hook.split('/').at(-1)!
  for (const path of [`/hooks/max/${key}`, `/hooks/nothing/${key}`, `/hooks/telegram/${'0'.repeat(32)}`]) expect((await board.send(path, webhook('telegram-inbound-text'))).status).toBe(404)
  expect(await board.traceOf(line)).toEqual(untouched)
})

it.each(subjects.map((subject) => [subject.channel, subject] as const))('a bare GET and a HEAD to %s are no question and break nothing', async (_, subject) => {
  const line = await board.openLine(subject)
  for (const method of ['GET', 'HEAD']) expect((await raw(board.stage.app.origin, `${line.hook}?id=1&id=2&status=1&phone=1&md5=1&md5=2`, { method })).status).toBeLessThan(500)
  expect(await board.traceOf(line)).toEqual(untouched)
})
