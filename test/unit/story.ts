import { expect } from '@jest/globals'
import { transition, type CascadeEvent, type Effect, type World } from '../../src/domain/cascade.ts'
import { type AttemptState, type Delivery, type Reach, type SkipReason, type TriggerCode } from '../../src/domain/delivery.ts'
import { attemptId, connectionId, deliveryId, portalId, routeId, type AttemptId } from '../../src/domain/ids.ts'
import { type Answer } from '../../src/domain/message.ts'
import { type FailureClass, type Proof } from '../../src/domain/receipt.ts'
import { type ChannelStep, type RouteStep, type StepContent, type TaskStep } from '../../src/domain/route.ts'

/** The story's beginning; `at(60)` is an hour later. */
export const start = Date.UTC(2026, 10, 24, 7)
export const at = (minutes: number, seconds = 0): number => start + minutes * 60_000 + seconds * 1000

export const id = deliveryId('0199f7a0-0000-7000-8000-000000000001')
export const tried = (step: number): AttemptId => attemptId(id, step)

export const step = (connection: string, proof: Proof, minutes: number, content: StepContent = {}): ChannelStep => ({ kind: 'channel', connectionId: connectionId(connection), proof, minutes, content })
export const callTask = (minutes = 120): TaskStep => ({ kind: 'task', minutes })

/** WhatsApp an hour, Telegram an hour, MAX half an hour, SMS half an hour, then a call. */
export const clinicSteps: readonly RouteStep[] = [
  step('whatsapp', 'delivered', 60),
  step('telegram', 'acted', 60, { buttons: true }),
  step('max', 'read', 30),
  step('sms', 'delivered', 30),
  callTask(),
]

export const notification = (steps: readonly RouteStep[] = clinicSteps, also: Partial<Delivery> = {}, stopsWhenDealMoves = true): Delivery => ({
  id,
  portalId: portalId('portal-a'),
  dealId: '17',
  purpose: 'reminder',
  text: 'Ждём вас завтра в 10:00',
  route: { id: routeId('route'), name: 'Основной', steps, stopsWhenDealMoves },
  status: 'running',
  phase: 'looking',
  step: -1,
  attempts: [],
  startedAt: start,
  taskGiven: false,
  fired: [],
  ...also,
})

const addresses: Readonly<Record<string, string>> = { whatsapp: '+79160000001', telegram: '1001', max: '2002', sms: '+79160000001' }

export interface WorldChange {
  /** Connections that cannot reach the patient, and why. */
  readonly none?: Readonly<Record<string, SkipReason>>
  readonly deal?: Partial<NonNullable<World['deal']>>
  readonly isDealDeleted?: boolean
  readonly contactName?: string
}

export const world = ({ none = {}, deal = {}, isDealDeleted = false, contactName = 'Анна' }: WorldChange = {}): World => ({
  deal: isDealDeleted ? undefined : { stageId: 'PREPARATION', isClosed: false, contactId: '5', responsibleId: '1', ...deal },
  contactName,
  reach: Object.fromEntries(
    Object.keys(addresses).map((connection): [string, Reach] => [connection, none[connection] === undefined ? { to: addresses[connection]! } : { none: none[connection] }]),
  ),
})

