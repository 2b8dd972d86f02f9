import { ChannelError } from '../channels/channel.ts'
import { type Command } from '../bitrix/command.ts'
import { sayInChatCommand } from '../bitrix/dialogs.ts'
import { deleteMessagesCommand, deliveredCommand, sendMessagesCommand, sentMessagesOf, updateMessagesCommand, type LineMessage, type LineMessageOutcome } from '../bitrix/open-lines.ts'
import { enqueue, giveBack, removeDone, type ChatRow } from '../db/chat-queue.ts'
import { lineChatId, lineUserId, type Dialog } from '../db/dialogs.ts'
import { type Identity } from '../db/identities.ts'
import { findByExternalIds, findOperatorParts, type Message } from '../db/messages.ts'
import { type Portal } from '../db/portals.ts'
import { type PortalId } from '../domain/ids.ts'
import { lineTextOf } from '../domain/line-text.ts'
import { parseBbCode } from '../domain/bb-code.ts'
import { plainTextOf } from '../domain/rich-text.ts'
import { fetchFile, fileLink, shownName } from './chat-files.ts'
import { noteText, type OperatorNote } from './chat-words.ts'
import { type Deps } from './deps.ts'
import { nobodyWords } from './patient-words.ts'
import { standInInLanguage } from '../words/english.ts'

/** Messages of one call: chats are not split over calls, so one call may hold some more. */
const messagesPerCall = 20
/** A file that its messenger does not give yet holds its chat up for so long at most. */
const filePatienceMs = 3 * 60_000
/** A note that cannot be placed is of no use later. */
const notePatienceMs = 10 * 60_000

/** A row with all that it takes to carry it out. */
export interface Prepared {
  readonly row: ChatRow
  readonly identity: Identity
  readonly message: Message | undefined
  readonly dialog: Dialog
}

/** One call and the rows that it carries out, in the order of its messages. */
export interface Call {
  readonly command: Command
  readonly items: readonly Prepared[]
  readonly read: (result: unknown) => readonly LineMessageOutcome[]
}

/** What the line knows a message by. */
export const externalIdOf = (message: { readonly id: number }): string => `m${message.id}`

/** What a round of chats comes to: many chats in one call, in the order of each; what was refused once goes alone. */
export const callsOf = async (deps: Deps, portal: Portal, segments: readonly (readonly Prepared[])[]): Promise<readonly Call[]> => {
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
    text: standInInLanguage(portal.language, message.text), place: message.place, contactCard: message.contactCard, quotedText: quoted, missingFiles, channel: (open?.channel.family ?? open?.channel.title)?.[portal.language],
  })
  if (text === '' && files.length === 0) return undefined
  const name = identity.contactName ?? identity.name ?? identity.introduction.claim?.name
  const phone = /^\+\d{10,15}$/.test(identity.chatId) ? identity.chatId : undefined
  return {
    user: { id: lineUserId(dialog.id), name: name ?? nobodyWords[portal.language], phone },
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
    // The chat is not there yet, and it is the first message that makes it: the note goes behind whatever came meanwhile, or it would hold up
    // the very message that it waits for.
    const now = deps.clock.now()
    await deps.db.transaction().execute(async (trx) => {
      await removeDone(trx, [row.id])
      if (now - row.since <= notePatienceMs) await enqueue(trx, [{ ...row, runAt: now + 2_000 }])
    })
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
