/** Decisions of the connections tab: which routes need a connection, whom a test goes to. Pure. */
import type { Route } from '../../../src/http/schemas.ts'
import type { Language } from '../../shared/boot.ts'

const texts = {
  ru: { phone: 'Введите телефон с кодом страны: от 10 до 15 цифр.' },
  en: { phone: 'Enter the phone with its country code: 10 to 15 digits.' },
}

/** Names of the routes that go through this connection. */
export const routesUsing = (connectionId: string, routes: readonly Route[]): readonly string[] =>
  routes.filter((route) => route.steps.some((step) => step.kind === 'channel' && step.connectionId === connectionId)).map((route) => route.name)

/** `+` and digits, or a sentence about what is wrong. A Russian number typed from 8 is read as +7. */
export const parsePhone = (typed: string, language: Language): { readonly phone: string } | { readonly problem: string } => {
  const digits = typed.replace(/\D/g, '')
  if (digits.length < 10 || digits.length > 15 || /[^\d\s+().-]/.test(typed)) return { problem: texts[language].phone }
  if (digits.length === 11 && digits.startsWith('8') && !typed.trim().startsWith('+')) return { phone: `+7${digits.slice(1)}` }
  return { phone: digits.length === 10 && !typed.trim().startsWith('+') ? `+7${digits}` : `+${digits}` }
}
