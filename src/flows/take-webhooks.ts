import { z } from 'zod'
import { type Inbound, type RawRequest } from '../channels/channel.ts'
import { type InboxRow } from '../db/inbox.ts'
import { setConnectionState } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { addressKey, findAttempts, runningTo, type AttemptAddress } from '../db/deliveries.ts'
import { noteTyping, setReachable, touchIdentity } from '../db/identities.ts'
import { findByExternalIds, findMessages, raiseMessage, type Message } from '../db/messages.ts'
import { parkReceipts, unreadBetween } from '../db/receipts.ts'
import { type CascadeEvent } from '../domain/cascade.ts'
import { connectionId, deliveryOf, portalId, type AttemptId, type PortalId } from '../domain/ids.ts'
import { failureClasses, proofs, type Failure } from '../domain/receipt.ts'
import { messageOf } from '../errors.ts'
import { advanceDeliveries, type DeliveryEvent } from './advance-deliveries.ts'
import { clampMoment, type Arrival } from './arrivals.ts'
import { enqueueChat, noteEntry } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { healedEvents } from './heal-sends.ts'
import { type OpenConnection } from './open-connection.ts'
import { takePatients, type FromPatient } from './take-patients.ts'

export type ReceiptOrFailure = Extract<Inbound, { type: 'receipt' | 'failure' }>
/**
 * Turns stored webhooks into what happens next: receipts into the cascade, messages and presses of patients into their consequences.
 *
 * Everything happens in the caller's transaction, in the order of arrival. @returns rows that could not be read, or not as a whole, with the reason
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
      for (const inbound of open.channel.parse(requestOf(row), open.credentials)) {
        if (inbound.type === 'unreadable') unreadable.push({ id: row.id, reason: inbound.reason.slice(0, 200) })
        else arrivals.push({ open, inbound })
      }
    } catch (error) {
      unreadable.push({ id: row.id, reason: messageOf(error).slice(0, 200) })
    }
  }
  const events: DeliveryEvent[] = []
  events.push(...(await healedEvents(deps, trx, arrivals.filter((arrival): arrival is Arrival<Extract<Inbound, { type: 'own' }>> => isOf(arrival, 'own')))))
  events.push(...(await receiptEvents(deps, trx, arrivals.filter((arrival): arrival is Arrival<ReceiptOrFailure> => isOf(arrival, 'receipt', 'failure')))))
  events.push(...(await takePatients(deps, trx, arrivals.filter((arrival): arrival is Arrival<FromPatient> => isOf(arrival, 'message', 'action', 'edit', 'delete', 'echo')))))
  for (const { open, inbound } of arrivals) {
    if (inbound.type === 'reachability') events.push(...(await reachabilityEvents(deps, trx, open, inbound)))
    if (inbound.type === 'typing') await noteTyping(trx, { portalId: open.connection.portalId, connectionId: open.connection.id, externalId: inbound.chat.userId }, clampMoment(inbound.at, deps.clock.now()))
    if (inbound.type === 'connection') {
      // One template that was paused does not stop the number: its steps fail by themselves and the cascade goes on.
      const isOneTemplate = inbound.code.startsWith('template ')
      deps.log.warn({ channel: open.channel.id, connection: open.connection.id, state: inbound.state, code: inbound.code }, 'a messenger told of a connection')
      if (!isOneTemplate) await noteConnection(deps, trx, open, inbound.state === 'broken' ? inbound.code : undefined)
    }
  }
  await advanceDeliveries(deps, trx, events)
  return unreadable
}

/** `problem`: what is broken, in the vendor's code; undefined: it works. */
const noteConnection = async (deps: Deps, trx: Trx, { connection }: OpenConnection, problem: string | undefined): Promise<void> => {
  await setConnectionState(trx, connection.portalId, connection.id, problem === undefined ? 'working' : 'broken', problem)
  deps.connections.forget()
}

/** A receipt may say what an answer would have said at once: no message of this connection goes out any more. What somebody else sent proves nothing. */
const learn = async (deps: Deps, trx: Trx, { open, inbound }: Arrival<ReceiptOrFailure>): Promise<void> => {
  if (inbound.type === 'failure' && inbound.failure.class === 'channelPermanent') await noteConnection(deps, trx, open, inbound.failure.code)
}

const isOf = (arrival: Arrival, ...types: readonly Inbound['type'][]): boolean => types.includes(arrival.inbound.type)

const requestOf = (row: InboxRow): RawRequest => {
  const headers = row.headers as Record<string, string>
  const method = headers[':method'] ?? 'POST'
  // A GET callback was kept as a form; it is given back as its query.
  const query = method === 'GET' ? Object.fromEntries(new URLSearchParams(row.body.toString('utf8'))) : {}
  return { method, headers, query, body: method === 'GET' ? Buffer.alloc(0) : row.body }
}

/** A receipt as an event of its attempt. */
export const receiptEvent = (attempt: AttemptId, receipt: ReceiptOrFailure, now: number): CascadeEvent =>
  receipt.type === 'receipt'
    ? { type: 'receipt', attemptId: attempt, level: receipt.level, at: clampMoment(receipt.at, now) }
    : { type: 'bounced', attemptId: attempt, failure: receipt.failure, at: clampMoment(receipt.at, now) }

