/** Decisions of the route editor: draft <-> form, what a new step begins with, how steps move. Pure; `problems.ts` judges the draft. */
import type { ChannelInfo, Connection, Route, RouteForm, RouteStep } from '../../../src/http/schemas.ts'
import type { Language } from '../../shared/boot.ts'
import { usualProof, type Proof } from '../../shared/proof.ts'
import type { Template } from '../../shared/template.ts'

export interface ChannelStepDraft {
  /** Identity of the row on the page; it follows the step when the step moves. */
  readonly key: number
  readonly kind: 'channel'
  readonly connectionId: string
  readonly proof: Proof
  /** `NaN` while the field is empty. */
  readonly minutes: number
  readonly hasOwnText: boolean
  readonly text: string
  readonly template: Template
  readonly buttons: boolean
}
export interface TaskStepDraft {
  readonly key: number
  readonly kind: 'task'
  readonly minutes: number
}
export type StepDraft = ChannelStepDraft | TaskStepDraft

export interface RouteDraft {
  readonly id?: string
  readonly name: string
  readonly isDefault: boolean
  readonly stopsWhenDealMoves: boolean
  readonly steps: readonly StepDraft[]
}

/** The connections that steps choose from, and what their channels can do. */
export interface World {
  readonly connections: readonly Connection[]
  readonly channels: readonly ChannelInfo[]
}

export const maxSteps = 10
export const maxStepMinutes = 7 * 24 * 60
export const nameLimit = 80
const usualTaskMinutes = 120

export const connectionOf = (world: World, id: string): Connection | undefined => world.connections.find((connection) => connection.id === id)

export const channelOf = (world: World, connectionId: string): ChannelInfo | undefined => {
  const connection = connectionOf(world, connectionId)
  return connection && world.channels.find((channel) => channel.id === connection.channel)
}

const nextKey = (steps: readonly StepDraft[]): number => Math.max(0, ...steps.map((step) => step.key)) + 1

/** Bots are watched less long: who reads them answers soon, who does not never will. */
const usualMinutes = (channel: ChannelInfo | undefined): number => (channel?.addressedBy === 'identity' ? 30 : 60)

/** A step over `connectionId` as most clinics want it: its usual proof, buttons where an answer is the proof. */
export const usualStep = (key: number, connectionId: string, world: World, language: Language): ChannelStepDraft => {
  const channel = channelOf(world, connectionId)
  const proof = channel === undefined ? 'delivered' : usualProof(channel)
  return {
    key,
    kind: 'channel',
    connectionId,
    proof,
    minutes: usualMinutes(channel),
    hasOwnText: false,
    text: '',
    template: { name: '', language, parameters: ['{text}'] },
    buttons: proof === 'acted' && channel?.hasButtons === true,
  }
}

export const draftOf = (route: Route, language: Language): RouteDraft => ({
  id: route.id,
  name: route.name,
  isDefault: route.isDefault,
  stopsWhenDealMoves: route.stopsWhenDealMoves,
  steps: route.steps.map((step, index) =>
    step.kind === 'task'
      ? { key: index + 1, kind: 'task', minutes: step.minutes }
      : {
          key: index + 1,
          kind: 'channel',
          connectionId: step.connectionId,
          proof: step.proof,
          minutes: step.minutes,
          hasOwnText: step.content.text !== undefined,
          text: step.content.text ?? '',
          template: step.content.template ?? { name: '', language, parameters: ['{text}'] },
          buttons: step.content.buttons === true,
        },
  ),
})

/** The first route of a portal is its default: a robot without a route must not be left with nothing. */
export const newDraft = (steps: readonly StepDraft[], routes: readonly Route[], name = ''): RouteDraft => ({
  name,
  isDefault: !routes.some((route) => route.isDefault),
  stopsWhenDealMoves: true,
  steps,
})

/** Only what the step's channel takes goes to the server: no template without a channel that needs it, no buttons where there are none. */
const stepForm = (step: StepDraft, world: World): RouteStep => {
  if (step.kind === 'task') return { kind: 'task', minutes: step.minutes }
  const channel = channelOf(world, step.connectionId)
  const { name, language, parameters } = step.template
  const content: Extract<RouteStep, { kind: 'channel' }>['content'] = {}
  if (step.hasOwnText && step.text.trim() !== '') content.text = step.text.trim()
  if (channel?.needsTemplate === true && name.trim() !== '') {
    content.template = { name: name.trim(), language: language.trim(), parameters: parameters.map((parameter) => parameter.trim()) }
  }
  if (step.buttons && channel?.hasButtons === true) content.buttons = true
  return { kind: 'channel', connectionId: step.connectionId, proof: step.proof, minutes: step.minutes, content }
}

