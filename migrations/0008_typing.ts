import { sql, type Kysely } from 'kysely'

/** When somebody was last seen typing: what an operator is shown beside the chat. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    alter table identities add column typing_at timestamptz;
    comment on column identities.typing_at is 'when they were last seen typing; null again with their next message';
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table identities drop column typing_at`.execute(db)
}
