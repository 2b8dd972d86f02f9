import { type AttemptView, type OutcomeView, type RecordView } from '../bitrix/record.ts'
import { bestAttempt, dueAt } from '../domain/cascade.ts'
import { type Attempt, type Delivery } from '../domain/delivery.ts'
import { rankOf, type Proof, proofs } from '../domain/receipt.ts'

/** A delivery as staff may read it: no text, no phone, nothing medical. `titleOf` gives a channel's title. */
export const recordViewOf = (delivery: Delivery, titleOf: (attempt: Attempt) => string): RecordView => ({
  purpose: delivery.purpose === 'service' ? 'service' : 'reminder',
  attempts: delivery.attempts.filter((attempt) => !isNeverMade(delivery, attempt)).map((attempt) => attemptView(delivery, attempt, titleOf(attempt))),
  outcome: outcomeOf(delivery, titleOf),
  task: delivery.taskGiven && delivery.closedAt !== undefined ? { deadlineAt: taskDeadline(delivery) } : undefined,
})

/** Until when the call is to be made: the task step's minutes after the end of the cascade. */
export const taskDeadline = (delivery: Delivery): number => (delivery.closedAt ?? delivery.startedAt) + (delivery.route.steps.at(-1)?.minutes ?? 60) * 60_000

/** Chosen, but proof, reply or stop came before its call: it has no place in the record. */
const isNeverMade = (delivery: Delivery, attempt: Attempt): boolean =>
  attempt.state === 'waiting' && attempt.step === delivery.step && (delivery.status === 'reached' || delivery.status === 'stopped')

const attemptView = (delivery: Delivery, attempt: Attempt, channelTitle: string): AttemptView => {
  const isOpen = delivery.status === 'running' && delivery.phase === 'trying' && delivery.step === attempt.step && dueAt(delivery) !== undefined
  const step = delivery.route.steps[attempt.step]
  const isProved = step?.kind === 'channel' && attempt.proof !== undefined && rankOf(attempt.proof) >= rankOf(step.proof)
  const state = attempt.state === 'out' ? (attempt.proof ?? 'accepted') : attempt.state === 'waiting' ? 'sending' : attempt.state
  const isGivenUp = !isOpen && !isProved && attempt.state !== 'failed' && attempt.state !== 'skipped' && (attempt.step < delivery.step || delivery.status === 'notReached')
  return {
    channelTitle,
    state,
    skipReason: attempt.skip,
    failureClass: attempt.failure?.class,
    startedAt: attempt.startedAt,
    times: attempt.times,
    waitedMinutes: isGivenUp ? Math.round(attempt.budgetMs / 60_000) : undefined,
  }
}

const outcomeOf = (delivery: Delivery, titleOf: (attempt: Attempt) => string): OutcomeView | undefined => {
  const at = delivery.closedAt ?? delivery.startedAt
  if (delivery.status === 'running') return undefined
  if (delivery.status === 'stopped') return { kind: 'stopped', reason: delivery.stopReason ?? 'dealMoved', at }
  const best = bestAttempt(delivery)
  if (hasAnsweredElsewhere(delivery)) return { kind: 'reached', proof: 'acted', at }
  if (delivery.status === 'notReached' || best?.proof === undefined) return { kind: 'notReached', at }
  const answer = delivery.answer === 'replied' ? undefined : delivery.answer
  return { kind: 'reached', channelTitle: titleOf(best), proof: best.proof, at: provedAt(best) ?? at, answer }
}

/** The patient answered in a channel that was not tried: what the tried ones know of the message is not what ended the cascade. */
export const hasAnsweredElsewhere = (delivery: Delivery): boolean => delivery.status === 'reached' && delivery.answer === 'replied' && bestAttempt(delivery)?.proof !== 'acted'

/** When the strongest proof was given. */
export const provedAt = (attempt: Attempt): number | undefined => {
  const levels: readonly Proof[] = [...proofs].reverse()
  return levels.map((level) => attempt.times[level]).find((at) => at !== undefined)
}
