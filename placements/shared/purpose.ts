/** What a notification is for, in words. A purpose that the pages do not know is shown as it is. */
import type { Language } from './boot.ts'

const titles: Record<Language, Readonly<Record<string, string>>> = {
  ru: { reminder: 'Напоминание', service: 'Сервисное сообщение' },
  en: { reminder: 'Reminder', service: 'Service message' },
}

export const purposeTitle = (purpose: string, language: Language): string => titles[language][purpose] ?? purpose
export const knownPurposes = (language: Language): readonly { readonly value: string; readonly title: string }[] =>
  Object.entries(titles[language]).map(([value, title]) => ({ value, title }))
