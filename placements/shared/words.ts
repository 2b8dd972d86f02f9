/** Numbers and times as people say them. */
import type { Language } from './boot.ts'

/** `45 мин`, `1 ч 30 мин`, `2 сут`: the two largest units that are not zero. */
export const duration = (minutes: number, language: Language): string => {
  const units = language === 'ru' ? (['сут', 'ч', 'мин'] as const) : (['d', 'h', 'min'] as const)
  const parts: [number, string][] = [
    [Math.floor(minutes / 1440), units[0]],
    [Math.floor((minutes % 1440) / 60), units[1]],
    [minutes % 60, units[2]],
  ]
  const said = parts.filter(([value]) => value > 0).slice(0, 2)
  return said.length === 0 ? `0 ${units[2]}` : said.map(([value, unit]) => `${value} ${unit}`).join(' ')
}

const locale = (language: Language) => (language === 'ru' ? 'ru-RU' : 'en-GB')

/** A zone that this browser does not know is no reason to show nothing: its own zone is used. */
const format = (at: Date, options: Intl.DateTimeFormatOptions, timeZone: string | undefined, language: Language): string => {
  try {
    return new Intl.DateTimeFormat(locale(language), { ...options, timeZone }).format(at)
  } catch {
    return new Intl.DateTimeFormat(locale(language), options).format(at)
  }
}

/** `2026-11-24` in the portal's zone: the key that a day's records share. */
export const dayOf = (at: Date, timeZone: string | undefined): string => {
  const parts = (zone: string | undefined) => new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone: zone }).format(at)
  try {
    return parts(timeZone)
  } catch {
    return parts(undefined)
  }
}

export const timeOf = (at: Date, timeZone: string | undefined, language: Language): string => format(at, { hour: '2-digit', minute: '2-digit' }, timeZone, language)

/** `Сегодня`, `Вчера`, `12 ноября`. */
export const dayTitle = (at: Date, now: Date, timeZone: string | undefined, language: Language): string => {
  const day = dayOf(at, timeZone)
  if (day === dayOf(now, timeZone)) return language === 'ru' ? 'Сегодня' : 'Today'
  if (day === dayOf(new Date(now.getTime() - 86_400_000), timeZone)) return language === 'ru' ? 'Вчера' : 'Yesterday'
  return format(at, { day: 'numeric', month: 'long' }, timeZone, language)
}
