/** Messenger accounts of people: whose they are, how that was proved, and whether they can be written to. */
import { sql, type Selectable } from 'kysely'
import { connectionId, portalId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Introduction } from '../domain/introduction.ts'
import { type Db, type Trx } from './database.ts'
import { type Identities } from './schema.ts'

export type IdentityProof = 'ownContact' | 'startLink' | 'phone' | 'smsCode' | 'operator'

export interface Identity {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly externalId: string
  /** The chat's own number in this application. */
  readonly number: number
  readonly chatId: string
  readonly name: string | undefined
  readonly contactId: string | undefined
  /** As the card calls the patient; learned when the account was bound. */
  readonly contactName: string | undefined
  readonly proof: IdentityProof | undefined
  readonly boundAt: number | undefined
  readonly introduction: Introduction
  /** Contacts that share the proved phone. */
  readonly candidates: readonly string[]
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
      state = excluded.state, last_inbound_at = greatest(identities.last_inbound_at, excluded.last_inbound_at),
      typing_at = case when excluded.last_inbound_at is null then identities.typing_at end
    returning *, old.external_id is null as is_new`.execute(trx)
  return { ...toIdentity(rows[0]!), isNew: rows[0]!.is_new }
}

/** Binds an account to a contact with its proof. A bound account is never re-bound silently: unbinding is a person's decision. */
export const bindIdentity = async (trx: Trx, ref: IdentityRef, contactId: string, proof: IdentityProof, by: string): Promise<boolean> => {
  const result = await trx
    .updateTable('identities')
    .set({ contact_id: contactId, proof, bound_at: sql`now()`, bound_by: by, candidates: [], introduction: JSON.stringify({ stage: 'known' }) })
    .where('portal_id', '=', ref.portalId)
    .where('connection_id', '=', ref.connectionId)
    .where('external_id', '=', ref.externalId)
    .where((where) => where.or([where('contact_id', 'is', null), where('contact_id', '=', contactId)]))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Takes the account from its contact; what was said stays with the chat. @returns the contact that it belonged to */
export const unbindIdentity = async (trx: Trx, portal: PortalId, number: number): Promise<string | undefined> => {
  const { rows } = await sql<{ was: string | null }>`
    update identities set contact_id = null, contact_name = null, proof = null, bound_at = null, bound_by = null, introduction = '{"stage":"waiting"}' where portal_id = ${portal} and number = ${number}
    returning old.contact_id as was`.execute(trx)
  return rows[0]?.was ?? undefined
}

export const saveIntroduction = async (trx: Trx, portal: PortalId, number: number, introduction: Introduction, candidates?: readonly string[]): Promise<void> => {
  await trx
    .updateTable('identities')
    .set({ introduction: JSON.stringify(introduction), ...(candidates === undefined ? {} : { candidates: [...candidates] }) })
    .where('portal_id', '=', portal)
    .where('number', '=', number)
    .execute()
}

export const nameContact = async (trx: Db | Trx, portal: PortalId, contactId: string, name: string): Promise<void> => {
  await trx.updateTable('identities').set({ contact_name: name }).where('portal_id', '=', portal).where('contact_id', '=', contactId).execute()
}

/** A contact was merged into another one: its accounts go with it, or those `numbers` of them. @returns their numbers */
export const moveIdentities = async (trx: Trx, portal: PortalId, from: string, to: string, numbers?: readonly number[]): Promise<readonly number[]> => {
  const those = numbers === undefined ? sql`` : sql`and number = any(${[...numbers]}::bigint[])`
  const { rows } = await sql<{ number: number }>`update identities set contact_id = ${to} where portal_id = ${portal} and contact_id = ${from} ${those} returning number`.execute(trx)
  return rows.map((row) => row.number)
}

/** Every account of these contacts. */
export const identitiesOf = async (db: Db | Trx, portal: PortalId, contactIds: readonly string[]): Promise<readonly Identity[]> => {
  if (contactIds.length === 0) return []
  return (await db.selectFrom('identities').selectAll().where('portal_id', '=', portal).where('contact_id', 'in', [...contactIds]).execute()).map(toIdentity)
}

/** Accounts by their numbers. */
export const identitiesByNumber = async (db: Db | Trx, portal: PortalId, numbers: readonly number[]): Promise<ReadonlyMap<number, Identity>> => {
  if (numbers.length === 0) return new Map()
  const rows = await db.selectFrom('identities').selectAll().where('portal_id', '=', portal).where('number', 'in', [...numbers]).execute()
  return new Map(rows.map((row) => [row.number, toIdentity(row)]))
}

/** One account, locked: its introduction goes on by one step at a time. */
export const lockIdentity = async (trx: Trx, portal: PortalId, number: number): Promise<Identity | undefined> => {
  const row = await trx.selectFrom('identities').selectAll().where('portal_id', '=', portal).where('number', '=', number).forNoKeyUpdate().executeTakeFirst()
  return row === undefined ? undefined : toIdentity(row)
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

/** Notes that somebody types in a chat that is known. */
export const noteTyping = async (trx: Trx, ref: IdentityRef, at: number): Promise<void> => {
  await trx.updateTable('identities').set({ typing_at: new Date(at) }).where('portal_id', '=', ref.portalId).where('connection_id', '=', ref.connectionId).where('external_id', '=', ref.externalId).execute()
}

/** Whether one of these accounts was seen typing after `since`, epoch ms. */
export const areTyping = async (db: Db, portal: PortalId, numbers: readonly number[], since: number): Promise<boolean> => {
  if (numbers.length === 0) return false
  const row = await db.selectFrom('identities').select('number').where('portal_id', '=', portal).where('number', 'in', [...numbers]).where('typing_at', '>', new Date(since)).limit(1).executeTakeFirst()
  return row !== undefined
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
  const { rows } = await sql<{ portal_id: string; connection_id: string; external_id: string }>`
    insert into patient_messages (portal_id, connection_id, external_id)
    select distinct * from unnest(${messages.map((m) => m.portalId)}::text[], ${messages.map((m) => m.connectionId)}::text[], ${messages.map((m) => m.externalId)}::text[])
    on conflict do nothing returning portal_id, connection_id, external_id`.execute(trx)
  return new Set(rows.map((row) => `${row.portal_id} ${row.connection_id} ${row.external_id}`))
}

const toIdentity = (row: Selectable<Identities>): Identity => ({
  portalId: portalId(row.portal_id),
  connectionId: connectionId(row.connection_id),
  externalId: row.external_id,
  number: row.number,
  chatId: row.chat_id,
  name: row.name ?? undefined,
  contactId: row.contact_id ?? undefined,
  contactName: row.contact_name ?? undefined,
  proof: row.proof ?? undefined,
  boundAt: row.bound_at?.getTime(),
  introduction: row.introduction as Introduction,
  candidates: row.candidates,
  state: row.state,
  lastInboundAt: row.last_inbound_at?.getTime(),
})