export const started = (): CascadeEvent => ({ type: 'started', at: start })
export const looked = (when: number, change?: WorldChange): CascadeEvent => ({ type: 'looked', world: world(change), at: when })
export const lookFailed = (when: number, isFinal = false): CascadeEvent => ({ type: 'lookFailed', isFinal, at: when })
export const leaving = (n: number, when: number): CascadeEvent => ({ type: 'leaving', attemptId: tried(n), at: when })
export const accepted = (n: number, when: number, externalId = `external-${n}`): CascadeEvent => ({ type: 'accepted', attemptId: tried(n), externalId, parts: 1, at: when })
export const rejected = (n: number, when: number, failureClass: FailureClass, retryAfterSeconds?: number): CascadeEvent => ({
  type: 'rejected', attemptId: tried(n), failure: { class: failureClass, code: failureClass }, retryAfterSeconds, at: when,
})
export const lost = (n: number, when: number): CascadeEvent => ({ type: 'lost', attemptId: tried(n), at: when })
export const receipt = (n: number, level: Proof, when: number): CascadeEvent => ({ type: 'receipt', attemptId: tried(n), level, at: when })
export const bounced = (n: number, when: number, code = 'undeliverable'): CascadeEvent => ({ type: 'bounced', attemptId: tried(n), failure: { class: 'recipientPermanent', code }, at: when })
export const acted = (n: number, answer: Answer, when: number): CascadeEvent => ({ type: 'acted', attemptId: tried(n), answer, at: when })
export const replied = (connection: string, when: number): CascadeEvent => ({ type: 'replied', connectionId: connectionId(connection), at: when })
export const blocked = (connection: string, when: number): CascadeEvent => ({ type: 'blocked', connectionId: connectionId(connection), at: when })
export const woke = (when: number): CascadeEvent => ({ type: 'woke', at: when })
export const stopped = (when: number): CascadeEvent => ({ type: 'stopped', reason: 'appRemoved', at: when })

export const movedOn = (when: number): CascadeEvent => ({ type: 'movedOn', at: when })

/** A step that was sent and accepted within the same minute. */
export const sent = (n: number, when: number): readonly CascadeEvent[] => [leaving(n, when), accepted(n, when)]

/** Effects as a person would say them; times are minutes (and seconds) since the beginning. */
const said = (effect: Effect): string => {
  switch (effect.type) {
    case 'send':
      return `send ${effect.attemptId.split('.')[1]!} at ${clock(effect.notBefore)}`
    case 'wake':
      return `wake at ${clock(effect.at)}`
    case 'fireTrigger':
      return `trigger ${effect.code}`
    case 'giveTask':
      return `task until ${clock(effect.dueAt)}`
    default:
      return effect.type
  }
}

const clock = (moment: number): string => {
  const seconds = (moment - start) / 1000
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

export interface Story {
  /** Everything that happens; `then` judges the effects of the last `when` only. */
  when(...events: readonly (CascadeEvent | readonly CascadeEvent[])[]): Story
  /** `status`, and the effects in their order. */
  then(status: Delivery['status'] | 'looking' | 'trying', effects: readonly string[]): Story
  /** The last `when` has changed nothing: the very same object, no effects. */
  thenNothing(): Story
  /** State of each attempt in the order of the steps; with a proof: `out/read`. */
  thenAttempts(...states: readonly (AttemptState | `${AttemptState}/${Proof}`)[]): Story
  thenFired(...codes: readonly TriggerCode[]): Story
  readonly delivery: Delivery
}

export const given = (delivery: Delivery): Story => tell(delivery, delivery, [])

const tell = (before: Delivery, delivery: Delivery, effects: readonly Effect[]): Story => {
  const story: Story = {
    delivery,
    when: (...events) => {
      let current = delivery
      const all: Effect[] = []
      for (const event of events.flat<readonly (CascadeEvent | readonly CascadeEvent[])[]>()) {
        const next = transition(current, event)
        current = next.delivery
        all.push(...next.effects)
      }
      return tell(delivery, current, all)
    },
    then: (status, expected) => {
      const shown = status === 'looking' || status === 'trying' ? delivery.phase : delivery.status
      expect({ status: shown, effects: effects.map(said) }).toEqual({ status, effects: expected })
      return story
    },
    thenNothing: () => {
      expect(effects).toEqual([])
      expect(delivery).toBe(before)
      return story
    },
    thenAttempts: (...states) => {
      expect(delivery.attempts.map((attempt, index) => (states[index]?.includes('/') === true ? `${attempt.state}/${attempt.proof ?? 'nothing'}` : attempt.state))).toEqual(states)
      return story
    },
    thenFired: (...codes) => {
      expect(delivery.fired).toEqual(codes)
      return story
    },
  }
  return story
}
