import { expect, it } from '@jest/globals'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { askedFor, blocked, heard, nobody, pressed, replied, type Subject } from './channel-line.ts'
import { replayVectors, spaced, wordsOf } from './channel-replay.ts'
import { raw } from './support.ts'

const form = { token: 'vec-max-bot-token', webhookSecret: 'vec_max-secret_01', baseUrl: nobody }
const subject: Subject = { channel: 'max', form, to: '123456789', message: 'mid.out1' }
const wrote = { ...replied, ...askedFor }
const claimed = { ...heard, said: ['notOwn'] }

const replay = replayVectors(subject, {
  prefix: 'max-',
  effects: {
    'bot-started-plain': { ...heard, ...askedFor },
    'bot-stopped': blocked,
    'callback-message-null': pressed,
    callback: pressed,
    'contact-bad-hash': claimed,
    'contact-foreign': claimed,
    'contact-lf-newlines': claimed,
    'contact-no-hash': claimed,
    'contact-verified': { ...heard, said: ['findContact'] },
    'dialog-cleared': {},
    'dialog-muted': {},
    'dialog-removed': blocked,
    'dialog-unmuted': {},
    'inbound-file': wrote,
    'inbound-group': {},
    'inbound-image': wrote,
    'inbound-text-duplicate': wrote,
    'message-edited': { messages: 1 },
    'message-removed': { messages: 1 },
    'utf8-split': wrote,
  },
  forged: ['bad-secret'],
  unreadable: ['malformed', 'missing-update-type'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { 'x-max-bot-api-secret': 'wrong' }].map((headers) => ({ ...request, headers })),
})

it('utf8-split is read whole when the network cuts it inside a letter', async () => {
  const line = await replay.openLine()
  const request = webhook('max-utf8-split')
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value!]))
  const inside = request.body.indexOf('Привет') + 1
  expect((await raw(replay.board().stage.app.origin, line.hook, { headers, body: request.body, splitAt: inside })).status).toBe(200)
  expect((await replay.board().keptOf(line)).map(({ body }) => body.equals(request.body))).toEqual([true])
})

it('D4 the card that MAX signed binds the account to the contact with that number, another does not', async () => {
  const { contactId } = replay.board().stage.world
  for (const [name, contact] of [['verified', String(contactId)], ['bad-hash', null]] as const) {
    const line = await replay.openLine()
    await replay.send(line, webhook(`max-contact-${name}`))
    expect([name, (await replay.traceOf(line)).people]).toEqual([name, [{ state: 'active', contact_id: contact }]])
  }
})

const secret = { 'x-max-bot-api-secret': form.webhookSecret }
const person = { user_id: 123456789, first_name: 'Иван', name: 'Иван П', is_bot: false, last_activity_time: 1775025580000 }
const at = 1_775_025_604_499
const update = (update_type: string, more: object): RawRequest => post({ update_type, timestamp: at, user_locale: 'ru', ...more }, secret)
const dialog = { chat_id: 182182182, chat_type: 'dialog', user_id: 229229229 }
const message = (body: object | null, more: object = {}, type = 'message_created'): RawRequest => update(type, { message: { sender: person, recipient: dialog, timestamp: at, body: body === null ? null : { mid: 'mid.n1', seq: 1, text: 'Да', ...body }, ...more } })
const press = (more: object): RawRequest => update('message_callback', { callback: { timestamp: at, callback_id: 'cb1', payload: 'confirm:9f2', user: person }, message: { recipient: { ...dialog, user_id: 123456789 }, body: { mid: 'mid.out1', seq: 1, text: 'Ждём' }, sender: { ...person, is_bot: true } }, ...more })
const ended = (type: string, more: object = {}): RawRequest => update(type, { chat_id: 182182182, user: person, ...more })
const plainText = (more: object): RawRequest => message({}, more)

