import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../fixtures/bitrix/', import.meta.url)

/** A recorded sample of the documentation; `source` in each file says of which page. */
export interface Vector {
  readonly name: string
  readonly payload?: any
  readonly decodedFromForm?: any
  readonly wire?: { readonly body: string, readonly queryString?: string }
  readonly request?: any
  readonly response?: { readonly httpStatus?: number, readonly body: any }
}

export const vector = (name: string): Vector => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Vector

export const vectorsOf = (prefix: string): readonly Vector[] =>
  readdirSync(folder)
    .filter((file) => file.startsWith(prefix))
    .map((file) => vector(file.replace(/\.json$/, '')))
