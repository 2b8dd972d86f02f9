import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { type ChannelChat, type Inbound, type RawRequest } from '../channel.ts'
import { momentOf, readAs, readEach, readUpdate, sameSecret } from '../reading.ts'
import { contentOf, contentSchema, digitsOf, textOf } from './content.ts'
import { type WhatsAppCredentials } from './credentials.ts'
import { classOfStatus } from './errors.ts'
import { isPartner } from './graph.ts'

/** Partners do not pass Meta's signature on; the header that `connect` has them add proves them instead. */
export const partnerSecretHeader = 'x-estafeta-secret'

/** A number in the documentation, a text where a partner passes it on. */
const code = z.union([z.number(), z.string().regex(/^\d{1,9}$/).transform(Number)])
const errors = z.array(z.looseObject({ code: code.optional().catch(undefined) })).optional().catch(undefined)

/** @see https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages */
const messageSchema = contentSchema.extend({
  /** Both are optional since people may hide their number: at least one of them comes. */
  from: z.string().optional(),
  from_user_id: z.string().optional(),
  id: z.string(),
  timestamp: z.unknown().optional(),
  group_id: z.string().optional(),
  context: z.looseObject({ id: z.string().optional(), forwarded: z.boolean().optional(), frequently_forwarded: z.boolean().optional() }).optional(),
  interactive: z
    .looseObject({
      button_reply: z.looseObject({ id: z.string() }).optional(),
      list_reply: z.looseObject({ id: z.string() }).optional(),
    })
    .optional(),
  reaction: z.looseObject({ message_id: z.string() }).optional(),
  system: z.looseObject({ type: z.string().optional() }).optional(),
  /** The number is used in the WhatsApp Business app as well: there people's edits and removals are told. */
  edit: z.looseObject({ original_message_id: z.string(), message: contentSchema }).optional(),
  revoke: z.looseObject({ original_message_id: z.string() }).optional(),
})

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes/ */
const echoSchema = contentSchema.extend({
  to: z.string().optional(),
  to_user_id: z.string().optional(),
  id: z.string(),
  timestamp: z.unknown().optional(),
  group_id: z.string().optional(),
})
/** Many come at once, of many patients. */
const list = z.array(z.unknown()).default([])
const echoesValue = z.looseObject({ metadata: z.looseObject({ phone_number_id: z.string() }), message_echoes: list })

/** @see https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status */
const statusSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  timestamp: z.unknown().optional(),
  biz_opaque_callback_data: z.string().optional(),
  errors,
})

const profile = z.looseObject({ profile: z.looseObject({ name: z.string().optional() }).optional(), wa_id: z.string().optional(), user_id: z.string().optional() })
const messagesValue = z.looseObject({
  metadata: z.looseObject({ phone_number_id: z.string(), display_phone_number: z.string().optional() }),
  /** Names only: without them a message is as good. */
  contacts: z.array(profile).optional().catch(undefined),
  messages: list,
  statuses: list,
  errors,
})

/** @see https://developers.facebook.com/docs/whatsapp/business-management-api/webhooks/components */
const templateValue = z.looseObject({ event: z.string(), message_template_name: z.string(), message_template_language: z.string() })
const accountValue = z.looseObject({ event: z.string(), ban_info: z.looseObject({ waba_ban_state: z.string().optional() }).optional() })

const envelope = z.looseObject({ entry: z.array(z.looseObject({ id: z.string(), changes: z.array(z.unknown()) })) })
const changeSchema = z.looseObject({ field: z.string(), value: z.unknown() })

type Message = z.output<typeof messageSchema>
type Status = z.output<typeof statusSchema>
type MessagesValue = z.output<typeof messagesValue>

/** Meta signs the raw bytes: it escapes `/` and non-ASCII, so a body that was parsed and printed again never matches. */
export const verify = (request: RawRequest, credentials: WhatsAppCredentials): boolean => {
  if (isPartner(credentials)) return sameSecret(request.headers[partnerSecretHeader], credentials.appSecret)
  const signature = createHmac('sha256', credentials.appSecret).update(request.body).digest('hex')
  return sameSecret(request.headers['x-hub-signature-256'], `sha256=${signature}`)
}

