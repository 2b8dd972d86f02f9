import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
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
