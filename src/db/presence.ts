/** When this application was last known to hear the portals. Real time. */
import { sql } from 'kysely'
import { type Db } from './database.ts'

/** Notes that we are here. @returns how long nobody was, ms; undefined at the very first time */
export const beAlive = async (db: Db): Promise<number | undefined> => {
  const { rows } = await sql<{ silent_ms: number | null }>`
    insert into presence (alive_at) values (now()) on conflict (only_row) do update set alive_at = now()
    returning (extract(epoch from new.alive_at - old.alive_at) * 1000)::float8 as silent_ms`.execute(db)
  return rows[0]?.silent_ms ?? undefined
}
