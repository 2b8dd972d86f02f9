/** Phones are compared as `+` and digits; Russian spellings (`8…`, `7…`, ten digits) are one number (F11). */

/** The number of one CRM field, or undefined when there is none in it. Only the first of several in one field counts (F44). */
export const normalizePhone = (raw: string): string | undefined => {
  // No \b before a word: JavaScript knows no word boundary beside Cyrillic letters.
  const first = raw.split(/[,;/\n]|(?<=\d\D*)(?:доб|вн|ext)/i)[0] ?? ''
  const digits = first.replace(/\D/g, '')
  if (digits.length < 10 || digits.length > 15) return undefined
  if (digits.length === 10 && !first.trim().startsWith('+')) return `+7${digits}`
  if (digits.length === 11 && (digits.startsWith('8') || digits.startsWith('7')) && !/^\s*\+8/.test(first)) return `+7${digits.slice(1)}`
  return `+${digits}`
}

/** Spellings under which the number may stand in the CRM, for searches. */
export const spellingsOf = (phone: string): readonly string[] =>
  phone.startsWith('+7') && phone.length === 12 ? [phone, phone.slice(1), `8${phone.slice(2)}`] : [phone, phone.slice(1)]
