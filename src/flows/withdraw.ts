import { ChannelError } from '../channels/channel.ts'
import { loadDeliveries } from '../db/deliveries.ts'
import { finish, giveUp, putBack, type OutboxRow } from '../db/outbox.ts'
import { proves } from '../domain/receipt.ts'
import { messageOf } from '../errors.ts'
import { advanceDeliveries } from './advance-deliveries.ts'
import { callSignal, type Deps } from './deps.ts'
import { receiptEvents } from './take-webhooks.ts'

/** How long a vendor that does not answer is asked again: no queue is known to keep a message for longer. */
const mostPatienceMs = 24 * 3600_000

/**
 * Takes back an attempt that the cascade has left, where its vendor lets messages wait: it must not come out hours after the SMS (F40).
 *
 * The cascade does not wait for it: a vendor that is away must not hold a notification up. Every message that was taken back counts as
 * failed, other patients' too where the vendor can only clear all: their cascades go on, and an operator is told. Never throws for a vendor's refusal.
 */
export const withdraw = async (deps: Deps, row: OutboxRow): Promise<void> => {
  const open = await deps.connections.byId(row.portalId, row.connectionId!)
  const delivery = (await loadDeliveries(deps.db, [{ portalId: row.portalId, deliveryId: row.deliveryId! }])).get(row.deliveryId!)
  const attempt = delivery?.attempts.find((candidate) => candidate.step === row.step)
  // It has left meanwhile, or nobody is there any more who could take it back.
  if (open === undefined || attempt?.to === undefined || proves(attempt.proof, 'sent')) {
    await finish(deps.db, [row.id])
    return
  }
  const { channel, credentials, connection } = open
  const now = deps.clock.now()
  try {
    const signal = callSignal(deps)
    const taken = (await channel.withdraw?.({ externalId: attempt.externalId, to: attempt.to }, { credentials, http: deps.http, signal, session: deps.sessions.of(connection.id) })) ?? []
    await deps.db.transaction().execute(async (trx) => {
      const failures = taken.map((externalId) => ({ open, inbound: { type: 'failure', externalId, failure: { class: 'channelTemporary', code: 'withdrawn' }, at: now } as const }))
      await advanceDeliveries(deps, trx, await receiptEvents(deps, trx, failures))
      await finish(trx, [row.id])
    })
    deps.log.info({ channel: channel.id, connection: connection.id, attempt: attempt.id, taken: taken.length }, 'what waited at a vendor was taken back')
  } catch (error) {
    if (!(error instanceof ChannelError)) {
      deps.log.error({ code: 'WITHDRAW_BROKE', channel: channel.id, connection: connection.id, reason: messageOf(error) }, 'taking back broke in our own code')
      await giveUp(deps.db, [{ id: row.id, reason: 'broke' }])
      return
    }
    const { failure, retryAfterSeconds } = error
    deps.log.info({ channel: channel.id, connection: connection.id, attempt: attempt.id, failure: failure.class, code: failure.code }, 'a vendor did not take a message back')
    if (now - row.since >= mostPatienceMs) {
      await giveUp(deps.db, [{ id: row.id, reason: failure.code }])
      return
    }
    const runAt = now + (retryAfterSeconds ?? Math.min(300, 2 ** Math.min(row.tries + 1, 9))) * 1000
    await deps.db.transaction().execute((trx) => putBack(trx, [{ id: row.id, runAt, reason: failure.code, wasTried: true }]))
  }
}
