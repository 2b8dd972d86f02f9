import { type Answer } from '../domain/message.ts'
import { type FailureClass, type ProofTimes, type Proof } from '../domain/receipt.ts'
import { type Language } from './language.ts'
import { type SkipReason, type StopReason } from '../domain/delivery.ts'
import { words, type Purpose } from './record-words.ts'

export { type Purpose } from './record-words.ts'

/** One step of a delivery as staff read it. Times are epoch milliseconds. */
export interface AttemptView {
  /** `WhatsApp`, `SMS`: the channel's title, never a number or an account. */
  readonly channelTitle: string
  readonly state: 'skipped' | 'sending' | 'unknown' | 'failed' | Proof
  readonly skipReason?: SkipReason
  readonly failureClass?: FailureClass
  /** When the attempt was made, for states that have no time of their own. */
  readonly startedAt?: number
  readonly times?: ProofTimes
  /** How long the next step was waited for, once it has been given up. */
  readonly waitedMinutes?: number
}

/** How the delivery ended; undefined while it is on its way. */
export type OutcomeView =
  /** Without a channel: the patient answered in one that was not tried. */
  | { readonly kind: 'reached'; readonly channelTitle?: string; readonly proof: Proof; readonly at: number; readonly answer?: Answer }
  | { readonly kind: 'notReached'; readonly at: number }
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly at: number }

/** Everything that the timeline may say of one notification: no text, no phone, nothing medical. */
export interface RecordView {
  readonly purpose: Purpose
  readonly attempts: readonly AttemptView[]
  readonly outcome?: OutcomeView
  /** The call that staff were given, and until when it is to be made. */
  readonly task?: { readonly deadlineAt: number }
}

export interface RecordOptions {
  readonly language: Language
  /** IANA name of the clinic's time zone: times are shown as on the clinic's wall. */
  readonly timeZone: string
}

type Block = Readonly<Record<string, unknown>>

/** `fields` and `layout` of `crm.activity.configurable.add` and `.update`. */
export interface TimelineRecord {
  readonly fields: { readonly completed: boolean }
  readonly layout: {
    readonly icon: { readonly code: string }
    readonly header: { readonly title: string; readonly tags: Readonly<Record<string, { readonly title: string; readonly type: string }>> }
    readonly body: { readonly logo: { readonly code: string }; readonly blocks: Readonly<Record<string, Block>> }
  }
}

/** The portal takes 1 to 20 blocks. */
export const maxBlocks = 20

/**
 * The one record of a notification in the timeline: what was tried, when, and how it ended. The same view gives the same record.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/configurable/structure/layout.html
 */
export const recordOf = (view: RecordView, options: RecordOptions): TimelineRecord => {
  const text = words[options.language]
  const clock = clockOf(view, options)
  const closing = closingLine(view, options.language, clock)
  const rows = view.attempts.slice(0, maxBlocks - 2)
  const blocks: Record<string, Block> = {}
  rows.forEach((attempt, index) => {
    blocks[`step${String(index + 1)}`] = row(attempt.channelTitle, sentenceOf(attempt, options.language, clock))
  })
  if (view.task !== undefined) blocks.task = row(text.task, text.taskUntil(clock(view.task.deadlineAt)))
  if (closing !== undefined) blocks.outcome = { type: 'text', properties: { value: closing, bold: true } }
  if (Object.keys(blocks).length === 0) blocks.outcome = { type: 'text', properties: { value: text.preparing } }
  return {
    // An open activity counts in the employee's counters: while the relay runs there is nothing for them to do, but it must be seen.
    fields: { completed: view.outcome !== undefined },
    layout: {
      icon: { code: 'info' },
      header: { title: text.title(text.purposes[view.purpose]), tags: { status: tagOf(view, options.language) } },
      body: { logo: { code: 'notification' }, blocks },
    },
  }
}

const row = (title: string, value: string): Block => ({
  type: 'withTitle',
  properties: { title, inline: true, block: { type: 'text', properties: { value } } },
})

type WallClock = (at: number) => string

/** Hours and minutes; the day too when it is not the day on which the relay began. */
const clockOf = (view: RecordView, { timeZone }: RecordOptions): WallClock => {
  const time = new Intl.DateTimeFormat('ru-RU', { timeZone, hour: '2-digit', minute: '2-digit' })
  const day = new Intl.DateTimeFormat('ru-RU', { timeZone, day: '2-digit', month: '2-digit' })
  const [first] = view.attempts.flatMap(momentsOf).sort((a, b) => a - b)
  return (at) => (first === undefined || day.format(first) === day.format(at) ? time.format(at) : `${day.format(at)} ${time.format(at)}`)
}

const momentsOf = ({ startedAt, times = {} }: AttemptView): readonly number[] => [startedAt, ...Object.values(times)].filter((at) => at !== undefined)

const sentenceOf = (attempt: AttemptView, language: Language, clock: WallClock): string => {
  const text = words[language]
  const { state, times = {}, startedAt, waitedMinutes } = attempt
  if (state === 'skipped') return text.skipped(text.skips[attempt.skipReason ?? 'notLooked'])
  if (state === 'failed') return [text.failed(startedAt === undefined ? undefined : clock(startedAt)), text.failures[attempt.failureClass ?? 'channelPermanent']].join(' - ')
  const at = state === 'sending' || state === 'unknown' ? startedAt : (times[state] ?? startedAt)
  const what = [text.states[state], at === undefined ? undefined : clock(at)].filter(Boolean).join(' ')
  return waitedMinutes === undefined ? what : `${what}, ${text.silence(state, waitedMinutes)}`
}

const closingLine = ({ outcome }: RecordView, language: Language, clock: WallClock): string | undefined => {
  const text = words[language]
  if (outcome === undefined) return undefined
  if (outcome.kind === 'stopped') return text.stopped(text.stops[outcome.reason], clock(outcome.at))
  if (outcome.kind === 'notReached') return text.notReached
  const reached = outcome.channelTitle === undefined ? text.answered(clock(outcome.at)) : text.reached(text.proofs[outcome.proof], outcome.channelTitle, clock(outcome.at))
  return outcome.answer === undefined ? reached : `${reached}. ${text.answers[outcome.answer]}`
}

const tagOf = ({ outcome }: RecordView, language: Language): { title: string; type: string } => {
  const { tags, proofs } = words[language]
  if (outcome === undefined) return { title: tags.running, type: 'primary' }
  if (outcome.kind === 'notReached') return { title: tags.notReached, type: 'failure' }
  if (outcome.kind === 'stopped') return { title: tags.stopped, type: 'secondary' }
  if (outcome.answer === 'cancel') return { title: tags.cancelled, type: 'warning' }
  if (outcome.answer === 'move') return { title: tags.moved, type: 'warning' }
  if (outcome.answer === 'confirm') return { title: tags.confirmed, type: 'success' }
  return { title: proofs[outcome.proof], type: 'success' }
}
