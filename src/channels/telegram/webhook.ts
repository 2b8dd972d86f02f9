import { z } from 'zod'
import { readAs, readJson, sameSecret, type ChannelChat, type Inbound, type RawRequest, type SharedContact } from '../channel.ts'
import { type TelegramCredentials } from './credentials.ts'

/** What `connect` asks Telegram for: everything else it keeps to itself. */
export const updateTypes = ['message', 'edited_message', 'callback_query', 'my_chat_member'] as const

/** @see https://core.telegram.org/bots/api#user */
const user = z.looseObject({ id: z.int(), is_bot: z.boolean(), first_name: z.string(), last_name: z.string().optional(), username: z.string().optional() })
/** @see https://core.telegram.org/bots/api#chat */
const chat = z.looseObject({ id: z.int(), type: z.string() })

/** @see https://core.telegram.org/bots/api#message */
const messageSchema = z.looseObject({
  message_id: z.int(),
  from: user.optional(),
  chat,
  date: z.int(),
  text: z.string().optional(),
  caption: z.string().optional(),
  contact: z.looseObject({ phone_number: z.string(), user_id: z.int().optional() }).optional(),
  reply_to_message: z.looseObject({ message_id: z.int(), from: z.looseObject({ is_bot: z.boolean() }).optional() }).optional(),
})

/** @see https://core.telegram.org/bots/api#update */
const updateSchema = z.looseObject({
  update_id: z.int(),
  message: messageSchema.optional(),
  /** `message` may be inaccessible: then it has no text and its date is 0, but it still names the chat. */
  callback_query: z
    .looseObject({
      id: z.string(),
      from: user,
      message: z.looseObject({ message_id: z.int(), chat }).optional(),
      data: z.string().optional(),
    })
    .optional(),
  my_chat_member: z.looseObject({ chat, from: user, date: z.int(), new_chat_member: z.looseObject({ status: z.string() }) }).optional(),
})

type User = z.output<typeof user>
type Message = z.output<typeof messageSchema>
type Update = z.output<typeof updateSchema>

/** @see https://core.telegram.org/bots/api#setwebhook */
export const verify = (request: RawRequest, credentials: TelegramCredentials): boolean =>
  sameSecret(request.headers['x-telegram-bot-api-secret-token'], credentials.webhookSecret)

/** Groups and channels are not patients; in a private chat the chat's id is the person's. An edit changes no answer already taken. */
export const parse = (request: RawRequest): readonly Inbound[] => {
  const update = readAs(updateSchema, readJson(request))
  if (update.message !== undefined) return ofMessage(update.message)
  if (update.callback_query !== undefined) return ofPress(update.callback_query)
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
  const { from, contact, reply_to_message: quoted } = message
  if (from === undefined || !isPrivate(message.chat, from)) return []
  const text = message.text ?? message.caption ?? ''
  const start = startCommand.exec(text)
  // Anybody can type anything after /start: what is not a token counts for nothing and goes no further.
  const token = start?.[1]?.trim() ?? ''
  return [
    {
      type: 'message',
      externalId: messageIdOf(message.chat.id, message.message_id),
      chat: chatOf(from),
      text: start === null ? text : '/start',
      ...(quoted?.from?.is_bot === true ? { replyTo: messageIdOf(message.chat.id, quoted.message_id) } : {}),
      ...(contact === undefined ? {} : { contact: contactOf(contact, from) }),
      ...(startToken.test(token) ? { startPayload: token } : {}),
      at: message.date * 1000,
    },
  ]
}

/** Telegram fills `user_id` in by the number's account, so it equals the sender's only on the sender's own card. */
const contactOf = (contact: { phone_number: string; user_id?: number }, from: User): SharedContact => ({
  phone: `+${contact.phone_number.replace(/\D/g, '')}`,
  isOwn: contact.user_id === from.id,
})

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

const memberships: Readonly<Record<string, 'active' | 'blocked'>> = { member: 'active', kicked: 'blocked' }

const ofMembership = ({ chat, from, date, new_chat_member }: NonNullable<Update['my_chat_member']>): readonly Inbound[] => {
  const state = memberships[new_chat_member.status]
  return state === undefined || !isPrivate(chat, from) ? [] : [{ type: 'reachability', chat: chatOf(from), state, at: date * 1000 }]
}
