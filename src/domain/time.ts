/** Moments and the clocks on people's walls. No clock of its own: moments are arguments. */

/** Minutes by which the zone's wall clock is ahead of UTC at this moment. */
export const offsetMinutes = (at: number, timeZone: string): number => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(at)
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((candidate) => candidate.type === type)!.value)
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return Math.round((wall - Math.floor(at / 1000) * 1000) / 60_000)
}

export const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/**
 * A deadline as people and robots write it: `25.11.2026 20:00[:00]`, `25.11.2026`, `2026-11-25 20:00`, ISO with or without a zone.
 * Without a zone it is read by the portal's wall clock; without a time it is the end of the day. Epoch ms, or undefined.
 */
export const readMoment = (text: string, timeZone: string): number | undefined => {
  const value = text.trim()
  if (/^\d{4}-.*[T ].*(?:Z|[+-]\d\d:?\d\d)$/.test(value)) {
    const at = Date.parse(value.replace(' ', 'T'))
    return Number.isNaN(at) ? undefined : at
  }
  const russian = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?/.exec(value)
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?/.exec(value)
  const found = russian ?? iso
  if (found === null) return undefined
  const numbers = found.slice(1).map((part: string | undefined) => (part === undefined ? undefined : Number(part)))
  const [day, month, year] = russian === null ? [numbers[2]!, numbers[1]!, numbers[0]!] : [numbers[0]!, numbers[1]!, numbers[2]!]
  const [hour, minute, second] = [numbers[3] ?? 23, numbers[4] ?? 59, numbers[5] ?? 0]
  const wall = Date.UTC(year, month - 1, day, hour, minute, second)
  if (new Date(wall).getUTCDate() !== day || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined
  const guess = wall - offsetMinutes(wall, timeZone) * 60_000
  return wall - offsetMinutes(guess, timeZone) * 60_000
}
