import { z } from 'zod'
import { type ChannelChat, type Inbound, type InboundFile, type RawRequest, type SharedContact } from '../channel.ts'
import { readAs, readJson, sameSecret } from '../reading.ts'
import { unsupportedText } from '../refusal.ts'
import { type FileKind } from '../../domain/message.ts'
import { normalizePhone } from '../../domain/phone.ts'
import { type WazzupCredentials } from './credentials.ts'
import { failureOf, isWorking } from './errors.ts'
import { type Transport } from './transport.ts'

/** @see https://wazzup24.com/help/webhooks/ */
const messageSchema = z.looseObject({
  messageId: z.string().min(1),
  channelId: z.string(),
  chatType: z.string(),
  chatId: z.string(),
  dateTime: z.string().optional(),
  type: z.string(),
  isEcho: z.boolean(),
  contact: z.looseObject({ name: z.string().nullish(), username: z.string().nullish(), phone: z.string().nullish() }).nullish(),
  text: z.string().nullish(),
  contentUri: z.string().nullish(),
  authorName: z.string().nullish(),
  authorId: z.string().nullish(),
  sentFromApp: z.boolean().nullish(),
  isEdited: z.boolean().nullish(),
  isDeleted: z.boolean().nullish(),
  quotedMessage: z.looseObject({ messageId: z.string().nullish(), text: z.string().nullish() }).nullish(),
})
const statusSchema = z.looseObject({
  messageId: z.string().min(1),
  timestamp: z.string().optional(),
  status: z.string(),
  error: z.union([z.string(), z.looseObject({ error: z.string() })]).nullish(),
})
const channelSchema = z.looseObject({ channelId: z.string(), state: z.string(), timestamp: z.number().optional() })
const envelope = z.looseObject({ messages: z.array(messageSchema).optional(), statuses: z.array(statusSchema).optional(), channelsUpdates: z.array(channelSchema).optional() })

type Message = z.output<typeof messageSchema>

/** What the address carries after `?`; with a key of the CRM the vendor shows that one instead. */
export const secretName = 'secret'

export const verify = (request: RawRequest, credentials: WazzupCredentials): boolean =>
  credentials.crmKey === undefined
    ? sameSecret(request.query[secretName], credentials.hookSecret)
    : sameSecret(request.headers['authorization'], `Bearer ${credentials.crmKey}`)

/** Updates of the whole account come to one address: only this channel's are ours. Statuses name no channel; a foreign message is nobody's. */
export const parseBy = (transport: Transport) => (request: RawRequest, credentials: WazzupCredentials): readonly Inbound[] => {
  const { messages = [], statuses = [], channelsUpdates = [] } = readAs(envelope, readJson(request))
  const isOurs = ({ channelId }: { readonly channelId: string }): boolean => channelId.toLowerCase() === credentials.channelId
  return [
    ...messages.filter(isOurs).flatMap((message) => ofMessage(message, transport)),
    ...statuses.flatMap(ofStatus),
    ...channelsUpdates.filter(isOurs).map(({ state, timestamp }): Inbound => ({
      type: 'connection', state: isWorking(state) ? 'working' : 'broken', code: /^\w{1,40}$/.test(state) ? state : 'state', ...(timestamp === undefined ? {} : { at: timestamp }),
    })),
  ]
}

const momentOf = (text: string | undefined): { readonly at?: number } => {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? {} : { at }
}

const ofMessage = (message: Message, transport: Transport): readonly Inbound[] => {
  const { messageId, channelId, chatId, isEcho, contact } = message
  // F42: groups have chat types of their own. An id that stands in another id's place is nobody's.
  if (message.chatType !== transport.chatType || chatId === messageId || chatId === channelId) return []
  const chat = transport.personOf(chatId, { ...named('name', contact?.name), ...named('username', contact?.username), ...named('phone', contact?.phone) })
  if (chat === undefined) return []
  const at = momentOf(message.dateTime)
  if (isEcho) return ofEcho(message, chat, at)
  if (message.isDeleted === true) return [{ type: 'delete', externalId: messageId, chat, ...at }]
  if (message.isEdited === true) return [{ type: 'edit', externalId: messageId, chat, text: message.text ?? '', ...at }]
  const quote = message.quotedMessage
  return [{ type: 'message', externalId: messageId, chat, ...contentOf(message), ...named('replyTo', quote?.messageId), ...named('quotedText', quote?.text), ...at }]
}

