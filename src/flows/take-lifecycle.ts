import { lifecycleOf, type IncomingAuth, type Lifecycle } from '../bitrix/incoming.ts'
import { type InboxRow } from '../db/inbox.ts'
import { listConnections } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { bestToken, deletePortal, deleteTokens, findPortal, lockPortal, updatePortal } from '../db/portals.ts'
import { isSameSecret } from '../db/secrets.ts'
import { deliveryId, portalId } from '../domain/ids.ts'
import { AppError, messageOf } from '../errors.ts'
import { z } from 'zod'
import { advanceDeliveries } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'
import { acceptInstallation, proveInstallation, registerEverything, type ProvedInstallation } from './install-portal.ts'
import { hookUrlOf } from './connect-channel.ts'
import { proofHeader, proofOf } from './receive.ts'

const EventBody = z.looseObject({ event: z.string(), data: z.unknown().optional() })

/** What is to become of the event's row. */
export type LifecycleOutcome =
  | { readonly then: 'done' }
  | { readonly then: 'setAside'; readonly reason: string }
  /** Try again, with these secrets: those of the event are used up. */
  | { readonly then: 'later'; readonly reason: string; readonly sealed: string }

const done: LifecycleOutcome = { then: 'done' }

/**
 * The application's own life in a portal: installed without pages, updated (which wiped events and robots), uninstalled.
 *
 * An uninstall stops what is running and forgets the tokens; with "delete data" everything of the portal goes. It counts only for the
 * installation that it belongs to: a newer one has another application token.
 */
export const takeLifecycleEvent = async (deps: Deps, trx: Trx, row: InboxRow): Promise<LifecycleOutcome> => {
  const body = EventBody.parse(JSON.parse(row.body.toString('utf8')))
  const lifecycle = lifecycleOf({ name: body.event.toUpperCase(), data: body.data })
  if (lifecycle === undefined) return done
  if (lifecycle.kind === 'uninstalled') return takeUninstall(deps, trx, row, lifecycle.clean)
  if (row.sealed !== null) return takeInstallation(deps, row.sealed, lifecycle)
  // Proved by the application token and brings no tokens: the pages have installed already, the registrations are looked over.
  const token = await bestToken(trx, portalId(row.portal_id!))
  if (token !== undefined) await registerEverything(deps, portalId(row.portal_id!), token.userId)
  return done
}

const takeInstallation = async (deps: Deps, sealed: string, lifecycle: Exclude<Lifecycle, { kind: 'uninstalled' }>): Promise<LifecycleOutcome> => {
  const auth = JSON.parse(deps.secrets.open(sealed)) as IncomingAuth
  const language = lifecycle.language === undefined ? undefined : lifecycle.language === 'ru' ? 'ru' : 'en'
  let proved: ProvedInstallation | undefined
  try {
    // A refresh token proves itself once: a repetition after a crash finds the installation written and only repairs the registrations.
    const known = await findPortal(deps.db, portalId(auth.memberId))
    const isWritten = known?.state === 'installed' && isSameSecret(deps.secrets.open(known.sealedApplicationToken), auth.applicationToken ?? '')
    const token = isWritten ? await bestToken(deps.db, known.id) : undefined
    if (known !== undefined && token !== undefined) {
      await registerEverything(deps, known.id, token.userId)
      return done
    }
    proved = await proveInstallation(deps, auth)
    const { portal, userId } = await acceptInstallation(deps, proved, { language, version: lifecycle.version })
    await registerEverything(deps, portal, userId)
    return done
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    deps.log.warn({ code: error.code, kind: lifecycle.kind }, 'an installation could not be taken')
    // Forged, or of somebody who may not install: asking again changes nothing.
    if (error.code === 'INSTALL_REFUSED') return { then: 'setAside', reason: messageOf(error).slice(0, 200) }
    if (proved === undefined) throw error
    const { accessToken, refreshToken } = proved.token
    return { then: 'later', reason: messageOf(error).slice(0, 200), sealed: deps.secrets.seal(JSON.stringify({ ...auth, accessToken, refreshToken })) }
  }
}

const takeUninstall = async (deps: Deps, trx: Trx, row: InboxRow, isClean: boolean): Promise<LifecycleOutcome> => {
  const id = portalId(row.portal_id!)
  const portal = await lockPortal(trx, id)
  const proof = (row.headers as Record<string, string | undefined>)[proofHeader]
  if (portal === undefined || proof !== proofOf(deps.secrets.open(portal.sealedApplicationToken))) return { then: 'setAside', reason: 'an uninstall of an earlier installation' }
  const running = await trx.selectFrom('deliveries').select('delivery_id').where('portal_id', '=', id).where('status', '=', 'running').execute()
  await advanceDeliveries(deps, trx, running.map((delivery) => ({ portalId: id, deliveryId: deliveryId(delivery.delivery_id), event: { type: 'stopped', reason: 'appRemoved', at: deps.clock.now() } })))
  await updatePortal(trx, id, { state: 'uninstalled' })
  await deleteTokens(trx, id)
  if (isClean) {
    await silenceConnections(deps, trx, id)
    await deletePortal(trx, id)
  }
  deps.connections.forget()
  return done
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
