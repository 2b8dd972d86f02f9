import { ChannelError, type Session } from '../channels/channel.ts'
import { becomeSpeaker, stopSpeaking } from '../db/budgets.ts'
import { connectionsOfChannels, setConnectionState, type Connection } from '../db/connections.ts'
import { ring } from '../db/outbox.ts'
import { loadCursor, saveCursor } from '../db/session-cursors.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { messageOf } from '../errors.ts'
import { callSignal, type Deps } from './deps.ts'
import { type OpenConnection } from './open-connection.ts'
import { arrivalOf, type InboxWriter } from './receive.ts'

/** The sessions that this process holds. */
export interface OpenSessions {
  of(id: ConnectionId): Session | undefined
  /** Connections that can be sent through only where their session is, which is not here. */
  elsewhere(): readonly ConnectionId[]
}

/** The same, as the keeper writes it. */
export interface SessionBook extends OpenSessions {
  readonly held: Map<ConnectionId, Session>
  /** Every connection whose sends leave through its session. */
  setCarriers(ids: readonly ConnectionId[]): void
}

export const createSessionBook = (): SessionBook => {
  const held = new Map<ConnectionId, Session>()
  let carriers: readonly ConnectionId[] = []
  return {
    held,
    of: (id) => held.get(id),
    elsewhere: () => carriers.filter((id) => !held.has(id)),
    setCarriers: (ids) => (carriers = ids),
  }
}

/** Real time. Whoever died is replaced when this is over. */
const leaseMs = 5_000
/** A holder that could not renew its lease lets go this long before another one may take it. */
const marginMs = 1_000
const firstWaitMs = 1_000
const mostWaitMs = 60_000
/** A refusal that only an administrator can mend is not hammered: vendors lock accounts for that. */
const refusedWaitMs = 5 * 60_000

/** A row that was claimed where its session is not is looked at again after this time. */
export const strandedMs = 500

/** Can this connection be sent through only by the process that holds its session, and is that another one? */
export const isElsewhere = (deps: Pick<Deps, 'sessions'>, { channel, connection }: OpenConnection): boolean =>
  channel.session?.carriesSends === true && deps.sessions.of(connection.id) === undefined

/** Whose lease stands for the session of a connection. */
export const sessionKey = (portal: PortalId, id: ConnectionId): string => `session ${portal} ${id}`

interface Keeping {
  readonly connection: Connection
  /** `undefined` while it is being opened, or waits to be. */
  session?: Session
  opening?: Promise<void>
  openAt: number
  failures: number
  lease: NodeJS.Timeout
  isOver: boolean
}

export interface SessionKeeper {
  /** Renews what is held, takes what nobody holds, lets go of what is no longer wanted. Returns 0: there is no work to go on with. */
  look(): Promise<number>
  /** Takes leave of every vendor and gives the leases back. */
  stop(): Promise<void>
}

/**
 * Keeps one session per connection across all processes, by a lease in the database: whoever holds it opens the session, and emits what
 * arrives into the inbox. A holder that dies is followed by another one when its lease is over; a session that ends is opened again,
 * later each time.
 */
