import { setTimeout as sleep } from 'node:timers/promises'
import { PgBoss } from 'pg-boss'
import { type EmbeddedPostgres } from '../src/db/embedded.ts'
import { createDatabase } from '../src/db/database.ts'
import { openQueue } from '../src/queue/boss.ts'
import { createBenchDatabase, figure, percentile, type Figure } from './setting.ts'

const insertBatch = 5_000
const spreadMs = 10_000

/** How late timers ring while a million others are armed: due moment to handler, through the queue that the application uses. */
export const measureTimers = async (postgres: EmbeddedPostgres, armed: number, due: number): Promise<Figure[]> => {
  const database = await createBenchDatabase(postgres)
  const boss = new PgBoss({ ...database.connection, max: 4, supervise: false, schedule: false })
  boss.on('error', () => undefined)
  await boss.start()
  const armingAt = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: 3 }, async () => {
    for (let from = next; from < armed; from = next) {
      next += insertBatch
      await boss.insert('delivery.wake', Array.from({ length: Math.min(insertBatch, armed - from) }, (_, index) => ({
        data: { portalId: 'p', deliveryId: `far-${from + index}` }, startAfter: new Date(Date.now() + 3_600_000 + ((from + index) % 86_400) * 1000),
      })))
    }
  }))
  const armingSeconds = (performance.now() - armingAt) / 1000
  await boss.stop({ graceful: false })
  await database.pool.query('analyze')

  const lateMs: number[] = []
  const dueAt = new Map<string, number>()
  const queue = await openQueue({ connection: database.connection, isWorker: true, onError: () => undefined })
  const { db } = createDatabase(database.connection, { poolSize: 2 })
  const start = Date.now() + 2_000
  const timers = Array.from({ length: due }, (_, index) => {
    const at = start + Math.floor((index * spreadMs) / due)
    dueAt.set(`near-${index}`, at)
    return { at: new Date(at), data: { portalId: 'p', deliveryId: `near-${index}` } }
  })
  await db.transaction().execute((trx) => queue.arm(trx as never, timers))
  await queue.work({
    'delivery.wake': async (wakes) => {
      const now = Date.now()
      for (const wake of wakes) lateMs.push(now - dueAt.get(wake.deliveryId)!)
    },
    'data.prune': async () => undefined,
    'connections.check': async () => undefined,
    'dialogs.lookThrough': async () => undefined,
  })
  const endAt = start + spreadMs + 15_000
  while (lateMs.length < due && Date.now() < endAt) await sleep(50)
  await queue.stop()
  await db.destroy()
  await database.close()
  return [
    figure('timer lateness p99', percentile(lateMs, 0.99), `ms, ${armed} armed`, 1_000, `reference: the aim of 1 s; p50 ${percentile(lateMs, 0.5)} ms, max ${Math.max(...lateMs)} ms, ${lateMs.length} of ${due} rang, earliest ${Math.min(...lateMs)} ms; armed in ${armingSeconds.toFixed(0)} s`),
  ]
}
