/** Decisions of the running relays: each step in words, what comes next and when, what may be pressed. Pure. */
import type { HistoryEntry, RunningDelivery } from '../../../src/http/patient-schemas.ts'
import type { Language } from '../../shared/boot.ts'
import { proofTitle, type Proof } from '../../shared/proof.ts'
import { purposeTitle } from '../../shared/purpose.ts'
import { momentTitle } from '../../shared/words.ts'
import { texts } from './texts.ts'

export type Tone = 'ahead' | 'now' | 'done' | 'bad' | 'skipped' | 'doubtful'
export interface Link {
  readonly title: string
  readonly words: string
  readonly tone: Tone
  readonly isCurrent: boolean
}

type StepState = RunningDelivery['steps'][number]['state']
const tones: Record<StepState, Tone> = { ahead: 'ahead', waiting: 'now', sending: 'now', unknown: 'doubtful', out: 'done', failed: 'bad', skipped: 'skipped' }
const isState = (state: string): state is StepState => Object.hasOwn(tones, state)

const linkOf = (step: { title: string; state: string; proof?: Proof; reason?: string }, isCurrent: boolean, language: Language): Link => {
  const state = isState(step.state) ? step.state : undefined
  const said = state === undefined ? step.state : texts[language].states[state]
  // A proof says more than "sent"; a reason says more than "failed".
  const words = step.reason ?? (step.proof === undefined ? said : proofTitle(step.proof, language))
  const tone = state === undefined ? 'ahead' : tones[state]
  return { title: step.title, words, isCurrent, tone: isCurrent && tone === 'done' ? 'now' : tone }
}

export const linksOf = (delivery: Pick<RunningDelivery, 'steps' | 'step'>, language: Language): readonly Link[] =>
  delivery.steps.map((step, index) => linkOf(step, index === delivery.step, language))

/** The steps of a notification that is over, or that the history shows. */
export const pastLinksOf = (entry: Pick<Extract<HistoryEntry, { kind: 'delivery' }>, 'steps'>, language: Language): readonly Link[] =>
  entry.steps.map((step) => linkOf(step, false, language))

/** Purpose and route, once when a clinic gave both one name. */
export const aboutOf = ({ purpose, routeName }: { readonly purpose: string; readonly routeName: string }, language: Language): string =>
  [...new Set([purposeTitle(purpose, language), routeName])].filter((part) => part !== '').join(' · ')

/** There is a step to hand the baton to. */
export const canMoveOn = ({ steps, step }: Pick<RunningDelivery, 'steps' | 'step'>): boolean => steps.some(({ state }, index) => index > step && state === 'ahead')

/** `Не будет подтверждения — сегодня, 14:30 пойдёт дальше: SMS`. */
export const nextWords = (delivery: RunningDelivery, now: Date, language: Language): string => {
  const t = texts[language]
  const next = delivery.steps.find(({ state }, index) => index > delivery.step && state === 'ahead')
  if (delivery.dueAt === undefined) return ''
  const when = momentTitle(new Date(delivery.dueAt), now, undefined, language)
  return next === undefined ? t.lastUntil(when) : t.nextAt(when, next.title)
}
