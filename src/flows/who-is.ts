import { createPortalClient } from '../bitrix/client.ts'
import { type Portal } from '../db/portals.ts'
import { isTimeZone } from '../domain/time.ts'
import { z } from 'zod'
import { type Deps } from './deps.ts'
import { budgetOf } from './portal-clients.ts'

/** A person of a portal, as the portal itself says. */
export interface PortalUser {
  readonly userId: string
  readonly isAdmin: boolean
  readonly timeZone: string | undefined
}

const Profile = z.looseObject({ ID: z.coerce.string(), ADMIN: z.boolean().optional(), TIME_ZONE: z.string().optional() })

/**
 * Asks a portal whose access token this is. The address is one that the OAuth server named, never one out of a post; the token is
 * neither stored nor refreshed.
 *
 * @throws BitrixError when the portal does not answer (`retryable`), has moved, or does not know the token
 */
export const whoIs = async (deps: Deps, portal: Pick<Portal, 'id' | 'clientEndpoint' | 'serverEndpoint'>, accessToken: string): Promise<PortalUser> => {
  const token = { memberId: portal.id, accessToken, refreshToken: '', expiresAt: Number.MAX_SAFE_INTEGER, clientEndpoint: portal.clientEndpoint, serverEndpoint: portal.serverEndpoint, scope: [], status: '' }
  let isKnown = true
  const client = createPortalClient({
    tokens: {
      current: () => Promise.resolve(isKnown ? token : undefined),
      // The same token again: the client gives up on it after the second refusal, and on an address that has moved at once.
      refresh: () => Promise.resolve(token),
      invalidate: () => Promise.resolve().then(() => void (isKnown = false)),
    },
    // The portal counts requests by our address, not by whose token they carry.
    budget: budgetOf(deps.db, deps.clock, portal.id),
    oauth: deps.oauth,
    clock: deps.clock,
    signal: deps.stopping,
  })
  const profile = Profile.parse((await client.call('profile')).result)
  return { userId: profile.ID, isAdmin: profile.ADMIN === true, timeZone: profile.TIME_ZONE !== undefined && isTimeZone(profile.TIME_ZONE) ? profile.TIME_ZONE : undefined }
}
