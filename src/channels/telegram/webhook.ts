import { z } from 'zod'
import { type ChannelChat, type Inbound, type RawRequest } from '../channel.ts'
import { readAs, readUpdate, sameSecret } from '../reading.ts'
import { contentOf, contentSchema } from './content.ts'
import { type TelegramCredentials } from './credentials.ts'

/** What `connect` asks Telegram for: everything else it keeps to itself. */
export const updateTypes = ['message', 'edited_message', 'callback_query', 'my_chat_member', 'message_reaction'] as const

/** @see https://core.telegram.org/bots/api#user */
const user = z.looseObject({ id: z.int(), is_bot: z.boolean(), first_name: z.string(), last_name: z.string().optional(), username: z.string().optional() })
/** @see https://core.telegram.org/bots/api#chat */
const chat = z.looseObject({ id: z.int(), type: z.string() })

/** @see https://core.telegram.org/bots/api#message */
const messageSchema = contentSchema.extend({
  message_id: z.int(),
  from: user.optional(),
  chat,
  date: z.int(),
  edit_date: z.int().optional(),
  forward_origin: z.looseObject({}).optional(),
  quote: z.looseObject({ text: z.string() }).optional(),
  reply_to_message: z.looseObject({ message_id: z.int(), text: z.string().optional(), caption: z.string().optional() }).optional(),
})

/** @see https://core.telegram.org/bots/api#update */
const updateSchema = z.looseObject({
  update_id: z.int(),
  message: messageSchema.optional(),
  edited_message: messageSchema.optional(),
  /** `message` may be inaccessible: then it has no text and its date is 0, but it still names the chat. */
  callback_query: z
    .looseObject({
      id: z.string(),
      from: user,
      message: z.looseObject({ message_id: z.int(), chat }).optional(),
      data: z.string().optional(),
    })
    .optional(),
  /** @see https://core.telegram.org/bots/api#messagereactionupdated */
  message_reaction: z.looseObject({ chat, message_id: z.int(), user: user.optional(), date: z.int(), new_reaction: z.array(z.unknown()).default([]) }).optional(),
  my_chat_member: z.looseObject({ chat, from: user, date: z.int(), new_chat_member: z.looseObject({ status: z.string() }) }).optional(),
})

type User = z.output<typeof user>
type Message = z.output<typeof messageSchema>
type Update = z.output<typeof updateSchema>

/** @see https://core.telegram.org/bots/api#setwebhook */
export const verify = (request: RawRequest, credentials: TelegramCredentials): boolean =>
  sameSecret(request.headers['x-telegram-bot-api-secret-token'], credentials.webhookSecret)

/** Groups and channels are not patients; in a private chat the chat's id is the person's. What is deleted Telegram does not tell. */
export const parse = (request: RawRequest): readonly Inbound[] => {
  const update = readAs(updateSchema, readUpdate(request))
  if (update.message !== undefined) return ofMessage(update.message)
  if (update.edited_message !== undefined) return ofEdit(update.edited_message)
  if (update.callback_query !== undefined) return ofPress(update.callback_query)
  if (update.message_reaction !== undefined) return ofReaction(update.message_reaction)
  return update.my_chat_member === undefined ? [] : ofMembership(update.my_chat_member)
}

/** Message ids are documented as unique inside their chat only. */
export const messageIdOf = (chatId: number, messageId: number): string => `${chatId}:${messageId}`

const isPrivate = (chat: { id: number; type: string }, from: User): boolean => chat.type === 'private' && chat.id === from.id && !from.is_bot

const chatOf = ({ id, first_name, last_name, username }: User): ChannelChat => ({
  id: String(id),
  userId: String(id),
  name: [first_name, last_name].filter((part) => part !== undefined && part !== '').join(' '),
  ...(username === undefined ? {} : { username }),
})

/** @see https://core.telegram.org/bots/features#deep-linking */
const startCommand = /^\/start(?:@\w+)?(?:\s+([\s\S]*))?$/
const startToken = /^[A-Za-z0-9_-]{1,64}$/

const ofMessage = (message: Message): readonly Inbound[] => {
  const { from, quote, reply_to_message: quoted } = message
  if (from === undefined || !isPrivate(message.chat, from)) return []
  const said = contentOf(message, from.id)
  if (said === undefined) return []
  const start = message.text === undefined ? null : startCommand.exec(message.text)
  // Anybody can type anything after /start: what is not a token, or was somebody else's start, counts for nothing and goes no further.
  const token = message.forward_origin === undefined ? (start?.[1]?.trim() ?? '') : ''
  const quotedText = quote?.text ?? quoted?.text ?? quoted?.caption
  return [
    {
      type: 'message',
      externalId: messageIdOf(message.chat.id, message.message_id),
      chat: chatOf(from),
      ...said,
      ...(start === null ? {} : { text: '/start' }),
      ...(quoted === undefined ? {} : { replyTo: messageIdOf(message.chat.id, quoted.message_id) }),
      ...(quotedText === undefined ? {} : { quotedText }),
      ...(message.forward_origin === undefined ? {} : { isForwarded: true }),
      ...(startToken.test(token) ? { startPayload: token } : {}),
      at: message.date * 1000,
    },
  ]
}

/** A live location moves by edits, several a minute: only words and captions are told. */
const ofEdit = (message: Message): readonly Inbound[] => {
  const { from, location, venue, edit_date } = message
  if (from === undefined || !isPrivate(message.chat, from) || location !== undefined || venue !== undefined) return []
  return [
    {
      type: 'edit',
      externalId: messageIdOf(message.chat.id, message.message_id),
      chat: chatOf(from),
      text: message.text ?? message.caption ?? '',
      at: (edit_date ?? message.date) * 1000,
    },
  ]
}

const ofPress = ({ id, from, message, data }: NonNullable<Update['callback_query']>): readonly Inbound[] => {
  if (data === undefined || from.is_bot) return []
  if (message !== undefined && !isPrivate(message.chat, from)) return []
  return [
    {
      type: 'action',
      externalId: id,
      chat: chatOf(from),
      ...(message === undefined ? {} : { messageId: messageIdOf(message.chat.id, message.message_id) }),
      payload: data,
    },
  ]
}

/** Whoever puts a sign under a message has read it; taking it away says nothing. */
const ofReaction = ({ chat, message_id, user, date, new_reaction }: NonNullable<Update['message_reaction']>): readonly Inbound[] =>
  user === undefined || new_reaction.length === 0 || !isPrivate(chat, user) ? [] : [{ type: 'receipt', externalId: messageIdOf(chat.id, message_id), level: 'read', at: date * 1000 }]

const memberships: Readonly<Record<string, 'active' | 'blocked'>> = { member: 'active', kicked: 'blocked' }

const ofMembership = ({ chat, from, date, new_chat_member }: NonNullable<Update['my_chat_member']>): readonly Inbound[] => {
  const state = memberships[new_chat_member.status]
  return state === undefined || !isPrivate(chat, from) ? [] : [{ type: 'reachability', chat: chatOf(from), state, at: date * 1000 }]
}
