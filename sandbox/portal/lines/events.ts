import { type Engine } from '../engine.ts'
import { type Cause, emit } from '../events.ts'
import { findConnector, worksOnLine } from './connectors.ts'
import { fileLink, imageSize } from './files.ts'
import { type ChatMessage, externalChatId, isOn, type LineChat, type LineSession } from './model.ts'

type Change = 'ADD' | 'UPDATE' | 'DELETE'

/** Whether the application behind the chat can be told of anything: the connector is there, on and without an error. */
export function connectorListens(engine: Engine, chat: LineChat): boolean {
  const found = findConnector(engine, chat.connector)
  return found !== undefined && worksOnLine(found.connector, chat.lineId)
}

export function connectorFlag(engine: Engine, chat: LineChat, flag: string): boolean {
  return findConnector(engine, chat.connector)?.connector.flags[flag] === true
}

/** `[b]Name:[/b]` before what an operator wrote, when connector and line want it. */
function signed(engine: Engine, chat: LineChat, message: ChatMessage, gap: string): string {
  const line = engine.world.lines.lines.get(chat.lineId)
  const author = engine.world.users.get(message.authorId)
  const wanted = author !== undefined && message.text !== '' && line?.config.OPERATOR_DATA !== 'hide' && connectorFlag(engine, chat, 'NEED_SIGNATURE')
  return wanted ? `[b]${`${author.name} ${author.lastName}`.trim()}:[/b]${gap}${message.text}` : message.text
}

function filesOf(engine: Engine, message: ChatMessage): Record<string, unknown>[] {
  return message.fileIds.map((id) => {
    const file = engine.world.lines.files.get(id)!
    return { name: file.name, type: file.type, link: fileLink(engine, file), ...(file.type === 'image' ? imageSize(file.bytes) : {}), size: file.bytes.length }
  })
}

function toConnector(engine: Engine, chat: LineChat, change: Change, messages: Record<string, unknown>[], cause: Cause): void {
  const found = findConnector(engine, chat.connector)
  if (!found || messages.length === 0) return
  emit(engine, `ONIMCONNECTORMESSAGE${change}`, { CONNECTOR: chat.connector, LINE: chat.lineId, MESSAGES: messages }, cause, { app: found.app })
}

/** Messages of one chat go out in one event; the caller decides how many. */
export function tellAdded(engine: Engine, chat: LineChat, messages: ChatMessage[], cause: Cause): void {
  toConnector(engine, chat, 'ADD', messages.map((message) => ({
    im: { chat_id: chat.id, message_id: message.id },
    // No files, no field: an empty PHP array vanishes from the form.
    message: { user_id: message.authorId, text: signed(engine, chat, message, ' [br]'), files: filesOf(engine, message) },
    chat: { id: externalChatId(chat) },
  })), cause)
}

/** Only for messages that the external system has confirmed: without its id there would be nothing to change. */
export function tellChanged(engine: Engine, chat: LineChat, message: ChatMessage, cause: Cause): void {
  if (message.connectorMid.length === 0) return
  toConnector(engine, chat, 'UPDATE', [{
    im: { chat_id: chat.id, message_id: message.id },
    message: { id: message.connectorMid, text: signed(engine, chat, message, '[br] '), files: filesOf(engine, message) },
    chat: { id: externalChatId(chat) },
  }], cause)
}

/** One entry for each id that the message has outside. */
export function tellDeleted(engine: Engine, chat: LineChat, message: ChatMessage, cause: Cause): void {
  toConnector(engine, chat, 'DELETE', message.connectorMid.map((id) => ({
    im: { chat_id: chat.id, message_id: message.id }, message: { id }, chat: { id: externalChatId(chat) },
  })), cause)
}

function connectorBlock(chat: LineChat): Record<string, unknown> {
  return { connector_id: chat.connector, line_id: chat.lineId, chat_id: externalChatId(chat), user_id: chat.userId }
}

/** Dialog and session events at the beginning and at the end. Those of sessions go to every application, whoever owns the connector. */
export function tellSession(engine: Engine, chat: LineChat, session: LineSession, cause: Cause): void {
  const end = session.closed ? 'FINISH' : 'START'
  const found = findConnector(engine, chat.connector)
  const data = {
    connector: connectorBlock(chat), session: { id: session.id, closed: session.closed ? 'Y' : 'N', parent_id: 0, close_term: 10 },
    chat: { id: chat.id }, user: { id: chat.userId },
  }
  if (found) {
    emit(engine, `ONIMCONNECTORDIALOG${end}`, { CONNECTOR: chat.connector, LINE: String(chat.lineId), DATA: [data] }, cause, { app: found.app })
  }
  const line = engine.world.lines.lines.get(chat.lineId)
  // The page shows a list, the module sends a map: the end comes in the one form and the beginning in the other, so that both are read.
  const flat = { connector: data.connector, chat: { chat_id: chat.id }, line: { id: chat.lineId, name: String(line?.config.LINE_NAME ?? '') } }
  emit(engine, `ONSESSION${end}`, { DATA: session.closed ? [data] : flat }, cause)
}

/** Every message of every line, to every application that listens. */
export function tellLineMessage(engine: Engine, chat: LineChat, message: ChatMessage, change: Change, cause: Cause): void {
  if (change !== 'ADD') {
    const entry = { im: { chat_id: chat.id, message_id: message.id }, message: { id: message.id }, chat: { id: chat.id } }
    emit(engine, `ONOPENLINEMESSAGE${change}`, { CONNECTOR: chat.connector, LINE: chat.lineId, DATA: [entry] }, cause)
    return
  }
  emit(engine, 'ONOPENLINEMESSAGEADD', {
    DATA: [{
      connector: connectorBlock(chat), chat: { id: chat.id },
      message: { id: message.id, date: '', text: message.text, files: filesOf(engine, message), attach: '', system: message.kind === 'system' ? 'Y' : 'N', user_id: message.authorId },
      ref: [], extra: { EXTRA_URL: '' },
    }],
  }, cause)
}

/** A text of the system (greeting, request for a rating) goes to the person only when the connector asked for such texts; its author is 0. */
export function wantsSystemTexts(engine: Engine, chat: LineChat): boolean {
  return connectorFlag(engine, chat, 'NEED_SYSTEM_MESSAGES') && connectorListens(engine, chat)
}

export function greets(engine: Engine, chat: LineChat): boolean {
  const line = engine.world.lines.lines.get(chat.lineId)
  return line !== undefined && isOn(line, 'WELCOME_MESSAGE') && (isOn(line, 'SEND_WELCOME_EACH_SESSION') || chat.sessionIds.length === 1)
}
