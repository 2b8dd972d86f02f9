import { dueAt, openAttempt, transition, type CascadeEvent, type Effect, type World } from '../../src/domain/cascade.ts'
import { type Attempt, type Delivery, type Reach } from '../../src/domain/delivery.ts'
import { connectionId, type AttemptId } from '../../src/domain/ids.ts'
import { answers } from '../../src/domain/message.ts'
import { failureClasses, proofs, proves, rankOf, type Proof } from '../../src/domain/receipt.ts'
import { type RouteStep } from '../../src/domain/route.ts'
import { callTask, notification, start, step } from './story.ts'

/**
 * A world around one delivery, as unkind as the numbers that it is given: effects have their consequences late, twice, in any order or
 * never, patients and staff do what they like. When the numbers are used up (or are 0) the world is calm, so that a counterexample shrinks to
 * its cause. Every transition is judged at once; `problem` is thrown with the story so far.
 */

/** Longest look at the portal, call to a vendor and lateness of a timer, ms. */
const lookMs = 10 * 60_000
const callMs = 60_000
const lateMs = 30_000
/** After this a holder counts as dead, and the outcome of its call as unknown. */
const leaseMs = 90_000
const minute = 60_000
const graceMs = 5 * minute

export interface Case {
  readonly minutes: readonly number[]
  readonly hasTask: boolean
  readonly proofs: readonly number[]
  /** 0: none; else minutes from the start. */
  readonly deadlineMinutes: number
  readonly stopsWhenDealMoves: boolean
  /** Timers may be lost; then what is overdue is found by a sweep. */
  readonly losesTimers: boolean
  readonly choices: readonly number[]
}

interface Consequence {
  readonly at: number
  readonly order: number
  readonly happen: () => void
}

interface Judged {
  /** Calls that left, and refusals that allow one more. */
  leavings: number
  refusals: number
  acceptedAt?: number
  isOver: boolean
}

export interface Outcome {
  readonly delivery: Delivery
  readonly events: number
  readonly statuses: readonly Delivery['status'][]
}

