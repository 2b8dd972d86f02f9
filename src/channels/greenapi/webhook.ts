import { z } from 'zod'
import { type ChannelChat, type Inbound, type RawRequest } from '../channel.ts'
import { atOf, readAs, readUpdate, sameSecret } from '../reading.ts'
import { contentOf, contentSchema, pressOf, type Content } from './content.ts'
import { type GreenApiCredentials } from './credentials.ts'
import { classOfStatus, working } from './errors.ts'
import { chatOf, personOf } from './person.ts'

/** @see https://green-api.com/docs/api/receiving/notifications-format/ */
const envelope = z.looseObject({
  typeWebhook: z.string(),
  instanceData: z.looseObject({ idInstance: z.union([z.number(), z.string()]), wid: z.string().optional(), typeInstance: z.string().optional() }),
  /** Unix seconds. */
  timestamp: z.unknown().optional(),
})
const senderSchema = z.looseObject({
  chatId: z.string(),
  sender: z.string().optional(),
  chatName: z.string().optional(),
  senderName: z.string().optional(),
  senderContactName: z.string().optional(),
})
const messageSchema = z.looseObject({ idMessage: z.string().min(1), senderData: senderSchema, messageData: contentSchema })
const statusSchema = z.looseObject({ idMessage: z.string().min(1), chatId: z.string().optional(), status: z.string(), sendByApi: z.boolean().optional() })
const stateSchema = z.looseObject({ stateInstance: z.string() })
const blockSchema = z.looseObject({ chatId: z.string().optional(), chatState: z.string().optional() })
const callSchema = z.looseObject({ idMessage: z.string().min(1), from: z.string(), status: z.string() })

type Envelope = z.output<typeof envelope>
type Message = z.output<typeof messageSchema>

/** GREEN-API sends `webhookUrlToken` as a bearer; where the token was stored with its scheme, the scheme comes twice. */
export const verify = (request: RawRequest, credentials: GreenApiCredentials): boolean =>
  sameSecret(request.headers['authorization']?.replace(/^(?:Bearer\s+){1,2}/i, ''), credentials.webhookToken)

/** A6: only WhatsApp is spoken here; the vendor's products for other messengers send the same updates. */
const whatsappTypes = new Set(['whatsapp', undefined])

export const parse = (request: RawRequest, credentials: GreenApiCredentials): readonly Inbound[] => {
  const body = readUpdate(request)
  const about = readAs(envelope, body)
  const { idInstance, typeInstance } = about.instanceData
  if (String(idInstance) !== credentials.idInstance || !whatsappTypes.has(typeInstance)) return []
  const at = atOf(about.timestamp)
  switch (about.typeWebhook) {
    case 'incomingMessageReceived':
      return ofMessage(readAs(messageSchema, body), about, at)
    case 'outgoingMessageReceived':
      return ofEcho(readAs(messageSchema, body), about, at)
    case 'outgoingAPIMessageReceived':
      return ofOwn(readAs(messageSchema, body), about, at)
    case 'outgoingMessageStatus':
      return ofStatus(readAs(statusSchema, body), at)
    case 'stateInstanceChanged':
      return ofState(readAs(stateSchema, body).stateInstance, at)
    case 'quotaExceeded':
      return [{ type: 'connection', state: 'broken', code: 'quotaExceeded', ...at }]
    case 'incomingCall':
      return ofCall(readAs(callSchema, body), about, at)
    case 'incomingBlock':
      return ofBlock(readAs(blockSchema, body), about, at)
    default:
      return []
  }
}

interface At {
  readonly at?: number
}

/** In a talk of two the sender is the chat; a hidden number may be named by both of its spellings. Anything else is no patient's (F42). */
const personIn = ({ chatId, sender }: z.output<typeof senderSchema>, { instanceData }: Envelope): string | undefined => {
  const person = personOf(chatId)
  if (person === undefined || (instanceData.wid !== undefined && person === personOf(instanceData.wid))) return undefined
  const isAgreed = sender === undefined || sender === '' || personOf(sender) === person || (person.endsWith('@lid') && personOf(sender) !== undefined)
  return isAgreed ? person : undefined
}

const nameIn = ({ senderContactName, senderName, chatName }: z.output<typeof senderSchema>): string | undefined =>
  [senderContactName, senderName, chatName].find((name) => name !== undefined && name.trim() !== '')

