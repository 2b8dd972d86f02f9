import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { type InboundFile, type SharedContact, type Said } from '../channel.ts'
import { readAs, sameSecret } from '../reading.ts'
import { unsupportedText } from '../refusal.ts'
import { normalizePhone } from '../../domain/phone.ts'
import { type FileKind, type Place } from '../../domain/message.ts'

const attachment = z.looseObject({ type: z.string(), payload: z.unknown().optional() })

/** `seq` is left alone: it is beyond 2^53 and JSON.parse has already spoilt it. @see https://dev.max.ru/docs-api/objects/Message */
export const bodySchema = z.looseObject({ mid: z.string(), text: z.string().nullish(), attachments: z.array(attachment).nullish() })

const filePart = z.looseObject({ filename: z.string().nullish(), size: z.int().nonnegative().nullish() })
const pointPart = z.looseObject({ latitude: z.number(), longitude: z.number() })
const contactPayload = z.looseObject({
  vcf_info: z.string().nullish(),
  max_info: z.looseObject({ user_id: z.int() }).nullish(),
  hash: z.string().nullish(),
})
const storedPayload = z.looseObject({ url: z.string().nullish(), token: z.string().nullish() })

type Body = z.output<typeof bodySchema>
type Attachment = z.output<typeof attachment>

export interface Sender {
  readonly userId: number
  readonly botToken: string
}

/** Where the message holds a file: in its own body, or in the body that it passes on. */
export type Part = 'body' | 'link'

/**
 * A file by its place in a message: addresses and tokens of MAX are keys to the file, so they are asked for afresh.
 *
 * @see https://dev.max.ru/docs-api/methods/GET/messages/-messageId-
 */
export const refOf = (mid: string, part: Part, index: number): string => `${part}:${index}:${mid}`

export const placeOfRef = (ref: string): { mid: string; part: Part; index: number } | undefined => {
  const [, part, index, mid] = /^(body|link):(\d{1,3}):(\S{1,200})$/.exec(ref) ?? []
  return part === undefined || index === undefined || mid === undefined ? undefined : { mid, part: part === 'link' ? 'link' : 'body', index: Number(index) }
}

/** What a body says; `forwarded` is the one that it passes on, whose cards are nobody's proof. */
export const contentOf = (body: Body | undefined, forwarded: Body | undefined, mid: string, sender: Sender): Said => {
  const own = body?.attachments ?? []
  const passedOn = forwarded?.attachments ?? []
  const files = [...own.flatMap((one, index) => fileOf(one, refOf(mid, 'body', index))), ...passedOn.flatMap((one, index) => fileOf(one, refOf(mid, body === undefined ? 'body' : 'link', index)))]
  const place = [...own, ...passedOn].flatMap(placeOf)[0]
  const ownCards = own.flatMap((one) => contactOf(one, sender))
  const contact = ownCards[0] ?? passedOn.flatMap((one) => contactOf(one, sender)).map((card) => ({ ...card, isOwn: false }))[0]
  const text = [body?.text, forwarded?.text].filter((part) => part !== undefined && part !== null && part !== '').join('\n')
  const isShown = text !== '' || files.length > 0 || place !== undefined || contact !== undefined
  return {
    text: isShown ? text : unsupportedText,
    ...(files.length === 0 ? {} : { files }),
    ...(place === undefined ? {} : { place }),
    ...(contact === undefined ? {} : { contact }),
  }
}

const kinds: Readonly<Record<string, FileKind>> = { image: 'image', video: 'video', audio: 'voice', file: 'file', sticker: 'sticker' }

/** A patient's `audio` is what was spoken into the telephone; a recording that was attached comes as `file`. */
const fileOf = (one: Attachment, ref: string): readonly InboundFile[] => {
  const kind = Object.hasOwn(kinds, one.type) ? kinds[one.type] : undefined
  if (kind === undefined) return []
  const { filename, size } = readAs(filePart, one)
  return [{ kind, ref, ...(filename === undefined || filename === null ? {} : { name: filename }), ...(size === undefined || size === null ? {} : { sizeBytes: size }) }]
}

const placeOf = (one: Attachment): readonly Place[] => {
  if (one.type !== 'location') return []
  const { latitude, longitude } = readAs(pointPart, one)
  return [{ latitude, longitude }]
}

/**
 * A number is the sender's own only when MAX signed this very card for this bot and names the sender in it. The card is hashed as it
 * came, CRLF included; one that was sent through the paper-clip or forwarded has no hash.
 *
 * @see https://dev.max.ru/docs-api/objects/NewMessageBody
 */
const contactOf = (one: Attachment, { userId, botToken }: Sender): readonly SharedContact[] => {
  if (one.type !== 'contact') return []
  const card = readAs(contactPayload, one.payload)
  const vcf = card.vcf_info ?? ''
  const written = /^TEL[^:\r\n]*:([^\r\n]+)/im.exec(vcf)?.[1] ?? ''
  const digits = written.replace(/\D/g, '')
  if (digits === '') return []
  const expected = createHmac('sha256', botToken).update(vcf).digest('hex')
  const isOwn = sameSecret(card.hash?.toLowerCase(), expected) && card.max_info?.user_id === userId
  const name = /^FN[^:\r\n]*:([^\r\n]+)/im.exec(vcf)?.[1]?.trim()
  return [{ phone: isOwn ? `+${digits}` : (normalizePhone(written) ?? `+${digits}`), isOwn, ...(name === undefined || name === '' ? {} : { name }) }]
}

/** Where the bytes of one attachment are. A video has several sizes, and its address is no file. */
export const storedAt = (body: Body | undefined, index: number): { readonly type: string; readonly url?: string; readonly token?: string } | undefined => {
  const one = body?.attachments?.[index]
  if (one === undefined) return undefined
  const parsed = storedPayload.safeParse(one.payload)
  const { url, token } = parsed.success ? parsed.data : {}
  return { type: one.type, ...(url === undefined || url === null ? {} : { url }), ...(token === undefined || token === null ? {} : { token }) }
}
