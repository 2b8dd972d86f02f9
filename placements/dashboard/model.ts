/** Decisions of the application page as a whole. Pure. */
import type { Overview } from '../../src/http/schemas.ts'

export type Tab = 'connections' | 'routes' | 'conversations' | 'today'

/** How conversations go is for administrators alone: the server tells it to nobody else. */
export const tabsOf = ({ user }: Pick<Overview, 'user'>): readonly Tab[] => (user.isAdmin ? ['connections', 'routes', 'conversations', 'today'] : ['connections', 'routes', 'today'])

/** Where a person is needed first: no connection, then no route, else what is going on today. */
export const firstTab = (overview: Pick<Overview, 'connections' | 'routes'>): Tab =>
  overview.connections.length === 0 ? 'connections' : overview.routes.length === 0 ? 'routes' : 'today'

export const brokenCount = (overview: Pick<Overview, 'connections'>): number => overview.connections.filter(({ state }) => state === 'broken').length

export const upsert = <T extends { readonly id: string }>(items: readonly T[], item: T): readonly T[] =>
  items.some(({ id }) => id === item.id) ? items.map((other) => (other.id === item.id ? item : other)) : [...items, item]
