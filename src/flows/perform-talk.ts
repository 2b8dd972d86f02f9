import { setTimeout as sleep } from 'node:timers/promises'
import { downloadFile } from '../channels/http.ts'
import { ChannelError, type Channel, type OutboundFile, type OutboundMessage } from '../channels/channel.ts'
import { claimHeads, giveBack, markTold, removeDone, type ChatEntry, type ChatRow } from '../db/chat-queue.ts'
import { setConnectionState } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { identitiesByNumber, setReachable, type Identity } from '../db/identities.ts'
import { findMessages, raiseMessage, type Message } from '../db/messages.ts'
import { takeParked } from '../db/receipts.ts'
import { harmlessText, parseBbCode } from '../domain/bb-code.ts'
import { type PortalId } from '../domain/ids.ts'
import { type Failure } from '../domain/receipt.ts'
import { plainTextOf } from '../domain/rich-text.ts'
import { messageOf } from '../errors.ts'
import { enqueueChat, noteEntry, type ChatRef } from './chat-effects.ts'
import { fileLink, mostFileBytes, portalFileUrl } from './chat-files.ts'
import { type OperatorNote } from './chat-words.ts'
import { withinRate } from './connection-rate.ts'
import { callSignal, type Deps } from './deps.ts'
import { isElsewhere, strandedMs } from './keep-sessions.ts'
import { isProvedBySend, type OpenConnection } from './open-connection.ts'
import { sendLeaseMs } from './perform-sends.ts'
import { raiseByParked } from './take-webhooks.ts'

/** Chats of one round: one thing at a time in each, so that their order is kept whatever a messenger does (I8). */
const chatsAtOnce = 50
const patienceMs = 100
/** An operator's words that could not be sent for so long are told as failed: a day later they mean something else. */
const mostPatienceMs = 24 * 3600_000
/** The operator is told that a message waits when it has been refused so often. */
const triesUntilTold = 3

interface Prepared {
  readonly row: ChatRow
  readonly message: Message
  readonly identity: Identity
  readonly open: OpenConnection
}

/** How a try ended. */
type Ending =
  | { readonly is: 'sent'; readonly externalId: string; readonly instead?: string }
  | { readonly is: 'done' }
  | { readonly is: 'refused'; readonly failure: Failure; readonly note: OperatorNote; readonly values: Readonly<Record<string, string>> }
  | { readonly is: 'later'; readonly failure: Failure; readonly afterMs: number }
  | { readonly is: 'unknown' }

/** Carries what operators and the application say in chats to the messengers, in rounds. */
export interface Talker {
  perform(): Promise<number>
  drain(): Promise<void>
}

/**
 * Sends, edits and removes messages of conversations, each at most once: what has no known outcome is repeated only where the messenger
 * takes our own id, and else told to the operator.
 */
export const createTalker = (deps: Deps): Talker => {
  const rounds = new Set<Promise<void>>()
  return {
    perform: async () => {
      const { prepared, count } = await deps.db.transaction().execute(async (trx) => prepare(deps, trx))
      if (prepared.length === 0) return count
      const round: Promise<void> = Promise.all(prepared.map(async (item) => settle(deps, item, await tryOnce(deps, item))))
        .then(() => undefined)
        // The rows keep their leases; when those are over, their outcomes count as unknown.
        .catch((error: unknown) => deps.log.error({ code: 'OUTCOME_LOST', reason: messageOf(error) }, 'outcomes of a conversation could not be stored'))
        .finally(() => rounds.delete(round))
      rounds.add(round)
      await Promise.race([round, sleep(patienceMs, undefined, { ref: false })])
      return count
    },
    drain: async () => {
      await Promise.all(rounds)
    },
  }
}

