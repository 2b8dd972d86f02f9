// Written by "npm run db:types" from the migrations. Do not edit.
import { type Generated } from 'kysely'

export interface ApiKeys {
  portal_id: string
  key_id: string
  name: string
  key_hash: string
  created_at: Generated<Date>
  last_used_at: Date | null
}

export interface Appointments {
  portal_id: string
  external_id: string
  contact_id: string | null
  deal_id: string | null
  at: Date
  ends_at: Date | null
  doctor: string | null
  place: string | null
  service: string | null
  preparation: string | null
  updated_at: Generated<Date>
}

export interface Attempts {
  portal_id: string
  delivery_id: string
  step: number
  connection_id: string
  /** our id at vendors whose ids are integers */
  number: Generated<number>
  state: 'waiting' | 'sending' | 'unknown' | 'out' | 'failed' | 'skipped'
  started_at: Date
  budget_ms: number
  tries: number
  address: string | null
  external_id: string | null
  parts: number | null
  proof: 'accepted' | 'sent' | 'delivered' | 'read' | 'acted' | null
  times: Generated<unknown>
  failure: unknown
  skip: string | null
}

export interface Budgets {
  key: string
  level: Generated<number>
  level_at: Generated<Date>
  paused_until: Date | null
  paused_methods: Generated<unknown>
  speaker: string | null
  speaker_until: Date | null
}

export interface ChatQueue {
  entry_id: Generated<number>
  portal_id: string
  direction: 'toLine' | 'toMessenger'
  identity_number: number
  kind: 'message' | 'edit' | 'delete' | 'note' | 'tick' | 'link' | 'unlink' | 'catchUp'
  message_id: number | null
  payload: Generated<unknown>
  state: Generated<'ready' | 'performing'>
  /** an earlier try may have been carried out */
  is_uncertain: Generated<boolean>
  tries: Generated<number>
  run_at: Date
  since: Date
  lease_until: Date | null
}

export interface Connections {
  portal_id: string
  connection_id: string
  channel: string
  name: string
  state: 'working' | 'broken' | 'off'
  problem: string | null
  /** encrypted JSON */
  credentials: string
  /** unguessable part of the webhook address */
  hook_key: string
  title: string
  details: Generated<unknown>
  checked_at: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
  warnings: Generated<unknown>
}

export interface Deliveries {
  portal_id: string
  delivery_id: string
  /** event token of the robot run: one key never makes two deliveries */
  trigger_key: string
  deal_id: string
  purpose: string
  body: string
  route: unknown
  status: 'running' | 'reached' | 'notReached' | 'stopped'
  phase: 'looking' | 'trying' | 'closed'
  step: number
  started_at: Date
  deadline_at: Date | null
  closed_at: Date | null
  /** when the open step is over; wakes that were lost are found by it */
  due_at: Date | null
  stage_id: string | null
  contact_id: string | null
  contact_name: string | null
  responsible_id: string | null
  reach: unknown
  answer: 'confirm' | 'move' | 'cancel' | 'replied' | null
  stop_reason: string | null
  task_given: Generated<boolean>
  fired: Generated<string[]>
  /** encrypted; absent when nobody waits for the answer */
  event_token: string | null
  activity_id: number | null
}

export interface Dialogs {
  portal_id: string
  dialog_id: Generated<number>
  connector: string
  line_id: string
  identity_number: number | null
  /** one chat per patient: the messages of all accounts of this contact */
  contact_id: string | null
  im_chat_id: string | null
  session_id: string | null
  portal_user_id: string | null
  last_identity: number | null
  reply_identity: number | null
  /** the newest message of the portal that we know of */
  seen_message_id: Generated<number>
  /** the session in which the operator was told that the person is not proved */
  warned_session_id: string | null
  is_open: Generated<boolean>
  touched_at: Generated<Date>
}

