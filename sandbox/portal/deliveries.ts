import http from 'node:http'
import https from 'node:https'
import { buildQuery } from './form.ts'
import { type Misbehaviours, seededRandom } from './misbehave.ts'

/** One POST of the portal's queue server to an application. */
export interface Delivery {
  id: number
  /** Event name, or `robot:<code>`, or `sms:<code>`. */
  what: string
  url: string
  at: string
  /** HTTP status; or why nothing came back: `lost`, `timeout`, `refused`. */
  outcome: number | string | null
  ms: number | null
}

const timeoutMs = 5000
const agent = new http.Agent({ keepAlive: true })
const secureAgent = new https.Agent({ keepAlive: true })

/**
 * Sends events, robot calls and the like: form-encoded, once, in turn but several at a time, five seconds each. Nothing is repeated.
 * @see https://apidocs.bitrix24.com/settings/performance/queue.html
 */
export class DeliveryQueue {
  readonly log: Delivery[] = []
  concurrency = 16
  private misbehaviours: Misbehaviours
  private isoNow: () => string
  private waiting: (() => Promise<void>)[] = []
  private running = 0
  private lastId = 0
  private idle: (() => void)[] = []
  private random = seededRandom(7)

  constructor(misbehaviours: Misbehaviours, isoNow: () => string) {
    this.misbehaviours = misbehaviours
    this.isoNow = isoNow
  }

  /** Queues the POST; the promise tells how it ended and never rejects. */
  post(what: string, url: string, payload: Record<string, unknown>): Promise<Delivery> {
    this.lastId += 1
    const delivery: Delivery = { id: this.lastId, what, url, at: this.isoNow(), outcome: null, ms: null }
    this.log.push(delivery)
    if (this.log.length > 22_000) this.log.splice(0, 2000)
    const rule = this.misbehaviours.take('event', what.replace(/^(robot|sms):/, ''))
    if (rule?.kind === 'event_lose') {
      delivery.outcome = 'lost'
      return Promise.resolve(delivery)
    }
    const body = buildQuery(payload)
    const delayMs = rule?.kind === 'event_slow' ? rule.ms ?? 500 : rule?.kind === 'event_reorder' ? this.random() * (rule.ms ?? 300) : 0
    const done = new Promise<Delivery>((resolve) => {
      this.waiting.push(async () => {
        if (delayMs > 0) await new Promise((later) => setTimeout(later, delayMs))
        await send(delivery, body)
        if (rule?.kind === 'event_twice') await send({ ...delivery }, body)
        resolve(delivery)
      })
    })
    this.pump()
    return done
  }

  /** Resolves when nothing waits and nothing is under way. */
  settle(): Promise<void> {
    if (this.running === 0 && this.waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.idle.push(resolve))
  }

  /** Forgets what waits. */
  stop(): void {
    this.waiting = []
  }

  private pump(): void {
    while (this.running < this.concurrency) {
      const job = this.waiting.shift()
      if (!job) break
      this.running += 1
      void job().finally(() => {
        this.running -= 1
        this.pump()
      })
    }
    if (this.running === 0 && this.waiting.length === 0) for (const tell of this.idle.splice(0)) tell()
  }
}

/** Bare node:http with kept connections: a load test counts what the application costs, not what its caller costs. */
async function send(delivery: Delivery, body: string): Promise<void> {
  const started = performance.now()
  delivery.outcome = await new Promise<number | string>((resolve) => {
    const url = new URL(delivery.url)
    const secure = url.protocol === 'https:'
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      agent: secure ? secureAgent : agent,
      headers: {
        'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body), 'user-agent': 'Bitrix24 Webhook Engine',
      },
      // Counted from the start, whatever the application trickles.
      signal: AbortSignal.timeout(timeoutMs),
    }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', () => resolve('refused'))
    })
    request.on('error', (error) => resolve(error.name === 'AbortError' || error.name === 'TimeoutError' ? 'timeout' : 'refused'))
    request.end(body)
  })
  delivery.ms = Math.round(performance.now() - started)
}
