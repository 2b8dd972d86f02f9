import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { AppError } from '../errors.ts'
import { type Database } from './schema.ts'

export type Db = Kysely<Database>
export type Trx = Transaction<Database>

export type DatabaseConnection = { readonly connectionString: string } | { readonly host: string; readonly port: number; readonly user: string; readonly database: string }

/** bigint identities and counters stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/**
 * A pool of connections and the typed query builder over it.
 *
 * An idle connection that breaks is replaced silently: whoever needs it next gets a new one, and its error there.
 */
export const createDatabase = (connection: DatabaseConnection, options: { poolSize: number; onIdleError?: (error: Error) => void }): { db: Db; pool: pg.Pool } => {
  const pool = new pg.Pool({ ...connection, max: options.poolSize, connectionTimeoutMillis: 30_000, application_name: 'estafeta' })
  pool.on('error', (error) => options.onIdleError?.(error))
  return { db: new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }), pool }
}

/** PostgreSQL 18 is the first that tells `old` and `new` in RETURNING, by which budgets and identities are written in one statement. */
const oldestServerVersion = 180_000

/**
 * Stops the start with one sentence where the database cannot be reached or is too old.
 *
 * @throws AppError CONFIG_INVALID
 */
export const requireServer = async (pool: pg.Pool): Promise<void> => {
  const found = await pool.query<{ server_version_num: string }>('show server_version_num').catch((cause: unknown) => {
    const code = (cause as { code?: unknown }).code
    throw new AppError('CONFIG_INVALID', `The database of the setting DATABASE_URL cannot be used (${typeof code === 'string' ? code : 'no answer'}): check the address, the role, its password and that the server runs.`, { cause })
  })
  const version = Number(found.rows[0]!.server_version_num)
  if (version < oldestServerVersion) {
    throw new AppError('CONFIG_INVALID', `The setting DATABASE_URL names a PostgreSQL ${Math.floor(version / 10_000)} server: version 18 or newer is needed.`)
  }
}
