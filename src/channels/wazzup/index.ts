import { type Channel } from '../channel.ts'
import { fields, parseCredentials, type WazzupCredentials } from './credentials.ts'
import { download, editBy, limitsOf, remove, sendBy } from './send.ts'
import { checkBy, connectBy, disconnect } from './settings.ts'
import { telegram, whatsapp, type Transport } from './transport.ts'
import { parseBy, verify } from './webhook.ts'

type Particular = Pick<Channel<WazzupCredentials>, 'id' | 'title' | 'family' | 'canStart' | 'addressedBy' | 'isManualOnly'>

const channelOf = (transport: Transport, particular: Particular): Channel<WazzupCredentials> => ({
  ...particular,
  receipts: ['accepted', 'sent', 'delivered', 'read'],
  limits: limitsOf(transport),
  isGrey: true,
  isIdempotent: false,
  fields,
  parseCredentials,
  connect: connectBy(transport),
  disconnect,
  check: checkBy(transport),
  verify,
  parse: parseBy(transport),
  send: sendBy(transport),
  edit: editBy(transport),
  remove,
  download,
})

/**
 * WhatsApp by number through Wazzup. Its key of idempotency holds for a minute and names no message, so a lost answer stays open.
 *
 * @see https://wazzup24.com/help/api-en/
 */
export const wazzup = channelOf(whatsapp, {
  id: 'wazzup',
  title: { ru: 'WhatsApp по номеру (Wazzup)', en: 'WhatsApp by number (Wazzup)' },
  family: { ru: 'WhatsApp', en: 'WhatsApp' },
  canStart: 'anyone',
  addressedBy: 'phone',
})

/** Telegram by number through Wazzup: for talk that a person began and a person leads, never a step of a route. */
export const wazzupTelegram = channelOf(telegram, {
  id: 'wazzuptelegram',
  title: { ru: 'Telegram по номеру (Wazzup)', en: 'Telegram by number (Wazzup)' },
  family: { ru: 'Telegram', en: 'Telegram' },
  canStart: 'afterPatientWrote',
  addressedBy: 'identity',
  isManualOnly: true,
})
