/** Deliveries and their attempts: rows here, domain objects everywhere else. Everything is done for many at once. */
import { sql } from 'kysely'
import { type Attempt, type Delivery, type ReachMap, type StopReason, type TriggerCode, type SkipReason } from '../domain/delivery.ts'
import { attemptId, connectionId, deliveryId, portalId, type AttemptId, type ConnectionId, type DeliveryId, type PortalId } from '../domain/ids.ts'
import { type Failure, type ProofTimes } from '../domain/receipt.ts'
import { type Route } from '../domain/route.ts'
import { dueAt } from '../domain/cascade.ts'
import { type Db, type Trx } from './database.ts'
import { type Attempts, type Deliveries } from './schema.ts'
import { type Selectable } from 'kysely'

export interface DeliveryRef {
  readonly portalId: PortalId
  readonly deliveryId: DeliveryId
}

const keysOf = (refs: readonly DeliveryRef[]) => sql`select * from unnest(${refs.map((ref) => ref.portalId)}::text[], ${refs.map((ref) => ref.deliveryId)}::text[])`

/** Reads many deliveries without a lock, by their id. */
export const loadDeliveries = async (db: Db, refs: readonly DeliveryRef[]): Promise<Map<DeliveryId, Delivery>> => read(db, refs, sql``)

/**
 * Locks and reads deliveries, always in the order of their keys, so that two workers that want the same ones wait instead of
 * blocking each other for ever. A delivery that does not exist is not in the answer.
 */
export const lockDeliveries = async (trx: Trx, refs: readonly DeliveryRef[]): Promise<Map<DeliveryId, Delivery>> => read(trx, refs, sql`for update`)

const read = async (db: Db | Trx, refs: readonly DeliveryRef[], lock: ReturnType<typeof sql>): Promise<Map<DeliveryId, Delivery>> => {
  if (refs.length === 0) return new Map()
  const { rows } = await sql<Selectable<Deliveries>>`
    select * from deliveries where (portal_id, delivery_id) in (${keysOf(refs)}) order by portal_id, delivery_id ${lock}`.execute(db)
  const attempts = await sql<Selectable<Attempts>>`
    select * from attempts where (portal_id, delivery_id) in (${keysOf(refs)}) order by portal_id, delivery_id, step`.execute(db)
  const attemptsOf = Map.groupBy(attempts.rows, (row) => row.delivery_id)
  return new Map(rows.map((row) => [deliveryId(row.delivery_id), toDelivery(row, attemptsOf.get(row.delivery_id) ?? [])]))
}

/**
 * Stores new deliveries; one trigger key never makes two (I6).
 *
 * @returns the ids that were really new
 */
export const insertDeliveries = async (trx: Trx, entries: readonly { delivery: Delivery; triggerKey: string; sealedEventToken?: string }[]): Promise<Set<DeliveryId>> => {
  if (entries.length === 0) return new Set()
  const values = entries.map(({ delivery, triggerKey, sealedEventToken }) => ({
    ...rowOf(delivery),
    trigger_key: triggerKey,
    deal_id: delivery.dealId,
    purpose: delivery.purpose,
    body: delivery.text,
    route: delivery.route,
    started_at: isoOf(delivery.startedAt),
    deadline_at: isoOf(delivery.deadlineAt),
    event_token: sealedEventToken ?? null,
  }))
  const { rows } = await sql<{ delivery_id: string }>`
    insert into deliveries (portal_id, delivery_id, trigger_key, deal_id, purpose, body, route, status, phase, step, started_at, deadline_at, event_token)
    select * from jsonb_to_recordset(${JSON.stringify(values)}::jsonb) as n(portal_id text, delivery_id text, trigger_key text, deal_id text, purpose text, body text,
      route jsonb, status text, phase text, step smallint, started_at timestamptz, deadline_at timestamptz, event_token text)
    on conflict (portal_id, trigger_key) do nothing returning delivery_id`.execute(trx)
  return new Set(rows.map((row) => deliveryId(row.delivery_id)))
}

