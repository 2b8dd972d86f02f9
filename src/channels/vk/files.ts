import { z } from 'zod'
import { ChannelError, type InboundFile, type OutboundFile } from '../channel.ts'
import { downloadFile, goneFile, tooLargeFile, type Downloaded } from '../http.ts'
import { call, read, type Context } from './api.ts'
import { isAddress, placeOfRef, storedAt } from './content.ts'
import { unclearAnswer } from './errors.ts'

const mebibyte = 1024 * 1024

/** VK takes documents of 200 MB; ours are held in memory. */
export const mostBytes = 100 * mebibyte
const mostPhotoBytes = 50 * mebibyte

/** What VK shows as a picture; everything else goes as a document. @see https://dev.vk.com/api/upload/photo-in-message */
const photoTypes = ['image/jpeg', 'image/png']
/** @see https://dev.vk.com/api/upload/document-in-message */
const refusedNames = /\.(?:mp3|exe|msi|apk|bat|cmd|com|scr|jar|dll)$/i

type Way = 'photo' | 'voice' | 'document'

const typeOf = ({ mimeType }: OutboundFile): string => mimeType.toLowerCase().split(';')[0]?.trim() ?? ''

const wayOf = (file: OutboundFile): Way => {
  if (file.kind === 'image' && photoTypes.includes(typeOf(file)) && file.bytes.byteLength <= mostPhotoBytes) return 'photo'
  return file.kind === 'voice' && typeOf(file) === 'audio/ogg' ? 'voice' : 'document'
}

/** F35: what VK would refuse. @throws ChannelError of class `content` */
export const refuseFormat = (file: OutboundFile): void => {
  if (wayOf(file) === 'document' && refusedNames.test(file.name))
    throw new ChannelError({ class: 'content', code: 'media.format' }, 'ВКонтакте не принимает такие файлы: упакуйте файл в архив или пришлите ссылку.')
}

const uploadPlace = z.looseObject({ upload_url: z.string().refine(isAddress) })
const uploadedPhoto = z.looseObject({ server: z.int(), photo: z.string(), hash: z.string() })
const uploadedDocument = z.looseObject({ file: z.string().min(1) })
const saved = z.looseObject({ id: z.int(), owner_id: z.int(), access_key: z.string().optional() })
const savedDocument = z.looseObject({ doc: saved.optional(), audio_message: saved.optional() })

const nameOf = (kind: 'photo' | 'doc', { owner_id, id, access_key }: z.output<typeof saved>): string => `${kind}${owner_id}_${id}${access_key === undefined ? '' : `_${access_key}`}`

/** Bytes into VK's store, which is not its API: its no says nothing of the key or the patient. */
const put = async (place: unknown, field: string, { name, mimeType, bytes }: OutboundFile, { credentials, http, signal }: Context): Promise<unknown> => {
  const { proxyUrl, caFile } = credentials
  const answer = await http.call({ method: 'POST', url: read(uploadPlace, place).upload_url, multipart: { file: { field, name, mimeType, bytes } } }, { signal, proxyUrl, caFile })
  if (answer.status === 413 || answer.status === 415) throw new ChannelError({ class: 'content', code: String(answer.status) }, unacceptable)
  if (answer.status !== 200) throw unclearAnswer(answer.status)
  const refused = z.looseObject({ error: z.string().min(1) }).safeParse(answer.body)
  if (refused.success) throw new ChannelError({ class: 'content', code: 'store' }, unacceptable)
  return answer.body
}

const unacceptable = 'ВКонтакте не принял файл: уменьшите его или сохраните в другом формате.'

