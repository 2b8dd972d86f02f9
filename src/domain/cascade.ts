/**
 * The cascade: what a notification does next.
 *
 * No clock, no random, no IO. Time arrives as data, work leaves as data: `transition(delivery, event)` returns the next
 * delivery and the effects that the caller stores in the same transaction. An event that changes nothing returns the same
 * object, so repeated and late events are free.
 *
 * Held here: one open attempt at a time (I2); nothing later starts after proof, reply, stop or deadline (I3); receipts merge
 * by rank in any order (I4); an attempt leaves at most once unless the vendor said no (B12).
 */
import { attemptId, type AttemptId, type ConnectionId } from './ids.ts'
import { type Attempt, type Delivery, type ReachMap, type StopReason, type TriggerCode } from './delivery.ts'
import { type Answer } from './message.ts'
import { proves, strongest, withProofTime, type Failure, type Proof } from './receipt.ts'
import { type ChannelStep, type RouteStep } from './route.ts'

/** What a look at the portal found. */
export interface World {
  /** undefined: the deal is no more. */
  readonly deal: { readonly stageId: string; readonly isClosed: boolean; readonly contactId?: string; readonly responsibleId?: string } | undefined
  readonly contactName?: string
  readonly reach: ReachMap
}

export type CascadeEvent =
  | { readonly type: 'started'; readonly at: number }
  | { readonly type: 'looked'; readonly world: World; readonly at: number }
  /** The portal could not be asked; `isFinal` when there is no sense in asking again. */
  | { readonly type: 'lookFailed'; readonly isFinal: boolean; readonly at: number }
  /** The call is about to leave: the last moment to stop it. */
  | { readonly type: 'leaving'; readonly attemptId: AttemptId; readonly at: number }
  | { readonly type: 'accepted'; readonly attemptId: AttemptId; readonly externalId: string; readonly parts: number; readonly at: number }
  /** The vendor said no, or was never reached: nothing went out. */
  | { readonly type: 'rejected'; readonly attemptId: AttemptId; readonly failure: Failure; readonly retryAfterSeconds?: number; readonly at: number }
  /** No answer: it may be out. */
  | { readonly type: 'lost'; readonly attemptId: AttemptId; readonly at: number }
  | { readonly type: 'receipt'; readonly attemptId: AttemptId; readonly level: Proof; readonly at: number }
  /** A receipt that says it did not arrive. */
  | { readonly type: 'bounced'; readonly attemptId: AttemptId; readonly failure: Failure; readonly at: number }
  | { readonly type: 'acted'; readonly attemptId: AttemptId; readonly answer: Answer; readonly at: number }
  | { readonly type: 'replied'; readonly connectionId: ConnectionId; readonly at: number }
  /** The patient closed this connection to us. */
  | { readonly type: 'blocked'; readonly connectionId: ConnectionId; readonly at: number }
  | { readonly type: 'woke'; readonly at: number }
  | { readonly type: 'stopped'; readonly reason: StopReason; readonly at: number }
  /** An employee does not wait for the open step any longer. */
  | { readonly type: 'movedOn'; readonly at: number }

export type Effect =
  | { readonly type: 'look' }
  | { readonly type: 'send'; readonly attemptId: AttemptId; readonly notBefore: number }
  /** The message is wanted no more: what still waits at the vendor is to be taken back (F40). */
  | { readonly type: 'withdraw'; readonly attemptId: AttemptId }
  | { readonly type: 'wake'; readonly at: number }
  /** Bring the record in the timeline up to date. */
  | { readonly type: 'record' }
  | { readonly type: 'answerRobot' }
  | { readonly type: 'fireTrigger'; readonly code: TriggerCode }
  | { readonly type: 'giveTask'; readonly dueAt: number }

export interface Transition {
  readonly delivery: Delivery
  readonly effects: readonly Effect[]
}

/** A step that was not even accepted is given up this long after its own time: waiting for a rate slot does not eat the step, but ends. */
export const acceptanceGraceMs = 5 * 60_000
/** Calls of one attempt that may end in a transient refusal. */
export const maxTransientTries = 3
const minuteMs = 60_000

export const transition = (delivery: Delivery, event: CascadeEvent): Transition => {
  const next = react(delivery, event)
  const left = next.delivery === delivery ? [] : next.delivery.attempts.filter((attempt) => isLeft(next.delivery, attempt) && !isLeft(delivery, find(delivery, attempt.id)))
  return left.length === 0 ? next : { ...next, effects: [...next.effects, ...left.map(({ id }): Effect => ({ type: 'withdraw', attemptId: id }))] }
}

