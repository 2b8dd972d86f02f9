import { type FastifyRequest } from 'fastify'
import { pageLanguage, type Language } from '../bitrix/language.ts'
import { type Sessions } from './portal-session.ts'

/** In which language whoever sent a request reads the answer. */
export type LanguageOf = (request: FastifyRequest) => Language

/**
 * The language of the page, which its session holds - one that is over too; for whoever has no page yet what the portal's form says
 * (`LANG`); else what the program or the browser prefers.
 */
export const createLanguageOf =
  (sessions: Pick<Sessions, 'languageOf'>): LanguageOf =>
  ({ headers, query }) =>
    sessions.languageOf(headers.authorization) ?? pageLanguage((query as { LANG?: unknown } | null)?.LANG) ?? preferred(headers['accept-language'] ?? '')

/**
 * English where it is clearly preferred over Russian, else Russian.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-accept-language
 */
export const preferred = (header: string): Language => {
  const weights = { ru: 0, en: 0 }
  for (const range of header.slice(0, 1_000).split(',')) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';')
    const language = tag.split('-')[0]!.trim()
    if (language !== 'ru' && language !== 'en') continue
    const weight = Number(parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (weight > weights[language]) weights[language] = weight
  }
  return weights.en > weights.ru ? 'en' : 'ru'
}
