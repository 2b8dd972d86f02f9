/** How channels read what comes from outside: settings forms, webhooks' bodies, their secrets. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { AppError, messageOf } from '../errors.ts'
import { type Inbound, type RawRequest } from './channel.ts'

/** Constant-time equality of a secret that came with a request; an absent one is never equal. */
export const sameSecret = (given: string | undefined, expected: string): boolean => {
  if (given === undefined || expected === '') return false
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/**
 * The webhook secret of a connection whose owner did not choose one: the same from the same token, so that `connect` and `verify`
 * agree without storing it. 64 hex digits, which every vendor accepts.
 */
export const secretFrom = (token: string): string => createHmac('sha256', token).update('estafeta webhook secret').digest('hex')

/** `http(s)` address without a trailing slash, or the form error `message`. */
export const webAddress = (message: string) =>
  z
    .string({ error: message })
    .refine((value) => ['http:', 'https:'].includes(URL.parse(value)?.protocol ?? ''), message)
    .transform((value) => value.replace(/\/+$/, ''))

/** A webhook's JSON body. @throws Error that does not quote it, as JSON.parse would: it holds a patient's text */
export const readJson = (request: RawRequest): unknown => {
  try {
    return JSON.parse(request.body.toString('utf8')) as unknown
  } catch {
    throw new Error('The body is not JSON.')
  }
}

const withoutNull = (_name: string, value: unknown): unknown => (value === null ? undefined : value)

/** The same of a messenger: a field that is null is an absent one, as their libraries write them. @throws Error as `readJson` */
export const readUpdate = (request: RawRequest): unknown => {
  const text = request.body.toString('utf8').replace(/^\uFEFF/, '')
  try {
    return JSON.parse(text, text.includes('null') ? withoutNull : undefined) as unknown
  } catch {
    throw new Error('The body is not JSON.')
  }
}

/** Later than any second that a vendor tells, sooner than any millisecond. */
const firstMillis = 100_000_000_000
const zoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/i

/** A vendor's moment in epoch ms, whether it wrote seconds or milliseconds, a number or a text, or ISO 8601. Without a zone it is nobody's moment. */
export const momentOf = (written: unknown): number | undefined => {
  const text = typeof written === 'number' || typeof written === 'string' ? String(written).trim() : ''
  if (/^\d{1,16}(?:\.\d+)?$/.test(text)) return Math.trunc(Number(text) < firstMillis ? Number(text) * 1000 : Number(text))
  const at = zoned.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

/** The same as a field of an event. */
export const atOf = (written: unknown): { readonly at?: number } => {
  const at = momentOf(written)
  return at === undefined ? {} : { at }
}

/**
 * What the parts of one update tell, each read on its own: one that cannot be read takes none of its neighbours along.
 *
 * @throws the first part's error when no part can be read
 */
export const readEach = <Part>(parts: readonly Part[], read: (part: Part) => readonly Inbound[]): readonly Inbound[] => {
  const told: Inbound[] = []
  const errors: unknown[] = []
  for (const part of parts) {
    try {
      told.push(...read(part))
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 0) return told
  if (errors.length === parts.length) throw errors[0]
  return [...told, { type: 'unreadable', reason: messageOf(errors[0]) }]
}

/** A part of an update in the shape that we rely on. @throws Error that names the places and none of the values */
export const readAs = <Schema extends z.ZodType>(schema: Schema, part: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(part)
  if (parsed.success) return parsed.data
  const places = parsed.error.issues.slice(0, 5).map(({ path }) => path.join('.') || 'body')
  throw new Error(`The update is not in the documented shape: see ${places.join(', ')}.`)
}

/**
 * Reads a settings form: text is trimmed and an empty field is an absent one, as browsers send it.
 *
 * @throws AppError FORM_INVALID with the schema's first sentence for each wrong field
 */
export const parseForm = <Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> => {
  const filled = Object.entries(typeof input === 'object' && input !== null ? input : {})
    .map(([name, value]: [string, unknown]) => [name, typeof value === 'string' ? value.trim() : value] as const)
    .filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const parsed = schema.safeParse(Object.fromEntries(filled))
  if (parsed.success) return parsed.data
  const fields: Record<string, string> = {}
  for (const issue of parsed.error.issues) fields[String(issue.path[0] ?? 'form')] ??= issue.message
  throw new AppError('FORM_INVALID', 'Исправьте отмеченные поля подключения и сохраните ещё раз.', { fields })
}
