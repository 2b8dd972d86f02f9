/** The conversation as it was: what patients, operators and the application itself said, each message once. */
import { sql, type Selectable } from 'kysely'
import { connectionId, portalId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Button, type FileKind, type Place } from '../domain/message.ts'
import { type Failure } from '../domain/receipt.ts'
import { type Db, type Trx } from './database.ts'
import { type Messages } from './schema.ts'

/** A file of a message. Inbound: `ref` is the messenger's; outbound: `url` is the portal's. */
export interface MessageFile {
  readonly kind: FileKind
  readonly name?: string
  readonly mimeType?: string
  readonly sizeBytes?: number
  readonly ref?: string
  readonly url?: string
}

export type MessageState = 'received' | 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown'

export interface NewMessage {
  readonly portalId: PortalId
  readonly identity: number
  readonly connectionId: ConnectionId
  readonly direction: 'in' | 'out'
  readonly author: 'patient' | 'operator' | 'robot' | 'staff'
  /** Portal user of an operator. */
  readonly authorId?: string
  /** Epoch ms. */
  readonly at: number
  /** Inbound: as it came. Outbound: with the portal's BB codes. */
  readonly text: string
  readonly files?: readonly MessageFile[]
  readonly place?: Place
  readonly contactCard?: { readonly phone: string; readonly name?: string }
  readonly quote?: { readonly externalId?: string; readonly text?: string }
  /** Under a message of our own: the native contact button, or buttons of ours. */
  readonly buttons?: { readonly requestsContact?: boolean; readonly list?: readonly Button[]; readonly template?: { name: string; language: string; parameters: readonly string[] } }
  readonly externalId?: string
  readonly dialogId?: number
  readonly imMessageId?: number
  readonly part?: number
  readonly state: MessageState
}

export interface Message extends NewMessage {
  readonly id: number
  readonly files: readonly MessageFile[]
  readonly part: number
  readonly failure: (Failure & { readonly sentence?: string }) | undefined
  readonly editedAt: number | undefined
  readonly deletedAt: number | undefined
}

