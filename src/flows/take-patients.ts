import { type Inbound } from '../channels/channel.ts'
import { runningOfContacts, runningTo } from '../db/deliveries.ts'
import { type Trx } from '../db/database.ts'
import { recordPatientMessages, touchIdentity } from '../db/identities.ts'
import { listLines, type Line } from '../db/lines.ts'
import { editMessage, findByExternalIds, insertMessage, markDeleted } from '../db/messages.ts'
import { put, ring, type OutboxEntry } from '../db/outbox.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { harmlessText } from '../domain/bb-code.ts'
import { deliveryOf, type PortalId } from '../domain/ids.ts'
import { readPayload } from '../domain/render.ts'
import { type DeliveryEvent } from './advance-deliveries.ts'
import { enqueueChat, isNotMe, noteEntry, talkingChat, type ChatRef } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { codeDigestOf, introducePerson, takeStartLink, unbindPerson } from './introduce-person.ts'
import { type OpenConnection } from './open-connection.ts'
import { sayLater } from './say.ts'
import { clampMoment, type Arrival } from './arrivals.ts'

export type FromPatient = Extract<Inbound, { type: 'message' | 'action' | 'edit' | 'delete' | 'echo' }>

/** How every channel says that a patient has started its bot. */
const startText = '/start'

/** What one batch knows of its portals: read once. */
interface Known {
  readonly portals: Map<PortalId, Portal | undefined>
  readonly lines: Map<PortalId, readonly Line[]>
}

/**
 * Takes in what people did in a messenger, each thing once and in its order: the conversation is kept and handed to the open line, running
 * notifications end by a reply (B8), and whoever is unknown is asked, or proves, who they are.
 */
export const takePatients = async (deps: Deps, trx: Trx, arrivals: readonly Arrival<FromPatient>[]): Promise<readonly DeliveryEvent[]> => {
  if (arrivals.length === 0) return []
  const fresh = await recordPatientMessages(
    trx,
    arrivals.map(({ open, inbound }) => ({ portalId: open.connection.portalId, connectionId: open.connection.id, externalId: keyOf(inbound) })),
  )
  const known: Known = { portals: new Map(), lines: new Map() }
  const events: DeliveryEvent[] = []
  for (const { open, inbound } of arrivals) {
    // Deleted from the set at first use: the same message twice in one batch counts once too.
    if (!fresh.delete(`${open.connection.portalId} ${open.connection.id} ${keyOf(inbound)}`)) continue
    switch (inbound.type) {
      case 'message':
        events.push(...(await takeMessage(deps, trx, known, open, inbound)))
        break
      case 'action':
        events.push(...(await takeAction(deps, trx, open, inbound)))
        break
      case 'edit':
        await takeEdit(deps, trx, known, open, inbound)
        break
      case 'delete':
        await takeDelete(deps, trx, known, open, inbound)
        break
      case 'echo':
        await takeEcho(deps, trx, known, open, inbound)
        break
      default:
        inbound satisfies never
    }
  }
  return events
}

/** An edit may be followed by another one: its text tells them apart, its repetition has the same. */
const keyOf = (inbound: FromPatient): string => (inbound.type === 'edit' ? `edit:${inbound.externalId}:${inbound.at ?? ''}:${inbound.text.slice(0, 200)}` : `${inbound.type}:${inbound.externalId}`)

