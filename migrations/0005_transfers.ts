import { type Kysely, sql } from 'kysely'

/** A start link may be made for a person who is not known yet: who goes on from another chat is the same person there. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    alter table start_links alter column contact_id drop not null, add column from_identity bigint,
      add constraint start_links_of_somebody check ((contact_id is null) <> (from_identity is null));
    comment on column start_links.from_identity is 'the chat that goes on in the messenger';
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    delete from start_links where contact_id is null;
    alter table start_links drop constraint start_links_of_somebody, drop column from_identity, alter column contact_id set not null;
  `.execute(db)
}
