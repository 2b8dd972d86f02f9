import { z } from 'zod'
import { type InboundFile, type Said } from '../channel.ts'
import { unsupportedText } from '../refusal.ts'
import { type Place } from '../../domain/message.ts'
import { messageIdOf } from './ids.ts'

const address = z.string().refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''))
const size = z.looseObject({ url: z.string(), width: z.number().optional(), height: z.number().optional() })
const owned = { owner_id: z.int().optional(), id: z.int().optional() }

/** What can be attached; of each kind the parts that are read. @see https://dev.vk.com/reference/objects/attachments-message */
const attachment = z.looseObject({
  type: z.string(),
  photo: z.looseObject({ sizes: z.array(size).default([]) }).optional(),
  doc: z.looseObject({ title: z.string().optional(), ext: z.string().optional(), size: z.int().nonnegative().optional(), url: z.string().optional() }).optional(),
  audio_message: z.looseObject({ link_ogg: z.string().optional(), link_mp3: z.string().optional() }).optional(),
  audio: z.looseObject({ artist: z.string().optional(), title: z.string().optional(), url: z.string().optional() }).optional(),
  graffiti: z.looseObject({ url: z.string().optional() }).optional(),
  sticker: z.looseObject({ images: z.array(size).default([]) }).optional(),
  video: z.looseObject({ ...owned, title: z.string().optional() }).optional(),
  wall: z.looseObject({ ...owned, from_id: z.int().optional(), to_id: z.int().optional() }).optional(),
  link: z.looseObject({ url: z.string(), title: z.string().optional() }).optional(),
})
type Attachment = z.output<typeof attachment>
/** One that is in no known shape leaves the words beside it. */
const attachmentList = z.array(attachment.catch({ type: 'unknown' })).default([])

const geo = z.looseObject({
  coordinates: z.looseObject({ latitude: z.number(), longitude: z.number() }).optional(),
  place: z.looseObject({ title: z.string().optional(), address: z.string().nullish() }).optional(),
})

interface Forwarded {
  readonly text: string
  readonly attachments: readonly Attachment[]
  readonly fwd_messages: readonly Forwarded[]
}
const forwarded: z.ZodType<Forwarded> = z.looseObject({
  text: z.string().default(''),
  attachments: attachmentList,
  get fwd_messages() {
    return z.array(forwarded).default([])
  },
})

/** The parts of a message that a person fills in. @see https://dev.vk.com/reference/objects/message */
export const contentSchema = z.looseObject({
  text: z.string().default(''),
  attachments: attachmentList,
  fwd_messages: z.array(forwarded).default([]),
  geo: geo.optional(),
})
type Content = z.output<typeof contentSchema>

/** A file's bytes and what is known of it. */
interface Stored extends Omit<InboundFile, 'ref'> {
  readonly url: string | undefined
}

const areaOf = ({ width = 0, height = 0 }: z.output<typeof size>): number => width * height
const largest = (sizes: readonly z.output<typeof size>[]): string | undefined => sizes.toSorted((a, b) => areaOf(b) - areaOf(a))[0]?.url

const storedOf = ({ photo, doc, audio_message: voice, audio, graffiti, sticker }: Attachment): Stored | undefined => {
  if (photo !== undefined) return { kind: 'image', url: largest(photo.sizes), mimeType: 'image/jpeg' }
  if (voice !== undefined) return voice.link_ogg === undefined ? { kind: 'voice', url: voice.link_mp3, mimeType: 'audio/mpeg' } : { kind: 'voice', url: voice.link_ogg, mimeType: 'audio/ogg' }
  if (sticker !== undefined) return { kind: 'sticker', url: largest(sticker.images), mimeType: 'image/png' }
  if (graffiti !== undefined) return { kind: 'image', url: graffiti.url, mimeType: 'image/png' }
  // A song of VK's library has no address; one that was attached as a file has.
  if (audio !== undefined) return audio.url === undefined || audio.url === '' ? undefined : { kind: 'audio', url: audio.url, mimeType: 'audio/mpeg' }
  if (doc === undefined) return undefined
  return { kind: 'file', url: doc.url, ...(doc.title === undefined ? {} : { name: nameOf(doc.title, doc.ext) }), ...(doc.size === undefined ? {} : { sizeBytes: doc.size }) }
}

