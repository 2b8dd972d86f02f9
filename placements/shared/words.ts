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

const dayMs = 86_400_000

/** `Сегодня`, `Вчера`, `Завтра`, `12 ноября`; the year is said when it is another one. */
export const dayTitle = (at: Date, now: Date, timeZone: string | undefined, language: Language): string => {
  const day = dayOf(at, timeZone)
  const today = dayOf(now, timeZone)
  if (day === today) return language === 'ru' ? 'Сегодня' : 'Today'
  if (day === dayOf(new Date(now.getTime() - dayMs), timeZone)) return language === 'ru' ? 'Вчера' : 'Yesterday'
  if (day === dayOf(new Date(now.getTime() + dayMs), timeZone)) return language === 'ru' ? 'Завтра' : 'Tomorrow'
  return format(at, { day: 'numeric', month: 'long', year: day.slice(0, 4) === today.slice(0, 4) ? undefined : 'numeric' }, timeZone, language)
}

/** `сегодня, 14:02`: a moment inside a sentence. */
export const momentTitle = (at: Date, now: Date, timeZone: string | undefined, language: Language): string => {
  const day = dayTitle(at, now, timeZone, language)
  return `${day.charAt(0).toLowerCase()}${day.slice(1)}, ${timeOf(at, timeZone, language)}`
}
