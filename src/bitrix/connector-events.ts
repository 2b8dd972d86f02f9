import { z } from 'zod'
import { type PortalEvent } from './incoming.ts'

/** A file of an operator. `url` works without signing in, but not for long. */
export interface OperatorFile {
  readonly name: string
  readonly type?: string
  readonly url: string
  readonly sizeBytes?: number
}

/**
 * An operator's message, as the portal names it. Three kinds of ids that are never each other (F23): `imChatId` and `imMessageId`
 * are the portal's own, `chatId` is ours as given in `send.messages`, `userId` is the employee.
 */
export interface OperatorMessage {
  readonly imChatId: number
  readonly imMessageId: number
  readonly chatId: string
  /** Absent: no person wrote it - a greeting, an automatic text (F22) - or the portal does not say, as in edits. */
  readonly userId?: number
  /** BB code. */
  readonly text: string
  readonly files: readonly OperatorFile[]
  /** Ids that `send.status.delivery` told; empty in a new message. */
  readonly externalIds: readonly string[]
}

export interface DialogMark {
  readonly sessionId: number
  /** Ours, as given in `send.messages`. */
  readonly chatId: string
  /** The portal's hidden user of the patient. */
  readonly userId?: number
  /** A session that begins where another ended. */
  readonly parentSessionId?: number
}

/** What the portal tells of our connectors and of patients' cards. */
export type ConnectorEvent =
  | {
      readonly type: 'messagesAdded' | 'messagesEdited' | 'messagesDeleted'
      readonly connector: string
      readonly line: number
      /** At least one. */
      readonly messages: readonly OperatorMessage[]
      /** How many more there were that could not be read. */
      readonly unreadableCount: number
    }
  | { readonly type: 'dialogsStarted' | 'dialogsFinished'; readonly connector: string; readonly line: number; readonly dialogs: readonly DialogMark[] }
  /** The administrator has taken the connector out of the line. */
  | { readonly type: 'connectorRemoved'; readonly connector: string; readonly line: number }
  /** Told for every line of the portal, ours or not. */
  | { readonly type: 'lineRemoved'; readonly line: number }
  | { readonly type: 'contactChanged' | 'contactDeleted'; readonly contactId: number }

const Id = z.coerce.number().int().positive()
const GivenId = Id.optional().catch(undefined)
const Text = z.union([z.string(), z.number()]).transform(String)
const Connector = z.string().min(1).transform((id) => id.toLowerCase())

/** PHP writes lists as maps with the keys 0..n-1, and drops empty ones. */
const list = (value: unknown): unknown => (typeof value === 'object' && value !== null ? Object.values(value) : value === undefined || value === '' ? [] : [value])
const File = z.looseObject({
  name: Text.catch(''),
  type: z.string().optional().catch(undefined),
  link: z.string().min(1),
  size: z.coerce.number().nonnegative().optional().catch(undefined),
})
const Files = z.preprocess(list, z.array(z.union([File, z.unknown().transform(() => undefined)]))).transform((files) => files.filter((file) => file !== undefined))
const ExternalIds = z.preprocess(list, z.array(Text)).catch([])
const Message = z.looseObject({
  im: z.looseObject({ chat_id: Id, message_id: Id }),
  message: z.looseObject({ id: ExternalIds, user_id: GivenId, text: Text.catch(''), files: Files }),
  chat: z.looseObject({ id: Text }),
})
const Messages = z.looseObject({ CONNECTOR: Connector, LINE: Id, MESSAGES: z.preprocess(list, z.array(z.union([Message, z.unknown().transform(() => undefined)]))) })
const Mark = z.looseObject({
  connector: z.looseObject({ chat_id: Text, user_id: GivenId }),
  session: z.looseObject({ id: Id, parent_id: GivenId }),
})
const Dialogs = z.looseObject({ CONNECTOR: Connector, LINE: Id, DATA: z.preprocess(list, z.array(Mark).min(1)) })
/** The one event whose names are in lower case; whoever mends that is understood too. */
const Removed = z.union([
  z.looseObject({ connector: Connector, line: Id }),
  z.looseObject({ CONNECTOR: Connector, LINE: Id }).transform(({ CONNECTOR: connector, LINE: line }) => ({ connector, line })),
])
const Contact = z.looseObject({ FIELDS: z.looseObject({ ID: Id }) })

