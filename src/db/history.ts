/** What happened between a clinic and a patient, newest first: messages of all accounts, and notifications. Read by key, never by offset. */
import { sql } from 'kysely'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db } from './database.ts'

/** Where one entry stands. `atUs` is microseconds of the epoch: what PostgreSQL keeps, a JavaScript date would round. */
export interface HistoryKey {
  readonly atUs: number
  readonly kind: 'message' | 'delivery'
  readonly id: string
}

export interface HistoryScan {
  /** Those that match, newest first. */
  readonly keys: readonly HistoryKey[]
  /** Where to go on; undefined at the beginning of the history. */
  readonly next: HistoryKey | undefined
}

export interface HistoryQuestion {
  readonly portalId: PortalId
  /** Chats whose messages count. */
  readonly identities: readonly number[]
  /** Whose notifications count; undefined: none. */
  readonly contactId: string | undefined
  /** Notifications that went, or tried to go, through one of these; undefined: all. */
  readonly connectionIds: readonly ConnectionId[] | undefined
  /** All of them in the text, whatever their case. */
  readonly words: readonly string[]
  readonly before: HistoryKey | undefined
  readonly limit: number
}

/**
 * Rows that one request of a search looks at: the history of a patient may be long and the word nowhere in it. What was not looked at is
 * asked for with `next`, also when nothing was found so far.
 */
export const mostScanned = 2_000

interface Row {
  readonly id: string
  readonly at_us: number
  readonly is_match: boolean
}

/**
 * Finds the next entries behind `before`.
 *
 * Each chat's own newest rows are read from its index and merged, so the price depends on the page alone and not on how much there is.
 * A message comes before a notification of the same microsecond.
 */
export const scanHistory = async (db: Db, question: HistoryQuestion): Promise<HistoryScan> => {
  const isSearch = question.words.length > 0 || question.connectionIds !== undefined
  const most = isSearch ? mostScanned : question.limit
  const [messages, deliveries] = await Promise.all([scanMessages(db, question, most + 1), scanDeliveries(db, question, most + 1)])
  const merged = [...messages.map((row) => keyed('message', row)), ...deliveries.map((row) => keyed('delivery', row))].sort((a, b) => newestFirst(a.key, b.key))
  const keys: HistoryKey[] = []
  let last: HistoryKey | undefined
  let seen = 0
  for (const { key, isMatch } of merged.slice(0, most)) {
    if (keys.length === question.limit) break
    if (isMatch) keys.push(key)
    last = key
    seen++
  }
  return { keys, next: merged.length > seen ? last : undefined }
}

const keyed = (kind: HistoryKey['kind'], row: Row): { key: HistoryKey; isMatch: boolean } => ({ key: { atUs: row.at_us, kind, id: row.id }, isMatch: row.is_match })

const newestFirst = (a: HistoryKey, b: HistoryKey): number => {
  if (a.atUs !== b.atUs) return b.atUs - a.atUs
  if (a.kind !== b.kind) return a.kind === 'message' ? -1 : 1
  if (a.kind === 'message') return Number(b.id) - Number(a.id)
  return a.id < b.id ? 1 : -1
}

const momentOf = (atUs: number) => sql`(timestamptz 'epoch' + ${atUs}::bigint * interval '1 microsecond')`
const microseconds = (column: 'at' | 'started_at') => sql`(extract(epoch from ${sql.ref(column)}) * 1000000)::bigint`
/** Signs of a pattern count as themselves. */
const patternsOf = (words: readonly string[]): string[] => words.map((word) => `%${word.toLowerCase().replace(/[\\%_]/g, String.raw`\$&`)}%`)

/** The statement that reads chats; apart, so that a test can ask PostgreSQL how it goes about it. */
export const messagesQuery = ({ portalId, identities, words, before }: Pick<HistoryQuestion, 'portalId' | 'identities' | 'words' | 'before'>, most: number) => {
  // Behind a notification, messages of the same microsecond were shown already: no message has a number below 0.
  const older = before === undefined ? sql`` : sql`and (at, message_id) < (${momentOf(before.atUs)}, ${before.kind === 'message' ? Number(before.id) : -1}::bigint)`
  const match = words.length === 0 ? sql`true` : sql`lower(body) like all(${patternsOf(words)}::text[])`
  return sql<Row>`
    select m.message_id::text as id, ${microseconds('at')} as at_us, m.is_match from unnest(${[...identities]}::bigint[]) as c(number)
    cross join lateral (
      select message_id, at, ${match} as is_match from messages where portal_id = ${portalId} and identity_number = c.number ${older}
      order by at desc, message_id desc limit ${most}
    ) m order by m.at desc, m.message_id desc limit ${most}`
}

export const deliveriesQuery = ({ portalId, contactId, connectionIds, words, before }: Pick<HistoryQuestion, 'portalId' | 'contactId' | 'connectionIds' | 'words' | 'before'>, most: number) => {
  const older =
    before === undefined ? sql``
    : before.kind === 'message' ? sql`and (started_at, delivery_id) < (${momentOf(before.atUs + 1)}, ''::text)`
    : sql`and (started_at, delivery_id) < (${momentOf(before.atUs)}, ${before.id}::text)`
  const match = words.length === 0 ? sql`true` : sql`lower(d.body) like all(${patternsOf(words)}::text[])`
  const through = connectionIds === undefined ? sql`true` : sql`exists (select from attempts a where a.portal_id = d.portal_id and a.delivery_id = d.delivery_id and a.connection_id = any(${[...connectionIds]}::text[]) and a.state <> 'skipped')`
  return sql<Row>`
    select d.delivery_id as id, ${microseconds('started_at')} as at_us, ${match} and ${through} as is_match
    from (
      select * from deliveries where portal_id = ${portalId} and contact_id = ${contactId} ${older} order by started_at desc, delivery_id desc limit ${most}
    ) d order by d.started_at desc, d.delivery_id desc`
}

const scanMessages = async (db: Db, question: HistoryQuestion, most: number): Promise<readonly Row[]> =>
  question.identities.length === 0 ? [] : (await messagesQuery(question, most).execute(db)).rows

const scanDeliveries = async (db: Db, question: HistoryQuestion, most: number): Promise<readonly Row[]> =>
  question.contactId === undefined ? [] : (await deliveriesQuery(question, most).execute(db)).rows
