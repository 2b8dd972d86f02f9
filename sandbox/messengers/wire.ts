import { request as requestHttps } from 'node:https'
import { connect, type Socket } from 'node:net'

/** What came back for one POST; status 0 when nothing did. */
export interface PostAnswer { status: number, body: string, retryAfterSeconds?: number, reason?: string }

/** Posts over kept connections. */
export interface Wire {
  post(url: URL, headers: Readonly<Record<string, string>>, body: Buffer): Promise<PostAnswer>
  close(): void
}

interface Job { head: string, body: Buffer, done(answer: PostAnswer): void }
interface Line { socket: Socket, job?: Job, received: Buffer }

const linesPerHost = 64
const timeoutMs = 30_000

/**
 * Makes a small HTTP/1.1 client. It exists because benchmarks share two cores with the application: Node's own client takes
 * three times as long per request. Addresses with https go through Node's client.
 */
export function createWire(): Wire {
  const hosts = new Map<string, { idle: Line[], open: Set<Line>, waiting: Job[] }>()

  const finish = (host: string, line: Line, answer: PostAnswer, keep: boolean): void => {
    const pool = hosts.get(host)!
    const { job } = line
    line.job = undefined
    line.received = Buffer.alloc(0)
    if (keep) {
      const next = pool.waiting.shift()
      if (next === undefined) pool.idle.push(line)
      else start(line, next)
    } else {
      drop(host, line)
    }
    job?.done(answer)
  }

  const drop = (host: string, line: Line): void => {
    const pool = hosts.get(host)!
    pool.open.delete(line)
    const at = pool.idle.indexOf(line)
    if (at !== -1) pool.idle.splice(at, 1)
    line.socket.destroy()
    const next = pool.waiting.shift()
    if (next !== undefined) start(open(host), next)
  }

  const open = (host: string): Line => {
    const at = host.lastIndexOf(':')
    const socket = connect({ host: host.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(host.slice(at + 1)), noDelay: true })
    const line: Line = { socket, received: Buffer.alloc(0) }
    hosts.get(host)!.open.add(line)
    let reason = 'Connection closed'
    socket.setTimeout(timeoutMs, () => {
      if (line.job === undefined) return
      reason = 'Read timeout expired'
      socket.destroy()
    })
    socket.on('error', (error) => { reason = error.message })
    socket.on('data', (chunk) => {
      line.received = line.received.length === 0 ? chunk : Buffer.concat([line.received, chunk])
      const read = readAnswer(line.received)
      if (read !== undefined) finish(host, line, read.answer, read.keep)
    })
    socket.on('close', () => {
      if (line.job === undefined) drop(host, line)
      else finish(host, line, { status: 0, body: '', reason }, false)
    })
    return line
  }

  const start = (line: Line, job: Job): void => {
    line.job = job
    line.socket.cork()
    line.socket.write(job.head, 'latin1')
    line.socket.write(job.body)
    line.socket.uncork()
  }

  return {
    post: (url, headers, body) => new Promise((resolve) => {
      if (url.protocol === 'https:') {
        postSecurely(url, headers, body, resolve)
        return
      }
      const host = `${url.hostname}:${url.port || '80'}`
      let pool = hosts.get(host)
      if (pool === undefined) hosts.set(host, pool = { idle: [], open: new Set(), waiting: [] })
      let head = `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-length: ${body.length}\r\n`
      for (const name in headers) head += `${name}: ${headers[name]!}\r\n`
      const job: Job = { head: `${head}\r\n`, body, done: resolve }
      const line = pool.idle.pop()
      if (line !== undefined) start(line, job)
      else if (pool.open.size < linesPerHost) start(open(host), job)
      else pool.waiting.push(job)
    }),
    close() {
      for (const pool of hosts.values()) {
        pool.waiting = []
        for (const line of pool.open) line.socket.destroy()
      }
    },
  }
}

/** Reads a whole answer from what has arrived; undefined while there is more to come. */
function readAnswer(bytes: Buffer): { answer: PostAnswer, keep: boolean } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const header = (name: string): string | undefined => new RegExp(`\\r\\n${name}:\\s*([^\\r]*)`, 'i').exec(head)?.[1]
  const rest = bytes.subarray(end + 4)
  let body = ''
  const length = header('content-length')
  if (length !== undefined) {
    if (rest.length < Number(length)) return undefined
    body = rest.toString('utf8', 0, Number(length))
  } else if (/chunked/i.test(header('transfer-encoding') ?? '')) {
    if (!rest.toString('latin1').endsWith('0\r\n\r\n')) return undefined
    body = joinChunks(rest)
  }
  return {
    answer: { status, body, retryAfterSeconds: Number(header('retry-after')) || undefined },
    keep: !/close/i.test(header('connection') ?? ''),
  }
}

function joinChunks(bytes: Buffer): string {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    const length = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (!(length > 0)) return Buffer.concat(parts).toString('utf8')
    parts.push(bytes.subarray(line + 2, line + 2 + length))
    at = line + 4 + length
  }
}

function postSecurely(url: URL, headers: Readonly<Record<string, string>>, body: Buffer, done: (answer: PostAnswer) => void): void {
  const options = { method: 'POST', headers: { ...headers, 'content-length': body.length }, timeout: timeoutMs }
  const sent = requestHttps(url, options, (answer) => {
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', (chunk: string) => { text += chunk })
    answer.on('end', () => {
      done({ status: answer.statusCode ?? 0, body: text, retryAfterSeconds: Number(answer.headers['retry-after']) || undefined })
    })
    answer.on('error', () => done({ status: 0, body: '', reason: 'Connection closed' }))
  })
  sent.on('timeout', () => sent.destroy(new Error('Read timeout expired')))
  sent.on('error', (error) => done({ status: 0, body: '', reason: error.message }))
  sent.end(body)
}
