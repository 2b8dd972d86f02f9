import { finish, retryLater, setAside, take, type InboxRow } from '../db/inbox.ts'
import { type Trx } from '../db/database.ts'
import { messageOf } from '../errors.ts'
import { type Deps } from './deps.ts'
import { startDeliveries } from './start-delivery.ts'
import { takeLineEvents } from './take-line-events.ts'
import { takeWebhooks } from './take-webhooks.ts'
import { takeLifecycleEvent } from './take-lifecycle.ts'

const messages = ['robot', 'channel', 'line'] as const

/** Rows of one transaction. */
const batchSize = 200

/**
 * Works on robot calls and webhooks that have arrived, oldest first, in one transaction per batch: a crash gives everything back.
 *
 * When a batch fails, its rows are worked on one by one, so that a poisonous row holds up nobody; it is tried again later and kept as
 * `failed` in the end. Returns how many rows were taken.
 */
export const processInbox = async (deps: Deps): Promise<number> => {
  try {
    return await deps.db.transaction().execute(async (trx) => {
      const rows = await take(trx, messages, batchSize)
      await work(deps, trx, rows)
      return rows.length
    })
  } catch (error) {
    deps.log.warn({ code: 'BATCH_FAILED', reason: messageOf(error) }, 'a batch of arrivals failed and is worked on one by one')
    return oneByOne(deps)
  }
}

const oneByOne = async (deps: Deps): Promise<number> => {
  let count = 0
  for (; count < batchSize; count++) {
    let current: InboxRow | undefined
    try {
      const isEmpty = await deps.db.transaction().execute(async (trx) => {
        const rows = await take(trx, messages, 1)
        current = rows[0]
        await work(deps, trx, rows)
        return rows.length === 0
      })
      if (isEmpty) return count
    } catch (error) {
      await postpone(deps, current, error)
    }
  }
  return count
}

/**
 * Works on one event of the application's own life, in a transaction of its own: it asks the portal and the OAuth server, and must
 * neither hold up a patient's message nor meet its own locks. Returns how many were taken.
 */
export const processLifecycle = async (deps: Deps): Promise<number> => {
  let current: InboxRow | undefined
  try {
    return await deps.db.transaction().execute(async (trx) => {
      const [row] = await take(trx, ['event'], 1)
      current = row
      if (row === undefined) return 0
      const outcome = await takeLifecycleEvent(deps, trx, row)
      if (outcome.then === 'done') await finish(trx, [row.id])
      if (outcome.then === 'setAside') await setAside(trx, row.id, outcome.reason)
      if (outcome.then === 'later') await retryLater(trx, row, outcome.reason, outcome.sealed)
      return 1
    })
  } catch (error) {
    await postpone(deps, current, error)
    return 1
  }
}

/** Without a row the database itself is away: the loop waits and tries again. */
const postpone = async (deps: Deps, row: InboxRow | undefined, error: unknown): Promise<void> => {
  if (row === undefined) throw error
  deps.log.error({ code: 'ARRIVAL_FAILED', inbox: row.id, kind: row.kind, reason: messageOf(error) }, 'an arrival could not be worked on')
  await retryLater(deps.db, row, messageOf(error).slice(0, 200))
}

const work = async (deps: Deps, trx: Trx, rows: readonly InboxRow[]): Promise<void> => {
  const unreadable = [
    ...(await startDeliveries(deps, trx, rows.filter((row) => row.kind === 'robot'))),
    ...(await takeWebhooks(deps, trx, rows.filter((row) => row.kind === 'channel'))),
    ...(await takeLineEvents(deps, trx, rows.filter((row) => row.kind === 'line'))),
  ]
  for (const { id, reason } of unreadable) await setAside(trx, id, reason)
  const kept = new Set(unreadable.map(({ id }) => id))
  await finish(trx, rows.filter((row) => !kept.has(row.id)).map((row) => row.id))
}