/** Lives one case to its end. @throws Error with the story when an invariant does not hold */
export const live = (input: Case): Outcome => {
  let used = 0
  /** 0 … n-1; 0 is the calm choice. */
  const choose = (n: number): number => (used < input.choices.length ? input.choices[used++]! % n : 0)
  const chance = (oneIn: number): boolean => choose(oneIn) === 1
  const within = (ms: number): number => (choose(3) === 0 ? 0 : (choose(1000) / 1000) * ms)

  const steps: RouteStep[] = [...input.minutes.map((minutes, index) => step(`c${index}`, proofs[input.proofs[index]! % proofs.length]!, minutes)), ...(input.hasTask ? [callTask()] : [])]
  const deadlineAt = input.deadlineMinutes === 0 ? undefined : start + input.deadlineMinutes * minute
  let delivery = notification(steps, { deadlineAt }, input.stopsWhenDealMoves)
  let now = start
  let order = 0
  let events = 0
  const story: string[] = []
  const statuses: Delivery['status'][] = ['running']
  const queue: Consequence[] = []
  const judged = new Map<AttemptId, Judged>()
  const fired: string[] = []
  const told = { answers: 0, tasks: 0 }
  /** Set by what ends a cascade, decided here and not by the cascade: nothing may leave afterwards. */
  let isEnded = false

  const problem = (what: string): never => {
    throw new Error(`${what}\n${story.join('\n')}\n${JSON.stringify(delivery, undefined, 1)}`)
  }
  const check = (holds: boolean, what: string): void => {
    if (!holds) problem(what)
  }
  const later = (ms: number, happen: () => void): void => void queue.push({ at: now + Math.max(0, ms), order: order++, happen })
  const judge = (id: AttemptId): Judged => {
    if (!judged.has(id)) judged.set(id, { leavings: 0, refusals: 0, isOver: false })
    return judged.get(id)!
  }
  const attemptOf = (id: AttemptId): Attempt | undefined => delivery.attempts.find((attempt) => attempt.id === id)

  const tell = (event: CascadeEvent): Delivery => {
    events++
    story.push(`+${((now - start) / minute).toFixed(2)}m ${JSON.stringify({ ...event, at: undefined })} @${((event.at - start) / minute).toFixed(2)}m`)
    const before = delivery
    const next = transition(before, event)
    delivery = next.delivery
    const again = transition(delivery, event)
    check(again.delivery === delivery, 'the same event twice changes something the second time')
    check(again.effects.every((effect) => effect.type === 'wake' || (effect.type === 'look' && event.type === 'started')), 'the same event twice has effects the second time')
    judgeEnds(before, event)
    judgeChange(before, next.effects, event)
    for (const effect of next.effects) take(effect)
    return before
  }

  /** What must have ended the cascade, by the requirements. */
  const judgeEnds = (before: Delivery, event: CascadeEvent): void => {
    const attempt = 'attemptId' in event ? before.attempts.find((candidate) => candidate.id === event.attemptId) : undefined
    const isReal = attempt !== undefined && attempt.state !== 'skipped'
    const wanted = attempt === undefined ? undefined : (steps[attempt.step] as { proof?: Proof }).proof
    const level = event.type === 'receipt' ? event.level : event.type === 'accepted' && attempt?.externalId === undefined ? 'accepted' : undefined
    const isHealed = level !== undefined && (attempt?.state !== 'failed' || proves(level, 'delivered'))
    if (event.type === 'replied' || event.type === 'stopped' || (event.type === 'acted' && isReal)) isEnded = true
    const isProof = isReal && isHealed && wanted !== undefined && proves(level, wanted)
    if (isProof) isEnded = true
    if (isProof || (event.type === 'acted' && isReal)) check(delivery.status === 'reached' || delivery.status === 'stopped', 'a proof does not count')
    if (event.type === 'bounced' || event.type === 'blocked' || event.type === 'rejected') {
      for (const after of delivery.attempts) if (after.state === 'failed') judge(after.id).isOver = true
    }
    if (isEnded) check(delivery.status !== 'running', 'proof, reply, press or stop did not end the cascade')
  }

  const judgeChange = (before: Delivery, effects: readonly Effect[], event: CascadeEvent): void => {
    check((delivery.status === 'running') === (delivery.phase !== 'closed'), 'closed and running at once')
    check(before.status === delivery.status || before.status === 'running' || (before.status === 'notReached' && delivery.status === 'reached'), `the status went from ${before.status} to ${delivery.status}`)
    check(before.closedAt === undefined || delivery.closedAt === before.closedAt, 'it closed twice')
    check(delivery.step >= before.step && delivery.attempts.length >= before.attempts.length, 'it went back')
    if (before.status !== delivery.status) {
      statuses.push(delivery.status)
      check(effects.some((effect) => effect.type === 'record'), 'an end without a record')
    }
    check((before.status === 'running' && delivery.status !== 'running') === effects.some((effect) => effect.type === 'answerRobot'), 'the robot is answered at the end, and only then')
    check((before.phase !== 'looking' && delivery.phase === 'looking') === (effects.some((effect) => effect.type === 'look') && event.type !== 'started'), 'a look begins a step, and only then')
    check(effects.filter((effect) => effect.type === 'look').length <= 1, 'two looks for one step')
    check(openAttempt(delivery) === undefined || (delivery.phase === 'trying' && dueAt(delivery) !== undefined), 'an open attempt has no end')
    check(openAttempt(delivery)?.state !== 'failed', 'B2: a failed attempt is waited for')
    check(before.status !== 'stopped' || effects.every((effect) => effect.type !== 'fireTrigger'), 'a stopped notification moves the deal')
    if (event.type === 'woke' && delivery.phase === 'looking' && before.phase === 'trying') judgeGivingUp(before.attempts.at(-1)!)
    // An employee's word ends the step that was open, whatever its time.
    if (event.type === 'movedOn' && before.phase === 'trying') judge(before.attempts.at(-1)!.id).isOver = true
    for (const old of before.attempts) {
      const attempt = attemptOf(old.id)!
      if (attempt === old) continue
      check(old.proof === undefined || (attempt.proof !== undefined && rankOf(attempt.proof) >= rankOf(old.proof)), 'I4: a proof went back')
      check(old.state !== 'skipped', 'a skipped step changed')
      check(old.state !== 'out' || attempt.state === 'out' || attempt.state === 'failed', 'what was out is no more')
      for (const level of proofs) check(old.times[level] === undefined || attempt.times[level]! <= old.times[level], 'I4: a time went forward')
      check(!('attemptId' in event) || event.attemptId === attempt.id, 'an event of one attempt changes another')
      check(event.type !== 'blocked' || event.connectionId === attempt.connectionId, 'a closed chat changes another connection')
      if (attempt.state === 'sending' && old.state !== 'sending') judgeLeaving(attempt)
    }
    for (const attempt of delivery.attempts.slice(before.attempts.length)) if (attempt.state !== 'skipped') judgeOpening(attempt, effects)
  }

  /** A step that nobody refused is over when its time is - by our own reckoning -, and not much later. */
  const judgeGivingUp = (attempt: Attempt): void => {
    const known = judge(attempt.id)
    const due = Math.min(known.acceptedAt === undefined ? attempt.startedAt + attempt.budgetMs + graceMs : known.acceptedAt + attempt.budgetMs, deadlineAt ?? Infinity)
    check(now >= due, 'B2: a step is given up before its time is over')
    check(now <= due + (input.losesTimers ? Infinity : lateMs), 'I1: a step lasts longer than its time')
    known.isOver = true
  }

  /** I2: whatever was tried before has failed or was given up in its time. */
  const judgeOpening = (opened: Attempt, effects: readonly Effect[]): void => {
    check(opened.state === 'waiting', 'a new attempt waits to be sent')
    check(effects.some((effect) => effect.type === 'send' && effect.attemptId === opened.id), 'a new attempt without a send')
    check(effects.some((effect) => effect.type === 'wake' && effect.at >= now && effect.at <= now + opened.budgetMs), 'a new attempt without a timer in its time')
    const rest = input.minutes.slice(opened.step).reduce((sum, minutes) => sum + minutes * minute, 0)
    const share = deadlineAt === undefined ? 1 : Math.min(1, (deadlineAt - now) / rest)
    check(Math.abs(opened.budgetMs - input.minutes[opened.step]! * minute * share) <= 1, 'B9: a step gets more or less than its share of the time')
    for (const attempt of delivery.attempts) {
      if (attempt.id === opened.id || attempt.state === 'skipped') continue
      check(judge(attempt.id).isOver, 'I2: two attempts are open')
    }
  }

  const judgeLeaving = (attempt: Attempt): void => {
    const known = judge(attempt.id)
    known.leavings++
    check(known.leavings <= 1 + known.refusals, 'B12: a second call without a refusal of the first')
    check(!isEnded && delivery.status === 'running', 'I3: a call left after the end')
    check(deadlineAt === undefined || now < deadlineAt, 'I3: a call left after the deadline')
    check(known.acceptedAt === undefined && now < attempt.startedAt + attempt.budgetMs + graceMs, 'I3: a call left after the time of its step')
    check(attempt.step === delivery.step, 'I3: a call of another step left')
    check(attempt.to !== undefined, 'a call without an address left')
  }

  const take = (effect: Effect): void => {
    switch (effect.type) {
      case 'look':
        lookSoon(now)
        return
      case 'send':
        check(attemptOf(effect.attemptId)?.state === 'waiting', 'a send for what does not wait')
        check(effect.notBefore >= now && effect.notBefore < dueAt(delivery)!, 'a send in the past, or after the time of its step')
        for (let times = chance(6) ? 2 : 1; times > 0; times--) {
          // Mostly at once, sometimes after a long queue, sometimes just when the step's time ends.
          const delay = [effect.notBefore - now + within(5_000), effect.notBefore - now + within(20 * minute), dueAt(delivery)! - now + within(lateMs)]
          later(delay[Math.max(0, choose(8) - 5)]!, () => leave(effect.attemptId))
        }
        return
      case 'wake': {
        check(effect.at >= now || effect.at === deadlineAt, 'a timer in the past')
        if (input.losesTimers && chance(2)) return
        later(effect.at - now + within(lateMs), wake)
        if (chance(5)) later(effect.at - now + within(lateMs), wake)
        if (chance(5)) later((effect.at - now) * (choose(100) / 100), wake)
        return
      }
      case 'withdraw':
        check(openAttempt(delivery)?.id !== effect.attemptId, 'the message that the cascade waits for is taken back')
        return
      case 'record':
        return
      case 'answerRobot':
        check(++told.answers === 1, 'the robot is answered twice')
        return
      case 'giveTask':
        check(++told.tasks === 1 && input.hasTask, 'a task too many')
        check(effect.dueAt === now + 120 * minute && delivery.taskGiven, 'the task is not as the route says')
        return
      case 'fireTrigger':
        check(!fired.includes(effect.code), `the trigger ${effect.code} is fired twice`)
        fired.push(effect.code)
    }
  }

  const wake = (): void => void tell({ type: 'woke', at: now })

  const lookSoon = (since: number): void => {
    later(within(lookMs / 4), () => {
      const isPatienceOver = now - since >= lookMs / 2
      if (!isPatienceOver && chance(5)) {
        tell({ type: 'lookFailed', isFinal: false, at: now })
        if (delivery.phase === 'looking') lookSoon(since)
        return
      }
      tell(isPatienceOver && chance(3) ? { type: 'lookFailed', isFinal: true, at: now } : { type: 'looked', world: aWorld(), at: now })
      if (delivery.status === 'stopped') isEnded = true
      if (chance(10)) later(within(lookMs), () => tell({ type: 'looked', world: aWorld(), at: now }))
    })
  }

  const aWorld = (): World => {
    const reach = Object.fromEntries(input.minutes.map((_, index): [string, Reach] => [`c${index}`, chance(5) ? { none: 'neverStarted' } : { to: `person-${index}` }]))
    const isGone = chance(40)
    return { deal: isGone ? undefined : { stageId: chance(25) ? 'MOVED' : 'NEW', isClosed: chance(40), contactId: chance(40) ? '6' : '5', responsibleId: '1' }, contactName: 'Анна', reach }
  }

  const leave = (id: AttemptId): void => {
    const before = tell({ type: 'leaving', attemptId: id, at: now })
    const attempt = attemptOf(id)
    if (before === delivery || attempt?.state !== 'sending') return
    const externalId = `${id}/${judge(id).leavings}`
    const answer = (): void => {
      if (attemptOf(id)?.externalId === undefined) judge(id).acceptedAt = now
      tell({ type: 'accepted', attemptId: id, externalId, parts: 1, at: now })
    }
    const refuse = (index: number): void => {
      judge(id).refusals++
      tell({ type: 'rejected', attemptId: id, failure: { class: failureClasses[index]!, code: String(index) }, retryAfterSeconds: chance(2) ? choose(4000) : undefined, at: now })
    }
    switch (choose(8)) {
      case 1:
      case 2:
        later(within(callMs), () => refuse(choose(failureClasses.length)))
        return
      case 3: {
        // No answer; the message may be out, and the answer may still come to a holder that counts as dead.
        later(leaseMs, () => tell({ type: 'lost', attemptId: id, at: now }))
        if (chance(2)) receipts(id)
        if (chance(3)) later(leaseMs + within(callMs), answer)
        return
      }
      case 4:
        // Receipts before the answer of the send (F09).
        receipts(id)
        later(within(callMs), answer)
        return
      default:
        later(within(callMs), answer)
        receipts(id)
    }
  }

  /** Whatever a messenger and its patient may say of an attempt, in any order, often or never. */
  const receipts = (id: AttemptId): void => {
    for (let count = choose(5); count > 0; count--) {
      const level = proofs[1 + choose(3)]!
      const isBounce = chance(8)
      const delay = chance(4) ? within(300 * minute) : within(60_000)
      const saidAt = now + delay - within(minute)
      for (let times = chance(4) ? 2 : 1; times > 0; times--) {
        later(delay + within(times * 1000), () => {
          if (isBounce) tell({ type: 'bounced', attemptId: id, failure: { class: 'recipientPermanent', code: String(count) }, at: saidAt })
          else tell({ type: 'receipt', attemptId: id, level, at: saidAt })
        })
      }
    }
    if (chance(12)) for (let presses = 1 + choose(3); presses > 0; presses--) later(within(200 * minute), () => tell({ type: 'acted', attemptId: id, answer: answers[choose(3)]!, at: now }))
  }

  const anything = (): void => {
    const connection = connectionId(`c${choose(input.minutes.length)}`)
    const some = delivery.attempts[choose(delivery.attempts.length + 1)]
    switch (choose(9)) {
      case 1:
        tell({ type: 'replied', connectionId: connection, at: now })
        return
      case 2:
        tell({ type: 'blocked', connectionId: connection, at: now })
        return
      case 3:
        tell({ type: 'stopped', reason: 'appRemoved', at: now })
        return
      case 4:
        tell({ type: 'started', at: start })
        return
      case 5:
        if (some !== undefined) tell({ type: 'receipt', attemptId: some.id, level: proofs[1 + choose(4)]!, at: now })
        return
      case 6:
        tell({ type: 'movedOn', at: now })
        return
      case 7:
        tell({ type: 'stopped', reason: 'operator', at: now })
        return
      default:
        wake()
    }
  }

  tell({ type: 'started', at: start })
  for (let count = choose(4); count > 0; count--) later(within(400 * minute), anything)
  for (;;) {
    if (queue.length === 0 && input.losesTimers && dueAt(delivery) !== undefined) queue.push({ at: Math.max(now, dueAt(delivery)! + 3_000), order: order++, happen: wake })
    if (queue.length === 0) break
    const next = queue.reduce((a, b) => (b.at < a.at || (b.at === a.at && b.order < a.order) ? b : a))
    queue.splice(queue.indexOf(next), 1)
    now = next.at
    next.happen()
    if (events > 2_000) problem('it never comes to rest')
  }

  check(delivery.status !== 'running', 'I1: nothing more will happen, and the delivery is still running')
  check(told.answers === 1, 'I1: the robot waits for ever')
  check(delivery.status !== 'notReached' || delivery.taskGiven === input.hasTask, 'nobody was reached, and staff were not told')
  check(told.tasks === (delivery.taskGiven ? 1 : 0), 'a task that was noted was not given')
  const slackMs = lookMs + callMs + (input.losesTimers ? 400 * minute : lateMs)
  const budgetMs = delivery.attempts.reduce((sum, attempt) => sum + (attempt.state === 'skipped' ? 0 : 2 * attempt.budgetMs + graceMs + slackMs), slackMs)
  check(delivery.closedAt! <= start + budgetMs, 'I1: the end came later than the steps have time')
  check(deadlineAt === undefined || delivery.closedAt! <= Math.max(deadlineAt, start) + slackMs, 'I1: the end came long after the deadline')
  return { delivery, events, statuses }
}
