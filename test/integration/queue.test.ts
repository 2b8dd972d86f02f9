import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Transaction } from 'kysely'
import { listen } from '../../src/db/bell.ts'
import { ring } from '../../src/db/outbox.ts'
import { openQueue, type Handlers, type Queue } from '../../src/queue/boss.ts'
import { jobs } from '../../src/queue/jobs.ts'
import { openDatabase, type OpenDatabase } from './support.ts'

const nothing = async (): Promise<void> => Promise.resolve()
const handlers: Handlers = { 'delivery.wake': nothing, 'data.prune': nothing, 'connections.check': nothing, 'dialogs.lookThrough': nothing }

describe('the queue', () => {
  let base: OpenDatabase
  const queues: Queue[] = []
  const open = async (isWorker: boolean): Promise<Queue> => {
    const queue = await openQueue({ connection: base.connection, isWorker, onError: () => undefined })
    queues.push(queue)
    return queue
  }
  const wake = (name: string, at = new Date()): { at: Date; data: { portalId: string; deliveryId: string } } => ({ at, data: { portalId: 'p', deliveryId: name } })
  const arm = async (queue: Queue, timers: Parameters<Queue['arm']>[1]): Promise<void> => base.db.transaction().execute(async (trx) => queue.arm(trx as unknown as Transaction<never>, timers))
  const armed = async (): Promise<string[]> =>
    (await base.query<{ id: string }>("select data->>'deliveryId' as id from pgboss.job where name = 'delivery.wake' and state = 'created' order by 1")).map(({ id }) => id)

  beforeAll(async () => {
    base = await openDatabase()
  })
  afterAll(async () => {
    await Promise.all(queues.map(async (queue) => queue.stop()))
    await base.drop()
  })

  it.each(Object.keys(jobs))('does not start without a handler for %s', async (name) => {
    const queue = await open(false)
    const incomplete = Object.fromEntries(Object.entries(handlers).filter(([key]) => key !== name)) as unknown as Handlers
    await expect(queue.work(incomplete)).rejects.toThrow(`The job ${name} has no handler`)
    await queue.stop()
  })

  it('arms timers if and only if the transaction commits', async () => {
    const queue = await open(false)
    const far = new Date(Date.now() + 3_600_000)
    await arm(queue, [wake('kept', far)])
    await expect(base.db.transaction().execute(async (trx) => {
      await queue.arm(trx as unknown as Transaction<never>, [wake('lost', far)])
      throw new Error('planned')
    })).rejects.toThrow('planned')
    await arm(queue, [])
    expect(await armed()).toEqual(['kept'])
  })

  it('gives due timers to the handler, those of the future not, and a failed batch again', async () => {
    const queue = await open(true)
    let first = true
    const woken: string[] = []
    const done = new Promise<void>((resolve) => {
      void queue.work({
        ...handlers,
        'delivery.wake': async (items) => {
          if (first) {
            first = false
            throw new Error('planned')
          }
          woken.push(...items.map((item) => item.deliveryId))
          if (woken.length >= 2) resolve()
          return Promise.resolve()
        },
      })
    })
    await arm(queue, [wake('one'), wake('two'), wake('tomorrow', new Date(Date.now() + 86_400_000))])
    await done
    expect(new Set(woken)).toEqual(new Set(['one', 'two']))
    expect(await armed()).toContain('tomorrow')
  })
})

describe('the bell', () => {
  it('is heard at commit, with its lane, and not after a rollback', async () => {
    const base = await openDatabase()
    const heard: string[] = []
    let tell = (): void => undefined
    const rung = new Promise<void>((resolve) => (tell = resolve))
    const bell = await listen(base.connection, (lane) => {
      heard.push(lane)
      if (lane === 'inbox') tell()
    })
    try {
      await base.db.transaction().execute(async (trx) => {
        await ring(trx, 'portal')
        throw new Error('planned')
      }).catch(() => undefined)
      await base.db.transaction().execute(async (trx) => ring(trx, 'channel'))
      await ring(base.db, 'inbox')
      await rung
      expect(heard).toEqual(['channel', 'inbox'])
    } finally {
      await bell.stop()
      await base.drop()
    }
  })
})
