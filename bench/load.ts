/**
 * A load of webhooks from a process of its own: `connections` kept sockets to 127.0.0.1, each sends the next request when it has its answer.
 * Ends by itself after `seconds`. Prints `{ answered, failed, seconds, p50Ms, p99Ms }`.
 */
import net from 'node:net'
import { percentile } from './setting.ts'

interface Load { port: number, path: string, headers: Record<string, string>, body: string, connections: number, seconds: number }

const { port, path, headers, body, connections, seconds } = JSON.parse(process.argv[2]!) as Load
const endAt = performance.now() + Math.min(seconds, 60) * 1000
let next = Number(process.hrtime.bigint() % 1_000_000_000n) * 100
let answered = 0
let failed = 0
const latencies: number[] = []

const runSocket = (): Promise<void> => new Promise((resolve) => {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  let sentAt = 0
  let buffer = ''
  const send = (): void => {
    if (performance.now() >= endAt) {
      socket.destroy()
      resolve()
      return
    }
    const content = body.replace('"@"', String(next++))
    sentAt = performance.now()
    socket.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${Buffer.byteLength(content)}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${content}`)
  }
  socket.on('connect', send)
  socket.on('data', (chunk) => {
    buffer += chunk.toString('latin1')
    const end = buffer.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(buffer)?.[1] ?? 0)
    if (buffer.length < end + 4 + length) return
    if (buffer.startsWith('HTTP/1.1 200')) answered++
    else failed++
    latencies.push(performance.now() - sentAt)
    buffer = ''
    send()
  })
  socket.on('error', () => { failed++; resolve() })
  socket.on('close', () => resolve())
})

const startedAt = performance.now()
await Promise.all(Array.from({ length: connections }, runSocket))
const took = (performance.now() - startedAt) / 1000
console.log(JSON.stringify({ answered, failed, seconds: took, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }))
