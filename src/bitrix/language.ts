/** Languages that the application speaks. */
export type Language = 'ru' | 'en'

const russianLanguages = new Set(['ru', 'kz', 'by'])

/** The language of a portal's page by its `LANG`: Russian where Russian is read, else English. undefined when the portal does not say. */
export const pageLanguage = (language: unknown): Language | undefined =>
  typeof language !== 'string' || language === '' ? undefined : russianLanguages.has(language.toLowerCase()) ? 'ru' : 'en'
