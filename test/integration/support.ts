import type pg from 'pg'
import { createDatabase, type Db } from '../../src/db/database.ts'
import { upsertPortal } from '../../src/db/portals.ts'
import { portalId, type PortalId } from '../../src/domain/ids.ts'
import { cloneDatabase, type TestDatabase } from '../support/database.ts'

export interface OpenDatabase extends TestDatabase {
  readonly db: Db
  readonly pool: pg.Pool
  readonly query: <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>
}

/** A database of one's own with a pool over it; `drop` closes the pool first. */
export const openDatabase = async (poolSize = 8): Promise<OpenDatabase> => {
  const database = await cloneDatabase()
  const { db, pool } = createDatabase(database.connection, { poolSize })
  return {
    ...database,
    db,
    pool,
    query: async <Row>(text: string, values: readonly unknown[] = []) => (await pool.query(text, [...values])).rows as Row[],
    drop: async () => {
      await db.destroy()
      await database.drop()
    },
  }
}

/** A portal that is installed, so that rows may belong to it. */
export const addPortal = async (db: Db, name: string): Promise<PortalId> => {
  const id = portalId(name)
  await db.transaction().execute(async (trx) =>
    upsertPortal(trx, {
      id, domain: `${name}.example`, clientEndpoint: `https://${name}.example/rest/`, serverEndpoint: 'https://oauth.example/rest/', sealedApplicationToken: 'sealed', state: 'installed',
      scope: 'crm', version: '1', status: 'L',
    }),
  )
  return id
}
