import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Trx } from '../../src/db/database.ts'
import { finish, prune, record, retryLater, setAside, take, type InboxEntry, type InboxRow } from '../../src/db/inbox.ts'
import { createInboxWriter } from '../../src/flows/receive.ts'
import { openDatabase, type OpenDatabase } from './support.ts'

const entry = (externalId: string, change: Partial<InboxEntry> = {}): InboxEntry => ({ source: 'channel:p:c', externalId, portalId: 'p', connectionId: 'c', kind: 'channel', body: Buffer.from(`{"id":"${externalId}"}`), ...change })

describe('the inbox', () => {
  let base: OpenDatabase
  const inTrx = async <T>(work: (trx: Trx) => Promise<T>): Promise<T> => base.db.transaction().execute(work)
  const takeAll = async (kinds: readonly InboxEntry['kind'][] = ['channel', 'robot', 'event']): Promise<readonly InboxRow[]> => inTrx(async (trx) => take(trx, kinds, 1_000))
  const stored = async (): Promise<{ external_id: string; state: string; reason: string | null; tries: number; sealed: string | null }[]> =>
    base.query('select external_id, state, reason, tries, sealed from inbox order by id')
  /** As when the pause of a repeated try is over. */
  const endPauses = async (): Promise<unknown> => base.query("update inbox set not_before = now() - interval '1 s' where not_before is not null")

  beforeAll(async () => {
    base = await openDatabase()
  })
  afterAll(async () => base.drop())
  beforeEach(async () => base.query('truncate inbox'))

  it('keeps an arrival to the byte, with its headers and secrets', async () => {
    const body = Buffer.from([0, 255, 13, 10, 0xd0, 0x9f])
    await record(base.pool, [entry('a', { body, headers: { 'content-type': 'x/y; q="1"', ':method': 'GET' }, sealed: 'v1.sealed' })])
    expect(await takeAll()).toEqual([expect.objectContaining({ external_id: 'a', body, headers: { 'content-type': 'x/y; q="1"', ':method': 'GET' }, sealed: 'v1.sealed', kind: 'channel', portal_id: 'p', connection_id: 'c', tries: 0 })])
  })

  it('keeps a repeated arrival once: in one group, in a later one, and in two at the same time', async () => {
    await record(base.pool, [entry('a'), entry('a', { body: Buffer.from('second') })])
    await record(base.pool, [entry('a'), entry('b')])
    await Promise.all(Array.from({ length: 8 }, async () => record(base.pool, [entry('c'), entry('d')])))
    expect((await stored()).map((row) => row.external_id).sort()).toEqual(['a', 'b', 'c', 'd'])
    expect((await takeAll())[0]!.body.toString()).toBe('{"id":"a"}')
  })

  it('the same key from another source is another arrival', async () => {
    await record(base.pool, [entry('a'), entry('a', { source: 'channel:p:other' }), entry('a', { source: 'robots:p', kind: 'robot' })])
    expect(await stored()).toHaveLength(3)
  })

  it('a repetition of what was worked on long ago has no effect', async () => {
    await record(base.pool, [entry('a')])
    await inTrx(async (trx) => finish(trx, (await take(trx, ['channel'], 10)).map((row) => row.id)))
    await record(base.pool, [entry('a')])
    expect(await takeAll()).toEqual([])
    expect(await stored()).toMatchObject([{ state: 'done' }])
  })

  it('gives oldest first, of the kinds asked for, up to the limit', async () => {
    await record(base.pool, [entry('1'), entry('2', { kind: 'robot' }), entry('3', { kind: 'event' }), entry('4')])
    expect((await takeAll(['channel', 'robot'])).map((row) => row.external_id)).toEqual(['1', '2', '4'])
    expect((await inTrx(async (trx) => take(trx, ['channel'], 1))).map((row) => row.external_id)).toEqual(['1'])
  })

  it('gives a row to one worker only, and back at once when its transaction fails', async () => {
    await record(base.pool, ['1', '2', '3'].map((id) => entry(id)))
    await expect(inTrx(async (trx) => {
      expect((await take(trx, ['channel'], 2)).map((row) => row.external_id)).toEqual(['1', '2'])
      expect((await takeAll()).map((row) => row.external_id)).toEqual(['3'])
      throw new Error('planned')
    })).rejects.toThrow('planned')
    expect((await takeAll()).map((row) => row.external_id)).toEqual(['1', '2', '3'])
  })

  it('forgets secrets with the end of the work, good or bad', async () => {
    await record(base.pool, ['1', '2'].map((id) => entry(id, { sealed: 'v1.sealed' })))
    await inTrx(async (trx) => {
      const [first, second] = await take(trx, ['channel'], 10)
      await finish(trx, [first!.id])
      await setAside(trx, second!.id, 'not a form')
    })
    expect(await stored()).toMatchObject([{ state: 'done', sealed: null }, { state: 'unreadable', reason: 'not a form', sealed: null }])
  })

  it('tries again later, six times, with the secrets it goes on with, and is kept as failed in the end', async () => {
    await record(base.pool, [entry('1', { sealed: 'v1.old' })])
    for (let tries = 0; tries < 6; tries++) {
      const [row] = await takeAll()
      expect(row).toMatchObject({ tries })
      await retryLater(base.db, row!, 'the portal is away', tries === 0 ? 'v1.new' : undefined)
      expect(await takeAll()).toEqual([])
      expect(await stored()).toMatchObject([{ state: 'received', tries: tries + 1, sealed: 'v1.new' }])
      await endPauses()
    }
    const [last] = await takeAll()
    await retryLater(base.db, last!, 'the portal is away')
    expect(await stored()).toMatchObject([{ state: 'failed', reason: 'the portal is away', sealed: null }])
    expect(await takeAll()).toEqual([])
  })

  it('waits longer after every failure', async () => {
    await record(base.pool, [entry('1')])
    const waits: number[] = []
    for (let tries = 0; tries < 6; tries++) {
      const [row] = await takeAll()
      await retryLater(base.db, row!, 'busy')
      const [left] = await base.query<{ seconds: number }>('select extract(epoch from not_before - now())::float8 as seconds from inbox')
      waits.push(left!.seconds)
      await endPauses()
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b))
    expect(waits[5]).toBeGreaterThan(3_500)
  })

  it('prunes what is old and worked on, and nothing else', async () => {
    await record(base.pool, ['old', 'young', 'waiting'].map((id) => entry(id)))
    await inTrx(async (trx) => finish(trx, (await take(trx, ['channel'], 2)).map((row) => row.id)))
    await base.query("update inbox set received_at = now() - interval '9 days', finished_at = finished_at - interval '9 days' where external_id in ('old', 'waiting')")
    await prune(base.db, 7)
    expect((await stored()).map((row) => row.external_id)).toEqual(['young', 'waiting'])
  })

  describe('the group writer', () => {
    it('answers when the rows are there: many at once, each key once', async () => {
      const writer = createInboxWriter((entries) => record(base.pool, entries))
      await Promise.all(Array.from({ length: 1_500 }, async (_, index) => writer.write(entry(`${index % 1_000}`))))
      expect(await stored()).toHaveLength(1_000)
    })

    it('a row that the database refuses fails alone, its neighbours are stored', async () => {
      const writer = createInboxWriter((entries) => record(base.pool, entries))
      const outcomes = await Promise.allSettled(['1', 'bad', '2'].map(async (id) => writer.write(id === 'bad' ? entry(id, { source: 'with a zero \0 byte' }) : entry(id))))
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect((await stored()).map((row) => row.external_id)).toEqual(['1', '2'])
    })

    it('goes on after a failure', async () => {
      const writer = createInboxWriter((entries) => record(base.pool, entries))
      await expect(writer.write(entry('bad', { source: '\0' }))).rejects.toThrow()
      await writer.write(entry('good'))
      expect((await stored()).map((row) => row.external_id)).toEqual(['good'])
    })

    it('answers nobody before the database has, also when it is away', async () => {
      const gone = await openDatabase(1)
      const writer = createInboxWriter((entries) => record(gone.pool, entries))
      await gone.drop()
      const outcomes = await Promise.allSettled([writer.write(entry('1')), writer.write(entry('2'))])
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    })
  })
})
