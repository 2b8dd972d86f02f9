import { z } from 'zod'
import { BitrixError } from './errors.ts'

const Code = z.union([z.string(), z.number()]).transform(String)
const PlainError = z.looseObject({ error: Code, error_description: z.string().nullish() })
const StructuredError = z.looseObject({ error: z.looseObject({ code: Code, message: z.string().nullish() }) })
const Time = z.looseObject({ operating: z.number().optional(), operating_reset_at: z.number().optional() })
const Success = z.looseObject({ result: z.unknown(), total: z.coerce.number().optional(), next: z.coerce.number().optional(), time: Time.optional() })
/** Open lines answer for the whole call and for each message; with messages to tell of, those are what counts. */
const LineRefusal = z.looseObject({ SUCCESS: z.union([z.literal(false), z.literal('N'), z.literal('')]), ERRORS: z.unknown().optional(), DATA: z.unknown().optional() })
const LineProblem = z.union([Code.transform((code) => ({ code, message: '' })), z.looseObject({ code: Code.catch(''), message: z.string().catch('') })])
const NestedRefusal = z.looseObject({ result: z.literal(false), error: Code.nullish(), error_description: z.string().nullish() })

/** How many seconds a method has been at work in the last ten minutes, and when (epoch ms) the oldest of them are forgotten. */
export interface Usage {
  readonly method: string
  readonly operatingSeconds: number
  readonly resetAt: number
}

/** `total` and `next` where the method is a list. */
export interface Answer {
  readonly result: unknown
  readonly total?: number
  readonly next?: number
}

export type Outcome = ({ readonly ok: true } & Answer) | { readonly ok: false; readonly error: BitrixError }

/** The result of the command `key`; undefined when it was refused or never made. */
export const resultIn = (outcomes: ReadonlyMap<string, Outcome>, key: string): unknown => {
  const outcome = outcomes.get(key)
  return outcome?.ok === true ? outcome.result : undefined
}

/** The error that a body carries, whatever its HTTP status; undefined for a body without one. */
export const errorIn = (body: unknown, method: string, httpStatus: number): BitrixError | undefined => {
  const plain = PlainError.safeParse(body)
  if (plain.success) {
    return new BitrixError({ method, httpStatus, bitrixCode: plain.data.error, description: plain.data.error_description ?? '' })
  }
  const structured = StructuredError.safeParse(body)
  if (structured.success) {
    const { code, message } = structured.data.error
    return new BitrixError({ method, httpStatus, bitrixCode: code, description: message ?? '' })
  }
  return undefined
}

/**
 * Reads one answer of a portal: the result, or throws the `BitrixError` that it amounts to.
 *
 * Refusals that come with HTTP 200 are refusals: `error` beside or inside `result`, `SUCCESS: false` of open lines, and, for a
 * method that changes something, `result: false`.
 *
 * @see https://apidocs.bitrix24.com/settings/how-to-call-rest-api/general-principles.html
 */
export const readAnswer = (body: unknown, method: string, httpStatus: number): { answer: Answer; usage: Usage | undefined } => {
  const failure = errorIn(body, method, httpStatus)
  if (failure !== undefined) throw failure
  if (httpStatus >= 300) throw new BitrixError({ method, httpStatus, bitrixCode: '' })
  const parsed = Success.safeParse(body)
  if (!parsed.success || !('result' in parsed.data)) throw new BitrixError({ method, httpStatus, bitrixCode: 'UNREADABLE_ANSWER' })
  const { result, total, next, time } = parsed.data
  refuseFalse(result, method, httpStatus)
  return { answer: { result, total, next }, usage: usageOf(method, time) }
}

/** Questions may be answered with "no"; for everything else `false` says that nothing was done. */
const mayAnswerFalse = (method: string): boolean => /\.(?:get|list|info|admin|fields)$/.test(method)