/** @see https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests */
export const handshake = (request: RawRequest, credentials: WhatsAppCredentials): string | undefined => {
  const { query } = request
  if (query['hub.mode'] !== 'subscribe' || !sameSecret(query['hub.verify_token'], credentials.verifyToken)) return undefined
  const challenge = query['hub.challenge']
  // It is echoed on our own address, so nothing but the token that Meta makes may pass.
  return challenge !== undefined && /^[\w-]{1,200}$/.test(challenge) ? challenge : undefined
}

/** One POST may carry several numbers of the account: only ours is kept, by its id and not by the address that was called. */
export const parse = (request: RawRequest, credentials: WhatsAppCredentials): readonly Inbound[] => {
  const { entry } = readAs(envelope, readUpdate(request))
  const changes = entry.flatMap(({ id, changes: parts }) => parts.map((part) => ({ id, part })))
  return readEach(changes, ({ id, part }) => {
    const { field, value } = readAs(changeSchema, part)
    if (field === 'messages') return ofMessages(readAs(messagesValue, value), credentials)
    if (field === 'smb_message_echoes') return ofEchoes(readAs(echoesValue, value), credentials)
    if (id !== credentials.businessAccountId) return []
    if (field === 'message_template_status_update') return ofTemplate(readAs(templateValue, value))
    return field === 'account_update' ? ofAccount(readAs(accountValue, value)) : []
  })
}

const ofMessages = (value: MessagesValue, credentials: WhatsAppCredentials): readonly Inbound[] => {
  if (value.metadata.phone_number_id !== credentials.phoneNumberId) return []
  const broken = (value.errors ?? []).flatMap(({ code: told }) => (told !== undefined && classOfStatus(told) === 'channelPermanent' ? [told] : []))
  const readers = [
    ...value.messages.map((part) => () => ofMessage(readAs(messageSchema, part), value)),
    ...value.statuses.map((part) => () => ofStatus(readAs(statusSchema, part))),
    ...broken.map((told) => (): readonly Inbound[] => [{ type: 'connection', state: 'broken', code: String(told) }]),
  ]
  return readEach(readers, (reader) => reader())
}

interface Person {
  readonly phone: string | undefined
  readonly userId: string | undefined
}

const bsuid = /^[A-Z]{2}\.[A-Za-z0-9._-]{1,160}$/

/**
 * The person by their BSUID where Meta sends it, since the phone may disappear from a later webhook; by the digits otherwise. A number
 * is spelled in one way, however it came.
 *
 * @see https://developers.facebook.com/docs/whatsapp/business-scoped-user-ids
 */
const chatOf = ({ phone, userId }: Person, contacts: MessagesValue['contacts'] = []): ChannelChat | undefined => {
  const digits = phone === undefined ? '' : digitsOf(phone)
  const known = userId !== undefined && bsuid.test(userId) ? userId : undefined
  const id = known ?? digits
  if (id === '') return undefined
  const profile = contacts.find(({ wa_id, user_id }) => (known !== undefined && user_id === known) || (digits !== '' && wa_id !== undefined && digitsOf(wa_id) === digits))
  const name = profile?.profile?.name
  return { id, userId: id, ...(name === undefined ? {} : { name }), ...(digits === '' ? {} : { phone: `+${digits}` }) }
}

