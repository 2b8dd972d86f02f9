import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { type Command } from '../bitrix/command.ts'
import { historyCommand, historyOf, isNotMember, joinCommand, type History } from '../bitrix/dialogs.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { type LineMessageOutcome } from '../bitrix/open-lines.ts'
import { clearUncertain, giveBack, noteLook, removeDone, type ChatEntry } from '../db/chat-queue.ts'
import { noteDialog, type Dialog } from '../db/dialogs.ts'
import { setLineState } from '../db/lines.ts'
import { showIn, type Message } from '../db/messages.ts'
import { type Portal } from '../db/portals.ts'
import { messageOf } from '../errors.ts'
import { enqueueChat, noteEntry } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { findLostSessions } from './find-lost-sessions.ts'
import { externalIdOf, type Call, type Prepared } from './line-calls.ts'

/** How long a first message whose answer was lost waits for the portal to tell of its session. */
const firstAnswerMs = 10_000

/**
 * Finds out what became of messages whose answer was lost: the session's history tells. What is there is done; what is not is sent again.
 *
 * A first message has no known chat to look into: it waits a little for the portal to tell of its session, then that is looked for.
 */
export const settleUncertain = async (deps: Deps, portal: Portal, client: PortalClient, segments: readonly (readonly Prepared[])[]): Promise<readonly (readonly Prepared[])[]> => {
  const certain = segments.filter(([first]) => !first!.row.isUncertain)
  const doubtful = segments.filter(([first]) => first!.row.isUncertain)
  if (doubtful.length === 0) return certain
  const lost = doubtful.flatMap(([first]) => (isWithoutChat(first!) && looksOf(first!) > 0 ? [first!.dialog] : []))
  const { found, isSure } = lost.length === 0 ? { found: new Map<number, Dialog>(), isSure: true } : await findLostSessions(deps, portal, client, lost)
  const asked: (readonly Prepared[])[] = []
  const commands: Command[] = []
  for (const segment of doubtful) {
    const { row } = segment[0]!
    const dialog = found.get(segment[0]!.dialog.id) ?? segment[0]!.dialog
    // An edit, a removal or a tick that is repeated changes nothing; a note said twice is better than one not said.
    if (row.kind !== 'message') certain.push(segment)
    else if (dialog.imChatId !== undefined) commands.push(historyCommand(String(asked.push(segment) - 1), { chatId: Number(dialog.imChatId) }))
    else if (dialog.sessionId !== undefined) commands.push(historyCommand(String(asked.push(segment) - 1), { sessionId: Number(dialog.sessionId) }))
    else if (looksOf(segment[0]!) < (isSure ? mostLooks : mostLooksUnsure)) await lookAgainLater(deps, segment)
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

/** How often it was waited for news of a message since its answer was lost: earlier tries, which were answered, say nothing of this one. */
const looksOf = ({ row }: Prepared): number => (row.payload as { looks?: number } | null | undefined)?.looks ?? 0
/** The portal's own event is waited for first; then the session is looked for, twice, for the lost call may still be at work. */
const mostLooks = 2
/** A portal that does not answer takes no message either; but no patient's word waits for ever. */
const mostLooksUnsure = 30

const lookAgainLater = async (deps: Deps, segment: readonly Prepared[]): Promise<void> =>
  deps.db.transaction().execute(async (trx) => {
    await giveBack(trx, segment.map(({ row: { id } }) => ({ id, runAt: deps.clock.now() + firstAnswerMs, wasTried: true, isUncertain: true })))
    await noteLook(trx, segment.map(({ row: { id } }) => id))
  })

const isWithoutChat = ({ row, dialog }: Prepared): boolean => row.kind === 'message' && dialog.imChatId === undefined && dialog.sessionId === undefined

const isInHistory = (history: History, message: Message): boolean => history.messages.some(({ connectorMids }) => connectorMids.includes(externalIdOf(message)))

/** Makes the calls and stores what became of each row: done, later, found to be hopeless. */
export const performCalls = async (deps: Deps, portal: Portal, client: PortalClient, calls: readonly Call[]): Promise<void> => {
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
export const postpone = async (deps: Deps, items: readonly Prepared[], error: BitrixError | undefined): Promise<void> => {
  const now = deps.clock.now()
  await giveBack(
    deps.db,
    items.map(({ row }) => {
      // Nothing left the process: it is no try, and there is sense in another as soon as the budget says.
      if (error?.bitrixCode === 'BUDGET_SPENT') return { id: row.id, runAt: now + Math.max(500, (error.retryAfterSeconds ?? 1) * 1000), wasTried: false, isUncertain: false }
      const waitSeconds = waitSecondsAfter(error, row.tries)
      const isUncertain = error === undefined || error.outcome === 'unknown'
      return { id: row.id, runAt: now + Math.max(500, waitSeconds * 1000), wasTried: true, isUncertain }
    }),
  )
}
