/** What the server put into the page: who is looking, in which language, at which place of the portal. */
import type { Boot } from '../../src/http/schemas.ts'

export type { Boot }
export type Language = Boot['language']

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The boot record, or `undefined` when the page was opened without one (by its bare address, outside the portal).
 *
 * The session is opaque: only the server judges it.
 */
export const parseBoot = (text: string | null | undefined): Boot | undefined => {
  if (text === null || text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || typeof value.session !== 'string' || value.session === '') return undefined
  return {
    session: value.session,
    language: value.language === 'ru' ? 'ru' : 'en',
    placement: typeof value.placement === 'string' ? value.placement : 'DEFAULT',
    options: value.options,
    isAdmin: value.isAdmin === true,
  }
}

/** The language of a page that has no boot record: the browser's. */
export const guessLanguage = (browserLanguage: string): Language => (browserLanguage.toLowerCase().startsWith('ru') ? 'ru' : 'en')
