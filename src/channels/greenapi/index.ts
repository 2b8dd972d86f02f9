import { type Channel } from '../channel.ts'
import { fields, parseCredentials, type GreenApiCredentials } from './credentials.ts'
import { download } from './files.ts'
import { withdraw } from './queue.ts'
import { edit, limits, remove, send } from './send.ts'
import { check, connect, disconnect } from './settings.ts'
import { parse, verify } from './webhook.ts'

/**
 * WhatsApp by number through GREEN-API: all receipts, no idempotency key, and a queue at the vendor that outlives a day. A step that is
 * left takes its message back from there (`withdraw`).
 *
 * @see https://green-api.com/docs/api/
 */
export const greenapi: Channel<GreenApiCredentials> = {
  id: 'greenapi',
  title: { ru: 'WhatsApp по номеру (GREEN-API)', en: 'WhatsApp by number (GREEN-API)' },
  family: { ru: 'WhatsApp', en: 'WhatsApp' },
  receipts: ['accepted', 'sent', 'delivered', 'read'],
  limits,
  canStart: 'anyone',
  addressedBy: 'phone',
  isGrey: true,
  isIdempotent: false,
  fields,
  parseCredentials,
  connect,
  disconnect,
  check,
  verify,
  parse,
  send,
  edit,
  remove,
  withdraw,
  download,
}
