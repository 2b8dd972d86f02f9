import { type Trx } from '../db/database.ts'
import { enqueue, type ChatEntry } from '../db/chat-queue.ts'
import { insertMessage, type NewMessage } from '../db/messages.ts'
import { ring } from '../db/outbox.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Deps } from './deps.ts'
import { type OpenConnection } from './open-connection.ts'
import { patientWords, type OperatorNote, type PatientWord } from './chat-words.ts'
import { harmlessText } from '../domain/bb-code.ts'

/** A chat, as effects in it need it. */
export interface ChatRef {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly identity: number
}

/** The same with what its messenger can show. */
export interface TalkingChat extends ChatRef {
  readonly canRequestContact: boolean
  readonly hasButtons: boolean
}

export const talkingChat = ({ connection, channel }: OpenConnection, identity: number): TalkingChat => ({
  portalId: connection.portalId, connectionId: connection.id, identity, canRequestContact: channel.canRequestContact === true, hasButtons: channel.limits.buttons !== undefined,
})

/** Stores work of chats and tells whoever does it. */
export const enqueueChat = async (trx: Trx, entries: readonly ChatEntry[]): Promise<void> => {
  await enqueue(trx, entries)
  for (const direction of new Set(entries.map((entry) => entry.direction))) await ring(trx, direction === 'toLine' ? 'lines' : 'talk')
}

export const noteEntry = (chat: ChatRef, note: OperatorNote, values: Readonly<Record<string, string>>, now: number): ChatEntry => ({
  portalId: chat.portalId, direction: 'toLine', identity: chat.identity, kind: 'note', payload: { note, values }, runAt: now, since: now,
})

/** Stores a message of ours to the patient, behind whatever is said in the chat already. @returns its id */
export const sendInChat = async (trx: Trx, message: Omit<NewMessage, 'direction' | 'state'>, now: number): Promise<number | undefined> => {
  const id = await insertMessage(trx, { ...message, direction: 'out', state: 'queued' })
  if (id === undefined) return undefined
  await enqueueChat(trx, [{ portalId: message.portalId, direction: 'toMessenger', identity: message.identity, kind: 'message', messageId: id, runAt: now, since: now }])
  return id
}

/** The payload of "this is not me" names the chat, which must be the one in which it is pressed. */
export const notMePayload = (identity: number): string => `n:${identity}`
export const isNotMe = (payload: string, identity: number): boolean => payload === notMePayload(identity)

/** Says one thing to the patient, and shows the operator that it was said. */
export const sayInChat = async (deps: Deps, trx: Trx, chat: TalkingChat, what: PatientWord, isShown: boolean): Promise<void> => {
  const now = deps.clock.now()
  const asksContact = what === 'askContact' || what === 'notOwn'
  const text = what === 'askContact' && !chat.canRequestContact ? patientWords.askContactWithoutButton : patientWords[what]
  await sendInChat(
    trx,
    {
      portalId: chat.portalId, identity: chat.identity, connectionId: chat.connectionId, author: 'robot', at: now, text,
      buttons: asksContact && chat.canRequestContact ? { requestsContact: true } : what === 'thanks' && chat.hasButtons ? { list: [{ id: notMePayload(chat.identity), title: patientWords.notMeButton }] } : undefined,
    },
    now,
  )
  if (isShown) await enqueueChat(trx, [noteEntry(chat, 'asked', { text: harmlessText(text) }, now)])
}
