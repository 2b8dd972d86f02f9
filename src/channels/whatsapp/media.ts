import { z } from 'zod'
import { ChannelError, type ChannelContext, type InboundFile, type OutboundFile } from '../channel.ts'
import { megabytes } from '../refusal.ts'
import { downloadFile, goneFile, tooLargeFile, type Downloaded } from '../http.ts'
import { type WhatsAppCredentials } from './credentials.ts'
import { unclearAnswer } from './errors.ts'
import { callGraph, isPartner, keyHeaders } from './graph.ts'

type Context = ChannelContext<WhatsAppCredentials>

export type MediaType = 'image' | 'video' | 'audio' | 'document' | 'sticker'

const mebibyte = 1024 * 1024

const office = 'application/vnd.openxmlformats-officedocument'

/** What Meta takes, and how large. @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media/ */
const accepted: Readonly<Record<MediaType, { readonly mimeTypes: readonly string[]; readonly maxBytes: number; readonly name: string }>> = {
  image: { mimeTypes: ['image/jpeg', 'image/png'], maxBytes: 5 * mebibyte, name: 'Картинка' },
  video: { mimeTypes: ['video/mp4', 'video/3gpp'], maxBytes: 16 * mebibyte, name: 'Видео' },
  audio: { mimeTypes: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg'], maxBytes: 16 * mebibyte, name: 'Аудиозапись' },
  document: {
    mimeTypes: [
      'application/pdf', 'text/plain', 'application/msword', 'application/vnd.ms-excel', 'application/vnd.ms-powerpoint',
      `${office}.wordprocessingml.document`, `${office}.spreadsheetml.sheet`, `${office}.presentationml.presentation`,
    ],
    maxBytes: 100 * mebibyte,
    name: 'Файл',
  },
  sticker: { mimeTypes: ['image/webp'], maxBytes: 500 * 1024, name: 'Стикер' },
}

export const mostBytes = accepted.document.maxBytes

/** Other names of the same formats, as browsers and phones give them. */
const otherNames: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg', 'video/3gp': 'video/3gpp', 'audio/mp3': 'audio/mpeg', 'audio/x-m4a': 'audio/mp4', 'audio/m4a': 'audio/mp4', 'audio/opus': 'audio/ogg',
}

const mimeOf = ({ mimeType }: OutboundFile): string => {
  const bare = mimeType.toLowerCase().split(';')[0]?.trim() ?? ''
  return Object.hasOwn(otherNames, bare) ? otherNames[bare]! : bare
}

/** The signature of the only codec that WhatsApp plays in an `.ogg`; it stands in the first page. */
const isOpus = ({ bytes }: OutboundFile): boolean => Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 128)).includes('OpusHead')

const advice: Readonly<Record<'image' | 'video' | 'audio' | 'other', string>> = {
  image: 'WhatsApp показывает только JPEG и PNG: сохраните картинку в одном из этих форматов и отправьте ещё раз.',
  video: 'WhatsApp показывает только видео MP4: сохраните его в этом формате и отправьте ещё раз.',
  audio: 'WhatsApp принимает звук только в MP3, AAC, M4A, AMR и OGG с кодеком Opus: сохраните запись как MP3 и отправьте ещё раз.',
  other: 'WhatsApp принимает документы PDF, Word, Excel, PowerPoint и TXT: сохраните файл как PDF и отправьте ещё раз.',
}

const adviceFor = (mime: string): string => {
  const [family] = mime.split('/')
  return family === 'image' || family === 'video' || family === 'audio' ? advice[family] : advice.other
}

/**
 * How WhatsApp would show the file. F35: whatever it would take and never deliver is refused before anything leaves.
 *
 * @throws ChannelError of class `content` with what to do
 */
