/**
 * An e-mail address as it is compared and written to: trimmed and in small letters, for a patient's two spellings must not be two chats.
 *
 * @returns undefined for what is no address
 */
export const normalizeEmail = (text: string): string | undefined => {
  const address = text.trim().toLowerCase()
  return address.length <= 254 && /^[^\s@<>()[\],;:"\\]{1,64}@[a-z0-9\u00a1-\uffff](?:[a-z0-9\u00a1-\uffff.-]*[a-z0-9\u00a1-\uffff])?\.[a-z0-9\u00a1-\uffff-]{2,}$/.test(address) && !address.includes('..') ? address : undefined
}
