/** What a notification says, before and after it is rendered for one messenger. */

/** A button under a message: `id` comes back when it is pressed, `title` is what the patient reads. */
export interface Button {
  readonly id: string
  readonly title: string
}

/** A template approved by the messenger's owner; `parameters` fill its body in order. */
export interface TemplateMessage {
  readonly name: string
  readonly language: string
  readonly parameters: readonly string[]
}

/** What a person sees a file as; `voice` is an audio recorded on the spot. */
export const fileKinds = ['image', 'video', 'audio', 'voice', 'sticker', 'file'] as const
export type FileKind = (typeof fileKinds)[number]

/** A point on the map. Degrees. */
export interface Place {
  readonly latitude: number
  readonly longitude: number
  readonly title?: string
  readonly address?: string
}

/** A patient's answer by button. The order is the order of the buttons. */
export const answers = ['confirm', 'move', 'cancel'] as const
export type Answer = (typeof answers)[number]

export const answerTitles: Readonly<Record<Answer, string>> = { confirm: 'Приду', move: 'Перенести', cancel: 'Отменить' }

export const isAnswer = (value: string): value is Answer => (answers as readonly string[]).includes(value)

/** Values that a text or a template parameter may name: `{text}`, `{name}`. */
export type Variables = Readonly<Record<string, string>>

/** Puts values into `{name}` places; a place that has no value disappears, so that a patient never reads a brace. */
export const fillIn = (pattern: string, variables: Variables): string =>
  pattern
    .replace(/\{([a-z]+)\}/g, (_, name: string) => (Object.hasOwn(variables, name) ? variables[name]! : ''))
    .replace(/[ \t]{2,}/g, ' ')
    .trim()
