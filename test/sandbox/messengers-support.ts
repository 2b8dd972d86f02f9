import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'

import { createClock, type Clock } from '../../sandbox/clock.ts'
import { startMessengers, type Messengers } from '../../sandbox/messengers/messengers.ts'

/** A webhook as it came. */
export interface Arrived { url: string, headers: IncomingMessage['headers'], raw: string, json: any }

/** The four messengers with an application that takes every webhook. */
export interface Stand {
  clock: Clock
  messengers: Messengers
  origin: string
  arrived: Arrived[]
  /** What `pick` finds first among the bodies that have come, within five seconds. */
  seen<T = any>(pick: (json: any) => T | undefined): Promise<T>
  stop(): Promise<void>
}

/** Starts the messengers and a receiver of their webhooks. */
export async function startStand(speed = 200): Promise<Stand> {
  const clock = createClock({ speed })
  const messengers = await startMessengers({ clock, allowLoopbackHttp: true, seed: 7 })
  const arrived: Arrived[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'GET') {
        response.end(new URL(request.url!, 'http://x').searchParams.get('hub.challenge'))
        return
      }
      const raw = Buffer.concat(chunks).toString('utf8')
      arrived.push({ url: request.url!, headers: request.headers, raw, json: JSON.parse(raw) as unknown })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    clock,
    messengers,
    arrived,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: (pick) => until(() => arrived.map(({ json }) => pick(json)).find((one) => one !== undefined && one !== null && (one as unknown) !== false)),
    async stop() {
      await messengers.stop()
      clock.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Polls until there is something, at most five seconds. */
export async function until<T>(look: () => T | undefined | false | null | 0 | ''): Promise<T> {
  const end = Date.now() + 5_000
  for (;;) {
    const seen = look()
    if (seen !== undefined && seen !== false && seen !== null && seen !== 0 && seen !== '') return seen
    if (Date.now() > end) throw new Error('It did not happen within 5 seconds')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** One call of an API; a form goes as multipart, anything else as JSON. */
export async function ask(
  url: string, body?: unknown, headers: Record<string, string> = {}, method = body === undefined ? 'GET' : 'POST',
): Promise<{ status: number, body: any, bytes: Buffer, type: string | null }> {
  const isForm = body instanceof FormData
  const answer = await fetch(url, {
    method,
    headers: { ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : isForm ? body : JSON.stringify(body),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  let parsed: unknown = bytes.toString('utf8')
  try {
    parsed = JSON.parse(bytes.toString('utf8'))
  } catch { /* a page or a file */ }
  return { status: answer.status, body: parsed, bytes, type: answer.headers.get('content-type') }
}

/** A multipart form; files are `[bytes, type, name]`. */
export function form(fields: Record<string, string | [bytes: Uint8Array, type: string, name: string]>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') data.set(name, value)
    else data.set(name, new Blob([Uint8Array.from(value[0])], { type: value[1] }), value[2])
  }
  return data
}
