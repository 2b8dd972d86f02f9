/** What must be done outside, once: rows are claimed with a lease, performed without a transaction, and finished with their outcome. */
import { sql, type Selectable } from 'kysely'
import { connectionId, deliveryId, portalId, type ConnectionId, type DeliveryId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'
import { type Outbox } from './schema.ts'

export type OutboxKind =
  /** lane `channel`: the attempt of a step; a message of ours outside a cascade; an attempt that is to be taken back */
  | 'send'
  | 'say'
  | 'withdraw'
  /** lane `portal` */
  | 'look'
  | 'record'
  | 'answerRobot'
  | 'fireTrigger'
  | 'giveTask'
  | 'visitTrigger'
  | 'visitNote'
  | 'findContact'

export interface OutboxEntry {
  readonly portalId: PortalId
  readonly lane: 'channel' | 'portal'
  readonly kind: OutboxKind
  readonly connectionId?: ConnectionId
  readonly deliveryId?: DeliveryId
  readonly step?: number
  readonly payload?: unknown
  /** 1 is soonest. */
  readonly urgency: number
  /** Not before, epoch ms of the application's clock. */
  readonly runAt: number
  /** Since when it is wanted: what is tried again and again is given up by this age. */
  readonly since: number
}

export interface OutboxRow extends OutboxEntry {
  readonly id: number
  /** How often it was claimed before: more than 0 means that an earlier outcome may be unknown. */
  readonly tries: number
}

/** Puts rows; a second `look` or `record` of one delivery while one is ready only pulls that one forward. */
export const put = async (trx: Trx, entries: readonly OutboxEntry[]): Promise<void> => {
  if (entries.length === 0) return
  const rows = entries.map((entry) => ({
    portal_id: entry.portalId,
    lane: entry.lane,
    kind: entry.kind,
    connection_id: entry.connectionId ?? null,
    delivery_id: entry.deliveryId ?? null,
    step: entry.step ?? null,
    payload: entry.payload ?? {},
    urgency: entry.urgency,
    run_at: new Date(entry.runAt).toISOString(),
    since: new Date(entry.since).toISOString(),
  }))
  const columns = sql`(portal_id text, lane text, kind text, connection_id text, delivery_id text, step smallint, payload jsonb, urgency smallint, run_at timestamptz, since timestamptz)`
  const insert = (part: typeof rows) => sql`
    insert into outbox (portal_id, lane, kind, connection_id, delivery_id, step, payload, urgency, run_at, since)
    select * from jsonb_to_recordset(${JSON.stringify(part)}::jsonb) as n${columns}`
  const isCoalesced = (row: (typeof rows)[number]): boolean => row.kind === 'record' || row.kind === 'look'
  const plain = rows.filter((row) => !isCoalesced(row))
  if (plain.length > 0) await insert(plain).execute(trx)
  for (const kind of ['look', 'record'] as const) {
    // One statement may not meet the same row twice.
    const part = inOrder(new Map(rows.filter((row) => row.kind === kind).map((row) => [`${row.portal_id} ${row.delivery_id ?? ''}`, row])))
    if (part.length === 0) continue
    await sql`${insert(part)} on conflict (portal_id, delivery_id) where kind = ${sql.lit(kind)} and state = 'ready'
      do update set run_at = least(outbox.run_at, excluded.run_at), urgency = least(outbox.urgency, excluded.urgency)`.execute(trx)
  }
}

/** Everybody takes the places of looks before those of records, and each kind by its deliveries: whoever waits for a place holds no later one. */
const inOrder = <Row>(rows: ReadonlyMap<string, Row>): Row[] => [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)

/**
 * Claims ready rows of a lane whose time has come, most urgent first; what others hold is passed over.
 *
 * `elsewhere` are connections that only another process can send through: their rows are left to it.
 *
 * A claimed row is ours until `leaseMs` of real time are over; then `expired` finds it, and its outcome counts as unknown.
 */
export const claim = async (
  trx: Trx,
  options: { lane: 'channel' | 'portal'; portalId?: PortalId; kind?: OutboxKind; except?: OutboxKind; elsewhere?: readonly ConnectionId[]; now: number; leaseMs: number; limit: number },
): Promise<readonly OutboxRow[]> => {
  const ofPortal = options.portalId === undefined ? sql`` : sql`and portal_id = ${options.portalId}`
  const ofKind = options.kind !== undefined ? sql`and kind = ${options.kind}` : options.except !== undefined ? sql`and kind <> ${options.except}` : sql``
  const isHere = options.elsewhere === undefined ? sql`` : sql`and (connection_id is null or connection_id <> all(${options.elsewhere}::text[]))`
  const { rows } = await sql<Selectable<Outbox>>`
    update outbox o set state = 'performing', lease_until = now() + ${options.leaseMs} * interval '1 ms', tries = tries + 1
    from (
      select id from outbox where lane = ${sql.lit(options.lane)} and state = 'ready' and run_at <= ${new Date(options.now)} ${ofPortal} ${ofKind} ${isHere}
      order by ${options.portalId === undefined ? sql`run_at, id` : sql`urgency, id`} limit ${options.limit} for update skip locked
    ) c where o.id = c.id returning o.*`.execute(trx)
  return rows.map(toRow).sort((a, b) => a.urgency - b.urgency || a.id - b.id)
}

/** Rows of a portal that are on their way. Whoever has become its only speaker holds none yet: an earlier speaker left them. */
export const leftBehind = async (trx: Trx, portal: PortalId): Promise<readonly number[]> => {
  const { rows } = await sql<{ id: number }>`
    select id from outbox where lane = 'portal' and state = 'performing' and portal_id = ${portal} for update`.execute(trx)
  return rows.map((row) => row.id)
}

/** Holds claimed rows for longer: whoever works on them is alive. */
export const holdOn = async (db: Db, ids: readonly number[], leaseMs: number): Promise<void> => {
  if (ids.length === 0) return
  await sql`update outbox set lease_until = now() + ${leaseMs} * interval '1 ms' where id = any(${ids}::bigint[]) and state = 'performing'`.execute(db)
}

/** Rows whose holder died on the way. */
export const claimExpired = async (trx: Trx, options: { leaseMs: number; limit: number }): Promise<readonly OutboxRow[]> => {
  const { rows } = await sql<Selectable<Outbox>>`
    update outbox o set lease_until = now() + ${options.leaseMs} * interval '1 ms'
    from (select id from outbox where state = 'performing' and lease_until < now() order by id limit ${options.limit} for update skip locked) c
    where o.id = c.id returning o.*`.execute(trx)
  return rows.map(toRow)
}

export const finish = async (trx: Db | Trx, ids: readonly number[]): Promise<void> => {
  if (ids.length === 0) return
  await sql`update outbox set state = 'done', finished_at = now(), lease_until = null where id = any(${ids}::bigint[])`.execute(trx)
}

/** Gives up for good; the reason is a code. */
export const giveUp = async (trx: Db | Trx, failures: readonly { id: number; reason: string }[]): Promise<void> => {
  if (failures.length === 0) return
  await sql`
    update outbox o set state = 'failed', finished_at = now(), lease_until = null, reason = n.reason
    from unnest(${failures.map((f) => f.id)}::bigint[], ${failures.map((f) => f.reason)}::text[]) as n(id, reason) where o.id = n.id`.execute(trx)
}

/**
 * Puts claimed rows back for `runAt`. `wasTried: false` takes the claim back as if it had never been: nothing left the process.
 *
 * A `look` or `record` whose place was taken meanwhile by a newer one of the same delivery is merged into that one, which inherits that
 * an earlier outcome may be unknown, lest it makes a second record. The place is taken by inserting: a newer row that another
 * transaction is just putting is then waited for and merged with, where a mere look at what is there would miss it.
 */
export const putBack = async (trx: Trx, rows: readonly { id: number; runAt: number; reason?: string; wasTried: boolean }[]): Promise<void> => {
  if (rows.length === 0) return
  const given = sql`
    select * from unnest(${rows.map((row) => row.id)}::bigint[], ${rows.map((row) => new Date(row.runAt))}::timestamptz[], ${rows.map((row) => row.reason ?? null)}::text[],
      ${rows.map((row) => (row.wasTried ? 0 : 1))}::smallint[]) as n(id, run_at, reason, taken_back)`
  const columns = sql`portal_id, lane, kind, connection_id, delivery_id, step, payload, urgency, run_at, since, tries, reason`
  for (const kind of ['look', 'record'] as const) {
    await sql`
      with n as (${given}), gone as (
        delete from outbox o using n where o.id = n.id and o.kind = ${sql.lit(kind)}
        returning o.id, o.portal_id, o.lane, o.kind, o.connection_id, o.delivery_id, o.step, o.payload, o.urgency, n.run_at, o.since, o.tries - n.taken_back as tries, n.reason
      ), first as (select distinct on (portal_id, delivery_id) * from gone order by portal_id, delivery_id, tries desc)
      insert into outbox (id, ${columns}) overriding system value
      select id, ${columns} from first order by portal_id collate "C", delivery_id collate "C"
      on conflict (portal_id, delivery_id) where kind = ${sql.lit(kind)} and state = 'ready'
        do update set run_at = least(outbox.run_at, excluded.run_at), urgency = least(outbox.urgency, excluded.urgency), tries = greatest(outbox.tries, excluded.tries)`.execute(trx)
  }
  await sql`
    with n as (${given})
    update outbox o set state = 'ready', run_at = n.run_at, lease_until = null, reason = n.reason, tries = o.tries - n.taken_back
    from n where o.id = n.id and o.kind not in ('look', 'record')`.execute(trx)
}

/** Portals that have something to be done now, those that waited longest first. */
export const portalsWithWork = async (db: Db, now: number, limit: number): Promise<readonly PortalId[]> => {
  const { rows } = await sql<{ portal_id: string }>`
    select portal_id from outbox where lane = 'portal' and state = 'ready' and run_at <= ${new Date(now)} group by portal_id order by min(run_at) limit ${limit}`.execute(db)
  return rows.map((row) => portalId(row.portal_id))
}

/** Tells listening workers, at commit, that a lane has work. */
export const ring = async (trx: Db | Trx, lane: 'channel' | 'portal' | 'inbox' | 'lines' | 'talk'): Promise<void> => {
  await sql`select pg_notify('estafeta', ${lane})`.execute(trx)
}

const toRow = (row: Selectable<Outbox>): OutboxRow => ({
  id: row.id,
  portalId: portalId(row.portal_id),
  lane: row.lane,
  kind: row.kind as OutboxKind,
  connectionId: row.connection_id === null ? undefined : connectionId(row.connection_id),
  deliveryId: row.delivery_id === null ? undefined : deliveryId(row.delivery_id),
  step: row.step ?? undefined,
  payload: row.payload,
  urgency: row.urgency,
  runAt: row.run_at.getTime(),
  since: row.since.getTime(),
  tries: row.tries - 1,
})
