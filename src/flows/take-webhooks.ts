import { z } from 'zod'
import { type Inbound, type RawRequest } from '../channels/channel.ts'
import { type InboxRow } from '../db/inbox.ts'
import { setConnectionState } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { addressKey, findAttempts, runningOfContacts, runningTo, type AttemptAddress } from '../db/deliveries.ts'
import { recordPatientMessages, setReachable, touchIdentity } from '../db/identities.ts'
import { put, ring, type OutboxEntry } from '../db/outbox.ts'
import { parkReceipts } from '../db/receipts.ts'
import { type CascadeEvent } from '../domain/cascade.ts'
import { connectionId, deliveryOf, portalId, type AttemptId } from '../domain/ids.ts'
import { normalizePhone } from '../domain/phone.ts'
import { failureClasses, proofs } from '../domain/receipt.ts'
import { readPayload } from '../domain/render.ts'
import { messageOf } from '../errors.ts'
import { advanceDeliveries, type DeliveryEvent } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'
import { type OpenConnection } from './open-connection.ts'
import { sayLater } from './say.ts'

type ReceiptOrFailure = Extract<Inbound, { type: 'receipt' | 'failure' }>
type FromPatient = Extract<Inbound, { type: 'message' | 'action' }>
interface Arrival<T extends Inbound = Inbound> {
  readonly open: OpenConnection
  readonly inbound: T
}

/** Vendors' clocks may be wrong: a receipt is never dated before the attempt could leave nor in the future. */
const mostSkewMs = 5 * 60_000

/**
 * Turns stored webhooks into what happens next: receipts into the cascade, messages and presses of patients into their consequences.
 *
 * Everything happens in the caller's transaction, in the order of arrival. @returns rows that could not be read, with the reason
 */
export const takeWebhooks = async (deps: Deps, trx: Trx, rows: readonly InboxRow[]): Promise<readonly { id: number; reason: string }[]> => {
  const unreadable: { id: number; reason: string }[] = []
  const arrivals: Arrival[] = []
  for (const row of rows) {
    const open = await deps.connections.byId(portalId(row.portal_id!), connectionId(row.connection_id!))
    if (open === undefined) {
      unreadable.push({ id: row.id, reason: 'the connection is gone' })
      continue
    }
    try {
      for (const inbound of open.channel.parse(requestOf(row), open.credentials)) arrivals.push({ open, inbound })
    } catch (error) {
      unreadable.push({ id: row.id, reason: messageOf(error).slice(0, 200) })
    }
  }
  const events: DeliveryEvent[] = []
  events.push(...(await receiptEvents(deps, trx, arrivals.filter((arrival): arrival is Arrival<ReceiptOrFailure> => isOf(arrival, 'receipt', 'failure')))))
  events.push(...(await patientEvents(deps, trx, arrivals.filter((arrival): arrival is Arrival<FromPatient> => isOf(arrival, 'message', 'action')))))
  for (const { open, inbound } of arrivals) {
    if (inbound.type === 'reachability') events.push(...(await reachabilityEvents(deps, trx, open, inbound)))
    if (inbound.type === 'connection') {
      // One template that was paused does not stop the number: its steps fail by themselves and the cascade goes on.
      const isOneTemplate = inbound.code.startsWith('template ')
      deps.log.warn({ channel: open.channel.id, connection: open.connection.id, state: inbound.state, code: inbound.code }, 'a messenger told of a connection')
      if (!isOneTemplate) await setConnectionState(trx, open.connection.portalId, open.connection.id, inbound.state, inbound.state === 'broken' ? inbound.code : undefined)
      deps.connections.forget()
    }
  }
  await advanceDeliveries(deps, trx, events)
  return unreadable
}

const isOf = (arrival: Arrival, ...types: readonly Inbound['type'][]): boolean => types.includes(arrival.inbound.type)

