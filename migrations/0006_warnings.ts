import { sql, type Kysely } from 'kysely'

/** What the vendor says of a connection that works for now: a low balance, a lowered quality, webhooks that fail. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table connections add column warnings jsonb not null default '[]'`.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table connections drop column warnings`.execute(db)
}
