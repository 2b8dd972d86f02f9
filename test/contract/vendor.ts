import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { httpContract } from './http-contract.ts'
import { type VendorKind } from './vendor-side.ts'

/** What the vendor was asked: the body parsed as JSON or as a form; of an upload its fields, files as `UploadedPart`. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly body: any
}

/** An answer, or what the vendor does instead of one. */
export type Reply = { readonly status: number; readonly json?: unknown; readonly text?: string; readonly bytes?: Uint8Array; readonly headers?: Record<string, string> } | 'hangUp' | 'stayQuiet'

/** A real HTTP server in the vendor's place: it gives the replies in turn, the last one for ever, and remembers what it was asked. */
export interface Vendor {
  readonly url: string
  readonly asked: Asked[]
  replies(...replies: Reply[]): void
  close(): Promise<void>
}

export const startVendor = async (): Promise<Vendor> => {
  const asked: Asked[] = []
  let queue: Reply[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://vendor')
      asked.push({
        method: request.method ?? '',
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: request.headers,
        body: parsed(Buffer.concat(chunks), request.headers['content-type'] ?? ''),
      })
      const reply = queue.length > 1 ? queue.shift() : queue[0]
      if (reply !== undefined) answer(response, reply)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    replies: (...replies) => {
      queue = replies
      asked.length = 0
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Vendors that are spoken to over HTTP, at the address that stands in one field of the form. */
export const overHttp = (addressField: string): VendorKind<Reply> => ({
  start: async () => {
    const vendor = await startVendor()
    return { ...vendor, form: { [addressField]: vendor.url }, taken: () => vendor.asked.length }
  },
  nobody: { [addressField]: 'http://127.0.0.1:1' },
  hangUpCode: 'ECONNRESET',
  alsoHolds: httpContract(addressField),
})

/** A file as it came in a form. */
export interface UploadedPart {
  readonly name: string
  readonly mimeType: string
  readonly bytes: Buffer
}

/** @see https://www.rfc-editor.org/rfc/rfc7578 */
const partsOf = (body: Buffer, type: string): Record<string, string | UploadedPart> => {
  const boundary = `--${/boundary="?([^";]+)/.exec(type)?.[1] ?? ''}`
  const parts = body.toString('latin1').split(boundary).slice(1, -1)
  const entries = parts.map((part): [string, string | UploadedPart] => {
    const end = part.indexOf('\r\n\r\n')
    const head = Buffer.from(part.slice(0, end), 'latin1').toString('utf8')
    const bytes = Buffer.from(part.slice(end + 4, -2), 'latin1')
    const field = / name="([^"]*)"/.exec(head)?.[1] ?? ''
    const name = / filename="([^"]*)"/.exec(head)?.[1]
    if (name === undefined) return [field, bytes.toString('utf8')]
    return [field, { name, mimeType: /content-type: ([^\r\n]+)/i.exec(head)?.[1] ?? '', bytes }]
  })
  return Object.fromEntries(entries)
}

const parsed = (body: Buffer, type: string): unknown => {
  if (type.startsWith('multipart/')) return partsOf(body, type)
  const text = body.toString('utf8')
  if (type.includes('json')) return JSON.parse(text)
  return type.includes('form') ? Object.fromEntries(new URLSearchParams(text)) : text
}

const answer = (response: ServerResponse, reply: Reply): void => {
  if (reply === 'stayQuiet') return
  if (reply === 'hangUp') {
    response.destroy()
    return
  }
  const body = reply.bytes ?? reply.text ?? JSON.stringify(reply.json ?? {})
  response.writeHead(reply.status, { 'content-type': reply.text === undefined ? 'application/json' : 'text/html', ...reply.headers }).end(body)
}
