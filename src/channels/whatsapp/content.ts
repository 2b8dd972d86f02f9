import { z } from 'zod'
import { type InboundFile, type SharedContact, type Said } from '../channel.ts'
import { unsupportedText } from '../refusal.ts'
import { normalizePhone } from '../../domain/phone.ts'
import { type FileKind, type Place } from '../../domain/message.ts'

const media = z.looseObject({ id: z.string(), mime_type: z.string().optional(), caption: z.string().optional(), filename: z.string().optional(), voice: z.boolean().optional() }).optional()

/** The parts of a message that a person fills in. @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/ */
export const contentSchema = z.looseObject({
  type: z.string(),
  text: z.looseObject({ body: z.string() }).optional(),
  image: media,
  video: media,
  audio: media,
  document: media,
  sticker: media,
  location: z.looseObject({ latitude: z.number(), longitude: z.number(), name: z.string().optional(), address: z.string().optional() }).optional(),
  contacts: z
    .array(
      z.looseObject({
        name: z.looseObject({ formatted_name: z.string().optional() }).optional(),
        phones: z.array(z.looseObject({ phone: z.string().optional(), wa_id: z.string().optional() })).optional(),
      }),
    )
    .optional(),
  button: z.looseObject({ payload: z.string().optional(), text: z.string().optional() }).optional(),
})

type Content = z.output<typeof contentSchema>
type Media = NonNullable<z.output<typeof media>>

/** A kind that we cannot show is told in words, so that it is not lost. */
export const contentOf = (message: Content): Said => {
  const files = filesOf(message)
  const place = placeOf(message)
  const [contact, ...others] = cardsOf(message)
  const text = message.text?.body ?? captionOf(message) ?? message.button?.text
  // An open line shows one card: the numbers of the others are told in words.
  const told = others.map(({ phone, name }) => (name === undefined ? phone : `${name}: ${phone}`)).join('\n')
  const isEmpty = text === undefined && files.length === 0 && place === undefined && contact === undefined
  return {
    text: text ?? (isEmpty ? unsupportedText : told),
    ...(files.length === 0 ? {} : { files }),
    ...(place === undefined ? {} : { place }),
    ...(contact === undefined ? {} : { contact }),
  }
}

/** A new text of an old message: its words or its caption. */
export const textOf = (message: Content): string => message.text?.body ?? captionOf(message) ?? ''

const captionOf = ({ image, video, document }: Content): string | undefined => image?.caption ?? video?.caption ?? document?.caption

/** `ref` is Meta's media id: an address lives five minutes and is asked for afresh. */
const fileOf = (kind: FileKind, { id, mime_type, filename }: Media): InboundFile => {
  const mimeType = mime_type?.split(';')[0]?.trim()
  return { kind, ref: id, ...(filename === undefined ? {} : { name: filename }), ...(mimeType === undefined || mimeType === '' ? {} : { mimeType }) }
}

const filesOf = ({ image, video, audio, document, sticker }: Content): readonly InboundFile[] => [
  ...(image === undefined ? [] : [fileOf('image', image)]),
  ...(video === undefined ? [] : [fileOf('video', video)]),
  ...(audio === undefined ? [] : [fileOf(audio.voice === true ? 'voice' : 'audio', audio)]),
  ...(document === undefined ? [] : [fileOf('file', document)]),
  ...(sticker === undefined ? [] : [fileOf('sticker', sticker)]),
]

const placeOf = ({ location }: Content): Place | undefined =>
  location === undefined
    ? undefined
    : {
        latitude: location.latitude,
        longitude: location.longitude,
        ...(location.name === undefined ? {} : { title: location.name }),
        ...(location.address === undefined ? {} : { address: location.address }),
      }

/** A card from the address book proves nothing about the sender: WhatsApp does not mark one's own. `wa_id` is international, `phone` as somebody typed it. */
const cardsOf = ({ contacts = [] }: Content): readonly SharedContact[] =>
  contacts.flatMap(({ name, phones = [] }) => {
    const [first] = phones
    const known = first?.wa_id === undefined ? normalizePhone(first?.phone ?? '') : digitsOf(first.wa_id)
    if (known === undefined || known === '') return []
    const shown = name?.formatted_name
    return [{ phone: known.startsWith('+') ? known : `+${known}`, isOwn: false, ...(shown === undefined ? {} : { name: shown }) }]
  })

/**
 * F11: one person, one spelling - the digits alone, whether they came with `+`, spaces or a suffix such as `@c.us`. No country's code
 * begins with 89, so eleven digits that do are a Russian mobile written from inside the country.
 */
export const digitsOf = (id: string): string => (id.split('@')[0] ?? '').replace(/\D/g, '').replace(/^89(?=\d{9}$)/, '79')
