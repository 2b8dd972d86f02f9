import { z } from 'zod'
import { type InboundFile, type SharedContact, type Said } from '../channel.ts'
import { unsupportedText } from '../refusal.ts'
import { normalizePhone } from '../../domain/phone.ts'
import { type FileKind, type Place } from '../../domain/message.ts'

const stored = z.looseObject({ file_id: z.string(), file_size: z.int().nonnegative().optional(), mime_type: z.string().optional(), file_name: z.string().optional() })
const location = z.looseObject({ latitude: z.number(), longitude: z.number() })

/** The parts of a message that a person fills in. @see https://core.telegram.org/bots/api#message */
export const contentSchema = z.looseObject({
  text: z.string().optional(),
  caption: z.string().optional(),
  photo: z.array(stored).optional(),
  document: stored.optional(),
  animation: stored.optional(),
  video: stored.optional(),
  video_note: stored.optional(),
  audio: stored.optional(),
  voice: stored.optional(),
  sticker: z.looseObject({ file_id: z.string(), file_size: z.int().nonnegative().optional(), is_animated: z.boolean().optional(), is_video: z.boolean().optional() }).optional(),
  location: location.optional(),
  venue: z.looseObject({ location, title: z.string().optional(), address: z.string().optional() }).optional(),
  contact: z.looseObject({ phone_number: z.string(), user_id: z.int().optional(), first_name: z.string().optional(), last_name: z.string().optional() }).optional(),
})

type Content = z.output<typeof contentSchema>
type Stored = z.output<typeof stored>

/**
 * What Telegram itself writes into a private chat in the person's name: nobody said anything.
 *
 * @see https://core.telegram.org/bots/api#message
 */
const serviceParts = [
  'pinned_message', 'message_auto_delete_timer_changed', 'write_access_allowed', 'users_shared', 'chat_shared', 'connected_website', 'passport_data',
  'proximity_alert_triggered', 'boost_added', 'chat_background_set', 'successful_payment', 'refunded_payment', 'giveaway_created', 'giveaway_completed',
  'video_chat_scheduled', 'video_chat_started', 'video_chat_ended', 'video_chat_participants_invited', 'web_app_data', 'new_chat_title', 'new_chat_photo',
  'delete_chat_photo', 'group_chat_created', 'migrate_to_chat_id', 'migrate_from_chat_id', 'new_chat_members', 'left_chat_member', 'paid_message_price_changed',
]

/** `undefined`: a service message. A kind that we cannot show is told in words, so that it is not lost. */
export const contentOf = (message: Content, senderId: number): Said | undefined => {
  const files = filesOf(message)
  const place = placeOf(message)
  const contact = message.contact === undefined ? undefined : contactOf(message.contact, senderId)
  const text = message.text ?? message.caption
  const isEmpty = text === undefined && files.length === 0 && place === undefined && contact === undefined
  if (isEmpty && serviceParts.some((part) => message[part] !== undefined)) return undefined
  return {
    text: text ?? (isEmpty ? unsupportedText : ''),
    ...(files.length === 0 ? {} : { files }),
    ...(place === undefined ? {} : { place }),
    ...(contact === undefined ? {} : { contact }),
  }
}

const fileOf = (kind: FileKind, { file_id, file_name, file_size, mime_type }: Stored, mimeType = mime_type): InboundFile => ({
  kind,
  ref: file_id,
  ...(file_name === undefined ? {} : { name: file_name }),
  ...(mimeType === undefined ? {} : { mimeType }),
  ...(file_size === undefined ? {} : { sizeBytes: file_size }),
})

/** An animation comes a second time as the document that older clients know: one file. */
const filesOf = (message: Content): readonly InboundFile[] => {
  const { photo = [], animation, document, video, video_note, audio, voice, sticker } = message
  const largest = photo.at(-1)
  return [
    ...(largest === undefined ? [] : [fileOf('image', largest, 'image/jpeg')]),
    ...(animation === undefined ? (document === undefined ? [] : [fileOf('file', document)]) : [fileOf('video', animation)]),
    ...(video === undefined ? [] : [fileOf('video', video)]),
    ...(video_note === undefined ? [] : [fileOf('video', video_note, 'video/mp4')]),
    ...(audio === undefined ? [] : [fileOf('audio', audio)]),
    ...(voice === undefined ? [] : [fileOf('voice', voice)]),
    ...(sticker === undefined ? [] : [fileOf('sticker', sticker, sticker.is_animated === true ? 'application/x-tgsticker' : sticker.is_video === true ? 'video/webm' : 'image/webp')]),
  ]
}

const placeOf = ({ venue, location: point }: Content): Place | undefined => {
  const found = venue?.location ?? point
  if (found === undefined) return undefined
  return {
    latitude: found.latitude,
    longitude: found.longitude,
    ...(venue?.title === undefined ? {} : { title: venue.title }),
    ...(venue?.address === undefined || venue.address === '' ? {} : { address: venue.address }),
  }
}

/**
 * Telegram fills `user_id` in by the number's account, so it equals the sender's only on the sender's own card. Its number is then
 * international, with or without `+`; on another card it stands as somebody typed it.
 */
const contactOf = ({ phone_number, user_id, first_name, last_name }: NonNullable<Content['contact']>, senderId: number): SharedContact => {
  const international = `+${phone_number.replace(/\D/g, '')}`
  const isOwn = user_id === senderId
  const name = [first_name, last_name].filter((part) => part !== undefined && part !== '').join(' ')
  return { phone: isOwn ? international : (normalizePhone(phone_number) ?? international), isOwn, ...(name === '' ? {} : { name }) }
}
