import qs from 'qs'

/** A body after decoding: strings, and lists and maps of them. */
export type FormBody = Readonly<Record<string, unknown>>

/**
 * Reads a form as PHP's `parse_str` would: any depth that Bitrix24 uses, and a map with the keys 0..n-1 is a list.
 *
 * @see https://apidocs.bitrix24.com/settings/how-to-call-rest-api/data-encoding.html
 */
export const decodeForm = (rawBody: string): FormBody =>
  listsOf(qs.parse(rawBody, { depth: 20, arrayLimit: 1000, parameterLimit: 20_000, parseArrays: false, duplicates: 'last' })) as FormBody

const listsOf = (value: unknown): unknown => {
  // No person types a zero byte, and PostgreSQL takes none in a text.
  if (typeof value === 'string') return value.replaceAll('\0', '')
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, listsOf(inner)] as const)
  const isList = entries.length > 0 && entries.every(([key], index) => key === String(index))
  return isList ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
}
