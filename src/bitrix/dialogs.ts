import { z } from 'zod'
import { readResult } from './answer.ts'
import { type Command } from './command.ts'
import { type BitrixError } from './errors.ts'

const Id = z.coerce.number().int().positive()
/** `0`, `""` and what is no number are nobody's id. */
const GivenId = Id.optional().catch(undefined)
const OptionalText = z.string().optional().catch(undefined)

/** The portal's name of a dialogue, taken apart. It is read, never composed: its last part is known to the portal alone. */
export interface UserCode {
  readonly text: string
  readonly connector: string
  readonly line: number
  /** Ours, as given in `send.messages`; another connector's may hold anything. */
  readonly chatId: string
  /** The portal's hidden user of the patient. */
  readonly userId: string
}

/** `estafeta_max|12|c5|585`, or undefined. */
export const userCodeOf = (text: string): UserCode | undefined => {
  const match = /^([^|]+)\|(\d+)\|(.+)\|([^|]+)$/s.exec(text)
  return match === null ? undefined : { text, connector: match[1]!, line: Number(match[2]), chatId: match[3]!, userId: match[4]! }
}

/** An open line's chat as the portal keeps it. */
export interface Dialog {
  readonly chatId: number
  readonly userCode?: UserCode
  readonly sessionId?: number
  readonly contactId?: number
  readonly leadId?: number
  readonly companyId?: number
  readonly dealId?: number
}

/**
 * Asks for a dialogue by whatever is known of it; `dialogId` is `chat1777`. The administrator must be able to see the chat.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/sessions/imopenlines-dialog-get.html
 */
export const dialogCommand = (
  key: string,
  by: { readonly chatId: number } | { readonly dialogId: string } | { readonly sessionId: number } | { readonly userCode: string },
): Command => ({
  key,
  method: 'imopenlines.dialog.get',
  params: {
    CHAT_ID: 'chatId' in by ? by.chatId : undefined,
    DIALOG_ID: 'dialogId' in by ? by.dialogId : undefined,
    SESSION_ID: 'sessionId' in by ? by.sessionId : undefined,
    USER_CODE: 'userCode' in by ? by.userCode : undefined,
  },
})

const DialogResult = z.looseObject({ id: Id, entity_id: OptionalText, entity_data_1: OptionalText, entity_data_2: OptionalText })

/** What `imopenlines.dialog.get` says of a dialogue. */
export const dialogOf = (result: unknown): Dialog => {
  const { id, entity_id: code = '', entity_data_1: session = '', entity_data_2: cards = '' } = readResult(DialogResult, result, 'imopenlines.dialog.get')
  const card = cardsIn(cards)
  return {
    chatId: id,
    userCode: userCodeOf(code),
    // Y|LEAD|1209|N|N|343|1773682918|0|0|0
    sessionId: givenId(session.split('|')[5]),
    contactId: card.CONTACT,
    leadId: card.LEAD,
    companyId: card.COMPANY,
    dealId: card.DEAL,
  }
}

/** `LEAD|1209|COMPANY|0|CONTACT|0|DEAL|0` */
const cardsIn = (text: string): Readonly<Partial<Record<string, number>>> => {
  const parts = text.split('|')
  return Object.fromEntries(parts.flatMap((name, index) => (index % 2 === 0 ? [[name, givenId(parts[index + 1])]] : [])))
}

const givenId = (text: string | undefined): number | undefined => (text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined)

/**
 * Asks for all messages of a session, or of a chat's last session.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/sessions/imopenlines-session-history-get.html
 */
export const historyCommand = (key: string, by: { readonly sessionId: number } | { readonly chatId: number }): Command => ({
  key,
  method: 'imopenlines.session.history.get',
  params: 'sessionId' in by ? { SESSION_ID: by.sessionId } : { CHAT_ID: by.chatId },
})

export interface HistoryMessage {
  readonly id: number
  /** Absent: the portal's own words. */
  readonly senderId?: number
  readonly isSystem: boolean
  /** BB code. */
  readonly text: string
  readonly fileIds: readonly number[]
  /** External ids: a patient's message has its own, an operator's those that `send.status.delivery` told. */
  readonly connectorMids: readonly string[]
  /** Epoch milliseconds. */
  readonly at?: number
}

export interface HistoryFile {
  readonly id: number
  readonly name: string
  readonly type?: string
  readonly sizeBytes?: number
  /** Opens in a browser that is signed in; a token for others is not in it. */
  readonly url?: string
  readonly authorId?: number
}

