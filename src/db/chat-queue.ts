/**
 * What is to be done in a chat, first in, first out, in each direction for itself (I8).
 *
 * A row is claimed only when no earlier row of its chat waits for its time or is on its way; a row that is done is deleted.
 */
import { sql, type Selectable } from 'kysely'
import { portalId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'
import { type ChatQueue } from './schema.ts'

export type Direction = 'toLine' | 'toMessenger'
export type ChatWork = 'message' | 'edit' | 'delete' | 'note' | 'tick' | 'link' | 'unlink' | 'catchUp'

export interface ChatEntry {
  readonly portalId: PortalId
  readonly direction: Direction
  /** The chat. */
  readonly identity: number
  readonly kind: ChatWork
  readonly messageId?: number
  readonly payload?: unknown
  /** Not before, epoch ms of the application's clock. */
  readonly runAt: number
  readonly since: number
}

export interface ChatRow extends ChatEntry {
  readonly id: number
  /** How often it was tried before. */
  readonly tries: number
  /** An earlier try may have been carried out. */
  readonly isUncertain: boolean
}

export const enqueue = async (trx: Db | Trx, entries: readonly ChatEntry[]): Promise<void> => {
  if (entries.length === 0) return
  const rows = entries.map((entry) => ({
    portal_id: entry.portalId,
    direction: entry.direction,
    identity_number: entry.identity,
    kind: entry.kind,
    message_id: entry.messageId ?? null,
    payload: entry.payload ?? {},
    run_at: new Date(entry.runAt).toISOString(),
    since: new Date(entry.since).toISOString(),
  }))
  await sql`
    insert into chat_queue (portal_id, direction, identity_number, kind, message_id, payload, run_at, since)
    select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n(portal_id text, direction text, identity_number bigint, kind text, message_id bigint, payload jsonb,
      run_at timestamptz, since timestamptz)`.execute(trx)
}

/**
 * Claims the heads of chats, oldest first: up to `perChat` rows of each chat in their order, `limit` in all.
 *
 * Two claimers never share a chat: the chat's identity is locked first, and what is claimed is read under that lock.
 */
export const claimHeads = async (
  trx: Trx,
  options: { direction: Direction; portalId?: PortalId; elsewhere?: readonly ConnectionId[]; now: number; leaseMs: number; perChat: number; limit: number },
): Promise<readonly ChatRow[]> => {
  const ofPortal = options.portalId === undefined ? sql`` : sql`and q.portal_id = ${options.portalId}`
  // What only another process can send through is left to it, before the limit counts.
  const isHere =
    options.elsewhere === undefined || options.elsewhere.length === 0
      ? sql``
      : sql`and not exists (select from identities j where j.portal_id = q.portal_id and j.number = q.identity_number and j.connection_id = any(${options.elsewhere}::text[]))`
  const now = new Date(options.now)
  const chats = await sql<{ portal_id: string; number: number }>`
    select i.portal_id, i.number from identities i
    where (i.portal_id, i.number) in (
      select q.portal_id, q.identity_number from chat_queue q where q.direction = ${options.direction} and q.state = 'ready' and q.run_at <= ${now} ${ofPortal} ${isHere}
      group by 1, 2 order by min(q.entry_id) limit ${options.limit})
    for no key update of i skip locked`.execute(trx)
  if (chats.rows.length === 0) return []
  const { rows } = await sql<Selectable<ChatQueue>>`
    with heads as (
      select q.entry_id from unnest(${chats.rows.map((chat) => chat.portal_id)}::text[], ${chats.rows.map((chat) => chat.number)}::bigint[]) as c(portal_id, number)
      cross join lateral (
        select w.* from (
          select entry_id, run_at, state, bool_and(state = 'ready' and run_at <= ${now}) over (order by entry_id) as is_free
          from chat_queue where portal_id = c.portal_id and direction = ${options.direction} and identity_number = c.number order by entry_id limit ${options.perChat}
        ) w where w.is_free
      ) q order by q.entry_id limit ${options.limit}
    )
    update chat_queue q set state = 'performing', lease_until = now() + ${options.leaseMs} * interval '1 ms', tries = q.tries + 1
    from heads h where q.entry_id = h.entry_id returning q.*`.execute(trx)
  return rows.map(toRow).sort((a, b) => a.id - b.id)
}

/** Rows whose holder died on the way: they are ready again at once, and whether they were carried out is not known. */
export const releaseExpired = async (trx: Db | Trx, direction: Direction, portal?: PortalId): Promise<number> => {
  // The only speaker of a portal needs no patience: whoever held them is gone.
  const which = portal === undefined ? sql`lease_until < now()` : sql`portal_id = ${portal}`
  const result = await sql`update chat_queue set state = 'ready', lease_until = null, is_uncertain = true where state = 'performing' and direction = ${direction} and ${which}`.execute(trx)
  return Number(result.numAffectedRows ?? 0)
}

/** Holds claimed rows for longer: whoever works on them is alive. */
export const holdChat = async (db: Db, ids: readonly number[], leaseMs: number): Promise<void> => {
  if (ids.length === 0) return
  await sql`update chat_queue set lease_until = now() + ${leaseMs} * interval '1 ms' where entry_id = any(${ids}::bigint[]) and state = 'performing'`.execute(db)
}

export const removeDone = async (trx: Db | Trx, ids: readonly number[]): Promise<void> => {
  if (ids.length === 0) return
  await sql`delete from chat_queue where entry_id = any(${ids}::bigint[])`.execute(trx)
}

/** Gives rows back for later. `wasTried: false`: nothing left the process, the claim does not count. */
export const giveBack = async (trx: Db | Trx, rows: readonly { id: number; runAt: number; wasTried: boolean; isUncertain: boolean }[]): Promise<void> => {
  if (rows.length === 0) return
  await sql`
    update chat_queue q set state = 'ready', lease_until = null, run_at = n.run_at, tries = q.tries - n.taken_back, is_uncertain = q.is_uncertain or n.is_uncertain
    from unnest(${rows.map((row) => row.id)}::bigint[], ${rows.map((row) => new Date(row.runAt))}::timestamptz[], ${rows.map((row) => (row.wasTried ? 0 : 1))}::smallint[],
      ${rows.map((row) => row.isUncertain)}::boolean[]) as n(id, run_at, taken_back, is_uncertain) where q.entry_id = n.id`.execute(trx)
}

/** One more look for what became of uncertain rows was without an answer: `payload.looks` counts them. */
export const noteLook = async (trx: Db | Trx, ids: readonly number[]): Promise<void> => {
  if (ids.length === 0) return
  await sql`
    update chat_queue set payload = payload || jsonb_build_object('looks', coalesce((payload ->> 'looks')::int, 0) + 1) where entry_id = any(${ids}::bigint[])`.execute(trx)
}

/** What was uncertain has been found not to have happened. */
export const clearUncertain = async (trx: Db | Trx, ids: readonly number[]): Promise<void> => {
  if (ids.length === 0) return
  await sql`update chat_queue set is_uncertain = false, payload = payload - 'looks' where entry_id = any(${ids}::bigint[])`.execute(trx)
}

/** Notes that operators were told of their messages that wait in a chat. @returns whether there were any of which they were not */
export const markTold = async (trx: Db | Trx, portal: PortalId, identity: number): Promise<boolean> => {
  const result = await sql`
    update chat_queue q set payload = '{"isTold":true}' from messages m
    where q.portal_id = ${portal} and q.direction = 'toMessenger' and q.identity_number = ${identity} and q.kind = 'message' and q.payload = '{}'
      and m.portal_id = q.portal_id and m.message_id = q.message_id and m.author = 'operator'`.execute(trx)
  return Number(result.numAffectedRows ?? 0) > 0
}

/** Drops what waits for a message that is no longer wanted and has not left. @returns whether it was there and not on its way */
export const withdraw = async (trx: Trx, portal: PortalId, messageIds: readonly number[]): Promise<ReadonlySet<number>> => {
  if (messageIds.length === 0) return new Set()
  const { rows } = await sql<{ message_id: number }>`
    delete from chat_queue where portal_id = ${portal} and message_id = any(${messageIds}::bigint[]) and direction = 'toMessenger' and kind = 'message' and state = 'ready' and not is_uncertain
    returning message_id`.execute(trx)
  return new Set(rows.map((row) => row.message_id))
}

/** Portals whose open lines have something to be told now. */
export const portalsWithLineWork = async (db: Db, now: number, limit: number): Promise<readonly PortalId[]> => {
  const { rows } = await sql<{ portal_id: string }>`
    select portal_id from chat_queue where direction = 'toLine' and (state = 'performing' or run_at <= ${new Date(now)}) group by portal_id order by min(entry_id) limit ${limit}`.execute(db)
  return rows.map((row) => portalId(row.portal_id))
}

const toRow = (row: Selectable<ChatQueue>): ChatRow => ({
  id: row.entry_id,
  portalId: portalId(row.portal_id),
  direction: row.direction,
  identity: row.identity_number,
  kind: row.kind,
  messageId: row.message_id ?? undefined,
  payload: row.payload,
  runAt: row.run_at.getTime(),
  since: row.since.getTime(),
  tries: row.tries - 1,
  isUncertain: row.is_uncertain,
})
