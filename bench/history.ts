import { type EmbeddedPostgres } from '../src/db/embedded.ts'
import { createDatabase, type Db } from '../src/db/database.ts'
import { scanHistory, type HistoryKey } from '../src/db/history.ts'
import { findMessages } from '../src/db/messages.ts'
import { portalId } from '../src/domain/ids.ts'
import { createBenchDatabase, figure, percentile, type Figure } from './setting.ts'

const portal = portalId('p')
const page = 50
/** A usual patient has this many messages in one chat; one patient has a tenth of all there are. */
const usual = 40

/**
 * How long a page of the history takes in a portal with `many` messages, against the same in one with `few`: of a usual patient and of the
 * one who wrote the most, the first page and the pages behind it. The aim is a ratio below 1.5.
 */
export const measureHistory = async (postgres: EmbeddedPostgres, many: number, few: number, rounds: number): Promise<Figure[]> => {
  const small = await fill(postgres, few)
  const large = await fill(postgres, many)
  const took = { small: [] as number[], large: [] as number[] }
  // In turns, so that what else the machine does falls on both alike; the first rounds warm up.
  for (let round = -20; round < rounds; round++) {
    for (const [name, base] of [['small', small], ['large', large]] as const) {
      const ms = await walk(base.db, round)
      if (round >= 0) took[name].push(...ms)
    }
  }
  for (const base of [small, large]) await base.close()
  const [p95, reference] = [percentile(took.large, 0.95), percentile(took.small, 0.95)]
  return [figure(`history page p95, ${many} messages`, p95, 'ms', reference, `reference: the same with ${few} messages; the aim is a ratio below 1.5; p50 ${percentile(took.large, 0.5).toFixed(2)} ms against ${percentile(took.small, 0.5).toFixed(2)} ms, ${took.large.length} pages each`)]
}

const fill = async (postgres: EmbeddedPostgres, count: number): Promise<{ db: Db; close(): Promise<void> }> => {
  const database = await createBenchDatabase(postgres)
  const { db } = createDatabase(database.connection, { poolSize: 2 })
  await database.pool.query(
    `insert into messages (portal_id, identity_number, connection_id, direction, author, at, body, state)
     select '${portal}', case when g % 10 = 0 then 0 else 1 + g / ${usual} end, 'bot', 'in', 'patient', now() - g * interval '1 second', 'Здравствуйте, подскажите, готов ли мой анализ ' || g, 'received' from generate_series(1, ${count}) g`,
  )
  await database.pool.query('vacuum analyze messages')
  return {
    db,
    close: async () => {
      await db.destroy()
      await database.close()
    },
  }
}

/** Two pages of the patient who wrote the most and two of a usual one, as the page asks for them. Milliseconds each. */
const walk = async (db: Db, round: number): Promise<number[]> => {
  const took: number[] = []
  for (const identity of [0, 1 + (Math.abs(round) % 200)]) {
    let before: HistoryKey | undefined
    for (let turn = 0; turn < 2; turn++) {
      const startedAt = performance.now()
      const { keys, next } = await scanHistory(db, { portalId: portal, identities: [identity], contactId: '1', connectionIds: undefined, words: [], before, limit: page })
      await findMessages(db, portal, keys.map(({ id }) => Number(id)))
      took.push(performance.now() - startedAt)
      before = next
    }
  }
  return took
}
