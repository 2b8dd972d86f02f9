import { connectorEventOf, type ConnectorEvent, type OperatorMessage } from '../bitrix/connector-events.ts'
import { parseEvent } from '../bitrix/incoming.ts'
import { withdraw } from '../db/chat-queue.ts'
import { type Trx } from '../db/database.ts'
import { dialogIdOf, findDialog, noteDialog, type Dialog } from '../db/dialogs.ts'
import { identitiesByNumber, identitiesOf, type Identity } from '../db/identities.ts'
import { type InboxRow } from '../db/inbox.ts'
import { setLineState } from '../db/lines.ts'
import { editMessage, findOperatorParts, insertMessage, markDeleted, type Message, type MessageFile } from '../db/messages.ts'
import { findPortal } from '../db/portals.ts'
import { portalId, type PortalId } from '../domain/ids.ts'
import { type FileKind } from '../domain/message.ts'
import { enqueueChat, noteEntry, talkingChat } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { introducePerson, unbindPerson } from './introduce-person.ts'

/**
 * Turns what the portal told of our connectors into what happens next: operators' messages, edits and removals go to the messenger,
 * account and chat that they answer, each once; closed lines are noted.
 *
 * @returns the rows that could not be read, with the reason
 */
export const takeLineEvents = async (deps: Deps, trx: Trx, rows: readonly InboxRow[]): Promise<readonly { id: number; reason: string }[]> => {
  const unreadable: { id: number; reason: string }[] = []
  for (const row of rows) {
    // The secrets were cut off when it was stored: who sent it is the row's own portal.
    const parsed = parseEvent({ ...(JSON.parse(row.body.toString('utf8')) as object), auth: { member_id: row.portal_id } })
    const event = parsed.ok ? connectorEventOf(parsed.value) : undefined
    if (event === undefined) unreadable.push({ id: row.id, reason: parsed.ok ? 'the event is not in the documented shape' : parsed.reason })
    else await takeEvent(deps, trx, portalId(row.portal_id!), event)
  }
  return unreadable
}

const takeEvent = async (deps: Deps, trx: Trx, portal: PortalId, event: ConnectorEvent): Promise<void> => {
  switch (event.type) {
    case 'messagesAdded':
    case 'messagesEdited':
    case 'messagesDeleted':
      for (const message of event.messages) {
        const dialog = await dialogOn(deps, trx, portal, { connector: event.connector, lineId: String(event.line) }, message.chatId)
        if (dialog === undefined) continue
        await noteDialog(trx, portal, dialog.id, { imChatId: String(message.imChatId), seenMessageId: message.imMessageId })
        if (event.type === 'messagesAdded') await takeOperatorMessage(deps, trx, dialog, message)
        else if (event.type === 'messagesEdited') await takeOperatorEdit(deps, trx, dialog, message)
        else await takeOperatorRemoval(deps, trx, dialog, message)
      }
      return
    case 'dialogsStarted':
    case 'dialogsFinished':
      for (const mark of event.dialogs) {
        const dialog = await dialogOn(deps, trx, portal, { connector: event.connector, lineId: String(event.line) }, mark.chatId)
        if (dialog !== undefined) await noteDialog(trx, portal, dialog.id, { sessionId: String(mark.sessionId), isOpen: event.type === 'dialogsStarted' })
      }
      return
    case 'connectorRemoved':
      return setLineState(trx, portal, event.connector, String(event.line), { isActive: false, problem: 'connectorRemoved' })
    case 'lineRemoved':
      return setLineState(trx, portal, undefined, String(event.line), { isActive: false, problem: 'lineRemoved' })
    case 'contactDeleted':
      return forgetContact(deps, trx, portal, String(event.contactId))
    case 'contactChanged':
      // Names and phones are read from the card whenever they are needed: nothing is kept that could grow old.
      return
    default:
      event satisfies never
  }
}

/** The dialogue that an event means: ours, of this portal, and on the very line and connector through which it came (F18, F20). */
const dialogOn = async (deps: Deps, trx: Trx, portal: PortalId, line: { connector: string; lineId: string }, chatId: string): Promise<Dialog | undefined> => {
  const id = dialogIdOf(chatId)
  const dialog = id === undefined ? undefined : await findDialog(trx, portal, id)
  if (dialog?.connector === line.connector && dialog.lineId === line.lineId) return dialog
  deps.log.warn({ portal, connector: line.connector, line: line.lineId, code: 'FOREIGN_CHAT' }, 'an operator\'s message names a chat that is not on its line')
  return undefined
}

/** The account that a reply in this dialogue goes to: its own one; with one chat per patient the chosen one, else the one last written from. */
export const replyTarget = async (trx: Trx, dialog: Dialog): Promise<Identity | undefined> => {
  if ('identity' in dialog.of) return (await identitiesByNumber(trx, dialog.portalId, [dialog.of.identity])).get(dialog.of.identity)
  const { contactId } = dialog.of
  const wanted = dialog.replyIdentity ?? dialog.lastIdentity
  // An account that was taken from the patient gets nothing of theirs any more.
  return wanted === undefined ? undefined : (await identitiesOf(trx, dialog.portalId, [contactId])).find((identity) => identity.number === wanted)
}