export interface History {
  readonly chatId: number
  readonly sessionId?: number
  readonly userCode?: UserCode
  /** In the order of their ids, which is the order in which they were written. */
  readonly messages: readonly HistoryMessage[]
  readonly files: ReadonlyMap<number, HistoryFile>
  /** `isConnector`: a patient behind a connector, not an employee. */
  readonly users: ReadonlyMap<number, { readonly name: string; readonly isConnector: boolean }>
}

/** A map by id; an empty one is `[]`. */
const mapOf = <Value extends z.ZodType>(value: Value): z.ZodType<z.infer<Value>[]> => z.preprocess(valuesOf, z.array(value))
const valuesOf = (given: unknown): readonly unknown[] => (typeof given === 'object' && given !== null ? Object.values(given) : [])
/** One value, a list or a map of them. */
const oneOrMany = (given: unknown): readonly unknown[] => (typeof given === 'object' ? valuesOf(given) : given === undefined || given === '' ? [] : [given])
const Ids = z.preprocess(oneOrMany, z.array(z.union([Id, z.unknown().transform(() => 0)]))).transform((ids) => ids.filter((id) => id > 0))
const Texts = z
  .preprocess(oneOrMany, z.array(z.unknown()))
  .transform((values) => values.filter((value) => typeof value === 'string' || typeof value === 'number').map(String))

const HistoryResult = z.looseObject({
  chatId: Id,
  sessionId: GivenId,
  message: mapOf(
    z.looseObject({
      id: Id,
      senderid: z.coerce.number().catch(0),
      date: OptionalText,
      text: z.string().catch(''),
      params: z.looseObject({ fileId: Ids, connectorMid: Texts }).catch({ fileId: [], connectorMid: [] }),
    }),
  ),
  users: mapOf(z.looseObject({ id: Id, name: z.string().catch(''), connector: z.unknown().optional() })),
  files: mapOf(
    z.looseObject({
      id: Id,
      name: z.string().catch(''),
      type: OptionalText,
      size: z.coerce.number().optional().catch(undefined),
      urldownload: OptionalText,
      authorid: GivenId,
    }),
  ),
  chat: mapOf(z.looseObject({ id: Id, entityId: OptionalText })).optional(),
})

/** The session's messages, and the files and people that they name. */
export const historyOf = (result: unknown): History => {
  const { chatId, sessionId, message, users, files, chat } = readResult(HistoryResult, result, 'imopenlines.session.history.get')
  return {
    chatId,
    sessionId,
    userCode: userCodeOf(chat?.find(({ id }) => id === chatId)?.entityId ?? ''),
    messages: message
      .map(({ id, senderid, date, text, params }) => ({
        id,
        senderId: senderid > 0 ? senderid : undefined,
        isSystem: !(senderid > 0),
        text,
        fileIds: params.fileId,
        connectorMids: params.connectorMid,
        at: timeOf(date),
      }))
      .sort((a, b) => a.id - b.id),
    files: new Map(files.map(({ id, name, type, size, urldownload, authorid }) => [id, { id, name, type, sizeBytes: size, url: urldownload, authorId: authorid }])),
    users: new Map(users.map(({ id, name, connector }) => [id, { name, isConnector: connector === true || connector === 'Y' || connector === '1' || connector === 1 }])),
  }
}

const timeOf = (text: string | undefined): number | undefined => {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? undefined : at
}

/**
 * Says something to the operators inside the chat, as a system text: the patient does not get it, because our connectors are
 * registered without system messages. `text` is BB code.
 *
 * @see https://apidocs.bitrix24.com/api-reference/chats/messages/im-message-add.html
 */
export const sayInChatCommand = (key: string, { chatId, text }: { readonly chatId: number; readonly text: string }): Command => ({
  key,
  method: 'im.message.add',
  params: { DIALOG_ID: `chat${String(chatId)}`, MESSAGE: text, SYSTEM: 'Y', URL_PREVIEW: 'N' },
})

/**
 * Lets the administrator whose token we use into a chat: who is not a member may neither read nor note anything in it. An operator's
 * dialogue stays the operator's.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/sessions/imopenlines-session-join.html
 */
export const joinCommand = (key: string, chatId: number): Command => ({ key, method: 'imopenlines.session.join', params: { CHAT_ID: chatId } })

/** Whether a refusal means that we are no member of the chat. */
export const isNotMember = (error: BitrixError): boolean => ['ACCESS_ERROR', 'ACCESS_DENIED'].includes(error.bitrixCode.toUpperCase())
