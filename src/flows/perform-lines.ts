import { ChannelError } from '../channels/channel.ts'
import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { type Command } from '../bitrix/command.ts'
import { historyCommand, historyOf, isNotMember, joinCommand, sayInChatCommand, type History } from '../bitrix/dialogs.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { deleteMessagesCommand, deliveredCommand, sendMessagesCommand, sentMessagesOf, updateMessagesCommand, type LineMessage, type LineMessageOutcome } from '../bitrix/open-lines.ts'
import { becomeSpeaker, stopSpeaking } from '../db/budgets.ts'
import { claimHeads, clearUncertain, giveBack, holdChat, portalsWithLineWork, releaseExpired, removeDone, type ChatEntry, type ChatRow } from '../db/chat-queue.ts'
import { ensureDialog, findDialogs, lineChatId, lineUserId, noteDialog, type Dialog } from '../db/dialogs.ts'
import { identitiesByNumber, type Identity } from '../db/identities.ts'
import { listLines, setLineState, type Line } from '../db/lines.ts'
import { findByExternalIds, findMessages, findOperatorParts, showIn, type Message } from '../db/messages.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { type PortalId } from '../domain/ids.ts'
import { lineTextOf } from '../domain/line-text.ts'
import { parseBbCode } from '../domain/bb-code.ts'
import { plainTextOf } from '../domain/rich-text.ts'
import { messageOf } from '../errors.ts'
import { catchUp } from './catch-up.ts'
import { enqueueChat, noteEntry } from './chat-effects.ts'
import { fetchFile, fileLink, shownName } from './chat-files.ts'
import { noteText, type OperatorNote } from './chat-words.ts'
import { type Deps } from './deps.ts'
import { linkChat, unlinkChat } from './link-chat.ts'

/** Rows of one round, and of one chat in it. */
const rowsAtOnce = 300
const perChat = 10
/** Messages of one call: chats are not split over calls, so one call may hold some more. */
const messagesPerCall = 20
const leaseMs = 15_000
/** How long a first message whose answer was lost waits for the portal to tell of its session. */
const firstAnswerMs = 10_000
/** A file that its messenger does not give yet holds its chat up for so long at most. */
const filePatienceMs = 3 * 60_000
/** A note that cannot be placed is of no use later. */
const notePatienceMs = 10 * 60_000

