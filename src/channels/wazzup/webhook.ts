import { z } from 'zod'
import { type ChannelChat, type Inbound, type InboundFile, type RawRequest, type SharedContact } from '../channel.ts'
import { atOf, readAs, readEach, readUpdate, sameSecret } from '../reading.ts'
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
  dateTime: z.unknown().optional(),
  type: z.string(),
  isEcho: z.boolean().optional(),
  status: z.string().optional(),
  error: z.unknown().optional(),
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
  timestamp: z.unknown().optional(),
  status: z.string(),
  error: z.unknown().optional(),
})
const channelSchema = z.looseObject({ channelId: z.string(), state: z.string(), timestamp: z.unknown().optional() })
/** Several of each may come at once. */
const list = z.array(z.unknown()).default([])
const envelope = z.looseObject({ messages: list, statuses: list, channelsUpdates: list })

type Message = z.output<typeof messageSchema>

/** What the address carries after `?`; with a key of the CRM the vendor shows that one instead. */
export const secretName = 'secret'

export const verify = (request: RawRequest, credentials: WazzupCredentials): boolean =>
  credentials.crmKey === undefined
    ? sameSecret(request.query[secretName], credentials.hookSecret)
    : sameSecret(request.headers['authorization'], `Bearer ${credentials.crmKey}`)

/** Updates of the whole account come to one address: only this channel's are ours. Statuses name no channel; a foreign message is nobody's. */
export const parseBy = (transport: Transport) => (request: RawRequest, credentials: WazzupCredentials): readonly Inbound[] => {
  const { messages, statuses, channelsUpdates } = readAs(envelope, readUpdate(request))
  const isOurs = ({ channelId }: { readonly channelId: string }): boolean => channelId.toLowerCase() === credentials.channelId
  const ofOurs = <Schema extends z.ZodType<{ readonly channelId: string }>>(schema: Schema, read: (part: z.output<Schema>) => readonly Inbound[]) => (part: unknown): readonly Inbound[] => {
    const one = readAs(schema, part)
    return isOurs(one) ? read(one) : []
  }
  const readers = [
    ...messages.map((part) => () => ofOurs(messageSchema, (message) => ofMessage(message, transport))(part)),
    ...statuses.map((part) => () => ofStatus(readAs(statusSchema, part))),
    ...channelsUpdates.map((part) => () => ofOurs(channelSchema, ofState)(part)),
  ]
  return readEach(readers, (reader) => reader())
}

const ofState = ({ state, timestamp }: z.output<typeof channelSchema>): readonly Inbound[] => [
  { type: 'connection', state: isWorking(state) ? 'working' : 'broken', code: /^\w{1,40}$/.test(state) ? state : 'state', ...atOf(timestamp) },
]

const ofMessage = (message: Message, transport: Transport): readonly Inbound[] => {
  const { messageId, channelId, chatId, contact, status } = message
  // F42: groups have chat types of their own. An id that stands in another id's place is nobody's.
  if (message.chatType !== transport.chatType || chatId === messageId || chatId === channelId) return []
  const chat = transport.personOf(chatId, { ...named('name', contact?.name), ...named('username', contact?.username), ...named('phone', contact?.phone) })
  if (chat === undefined) return []
  const at = atOf(message.dateTime)
  if (message.isEcho ?? (status !== undefined && status !== 'inbound')) return ofEcho(message, chat, at)
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
  const chat = { id, userId, ...(phone === undefined ? {} : { phone }) }
  if (!isStaff) return [{ type: 'own', externalId: message.messageId, chat, text: message.text ?? '', ...at }, ...ofOwn(message, at)]
  if (message.isEdited === true || message.isDeleted === true) return []
  const { text, files } = contentOf(message)
  return [{ type: 'echo', externalId: message.messageId, chat, text, ...(files === undefined ? {} : { files }), ...at }]
}

/** An echo says how far our own message is, or that it failed; without a word it has at least left. */
const ofOwn = ({ messageId, status, error, dateTime }: Message, at: { readonly at?: number }): readonly Inbound[] => {
  const told = status === undefined ? [] : ofStatus({ messageId, status, error, timestamp: dateTime })
  return told.length > 0 ? told : [{ type: 'receipt', externalId: messageId, level: 'sent', ...at }]
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

const errorSchema = z.union([z.string(), z.looseObject({ error: z.string() }).transform(({ error }) => error)])
const codeOf = (error: unknown): string => errorSchema.catch('UNKNOWN_ERROR').parse(error)

/** "edited" is no level of delivery. */
const ofStatus = ({ messageId, status, error, timestamp }: z.output<typeof statusSchema>): readonly Inbound[] => {
  const at = atOf(timestamp)
  const told = status.toLowerCase()
  if (told === 'sent' || told === 'delivered' || told === 'read') return [{ type: 'receipt', externalId: messageId, level: told, ...at }]
  return told === 'error' ? [{ type: 'failure', externalId: messageId, failure: failureOf(codeOf(error)), ...at }] : []
}