const messageTypes: Readonly<Record<string, 'messagesAdded' | 'messagesEdited' | 'messagesDeleted'>> = {
  ONIMCONNECTORMESSAGEADD: 'messagesAdded',
  ONIMCONNECTORMESSAGEUPDATE: 'messagesEdited',
  ONIMCONNECTORMESSAGEDELETE: 'messagesDeleted',
}
const dialogTypes: Readonly<Record<string, 'dialogsStarted' | 'dialogsFinished'>> = {
  ONIMCONNECTORDIALOGSTART: 'dialogsStarted',
  ONIMCONNECTORDIALOGFINISH: 'dialogsFinished',
}
const contactTypes: Readonly<Record<string, 'contactChanged' | 'contactDeleted'>> = {
  ONCRMCONTACTUPDATE: 'contactChanged',
  ONCRMCONTACTDELETE: 'contactDeleted',
}

/**
 * What an event says in our words; undefined for any other event, and for one that cannot be read. Never throws.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/events/index.html
 */
export const connectorEventOf = ({ name, data }: Pick<PortalEvent, 'name' | 'data'>): ConnectorEvent | undefined => {
  const messages = messageTypes[name]
  if (messages !== undefined) return messagesOf(messages, data)
  const dialogs = dialogTypes[name]
  if (dialogs !== undefined) return dialogsOf(dialogs, data)
  const contact = contactTypes[name]
  if (contact !== undefined) {
    const parsed = Contact.safeParse(data)
    return parsed.success ? { type: contact, contactId: parsed.data.FIELDS.ID } : undefined
  }
  if (name === 'ONIMCONNECTORSTATUSDELETE') {
    const parsed = Removed.safeParse(data)
    return parsed.success ? { type: 'connectorRemoved', connector: parsed.data.connector, line: parsed.data.line } : undefined
  }
  if (name === 'ONIMCONNECTORLINEDELETE') {
    const parsed = Id.safeParse(data)
    return parsed.success ? { type: 'lineRemoved', line: parsed.data } : undefined
  }
  return undefined
}

const messagesOf = (type: 'messagesAdded' | 'messagesEdited' | 'messagesDeleted', data: unknown): ConnectorEvent | undefined => {
  const parsed = Messages.safeParse(data)
  if (!parsed.success) return undefined
  const { CONNECTOR: connector, LINE: line, MESSAGES } = parsed.data
  const readable = MESSAGES.filter((message) => message !== undefined)
  if (readable.length === 0) return undefined
  const messages = readable.map(({ im, message, chat }) => ({
    imChatId: im.chat_id,
    imMessageId: im.message_id,
    chatId: chat.id,
    userId: message.user_id,
    text: message.text,
    files: message.files.map(({ name, type: kind, link, size }) => ({ name, type: kind, url: link, sizeBytes: size })),
    externalIds: message.id,
  }))
  return { type, connector, line, messages, unreadableCount: MESSAGES.length - readable.length }
}

const dialogsOf = (type: 'dialogsStarted' | 'dialogsFinished', data: unknown): ConnectorEvent | undefined => {
  const parsed = Dialogs.safeParse(data)
  if (!parsed.success) return undefined
  const { CONNECTOR: connector, LINE: line, DATA } = parsed.data
  const dialogs = DATA.map(({ connector: from, session }) => ({ sessionId: session.id, chatId: from.chat_id, userId: from.user_id, parentSessionId: session.parent_id }))
  return { type, connector, line, dialogs }
}

/**
 * What makes a connector event the same event when it comes again by another way: bound twice (F27), or told twice. Undefined
 * where only the whole post can tell.
 *
 * A new or deleted message happens once, whatever the post's time. An edit may bring back an earlier text and a session may be
 * opened again, so there the time tells repetitions from new events.
 */
export const repetitionKeyOf = (event: Pick<PortalEvent, 'name' | 'data' | 'at'>): unknown => {
  const read = connectorEventOf(event)
  if (read === undefined || 'contactId' in read) return undefined
  if (read.type === 'messagesAdded' || read.type === 'messagesDeleted') {
    const ids = read.messages.map(({ imChatId, imMessageId, externalIds }) => [imChatId, imMessageId, read.type === 'messagesDeleted' ? externalIds : []])
    return [read.connector, read.line, ids]
  }
  if (read.type === 'lineRemoved') return read.line
  return [event.at, event.data]
}
