import { type Kysely, sql } from 'kysely'

/** The chat on the clinic's site: a small messenger of our own. Nothing but the connection ties it to the rest. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table site_chats (
      portal_id text not null,
      connection_id text not null,
      site_key text not null unique,
      account text not null unique,
      created_at timestamptz not null default now(),
      primary key (portal_id, connection_id),
      foreign key (portal_id, connection_id) references connections on delete cascade
    );
    comment on column site_chats.site_key is 'public: stands in the page of the clinic''s site';
    comment on column site_chats.account is 'names the connection in calls of the application; derived from its secret';

    create table site_visitors (
      portal_id text not null,
      connection_id text not null,
      visitor_id text not null,
      language text not null check (language in ('ru', 'en')),
      version bigint not null default 0,
      delivered_id bigint not null default 0,
      read_id bigint not null default 0,
      clinic_read_id bigint not null default 0,
      marks_version bigint not null default 0,
      created_at timestamptz not null default now(),
      seen_at timestamptz not null default now(),
      primary key (portal_id, connection_id, visitor_id),
      foreign key (portal_id, connection_id) references site_chats on delete cascade
    );
    comment on column site_visitors.version is 'grows by one with every change of the chat, under the lock of this row: the cursor of live updates';
    comment on column site_visitors.clinic_read_id is 'the newest message of the visitor that the clinic has answered';
    comment on column site_visitors.marks_version is 'the version at which a mark moved last';

    create table site_consents (
      portal_id text not null,
      connection_id text not null,
      visitor_id text not null,
      version text not null,
      text text not null,
      policy_url text not null,
      accepted_at timestamptz not null,
      primary key (portal_id, connection_id, visitor_id, version),
      foreign key (portal_id, connection_id, visitor_id) references site_visitors on delete cascade
    );
    comment on table site_consents is 'what exactly each visitor agreed to, and when';

    create table site_files (
      portal_id text not null,
      connection_id text not null,
      file_id text not null,
      visitor_id text not null,
      kind text not null check (kind in ('image', 'video', 'audio', 'voice', 'sticker', 'file')),
      name text not null,
      mime_type text not null,
      bytes bytea not null,
      size_bytes integer not null,
      created_at timestamptz not null default now(),
      primary key (portal_id, connection_id, file_id),
      foreign key (portal_id, connection_id, visitor_id) references site_visitors on delete cascade
    );
    create index site_files_of_visitor on site_files (portal_id, connection_id, visitor_id);
    create index site_files_by_age on site_files (created_at);
    alter table site_files alter column bytes set storage external;

    create table site_messages (
      portal_id text not null,
      connection_id text not null,
      message_id bigint generated always as identity,
      visitor_id text not null,
      version bigint not null,
      author text not null check (author in ('visitor', 'clinic')),
      client_id text not null,
      text text not null,
      rich jsonb,
      buttons jsonb,
      pressed text,
      reply_to bigint,
      file_id text,
      sent_at timestamptz not null,
      edited_at timestamptz,
      deleted_at timestamptz,
      primary key (portal_id, connection_id, message_id),
      foreign key (portal_id, connection_id, visitor_id) references site_visitors on delete cascade
    );
    create unique index site_messages_once on site_messages (portal_id, connection_id, visitor_id, author, client_id);
    create index site_messages_by_version on site_messages (portal_id, connection_id, visitor_id, version);
    create index site_messages_by_id on site_messages (portal_id, connection_id, visitor_id, message_id);
    create index site_messages_of_file on site_messages (portal_id, connection_id, file_id) where file_id is not null;
    comment on column site_messages.client_id is 'given by the sender: a message that is sent again is the same message';

    create table site_hooks (
      portal_id text not null,
      connection_id text not null,
      hook_id bigint generated always as identity,
      visitor_id text not null,
      body text not null,
      written_at timestamptz not null default now(),
      primary key (portal_id, connection_id, hook_id),
      foreign key (portal_id, connection_id, visitor_id) references site_visitors on delete cascade
    );
    create index site_hooks_of_visitor on site_hooks (portal_id, connection_id, visitor_id, hook_id);
    create index site_hooks_by_age on site_hooks (written_at);
    comment on table site_hooks is 'what the application has still to be told; written together with the change itself';
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop table site_hooks, site_messages, site_files, site_consents, site_visitors, site_chats`.execute(db)
}
