import { type Clock } from '../clock.ts'

/** Counts against rates of so many per second with a burst. */
export interface Limiter {
  /** Takes one for the key; otherwise answers the milliseconds until there is one again. */
  take(key: string, burst: number, perSecond: number): number
}

/** Makes token buckets that fill up by the simulated clock. */
export function createLimiter(clock: Clock): Limiter {
  const buckets = new Map<string, { left: number, at: number }>()
  return {
    take(key, burst, perSecond) {
      const now = clock.now()
      const bucket = buckets.get(key) ?? { left: burst, at: now }
      bucket.left = Math.min(burst, bucket.left + Math.max(0, now - bucket.at) / 1000 * perSecond)
      bucket.at = now
      buckets.set(key, bucket)
      if (bucket.left < 1) return Math.ceil((1 - bucket.left) / perSecond * 1000)
      bucket.left--
      return 0
    },
  }
}
