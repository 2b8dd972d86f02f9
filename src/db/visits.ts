/** Visits as patients see and answer them on the page that a messenger opens. */
import { sql } from 'kysely'
import { connectionId, deliveryId, portalId, type ConnectionId, type DeliveryId, type PortalId } from '../domain/ids.ts'
import { type Answer } from '../domain/message.ts'
import { type Db, type Trx } from './database.ts'

/** Whose connection this is. It does not name its portal: the id, which is unique over all portals, stands in the page's public address. */
export const portalOfConnection = async (db: Db, id: ConnectionId): Promise<PortalId | undefined> => {
  const rows = await db
    .selectFrom('connections').innerJoin('portals', 'portals.portal_id', 'connections.portal_id').select('connections.portal_id')
    .where('connections.connection_id', '=', connectionId(id)).where('connections.state', '<>', 'off').where('portals.state', '=', 'installed').limit(2).execute()
  return rows.length === 1 ? portalId(rows[0]!.portal_id) : undefined
}

export const visitAnswer = async (db: Db, portal: PortalId, contactId: string, at: Date): Promise<Answer | undefined> =>
  (await db.selectFrom('visit_answers').select('answer').where('portal_id', '=', portal).where('contact_id', '=', contactId).where('visit_at', '=', at).executeTakeFirst())?.answer

/** Keeps the last word about a visit. @returns false when it was the same before */
export const saveVisitAnswer = async (trx: Trx, portal: PortalId, given: { readonly contactId: string; readonly visitAt: Date; readonly answer: Answer; readonly at: Date }): Promise<boolean> => {
  const { rows } = await sql`
    insert into visit_answers (portal_id, contact_id, visit_at, answer, answered_at) values (${portal}, ${given.contactId}, ${given.visitAt}, ${given.answer}, ${given.at})
    on conflict (portal_id, contact_id, visit_at) do update set answer = excluded.answer, answered_at = excluded.answered_at where visit_answers.answer <> excluded.answer
    returning 1`.execute(trx)
  return rows.length > 0
}

/** The latest notification of this deal to this patient that is not stopped. */
export const latestOfDeal = async (trx: Trx, portal: PortalId, of: { readonly contactId: string; readonly dealId: string }): Promise<DeliveryId | undefined> => {
  const row = await trx
    .selectFrom('deliveries').select('delivery_id').where('portal_id', '=', portal).where('contact_id', '=', of.contactId).where('deal_id', '=', of.dealId).where('status', '<>', 'stopped')
    .orderBy('started_at', 'desc').limit(1).executeTakeFirst()
  return row === undefined ? undefined : deliveryId(row.delivery_id)
}
