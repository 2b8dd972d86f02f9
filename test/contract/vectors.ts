import { readdirSync, readFileSync } from 'node:fs'
import { type RawRequest } from '../../src/channels/channel.ts'
import { type Reply } from './vendor.ts'

const folder = new URL('../fixtures/channels/', import.meta.url)

interface Vector {
  readonly headers: Record<string, string>
  readonly body: any
  readonly rawBody?: string
}

const read = (name: string): Vector => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))

/** Names of a family's fixtures, without the prefix. */
export const vectorNames = (prefix: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.json'))
    .map((file) => file.slice(prefix.length, -'.json'.length))
    .sort()

/** A webhook as it came over the wire. */
export const webhook = (name: string): RawRequest => {
  const { headers, body, rawBody } = read(name)
  if (body.query !== undefined) return { method: body.method, headers, query: body.query, body: Buffer.alloc(0) }
  return { method: 'POST', headers, query: {}, body: Buffer.from(rawBody ?? (typeof body === 'string' ? body : JSON.stringify(body))) }
}

/** A vendor's answer. */
export const answer = (name: string): Reply => {
  const { headers, body } = read(name)
  return body.status === 0 ? 'stayQuiet' : { status: body.status, json: body.json, headers }
}

/** A webhook of our own making, in the place of one that was not recorded. */
export const post = (body: unknown, headers: Record<string, string> = {}): RawRequest => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  query: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})
