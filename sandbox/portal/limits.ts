import { systemErrors } from './errors.ts'

export interface LimitSettings {
  /** Requests that fit at once; 0 turns the limit off. */
  burst: number
  /** Requests that leak per second. */
  leakPerSecond: number
  /** How many seconds of the limits pass in one real second. */
  scale: number
  /** Seconds of operating time per method and application in ten minutes; 0 turns the limit off. */
  operatingSeconds: number
  /** What one call of a method costs, in seconds; a method that is not named costs what it really took. */
  costSeconds: Record<string, number>
}

export const cloudLimits: LimitSettings = { burst: 50, leakPerSecond: 2, scale: 1, operatingSeconds: 480, costSeconds: {} }

const operatingWindowSeconds = 600

/**
 * The two limits of the cloud: a leaky bucket per source address and operating time per method and application.
 * @see https://apidocs.bitrix24.com/limits.html
 */
export class Limits {
  readonly settings: LimitSettings
  private buckets = new Map<string, { level: number, at: number }>()
  private spent = new Map<string, { at: number, seconds: number }[]>()

  constructor(settings: LimitSettings) {
    this.settings = settings
  }

  private now(): number {
    return performance.now() / 1000 * this.settings.scale
  }

  /** @throws RestError QUERY_LIMIT_EXCEEDED when the bucket of the address is full. */
  takeRequest(address: string): void {
    const { burst, leakPerSecond } = this.settings
    if (burst <= 0) return
    const now = this.now()
    const bucket = this.buckets.get(address) ?? { level: 0, at: now }
    const level = Math.max(0, bucket.level - (now - bucket.at) * leakPerSecond)
    if (level + 1 > burst) {
      this.buckets.set(address, { level, at: now })
      throw systemErrors.queryLimit()
    }
    this.buckets.set(address, { level: level + 1, at: now })
  }

  /** @throws RestError OPERATION_TIME_LIMIT when the method has used up its time; checked before a call. */
  checkOperating(owner: string, method: string): void {
    if (this.settings.operatingSeconds > 0 && this.operating(owner, method).seconds >= this.settings.operatingSeconds) {
      throw systemErrors.operationLimit()
    }
  }

  /** Books a finished call. */
  spend(owner: string, method: string, realSeconds: number): void {
    const seconds = this.settings.costSeconds[method] ?? realSeconds
    const entries = this.live(owner, method)
    // One-minute buckets, as the portal keeps them.
    const minute = Math.floor(this.now() / 60) * 60
    const last = entries.at(-1)
    if (last?.at === minute) last.seconds += seconds
    else entries.push({ at: minute, seconds })
    this.spent.set(`${owner} ${method}`, entries)
  }

  /** Seconds used in the window and the seconds until the oldest minute leaves it. */
  operating(owner: string, method: string): { seconds: number, resetInSeconds: number } {
    const entries = this.live(owner, method)
    const seconds = entries.reduce((sum, entry) => sum + entry.seconds, 0)
    const first = entries[0]
    return { seconds, resetInSeconds: first ? first.at + operatingWindowSeconds - this.now() : operatingWindowSeconds }
  }

  private live(owner: string, method: string): { at: number, seconds: number }[] {
    const entries = this.spent.get(`${owner} ${method}`) ?? []
    const oldest = this.now() - operatingWindowSeconds
    return entries.filter((entry) => entry.at > oldest)
  }
}