export const mediaTypeOf = (file: OutboundFile): MediaType => {
  const mime = mimeOf(file)
  const types: readonly MediaType[] = file.kind === 'sticker' ? ['sticker'] : ['image', 'video', 'audio', 'document']
  const type = types.find((one) => accepted[one].mimeTypes.includes(mime))
  if (type === undefined || (mime === 'audio/ogg' && !isOpus(file))) throw new ChannelError({ class: 'content', code: 'file.format' }, adviceFor(mime))
  const { maxBytes, name } = accepted[type]
  const most = maxBytes < mebibyte ? `${maxBytes / 1024} КБ` : `${megabytes(maxBytes)} МБ`
  if (file.bytes.byteLength > maxBytes) throw new ChannelError({ class: 'content', code: 'file.large' }, `${name} больше ${most}: сожмите или пришлите ссылкой, больше WhatsApp не принимает.`)
  return type
}

const uploadAnswer = z.looseObject({ id: z.string().min(1) })

/**
 * Puts the file into Meta's store and returns its id there. The patient sees nothing of it: whatever happens, nothing went out.
 *
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media/
 */
export const upload = async (file: OutboundFile, context: Context): Promise<string> => {
  const mimeType = mimeOf(file)
  try {
    const answer = await callGraph(context, {
      method: 'POST',
      path: isPartner(context.credentials) ? '/media' : `/${context.credentials.phoneNumberId}/media`,
      multipart: { fields: { messaging_product: 'whatsapp', type: mimeType }, file: { field: 'file', name: file.name, mimeType, bytes: file.bytes } },
    })
    const stored = uploadAnswer.safeParse(answer.body)
    if (!stored.success) throw unclearAnswer()
    return stored.data.id
  } catch (error) {
    throw uploadRefusal(error)
  }
}

/** F34: a limit on uploads holds this message up and says nothing of text, so it carries no pause for the number. */
const uploadRefusal = (error: unknown): unknown => {
  if (!(error instanceof ChannelError)) return error
  const { failure, message } = error
  const sentence = failure.class === 'content' ? 'WhatsApp не принял файл: сохраните его как PDF, JPEG или MP4 и отправьте ещё раз.' : message
  return new ChannelError({ class: failure.class, code: `media.${failure.code}` }, sentence)
}

const storedAnswer = z.looseObject({ url: z.string(), mime_type: z.string().optional(), file_size: z.coerce.number().optional() })

/**
 * The bytes of a patient's file; `ref` is Meta's media id, good for as long as Meta keeps the file. The address lives five minutes and
 * wants the key.
 *
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media/
 */
export const download = async ({ ref, sizeBytes }: InboundFile, context: Context & { readonly maxBytes: number }): Promise<Downloaded> => {
  const { credentials, http, signal, maxBytes } = context
  if (sizeBytes !== undefined && sizeBytes > maxBytes) throw tooLargeFile(maxBytes)
  const stored = storedAnswer.safeParse((await askForAddress(ref, context)).body)
  if (!stored.success || URL.parse(stored.data.url) === null) throw unclearAnswer()
  const { url, mime_type, file_size } = stored.data
  if (file_size !== undefined && file_size > maxBytes) throw tooLargeFile(maxBytes)
  const { bytes, mimeType } = await downloadFile(http, { url: addressFor(url, credentials), headers: keyHeaders(credentials) }, { signal, proxyUrl: credentials.proxyUrl, caFile: credentials.caFile, maxBytes })
  const known = mime_type?.split(';')[0]?.trim() ?? mimeType
  return { bytes, ...(known === undefined ? {} : { mimeType: known }) }
}

/** A partner gives Meta's address, but its key opens only its own: the same path on the partner's host. */
const addressFor = (url: string, credentials: WhatsAppCredentials): string => {
  if (!isPartner(credentials)) return url
  const { pathname, search } = new URL(url)
  return `${new URL(credentials.baseUrl).origin}${pathname}${search}`
}

const askForAddress = async (ref: string, context: Context) => {
  if (!/^[\w-]{1,128}$/.test(ref)) throw goneFile()
  try {
    return await callGraph(context, { method: 'GET', path: `/${ref}` })
  } catch (error) {
    // Meta says 100 of an id that it no longer has, and 404 without a code.
    const isGone = error instanceof ChannelError && (error.failure.class === 'content' || error.failure.code === '404')
    throw isGone ? goneFile() : error
  }
}
