/** Connections (one bot, one number) and routes of a portal. Credentials are sealed by the caller. */
import { sql, type Selectable } from 'kysely'
import { connectionId, portalId, routeId, type ConnectionId, type PortalId, type RouteId } from '../domain/ids.ts'
import { type Route, type RouteStep } from '../domain/route.ts'
import { type Db, type Trx } from './database.ts'
import { type Connections, type Routes } from './schema.ts'

export interface Connection {
  readonly portalId: PortalId
  readonly id: ConnectionId
  readonly channel: string
  readonly name: string
  readonly state: 'working' | 'broken' | 'off'
  readonly problem: string | undefined
  readonly sealedCredentials: string
  readonly hookKey: string
  readonly title: string
  readonly details: unknown
  readonly checkedAt: Date | undefined
  /** Sentences in both languages; absent: none. */
  readonly warnings?: unknown
}

export const listConnections = async (db: Db | Trx, portal: PortalId): Promise<readonly Connection[]> =>
  (await db.selectFrom('connections').selectAll().where('portal_id', '=', portal).orderBy('created_at').execute()).map(toConnection)

export const findConnection = async (db: Db | Trx, portal: PortalId, id: ConnectionId): Promise<Connection | undefined> => {
  const row = await db.selectFrom('connections').selectAll().where('portal_id', '=', portal).where('connection_id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toConnection(row)
}

/** Of these channels, the connections that are in use: switched on, in a portal that has the application. */
export const connectionsOfChannels = async (db: Db, channels: readonly string[]): Promise<readonly Connection[]> => {
  if (channels.length === 0) return []
  const rows = await db
    .selectFrom('connections').innerJoin('portals', 'portals.portal_id', 'connections.portal_id').selectAll('connections')
    .where('connections.channel', 'in', channels).where('connections.state', '<>', 'off').where('portals.state', '=', 'installed').execute()
  return rows.map(toConnection)
}

/** The only query that does not name its portal: the unguessable key in a webhook's address stands for portal and connection. */
export const findConnectionByHook = async (db: Db, channel: string, hookKey: string): Promise<Connection | undefined> => {
  const row = await db.selectFrom('connections').selectAll().where('hook_key', '=', hookKey).where('channel', '=', channel).executeTakeFirst()
  return row === undefined ? undefined : toConnection(row)
}

export const saveConnection = async (trx: Db | Trx, connection: Connection): Promise<void> => {
  const values = {
    channel: connection.channel,
    name: connection.name,
    state: connection.state,
    problem: connection.problem ?? null,
    credentials: connection.sealedCredentials,
    hook_key: connection.hookKey,
    title: connection.title,
    details: JSON.stringify(connection.details),
    checked_at: connection.checkedAt ?? null,
    warnings: JSON.stringify(connection.warnings ?? []),
  }
  await trx
    .insertInto('connections')
    .values({ portal_id: connection.portalId, connection_id: connection.id, ...values })
    .onConflict((conflict) => conflict.columns(['portal_id', 'connection_id']).doUpdateSet({ ...values, updated_at: sql`now()` }))
    .execute()
}

/** Notes what a send or a webhook told about the connection itself. */
export const setConnectionState = async (db: Db | Trx, portal: PortalId, id: ConnectionId, state: 'working' | 'broken', problem: string | undefined): Promise<void> => {
  await db
    .updateTable('connections')
    .set({ state, problem: problem ?? null, updated_at: sql`now()` })
    .where('portal_id', '=', portal)
    .where('connection_id', '=', id)
    .where('state', '<>', 'off')
    .where((where) => where.or([where('state', '<>', state), where('problem', 'is distinct from', problem ?? null)]))
    .execute()
}

export const deleteConnection = async (trx: Trx, portal: PortalId, id: ConnectionId): Promise<void> => {
  await trx.deleteFrom('connections').where('portal_id', '=', portal).where('connection_id', '=', id).execute()
}

export interface StoredRoute extends Route {
  readonly isDefault: boolean
}

export const listRoutes = async (db: Db | Trx, portal: PortalId): Promise<readonly StoredRoute[]> =>
  (await db.selectFrom('routes').selectAll().where('portal_id', '=', portal).orderBy('created_at').execute()).map(toRoute)

export const saveRoute = async (trx: Trx, portal: PortalId, route: StoredRoute): Promise<void> => {
  if (route.isDefault) await trx.updateTable('routes').set({ is_default: false }).where('portal_id', '=', portal).where('route_id', '<>', route.id).execute()
  const values = {
    name: route.name,
    is_default: route.isDefault,
    stops_when_deal_moves: route.stopsWhenDealMoves,
    steps: JSON.stringify(route.steps),
  }
  await trx
    .insertInto('routes')
    .values({ portal_id: portal, route_id: route.id, ...values })
    .onConflict((conflict) => conflict.columns(['portal_id', 'route_id']).doUpdateSet({ ...values, updated_at: sql`now()` }))
    .execute()
}

/** @returns whether there was one */
export const deleteRoute = async (trx: Trx, portal: PortalId, id: RouteId): Promise<boolean> => {
  const result = await trx.deleteFrom('routes').where('portal_id', '=', portal).where('route_id', '=', id).executeTakeFirst()
  return result.numDeletedRows > 0n
}

const toConnection = (row: Selectable<Connections>): Connection => ({
  portalId: portalId(row.portal_id),
  id: connectionId(row.connection_id),
  channel: row.channel,
  name: row.name,
  state: row.state,
  problem: row.problem ?? undefined,
  sealedCredentials: row.credentials,
  hookKey: row.hook_key,
  title: row.title,
  details: row.details,
  checkedAt: row.checked_at ?? undefined,
  warnings: row.warnings,
})

const toRoute = (row: Selectable<Routes>): StoredRoute => ({
  id: routeId(row.route_id),
  name: row.name,
  isDefault: row.is_default,
  stopsWhenDealMoves: row.stops_when_deal_moves,
  steps: row.steps as RouteStep[],
})
