/** How channels read what comes from outside: settings forms, webhooks' bodies, their secrets. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { type RawRequest } from './channel.ts'

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
