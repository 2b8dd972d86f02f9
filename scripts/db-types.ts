/**
 * Writes src/db/schema.ts from a freshly migrated database, so that migrations and types cannot part.
 *
 * `node scripts/db-types.ts` writes; `generateSchema` is also called by the test that compares.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Pool } from 'pg'

const types: Readonly<Record<string, string>> = {
  text: 'string', int2: 'number', int4: 'number', int8: 'number', float8: 'number', bool: 'boolean', timestamptz: 'Date', bytea: 'Buffer', jsonb: 'unknown', _text: 'string[]',
}

export const generateSchema = async (pool: Pool): Promise<string> => {
  const { rows } = await pool.query<{ table_name: string; column_name: string; udt_name: string; is_nullable: string; is_generated: boolean; comment: string | null; checks: string | null }>(`
    select c.table_name, c.column_name, c.udt_name, c.is_nullable, (c.column_default is not null or c.is_identity = 'YES') as is_generated,
      col_description(('public.' || c.table_name)::regclass, c.ordinal_position) as comment,
      (select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = ('public.' || c.table_name)::regclass and k.contype = 'c'
        and k.conkey = array[c.ordinal_position::smallint] limit 1) as checks
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name not like 'kysely%'
    order by c.table_name, c.ordinal_position`)
  const tables = Map.groupBy(rows, (row) => row.table_name)
  const nameOf = (table: string): string => table.split('_').map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
  const typeOf = (row: (typeof rows)[number]): string => {
    const closed = row.checks?.match(/ARRAY\[(.*?)\]/)?.[1]
    const base = closed === undefined ? types[row.udt_name] : [...closed.matchAll(/'([^']+)'/g)].map(([, value]) => `'${value!}'`).join(' | ')
    if (base === undefined) throw new Error(`No type for ${row.table_name}.${row.column_name} (${row.udt_name})`)
    const nullable = row.is_nullable === 'YES' && base !== 'unknown' ? `${base} | null` : base
    return row.is_generated ? `Generated<${nullable}>` : nullable
  }
  const interfaces = [...tables].map(([table, columns]) => {
    const lines = columns.map((column) => `${column.comment === null ? '' : `  /** ${column.comment} */\n`}  ${column.column_name}: ${typeOf(column)}`)
    return `export interface ${nameOf(table)} {\n${lines.join('\n')}\n}\n`
  })
  const index = [...tables.keys()].map((table) => `  ${table}: ${nameOf(table)}`).join('\n')
  return `// Written by "npm run db:types" from the migrations. Do not edit.\nimport { type Generated } from 'kysely'\n\n${interfaces.join('\n')}\nexport interface Database {\n${index}\n}\n`
}

if (import.meta.main) {
  const { startEmbedded } = await import('../src/db/embedded.ts')
  const { createDatabase } = await import('../src/db/database.ts')
  const { migrateToLatest } = await import('../src/db/migrate.ts')
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-types-'))
  const postgres = await startEmbedded({ dataDir: path.join(folder, 'db'), settings: { fsync: 'off' } })
  const { db, pool } = createDatabase(postgres.connection, { poolSize: 4 })
  await migrateToLatest(db)
  writeFileSync(path.resolve(import.meta.dirname, '../src/db/schema.ts'), await generateSchema(pool))
  await db.destroy()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
