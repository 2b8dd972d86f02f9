import { RestError } from '../errors.ts'
import { putOperatorMessages, putSystemText } from '../lines/messages.ts'
import { type ChatMessage, type LineChat } from '../lines/model.ts'
import { edit, remove, takeDialog } from '../lines/operator.ts'
import { messagesShape } from '../lines/shapes.ts'
import { isYes } from '../model.ts'
import { answer, type Call, causeOf, type Handler } from './call.ts'

/** A dialog of an open line that the caller takes part in: `can_post: member`, so that even an administrator has to join first. */
function chatOf(call: Call): LineChat {
  const id = /^chat(\d+)$/.exec(String(call.params.DIALOG_ID))?.[1]
  if (id === undefined) throw new RestError('ERROR_SANDBOX_NOT_IMPLEMENTED', 'The sandbox portal plays chats of open lines only', 501)
  const chat = call.engine.world.lines.chats.get(Number(id))
  if (!chat) throw new RestError('CHAT_ID', 'Error creating message')
  if (!chat.members.has(call.user.id)) throw new RestError('ACCESS_ERROR', 'Action unavailable')
  return chat
}

function ownMessage(call: Call): ChatMessage {
  const message = call.engine.world.lines.messages.get(Number(call.params.MESSAGE_ID))
  if (!message) throw new RestError('MESSAGE_ID_ERROR', "Message ID can't be empty")
  if (message.authorId !== call.user.id) throw cannotEdit()
  return message
}

function cannotEdit(): RestError {
  return new RestError('CANT_EDIT_MESSAGE', "Time has expired for modification or you don't have access", 403)
}

/** Runs a change that a person could make, in the words of REST when it may not be. */
function change(run: () => void): true {
  try {
    run()
  } catch {
    throw cannotEdit()
  }
  return true
}

/** @see https://apidocs.bitrix24.com/api-reference/chats/messages/index.html */
export const chatMethods: Record<string, Handler> = {
  'im.message.add': answer((call) => {
    const text = String(call.params.MESSAGE ?? '')
    if (text === '') throw new RestError('MESSAGE_EMPTY', "Message can't be empty")
    const chat = chatOf(call)
    if (isYes(call.params.SYSTEM)) return putSystemText(call.engine, chat, text, causeOf(call)).id
    takeDialog(call.engine, chat, call.user.id)
    return putOperatorMessages(call.engine, chat, call.user.id, [{ text }])[0]!.id
  }),
  'im.message.update': answer((call) => {
    const message = ownMessage(call)
    const text = String(call.params.MESSAGE ?? message.text)
    return change(() => text === '' ? remove(call.engine, message, call.user.id) : edit(call.engine, message, text, call.user.id))
  }),
  'im.message.delete': answer((call) => {
    const message = ownMessage(call)
    return change(() => remove(call.engine, message, call.user.id))
  }),
  'im.dialog.messages.get': answer((call) => messagesShape(call.engine, chatOf(call), {
    ...(call.params.LAST_ID === undefined ? {} : { lastId: Number(call.params.LAST_ID) }),
    ...(call.params.FIRST_ID === undefined ? {} : { firstId: Number(call.params.FIRST_ID) }),
    limit: Math.min(50, Number(call.params.LIMIT ?? 20)),
  })),
}
