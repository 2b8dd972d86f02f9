import { expect, it } from '@jest/globals'
import { type RawRequest } from '../../src/channels/channel.ts'
import { parseCredentials } from '../../src/channels/wazzup/credentials.ts'
import { post, webhook } from '../contract/vectors.ts'
import { broken, failed, failedForAll, heard, nobody, reached, repliedByPhone, untouched, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'
import { until } from './support.ts'

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
    'status-error-channel-rejected': failedForAll('CHANNEL_REJECTED'),
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

const bearer = { authorization: 'Bearer vec-wazzup-crm-key' }
const out = subject.message
const moment = '2026-05-06T14:16:02.499Z'
const update = (body: object): RawRequest => post(body, bearer)
const plainMessage = { messageId: 'n1', channelId: form.channelId, chatType: 'whatsapp', chatId: '79000000001', dateTime: moment, type: 'text', isEcho: false, contact: { name: 'Иван', avatarUri: null }, text: 'Да', status: 'inbound' }
const messages = (...more: object[]): RawRequest => update({ messages: more.map((one) => ({ ...plainMessage, ...one })) })
const statuses = (...more: object[]): RawRequest => update({ statuses: more.map((one) => ({ messageId: out, timestamp: moment, ...one })) })
const echo = { messageId: out, isEcho: true, text: 'Ждём вас' }

it.each<[string, RawRequest, object]>([
  ['a status with its time in milliseconds', statuses({ status: 'delivered', timestamp: 1_780_000_000_000 }), reached('delivered')],
  ['a status with its time as text', statuses({ status: 'delivered', timestamp: '1780000000' }), reached('delivered')],
  ['a status without a time', statuses({ status: 'read', timestamp: null }), reached('read')],
  ['a status in capitals', statuses({ status: 'DELIVERED' }), reached('delivered')],
  ['a status that nobody knows', statuses({ status: 'played' }), {}],
  ['statuses of several messages', statuses({ status: 'read', messageId: 'other' }, { status: 'sent' }), { proof: 'sent', parked: 1 }],
  ['a failure and a delivery after it', statuses({ status: 'error', error: { error: 'UNKNOWN_ERROR' } }, { status: 'delivered' }), { ...reached('delivered') }],
  ['an error that is a word', statuses({ status: 'error', error: 'SPAM' }), failed('SPAM')],
  ['an error that is nothing', statuses({ status: 'error' }), failed('UNKNOWN_ERROR')],
  ['an error that is a number', statuses({ status: 'error', error: { code: 7 } }), failed('UNKNOWN_ERROR')],
  ['a week without an answer', statuses({ status: 'error', error: { error: '7_DAYS_EXCEEDED', description: null } }), failed('7_DAYS_EXCEEDED')],
  ['messages, statuses and states at once', update({ messages: [plainMessage], statuses: [{ messageId: 'other', timestamp: moment, status: 'sent' }], channelsUpdates: [{ channelId: form.channelId, state: 'active', timestamp: 1_780_000_000_000 }] }), { ...repliedByPhone, parked: 1 }],
  ['empty lists', update({ messages: [], statuses: [], channelsUpdates: [] }), {}],
  ['lists that are null', update({ messages: null, statuses: null }), {}],
  ['an echo of our own that has come far', messages({ ...echo, status: 'read' }), reached('read')],
  ['an echo of our own that failed', messages({ ...echo, status: 'error', error: { error: 'BAD_CONTACT' } }), failed('BAD_CONTACT')],
  ['an echo of our own without a status', messages({ ...echo, status: undefined }), { proof: 'sent' }],
  ['an outgoing message without the mark of an echo', messages({ ...echo, isEcho: undefined, status: 'delivered' }), reached('delivered')],
  ['an echo that staff changed', messages({ ...echo, messageId: 'n2', authorName: 'Мария', isEdited: true, status: 'sent' }), {}],
  ['what staff wrote on the telephone', messages({ ...echo, messageId: 'n2', sentFromApp: true, status: 'sent' }), { messages: 1, people: [expect.anything()] }],
  ['a question about a picture', messages({ type: 'text', quotedMessage: { messageId: out, text: 'Ждём вас' } }), repliedByPhone],
  ['a document without a name', messages({ type: 'document', text: null, contentUri: 'https://store.example/abc' }), repliedByPhone],
  ['a place', messages({ type: 'geo', text: null }), repliedByPhone],
  ['a kind that nobody knows', messages({ type: 'hologram', text: undefined }), repliedByPhone],
  ['an unsupported kind', messages({ type: 'unsupported', text: null }), repliedByPhone],
  ['a deletion of what never came', messages({ isDeleted: true }), { messages: 1 }],
  ['a group', messages({ chatType: 'whatsgroup', chatId: '120363043968066561@g.us' }), {}],
  ['another channel of the account', messages({ channelId: 'ffffffff-ce2b-444f-9627-60a8129d7e1f' }), {}],
  ['a channel in capitals', messages({ channelId: form.channelId.toUpperCase() }), repliedByPhone],
  ['a number with 8', messages({ chatId: '89000000001' }), repliedByPhone],
  ['a banned number', update({ channelsUpdates: [{ channelId: form.channelId, state: 'BLOCKED', timestamp: '2026-05-06T14:16:02Z' }] }), broken('BLOCKED')],
  ['no money', update({ channelsUpdates: [{ channelId: form.channelId, state: 'notEnoughMoney' }] }), broken('notEnoughMoney')],
  ['an active channel in another case', update({ channelsUpdates: [{ channelId: form.channelId, state: 'Active', timestamp: 1_780_000_000_000 }] }), {}],
  ['a template that was approved', update({ templateStatus: { templateGuid: 'g', name: 't', status: 'Approved' } }), {}],
  ['deals that nobody asked for', update({ createContact: { responsibleUserId: '1' } }), {}],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('one part of an update that cannot be read takes none of the others along, and the whole is kept with the reason', async () => {
  const line = await replay.openLine()
  const body = { messages: [{ ...plainMessage, messageId: undefined }, plainMessage], statuses: [{ status: 'read' }, 'read', { messageId: out, timestamp: moment, status: 'delivered' }] }
  expect((await replay.send(line, update(body))).status).toBe(200)
  expect(await replay.traceOf(line)).toMatchObject({ status: 'reached', messages: 1 })
  expect(await replay.board().keptOf(line)).toMatchObject([{ state: 'unreadable', reason: expect.stringContaining('messageId') }])
})

it.each([update([]), post('', bearer), update({ messages: 'none' }), statuses({ messageId: '' }), messages({ chatId: 7 })])('what makes no sense is kept and answered (%#)', async (request) => {
  await replay.expectUnreadable(request)
})

it('a refusal of somebody else\'s message says nothing of the connection', async () => {
  const line = await replay.openLine()
  await replay.send(line, statuses({ messageId: 'of another program', status: 'error', error: { error: 'CHANNEL_REJECTED' } }))
  expect(await replay.traceOf(line)).toMatchObject({ connection: 'working', parked: 1 })
})

it('B12 a send whose answer was lost is known again by its echo, and the same update tells how far it is', async () => {
  const line = await replay.openLine({ state: 'unknown' })
  const own = { ...plainMessage, ...echo, messageId: 'healed', dateTime: new Date().toISOString() }
  await replay.send(line, update({ messages: [{ ...own, messageId: 'another', text: 'Другой текст', status: 'sent' }] }))
  expect(await replay.traceOf(line)).toMatchObject({ state: 'unknown' })
  await replay.send(line, update({ messages: [{ ...own, status: 'sent' }], statuses: [{ messageId: 'healed', timestamp: own.dateTime, status: 'delivered' }] }))
  await until('the receipt has found its message', async () => (await replay.traceOf(line)).status === 'reached')
  expect(await replay.traceOf(line)).toMatchObject({ ...reached('delivered'), state: 'out' })
})
