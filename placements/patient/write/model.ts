/** Decisions of the composer: where a message goes, whether it may go, what is wrong with it. Pure; the server decides again. */
import type { WriteForm, WriteWay } from '../../../src/http/patient-schemas.ts'
import type { Template } from '../../shared/template.ts'

/** No channel of ours takes more in one message. */
export const mostLetters = 4096

/** The way chosen by hand while it is there, even closed: a choice is not changed under the writer's hands. Else the proposed one. */
export const wayOf = (ways: readonly WriteWay[], chosen: string | undefined): WriteWay | undefined =>
  ways.find(({ way }) => way === chosen) ?? ways.find(({ isProposed }) => isProposed) ?? ways.find(({ isOpen }) => isOpen) ?? ways[0]

/** Ways that a message can take first. */
export const inOrder = (ways: readonly WriteWay[]): readonly WriteWay[] => {
  const rank = ({ isProposed, isOpen }: WriteWay): number => (isProposed ? 0 : isOpen ? 1 : 2)
  return [...ways].sort((a, b) => rank(a) - rank(b))
}

export const limitOf = (way: WriteWay | undefined): number => Math.min(way?.textLength ?? mostLetters, mostLetters)

/** How many letters there are too many; 0 when it fits. Counted as the server counts: without the spaces around. */
export const excessOf = (text: string, way: WriteWay | undefined): number => Math.max(0, text.trim().length - limitOf(way))

export type Obstacle = 'noWay' | 'closed' | 'long' | 'templateName' | 'templateLanguage' | 'templateParameter' | 'empty'

/** Why the message cannot be sent as it stands; `empty` is no reproach, only a button that does not work yet. */
export const obstacleOf = (way: WriteWay | undefined, text: string, template: Template): Obstacle | undefined => {
  if (way === undefined) return 'noWay'
  if (!way.isOpen) return 'closed'
  if (excessOf(text, way) > 0) return 'long'
  if (text.trim() === '') return 'empty'
  if (!way.needsTemplate) return undefined
  if (template.name.trim() === '') return 'templateName'
  if (template.language.trim().length < 2) return 'templateLanguage'
  return template.parameters.some((parameter) => parameter.trim() === '') ? 'templateParameter' : undefined
}

/** A template goes only where a template is needed, whatever was typed while another way was chosen. */
export const formOf = (way: WriteWay, text: string, { name, language, parameters }: Template): WriteForm => ({
  way: way.way,
  text: text.trim(),
  ...(way.needsTemplate ? { template: { name: name.trim(), language: language.trim(), parameters: parameters.map((parameter) => parameter.trim()) } } : {}),
})

/** Nobody answered, or not in words: the message may have been taken, and sent again it would come twice. */
export const isOutcomeUnknown = (code: string): boolean => code === 'NO_ANSWER' || code === 'UNREADABLE'
