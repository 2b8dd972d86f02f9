import { z } from 'zod'
import { ChannelError, type InboundFile, type OutboundFile } from '../channel.ts'
import { downloadFile, goneFile, tooLargeFile, type Downloaded, type HttpAnswer } from '../http.ts'
import { call, read, type Context } from './api.ts'
import { placeOfRef, storedAt } from './content.ts'
import { refusalOf } from './errors.ts'
import { messageSchema } from './webhook.ts'

const mebibyte = 1024 * 1024

/** MAX takes files of 4 GB; ours are held in memory. */
export const mostBytes = 100 * mebibyte

type UploadType = 'image' | 'video' | 'audio' | 'file'

/** What MAX shows in its own player; everything else goes as a file, which it takes of any kind. @see https://dev.max.ru/docs-api/methods/POST/uploads */
const shown: Readonly<Record<Exclude<UploadType, 'file'>, readonly string[]>> = {
  image: ['image/jpeg', 'image/png', 'image/gif', 'image/tiff', 'image/bmp', 'image/heic'],
  video: ['video/mp4', 'video/quicktime', 'video/x-matroska', 'video/webm'],
  audio: ['audio/mpeg', 'audio/mp4', 'audio/aac', 'audio/ogg', 'audio/wav', 'audio/x-m4a'],
}
const mostShownBytes: Readonly<Record<UploadType, number>> = { image: 50 * mebibyte, video: mostBytes, audio: mostBytes, file: mostBytes }

const typeOf = ({ kind, mimeType, bytes }: OutboundFile): UploadType => {
  const wanted = kind === 'voice' ? 'audio' : kind === 'sticker' ? 'image' : kind
  if (wanted === 'file') return 'file'
  const isShown = shown[wanted].includes(mimeType.toLowerCase().split(';')[0]?.trim() ?? '') && bytes.byteLength <= mostShownBytes[wanted]
  return isShown ? wanted : 'file'
}

const uploadPlace = z.looseObject({ url: z.string().refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? '')), token: z.string().nullish() })
const imageAnswer = z.looseObject({ photos: z.record(z.string(), z.looseObject({ token: z.string().min(1) })) })
const fileAnswer = z.looseObject({ token: z.string().min(1) })

/**
 * Puts the file into MAX's store; returns the attachment that names it. The patient sees nothing of it: whatever happens, nothing went out.
 *
 * @see https://dev.max.ru/docs-api/methods/POST/uploads
 */
export const upload = async (file: OutboundFile, context: Context): Promise<object> => {
  const type = typeOf(file)
  try {
    const place = read(uploadPlace, await call(context, { method: 'POST', path: '/uploads', query: { type } }))
    const { name, mimeType, bytes } = file
    const answer = await context.http.call(
      { method: 'POST', url: place.url, headers: { authorization: context.credentials.token }, multipart: { file: { field: 'data', name, mimeType, bytes } } },
      { signal: context.signal, proxyUrl: context.credentials.proxyUrl, caFile: context.credentials.caFile },
    )
    if (answer.status < 200 || answer.status > 299) throw storeRefusalOf(answer)
    return { type, payload: { token: tokenOf(type, place.token ?? undefined, answer) } }
  } catch (error) {
    throw uploadRefusal(error)
  }
}

/** A picture's token and a file's come with the answer of the store, a recording's before it. @throws ChannelError when there is none */
const tokenOf = (type: UploadType, early: string | undefined, answer: HttpAnswer): string => {
  if (type === 'image') {
    const [first] = Object.values(read(imageAnswer, answer).photos)
    if (first !== undefined) return first.token
  }
  return type !== 'image' && early !== undefined ? early : read(fileAnswer, answer).token
}

/** The store is not the Bot API: its no says nothing of the token or of the patient. */
const storeRefusalOf = (answer: HttpAnswer): ChannelError => {
  const isAboutFile = answer.status === 400 || answer.status === 413 || answer.status === 415
  return refusalOf({ ...answer, status: isAboutFile || answer.status === 429 ? (isAboutFile ? 400 : 429) : 503 })
}

/** F34: a limit on uploads holds this message up and says nothing of text. */
const uploadRefusal = (error: unknown): unknown => {
  if (!(error instanceof ChannelError)) return error
  const { failure, message } = error
  // 403 and 404 of `/uploads` cannot be about a patient: none has been named.
  const failureClass = failure.class === 'recipientPermanent' ? 'channelTemporary' : failure.class
  const sentence = failureClass === 'content' ? 'MAX не принял файл: уменьшите его или сохраните в другом формате.' : failureClass === 'channelTemporary' ? uploadSentence : message
  return new ChannelError({ class: failureClass, code: `media.${failure.code}` }, sentence)
}

const uploadSentence = 'MAX сейчас не принимает файлы от бота: отправьте текст, а файл - позже.'

const messageAnswer = z.union([z.looseObject({ message: messageSchema }).transform(({ message }) => message), messageSchema])
const videoAnswer = z.looseObject({ urls: z.record(z.string(), z.string().nullish()).nullish() })

/** Largest first; `hls` is no file. */
const videoSizes = ['mp4_1080', 'mp4_720', 'mp4_480', 'mp4_360', 'mp4_240', 'mp4_144']

/**
 * The bytes of a patient's file; `ref` is its place in the message, so that it stays good and opens nothing without the bot's token.
 *
 * @see https://dev.max.ru/docs-api/methods/GET/messages/-messageId-
 */
export const download = async ({ ref, sizeBytes }: InboundFile, context: Context & { readonly maxBytes: number }): Promise<Downloaded> => {
  const { credentials, http, signal, maxBytes } = context
  const place = placeOfRef(ref)
  if (place === undefined) throw goneFile()
  if (sizeBytes !== undefined && sizeBytes > maxBytes) throw tooLargeFile(maxBytes)
  const message = read(messageAnswer, await asked(context, `/messages/${encodeURIComponent(place.mid)}`))
  const stored = storedAt((place.part === 'link' ? message.link?.message : message.body) ?? undefined, place.index)
  if (stored === undefined) throw goneFile()
  const url = stored.type === 'video' && stored.token !== undefined ? await videoAddress(stored.token, context) : stored.url
  if (url === undefined || URL.parse(url) === null) throw goneFile()
  return downloadFile(http, { url }, { signal, proxyUrl: credentials.proxyUrl, caFile: credentials.caFile, maxBytes })
}

/** @see https://dev.max.ru/docs-api/methods/GET/videos/-videoToken- */
const videoAddress = async (token: string, context: Context): Promise<string | undefined> => {
  const { urls } = read(videoAnswer, await asked(context, `/videos/${encodeURIComponent(token)}`))
  return videoSizes.map((size) => urls?.[size]).find((url) => typeof url === 'string') ?? undefined
}

const asked = async (context: Context, path: string): Promise<HttpAnswer> => {
  try {
    return await call(context, { method: 'GET', path })
  } catch (error) {
    // A message or a video that is not there, or not for us any more.
    const isGone = error instanceof ChannelError && (error.failure.class === 'recipientPermanent' || error.failure.class === 'content')
    throw isGone ? goneFile() : error
  }
}
