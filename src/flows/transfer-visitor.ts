import { randomBytes } from 'node:crypto'
import { listConnections } from '../db/connections.ts'
import { findIdentity } from '../db/identities.ts'
import { logIdentity, saveStartLink, type StartLinkOwner } from '../db/introductions.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Deps } from './deps.ts'

/** A link by which somebody goes on in a messenger. */
export interface MessengerLink {
  readonly channel: string
  readonly title: string
  readonly url: string
}

/** A link is tapped at once or not at all. */
const lifeMs = 3600_000

/**
 * One-time links into every working bot of the clinic for whoever writes in this chat: the talk goes on there, and who is known here is
 * known there. Empty for a chat in which nothing was written yet.
 */
export const transferLinks = async (deps: Deps, chat: { portalId: PortalId; connectionId: ConnectionId; externalId: string }): Promise<readonly MessengerLink[]> => {
  const identity = await findIdentity(deps.db, chat)
  if (identity === undefined) return []
  const owner: StartLinkOwner = identity.contactId === undefined ? { fromIdentity: identity.number } : { contactId: identity.contactId }
  const links: MessengerLink[] = []
  for (const connection of await listConnections(deps.db, chat.portalId)) {
    const open = connection.state === 'working' && connection.id !== chat.connectionId ? await deps.connections.byId(chat.portalId, connection.id) : undefined
    const token = randomBytes(16).toString('base64url')
    const url = open?.channel.startLink?.(token, { title: connection.title, credentials: open.credentials })
    if (open === undefined || url === undefined) continue
    await saveStartLink(deps.db, { portalId: chat.portalId, token, connectionId: connection.id, ...owner, madeBy: 'patient', expiresAt: new Date(deps.clock.now() + lifeMs) })
    links.push({ channel: connection.channel, title: open.channel.title.ru, url })
  }
  if (links.length > 0) await logIdentity(deps.db, chat.portalId, { identity: identity.number, contactId: identity.contactId, what: 'linkMade', by: 'patient' })
  return links
}