const named = <Name extends string>(name: Name, value: string | null | undefined): Partial<Record<Name, string>> => (value === undefined || value === null || value === '' ? {} : ({ [name]: value } as Record<Name, string>))

/**
 * What we sent comes back without an author and says that it left (F21); staff have a name in the vendor's chats or wrote on the telephone. The
 * contact is left out: its name may be ours.
 */
const ofEcho = (message: Message, { id, userId, phone }: ChannelChat, at: { readonly at?: number }): readonly Inbound[] => {
  const isStaff = message.sentFromApp === true || [message.authorName, message.authorId].some((one) => one !== undefined && one !== null && one !== '')
  if (!isStaff) return [{ type: 'receipt', externalId: message.messageId, level: 'sent', ...at }]
  if (message.isEdited === true || message.isDeleted === true) return []
  const { text, files } = contentOf(message)
  const chat = { id, userId, ...(phone === undefined ? {} : { phone }) }
  return [{ type: 'echo', externalId: message.messageId, chat, text, ...(files === undefined ? {} : { files }), ...at }]
}

export const missedCall = 'Пропущенный звонок: перезвоните.'

const kinds: Readonly<Record<string, FileKind>> = { image: 'image', video: 'video', audio: 'audio', document: 'file' }

const contentOf = ({ type, text, contentUri }: Message): { readonly text: string; readonly files?: readonly InboundFile[]; readonly contact?: SharedContact } => {
  if (type === 'missing_call') return { text: missedCall }
  const words = text ?? ''
  const kind = kinds[type]
  const file = contentUri === undefined || contentUri === null || kind === undefined ? undefined : fileOf(kind, contentUri)
  if (file !== undefined) return { text: words, files: [file] }
  if (type === 'vcard') {
    const contact = cardOf(words)
    return contact === undefined ? { text: unsupportedText } : { text: '', contact }
  }
  return { text: words === '' || type === 'unsupported' ? unsupportedText : words }
}

/** The vendor has no other name for a file than its address. */
const fileOf = (kind: FileKind, contentUri: string): InboundFile | undefined => {
  const url = URL.parse(contentUri)
  if (url === null) return undefined
  return { kind, ref: contentUri, ...named('name', url.searchParams.get('filename')) }
}

/** A card from the address book proves nothing about the sender. */
const cardOf = (vcard: string): SharedContact | undefined => {
  const waid = /waid=(\d{7,15})/i.exec(vcard)?.[1]
  const typed = /^(?:item\d+\.)?TEL[^:\n]*:([^\r\n]+)/im.exec(vcard)?.[1]
  const phone = waid === undefined ? normalizePhone(typed ?? '') : `+${waid}`
  return phone === undefined ? undefined : { phone, isOwn: false, ...named('name', /^FN[^:\n]*:([^\r\n]+)/im.exec(vcard)?.[1]?.trim()) }
}

/** "edited" is no level of delivery. */
const ofStatus = ({ messageId, status, error, timestamp }: z.output<typeof statusSchema>): readonly Inbound[] => {
  const at = momentOf(timestamp)
  if (status === 'sent' || status === 'delivered' || status === 'read') return [{ type: 'receipt', externalId: messageId, level: status, ...at }]
  if (status !== 'error') return []
  const code = typeof error === 'string' ? error : (error?.error ?? 'UNKNOWN_ERROR')
  return [{ type: 'failure', externalId: messageId, failure: failureOf(code), ...at }]
}