const requestOf = (row: InboxRow): RawRequest => {
  const headers = row.headers as Record<string, string>
  const method = headers[':method'] ?? 'POST'
  // A GET callback was kept as a form; it is given back as its query.
  const query = method === 'GET' ? Object.fromEntries(new URLSearchParams(row.body.toString('utf8'))) : {}
  return { method, headers, query, body: method === 'GET' ? Buffer.alloc(0) : row.body }
}

const clamp = (at: number | undefined, now: number): number => (at === undefined ? now : Math.min(Math.max(at, now - 7 * 24 * 3600_000), now + mostSkewMs))

/** A receipt as an event of its attempt. */
export const receiptEvent = (attempt: AttemptId, receipt: ReceiptOrFailure, now: number): CascadeEvent =>
  receipt.type === 'receipt'
    ? { type: 'receipt', attemptId: attempt, level: receipt.level, at: clamp(receipt.at, now) }
    : { type: 'bounced', attemptId: attempt, failure: receipt.failure, at: clamp(receipt.at, now) }

/** How every channel says that a patient has started its bot. */
const startText = '/start'

const attemptPattern = /^[0-9a-f-]{36}\.\d{1,2}$/

const receiptEvents = async (deps: Deps, trx: Trx, arrivals: readonly Arrival<ReceiptOrFailure>[]): Promise<readonly DeliveryEvent[]> => {
  const now = deps.clock.now()
  const addressOf = ({ open, inbound }: Arrival<ReceiptOrFailure>): AttemptAddress | undefined =>
    inbound.externalId === undefined ? undefined : { portalId: open.connection.portalId, connectionId: open.connection.id, externalId: inbound.externalId }
  const attempts = await findAttempts(trx, arrivals.flatMap((arrival) => addressOf(arrival) ?? []))
  const events: DeliveryEvent[] = []
  const parked: Parameters<typeof parkReceipts>[1][number][] = []
  for (const arrival of arrivals) {
    const { inbound } = arrival
    const address = addressOf(arrival)
    const byId = address === undefined ? undefined : attempts.get(addressKey(address.portalId, address.connectionId, address.externalId))
    const byRef = inbound.attemptRef !== undefined && attemptPattern.test(inbound.attemptRef) ? (inbound.attemptRef as AttemptId) : undefined
    const attempt = byId ?? byRef
    if (attempt !== undefined) events.push({ portalId: arrival.open.connection.portalId, deliveryId: deliveryOf(attempt), event: receiptEvent(attempt, inbound, now) })
    else if (address !== undefined) parked.push({ ...address, receipt: inbound })
  }
  await parkReceipts(trx, parked)
  return events
}

/** A parked receipt, read back. */
export const ParkedReceipt = z.union([
  z.object({ type: z.literal('receipt'), level: z.enum(proofs).exclude(['accepted', 'acted']), at: z.number().optional() }),
  z.object({ type: z.literal('failure'), failure: z.object({ class: z.enum(failureClasses), code: z.string() }), at: z.number().optional() }),
])

