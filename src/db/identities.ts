/** Messenger accounts of people: whose they are, how that was proved, and whether they can be written to. */
import { sql, type Selectable } from 'kysely'
import { connectionId, portalId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'
import { type Identities } from './schema.ts'

export interface Identity {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly externalId: string
  readonly chatId: string
  readonly contactId: string | undefined
  readonly state: 'active' | 'blocked'
  readonly lastInboundAt: number | undefined
}

export interface IdentityRef {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly externalId: string
}

/** Notes that somebody was seen, and where to write to them; what is known of them stays. `at` is epoch ms. */
export const touchIdentity = async (
  trx: Trx,
  seen: IdentityRef & { chatId: string; name?: string; at: number; state: 'active' | 'blocked'; isInbound: boolean },
): Promise<Identity & { isNew: boolean }> => {
  const inboundAt = seen.isInbound ? new Date(seen.at) : null
  const { rows } = await sql<Selectable<Identities> & { is_new: boolean }>`
    insert into identities (portal_id, connection_id, external_id, chat_id, name, state, first_seen_at, last_inbound_at)
    values (${seen.portalId}, ${seen.connectionId}, ${seen.externalId}, ${seen.chatId}, ${seen.name ?? null}, ${seen.state}, ${new Date(seen.at)}, ${inboundAt})
    on conflict (portal_id, connection_id, external_id) do update set chat_id = excluded.chat_id, name = coalesce(excluded.name, identities.name),
      state = excluded.state, last_inbound_at = greatest(identities.last_inbound_at, excluded.last_inbound_at)
    returning *, old.external_id is null as is_new`.execute(trx)
  return { ...toIdentity(rows[0]!), isNew: rows[0]!.is_new }
}

/** Binds an account to a contact with its proof. A bound account is never re-bound silently: unbinding is a person's decision. */
export const bindIdentity = async (trx: Trx, ref: IdentityRef, contactId: string, proof: 'ownContact' | 'startLink' | 'phone'): Promise<boolean> => {
  const result = await trx
    .updateTable('identities')
    .set({ contact_id: contactId, proof, bound_at: sql`now()` })
    .where('portal_id', '=', ref.portalId)
    .where('connection_id', '=', ref.connectionId)
    .where('external_id', '=', ref.externalId)
    .where((where) => where.or([where('contact_id', 'is', null), where('contact_id', '=', contactId)]))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Every account of these contacts. */
export const identitiesOf = async (db: Db | Trx, portal: PortalId, contactIds: readonly string[]): Promise<readonly Identity[]> => {
  if (contactIds.length === 0) return []
  return (await db.selectFrom('identities').selectAll().where('portal_id', '=', portal).where('contact_id', 'in', [...contactIds]).execute()).map(toIdentity)
}

export const findIdentity = async (db: Db | Trx, ref: IdentityRef): Promise<Identity | undefined> => {
  const row = await db
    .selectFrom('identities')
    .selectAll()
    .where('portal_id', '=', ref.portalId)
    .where('connection_id', '=', ref.connectionId)
    .where('external_id', '=', ref.externalId)
    .executeTakeFirst()
  return row === undefined ? undefined : toIdentity(row)
}

/** When the person at this address wrote last through the connection, epoch ms: it opens WhatsApp's 24 hours. */
export const lastInboundAt = async (db: Db | Trx, addresses: readonly { portalId: PortalId; connectionId: ConnectionId; chatId: string }[]): Promise<Map<string, number>> => {
  if (addresses.length === 0) return new Map()
  const { rows } = await sql<{ connection_id: string; chat_id: string; last_inbound_at: Date | null }>`
    select connection_id, chat_id, max(last_inbound_at) as last_inbound_at from identities where (portal_id, connection_id, chat_id) in (
      select * from unnest(${addresses.map((a) => a.portalId)}::text[], ${addresses.map((a) => a.connectionId)}::text[], ${addresses.map((a) => a.chatId)}::text[]))
    group by connection_id, chat_id`.execute(db)
  return new Map(rows.flatMap((row) => (row.last_inbound_at === null ? [] : [[`${row.connection_id} ${row.chat_id}`, row.last_inbound_at.getTime()] as const])))
}

/** A send told us that this chat is closed to us, or a person came back. */
export const setReachable = async (trx: Trx, ref: { portalId: PortalId; connectionId: ConnectionId; chatId: string }, state: 'active' | 'blocked'): Promise<void> => {
  await trx.updateTable('identities').set({ state }).where('portal_id', '=', ref.portalId).where('connection_id', '=', ref.connectionId).where('chat_id', '=', ref.chatId).execute()
}

export const recentChats = async (db: Db, portal: PortalId, connection: ConnectionId, limit: number): Promise<readonly { id: string; name: string; at: Date }[]> => {
  const rows = await db
    .selectFrom('identities')
    .select(['chat_id', 'name', 'last_inbound_at'])
    .where('portal_id', '=', portal)
    .where('connection_id', '=', connection)
    .where('last_inbound_at', 'is not', null)
    .where('state', '=', 'active')
    .orderBy('last_inbound_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ id: row.chat_id, name: row.name ?? row.chat_id, at: row.last_inbound_at! }))
}

/** Which of these messages of patients are new; a repeated webhook finds its messages known. */
export const recordPatientMessages = async (trx: Trx, messages: readonly { portalId: PortalId; connectionId: ConnectionId; externalId: string }[]): Promise<Set<string>> => {
  if (messages.length === 0) return new Set()
  const { rows } = await sql<{ connection_id: string; external_id: string }>`
    insert into patient_messages (portal_id, connection_id, external_id)
    select distinct * from unnest(${messages.map((m) => m.portalId)}::text[], ${messages.map((m) => m.connectionId)}::text[], ${messages.map((m) => m.externalId)}::text[])
    on conflict do nothing returning connection_id, external_id`.execute(trx)
  return new Set(rows.map((row) => `${row.connection_id} ${row.external_id}`))
}

const toIdentity = (row: Selectable<Identities>): Identity => ({
  portalId: portalId(row.portal_id),
  connectionId: connectionId(row.connection_id),
  externalId: row.external_id,
  chatId: row.chat_id,
  contactId: row.contact_id ?? undefined,
  state: row.state,
  lastInboundAt: row.last_inbound_at?.getTime(),
})