/** Tells open lines what is new in chats. Returns how many rows were taken. */
export const performLineWork = async (deps: Deps, speaker: string): Promise<number> => {
  const portals = await portalsWithLineWork(deps.db, deps.clock.now(), 50)
  const counts = await Promise.all(portals.map((portal) => performFor(deps, portal, speaker)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** One process speaks for a portal's lines at a time: then order in a chat is the order in which it speaks. */
const performFor = async (deps: Deps, portalId: PortalId, speaker: string): Promise<number> => {
  const key = `lines ${portalId}`
  if (!(await becomeSpeaker(deps.db, key, speaker, leaseMs))) return 0
  let rows: readonly ChatRow[] = []
  let beat = Promise.resolve()
  const heartbeat = setInterval(() => {
    beat = beat
      .then(async () => {
        await becomeSpeaker(deps.db, key, speaker, leaseMs)
        await holdChat(deps.db, rows.map(({ id }) => id), leaseMs)
      })
      .catch(() => undefined)
  }, leaseMs / 4)
  try {
    const portal = await findPortal(deps.db, portalId)
    if (portal === undefined) return 0
    rows = await deps.db.transaction().execute(async (trx) => {
      // Whoever has become the only speaker holds none yet: an earlier speaker left them, and what became of them is not known.
      await releaseExpired(trx, 'toLine', portalId)
      return claimHeads(trx, { direction: 'toLine', portalId, now: deps.clock.now(), leaseMs, perChat, limit: rowsAtOnce })
    })
    if (rows.length > 0) await performRound(deps, portal, deps.portalClient(portalId), rows)
    return rows.length
  } finally {
    clearInterval(heartbeat)
    await beat
    await stopSpeaking(deps.db, key, speaker)
  }
}

/** A row with all that it takes to carry it out. */
interface Prepared {
  readonly row: ChatRow
  readonly identity: Identity
  readonly message: Message | undefined
  readonly dialog: Dialog
}

/** One call and the rows that it carries out, in the order of its messages. */
interface Call {
  readonly command: Command
  readonly items: readonly Prepared[]
  readonly read: (result: unknown) => readonly LineMessageOutcome[]
}

const performRound = async (deps: Deps, portal: Portal, client: PortalClient, rows: readonly ChatRow[]): Promise<void> => {
  const now = deps.clock.now()
  const [lines, identities, messages] = await Promise.all([
    listLines(deps.db, portal.id),
    identitiesByNumber(deps.db, portal.id, [...new Set(rows.map((row) => row.identity))]),
    findMessages(deps.db, portal.id, rows.flatMap((row) => row.messageId ?? [])),
  ])
  const shown = await findDialogs(deps.db, portal.id, [...new Set([...messages.values()].flatMap((message) => message.dialogId ?? []))])
  const dialogs = new Map<number, Dialog | undefined>()
  const dialogFor = async (identity: Identity): Promise<Dialog | undefined> => {
    if (!dialogs.has(identity.number)) dialogs.set(identity.number, await ensureDialogOf(deps, portal, lines, identity))
    return dialogs.get(identity.number)
  }
  const segments: Prepared[][] = []
  const single: Prepared[] = []
  const nowhere: number[] = []
  const later: ChatRow[] = []
  for (const chat of Map.groupBy(rows, (row) => row.identity).values()) {
    const identity = identities.get(chat[0]!.identity)
    const own = identity === undefined ? undefined : await dialogFor(identity)
    const kind = chat[0]!.kind
    const isSingle = kind === 'link' || kind === 'unlink' || kind === 'catchUp'
    // Different things are different calls: what comes after the first kind waits for the next round, so that the order holds.
    const length = isSingle ? 1 : chat.findIndex((row) => row.kind !== kind || row.isUncertain !== chat[0]!.isUncertain)
    const head = length === -1 ? chat : chat.slice(0, length)
    later.push(...(length === -1 ? [] : chat.slice(length)))
    if (identity === undefined || own === undefined) {
      nowhere.push(...head.map(({ id }) => id))
      continue
    }
    const segment = head.map((row): Prepared => {
      const message = row.messageId === undefined ? undefined : messages.get(row.messageId)
      // What is done to a message is done where it was shown, wherever its account's messages go now.
      const shownIn = message?.dialogId === undefined ? undefined : shown.get(message.dialogId)
      return { row, identity, message, dialog: shownIn ?? own }
    })
    if (isSingle) single.push(...segment)
    else segments.push(segment)
  }
  await removeDone(deps.db, nowhere)
  await giveBack(deps.db, later.map(({ id }) => ({ id, runAt: now, wasTried: false, isUncertain: false })))
  const certain = await settleUncertain(deps, portal, client, segments)
  await performCalls(deps, portal, client, await callsOf(deps, portal, certain))
  await performCatchUps(deps, portal, client, single.filter(({ row }) => row.kind === 'catchUp'))
  for (const item of single) if (item.row.kind !== 'catchUp') await performSingle(deps, portal, client, item)
}

/** Where an account's messages go: with one chat per patient into the patient's dialogue, else into its own line's. */
const ensureDialogOf = async (deps: Deps, portal: Portal, lines: readonly Line[], identity: Identity): Promise<Dialog | undefined> => {
  const shared = portal.oneChatPerPatient && identity.contactId !== undefined ? lines.find((line) => line.connectionId === undefined) : undefined
  if (shared !== undefined) return ensureDialog(deps.db, portal.id, shared, { contactId: identity.contactId! })
  const own = lines.find((line) => line.connectionId === identity.connectionId)
  return own === undefined ? undefined : ensureDialog(deps.db, portal.id, own, { identity: identity.number })
}

/**
 * Finds out what became of messages whose answer was lost: the session's history tells. What is there is done; what is not is sent again.
 *
 * A first message has no known chat to look into: it waits a little for the portal to tell of its session.
 */
const settleUncertain = async (deps: Deps, portal: Portal, client: PortalClient, segments: readonly (readonly Prepared[])[]): Promise<readonly (readonly Prepared[])[]> => {
  const certain = segments.filter(([first]) => !first!.row.isUncertain)
  const doubtful = segments.filter(([first]) => first!.row.isUncertain)
  if (doubtful.length === 0) return certain
  const asked: (readonly Prepared[])[] = []
  const commands: Command[] = []
  for (const segment of doubtful) {
    const { row, dialog } = segment[0]!
    // An edit, a removal or a tick that is repeated changes nothing; a note said twice is better than one not said.
    if (row.kind !== 'message') certain.push(segment)
    else if (dialog.imChatId !== undefined) commands.push(historyCommand(String(asked.push(segment) - 1), { chatId: Number(dialog.imChatId) }))
    else if (dialog.sessionId !== undefined) commands.push(historyCommand(String(asked.push(segment) - 1), { sessionId: Number(dialog.sessionId) }))
    else if (row.tries < 3) await giveBack(deps.db, segment.map(({ row: { id } }) => ({ id, runAt: deps.clock.now() + firstAnswerMs, wasTried: true, isUncertain: true })))
    else {
      await clearUncertain(deps.db, segment.map(({ row: { id } }) => id))
      certain.push(segment)
    }
  }
  const outcomes = commands.length === 0 ? new Map<string, Outcome>() : await client.batch(commands)
  for (const [index, segment] of asked.entries()) {
    const outcome = outcomes.get(String(index))
    if (outcome?.ok !== true) {
      await postpone(deps, segment, outcome?.error)
      continue
    }
    const history = historyOf(outcome.result)
    const arrived = segment.filter(({ message }) => message !== undefined && isInHistory(history, message))
    if (arrived.length > 0) await deps.db.transaction().execute(async (trx) => {
      await removeDone(trx, arrived.map(({ row }) => row.id))
      for (const { row, dialog } of arrived) await showIn(trx, portal.id, row.messageId!, dialog.id)
      await noteDialog(trx, portal.id, segment[0]!.dialog.id, { imChatId: String(history.chatId), sessionId: history.sessionId === undefined ? undefined : String(history.sessionId), lastIdentity: segment[0]!.row.identity })
    })
    const missing = segment.filter((item) => !arrived.includes(item))
    await clearUncertain(deps.db, missing.map(({ row }) => row.id))
    if (missing.length > 0) certain.push(missing)
  }
  return certain
}

export const externalIdOf = (message: { readonly id: number }): string => `m${message.id}`

const isInHistory = (history: History, message: Message): boolean => history.messages.some(({ connectorMids }) => connectorMids.includes(externalIdOf(message)))

const callsOf = async (deps: Deps, portal: Portal, segments: readonly (readonly Prepared[])[]): Promise<readonly Call[]> => {
  const calls: Call[] = []
  const groups = Map.groupBy(segments, ([first]) => `${first!.row.kind} ${first!.dialog.connector} ${first!.dialog.lineId}`)
  for (const group of groups.values()) {
    const { row, dialog } = group[0]![0]!
    const line = { connector: dialog.connector, line: Number(dialog.lineId) }
    if (row.kind === 'note') {
      for (const item of group.flat()) calls.push(...(await noteCall(deps, portal, item)))
      continue
    }
    let items: Prepared[] = []
    const flush = async (): Promise<void> => {
      const part = items
      items = []
      if (part.length > 0) calls.push(...(await callFor(deps, portal, row.kind, line, part)))
    }
    for (const segment of group) {
      // What was refused once goes alone, so that it cannot take others with it.
      const isSuspect = segment.some((item) => item.row.tries > 1)
      if (isSuspect) await flush()
      items.push(...segment)
      if (isSuspect || items.length >= messagesPerCall) await flush()
    }
    await flush()
  }
  return calls.map((call, index) => ({ ...call, command: { ...call.command, key: String(index) } }))
}

const callFor = async (deps: Deps, portal: Portal, kind: ChatRow['kind'], line: { connector: string; line: number }, items: readonly Prepared[]): Promise<readonly Call[]> => {
  if (kind === 'tick') {
    const delivered = await Promise.all(items.map(async (item) => deliveredOf(deps, item)))
    const ready = items.flatMap((item, index) => (delivered[index] === undefined ? [] : [{ item, message: delivered[index] }]))
    await removeDone(deps.db, items.filter((_, index) => delivered[index] === undefined).map(({ row }) => row.id))
    if (ready.length === 0) return []
    return [{ command: deliveredCommand('', { ...line, messages: ready.map(({ message }) => message) }), items: ready.map(({ item }) => item), read: () => ready.map(() => ({ ok: true })) }]
  }
  if (kind === 'delete') {
    const messages = items.map(({ row, dialog }) => ({ userId: lineUserId(dialog.id), messageId: externalIdOf({ id: row.messageId! }), chatId: lineChatId(dialog.id) }))
    return [{ command: deleteMessagesCommand('', { ...line, messages }), items, read: (result) => sentMessagesOf(result, items.length, 'imconnector.delete.messages') }]
  }
  const messages: LineMessage[] = []
  const ready: Prepared[] = []
  const waiting = new Set<number>()
  for (const item of items) {
    // Behind a message that waits for its file, the rest of its chat waits too.
    const built = waiting.has(item.row.identity) ? 'later' : await lineMessageOf(deps, portal, item)
    if (built === 'later') {
      waiting.add(item.row.identity)
      await giveBack(deps.db, [{ id: item.row.id, runAt: deps.clock.now() + 3_000, wasTried: false, isUncertain: false }])
    } else if (built === undefined) await removeDone(deps.db, [item.row.id])
    else {
      messages.push(built)
      ready.push(item)
    }
  }
  if (ready.length === 0) return []
  if (kind === 'edit') return [{ command: updateMessagesCommand('', { ...line, messages }), items: ready, read: (result) => sentMessagesOf(result, ready.length, 'imconnector.update.messages') }]
  return [{ command: sendMessagesCommand('', { ...line, messages }), items: ready, read: (result) => sentMessagesOf(result, ready.length) }]
}

/** A patient's message as the line takes it; `later` while its file is not to be had, undefined when there is nothing to show. */
const lineMessageOf = async (deps: Deps, portal: Portal, { row, message, identity, dialog }: Prepared): Promise<LineMessage | 'later' | undefined> => {
  if (message === undefined) return undefined
  if (row.kind === 'message' && message.deletedAt !== undefined) return undefined
  const files: { url: string; name: string }[] = []
  const missingFiles: string[] = []
  for (const [index, file] of message.files.entries()) {
    const state = row.kind === 'edit' ? 'ready' : await fileState(deps, portal.id, message, index)
    if (state === 'later' && deps.clock.now() - row.since < filePatienceMs) return 'later'
    if (state === 'ready') files.push({ url: fileLink(deps, portal.id, message.id, index, file), name: shownName(file, index) })
    else missingFiles.push(noteText(portal.language, 'fileGone', { name: shownName(file, index) }))
  }
  const isShared = 'contactId' in dialog.of
  const open = isShared ? await deps.connections.byId(portal.id, identity.connectionId) : undefined
  const quoted = message.quote === undefined ? undefined : (message.quote.text ?? (await quotedText(deps, message)))
  const text = lineTextOf({
    text: message.text, place: message.place, contactCard: message.contactCard, quotedText: quoted, missingFiles, channel: (open?.channel.family ?? open?.channel.title)?.[portal.language],
  })
  if (text === '' && files.length === 0) return undefined
  const name = identity.contactName ?? identity.name ?? identity.introduction.claim?.name
  const phone = /^\+\d{10,15}$/.test(identity.chatId) ? identity.chatId : undefined
  return {
    user: { id: lineUserId(dialog.id), name: name ?? (portal.language === 'ru' ? 'Пациент' : 'Patient'), phone },
    // Until the person is known the portal must not look for them by what they say of themselves (D10).
    message: { id: externalIdOf(message), atSeconds: Math.floor(message.at / 1000), text, files: row.kind === 'edit' ? undefined : files, disableCrm: identity.contactId === undefined },
    chat: { id: lineChatId(dialog.id) },
  }
}

/** Whether the portal will get the file when it asks: a link that does not open is a broken card (F36). */
const fileState = async (deps: Deps, portal: PortalId, message: Message, index: number): Promise<'ready' | 'later' | 'gone'> => {
  try {
    await fetchFile(deps, portal, message.id, index)
    return 'ready'
  } catch (error) {
    return error instanceof ChannelError && ['transient', 'rateLimited', 'channelTemporary'].includes(error.failure.class) ? 'later' : 'gone'
  }
}

/** The text of the message that the patient answered, when it is one that we know. */
const quotedText = async (deps: Deps, message: Message): Promise<string | undefined> => {
  if (message.quote?.externalId === undefined) return undefined
  const quoted = (await findByExternalIds(deps.db, message.portalId, message.connectionId, [message.quote.externalId])).get(message.quote.externalId)
  return quoted === undefined ? undefined : quoted.author === 'operator' ? plainTextOf(parseBbCode(quoted.text)) : quoted.text
}

const noteCall = async (deps: Deps, portal: Portal, item: Prepared): Promise<readonly Call[]> => {
  const { row, dialog } = item
  if (dialog.imChatId === undefined) {
    // The chat is not there yet: its first message is on the way, or never came.
    const now = deps.clock.now()
    if (now - row.since > notePatienceMs) await removeDone(deps.db, [row.id])
    else await giveBack(deps.db, [{ id: row.id, runAt: now + 2_000, wasTried: false, isUncertain: false }])
    return []
  }
  const { note, values } = row.payload as { note: OperatorNote; values: Record<string, string> }
  return [{ command: sayInChatCommand('', { chatId: Number(dialog.imChatId), text: noteText(portal.language, note, values) }), items: [item], read: () => [{ ok: true }] }]
}

/** An operator's message as delivered, when every part of it is with the messenger; undefined while some are not. */
const deliveredOf = async (deps: Deps, { message, dialog }: Prepared): Promise<Parameters<typeof deliveredCommand>[1]['messages'][number] | undefined> => {
  if (message?.imMessageId === undefined || message.dialogId === undefined) return undefined
  if (dialog.imChatId === undefined) return undefined
  const parts = await findOperatorParts(deps.db, message.portalId, message.dialogId, message.imMessageId)
  const externalIds = parts.flatMap((part) => part.externalId ?? [])
  if (externalIds.length < parts.length) return undefined
  return { imChatId: Number(dialog.imChatId), imMessageId: message.imMessageId, chatId: lineChatId(dialog.id), externalIds, atSeconds: Math.floor(deps.clock.now() / 1000) }
}

const performCalls = async (deps: Deps, portal: Portal, client: PortalClient, calls: readonly Call[]): Promise<void> => {
  if (calls.length === 0) return
  const outcomes = new Map(await client.batch(calls.map((call) => call.command)))
  const closed = calls.filter((call, index) => call.items[0]!.row.kind === 'note' && isClosedToUs(outcomes.get(String(index))))
  if (closed.length > 0) {
    await client.batch(closed.map((call) => joinCommand(call.command.key, Number(call.items[0]!.dialog.imChatId))))
    for (const [key, outcome] of await client.batch(closed.map((call) => call.command))) outcomes.set(key, outcome)
  }
  for (const [index, call] of calls.entries()) {
    const outcome = outcomes.get(String(index))
    if (outcome?.ok !== true) {
      await noteLine(deps, portal, call, outcome?.error)
      if (isHopeless(call, outcome?.error)) await drop(deps, portal, call, outcome!.error)
      else await postpone(deps, call.items, outcome?.error)
      continue
    }
    try {
      await conclude(deps, portal, call, call.read(outcome.result))
    } catch (error) {
      deps.log.error({ code: 'ANSWER_UNREADABLE', method: call.command.method, reason: messageOf(error) }, 'the portal\'s answer about messages could not be read')
      await postpone(deps, call.items, error instanceof BitrixError ? error : undefined)
    }
  }
}

/** The portal will never take it: what stands in one call with others is tried alone first. */
const isHopeless = ({ items }: Call, error: BitrixError | undefined): boolean =>
  error?.action === 'giveUp' && error.outcome === 'rejected' && (items[0]!.row.kind !== 'message' || new Set(items.map(({ row }) => row.identity)).size === 1)

/** A patient's message that the line refuses for good stands in the history, and the operator is told to look there. */
const drop = async (deps: Deps, portal: Portal, call: Call, error: BitrixError): Promise<void> => {
  const { row, identity } = call.items[0]!
  deps.log.error({ portal: portal.id, method: call.command.method, kind: row.kind, code: error.bitrixCode }, 'the portal refused for good what a chat needs')
  const now = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    await removeDone(trx, call.items.map((item) => item.row.id))
    if (row.kind === 'message') await enqueueChat(trx, [noteEntry({ portalId: portal.id, connectionId: identity.connectionId, identity: identity.number }, 'refused', {}, now)])
  })
}

/** Chats are read and noted in by their members only, administrators included. */
const isClosedToUs = (outcome: Outcome | undefined): boolean => outcome?.ok === false && isNotMember(outcome.error)

const conclude = async (deps: Deps, portal: Portal, call: Call, results: readonly LineMessageOutcome[]): Promise<void> => {
  const now = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    const notes: ChatEntry[] = []
    const done: number[] = []
    for (const [index, item] of call.items.entries()) {
      const { row, dialog, identity } = item
      const result = results[index]!
      const chat = { portalId: portal.id, connectionId: identity.connectionId, identity: identity.number }
      if (!result.ok && result.error.outcome === 'unknown') {
        await giveBack(trx, [{ id: row.id, runAt: now + 2_000, wasTried: true, isUncertain: true }])
        continue
      }
      done.push(row.id)
      if (!result.ok) {
        deps.log.warn({ portal: portal.id, method: call.command.method, code: result.error.bitrixCode }, 'the portal did not take a message into its line')
        if (row.kind === 'message') notes.push(noteEntry(chat, 'refused', {}, now))
        continue
      }
      if (row.kind !== 'message') continue
      await showIn(trx, portal.id, row.messageId!, dialog.id)
      const sessionId = result.sessionId === undefined ? undefined : String(result.sessionId)
      const isWarned = identity.contactId !== undefined || sessionId === undefined || sessionId === dialog.warnedSessionId
      await noteDialog(trx, portal.id, dialog.id, {
        lastIdentity: identity.number, isOpen: true, sessionId,
        imChatId: result.chatId === undefined ? undefined : String(result.chatId),
        portalUserId: result.userId === undefined ? undefined : String(result.userId),
        ...(isWarned ? {} : { warnedSessionId: sessionId }),
      })
      // Once per session: the operator must know to whom no medical fact may be told (D8).
      if (!isWarned && !notes.some((note) => note.identity === identity.number)) notes.push(noteEntry(chat, 'unproved', {}, now))
    }
    await removeDone(trx, done)
    await enqueueChat(trx, notes)
  })
}