/** The columns that a transition may change, as they are written. */
const rowOf = (delivery: Delivery) => ({
  portal_id: delivery.portalId,
  delivery_id: delivery.id,
  status: delivery.status,
  phase: delivery.phase,
  step: delivery.step,
  closed_at: isoOf(delivery.closedAt),
  due_at: isoOf(dueAt(delivery)),
  stage_id: delivery.stageId ?? null,
  contact_id: delivery.contactId ?? null,
  contact_name: delivery.contactName ?? null,
  responsible_id: delivery.responsibleId ?? null,
  reach: delivery.reach ?? null,
  answer: delivery.answer ?? null,
  stop_reason: delivery.stopReason ?? null,
  task_given: delivery.taskGiven,
  fired: delivery.fired,
})

/** Whether the row of a delivery itself is as it was: often only an attempt has changed. */
const isSameRow = (old: Delivery, next: Delivery): boolean => {
  const [before, after] = [rowOf(old), rowOf(next)]
  return (Object.keys(after) as (keyof typeof after)[]).every((key) => before[key] === after[key])
}

/** Writes what transitions have changed: the rows and attempts that are new or different, and no others. */
export const saveDeliveries = async (trx: Trx, changes: readonly { old: Delivery; delivery: Delivery }[]): Promise<void> => {
  const rows = changes.filter(({ old, delivery }) => !isSameRow(old, delivery)).map(({ delivery }) => rowOf(delivery))
  if (rows.length > 0) await updateRows(trx, rows)
  const attempts = changes.flatMap(({ old, delivery }) => delivery.attempts.filter((attempt) => !old.attempts.includes(attempt)).map((attempt) => attemptRowOf(delivery, attempt)))
  if (attempts.length > 0) await upsertAttempts(trx, attempts)
}

const updateRows = async (trx: Trx, rows: readonly ReturnType<typeof rowOf>[]): Promise<void> => {
  await sql`
    update deliveries d set status = n.status, phase = n.phase, step = n.step, closed_at = n.closed_at, due_at = n.due_at, stage_id = n.stage_id,
      contact_id = n.contact_id, contact_name = n.contact_name, responsible_id = n.responsible_id, reach = n.reach, answer = n.answer, stop_reason = n.stop_reason,
      task_given = n.task_given, fired = n.fired
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n(portal_id text, delivery_id text, status text, phase text, step smallint,
      closed_at timestamptz, due_at timestamptz, stage_id text, contact_id text, contact_name text, responsible_id text, reach jsonb, answer text, stop_reason text,
      task_given boolean, fired text[])
    where d.portal_id = n.portal_id and d.delivery_id = n.delivery_id`.execute(trx)
}

const attemptRowOf = (delivery: Delivery, attempt: Attempt) => ({
  portal_id: delivery.portalId,
  delivery_id: delivery.id,
  step: attempt.step,
  connection_id: attempt.connectionId,
  state: attempt.state,
  started_at: isoOf(attempt.startedAt),
  budget_ms: attempt.budgetMs,
  tries: attempt.tries,
  address: attempt.to ?? null,
  external_id: attempt.externalId ?? null,
  parts: attempt.parts ?? null,
  proof: attempt.proof ?? null,
  times: attempt.times,
  failure: attempt.failure ?? null,
  skip: attempt.skip ?? null,
})

const upsertAttempts = async (trx: Trx, attempts: readonly ReturnType<typeof attemptRowOf>[]): Promise<void> => {
  await sql`
    insert into attempts (portal_id, delivery_id, step, connection_id, state, started_at, budget_ms, tries, address, external_id, parts, proof, times, failure, skip)
    select * from jsonb_to_recordset(${JSON.stringify(attempts)}::jsonb) as n(portal_id text, delivery_id text, step smallint, connection_id text, state text,
      started_at timestamptz, budget_ms bigint, tries smallint, address text, external_id text, parts smallint, proof text, times jsonb, failure jsonb, skip text)
    on conflict (portal_id, delivery_id, step) do update set state = excluded.state, tries = excluded.tries, external_id = excluded.external_id,
      parts = excluded.parts, proof = excluded.proof, times = excluded.times, failure = excluded.failure`.execute(trx)
}