const prepare = async (deps: Deps, trx: Trx): Promise<{ prepared: Prepared[]; count: number }> => {
  const now = deps.clock.now()
  const rows = await claimHeads(trx, { direction: 'toMessenger', now, leaseMs: sendLeaseMs(deps) * 2, perChat: 1, limit: chatsAtOnce, elsewhere: deps.sessions.elsewhere() })
  const prepared: Prepared[] = []
  for (const [portal, group] of Map.groupBy(rows, (row) => row.portalId)) {
    const messages = await findMessages(trx, portal, group.flatMap((row) => row.messageId ?? []))
    const identities = await identitiesByNumber(trx, portal, group.map((row) => row.identity))
    for (const row of group) {
      const message = row.messageId === undefined ? undefined : messages.get(row.messageId)
      const identity = identities.get(row.identity)
      const open = message === undefined ? undefined : await deps.connections.byId(portal, message.connectionId)
      // A message that was taken back before it left, or whose connection is gone, goes nowhere.
      if (message === undefined || identity === undefined || open === undefined || (row.kind === 'message' && message.deletedAt !== undefined && !row.isUncertain)) await removeDone(trx, [row.id])
      else prepared.push({ row, message, identity, open })
    }
  }
  // The session was lost, or is so new that the claim did not know of it.
  const stranded = prepared.filter(({ open }) => isElsewhere(deps, open))
  await giveBack(trx, stranded.map(({ row }) => ({ id: row.id, runAt: now + strandedMs, wasTried: false, isUncertain: false })))
  const here = prepared.filter((item) => !stranded.includes(item))
  const { allowed, later } = await withinRate(deps.db, here.map((item) => ({ item, portalId: item.row.portalId, connectionId: item.open.connection.id, perSecond: item.open.channel.limits.perSecond })))
  await giveBack(trx, later.map(({ item, waitMs }) => ({ id: item.row.id, runAt: now + waitMs, wasTried: false, isUncertain: false })))
  for (const { row, message } of allowed) if (row.kind === 'message') await raiseMessage(trx, row.portalId, message.id, 'sending')
  return { prepared: [...allowed], count: rows.length }
}

const tryOnce = async (deps: Deps, item: Prepared): Promise<Ending> => {
  const { row, message, identity, open } = item
  const { channel, credentials } = open
  const signal = callSignal(deps, 2)
  const context = { credentials, http: deps.http, signal, session: deps.sessions.of(open.connection.id) }
  const sent = message.externalId === undefined ? undefined : { externalId: message.externalId, to: identity.chatId }
  try {
    switch (row.kind) {
      case 'message': {
        if (row.isUncertain && !channel.isIdempotent) return { is: 'unknown' }
        const outbound = await outboundOf(deps, item)
        if ('is' in outbound) return outbound
        const known = row.tries > 0 ? await channel.lookUp?.(outbound, context) : undefined
        const { externalId, instead } = known ?? (await channel.send(outbound, context))
        deps.metrics.count('estafeta_messages_total', { channel: channel.id, direction: 'out' })
        return { is: 'sent', externalId, instead }
      }
      case 'edit':
        if (sent === undefined) return { is: 'done' }
        if (channel.edit === undefined) return cannot('cannotEdit')
        await channel.edit({ ...sent, ...textsOf(message), isCaption: message.files.length > 0 }, context)
        return { is: 'done' }
      case 'delete':
        if (sent === undefined) return { is: 'done' }
        if (channel.remove === undefined) return cannot('cannotDelete')
        await channel.remove(sent, context)
        return { is: 'done' }
      default:
        return { is: 'done' }
    }
  } catch (error) {
    return endingOf(deps, item, error)
  }
}

const cannot = (note: OperatorNote): Ending => ({ is: 'refused', failure: { class: 'content', code: note }, note, values: {} })

const endingOf = (deps: Deps, { row, open }: Prepared, error: unknown): Ending => {
  if (!(error instanceof ChannelError)) {
    deps.log.error({ code: 'SEND_BROKE', channel: open.channel.id, connection: open.connection.id, reason: messageOf(error) }, 'a message of a conversation broke in our own code')
    return { is: 'unknown' }
  }
  const { failure, outcome, retryAfterSeconds } = error
  deps.log.info({ channel: open.channel.id, connection: open.connection.id, failure: failure.class, code: failure.code, outcome }, 'a message of a conversation was not accepted')
  // An edit or a removal that is repeated changes nothing.
  if (outcome === 'unknown' && row.kind === 'message' && !open.channel.isIdempotent) return { is: 'unknown' }
  const isPassing = outcome === 'unknown' || ['transient', 'rateLimited', 'channelTemporary'].includes(failure.class)
  if (isPassing && deps.clock.now() - row.since < mostPatienceMs) return { is: 'later', failure, afterMs: (retryAfterSeconds ?? Math.min(300, 2 ** Math.min(row.tries + 1, 8))) * 1000 }
  return { is: 'refused', failure, note: 'failed', values: { reason: error.message } }
}

/** The operator's words in both shapes; ours have no codes in them. */
const textsOf = (message: Message): Pick<OutboundMessage, 'text' | 'rich'> => {
  if (message.author !== 'operator') return { text: message.text }
  const rich = parseBbCode(message.text)
  return { text: plainTextOf(rich), rich }
}

