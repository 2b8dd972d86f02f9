/** What a notification is for, in words. A purpose that the pages do not know is shown as it is. */
import type { Language } from './boot.ts'

const titles: Record<Language, Readonly<Record<string, string>>> = {
  ru: { reminder: 'Напоминание о приёме', confirmation: 'Подтверждение записи', result: 'Результаты готовы', payment: 'Оплата', service: 'Сервисное сообщение', marketing: 'Рассылка' },
  en: { reminder: 'Visit reminder', confirmation: 'Booking confirmation', result: 'Results are ready', payment: 'Payment', service: 'Service message', marketing: 'Marketing' },
}

export const purposeTitle = (purpose: string, language: Language): string => titles[language][purpose] ?? purpose
export const knownPurposes = (language: Language): readonly { readonly value: string; readonly title: string }[] =>
  Object.entries(titles[language]).map(([value, title]) => ({ value, title }))
