import { type Channel, type Localized } from '../channels/channel.ts'
import { listConnections, listRoutes, type Connection, type StoredRoute } from '../db/connections.ts'
import { recentDeliveries } from '../db/deliveries.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { bestAttempt, openAttempt } from '../domain/cascade.ts'
import { type Delivery } from '../domain/delivery.ts'
import { type PortalId } from '../domain/ids.ts'
import { type Proof } from '../domain/receipt.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'
import { hookUrlOf } from './connect-channel.ts'

/** A connection as its settings page may see it: secrets are only named. */
export interface ShownConnection {
  readonly connection: Connection
  readonly values: Readonly<Record<string, string>>
  readonly secretsSet: readonly string[]
  readonly hookUrl: string
  /** Of a channel that opens pages. */
  readonly miniAppUrl: string | undefined
}

export interface ShownDelivery {
  readonly delivery: Delivery
  /** Title of the channel that reached the patient, or that is being tried. */
  readonly channel: string | undefined
  readonly proof: Proof | undefined
}

const shownDeliveries = 50

export const getPortal = async (deps: Deps, id: PortalId): Promise<Portal> => {
  const portal = await findPortal(deps.db, id)
  if (portal === undefined) throw new AppError('NOT_FOUND', 'Портал не установлен: установите приложение заново.')
  return portal
}

export const showConnection = (deps: Deps, connection: Connection): ShownConnection => {
  const channel: Channel | undefined = deps.channelById(connection.channel)
  const stored = JSON.parse(deps.secrets.open(connection.sealedCredentials)) as Record<string, string>
  const secrets = new Set(channel?.fields.filter((field) => field.secret).map((field) => field.name))
  return {
    connection,
    values: Object.fromEntries(Object.entries(stored).filter(([name]) => !secrets.has(name))),
    secretsSet: Object.keys(stored).filter((name) => secrets.has(name)),
    hookUrl: hookUrlOf(deps, connection),
    miniAppUrl: channel?.miniApp === undefined ? undefined : `${deps.publicUrl()}/mini-app/${connection.id}`,
  }
}

const familyOf = (channel: Channel | undefined): Localized | undefined => channel?.family ?? channel?.title

/** Everything that the application's page shows of one portal. */
export const readSettings = async (
  deps: Deps,
  id: PortalId,
): Promise<{ portal: Portal; connections: readonly ShownConnection[]; routes: readonly StoredRoute[]; deliveries: readonly ShownDelivery[] }> => {
  const portal = await getPortal(deps, id)
  const connections = await listConnections(deps.db, id)
  const channelOf = new Map(connections.map((connection) => [connection.id, deps.channelById(connection.channel)]))
  const deliveries = await recentDeliveries(deps.db, id, shownDeliveries)
  return {
    portal,
    connections: connections.map((connection) => showConnection(deps, connection)),
    routes: await listRoutes(deps.db, id),
    deliveries: deliveries.map((delivery) => {
      const attempt = delivery.status === 'running' ? (openAttempt(delivery) ?? bestAttempt(delivery)) : bestAttempt(delivery)
      return { delivery, channel: attempt === undefined ? undefined : familyOf(channelOf.get(attempt.connectionId))?.[portal.language], proof: attempt?.proof }
    }),
  }
}
