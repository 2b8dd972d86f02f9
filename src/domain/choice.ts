/** Which way to write to a patient first, and why. Pure: what is known of each way comes as data. */

/** One way to a patient. Times are epoch milliseconds. */
export interface WayFacts {
  readonly connection: 'working' | 'broken' | 'off'
  /** What of the card it is addressed by. */
  readonly byCard?: 'phone' | 'email'
  /** It is proved that the account is the patient's; a phone and an e-mail address of the card are. */
  readonly isProved: boolean
  readonly isBlocked: boolean
  readonly lastInboundAt?: number
  /** The messenger takes only an approved template now. */
  readonly needsTemplate: boolean
}

export type WayReason = 'connectionOff' | 'connectionBroken' | 'notProved' | 'blocked' | 'wroteLast' | 'wrote' | 'proved' | 'byPhone' | 'byEmail' | 'template'

/** Free texts are allowed for a day after the patient's last message, less a margin for the way there. */
export const freeTextMs = 24 * 3600_000 - 60_000

export const needsTemplateAt = (canStart: 'anyone' | 'template' | 'afterPatientWrote', lastInboundAt: number | undefined, now: number): boolean =>
  canStart === 'template' && (lastInboundAt === undefined || now - lastInboundAt >= freeTextMs)

/** Why nothing may be written there; undefined: it may. */
export const closedBy = ({ connection, isProved, isBlocked }: WayFacts): Extract<WayReason, 'connectionOff' | 'connectionBroken' | 'notProved' | 'blocked'> | undefined => {
  if (!isProved) return 'notProved'
  if (connection === 'off') return 'connectionOff'
  if (connection === 'broken') return 'connectionBroken'
  return isBlocked ? 'blocked' : undefined
}

/**
 * Which open way is proposed: where the patient wrote last; else an account that is known, else a phone or an address of the card; before each other those that
 * take a text at once. -1: all are closed.
 */
export const proposedOf = (ways: readonly WayFacts[]): number => {
  const open = ways.flatMap((way, index) => (closedBy(way) === undefined ? [{ way, index }] : []))
  const rankOf = ({ lastInboundAt, byCard, needsTemplate }: WayFacts): number =>
    // What was written from is before everything else, the last one first.
    lastInboundAt !== undefined && !needsTemplate ? lastInboundAt : -1 - (needsTemplate ? 2 : 0) - (byCard === undefined ? 0 : 1)
  return open.toSorted((a, b) => rankOf(b.way) - rankOf(a.way) || a.index - b.index)[0]?.index ?? -1
}

export const reasonOf = (way: WayFacts, isProposed: boolean): WayReason => {
  const closed = closedBy(way)
  if (closed !== undefined) return closed
  if (way.needsTemplate) return 'template'
  if (way.lastInboundAt !== undefined) return isProposed ? 'wroteLast' : 'wrote'
  return way.byCard === undefined ? 'proved' : way.byCard === 'phone' ? 'byPhone' : 'byEmail'
}
