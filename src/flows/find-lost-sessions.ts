import { type PortalClient } from '../bitrix/client.ts'
import { dialogCommand, dialogOf } from '../bitrix/dialogs.ts'
import { latestSessions, lineChatId, noteDialog, type Dialog } from '../db/dialogs.ts'
import { type Portal } from '../db/portals.ts'
import { type Deps } from './deps.ts'

/** Twelve requests' worth: one lost answer can be that of three hundred first messages. They are among the newest. */
const mostAsked = 600
/** Sessions that others may have opened since the newest that we know. */
const ahead = 20

export interface LostSessions {
  /** What was found, by the dialogue's id; it is noted in the dialogue too. */
  readonly found: ReadonlyMap<number, Dialog>
  /** The portal has answered for all that was asked: what was not found is not there, or not among the newest. */
  readonly isSure: boolean
}

/**
 * Finds the chats of dialogues whose first answer was lost and of whose session the portal's event told nothing either - events are sent
 * once, and we may have been away. Sessions are numbered: those between the ones that we know are asked what they are.
 */
export const findLostSessions = async (deps: Deps, portal: Portal, client: PortalClient, dialogs: readonly Dialog[]): Promise<LostSessions> => {
  const known = await latestSessions(deps.db, portal.id, 1_000)
  const newest = known[0]
  if (newest === undefined) return { found: new Map(), isSure: true }
  const asked = unknownBetween(known, newest + dialogs.length + ahead)
  const outcomes = await client.batch(asked.map((sessionId) => dialogCommand(String(sessionId), { sessionId })))
  const wanted = new Map(dialogs.map((dialog) => [`${dialog.connector} ${dialog.lineId} ${lineChatId(dialog.id)}`, dialog]))
  const found = new Map<number, Dialog>()
  let isSure = true
  for (const sessionId of asked) {
    const outcome = outcomes.get(String(sessionId))
    if (outcome?.ok !== true) {
      // A session that is not there, or not for our eyes, is an answer too.
      if (outcome === undefined || outcome.error.retryable || outcome.error.outcome === 'unknown') isSure = false
      continue
    }
    const told = readDialog(outcome.result)
    const dialog = told?.userCode === undefined ? undefined : wanted.get(`${told.userCode.connector} ${told.userCode.line} ${told.userCode.chatId}`)
    if (told === undefined || dialog === undefined) continue
    const news = { imChatId: String(told.chatId), sessionId: String(sessionId) }
    await noteDialog(deps.db, portal.id, dialog.id, news)
    found.set(dialog.id, { ...dialog, ...news })
  }
  return { found, isSure }
}

/** Another application's dialogue may look as it likes. */
const readDialog = (result: unknown): ReturnType<typeof dialogOf> | undefined => {
  try {
    return dialogOf(result)
  } catch {
    return undefined
  }
}

/** Newest first: the numbers below `end` that are not among the known ones, which come newest first too. */
const unknownBetween = (known: readonly number[], end: number): readonly number[] => {
  const isKnown = new Set(known)
  const oldest = Math.max(1, known.at(-1)! - ahead)
  const unknown: number[] = []
  for (let id = end; id >= oldest && unknown.length < mostAsked; id--) if (!isKnown.has(id)) unknown.push(id)
  return unknown
}
