import fastify from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHttp } from '../../src/channels/http.ts'
import { site as channel } from '../../src/channels/site/index.ts'
import { type Inbound, type RawRequest } from '../../src/channels/channel.ts'
import { saveConnection } from '../../src/db/connections.ts'
import { connectionId, type PortalId } from '../../src/domain/ids.ts'
import { registerSiteChat, type SiteChatParts } from '../../src/site-chat/server.ts'
import { addPortal, openDatabase, type OpenDatabase } from '../integration/support.ts'

export const origin = 'https://clinic.example'
export const form = { origins: `${origin}, https://www.clinic.example`, policyUrl: 'https://clinic.example/policy', secret: 'a secret phrase of the clinic' }

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: any
}

export interface ChatServer {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** One connection's chat: its database, what the application was told, and servers over it like several processes. */
export interface Clinic {
  readonly database: OpenDatabase
  readonly portal: PortalId
  readonly siteKey: string
  /** What the application took, in order. */
  readonly hooks: RawRequest[]
  /** The same as the channel reads it; a webhook with a wrong signature is an error. */
  told(): Inbound[]
  /** The application does not take webhooks until it is called again. */
  refuseHooks(isRefusing: boolean): void
  /** Settings as they are from now on. */
  change(settings: Partial<Record<string, string>>): void
  readonly servers: readonly ChatServer[]
  readonly channelContext: () => { credentials: ReturnType<typeof channel.parseCredentials>; http: ReturnType<typeof createHttp>; signal: AbortSignal; hookUrl: string }
  stop(): Promise<void>
}

export const startClinic = async (options: { servers?: number; cutsConnections?: boolean; more?: Partial<SiteChatParts> } = {}): Promise<Clinic> => {
  const database = await openDatabase(24)
  const portal = await addPortal(database.db, 'clinic')
  const connection = { portalId: portal, id: connectionId('site-1'), channel: 'site', name: 'Сайт', state: 'working' as const, problem: undefined, sealedCredentials: 'sealed', hookKey: 'hook-key-1', title: '', details: [], checkedAt: undefined }
  await saveConnection(database.db, connection)
  let settings: Record<string, string | undefined> = form
  let isRefusing = false
  const hooks: RawRequest[] = []
  const open = async () => ({ connection, credentials: channel.parseCredentials(settings) })
  const start = async (): Promise<ChatServer> => {
    // The test's own client opens connections ahead of need and would keep a server waiting for their first request.
    const server = fastify({ forceCloseConnections: options.cutsConnections ?? true })
    registerSiteChat(server, {
      db: database.db,
      connections: { byId: async (_portal, id) => (id === connection.id ? open() : undefined), byHook: async (_channel, key) => (key === connection.hookKey ? open() : undefined) },
      tokenKey: Buffer.from('key of the visitors'),
      takeWebhook: async (hookKey, request) => {
        if (isRefusing || hookKey !== connection.hookKey) throw new Error('the application is away')
        hooks.push(request)
      },
      publicUrl: () => 'https://app.example',
      now: Date.now,
      transfer: { isPossible: async () => true, linksFor: async () => [] },
      onError: () => undefined,
      widgetFile: new URL('../../dist/pages/widget.js', import.meta.url).pathname,
      ...options.more,
    })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    return { url, stop: async () => server.close() }
  }
  const servers = await Promise.all(Array.from({ length: options.servers ?? 1 }, start))
  const http = createHttp()
  const channelContext: Clinic['channelContext'] = () => ({
    credentials: channel.parseCredentials({ ...settings, baseUrl: servers[0]!.url }), http, signal: AbortSignal.timeout(10_000), hookUrl: `https://app.example/hooks/site/${connection.hookKey}`,
  })
  const facts = await channel.connect(channelContext())
  return {
    database,
    portal,
    siteKey: /data-site="([^"]+)"/.exec(facts.details[0]!.value)![1]!,
    hooks,
    told: () =>
      hooks.flatMap((request) => {
        const credentials = channel.parseCredentials(settings)
        if (!channel.verify(request, credentials)) throw new Error('a webhook with a wrong signature')
        return channel.parse(request, credentials)
      }),
    refuseHooks: (refuses) => {
      isRefusing = refuses
    },
    change: (changed) => {
      settings = { ...settings, ...changed }
    },
    servers,
    channelContext,
    stop: async () => {
      http.close()
      await Promise.all(servers.map(({ stop }) => stop()))
      await database.drop()
    },
  }
}

/** A visitor's browser: what it asks, and the updates that it hears. */
export class Browser {
  readonly base: string
  token = ''
  readonly from: string

  constructor(clinic: Pick<Clinic, 'servers' | 'siteKey'>, server = 0, from = origin) {
    this.base = `${clinic.servers[server]!.url}/chat/${clinic.siteKey}`
    this.from = from
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const isBytes = body instanceof Uint8Array
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers: { origin: this.from, ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }), ...(body === undefined || isBytes ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  /** Agrees and gets a session. */
  async open(): Promise<this> {
    const { body: settings } = await this.ask('GET', '/settings')
    const { body } = await this.ask('POST', '/session', { consentVersion: settings.consent.version, language: 'ru' })
    this.token = body.token
    return this
  }

  get visitorId(): string {
    return this.token.split('.')[0]!
  }

  async write(text: string, clientId = `client-${Math.random().toString(36).slice(2)}`, more: object = {}): Promise<Answer> {
    return this.ask('POST', '/messages', { clientId, text, ...more })
  }

  /** Live updates from a cursor on, until `close`. */
  async listen(lastEventId?: string): Promise<Live> {
    const stop = new AbortController()
    const answer = await fetch(`${this.base}/events`, {
      headers: { origin: this.from, authorization: `Bearer ${this.token}`, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }, signal: stop.signal,
    })
    if (!answer.ok) throw new Error(`events: ${answer.status}`)
    const live: Live = { events: [], isOpen: true, close: () => stop.abort(), until: async (check) => untilTrue(() => check(live.events)) }
    void (async () => {
      let rest = ''
      try {
        for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
          const blocks = (rest + part).split('\n\n')
          rest = blocks.pop()!
          for (const block of blocks) {
            const fields = Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
            if (fields.event !== undefined) live.events.push({ id: fields.id!, event: fields.event, data: JSON.parse(fields.data!) })
          }
        }
      } catch {
        // Closed by the test or by the server.
      }
      live.isOpen = false
    })()
    return live
  }
}

export interface Live {
  readonly events: { readonly id: string; readonly event: string; readonly data: any }[]
  isOpen: boolean
  close(): void
  until(check: (events: Live['events']) => boolean): Promise<void>
}

export const untilTrue = async (check: () => boolean | Promise<boolean>, limitMs = 8_000): Promise<void> => {
  const end = Date.now() + limitMs
  while (!(await check())) {
    if (Date.now() > end) throw new Error('This did not happen in time')
    await sleep(15)
  }
}
