import { createPortalClient, type Budget, type PortalClient, type Token, type TokenStore } from '../bitrix/client.ts'
import { type OAuth } from '../bitrix/oauth.ts'
import { type Clock } from '../clock.ts'
import { pauseBudget, pausedMethods, pauseMethod, takeBudget } from '../db/budgets.ts'
import { type Db } from '../db/database.ts'
import { bestToken, findPortal, invalidateToken, lockToken, saveToken, updatePortal, type Portal, type StoredToken } from '../db/portals.ts'
import { type Secrets } from '../db/secrets.ts'
import { type PortalId } from '../domain/ids.ts'
import { type Log } from '../log.ts'
import { type Metrics } from './metrics.ts'

/**
 * Bitrix24's bucket of an ordinary plan holds 50. A few places stay free: we count a request when it leaves, the portal when it arrives,
 * and one that was long on its way has leaked less there than here.
 *
 * @see https://apidocs.bitrix24.com/limits.html
 */
export const portalBucket = { burst: 46, perSecond: 2 }
/** A page asks about three times. */
const keptForPeople = 10
const allMethods = '*'
/** A method that has used this much of its 480 s in ten minutes is left alone until its oldest minutes are forgotten. */
const mostOperatingSeconds = 440

interface Parts {
  readonly db: Db
  readonly secrets: Secrets
  readonly oauth: OAuth
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly stopping: AbortSignal
}

/** One client per portal and process, made at first use. */
export const createPortalClients = (parts: Parts): ((portal: PortalId) => PortalClient) => {
  const clients = new Map<PortalId, PortalClient>()
  return (portal) => {
    const known = clients.get(portal)
    if (known !== undefined) return known
    const client = createPortalClient({
      tokens: tokensOf(parts, portal),
      budget: budgetOf(parts.db, parts.clock, portal, 'work'),
      oauth: parts.oauth,
      clock: parts.clock,
      signal: parts.stopping,
      journal: ({ methods, httpStatus, code, durationMs }) => {
        // Some portals put a sentence where the code should be: a label must not grow without bound.
        parts.metrics.count('estafeta_portal_requests_total', { status: String(httpStatus), code: /^[\w.-]{0,60}$/.test(code) ? code : 'other' })
        parts.log.debug({ portal, methods, httpStatus, code, durationMs }, 'a request to the portal')
      },
    })
    clients.set(portal, client)
    return client
  }
}

const opened = (secrets: Secrets, portal: Portal, stored: StoredToken): Token => ({
  memberId: portal.id,
  userId: stored.userId,
  accessToken: secrets.open(stored.sealedAccessToken),
  refreshToken: secrets.open(stored.sealedRefreshToken),
  expiresAt: stored.expiresAt,
  clientEndpoint: portal.clientEndpoint,
  serverEndpoint: portal.serverEndpoint,
  scope: portal.scope.split(','),
  status: '',
})

export const sealToken = (secrets: Secrets, token: Token, isAdmin: boolean): StoredToken => ({
  userId: token.userId ?? '0',
  isAdmin,
  sealedAccessToken: secrets.seal(token.accessToken),
  sealedRefreshToken: secrets.seal(token.refreshToken),
  expiresAt: token.expiresAt,
})

/** The administrators' tokens of one portal; one refresh at a time for all processes, by a row lock. */
const tokensOf = ({ db, secrets }: Parts, id: PortalId): TokenStore => ({
  current: async () => {
    const portal = await findPortal(db, id)
    const stored = portal === undefined || portal.state === 'uninstalled' ? undefined : await bestToken(db, id)
    return stored === undefined ? undefined : opened(secrets, portal!, stored)
  },
  refresh: async (stale, exchange) =>
    db.transaction().execute(async (trx) => {
      const stored = await lockToken(trx, id, stale.userId ?? '0')
      const portal = await findPortal(trx, id)
      if (stored !== undefined && portal !== undefined) {
        const current = opened(secrets, portal, stored)
        // Somebody was here before us: what they got is newer than what we hold.
        if (stored.isValid && current.accessToken !== stale.accessToken) return current
      }
      const fresh = await exchange(stale.refreshToken)
      await saveToken(trx, id, sealToken(secrets, { ...fresh, userId: fresh.userId ?? stale.userId }, stored?.isAdmin ?? true))
      // A renamed portal tells its new address only here.
      if (portal !== undefined && fresh.clientEndpoint !== portal.clientEndpoint) {
        await updatePortal(trx, id, { clientEndpoint: fresh.clientEndpoint, domain: new URL(fresh.clientEndpoint).host })
      }
      return { ...fresh, userId: fresh.userId ?? stale.userId }
    }),
  invalidate: async (token) => invalidateToken(db, id, token.userId ?? '0'),
})

/**
 * One budget per portal for all processes. It lives in real time: limits are the portal's, and portals know no rehearsals. Work in the background
 * leaves some places to people who wait before a page.
 */
export const budgetOf = (db: Db, clock: Clock, id: PortalId, whose: 'work' | 'person'): Budget => {
  const bucket = whose === 'person' ? portalBucket : { ...portalBucket, burst: portalBucket.burst - keptForPeople }
  const key = `portal ${id}`
  const real = (at: number): number => Date.now() + clock.waitMs(at)
  return {
    take: async ({ methods }) => {
      const paused = await pausedMethods(db, key)
      const until = Math.max(0, ...methods.map((method) => paused[method] ?? 0), paused[allMethods] ?? 0)
      if (until > Date.now()) return until - Date.now()
      return (await takeBudget(db, key, bucket, 1)).waitMs
    },
    report: async ({ method, operatingSeconds, resetAt }) => {
      if (operatingSeconds >= mostOperatingSeconds) await pauseMethod(db, key, method, real(resetAt))
    },
    pause: async (method, until) => (method === allMethods ? pauseBudget(db, key, real(until)) : pauseMethod(db, key, method, real(until))),
  }
}
