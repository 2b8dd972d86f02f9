import { pauseBudget, takeBudgets } from '../db/budgets.ts'
import { type Db } from '../db/database.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'

/** Something that is to leave through a connection. `perSecond` is its channel's rate; undefined: a connection that is gone has none. */
export interface Wish<Item> {
  readonly item: Item
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
  readonly perSecond: number | undefined
}

/** Sooner there is no sense in asking again. */
const leastWaitMs = 50

const bucketOf = (portal: PortalId, connection: ConnectionId): string => `connection ${portal} ${connection}`

/** What may leave now, in its order, and what has to wait and how long: notifications and conversations share a connection's rate. */
export const withinRate = async <Item>(db: Db, wishes: readonly Wish<Item>[]): Promise<{ allowed: readonly Item[]; later: readonly { item: Item; waitMs: number }[] }> => {
  const groups = Map.groupBy(wishes, ({ portalId, connectionId }) => bucketOf(portalId, connectionId))
  const grants = await takeBudgets(
    db,
    [...groups].flatMap(([key, group]) => {
      const perSecond = group[0]!.perSecond
      return perSecond === undefined ? [] : [{ key, shape: { burst: perSecond, perSecond }, wanted: group.length }]
    }),
  )
  const allowed: Item[] = []
  const later: { item: Item; waitMs: number }[] = []
  for (const [key, group] of groups) {
    const { granted, waitMs } = grants.get(key) ?? { granted: group.length, waitMs: 0 }
    allowed.push(...group.slice(0, granted).map(({ item }) => item))
    later.push(...group.slice(granted).map(({ item }) => ({ item, waitMs: Math.max(waitMs, leastWaitMs) })))
  }
  return { allowed, later }
}

/** The vendor asked for silence: nothing leaves through the connection before `until`, epoch ms of the real clock. */
export const pauseConnection = async (db: Db, portal: PortalId, connection: ConnectionId, until: number): Promise<void> => pauseBudget(db, bucketOf(portal, connection), until)
