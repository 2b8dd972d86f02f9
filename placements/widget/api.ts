import type { HistoryView, MarksView, MessageView, RefusalCode, SiteView, TransferLink } from '../../src/site-chat/protocol.ts'
import { createEventReader } from './events.ts'

/** The server said no; `OFFLINE` when it said nothing, or broke. */
export class Refused extends Error {
  readonly code: RefusalCode | 'OFFLINE'
  readonly retryAfterMs: number

  constructor(code: RefusalCode | 'OFFLINE', retryAfterMs = 0) {
    super(code)
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

export interface LiveHandlers {
  readonly onOpen: () => void
  readonly onMessage: (message: MessageView, cursor: number) => void
  readonly onMarks: (marks: MarksView, cursor: number) => void
}

/** What the chat's server can be asked; each call throws `Refused`. */
export interface Api {
  settings(): Promise<SiteView>
  openSession(consentVersion: string, language: 'ru' | 'en'): Promise<string>
  accept(token: string, consentVersion: string): Promise<void>
  history(token: string, before?: number): Promise<HistoryView>
  send(token: string, message: { readonly clientId: string; readonly text: string; readonly fileId?: string }): Promise<MessageView>
  upload(token: string, fileId: string, file: Blob & { readonly name?: string }): Promise<void>
  edit(token: string, id: number, text: string): Promise<MessageView>
  remove(token: string, id: number): Promise<MessageView>
  press(token: string, id: number, payload: string, clientId: string): Promise<void>
  mark(token: string, marks: { readonly deliveredId: number; readonly readId: number }): Promise<void>
  typing(token: string): Promise<void>
  transferLinks(token: string): Promise<readonly TransferLink[]>
  /** Live updates after `cursor`; ends when the connection does. */
  listen(token: string, cursor: number, handlers: LiveHandlers, signal: AbortSignal): Promise<void>
}

/** The server is heard every 20 s even when there is nothing new. */
const silenceMs = 50_000

/** `address`: where `/chat/<site key>` begins. */
export const createApi = (address: string, fetch: typeof globalThis.fetch): Api => {
  const ask = async (method: string, path: string, token?: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> => {
    const isJson = body !== undefined && !(body instanceof Blob)
    const answer = await fetch(`${address}${path}`, {
      method,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
      body: isJson ? JSON.stringify(body) : (body as Blob | undefined),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal,
    }).catch(() => {
      throw new Refused('OFFLINE')
    })
    if (answer.ok) return answer
    const { code } = (await answer.json().catch(() => ({}))) as { code?: RefusalCode }
    throw answer.status >= 500 || code === undefined ? new Refused('OFFLINE') : new Refused(code, Number(answer.headers.get('retry-after') ?? 5) * 1000)
  }
  const read = async <Answer>(answer: Promise<Response>): Promise<Answer> => {
    const response = await answer
    return (await response.json().catch(() => {
      throw new Refused('OFFLINE')
    })) as Answer
  }
  return {
    settings: () => read(ask('GET', '/settings')),
    openSession: async (consentVersion, language) => (await read<{ token: string }>(ask('POST', '/session', undefined, { consentVersion, language }))).token,
    accept: async (token, consentVersion) => void (await ask('POST', '/consent', token, { consentVersion })),
    history: (token, before) => read(ask('GET', `/messages${before === undefined ? '' : `?before=${before}`}`, token)),
    send: (token, message) => read(ask('POST', '/messages', token, message)),
    upload: async (token, fileId, file) => void (await ask('POST', `/files/${fileId}`, token, file, { 'content-type': file.type, 'x-file-name': encodeURIComponent(file.name ?? 'file') })),
    edit: (token, id, text) => read(ask('PATCH', `/messages/${id}`, token, { text })),
    remove: (token, id) => read(ask('DELETE', `/messages/${id}`, token)),
    press: async (token, id, payload, clientId) => void (await ask('POST', `/messages/${id}/press`, token, { payload, clientId })),
    mark: async (token, marks) => void (await ask('POST', '/marks', token, marks)),
    typing: async (token) => void (await ask('POST', '/typing', token)),
    transferLinks: async (token) => (await read<{ links: readonly TransferLink[] }>(ask('GET', '/transfer', token))).links,
    listen: async (token, cursor, { onOpen, onMessage, onMarks }, signal) => {
      const silence = new AbortController()
      signal.addEventListener('abort', () => silence.abort(), { once: true })
      const answer = await ask('GET', '/events', token, undefined, { 'last-event-id': String(cursor) }, silence.signal)
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
      if (reader === undefined) throw new Refused('OFFLINE')
      onOpen()
      const take = createEventReader(({ id, event, data }) => {
        if (event === 'message') onMessage(JSON.parse(data) as MessageView, Number(id))
        if (event === 'marks') onMarks(JSON.parse(data) as MarksView, Number(id))
      })
      let timer = setTimeout(() => silence.abort(), silenceMs)
      try {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return
          clearTimeout(timer)
          timer = setTimeout(() => silence.abort(), silenceMs)
          take(value)
        }
      } catch {
        throw new Refused('OFFLINE')
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