/** What a send needs beside the domain's attempt. */
export const attemptNumbers = async (trx: Db | Trx, refs: readonly (DeliveryRef & { step: number })[]): Promise<Map<AttemptId, number>> => {
  if (refs.length === 0) return new Map()
  const { rows } = await sql<{ delivery_id: string; step: number; number: number }>`
    select delivery_id, step, number from attempts where (portal_id, delivery_id, step) in (
      select * from unnest(${refs.map((ref) => ref.portalId)}::text[], ${refs.map((ref) => ref.deliveryId)}::text[], ${refs.map((ref) => ref.step)}::smallint[]))`.execute(trx)
  return new Map(rows.map((row) => [attemptId(deliveryId(row.delivery_id), row.step), row.number]))
}

export interface AttemptAddress {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly externalId: string
}

export const addressKey = (portal: string, connection: string, external: string): string => `${portal} ${connection} ${external}`

/** Finds attempts by the ids that messengers use; only within their own portal and connection (F18). */
export const findAttempts = async (db: Db | Trx, addresses: readonly AttemptAddress[]): Promise<Map<string, AttemptId>> => {
  if (addresses.length === 0) return new Map()
  const { rows } = await sql<{ portal_id: string; connection_id: string; external_id: string; delivery_id: string; step: number }>`
    select portal_id, connection_id, external_id, delivery_id, step from attempts where (portal_id, connection_id, external_id) in (
      select * from unnest(${addresses.map((a) => a.portalId)}::text[], ${addresses.map((a) => a.connectionId)}::text[], ${addresses.map((a) => a.externalId)}::text[]))
    `.execute(db)
  return new Map(rows.map((row) => [addressKey(row.portal_id, row.connection_id, row.external_id), attemptId(deliveryId(row.delivery_id), row.step)]))
}

/** The running notifications of a patient: a reply ends each of them (B8). */
export const runningOfContacts = async (db: Db | Trx, contacts: readonly { portalId: PortalId; contactId: string }[]): Promise<readonly (DeliveryRef & { contactId: string })[]> => {
  if (contacts.length === 0) return []
  const { rows } = await sql<{ portal_id: string; delivery_id: string; contact_id: string }>`
    select portal_id, delivery_id, contact_id from deliveries where status = 'running' and (portal_id, contact_id) in (
      select * from unnest(${contacts.map((c) => c.portalId)}::text[], ${contacts.map((c) => c.contactId)}::text[]))`.execute(db)
  return rows.map((row) => ({ portalId: portalId(row.portal_id), deliveryId: deliveryId(row.delivery_id), contactId: row.contact_id }))
}

/** Attempts to this address whose call has brought no id yet: it is on its way, or its answer was lost. */
export const unansweredTo = async (trx: Trx, portal: PortalId, connection: ConnectionId, to: string): Promise<readonly (DeliveryRef & { step: number })[]> => {
  const { rows } = await sql<{ portal_id: string; delivery_id: string; step: number }>`
    select portal_id, delivery_id, step from attempts
    where portal_id = ${portal} and address = ${to} and connection_id = ${connection} and state in ('sending', 'unknown') and external_id is null limit 10`.execute(trx)
  return rows.map((row) => ({ portalId: portalId(row.portal_id), deliveryId: deliveryId(row.delivery_id), step: row.step }))
}

/**
 * Running notifications that were written to one of these addresses: a phone answers for every channel that is addressed by it, a
 * chat only for its own connection.
 */
export const runningTo = async (
  db: Db | Trx,
  addresses: readonly { portalId: PortalId; connectionId?: ConnectionId; to: string }[],
): Promise<readonly (DeliveryRef & { to: string })[]> => {
  if (addresses.length === 0) return []
  const { rows } = await sql<{ portal_id: string; delivery_id: string; address: string }>`
    select distinct a.portal_id, a.delivery_id, a.address
    from unnest(${addresses.map((x) => x.portalId)}::text[], ${addresses.map((x) => x.connectionId ?? null)}::text[], ${addresses.map((x) => x.to)}::text[]) as n(portal_id, connection_id, address)
    join attempts a on a.portal_id = n.portal_id and a.address = n.address and a.state in ('sending', 'unknown', 'out') and (n.connection_id is null or a.connection_id = n.connection_id)
    join deliveries d on d.portal_id = a.portal_id and d.delivery_id = a.delivery_id and d.status = 'running'`.execute(db)
  return rows.map((row) => ({ portalId: portalId(row.portal_id), deliveryId: deliveryId(row.delivery_id), to: row.address }))
}

