import { simpleParser, type AddressObject } from 'mailparser'
import { z } from 'zod'

const attachment = z.looseObject({ part: z.string(), name: z.string().optional(), mimeType: z.string(), sizeBytes: z.number() })

const report = z.looseObject({
  action: z.string(),
  status: z.string().default(''),
  envelopeId: z.string().optional(),
  /** Of the letter that it is about, without brackets. */
  messageId: z.string().optional(),
})

/** A letter in words, as the session writes it into the inbox: what its headers say, its text, and where its attachments lie. */
export const letter = z.looseObject({
  /** Where it lies: `uid validity`.`uid`. */
  place: z.string(),
  messageId: z.string().optional(),
  inReplyTo: z.string().optional(),
  from: z.string().default(''),
  fromName: z.string().optional(),
  to: z.array(z.string()).default([]),
  subject: z.string().default(''),
  text: z.string().default(''),
  at: z.number().optional(),
  /** Headers by which programs show themselves, in small letters. */
  marks: z.record(z.string(), z.string()).default({}),
  attachments: z.array(attachment).default([]),
  report: report.optional(),
})
export type Letter = z.output<typeof letter>

const markNames = ['auto-submitted', 'precedence', 'x-auto-response-suppress', 'x-autoreply', 'x-autorespond', 'list-id', 'list-unsubscribe', 'return-path'] as const

const withoutBrackets = (id: string | undefined): string | undefined => {
  const plain = id?.trim().replace(/^<|>$/g, '')
  return plain === '' ? undefined : plain
}

const addressesOf = (value: AddressObject | AddressObject[] | undefined) => [value ?? []].flat().flatMap(({ value: all }) => all)

/** Headers as they stand in the letter: what a program says of itself is not to be interpreted twice. */
const marksOf = (lines: readonly { readonly key: string; readonly line: string }[]): Readonly<Record<string, string>> => {
  const marks: Record<string, string> = {}
  for (const { key, line } of lines) if (isMark(key)) marks[key] ??= line.slice(line.indexOf(':') + 1).replace(/\s+/g, ' ').trim().toLowerCase()
  return marks
}

const isMark = (name: string): boolean => (markNames as readonly string[]).includes(name)

/** One field of a report or of the headers that it gives back; folded lines are one. */
const fieldOf = (text: string, name: string): string | undefined => new RegExp(`^${name}:[ \\t]*((?:.|\\r?\\n[ \\t])*)`, 'im').exec(text)?.[1]?.replace(/\r?\n[ \t]+/g, ' ').trim()

/** `+XX` stands for a byte (RFC 3461, section 4). */
const fromXtext = (text: string | undefined): string | undefined => text?.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/**
 * A delivery report by RFC 3464, in plain text from the letter itself: programs that read mail differ in what they make of its parts.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3464
 */
const reportOf = (source: string): Letter['report'] => {
  const start = /^content-type:\s*message\/delivery-status\b/im.exec(source)?.index
  if (start === undefined) return undefined
  const rest = source.slice(start)
  const end = /^--/m.exec(rest)?.index ?? rest.length
  const status = rest.slice(0, end)
  const action = fieldOf(status, 'Action')
  if (action === undefined) return undefined
  const envelopeId = fromXtext(fieldOf(status, 'Original-Envelope-Id'))
  // What follows the report is the letter that it is about, or its headers.
  const messageId = withoutBrackets(fieldOf(rest.slice(end), 'Message-ID'))
  return {
    action: action.toLowerCase(),
    status: /\d\.\d{1,3}\.\d{1,3}/.exec(fieldOf(status, 'Status') ?? '')?.[0] ?? '',
    ...(envelopeId === undefined ? {} : { envelopeId }),
    ...(messageId === undefined ? {} : { messageId }),
  }
}

/** Where the quoted letter begins, as mail programs introduce it. */
const quoteMarks = [
  /^-{2,}\s*(?:Original Message|Исходное сообщение|Пересылаемое сообщение)\s*-{2,}/im,
  /^.{0,200}(?:wrote|пишет|писал\(а\)|написал\(а\)|написал):\s*$/im,
  /^(?:From|От):\s.{1,200}\r?\n(?:Sent|Date|Дата|Отправлено):\s/im,
  /^_{10,}\s*$/m,
]

/** What the patient wrote now: without the quoted letter below it, unless nothing else is there. */
export const withoutQuote = (text: string): string => {
  const cut = quoteMarks.reduce((least, mark) => Math.min(least, mark.exec(text)?.index ?? least), text.length)
  const own = text
    .slice(0, cut)
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('>'))
    .join('\n')
    .trim()
  return own === '' ? text.trim() : own
}

/** Reads a letter of any quality; what it does not say is left out. */
export const readLetter = async (source: Buffer, place: string): Promise<Letter> => {
  const mail = await simpleParser(source, { skipImageLinks: true, skipTextToHtml: true })
  const report = reportOf(source.toString('latin1'))
  const from = addressesOf(mail.from)[0]
  const messageId = withoutBrackets(mail.messageId)
  const inReplyTo = withoutBrackets(mail.inReplyTo?.split(/\s+/)[0]) ?? withoutBrackets([mail.references ?? []].flat().at(-1))
  return letter.parse({
    place,
    ...(messageId === undefined ? {} : { messageId }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    from: from?.address ?? '',
    ...(from?.name === undefined || from.name === '' ? {} : { fromName: from.name }),
    to: addressesOf(mail.to).flatMap(({ address }) => address ?? []),
    subject: mail.subject ?? '',
    text: withoutQuote(mail.text ?? ''),
    ...(mail.date === undefined || Number.isNaN(mail.date.getTime()) ? {} : { at: mail.date.getTime() }),
    marks: marksOf(mail.headerLines),
    // Pictures within the text are its decoration: logos and signatures.
    attachments:
      report !== undefined
        ? []
        : mail.attachments.flatMap(({ partId, filename, contentType, size, related }) => (related || partId === null ? [] : [{ part: partId, ...(filename === undefined ? {} : { name: filename }), mimeType: contentType, sizeBytes: size }])),
    ...(report === undefined ? {} : { report }),
  })
}
