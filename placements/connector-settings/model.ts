/** Decisions of the connector's page: which connection is meant, what the one next thing to do is. Pure. */
import type { ConnectorView } from '../../src/http/patient-schemas.ts'

export type Choice = ConnectorView['connections'][number]

/** The connector of "one chat per patient" speaks for all connections and has none of its own. */
export const needsConnection = ({ channel }: Pick<ConnectorView, 'channel'>): boolean => channel !== undefined

/** The one chosen by hand while it is there, else the line's own, else the only free one; nothing is guessed among several. */
export const chosenOf = (view: Pick<ConnectorView, 'connections' | 'connectionId'>, byHand: string | undefined): Choice | undefined => {
  const find = (id: string | undefined) => (id === undefined ? undefined : view.connections.find((connection) => connection.id === id))
  const free = view.connections.filter(({ lineName }) => lineName === undefined)
  return find(byHand) ?? find(view.connectionId) ?? (free.length === 1 ? free[0] : undefined)
}

/**
 * `add` - the channel has no connection yet; `choose` - several, none chosen; `activate`; `change` - it works, but with another
 * connection than the chosen one; `repair` - switched on, and something is wrong; `done` - nothing is left to do.
 */
export type Next = 'add' | 'choose' | 'activate' | 'change' | 'repair' | 'done'

export const nextOf = (view: ConnectorView, chosen: Choice | undefined): Next => {
  if (needsConnection(view)) {
    if (view.connections.length === 0) return 'add'
    if (chosen === undefined) return 'choose'
  }
  if (view.status === 'inactive') return 'activate'
  if (chosen !== undefined && chosen.id !== view.connectionId) return 'change'
  return isWell(view, chosen) ? 'done' : 'repair'
}

/** Only when the portal, the line and the connection are all in order is it called working. */
export const isWell = (view: ConnectorView, chosen: Choice | undefined): boolean =>
  view.status === 'active' && view.problems.length === 0 && view.line.isActive && (!needsConnection(view) || (chosen?.state === 'working' && chosen.id === view.connectionId))

/** The chosen connection speaks on another line now: that line would fall silent. */
export const takenFrom = (view: Pick<ConnectorView, 'connectionId'>, chosen: Choice | undefined): string | undefined => (chosen?.id === view.connectionId ? undefined : chosen?.lineName)

/** How the patient is reached decides what to try: a bot is written to, a number too, the site is opened. */
export const trialOf = (channel: string | undefined): 'all' | 'site' | 'bot' | 'number' => {
  if (channel === undefined) return 'all'
  if (channel.startsWith('site')) return 'site'
  return channel.startsWith('telegram') || channel.startsWith('max') ? 'bot' : 'number'
}
