/** Receipts that came before we knew their message. */
import { sql } from 'kysely'
import { attemptId, deliveryId, portalId, type AttemptId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'

export const parkReceipts = async (trx: Trx, receipts: readonly { portalId: PortalId; connectionId: ConnectionId; externalId: string; receipt: unknown }[]): Promise<void> => {
  if (receipts.length === 0) return
  await trx
    .insertInto('parked_receipts')
    .values(receipts.map((entry) => ({ portal_id: entry.portalId, connection_id: entry.connectionId, external_id: entry.externalId, receipt: JSON.stringify(entry.receipt) })))
    .execute()
}

/**
 * The external ids of our messages to patients that lie, as texts, between two and are not read yet: attempts and conversations alike.
 *
 * The database may sort texts by its own language, which never leaves out an id of the same shape but may let others in.
 */
export const unreadBetween = async (trx: Trx, portal: PortalId, connection: ConnectionId, from: string, to: string): Promise<readonly string[]> => {
  const { rows } = await sql<{ external_id: string }>`
    select external_id from attempts where portal_id = ${portal} and connection_id = ${connection} and external_id between ${from} and ${to}
      and (proof is null or proof not in ('read', 'acted'))
    union
    select external_id from messages where portal_id = ${portal} and connection_id = ${connection} and external_id between ${from} and ${to}
      and direction = 'out' and state in ('sent', 'delivered')`.execute(trx)
  return rows.map((row) => row.external_id).filter((id) => id >= from && id <= to)
}

/** Takes the parked receipts whose attempt is known by now, for this transaction. */
export const takeMatched = async (trx: Trx, limit: number): Promise<readonly { portalId: PortalId; attemptId: AttemptId; receipt: unknown }[]> => {
  const { rows } = await sql<{ portal_id: string; delivery_id: string; step: number; receipt: unknown }>`
    delete from parked_receipts p using attempts a
    where p.id in (select q.id from parked_receipts q join attempts b using (portal_id, connection_id, external_id) order by q.id limit ${limit} for update of q skip locked)
      and a.portal_id = p.portal_id and a.connection_id = p.connection_id and a.external_id = p.external_id
    returning a.portal_id, a.delivery_id, a.step, p.receipt`.execute(trx)
  return rows.map((row) => ({ portalId: portalId(row.portal_id), attemptId: attemptId(deliveryId(row.delivery_id), row.step), receipt: row.receipt }))
}

/** Takes what was parked for one message of a conversation, whose id is known by now. */
export const takeParked = async (trx: Trx, portal: PortalId, connection: ConnectionId, externalId: string): Promise<readonly unknown[]> => {
  const { rows } = await sql<{ receipt: unknown }>`
    delete from parked_receipts where portal_id = ${portal} and connection_id = ${connection} and external_id = ${externalId} returning receipt`.execute(trx)
  return rows.map((row) => row.receipt)
}

export const hasParked = async (db: Db): Promise<boolean> => (await db.selectFrom('parked_receipts').select('id').limit(1).executeTakeFirst()) !== undefined
