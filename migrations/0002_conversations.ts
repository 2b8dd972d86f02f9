import { type Kysely, sql } from 'kysely'

/** Conversations: open lines, chats with their messages in order, who a person is and how that was proved, appointments. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    alter table portals
      add column one_chat_per_patient boolean not null default false,
      add column appointment_fields jsonb not null default '{}';

    create table lines (
      portal_id text not null references portals on delete cascade,
      connector text not null,
      line_id text not null,
      connection_id text,
      name text not null default '',
      is_active boolean not null default true,
      problem text,
      activated_at timestamptz not null default now(),
      primary key (portal_id, connector, line_id),
      foreign key (portal_id, connection_id) references connections on delete cascade
    );
    create unique index lines_of_connection on lines (portal_id, connection_id) where connection_id is not null;
    comment on table lines is 'which open line speaks for which connection; the line of "one chat per patient" has none';

    alter table identities
      drop constraint identities_proof_check,
      add constraint identities_proof_check check (proof in ('ownContact', 'startLink', 'phone', 'smsCode', 'operator')),
      add column number bigint generated always as identity,
      add column introduction jsonb not null default '{"stage":"new"}',
      add column candidates text[] not null default '{}',
      add column contact_name text,
      add column bound_by text;
    create unique index identities_by_number on identities (portal_id, number);
    comment on column identities.number is 'the chat: what its messages, its queue and its open-line dialogue name';
    comment on column identities.introduction is 'how far the request to introduce oneself has come';
    comment on column identities.candidates is 'contacts that share the proved phone: a person chooses, never a guess';
    comment on column identities.bound_by is 'patient, application, or user:<id> of the employee';

    create table dialogs (
      portal_id text not null references portals on delete cascade,
      dialog_id bigint generated always as identity,
      connector text not null,
      line_id text not null,
      identity_number bigint,
      contact_id text,
      im_chat_id text,
      session_id text,
      portal_user_id text,
      last_identity bigint,
      reply_identity bigint,
      seen_message_id bigint not null default 0,
      warned_session_id text,
      is_open boolean not null default true,
      touched_at timestamptz not null default now(),
      primary key (portal_id, dialog_id),
      check ((identity_number is null) <> (contact_id is null))
    );
    create unique index dialogs_of_identity on dialogs (portal_id, connector, line_id, identity_number) where identity_number is not null;
    create unique index dialogs_of_contact on dialogs (portal_id, connector, line_id, contact_id) where contact_id is not null;
    create index dialogs_by_im_chat on dialogs (portal_id, im_chat_id) where im_chat_id is not null;
    create index dialogs_open on dialogs (portal_id, touched_at) where is_open and im_chat_id is not null;
    comment on table dialogs is 'a chat as the open line knows it: c<dialog_id> and p<dialog_id> are its ids there';
    comment on column dialogs.contact_id is 'one chat per patient: the messages of all accounts of this contact';
    comment on column dialogs.seen_message_id is 'the newest message of the portal that we know of';
    comment on column dialogs.warned_session_id is 'the session in which the operator was told that the person is not proved';

    create table messages (
      portal_id text not null,
      message_id bigint generated always as identity,
      identity_number bigint not null,
      connection_id text not null,
      direction text not null check (direction in ('in', 'out')),
      author text not null check (author in ('patient', 'operator', 'robot', 'staff')),
      author_id text,
      at timestamptz not null,
      body text not null,
      files jsonb not null default '[]',
      place jsonb,
      contact_card jsonb,
      quote jsonb,
      buttons jsonb,
      external_id text,
      dialog_id bigint,
      im_message_id bigint,
      part smallint not null default 0,
      state text not null check (state in ('received', 'queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown')),
      failure jsonb,
      edited_at timestamptz,
      deleted_at timestamptz,
      primary key (portal_id, message_id)
    );
    create index messages_history on messages (portal_id, identity_number, at desc, message_id desc);
    create unique index messages_by_external_id on messages (portal_id, connection_id, external_id) where external_id is not null;
    create unique index messages_of_operator on messages (portal_id, dialog_id, im_message_id, part) where im_message_id is not null;
    comment on column messages.part is 'an operator''s text and each of their files leave as messages of their own';

    create table chat_queue (
      entry_id bigint generated always as identity primary key,
      portal_id text not null,
      direction text not null check (direction in ('toLine', 'toMessenger')),
      identity_number bigint not null,
      kind text not null check (kind in ('message', 'edit', 'delete', 'note', 'tick', 'link', 'unlink', 'catchUp')),
      message_id bigint,
      payload jsonb not null default '{}',
      state text not null default 'ready' check (state in ('ready', 'performing')),
      is_uncertain boolean not null default false,
      tries smallint not null default 0,
      run_at timestamptz not null,
      since timestamptz not null,
      lease_until timestamptz
    );
    create index chat_queue_of_chat on chat_queue (portal_id, direction, identity_number, entry_id);
    create index chat_queue_due on chat_queue (direction, run_at, entry_id) where state = 'ready';
    create index chat_queue_performing on chat_queue (lease_until) where state = 'performing';
    comment on table chat_queue is 'what is to be done in a chat, first in, first out; a row that is done is gone';
    comment on column chat_queue.is_uncertain is 'an earlier try may have been carried out';

    create table start_links (
      portal_id text not null references portals on delete cascade,
      token_hash text not null,
      connection_id text not null,
      contact_id text not null,
      made_by text not null,
      expires_at timestamptz not null,
      used_at timestamptz,
      primary key (portal_id, token_hash),
      foreign key (portal_id, connection_id) references connections on delete cascade
    );
    comment on table start_links is 'a token made for a patient binds on the first tap, once';

    create table identity_log (
      portal_id text not null,
      line_id bigint generated always as identity,
      at timestamptz not null default now(),
      identity_number bigint,
      contact_id text,
      what text not null,
      proof text,
      by text not null,
      phone_hash text,
      primary key (portal_id, line_id)
    );
    create index identity_log_of_contact on identity_log (portal_id, contact_id, line_id desc) where contact_id is not null;
    create index identity_log_of_identity on identity_log (portal_id, identity_number, line_id desc) where identity_number is not null;
    create index identity_log_codes on identity_log (portal_id, at) where what = 'codeSent';

    create table appointments (
      portal_id text not null references portals on delete cascade,
      external_id text not null,
      contact_id text,
      deal_id text,
      at timestamptz not null,
      ends_at timestamptz,
      doctor text,
      place text,
      service text,
      preparation text,
      updated_at timestamptz not null default now(),
      primary key (portal_id, external_id)
    );
    create index appointments_of_contact on appointments (portal_id, contact_id, at) where contact_id is not null;
    create index appointments_of_deal on appointments (portal_id, deal_id, at) where deal_id is not null;
    comment on table appointments is 'what a medical information system told through the HTTP API';

    create table api_keys (
      portal_id text not null references portals on delete cascade,
      key_id text not null,
      name text not null,
      key_hash text not null unique,
      created_at timestamptz not null default now(),
      last_used_at timestamptz,
      primary key (portal_id, key_id)
    );

    create table presence (
      only_row boolean primary key default true check (only_row),
      alive_at timestamptz not null
    );
    comment on table presence is 'when this application was last known to hear the portals: what they said later is looked for';

    alter table inbox drop constraint inbox_kind_check, add constraint inbox_kind_check check (kind in ('channel', 'robot', 'event', 'line'));
    create index deliveries_of_contact on deliveries (portal_id, contact_id, started_at desc, delivery_id desc) where contact_id is not null;
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    drop index deliveries_of_contact;
    alter table inbox drop constraint inbox_kind_check, add constraint inbox_kind_check check (kind in ('channel', 'robot', 'event'));
    drop table presence, api_keys, appointments, identity_log, start_links, chat_queue, messages, dialogs, lines;
    alter table identities drop constraint identities_proof_check, add constraint identities_proof_check check (proof in ('ownContact', 'startLink', 'phone')),
      drop column number, drop column introduction, drop column candidates, drop column contact_name, drop column bound_by;
    alter table portals drop column one_chat_per_patient, drop column appointment_fields;
  `.execute(db)
}
