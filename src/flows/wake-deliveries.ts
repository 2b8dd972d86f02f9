import { overdue } from '../db/deliveries.ts'
import { deliveryId, portalId } from '../domain/ids.ts'
import { advanceDeliveries } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'

/** A due timer: the cascade decides what it means; one that comes late or twice finds a delivery that has moved on. */
export const wakeDeliveries = async (deps: Deps, wakes: readonly { portalId: string; deliveryId: string }[]): Promise<void> => {
  const at = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    await advanceDeliveries(deps, trx, wakes.map((wake) => ({ portalId: portalId(wake.portalId), deliveryId: deliveryId(wake.deliveryId), event: { type: 'woke', at } })))
  })
}

/** A step that is over by this much without having been woken: its timer was lost or time has changed its speed. */
const overdueMs = 3_000
const batchSize = 200

/** Wakes what should have been woken by now. Returns how many were found. */
export const wakeOverdue = async (deps: Deps): Promise<number> => {
  const late = await overdue(deps.db, deps.clock.now() - overdueMs, batchSize)
  if (late.length > 0) await wakeDeliveries(deps, late)
  return late.length
}

/** After time has changed its speed: every armed step gets a timer at its new real moment; the old ones find nothing to do. */
export const rearmTimers = async (deps: Deps): Promise<void> => {
  const open = await overdue(deps.db, Number.MAX_SAFE_INTEGER / 2, 10_000)
  await deps.db.transaction().execute(async (trx) => {
    await deps.queue.arm(trx as never, open.map((entry) => ({ at: new Date(Date.now() + deps.clock.waitMs(entry.dueAt)), data: { portalId: entry.portalId, deliveryId: entry.deliveryId } })))
  })
}
