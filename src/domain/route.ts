import { type ConnectionId, type RouteId } from './ids.ts'
import { rankOf, type Proof } from './receipt.ts'

/** What a step says; an empty object sends the notification's own text. `{text}` and `{name}` are filled in. */
export interface StepContent {
  readonly text?: string
  readonly template?: { readonly name: string; readonly language: string; readonly parameters: readonly string[] }
  /** "Приду / Перенести / Отменить" under the message, where the channel has buttons. */
  readonly buttons?: boolean
}

export interface ChannelStep {
  readonly kind: 'channel'
  readonly connectionId: ConnectionId
  /** The proof that ends the cascade. */
  readonly proof: Proof
  /** How long to wait for it, counted from the vendor's acceptance. */
  readonly minutes: number
  readonly content: StepContent
}

/** The last hands: a task for staff to call the patient. */
export interface TaskStep {
  readonly kind: 'task'
  /** Until when the call is to be made, counted from the moment the task is given. */
  readonly minutes: number
}

export type RouteStep = ChannelStep | TaskStep

export interface Route {
  readonly id: RouteId
  readonly name: string
  readonly steps: readonly RouteStep[]
  /** A deal that left the stage on which the robot ran no longer needs its reminder. */
  readonly stopsWhenDealMoves: boolean
}

export const maxSteps = 10
export const maxStepMinutes = 7 * 24 * 60

/** What a route check needs to know of a connection: the channel's capabilities, as data. */
export interface ConnectionAbility {
  readonly title: string
  readonly isUsable: boolean
  readonly receipts: readonly Proof[]
  readonly hasButtons: boolean
  readonly needsTemplate: boolean
  /** For talk alone: no step may use it. */
  readonly isManualOnly?: boolean
  readonly textLength: number
}

/** Why a route cannot work: which step (from 0; undefined - the whole route) and one code that pages put into words. */
export interface RouteProblem {
  readonly step?: number
  readonly code:
    | 'noSteps'
    | 'tooManySteps'
    | 'unknownConnection'
    | 'connectionOff'
    | 'manualOnly'
    | 'proofImpossible'
    | 'actedNeedsButtons'
    | 'templateRequired'
    | 'taskNotLast'
    | 'minutesOutOfRange'
    | 'textTooLong'
    | 'sameConnectionTwice'
}

/**
 * Everything that makes a route impossible, or nothing: a saved route never waits for a proof that its channel cannot give.
 *
 * `acted` needs buttons or an answer; a channel that reports it has replies, so only a step that asks for buttons where the
 * channel has none is refused.
 */
export const problemsOf = (
  steps: readonly RouteStep[],
  abilityOf: (id: ConnectionId) => ConnectionAbility | undefined,
): readonly RouteProblem[] => {
  const problems: RouteProblem[] = []
  if (steps.length === 0) problems.push({ code: 'noSteps' })
  if (steps.length > maxSteps) problems.push({ code: 'tooManySteps' })
  const seen = new Set<ConnectionId>()
  steps.forEach((step, index) => {
    if (!(step.minutes >= 1 && step.minutes <= maxStepMinutes)) problems.push({ step: index, code: 'minutesOutOfRange' })
    if (step.kind === 'task') {
      if (index !== steps.length - 1) problems.push({ step: index, code: 'taskNotLast' })
      return
    }
    // A second step over one connection would write twice in one channel.
    if (seen.has(step.connectionId)) problems.push({ step: index, code: 'sameConnectionTwice' })
    seen.add(step.connectionId)
    const ability = abilityOf(step.connectionId)
    if (ability === undefined) {
      problems.push({ step: index, code: 'unknownConnection' })
      return
    }
    if (!ability.isUsable) problems.push({ step: index, code: 'connectionOff' })
    if (ability.isManualOnly === true) problems.push({ step: index, code: 'manualOnly' })
    if (!ability.receipts.includes(step.proof)) problems.push({ step: index, code: 'proofImpossible' })
    if (step.content.buttons === true && !ability.hasButtons) problems.push({ step: index, code: 'actedNeedsButtons' })
    if (ability.needsTemplate && step.content.template === undefined) problems.push({ step: index, code: 'templateRequired' })
    if ((step.content.text?.length ?? 0) > ability.textLength) problems.push({ step: index, code: 'textTooLong' })
  })
  return problems
}

/** The proofs that a step over these receipts may wait for, weakest first. */
export const possibleProofs = (receipts: readonly Proof[]): readonly Proof[] => [...receipts].sort((a, b) => rankOf(a) - rankOf(b))
