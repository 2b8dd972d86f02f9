import { z } from 'zod'
import { ChannelError, type ChannelContext, type ChannelLimits, type OutboundFile, type OutboundMessage, type Sent, type SentMessage } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { type RichText } from '../../domain/rich-text.ts'
import { TelegramApi } from './api.ts'
import { type TelegramCredentials } from './credentials.ts'
import { asDocument, mostBytes, wayOf, type Way } from './files.ts'
import { render } from './markup.ts'
import { messageIdOf } from './webhook.ts'

type Context = ChannelContext<TelegramCredentials>

/** @see https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
export const limits: ChannelLimits = {
  textLength: 4096,
  buttons: { count: 100, titleLength: 64, payloadBytes: 64 },
  files: { maxBytes: mostBytes, captionLength: 1024, withoutCaption: ['sticker'] },
  perSecond: 30,
}

/** One keyboard fits under a message. The request for a number wins: without it there is nobody to put the question to. */
const keyboardOf = ({ buttons = [], requestsContact }: OutboundMessage) => {
  if (requestsContact === true)
    return { keyboard: [[{ text: 'Поделиться номером', request_contact: true as const }]], one_time_keyboard: true, resize_keyboard: true }
  return buttons.length === 0 ? undefined : { inline_keyboard: buttons.map(({ id, title }) => [{ text: title, callback_data: id }]) }
}

/** A number only: a user name may have passed to another person since. */
const chatIdOf = (to: string): number => {
  if (!/^\d{1,15}$/.test(to)) throw new ChannelError({ class: 'recipientPermanent', code: 'chat.id' }, 'Адрес в Telegram записан неверно: попросите человека снова открыть бота по личной ссылке.')
  return Number(to)
}

/** The id inside the chat, of a message that is in it. */
const messageNumber = (externalId: string, chatId: number): number | undefined => {
  const [chat, number] = externalId.split(':')
  return chat === String(chatId) && number !== undefined && /^\d{1,10}$/.test(number) ? Number(number) : undefined
}

const sentMessage = z.looseObject({ message_id: z.int() })

const unclearAnswer = (): ChannelError =>
  new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ Telegram не удалось прочитать: проверьте адрес Bot API в настройках подключения.', { outcome: 'unknown' })

/** A message that is answered but gone does not hold the answer up. */
const optionsOf = (message: OutboundMessage, chatId: number) => {
  const keyboard = keyboardOf(message)
  const quoted = message.replyTo === undefined ? undefined : messageNumber(message.replyTo, chatId)
  return {
    ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
    ...(quoted === undefined ? {} : { reply_parameters: { message_id: quoted, allow_sending_without_reply: true } }),
  }
}

export const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  const { text, parseMode, length } = render(message)
  refuseOversize(message, limits, length)
  const chatId = chatIdOf(message.to)
  const options = { ...optionsOf(message, chatId), ...(parseMode === undefined ? {} : { parse_mode: parseMode }) }
  const answer =
    message.file === undefined
      ? await new TelegramApi(context).sendMessage(chatId, text, { link_preview_options: { is_disabled: true }, ...options })
      : await sendFile(message.file, { chat_id: chatId, ...(text === '' ? {} : { caption: text }), ...options }, context)
  const sent = sentMessage.safeParse(answer)
  if (!sent.success) throw unclearAnswer()
  return { externalId: messageIdOf(chatId, sent.data.message_id), parts: 1 }
}

/** A picture that Telegram will not show - too long, too narrow, broken - still goes as a document: its no was clear, so nothing is sent twice. */
const sendFile = async (file: OutboundFile, fields: Readonly<Record<string, unknown>>, context: Context): Promise<unknown> => {
  const way = wayOf(file)
  try {
    return await uploadAs(way, file, fields, context)
  } catch (error) {
    if (way.field !== 'photo' || !(error instanceof ChannelError) || error.failure.class !== 'content') throw fileRefusal(error)
  }
  try {
    return await uploadAs(asDocument, file, fields, context)
  } catch (error) {
    throw fileRefusal(error)
  }
}

const uploadAs = (way: Way, { name, mimeType, bytes }: OutboundFile, fields: Readonly<Record<string, unknown>>, context: Context): Promise<unknown> => {
  const kept = way.method === 'sendDocument' ? { ...fields, disable_content_type_detection: true } : fields
  return new TelegramApi(context).upload(way.method, kept, { field: way.field, name, mimeType, bytes })
}

/** F34: a limit on files holds this message up and says nothing of text. */
const fileRefusal = (error: unknown): unknown => {
  if (!(error instanceof ChannelError)) return error
  const { failure, retryAfterSeconds } = error
  if (failure.class === 'rateLimited') return new ChannelError({ class: 'rateLimited', code: `media.${failure.code}` }, error.message, { retryAfterSeconds })
  if (failure.class !== 'content') return error
  return new ChannelError({ class: 'content', code: `media.${failure.code}` }, 'Telegram не принял файл или подпись к нему: уменьшите файл или сохраните его в другом формате.')
}

/** The message that an edit or a removal is about. */
const addressOf = ({ externalId, to }: SentMessage): { chatId: number; messageId: number } => {
  const chatId = chatIdOf(to)
  const messageId = messageNumber(externalId, chatId)
  if (messageId === undefined) throw new ChannelError({ class: 'content', code: 'message.id' }, 'Этого сообщения в Telegram больше нет: отправьте новое.')
  return { chatId, messageId }
}

const isFailure = (error: unknown, code: string): boolean => error instanceof ChannelError && error.failure.code === code

/** Buttons under the message go away with the edit, as the Bot API has it. @see https://core.telegram.org/bots/api#editmessagetext */
export const edit = async (message: SentMessage & { readonly text: string; readonly rich?: RichText; readonly isCaption: boolean }, context: Context): Promise<void> => {
  const { chatId, messageId } = addressOf(message)
  const { text, parseMode, length } = render(message)
  const most = message.isCaption ? (limits.files?.captionLength ?? 0) : limits.textLength
  if (text.trim() === '' && !message.isCaption) throw new ChannelError({ class: 'content', code: 'text.empty' }, 'Текст сообщения пуст: впишите его или удалите сообщение.')
  if (length > most) throw new ChannelError({ class: 'content', code: 'text.long' }, `Текст длиннее ${most} символов: сократите его или отправьте новым сообщением.`)
  const api = new TelegramApi(context)
  const options = parseMode === undefined ? {} : { parse_mode: parseMode }
  try {
    if (message.isCaption) await api.callApi('editMessageCaption', { chat_id: chatId, message_id: messageId, caption: text, ...options })
    else await api.callApi('editMessageText', { chat_id: chatId, message_id: messageId, text, link_preview_options: { is_disabled: true }, ...options })
  } catch (error) {
    if (!isFailure(error, 'message.same')) throw error
  }
}

/** Within 48 hours of the sending. @see https://core.telegram.org/bots/api#deletemessage */
export const remove = async (message: SentMessage, context: Context): Promise<void> => {
  const { chatId, messageId } = addressOf(message)
  try {
    await new TelegramApi(context).deleteMessage(chatId, messageId)
  } catch (error) {
    if (!isFailure(error, 'message.gone')) throw error
  }
}
