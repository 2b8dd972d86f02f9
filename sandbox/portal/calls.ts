/** One REST call as the portal saw it. Tokens never get in. */
export interface CallRecord {
  /** Grows by one; the cursor of `/sandbox/calls?after=`. */
  id: number
  /** ISO time of the portal clock. */
  time: string
  method: string
  params: unknown
  status: number
  answer: unknown
  /** The error code when the portal refused. */
  error?: string
  /** Set when the portal was told to misbehave: the refusal is no fault of the caller. */
  injected?: string
  /** The id of the batch that this command came in, and its name there. */
  batch?: number
  command?: string
  clientId?: string
  userId?: number
  durationMs: number
}

/** The journal of all REST calls, newest last; the oldest are dropped beyond `limit` (a tenth more may stay for a while). */
export class CallLog {
  readonly records: CallRecord[] = []
  private limit: number
  private lastId = 0
  private counts = new Map<string, number>()

  constructor(limit: number) {
    this.limit = limit
  }

  /** Reserves the id, so that a batch stands before its commands. */
  nextId(): number {
    this.lastId += 1
    return this.lastId
  }

  add(record: CallRecord): void {
    const key = record.batch === undefined ? record.method : `${record.method} (in batch)`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    this.records.push({ ...record, params: withoutTokens(record.params), answer: withoutTokens(record.answer) })
    // In larger steps, for shifting the whole list at each call would cost more than the call.
    if (this.records.length > this.limit * 1.1) this.records.splice(0, this.records.length - this.limit)
  }

  /** Calls that the portal refused although it behaved; with `injected` those of a misbehaving portal as well. */
  refused(options: { injected?: boolean } = {}): CallRecord[] {
    return this.records.filter((record) => record.error !== undefined && (options.injected === true || record.injected === undefined))
  }

  after(id: number): CallRecord[] {
    return this.records.filter((record) => record.id > id).sort((a, b) => a.id - b.id)
  }

  /** How many calls of each method there were, also of those no longer kept. HTTP requests are all keys without "(in batch)". */
  totals(): Record<string, number> {
    return Object.fromEntries(this.counts)
  }
}

const tokenShape = /\b[0-9a-f]{70}\b/g

function withoutTokens(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(tokenShape, '[token]')
  if (Array.isArray(value)) return value.map(withoutTokens)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value)
    .filter(([key]) => !/^(auth|access_token|refresh_token|application_token)$/i.test(key))
    .map(([key, item]) => [key, withoutTokens(item)]))
}
