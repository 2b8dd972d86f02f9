import { type IncomingAuth } from '../bitrix/incoming.ts'
import { readManifest } from '../bitrix/manifest.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { register, type RegistrationLine } from '../bitrix/registration.ts'
import { type Token } from '../bitrix/oauth.ts'
import { findPortal, saveToken, updatePortal, upsertPortal } from '../db/portals.ts'
import { portalId, type PortalId } from '../domain/ids.ts'
import { isTimeZone } from '../domain/time.ts'
import { AppError, messageOf } from '../errors.ts'
import { type Deps } from './deps.ts'
import { sealToken } from './portal-clients.ts'
import { z } from 'zod'

const manifest = readManifest()
const Profile = z.looseObject({ ID: z.coerce.string(), ADMIN: z.boolean().optional(), TIME_ZONE: z.string().optional() })

/**
 * Writes an installation that proved itself: its refresh token was exchanged at the pinned OAuth server, whose answer alone says which
 * portal it is (everything in the post can be forged). Repeating it, re-installing and updating end in the same state; settings stay.
 *
 * @throws AppError INSTALL_REFUSED when the proof fails
 */
export const acceptInstallation = async (
  deps: Deps,
  auth: IncomingAuth,
  options: { language?: 'ru' | 'en'; version?: string },
): Promise<{ portal: PortalId; userId: string; isAdmin: boolean }> => {
  if (auth.refreshToken === undefined || auth.applicationToken === undefined) {
    throw new AppError('INSTALL_REFUSED', 'Портал не передал ключи установки: переустановите приложение из списка приложений портала.')
  }
  const token = await exchange(deps, auth)
  const id = portalId(token.memberId)
  if (id !== auth.memberId) throw new AppError('INSTALL_REFUSED', 'Ключи установки принадлежат другому порталу: откройте приложение из своего портала.')
  const sealedApplicationToken = deps.secrets.seal(auth.applicationToken)
  await deps.db.transaction().execute(async (trx) => {
    await upsertPortal(trx, {
      id,
      domain: new URL(token.clientEndpoint).host,
      clientEndpoint: token.clientEndpoint,
      serverEndpoint: token.serverEndpoint,
      sealedApplicationToken,
      state: 'installed',
      status: token.status,
      scope: token.scope.join(','),
      version: options.version ?? '1',
    })
    // Believed to be an administrator until the portal says otherwise: only one may install.
    await saveToken(trx, id, sealToken(deps.secrets, token, true))
  })
  const { result } = await deps.portalClient(id).call('profile')
  const profile = Profile.parse(result)
  const isAdmin = profile.ADMIN === true
  await saveToken(deps.db, id, sealToken(deps.secrets, { ...token, userId: profile.ID }, isAdmin))
  await updatePortal(deps.db, id, { language: options.language, timeZone: profile.TIME_ZONE !== undefined && isTimeZone(profile.TIME_ZONE) ? profile.TIME_ZONE : undefined })
  return { portal: id, userId: profile.ID, isAdmin }
}

const exchange = async (deps: Deps, auth: IncomingAuth): Promise<Token> => {
  try {
    return await deps.oauth.refresh(auth.refreshToken!, auth.serverEndpoint)
  } catch (error) {
    if (error instanceof BitrixError && error.retryable) throw new AppError('PORTAL_UNAVAILABLE', 'Сервер авторизации Битрикс24 не отвечает: повторите через минуту.', { cause: error })
    throw new AppError('INSTALL_REFUSED', 'Битрикс24 не подтвердил установку: проверьте ключи приложения (BITRIX_CLIENT_ID и BITRIX_CLIENT_SECRET) и установите заново.', { cause: error })
  }
}

/** Keeps the token of an administrator who opened a page, so that the application outlives the one who installed it. */
export const keepAdminToken = async (deps: Deps, portal: PortalId, auth: IncomingAuth, userId: string): Promise<void> => {
  const known = await findPortal(deps.db, portal)
  if (known === undefined || auth.accessToken === undefined || auth.refreshToken === undefined) return
  const expiresAt = deps.clock.now() + (auth.expiresInSeconds ?? 3600) * 1000
  await saveToken(
    deps.db,
    portal,
    sealToken(deps.secrets, { memberId: portal, userId, accessToken: auth.accessToken, refreshToken: auth.refreshToken, expiresAt, clientEndpoint: known.clientEndpoint, serverEndpoint: known.serverEndpoint, scope: [], status: '' }, true),
  )
  if (known.state === 'needsReinstall') await updatePortal(deps.db, portal, { state: 'installed' })
}

/** Makes or repairs every registration of the manifest; what failed is kept for the dashboard. Safe to repeat. */
export const registerEverything = async (deps: Deps, portal: PortalId, userId: string): Promise<readonly RegistrationLine[]> => {
  const known = await findPortal(deps.db, portal)
  if (known === undefined) throw new AppError('NOT_FOUND', 'Портал не установлен: установите приложение заново.')
  try {
    const lines = await register(deps.portalClient(portal), manifest, { publicUrl: deps.publicUrl(), language: known.language, isAdmin: true, userId })
    await updatePortal(deps.db, portal, { problems: lines.filter((line) => !line.ok).map((line) => `${line.name}: ${line.message}`) })
    return lines
  } catch (error) {
    await updatePortal(deps.db, portal, { problems: [messageOf(error)] })
    throw error
  }
}

