import { lifecycleOf, type IncomingAuth } from '../bitrix/incoming.ts'
import { type InboxRow } from '../db/inbox.ts'
import { listConnections } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { bestToken, deletePortal, deleteTokens, findPortal, updatePortal } from '../db/portals.ts'
import { isSameSecret } from '../db/secrets.ts'
import { deliveryId, portalId } from '../domain/ids.ts'
import { messageOf } from '../errors.ts'
import { z } from 'zod'
import { advanceDeliveries } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'
import { acceptInstallation, registerEverything } from './install-portal.ts'
import { hookUrlOf } from './connect-channel.ts'

const EventBody = z.looseObject({ event: z.string(), data: z.unknown().optional() })

/**
 * The application's own life in a portal: installed without pages, updated (which wiped events and robots), uninstalled.
 *
 * An uninstall stops what is running and forgets the tokens; with "delete data" everything of the portal goes. An event of an earlier
 * installation never gets here: its application token is not the stored one.
 */
export const takeLifecycleEvent = async (deps: Deps, trx: Trx, row: InboxRow): Promise<void> => {
  const body = EventBody.parse(JSON.parse(row.body.toString('utf8')))
  const lifecycle = lifecycleOf({ name: body.event.toUpperCase(), data: body.data })
  if (lifecycle === undefined) return
  if (lifecycle.kind !== 'uninstalled') {
    if (row.sealed === null) {
      // Proved by the application token and brings no tokens: the pages have installed already, the registrations are looked over.
      const token = await bestToken(trx, portalId(row.portal_id!))
      if (token !== undefined) await registerEverything(deps, portalId(row.portal_id!), token.userId)
      return
    }
    const auth = JSON.parse(deps.secrets.open(row.sealed)) as IncomingAuth
    const language = lifecycle.language === undefined ? undefined : lifecycle.language === 'ru' ? 'ru' : 'en'
    // A refresh token proves itself once: a repetition after a crash finds the installation written and only repairs the registrations.
    const known = await findPortal(trx, portalId(auth.memberId))
    const isWritten = known?.state === 'installed' && isSameSecret(deps.secrets.open(known.sealedApplicationToken), auth.applicationToken ?? '')
    const installed = isWritten ? { portal: known.id, userId: auth.userId ?? '1' } : await acceptInstallation(deps, auth, { language, version: lifecycle.version })
    await registerEverything(deps, installed.portal, installed.userId)
    return
  }
  const portal = portalId(row.portal_id!)
  const running = await trx.selectFrom('deliveries').select('delivery_id').where('portal_id', '=', portal).where('status', '=', 'running').execute()
  await advanceDeliveries(deps, trx, running.map((delivery) => ({ portalId: portal, deliveryId: deliveryId(delivery.delivery_id), event: { type: 'stopped', reason: 'appRemoved', at: deps.clock.now() } })))
  await updatePortal(trx, portal, { state: 'uninstalled' })
  await deleteTokens(trx, portal)
  if (lifecycle.clean) {
    await silenceConnections(deps, trx, portal)
    await deletePortal(trx, portal)
  }
  deps.connections.forget()
}

/** Vendors stop sending to addresses that will not exist any more; one that cannot be asked does not hold up the deletion. */
const silenceConnections = async (deps: Deps, trx: Trx, portal: ReturnType<typeof portalId>): Promise<void> => {
  for (const connection of await listConnections(trx, portal)) {
    const open = await deps.connections.byId(portal, connection.id)
    if (open === undefined) continue
    const signal = AbortSignal.any([deps.stopping, AbortSignal.timeout(5_000)])
    await open.channel.disconnect({ credentials: open.credentials, http: deps.http, signal, hookUrl: hookUrlOf(deps, connection) }).catch((error: unknown) => {
      deps.log.warn({ channel: connection.channel, reason: messageOf(error) }, 'a webhook could not be taken away')
    })
  }
}
