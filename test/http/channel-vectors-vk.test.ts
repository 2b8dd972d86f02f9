import { expect, it } from '@jest/globals'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post } from '../contract/vectors.ts'
import { askedFor, blocked, heard, nobody, pressed, reached, replied, stranger, untouched, type Subject } from './channel-line.ts'
import { replayVectors, spaced, wordsOf } from './channel-replay.ts'

const form = { groupId: '223344556', accessToken: 'vk1.a.vec-token-0000000000', confirmation: 'vec1conf', secret: 'vec-vk-secret', baseUrl: nobody }
const subject: Subject = { channel: 'vk', form, to: '300000001', message: '300000001:0000000076' }
const wrote = { ...replied, ...askedFor }

const replay = replayVectors(subject, {
  prefix: 'vk-',
  effects: {
    'message-event': pressed,
    'message-new-button': pressed,
    'message-new-chat': {},
    'message-new-photo': wrote,
    'message-new-ref': { ...heard, ...askedFor },
    'message-reply-operator': heard,
    'message-reply-own': {},
    typing: {},
    'unknown-type': {},
    // Everybody reads it: it is a request, and no answer to a reminder; nobody is asked there who they are.
    'wall-reply-new-thread': heard,
    'wall-reply-new': heard,
    'wall-reply-own': {},
  },
  acknowledgement: 'ok',
  forged: ['bad-secret', 'wrong-group'],
  unreadable: [],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) =>
    [{ secret: 'wrong' }, { secret: undefined }, { secret: '' }, { group_id: 999 }].map((change) => post({ ...(JSON.parse(request.body.toString('utf8')) as object), ...change })),
})

it('the question whose address this is gets the confirmation string, another community\'s nothing', async () => {
  const line = await replay.openLine()
  const question = { type: 'confirmation', group_id: 223344556 }
  for (const body of [question, { ...question, secret: form.secret, event_id: 'e1', v: '5.199' }]) {
    const reply = await replay.send(line, post(body))
    expect([reply.status, reply.body, reply.headers['content-type']]).toEqual([200, 'vec1conf', expect.stringContaining('text/plain')])
  }
  const foreign = await replay.send(line, post({ ...question, group_id: 999 }))
  expect([foreign.status, foreign.body]).toEqual([200, ''])
  expect([await replay.board().keptOf(line), await replay.traceOf(line)]).toEqual([[], untouched])
})

const event = (type: string, object: object | undefined, more: object = {}): RawRequest => post({ group_id: 223344556, type, event_id: 'e1', v: '5.199', object, secret: form.secret, ...more })
const said = { date: 1780000000, from_id: 300000001, id: 1503, peer_id: 300000001, conversation_message_id: 90, text: 'Да', attachments: [], fwd_messages: [], random_id: 0, out: 0 }
const message = (more: object): RawRequest => event('message_new', { message: { ...said, ...more }, client_info: {} })
const read = (conversation_message_id: number, more: object = {}): RawRequest => event('message_read', { from_id: 300000001, peer_id: 300000001, read_message_id: 1508, conversation_message_id, ...more })
const comment = (type: string, more: object): RawRequest => event(type, { id: 5010, from_id: 300000001, date: 1780000000, text: 'Сколько?', post_id: 412, owner_id: -223344556, post_owner_id: -223344556, parents_stack: [], ...more })