const ofMessage = (message: Message, { metadata, contacts }: MessagesValue): readonly Inbound[] => {
  const chat = chatOf({ phone: message.from, userId: message.from_user_id }, contacts)
  // A group is not a patient, and what our own number says is no patient's word.
  const isOurs = chat?.phone !== undefined && metadata.display_phone_number !== undefined && chat.phone === `+${digitsOf(metadata.display_phone_number)}`
  if (chat === undefined || message.group_id !== undefined || isOurs) return []
  const at = momentOf(message.timestamp)
  const quoted = message.context?.id

  const pressed = message.interactive?.button_reply?.id ?? message.interactive?.list_reply?.id ?? message.button?.payload
  if (pressed !== undefined) return [{ type: 'action', externalId: message.id, chat, ...(quoted === undefined ? {} : { messageId: quoted }), payload: pressed, at }]
  // A reaction says nothing, but nobody reacts to what they have not seen.
  if (message.reaction !== undefined) return [{ type: 'receipt', externalId: message.reaction.message_id, level: 'read', at }]
  if (message.edit !== undefined) return [{ type: 'edit', externalId: message.edit.original_message_id, chat, text: textOf(message.edit.message), at }]
  if (message.revoke !== undefined) return [{ type: 'delete', externalId: message.revoke.original_message_id, chat, at }]
  // The number moved to another account: writing to the old one would reach whoever gets it next. The card is not relinked by us.
  if (message.type === 'system') return message.system?.type === 'user_changed_number' ? [{ type: 'reachability', chat, state: 'blocked', at }] : []

  const isForwarded = message.context?.forwarded === true || message.context?.frequently_forwarded === true
  return [
    {
      type: 'message',
      externalId: message.id,
      chat,
      ...contentOf(message),
      ...(quoted === undefined ? {} : { replyTo: quoted }),
      ...(isForwarded ? { isForwarded } : {}),
      at,
    },
  ]
}

/** Staff answered in the WhatsApp Business app. What they edit or take back there is not told further: the history keeps what was said. */
const ofEchoes = ({ metadata, message_echoes }: z.output<typeof echoesValue>, credentials: WhatsAppCredentials): readonly Inbound[] => {
  if (metadata.phone_number_id !== credentials.phoneNumberId) return []
  return readEach(message_echoes, (part): readonly Inbound[] => {
    const message = readAs(echoSchema, part)
    const chat = chatOf({ phone: message.to, userId: message.to_user_id })
    if (chat === undefined || message.group_id !== undefined || message.type === 'edit' || message.type === 'revoke') return []
    const { text, files } = contentOf(message)
    return [{ type: 'echo', externalId: message.id, chat, text, ...(files === undefined ? {} : { files }), at: momentOf(message.timestamp) }]
  })
}

const levels = { sent: 'sent', delivered: 'delivered', read: 'read', played: 'read' } as const
const isLevel = (status: string): status is keyof typeof levels => Object.hasOwn(levels, status)

const ofStatus = (status: Status): readonly Inbound[] => {
  const ref = status.biz_opaque_callback_data
  const which = { externalId: status.id, ...(ref === undefined ? {} : { attemptRef: ref }), at: momentOf(status.timestamp) }
  if (isLevel(status.status)) return [{ type: 'receipt', ...which, level: levels[status.status] }]
  if (status.status !== 'failed') return []
  const told = status.errors?.[0]?.code
  return [{ type: 'failure', ...which, failure: { class: told === undefined ? 'recipientTemporary' : classOfStatus(told), code: String(told ?? 'failed') } }]
}

const brokenTemplates = new Set(['PAUSED', 'DISABLED', 'REJECTED', 'ARCHIVED', 'LOCKED', 'PENDING_DELETION', 'DELETED'])
const workingTemplates = new Set(['APPROVED', 'REINSTATED', 'UNARCHIVED', 'UNPAUSED'])

const ofTemplate = ({ event, message_template_name, message_template_language }: z.output<typeof templateValue>): readonly Inbound[] => {
  const state = brokenTemplates.has(event) ? 'broken' : workingTemplates.has(event) ? 'working' : undefined
  return state === undefined ? [] : [{ type: 'connection', state, code: `template ${event} ${message_template_name} ${message_template_language}` }]
}

const brokenAccounts = new Set(['ACCOUNT_DELETED', 'ACCOUNT_RESTRICTION', 'ACCOUNT_VIOLATION', 'PARTNER_REMOVED'])

const ofAccount = ({ event, ban_info }: z.output<typeof accountValue>): readonly Inbound[] => {
  if (event === 'DISABLED_UPDATE') {
    const ban = ban_info?.waba_ban_state ?? 'DISABLE'
    if (ban === 'DISABLE') return [{ type: 'connection', state: 'broken', code: event }]
    return ban === 'REINSTATE' ? [{ type: 'connection', state: 'working', code: event }] : []
  }
  return brokenAccounts.has(event) ? [{ type: 'connection', state: 'broken', code: event }] : []
}
