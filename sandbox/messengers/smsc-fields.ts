/** Digits of a number in international form, with the usual corrections unless it begins with a plus; undefined when it is no number. */
export function normalisePhone(value: string): string | undefined {
  const digits = value.replace(/\D/g, '')
  if (/^8\d{10}$/.test(digits) && !value.startsWith('+')) return `7${digits.slice(1)}`
  if (/^9\d{9}$/.test(digits) && !value.startsWith('+')) return `7${digits}`
  return digits.length >= 10 && digits.length <= 15 ? digits : undefined
}

/** `valid` is hours (1 to 24) or hh:mm; a day when left out. */
export function readValid(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return 86_400_000
  const match = /^(\d{1,2})(?::(\d{2}))?$/.exec(value)
  if (match === null || Number(match[2] ?? 0) > 59) return undefined
  const minutes = Number(match[1]) * 60 + Number(match[2] ?? 0)
  return minutes >= 1 && minutes <= 1440 ? minutes * 60_000 : undefined
}
