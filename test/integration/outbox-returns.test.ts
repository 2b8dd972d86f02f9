import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { prune } from '../../src/db/inbox.ts'
import { claim, put, putBack, type OutboxEntry, type OutboxRow } from '../../src/db/outbox.ts'
import { deliveryId, portalId } from '../../src/domain/ids.ts'
import { seeded } from '../support/random.ts'
import { openDatabase, type OpenDatabase } from './support.ts'

let base: OpenDatabase
beforeAll(async () => {
  base = await openDatabase(6)
})
afterAll(async () => base.drop())
afterEach(async () => base.query('truncate outbox'))

const now = Date.UTC(2026, 10, 24, 10)

describe.each(['look', 'record'] as const)('a %s that comes back', (kind) => {
  const entry = (also: Partial<OutboxEntry> = {}): OutboxEntry => ({ portalId: portalId('p'), lane: 'portal', kind, deliveryId: deliveryId('d1'), urgency: 5, runAt: now, since: now, ...also })
  const putAll = async (...entries: readonly OutboxEntry[]): Promise<void> => base.db.transaction().execute(async (trx) => put(trx, entries))
  const claimed = async (at = now): Promise<readonly OutboxRow[]> => base.db.transaction().execute(async (trx) => claim(trx, { lane: 'portal', now: at, leaseMs: 60_000, limit: 10 }))
  const back = async (...rows: Parameters<typeof putBack>[1]): Promise<void> => base.db.transaction().execute(async (trx) => putBack(trx, rows))

  it('alone is the same row again, with its age, its tries and the reason', async () => {
    await putAll(entry({ since: now - 5_000 }))
    const [row] = await claimed()
    await back({ id: row!.id, runAt: now + 30, reason: 'QUERY_LIMIT_EXCEEDED', wasTried: true })
    expect(await claimed()).toEqual([])
    expect(await base.query('select reason, state from outbox')).toEqual([{ reason: 'QUERY_LIMIT_EXCEEDED', state: 'ready' }])
    expect(await claimed(now + 30)).toEqual([{ ...row, runAt: now + 30, tries: 1 }])
  })

  it('untried has not been tried', async () => {
    await putAll(entry())
    const [row] = await claimed()
    await back({ id: row!.id, runAt: now, wasTried: false })
    expect(await claimed()).toMatchObject([{ id: row!.id, tries: 0 }])
  })

  it('and finds a newer one is merged with it: one row, the earlier time, the knowledge that an outcome may be unknown', async () => {
    await putAll(entry())
    const [older] = await claimed()
    await putAll(entry({ runAt: now + 1000 }))
    await back({ id: older!.id, runAt: now + 500, wasTried: true })
    expect(await claimed(now + 499)).toEqual([])
    expect(await claimed(now + 500)).toMatchObject([{ tries: 1 }])
    expect(await claimed(now + 9999)).toEqual([])
  })

  it('leaves nothing behind that would never be pruned', async () => {
    await putAll(entry())
    const [older] = await claimed()
    await putAll(entry())
    await back({ id: older!.id, runAt: now, wasTried: true })
    const [row] = await claimed()
    await base.query("update outbox set state = 'done', finished_at = now() - interval '40 days' where id = $1", [row!.id])
    await prune(base.db, 30)
    expect(await base.query('select id from outbox')).toEqual([])
  })

  it('together with another of the same delivery becomes one with it', async () => {
    await putAll(entry())
    const [one] = await claimed()
    await putAll(entry())
    const [two] = await claimed()
    await back({ id: one!.id, runAt: now, wasTried: true }, { id: two!.id, runAt: now, wasTried: false })
    expect(await claimed()).toMatchObject([{ tries: 1 }])
    expect(await claimed()).toEqual([])
  })

  it('while another transaction is just putting a newer one waits for it and is merged', async () => {
    await putAll(entry())
    const [older] = await claimed()
    let returning = Promise.resolve()
    await base.db.transaction().execute(async (trx) => {
      await put(trx, [entry({ runAt: now + 1000 })])
      returning = back({ id: older!.id, runAt: now, wasTried: true })
      returning.catch(() => undefined)
      // Committed only when the other one really waits.
      for (let looks = 0; ; looks++) {
        const [{ waits }] = await base.query<{ waits: boolean }>("select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waits") as [{ waits: boolean }]
        if (waits) break
        if (looks > 2_000) throw new Error('Nobody waits')
      }
    })
    await returning
    expect(await claimed()).toMatchObject([{ tries: 1 }])
    expect(await claimed(now + 9999)).toEqual([])
  })
})

it('many who put and give back the same looks and records at once never wait for each other in a circle', async () => {
  const deliveries = Array.from({ length: 60 }, (_, index) => deliveryId(`d${index}`))
  const random = seeded(7)
  const shuffled = <T>(list: readonly T[]): T[] => list.map((value) => ({ value, at: random() })).sort((a, b) => a.at - b.at).map(({ value }) => value)
  const entries = (): OutboxEntry[] => shuffled((['look', 'record'] as const).flatMap((kind) => deliveries.map((id) => ({ portalId: portalId('p'), lane: 'portal' as const, kind, deliveryId: id, urgency: 5, runAt: now, since: now }))))
  const round = async (): Promise<void> => {
    const rows = await base.db.transaction().execute(async (trx) => claim(trx, { lane: 'portal', now, leaseMs: 60_000, limit: 200 }))
    await Promise.all([
      base.db.transaction().execute(async (trx) => putBack(trx, shuffled(rows).map(({ id }) => ({ id, runAt: now, wasTried: true })))),
      ...[1, 2, 3, 4].map(async () => base.db.transaction().execute(async (trx) => put(trx, entries()))),
    ])
  }
  for (let index = 0; index < 25; index++) await round()
  expect(await base.query("select kind, count(*)::int as count from outbox where state = 'ready' group by 1 order by 1")).toEqual([{ kind: 'look', count: 60 }, { kind: 'record', count: 60 }])
})
