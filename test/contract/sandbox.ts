import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeEach } from '@jest/globals'
import { createClock, type Clock } from '../../sandbox/clock.ts'
import { startMessengers, type Messengers } from '../../sandbox/messengers/messengers.ts'
import { type Channel, type ChannelContext, type Inbound, type OutboundMessage, type RawRequest } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'

/** The stand-ins were written from the vendors' documentation without sight of these channels: where both agree, it was read right. */
export interface Connection<Credentials> {
  readonly channel: Channel<Credentials>
  readonly context: ChannelContext<Credentials>
  readonly hookUrl: string
  readonly events: Inbound[]
  /** Requests that did not pass `verify`. */
  readonly refused: RawRequest[]
}

export interface World {
  readonly clock: Clock
  readonly messengers: Messengers
  connectionOf<Credentials>(channel: Channel<Credentials>, form: Record<string, string>): Connection<Credentials>
}

/** A new world for each test of the file: messengers with fast clocks, and an application that receives their webhooks. */
export const useSandbox = (): World => {
  let clock: Clock
  let messengers: Messengers
  let server: Server
  let connections: Map<string, Connection<any>>
  const http = createHttp()

  const receive = (request: RawRequest, path: string): { status: number; text: string } => {
    const connection = connections.get(path)
    if (connection === undefined) return { status: 404, text: '' }
    const { channel, context, events, refused } = connection
    const proof = channel.handshake?.(request, context.credentials)
    if (proof !== undefined) return { status: 200, text: proof }
    if (request.method === 'GET' && channel.handshake !== undefined) return { status: 403, text: '' }
    if (!channel.verify(request, context.credentials)) {
      refused.push(request)
      return { status: 401, text: '' }
    }
    events.push(...channel.parse(request, context.credentials))
    return { status: 200, text: channel.acknowledgement ?? '' }
  }

  beforeEach(async () => {
    clock = createClock({ speed: 200 })
    messengers = await startMessengers({ clock, allowLoopbackHttp: true, seed: 11 })
    connections = new Map()
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://application')
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
        const raw = { method: request.method ?? '', headers, query: Object.fromEntries(searchParams), body: Buffer.concat(chunks) }
        const { status, text } = receive(raw, pathname)
        response.writeHead(status).end(text)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  afterEach(async () => {
    http.close()
    await messengers.stop()
    clock.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  return {
    get clock() {
      return clock
    },
    get messengers() {
      return messengers
    },
    connectionOf(channel, form) {
      const path = `/hooks/${channel.id}`
      const hookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
      const connection = { channel, context: { credentials: channel.parseCredentials(form), http, signal: new AbortController().signal }, hookUrl, events: [], refused: [] }
      connections.set(path, connection)
      return connection
    },
  }
}

export const connect = <Credentials>(connection: Connection<Credentials>) => connection.channel.connect({ ...connection.context, hookUrl: connection.hookUrl })

/** Polls with a bound; the sandbox's time runs fast. */
export const until = async (holds: () => boolean): Promise<void> => {
  const end = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen within 10 seconds')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const messageTo = (to: string, more: Partial<OutboundMessage> = {}): OutboundMessage => ({
  ref: 'd1.0',
  number: 1001,
  to,
  text: 'Напоминаем: приём завтра в 10:00',
  ...more,
})
