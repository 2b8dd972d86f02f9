import { type Db } from '../db/database.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type TransferLink } from './protocol.ts'
import { type TakeWebhook } from './report.ts'
import { type Site, type Visitor } from './store.ts'

/** A connection with its credentials in the clear. */
export interface SiteConnection {
  readonly connection: { readonly portalId: PortalId; readonly id: ConnectionId; readonly channel: string; readonly hookKey: string; readonly state: string }
  readonly credentials: unknown
}

export interface SiteConnections {
  byId(portal: PortalId, id: ConnectionId): Promise<SiteConnection | undefined>
  byHook(channel: string, hookKey: string): Promise<SiteConnection | undefined>
}

/** What the chat's server is given: everything it knows of the application. */
export interface SiteChatParts {
  readonly db: Db
  readonly connections: SiteConnections
  /** Signs visitors' tokens; the same in every process. */
  readonly tokenKey: Buffer
  readonly takeWebhook: TakeWebhook
  /** Address under which visitors' browsers reach us. */
  readonly publicUrl: () => string
  /** Moments of messages. Limits and signatures go by real time. */
  readonly now: () => number
  readonly transfer: {
    /** Whether the clinic has a messenger to go on in. */
    isPossible(site: Site): Promise<boolean>
    /** One-time links by which this visitor goes on there. */
    linksFor(visitor: Visitor): Promise<readonly TransferLink[]>
  }
  /** A trouble in the background, which no request can be answered with. */
  readonly onError: (error: unknown) => void
}