/** Running deliveries whose step should be over: their wake was lost, or time changed its speed. */
export const overdue = async (db: Db, before: number, limit: number): Promise<readonly (DeliveryRef & { dueAt: number })[]> => {
  const rows = await db
    .selectFrom('deliveries')
    .select(['portal_id', 'delivery_id', 'due_at'])
    .where('status', '=', 'running')
    .where('due_at', '<=', new Date(before))
    .orderBy('due_at')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ portalId: portalId(row.portal_id), deliveryId: deliveryId(row.delivery_id), dueAt: row.due_at!.getTime() }))
}

/** The latest notifications of a portal, newest first. */
export const recentDeliveries = async (db: Db, portal: PortalId, limit: number): Promise<readonly Delivery[]> => {
  const rows = await db.selectFrom('deliveries').select('delivery_id').where('portal_id', '=', portal).orderBy('started_at', 'desc').limit(limit).execute()
  const loaded = await loadDeliveries(db, rows.map((row) => ({ portalId: portal, deliveryId: deliveryId(row.delivery_id) })))
  return rows.flatMap((row) => loaded.get(deliveryId(row.delivery_id)) ?? [])
}

/** What the portal's side of a delivery needs: the robot's token (sealed) and the timeline record that was made. */
export const portalSide = async (db: Db | Trx, portal: PortalId, ids: readonly DeliveryId[]): Promise<Map<DeliveryId, { sealedEventToken: string | undefined; activityId: number | undefined }>> => {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('deliveries').select(['delivery_id', 'event_token', 'activity_id']).where('portal_id', '=', portal).where('delivery_id', 'in', [...ids]).execute()
  return new Map(rows.map((row) => [deliveryId(row.delivery_id), { sealedEventToken: row.event_token ?? undefined, activityId: row.activity_id ?? undefined }]))
}

export const setActivities = async (trx: Trx, portal: PortalId, made: readonly { deliveryId: DeliveryId; activityId: number }[]): Promise<void> => {
  if (made.length === 0) return
  await sql`
    update deliveries d set activity_id = n.activity_id from unnest(${made.map((m) => m.deliveryId)}::text[], ${made.map((m) => m.activityId)}::bigint[]) as n(delivery_id, activity_id)
    where d.portal_id = ${portal} and d.delivery_id = n.delivery_id`.execute(trx)
}

const isoOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString())

const toDelivery = (row: Selectable<Deliveries>, attempts: readonly Selectable<Attempts>[]): Delivery => ({
  id: deliveryId(row.delivery_id),
  portalId: portalId(row.portal_id),
  dealId: row.deal_id,
  purpose: row.purpose,
  text: row.body,
  route: row.route as Route,
  status: row.status,
  phase: row.phase,
  step: row.step,
  attempts: attempts.map((attempt) => toAttempt(deliveryId(row.delivery_id), attempt)),
  startedAt: row.started_at.getTime(),
  deadlineAt: row.deadline_at?.getTime(),
  closedAt: row.closed_at?.getTime(),
  stageId: row.stage_id ?? undefined,
  contactId: row.contact_id ?? undefined,
  contactName: row.contact_name ?? undefined,
  responsibleId: row.responsible_id ?? undefined,
  reach: (row.reach ?? undefined) as ReachMap | undefined,
  answer: row.answer ?? undefined,
  stopReason: (row.stop_reason ?? undefined) as StopReason | undefined,
  taskGiven: row.task_given,
  fired: row.fired as TriggerCode[],
})

const toAttempt = (delivery: DeliveryId, row: Selectable<Attempts>): Attempt => ({
  id: attemptId(delivery, row.step),
  step: row.step,
  connectionId: connectionId(row.connection_id),
  state: row.state,
  startedAt: row.started_at.getTime(),
  budgetMs: row.budget_ms,
  tries: row.tries,
  to: row.address ?? undefined,
  externalId: row.external_id ?? undefined,
  parts: row.parts ?? undefined,
  proof: row.proof ?? undefined,
  times: row.times as ProofTimes,
  failure: (row.failure ?? undefined) as (Failure & { at: number }) | undefined,
  skip: (row.skip ?? undefined) as SkipReason | undefined,
})
