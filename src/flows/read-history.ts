import { listConnections, type Connection } from '../db/connections.ts'
import { loadDeliveries } from '../db/deliveries.ts'
import { findDialogs } from '../db/dialogs.ts'
import { scanHistory, type HistoryKey } from '../db/history.ts'
import { findByExternalIds, findMessages, type Message, type MessageFile } from '../db/messages.ts'
import { parseBbCode } from '../domain/bb-code.ts'
import { deliveryId, type PortalId } from '../domain/ids.ts'
import { plainTextOf } from '../domain/rich-text.ts'
import { type Language } from '../bitrix/language.ts'
import { AppError } from '../errors.ts'
import { inLanguage, standInInLanguage } from '../words/english.ts'
import { fileLink, shownName } from './chat-files.ts'
import { type Deps } from './deps.ts'
import { findPatient, type PatientPage } from './find-patient.ts'
import { nameEmployees } from './name-employees.ts'
import { showPast } from './show-delivery.ts'

export interface HistoryWish {
  readonly before?: string
  readonly channel?: string
  readonly kinds?: string
  readonly q?: string
  readonly limit?: number
}

/**
 * One page of what happened with the patient over all channels, robots included, newest first.
 *
 * A search looks through a bounded number of rows: a page may then be short, or empty, and still have a `next`.
 *
 * @throws AppError FORM_INVALID for a cursor or a kind that is none
 */
export const readHistory = async (deps: Deps, page: PatientPage, wish: HistoryWish): Promise<{ entries: readonly unknown[]; next: string | undefined }> => {
  const { portalId } = page
  const kinds = kindsIn(wish.kinds)
  const [patient, connections] = await Promise.all([findPatient(deps, page), listConnections(deps.db, portalId)])
  const wanted = (wish.channel ?? '') === '' ? undefined : connections.filter(({ channel }) => channel === wish.channel).map(({ id }) => id)
  const identities = patient.identities.filter(({ connectionId }) => wanted === undefined || wanted.includes(connectionId))
  const scan = await scanHistory(deps.db, {
    portalId,
    identities: kinds.includes('message') ? identities.map(({ number }) => number) : [],
    contactId: kinds.includes('delivery') ? patient.contactId : undefined,
    connectionIds: wanted,
    words: (wish.q ?? '').split(/\s+/).filter((word) => word !== ''),
    before: wish.before === undefined ? undefined : cursorIn(wish.before),
    limit: wish.limit ?? 50,
  })
  return { entries: await entriesOf(deps, page, scan.keys, connections), next: scan.next === undefined ? undefined : cursorOf(scan.next) }
}

const kindsIn = (given: string | undefined): readonly string[] => {
  const kinds = given === undefined || given === '' ? ['message', 'delivery'] : given.split(',')
  if (!kinds.every((kind) => kind === 'message' || kind === 'delivery')) throw new AppError('FORM_INVALID', 'Проверьте отмеченные поля.', { fields: { kinds: 'Выберите переписку, уведомления или оба.' } })
  return kinds
}

/** Opaque for the page; holds no patient, so one of another page leads nowhere else. */
const cursorOf = ({ atUs, kind, id }: HistoryKey): string => Buffer.from(JSON.stringify([atUs, kind === 'message' ? 0 : 1, id])).toString('base64url')

const cursorIn = (text: string): HistoryKey => {
  try {
    const [atUs, kind, id] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as [unknown, unknown, unknown]
    if (Number.isSafeInteger(atUs) && typeof id === 'string') {
      if (kind === 0 && /^\d{1,15}$/.test(id)) return { atUs: atUs as number, kind: 'message', id }
      if (kind === 1 && /^[\w-]{1,64}$/.test(id)) return { atUs: atUs as number, kind: 'delivery', id }
    }
  } catch {
    // Told below.
  }
  throw new AppError('FORM_INVALID', 'Обновите страницу: продолжить историю с этого места нельзя.', { fields: { before: 'Начните историю сначала.' } })
}

