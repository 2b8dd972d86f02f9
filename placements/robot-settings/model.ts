/**
 * Decisions of the robot's settings page: what the portal sent -> form, what changed -> `setPropertyValue`. Pure.
 *
 * @see https://apidocs.bitrix24.com/tutorials/bizproc/setting-robot.html
 */
import type { RobotSettings } from '../../src/http/schemas.ts'
import type { Language } from '../shared/boot.ts'
import { knownPurposes, purposeTitle } from '../shared/purpose.ts'

/** The robot's properties that the page writes; an empty route is the portal's default route. */
export interface RobotDraft {
  readonly route: string
  readonly text: string
  readonly purpose: string
  readonly deadline: string
}
export type PropertyKey = keyof RobotDraft

export const propertyKeys: readonly PropertyKey[] = ['route', 'text', 'purpose', 'deadline']
export const textLimit = 4096

export interface Choice {
  readonly value: string
  readonly title: string
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {})

/** PHP sends one value as a list of one, numbers as numbers, nothing as `[]` or `null`. */
const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return textOf(value[0])
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** One key of a property's description, whichever way the portal's version spells it: `Options` or `OPTIONS`. */
const part = (record: Record<string, unknown>, name: string): unknown => record[name] ?? record[name.toUpperCase()]

export const draftOf = (options: unknown): RobotDraft => {
  const values = recordOf(recordOf(options).current_values)
  return { route: textOf(values.route), text: textOf(values.text), purpose: textOf(values.purpose), deadline: textOf(values.deadline) }
}

const propertyOf = (options: unknown, key: PropertyKey): Record<string, unknown> => recordOf(recordOf(recordOf(options).properties)[key])

/** What `setPropertyValue` has to be told; nothing when both are the same. */
export const changesOf = (saved: RobotDraft, draft: RobotDraft): Partial<Record<PropertyKey, string>> =>
  Object.fromEntries(propertyKeys.filter((key) => saved[key] !== draft[key]).map((key) => [key, draft[key]]))

/** The purposes that the robot was registered with, else the ones that the pages know; a value of old stays choosable. */
export const purposeChoices = (options: unknown, current: string, language: Language): readonly Choice[] => {
  const registered = Object.entries(recordOf(part(propertyOf(options, 'purpose'), 'Options'))).map(([value, title]) => ({ value, title: textOf(title) || value }))
  const choices = registered.length > 0 ? registered : knownPurposes(language)
  return current === '' || choices.some(({ value }) => value === current) ? choices : [...choices, { value: current, title: purposeTitle(current, language) }]
}

const fieldsOf = (options: unknown): readonly { readonly id: string; readonly title: string; readonly type: string }[] =>
  Object.entries(recordOf(recordOf(options).document_fields))
    .map(([id, field]) => ({ id, title: textOf(part(recordOf(field), 'Name')) || id, type: textOf(part(recordOf(field), 'Type')) }))
    .sort((a, b) => a.title.localeCompare(b.title))

/** How a robot's value names a field of its document. */
export const expressionOf = (fieldId: string): string => `{=Document:${fieldId}}`

/** The document's fields, by title, as expressions to put into the text. */
export const fieldChoices = (options: unknown): readonly Choice[] => fieldsOf(options).map(({ id, title }) => ({ value: expressionOf(id), title }))

/** Date fields of the document: a deadline is usually "the appointment itself". */
export const deadlineChoices = (options: unknown): readonly Choice[] =>
  fieldsOf(options)
    .filter(({ type }) => type === 'datetime' || type === 'date')
    .map(({ id, title }) => ({ value: expressionOf(id), title }))

/** Whether the robot's deadline is a moment or a number of minutes: as the robot was registered. */
export const deadlineKind = (options: unknown): 'moment' | 'minutes' => {
  const type = textOf(part(propertyOf(options, 'deadline'), 'Type'))
  return type === 'int' || type === 'double' ? 'minutes' : 'moment'
}

/** The text with `inserted` in place of the selection, and where the cursor stands then. */
export const insertInto = (text: string, inserted: string, start: number, end: number): { readonly text: string; readonly cursor: number } => ({
  text: text.slice(0, start) + inserted + text.slice(end),
  cursor: start + inserted.length,
})

export type RouteProblem = 'noRoutes' | 'routeGone' | 'noDefault'

/** Why the robot would have no route to go by, or nothing. */
export const routeProblem = (settings: RobotSettings, route: string): RouteProblem | undefined => {
  if (settings.routes.length === 0) return 'noRoutes'
  if (route !== '') return settings.routes.some(({ id }) => id === route) ? undefined : 'routeGone'
  return settings.routes.some(({ isDefault }) => isDefault) ? undefined : 'noDefault'
}

/** The chosen route, or the default one when none is chosen. */
export const chosenRoute = (settings: RobotSettings, route: string): RobotSettings['routes'][number] | undefined =>
  settings.routes.find(({ id, isDefault }) => (route === '' ? isDefault : id === route))

export const textProblem = (text: string): 'textMissing' | 'textLong' | undefined =>
  text.trim() === '' ? 'textMissing' : text.length > textLimit ? 'textLong' : undefined