const takeMessage = async (deps: Deps, trx: Trx, known: Known, open: OpenConnection, message: Extract<Inbound, { type: 'message' }>): Promise<readonly DeliveryEvent[]> => {
  const { connection, channel } = open
  const now = deps.clock.now()
  const at = clampMoment(message.at, now)
  const identity = await touch(deps, trx, open, message, true)
  const chat = talkingChat(open, identity.number)
  const isStart = message.startPayload !== undefined || message.text === startText
  const isIntroduction = message.contact !== undefined || isStart
  const isPublic = channel.isPublic?.(message.chat.id) === true
  const events: DeliveryEvent[] = []
  if (!isStart) {
    const id = await insertMessage(trx, {
      portalId: connection.portalId, identity: identity.number, connectionId: connection.id, direction: 'in', author: 'patient', at, text: message.text,
      files: message.files, place: message.place, externalId: message.externalId, state: 'received',
      contactCard: message.contact === undefined ? undefined : { phone: message.contact.phone, name: message.contact.name },
      quote: message.replyTo === undefined && message.quotedText === undefined ? undefined : { externalId: message.replyTo, text: message.quotedText },
    })
    const running = isIntroduction ? [] : await runningNotifications(trx, open, message, identity.contactId)
    events.push(...running.map((ref): DeliveryEvent => ({ ...ref, event: { type: 'replied', connectionId: connection.id, at } })))
    if (id !== undefined) await toLine(trx, known, chat, identity.contactId, [{ portalId: connection.portalId, direction: 'toLine', identity: identity.number, kind: 'message', messageId: id, runAt: now, since: now }])
  }
  // Where everybody reads, nobody is asked who they are.
  if (isPublic) await toLine(trx, known, chat, undefined, [noteEntry(chat, 'publicPlace', {}, now)])
  else if (identity.contactId === undefined) await introduceBy(deps, trx, open, identity, message, at)
  else if (message.startPayload !== undefined) await takeStartLink(deps, trx, { ...chat, externalId: identity.externalId }, message.startPayload)
  deps.metrics.count('estafeta_messages_total', { channel: channel.id, direction: 'in' })
  return events
}

/** Notifications that this reply ends: sent to this address, or to any other one of the same patient. */
const runningNotifications = async (trx: Trx, { connection }: OpenConnection, { chat }: FromPatient, contactId: string | undefined): Promise<readonly Pick<DeliveryEvent, 'portalId' | 'deliveryId'>[]> => {
  const { portalId } = connection
  const running = [
    ...(await runningTo(trx, [chat.phone === undefined ? { portalId, connectionId: connection.id, to: chat.id } : { portalId, to: chat.phone }])),
    ...(contactId === undefined ? [] : await runningOfContacts(trx, [{ portalId, contactId }])),
  ]
  return [...new Map(running.map(({ deliveryId }) => [deliveryId, { portalId, deliveryId }])).values()]
}

const introduceBy = async (deps: Deps, trx: Trx, open: OpenConnection, identity: Touched, message: Extract<Inbound, { type: 'message' }>, at: number): Promise<void> => {
  const chat = talkingChat(open, identity.number)
  if (message.startPayload !== undefined && (await takeStartLink(deps, trx, { ...chat, externalId: identity.externalId }, message.startPayload))) return
  if (message.contact !== undefined) return introducePerson(deps, trx, chat, { type: 'sharedContact', ...message.contact, at })
  if (message.chat.phone !== undefined) return introducePerson(deps, trx, chat, { type: 'phoneGiven', phone: message.chat.phone, at })
  const codeDigest = codeDigestOf(deps, chat.portalId, identity.number, message.text)
  return introducePerson(deps, trx, chat, { type: 'wrote', text: message.isForwarded === true ? '' : message.text, isGreeting: message.text === startText, codeDigest, at })
}

const takeAction = async (deps: Deps, trx: Trx, open: OpenConnection, action: Extract<Inbound, { type: 'action' }>): Promise<readonly DeliveryEvent[]> => {
  const { connection } = open
  const now = deps.clock.now()
  const identity = await touch(deps, trx, open, action, true)
  await put(trx, [pressed(open, action, now)])
  await ring(trx, 'channel')
  if (isNotMe(action.payload, identity.number)) {
    const chat = talkingChat(open, identity.number)
    await unbindPerson(deps, trx, chat, 'notMe', 'patient')
    await introducePerson(deps, trx, chat, { type: 'denied' })
    return []
  }
  const answer = readPayload(action.payload)
  const at = clampMoment(action.at, now)
  if (answer === undefined) return (await runningNotifications(trx, open, action, identity.contactId)).map((ref): DeliveryEvent => ({ ...ref, event: { type: 'replied', connectionId: connection.id, at } }))
  return [{ portalId: connection.portalId, deliveryId: deliveryOf(answer.attemptId), event: { type: 'acted', attemptId: answer.attemptId, answer: answer.answer, at } }]
}

