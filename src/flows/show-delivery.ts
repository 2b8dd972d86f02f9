import { words } from '../bitrix/record-words.ts'
import { bestAttempt, dueAt } from '../domain/cascade.ts'
import { type Attempt, type Delivery } from '../domain/delivery.ts'
import { type RouteStep } from '../domain/route.ts'
import { standInInLanguage } from '../words/english.ts'
import { type Deps } from './deps.ts'
import { taskWords } from './patient-words.ts'
import { provedAt } from './record-view.ts'

type Language = 'ru' | 'en'

const titleOf = async (deps: Deps, delivery: Delivery, step: RouteStep, language: Language): Promise<string> => {
  if (step.kind === 'task') return taskWords[language]
  const open = await deps.connections.byId(delivery.portalId, step.connectionId)
  return (open?.channel.family ?? open?.channel.title)?.[language] ?? '—'
}

const reasonOf = ({ skip, failure }: Attempt, language: Language): string | undefined =>
  skip !== undefined ? words[language].skips[skip] : failure === undefined ? undefined : words[language].failures[failure.class]

/** A cascade on its way, step by step, in the shape of the page's contract. */
export const showRunning = async (deps: Deps, delivery: Delivery, language: Language): Promise<unknown> => ({
  id: delivery.id,
  startedAt: isoOf(delivery.startedAt),
  deadlineAt: isoOf(delivery.deadlineAt),
  purpose: delivery.purpose,
  routeName: standInInLanguage(language, delivery.route.name),
  steps: await Promise.all(
    delivery.route.steps.map(async (step, index) => {
      const attempt = delivery.attempts.find((one) => one.step === index)
      return { title: await titleOf(deps, delivery, step, language), state: attempt?.state ?? 'ahead', proof: attempt?.proof, reason: attempt === undefined ? undefined : reasonOf(attempt, language) }
    }),
  ),
  step: delivery.step,
  dueAt: isoOf(dueAt(delivery)),
})

/** A cascade as an entry of the history. */
export const showPast = async (deps: Deps, delivery: Delivery, language: Language): Promise<unknown> => {
  const best = bestAttempt(delivery)
  const bestStep = best === undefined ? undefined : delivery.route.steps[best.step]
  return {
    kind: 'delivery',
    id: delivery.id,
    at: isoOf(delivery.startedAt),
    purpose: delivery.purpose,
    dealId: delivery.dealId,
    routeName: standInInLanguage(language, delivery.route.name),
    text: delivery.text,
    status: delivery.status,
    channel: bestStep === undefined ? undefined : await titleOf(deps, delivery, bestStep, language),
    proof: best?.proof,
    answer: delivery.answer,
    steps: await Promise.all(
      delivery.attempts.map(async (attempt) => ({
        title: await titleOf(deps, delivery, delivery.route.steps[attempt.step]!, language), state: attempt.state, proof: attempt.proof, at: isoOf(provedAt(attempt) ?? attempt.startedAt),
      })),
    ),
  }
}

const isoOf = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString())
