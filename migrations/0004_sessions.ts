import { sql, type Kysely } from 'kysely'

/** Where a session with a vendor that outlives a call (a mailbox, an SMSC) goes on after whoever held it is gone. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table session_cursors (
      portal_id text not null,
      connection_id text not null,
      cursor text not null,
      saved_at timestamptz not null default now(),
      primary key (portal_id, connection_id),
      foreign key (portal_id, connection_id) references connections on delete cascade
    );
    comment on column session_cursors.cursor is 'written and read by the channel alone';
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop table session_cursors`.execute(db)
}