const pressed = ({ connection }: OpenConnection, action: Extract<Inbound, { type: 'action' }>, now: number): OutboxEntry =>
  sayLater(connection.portalId, connection.id, { what: 'pressed', to: action.chat.id, externalId: action.externalId }, now)

const takeEdit = async (deps: Deps, trx: Trx, known: Known, open: OpenConnection, edit: Extract<Inbound, { type: 'edit' }>): Promise<void> => {
  const { portalId, id: connectionId } = open.connection
  const now = deps.clock.now()
  const message = (await findByExternalIds(trx, portalId, connectionId, [edit.externalId])).get(edit.externalId)
  if (message?.direction !== 'in') return
  // Messengers tell of an edit when only a preview was added.
  if (message.text === edit.text) return
  await editMessage(trx, portalId, message.id, edit.text, clampMoment(edit.at, now))
  const identity = await touch(deps, trx, open, edit, true)
  await toLine(trx, known, { portalId, connectionId, identity: message.identity }, identity.contactId, [{ portalId, direction: 'toLine', identity: message.identity, kind: 'edit', messageId: message.id, runAt: now, since: now }])
}

const takeDelete = async (deps: Deps, trx: Trx, known: Known, open: OpenConnection, removal: Extract<Inbound, { type: 'delete' }>): Promise<void> => {
  const { portalId, id: connectionId } = open.connection
  const now = deps.clock.now()
  const message = (await findByExternalIds(trx, portalId, connectionId, [removal.externalId])).get(removal.externalId)
  if (message?.direction !== 'in') return
  await markDeleted(trx, portalId, [message.id], clampMoment(removal.at, now))
  await toLine(trx, known, { portalId, connectionId, identity: message.identity }, undefined, [{ portalId, direction: 'toLine', identity: message.identity, kind: 'delete', messageId: message.id, runAt: now, since: now }])
}

/** What staff wrote past us is a part of the history, and no patient's message (F21); what we sent ourselves is known already. */
const takeEcho = async (deps: Deps, trx: Trx, known: Known, open: OpenConnection, echo: Extract<Inbound, { type: 'echo' }>): Promise<void> => {
  const { portalId, id: connectionId } = open.connection
  const now = deps.clock.now()
  const identity = await touch(deps, trx, open, echo, false)
  const id = await insertMessage(trx, {
    portalId, identity: identity.number, connectionId, direction: 'out', author: 'staff', at: clampMoment(echo.at, now), text: echo.text, files: echo.files, externalId: echo.externalId, state: 'sent',
  })
  if (id === undefined) return
  const chat = { portalId, connectionId, identity: identity.number }
  await toLine(trx, known, chat, identity.contactId, [noteEntry(chat, 'staff', { text: harmlessText(echo.text) }, now)])
}

type Touched = Awaited<ReturnType<typeof touchIdentity>>

const touch = async (deps: Deps, trx: Trx, { connection }: OpenConnection, { chat }: FromPatient, isInbound: boolean): Promise<Touched> =>
  touchIdentity(trx, {
    portalId: connection.portalId, connectionId: connection.id, externalId: chat.userId, chatId: chat.phone ?? chat.id, name: chat.name, at: deps.clock.now(), state: 'active', isInbound,
  })

/** Hands work to the open line, where there is one that speaks for this connection, or for the patient as a whole. */
const toLine = async (trx: Trx, known: Known, chat: ChatRef, contactId: string | undefined, entries: Parameters<typeof enqueueChat>[1]): Promise<void> => {
  const portal = known.portals.get(chat.portalId) ?? (await findPortal(trx, chat.portalId))
  known.portals.set(chat.portalId, portal)
  const lines = known.lines.get(chat.portalId) ?? (await listLines(trx, chat.portalId))
  known.lines.set(chat.portalId, lines)
  const isShared = portal?.oneChatPerPatient === true && contactId !== undefined && lines.some((line) => line.connectionId === undefined)
  if (isShared || lines.some((line) => line.connectionId === chat.connectionId)) await enqueueChat(trx, entries)
}