const attemptPattern = /^[0-9a-f-]{36}\.\d{1,2}$/

/** Receipts as events of their attempts; those of conversations raise their messages, those that nobody knows yet are kept. */
export const receiptEvents = async (deps: Deps, trx: Trx, told: readonly Arrival<ReceiptOrFailure>[]): Promise<readonly DeliveryEvent[]> => {
  const now = deps.clock.now()
  const arrivals = await withCovered(trx, told)
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
    const isMessage = attempt === undefined && (await raiseByReceipt(deps, trx, arrival))
    if (attempt !== undefined || isMessage) await learn(deps, trx, arrival)
    if (attempt !== undefined) events.push({ portalId: arrival.open.connection.portalId, deliveryId: deliveryOf(attempt), event: receiptEvent(attempt, inbound, now) })
    else if (!isMessage && address !== undefined) parked.push({ ...address, receipt: inbound })
  }
  await parkReceipts(trx, parked)
  return events
}

/** A mark for a whole chat becomes a receipt of each message that it passed; its own message may not be known yet. */
const withCovered = async (trx: Trx, told: readonly Arrival<ReceiptOrFailure>[]): Promise<readonly Arrival<ReceiptOrFailure>[]> => {
  const all: Arrival<ReceiptOrFailure>[] = []
  for (const arrival of told) {
    const { open, inbound } = arrival
    all.push(arrival)
    if (inbound.type !== 'receipt' || inbound.coversFrom === undefined || inbound.externalId === undefined) continue
    const { portalId: portal, id } = open.connection
    const passed = await unreadBetween(trx, portal, id, inbound.coversFrom, inbound.externalId)
    all.push(...passed.filter((externalId) => externalId !== inbound.externalId).map((externalId) => ({ open, inbound: { ...inbound, externalId } })))
  }
  return all
}

const messageRefPattern = /^msg\.(\d{1,15})$/

/** A receipt of a message of a conversation, by the vendor's id or by ours. @returns false when there is no such message */
const raiseByReceipt = async (deps: Deps, trx: Trx, { open, inbound }: Arrival<ReceiptOrFailure>): Promise<boolean> => {
  const { portalId: portal, id: connection } = open.connection
  const byRef = messageRefPattern.exec(inbound.attemptRef ?? '')?.[1]
  const byId = inbound.externalId === undefined ? undefined : (await findByExternalIds(trx, portal, connection, [inbound.externalId])).get(inbound.externalId)
  const id = byId?.id ?? (byRef === undefined ? undefined : Number(byRef))
  if (id === undefined) return false
  const message = byId ?? (await findMessages(trx, portal, [id])).get(id)
  if (message?.connectionId !== connection || message.direction !== 'out') return false
  await raiseBy(deps, trx, portal, message, inbound)
  return true
}

/** Raises a message by what the messenger said of it; a failure of an operator's words is told in the chat (E5). */
const raiseBy = async (deps: Deps, trx: Trx, portal: PortalId, message: Message, said: z.infer<typeof ParkedReceipt> & { externalId?: string }): Promise<void> => {
  if (said.type === 'receipt') {
    await raiseMessage(trx, portal, message.id, said.level, { externalId: said.externalId })
    return
  }
  const isNew = await raiseMessage(trx, portal, message.id, 'failed', { externalId: said.externalId, failure: said.failure })
  if (!isNew || message.author !== 'operator') return
  const chat = { portalId: portal, connectionId: message.connectionId, identity: message.identity }
  await enqueueChat(trx, [noteEntry(chat, 'failed', { reason: failureSentence(said.failure) }, deps.clock.now())])
}

/** The same for receipts that came before the messenger's answer. */
export const raiseByParked = async (deps: Deps, trx: Trx, portal: PortalId, message: Message, receipts: readonly unknown[]): Promise<void> => {
  for (const receipt of receipts) await raiseBy(deps, trx, portal, message, ParkedReceipt.parse(receipt))
}

/** What a failure that came as a receipt means to an operator. */
const failureSentence = ({ class: kind }: Failure): string => {
  if (kind === 'recipientPermanent' || kind === 'optOut') return 'пациент недоступен в этом мессенджере - напишите в другой или позвоните.'
  if (kind === 'recipientTemporary') return 'телефон пациента сейчас недоступен - попробуйте позже или другой мессенджер.'
  if (kind === 'content') return 'мессенджер не принял это сообщение - измените его и отправьте ещё раз.'
  return 'мессенджер не доставил сообщение - отправьте через другой или позвоните.'
}

/** A parked receipt, read back. */
export const ParkedReceipt = z.union([
  z.object({ type: z.literal('receipt'), level: z.enum(proofs).exclude(['accepted', 'acted']), at: z.number().optional() }),
  z.object({ type: z.literal('failure'), failure: z.object({ class: z.enum(failureClasses), code: z.string() }), at: z.number().optional() }),
])

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
  return running.map((ref) => ({ portalId: ref.portalId, deliveryId: ref.deliveryId, event: { type: 'blocked', connectionId: connection.id, at: clampMoment(inbound.at, now) } }))
}
