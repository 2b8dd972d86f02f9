import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { type AppSpec, type Portal } from '../../sandbox/portal/portal.ts'
import { parseQuery } from '../../sandbox/portal/form.ts'

/** Samples of the documentation (each with its page), as this project keeps them. */
export const vectors = JSON.parse(readFileSync(new URL('portal-vectors.json', import.meta.url), 'utf8')) as Record<string, any>

export interface Received {
  path: string
  query: Record<string, any>
  headers: IncomingMessage['headers']
  body: string
  form: Record<string, any>
}

/** An application that answers 200 to everything and remembers it. */
export async function startApplication(): Promise<{ origin: string, received: Received[], close(): void }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const url = new URL(request.url!, 'http://x')
      received.push({ path: url.pathname, query: Object.fromEntries(url.searchParams), headers: request.headers, body, form: parseQuery(body) })
      response.end('<!doctype html><p>application</p>')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export const allScopes = ['crm', 'bizproc', 'placement', 'task', 'im', 'imopenlines', 'imconnector', 'messageservice', 'user_brief']

export function register(portal: Portal, origin: string, change: Partial<AppSpec> = {}): { clientId: string, clientSecret: string } {
  return portal.registerApp({
    shape: 'local', ui: true, handlerUrl: `${origin}/app`, installUrl: `${origin}/install`, scopes: allScopes, name: 'Эстафета', ...change,
  })
}

export interface RestAnswer {
  status: number
  body: any
}

/** A caller of REST with the token of one user. */
export function caller(portal: Portal, clientId: string, userId = 1): (method: string, params?: Record<string, unknown>) => Promise<RestAnswer> {
  const { accessToken } = portal.issueTokens(clientId, userId)
  return (method, params = {}) => post(`${portal.clientEndpoint}${method}`, { ...params, auth: accessToken })
}

export async function post(url: string, body: unknown): Promise<RestAnswer> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), redirect: 'manual' })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

/** A layout that the portal accepts. */
export function goodLayout(change: Record<string, unknown> = {}): Record<string, any> {
  return {
    icon: { code: 'sms' },
    header: { title: 'Напоминание', tags: { status: { title: 'доставлено', type: 'success' } } },
    body: { logo: { code: 'sms' }, blocks: { channel: { type: 'withTitle', properties: { title: 'Канал', inline: true, block: { type: 'text', properties: { value: 'SMS' } } } } } },
    ...change,
  }
}

/** Simulated time that only moves when told. */
export function createManualClock(start = Date.UTC(2026, 0, 15, 9)): { now(): number, sleep(ms: number): Promise<void>, advance(ms: number): Promise<void> } {
  let now = start
  let sleepers: { at: number, wake: () => void }[] = []
  return {
    now: () => now,
    sleep: (ms) => new Promise((resolve) => sleepers.push({ at: now + ms, wake: resolve })),
    advance: async (ms) => {
      now += ms
      const due = sleepers.filter((sleeper) => sleeper.at <= now)
      sleepers = sleepers.filter((sleeper) => sleeper.at > now)
      for (const sleeper of due) sleeper.wake()
      await Promise.resolve()
    },
  }
}
