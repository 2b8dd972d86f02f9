import { type ChannelChat } from '../channel.ts'

/** F11: digits before `@c.us` (or WhatsApp's own spelling of it), with or without the number of a device. */
const byPhone = /^(\d{7,15})(?::\d{1,3})?@(?:c\.us|s\.whatsapp\.net)$/
const byLid = /^(\d{5,20})(?::\d{1,3})?@lid$/

/**
 * One person, one spelling: the digits of the number, or `<digits>@lid` where WhatsApp hides the number - those digits are no phone.
 * No country's code begins with 89, so eleven digits that do are a Russian mobile written from inside the country.
 * `undefined`: a group, a channel, a broadcast, or nothing that we know.
 */
export const personOf = (jid: string): string | undefined => {
  const phone = byPhone.exec(jid)?.[1]
  if (phone !== undefined) return phone.replace(/^89(?=\d{9}$)/, '79')
  const lid = byLid.exec(jid)?.[1]
  return lid === undefined ? undefined : `${lid}@lid`
}

/** WhatsApp itself vouches for the number of a `@c.us` id. */
export const chatOf = (person: string, name: string | undefined): ChannelChat => ({
  id: person,
  userId: person,
  ...(person.includes('@') ? {} : { phone: `+${person}` }),
  ...(name === undefined || name.trim() === '' || /^\+?\d[\d\s()-]{5,}$/.test(name.trim()) ? {} : { name: name.trim() }),
})

/** What the vendor calls the chat that we know as `to`. */
export const jidOf = (to: string): string => (to.includes('@') ? to : `${to.replace(/\D/g, '')}@c.us`)
