import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'

export interface Seen {
  readonly path: string
  readonly method: string
  readonly body: any
}

/** `drop` closes the connection without a word, after the request was read. */
export type Reply = { readonly status?: number, readonly body?: unknown, readonly headers?: Record<string, string>, readonly delayMs?: number } | 'drop'

/** A server that answers whatever a test tells it to, in turn; the last reply is repeated. */
export const startOddServer = async (): Promise<{ origin: string, seen: Seen[], reply: (...replies: (Reply | ((request: Seen) => Reply))[]) => void, stop: () => Promise<void> }> => {
  const seen: Seen[] = []
  let replies: (Reply | ((request: Seen) => Reply))[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
    seen.push({ path: request.url!, method: request.method!, body: isForm ? Object.fromEntries(new URLSearchParams(text)) : text === '' ? undefined : JSON.parse(text) })
    const next = replies.length > 1 ? replies.shift()! : (replies[0] ?? {})
    const reply = typeof next === 'function' ? next(seen.at(-1)!) : next
    if (reply === 'drop') {
      request.socket.destroy()
      return
    }
    if (reply.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, reply.delayMs).unref())
    const { body } = reply
    const isText = typeof body === 'string'
    response.writeHead(reply.status ?? 200, { 'content-type': isText ? 'text/html' : 'application/json', ...reply.headers })
    response.end(isText ? body : JSON.stringify(body ?? { result: true, time: {} }))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    reply: (...next) => (replies = next),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