const entriesOf = async (deps: Deps, page: PatientPage, keys: readonly HistoryKey[], connections: readonly Connection[]): Promise<readonly unknown[]> => {
  const { portalId, language } = page
  const idsOf = (kind: HistoryKey['kind']): readonly string[] => keys.flatMap((key) => (key.kind === kind ? [key.id] : []))
  const [messages, deliveries] = await Promise.all([
    findMessages(deps.db, portalId, idsOf('message').map(Number)),
    loadDeliveries(deps.db, idsOf('delivery').map((id) => ({ portalId, deliveryId: deliveryId(id) }))),
  ])
  const [names, quotes] = await Promise.all([authorsOf(deps, page, [...messages.values()]), quotedTexts(deps, portalId, [...messages.values()])])
  return (
    await Promise.all(
      keys.map(async ({ kind, id }) => {
        if (kind === 'delivery') {
          const delivery = deliveries.get(deliveryId(id))
          return delivery === undefined ? [] : [await showPast(deps, delivery, language)]
        }
        const message = messages.get(Number(id))
        return message === undefined ? [] : [messageEntry(deps, message, connections.find((one) => one.id === message.connectionId), names, quotes, language)]
      }),
    )
  ).flat()
}

const textOf = (message: Message): string => (message.author === 'operator' ? plainTextOf(parseBbCode(message.text)) : message.text)

const messageEntry = (deps: Deps, message: Message, connection: Connection | undefined, names: ReadonlyMap<string, string>, quotes: ReadonlyMap<number, string>, language: Language): unknown => {
  const channel = deps.channelById(connection?.channel ?? '')
  const isOut = message.direction === 'out'
  return {
    kind: 'message',
    id: String(message.id),
    at: new Date(message.at).toISOString(),
    channel: connection?.channel ?? '',
    channelTitle: { ...(channel?.family ?? channel?.title ?? { ru: '—', en: '—' }) },
    connectionName: connection?.name ?? '',
    direction: message.direction,
    author: message.author,
    authorName: message.authorId === undefined ? undefined : names.get(message.authorId),
    text: isOut ? textOf(message) : standInInLanguage(language, message.text),
    files: message.files.map((file, index) => fileView(deps, message, file, index)),
    place: message.place,
    quotedText: message.quote?.text ?? quotes.get(message.id),
    state: isOut && message.state !== 'received' ? message.state : undefined,
    problem: isOut && message.state === 'failed' && message.failure?.sentence !== undefined ? inLanguage(language, message.failure.sentence) : undefined,
    isEdited: message.editedAt !== undefined,
    isDeleted: message.deletedAt !== undefined,
  }
}

/** A patient's file opens by a link of ours; an operator's lies in the portal and is only named. */
const fileView = (deps: Deps, message: Message, file: MessageFile, index: number): unknown => ({
  kind: file.kind,
  name: shownName(file, index),
  sizeBytes: file.sizeBytes,
  url: file.ref !== undefined && message.deletedAt === undefined ? fileLink(deps, message.portalId, message.id, index, file) : undefined,
})

const authorsOf = async (deps: Deps, { portalId }: PatientPage, messages: readonly Message[]): Promise<ReadonlyMap<string, string>> => {
  const spoke = messages.flatMap(({ authorId, dialogId }) => (authorId === undefined ? [] : [{ userId: authorId, dialogId }]))
  const dialogs = await findDialogs(deps.db, portalId, [...new Set(spoke.flatMap(({ dialogId }) => dialogId ?? []))])
  return nameEmployees(deps, portalId, spoke.map(({ userId, dialogId }) => ({ userId, sessionId: dialogId === undefined ? undefined : dialogs.get(dialogId)?.sessionId })))
}

/** Texts of known messages that were quoted by their id alone. */
const quotedTexts = async (deps: Deps, portal: PortalId, messages: readonly Message[]): Promise<ReadonlyMap<number, string>> => {
  const quoting = messages.filter(({ quote }) => quote?.externalId !== undefined && quote.text === undefined)
  const texts = new Map<number, string>()
  for (const [connection, group] of Map.groupBy(quoting, ({ connectionId }) => connectionId)) {
    const found = await findByExternalIds(deps.db, portal, connection, group.map(({ quote }) => quote!.externalId!))
    for (const { id, identity, quote } of group) {
      const quoted = found.get(quote!.externalId!)
      // Ids of some messengers are not unique over chats: only the same chat's own message counts.
      if (quoted?.identity === identity) texts.set(id, textOf(quoted))
    }
  }
  return texts
}
