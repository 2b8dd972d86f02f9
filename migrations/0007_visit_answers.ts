import { sql, type Kysely } from 'kysely'

/** What patients answered about a visit on the page that a messenger opens: the same answer twice is one. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table visit_answers (
      portal_id text not null references portals on delete cascade,
      contact_id text not null,
      visit_at timestamptz not null,
      answer text not null,
      answered_at timestamptz not null,
      primary key (portal_id, contact_id, visit_at),
      check (answer in ('confirm', 'move', 'cancel'))
    );
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop table visit_answers`.execute(db)
}
