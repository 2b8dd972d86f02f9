import { z } from 'zod'
import { type ChannelChat, type Inbound, type RawRequest } from '../channel.ts'
import { momentOf, readAs, readUpdate, sameSecret } from '../reading.ts'
import { bodySchema, contentOf } from './content.ts'
import { type MaxCredentials } from './credentials.ts'

/** What `connect` subscribes to: updates that tell something of a patient. */
export const updateTypes = ['message_created', 'message_edited', 'message_removed', 'message_callback', 'bot_started', 'bot_stopped', 'dialog_removed'] as const

/** @see https://dev.max.ru/docs-api/objects/User */
const user = z.looseObject({ user_id: z.int(), name: z.string().optional(), first_name: z.string().optional(), username: z.string().nullish(), is_bot: z.boolean().optional() })

/** Milliseconds; who wrote what counts even without them. */
const moment = z.unknown().optional().transform(momentOf)

/** A dialogue's id may be beyond 2^53: only its sign is read. */
const recipient = z.looseObject({ chat_id: z.number().nullish(), chat_type: z.string() })

/** `body` may be null in a message that only passes another one on. @see https://dev.max.ru/docs-api/objects/Message */
export const messageSchema = z.looseObject({
  sender: user.optional(),
  recipient,
  timestamp: moment,
  link: z.looseObject({ type: z.string(), message: bodySchema.nullish() }).nullish(),
  body: bodySchema.nullish(),
})

/** @see https://dev.max.ru/docs-api/objects/Update */
const created = z.looseObject({ timestamp: moment, message: messageSchema })
const pressed = z.looseObject({
  timestamp: moment,
  callback: z.looseObject({ callback_id: z.string(), payload: z.string().nullish(), user, timestamp: moment }),
  /** The bot's own message under which the button stood; null when it has been deleted. */
  message: z.looseObject({ recipient, body: z.looseObject({ mid: z.string() }) }).nullish(),
})
/** Who removed it is the user; a group's id is negative. */
const removed = z.looseObject({ timestamp: moment, message_id: z.string(), chat_id: z.number(), user_id: z.int() })
const dialogue = z.looseObject({ timestamp: moment, chat_id: z.number(), user, payload: z.string().nullish() })
const envelope = z.looseObject({ update_type: z.string() })

type User = z.output<typeof user>

/** @see https://dev.max.ru/docs-api/methods/POST/subscriptions */
export const verify = (request: RawRequest, credentials: MaxCredentials): boolean => sameSecret(request.headers['x-max-bot-api-secret'], credentials.webhookSecret)

export const parse = (request: RawRequest, credentials: MaxCredentials): readonly Inbound[] => {
  const body = readUpdate(request)
  const { update_type } = readAs(envelope, body)
  switch (update_type) {
    case 'message_created':
      return ofMessage(readAs(created, body).message, credentials)
    case 'message_edited':
      return ofEdit(readAs(created, body))
    case 'message_removed':
      return ofRemoval(readAs(removed, body))
    case 'message_callback':
      return ofPress(readAs(pressed, body))
    case 'bot_started':
      return ofStart(readAs(dialogue, body))
    case 'bot_stopped':
    case 'dialog_removed':
      return ofEnd(readAs(dialogue, body))
    default:
      // Clearing and muting change nothing that we know of the patient; groups are not patients.
      return []
  }
}

/** By the user's id, since an update about a press may come without the dialogue; a dialogue has one user. */
const chatOf = ({ user_id, name, first_name, username }: User): ChannelChat => {
  const shown = name ?? first_name
  return {
    id: String(user_id),
    userId: String(user_id),
    ...(shown === undefined ? {} : { name: shown }),
    ...(username === undefined || username === null ? {} : { username }),
  }
}

const isDialogue = ({ chat_type }: { chat_type: string }): boolean => chat_type === 'dialog'

type Message = z.output<typeof messageSchema>

/** The patient who wrote it, in a dialogue with this bot; groups, channels, comments and bots - our own echo too - are none. */
const patientOf = ({ sender, recipient }: Message): User | undefined => (sender === undefined || sender.is_bot === true || !isDialogue(recipient) ? undefined : sender)

const ofMessage = (message: Message, credentials: MaxCredentials): readonly Inbound[] => {
  const { link, timestamp } = message
  const sender = patientOf(message)
  const body = message.body ?? undefined
  const linked = link?.message ?? undefined
  const mid = body?.mid ?? linked?.mid
  if (sender === undefined || mid === undefined) return []
  const isForwarded = link?.type === 'forward'
  const quoted = link?.type === 'reply' ? linked : undefined
  return [
    {
      type: 'message',
      // Without a body of its own it has no id: the same message may be passed on twice.
      externalId: body?.mid ?? `forward:${mid}:${timestamp}`,
      chat: chatOf(sender),
      ...contentOf(body, isForwarded ? linked : undefined, mid, { userId: sender.user_id, botToken: credentials.token }),
      ...(quoted === undefined ? {} : { replyTo: quoted.mid }),
      ...(typeof quoted?.text === 'string' && quoted.text !== '' ? { quotedText: quoted.text } : {}),
      ...(isForwarded ? { isForwarded } : {}),
      at: timestamp,
    },
  ]
}

const ofEdit = ({ message, timestamp }: z.output<typeof created>): readonly Inbound[] => {
  const sender = patientOf(message)
  if (sender === undefined || message.body === undefined || message.body === null) return []
  return [{ type: 'edit', externalId: message.body.mid, chat: chatOf(sender), text: message.body.text ?? '', at: timestamp }]
}

const ofRemoval = ({ message_id, chat_id, user_id, timestamp }: z.output<typeof removed>): readonly Inbound[] =>
  chat_id < 0 ? [] : [{ type: 'delete', externalId: message_id, chat: chatOf({ user_id }), at: timestamp }]

const ofPress = ({ callback, message, timestamp }: z.output<typeof pressed>): readonly Inbound[] => {
  if (callback.payload === undefined || callback.payload === null || (message && !isDialogue(message.recipient))) return []
  return [
    {
      type: 'action',
      externalId: callback.callback_id,
      chat: chatOf(callback.user),
      ...(message ? { messageId: message.body.mid } : {}),
      payload: callback.payload,
      at: callback.timestamp ?? timestamp,
    },
  ]
}

const startToken = /^[A-Za-z0-9_-]{1,128}$/

/** Start is a message like any other, so that both bots' starts are one event; MAX gives it no id, its time and person are one. */
const ofStart = ({ chat_id, user, payload, timestamp }: z.output<typeof dialogue>): readonly Inbound[] => {
  const chat = chatOf(user)
  return [
    { type: 'reachability', chat, state: 'active', at: timestamp },
    {
      type: 'message',
      externalId: `bot_started:${chat_id}:${user.user_id}:${timestamp}`,
      chat,
      text: '/start',
      ...(payload !== undefined && payload !== null && startToken.test(payload) ? { startPayload: payload } : {}),
      at: timestamp,
    },
  ]
}

/** Until the person writes or starts the bot again. */
const ofEnd = ({ user, timestamp }: z.output<typeof dialogue>): readonly Inbound[] => [{ type: 'reachability', chat: chatOf(user), state: 'blocked', at: timestamp }]
