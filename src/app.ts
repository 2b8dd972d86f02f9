import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import { type FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { createHttp } from './channels/http.ts'
import { channelById } from './channels/registry.ts'
import { withOwnAddress } from './channels/site/own-address.ts'
import { createOAuth } from './bitrix/oauth.ts'
import { fileClock, systemClock, type Clock } from './clock.ts'
import { type Config } from './config.ts'
import { createDatabase, requireServer, type DatabaseConnection } from './db/database.ts'
import { startEmbedded } from './db/embedded.ts'
import { record } from './db/inbox.ts'
import { migrateToLatest } from './db/migrate.ts'
import { createSecrets, deriveKey } from './db/secrets.ts'
import { keepPresence } from './flows/catch-up.ts'
import { type Deps } from './flows/deps.ts'
import { createSessionBook } from './flows/keep-sessions.ts'
import { createMetrics } from './flows/metrics.ts'
import { createPageOpener } from './flows/open-page.ts'
import { createConnections } from './flows/open-connection.ts'
import { createPortalClients } from './flows/portal-clients.ts'
import { createInboxWriter, createKnownPortals, createReceiver } from './flows/receive.ts'
import { canTransfer, transferLinks } from './flows/transfer-visitor.ts'
import { createServer } from './http/server.ts'
import { createSessions } from './http/portal-session.ts'
import { type Log } from './log.ts'
import { openQueue } from './queue/boss.ts'
import { startLoop } from './queue/loop.ts'
import { AppError, messageOf } from './errors.ts'
import { startWorkers } from './workers.ts'

export interface App {
  readonly deps: Deps
  readonly server: FastifyInstance
  /** Where the server listens, `http://127.0.0.1:3000`; undefined for ROLE=worker. */
  readonly origin: string | undefined
  /** Takes no new work, finishes what is in hand, closes everything. Safe to call twice. */
  stop(): Promise<void>
}

/** Calls that are still out when the process stops get this long; then they are cut and their outcome counts as unknown. */
const drainMs = 5_000
const presenceMs = 1_000

/** The composition root: the only file that knows everything. */
export const startApp = async (config: Config, log: Log, replace: { clock?: Clock } = {}): Promise<App> => {
  const embedded = config.databaseUrl === undefined ? await startEmbedded({ dataDir: path.join(config.dataDir, 'postgres') }) : undefined
  const connection: DatabaseConnection = embedded?.connection ?? { connectionString: config.databaseUrl! }
  const { db, pool } = createDatabase(connection, { poolSize: config.databasePool, onIdleError: (error) => log.warn({ code: 'DATABASE_LOST', reason: messageOf(error) }, 'a database connection broke') })
  await requireServer(pool)
  await migrateToLatest(db)
  const clock = replace.clock ?? (config.clockFile === undefined ? systemClock : fileClock(config.clockFile))
  const stopping = new AbortController()
  const secrets = createSecrets(config.secret)
  const metrics = createMetrics()
  const oauth = createOAuth({ clientId: config.bitrix.clientId, clientSecret: config.bitrix.clientSecret, servers: config.bitrix.oauthUrls, clock })
  const queue = await openQueue({ connection, isWorker: config.role !== 'web', onError: (error) => log.error({ code: 'QUEUE_ERROR', reason: messageOf(error) }, 'the job queue reported an error') })
  const sessions = createSessionBook()
  let origin: string | undefined
  const deps: Deps = {
    config,
    db,
    secrets,
    clock,
    log,
    queue,
    oauth,
    metrics,
    channelById,
    http: withOwnAddress(createHttp(), () => deps.publicUrl()),
    connections: createConnections(db, secrets, channelById),
    sessions,
    portalClient: createPortalClients({ db, secrets, oauth, clock, log, metrics, stopping: stopping.signal }),
    publicUrl: () => config.publicUrl ?? origin ?? `http://${config.host}:${config.port}`,
    stopping: stopping.signal,
  }
  const writer = createInboxWriter((entries) => record(pool, entries))
  const receiver = createReceiver(deps, writer, createKnownPortals(db, (sealed) => secrets.open(sealed)))
  const server = await createServer({
    deps,
    receiver,
    siteChat: {
      db,
      connections: deps.connections,
      tokenKey: deriveKey(config.secret, 'site chat visitors'),
      takeWebhook: (hookKey, request) => receiver.webhook('site', hookKey, request),
      publicUrl: deps.publicUrl,
      now: () => clock.now(),
      transfer: {
        isPossible: (site) => canTransfer(deps, site),
        linksFor: ({ site, id }) => transferLinks(deps, { portalId: site.portalId, connectionId: site.connectionId, externalId: id }),
      },
      onError: (error) => log.warn({ code: 'SITE_CHAT_FAILED', reason: messageOf(error) }, 'the chat on the site has trouble in the background'),
    },
    pageOpener: createPageOpener(deps),
    sessions: createSessions(deriveKey(config.secret, 'sessions'), Date.now),
    pagesFolder: path.resolve(import.meta.dirname, '../dist/pages'),
    isReady: async () => {
      if (stopping.signal.aborted) return 'stopping'
      return sql`select 1`.execute(db).then(() => undefined, () => 'database')
    },
  })
  if (config.role !== 'worker') origin = await server.listen({ host: config.host, port: config.port }).catch((cause: unknown) => refuseAddress(cause))
  // Whoever listens to the portals says that somebody does; after a silence the dialogues are looked through for what was missed.
  const presence =
    config.role === 'worker'
      ? undefined
      : startLoop({ work: () => keepPresence(deps), idleMs: presenceMs, onError: (error) => log.warn({ code: 'PRESENCE_FAILED', reason: messageOf(error) }, 'presence could not be noted') })
  const workers = config.role === 'web' ? undefined : await startWorkers(deps, connection, { book: sessions, writer })
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    // Requests in hand are answered; a connection that was opened ahead of need and never asked anything holds nobody up.
    const closing = server.close()
    const lastCall = setTimeout(() => server.server.closeAllConnections(), drainMs)
    await closing
    clearTimeout(lastCall)
    await presence?.stop()
    const cut = new AbortController()
    void sleep(drainMs, undefined, { signal: cut.signal }).then(() => stopping.abort(), () => undefined)
    await workers?.stop()
    cut.abort()
    await queue.stop()
    stopping.abort()
    clock.stop()
    await db.destroy()
    await embedded?.stop()
  }
  return { deps, server, origin, stop: () => (stopped ??= stop()) }
}

const refuseAddress = (cause: unknown): never => {
  const code = (cause as { code?: unknown }).code
  if (code === 'EADDRINUSE') throw new AppError('CONFIG_INVALID', 'The setting PORT names a port that another program uses: choose another one, or 0 for any free one.', { cause })
  if (code === 'EACCES') throw new AppError('CONFIG_INVALID', 'The setting PORT names a port that this user may not open: choose one above 1023.', { cause })
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') throw new AppError('CONFIG_INVALID', 'The setting HOST is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for all.', { cause })
  throw cause
}