/** The vendor has, or may have, the message and has not said that it left; nobody waits for it, and it is not what the notification was reached by. */
const isLeft = (delivery: Delivery, attempt: Attempt | undefined): boolean => {
  if (attempt === undefined || openAttempt(delivery)?.id === attempt.id) return false
  const isThere = attempt.externalId !== undefined || attempt.state === 'unknown'
  const wanted = channelStep(delivery, attempt.step)?.proof
  return isThere && !proves(attempt.proof, 'sent') && !(attempt.state === 'out' && wanted !== undefined && proves(attempt.proof, wanted))
}

const react = (delivery: Delivery, event: CascadeEvent): Transition => {
  switch (event.type) {
    case 'started':
      // The record waits for the first look: only then it is known whose card it belongs on too.
      return delivery.phase === 'looking' && delivery.step === -1 ? { delivery, effects: [{ type: 'look' }] } : same(delivery)
    case 'looked':
      return onLooked(delivery, event.world, event.at)
    case 'lookFailed':
      return onLookFailed(delivery, event.isFinal, event.at)
    case 'leaving':
      return onLeaving(delivery, event.attemptId, event.at)
    case 'accepted':
      return onAccepted(delivery, event)
    case 'rejected':
      return onRejected(delivery, event)
    case 'lost':
      return onLost(delivery, event.attemptId)
    case 'receipt':
      return onReceipt(delivery, event.attemptId, event.level, event.at)
    case 'bounced':
      return onBounced(delivery, event.attemptId, event.failure, event.at)
    case 'acted':
      return onActed(delivery, event.attemptId, event.answer, event.at)
    case 'replied':
      return onReplied(delivery, event.connectionId, event.at)
    case 'blocked':
      return onBlocked(delivery, event.connectionId, event.at)
    case 'woke':
      return onWoke(delivery, event.at)
    case 'stopped':
      return delivery.status === 'running' ? close(delivery, 'stopped', event.at, { stopReason: event.reason }) : same(delivery)
    case 'movedOn':
      // While the next step is being looked for there is nothing to give up: pressing twice passes over one step.
      return openAttempt(delivery) === undefined ? same(delivery) : advance(delivery)
    default:
      return event satisfies never
  }
}

/**
 * When the open attempt's time is up, epoch ms: its budget after acceptance, or budget and grace after its start when nobody
 * accepted it. Never later than the deadline. undefined: nothing is open.
 */
export const dueAt = (delivery: Delivery): number | undefined => {
  const open = openAttempt(delivery)
  if (open === undefined) return undefined
  const due = open.times.accepted !== undefined ? open.times.accepted + open.budgetMs : open.startedAt + open.budgetMs + acceptanceGraceMs
  return delivery.deadlineAt === undefined ? due : Math.min(due, delivery.deadlineAt)
}

/** The attempt that the cascade is waiting for. */
export const openAttempt = (delivery: Delivery): Attempt | undefined =>
  delivery.status === 'running' && delivery.phase === 'trying' ? delivery.attempts.find((attempt) => attempt.step === delivery.step) : undefined

/** The attempt that counts in the record and in the robot's answer: the strongest proof, the earliest of equals. */
export const bestAttempt = (delivery: Delivery): Attempt | undefined =>
  delivery.attempts.reduce<Attempt | undefined>(
    (best, attempt) =>
      attempt.proof === undefined || attempt.state === 'failed' || (best?.proof !== undefined && proves(best.proof, attempt.proof)) ? best : attempt,
    undefined,
  )

const same = (delivery: Delivery): Transition => ({ delivery, effects: [] })

const channelStep = (delivery: Delivery, index: number): ChannelStep | undefined => {
  const step = delivery.route.steps[index]
  return step?.kind === 'channel' ? step : undefined
}

/**
 * The time that a step gets, ms. With a deadline the remaining steps share what is left in proportion, so that the later
 * ones, the call task included, still fit (B9).
 */
const budgetOf = (delivery: Delivery, index: number, at: number): number => {
  const wanted = delivery.route.steps[index]!.minutes * minuteMs
  if (delivery.deadlineAt === undefined) return wanted
  const needed = delivery.route.steps.slice(index).reduce((sum, step: RouteStep) => sum + (step.kind === 'channel' ? step.minutes * minuteMs : 0), 0)
  const left = Math.max(0, delivery.deadlineAt - at)
  return needed <= left ? wanted : Math.floor((wanted * left) / needed)
}

