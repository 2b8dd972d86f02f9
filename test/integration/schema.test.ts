import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createDatabase, requireServer } from '../../src/db/database.ts'
import { migrateToLatest } from '../../src/db/migrate.ts'
import { generateSchema } from '../../scripts/db-types.ts'
import { cloneDatabase, type TestDatabase } from '../support/database.ts'

const schemaFile = path.resolve(import.meta.dirname, '../../src/db/schema.ts')

describe('migrations', () => {
  let database: TestDatabase
  let opened: ReturnType<typeof createDatabase>

  beforeAll(async () => {
    database = await cloneDatabase()
    opened = createDatabase(database.connection, { poolSize: 4 })
    // Emptied, so that what follows is a first start and not the work of the template.
    await opened.pool.query('drop schema public cascade; create schema public')
  })

  afterAll(async () => {
    await opened.db.destroy()
    await database.drop()
  })

  it('run up from an empty database, also when three processes start at once', async () => {
    const others = [1, 2].map(() => createDatabase(database.connection, { poolSize: 2 }))
    try {
      await Promise.all([opened.db, ...others.map(({ db }) => db)].map(async (db) => migrateToLatest(db)))
    } finally {
      await Promise.all(others.map(async ({ db }) => db.destroy()))
    }
    const { rows } = await opened.pool.query<{ name: string }>('select name from kysely_migration order by name')
    expect(rows.map(({ name }) => name)).toContain('0001_foundation')
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  })

  it('give the types that src/db/schema.ts tells', async () => {
    expect(await generateSchema(opened.pool)).toBe(readFileSync(schemaFile, 'utf8'))
  })

  it('change nothing when they are run again', async () => {
    const before = await generateSchema(opened.pool)
    await migrateToLatest(opened.db)
    expect(await generateSchema(opened.pool)).toBe(before)
  })

  it('keep the rows of a portal together: its id begins a key of every table that has it', async () => {
    const { rows } = await opened.pool.query<{ table_name: string }>(`
      select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.column_name = 'portal_id' and not exists (
        select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = ('public.' || c.table_name)::regclass and a.attname = 'portal_id')
      order by c.table_name`)
    // What arrived is found by its source before anybody knows the portal.
    expect(rows.map(({ table_name: name }) => name)).toEqual(['inbox'])
  })

  it('find a server that is new enough', async () => {
    await expect(requireServer(opened.pool)).resolves.toBeUndefined()
  })
})