/** Stores one message; one that is known already - by the messenger's id or the portal's - is left as it was. @returns its id when it is new */
export const insertMessage = async (trx: Db | Trx, message: NewMessage): Promise<number | undefined> => {
  const row = await trx
    .insertInto('messages')
    .values({
      portal_id: message.portalId,
      identity_number: message.identity,
      connection_id: message.connectionId,
      direction: message.direction,
      author: message.author,
      author_id: message.authorId ?? null,
      at: new Date(message.at),
      body: message.text.replaceAll('\0', ''),
      files: JSON.stringify(message.files ?? []),
      place: message.place === undefined ? null : JSON.stringify(message.place),
      contact_card: message.contactCard === undefined ? null : JSON.stringify(message.contactCard),
      quote: message.quote === undefined ? null : JSON.stringify(message.quote),
      buttons: message.buttons === undefined ? null : JSON.stringify(message.buttons),
      external_id: message.externalId ?? null,
      dialog_id: message.dialogId ?? null,
      im_message_id: message.imMessageId ?? null,
      part: message.part ?? 0,
      state: message.state,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('message_id')
    .executeTakeFirst()
  return row?.message_id
}

export const findMessages = async (db: Db | Trx, portal: PortalId, ids: readonly number[]): Promise<ReadonlyMap<number, Message>> => {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('messages').selectAll().where('portal_id', '=', portal).where('message_id', 'in', [...ids]).execute()
  return new Map(rows.map((row) => [row.message_id, toMessage(row)]))
}

/** The messages of these vendor ids, by id. */
export const findByExternalIds = async (db: Db | Trx, portal: PortalId, connection: ConnectionId, externalIds: readonly string[]): Promise<ReadonlyMap<string, Message>> => {
  if (externalIds.length === 0) return new Map()
  const rows = await db.selectFrom('messages').selectAll().where('portal_id', '=', portal).where('connection_id', '=', connection).where('external_id', 'in', [...externalIds]).execute()
  return new Map(rows.map((row) => [row.external_id!, toMessage(row)]))
}

/** An operator's message by its parts: the text first, then each file. */
export const findOperatorParts = async (db: Db | Trx, portal: PortalId, dialog: number, imMessageId: number): Promise<readonly Message[]> =>
  (
    await db
      .selectFrom('messages')
      .selectAll()
      .where('portal_id', '=', portal)
      .where('dialog_id', '=', dialog)
      .where('im_message_id', '=', imMessageId)
      .orderBy('part')
      .execute()
  ).map(toMessage)

/** Which of these messages of the portal are known already. */
export const knownOperatorMessages = async (db: Db | Trx, portal: PortalId, dialog: number, imMessageIds: readonly number[]): Promise<ReadonlySet<number>> => {
  if (imMessageIds.length === 0) return new Set()
  const rows = await db
    .selectFrom('messages')
    .select('im_message_id')
    .where('portal_id', '=', portal)
    .where('dialog_id', '=', dialog)
    .where('im_message_id', 'in', [...imMessageIds])
    .execute()
  return new Set(rows.map((row) => row.im_message_id!))
}

const ranks = sql`array['queued', 'sending', 'unknown', 'sent', 'failed', 'delivered', 'read']`

/**
 * Raises what is known of an outbound message; it never goes back (I4). `failed` beats "sent", and is taken back only by `delivered` or more.
 *
 * @returns whether anything changed
 */
export const raiseMessage = async (
  trx: Db | Trx,
  portal: PortalId,
  id: number,
  state: Exclude<MessageState, 'received'>,
  also: { externalId?: string; failure?: Failure & { sentence?: string } } = {},
): Promise<boolean> => {
  const result = await sql`
    update messages set state = ${state}, external_id = coalesce(external_id, ${also.externalId ?? null}),
      failure = case when ${state} = 'failed' then ${also.failure === undefined ? null : JSON.stringify(also.failure)}::jsonb when ${state} in ('delivered', 'read') then null else failure end
    where portal_id = ${portal} and message_id = ${id} and direction = 'out' and array_position(${ranks}, state) < array_position(${ranks}, ${state})`.execute(trx)
  const isRaised = Number(result.numAffectedRows ?? 0) > 0
  if (!isRaised && also.externalId !== undefined) {
    await trx.updateTable('messages').set({ external_id: also.externalId }).where('portal_id', '=', portal).where('message_id', '=', id).where('external_id', 'is', null).execute()
  }
  return isRaised
}

/** Notes in which dialogue a patient's message was shown: its edits and its removal go there. */
export const showIn = async (trx: Db | Trx, portal: PortalId, id: number, dialog: number): Promise<void> => {
  await trx.updateTable('messages').set({ dialog_id: dialog }).where('portal_id', '=', portal).where('message_id', '=', id).where('direction', '=', 'in').execute()
}

/** A new text of a message; the last one counts. */
export const editMessage = async (trx: Db | Trx, portal: PortalId, id: number, text: string, at: number): Promise<void> => {
  await trx.updateTable('messages').set({ body: text.replaceAll('\0', ''), edited_at: new Date(at) }).where('portal_id', '=', portal).where('message_id', '=', id).execute()
}

/** The message is gone for the other side; staff still see that there was one. */
export const markDeleted = async (trx: Db | Trx, portal: PortalId, ids: readonly number[], at: number): Promise<void> => {
  if (ids.length === 0) return
  await trx.updateTable('messages').set({ deleted_at: new Date(at) }).where('portal_id', '=', portal).where('message_id', 'in', [...ids]).where('deleted_at', 'is', null).execute()
}

export const toMessage = (row: Selectable<Messages>): Message => ({
  id: row.message_id,
  portalId: portalId(row.portal_id),
  identity: row.identity_number,
  connectionId: connectionId(row.connection_id),
  direction: row.direction,
  author: row.author,
  authorId: row.author_id ?? undefined,
  at: row.at.getTime(),
  text: row.body,
  files: row.files as readonly MessageFile[],
  place: (row.place as Place | null) ?? undefined,
  contactCard: (row.contact_card as NewMessage['contactCard'] | null) ?? undefined,
  quote: (row.quote as NewMessage['quote'] | null) ?? undefined,
  buttons: (row.buttons as NewMessage['buttons'] | null) ?? undefined,
  externalId: row.external_id ?? undefined,
  dialogId: row.dialog_id ?? undefined,
  imMessageId: row.im_message_id ?? undefined,
  part: row.part,
  state: row.state,
  failure: (row.failure as Message['failure'] | null) ?? undefined,
  editedAt: row.edited_at?.getTime(),
  deletedAt: row.deleted_at?.getTime(),
})
