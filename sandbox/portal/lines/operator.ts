import { type Engine } from '../engine.ts'
import { connectorFlag, connectorListens, tellChanged, tellDeleted, tellLineMessage } from './events.ts'
import { storeFile } from './files.ts'
import { putOperatorMessages } from './messages.ts'
import { type ChatMessage, type LineChat, type LineSession } from './model.ts'
import { startSession } from './sessions.ts'

export interface OperatorText {
  text?: string
  files?: { name: string, bytes: Uint8Array }[]
}

/** Takes the dialog: the user becomes its operator; a session that has ended is followed by a new one. */
export function takeDialog(engine: Engine, chat: LineChat, userId: number): LineSession {
  const session = engine.world.lines.openSession(chat) ?? startSession(engine, chat, { crm: true, operatorId: userId, cause: { userId } })
  chat.members.add(userId)
  session.operatorId ??= userId
  return session
}

/** What an operator types: one event for all of it. */
export function say(engine: Engine, chat: LineChat, userId: number, inputs: OperatorText[]): ChatMessage[] {
  takeDialog(engine, chat, userId)
  return putOperatorMessages(engine, chat, userId, inputs.map(({ text = '', files = [] }) => {
    if (text === '' && files.length === 0) throw new Error('A message needs a text or a file.')
    return { text, fileIds: files.map((file) => storeFile(engine, chat, userId, file.name, file.bytes).id) }
  }))
}

/** @throws Error when it is not the user's message, or the channel does not take edits. */
export function edit(engine: Engine, message: ChatMessage, text: string, userId: number): void {
  const chat = engine.world.lines.chats.get(message.chatId)!
  if (message.kind === 'system' || message.authorId !== userId) throw new Error('Only its author may edit a message.')
  if (message.deleted) throw new Error('The message is deleted.')
  if (!connectorFlag(engine, chat, 'EDIT_INTERNAL_MESSAGES')) throw new Error('The channel does not take edits of messages.')
  message.text = text
  message.edited = true
  tellLineMessage(engine, chat, message, 'UPDATE', { userId })
  if (connectorListens(engine, chat)) tellChanged(engine, chat, message, { userId })
}

/** Removes the user's own message or, where the channel allows it, one of the patient. */
export function remove(engine: Engine, message: ChatMessage, userId: number): void {
  const chat = engine.world.lines.chats.get(message.chatId)!
  const foreign = message.kind === 'patient'
  if (!foreign && message.authorId !== userId) throw new Error('Only its author may delete a message.')
  if (!connectorFlag(engine, chat, foreign ? 'DEL_EXTERNAL_MESSAGES' : 'DEL_INTERNAL_MESSAGES')) throw new Error('The channel does not let messages be deleted.')
  if (message.deleted) return
  Object.assign(message, { deleted: true, text: '', fileIds: [] })
  tellLineMessage(engine, chat, message, 'DELETE', { userId })
  if (connectorListens(engine, chat)) tellDeleted(engine, chat, message, { userId })
}
