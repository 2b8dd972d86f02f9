import { type Clock } from '../clock.ts'
import { type Messenger } from './behaviour.ts'
import { createWire } from './wire.ts'

/** How stubborn a vendor is when our side does not answer 2xx. Simulated milliseconds. */
export interface RetryPolicy { firstMs: number, longestMs: number, forMs: number }

/** One POST to the application. */
export interface Webhook {
  messenger: Messenger
  account: string
  /** What it says, for the log: `message`, `status:delivered`, … */
  kind: string
  url: string
  headers: Record<string, string>
  body: Buffer
  retry: RetryPolicy
  /** Posts with the same key go out one after another; one that is stuck holds up the later ones. */
  orderKey?: string
  /** Where to and how to repeat it, when the address may have changed meanwhile; undefined ends the repeating. */
  refresh?(): { url: string, headers: Record<string, string> } | undefined
  /** Whether a 2xx with this body counts: some vendors wait for a word. Left out: any body. */
  accepts?(body: string): boolean
  /** What the application answered with a 2xx. */
  onAnswer?(body: string): void
  /** Every failed try, with how long this post has been failing in simulated milliseconds. */
  onFailure?(reason: string, failingMs: number): void
}

/** What became of a webhook. */
export interface WebhookRecord {
  at: number
  messenger: Messenger
  account: string
  kind: string
  tries: number
  /** Last HTTP status, 0 when there was no answer. */
  status: number
  outcome: 'sending' | 'accepted' | 'given up' | 'lost'
  reason?: string
}

/** Sends webhooks over kept connections and repeats them until they are accepted. */
export interface Poster {
  /** Resolves true when accepted, false when given up. */
  post(webhook: Webhook): Promise<boolean>
  /** Records one that never left. */
  lose(webhook: Pick<Webhook, 'messenger' | 'account' | 'kind'>, reason: string): void
  records(): readonly WebhookRecord[]
  /** Number of webhooks that are not yet accepted or given up. */
  pending(account?: string): number
  stop(): void
}

const keptRecords = 20_000

/** Makes the sending side of all webhooks. */
export function createPoster(clock: Clock): Poster {
  const wire = createWire()
  const urls = new Map<string, URL>()
  const queues = new Map<string, Promise<boolean>>()
  const records: WebhookRecord[] = []
  let pending = 0
  const pendingOf = new Map<string, number>()
  let stopped = false

  const record = (entry: WebhookRecord): WebhookRecord => {
    records.push(entry)
    if (records.length > keptRecords) records.splice(0, keptRecords / 2)
    return entry
  }

  const urlOf = (address: string): URL => {
    let url = urls.get(address)
    if (url === undefined) urls.set(address, url = new URL(address))
    return url
  }

  const deliver = async (webhook: Webhook): Promise<boolean> => {
    const entry = record({
      at: clock.now(), messenger: webhook.messenger, account: webhook.account, kind: webhook.kind, tries: 0, status: 0, outcome: 'sending',
    })
    const startedAt = clock.now()
    let waitMs = webhook.retry.firstMs
    while (!stopped) {
      const target = entry.tries === 0 || webhook.refresh === undefined ? webhook : webhook.refresh()
      if (target === undefined) break
      const answer = await wire.post(urlOf(target.url), target.headers, webhook.body)
      entry.tries++
      entry.status = answer.status
      const isWord = webhook.accepts?.(answer.body) ?? true
      if (answer.status >= 200 && answer.status < 300 && isWord) {
        entry.outcome = 'accepted'
        entry.reason = undefined
        webhook.onAnswer?.(answer.body)
        return true
      }
      entry.reason = answer.reason ?? (isWord ? `HTTP ${answer.status}` : 'The answer is not the word that is waited for')
      webhook.onFailure?.(entry.reason, clock.now() - startedAt)
      if (clock.now() - startedAt + waitMs > webhook.retry.forMs) break
      await clock.sleep(Math.max(waitMs, Math.min(answer.retryAfterSeconds ?? 0, 3600) * 1000))
      waitMs = Math.min(waitMs * 2, webhook.retry.longestMs)
    }
    entry.outcome = 'given up'
    return false
  }

  const count = (account: string, by: number): void => {
    pending += by
    pendingOf.set(account, (pendingOf.get(account) ?? 0) + by)
  }

  return {
    post(webhook) {
      if (stopped) return Promise.resolve(false)
      count(webhook.account, 1)
      const key = webhook.orderKey
      const before = key === undefined ? undefined : queues.get(key)
      const sending = (before === undefined ? deliver(webhook) : before.then(() => deliver(webhook))).then((accepted) => {
        count(webhook.account, -1)
        if (key !== undefined && queues.get(key) === sending) queues.delete(key)
        return accepted
      })
      if (key !== undefined) queues.set(key, sending)
      return sending
    },
    lose: ({ messenger, account, kind }, reason) => {
      record({ at: clock.now(), messenger, account, kind, tries: 0, status: 0, outcome: 'lost', reason })
    },
    records: () => records,
    pending: (account) => account === undefined ? pending : pendingOf.get(account) ?? 0,
    stop() {
      stopped = true
      wire.close()
    },
  }
}
