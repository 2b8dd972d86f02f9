/** What arrived, raw, once. */
import { sql, type Selectable } from 'kysely'
import type pg from 'pg'
import { type Db, type Trx } from './database.ts'
import { type Inbox } from './schema.ts'

export interface InboxEntry {
  /** `channel:<connection>`, `robots:<portal>`, `events:<portal>`. */
  readonly source: string
  /** Unique within the source: a repeated webhook has the same one. */
  readonly externalId: string
  readonly portalId?: string
  readonly connectionId?: string
  readonly kind: 'channel' | 'robot' | 'event' | 'line'
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Encrypted secrets that the worker needs: tokens of a lifecycle event, a robot's event token. */
  readonly sealed?: string
}

export type InboxRow = Selectable<Inbox>

/** Prepared once in each connection: to plan it anew for every group would cost as much as to write the group. */
const recording = {
  name: 'inbox record',
  text: `
    with new as (insert into inbox (source, external_id, portal_id, connection_id, kind, headers, body, sealed)
    select source, external_id, portal_id, connection_id, kind, headers::jsonb, body, sealed
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[])
      as n(source, external_id, portal_id, connection_id, kind, headers, body, sealed)
    on conflict (source, external_id) do nothing returning id)
    select pg_notify('estafeta', 'inbox') where exists (select from new)`,
}

/** Records many arrivals in one statement; what is known already is left as it was. Resolves when they are durable. */
export const record = async (pool: Pick<pg.Pool, 'query'>, entries: readonly InboxEntry[]): Promise<void> => {
  const column = <Value>(of: (entry: InboxEntry) => Value): Value[] => entries.map(of)
  await pool.query({
    ...recording,
    values: [
      column((e) => e.source), column((e) => e.externalId), column((e) => e.portalId ?? null), column((e) => e.connectionId ?? null), column((e) => e.kind),
      column((e) => JSON.stringify(e.headers ?? {})), column((e) => e.body), column((e) => e.sealed ?? null),
    ],
  })
}

/** Takes arrivals of these kinds for this transaction, oldest first: a crash gives them back at once. */
export const take = async (trx: Trx, kinds: readonly InboxEntry['kind'][], limit: number): Promise<readonly InboxRow[]> => {
  const { rows } = await sql<InboxRow>`
    select * from inbox where state = 'received' and kind = any(${kinds}::text[]) and (not_before is null or not_before <= now()) order by id limit ${limit} for update skip locked`.execute(trx)
  return rows
}

export const finish = async (trx: Trx, ids: readonly number[]): Promise<void> => {
  if (ids.length === 0) return
  await sql`update inbox set state = 'done', finished_at = now(), sealed = null where id = any(${ids}::bigint[])`.execute(trx)
}

/** Keeps an arrival that we cannot read, with the reason; it was answered 200 long ago. */
export const setAside = async (trx: Trx, id: number, reason: string): Promise<void> => {
  await sql`update inbox set state = 'unreadable', reason = ${reason}, finished_at = now(), sealed = null where id = ${id}`.execute(trx)
}

const retrySeconds = [1, 5, 30, 120, 600, 3600] as const

/** After a failure of our own: later again, and set aside as `failed` only after six tries. `sealed` replaces the secrets it goes on with. */
export const retryLater = async (trx: Db | Trx, row: InboxRow, reason: string, sealed: string | null = row.sealed): Promise<void> => {
  const wait = retrySeconds[row.tries]
  await (wait === undefined
    ? sql`update inbox set state = 'failed', reason = ${reason}, finished_at = now(), sealed = null where id = ${row.id}`
    : sql`update inbox set tries = tries + 1, reason = ${reason}, sealed = ${sealed}, not_before = now() + ${wait} * interval '1 s' where id = ${row.id}`
  ).execute(trx)
}

/** Removes what is old: raw arrivals hold personal data and are of no use once worked on. */
export const prune = async (db: Db, olderThanDays: number): Promise<void> => {
  await sql`delete from inbox where state <> 'received' and finished_at < now() - ${olderThanDays} * interval '1 day'`.execute(db)
  await sql`delete from outbox where state in ('done', 'failed') and finished_at < now() - ${olderThanDays} * interval '1 day'`.execute(db)
  await sql`delete from parked_receipts where parked_at < now() - interval '1 hour'`.execute(db)
  await sql`delete from patient_messages where received_at < now() - 30 * interval '1 day'`.execute(db)
}
