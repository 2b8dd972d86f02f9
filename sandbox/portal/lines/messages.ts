import { type Engine } from '../engine.ts'
import { type Cause } from '../events.ts'
import { connectorListens, tellAdded, tellLineMessage, wantsSystemTexts } from './events.ts'
import { type ChatMessage, type LineChat } from './model.ts'

/** Writes a message into a chat and tells whoever listens to all messages; the connector is not told. */
export function putMessage(
  engine: Engine, chat: LineChat, input: Pick<ChatMessage, 'authorId' | 'kind' | 'text'> & Partial<ChatMessage>, cause: Cause,
): ChatMessage {
  const { lines } = engine.world
  const message: ChatMessage = {
    id: engine.world.nextId('chat message'), chatId: chat.id, sessionId: lines.lastSession(chat)?.id ?? 0, fileIds: [], at: engine.clock.now(),
    connectorMid: [], state: 'none', edited: false, deleted: false, uuid: input.kind === 'system' ? null : crypto.randomUUID(), ...input,
  }
  lines.messages.set(message.id, message)
  chat.messageIds.push(message.id)
  for (const mid of message.connectorMid) lines.messageByMid.set(`${chat.id}|${mid}`, message.id)
  tellLineMessage(engine, chat, message, 'ADD', cause)
  return message
}

/** A text of the system: seen in the chat, and sent on when the connector takes such texts. */
export function putSystemText(engine: Engine, chat: LineChat, text: string, cause: Cause): ChatMessage {
  const sent = wantsSystemTexts(engine, chat)
  const message = putMessage(engine, chat, { authorId: 0, kind: 'system', text, state: sent ? 'sending' : 'none' }, cause)
  if (sent) tellAdded(engine, chat, [message], cause)
  return message
}

/**
 * Messages of an operator: they go out in one event. With the connector off nothing goes out, the messages are marked as failed and
 * the operator is told in the chat.
 */
export function putOperatorMessages(
  engine: Engine, chat: LineChat, userId: number, inputs: { text: string, fileIds?: number[] }[], cause: Cause = { userId },
): ChatMessage[] {
  const listens = connectorListens(engine, chat)
  const messages = inputs.map(({ text, fileIds = [] }) =>
    putMessage(engine, chat, { authorId: userId, kind: 'operator', text, fileIds, state: listens ? 'sending' : 'failed' }, cause))
  if (listens) tellAdded(engine, chat, messages, cause)
  else {
    putMessage(engine, chat, {
      authorId: 0, kind: 'system', text: 'Сообщение не отправлено: канал отключён или сообщил об ошибке. Проверьте настройки канала в контакт-центре.',
    }, 'automation')
  }
  return messages
}
