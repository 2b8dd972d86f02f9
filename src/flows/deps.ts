import { type Config } from '../config.ts'
import { type Clock } from '../clock.ts'
import { type Log } from '../log.ts'
import { type Db } from '../db/database.ts'
import { type Secrets } from '../db/secrets.ts'
import { type Queue } from '../queue/boss.ts'
import { type Http } from '../channels/http.ts'
import { type Channel } from '../channels/channel.ts'
import { type OAuth } from '../bitrix/oauth.ts'
import { type PortalClient } from '../bitrix/client.ts'
import { type PortalId } from '../domain/ids.ts'
import { type Connections } from './open-connection.ts'
import { type Metrics } from './metrics.ts'
import { type OpenSessions } from './keep-sessions.ts'

/** What every flow works with; built once in app.ts, replaced piece by piece in tests. */
export interface Deps {
  readonly config: Config
  readonly db: Db
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Log
  readonly queue: Queue
  readonly http: Http
  readonly oauth: OAuth
  readonly metrics: Metrics
  readonly channelById: (id: string) => Channel | undefined
  readonly connections: Connections
  /** What this process holds of the vendors that want a session. */
  readonly sessions: OpenSessions
  readonly portalClient: (portal: PortalId) => PortalClient
  /** Address under which the outer world reaches us; known once the server listens. */
  readonly publicUrl: () => string
  /** Aborted when the process stops: outgoing calls end with it. */
  readonly stopping: AbortSignal
}

/** Ends a call to the outside when the process stops, or when `times` the longest wait for one answer is over. */
export const callSignal = ({ config, stopping }: Pick<Deps, 'config' | 'stopping'>, times = 1): AbortSignal =>
  AbortSignal.any([stopping, AbortSignal.timeout(config.requestTimeoutSeconds * 1000 * times)])