/** Lines that the portal has closed to us are shown as such; what waits for them goes on waiting. */
const noteLine = async (deps: Deps, portal: Portal, call: Call, error: BitrixError | undefined): Promise<void> => {
  const code = error?.bitrixCode.toUpperCase() ?? ''
  if (!['NOT_ACTIVE_LINE', 'IMCONNECTOR_NO_CORRECT_PROVIDER'].includes(code)) return
  const { connector, lineId } = call.items[0]!.dialog
  await setLineState(deps.db, portal.id, connector, lineId, { isActive: false, problem: code })
}

/** Where the portal said how long; a mere failure is tried again soon, because an operator waits, and ever later. */
const waitSecondsAfter = (error: BitrixError | undefined, tries: number): number => {
  const growing = Math.min(60, 2 ** Math.min(tries, 6))
  return error === undefined || error.action === 'backOff' ? Math.min(error?.retryAfterSeconds ?? growing, growing) : (error.retryAfterSeconds ?? growing)
}

/** Later again: nothing that a patient wrote is given up. */
const postpone = async (deps: Deps, items: readonly Prepared[], error: BitrixError | undefined): Promise<void> => {
  const now = deps.clock.now()
  await giveBack(
    deps.db,
    items.map(({ row }) => {
      const waitSeconds = waitSecondsAfter(error, row.tries)
      const isUncertain = error === undefined || error.outcome === 'unknown'
      return { id: row.id, runAt: now + Math.max(500, waitSeconds * 1000), wasTried: true, isUncertain }
    }),
  )
}

