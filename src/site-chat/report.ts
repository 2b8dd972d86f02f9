import { type Db } from '../db/database.ts'
import { signHook } from './keys.ts'
import { readSettings } from './settings.ts'
import { removeHooks, untoldVisitors, waitingHooks, type Visitor } from './store.ts'
import { type SiteConnections } from './parts.ts'

/** A webhook as the application takes it. */
export interface HookRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** The application's door for webhooks of this channel: resolves when the request is kept, to undefined when there is no such connection. */
export type TakeWebhook = (hookKey: string, request: HookRequest) => Promise<unknown>

/**
 * Tells the application what a visitor did: everything that waits, in the order in which it happened. A webhook that was taken but not crossed
 * out comes again with the same bytes, which the application's inbox knows; so two processes that tell the same news do no harm, and their
 * order holds.
 */
export type Report = (visitor: Visitor) => Promise<void>

/** Tells the application at once what is of no use later: it is not kept, and lost when the application is away. */
export const createWhisper =
  (connections: SiteConnections, takeWebhook: TakeWebhook) =>
  async ({ site }: Visitor, told: Readonly<Record<string, unknown>>): Promise<void> => {
    const known = await connections.byId(site.portalId, site.connectionId)
    if (known !== undefined) await takeWebhook(known.connection.hookKey, signed(known.credentials, JSON.stringify(told))).catch(() => undefined)
  }

const signed = (credentials: unknown, body: string): HookRequest => {
  const bytes = Buffer.from(body)
  return { method: 'POST', headers: { 'content-type': 'application/json', 'x-site-signature': signHook(readSettings(credentials).secret, bytes) }, query: {}, body: bytes }
}

export const createReport =
  (db: Db, connections: SiteConnections, takeWebhook: TakeWebhook): Report =>
  async (visitor) => {
    const { site } = visitor
    const known = await connections.byId(site.portalId, site.connectionId)
    // The door checks the signature by what it finds under the hook's key, so the secret is taken from there as well.
    const open = known === undefined ? undefined : await connections.byHook('site', known.connection.hookKey)
    for (;;) {
      const hooks = await waitingHooks(db, visitor)
      if (hooks.length === 0) return
      for (const { body } of open === undefined ? [] : hooks) await takeWebhook(open!.connection.hookKey, signed(open!.credentials, body))
      await removeHooks(db, visitor, hooks.map(({ id }) => id))
    }
  }

const untoldSeconds = 10

/** Tells what a process that died has left untold. */
export const reportForgotten = async (db: Db, report: Report): Promise<void> => {
  for (const visitor of await untoldVisitors(db, untoldSeconds)) await report(visitor)
}