it.each<[string, RawRequest, object]>([
  ['a mark under the reminder', read(76), reached('read')],
  // The mark itself waits: its message may not be known yet.
  ['a mark beyond the reminder', read(99), { ...reached('read'), parked: 1 }],
  ['a mark before the reminder', read(75), { parked: 1 }],
  ['a mark of the community itself', read(76, { from_id: -223344556 }), {}],
  ['a mark in a chat of several', read(76, { peer_id: 2_000_000_001 }), {}],
  ['a reaction to the reminder', event('message_reaction_event', { reacted_id: 300000001, peer_id: 300000001, reaction_id: 1, cmid: 76 }), reached('read')],
  ['a reaction that is taken back', event('message_reaction_event', { reacted_id: 300000001, peer_id: 300000001, cmid: 76 }), {}],
  ['a reaction of the community', event('message_reaction_event', { reacted_id: -223344556, peer_id: 300000001, reaction_id: 1, cmid: 76 }), {}],
  ['a text button whose payload is an object', message({ text: 'Приду', payload: { a: 'confirm:9f2' } }), pressed],
  ['a text button of another program', message({ payload: '{"button":1}' }), wrote],
  ['a payload that is no JSON', message({ payload: '{' }), wrote],
  ['a callback button whose payload is JSON', event('message_event', { user_id: 300000001, peer_id: 300000001, event_id: 'p1', payload: '{"a":"confirm:9f2"}', conversation_message_id: 76 }), pressed],
  ['a callback button without a payload', event('message_event', { user_id: 300000001, peer_id: 300000001, event_id: 'p1', payload: null }), pressed],
  ['a callback button in a chat of several', event('message_event', { user_id: 300000001, peer_id: 2_000_000_001, event_id: 'p1', payload: { a: 'c' } }), {}],
  ['the Start button', message({ text: 'Начать', payload: '{"command":"start"}' }), { ...heard, ...askedFor }],
  ['a question that came by a link', message({ ref: 'L_k3Jx9QmZb2', ref_source: 'site' }), { ...wrote, messages: 2 }],
  ['a message without a text', message({ text: undefined, attachments: [{ type: 'sticker', sticker: { sticker_id: 1, images: [{ url: 'https://a.example/64.png', width: 64, height: 64 }] } }] }), wrote],
  ['a message with fields that are null', message({ ref: null, payload: null, reply_message: null, geo: null, admin_author_id: null }), wrote],
  ['an attachment in no known shape', message({ attachments: [{ type: 'link', link: { title: 7 } }, null, 'x'] }), wrote],
  ['a date that is a text', message({ date: '1780000000' }), wrote],
  ['a place', message({ text: '', geo: { type: 'point', coordinates: { latitude: 55.7, longitude: 37.6 } } }), wrote],
  ['an answer to the reminder', message({ reply_message: { conversation_message_id: 76, text: 'Ждём вас' } }), wrote],
  ['an invitation into a chat', message({ action: { type: 'chat_invite_user' } }), {}],
  ['an edit of what never came', event('message_edit', { ...said, update_time: 1780000060 }), { messages: 1 }],
  ['an edit by the community', event('message_edit', { ...said, from_id: -223344556 }), {}],
  ['an answer without an administrator', event('message_reply', { ...said, from_id: -223344556, admin_author_id: 0 }), {}],
  ['permission to write', event('message_allow', { user_id: 300000001, key: '' }), stranger],
  ['permission to write, by a button with a token', event('message_allow', { user_id: 300000001, key: 'L_k3Jx9QmZb2' }), { ...heard, ...askedFor }],
  ['no permission any more', event('message_deny', { user_id: 300000001 }), blocked],
  ['a comment that came back', comment('wall_reply_restore', {}), heard],
  ['a comment with a picture', comment('wall_reply_new', { text: '', attachments: [{ type: 'photo' }] }), heard],
  ['a comment of another community', comment('wall_reply_new', { from_id: -999 }), {}],
  ['a comment on another wall', comment('wall_reply_new', { owner_id: -999, post_owner_id: -999 }), {}],
  ['a comment that went before it came', event('wall_reply_delete', { owner_id: -223344556, id: 5010, user_id: 300000001, deleter_id: 400000001, post_id: 412 }), { messages: 1 }],
  ['a comment under a photo', event('photo_comment_new', { id: 1, from_id: 300000001, text: 'x', photo_id: 5, photo_owner_id: -223344556 }), {}],
  ['a member who joined', event('group_join', { user_id: 300000001, join_type: 'join' }), {}],
  ['an event without an object', event('message_typing_state', undefined), {}],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('an edit and a deletion of a comment reach the message that they name', async () => {
  const line = await replay.openLine()
  await replay.send(line, comment('wall_reply_new', {}))
  await replay.send(line, comment('wall_reply_edit', { text: 'Сколько стоит приём?' }))
  await replay.send(line, event('wall_reply_delete', { owner_id: -223344556, id: 5010, user_id: 300000001, post_id: 412 }))
  expect(await wordsOf(replay.board(), line)).toMatchObject([{ direction: 'in', body: 'Сколько стоит приём?', deleted: true }])
})

it.each([event('message_new', {}), event('message_new', { message: { ...said, conversation_message_id: 'x' } }), event('message_deny', undefined), event('message_read', { from_id: '300000001' })])('what makes no sense is kept, and VK hears that it came (%#)', async (request) => {
  await replay.expectUnreadable(request)
})

it('what is no update of this community is answered and leaves nothing', async () => {
  const line = await replay.openLine()
  for (const body of ['', 'null', '[]', '{', '"confirmation"', '{"type":"confirmation"}', JSON.stringify({ type: 'message_new', group_id: '223344556', secret: form.secret })]) {
    expect([body, (await replay.send(line, post(body))).status]).toEqual([body, 200])
  }
  expect([await replay.board().keptOf(line), await replay.traceOf(line)]).toEqual([[], untouched])
})
