import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Migrator, type Migration } from 'kysely/migration'
import { type Db } from './database.ts'

const folder = path.resolve(import.meta.dirname, '../../migrations')

/**
 * Brings the database up to the newest migration; several processes may start at once, one migrates and the others wait.
 *
 * @throws the error of the migration that failed; nothing of it remains
 */
export const migrateToLatest = async (db: Db): Promise<void> => {
  const migrator = new Migrator({
    db,
    provider: {
      getMigrations: async () => {
        const files = readdirSync(folder).filter((file) => file.endsWith('.ts')).sort()
        const entries = files.map(async (file) => [path.basename(file, '.ts'), (await import(pathToFileURL(path.join(folder, file)).href)) as Migration] as const)
        return Object.fromEntries(await Promise.all(entries))
      },
    },
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error instanceof Error ? error : new Error('The migration failed', { cause: error })
}
