import { z } from 'zod'
import { ChannelError, type ChannelLimits, type OutboundFile, type OutboundMessage, type Sent, type SentMessage } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { type RichText } from '../../domain/rich-text.ts'
import { render } from '../../domain/whatsapp-markup.ts'
import { call, read, type Context } from './api.ts'
import { jidOf } from './person.ts'

/**
 * One message a second, as the vendor's own queue is paced: what waits, waits with us, where it can still be stopped. Buttons are told to be
 * unstable and are not offered.
 *
 * @see https://green-api.com/docs/api/sending/
 */
export const limits: ChannelLimits = {
  textLength: 20_000,
  files: { maxBytes: 100 * 1024 * 1024, captionLength: 1024, withoutCaption: ['audio', 'voice', 'sticker'] },
  perSecond: 1,
}

const sentAnswer = z.looseObject({ idMessage: z.string().min(1) })

export const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  const text = render(message)
  refuseOversize(message, limits, text.length)
  const answer = message.file === undefined ? await sendText(message, text, context) : await sendFile(message, message.file, text, context)
  return { externalId: read(sentAnswer, answer).idMessage, parts: 1 }
}

const sendText = async ({ to, replyTo }: OutboundMessage, text: string, context: Context) =>
  call(context, 'sendMessage', { json: { chatId: jidOf(to), message: text, linkPreview: false, ...(replyTo === undefined ? {} : { quotedMessageId: replyTo }) } })

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'image/gif': 'gif', 'video/mp4': 'mp4', 'audio/ogg': 'ogg', 'audio/mpeg': 'mp3', 'application/pdf': 'pdf', 'text/plain': 'txt',
}

/** WhatsApp tells pictures from documents by the extension alone, and the vendor refuses a name without one. */
const nameOf = ({ name, mimeType }: OutboundFile): string => {
  if (/\.[\p{L}\p{N}]{1,8}$/u.test(name)) return name
  const extension = extensions[mimeType.split(';')[0]?.trim() ?? '']
  if (extension === undefined) throw new ChannelError({ class: 'content', code: 'file.name' }, 'У файла нет расширения: переименуйте его, например в «анализ.pdf», и отправьте ещё раз.')
  return `${name}.${extension}`
}

/** The upload is the message: what is lost on the way may be out. */
const sendFile = async ({ to, replyTo }: OutboundMessage, file: OutboundFile, caption: string, context: Context) => {
  const fileName = nameOf(file)
  const fields = { chatId: jidOf(to), fileName, ...(caption === '' ? {} : { caption }), ...(replyTo === undefined ? {} : { quotedMessageId: replyTo }) }
  try {
    return await call(context, 'sendFileByUpload', { multipart: { fields, file: { field: 'file', name: fileName, mimeType: file.mimeType, bytes: file.bytes } } })
  } catch (error) {
    throw fileRefusal(error)
  }
}

/** F34: a limit on files holds this message up and says nothing of text, so it carries no pause for the number. */
const fileRefusal = (error: unknown): unknown => {
  if (!(error instanceof ChannelError) || error.failure.class !== 'rateLimited') return error
  return new ChannelError({ class: 'rateLimited', code: `media.${error.failure.code}` }, error.message)
}

/** The vendor's no to a change of an old message: it is too late. A message that is not found counts as that too. */
const tooLate = (error: unknown, sentence: string): unknown =>
  error instanceof ChannelError && error.failure.code === '400' ? new ChannelError({ class: 'content', code: 'late' }, sentence) : error

/** Fifteen minutes; whether a caption may be changed, the vendor says. @see https://green-api.com/docs/api/service/EditMessage/ */
export const edit = async (
  { externalId, to, text, rich }: SentMessage & { readonly text: string; readonly rich?: RichText; readonly isCaption: boolean },
  context: Context,
): Promise<void> => {
  const words = render({ text, ...(rich === undefined ? {} : { rich }) })
  refuseOversize({ ref: '', number: 1, to, text: words }, limits)
  try {
    await call(context, 'editMessage', { json: { chatId: jidOf(to), idMessage: externalId, message: words } })
  } catch (error) {
    throw tooLate(error, 'Изменить это сообщение нельзя: WhatsApp даёт 15 минут и не меняет подписей к файлам.')
  }
}

/** @see https://green-api.com/docs/api/service/deleteMessage/ */
export const remove = async ({ externalId, to }: SentMessage, context: Context): Promise<void> => {
  try {
    await call(context, 'deleteMessage', { json: { chatId: jidOf(to), idMessage: externalId } })
  } catch (error) {
    throw tooLate(error, 'Удалить сообщение у пациента уже нельзя: напишите ему, что оно отправлено по ошибке.')
  }
}