const outboundOf = async (deps: Deps, { message, identity, open }: Prepared): Promise<OutboundMessage | Ending> => {
  const [file] = message.files
  const base = {
    ref: `msg.${message.id}`, number: (message.id % 2_000_000_000) + 1, to: identity.chatId, ...textsOf(message),
    requestsContact: message.buttons?.requestsContact, buttons: message.buttons?.list, template: message.buttons?.template, replyTo: message.quote?.externalId,
  }
  if (file?.url === undefined) return base
  const found = await operatorFile(deps, open.connection.portalId, file, open.channel)
  return 'is' in found ? found : { ...base, file: { ...found, link: fileLink(deps, open.connection.portalId, message.id, 0, file, 1) } }
}

/** An operator's file, fetched from the portal that told of it and from nowhere else. */
const operatorFile = async (deps: Deps, portalId: PortalId, file: Message['files'][number], channel: Channel): Promise<OutboundFile | Ending> => {
  const name = file.name ?? 'file'
  const most = Math.min(mostFileBytes, channel.limits.files?.maxBytes ?? mostFileBytes)
  const tooBig: Ending = { is: 'refused', failure: { class: 'content', code: 'fileTooBig' }, note: 'fileTooBig', values: { name, size: String(Math.floor(most / 1_048_576)) } }
  const unreadable: Ending = { is: 'refused', failure: { class: 'content', code: 'fileUnreadable' }, note: 'fileUnreadable', values: { name } }
  if ((file.sizeBytes ?? 0) > most) return tooBig
  const url = await portalFileUrl(deps, portalId, file)
  if (url === undefined) return unreadable
  try {
    const signal = callSignal(deps)
    const { bytes, mimeType } = await downloadFile(deps.http, { url }, { signal, maxBytes: most })
    return { kind: file.kind, name, mimeType: file.mimeType ?? mimeType ?? 'application/octet-stream', bytes }
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error
    if (error.failure.class === 'content') return error.failure.code === 'file.large' ? tooBig : unreadable
    return { is: 'later', failure: error.failure, afterMs: 5_000 }
  }
}

const settle = async (deps: Deps, { row, message, open, identity }: Prepared, ending: Ending): Promise<void> => {
  const { portalId } = row
  const now = deps.clock.now()
  const chat: ChatRef = { portalId, connectionId: message.connectionId, identity: row.identity }
  await deps.db.transaction().execute(async (trx) => {
    const notes: ChatEntry[] = []
    switch (ending.is) {
      case 'sent':
        await raiseMessage(trx, portalId, message.id, 'sent', { externalId: ending.externalId })
        await raiseByParked(deps, trx, portalId, message, await takeParked(trx, portalId, message.connectionId, ending.externalId))
        await tick(trx, deps, message)
        if (ending.instead !== undefined && message.author === 'operator') notes.push(noteEntry(chat, 'invited', { text: harmlessText(ending.instead) }, now))
        if (open.connection.state === 'broken' && isProvedBySend(open)) await setConnectionState(trx, portalId, open.connection.id, 'working', undefined)
        break
      case 'done':
        break
      case 'unknown':
        await raiseMessage(trx, portalId, message.id, 'unknown')
        if (message.author === 'operator') notes.push(noteEntry(chat, 'uncertain', {}, now))
        break
      case 'refused':
        if (row.kind === 'message') await raiseMessage(trx, portalId, message.id, 'failed', { failure: { ...ending.failure, ...(ending.values.reason === undefined ? {} : { sentence: ending.values.reason }) } })
        if (message.author === 'operator') notes.push(noteEntry(chat, ending.note, ending.values, now))
        if (ending.failure.class === 'recipientPermanent') await setReachable(trx, { portalId, connectionId: open.connection.id, chatId: identity.chatId }, 'blocked')
        if (ending.failure.class === 'channelPermanent') await setConnectionState(trx, portalId, open.connection.id, 'broken', ending.failure.code)
        break
      case 'later':
        await giveBack(trx, [{ id: row.id, runAt: now + ending.afterMs, wasTried: true, isUncertain: false }])
        // Behind a message of ours that does not get out an operator's waits as well.
        if (row.tries + 1 >= triesUntilTold && (await markTold(trx, portalId, row.identity))) notes.push(noteEntry(chat, 'waiting', {}, now))
        break
      default:
        ending satisfies never
    }
    if (ending.is !== 'later') await removeDone(trx, [row.id])
    await enqueueChat(trx, notes)
  })
}

/** Tells the portal that the messenger has the operator's message: when every part of it is out, with all their ids. */
const tick = async (trx: Trx, deps: Deps, message: Message): Promise<void> => {
  if (message.dialogId === undefined || message.imMessageId === undefined) return
  const now = deps.clock.now()
  await enqueueChat(trx, [{ portalId: message.portalId, direction: 'toLine', identity: message.identity, kind: 'tick', messageId: message.id, runAt: now, since: now }])
}
