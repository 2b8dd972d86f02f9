import { type Channel } from '../channels/channel.ts'
import { findConnection, findConnectionByHook, type Connection } from '../db/connections.ts'
import { type Db } from '../db/database.ts'
import { type Secrets } from '../db/secrets.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'

/** A connection with its channel and its credentials in the clear: lives in memory only. */
export interface OpenConnection {
  readonly connection: Connection
  readonly channel: Channel
  readonly credentials: unknown
}

/** Whether an accepted message says that the connection works: a vendor that keeps what it cannot send accepts everything (F01). */
export const isProvedBySend = ({ channel }: OpenConnection): boolean => channel.withdraw === undefined

/** Whether a step may be tried here. A broken connection may have been repaired, which a try shows - where a try shows anything. */
export const isUsable = (open: OpenConnection): boolean => open.connection.state === 'working' || (open.connection.state === 'broken' && isProvedBySend(open))

/**
 * Opens connections for sends and webhooks, remembering them for a few seconds: a webhook must not cost a query and a decryption each.
 * A change made by another process is seen after at most that time; `forget` makes it seen here at once.
 */
export interface Connections {
  byId(portal: PortalId, id: ConnectionId): Promise<OpenConnection | undefined>
  byHook(channel: string, hookKey: string): Promise<OpenConnection | undefined>
  forget(): void
}

const rememberedMs = 3_000
const mostRemembered = 10_000

export const createConnections = (db: Db, secrets: Secrets, channelById: (id: string) => Channel | undefined): Connections => {
  const remembered = new Map<string, { at: number; value: Promise<OpenConnection | undefined> }>()
  const open = (connection: Connection | undefined): OpenConnection | undefined => {
    const channel = connection === undefined ? undefined : channelById(connection.channel)
    if (connection === undefined || channel === undefined) return undefined
    return { connection, channel, credentials: channel.parseCredentials(JSON.parse(secrets.open(connection.sealedCredentials))) }
  }
  const remember = async (key: string, load: () => Promise<Connection | undefined>): Promise<OpenConnection | undefined> => {
    const known = remembered.get(key)
    if (known !== undefined && Date.now() - known.at < rememberedMs) return known.value
    if (remembered.size > mostRemembered) remembered.clear()
    const value = load().then(open)
    remembered.set(key, { at: Date.now(), value })
    value.catch(() => remembered.delete(key))
    return value
  }
  return {
    byId: (portal, id) => remember(`${portal} ${id}`, () => findConnection(db, portal, id)),
    byHook: (channel, hookKey) => remember(`hook ${channel} ${hookKey}`, () => findConnectionByHook(db, channel, hookKey)),
    forget: () => remembered.clear(),
  }
}
