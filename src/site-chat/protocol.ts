/** What the widget and the chat's server say to each other. */
import { z } from 'zod'
import { type Button, type FileKind } from '../domain/message.ts'
import { type RichText } from '../domain/rich-text.ts'

export const textLength = 4000

/** `GET /settings`: what a page needs before anybody has agreed to anything. */
export interface SiteView {
  readonly greeting: string
  readonly consent: { readonly version: string; readonly text: string; readonly policyUrl: string }
  readonly colour: string
  readonly hasTransfer: boolean
  readonly limits: { readonly textLength: number; readonly fileBytes: number; readonly fileTypes: readonly string[] }
}

export interface FileView {
  readonly kind: FileKind
  readonly name: string
  readonly mimeType: string
  readonly sizeBytes: number
  /** Without the server's address; unguessable. Absent only while the file is on its way. */
  readonly path?: string
}

/** A message as it is now. `clientId` only of the visitor's own. Times are epoch milliseconds. */
export interface MessageView {
  readonly id: number
  readonly version: number
  readonly author: 'visitor' | 'clinic'
  readonly clientId?: string
  readonly text: string
  readonly rich?: RichText
  readonly buttons?: readonly Button[]
  readonly pressed?: string
  readonly replyTo?: number
  readonly file?: FileView
  readonly sentAt: number
  readonly editedAt?: number
  readonly isDeleted: boolean
}

export interface MarksView {
  readonly deliveredId: number
  readonly readId: number
  readonly clinicReadId: number
}

/** `GET /messages`: oldest first. `cursor` is where live updates go on. */
export interface HistoryView {
  readonly messages: readonly MessageView[]
  readonly hasMore: boolean
  readonly cursor: number
  readonly marks: MarksView
}

export interface TransferLink {
  readonly channel: string
  readonly title: string
  readonly url: string
}

/** Refusals that the widget knows how to show; the code is in the answer's `code`. */
export const refusalStatuses = {
  NOT_FOUND: 404,
  ORIGIN_REFUSED: 403,
  SESSION_INVALID: 401,
  CONSENT_NEEDED: 409,
  FORM_INVALID: 422,
  FILE_REFUSED: 415,
  BODY_TOO_LARGE: 413,
  RATE_LIMITED: 429,
} as const

export type RefusalCode = keyof typeof refusalStatuses

/** PostgreSQL keeps no zero character in a text. */
const words = z.string().max(textLength).transform((text) => text.replaceAll('\u0000', ''))
const clientId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/)
export const messageId = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const NewSession = z.strictObject({ consentVersion: z.string(), language: z.enum(['ru', 'en']) })
export const NewConsent = z.strictObject({ consentVersion: z.string() })
/** A text, or a file that was uploaded before, or both. */
export const NewText = z
  .strictObject({ clientId, text: words.default(''), fileId: z.string().max(64).optional(), replyTo: messageId.optional() })
  .refine(({ text, fileId }) => text.trim() !== '' || fileId !== undefined)
export const ChangedText = z.strictObject({ text: words.refine((text) => text.trim() !== '') })
export const Press = z.strictObject({ payload: z.string().min(1).max(256), clientId })
export const NewMarks = z.strictObject({ deliveredId: z.int().nonnegative().default(0), readId: z.int().nonnegative().default(0) })
export const HistoryQuery = z.object({ before: messageId.optional() })
export const fileId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/)
/** A cursor of ours; whatever else it says, everything is sent again. */
export const cursorOf = (value: unknown): number => {
  const parsed = z.coerce.number().int().nonnegative().safeParse(value)
  return parsed.success ? parsed.data : 0
}

const mostNesting = 12

/** Formatting of the application, checked as anything from outside: links lead to the web, a mailbox or a phone. */
const richNode = (depth: number): z.ZodType<RichText[number]> => {
  const children = depth === 0 ? z.array(z.never()) : z.array(z.lazy(() => richNode(depth - 1)))
  return z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text'), text: z.string() }),
    z.strictObject({ type: z.literal('code'), text: z.string() }),
    z.strictObject({ type: z.literal('lineBreak') }),
    z.strictObject({ type: z.enum(['bold', 'italic', 'underline', 'strike', 'quote']), children }),
    z.strictObject({ type: z.literal('link'), url: z.string().regex(/^(?:https?:|mailto:|tel:)/i), children }),
  ])
}
const richText = z.array(richNode(mostNesting))

const button = z.strictObject({ id: z.string().min(1).max(256), title: z.string().min(1).max(64) })

/** What the application sends to a visitor. `ref` is its own id: the same one is the same message. */
export const ClinicMessage = z.strictObject({
  to: z.string(),
  ref: z.string().min(1).max(100),
  text: words,
  rich: richText.optional(),
  buttons: z.array(button).max(10).optional(),
  replyTo: z.string().optional(),
  file: z.strictObject({ kind: z.enum(['image', 'video', 'audio', 'voice', 'sticker', 'file']), name: z.string(), mimeType: z.string().max(200), sha256: z.string() }).optional(),
})
export const ClinicEdit = z.strictObject({ to: z.string(), text: words, rich: richText.optional() })
export const ClinicRemoval = z.strictObject({ to: z.string() })
export const ConnectCall = z.strictObject({ hookKey: z.string(), account: z.string().regex(/^[0-9a-f]{64}$/) })
