/** Portals and their tokens. Secrets are sealed by the caller; nothing in here can read them. */
import { sql, type Selectable } from 'kysely'
import { portalId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'
import { type Portals } from './schema.ts'

export interface Portal {
  readonly id: PortalId
  readonly domain: string
  readonly clientEndpoint: string
  readonly serverEndpoint: string
  readonly sealedApplicationToken: string
  readonly state: 'installed' | 'needsReinstall' | 'uninstalled'
  readonly language: 'ru' | 'en'
  readonly timeZone: string
  readonly version: string
  readonly scope: string
  readonly problems: readonly string[]
  /** Messages of all messengers of a proved patient come into one open-line chat (E7). */
  readonly oneChatPerPatient: boolean
  /** Where appointments come from: the deal's fields by name, and whether online booking is read. */
  readonly appointmentFields: AppointmentFields
}

export interface AppointmentFields {
  readonly at?: string
  readonly doctor?: string
  readonly place?: string
  readonly preparation?: string
  readonly booking?: boolean
}

export interface StoredToken {
  readonly userId: string
  readonly isAdmin: boolean
  readonly sealedAccessToken: string
  readonly sealedRefreshToken: string
  /** Epoch ms of the real clock: OAuth servers know no rehearsals. */
  readonly expiresAt: number
}

export const findPortal = async (db: Db | Trx, id: PortalId): Promise<Portal | undefined> => {
  const row = await db.selectFrom('portals').selectAll().where('portal_id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toPortal(row)
}

/** The same, locked until the end of the transaction: nobody installs or uninstalls meanwhile. */
export const lockPortal = async (trx: Trx, id: PortalId): Promise<Portal | undefined> => {
  const row = await trx.selectFrom('portals').selectAll().where('portal_id', '=', id).forNoKeyUpdate().executeTakeFirst()
  return row === undefined ? undefined : toPortal(row)
}

export const listPortals = async (db: Db): Promise<readonly Portal[]> => (await db.selectFrom('portals').selectAll().orderBy('portal_id').execute()).map(toPortal)

/** Writes an installation over whatever there was: settings, connections and routes of an earlier one stay (H1). */
export const upsertPortal = async (trx: Trx, portal: Omit<Portal, 'problems' | 'language' | 'timeZone' | 'oneChatPerPatient' | 'appointmentFields'> & { status: string }): Promise<void> => {
  const values = {
    domain: portal.domain,
    client_endpoint: portal.clientEndpoint,
    server_endpoint: portal.serverEndpoint,
    application_token: portal.sealedApplicationToken,
    state: portal.state,
    status: portal.status,
    scope: portal.scope,
    version: portal.version,
  }
  await trx
    .insertInto('portals')
    .values({ portal_id: portal.id, ...values })
    .onConflict((conflict) => conflict.column('portal_id').doUpdateSet({ ...values, updated_at: sql`now()` }))
    .execute()
}

export const updatePortal = async (
  db: Db | Trx,
  id: PortalId,
  change: { state?: Portal['state']; language?: 'ru' | 'en'; timeZone?: string; problems?: readonly string[]; clientEndpoint?: string; domain?: string; sealedApplicationToken?: string; oneChatPerPatient?: boolean; appointmentFields?: AppointmentFields },
): Promise<void> => {
  await db
    .updateTable('portals')
    .set({
      ...(change.state === undefined ? {} : { state: change.state }),
      ...(change.language === undefined ? {} : { language: change.language }),
      ...(change.timeZone === undefined ? {} : { time_zone: change.timeZone }),
      ...(change.problems === undefined ? {} : { problems: JSON.stringify(change.problems) }),
      ...(change.clientEndpoint === undefined ? {} : { client_endpoint: change.clientEndpoint }),
      ...(change.domain === undefined ? {} : { domain: change.domain }),
      ...(change.sealedApplicationToken === undefined ? {} : { application_token: change.sealedApplicationToken }),
      ...(change.oneChatPerPatient === undefined ? {} : { one_chat_per_patient: change.oneChatPerPatient }),
      ...(change.appointmentFields === undefined ? {} : { appointment_fields: JSON.stringify(change.appointmentFields) }),
      updated_at: sql`now()`,
    })
    .where('portal_id', '=', id)
    .execute()
}

/** Removes everything of a portal: connections, routes, deliveries, identities (uninstall with "delete data"). */
export const deletePortal = async (trx: Trx, id: PortalId): Promise<void> => {
  await trx.deleteFrom('outbox').where('portal_id', '=', id).execute()
  await trx.deleteFrom('parked_receipts').where('portal_id', '=', id).execute()
  await trx.deleteFrom('patient_messages').where('portal_id', '=', id).execute()
  await trx.deleteFrom('chat_queue').where('portal_id', '=', id).execute()
  await trx.deleteFrom('messages').where('portal_id', '=', id).execute()
  await trx.deleteFrom('identity_log').where('portal_id', '=', id).execute()
  await trx.deleteFrom('inbox').where('portal_id', '=', id).execute()
  await trx.deleteFrom('portals').where('portal_id', '=', id).execute()
}

export const deleteTokens = async (trx: Trx, id: PortalId): Promise<void> => {
  await trx.deleteFrom('portal_tokens').where('portal_id', '=', id).execute()
}

export const saveToken = async (trx: Db | Trx, id: PortalId, token: StoredToken): Promise<void> => {
  const values = {
    is_admin: token.isAdmin,
    access_token: token.sealedAccessToken,
    refresh_token: token.sealedRefreshToken,
    expires_at: new Date(token.expiresAt),
    is_valid: true,
  }
  await trx
    .insertInto('portal_tokens')
    .values({ portal_id: id, user_id: token.userId, ...values })
    .onConflict((conflict) => conflict.columns(['portal_id', 'user_id']).doUpdateSet({ ...values, updated_at: sql`now()` }))
    .execute()
}

/** The token to work with: of an administrator, valid, the one renewed last. */
export const bestToken = async (db: Db | Trx, id: PortalId): Promise<StoredToken | undefined> => {
  const row = await db
    .selectFrom('portal_tokens')
    .selectAll()
    .where('portal_id', '=', id)
    .where('is_valid', '=', true)
    .where('is_admin', '=', true)
    .orderBy('updated_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : toToken(row)
}

/** Locks one user's token for a refresh: whoever comes second reads what the first one got. */
export const lockToken = async (trx: Trx, id: PortalId, userId: string): Promise<(StoredToken & { isValid: boolean }) | undefined> => {
  const row = await trx.selectFrom('portal_tokens').selectAll().where('portal_id', '=', id).where('user_id', '=', userId).forUpdate().executeTakeFirst()
  return row === undefined ? undefined : { ...toToken(row), isValid: row.is_valid }
}

export const invalidateToken = async (db: Db | Trx, id: PortalId, userId: string): Promise<void> => {
  await db.updateTable('portal_tokens').set({ is_valid: false, updated_at: sql`now()` }).where('portal_id', '=', id).where('user_id', '=', userId).execute()
}

const toToken = (row: { user_id: string; is_admin: boolean; access_token: string; refresh_token: string; expires_at: Date }): StoredToken => ({
  userId: row.user_id,
  isAdmin: row.is_admin,
  sealedAccessToken: row.access_token,
  sealedRefreshToken: row.refresh_token,
  expiresAt: row.expires_at.getTime(),
})

const toPortal = (row: Selectable<Portals>): Portal => ({
  id: portalId(row.portal_id),
  domain: row.domain,
  clientEndpoint: row.client_endpoint,
  serverEndpoint: row.server_endpoint,
  sealedApplicationToken: row.application_token,
  state: row.state,
  language: row.language,
  timeZone: row.time_zone,
  version: row.version,
  scope: row.scope,
  problems: row.problems as string[],
  oneChatPerPatient: row.one_chat_per_patient,
  appointmentFields: row.appointment_fields as AppointmentFields,
})
