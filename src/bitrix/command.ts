/** Parameters of a REST method: `undefined` is left out. Booleans travel as `Y` and `N`, the only spelling that every method reads. */
export type Params = Readonly<Record<string, unknown>>

/** One call inside a batch; `key` names its outcome and is free text. */
export interface Command {
  readonly key: string
  readonly method: string
  readonly params: Params
}

/** A value that the portal takes from the result of an earlier command of the same batch. */
export class ResultReference {
  readonly key: string
  readonly path: readonly string[]

  constructor(key: string, path: readonly string[]) {
    this.key = key
    this.path = path
  }
}

/** `resultOf('add', 'activity', 'id')` is the id in the answer of the command `add`. The command must come earlier in the same batch. */
export const resultOf = (key: string, ...path: readonly string[]): ResultReference => new ResultReference(key, path)

/** The keys of earlier commands that these parameters refer to. */
export const referencesIn = (value: unknown): readonly string[] => {
  if (value instanceof ResultReference) return [value.key]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(referencesIn)
}

/** An empty list or map cannot be said in a query string: it would vanish, and with it the filter that it was. */
export class EmptyListError extends Error {
  constructor(path: string) {
    super(`An empty list cannot be sent in a batch: ${path}.`)
    this.name = 'EmptyListError'
  }
}

/**
 * Writes a command as `method?query` so that PHP's `parse_str` reads back the same nested values.
 *
 * `wireKeyOf` gives the key that a referenced command has in this batch. A text that looks like a reference is made harmless:
 * the portal replaces `$result[…]` inside any value. Throws `EmptyListError`.
 *
 * @see https://apidocs.bitrix24.com/settings/how-to-call-rest-api/batch.html
 */
export const writeCommand = (command: Pick<Command, 'method' | 'params'>, wireKeyOf: (key: string) => string): string => {
  const pairs: string[] = []
  const write = (name: string, value: unknown): void => {
    if (value === undefined) return
    if (value instanceof ResultReference) {
      pairs.push(`${name}=$result[${wireKeyOf(value.key)}]${value.path.map((part) => `[${part}]`).join('')}`)
      return
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
      if (entries.length === 0) throw new EmptyListError(decodeURIComponent(name))
      for (const [key, inner] of entries) write(`${name}%5B${encodeURIComponent(key)}%5D`, inner)
      return
    }
    pairs.push(`${name}=${encodeURIComponent(scalar(value).replaceAll('$result[', '$result ['))}`)
  }
  for (const [name, value] of Object.entries(command.params)) write(encodeURIComponent(name), value)
  return pairs.length === 0 ? command.method : `${command.method}?${pairs.join('&')}`
}

const scalar = (value: unknown): string => {
  if (value === null) return ''
  if (value === true) return 'Y'
  if (value === false) return 'N'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The same parameters for a JSON body: references cannot occur there, booleans are spelled as in a batch. */
export const writeParams = (value: Params): Record<string, unknown> => Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))

const plain = (value: unknown): unknown => {
  if (value === true) return 'Y'
  if (value === false) return 'N'
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return writeParams(value as Params)
  return value
}