const refuseFalse = (result: unknown, method: string, httpStatus: number): void => {
  if (result === false && !mayAnswerFalse(method)) throw new BitrixError({ method, httpStatus, bitrixCode: 'RESULT_FALSE' })
  const line = LineRefusal.safeParse(result)
  if (line.success && !tellsOfMessages(line.data.DATA)) {
    const [problem] = valuesOf(line.data.ERRORS).map((given) => LineProblem.safeParse(given))
    const { code, message } = problem?.data ?? { code: '', message: '' }
    throw new BitrixError({ method, httpStatus, bitrixCode: code === '' ? 'RESULT_FALSE' : code, description: message })
  }
  const nested = NestedRefusal.safeParse(result)
  if (!nested.success) return
  throw new BitrixError({ method, httpStatus, bitrixCode: nested.data.error ?? 'RESULT_FALSE', description: nested.data.error_description ?? '' })
}

const tellsOfMessages = (data: unknown): boolean => typeof data === 'object' && data !== null && 'RESULT' in data && valuesOf(data.RESULT).length > 0
const valuesOf = (value: unknown): readonly unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : [])

const usageOf = (method: string, time: unknown): Usage | undefined => {
  const parsed = Time.safeParse(time)
  if (!parsed.success || parsed.data.operating === undefined) return undefined
  return { method, operatingSeconds: parsed.data.operating, resetAt: (parsed.data.operating_reset_at ?? 0) * 1000 }
}

/** PHP cannot tell an empty map from an empty list: `[]` stands for both. */
const Map = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown()).transform((list) => Object.fromEntries(list.entries()) as Record<string, unknown>)])
const Batch = z.looseObject({
  result: Map.optional(),
  result_error: Map.optional(),
  result_total: Map.optional(),
  result_next: Map.optional(),
  result_time: Map.optional(),
})

/**
 * Takes the answer of `batch` apart: one outcome per command, in the order asked for.
 *
 * A command that is mentioned nowhere has an unknown outcome: the portal may have stopped behind it.
 *
 * @see https://apidocs.bitrix24.com/settings/how-to-call-rest-api/batch.html
 */
export const readBatch = (
  result: unknown,
  commands: readonly { readonly wireKey: string; readonly method: string }[],
): readonly { readonly outcome: Outcome; readonly usage: Usage | undefined }[] => {
  const parsed = Batch.safeParse(result)
  if (!parsed.success) {
    return commands.map(({ method }) => ({ outcome: refused(new BitrixError({ method, httpStatus: 200, bitrixCode: 'UNREADABLE_ANSWER' })), usage: undefined }))
  }
  const { result: results = {}, result_error: errors = {}, result_total: totals = {}, result_next: nexts = {}, result_time: times = {} } = parsed.data
  return commands.map(({ wireKey, method }) => {
    const usage = usageOf(method, times[wireKey])
    const error = errors[wireKey]
    if (error !== undefined) {
      const failure = errorIn(error, method, 200) ?? new BitrixError({ method, httpStatus: 200, bitrixCode: typeof error === 'string' ? error : '' })
      return { outcome: refused(failure), usage }
    }
    if (!(wireKey in results)) return { outcome: refused(new BitrixError({ method, httpStatus: 200, bitrixCode: 'NO_ANSWER' })), usage }
    const value = results[wireKey]
    try {
      refuseFalse(value, method, 200)
    } catch (failure) {
      if (failure instanceof BitrixError) return { outcome: refused(failure), usage }
      throw failure
    }
    return { outcome: { ok: true, result: value, total: numberOf(totals[wireKey]), next: numberOf(nexts[wireKey]) }, usage }
  })
}

const refused = (error: BitrixError): Outcome => ({ ok: false, error })
const numberOf = (value: unknown): number | undefined => (value === undefined || value === null ? undefined : Number(value))

/** The part of a result that we read, or `BitrixError` `UNREADABLE_ANSWER`: the values themselves never get into a message. */
export const readResult = <Schema extends z.ZodType>(schema: Schema, result: unknown, method: string): z.infer<Schema> => {
  const parsed = schema.safeParse(result)
  if (!parsed.success) throw new BitrixError({ method, httpStatus: 200, bitrixCode: 'UNREADABLE_ANSWER' })
  return parsed.data
}
