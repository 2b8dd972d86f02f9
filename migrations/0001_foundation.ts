import { type Kysely, sql } from 'kysely'

/**
 * The tables of the main job. Every table that belongs to a portal starts its key with `portal_id`, so that rows of one
 * portal lie together, are never mixed with another's, and can be sharded by it.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table portals (
      portal_id text primary key,
      domain text not null,
      client_endpoint text not null,
      server_endpoint text not null,
      application_token text not null,
      state text not null check (state in ('installed', 'needsReinstall', 'uninstalled')),
      status text not null,
      scope text not null,
      version text not null default '1',
      language text not null default 'ru' check (language in ('ru', 'en')),
      time_zone text not null default 'Europe/Moscow',
      problems jsonb not null default '[]',
      installed_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column portals.portal_id is 'member_id: stable across renames of the portal';
    comment on column portals.application_token is 'encrypted; differs for each installation';

    create table portal_tokens (
      portal_id text not null references portals on delete cascade,
      user_id text not null,
      is_admin boolean not null,
      access_token text not null,
      refresh_token text not null,
      expires_at timestamptz not null,
      is_valid boolean not null default true,
      updated_at timestamptz not null default now(),
      primary key (portal_id, user_id)
    );
    comment on table portal_tokens is 'several administrators per portal, so that the application outlives one of them; tokens are encrypted';

    create table connections (
      portal_id text not null references portals on delete cascade,
      connection_id text not null,
      channel text not null,
      name text not null,
      state text not null check (state in ('working', 'broken', 'off')),
      problem text,
      credentials text not null,
      hook_key text not null unique,
      title text not null,
      details jsonb not null default '[]',
      checked_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (portal_id, connection_id)
    );
    comment on column connections.credentials is 'encrypted JSON';
    comment on column connections.hook_key is 'unguessable part of the webhook address';

    create table routes (
      portal_id text not null references portals on delete cascade,
      route_id text not null,
      name text not null,
      is_default boolean not null default false,
      stops_when_deal_moves boolean not null default true,
      steps jsonb not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (portal_id, route_id)
    );
    create unique index routes_one_default on routes (portal_id) where is_default;

    create table identities (
      portal_id text not null,
      connection_id text not null,
      external_id text not null,
      chat_id text not null,
      name text,
      contact_id text,
      proof text check (proof in ('ownContact', 'startLink', 'phone')),
      state text not null default 'active' check (state in ('active', 'blocked')),
      bound_at timestamptz,
      first_seen_at timestamptz not null default now(),
      last_inbound_at timestamptz,
      primary key (portal_id, connection_id, external_id),
      foreign key (portal_id, connection_id) references connections on delete cascade
    );
    create index identities_of_contact on identities (portal_id, contact_id) where contact_id is not null;
    create index identities_of_chat on identities (portal_id, connection_id, chat_id);
    comment on table identities is 'a messenger account of a person, with how it was proved to belong to the contact';

    create table inbox (
      id bigint generated always as identity primary key,
      source text not null,
      external_id text not null,
      portal_id text,
      connection_id text,
      kind text not null check (kind in ('channel', 'robot', 'event')),
      headers jsonb not null default '{}',
      body bytea not null,
      sealed text,
      state text not null default 'received' check (state in ('received', 'done', 'unreadable', 'failed')),
      reason text,
      tries smallint not null default 0,
      not_before timestamptz,
      received_at timestamptz not null default now(),
      finished_at timestamptz
    );
    create unique index inbox_once on inbox (source, external_id);
    create index inbox_received on inbox (id) where state = 'received';
    create index inbox_finished on inbox (finished_at) where state <> 'received';
    comment on table inbox is 'what arrived, raw, once; answered 200 as soon as the row is there';
    comment on column inbox.sealed is 'encrypted secrets of a lifecycle event';

    create table deliveries (
      portal_id text not null references portals on delete cascade,
      delivery_id text not null,
      trigger_key text not null,
      deal_id text not null,
      purpose text not null,
      body text not null,
      route jsonb not null,
      status text not null check (status in ('running', 'reached', 'notReached', 'stopped')),
      phase text not null check (phase in ('looking', 'trying', 'closed')),
      step smallint not null,
      started_at timestamptz not null,
      deadline_at timestamptz,
      closed_at timestamptz,
      due_at timestamptz,
      stage_id text,
      contact_id text,
      contact_name text,
      responsible_id text,
      reach jsonb,
      answer text check (answer in ('confirm', 'move', 'cancel', 'replied')),
      stop_reason text,
      task_given boolean not null default false,
      fired text[] not null default '{}',
      event_token text,
      activity_id bigint,
      primary key (portal_id, delivery_id)
    );
    create unique index deliveries_once on deliveries (portal_id, trigger_key);
    create index deliveries_running_of_contact on deliveries (portal_id, contact_id) where status = 'running';
    create index deliveries_due on deliveries (due_at) where status = 'running';
    create index deliveries_recent on deliveries (portal_id, started_at desc);
    comment on column deliveries.trigger_key is 'event token of the robot run: one key never makes two deliveries';
    comment on column deliveries.due_at is 'when the open step is over; wakes that were lost are found by it';
    comment on column deliveries.event_token is 'encrypted; absent when nobody waits for the answer';

    create sequence attempt_numbers as integer minvalue 1 maxvalue 2147483647 cycle;
    create table attempts (
      portal_id text not null,
      delivery_id text not null,
      step smallint not null,
      connection_id text not null,
      number integer not null default nextval('attempt_numbers'),
      state text not null check (state in ('waiting', 'sending', 'unknown', 'out', 'failed', 'skipped')),
      started_at timestamptz not null,
      budget_ms bigint not null,
      tries smallint not null,
      address text,
      external_id text,
      parts smallint,
      proof text check (proof in ('accepted', 'sent', 'delivered', 'read', 'acted')),
      times jsonb not null default '{}',
      failure jsonb,
      skip text,
      primary key (portal_id, delivery_id, step),
      foreign key (portal_id, delivery_id) references deliveries on delete cascade
    );
    create unique index attempts_by_external_id on attempts (portal_id, connection_id, external_id) where external_id is not null;
    create index attempts_by_number on attempts (portal_id, connection_id, number);
    create index attempts_by_address on attempts (portal_id, address) where state in ('sending', 'unknown', 'out');
    comment on column attempts.number is 'our id at vendors whose ids are integers';

    create table parked_receipts (
      id bigint generated always as identity primary key,
      portal_id text not null,
      connection_id text not null,
      external_id text not null,
      receipt jsonb not null,
      parked_at timestamptz not null default now()
    );
    create index parked_receipts_by_external_id on parked_receipts (portal_id, connection_id, external_id);
    create index parked_receipts_by_age on parked_receipts (parked_at);
    comment on table parked_receipts is 'receipts whose message we do not know yet: they may come before the answer of the send';

    create table patient_messages (
      portal_id text not null,
      connection_id text not null,
      external_id text not null,
      received_at timestamptz not null default now(),
      primary key (portal_id, connection_id, external_id)
    );
    comment on table patient_messages is 'ids of what patients sent, so that a repeated webhook has no second effect';

    create table outbox (
      id bigint generated always as identity primary key,
      portal_id text not null,
      lane text not null check (lane in ('channel', 'portal')),
      kind text not null,
      connection_id text,
      delivery_id text,
      step smallint,
      payload jsonb not null default '{}',
      urgency smallint not null default 5,
      state text not null default 'ready' check (state in ('ready', 'performing', 'done', 'failed')),
      run_at timestamptz not null,
      since timestamptz not null,
      tries smallint not null default 0,
      lease_until timestamptz,
      reason text,
      finished_at timestamptz
    );
    create index outbox_ready on outbox (lane, run_at, id) where state = 'ready';
    create index outbox_ready_of_portal on outbox (portal_id, urgency, id) where state = 'ready' and lane = 'portal';
    create index outbox_performing on outbox (lease_until) where state = 'performing';
    create index outbox_finished on outbox (finished_at) where state in ('done', 'failed');
    create unique index outbox_one_record on outbox (portal_id, delivery_id) where kind = 'record' and state = 'ready';
    create unique index outbox_one_look on outbox (portal_id, delivery_id) where kind = 'look' and state = 'ready';
    comment on table outbox is 'what must be done outside, once';
    comment on column outbox.run_at is 'not before, by the application clock; lease_until is by the real one';
    comment on column outbox.urgency is 'smaller is sooner: a look before a step goes before a timeline record';

    create table budgets (
      key text primary key,
      level double precision not null default 0,
      level_at timestamptz not null default now(),
      paused_until timestamptz,
      paused_methods jsonb not null default '{}',
      speaker text,
      speaker_until timestamptz
    );
    comment on table budgets is 'leaky buckets shared by all processes: one per portal (REST) and one per connection (sends)';
  `.execute(db)
}

export const down = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    drop table budgets, outbox, patient_messages, parked_receipts, attempts, deliveries, inbox, identities, routes, connections, portal_tokens, portals;
    drop sequence attempt_numbers;
  `.execute(db)
}
