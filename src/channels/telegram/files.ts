import { z } from 'zod'
import { ChannelError, type ChannelContext, type InboundFile, type OutboundFile } from '../channel.ts'
import { downloadFile, goneFile, tooLargeFile, type Downloaded } from '../http.ts'
import { TelegramApi } from './api.ts'
import { type TelegramCredentials } from './credentials.ts'

const mebibyte = 1024 * 1024

/** @see https://core.telegram.org/bots/api#sending-files */
export const mostBytes = 50 * mebibyte
const mostPhotoBytes = 10 * mebibyte

export interface Way {
  readonly method: 'sendPhoto' | 'sendVideo' | 'sendAudio' | 'sendVoice' | 'sendDocument'
  readonly field: 'photo' | 'video' | 'audio' | 'voice' | 'document'
}

/** Any file passes as a document: what Telegram would not show in its own player still reaches the patient. */
export const asDocument: Way = { method: 'sendDocument', field: 'document' }

const mimeOf = ({ mimeType }: OutboundFile): string => mimeType.toLowerCase().split(';')[0]?.trim() ?? ''

/** @see https://core.telegram.org/bots/api#available-methods */
export const wayOf = (file: OutboundFile): Way => {
  const mime = mimeOf(file)
  if (file.kind === 'image' && ['image/jpeg', 'image/png'].includes(mime) && file.bytes.byteLength <= mostPhotoBytes) return { method: 'sendPhoto', field: 'photo' }
  if (file.kind === 'video' && mime === 'video/mp4') return { method: 'sendVideo', field: 'video' }
  if (file.kind === 'voice' && mime === 'audio/ogg') return { method: 'sendVoice', field: 'voice' }
  const isAudio = file.kind === 'audio' || file.kind === 'voice'
  return isAudio && ['audio/mpeg', 'audio/mp4', 'audio/x-m4a'].includes(mime) ? { method: 'sendAudio', field: 'audio' } : asDocument
}

const fileAnswer = z.looseObject({ file_path: z.string().min(1).optional() })

/**
 * The bytes of a patient's file; `ref` is Telegram's `file_id`. The cloud server gives at most 20 MB.
 *
 * @see https://core.telegram.org/bots/api#getfile
 */
export const download = async ({ ref, sizeBytes }: InboundFile, context: ChannelContext<TelegramCredentials> & { readonly maxBytes: number }): Promise<Downloaded> => {
  const { credentials, http, signal, maxBytes } = context
  if (sizeBytes !== undefined && sizeBytes > maxBytes) throw tooLargeFile(maxBytes)
  const found = fileAnswer.safeParse(await askForPath(ref, context))
  if (!found.success || found.data.file_path === undefined) throw goneFile()
  const path = found.data.file_path.split('/').map(encodeURIComponent).join('/')
  const url = `${credentials.apiRoot}/file/bot${credentials.botToken}/${path}`
  const { bytes } = await downloadFile(http, { url }, { signal, proxyUrl: credentials.proxyUrl, caFile: credentials.caFile, maxBytes })
  // Telegram's store calls every file application/octet-stream: the message said better.
  return { bytes }
}

const cloudBytes = 20 * mebibyte

const askForPath = async (ref: string, context: ChannelContext<TelegramCredentials>): Promise<unknown> => {
  try {
    return await new TelegramApi(context).callApi('getFile', { file_id: ref })
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'content') throw error
    throw error.failure.code === 'file.large' ? tooLargeFile(cloudBytes) : goneFile()
  }
}