it.each<[string, RawRequest, object]>([
  ['a time that is a text', plainText({ timestamp: String(at) }), wrote],
  ['a time in ISO', post({ update_type: 'message_created', timestamp: '2026-04-01T06:40:04Z', message: { sender: person, recipient: dialog, body: { mid: 'mid.n1', text: 'Да' } } }, secret), wrote],
  ['no time at all', plainText({ timestamp: null }), wrote],
  ['a chat beyond what a number holds', plainText({ recipient: { ...dialog, chat_id: 2 ** 63 } }), wrote],
  ['a text that is null with a picture', message({ text: null, attachments: [{ type: 'image', payload: { photo_id: 1, token: 't', url: 'https://i.example/r' } }] }), wrote],
  ['an attachment that nobody knows', message({ text: null, attachments: [{ type: 'hologram', payload: {} }] }), wrote],
  ['attachments that are null', message({ attachments: null }), wrote],
  ['a place', message({ text: '', attachments: [{ type: 'location', latitude: 55.7, longitude: 37.6 }] }), wrote],
  ['an answer to the reminder', message({}, { link: { type: 'reply', message: { mid: 'mid.out1', seq: 1, text: 'Ждём' } } }), wrote],
  ['somebody else\'s message that is passed on', message(null, { link: { type: 'forward', message: { mid: 'mid.x', seq: 1, text: 'чужое' } } }), wrote],
  ['our own message that comes back', plainText({ sender: { ...person, is_bot: true } }), {}],
  ['a channel', plainText({ sender: undefined, recipient: { chat_id: -5, chat_type: 'channel' } }), {}],
  ['a group', plainText({ recipient: { chat_id: -5, chat_type: 'chat' } }), {}],
  ['a press whose message is in a group', press({ message: { recipient: { chat_id: -5, chat_type: 'chat' }, body: { mid: 'mid.g' } } }), {}],
  ['a press without its message', press({ message: undefined }), pressed],
  ['a press on another program\'s button', press({ callback: { timestamp: at, callback_id: 'cb2', payload: '{"x":1}', user: person } }), pressed],
  ['a start by a link', update('bot_started', { chat_id: 182182182, user: person, payload: 'L_k3Jx9QmZb2', user_id: 123456789 }), { ...heard, ...askedFor }],
  ['a start with a payload that is no token', update('bot_started', { chat_id: 182182182, user: person, payload: 'не токен', user_id: 123456789 }), { ...heard, ...askedFor }],
  ['a start with a payload that is null', update('bot_started', { chat_id: 182182182, user: person, payload: null }), { ...heard, ...askedFor }],
  ['a bot that was stopped, without a time', ended('bot_stopped', { timestamp: undefined }), blocked],
  ['a dialogue that is gone', ended('dialog_removed'), blocked],
  ['a dialogue that is muted', ended('dialog_muted', { muted_until: at }), {}],
  ['a bot in a group', update('bot_added', { chat_id: -5, user: person, is_channel: false }), {}],
  ['a member of a group', update('user_added', { chat_id: -5, user: person, inviter_id: 1 }), {}],
  ['a title of a group', update('chat_title_changed', { chat_id: -5, user: person, title: 'x' }), {}],
  ['a comment', update('comment_created', { comment: { id: 1 } }), {}],
  ['an update of tomorrow', update('hologram_projected', { message: 7 }), {}],
  ['an edit of what never came', message({ text: 'Нет' }, {}, 'message_edited'), { messages: 1 }],
  ['a removal in a group', update('message_removed', { message_id: 'mid.g', chat_id: -5, user_id: 123456789 }), {}],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('an edit and a removal reach the message that they name, each once', async () => {
  const line = await replay.openLine()
  await replay.send(line, message({}))
  await replay.send(line, message({ text: 'Нет' }, {}, 'message_edited'))
  await replay.send(line, update('message_removed', { message_id: 'mid.n1', chat_id: 182182182, user_id: 123456789 }))
  expect(await wordsOf(replay.board(), line)).toMatchObject([{ direction: 'in', body: 'Нет', deleted: true }])
})

it.each([post('', secret), post('null', secret), post('[]', secret), update('message_created', {}), update('bot_stopped', { chat_id: 1 }), press({ callback: { callback_id: 7 } })])('what makes no sense is kept and answered (%#)', async (request) => {
  await replay.expectUnreadable(request)
})
