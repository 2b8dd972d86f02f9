/** Keys of the HTTP API. A key itself is shown once, when it is made; here lies its digest, by which it is found. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { portalId, type PortalId } from '../domain/ids.ts'
import { type Db } from './database.ts'

export interface ApiKeyRow {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | undefined
}

const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex')

export const listApiKeys = async (db: Db, portal: PortalId): Promise<readonly ApiKeyRow[]> =>
  (await db.selectFrom('api_keys').select(['key_id', 'name', 'created_at', 'last_used_at']).where('portal_id', '=', portal).orderBy('created_at').execute()).map((row) => ({
    id: row.key_id, name: row.name, createdAt: row.created_at, lastUsedAt: row.last_used_at ?? undefined,
  }))

export const saveApiKey = async (db: Db, portal: PortalId, key: { readonly id: string; readonly name: string; readonly key: string }): Promise<void> => {
  await db.insertInto('api_keys').values({ portal_id: portal, key_id: key.id, name: key.name, key_hash: digestOf(key.key) }).execute()
}

/** @returns whether there was one */
export const deleteApiKey = async (db: Db, portal: PortalId, id: string): Promise<boolean> =>
  (await db.deleteFrom('api_keys').where('portal_id', '=', portal).where('key_id', '=', id).executeTakeFirst()).numDeletedRows > 0n

/** Whose key this is, noting its use to the minute. Names no portal because the key stands for it: 256 random bits, unique over all. */
export const portalOfKey = async (db: Db, key: string): Promise<PortalId | undefined> => {
  const row = await db
    .selectFrom('api_keys')
    .innerJoin('portals', 'portals.portal_id', 'api_keys.portal_id')
    .select(['api_keys.portal_id', 'api_keys.key_id'])
    .where('key_hash', '=', digestOf(key))
    .where('portals.state', '<>', 'uninstalled')
    .executeTakeFirst()
  if (row === undefined) return undefined
  await sql`update api_keys set last_used_at = now() where portal_id = ${row.portal_id} and key_id = ${row.key_id} and (last_used_at is null or last_used_at < now() - interval '1 minute')`.execute(db)
  return portalId(row.portal_id)
}
