import { type AttemptId } from './ids.ts'
import { answers, answerTitles, fillIn, isAnswer, type Answer, type Button, type TemplateMessage, type Variables } from './message.ts'
import { type StepContent } from './route.ts'

/** One notification in the shape that one channel can carry. */
export interface Rendered {
  readonly text: string
  readonly template?: TemplateMessage
  readonly buttons?: readonly Button[]
}

/**
 * Renders a notification for one step (B6): the step's own text or the notification's; the template where free text is not allowed;
 * buttons where they are wanted and exist.
 *
 * `{name}` counts in the notification's text as well. The text is never longer than the channel takes. `freeText` says whether the
 * messenger allows a text of our own now.
 */
export const render = (
  content: StepContent,
  given: Variables,
  channel: { readonly textLength: number; readonly hasButtons: boolean; readonly freeText: boolean },
  attempt: AttemptId,
): Rendered => {
  // The robot's text names the patient too, as its settings say. Once: a patient's name is never read as a place.
  const variables = given.text === undefined ? given : { ...given, text: fillIn(given.text, { name: given.name ?? '' }) }
  const text = cut(fillIn(content.text ?? '{text}', variables), channel.textLength)
  const buttons = content.buttons === true && channel.hasButtons ? answers.map((answer) => ({ id: payloadOf(answer, attempt), title: answerTitles[answer] })) : undefined
  if (channel.freeText || content.template === undefined) return { text, buttons }
  const { name, language, parameters } = content.template
  return { text, buttons, template: { name, language, parameters: parameters.map((parameter) => fillIn(parameter, variables)) } }
}

/** A button's payload names the attempt, so that a press is matched without knowing the messenger's ids. At most 60 bytes. */
export const payloadOf = (answer: Answer, attempt: AttemptId): string => `a:${answer}:${attempt}`

/** Reads a payload of ours; anything else is undefined. */
export const readPayload = (payload: string): { answer: Answer; attemptId: AttemptId } | undefined => {
  const [mark, answer, attempt] = payload.split(':')
  if (mark !== 'a' || answer === undefined || !isAnswer(answer) || attempt === undefined || !/^[\w-]+\.\d+$/.test(attempt)) return undefined
  return { answer, attemptId: attempt as AttemptId }
}

/** Shortens at a word and says so by an ellipsis. */
const cut = (text: string, length: number): string => {
  if (text.length <= length) return text
  // Half of an emoji is not a character: messengers refuse it or show a box.
  const head = text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')
  const space = head.lastIndexOf(' ')
  return `${head.slice(0, space > length / 2 ? space : head.length).trimEnd()}…`
}
