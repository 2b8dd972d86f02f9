import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { readAs, readJson, sameSecret, type ChannelChat, type Inbound, type RawRequest, type SharedContact } from '../channel.ts'
import { type MaxCredentials } from './credentials.ts'

/** What `connect` subscribes to: updates that tell something of a patient. */
export const updateTypes = ['message_created', 'message_callback', 'bot_started', 'bot_stopped', 'dialog_removed'] as const

/** @see https://dev.max.ru/docs-api/objects/User */
const user = z.looseObject({ user_id: z.int(), name: z.string().optional(), first_name: z.string().optional(), username: z.string().nullish(), is_bot: z.boolean().optional() })

const recipient = z.looseObject({ chat_id: z.int().nullish(), chat_type: z.string() })

/** `seq` is left alone: it is beyond 2^53 and JSON.parse has already spoilt it. @see https://dev.max.ru/docs-api/objects/Message */
const messageSchema = z.looseObject({
  sender: user.optional(),
  recipient,
  timestamp: z.number(),
  link: z
    .looseObject({ type: z.string(), sender: user.nullish(), message: z.looseObject({ mid: z.string() }).optional() })
    .nullish(),
  body: z.looseObject({
    mid: z.string(),
    text: z.string().nullish(),
    attachments: z.array(z.looseObject({ type: z.string(), payload: z.unknown() })).nullish(),
  }),
})

const contactPayload = z.looseObject({
  vcf_info: z.string().nullish(),
  max_info: z.looseObject({ user_id: z.int() }).nullish(),
  hash: z.string().nullish(),
})

/** @see https://dev.max.ru/docs-api/objects/Update */
const created = z.looseObject({ timestamp: z.number(), message: messageSchema })
const pressed = z.looseObject({
  timestamp: z.number(),
  callback: z.looseObject({ callback_id: z.string(), payload: z.string().nullish(), user, timestamp: z.number().optional() }),
  /** The bot's own message under which the button stood; null when it has been deleted. */
  message: z.looseObject({ recipient, body: z.looseObject({ mid: z.string() }) }).nullish(),
})
const dialogue = z.looseObject({ timestamp: z.number(), chat_id: z.int(), user, payload: z.string().nullish() })
const envelope = z.looseObject({ update_type: z.string() })

type User = z.output<typeof user>

/** @see https://dev.max.ru/docs-api/methods/POST/subscriptions */
export const verify = (request: RawRequest, credentials: MaxCredentials): boolean => sameSecret(request.headers['x-max-bot-api-secret'], credentials.webhookSecret)

export const parse = (request: RawRequest, credentials: MaxCredentials): readonly Inbound[] => {
  const body = readJson(request)
  const { update_type } = readAs(envelope, body)
  switch (update_type) {
    case 'message_created':
      return ofMessage(readAs(created, body).message, credentials)
    case 'message_callback':
      return ofPress(readAs(pressed, body))
    case 'bot_started':
      return ofStart(readAs(dialogue, body))
    case 'bot_stopped':
    case 'dialog_removed':
      return ofEnd(readAs(dialogue, body))
    default:
      // Edits, removals, clearing and muting change nothing that we know of the patient; groups are not patients.
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

const ofMessage = (message: z.output<typeof messageSchema>, credentials: MaxCredentials): readonly Inbound[] => {
  const { sender, recipient, link, body, timestamp } = message
  if (sender === undefined || sender.is_bot === true || !isDialogue(recipient)) return []
  const card = body.attachments?.find(({ type }) => type === 'contact')
  const contact = card === undefined ? undefined : contactOf(readAs(contactPayload, card.payload), sender, credentials)
  const isReply = link?.type === 'reply' && link.message !== undefined && link.sender?.user_id !== sender.user_id
  return [
    {
      type: 'message',
      externalId: body.mid,
      chat: chatOf(sender),
      text: body.text ?? '',
      ...(isReply ? { replyTo: link.message?.mid } : {}),
      ...(contact === undefined ? {} : { contact }),
      at: timestamp,
    },
  ]
}

/**
 * A number is the sender's own only when MAX signed this very card for this bot and names the sender in it. The card is hashed as it
 * came, CRLF included; one that was sent through the paper-clip or forwarded has no hash.
 *
 * @see https://dev.max.ru/docs-api/objects/NewMessageBody
 */
const contactOf = (card: z.output<typeof contactPayload>, sender: User, credentials: MaxCredentials): SharedContact | undefined => {
  const vcf = card.vcf_info ?? ''
  const digits = /^TEL[^:\r\n]*:([^\r\n]+)/im.exec(vcf)?.[1]?.replace(/\D/g, '') ?? ''
  if (digits === '') return undefined
  const expected = createHmac('sha256', credentials.token).update(vcf).digest('hex')
  const isSigned = sameSecret(card.hash?.toLowerCase(), expected)
  return { phone: `+${digits}`, isOwn: isSigned && card.max_info?.user_id === sender.user_id }
}

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
