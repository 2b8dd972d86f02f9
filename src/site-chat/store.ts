/**
 * The tables of the chat on the clinic's site. Every change of a chat raises the visitor's `version` under the lock of the visitor's row
 * and stores what the application must be told, all in one statement: versions become visible in their order, and nothing is half done.
 */
import { sql, type RawBuilder, type Selectable } from 'kysely'
import { type Db } from '../db/database.ts'
import { type SiteMessages, type SiteVisitors } from '../db/schema.ts'
import { connectionId, portalId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Button, type FileKind } from '../domain/message.ts'
import { type RichText } from '../domain/rich-text.ts'

/** One connection's chat. */
export interface Site {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly siteKey: string
}

/** One visitor of one site: whose chat it is. */
export interface Visitor {
  readonly site: Site
  readonly id: string
}

export type Author = 'visitor' | 'clinic'

export interface StoredFile {
  readonly id: string
  readonly kind: FileKind
  readonly name: string
  readonly mimeType: string
  readonly sizeBytes: number
}

export interface StoredMessage {
  readonly id: number
  readonly version: number
  readonly author: Author
  readonly clientId: string
  readonly text: string
  readonly rich?: RichText
  readonly buttons: readonly Button[]
  readonly pressed?: string
  readonly replyTo?: number
  readonly file?: StoredFile
  readonly sentAt: number
  readonly editedAt?: number
  readonly isDeleted: boolean
}

/** Newest message that was brought to the visitor, that the visitor saw, and that the clinic has answered. */
export interface Marks {
  readonly deliveredId: number
  readonly readId: number
  readonly clinicReadId: number
}

export interface ChatState extends Marks {
  readonly version: number
  readonly marksVersion: number
  readonly language: 'ru' | 'en'
}

/** What the application is told; the message's id is added by the statement that makes it. */
export type Told = Readonly<Record<string, unknown>>

const toSite = (row: { portal_id: string; connection_id: string; site_key: string }): Site => ({
  portalId: portalId(row.portal_id),
  connectionId: connectionId(row.connection_id),
  siteKey: row.site_key,
})

/**
 * Makes the connection's chat, or gives it another account; the public key stays what it was.
 *
 * @returns undefined when another connection has this account: its secret is the same
 */
export const openSite = async (db: Db, site: Site & { readonly account: string }): Promise<Site | undefined> => {
  const { rows } = await sql<{ portal_id: string; connection_id: string; site_key: string }>`
    insert into site_chats (portal_id, connection_id, site_key, account)
    select ${site.portalId}, ${site.connectionId}, ${site.siteKey}, ${site.account}
    where not exists (select from site_chats where account = ${site.account} and (portal_id, connection_id) <> (${site.portalId}, ${site.connectionId}))
    on conflict (portal_id, connection_id) do update set account = excluded.account returning portal_id, connection_id, site_key`.execute(db)
  return rows[0] === undefined ? undefined : toSite(rows[0])
}

/** The public key in a page stands for portal and connection. */
export const siteByKey = async (db: Db, siteKey: string): Promise<Site | undefined> => {
  const row = await db.selectFrom('site_chats').selectAll().where('site_key', '=', siteKey).executeTakeFirst()
  return row === undefined ? undefined : toSite(row)
}

/** So does the account in a call of the application, until its signature is checked. */
export const siteByAccount = async (db: Db, account: string): Promise<Site | undefined> => {
  const row = await db.selectFrom('site_chats').selectAll().where('account', '=', account).executeTakeFirst()
  return row === undefined ? undefined : toSite(row)
}

const ofVisitor = ({ site, id }: Visitor): RawBuilder<unknown> => sql`portal_id = ${site.portalId} and connection_id = ${site.connectionId} and visitor_id = ${id}`
const keyOf = ({ site, id }: Visitor): RawBuilder<unknown> => sql`${site.portalId}, ${site.connectionId}, ${id}`

export interface Consent {
  readonly version: string
  readonly text: string
  readonly policyUrl: string
  readonly at: number
}

/** A visitor begins with a consent: without one nothing of a person is kept. */
export const addVisitor = async (db: Db, visitor: Visitor, language: 'ru' | 'en', consent: Consent): Promise<void> => {
  await sql`
    with v as (insert into site_visitors (portal_id, connection_id, visitor_id, language) values (${keyOf(visitor)}, ${language}) returning visitor_id)
    insert into site_consents (portal_id, connection_id, visitor_id, version, text, policy_url, accepted_at)
    select ${keyOf(visitor)}, ${consent.version}, ${consent.text}, ${consent.policyUrl}, ${new Date(consent.at)} from v`.execute(db)
}