/** Puts the file into VK's store; returns what names it in a message. The patient sees nothing of it: whatever happens, nothing went out. */
export const upload = async (file: OutboundFile, peer: number, context: Context): Promise<string> => {
  const way = wayOf(file)
  try {
    if (way === 'photo') {
      const photo = read(uploadedPhoto, await put(await call(context, 'photos.getMessagesUploadServer', { peer_id: peer }), 'photo', file, context))
      // An empty list is VK's way to say that it could not read the picture.
      if (photo.photo === '' || photo.photo === '[]') throw new ChannelError({ class: 'content', code: 'store' }, unacceptable)
      const [first] = read(z.array(saved), await call(context, 'photos.saveMessagesPhoto', { photo: photo.photo, server: photo.server, hash: photo.hash }))
      if (first === undefined) throw unclearAnswer(200)
      return nameOf('photo', first)
    }
    const place = await call(context, 'docs.getMessagesUploadServer', { peer_id: peer, type: way === 'voice' ? 'audio_message' : 'doc' })
    const { file: stored } = read(uploadedDocument, await put(place, 'file', file, context))
    const { doc, audio_message: voice } = read(savedDocument, await call(context, 'docs.save', { file: stored, title: file.name }))
    const found = voice ?? doc
    if (found === undefined) throw unclearAnswer(200)
    return nameOf('doc', found)
  } catch (error) {
    throw uploadRefusal(error)
  }
}

/** Rights that a key may lack for files alone. */
const rights = new Set(['7', '15', '20', '203'])

/** F34: a limit on uploads holds this message up and says nothing of text. */
const uploadRefusal = (error: unknown): unknown => {
  if (!(error instanceof ChannelError)) return error
  const { failure, message, retryAfterSeconds } = error
  if (rights.has(failure.code)) return new ChannelError({ class: 'content', code: `media.${failure.code}` }, 'Ключу сообщества не хватает прав на фотографии и документы: создайте ключ с ними или пришлите текст.')
  return new ChannelError({ class: failure.class, code: `media.${failure.code}` }, message, { retryAfterSeconds })
}

const history = z.looseObject({ items: z.array(z.unknown()) })

/** A message as VK has it now; `undefined` when it has none. */
export const messageNow = async (peer: number, number: number, context: Context): Promise<unknown> => {
  const { groupId } = context.credentials
  const { items } = read(history, await call(context, 'messages.getByConversationMessageId', { peer_id: peer, conversation_message_ids: number, group_id: groupId }))
  return items[0]
}

/** The bytes of a patient's file: addresses of VK are keys and end, so the message is asked for again. */
export const download = async ({ ref, sizeBytes }: InboundFile, context: Context & { readonly maxBytes: number }): Promise<Downloaded> => {
  const { credentials, http, signal, maxBytes } = context
  const place = placeOfRef(ref)
  if (place === undefined) throw goneFile()
  if (sizeBytes !== undefined && sizeBytes > maxBytes) throw tooLargeFile(maxBytes)
  const url = storedAt(await askedFor(place, context), place.index)?.url
  if (!isAddress(url)) throw goneFile()
  return downloadFile(http, { url }, { signal, proxyUrl: credentials.proxyUrl, caFile: credentials.caFile, maxBytes })
}

const askedFor = async ({ peer, number }: { readonly peer: number; readonly number: number }, context: Context): Promise<unknown> => {
  try {
    return await messageNow(peer, number, context)
  } catch (error) {
    const isGone = error instanceof ChannelError && (error.failure.class === 'recipientPermanent' || error.failure.class === 'content')
    throw isGone ? goneFile() : error
  }
}

const attached = z.looseObject({ attachments: z.array(z.looseObject({ type: z.string(), photo: saved.optional(), doc: saved.optional(), audio_message: saved.optional() })) })

/** The files of a message of ours, named again: an edit that does not name them takes them away. */
export const attachmentsOf = (message: unknown): string | undefined => {
  const parsed = attached.safeParse(message)
  if (!parsed.success) return undefined
  const names = parsed.data.attachments.flatMap(({ photo, doc, audio_message: voice }) => (photo !== undefined ? [nameOf('photo', photo)] : [doc, voice].flatMap((one) => (one === undefined ? [] : [nameOf('doc', one)]))))
  return names.length === 0 ? undefined : names.join(',')
}
