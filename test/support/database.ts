import { randomBytes } from 'node:crypto'
import pg from 'pg'

const socket = (): string => {
  const found = process.env.ESTAFETA_TEST_SOCKET
  if (found === undefined) throw new Error('The test database is started by jest: run "npm test -- <file>"')
  return found
}

const admin = async (statement: string): Promise<void> => {
  const client = new pg.Client({ host: socket(), port: 5432, user: 'estafeta', database: 'postgres' })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

export interface TestDatabase {
  /** For DATABASE_URL. */
  readonly url: string
  readonly connection: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  drop(): Promise<void>
}

/** A database of one's own, migrated, empty. */
export const cloneDatabase = async (): Promise<TestDatabase> => {
  const database = `test_${randomBytes(8).toString('hex')}`
  await admin(`create database ${database} template estafeta_template strategy file_copy`)
  return {
    url: `postgres://estafeta@localhost/${database}?host=${encodeURIComponent(socket())}`,
    connection: { host: socket(), port: 5432, user: 'estafeta', database },
    drop: () => admin(`drop database if exists ${database} with (force)`),
  }
}
