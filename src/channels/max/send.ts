import { z } from 'zod'
import { ChannelError, type ChannelLimits, type OutboundMessage, type Sent, type SentMessage } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { type RichText } from '../../domain/rich-text.ts'
import { type HttpAnswer } from '../http.ts'
import { call, read, type Context } from './api.ts'
import { type MaxCredentials } from './credentials.ts'
import { notReady } from './errors.ts'
import { mostBytes, upload } from './files.ts'
import { render } from './markup.ts'

/** @see https://dev.max.ru/docs-api */
export const limits: ChannelLimits = {
  textLength: 4000,
  // One button to a row; MAX shows thirty rows, and one may open the mini-app.
  buttons: { count: 29, titleLength: 128, payloadBytes: 1024 },
  files: { maxBytes: mostBytes, captionLength: 4000 },
  perSecond: 30,
}

/** @see https://dev.max.ru/docs-api/methods/POST/messages */
const keyboardOf = ({ buttons = [], requestsContact }: OutboundMessage, { miniApp }: MaxCredentials): readonly object[] => {
  // Under what asks for an answer stands the page that shows what it is about.
  const opensApp = miniApp !== undefined && buttons.length > 0
  const rows: readonly (readonly unknown[])[] = [
    ...buttons.map(({ id, title }) => [{ type: 'callback', text: title, payload: id }]),
    ...(opensApp ? [[{ type: 'open_app', text: 'Мой визит', web_app: miniApp }]] : []),
    ...(requestsContact === true ? [[{ type: 'request_contact', text: 'Поделиться номером' }]] : []),
  ]
  return rows.length === 0 ? [] : [{ type: 'inline_keyboard', payload: { buttons: rows } }]
}

const sentAnswer = z.looseObject({ message: z.looseObject({ body: z.looseObject({ mid: z.string().min(1) }) }) })

export const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  const { text, format } = render(message)
  refuseOversize(message, limits, text.length)
  if (!/^\d{1,15}$/.test(message.to))
    throw new ChannelError({ class: 'recipientPermanent', code: 'user.id' }, 'Адрес в MAX записан неверно: попросите человека снова открыть бота по личной ссылке.')
  const file = message.file === undefined ? [] : [await upload(message.file, context)]
  const attachments = [...file, ...keyboardOf(message, context.credentials)]
  const body = {
    text,
    ...(format === undefined ? {} : { format }),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(message.replyTo === undefined ? {} : { link: { type: 'reply', mid: message.replyTo } }),
  }
  const post = () => call(context, { method: 'POST', path: '/messages', query: { user_id: message.to, disable_link_preview: 'true' }, json: body })
  const answer = file.length === 0 ? await post() : await whenReady(post, context.signal)
  return { externalId: read(sentAnswer, answer).message.body.mid, parts: 1 }
}

/** Until MAX has digested the upload: about half a minute in all, and never beyond the caller's signal. */
const waitsMs = [500, 1_000, 2_000, 4_000, 8_000, 16_000]

/** `attachment.not.ready` is a clear no, so the same request may be sent again. */
const whenReady = async (post: () => Promise<HttpAnswer>, signal: AbortSignal): Promise<HttpAnswer> => {
  for (const waitMs of waitsMs) {
    try {
      return await post()
    } catch (error) {
      if (!(error instanceof ChannelError) || error.failure.code !== notReady) throw error
      if (!(await hasWaited(waitMs, signal))) throw error
    }
  }
  return post()
}

/** False when the caller gave up first. */
const hasWaited = (waitMs: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false)
      return
    }
    const stop = (): void => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve(true)
    }, waitMs)
    signal.addEventListener('abort', stop, { once: true })
  })

const doneAnswer = z.looseObject({ success: z.boolean() })

/** MAX says some of its noes with HTTP 200. Neither has a code: what they have in common is that the message stays as it is. */
const change = async (request: () => Promise<HttpAnswer>, late: string): Promise<void> => {
  const answer = await request()
  if (!read(doneAnswer, answer).success) throw new ChannelError({ class: 'content', code: 'message.late' }, late)
}

const isAboutMessage = (error: unknown): error is ChannelError =>
  error instanceof ChannelError && (error.failure.class === 'recipientPermanent' || error.failure.class === 'content')

const lateEdit = 'MAX уже не даёт изменить это сообщение: отправьте исправление новым сообщением.'
const lateRemoval = 'MAX уже не даёт удалить это сообщение: отправьте уточнение новым сообщением.'

/**
 * Within seven days of the sending. Files and buttons stay as they are: they are not named.
 *
 * @see https://dev.max.ru/docs-api/methods/PUT/messages
 */
export const edit = async (message: SentMessage & { readonly text: string; readonly rich?: RichText; readonly isCaption: boolean }, context: Context): Promise<void> => {
  const { text, format } = render(message)
  if (text.trim() === '' && !message.isCaption) throw new ChannelError({ class: 'content', code: 'text.empty' }, 'Текст сообщения пуст: впишите его или удалите сообщение.')
  if (text.length > limits.textLength)
    throw new ChannelError({ class: 'content', code: 'text.long' }, `Текст длиннее ${limits.textLength} символов: сократите его или отправьте новым сообщением.`)
  const json = { text, ...(format === undefined ? {} : { format }) }
  try {
    await change(() => call(context, { method: 'PUT', path: '/messages', query: { message_id: message.externalId }, json }), lateEdit)
  } catch (error) {
    throw isAboutMessage(error) ? new ChannelError({ class: 'content', code: error.failure.code }, lateEdit) : error
  }
}

/** MAX's own word where it gives one, else the HTTP status. */
const isGone = /not\.?found|^404$/i

/** @see https://dev.max.ru/docs-api/methods/DELETE/messages */
export const remove = async (message: SentMessage, context: Context): Promise<void> => {
  try {
    await change(() => call(context, { method: 'DELETE', path: '/messages', query: { message_id: message.externalId } }), lateRemoval)
  } catch (error) {
    if (error instanceof ChannelError && isGone.test(error.failure.code)) return
    throw isAboutMessage(error) ? new ChannelError({ class: 'content', code: error.failure.code }, lateRemoval) : error
  }
}
