import { type PortalClient } from '../bitrix/client.ts'
import { type BitrixError } from '../bitrix/errors.ts'
import { historyCommand, historyOf, type History } from '../bitrix/dialogs.ts'
import { noteDialog, openDialogs, type Dialog } from '../db/dialogs.ts'
import { knownOperatorMessages } from '../db/messages.ts'
import { type Portal } from '../db/portals.ts'
import { beAlive } from '../db/presence.ts'
import { enqueueChat } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { takeOperatorMessage } from './take-line-events.ts'

/** Silence for longer than this means that events may have been missed: the portal sends each only once. */
const longestSilenceMs = 3_000
/** Dialogues in which nothing happened for longer are not looked through. */
const openDays = 7
const hourlyDays = 1

/** Says that this application hears the portals; after a silence every open dialogue is to be looked through. Always 0: a loop waits. */
export const keepPresence = async (deps: Deps): Promise<number> => {
  const silentMs = await beAlive(deps.db)
  if (silentMs !== undefined && silentMs > longestSilenceMs) await lookThrough(deps, openDays)
  return 0
}

/** A single event may be lost too: what was open in the last day is looked through now and then. */
export const lookThroughRecent = async (deps: Deps): Promise<void> => lookThrough(deps, hourlyDays)

const lookThrough = async (deps: Deps, days: number): Promise<void> => {
  const now = deps.clock.now()
  const dialogs = await openDialogs(deps.db, days)
  if (dialogs.length === 0) return
  deps.log.info({ dialogs: dialogs.length }, 'open dialogues are looked through for what was missed')
  await deps.db.transaction().execute((trx) =>
    enqueueChat(
      trx,
      dialogs.flatMap((dialog) => {
        const identity = 'identity' in dialog.of ? dialog.of.identity : dialog.lastIdentity
        return identity === undefined ? [] : [{ portalId: dialog.portalId, direction: 'toLine' as const, identity, kind: 'catchUp' as const, payload: { dialogId: dialog.id }, runAt: now, since: now }]
      }),
    ),
  )
}

/**
 * Finds operators' messages that the portal told of while nobody listened, and sends them on as if they had just been heard.
 *
 * @returns the dialogues whose history could not be read, with the reason
 */
export const catchUp = async (deps: Deps, portal: Portal, client: PortalClient, dialogs: readonly Dialog[]): Promise<ReadonlyMap<number, BitrixError>> => {
  const known = dialogs.filter((dialog) => dialog.imChatId !== undefined)
  if (known.length === 0) return new Map()
  const outcomes = await client.batch(known.map((dialog) => historyCommand(String(dialog.id), { chatId: Number(dialog.imChatId) })))
  const failed = new Map<number, BitrixError>()
  for (const dialog of known) {
    const outcome = outcomes.get(String(dialog.id))
    if (outcome?.ok === true) await takeMissed(deps, portal, dialog, historyOf(outcome.result))
    else if (outcome !== undefined) failed.set(dialog.id, outcome.error)
  }
  return failed
}

const takeMissed = async (deps: Deps, portal: Portal, dialog: Dialog, history: History): Promise<void> => {
  const missed = missedIn(history, dialog)
  const known = await knownOperatorMessages(deps.db, portal.id, dialog.id, missed.map(({ id }) => id))
  await deps.db.transaction().execute(async (trx) => {
    for (const message of missed) {
      if (known.has(message.id)) continue
      const files = message.fileIds.flatMap((id) => {
        const file = history.files.get(id)
        return file?.url === undefined ? [] : [{ name: file.name, type: file.type, url: file.url, sizeBytes: file.sizeBytes }]
      })
      await takeOperatorMessage(deps, trx, dialog, { imMessageId: message.id, userId: message.senderId, text: message.text, files })
      deps.metrics.count('estafeta_messages_found_again_total', {})
    }
    const last = history.messages.at(-1)
    if (last !== undefined) await noteDialog(trx, portal.id, dialog.id, { seenMessageId: last.id })
  })
}

/** What a person wrote and no messenger has: an employee's, and without the mark that its delivery leaves. */
const missedIn = (history: History, dialog: Dialog): History['messages'] =>
  history.messages.filter(
    ({ id, senderId, isSystem, connectorMids }) =>
      !isSystem && senderId !== undefined && id > dialog.seenMessageId && connectorMids.length === 0 && history.users.get(senderId)?.isConnector !== true && String(senderId) !== dialog.portalUserId,
  )