const replace = (delivery: Delivery, attempt: Attempt): Delivery => ({
  ...delivery,
  attempts: delivery.attempts.map((other) => (other.id === attempt.id ? attempt : other)),
})

const find = (delivery: Delivery, id: AttemptId): Attempt | undefined => delivery.attempts.find((attempt) => attempt.id === id)

const advance = (delivery: Delivery): Transition => ({ delivery: { ...delivery, phase: 'looking' }, effects: [{ type: 'look' }, { type: 'record' }] })

/** Closes once: the robot is answered at the first close only; late truth may still correct the status (see `settle`). */
const close = (
  delivery: Delivery,
  status: 'reached' | 'notReached' | 'stopped',
  at: number,
  also: Partial<Delivery> = {},
  effects: readonly Effect[] = [],
): Transition => {
  const closed: Delivery = { ...delivery, ...also, status, phase: 'closed', closedAt: delivery.closedAt ?? at }
  const ending: TriggerCode[] = status === 'notReached' ? ['not_reached'] : status === 'stopped' ? ['stopped'] : []
  const answer: readonly Effect[] = delivery.closedAt === undefined ? [{ type: 'answerRobot' }] : []
  return fire({ delivery: closed, effects: [...effects, { type: 'record' }, ...answer] }, ending)
}

/** Fires each trigger at most once in the life of a delivery. */
const fire = ({ delivery, effects }: Transition, codes: readonly TriggerCode[]): Transition => {
  const fresh = codes.filter((code) => !delivery.fired.includes(code))
  if (fresh.length === 0) return { delivery, effects }
  return {
    delivery: { ...delivery, fired: [...delivery.fired, ...fresh] },
    effects: [...effects, ...fresh.map((code): Effect => ({ type: 'fireTrigger', code }))],
  }
}

const stopReasonOf = (delivery: Delivery, { deal }: World): StopReason | undefined => {
  if (deal === undefined) return 'dealDeleted'
  if (deal.isClosed) return 'dealClosed'
  if (delivery.route.stopsWhenDealMoves && delivery.stageId !== undefined && deal.stageId !== delivery.stageId) return 'dealMoved'
  if (delivery.contactId !== undefined && deal.contactId !== delivery.contactId) return 'contactChanged'
  return undefined
}

const onLooked = (delivery: Delivery, world: World, at: number): Transition => {
  if (delivery.status !== 'running' || delivery.phase !== 'looking') return same(delivery)
  const learned: Delivery = {
    ...delivery,
    stageId: delivery.stageId ?? world.deal?.stageId,
    contactId: delivery.contactId ?? world.deal?.contactId,
    contactName: world.contactName ?? delivery.contactName,
    responsibleId: world.deal?.responsibleId ?? delivery.responsibleId,
    reach: world.reach,
  }
  const reason = stopReasonOf(delivery, world)
  return reason === undefined ? tryNext(learned, at) : close(learned, 'stopped', at, { stopReason: reason })
}

const onLookFailed = (delivery: Delivery, isFinal: boolean, at: number): Transition => {
  if (delivery.status !== 'running' || delivery.phase !== 'looking') return same(delivery)
  // What was known at the step before is better than silence: the patient is not forgotten because the portal is away.
  if (delivery.reach !== undefined) return tryNext(delivery, at)
  // Nobody could be looked up at all: what is left is the task for staff, which waits for the portal to return.
  return isFinal ? tryNext({ ...delivery, reach: {} }, at) : same(delivery)
}

/** Walks to the next step that can work, noting each one passed over; ends in the task or in "not reached". */
const tryNext = (delivery: Delivery, at: number): Transition => {
  const isLate = delivery.deadlineAt !== undefined && at >= delivery.deadlineAt
  let walked = delivery
  for (let index = delivery.step + 1; index < delivery.route.steps.length; index++) {
    const step = delivery.route.steps[index]!
    if (step.kind === 'task') {
      const task: Effect = { type: 'giveTask', dueAt: at + step.minutes * minuteMs }
      return close({ ...walked, step: index }, 'notReached', at, { taskGiven: true }, [task])
    }
    if (isLate) continue
    const reach = delivery.reach?.[step.connectionId] ?? { none: 'notLooked' as const }
    const attempt: Attempt = {
      id: attemptId(delivery.id, index),
      step: index,
      connectionId: step.connectionId,
      state: 'none' in reach ? 'skipped' : 'waiting',
      startedAt: at,
      budgetMs: budgetOf(delivery, index, at),
      tries: 0,
      times: {},
      ...('none' in reach ? { skip: reach.none } : { to: reach.to }),
    }
    walked = { ...walked, step: index, attempts: [...walked.attempts, attempt] }
    if (attempt.state === 'skipped') continue
    const open: Delivery = { ...walked, phase: 'trying' }
    const wakeAt = at + attempt.budgetMs
    return {
      delivery: open,
      effects: [
        { type: 'send', attemptId: attempt.id, notBefore: at },
        { type: 'wake', at: delivery.deadlineAt === undefined ? wakeAt : Math.min(wakeAt, delivery.deadlineAt) },
        { type: 'record' },
      ],
    }
  }
  return close(walked, 'notReached', at)
}