/** What was accepted once stays as it was accepted. */
export const addConsent = async (db: Db, visitor: Visitor, consent: Consent): Promise<void> => {
  await sql`
    insert into site_consents (portal_id, connection_id, visitor_id, version, text, policy_url, accepted_at)
    values (${keyOf(visitor)}, ${consent.version}, ${consent.text}, ${consent.policyUrl}, ${new Date(consent.at)}) on conflict do nothing`.execute(db)
}

export const hasConsented = async (db: Db, visitor: Visitor, version: string): Promise<boolean> => {
  const { rows } = await sql`select from site_consents where ${ofVisitor(visitor)} and version = ${version}`.execute(db)
  return rows.length > 0
}

export const findState = async (db: Db, visitor: Visitor): Promise<ChatState | undefined> => {
  const { rows } = await sql<Selectable<SiteVisitors>>`select * from site_visitors where ${ofVisitor(visitor)}`.execute(db)
  const row = rows[0]
  if (row === undefined) return undefined
  return {
    version: row.version, marksVersion: row.marks_version, language: row.language, deliveredId: row.delivered_id, readId: row.read_id, clinicReadId: row.clinic_read_id,
  }
}

/** The versions of several chats at once: which of those that somebody watches have changed. */
export const versionsOf = async (db: Db, visitors: readonly Visitor[]): Promise<readonly { readonly id: string; readonly version: number }[]> => {
  const { rows } = await sql<{ id: string; version: number }>`
    select v.visitor_id as id, v.version from unnest(${visitors.map(({ site }) => site.portalId)}::text[], ${visitors.map(({ site }) => site.connectionId)}::text[],
      ${visitors.map(({ id }) => id)}::text[]) as k(portal_id, connection_id, visitor_id) join site_visitors v using (portal_id, connection_id, visitor_id)`.execute(db)
  return rows
}

type MessageRow = Selectable<SiteMessages> & { file: { kind: FileKind; name: string; mimeType: string; sizeBytes: number } | null }

const toMessage = (row: MessageRow): StoredMessage => ({
  id: row.message_id,
  version: row.version,
  author: row.author,
  clientId: row.client_id,
  text: row.text,
  ...(row.rich === null ? {} : { rich: row.rich as RichText }),
  buttons: (row.buttons ?? []) as readonly Button[],
  ...(row.pressed === null ? {} : { pressed: row.pressed }),
  ...(row.reply_to === null ? {} : { replyTo: row.reply_to }),
  ...(row.file_id === null || row.file === null ? {} : { file: { id: row.file_id, ...row.file } }),
  sentAt: row.sent_at.getTime(),
  ...(row.edited_at === null ? {} : { editedAt: row.edited_at.getTime() }),
  isDeleted: row.deleted_at !== null,
})

/** Messages with what is known of their files, the bytes apart. */
const messagesWhere = async (db: Db, visitor: Visitor, rest: RawBuilder<unknown>): Promise<StoredMessage[]> => {
  const { rows } = await sql<MessageRow>`
    select m.*, (select jsonb_build_object('kind', f.kind, 'name', f.name, 'mimeType', f.mime_type, 'sizeBytes', f.size_bytes) from site_files f
      where f.portal_id = m.portal_id and f.connection_id = m.connection_id and f.file_id = m.file_id) as file
    from site_messages m where ${ofVisitor(visitor)} and ${rest}`.execute(db)
  return rows.map(toMessage)
}

/** What changed after `cursor`, oldest change first; a message that changed twice comes once, as it is now. */
export const changesSince = async (db: Db, visitor: Visitor, cursor: number, limit: number): Promise<{ state: ChatState; messages: readonly StoredMessage[] } | undefined> => {
  const state = await findState(db, visitor)
  if (state === undefined) return undefined
  if (state.version <= cursor) return { state, messages: [] }
  return { state, messages: await messagesWhere(db, visitor, sql`version > ${cursor} and version <= ${state.version} order by version limit ${limit}`) }
}

/** The newest messages, or those before one; oldest first. */
export const pageOf = async (db: Db, visitor: Visitor, before: number | undefined, limit: number): Promise<readonly StoredMessage[]> => {
  const end = before === undefined ? sql`` : sql`and message_id < ${before}`
  return (await messagesWhere(db, visitor, sql`true ${end} order by message_id desc limit ${limit}`)).reverse()
}

export const findMessage = async (db: Db, visitor: Visitor, id: number): Promise<StoredMessage | undefined> => (await messagesWhere(db, visitor, sql`message_id = ${id}`))[0]

