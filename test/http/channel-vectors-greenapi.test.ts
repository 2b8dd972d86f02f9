import { expect, it } from '@jest/globals'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post } from '../contract/vectors.ts'
import { askedFor, blocked, broken, failed, heard, nobody, pressed, reached, replied, repliedByPhone, type Subject } from './channel-line.ts'
import { replayVectors, spaced, wordsOf } from './channel-replay.ts'
import { until } from './support.ts'

const form = { idInstance: '1101000001', apiTokenInstance: 'vec-green-api-token', webhookToken: 'vec-green-token', apiUrl: nobody }
const subject: Subject = { channel: 'greenapi', form, to: '+79000000001', message: 'BAE5367237E13A87' }

/** The message waits in the vendor's queue for a day: the step that is left takes it back. */
const left = (code: string): object => ({ ...failed(code), said: ['withdraw'] })

const replay = replayVectors(subject, {
  prefix: 'green-api-',
  effects: {
    'inbound-button-reply': pressed,
    'inbound-deleted': { messages: 1 },
    'inbound-document': repliedByPhone,
    'inbound-edited': { messages: 1 },
    'inbound-group': {},
    'inbound-image': repliedByPhone,
    // A hidden number is no phone: the reminder went to the phone, so it is not known who writes.
    'inbound-lid': { people: replied.people, messages: 1, said: ['askContact'] },
    'inbound-reaction': reached('read'),
    'inbound-text-duplicate': repliedByPhone,
    'inbound-unknown-type': repliedByPhone,
    'incoming-call': repliedByPhone,
    // A6: MAX by number is not spoken here.
    'max-v3-status-delivered': {},
    'outgoing-api-echo': {},
    'quota-exceeded': broken('quotaExceeded'),
    'state-blocked': broken('blocked'),
    'state-suspended-max': {},
    'status-delivered': reached('delivered'),
    'status-failed': left('failed'),
    'status-from-phone': {},
    'status-no-account': left('noAccount'),
    'status-not-in-group': {},
    'status-read': reached('read'),
    'status-sent-late': { proof: 'sent' },
    'status-unknown-id': { parked: 1 },
    'status-unknown-value': {},
    'status-waba-no-session': left('noActiveSession'),
    'unknown-webhook': {},
  },
  about: { 'max-v3-status-delivered': '115892373873654321', 'status-failed': 'BAE5FAIL0001', 'status-from-phone': 'BAE5PHONE1', 'status-no-account': 'BAE5NOACC0001', 'status-waba-no-session': 'BAE5WABA01' },
  forged: ['bad-token'],
  unreadable: ['malformed-no-id'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer ' }].map((headers) => ({ ...request, headers })),
})

const bearer = { authorization: 'Bearer vec-green-token' }
const update = (typeWebhook: string, more: object, headers: Record<string, string> = bearer): RawRequest =>
  post({ typeWebhook, instanceData: { idInstance: 1101000001, wid: '79990000000@c.us', typeInstance: 'whatsapp' }, timestamp: 1_780_000_000, ...more }, headers)
const sender = { chatId: '79000000001@c.us', sender: '79000000001@c.us', chatName: 'Иван', senderName: 'Иван' }
const incoming = (messageData: object, more: object = {}): RawRequest => update('incomingMessageReceived', { idMessage: 'N1', senderData: sender, messageData, ...more })
const status = (value: unknown, more: object = {}): RawRequest => update('outgoingMessageStatus', { chatId: '79000000001@c.us', idMessage: 'BAE5367237E13A87', status: value, sendByApi: true, ...more })
const text = { typeMessage: 'textMessage', textMessageData: { textMessage: 'Да' } }

it.each<[string, RawRequest, object]>([
  ['a status with its time as text', status('delivered', { timestamp: '1780000012' }), reached('delivered')],
  ['a status with its time in milliseconds', status('read', { timestamp: 1_780_000_012_345 }), reached('read')],
  ['a status with its time in ISO', status('delivered', { timestamp: '2026-05-28T20:26:52Z' }), reached('delivered')],
  ['a status without chat, time and origin', status('delivered', { chatId: undefined, timestamp: undefined, sendByApi: undefined }), reached('delivered')],
  ['a status with fields that are null', status('delivered', { chatId: null, timestamp: null, sendByApi: null, description: null }), reached('delivered')],
  ['a status of an instance whose number is a text', status('delivered', { instanceData: { idInstance: '1101000001', wid: null, typeInstance: 'whatsapp' } }), reached('delivered')],
  ['a yellow card: the queue is emptied, the next step goes', status('yellowCard'), left('yellowCard')],
  ['a status of a group', status('read', { chatId: '120363043968066561@g.us' }), {}],
  ['a status of a newsletter', status('read', { chatId: '120363043968066561@newsletter' }), {}],
  ['a status of the telephone', status('failed', { sendByApi: false }), {}],
  ['a quote of the reminder', incoming({ typeMessage: 'quotedMessage', extendedTextMessageData: { text: 'Приду' }, quotedMessage: { stanzaId: 'BAE5367237E13A87', participant: '79990000000@c.us', typeMessage: 'textMessage', textMessage: 'Ждём' } }), repliedByPhone],
  ['a voice message', incoming({ typeMessage: 'audioMessage', fileMessageData: { downloadUrl: 'https://x.example/a.oga', caption: null, fileName: 'a.oga', mimeType: 'audio/ogg; codecs=opus', jpegThumbnail: null } }), repliedByPhone],
  ['a sticker', incoming({ typeMessage: 'stickerMessage', fileMessageData: { downloadUrl: '', fileName: '', mimeType: 'image/webp' } }), repliedByPhone],
  ['a place', incoming({ typeMessage: 'locationMessage', locationMessageData: { nameLocation: '', address: '', latitude: 55.7, longitude: 37.6, jpegThumbnail: '' } }), repliedByPhone],
  ['a card of somebody', incoming({ typeMessage: 'contactMessage', contactMessageData: { displayName: 'Мама', vcard: 'BEGIN:VCARD\nTEL;waid=79000000077:+7 900 000-00-77\nEND:VCARD' } }), { ...heard, said: ['notOwn'] }],
  ['a poll', incoming({ typeMessage: 'pollMessage', pollMessageData: { name: 'Когда?', options: [] } }), repliedByPhone],
  ['a vote', incoming({ typeMessage: 'pollUpdateMessage', pollMessageData: { stanzaId: 'X', votes: [] } }), {}],
  ['a choice in a list', incoming({ typeMessage: 'listResponseMessage', listResponseMessage: { stanzaId: 'BAE5367237E13A87', title: 'Приду', listType: 1, singleSelectReply: 'yes' } }), pressed],
  ['a simple button', incoming({ typeMessage: 'buttonsResponseMessage', buttonsResponseMessage: { stanzaId: 'BAE5367237E13A87', selectedButtonId: '1', selectedButtonText: 'Приду' } }), pressed],
  ['an interactive button', incoming({ typeMessage: 'interactiveButtonsReply', interactiveButtonsReply: { stanzaId: 'BAE5367237E13A87', selectedIndex: 0, selectedId: 'yes', selectedDisplayText: 'Приду' } }), pressed],
  ['a button without an id', incoming({ typeMessage: 'templateButtonsReplyMessage', templateButtonReplyMessage: { stanzaId: 'BAE5367237E13A87', selectedIndex: 0, selectedDisplayText: 'Приду' } }), repliedByPhone],
  ['a reaction to something else', incoming({ typeMessage: 'reactionMessage', extendedTextMessageData: { text: '👍' }, quotedMessage: { stanzaId: 'OTHER' } }), { parked: 1 }],
  ['a person of another group', incoming(text, { senderData: { ...sender, chatId: '120363043968066561@g.us' } }), {}],
  ['a status update of a person', incoming(text, { senderData: { ...sender, chatId: 'status@broadcast' } }), {}],
  ['a hidden number that names itself twice', incoming(text, { senderData: { ...sender, chatId: '214748364712345@lid', sender: '214748364712345@lid' } }), { ...heard, ...askedFor }],
  ['what staff wrote on the telephone', update('outgoingMessageReceived', { idMessage: 'N2', senderData: { ...sender, sender: '79990000000@c.us' }, messageData: text }), { messages: 1, people: [expect.anything()] }],
  ['what our own program wrote', update('outgoingAPIMessageReceived', { idMessage: 'N3', senderData: { ...sender, sender: '79990000000@c.us' }, messageData: text }), {}],
  ['an answered call', update('incomingCall', { from: '79000000001@c.us', status: 'pickUp', idMessage: 'C1' }), {}],
  ['a ringing call', update('incomingCall', { from: '79000000001@c.us', status: 'offer', idMessage: 'C1' }), {}],
  ['a block by the patient', update('incomingBlock', { chatId: '79000000001@c.us', chatState: 'blocked' }), { ...blocked, said: ['withdraw'] }],
  ['a block by somebody who is a group', update('incomingBlock', { chatId: '1@g.us', chatState: 'blocked' }), {}],
  ['a number that was logged out', update('stateInstanceChanged', { stateInstance: 'notAuthorized' }), broken('notAuthorized')],
  ['a number with a yellow card', update('stateInstanceChanged', { stateInstance: 'yellowCard' }), broken('yellowCard')],
  ['a state that nobody knows', update('stateInstanceChanged', { stateInstance: 'levitating' }), broken('levitating')],
  ['a socket that went away', update('statusInstanceChanged', { statusInstance: 'offline' }), {}],
  ['MAX by number', incoming(text, { instanceData: { idInstance: 1101000001, wid: '1', typeInstance: 'v3' }, senderData: { chatId: '10000000', sender: '10000000' } }), {}],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('a broken connection works again when the number is back', async () => {
  const line = await replay.openLine()
  for (const [state, expected] of [['sleepMode', 'sleepMode'], ['starting', 'starting'], ['authorized', 'working']] as const) {
    await replay.send(line, update('stateInstanceChanged', { stateInstance: state, timestamp: 1 }))
    expect(await replay.traceOf(line)).toMatchObject({ connection: expected })
  }
})

it('an edit and a deletion reach the message that they name, and a repeated edit changes nothing', async () => {
  const line = await replay.openLine()
  await replay.send(line, incoming(text))
  await replay.send(line, incoming({ typeMessage: 'editedMessage', editedMessageData: { textMessage: 'Нет', stanzaId: 'N1' } }, { idMessage: 'N2' }))
  expect(await wordsOf(replay.board(), line)).toMatchObject([{ direction: 'in', body: 'Нет', deleted: false }])
  await replay.send(line, incoming({ typeMessage: 'deletedMessage', deletedMessageData: { stanzaId: 'N1' } }, { idMessage: 'N3' }))
  expect(await wordsOf(replay.board(), line)).toMatchObject([{ body: 'Нет', deleted: true }])
})

it.each<[string, Record<string, string>]>([['text/plain', { 'content-type': 'text/plain' }], ['a type that is none', { 'content-type': 'application/json; charset-utf-8' }], ['an empty one', { 'content-type': '' }], ['a word', { 'content-type': 'json' }], ['a broken one', { 'content-type': 'application/json;;=' }]])('the type %s of a body is of no account', async (_, type) => {
  await replay.expectEffect({ ...status('delivered'), headers: { ...bearer, ...type } }, reached('delivered'))
})

it.each([post('', bearer), post('null', bearer), post('[]', bearer), post('{}', bearer), status(7), status('delivered', { idMessage: '' }), incoming({}), update('stateInstanceChanged', {})])('what makes no sense is kept and answered 200, so that it holds nothing up (%#)', async (request) => {
  await replay.expectUnreadable(request)
})

const echoed = (more: object = {}): RawRequest => update('outgoingAPIMessageReceived', { timestamp: Date.now() / 1000, idMessage: 'BAE5HEALED', senderData: { ...sender, sender: '79990000000@c.us' }, messageData: { typeMessage: 'extendedTextMessage', extendedTextMessageData: { text: 'Ждём вас' } }, ...more })

it('B12 a send whose answer was lost is known again by its echo: the same chat and the same text', async () => {
  const line = await replay.openLine({ state: 'unknown' })
  for (const other of [{ senderData: { ...sender, chatId: '79000000002@c.us' } }, { messageData: text }, { senderData: { ...sender, chatId: '1@g.us' } }]) {
    await replay.send(line, echoed(other))
    expect(await replay.traceOf(line)).toMatchObject({ state: 'unknown', proof: null })
  }
  await replay.send(line, status('delivered', { idMessage: 'BAE5HEALED' }))
  expect(await replay.traceOf(line)).toMatchObject({ state: 'unknown', parked: 1 })
  await replay.send(line, echoed())
  await until('the receipt that came before has found its message', async () => (await replay.traceOf(line)).status === 'reached')
  expect(await replay.traceOf(line)).toMatchObject({ ...reached('delivered'), state: 'out', parked: 0, messages: 0 })
})

it('B12 an echo that may be of two sends is of neither', async () => {
  const board = replay.board()
  const line = await replay.openLine({ state: 'unknown' })
  await board.openDelivery(subject, line.connection, { state: 'sending' })
  await replay.send(line, echoed())
  expect(await replay.traceOf(line)).toMatchObject({ state: 'unknown' })
})