/** Histories of many dialogues are read in one request. */
const performCatchUps = async (deps: Deps, portal: Portal, client: PortalClient, items: readonly Prepared[]): Promise<void> => {
  if (items.length === 0) return
  const idOf = ({ row }: Prepared): number => (row.payload as { dialogId: number }).dialogId
  const dialogs = await findDialogs(deps.db, portal.id, [...new Set(items.map(idOf))])
  const failed = await catchUp(deps, portal, client, [...dialogs.values()])
  const isLeft = (item: Prepared): boolean => failed.get(idOf(item))?.retryable === true && item.row.tries < 8
  await removeDone(deps.db, items.filter((item) => !isLeft(item)).map(({ row }) => row.id))
  for (const item of items) if (isLeft(item)) await postpone(deps, [item], failed.get(idOf(item)))
}

const performSingle = async (deps: Deps, portal: Portal, client: PortalClient, item: Prepared): Promise<void> => {
  try {
    const contactId = (item.row.payload as { contactId?: string }).contactId
    if (contactId !== undefined) await (item.row.kind === 'link' ? linkChat : unlinkChat)(deps, portal, client, item.identity, contactId)
    await removeDone(deps.db, [item.row.id])
  } catch (error) {
    if (!(error instanceof BitrixError)) throw error
    const isHopeless = error.action === 'giveUp' && error.outcome === 'rejected'
    if (isHopeless || item.row.tries > 8) {
      deps.log.warn({ portal: portal.id, kind: item.row.kind, method: error.method, code: error.bitrixCode }, 'the portal refused what a chat needs')
      await removeDone(deps.db, [item.row.id])
    } else await postpone(deps, [item], error)
  }
}
