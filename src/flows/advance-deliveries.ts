import { type Trx } from '../db/database.ts'
import { lockDeliveries, saveDeliveries } from '../db/deliveries.ts'
import { put, ring, type OutboxEntry } from '../db/outbox.ts'
import { transition, type CascadeEvent, type Effect } from '../domain/cascade.ts'
import { type Delivery } from '../domain/delivery.ts'
import { type DeliveryId, type PortalId } from '../domain/ids.ts'
import { type Deps } from './deps.ts'

export interface DeliveryEvent {
  readonly portalId: PortalId
  readonly deliveryId: DeliveryId
  readonly event: CascadeEvent
}

/** How soon each kind of portal work is due among the others: a look holds up a patient's message, a record only informs. */
const urgencies = { look: 1, answerRobot: 2, giveTask: 3, fireTrigger: 4, record: 6 } as const
/** A record that is not final may wait a little: the next change often comes at once, and one update serves both. */
const recordDelayMs = 1_000

/**
 * The only caller of the cascade: locks the deliveries, applies their events in order, and stores state, outbox rows and timers in the
 * caller's transaction. Either all of it exists afterwards or nothing.
 *
 * @returns each delivery as it is now; one that does not exist is missing
 */
export const advanceDeliveries = async (deps: Deps, trx: Trx, events: readonly DeliveryEvent[]): Promise<ReadonlyMap<DeliveryId, Delivery>> => {
  if (events.length === 0) return new Map()
  const now = deps.clock.now()
  const refs = [...new Map(events.map((event) => [`${event.portalId} ${event.deliveryId}`, event])).values()]
  const before = await lockDeliveries(trx, refs)
  const after = new Map(before)
  const effects: { delivery: DeliveryId; effect: Effect }[] = []
  for (const { portalId, deliveryId, event } of events) {
    const delivery = after.get(deliveryId)
    if (delivery?.portalId !== portalId) continue
    const step = transition(delivery, event)
    after.set(deliveryId, step.delivery)
    effects.push(...step.effects.map((effect) => ({ delivery: deliveryId, effect })))
  }
  await saveDeliveries(
    trx,
    [...after].flatMap(([id, delivery]) => {
      const old = before.get(id)!
      return old === delivery ? [] : [{ old, delivery }]
    }),
  )
  await storeEffects(deps, trx, effects.map(({ delivery, effect }) => ({ delivery: after.get(delivery)!, effect })), now)
  for (const [id, delivery] of after) {
    if (before.get(id)!.status === 'running' && delivery.status !== 'running') deps.metrics.count('estafeta_deliveries_closed_total', { status: delivery.status })
  }
  return after
}

/** Turns effects into outbox rows and timers; used with `advanceDeliveries` and at the birth of a delivery. */
export const storeEffects = async (deps: Deps, trx: Trx, effects: readonly { delivery: Delivery; effect: Effect }[], now: number): Promise<void> => {
  const rows: OutboxEntry[] = []
  for (const { delivery, effect } of effects) {
    const row = rowOf(delivery, effect, now)
    // Most messengers let nothing wait: there is nothing to take back.
    if (row !== undefined && (row.kind !== 'withdraw' || (await canWithdraw(deps, row)))) rows.push(row)
  }
  await put(trx, rows)
  await deps.queue.arm(
    trx as never,
    effects.flatMap(({ delivery, effect }) =>
      effect.type === 'wake' ? [{ at: new Date(Date.now() + deps.clock.waitMs(effect.at)), data: { portalId: delivery.portalId, deliveryId: delivery.id } }] : [],
    ),
  )
  for (const lane of new Set(rows.map((row) => row.lane))) await ring(trx, lane)
}

const canWithdraw = async (deps: Deps, { portalId, connectionId }: OutboxEntry): Promise<boolean> =>
  (await deps.connections.byId(portalId, connectionId!))?.channel.withdraw !== undefined

const rowOf = (delivery: Delivery, effect: Effect, now: number): OutboxEntry | undefined => {
  const common = { portalId: delivery.portalId, deliveryId: delivery.id, since: now, runAt: now }
  switch (effect.type) {
    case 'send': {
      const attempt = delivery.attempts.find((candidate) => candidate.id === effect.attemptId)!
      return { ...common, lane: 'channel', kind: 'send', connectionId: attempt.connectionId, step: attempt.step, urgency: 5, runAt: effect.notBefore }
    }
    case 'withdraw': {
      const attempt = delivery.attempts.find((candidate) => candidate.id === effect.attemptId)!
      return { ...common, lane: 'channel', kind: 'withdraw', connectionId: attempt.connectionId, step: attempt.step, urgency: 1 }
    }
    case 'look':
    case 'answerRobot':
      return { ...common, lane: 'portal', kind: effect.type, urgency: urgencies[effect.type] }
    case 'record':
      return { ...common, lane: 'portal', kind: 'record', urgency: urgencies.record, runAt: delivery.status === 'running' ? now + recordDelayMs : now }
    case 'fireTrigger':
      return { ...common, lane: 'portal', kind: 'fireTrigger', urgency: urgencies.fireTrigger, payload: { code: effect.code } }
    case 'giveTask':
      return { ...common, lane: 'portal', kind: 'giveTask', urgency: urgencies.giveTask, payload: { dueAt: effect.dueAt } }
    case 'wake':
      return undefined
    default:
      return effect satisfies never
  }
}
