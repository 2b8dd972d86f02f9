import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type CompiledQuery, type RawBuilder } from 'kysely'
import { deliveriesQuery, messagesQuery, mostScanned, scanHistory, type HistoryKey, type HistoryQuestion } from '../../src/db/history.ts'
import { connectionId, portalId } from '../../src/domain/ids.ts'
import { addPortal, openDatabase, type OpenDatabase } from './support.ts'

const [one, other] = [portalId('one'), portalId('other')]
const start = Date.UTC(2026, 0, 1)

let base: OpenDatabase
beforeAll(async () => {
  base = await openDatabase(4)
  for (const portal of [one, other]) await addPortal(base.db, portal)
  // A patient with very much, a usual one, many strangers, and another portal with the same numbers.
  const insert = (portal: string, identity: string, from: number, to: number) =>
    base.query(
      `insert into messages (portal_id, identity_number, connection_id, direction, author, at, body, state)
       select '${portal}', ${identity}, 'bot', 'in', 'patient', timestamptz '2026-01-01Z' + g * interval '1 second', '${portal} ' || g || case when g % 1000 = 7 then ' Анализ_100%' else '' end, 'received' from generate_series(${from}, ${to}) g`,
    )
  await insert(one, '1', 1, 5_000)
  await insert(one, '2', 1, 30)
  await insert(one, '3', 11, 40)
  await insert(one, '100 + g % 2000', 1, 20_000)
  await insert(other, '1', 1, 100)
  await base.query(
    `insert into deliveries (portal_id, delivery_id, trigger_key, deal_id, purpose, body, route, status, phase, step, started_at, contact_id)
     select p, 'd' || lpad(g::text, 6, '0'), p || g, '1', 'reminder', 'Напоминание ' || g, '{}', 'reached', 'closed', 0, timestamptz '2026-01-01Z' + g * interval '1 second', case when g <= 20 then '5' else (g % 300 + 10)::text end
     from unnest(array['one', 'other']) p, generate_series(1, 3000) g`,
  )
  await base.query(
    `insert into attempts (portal_id, delivery_id, step, connection_id, state, started_at, budget_ms, tries, times) select 'one', 'd' || lpad(g::text, 6, '0'), 0, case when g % 2 = 0 then 'sms' else 'bot' end, 'out', now(), 1, 1, '{}' from generate_series(1, 20) g`,
  )
  await base.query('analyze')
})
afterAll(async () => base.drop())

const ask = (change: Partial<HistoryQuestion> = {}): HistoryQuestion => ({ portalId: one, identities: [2, 3], contactId: '5', connectionIds: undefined, words: [], before: undefined, limit: 7, ...change })
const walk = async (question: HistoryQuestion): Promise<{ keys: HistoryKey[]; pages: number }> => {
  const keys: HistoryKey[] = []
  let pages = 0
  for (let before: HistoryKey | undefined; ; ) {
    const page = await scanHistory(base.db, { ...question, before })
    keys.push(...page.keys)
    pages++
    if (page.next === undefined) return { keys, pages }
    before = page.next
  }
}
const bodies = async (keys: readonly HistoryKey[]): Promise<string[]> =>
  (await base.query<{ body: string }>('select body from unnest($1::bigint[]) with ordinality as k(id, n) join messages m on m.portal_id = \'one\' and m.message_id = k.id order by k.n', [keys.filter(({ kind }) => kind === 'message').map(({ id }) => id)])).map(({ body }) => body)

