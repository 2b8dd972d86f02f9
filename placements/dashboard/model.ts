/** Decisions of the application page as a whole. Pure. */
import type { Overview } from '../../src/http/schemas.ts'

export const tabs = ['connections', 'routes', 'today'] as const
export type Tab = (typeof tabs)[number]

/** Where a person is needed first: no connection, then no route, else what is going on today. */
export const firstTab = (overview: Pick<Overview, 'connections' | 'routes'>): Tab =>
  overview.connections.length === 0 ? 'connections' : overview.routes.length === 0 ? 'routes' : 'today'

export const brokenCount = (overview: Pick<Overview, 'connections'>): number => overview.connections.filter(({ state }) => state === 'broken').length

export const upsert = <T extends { readonly id: string }>(items: readonly T[], item: T): readonly T[] =>
  items.some(({ id }) => id === item.id) ? items.map((other) => (other.id === item.id ? item : other)) : [...items, item]