/**
 * Sends an operator's message on: its text and each of its files as messages of their own, in their order, once.
 *
 * A text that no person wrote - a greeting, an automatic answer - is not an operator's (F22).
 */
export const takeOperatorMessage = async (deps: Deps, trx: Trx, dialog: Dialog, message: Pick<OperatorMessage, 'imMessageId' | 'userId' | 'text' | 'files'>): Promise<void> => {
  if (message.userId === undefined) return
  const now = deps.clock.now()
  const target = await replyTarget(trx, dialog)
  if (target === undefined) {
    const [known] = await identitiesOf(trx, dialog.portalId, 'contactId' in dialog.of ? [dialog.of.contactId] : [])
    if (known !== undefined) await enqueueChat(trx, [noteEntry({ portalId: dialog.portalId, connectionId: known.connectionId, identity: known.number }, 'noRoute', {}, now)])
    return
  }
  const common = {
    portalId: dialog.portalId, identity: target.number, connectionId: target.connectionId, direction: 'out', author: 'operator', authorId: String(message.userId),
    at: now, dialogId: dialog.id, imMessageId: message.imMessageId, state: 'queued',
  } as const
  const parts = [
    ...(message.text.trim() === '' ? [] : [{ part: 0, text: message.text, files: [] as MessageFile[] }]),
    ...message.files.map((file, index) => ({ part: index + 1, text: '', files: [{ kind: kindOf(file), name: file.name, url: file.url, sizeBytes: file.sizeBytes }] })),
  ]
  for (const part of parts) {
    const id = await insertMessage(trx, { ...common, ...part })
    if (id !== undefined) await enqueueChat(trx, [{ portalId: dialog.portalId, direction: 'toMessenger', identity: target.number, kind: 'message', messageId: id, runAt: now, since: now }])
  }
  deps.metrics.count('estafeta_messages_total', { channel: 'line', direction: 'out' })
}

const kindOf = ({ name, type }: { name: string; type?: string }): FileKind => {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''
  if (type === 'image' || ['jpg', 'jpeg', 'png', 'gif', 'webp', 'bmp'].includes(extension)) return 'image'
  if (type === 'video' || ['mp4', 'mov', '3gp'].includes(extension)) return 'video'
  if (extension === 'ogg' || extension === 'oga') return 'voice'
  if (type === 'audio' || ['mp3', 'm4a', 'aac', 'wav', 'amr'].includes(extension)) return 'audio'
  return 'file'
}

const takeOperatorEdit = async (deps: Deps, trx: Trx, dialog: Dialog, message: OperatorMessage): Promise<void> => {
  const now = deps.clock.now()
  const text = (await findOperatorParts(trx, dialog.portalId, dialog.id, message.imMessageId)).find((part) => part.part === 0)
  if (text === undefined || text.text === message.text || text.deletedAt !== undefined) return
  await editMessage(trx, dialog.portalId, text.id, message.text, now)
  // One that has not left yet goes out as it reads now.
  if (text.state !== 'queued') await enqueueChat(trx, [entryOf(text, 'edit', now)])
}

const takeOperatorRemoval = async (deps: Deps, trx: Trx, dialog: Dialog, message: OperatorMessage): Promise<void> => {
  const now = deps.clock.now()
  const parts = (await findOperatorParts(trx, dialog.portalId, dialog.id, message.imMessageId)).filter((part) => part.deletedAt === undefined)
  const withdrawn = await withdraw(trx, dialog.portalId, parts.map((part) => part.id))
  await markDeleted(trx, dialog.portalId, parts.map((part) => part.id), now)
  await enqueueChat(trx, parts.filter((part) => !withdrawn.has(part.id)).map((part) => entryOf(part, 'delete', now)))
}

const entryOf = (message: Message, kind: 'edit' | 'delete', now: number) =>
  ({ portalId: message.portalId, direction: 'toMessenger', identity: message.identity, kind, messageId: message.id, runAt: now, since: now }) as const

/** A card that is gone holds nobody's account: the person is asked again when they next write. */
const forgetContact = async (deps: Deps, trx: Trx, portal: PortalId, contactId: string): Promise<void> => {
  if ((await findPortal(trx, portal)) === undefined) return
  for (const identity of await identitiesOf(trx, portal, [contactId])) {
    const open = await deps.connections.byId(portal, identity.connectionId)
    await unbindPerson(deps, trx, { portalId: portal, connectionId: identity.connectionId, identity: identity.number }, 'unbound', 'application')
    // The messenger's own phone still says who it is: another card may hold it.
    if (open?.channel.addressedBy === 'phone') await introducePerson(deps, trx, talkingChat(open, identity.number), { type: 'phoneGiven', phone: identity.chatId, at: deps.clock.now() })
  }
}