const onLeaving = (delivery: Delivery, id: AttemptId, at: number): Transition => {
  const open = openAttempt(delivery)
  if (open?.id !== id || open.state !== 'waiting' || at >= dueAt(delivery)!) return same(delivery)
  return { delivery: replace(delivery, { ...open, state: 'sending', tries: open.tries + 1 }), effects: [] }
}

const onAccepted = (delivery: Delivery, event: Extract<CascadeEvent, { type: 'accepted' }>): Transition => {
  const attempt = find(delivery, event.attemptId)
  if (attempt === undefined || attempt.externalId !== undefined) return same(delivery)
  const known: Attempt = { ...attempt, externalId: event.externalId, parts: event.parts }
  const next = settle(delivery, raise(known, 'accepted', event.at), event.at)
  // The step's own wake is over and armed the end of the grace: acceptance may have brought the end nearer.
  const isLate = openAttempt(next.delivery)?.id === attempt.id && event.at >= attempt.startedAt + attempt.budgetMs
  return isLate ? { ...next, effects: [...next.effects, { type: 'wake', at: dueAt(next.delivery)! }] } : next
}

const onRejected = (delivery: Delivery, event: Extract<CascadeEvent, { type: 'rejected' }>): Transition => {
  const attempt = find(delivery, event.attemptId)
  if (attempt?.state !== 'sending') return same(delivery)
  const retryAt = event.at + retryDelayMs(attempt, event.failure, event.retryAfterSeconds)
  const mayRetry =
    openAttempt(delivery)?.id === attempt.id &&
    (event.failure.class === 'rateLimited' || (event.failure.class === 'transient' && attempt.tries < maxTransientTries)) &&
    retryAt < dueAt(delivery)!
  if (mayRetry) {
    return { delivery: replace(delivery, { ...attempt, state: 'waiting' }), effects: [{ type: 'send', attemptId: attempt.id, notBefore: retryAt }] }
  }
  return fail(delivery, attempt, event.failure, event.at)
}

/** 2 s, 8 s for transient refusals; the vendor's own wait, else 4^tries s, for rate limits. */
const retryDelayMs = (attempt: Attempt, failure: Failure, retryAfterSeconds: number | undefined): number => {
  const ownSeconds = failure.class === 'rateLimited' ? 4 ** Math.min(attempt.tries, 5) : 2 * 4 ** (attempt.tries - 1)
  return (retryAfterSeconds ?? ownSeconds) * 1000
}

const onLost = (delivery: Delivery, id: AttemptId): Transition => {
  const attempt = find(delivery, id)
  // A receipt may have answered before us: then the outcome is known.
  if (attempt?.state !== 'sending') return same(delivery)
  return { delivery: replace(delivery, { ...attempt, state: 'unknown' }), effects: [{ type: 'record' }] }
}

const onReceipt = (delivery: Delivery, id: AttemptId, level: Proof, at: number): Transition => {
  const attempt = find(delivery, id)
  if (attempt === undefined || attempt.state === 'skipped') return same(delivery)
  return settle(delivery, raise(attempt, level, at), at)
}

/**
 * Merges one level into an attempt.
 *
 * A failure is taken back only by `delivered` or more: a late "sent" does not make a failed message good (F08).
 */
const raise = (attempt: Attempt, level: Proof, at: number): Attempt => {
  const proof = strongest(attempt.proof, level)
  const times = withProofTime(attempt.times, level, at)
  const isRecovered = attempt.state === 'failed' && proves(proof, 'delivered')
  const state = attempt.state === 'failed' && !isRecovered ? 'failed' : 'out'
  if (proof === attempt.proof && times === attempt.times && state === attempt.state) return attempt
  return { ...attempt, proof, times, state, failure: state === 'failed' ? attempt.failure : undefined }
}

