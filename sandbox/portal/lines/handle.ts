import { openPage, type OpenedPage } from '../apps.ts'
import { type Engine } from '../engine.ts'
import { emit } from '../events.ts'
import { addLine, changeLine, deleteLine, lineRow } from './config.ts'
import { findConnector, settingOptions, stateOnLine } from './connectors.ts'
import { type ChatMessage, type LineChat, type StoredFile } from './model.ts'
import { edit, type OperatorText, remove, say, takeDialog } from './operator.ts'
import { finishSession } from './sessions.ts'
import { type ChatView, type MessageView, viewChat, viewMessage, viewWholeChat } from './view.ts'

/** What people do in the messenger and the contact center of the portal. Every action is refused by an Error with one sentence. */
export interface LinesHandle {
  list(): Record<string, unknown>[]
  /** `{ LINE_NAME, CRM, CRM_CREATE, VOTE_MESSAGE, QUEUE: [{ ENTITY_TYPE, ENTITY_ID }] ... }`; answers the id. */
  add(config?: Record<string, unknown>): number
  update(lineId: number, config: Record<string, unknown>): void
  /** ONIMCONNECTORLINEDELETE follows. */
  remove(lineId: number, options?: { userId?: number }): void
  /** A person switches the connector off on the line: ONIMCONNECTORSTATUSDELETE follows. */
  disconnect(connector: string, lineId: number, options?: { userId?: number }): void
  /** Opens the settings page of a connector as the contact center would. */
  openSettings(connector: string, lineId: number, options?: { userId?: number }): Promise<OpenedPage>

  /** Newest talk first. */
  chats(): ChatView[]
  /** With messages, oldest first. */
  chat(chatId: number): ChatView & { messages: MessageView[] }
  /** The bytes of a file in a chat, whoever sent it. */
  file(fileId: number): StoredFile
  /** An operator answers: ONIMCONNECTORMESSAGEADD follows, or with the connector off a message that is marked as failed. */
  say(chatId: number, input: OperatorText & { userId?: number }): MessageView
  /** Several messages in one event. */
  sayTogether(chatId: number, inputs: OperatorText[], options?: { userId?: number }): MessageView[]
  edit(messageId: number, text: string, options?: { userId?: number }): void
  /** Deletes an own message, or one of the patient. */
  delete(messageId: number, options?: { userId?: number }): void
  /** Takes the dialog, starts a session when the last one has ended. */
  take(chatId: number, options?: { userId?: number }): void
  finish(chatId: number, options?: { userId?: number }): void
}

export function linesHandle(engine: Engine): LinesHandle {
  const { lines } = engine.world
  const need = <Value>(value: Value | undefined, what: string): Value => {
    if (value === undefined) throw new Error(`There is no ${what} on the portal.`)
    return value
  }
  const line = (id: number) => need(lines.lines.get(id), `line ${id}`)
  const chat = (id: number): LineChat => need(lines.chats.get(id), `chat ${id}`)
  const message = (id: number): ChatMessage => need(lines.messages.get(id), `message ${id}`)
  const connector = (id: string) => need(findConnector(engine, id.toLowerCase()), `connector ${id}`)
  const user = (id: number): number => need(engine.world.users.get(id), `user ${id}`).id

  return {
    list: () => [...lines.lines.values()].map((one) => ({ ...lineRow(one), CONFIG_QUEUE: one.queue })),
    add: (config = {}) => addLine(engine, { QUEUE: [{ ENTITY_TYPE: 'user', ENTITY_ID: 1 }, { ENTITY_TYPE: 'user', ENTITY_ID: 2 }], ...config }).id,
    update: (lineId, config) => changeLine(line(lineId), config),
    remove: (lineId, { userId = 1 } = {}) => deleteLine(engine, line(lineId), userId),
    disconnect: (id, lineId, { userId = 1 } = {}) => {
      const found = connector(id)
      Object.assign(stateOnLine(found.connector, lineId), { active: false, data: null, error: false })
      emit(engine, 'ONIMCONNECTORSTATUSDELETE', { connector: found.connector.id, line: lineId }, { userId }, { app: found.app })
    },
    openSettings: (id, lineId, { userId = 1 } = {}) => {
      const { app, connector: found } = connector(id)
      return openPage(engine, app.clientId, userId, 'SETTING_CONNECTOR', settingOptions(found, lineId), found.placementHandler)
    },
    chats: () => [...lines.chats.values()].map((one) => viewChat(engine, one)).sort((a, b) => b.lastAt.localeCompare(a.lastAt) || b.id - a.id),
    chat: (chatId) => viewWholeChat(engine, chat(chatId)),
    file: (fileId) => need(lines.files.get(fileId), `file ${fileId}`),
    say: (chatId, { userId = 1, ...input }) => viewMessage(engine, say(engine, chat(chatId), user(userId), [input])[0]!),
    sayTogether: (chatId, inputs, { userId = 1 } = {}) => say(engine, chat(chatId), user(userId), inputs).map((one) => viewMessage(engine, one)),
    edit: (messageId, text, { userId = 1 } = {}) => edit(engine, message(messageId), text, userId),
    delete: (messageId, { userId = 1 } = {}) => remove(engine, message(messageId), userId),
    take: (chatId, { userId = 1 } = {}) => {
      takeDialog(engine, chat(chatId), user(userId))
    },
    finish: (chatId, { userId = 1 } = {}) => finishSession(engine, chat(chatId), { userId: user(userId) }),
  }
}
