import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Inbound, type RawRequest } from '../channel.ts'
import { readAs, readJson } from '../reading.ts'
import { unsupportedText } from '../refusal.ts'
import { type SmppCredentials } from './credentials.ts'
import { meaningOf, stateName } from './errors.ts'

/**
 * A `deliver_sm` in words, as the session writes it into the inbox: names are those of the specification. `id` tells messages apart, for
 * SMPP gives them none; `receipt_of` is the message of ours whose last part this receipt is about.
 */
export const delivered = z.looseObject({
  command: z.string(),
  sequence_number: z.number().optional(),
  esm_class: z.number().default(0),
  source_addr: z.string().default(''),
  destination_addr: z.string().default(''),
  /** The text, all parts of it; null when it is not text. */
  short_message: z.string().nullable().default(''),
  receipted_message_id: z.string().optional(),
  message_state: z.number().optional(),
  id: z.string().optional(),
  receipt_of: z.string().optional(),
})
export type Delivered = z.output<typeof delivered>

/** Nobody posts here: arrivals come through the session, which the SMSC has let in. */
export const verify = (): boolean => false

/** Bits 2 to 5 say that it is the SMSC's receipt, or (0x20) its intermediate notification. */
export const isReceipt = (esmClass: number): boolean => (esmClass & 0x3c) === 0x04 || (esmClass & 0x3c) === 0x20

export const parse = (request: RawRequest, credentials: SmppCredentials): readonly Inbound[] => {
  const pdu = readAs(delivered, readJson(request))
  if (pdu.command !== 'deliver_sm') return []
  return isReceipt(pdu.esm_class) ? ofReceipt(pdu, credentials) : ofMessage(pdu)
}

/** One spelling of an id: SMSCs pad and change the case between answer and receipt. */
export const plainId = (id: string): string => {
  const trimmed = id.trim().toLowerCase()
  return /^[0-9a-f]+$/.test(trimmed) ? trimmed.replace(/^0+(?=.)/, '') : trimmed
}

const toHex = (id: string): string => (/^\d{1,30}$/.test(id) ? BigInt(id).toString(16) : id)
const toDecimal = (id: string): string => (/^[0-9a-f]{1,24}$/.test(id) ? BigInt(`0x${id}`).toString() : id)

/**
 * The ids that a receipt's id may have had in the answer. Where the connection does not say, the other notation is tried only where it
 * cannot be taken for another message's id: one of the two has letters.
 */
export const spellingsOf = (given: string, notation: SmppCredentials['messageIds']): readonly string[] => {
  const id = plainId(given)
  if (notation === 'hex') return [toHex(id)]
  if (notation === 'decimal') return [toDecimal(id)]
  const other = /^\d+$/.test(id) ? toHex(id) : toDecimal(id)
  return other === id || !/[a-f]/.test(`${id}${other}`) ? [id] : [id, other]
}

export interface Receipt {
  readonly id: string
  readonly state: string
  readonly err?: string
}

/** Parameters win over the text; the text is read leniently: its fields come in any order, case and width. */
export const receiptOf = (pdu: Delivered): Receipt | undefined => {
  const text = pdu.short_message ?? ''
  const field = (name: string): string | undefined => new RegExp(`(?:^|\\s)${name}:\\s*([^\\s:]+)`, 'i').exec(text)?.[1]
  const id = pdu.receipted_message_id ?? field('id')
  const state = (pdu.message_state === undefined ? undefined : stateName(pdu.message_state)) ?? field('stat')
  if (id === undefined || id === '' || state === undefined) return undefined
  const err = field('err')
  return { id, state: state.toUpperCase(), ...(err === undefined ? {} : { err }) }
}

const ofReceipt = (pdu: Delivered, { messageIds }: SmppCredentials): readonly Inbound[] => {
  const receipt = receiptOf(pdu)
  if (receipt === undefined) throw new Error('The receipt names no message or no state.')
  const meaning = meaningOf(receipt.state, receipt.err)
  if (meaning === undefined) return []
  // Dates in a receipt have no zone: they are not read.
  const ids = pdu.receipt_of === undefined ? spellingsOf(receipt.id, messageIds) : [pdu.receipt_of]
  return ids.map((externalId): Inbound => ('level' in meaning ? { type: 'receipt', externalId, level: meaning.level } : { type: 'failure', externalId, failure: meaning.failure }))
}

const ofMessage = (pdu: Delivered): readonly Inbound[] => {
  // F11: operators write a Russian mobile with 8 as well; no country's code begins with 89.
  const digits = pdu.source_addr.replace(/\D/g, '').replace(/^89(?=\d{9}$)/, '79')
  // A name or a short code is a service's message, and nobody's to talk to.
  if (digits.length < 7 || /[A-Za-z]/.test(pdu.source_addr)) return []
  const id = pdu.id ?? createHash('sha256').update(JSON.stringify([digits, pdu.destination_addr, pdu.sequence_number, pdu.short_message])).digest('hex').slice(0, 32)
  return [{ type: 'message', externalId: `mo:${id}`, chat: { id: digits, userId: digits, phone: `+${digits}` }, text: pdu.short_message ?? unsupportedText }]
}
