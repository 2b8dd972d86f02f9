/** Decisions of the patient's page: who launched it, how a visit is said, where links lead. Pure. */
import type { MiniAppView } from '../../src/http/schemas.ts'
import { texts, type Language } from './texts.ts'

export type Visit = NonNullable<MiniAppView['visit']>
export type Answer = NonNullable<Visit['answer']>

/** The messenger puts its signed data behind the `#` of the address: `#WebAppData=…&WebAppPlatform=…`. */
export const launchDataOf = (hash: string): string => new URLSearchParams(hash.replace(/^#/, '')).get('WebAppData') ?? ''

const dayKey = (at: Date, timeZone: string): string => new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at)

/** `завтра` where it is tomorrow on the clinic's wall, whatever the phone's own zone. */
export const nearDay = (at: Date, now: Date, timeZone: string, language: Language): string | undefined => {
  const key = dayKey(at, timeZone)
  const { today, tomorrow } = texts[language]
  if (key === dayKey(now, timeZone)) return today
  return key === dayKey(new Date(now.getTime() + 24 * 3600_000), timeZone) ? tomorrow : undefined
}

const locale = { ru: 'ru-RU', en: 'en-GB' } as const

export const dayTitle = (at: Date, timeZone: string, language: Language): string => new Intl.DateTimeFormat(locale[language], { timeZone, weekday: 'long', day: 'numeric', month: 'long' }).format(at)

/** `10:00 - 10:30` where the end is known. */
export const timeTitle = ({ at, endsAt }: Pick<Visit, 'at' | 'endsAt'>, timeZone: string, language: Language): string => {
  const time = new Intl.DateTimeFormat(locale[language], { timeZone, hour: '2-digit', minute: '2-digit' })
  return endsAt === undefined ? time.format(new Date(at)) : `${time.format(new Date(at))}–${time.format(new Date(endsAt))}`
}

export const phoneLink = (phone: string): string => `tel:${phone.replace(/[^\d+]/g, '')}`

/** A visit that begins while the page is open cannot be answered any more. */
export const canAnswer = (visit: Visit, now: Date): boolean => Date.parse(visit.at) > now.getTime()
