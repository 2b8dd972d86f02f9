import { type ChannelChat } from '../channel.ts'

/**
 * One messenger behind the gateway. MAX by number is none of them (A6), nor are the vendor's other messengers.
 *
 * @see https://wazzup24.com/help/api-en/sending-messages/
 */
export interface Transport {
  /** How the list of channels calls it. */
  readonly transports: readonly string[]
  readonly chatType: string
  readonly textLength: number
  /** Who is meant by a chat's id; `undefined`: a spelling that no person has. */
  personOf(chatId: string, contact: { readonly phone?: string; readonly name?: string; readonly username?: string }): ChannelChat | undefined
  /** How a person is addressed by what we know. */
  addressOf(to: string): Readonly<Record<string, string>>
}

const nameOf = (name: string | undefined): { readonly name?: string } => (name === undefined || name.trim() === '' || /^\+?\d[\d\s()-]{5,}$/.test(name.trim()) ? {} : { name: name.trim() })

/** F11: one person, one spelling. No country's code begins with 89, so eleven digits that do are a Russian mobile written from inside the country. */
const digitsOf = (phone: string): string => phone.replace(/\D/g, '').replace(/^89(?=\d{9}$)/, '79')

/** WhatsApp by number and the official WhatsApp through the same gateway: the chat is the number. A hidden number is digits of another kind. */
export const whatsapp: Transport = {
  transports: ['whatsapp', 'wapi'],
  chatType: 'whatsapp',
  textLength: 4096,
  personOf(chatId, { name }) {
    if (/^\d{5,20}@lid$/.test(chatId)) return { id: chatId, userId: chatId, ...nameOf(name) }
    const digits = /^\+?\d{7,15}(?:@c\.us)?$/.test(chatId) ? digitsOf(chatId) : undefined
    return digits === undefined ? undefined : { id: digits, userId: digits, phone: `+${digits}`, ...nameOf(name) }
  },
  addressOf: (to) => ({ chatId: to.includes('@') ? to : to.replace(/\D/g, '') }),
}

/** Telegram by number: the chat is an opaque id of the gateway; Telegram itself vouches for a number where it shows one. */
export const telegram: Transport = {
  transports: ['tgapi'],
  chatType: 'telegram',
  textLength: 4096,
  personOf(chatId, { name, username, phone }) {
    if (!/^(?=.*-)[\w-]{6,80}$/.test(chatId)) return undefined
    const known = phone !== undefined && /^\+?\d{7,15}$/.test(phone) ? { phone: `+${digitsOf(phone)}` } : {}
    return { id: chatId, userId: chatId, ...known, ...nameOf(name), ...(username === undefined || username === '' ? {} : { username }) }
  },
  addressOf: (to): Readonly<Record<string, string>> => (to.startsWith('+') ? { phone: to.slice(1) } : { chatId: to }),
}
