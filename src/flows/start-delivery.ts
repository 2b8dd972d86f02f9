import { v7 } from './uuid.ts'
import { crmItemOf } from '../bitrix/incoming.ts'
import { type InboxRow } from '../db/inbox.ts'
import { insertDeliveries } from '../db/deliveries.ts'
import { listRoutes, type StoredRoute } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { transition } from '../domain/cascade.ts'
import { type Delivery } from '../domain/delivery.ts'
import { deliveryId, portalId, routeId } from '../domain/ids.ts'
import { type Route } from '../domain/route.ts'
import { readMoment } from '../domain/time.ts'
import { z } from 'zod'
import { storeEffects } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'

const Text = z.union([z.string(), z.number()]).transform(String)
const RobotBody = z.looseObject({
  document_id: z.tuple([z.string(), z.string(), z.string()]),
  use_subscription: Text.optional(),
  timeout_duration: z.coerce.number().optional().catch(undefined),
  properties: z
    .looseObject({
      text: Text.default(''),
      route: Text.default(''),
      purpose: Text.default(''),
      deadline: Text.default(''),
    })
    .catch({ text: '', route: '', purpose: '', deadline: '' })
    .default({ text: '', route: '', purpose: '', deadline: '' }),
})

/**
 * A robot must be answered before the portal stops waiting for it: our own end comes earlier by a twentieth of the wait, from one minute to
 * five, so that a restart or a portal that is out of breath does not lose the answer.
 */
const answerBy = (now: number, timeoutSeconds: number): number => {
  const waitMs = timeoutSeconds * 1000
  const marginMs = Math.min(5 * 60_000, Math.max(60_000, waitMs / 20))
  return now + Math.max(60_000, waitMs - marginMs)
}

/** A portal that has not set up a route yet: the notification ends at once as "not reached", and the deal says so. */
const noRoute: Route = { id: routeId('none'), name: 'Маршрут не настроен', steps: [], stopsWhenDealMoves: true }

/**
 * Starts a notification for each robot call, once per run of the robot (I6).
 *
 * What the robot does not say is taken from the portal: its default route, no deadline. A call that names no deal is refused with a reason.
 *
 * @returns the rows that could not be read, with the reason
 */
export const startDeliveries = async (deps: Deps, trx: Trx, rows: readonly InboxRow[]): Promise<readonly { id: number; reason: string }[]> => {
  if (rows.length === 0) return []
  const now = deps.clock.now()
  const unreadable: { id: number; reason: string }[] = []
  const portals = new Map<string, { portal: Portal; routes: readonly StoredRoute[] } | undefined>()
  const entries: { delivery: Delivery; triggerKey: string; sealedEventToken?: string }[] = []
  for (const row of rows) {
    const id = portalId(row.portal_id!)
    if (!portals.has(id)) {
      const portal = await findPortal(trx, id)
      portals.set(id, portal === undefined ? undefined : { portal, routes: await listRoutes(trx, id) })
    }
    const known = portals.get(id)
    const body = RobotBody.safeParse(JSON.parse(row.body.toString('utf8')))
    const item = body.success ? crmItemOf(body.data.document_id[2]) : undefined
    if (known === undefined || !body.success || item?.entityTypeId !== 2) {
      unreadable.push({ id: row.id, reason: known === undefined ? 'the portal is gone' : 'the robot ran outside a deal' })
      continue
    }
    const { properties, timeout_duration: timeoutSeconds, use_subscription: waits } = body.data
    const delivery: Delivery = {
      id: deliveryId(v7(now)),
      portalId: id,
      dealId: String(item.id),
      purpose: properties.purpose.slice(0, 100),
      text: properties.text,
      route: routeFor(known.routes, properties.route),
      status: 'running',
      phase: 'looking',
      step: -1,
      attempts: [],
      startedAt: now,
      deadlineAt: earliest(readMoment(properties.deadline, known.portal.timeZone), timeoutSeconds === undefined || waits !== 'Y' ? undefined : answerBy(now, timeoutSeconds)),
      taskGiven: false,
      fired: [],
    }
    entries.push({ delivery, triggerKey: row.external_id, sealedEventToken: waits === 'Y' ? (row.sealed ?? undefined) : undefined })
  }
  const fresh = await insertDeliveries(trx, entries)
  const started = entries.filter(({ delivery }) => fresh.has(delivery.id)).map(({ delivery }) => transition(delivery, { type: 'started', at: now }))
  await storeEffects(deps, trx, started.flatMap(({ delivery, effects }) => effects.map((effect) => ({ delivery, effect }))), now)
  deps.metrics.count('estafeta_deliveries_started_total', {}, started.length)
  return unreadable
}

const routeFor = (routes: readonly StoredRoute[], wanted: string): Route => {
  const route = routes.find((candidate) => candidate.id === wanted) ?? routes.find((candidate) => candidate.isDefault) ?? routes[0]
  return route === undefined ? noRoute : { id: route.id, name: route.name, steps: route.steps, stopsWhenDealMoves: route.stopsWhenDealMoves }
}

const earliest = (...moments: readonly (number | undefined)[]): number | undefined => {
  const known = moments.filter((moment) => moment !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
