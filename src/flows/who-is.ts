import { createPortalClient, type PortalClient } from '../bitrix/client.ts'
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
  readonly name: string | undefined
}

const Profile = z.looseObject({ ID: z.coerce.string(), ADMIN: z.boolean().optional(), TIME_ZONE: z.string().optional(), NAME: z.string().nullish().catch(undefined), LAST_NAME: z.string().nullish().catch(undefined) })

type Address = Pick<Portal, 'id' | 'clientEndpoint' | 'serverEndpoint'>

/**
 * Calls a portal as the person whose access token this is: what they may not see is refused by the portal itself. The address is one that
 * the OAuth server named, never one out of a post; the token is neither stored nor refreshed.
 */
export const clientOf = (deps: Deps, portal: Address, accessToken: string): PortalClient => {
  const token = { memberId: portal.id, accessToken, refreshToken: '', expiresAt: Number.MAX_SAFE_INTEGER, clientEndpoint: portal.clientEndpoint, serverEndpoint: portal.serverEndpoint, scope: [], status: '' }
  let isKnown = true
  return createPortalClient({
    tokens: {
      current: () => Promise.resolve(isKnown ? token : undefined),
      // The same token again: the client gives up on it after the second refusal, and on an address that has moved at once.
      refresh: () => Promise.resolve(token),
      invalidate: () => Promise.resolve().then(() => void (isKnown = false)),
    },
    // The portal counts requests by our address, not by whose token they carry.
    budget: budgetOf(deps.db, deps.clock, portal.id, 'person'),
    oauth: deps.oauth,
    clock: deps.clock,
    signal: deps.stopping,
  })
}

/**
 * Asks a portal whose access token this is.
 *
 * @throws BitrixError when the portal does not answer (`retryable`), has moved, or does not know the token
 */
export const whoIs = async (deps: Deps, portal: Address, accessToken: string): Promise<PortalUser> => {
  const profile = Profile.parse((await clientOf(deps, portal, accessToken).call('profile')).result)
  const name = [profile.NAME, profile.LAST_NAME].filter((part) => part !== undefined && part !== null && part !== '').join(' ')
  return {
    userId: profile.ID, isAdmin: profile.ADMIN === true, name: name === '' ? undefined : name,
    timeZone: profile.TIME_ZONE !== undefined && isTimeZone(profile.TIME_ZONE) ? profile.TIME_ZONE : undefined,
  }
}
