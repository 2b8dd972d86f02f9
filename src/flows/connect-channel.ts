import { randomBytes } from 'node:crypto'
import { ChannelError, type Channel, type ConnectionFacts } from '../channels/channel.ts'
import { isSpokenFor } from '../db/budgets.ts'
import { deleteConnection, findConnection, listRoutes, saveConnection, type Connection } from '../db/connections.ts'
import { saveCursor } from '../db/session-cursors.ts'
import { recentChats } from '../db/identities.ts'
import { type Db } from '../db/database.ts'
import { put, ring } from '../db/outbox.ts'
import { connectionId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { normalizeEmail } from '../domain/email.ts'
import { normalizePhone } from '../domain/phone.ts'
import { AppError, messageOf } from '../errors.ts'
import { patientWords } from './chat-words.ts'
import { callSignal, type Deps } from './deps.ts'
import { isElsewhere, sessionKey } from './keep-sessions.ts'
import { type OpenConnection } from './open-connection.ts'
import { sayLater } from './say.ts'
import { v7 } from './uuid.ts'

export interface ConnectionDraft {
  readonly channel: string
  readonly name: string
  readonly credentials: Readonly<Record<string, string>>
}

/** Where a vendor sends this connection's webhooks. */
export const hookUrlOf = (deps: Deps, connection: Pick<Connection, 'channel' | 'hookKey'>): string => `${deps.publicUrl()}/hooks/${connection.channel}/${connection.hookKey}`

const channelOf = (deps: Deps, id: string): Channel => {
  const channel = deps.channelById(id)
  if (channel === undefined) throw new AppError('FORM_INVALID', 'Такого мессенджера нет: выберите его из списка.', { fields: { channel: 'Выберите мессенджер из списка.' } })
  return channel
}

/** The stored secrets stand in for those that the form left empty: they are never shown, so they need not be typed again. */
const withStoredSecrets = (channel: Channel, draft: ConnectionDraft, stored: Readonly<Record<string, string>>): Record<string, string> => {
  const merged: Record<string, string> = {}
  for (const field of channel.fields) {
    const given = draft.credentials[field.name]
    if (given !== undefined && given.trim() !== '') merged[field.name] = given
    if (field.secret && merged[field.name] === undefined && stored[field.name] !== undefined) merged[field.name] = stored[field.name]!
  }
  return merged
}

/**
 * Adds or changes a connection: the credentials are tried at the vendor and its webhook is set before it counts, so a stored
 * connection has worked at least once. What does not work leaves nothing behind.
 *
 * @throws AppError FORM_INVALID with a sentence per field; ChannelError with what the vendor objected to
 */
export const connectChannel = async (deps: Deps, portal: PortalId, draft: ConnectionDraft, id?: ConnectionId): Promise<Connection> => {
  const before = id === undefined ? undefined : await existing(deps.db, portal, id)
  const channel = channelOf(deps, draft.channel)
  if (before !== undefined && before.channel !== channel.id) {
    throw new AppError('FORM_INVALID', 'Мессенджер подключения не меняют: добавьте новое подключение.', { fields: { channel: 'Это подключение другого мессенджера.' } })
  }
  const stored = before === undefined ? {} : (JSON.parse(deps.secrets.open(before.sealedCredentials)) as Record<string, string>)
  const raw = withStoredSecrets(channel, draft, stored)
  const credentials = channel.parseCredentials(raw)
  const draftRow: Connection = {
    portalId: portal,
    id: before?.id ?? connectionId(v7(Date.now())),
    channel: channel.id,
    name: draft.name,
    state: 'off',
    problem: undefined,
    sealedCredentials: deps.secrets.seal(JSON.stringify(raw)),
    hookKey: before?.hookKey ?? randomBytes(16).toString('hex'),
    title: '',
    details: [],
    checkedAt: undefined,
  }
  // Some vendors ask the webhook's address for a proof while they are told of it, so a new one has to be there already, switched off.
  if (before === undefined) await saveConnection(deps.db, draftRow)
  deps.connections.forget()
  try {
    const facts = await channel.connect({ credentials, http: deps.http, signal: callSignal(deps), hookUrl: hookUrlOf(deps, draftRow) })
    const connection: Connection = { ...draftRow, state: 'working', title: facts.title, details: facts.details, warnings: facts.warnings, checkedAt: new Date() }
    if (before === undefined && facts.sessionStart !== undefined) await saveCursor(deps.db, portal, connection.id, facts.sessionStart)
    await saveConnection(deps.db, connection)
    return connection
  } catch (error) {
    if (before === undefined) await deps.db.transaction().execute((trx) => deleteConnection(trx, portal, draftRow.id))
    throw error
  } finally {
    deps.connections.forget()
  }
}

const existing = async (db: Db, portal: PortalId, id: ConnectionId): Promise<Connection> => {
  const connection = await findConnection(db, portal, id)
  if (connection === undefined) throw new AppError('NOT_FOUND', 'Этого подключения уже нет: обновите страницу.')
  return connection
}

/** Removes a connection that no route uses; the vendor is asked to stop its webhooks. */
export const disconnectChannel = async (deps: Deps, portal: PortalId, id: ConnectionId): Promise<void> => {
  const connection = await existing(deps.db, portal, id)
  const route = (await listRoutes(deps.db, portal)).find((candidate) => candidate.steps.some((step) => step.kind === 'channel' && step.connectionId === id))
  if (route !== undefined) throw new AppError('CONFLICT', `Подключение занято в маршруте «${route.name}»: сначала уберите его оттуда.`)
  const open = await deps.connections.byId(portal, id)
  if (open !== undefined) {
    await open.channel
      .disconnect({ credentials: open.credentials, http: deps.http, signal: callSignal(deps), hookUrl: hookUrlOf(deps, connection) })
      .catch((error: unknown) => deps.log.warn({ channel: connection.channel, reason: messageOf(error) }, 'a webhook could not be taken away'))
  }
  await deps.db.transaction().execute((trx) => deleteConnection(trx, portal, id))
  deps.connections.forget()
}

/** Asks the vendor about a connection and notes the answer, warnings included (C7). Nothing is changed there, but a webhook that the vendor has lost is set again. */
export const checkConnection = async (deps: Deps, portal: PortalId, id: ConnectionId): Promise<{ ok: boolean; message: string; facts?: ConnectionFacts }> => {
  const connection = await existing(deps.db, portal, id)
  const open = await opened(deps, portal, id)
  // Whoever holds the session keeps the connection's state true to it.
  if (await isHeldByOther(deps, open)) return connection.state === 'broken' ? { ok: false, message: connection.problem ?? 'Связи нет: проверьте настройки подключения.' } : { ok: true, message: 'Работает.' }
  try {
    const context = { credentials: open.credentials, http: deps.http, signal: callSignal(deps), session: deps.sessions.of(id), hookUrl: hookUrlOf(deps, connection) }
    const seen = await open.channel.check(context)
    const facts = seen.isHookLost === true ? await open.channel.connect(context) : seen
    await saveConnection(deps.db, { ...connection, state: 'working', problem: undefined, title: facts.title, details: facts.details, warnings: facts.warnings, checkedAt: new Date() })
    deps.connections.forget()
    return { ok: true, message: 'Работает.', facts }
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error
    // A passing trouble does not make a connection broken: the cascade tries it and moves on by itself.
    const isBroken = error.failure.class === 'channelPermanent'
    await saveConnection(deps.db, { ...connection, state: isBroken ? 'broken' : connection.state, problem: error.message, checkedAt: new Date() })
    deps.connections.forget()
    return { ok: false, message: error.message }
  }
}

const opened = async (deps: Deps, portal: PortalId, id: ConnectionId): Promise<OpenConnection> => {
  const open = await deps.connections.byId(portal, id)
  if (open === undefined) throw new AppError('NOT_FOUND', 'Этого подключения уже нет: обновите страницу.')
  return open
}

/** "Send a test to me": one neutral message outside any cascade. */
export const sendTest = async (deps: Deps, portal: PortalId, id: ConnectionId, to: string): Promise<{ ok: boolean; message: string }> => {
  const open = await opened(deps, portal, id)
  const address = addressOf(open.channel, to)
  if (await isHeldByOther(deps, open)) {
    const now = deps.clock.now()
    await deps.db.transaction().execute(async (trx) => {
      await put(trx, [sayLater(portal, id, { what: 'test', sealed: deps.secrets.seal(JSON.stringify({ to: address })) }, now)])
      await ring(trx, 'channel')
    })
    return { ok: true, message: 'Поставлено в очередь: через несколько секунд посмотрите на телефон.' }
  }
  try {
    const number = 1 + (randomBytes(4).readUInt32BE() % 2_000_000_000)
    await open.channel.send({ ref: `test.${v7(Date.now())}`, number, to: address, text: patientWords.test }, { credentials: open.credentials, http: deps.http, signal: callSignal(deps), session: deps.sessions.of(id) })
    return { ok: true, message: 'Отправлено: посмотрите на телефон.' }
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error
    return { ok: false, message: error.message }
  }
}

/** @throws AppError FORM_INVALID with how to write it */
const addressOf = ({ addressedBy }: Channel, to: string): string => {
  const address = addressedBy === 'phone' ? normalizePhone(to) : addressedBy === 'email' ? normalizeEmail(to) : to
  if (address !== undefined) return address
  if (addressedBy === 'email') throw new AppError('FORM_INVALID', 'Это не похоже на адрес почты: напишите его в виде имя@домен.', { fields: { to: 'Напишите адрес в виде имя@домен.' } })
  throw new AppError('FORM_INVALID', 'Это не похоже на номер телефона: напишите его в виде +7 и десять цифр.', { fields: { to: 'Напишите номер в виде +7 и десять цифр.' } })
}

/** Another process holds the session through which this connection sends: the vendor would not take a second one. */
const isHeldByOther = async (deps: Deps, open: OpenConnection): Promise<boolean> =>
  isElsewhere(deps, open) && (await isSpokenFor(deps.db, sessionKey(open.connection.portalId, open.connection.id)))

/** The latest chats of a bot, so that an administrator who has just written to it can be chosen for a test. */
export const chatsOf = async (deps: Deps, portal: PortalId, id: ConnectionId): Promise<readonly { id: string; name: string; at: Date }[]> => {
  await existing(deps.db, portal, id)
  return recentChats(deps.db, portal, id, 10)
}
