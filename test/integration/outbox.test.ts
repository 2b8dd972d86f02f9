import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Trx } from '../../src/db/database.ts'
import { claim, claimExpired, finish, giveUp, holdOn, leftBehind, portalsWithWork, put, putBack, type OutboxEntry, type OutboxRow } from '../../src/db/outbox.ts'
import { connectionId, deliveryId, portalId } from '../../src/domain/ids.ts'
import { openDatabase, type OpenDatabase } from './support.ts'

/** The application's clock: far from the real one, so that nothing is mixed up. */
const now = Date.UTC(2031, 4, 6, 9)
const portal = portalId('portal-a')
const leaseMs = 60_000

const send = (change: Partial<OutboxEntry> = {}): OutboxEntry => ({
  portalId: portal, lane: 'channel', kind: 'send', connectionId: connectionId('c1'), deliveryId: deliveryId('d1'), step: 0, urgency: 3, runAt: now, since: now, ...change,
})
const record = (change: Partial<OutboxEntry> = {}): OutboxEntry => ({ portalId: portal, lane: 'portal', kind: 'record', deliveryId: deliveryId('d1'), urgency: 5, runAt: now, since: now, ...change })

describe('the outbox', () => {
  let base: OpenDatabase
  const inTrx = async <T>(work: (trx: Trx) => Promise<T>): Promise<T> => base.db.transaction().execute(work)
  const claimOf = async (lane: 'channel' | 'portal', change: Partial<Parameters<typeof claim>[1]> = {}): Promise<readonly OutboxRow[]> =>
    inTrx(async (trx) => claim(trx, { lane, now, leaseMs, limit: 100, ...change }))
  /** As when the holder's lease has run out; leases are real time and nobody waits for them here. */
  const endLeases = async (): Promise<unknown> => base.query("update outbox set lease_until = now() - interval '1 s' where state = 'performing'")
  const states = async (): Promise<{ id: number; state: string; tries: number; reason: string | null; runAt: number; urgency: number }[]> =>
    (await base.query<{ id: number; state: string; tries: number; reason: string | null; run_at: Date; urgency: number }>('select id, state, tries, reason, run_at, urgency from outbox order by id'))
      .map(({ run_at: runAt, ...row }) => ({ ...row, runAt: runAt.getTime() }))

  beforeAll(async () => {
    base = await openDatabase()
  })
  afterAll(async () => base.drop())
  beforeEach(async () => base.query('truncate outbox'))

  it('gives back what was put, as it was put', async () => {
    const entry = send({ payload: { what: 'said', to: '42' }, runAt: now - 5_000, since: now - 90_000 })
    await inTrx(async (trx) => put(trx, [entry]))
    const [row] = await claimOf('channel')
    expect(row).toMatchObject({ ...entry, tries: 0 })
  })

  it('puts nothing when the transaction fails', async () => {
    await expect(inTrx(async (trx) => {
      await put(trx, [send(), record()])
      throw new Error('planned')
    })).rejects.toThrow('planned')
    expect(await states()).toEqual([])
  })

  it('claims only the lane asked for, only what is due, most urgent first within a portal', async () => {
    await inTrx(async (trx) => put(trx, [
      record({ deliveryId: deliveryId('late') }), record({ deliveryId: deliveryId('soon'), urgency: 1 }), record({ deliveryId: deliveryId('tomorrow'), urgency: 1, runAt: now + 1 }), send(),
    ]))
    expect((await claimOf('portal', { portalId: portal })).map((row) => row.deliveryId)).toEqual(['soon', 'late'])
    expect((await claimOf('portal', { now: now + 1 })).map((row) => row.deliveryId)).toEqual(['tomorrow'])
    expect((await claimOf('channel')).map((row) => row.kind)).toEqual(['send'])
  })

  it('takes those that are due longest when there are more than the limit', async () => {
    await inTrx(async (trx) => put(trx, [5, 1, 3].map((back) => send({ deliveryId: deliveryId(`d${back}`), runAt: now - back }))))
    expect((await claimOf('channel', { limit: 2 })).map((row) => row.deliveryId).sort()).toEqual(['d3', 'd5'])
  })

  it('claims by kind, by all other kinds, and by portal', async () => {
    await inTrx(async (trx) => put(trx, [record(), record({ kind: 'look' }), record({ portalId: portalId('portal-b') })]))
    expect((await claimOf('portal', { kind: 'look' })).map((row) => row.kind)).toEqual(['look'])
    expect((await claimOf('portal', { portalId: portalId('portal-b'), except: 'look' })).map((row) => row.portalId)).toEqual(['portal-b'])
    expect(await claimOf('portal', { portalId: portalId('portal-b') })).toEqual([])
  })

  it('never gives one row to two claimers at once', async () => {
    const count = 400
    await inTrx(async (trx) => put(trx, Array.from({ length: count }, (_, index) => send({ deliveryId: deliveryId(`d${index}`) }))))
    const drain = async (): Promise<number[]> => {
      const mine: number[] = []
      for (;;) {
        const rows = await claimOf('channel', { limit: 7 })
        if (rows.length === 0) return mine
        mine.push(...rows.map((row) => row.id))
      }
    }
    const taken = (await Promise.all([drain(), drain(), drain(), drain()])).flat()
    expect(taken).toHaveLength(count)
    expect(new Set(taken).size).toBe(count)
  })

  it('passes over rows that an open transaction has claimed, without waiting for it', async () => {
    await inTrx(async (trx) => put(trx, [send({ deliveryId: deliveryId('d1') }), send({ deliveryId: deliveryId('d2') })]))
    await inTrx(async (trx) => {
      expect(await claim(trx, { lane: 'channel', now, leaseMs, limit: 1 })).toHaveLength(1)
      expect(await claimOf('channel')).toHaveLength(1)
      expect(await claimOf('channel')).toEqual([])
    })
  })

  it('gives a row back at once when the claiming transaction fails', async () => {
    await inTrx(async (trx) => put(trx, [send()]))
    await expect(inTrx(async (trx) => {
      await claim(trx, { lane: 'channel', now, leaseMs, limit: 1 })
      throw new Error('planned')
    })).rejects.toThrow('planned')
    expect(await claimOf('channel')).toEqual([expect.objectContaining({ tries: 0 })])
  })

  it('keeps a claimed row for its holder until the lease is over, and then gives it to one finder with the tries it had', async () => {
    await inTrx(async (trx) => put(trx, [send()]))
    await claimOf('channel')
    const expired = async (): Promise<readonly OutboxRow[]> => inTrx(async (trx) => claimExpired(trx, { leaseMs, limit: 10 }))
    expect(await expired()).toEqual([])
    await endLeases()
    expect(await claimOf('channel')).toEqual([])
    const found = (await Promise.all([expired(), expired(), expired()])).flat()
    expect(found).toEqual([expect.objectContaining({ kind: 'send', tries: 0 })])
    expect(await expired()).toEqual([])
  })

  it('holds a row for longer when its holder is alive, and holds nothing that is finished', async () => {
    await inTrx(async (trx) => put(trx, [send(), send({ deliveryId: deliveryId('d2') })]))
    const rows = await claimOf('channel')
    await endLeases()
    await finish(base.db, [rows[1]!.id])
    await holdOn(base.db, rows.map((row) => row.id), leaseMs)
    expect(await inTrx(async (trx) => claimExpired(trx, { leaseMs, limit: 10 }))).toEqual([])
    expect(await base.query('select id from outbox where lease_until > now()')).toEqual([{ id: rows[0]!.id }])
  })

  it('finishes and gives up for good', async () => {
    await inTrx(async (trx) => put(trx, [send(), send({ deliveryId: deliveryId('d2') })]))
    const [first, second] = await claimOf('channel')
    await finish(base.db, [first!.id])
    await giveUp(base.db, [{ id: second!.id, reason: 'TOO_OLD' }])
    expect(await states()).toMatchObject([{ state: 'done' }, { state: 'failed', reason: 'TOO_OLD' }])
    expect(await claimOf('channel', { now: now + 1e9 })).toEqual([])
    expect(await inTrx(async (trx) => claimExpired(trx, { leaseMs, limit: 10 }))).toEqual([])
  })

  it('puts a row back for later: counted when something may have left the process, not counted otherwise', async () => {
    await inTrx(async (trx) => put(trx, [send(), send({ deliveryId: deliveryId('d2') })]))
    const [tried, untried] = await claimOf('channel')
    await inTrx(async (trx) => putBack(trx, [
      { id: tried!.id, runAt: now + 1_000, reason: 'PORTAL_BUSY', wasTried: true },
      { id: untried!.id, runAt: now + 1_000, wasTried: false },
    ]))
    expect(await claimOf('channel')).toEqual([])
    expect(await states()).toMatchObject([{ state: 'ready', reason: 'PORTAL_BUSY', tries: 1 }, { state: 'ready', reason: null, tries: 0 }])
    expect((await claimOf('channel', { now: now + 1_000 })).map((row) => row.tries)).toEqual([1, 0])
  })

  it.each(['look', 'record'] as const)('a second %s of a delivery only pulls the waiting one forward', async (kind) => {
    await inTrx(async (trx) => put(trx, [record({ kind, runAt: now + 9_000, urgency: 5 })]))
    await inTrx(async (trx) => put(trx, [record({ kind, runAt: now + 3_000, urgency: 7 })]))
    await inTrx(async (trx) => put(trx, [record({ kind, runAt: now + 6_000, urgency: 2 }), record({ kind, runAt: now + 6_000, urgency: 2 })]))
    expect(await states()).toMatchObject([{ state: 'ready', runAt: now + 3_000, urgency: 2 }])
  })

  it('a look and a record, and those of other deliveries and portals, are not mixed up', async () => {
    await inTrx(async (trx) => put(trx, [record(), record({ kind: 'look' }), record({ deliveryId: deliveryId('d2') }), record({ portalId: portalId('portal-b') }), record({ kind: 'fireTrigger' }), record({ kind: 'fireTrigger' })]))
    expect(await states()).toHaveLength(6)
  })

  it('a record that is wanted while one is on its way waits behind it', async () => {
    await inTrx(async (trx) => put(trx, [record()]))
    await claimOf('portal')
    await inTrx(async (trx) => put(trx, [record()]))
    expect(await states()).toMatchObject([{ state: 'performing' }, { state: 'ready' }])
  })

  it('a record that is put back finds a newer one in its place: the newer one stays and knows that an outcome may be unknown', async () => {
    await inTrx(async (trx) => put(trx, [record()]))
    const [old] = await claimOf('portal')
    await inTrx(async (trx) => put(trx, [record()]))
    await inTrx(async (trx) => putBack(trx, [{ id: old!.id, runAt: now, wasTried: true }]))
    expect(await states()).toMatchObject([{ state: 'ready', tries: 1 }])
    expect(await claimOf('portal')).toEqual([expect.objectContaining({ tries: 1 })])
  })

  it('what an earlier speaker left on its way is found for its own portal only', async () => {
    await inTrx(async (trx) => put(trx, [record(), record({ deliveryId: deliveryId('d2') }), record({ portalId: portalId('portal-b') }), send()]))
    const rows = await claimOf('portal', { portalId: portal, limit: 1 })
    await claimOf('portal', { portalId: portalId('portal-b') })
    await claimOf('channel')
    expect(await inTrx(async (trx) => leftBehind(trx, portal))).toEqual(rows.map((row) => row.id))
  })

  it('portals with work are told, those that wait longest first, and only with work that is due', async () => {
    const [a, b, c] = ['portal-a', 'portal-b', 'portal-c'].map((name) => portalId(name))
    await inTrx(async (trx) => put(trx, [record({ portalId: a, runAt: now - 1 }), record({ portalId: b, runAt: now - 9 }), record({ portalId: c, runAt: now + 1 }), send({ portalId: c })]))
    expect(await portalsWithWork(base.db, now, 10)).toEqual(['portal-b', 'portal-a'])
    expect(await portalsWithWork(base.db, now, 1)).toEqual(['portal-b'])
  })

  it('empty lists are no statement at all', async () => {
    await inTrx(async (trx) => {
      await put(trx, [])
      await putBack(trx, [])
      await finish(trx, [])
      await giveUp(trx, [])
    })
    expect(await states()).toEqual([])
  })
})
