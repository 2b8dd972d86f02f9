/** How people were recognised: personal start links, and the log of who did what with an account. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'

export type IdentityAct = 'asked' | 'claimed' | 'codeSent' | 'codeWrong' | 'forgedContact' | 'ambiguous' | 'bound' | 'unbound' | 'notMe' | 'merged' | 'created' | 'linkMade'

export interface IdentityLine {
  readonly at: Date
  readonly identity: number | undefined
  readonly contactId: string | undefined
  readonly what: IdentityAct
  readonly proof: string | undefined
  /** `patient`, `application`, or `user:<portal user>`. */
  readonly by: string
}

/** Writes one line of the log; a phone is kept as a digest only, to count codes by it. */
export const logIdentity = async (
  trx: Db | Trx,
  portal: PortalId,
  line: { identity?: number; contactId?: string; what: IdentityAct; proof?: string; by: string; phone?: string },
): Promise<void> => {
  await trx
    .insertInto('identity_log')
    .values({
      portal_id: portal,
      identity_number: line.identity ?? null,
      contact_id: line.contactId ?? null,
      what: line.what,
      proof: line.proof ?? null,
      by: line.by,
      phone_hash: line.phone === undefined ? null : digestOf(`${portal} ${line.phone}`),
    })
    .execute()
}

/** Codes that were sent in the last day: for this chat, to this phone, by the whole portal. */
export const countCodes = async (db: Db | Trx, portal: PortalId, identity: number, phone: string): Promise<{ ofChat: number; ofPhone: number; ofPortal: number }> => {
  const { rows } = await sql<{ of_chat: number; of_phone: number; of_portal: number }>`
    select count(*) filter (where identity_number = ${identity}) as of_chat, count(*) filter (where phone_hash = ${digestOf(`${portal} ${phone}`)}) as of_phone, count(*) as of_portal
    from identity_log where portal_id = ${portal} and what = 'codeSent' and at > now() - interval '1 day'`.execute(db)
  return { ofChat: rows[0]!.of_chat, ofPhone: rows[0]!.of_phone, ofPortal: rows[0]!.of_portal }
}

/** The log of a patient and of accounts, newest first. */
export const identityLog = async (db: Db, portal: PortalId, of: { contactId?: string; identities: readonly number[] }, limit: number): Promise<readonly IdentityLine[]> => {
  const rows = await db
    .selectFrom('identity_log')
    .selectAll()
    .where('portal_id', '=', portal)
    .where((where) =>
      where.or([
        ...(of.contactId === undefined ? [] : [where('contact_id', '=', of.contactId)]),
        ...(of.identities.length === 0 ? [] : [where('identity_number', 'in', [...of.identities])]),
        sql<boolean>`false`,
      ]),
    )
    .orderBy('line_id', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    at: row.at, identity: row.identity_number ?? undefined, contactId: row.contact_id ?? undefined, what: row.what as IdentityAct, proof: row.proof ?? undefined, by: row.by,
  }))
}

/** Whose a start link is: a patient's, or that of whoever writes in another chat and is not known yet. */
export type StartLinkOwner = { readonly contactId: string } | { readonly fromIdentity: number }

/** Keeps a token's digest: the token itself is in the link alone. */
export const saveStartLink = async (
  trx: Db | Trx,
  link: StartLinkOwner & { portalId: PortalId; token: string; connectionId: ConnectionId; madeBy: string; expiresAt: Date },
): Promise<void> => {
  await trx
    .insertInto('start_links')
    .values({
      portal_id: link.portalId,
      token_hash: digestOf(link.token),
      connection_id: link.connectionId,
      contact_id: 'contactId' in link ? link.contactId : null,
      from_identity: 'fromIdentity' in link ? link.fromIdentity : null,
      made_by: link.madeBy,
      expires_at: link.expiresAt,
    })
    .execute()
}

/** Uses up a token: whoever it was made for, once, through the bot for which it was made. */
export const useStartLink = async (trx: Trx, portal: PortalId, connection: ConnectionId, token: string, now: Date): Promise<StartLinkOwner | undefined> => {
  const { rows } = await sql<{ contact_id: string | null; from_identity: number | null }>`
    update start_links set used_at = ${now} where portal_id = ${portal} and token_hash = ${digestOf(token)} and connection_id = ${connection} and used_at is null and expires_at > ${now}
    returning contact_id, from_identity`.execute(trx)
  const [row] = rows
  if (row === undefined) return undefined
  return row.contact_id === null ? { fromIdentity: row.from_identity! } : { contactId: row.contact_id }
}

const digestOf = (value: string): string => createHash('sha256').update(value).digest('hex')