const ofMessage = ({ idMessage, senderData, messageData }: Message, about: Envelope, at: At): readonly Inbound[] => {
  const person = personIn(senderData, about)
  if (person === undefined) return []
  const chat = chatOf(person, nameIn(senderData))
  const changed = changeIn(messageData, chat, at)
  if (changed !== undefined) return [changed]
  if (messageData.typeMessage === 'reactionMessage') {
    // Whoever puts a sign under a message has read it.
    const read = messageData.quotedMessage?.stanzaId
    return read === undefined || read === '' ? [] : [{ type: 'receipt', externalId: read, level: 'read', ...at }]
  }
  const press = pressOf(messageData)
  if (press !== undefined) return [{ type: 'action', externalId: idMessage, chat, ...press, ...at }]
  if (silentTypes.has(messageData.typeMessage)) return []
  return [{ type: 'message', externalId: idMessage, chat, ...contentOf(messageData, { idMessage, chatId: senderData.chatId }), ...quoteOf(messageData), ...at }]
}

/** Votes and notices of the messenger itself: nothing that a person said. */
const silentTypes = new Set(['pollUpdateMessage', 'groupInviteMessage'])

const changeIn = ({ typeMessage, editedMessageData: edited, deletedMessageData: deleted }: Content, chat: ChannelChat, at: At): Inbound | undefined => {
  if (typeMessage === 'editedMessage' && edited !== undefined) return { type: 'edit', externalId: edited.stanzaId, chat, text: edited.textMessage ?? edited.caption ?? '', ...at }
  return typeMessage === 'deletedMessage' && deleted !== undefined ? { type: 'delete', externalId: deleted.stanzaId, chat, ...at } : undefined
}

const quoteOf = ({ typeMessage, quotedMessage }: Content): { readonly replyTo?: string; readonly quotedText?: string } => {
  if (typeMessage !== 'quotedMessage' || quotedMessage === undefined) return {}
  const { stanzaId, textMessage, caption } = quotedMessage
  const words = textMessage ?? caption
  return { ...(stanzaId === undefined || stanzaId === '' ? {} : { replyTo: stanzaId }), ...(words === undefined || words === '' ? {} : { quotedText: words }) }
}

/** Staff wrote from the telephone (F21). What they changed or reacted to later is no message. */
const ofEcho = ({ idMessage, senderData, messageData }: Message, about: Envelope, at: At): readonly Inbound[] => {
  const person = personIn({ ...senderData, sender: undefined }, about)
  if (person === undefined || ['editedMessage', 'deletedMessage', 'reactionMessage'].includes(messageData.typeMessage) || silentTypes.has(messageData.typeMessage)) return []
  const { text, files } = contentOf(messageData, { idMessage, chatId: senderData.chatId })
  // The name in an outgoing message may be our own.
  return [{ type: 'echo', externalId: idMessage, chat: chatOf(person, undefined), text, ...(files === undefined ? {} : { files }), ...at }]
}

/** What we sent ourselves is in nobody's history twice (F21). */
const ofOwn = ({ idMessage, senderData, messageData }: Message, about: Envelope, at: At): readonly Inbound[] => {
  const person = personIn({ ...senderData, sender: undefined }, about)
  if (person === undefined) return []
  const { text } = contentOf(messageData, { idMessage, chatId: senderData.chatId })
  return [{ type: 'own', externalId: idMessage, chat: chatOf(person, undefined), text, ...at }]
}

/** A status of what staff wrote on the telephone moves no cascade; groups are no patients. */
const ofStatus = ({ idMessage, chatId, status, sendByApi }: z.output<typeof statusSchema>, at: At): readonly Inbound[] => {
  if (sendByApi === false || (chatId !== undefined && personOf(chatId) === undefined)) return []
  if (status === 'sent' || status === 'delivered' || status === 'read') return [{ type: 'receipt', externalId: idMessage, level: status, ...at }]
  const failureClass = classOfStatus(status)
  return failureClass === undefined ? [] : [{ type: 'failure', externalId: idMessage, failure: { class: failureClass, code: status }, ...at }]
}

const ofState = (state: string, at: At): readonly Inbound[] => [
  { type: 'connection', state: state === working ? 'working' : 'broken', code: /^\w{1,40}$/.test(state) ? state : 'state', ...at },
]

/** Until the person writes again. */
const ofBlock = ({ chatId = '', chatState }: z.output<typeof blockSchema>, about: Envelope, at: At): readonly Inbound[] => {
  const person = personIn({ chatId }, about)
  return person === undefined || chatState !== 'blocked' ? [] : [{ type: 'reachability', chat: chatOf(person, undefined), state: 'blocked', ...at }]
}

/** A patient who could not be answered is told to the operator; the other moments of a call say nothing. */
const ofCall = ({ idMessage, from, status }: z.output<typeof callSchema>, about: Envelope, at: At): readonly Inbound[] => {
  const person = personIn({ chatId: from }, about)
  if (status !== 'missed' || person === undefined) return []
  return [{ type: 'message', externalId: `call:${idMessage}`, chat: chatOf(person, undefined), text: missedCall, ...at }]
}

export const missedCall = 'Пропущенный звонок в WhatsApp: перезвоните.'
