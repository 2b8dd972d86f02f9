import { randomBytes } from 'node:crypto'
import { listConnections } from '../db/connections.ts'
import { findIdentity } from '../db/identities.ts'
import { logIdentity, saveStartLink, type StartLinkOwner } from '../db/introductions.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Deps } from './deps.ts'
import { type OpenConnection } from './open-connection.ts'

/** A link by which somebody goes on in a messenger. */
export interface MessengerLink {
  readonly channel: string
  readonly title: string
  readonly url: string
}

interface SiteChat {
  readonly portalId: PortalId
  readonly connectionId: ConnectionId
}

/** The working messengers of the clinic that a link can open. */
const openable = async (deps: Deps, chat: SiteChat): Promise<readonly OpenConnection[]> => {
  const working = (await listConnections(deps.db, chat.portalId)).filter(({ id, state }) => state === 'working' && id !== chat.connectionId)
  const open = await Promise.all(working.map(({ id }) => deps.connections.byId(chat.portalId, id)))
  return open.filter((one) => one?.channel.startLink?.('start', { title: one.connection.title, credentials: one.credentials }) !== undefined) as readonly OpenConnection[]
}

/** Whether there is any messenger to go on in. */
export const canTransfer = async (deps: Deps, chat: SiteChat): Promise<boolean> => (await openable(deps, chat)).length > 0

/** A link is tapped at once or not at all. */
const lifeMs = 3600_000

/**
 * One-time links into every working bot of the clinic for whoever writes in this chat: the talk goes on there, and who is known here is
 * known there. Empty for a chat in which nothing was written yet.
 */
export const transferLinks = async (deps: Deps, chat: SiteChat & { readonly externalId: string }): Promise<readonly MessengerLink[]> => {
  const identity = await findIdentity(deps.db, chat)
  if (identity === undefined) return []
  const owner: StartLinkOwner = identity.contactId === undefined ? { fromIdentity: identity.number } : { contactId: identity.contactId }
  const links: MessengerLink[] = []
  for (const { channel, connection, credentials } of await openable(deps, chat)) {
    const token = randomBytes(16).toString('base64url')
    const url = channel.startLink?.(token, { title: connection.title, credentials })
    if (url === undefined) continue
    await saveStartLink(deps.db, { portalId: chat.portalId, token, connectionId: connection.id, ...owner, madeBy: 'patient', expiresAt: new Date(deps.clock.now() + lifeMs) })
    links.push({ channel: connection.channel, title: channel.title.ru, url })
  }
  if (links.length > 0) await logIdentity(deps.db, chat.portalId, { identity: identity.number, contactId: identity.contactId, what: 'linkMade', by: 'patient' })
  return links
}