export const createSessionKeeper = (deps: Deps, book: SessionBook, writer: InboxWriter, options: { readonly holder: string; readonly channels: readonly string[] }): SessionKeeper => {
  const keepings = new Map<ConnectionId, Keeping>()
  let isStopped = false

  const letGo = async (keeping: Keeping): Promise<void> => {
    keeping.isOver = true
    clearTimeout(keeping.lease)
    const { id, portalId } = keeping.connection
    if (keepings.get(id) === keeping) keepings.delete(id)
    if (book.held.get(id) === keeping.session) book.held.delete(id)
    await keeping.opening
    await keeping.session?.close()
    await stopSpeaking(deps.db, sessionKey(portalId, id), options.holder).catch(() => undefined)
  }

  /** Without the database nobody knows whose the session is: it is closed before another process may open its own. */
  const armLease = (keeping: Keeping): void => {
    clearTimeout(keeping.lease)
    keeping.lease = setTimeout(() => {
      deps.log.warn({ connection: keeping.connection.id }, 'the lease of a session could not be renewed: the session is closed')
      void letGo(keeping)
    }, leaseMs - marginMs)
    keeping.lease.unref()
  }

  const open = async (keeping: Keeping): Promise<void> => {
    const { portalId, id } = keeping.connection
    try {
      const found = await deps.connections.byId(portalId, id)
      if (found?.channel.session === undefined) return
      const signal = callSignal(deps)
      const session = await found.channel.session.open({
        credentials: found.credentials, http: deps.http, signal,
        emit: (request) => writer.write(arrivalOf(keeping.connection, request)),
        cursor: { load: () => loadCursor(deps.db, portalId, id), save: (value) => saveCursor(deps.db, portalId, id, value) },
      })
      keeping.session = session
      const openedAt = Date.now()
      void session.ended.then(() => {
        if (book.held.get(id) === session) book.held.delete(id)
        if (keeping.isOver) return
        keeping.session = undefined
        // One that stood for a while is opened again at once; one that falls at once is not hammered.
        keeping.failures = Date.now() - openedAt > mostWaitMs ? 0 : keeping.failures + 1
        keeping.openAt = Date.now() + waitMs(keeping.failures)
        deps.log.warn({ channel: found.channel.id, connection: id }, 'a session has ended and will be opened again')
      })
      if (keeping.isOver) return
      book.held.set(id, session)
      deps.log.info({ channel: found.channel.id, connection: id }, 'a session is open')
      if (found.connection.state === 'broken') await note(portalId, id, 'working', undefined)
      await ring(deps.db, 'channel')
      await ring(deps.db, 'talk')
    } catch (error) {
      keeping.failures++
      const isRefused = error instanceof ChannelError && error.failure.class === 'channelPermanent'
      keeping.openAt = Date.now() + (isRefused ? refusedWaitMs : waitMs(keeping.failures))
      if (keeping.isOver) return
      deps.log.warn({ connection: id, reason: messageOf(error) }, 'a session could not be opened and will be tried again')
      if (isRefused) await note(portalId, id, 'broken', messageOf(error)).catch(() => undefined)
    }
  }

  const note = async (portal: PortalId, id: ConnectionId, state: 'working' | 'broken', problem: string | undefined): Promise<void> => {
    await setConnectionState(deps.db, portal, id, state, problem)
    deps.connections.forget()
  }

  const keep = async (connection: Connection): Promise<void> => {
    const before = keepings.get(connection.id)
    // Other credentials are another session.
    if (before !== undefined && before.connection.sealedCredentials !== connection.sealedCredentials) {
      deps.connections.forget()
      await letGo(before)
    }
    const isOurs = await becomeSpeaker(deps.db, sessionKey(connection.portalId, connection.id), options.holder, leaseMs)
    const known = keepings.get(connection.id)
    if (!isOurs) {
      if (known !== undefined) await letGo(known)
      return
    }
    const keeping: Keeping = known ?? { connection, openAt: 0, failures: 0, lease: setTimeout(() => undefined, 0), isOver: false }
    keepings.set(connection.id, keeping)
    armLease(keeping)
    if (keeping.session !== undefined || keeping.opening !== undefined || Date.now() < keeping.openAt) return
    // Not waited for: a vendor that is slow to answer holds up no other.
    keeping.opening = open(keeping).finally(() => (keeping.opening = undefined))
  }

  return {
    look: async () => {
      if (isStopped) return 0
      const wanted = await connectionsOfChannels(deps.db, options.channels)
      for (const keeping of [...keepings.values()]) if (!wanted.some(({ id }) => id === keeping.connection.id)) await letGo(keeping)
      for (const connection of wanted) await keep(connection)
      book.setCarriers(wanted.filter((connection) => deps.channelById(connection.channel)?.session?.carriesSends === true).map(({ id }) => id))
      return 0
    },
    stop: async () => {
      isStopped = true
      await Promise.all([...keepings.values()].map(letGo))
    },
  }
}

const waitMs = (failures: number): number => (failures === 0 ? 0 : Math.min(mostWaitMs, firstWaitMs * 2 ** (failures - 1)))
