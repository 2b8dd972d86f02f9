import { PgBoss, fromKysely } from 'pg-boss'
import { type Transaction } from 'kysely'
import { jobs, schedules, type JobData, type JobName } from './jobs.ts'

export type Handlers = { readonly [Name in JobName]: (items: readonly JobData<Name>[]) => Promise<void> }

/** Timers and recurring work, kept in the application's own PostgreSQL. */
export interface Queue {
  /** Arms timers in the caller's transaction: they exist if and only if it commits. `at` is a real moment. */
  arm(trx: Transaction<never>, timers: readonly { at: Date; data: JobData<'delivery.wake'> }[]): Promise<void>
  /** Runs the handlers of all jobs until `stop`; refuses to start when one has none. */
  work(handlers: Handlers): Promise<void>
  stop(): Promise<void>
}

/** Timers that are fetched at once. */
const wakeBatchSize = 200
/** Deferred jobs are found by polling only; half a second is pg-boss's shortest. */
const pollingIntervalSeconds = 0.5

/**
 * Opens the queue over an own small pool; `isWorker: false` only arms.
 *
 * @see https://github.com/timgit/pg-boss
 */
export const openQueue = async (options: {
  connection: { readonly connectionString: string } | { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  isWorker: boolean
  onError: (error: Error) => void
}): Promise<Queue> => {
  const boss = new PgBoss({ ...options.connection, max: 4, application_name: 'estafeta jobs', supervise: options.isWorker, schedule: options.isWorker })
  boss.on('error', options.onError)
  await boss.start()
  for (const [name, { queue }] of Object.entries(jobs)) {
    await boss.createQueue(name, queue)
    await boss.updateQueue(name, queue)
  }
  return {
    arm: async (trx, timers) => {
      if (timers.length === 0) return
      await boss.insert(
        'delivery.wake',
        timers.map(({ at, data }) => ({ data, startAfter: at })),
        { db: fromKysely(trx) },
      )
    },
    work: async (handlers) => {
      const names = Object.keys(jobs) as JobName[]
      // All of them before the first is worked: a queue that is refused has taken nothing.
      for (const name of names) if ((handlers as Partial<Handlers>)[name] === undefined) throw new Error(`The job ${name} has no handler`)
      for (const name of names) {
        const handler = handlers[name] as (items: readonly unknown[]) => Promise<void>
        const batchSize = name === 'delivery.wake' ? wakeBatchSize : 1
        await boss.work(name, { batchSize, pollingIntervalSeconds }, async (items) => handler(items.map((item) => jobs[name].data.parse(item.data))))
      }
      for (const { name, cron } of schedules) await boss.schedule(name, cron, {}, { tz: 'UTC' })
    },
    stop: async () => boss.stop({ graceful: true, timeout: 5_000 }),
  }
}
