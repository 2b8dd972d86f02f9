import { type Inbound } from '../channels/channel.ts'
import { type OpenConnection } from './open-connection.ts'

/** One thing that a webhook told, with the connection through which it came. */
export interface Arrival<T extends Inbound = Inbound> {
  readonly open: OpenConnection
  readonly inbound: T
}

/** Vendors' clocks may be wrong. */
const mostSkewMs = 5 * 60_000
const mostAgeMs = 7 * 24 * 3600_000

/** A vendor's moment as it is kept: never more than minutes ahead of us nor a week behind. Epoch ms. */
export const clampMoment = (at: number | undefined, now: number): number => (at === undefined ? now : Math.min(Math.max(at, now - mostAgeMs), now + mostSkewMs))
