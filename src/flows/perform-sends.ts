import { setTimeout as sleep } from 'node:timers/promises'
import { ChannelError, type OutboundMessage, type Sent } from '../channels/channel.ts'
import { setConnectionState } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { attemptNumbers } from '../db/deliveries.ts'
import { lastInboundAt, setReachable } from '../db/identities.ts'
import { claim, finish, putBack, type OutboxRow } from '../db/outbox.ts'
import { type CascadeEvent } from '../domain/cascade.ts'
import { type Attempt, type Delivery } from '../domain/delivery.ts'
import { attemptId, type AttemptId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { render } from '../domain/render.ts'
import { type ChannelStep } from '../domain/route.ts'
import { messageOf } from '../errors.ts'
import { advanceDeliveries, type DeliveryEvent } from './advance-deliveries.ts'
import { pauseConnection, withinRate, type Wish } from './connection-rate.ts'
import { callSignal, type Deps } from './deps.ts'
import { isElsewhere, strandedMs } from './keep-sessions.ts'
import { isProvedBySend, type OpenConnection } from './open-connection.ts'
import { say } from './say.ts'
import { withdraw } from './withdraw.ts'

/** Rows claimed in one transaction; their calls then run side by side. */
const batchSize = 100
/** WhatsApp's window for free texts, and a margin for the way. */
const windowMs = 24 * 3600_000 - 60_000

/** How long a claimed row may be on its way: the call's own limit and a margin. Then its outcome counts as unknown. */
export const sendLeaseMs = (deps: Deps): number => deps.config.requestTimeoutSeconds * 1000 + 5_000

interface Prepared {
  readonly row: OutboxRow
  readonly open: OpenConnection
  readonly attempt: Attempt
  readonly message: OutboundMessage
}

/** Outcomes are stored together: one transaction for all calls that came back within this time. */
const collectMs = 4

/** A round waits this long for its calls; slower ones come back by themselves, so that a messenger that hangs holds up no other. */
const patienceMs = 100
/** Calls that may be out at once. Beyond it a round waits for all of its own. */
const mostCallsOut = 500

/** Sends everything that is due to messengers, in rounds. */
export interface Sender {
  /** One round. Returns how many rows were taken; their calls may still be out. */
  perform(): Promise<number>
  /** Resolves when every call has come back and its outcome is stored. */
  drain(): Promise<void>
}

/**
 * Sends what is due, at most once each.
 *
 * An attempt is marked as leaving and committed before its call leaves. What the call brings - accepted, refused, no answer -
 * goes back into the cascade.
 */
export const createSender = (deps: Deps): Sender => {
  const rounds = new Set<Promise<void>>()
  let callsOut = 0
  const settle = async (prepared: readonly Prepared[], words: readonly OutboxRow[]): Promise<void> => {
    const outcomes = createCollector(deps)
    const counted = async (work: Promise<void>): Promise<void> => work.finally(() => (callsOut -= 1))
    callsOut += prepared.length + words.length
    await Promise.all([
      ...prepared.map((item) => counted(call(deps, item).then((event) => outcomes.add(item, event)))),
      ...words.map((row) => counted(row.kind === 'withdraw' ? withdraw(deps, row) : say(deps, row))),
    ])
    await outcomes.flush()
  }
  return {
    perform: async () => {
      const { rows, prepared, words } = await deps.db.transaction().execute(async (trx) => prepare(deps, trx))
      if (prepared.length + words.length === 0) return rows
      const round: Promise<void> = settle(prepared, words)
        .catch((error: unknown) => {
          // The rows keep their leases; when those are over, recovery treats the outcomes as unknown.
          deps.log.error({ code: 'OUTCOME_LOST', reason: messageOf(error) }, 'outcomes could not be stored')
        })
        .finally(() => rounds.delete(round))
      rounds.add(round)
      const isCrowded = callsOut > mostCallsOut
      await (isCrowded ? round : Promise.race([round, sleep(patienceMs, undefined, { ref: false })]))
      return rows
    },
    drain: async () => {
      await Promise.all(rounds)
    },
  }
}

const prepare = async (deps: Deps, trx: Trx): Promise<{ rows: number; prepared: Prepared[]; words: OutboxRow[] }> => {
  const now = deps.clock.now()
  const claimed = await claim(trx, { lane: 'channel', now, leaseMs: sendLeaseMs(deps), limit: batchSize, elsewhere: deps.sessions.elsewhere() })
  const allowed = await withinBudget(deps, trx, claimed, now)
  const sends = allowed.filter((row) => row.kind === 'send')
  const words = allowed.filter((row) => row.kind !== 'send')
  const leaving = sends.map(
    (row): DeliveryEvent => ({ portalId: row.portalId, deliveryId: row.deliveryId!, event: { type: 'leaving', attemptId: attemptId(row.deliveryId!, row.step!), at: now } }),
  )
  const deliveries = await advanceDeliveries(deps, trx, leaving)
  const numbers = await attemptNumbers(trx, sends.map((row) => ({ portalId: row.portalId, deliveryId: row.deliveryId!, step: row.step! })))
  const inboundAt = await lastInboundAt(
    trx,
    sends.flatMap((row) => {
      const to = deliveries.get(row.deliveryId!)?.attempts.find((attempt) => attempt.step === row.step)?.to
      return to === undefined ? [] : [{ portalId: row.portalId, connectionId: row.connectionId!, chatId: to }]
    }),
  )
  const prepared: Prepared[] = []
  const overtaken: number[] = []
  for (const row of sends) {
    const delivery = deliveries.get(row.deliveryId!)
    const attempt = delivery?.attempts.find((candidate) => candidate.step === row.step)
    const open = await deps.connections.byId(row.portalId, row.connectionId!)
    // The cascade has moved on, or the connection is gone: nothing leaves.
    if (delivery === undefined || attempt?.state !== 'sending' || open === undefined) {
      overtaken.push(row.id)
      if (attempt?.state === 'sending') {
        const failure = { class: 'channelPermanent', code: 'connectionGone' } as const
        await advanceDeliveries(deps, trx, [{ portalId: row.portalId, deliveryId: row.deliveryId!, event: { type: 'rejected', attemptId: attempt.id, failure, at: now } }])
      }
      continue
    }
    const lastAt = inboundAt.get(`${row.connectionId!} ${attempt.to!}`)
    const message = messageFor(open, delivery, attempt, numbers.get(attempt.id)!, open.channel.canStart !== 'template' || (lastAt !== undefined && now - lastAt < windowMs))
    prepared.push({ row, open, attempt, message })
  }
  await finish(trx, overtaken)
  return { rows: claimed.length, prepared, words }
}

/** Rows beyond a connection's rate, and those whose session is elsewhere, go back as if they had never been claimed. */
const withinBudget = async (deps: Deps, trx: Trx, rows: readonly OutboxRow[], now: number): Promise<readonly OutboxRow[]> => {
  const here: Wish<OutboxRow>[] = []
  const stranded: OutboxRow[] = []
  for (const row of rows) {
    const open = await deps.connections.byId(row.portalId, row.connectionId!)
    // The session was lost, or is so new that the claim did not know of it.
    if (open !== undefined && isElsewhere(deps, open)) stranded.push(row)
    else here.push({ item: row, portalId: row.portalId, connectionId: row.connectionId!, perSecond: open?.channel.limits.perSecond })
  }
  const { allowed, later } = await withinRate(deps.db, here)
  await putBack(trx, [
    ...stranded.map((row) => ({ id: row.id, runAt: now + strandedMs, wasTried: false })),
    ...later.map(({ item, waitMs }) => ({ id: item.id, runAt: now + waitMs, wasTried: false })),
  ])
  return allowed
}

const messageFor = (open: OpenConnection, delivery: Delivery, attempt: Attempt, number: number, freeText: boolean): OutboundMessage => {
  const step = delivery.route.steps[attempt.step] as ChannelStep
  const { limits } = open.channel
  const rendered = render(
    step.content,
    { text: delivery.text, name: delivery.contactName ?? '' },
    { textLength: limits.textLength, hasButtons: limits.buttons !== undefined, freeText },
    attempt.id,
  )
  return { ref: attempt.id, number, to: attempt.to!, ...rendered, expiresInSeconds: Math.max(60, Math.ceil(attempt.budgetMs / 1000)) }
}

/** One call to the vendor, turned into the event that tells the cascade. Never throws. */
const call = async (deps: Deps, { open, message, attempt }: Prepared): Promise<CascadeEvent> => {
  const { channel, credentials, connection } = open
  const signal = callSignal(deps)
  const context = { credentials, http: deps.http, signal, session: deps.sessions.of(connection.id) }
  const accepted = (sent: Sent): CascadeEvent => ({ type: 'accepted', attemptId: attempt.id, externalId: sent.externalId, parts: sent.parts, at: deps.clock.now() })
  try {
    // A repetition under the same key: the vendor is asked first whether the lost one arrived.
    const known = attempt.tries > 1 ? await channel.lookUp?.(message, context) : undefined
    const sent = known ?? (await channel.send(message, context))
    deps.metrics.count('estafeta_sends_total', { channel: channel.id, outcome: 'accepted' })
    return accepted(sent)
  } catch (error) {
    const at = deps.clock.now()
    if (!(error instanceof ChannelError)) {
      deps.log.error({ code: 'SEND_BROKE', channel: channel.id, connection: connection.id, reason: messageOf(error) }, 'a send broke in our own code')
      return { type: 'lost', attemptId: attempt.id, at }
    }
    deps.metrics.count('estafeta_sends_total', { channel: channel.id, outcome: error.outcome === 'unknown' ? 'unknown' : error.failure.class })
    deps.log.info({ channel: channel.id, connection: connection.id, attempt: attempt.id, failure: error.failure.class, code: error.failure.code, outcome: error.outcome }, 'a send was not accepted')
    if (error.outcome === 'rejected') return { type: 'rejected', attemptId: attempt.id, failure: error.failure, retryAfterSeconds: error.retryAfterSeconds, at }
    return lostEvent(channel.isIdempotent, attempt.id, at)
  }
}

/**
 * What an unknown outcome means to the cascade: where the vendor takes our own id, the send may be repeated under it; elsewhere it is
 * never repeated, and its receipt or the step's time decides.
 */
export const lostEvent = (isIdempotent: boolean, attempt: AttemptId, at: number): CascadeEvent =>
  isIdempotent
    ? { type: 'rejected', attemptId: attempt, failure: { class: 'transient', code: 'noAnswer' }, retryAfterSeconds: 5, at }
    : { type: 'lost', attemptId: attempt, at }

interface Collector {
  add(item: Prepared, event: CascadeEvent): Promise<void>
  flush(): Promise<void>
}

/** Stores outcomes in groups; a group that fails is stored one by one, so that one bad row does not hold up the others. */
const createCollector = (deps: Deps): Collector => {
  let waiting: { item: Prepared; event: CascadeEvent }[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  const write = async (): Promise<void> => {
    const group = waiting
    waiting = []
    timer = undefined
    if (group.length === 0) return
    try {
      await storeOutcomes(deps, group)
    } catch (error) {
      if (group.length === 1) throw error
      for (const one of group) {
        await storeOutcomes(deps, [one]).catch((cause: unknown) => {
          // The row keeps its lease; when that is over, recovery treats the outcome as unknown.
          deps.log.error({ code: 'OUTCOME_LOST', attempt: one.item.attempt.id, reason: messageOf(cause) }, 'an outcome could not be stored')
        })
      }
    }
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    writing = writing.then(write)
    return writing
  }
  return {
    add: (item, event) => {
      waiting.push({ item, event })
      if (waiting.length >= batchSize) return flush()
      timer ??= setTimeout(() => void flush().catch(() => undefined), collectMs)
      return Promise.resolve()
    },
    flush,
  }
}

const storeOutcomes = async (deps: Deps, group: readonly { item: Prepared; event: CascadeEvent }[]): Promise<void> => {
  await deps.db.transaction().execute(async (trx) => {
    await advanceDeliveries(deps, trx, group.map(({ item, event }) => ({ portalId: item.row.portalId, deliveryId: item.row.deliveryId!, event })))
    await finish(trx, group.map(({ item }) => item.row.id))
    for (const { item, event } of group) await learn(deps, trx, item, event)
  })
}

/** What an outcome tells beyond the attempt: the chat is closed to us, the whole connection is broken, the vendor wants a pause. */
const learn = async (deps: Deps, trx: Trx, { open, attempt }: Prepared, event: CascadeEvent): Promise<void> => {
  const { portalId, id, state } = open.connection
  if (event.type === 'accepted' && state === 'broken' && isProvedBySend(open)) await noteConnection(deps, trx, portalId, id, 'working', undefined)
  if (event.type !== 'rejected') return
  const { failure } = event
  if (failure.class === 'recipientPermanent' && open.channel.addressedBy === 'identity') {
    await setReachable(trx, { portalId, connectionId: id, chatId: attempt.to! }, 'blocked')
  }
  if (failure.class === 'channelPermanent') await noteConnection(deps, trx, portalId, id, 'broken', failure.code)
  if (failure.class === 'rateLimited' && event.retryAfterSeconds !== undefined) {
    await pauseConnection(deps.db, portalId, id, Date.now() + deps.clock.waitMs(event.at + event.retryAfterSeconds * 1000))
  }
}

const noteConnection = async (deps: Deps, trx: Trx, portal: PortalId, id: ConnectionId, state: 'working' | 'broken', code: string | undefined): Promise<void> => {
  await setConnectionState(trx, portal, id, state, code)
  deps.connections.forget()
}

