import { type AttemptId, type ConnectionId, type DeliveryId, type PortalId } from './ids.ts'
import { type Answer } from './message.ts'
import { type Failure, type Proof, type ProofTimes } from './receipt.ts'
import { type Route } from './route.ts'

/** Why a step was passed over without waiting (B4); `notLooked` - the card could not be read, so no address is known. */
export type SkipReason = 'noAddress' | 'neverStarted' | 'blocked' | 'connectionOff' | 'notLooked'

/**
 * - `waiting` - to be sent, or to be tried again;
 * - `sending` - the call has left, committed before it left;
 * - `unknown` - no answer came: it may be with the patient, and is never repeated by us;
 * - `out` - the vendor has it; `proof` says how far it got;
 * - `failed`, `skipped` - not with the patient, as far as anybody knows.
 */
export type AttemptState = 'waiting' | 'sending' | 'unknown' | 'out' | 'failed' | 'skipped'

/** One try of one step. Times are epoch milliseconds. */
export interface Attempt {
  readonly id: AttemptId
  readonly step: number
  readonly connectionId: ConnectionId
  readonly state: AttemptState
  readonly startedAt: number
  /** Time for the step's proof, from acceptance; a deadline makes it shorter than the route says. */
  readonly budgetMs: number
  /** Calls that left. */
  readonly tries: number
  readonly to?: string
  readonly externalId?: string
  /** Price parts (SMS segments). */
  readonly parts?: number
  readonly proof?: Proof
  readonly times: ProofTimes
  readonly failure?: Failure & { readonly at: number }
  readonly skip?: SkipReason
}

/** Where a patient can be reached through one connection, or why not. */
export type Reach = { readonly to: string } | { readonly none: SkipReason }
export type ReachMap = Readonly<Record<ConnectionId, Reach>>

/** Why a notification was given up before its end. */
export type StopReason = 'dealDeleted' | 'dealClosed' | 'dealMoved' | 'contactChanged' | 'appRemoved' | 'operator'

export type TriggerCode = 'delivered' | 'read' | 'confirmed' | 'moved' | 'cancelled' | 'not_reached' | 'replied' | 'stopped'

/** One outbound notification on its way along a route. Plain data: the cascade reads and returns it, the database keeps it. */
export interface Delivery {
  readonly id: DeliveryId
  readonly portalId: PortalId
  /** The deal whose robot asked. */
  readonly dealId: string
  readonly purpose: string
  readonly text: string
  readonly route: Route
  readonly status: 'running' | 'reached' | 'notReached' | 'stopped'
  /** `looking` - the deal and the contact are being read before a step; `trying` - the current step's attempt is open. */
  readonly phase: 'looking' | 'trying' | 'closed'
  /** Index of the current step; -1 before the first. */
  readonly step: number
  readonly attempts: readonly Attempt[]
  readonly startedAt: number
  readonly deadlineAt?: number
  readonly closedAt?: number
  /** Learned at the first look; a change of either ends the cascade. */
  readonly stageId?: string
  readonly contactId?: string
  readonly contactName?: string
  /** Who answers for the deal, as a portal user: the call task is theirs. */
  readonly responsibleId?: string
  /** What the last look found; used when the portal cannot be asked. */
  readonly reach?: ReachMap
  readonly answer?: Answer | 'replied'
  readonly stopReason?: StopReason
  /** Staff were given the task to call. */
  readonly taskGiven: boolean
  readonly fired: readonly TriggerCode[]
}