const findByClientId = async (db: Db, visitor: Visitor, author: Author, clientId: string): Promise<StoredMessage | undefined> =>
  (await messagesWhere(db, visitor, sql`author = ${author} and client_id = ${clientId}`))[0]

/** What the application is told, with the message's id in it; bytes that stay the same however often they are sent. */
const hookOf = (visitor: Visitor, told: Told | undefined): RawBuilder<unknown> =>
  told === undefined
    ? sql``
    : sql`, h as (insert into site_hooks (portal_id, connection_id, visitor_id, body)
        select ${keyOf(visitor)}, (${JSON.stringify(told)}::jsonb || jsonb_build_object('id', 'm' || m.message_id))::text from m)`

export interface NewMessage {
  readonly author: Author
  readonly clientId: string
  readonly text: string
  readonly rich?: RichText
  readonly buttons?: readonly Button[]
  readonly replyTo?: number
  readonly fileId?: string
  readonly at: number
  readonly told?: Told
}

/**
 * Adds a message once: a second one with the same `clientId` of the same author is the first one. What the clinic writes answers what came before.
 *
 * @returns undefined when there is no such visitor
 */
export const addMessage = async (db: Db, visitor: Visitor, message: NewMessage): Promise<{ message: StoredMessage; isNew: boolean } | undefined> => {
  const { author, clientId } = message
  const known = await findByClientId(db, visitor, author, clientId)
  if (known !== undefined) return { message: known, isNew: false }
  const answered = author === 'clinic' ? sql`coalesce((select max(message_id) from site_messages where ${ofVisitor(visitor)} and author = 'visitor'), 0)` : sql`clinic_read_id`
  const { rows } = await sql<{ message_id: number }>`
    with v as (
      update site_visitors set version = version + 1, seen_at = now(), clinic_read_id = ${answered},
        marks_version = case when clinic_read_id < ${answered} then version + 1 else marks_version end
      where ${ofVisitor(visitor)} returning version
    ), m as (
      insert into site_messages (portal_id, connection_id, visitor_id, version, author, client_id, text, rich, buttons, reply_to, file_id, sent_at)
      select ${keyOf(visitor)}, v.version, ${author}, ${clientId}, ${message.text}, ${message.rich === undefined ? null : JSON.stringify(message.rich)}::jsonb,
        ${message.buttons === undefined ? null : JSON.stringify(message.buttons)}::jsonb,
        (select message_id from site_messages where ${ofVisitor(visitor)} and message_id = ${message.replyTo ?? null}), ${message.fileId ?? null}, ${new Date(message.at)}
      from v on conflict do nothing returning message_id
    ) ${hookOf(visitor, message.told)}
    select message_id from m`.execute(db)
  const stored = await findByClientId(db, visitor, author, clientId)
  return stored === undefined ? undefined : { message: stored, isNew: rows.length > 0 }
}

/** @returns whether something changed: the author's own message that is there and says something else */
export const editMessage = async (
  db: Db,
  visitor: Visitor,
  edit: { readonly id: number; readonly author: Author; readonly text: string; readonly rich?: RichText; readonly at: number; readonly told?: Told },
): Promise<boolean> => {
  const rich = edit.rich === undefined ? null : JSON.stringify(edit.rich)
  const which = sql`${ofVisitor(visitor)} and message_id = ${edit.id} and author = ${edit.author} and deleted_at is null
    and (text <> ${edit.text} or rich is distinct from ${rich}::jsonb or buttons is not null)`
  const { rows } = await sql`
    with v as (update site_visitors set version = version + 1 where ${ofVisitor(visitor)} and exists (select from site_messages where ${which}) returning version),
    m as (
      update site_messages set text = ${edit.text}, rich = ${rich}::jsonb, buttons = null, edited_at = ${new Date(edit.at)}, version = v.version from v where ${which} returning message_id
    ) ${hookOf(visitor, edit.told)}
    select message_id from m`.execute(db)
  return rows.length > 0
}

/** Takes back the author's own message: its words and its file are gone. @returns whether it was there */
export const removeMessage = async (db: Db, visitor: Visitor, removal: { readonly id: number; readonly author: Author; readonly at: number; readonly told?: Told }): Promise<boolean> => {
  const which = sql`${ofVisitor(visitor)} and message_id = ${removal.id} and author = ${removal.author} and deleted_at is null`
  const { rows } = await sql`
    with v as (update site_visitors set version = version + 1 where ${ofVisitor(visitor)} and exists (select from site_messages where ${which}) returning version),
    m as (
      update site_messages set text = '', rich = null, buttons = null, pressed = null, deleted_at = ${new Date(removal.at)}, version = v.version, file_id = null from v where ${which}
      returning message_id, old.file_id
    ), f as (delete from site_files f using m where f.portal_id = ${visitor.site.portalId} and f.connection_id = ${visitor.site.connectionId} and f.file_id = m.file_id)
    ${hookOf(visitor, removal.told)}
    select message_id from m`.execute(db)
  return rows.length > 0
}