/** Messages and presses: each counts once, ends the patient's running notifications (B8), and may introduce the sender. */
const patientEvents = async (deps: Deps, trx: Trx, arrivals: readonly Arrival<FromPatient>[]): Promise<readonly DeliveryEvent[]> => {
  if (arrivals.length === 0) return []
  const now = deps.clock.now()
  const fresh = await recordPatientMessages(
    trx,
    arrivals.map(({ open, inbound }) => ({ portalId: open.connection.portalId, connectionId: open.connection.id, externalId: `${inbound.type}:${inbound.externalId}` })),
  )
  const events: DeliveryEvent[] = []
  const words: OutboxEntry[] = []
  for (const { open, inbound } of arrivals) {
    const { connection, channel } = open
    // Deleted from the set at first use: the same message twice in one batch counts once too.
    if (!fresh.delete(`${connection.id} ${inbound.type}:${inbound.externalId}`)) continue
    const common = { portalId: connection.portalId, connectionId: connection.id }
    const identity = await touchIdentity(trx, {
      ...common, externalId: inbound.chat.userId, chatId: inbound.chat.phone ?? inbound.chat.id, name: inbound.chat.name, at: now, state: 'active', isInbound: true,
    })
    const pressed = inbound.type === 'action' ? readPayload(inbound.payload) : undefined
    if (inbound.type === 'action') words.push(sayLater(connection.portalId, connection.id, { what: 'pressed', to: inbound.chat.id, externalId: inbound.externalId }, now))
    if (pressed !== undefined) {
      events.push({ portalId: connection.portalId, deliveryId: deliveryOf(pressed.attemptId), event: { type: 'acted', attemptId: pressed.attemptId, answer: pressed.answer, at: clamp(inbound.at, now) } })
      continue
    }
    const isIntroduction = inbound.type === 'message' && (inbound.contact !== undefined || inbound.startPayload !== undefined || inbound.text === startText)
    if (!isIntroduction) {
      const running = [
        ...(await runningTo(trx, [inbound.chat.phone === undefined ? { ...common, to: inbound.chat.id } : { portalId: connection.portalId, to: inbound.chat.phone }])),
        ...(identity.contactId === undefined ? [] : await runningOfContacts(trx, [{ portalId: connection.portalId, contactId: identity.contactId }])),
      ]
      for (const id of new Set(running.map((ref) => ref.deliveryId))) {
        events.push({ portalId: connection.portalId, deliveryId: id, event: { type: 'replied', connectionId: connection.id, at: clamp(inbound.at, now) } })
      }
    }
    if (channel.addressedBy === 'identity' && identity.contactId === undefined && inbound.type === 'message') {
      words.push(...introduction(open, inbound, identity.isNew, now))
    }
  }
  await put(trx, words)
  for (const lane of new Set(words.map((row) => row.lane))) await ring(trx, lane)
  return events
}

/**
 * An unknown sender: asked once to share the number; a card that the messenger proves to be the sender's own is looked up in the CRM (D4);
 * anybody else's card binds nothing (F45).
 */
const introduction = (open: OpenConnection, message: Extract<Inbound, { type: 'message' }>, isNew: boolean, now: number): readonly OutboxEntry[] => {
  const { portalId: portal, id } = open.connection
  const to = message.chat.id
  if (message.contact === undefined) return isNew ? [sayLater(portal, id, { what: 'askContact', to }, now)] : []
  const phone = message.contact.isOwn ? normalizePhone(message.contact.phone) : undefined
  if (phone === undefined) return [sayLater(portal, id, { what: 'notOwn', to }, now)]
  return [{ portalId: portal, connectionId: id, lane: 'portal', kind: 'findContact', payload: { externalId: message.chat.userId, chatId: to, phone }, urgency: 2, runAt: now, since: now }]
}

/** A closed chat is skipped from now on; a notification that was waiting there moves on at once. */
const reachabilityEvents = async (deps: Deps, trx: Trx, { connection }: OpenConnection, inbound: Extract<Inbound, { type: 'reachability' }>): Promise<readonly DeliveryEvent[]> => {
  const now = deps.clock.now()
  const common = { portalId: connection.portalId, connectionId: connection.id }
  // As in a message: where the messenger knows the phone, that is what we write to.
  const chatId = inbound.chat.phone ?? inbound.chat.id
  await touchIdentity(trx, { ...common, externalId: inbound.chat.userId, chatId, name: inbound.chat.name, at: now, state: inbound.state, isInbound: false })
  await setReachable(trx, { ...common, chatId }, inbound.state)
  if (inbound.state === 'active') return []
  const running = await runningTo(trx, [{ ...common, to: chatId }])
  return running.map((ref) => ({ portalId: ref.portalId, deliveryId: ref.deliveryId, event: { type: 'blocked', connectionId: connection.id, at: clamp(inbound.at, now) } }))
}