export interface Identities {
  portal_id: string
  connection_id: string
  external_id: string
  chat_id: string
  name: string | null
  contact_id: string | null
  proof: 'ownContact' | 'startLink' | 'phone' | 'smsCode' | 'operator' | null
  state: Generated<'active' | 'blocked'>
  bound_at: Date | null
  first_seen_at: Generated<Date>
  last_inbound_at: Date | null
  /** the chat: what its messages, its queue and its open-line dialogue name */
  number: Generated<number>
  /** how far the request to introduce oneself has come */
  introduction: Generated<unknown>
  /** contacts that share the proved phone: a person chooses, never a guess */
  candidates: Generated<string[]>
  contact_name: string | null
  /** patient, application, or user:<id> of the employee */
  bound_by: string | null
  /** when they were last seen typing; null again with their next message */
  typing_at: Date | null
}

export interface IdentityLog {
  portal_id: string
  line_id: Generated<number>
  at: Generated<Date>
  identity_number: number | null
  contact_id: string | null
  what: string
  proof: string | null
  by: string
  phone_hash: string | null
}

export interface Inbox {
  id: Generated<number>
  source: string
  external_id: string
  portal_id: string | null
  connection_id: string | null
  kind: 'channel' | 'robot' | 'event' | 'line'
  headers: Generated<unknown>
  body: Buffer
  /** encrypted secrets of a lifecycle event */
  sealed: string | null
  state: Generated<'received' | 'done' | 'unreadable' | 'failed'>
  reason: string | null
  tries: Generated<number>
  not_before: Date | null
  received_at: Generated<Date>
  finished_at: Date | null
}

export interface Lines {
  portal_id: string
  connector: string
  line_id: string
  connection_id: string | null
  name: Generated<string>
  is_active: Generated<boolean>
  problem: string | null
  activated_at: Generated<Date>
}

export interface Messages {
  portal_id: string
  message_id: Generated<number>
  identity_number: number
  connection_id: string
  direction: 'in' | 'out'
  author: 'patient' | 'operator' | 'robot' | 'staff'
  author_id: string | null
  at: Date
  body: string
  files: Generated<unknown>
  place: unknown
  contact_card: unknown
  quote: unknown
  buttons: unknown
  external_id: string | null
  dialog_id: number | null
  im_message_id: number | null
  /** an operator's text and each of their files leave as messages of their own */
  part: Generated<number>
  state: 'received' | 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown'
  failure: unknown
  edited_at: Date | null
  deleted_at: Date | null
}

export interface Outbox {
  id: Generated<number>
  portal_id: string
  lane: 'channel' | 'portal'
  kind: string
  connection_id: string | null
  delivery_id: string | null
  step: number | null
  payload: Generated<unknown>
  /** smaller is sooner: a look before a step goes before a timeline record */
  urgency: Generated<number>
  state: Generated<'ready' | 'performing' | 'done' | 'failed'>
  /** not before, by the application clock; lease_until is by the real one */
  run_at: Date
  since: Date
  tries: Generated<number>
  lease_until: Date | null
  reason: string | null
  finished_at: Date | null
}

export interface ParkedReceipts {
  id: Generated<number>
  portal_id: string
  connection_id: string
  external_id: string
  receipt: unknown
  parked_at: Generated<Date>
}

export interface PatientMessages {
  portal_id: string
  connection_id: string
  external_id: string
  received_at: Generated<Date>
}

export interface PortalTokens {
  portal_id: string
  user_id: string
  is_admin: boolean
  access_token: string
  refresh_token: string
  expires_at: Date
  is_valid: Generated<boolean>
  updated_at: Generated<Date>
}

export interface Portals {
  /** member_id: stable across renames of the portal */
  portal_id: string
  domain: string
  client_endpoint: string
  server_endpoint: string
  /** encrypted; differs for each installation */
  application_token: string
  state: 'installed' | 'needsReinstall' | 'uninstalled'
  status: string
  scope: string
  version: Generated<string>
  language: Generated<'ru' | 'en'>
  time_zone: Generated<string>
  problems: Generated<unknown>
  installed_at: Generated<Date>
  updated_at: Generated<Date>
  one_chat_per_patient: Generated<boolean>
  appointment_fields: Generated<unknown>
}

