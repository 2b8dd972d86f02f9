import { releaseExpired } from '../db/chat-queue.ts'
import { claimExpired, finish, putBack, type OutboxRow } from '../db/outbox.ts'
import { hasParked, takeMatched } from '../db/receipts.ts'
import { attemptId, deliveryOf } from '../domain/ids.ts'
import { advanceDeliveries, type DeliveryEvent } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'
import { lostEvent, sendLeaseMs } from './perform-sends.ts'
import { ParkedReceipt, receiptEvent } from './take-webhooks.ts'

const batchSize = 200

/**
 * Takes up what a dead process left: a send on its way has an unknown outcome, everything else is done again.
 *
 * Returns how many rows were found.
 */
export const recoverAbandoned = async (deps: Deps): Promise<number> =>
  deps.db.transaction().execute(async (trx) => {
    await releaseExpired(trx, 'toMessenger')
    const rows = await claimExpired(trx, { leaseMs: sendLeaseMs(deps), limit: batchSize })
    const at = deps.clock.now()
    const events: DeliveryEvent[] = []
    for (const row of rows.filter((candidate) => candidate.kind === 'send')) {
      const open = await deps.connections.byId(row.portalId, row.connectionId!)
      events.push({ portalId: row.portalId, deliveryId: row.deliveryId!, event: lostEvent(open?.channel.isIdempotent === true, attemptId(row.deliveryId!, row.step!), at) })
    }
    await advanceDeliveries(deps, trx, events)
    // What we say outside a cascade may have been said: silence is better than saying it twice. Taking back twice changes nothing.
    const isRepeatable = (row: OutboxRow): boolean => row.lane === 'portal' || row.kind === 'withdraw'
    await finish(trx, rows.filter((row) => !isRepeatable(row)).map((row) => row.id))
    await putBack(trx, rows.filter(isRepeatable).map((row) => ({ id: row.id, runAt: at, wasTried: true })))
    return rows.length
  })

/** Receipts that came before the answer of their send, now that the answer is known. Returns how many were matched. */
export const matchParkedReceipts = async (deps: Deps): Promise<number> => {
  if (!(await hasParked(deps.db))) return 0
  return deps.db.transaction().execute(async (trx) => {
    const matched = await takeMatched(trx, batchSize)
    const now = deps.clock.now()
    await advanceDeliveries(
      deps,
      trx,
      matched.map((entry) => ({ portalId: entry.portalId, deliveryId: deliveryOf(entry.attemptId), event: receiptEvent(entry.attemptId, ParkedReceipt.parse(entry.receipt), now) })),
    )
    return matched.length
  })
}
