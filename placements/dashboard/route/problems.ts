/**
 * What makes a route impossible, in sentences, each at its place. Pure.
 *
 * The checks mirror the server's so that a person sees them while typing; the server's own refusal always decides.
 */
import type { Language } from '../../shared/boot.ts'
import { channelOf, connectionOf, maxStepMinutes, maxSteps, nameLimit, type RouteDraft, type StepDraft, type World } from './model.ts'

export interface RouteProblems {
  readonly name?: string
  /** About the route as a whole. */
  readonly steps?: string
  readonly byStep: Readonly<Record<number, readonly string[]>>
}

const texts = {
  ru: {
    nameMissing: 'Назовите маршрут.',
    nameLong: `Сократите название до ${nameLimit} знаков.`,
    noSteps: 'Добавьте хотя бы один шаг.',
    tooManySteps: `Оставьте не больше ${maxSteps} шагов.`,
    noConnection: 'Выберите подключение.',
    unknownConnection: 'Этого подключения больше нет: выберите другое.',
    connectionOff: 'Подключение выключено: включите его или выберите другое.',
    proofImpossible: 'Этот канал не сообщает о таком подтверждении: выберите другое.',
    actedNeedsButtons: 'В этом канале нет кнопок: уберите их.',
    templateRequired: 'Укажите имя и язык шаблона: без одобренного шаблона этот канал не примет сообщение.',
    parameterEmpty: 'Заполните все параметры шаблона или уберите лишние.',
    taskNotLast: 'Задача сотруднику может быть только последним шагом.',
    minutesOutOfRange: `Укажите целое число минут от 1 до ${maxStepMinutes} (неделя).`,
    textMissing: 'Введите текст шага или выключите свой текст.',
    textTooLong: (limit: number) => `Сократите текст до ${limit} знаков: больше этот канал не передаст.`,
    sameConnectionTwice: 'Это подключение уже есть в маршруте: дважды в один канал пациенту не пишем.',
  },
  en: {
    nameMissing: 'Name the route.',
    nameLong: `Shorten the name to ${nameLimit} characters.`,
    noSteps: 'Add at least one step.',
    tooManySteps: `Keep no more than ${maxSteps} steps.`,
    noConnection: 'Choose a connection.',
    unknownConnection: 'This connection no longer exists: choose another one.',
    connectionOff: 'The connection is off: turn it on or choose another one.',
    proofImpossible: 'This channel does not report such a proof: choose another one.',
    actedNeedsButtons: 'This channel has no buttons: remove them.',
    templateRequired: 'Enter the template’s name and language: this channel takes no message without an approved one.',
    parameterEmpty: 'Fill in every template parameter or remove the spare ones.',
    taskNotLast: 'A task for staff can only be the last step.',
    minutesOutOfRange: `Enter a whole number of minutes from 1 to ${maxStepMinutes} (a week).`,
    textMissing: 'Enter the step’s text or turn its own text off.',
    textTooLong: (limit: number) => `Shorten the text to ${limit} characters: this channel carries no more.`,
    sameConnectionTwice: 'This connection is already in the route: a patient is not written to twice in one channel.',
  },
}

const problemsOfStep = (step: StepDraft, index: number, draft: RouteDraft, world: World, language: Language): readonly string[] => {
  const say = texts[language]
  const problems: string[] = []
  if (!Number.isInteger(step.minutes) || step.minutes < 1 || step.minutes > maxStepMinutes) problems.push(say.minutesOutOfRange)
  if (step.kind === 'task') {
    if (index !== draft.steps.length - 1) problems.push(say.taskNotLast)
    return problems
  }
  if (step.connectionId === '') return [say.noConnection, ...problems]
  const connection = connectionOf(world, step.connectionId)
  const channel = channelOf(world, step.connectionId)
  if (connection === undefined || channel === undefined) return [say.unknownConnection, ...problems]
  if (draft.steps.slice(0, index).some((other) => other.kind === 'channel' && other.connectionId === step.connectionId)) problems.push(say.sameConnectionTwice)
  if (connection.state === 'off') problems.push(say.connectionOff)
  if (!channel.receipts.includes(step.proof)) problems.push(say.proofImpossible)
  if (step.buttons && !channel.hasButtons) problems.push(say.actedNeedsButtons)
  if (channel.needsTemplate) {
    if (step.template.name.trim() === '' || step.template.language.trim().length < 2) problems.push(say.templateRequired)
    if (step.template.parameters.some((parameter) => parameter.trim() === '')) problems.push(say.parameterEmpty)
  }
  if (step.hasOwnText && step.text.trim() === '') problems.push(say.textMissing)
  if (step.hasOwnText && step.text.trim().length > channel.textLength) problems.push(say.textTooLong(channel.textLength))
  return problems
}

/** Everything that is wrong with the draft, in sentences, each at its place. */
export const problemsOf = (draft: RouteDraft, world: World, language: Language): RouteProblems => {
  const say = texts[language]
  const name = draft.name.trim()
  const byStep = Object.fromEntries(
    draft.steps.map((step, index) => [index, problemsOfStep(step, index, draft, world, language)] as const).filter(([, problems]) => problems.length > 0),
  )
  return {
    ...(name === '' ? { name: say.nameMissing } : name.length > nameLimit ? { name: say.nameLong } : {}),
    ...(draft.steps.length === 0 ? { steps: say.noSteps } : draft.steps.length > maxSteps ? { steps: say.tooManySteps } : {}),
    byStep,
  }
}

export const isClean = (problems: RouteProblems): boolean =>
  problems.name === undefined && problems.steps === undefined && Object.keys(problems.byStep).length === 0

/** The server's refusal at the steps that it names (`steps.<n>`, deeper paths too); a key that no place shows goes to the whole route. */
export const serverProblems = (fields: Readonly<Record<string, string>>): RouteProblems => {
  const byStep: Record<number, string[]> = {}
  const whole: string[] = []
  let name: string | undefined
  for (const [key, sentence] of Object.entries(fields)) {
    const index = /^steps\.(\d+)(\.|$)/.exec(key)?.[1]
    if (index !== undefined) (byStep[Number(index)] ??= []).push(sentence)
    else if (key === 'name') name = sentence
    else whole.push(sentence)
  }
  return { ...(name === undefined ? {} : { name }), ...(whole.length === 0 ? {} : { steps: whole.join(' ') }), byStep }
}

/** Both at once; a sentence that both say is said once. */
export const mergeProblems = (a: RouteProblems, b: RouteProblems): RouteProblems => {
  const byStep: Record<number, readonly string[]> = { ...a.byStep }
  for (const [index, sentences] of Object.entries(b.byStep)) byStep[Number(index)] = [...new Set([...(byStep[Number(index)] ?? []), ...sentences])]
  return { name: a.name ?? b.name, steps: a.steps ?? b.steps, byStep }
}
