import { expect, it } from '@jest/globals'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { askedFor, blocked, heard, nobody, pressed, reached, replied, stranger, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'

const form = { botToken: '7000000001:AAvecTelegramToken-0001', webhookSecret: 'vec_tg_secret-1', apiRoot: nobody }
const subject: Subject = { channel: 'telegram', form, to: '500000001', message: '500000001:90' }
const wrote = { ...replied, ...askedFor }
const started = { ...heard, ...askedFor }

const replay = replayVectors(subject, {
  prefix: 'telegram-',
  effects: {
    blocked,
    'callback-query-double-tap': pressed,
    'callback-query-foreign-user': {},
    'callback-query-inaccessible': pressed,
    'contact-foreign-country': { ...heard, said: ['findContact'] },
    'contact-foreign': { ...heard, said: ['notOwn'] },
    'contact-forwarded-own': { ...heard, said: ['findContact'] },
    'contact-own': { ...heard, said: ['findContact'] },
    'contact-without-user-id': { ...heard, said: ['notOwn'] },
    'edited-message': { messages: 1 },
    'group-message': {},
    'inbound-document-too-big': wrote,
    'inbound-document': wrote,
    'inbound-photo': wrote,
    'inbound-text-duplicate': wrote,
    'inbound-text': wrote,
    'inbound-voice': wrote,
    'reply-to-bot': wrote,
    'start-payload-garbage': started,
    'start-payload': started,
    'start-plain': started,
    unblocked: stranger,
    'unknown-update': {},
  },
  forged: ['missing-secret'],
  unreadable: ['malformed'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { 'x-telegram-bot-api-secret-token': 'wrong' }].map((headers) => ({ ...request, headers })),
})

it('D4 the own card that the patient shared binds the account to the contact with that number, another\'s does not', async () => {
  const { contactId } = replay.board().stage.world
  for (const [name, contact] of [['own', String(contactId)], ['foreign', null]] as const) {
    const line = await replay.openLine()
    await replay.send(line, webhook(`telegram-contact-${name}`))
    expect([name, (await replay.traceOf(line)).people]).toEqual([name, [{ state: 'active', contact_id: contact }]])
  }
})

const secret = { 'x-telegram-bot-api-secret-token': form.webhookSecret }
const person = { id: 500000001, is_bot: false, first_name: 'Иван', last_name: null, username: null, language_code: 'ru' }
const chat = { id: 500000001, type: 'private', first_name: 'Иван' }
const update = (more: object): RawRequest => post({ update_id: 990000001, ...more }, secret)
const message = (more: object): RawRequest => update({ message: { message_id: 300, from: person, chat, date: 1780000000, ...more } })
const member = (status: string, more: object = {}): RawRequest => update({ my_chat_member: { chat, from: person, date: 1780000000, old_chat_member: { status: 'member' }, new_chat_member: { status, user: { id: 7000000001 } }, ...more } })
const reaction = (more: object): RawRequest => update({ message_reaction: { chat, message_id: 90, user: person, date: 1780000000, old_reaction: [], new_reaction: [{ type: 'emoji', emoji: '👍' }], ...more } })

it.each<[string, RawRequest, object]>([
  // Telegram can prove no reading as a rule, so a step waits for a press or a reply; a reaction is noted all the same.
  ['a reaction to the reminder', reaction({}), reached('read')],
  ['a reaction that is taken back', reaction({ old_reaction: [{ type: 'emoji', emoji: '👍' }], new_reaction: [] }), {}],
  ['a reaction in a group', reaction({ chat: { id: -100123, type: 'supergroup' } }), {}],
  ['a reaction of a channel', reaction({ user: undefined, actor_chat: { id: -100123, type: 'channel' } }), {}],
  ['a reaction to something else', reaction({ message_id: 91 }), { parked: 1 }],
  ['a sticker', message({ sticker: { file_id: 'f', is_animated: true } }), wrote],
  ['a place', message({ location: { latitude: 55.7, longitude: 37.6 } }), wrote],
  ['a dice', message({ dice: { emoji: '🎲', value: 3 } }), wrote],
  ['a poll', message({ poll: { id: '1', question: '?' } }), wrote],
  ['a picture of an album', message({ media_group_id: 'g', photo: [{ file_id: 'a', width: 1, height: 1 }], caption: 'Снимок' }), wrote],
  ['a message that was pinned', message({ pinned_message: { message_id: 90, chat, date: 1 } }), {}],
  ['a start with a name of the bot', message({ text: '/start@clinic_example_bot L_k3Jx9QmZb2' }), started],
  ['a start with a token that is too long', message({ text: `/start ${'a'.repeat(65)}` }), started],
  ['another command', message({ text: '/help' }), wrote],
  ['an account of eleven digits', message({ from: { ...person, id: 5_000_000_000_001 }, chat: { ...chat, id: 5_000_000_000_001 }, text: 'Да' }), { ...heard, ...askedFor }],
  ['another bot', message({ from: { ...person, is_bot: true }, text: 'Да' }), {}],
  ['a channel', update({ channel_post: { message_id: 5, chat: { id: -100123, type: 'channel' }, date: 1, text: 'x' } }), {}],
  ['a message without a sender', message({ from: undefined, text: 'Да' }), {}],
  ['an edit of what never came', update({ edited_message: { message_id: 300, from: person, chat, date: 1, edit_date: 2, text: 'Нет' } }), { messages: 1 }],
  ['a live place that moves', update({ edited_message: { message_id: 300, from: person, chat, date: 1, edit_date: 2, location: { latitude: 1, longitude: 2 } } }), {}],
  ['a press under an inline message', update({ callback_query: { id: 'q1', from: person, inline_message_id: 'i', chat_instance: '1', data: 'other' } }), pressed],
  ['a game', update({ callback_query: { id: 'q2', from: person, chat_instance: '1', game_short_name: 'g' } }), {}],
  ['a bot that was restarted', member('member'), stranger],
  ['a bot that was stopped', member('kicked'), blocked],
  ['a bot that was thrown out of a group', member('kicked', { chat: { id: -100123, type: 'supergroup', title: 'x' } }), {}],
  ['a membership that nobody knows', member('ascended'), {}],
  ['a number that is no telephone\'s', message({ contact: { phone_number: '+88812345678', user_id: 500000001, first_name: 'Иван' } }), { ...heard, said: ['findContact'] }],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('an update whose repetition has another number counts once', async () => {
  const line = await replay.openLine()
  for (const update_id of [1, 990000002]) await replay.send(line, post({ update_id, message: { message_id: 300, from: person, chat, date: 1780000000, text: 'Да' } }, secret))
  expect(await replay.traceOf(line)).toMatchObject({ ...wrote })
})

it.each([post('', secret), post('null', secret), post('[]', secret), post('{}', secret), message({ chat: { id: 'x', type: 'private' } }), message({ date: undefined, from: { id: '500000001' } })])('what makes no sense is kept and answered (%#)', async (request) => {
  await replay.expectUnreadable(request)
})