export const formOf = (draft: RouteDraft, world: World): RouteForm => ({
  name: draft.name.trim(),
  isDefault: draft.isDefault,
  stopsWhenDealMoves: draft.stopsWhenDealMoves,
  steps: draft.steps.map((step) => stepForm(step, world)),
})

export const hasChanged = (draft: RouteDraft, saved: RouteDraft, world: World): boolean =>
  JSON.stringify(formOf(draft, world)) !== JSON.stringify(formOf(saved, world))

const withSteps = (draft: RouteDraft, steps: readonly StepDraft[]): RouteDraft => ({ ...draft, steps })

export const withStep = (draft: RouteDraft, step: StepDraft): RouteDraft =>
  withSteps(draft, draft.steps.map((other) => (other.key === step.key ? step : other)))

/** Another connection under the same step: what the new channel cannot do is dropped, the rest stays as it was typed. */
export const withConnection = (step: ChannelStepDraft, connectionId: string, world: World, language: Language): ChannelStepDraft => {
  const channel = channelOf(world, connectionId)
  const usual = usualStep(step.key, connectionId, world, language)
  const keepsProof = channel?.receipts.includes(step.proof) === true
  return {
    ...step,
    connectionId,
    proof: keepsProof ? step.proof : usual.proof,
    buttons: channel?.hasButtons === true && (keepsProof ? step.buttons : usual.buttons),
  }
}

/** Waiting for an answer offers the buttons with which to answer. */
export const withProof = (step: ChannelStepDraft, proof: Proof, world: World): ChannelStepDraft => ({
  ...step,
  proof,
  buttons: step.buttons || (proof === 'acted' && channelOf(world, step.connectionId)?.hasButtons === true),
})

export const hasTask = (draft: RouteDraft): boolean => draft.steps.some((step) => step.kind === 'task')

/** Connections that no other step of the route uses: one step may choose from these. */
export const freeConnections = (draft: RouteDraft, world: World, ownKey?: number): readonly Connection[] => {
  const taken = new Set(draft.steps.flatMap((step) => (step.kind === 'channel' && step.key !== ownKey ? [step.connectionId] : [])))
  return world.connections.filter((connection) => !taken.has(connection.id))
}

/** A new step goes before the task, which stays last; it takes the first working connection that is still free. */
export const addStep = (draft: RouteDraft, world: World, language: Language): RouteDraft => {
  if (draft.steps.length >= maxSteps) return draft
  const free = freeConnections(draft, world)
  const chosen = free.find((connection) => connection.state === 'working') ?? free[0]
  if (chosen === undefined) return draft
  const step = usualStep(nextKey(draft.steps), chosen.id, world, language)
  return withSteps(draft, [...draft.steps.filter(({ kind }) => kind === 'channel'), step, ...draft.steps.filter(({ kind }) => kind === 'task')])
}

export const addTask = (draft: RouteDraft): RouteDraft =>
  hasTask(draft) || draft.steps.length >= maxSteps ? draft : withSteps(draft, [...draft.steps, { key: nextKey(draft.steps), kind: 'task', minutes: usualTaskMinutes }])

export const removeStep = (draft: RouteDraft, key: number): RouteDraft => withSteps(draft, draft.steps.filter((step) => step.key !== key))

/** The task never moves, and nothing moves below it. */
export const canMove = (draft: RouteDraft, from: number, to: number): boolean =>
  from !== to && draft.steps[from]?.kind === 'channel' && draft.steps[to]?.kind === 'channel'

/** The step at `from` stands at `to` afterwards; the others keep their order. An impossible move changes nothing. */
export const moveStep = (draft: RouteDraft, from: number, to: number): RouteDraft => {
  const step = draft.steps[from]
  if (step === undefined || !canMove(draft, from, to)) return draft
  const rest = draft.steps.filter((_, index) => index !== from)
  return withSteps(draft, [...rest.slice(0, to), step, ...rest.slice(to)])
}

/** How long the messenger steps take when nobody answers, in minutes; `undefined` while a number is missing. */
export const longestMinutes = (steps: readonly (StepDraft | RouteStep)[]): number | undefined => {
  const total = steps.reduce((sum, step) => (step.kind === 'channel' ? sum + step.minutes : sum), 0)
  return Number.isFinite(total) ? total : undefined
}
