import { expect, it } from '@jest/globals'
import { parseCredentials } from '../../src/channels/wazzup/credentials.ts'
import { post, webhook } from '../contract/vectors.ts'
import { broken, failed, heard, nobody, reached, repliedByPhone, untouched, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'

const form = { apiKey: 'vec-wazzup-api-key', channelId: 'd9e5721c-ce2b-444f-9627-60a8129d7e1f', crmKey: 'vec-wazzup-crm-key', baseUrl: nobody }
const subject: Subject = { channel: 'wazzup', form, to: '+79000000001', message: 'be3dc577-60c4-4fc8-83a5-8c358e0bfe15' }

const replay = replayVectors(subject, {
  prefix: 'wazzup-',
  effects: {
    'channel-qr': broken('qr'),
    'echo-operator': heard,
    'echo-own-api': { proof: 'sent' },
    'inbound-edited': { messages: 1 },
    'inbound-image': repliedByPhone,
    // A6: MAX by number is not spoken; Telegram has a connection of its own.
    'inbound-max': {},
    'inbound-telegram-guid': {},
    'inbound-missing-call': repliedByPhone,
    'inbound-text': repliedByPhone,
    'inbound-vcard': repliedByPhone,
    'status-delivered': reached('delivered'),
    'status-edited': {},
    'status-error-24h': failed('24_HOURS_EXCEEDED'),
    'status-error-bad-contact': failed('BAD_CONTACT'),
    'status-error-channel-rejected': failed('CHANNEL_REJECTED'),
    'status-error-unknown': failed('SOMETHING_NEW'),
    'status-out-of-order': reached('read'),
    'status-sent': { proof: 'sent' },
    'unknown-root': {},
  },
  // The key of the CRM is set here: what comes without it is not the vendor's. The test of a subscription is answered all the same.
  forged: ['inbound-text-no-auth-header', 'test-post'],
  unreadable: ['malformed-status'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer ' }, { authorization: form.crmKey }].map((headers) => ({ ...request, headers })),
})

it('without a key of the CRM the secret in the address proves the vendor, and nothing else does', async () => {
  const plain = { ...form, crmKey: '' }
  const { hookSecret } = parseCredentials(plain)
  const line = await replay.openLine({ form: plain })
  const request = webhook('wazzup-inbound-text-no-auth-header')
  for (const search of ['', '?secret=', `?secret=${hookSecret}0`]) {
    expect((await replay.send({ ...line, hook: line.hook + search }, request)).status).toBe(200)
    expect([search, await replay.traceOf(line)]).toEqual([search, untouched])
  }
  const hook = `${line.hook}?secret=${hookSecret}`
  const tested = await replay.send({ ...line, hook }, webhook('wazzup-test-post'))
  expect([tested.status, tested.body, await replay.traceOf(line)]).toEqual([200, '', untouched])
  await replay.send({ ...line, hook }, request)
  expect(await replay.traceOf(line)).toMatchObject({ status: 'reached', answer: 'replied', messages: 1 })
})

it('Telegram by number takes what is Telegram\'s, looks a vouched phone up, and leaves WhatsApp alone', async () => {
  const telegram: Subject = { ...subject, channel: 'wazzuptelegram', to: '3f0d2b1a-guid' }
  const board = replay.board()
  const line = await board.openLine(telegram)
  await board.send(line.hook, webhook('wazzup-inbound-telegram-guid'))
  expect(await board.traceOf(line)).toMatchObject({ messages: 1, said: expect.arrayContaining(['findContact']), people: [{ state: 'active' }] })
  const other = await board.openLine(telegram)
  for (const name of ['inbound-text', 'inbound-max', 'echo-operator']) await board.send(other.hook, webhook(`wazzup-${name}`))
  expect(await board.traceOf(other)).toEqual(untouched)
  await board.send(other.hook, webhook('wazzup-status-delivered'))
  expect(await board.traceOf(other)).toMatchObject(reached('delivered'))
  await board.send(other.hook, post({ test: true }))
  expect((await board.keptOf(other)).some(({ state }) => state === 'unreadable')).toBe(false)
})
