/**
 * One PostgreSQL for the whole run: migrated once into a template, from which every test file clones its own database (about 20 ms).
 * The server lives in a temporary folder and is gone afterwards; nothing that runs on the machine is used or touched.
 */
import { mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createDatabase } from '../../src/db/database.ts'
import { startEmbedded, type EmbeddedPostgres } from '../../src/db/embedded.ts'
import { migrateToLatest } from '../../src/db/migrate.ts'
import { openQueue } from '../../src/queue/boss.ts'

declare global {
  var estafetaTestServer: { postgres: EmbeddedPostgres; folder: string } | undefined
}

export const templateDatabase = 'estafeta_template'

export default async function setup(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-test-'))
  // A test database need not survive a power cut.
  const postgres = await startEmbedded({ dataDir: path.join(folder, 'pg'), settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' } })
  const admin = createDatabase({ ...postgres.connection, database: 'postgres' }, { poolSize: 4 })
  await admin.pool.query(`create database ${templateDatabase}`)
  const connection = { ...postgres.connection, database: templateDatabase }
  const template = createDatabase(connection, { poolSize: 4 })
  await migrateToLatest(template.db)
  const queue = await openQueue({ connection, isWorker: false, onError: () => undefined })
  await queue.stop()
  await template.db.destroy()
  await admin.db.destroy()
  globalThis.estafetaTestServer = { postgres, folder }
  process.env.ESTAFETA_TEST_SOCKET = postgres.connection.host
}