describe('the history', () => {
  it('walks every entry once, newest first, whatever the size of a page; entries of one moment too', async () => {
    for (const limit of [1, 2, 7, 100]) {
      const { keys } = await walk(ask({ limit }))
      expect(keys).toHaveLength(30 + 30 + 20)
      expect(new Set(keys.map(({ kind, id }) => `${kind} ${id}`)).size).toBe(80)
      expect(keys.map(({ atUs }) => atUs)).toEqual(keys.map(({ atUs }) => atUs).toSorted((a, b) => b - a))
    }
    const alone = async (change: Partial<HistoryQuestion>) => (await walk(ask({ limit: 3, ...change }))).keys.length
    expect([await alone({ identities: [] }), await alone({ contactId: undefined }), await alone({ identities: [], contactId: undefined })]).toEqual([20, 60, 0])
  })

  it('tells microseconds apart, which a date would round', async () => {
    await base.query(`insert into messages (portal_id, identity_number, connection_id, direction, author, at, body, state) select 'one', 9, 'bot', 'in', 'patient', timestamptz '2026-01-01Z' + g * interval '1 microsecond', 'm' || g, 'received' from generate_series(1, 50) g`)
    const { keys } = await walk(ask({ identities: [9], contactId: undefined, limit: 1 }))
    expect(await bodies(keys)).toEqual(Array.from({ length: 50 }, (_, index) => `m${50 - index}`))
    expect(keys.at(-1)!.atUs).toBe(start * 1000 + 1)
  })

  it('I9: never reaches another portal', async () => {
    expect((await walk(ask({ portalId: other, identities: [2, 3], contactId: undefined }))).keys).toEqual([])
    const { keys } = await walk(ask({ portalId: other, identities: [1], contactId: undefined, limit: 100 }))
    expect(keys).toHaveLength(100)
    expect((await base.query<{ n: string }>('select count(*) as n from messages where portal_id = \'one\' and message_id = any($1::bigint[])', [keys.map(({ id }) => id)]))[0]!.n).toBe(0)
  })

  it('finds all the words in any case, signs of patterns as themselves, and notifications of one messenger', async () => {
    const found = async (words: string[]) => bodies((await walk(ask({ identities: [1], contactId: undefined, words }))).keys)
    expect(await found(['анализ'])).toEqual([4007, 3007, 2007, 1007, 7].map((g) => `one ${g} Анализ_100%`))
    expect(await found(['100%', 'ОНЕ'])).toEqual([])
    expect(await found(['4007', 'з_1'])).toEqual(['one 4007 Анализ_100%'])
    for (const nothing of ['%', '_', '\\'] as const) expect([nothing, (await found(['one', `${nothing}${nothing}`])).length]).toEqual([nothing, 0])
    expect((await walk(ask({ identities: [], connectionIds: [connectionId('sms')] }))).keys).toHaveLength(10)
  })

  it('of a search that finds nothing looks through a bounded number of rows and goes on from there', async () => {
    const first = await scanHistory(base.db, ask({ identities: [1], contactId: undefined, words: ['нигде'] }))
    expect(first.keys).toEqual([])
    expect(first.next!.atUs).toBe((start / 1000 + 5_000 - mostScanned + 1) * 1_000_000)
    expect(await walk(ask({ identities: [1], contactId: undefined, words: ['нигде'] }))).toEqual({ keys: [], pages: 3 })
  })
})

interface Plan { 'Node Type': string; 'Index Name'?: string; 'Actual Rows'?: number; 'Actual Loops'?: number; Plans?: Plan[] }
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
const explain = async (query: RawBuilder<unknown>): Promise<Plan[]> => {
  const compiled: CompiledQuery = query.compile(base.db)
  const [row] = await base.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (analyze, timing off, format json) ${compiled.sql}`, [...compiled.parameters])
  return nodesOf(row!['QUERY PLAN'][0].Plan)
}
const before: HistoryKey = { atUs: (start / 1000 + 2_500) * 1_000_000, kind: 'message', id: '1' }

describe('a page', () => {
  it.each([['the first', undefined], ['one from the middle', before]])('%s reads chats by their index, and of each no more than it shows', async (_, cursor) => {
    const nodes = await explain(messagesQuery({ portalId: one, identities: [1, 2, 3], words: [], before: cursor }, 51))
    const scans = nodes.filter((node) => node['Node Type'].includes('Scan') && node['Node Type'] !== 'Function Scan')
    expect(scans.map((node) => node['Index Name'])).toEqual(['messages_history'])
    // Not more than a page of each chat, however long the chat is.
    expect(scans[0]!['Actual Rows']! * scans[0]!['Actual Loops']!).toBeLessThanOrEqual(51 * 3)
  })

  it.each([['the first', undefined], ['one from the middle', { ...before, atUs: (start / 1000 + 10) * 1_000_000 }]])('%s reads notifications by their index', async (_, cursor) => {
    const nodes = await explain(deliveriesQuery({ portalId: one, contactId: '15', connectionIds: undefined, words: [], before: cursor }, 5))
    expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toEqual(['deliveries_of_contact'])
    expect(nodes.every((node) => (node['Actual Rows'] ?? 0) <= 5)).toBe(true)
  })
})