/** Presses a button under a message of the clinic; the same press twice is one. @returns whether there is such a button */
export const pressButton = async (db: Db, visitor: Visitor, press: { readonly id: number; readonly payload: string; readonly told: Told }): Promise<boolean> => {
  const which = sql`${ofVisitor(visitor)} and message_id = ${press.id} and author = 'clinic' and buttons @> ${JSON.stringify([{ id: press.payload }])}::jsonb`
  const { rows } = await sql<{ is_there: boolean }>`
    with v as (
      update site_visitors set version = version + 1 where ${ofVisitor(visitor)} and exists (select from site_messages where ${which} and pressed is distinct from ${press.payload})
      returning version
    ), m as (update site_messages set pressed = ${press.payload}, version = v.version from v where ${which} and pressed is distinct from ${press.payload} returning message_id)
    ${hookOf(visitor, press.told)}
    select exists (select from site_messages where ${which}) as is_there`.execute(db)
  return rows[0]!.is_there
}

/**
 * Moves the visitor's marks forward, never back and never past the clinic's newest message; what is read was delivered. The application is told
 * of every message that a mark has passed.
 */
export const moveMarks = async (db: Db, visitor: Visitor, marks: { readonly deliveredId: number; readonly readId: number; readonly at: number }): Promise<boolean> => {
  const newest = sql`coalesce((select max(message_id) from site_messages where ${ofVisitor(visitor)} and author = 'clinic'), 0)`
  const read = sql`greatest(read_id, least(${marks.readId}::bigint, ${newest}))`
  const delivered = sql`greatest(delivered_id, least(greatest(${marks.deliveredId}::bigint, ${marks.readId}::bigint), ${newest}))`
  const passed = (mark: 'delivered_id' | 'read_id'): RawBuilder<unknown> => sql`coalesce((
    select jsonb_agg(jsonb_build_object('id', 'm' || m.message_id, 'ref', m.client_id) order by m.message_id) from site_messages m
    where m.portal_id = ${visitor.site.portalId} and m.connection_id = ${visitor.site.connectionId} and m.visitor_id = ${visitor.id} and m.author = 'clinic'
      and m.message_id > v.${sql.raw(`old_${mark}`)} and m.message_id <= v.${sql.raw(mark)}), '[]'::jsonb)`
  const { rows } = await sql`
    with v as (
      update site_visitors set version = version + 1, marks_version = version + 1, delivered_id = ${delivered}, read_id = ${read}
      where ${ofVisitor(visitor)} and (delivered_id < ${delivered} or read_id < ${read})
      returning delivered_id, read_id, old.delivered_id as old_delivered_id, old.read_id as old_read_id
    ), h as (
      insert into site_hooks (portal_id, connection_id, visitor_id, body)
      select ${keyOf(visitor)}, jsonb_build_object('update', 'marks', 'delivered', ${passed('delivered_id')}, 'read', ${passed('read_id')}, 'at', ${marks.at}::bigint)::text from v
    ) select from v`.execute(db)
  return rows.length > 0
}

/** What the application has still to be told of one visitor, in the order in which it happened. */
export const waitingHooks = async (db: Db, visitor: Visitor): Promise<readonly { readonly id: number; readonly body: string }[]> => {
  const { rows } = await sql<{ id: number; body: string }>`select hook_id as id, body from site_hooks where ${ofVisitor(visitor)} order by hook_id limit 100`.execute(db)
  return rows
}

export const removeHooks = async (db: Db, { site }: Visitor, ids: readonly number[]): Promise<void> => {
  await sql`delete from site_hooks where portal_id = ${site.portalId} and connection_id = ${site.connectionId} and hook_id = any(${ids}::bigint[])`.execute(db)
}

/** Whose news waits for longer than that: whoever wrote it down did not come to tell it. */
export const untoldVisitors = async (db: Db, olderThanSeconds: number): Promise<readonly Visitor[]> => {
  const { rows } = await sql<{ portal_id: string; connection_id: string; site_key: string; visitor_id: string }>`
    select distinct portal_id, connection_id, site_key, visitor_id from site_hooks join site_chats using (portal_id, connection_id)
    where written_at < now() - ${olderThanSeconds} * interval '1 s' limit 100`.execute(db)
  return rows.map((row) => ({ site: toSite(row), id: row.visitor_id }))
}
