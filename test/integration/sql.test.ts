import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { takeBudget, takeBudgets } from '../../src/db/budgets.ts'
import { type Db, type Trx } from '../../src/db/database.ts'
import { lockDeliveries } from '../../src/db/deliveries.ts'
import { record, take } from '../../src/db/inbox.ts'
import { claim, claimExpired, leftBehind, put, putBack } from '../../src/db/outbox.ts'
import { lockToken } from '../../src/db/portals.ts'
import { takeMatched } from '../../src/db/receipts.ts'
import { type Database } from '../../src/db/schema.ts'
import { connectionId, deliveryId, portalId } from '../../src/domain/ids.ts'
import { cloneDatabase, type TestDatabase } from '../support/database.ts'

/**
 * Statements that lock, claim or count decide what happens once and what twice: a change of one is to be seen and thought about. Each is
 * run on a real database, and what is sent is compared; spaces do not count.
 */
describe('the SQL of locks and claims', () => {
  let database: TestDatabase
  let db: Db
  let pool: pg.Pool
  const said: string[] = []
  const say = (text: string): void => void said.push(text.replace(/\s+/g, ' ').trim())
  /** Prepared statements go past the query builder. */
  const heard = {
    query: async (statement: pg.QueryConfig) => {
      say(statement.text)
      return pool.query(statement)
    },
  } as Pick<pg.Pool, 'query'>
  beforeAll(async () => {
    database = await cloneDatabase()
    pool = new pg.Pool({ ...database.connection, max: 2 })
    db = new Kysely<Database>({
      dialect: new PostgresDialect({ pool }),
      log: ({ level, query }) => {
        if (level === 'query') say(query.sql)
      },
    })
  })
  afterAll(async () => {
    await db.destroy()
    await database.drop()
  })

  const inTrx = (run: (trx: Trx) => Promise<unknown>) => async (): Promise<unknown> => db.transaction().execute(run)
  const portal = portalId('p')
  const delivery = deliveryId('d')
  const now = 0
  const row = { portalId: portal, lane: 'portal', kind: 'look', deliveryId: delivery, urgency: 1, runAt: now, since: now } as const

  it.each<[string, () => Promise<unknown>]>([
    ['inbox record', async () => record(heard, [{ source: 's', externalId: 'e', kind: 'event', body: Buffer.alloc(0) }])],
    ['inbox take', inTrx(async (trx) => take(trx, ['channel', 'robot'], 200))],
    ['outbox put look', inTrx(async (trx) => put(trx, [row]))],
    ['outbox put send', inTrx(async (trx) => put(trx, [{ ...row, lane: 'channel', kind: 'send', step: 0 }]))],
    ['outbox claim of the channel lane', inTrx(async (trx) => claim(trx, { lane: 'channel', now, leaseMs: 1, limit: 1 }))],
    ['outbox claim of what is not elsewhere', inTrx(async (trx) => claim(trx, { lane: 'channel', now, leaseMs: 1, limit: 1, elsewhere: [connectionId('c')] }))],
    ['outbox claim of a portal\'s looks', inTrx(async (trx) => claim(trx, { lane: 'portal', portalId: portal, kind: 'look', now, leaseMs: 1, limit: 1 }))],
    ['outbox claim of the rest of a portal', inTrx(async (trx) => claim(trx, { lane: 'portal', portalId: portal, except: 'look', now, leaseMs: 1, limit: 1 }))],
    ['outbox claim of what has expired', inTrx(async (trx) => claimExpired(trx, { leaseMs: 1, limit: 1 }))],
    ['outbox what is left behind', inTrx(async (trx) => leftBehind(trx, portal))],
    ['outbox put back', inTrx(async (trx) => putBack(trx, [{ id: 1, runAt: now, wasTried: true }]))],
    ['budget take', async () => takeBudget(db, 'k', { burst: 1, perSecond: 1 }, 1)],
    ['budgets take', async () => takeBudgets(db, [{ key: 'k', shape: { burst: 1, perSecond: 1 }, wanted: 1 }])],
    ['deliveries lock', inTrx(async (trx) => lockDeliveries(trx, [{ portalId: portal, deliveryId: delivery }]))],
    ['receipts take what matches', inTrx(async (trx) => takeMatched(trx, 200))],
    ['token lock', inTrx(async (trx) => lockToken(trx, portal, '1'))],
  ])('%s', async (_, run) => {
    said.length = 0
    await run()
    expect(said.filter((statement) => !/^(?:begin|commit|rollback|start transaction)\b/i.test(statement)).join(';\n')).toMatchSnapshot()
  })
})