export interface Presence {
  only_row: Generated<boolean>
  alive_at: Date
}

export interface Routes {
  portal_id: string
  route_id: string
  name: string
  is_default: Generated<boolean>
  stops_when_deal_moves: Generated<boolean>
  steps: unknown
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface SessionCursors {
  portal_id: string
  connection_id: string
  /** written and read by the channel alone */
  cursor: string
  saved_at: Generated<Date>
}

export interface SiteChats {
  portal_id: string
  connection_id: string
  /** public: stands in the page of the clinic's site */
  site_key: string
  /** names the connection in calls of the application; derived from its secret */
  account: string
  created_at: Generated<Date>
}

export interface SiteConsents {
  portal_id: string
  connection_id: string
  visitor_id: string
  version: string
  text: string
  policy_url: string
  accepted_at: Date
}

export interface SiteFiles {
  portal_id: string
  connection_id: string
  file_id: string
  visitor_id: string
  kind: 'image' | 'video' | 'audio' | 'voice' | 'sticker' | 'file'
  name: string
  mime_type: string
  bytes: Buffer
  size_bytes: number
  created_at: Generated<Date>
}

export interface SiteHooks {
  portal_id: string
  connection_id: string
  hook_id: Generated<number>
  visitor_id: string
  body: string
  written_at: Generated<Date>
}

export interface SiteMessages {
  portal_id: string
  connection_id: string
  message_id: Generated<number>
  visitor_id: string
  version: number
  author: 'visitor' | 'clinic'
  /** given by the sender: a message that is sent again is the same message */
  client_id: string
  text: string
  rich: unknown
  buttons: unknown
  pressed: string | null
  reply_to: number | null
  file_id: string | null
  sent_at: Date
  edited_at: Date | null
  deleted_at: Date | null
}

export interface SiteVisitors {
  portal_id: string
  connection_id: string
  visitor_id: string
  language: 'ru' | 'en'
  /** grows by one with every change of the chat, under the lock of this row: the cursor of live updates */
  version: Generated<number>
  delivered_id: Generated<number>
  read_id: Generated<number>
  /** the newest message of the visitor that the clinic has answered */
  clinic_read_id: Generated<number>
  /** the version at which a mark moved last */
  marks_version: Generated<number>
  created_at: Generated<Date>
  seen_at: Generated<Date>
}

export interface StartLinks {
  portal_id: string
  token_hash: string
  connection_id: string
  contact_id: string | null
  made_by: string
  expires_at: Date
  used_at: Date | null
  /** the chat that goes on in the messenger */
  from_identity: number | null
}

export interface VisitAnswers {
  portal_id: string
  contact_id: string
  visit_at: Date
  answer: 'confirm' | 'move' | 'cancel'
  answered_at: Date
}

export interface Database {
  api_keys: ApiKeys
  appointments: Appointments
  attempts: Attempts
  budgets: Budgets
  chat_queue: ChatQueue
  connections: Connections
  deliveries: Deliveries
  dialogs: Dialogs
  identities: Identities
  identity_log: IdentityLog
  inbox: Inbox
  lines: Lines
  messages: Messages
  outbox: Outbox
  parked_receipts: ParkedReceipts
  patient_messages: PatientMessages
  portal_tokens: PortalTokens
  portals: Portals
  presence: Presence
  routes: Routes
  session_cursors: SessionCursors
  site_chats: SiteChats
  site_consents: SiteConsents
  site_files: SiteFiles
  site_hooks: SiteHooks
  site_messages: SiteMessages
  site_visitors: SiteVisitors
  start_links: StartLinks
  visit_answers: VisitAnswers
}
