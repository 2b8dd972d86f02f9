/** Chats as the open lines know them. */
import { sql, type Selectable } from 'kysely'
import { portalId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'
import { type Dialogs } from './schema.ts'

/** One chat in one open line: of one account, or - with "one chat per patient" - of all accounts of a contact. */
export interface Dialog {
  readonly portalId: PortalId
  readonly id: number
  readonly connector: string
  readonly lineId: string
  readonly of: { readonly identity: number } | { readonly contactId: string }
  /** The portal's own ids, learned from its answers. */
  readonly imChatId: string | undefined
  readonly sessionId: string | undefined
  readonly portalUserId: string | undefined
  /** The account last written from, and the one that an operator chose for replies. */
  readonly lastIdentity: number | undefined
  readonly replyIdentity: number | undefined
  readonly seenMessageId: number
  readonly warnedSessionId: string | undefined
  readonly isOpen: boolean
}

/** What the portal calls a dialogue's chat and person: never equal to each other (F12), never the same for two accounts (F18). */
export const lineChatId = (dialogId: number): string => `c${dialogId}`
export const lineUserId = (dialogId: number): string => `p${dialogId}`
/** The dialogue that a chat id of ours means; undefined for anybody else's. */
export const dialogIdOf = (chatId: string): number | undefined => {
  const digits = /^c(\d{1,15})$/.exec(chatId)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Finds or makes the dialogue of an account or a contact on a line. */
export const ensureDialog = async (trx: Db | Trx, portal: PortalId, line: { connector: string; lineId: string }, of: Dialog['of']): Promise<Dialog> => {
  const [identity, contact] = 'identity' in of ? [of.identity, null] : [null, of.contactId]
  const target = identity === null ? sql`(portal_id, connector, line_id, contact_id) where contact_id is not null` : sql`(portal_id, connector, line_id, identity_number) where identity_number is not null`
  const { rows } = await sql<Selectable<Dialogs>>`
    insert into dialogs (portal_id, connector, line_id, identity_number, contact_id) values (${portal}, ${line.connector}, ${line.lineId}, ${identity}, ${contact})
    on conflict ${target} do update set touched_at = now() returning *`.execute(trx)
  return toDialog(rows[0]!)
}

export const findDialog = async (db: Db | Trx, portal: PortalId, id: number): Promise<Dialog | undefined> => {
  const row = await db.selectFrom('dialogs').selectAll().where('portal_id', '=', portal).where('dialog_id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toDialog(row)
}

export const findDialogs = async (db: Db | Trx, portal: PortalId, ids: readonly number[]): Promise<ReadonlyMap<number, Dialog>> => {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('dialogs').selectAll().where('portal_id', '=', portal).where('dialog_id', 'in', [...ids]).execute()
  return new Map(rows.map((row) => [row.dialog_id, toDialog(row)]))
}

export const findDialogByImChat = async (db: Db | Trx, portal: PortalId, imChatId: string): Promise<Dialog | undefined> => {
  const row = await db.selectFrom('dialogs').selectAll().where('portal_id', '=', portal).where('im_chat_id', '=', imChatId).orderBy('dialog_id', 'desc').limit(1).executeTakeFirst()
  return row === undefined ? undefined : toDialog(row)
}

/** Dialogues in which an account takes part: its own ones, and that of its contact. */
export const dialogsOf = async (db: Db | Trx, portal: PortalId, identity: number, contact: string | undefined): Promise<readonly Dialog[]> =>
  (
    await db
      .selectFrom('dialogs')
      .selectAll()
      .where('portal_id', '=', portal)
      .where((where) => where.or([where('identity_number', '=', identity), ...(contact === undefined ? [] : [where('contact_id', '=', contact)])]))
      .orderBy('touched_at', 'desc')
      .execute()
  ).map(toDialog)

/** Sessions of a portal that are known, newest first. */
export const latestSessions = async (db: Db, portal: PortalId, limit: number): Promise<readonly number[]> => {
  const { rows } = await sql<{ session: string }>`
    select distinct session_id::bigint as session from dialogs where portal_id = ${portal} and session_id is not null order by session desc limit ${limit}`.execute(db)
  return rows.map(({ session }) => Number(session))
}

/** What a dialogue has learned; what is left out stays as it was. */
export interface DialogNews {
  readonly imChatId?: string
  readonly sessionId?: string
  readonly portalUserId?: string
  readonly lastIdentity?: number
  readonly replyIdentity?: number | null
  readonly warnedSessionId?: string
  readonly isOpen?: boolean
  /** Never goes back. */
  readonly seenMessageId?: number
}

export const noteDialog = async (trx: Db | Trx, portal: PortalId, id: number, news: DialogNews): Promise<void> => {
  await trx
    .updateTable('dialogs')
    .set({
      touched_at: sql`now()`,
      ...(news.imChatId === undefined ? {} : { im_chat_id: news.imChatId }),
      ...(news.sessionId === undefined ? {} : { session_id: news.sessionId }),
      ...(news.portalUserId === undefined ? {} : { portal_user_id: news.portalUserId }),
      ...(news.lastIdentity === undefined ? {} : { last_identity: news.lastIdentity }),
      ...(news.replyIdentity === undefined ? {} : { reply_identity: news.replyIdentity }),
      ...(news.warnedSessionId === undefined ? {} : { warned_session_id: news.warnedSessionId }),
      ...(news.isOpen === undefined ? {} : { is_open: news.isOpen }),
      ...(news.seenMessageId === undefined ? {} : { seen_message_id: sql<number>`greatest(seen_message_id, ${news.seenMessageId})` }),
    })
    .where('portal_id', '=', portal)
    .where('dialog_id', '=', id)
    .execute()
}

/** Open dialogues that were touched within `days`, of every portal: those in which an operator may have written while we were away. */
export const openDialogs = async (db: Db | Trx, days: number): Promise<readonly Dialog[]> =>
  (
    await db
      .selectFrom('dialogs')
      .selectAll()
      .where('is_open', '=', true)
      .where('im_chat_id', 'is not', null)
      .where('touched_at', '>', sql<Date>`now() - ${days} * interval '1 day'`)
      .orderBy('touched_at', 'desc')
      .execute()
  ).map(toDialog)

const toDialog = (row: Selectable<Dialogs>): Dialog => ({
  portalId: portalId(row.portal_id),
  id: row.dialog_id,
  connector: row.connector,
  lineId: row.line_id,
  of: row.identity_number === null ? { contactId: row.contact_id! } : { identity: row.identity_number },
  imChatId: row.im_chat_id ?? undefined,
  sessionId: row.session_id ?? undefined,
  portalUserId: row.portal_user_id ?? undefined,
  lastIdentity: row.last_identity ?? undefined,
  replyIdentity: row.reply_identity ?? undefined,
  seenMessageId: row.seen_message_id,
  warnedSessionId: row.warned_session_id ?? undefined,
  isOpen: row.is_open,
})