const nameOf = (title: string, ext: string | undefined): string => (ext === undefined || title.toLowerCase().endsWith(`.${ext.toLowerCase()}`) ? title : `${title}.${ext}`)

/** What is shown as words: it lives in VK and is no file. */
const wordsOf = ({ link, video, wall, audio }: Attachment): string | undefined => {
  if (link !== undefined) return link.url
  if (video?.owner_id !== undefined && video.id !== undefined) return `https://vk.com/video${video.owner_id}_${video.id}`
  const owner = wall?.from_id ?? wall?.to_id ?? wall?.owner_id
  if (owner !== undefined && wall?.id !== undefined) return `https://vk.com/wall${owner}_${wall.id}`
  const song = [audio?.artist, audio?.title].filter((part) => part !== undefined && part !== '').join(' - ')
  return audio !== undefined && (audio.url ?? '') === '' && song !== '' ? song : undefined
}

/** Own attachments, then those of what was passed on, in their order: the place in this list names a file. */
const attachmentsOf = (message: Omit<Forwarded, 'text'>): readonly Attachment[] => [...message.attachments, ...message.fwd_messages.flatMap(attachmentsOf)]
const textsOf = ({ text, fwd_messages: passed }: Omit<Forwarded, 'attachments'>): readonly string[] => [text, ...passed.flatMap(textsOf)]

/** The file at a place of a message, as VK gives the message now. */
export const storedAt = (message: unknown, index: number): Stored | undefined => {
  const parsed = contentSchema.safeParse(message)
  const found = parsed.success ? attachmentsOf(parsed.data)[index] : undefined
  return found === undefined ? undefined : storedOf(found)
}

export const isAddress = (url: string | undefined): url is string => address.safeParse(url).success

/** Where a file lies: addresses of VK are keys and end, so the message is asked for again. */
export const refOf = (peer: number, number: number, index: number): string => `${messageIdOf(peer, number)}:${index}`
export const placeOfRef = (ref: string): { peer: number; number: number; index: number } | undefined => {
  const [, peer, number, index] = /^(\d{1,15}):(\d{10,15}):(\d{1,3})$/.exec(ref) ?? []
  return peer === undefined ? undefined : { peer: Number(peer), number: Number(number), index: Number(index) }
}

const placeOf = ({ coordinates, place }: z.output<typeof geo>): Place | undefined =>
  coordinates === undefined
    ? undefined
    : { latitude: coordinates.latitude, longitude: coordinates.longitude, ...(place?.title === undefined || place.title === '' ? {} : { title: place.title }), ...(place?.address ? { address: place.address } : {}) }

export const contentOf = (message: Content, peer: number, number: number): Said => {
  const attachments = attachmentsOf(message)
  const files = attachments.flatMap((one, index) => {
    const stored = storedOf(one)
    if (stored === undefined) return []
    const { kind, name, mimeType, sizeBytes } = stored
    return [{ kind, ref: refOf(peer, number, index), ...(name === undefined ? {} : { name }), ...(mimeType === undefined ? {} : { mimeType }), ...(sizeBytes === undefined ? {} : { sizeBytes }) }]
  })
  const place = message.geo === undefined ? undefined : placeOf(message.geo)
  const text = [...textsOf(message), ...attachments.map(wordsOf)].filter((part) => part !== undefined && part !== '').join('\n')
  const isEmpty = text === '' && files.length === 0 && place === undefined
  return { text: isEmpty ? unsupportedText : text, ...(files.length === 0 ? {} : { files }), ...(place === undefined ? {} : { place }) }
}
