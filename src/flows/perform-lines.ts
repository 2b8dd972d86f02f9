import { type PortalClient } from '../bitrix/client.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { claimHeads, giveBack, holdChat, portalsWithLineWork, releaseExpired, removeDone, type ChatRow } from '../db/chat-queue.ts'
import { ensureDialog, findDialogs, type Dialog } from '../db/dialogs.ts'
import { identitiesByNumber, type Identity } from '../db/identities.ts'
import { listLines, type Line } from '../db/lines.ts'
import { findMessages } from '../db/messages.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { type PortalId } from '../domain/ids.ts'
import { catchUp } from './catch-up.ts'
import { type Deps } from './deps.ts'
import { callsOf, type Prepared } from './line-calls.ts'
import { performCalls, postpone, settleUncertain } from './line-outcomes.ts'
import { linkChat, unlinkChat } from './link-chat.ts'
import { speakAlone, speakingLeaseMs } from './speak-alone.ts'

/** Rows of one round, and of one chat in it. */
const rowsAtOnce = 300
const perChat = 10

/** Tells open lines what is new in chats. Returns how many rows were taken. */
export const performLineWork = async (deps: Deps, speaker: string): Promise<number> => {
  const portals = await portalsWithLineWork(deps.db, deps.clock.now(), 50)
  const counts = await Promise.all(portals.map((portal) => performFor(deps, portal, speaker)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** One process speaks for a portal's lines at a time: then order in a chat is the order in which it speaks. */
const performFor = async (deps: Deps, portalId: PortalId, speaker: string): Promise<number> => {
  let rows: readonly ChatRow[] = []
  const hold = async (): Promise<void> => holdChat(deps.db, rows.map(({ id }) => id), speakingLeaseMs)
  return speakAlone(deps, `lines ${portalId}`, speaker, hold, async () => {
    const portal = await findPortal(deps.db, portalId)
    if (portal === undefined) return 0
    rows = await deps.db.transaction().execute(async (trx) => {
      // Whoever has become the only speaker holds none yet: an earlier speaker left them, and what became of them is not known.
      await releaseExpired(trx, 'toLine', portalId)
      return claimHeads(trx, { direction: 'toLine', portalId, now: deps.clock.now(), leaseMs: speakingLeaseMs, perChat, limit: rowsAtOnce })
    })
    if (rows.length > 0) await performRound(deps, portal, deps.portalClient(portalId), rows)
    return rows.length
  })
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