/** Puts a merged attempt back and draws the consequence: reached, corrected, or just a better record. */
const settle = (delivery: Delivery, attempt: Attempt, at: number): Transition => {
  const before = find(delivery, attempt.id)!
  if (attempt === before || sameAttempt(attempt, before)) return same(delivery)
  const next = replace(delivery, attempt)
  // A stopped notification moves no deal any more.
  const counts = attempt.state === 'out' && delivery.status !== 'stopped'
  const levels = (['delivered', 'read'] as const).filter((level) => counts && proves(attempt.proof, level))
  const wanted = channelStep(delivery, attempt.step)?.proof
  const isProof = wanted !== undefined && attempt.state === 'out' && proves(attempt.proof, wanted)
  const isRestored = before.state === 'failed' && attempt.state === 'out'
  // Late truth wins over "not reached", but not over a stop: there the world decided, not the messenger.
  if (isProof && (next.status === 'running' || next.status === 'notReached')) return fire(close(next, 'reached', at), levels)
  const isVisible = attempt.proof !== before.proof || attempt.state !== before.state || isRestored
  return fire({ delivery: next, effects: isVisible ? [{ type: 'record' }] : [] }, levels)
}

const sameAttempt = (a: Attempt, b: Attempt): boolean =>
  a.state === b.state && a.proof === b.proof && a.times === b.times && a.externalId === b.externalId && a.failure === b.failure

const onBounced = (delivery: Delivery, id: AttemptId, failure: Failure, at: number): Transition => {
  const attempt = find(delivery, id)
  if (attempt === undefined || attempt.state === 'skipped' || proves(attempt.proof, 'delivered')) return same(delivery)
  return fail(delivery, attempt, failure, at)
}

/** Of several failures the earliest is kept, so that their order does not matter. */
const fail = (delivery: Delivery, attempt: Attempt, failure: Failure, at: number): Transition => {
  const known = attempt.failure
  if (attempt.state === 'failed' && known !== undefined && (known.at < at || (known.at === at && known.code <= failure.code))) return same(delivery)
  const failed = replace(delivery, { ...attempt, state: 'failed', failure: { ...failure, at } })
  if (attempt.state !== 'failed' && openAttempt(delivery)?.id === attempt.id) return advance(failed)
  return { delivery: failed, effects: [{ type: 'record' }] }
}

const triggerOf: Readonly<Record<Answer, TriggerCode>> = { confirm: 'confirmed', move: 'moved', cancel: 'cancelled' }

/** A pressed button is proof whatever the step waited for, and its last word counts even after the end. */
const onActed = (delivery: Delivery, id: AttemptId, answer: Answer, at: number): Transition => {
  const attempt = find(delivery, id)
  if (attempt === undefined || attempt.state === 'skipped') return same(delivery)
  const raised = raise(attempt, 'acted', at)
  if (delivery.answer === answer && sameAttempt(raised, attempt)) return same(delivery)
  const next: Delivery = { ...replace(delivery, raised), answer }
  const isOpen = next.status === 'running' || next.status === 'notReached'
  const closed = isOpen ? close(next, 'reached', at) : { delivery: next, effects: [{ type: 'record' as const }] }
  // A stopped notification moves no deal any more: the deal may be another patient's by now.
  return next.status === 'stopped' ? closed : fire(closed, ['delivered', 'read', triggerOf[answer]])
}

const onReplied = (delivery: Delivery, connectionId: ConnectionId, at: number): Transition => {
  if (delivery.status !== 'running') return same(delivery)
  // Only what may be with the patient is proved by a reply: one that was refused or never left is not made good by it.
  const attempt = delivery.attempts.find((other) => other.connectionId === connectionId && ['sending', 'unknown', 'out'].includes(other.state))
  const next = attempt === undefined ? delivery : replace(delivery, raise(attempt, 'acted', at))
  const levels: TriggerCode[] = attempt === undefined ? [] : ['delivered', 'read']
  return fire(close({ ...next, answer: next.answer ?? 'replied' }, 'reached', at), [...levels, 'replied'])
}

/** A proof that was given before stays; what was only accepted will not be read any more. */
const onBlocked = (delivery: Delivery, connectionId: ConnectionId, at: number): Transition => {
  const open = openAttempt(delivery)
  if (open?.connectionId !== connectionId) return same(delivery)
  return onBounced(delivery, open.id, { class: 'recipientPermanent', code: 'blocked' }, at)
}

const onWoke = (delivery: Delivery, at: number): Transition => {
  const due = dueAt(delivery)
  if (due === undefined) return same(delivery)
  // Armed at the start of the step; acceptance came later, so the step's time ends later.
  return at < due ? { delivery, effects: [{ type: 'wake', at: due }] } : advance(delivery)
}
