import { type IncomingAuth } from '../bitrix/incoming.ts'
import { readManifest } from '../bitrix/manifest.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { register, type RegistrationLine } from '../bitrix/registration.ts'
import { type Token } from '../bitrix/oauth.ts'
import { findPortal, saveToken, updatePortal, upsertPortal } from '../db/portals.ts'
import { portalId, type PortalId } from '../domain/ids.ts'
import { AppError, messageOf } from '../errors.ts'
import { type Deps } from './deps.ts'
import { sealToken } from './portal-clients.ts'
import { whoIs } from './who-is.ts'

const manifest = readManifest()

/** An installation's keys after their proof: what came with it, and the token that the OAuth server gave for them. */
export interface ProvedInstallation {
  readonly token: Token
  readonly applicationToken: string
}

/**
 * Proves an installation: its refresh token is exchanged at the pinned OAuth server, whose answer alone says which portal it is
 * (everything in the post can be forged). A refresh token proves itself once.
 *
 * @throws AppError INSTALL_REFUSED when the proof fails, PORTAL_UNAVAILABLE when it could not be tried
 */
export const proveInstallation = async (deps: Deps, auth: IncomingAuth): Promise<ProvedInstallation> => {
  if (auth.refreshToken === undefined || auth.applicationToken === undefined) {
    throw new AppError('INSTALL_REFUSED', 'Портал не передал ключи установки: переустановите приложение из списка приложений портала.')
  }
  const token = await exchange(deps, auth)
  if (token.memberId !== auth.memberId) throw new AppError('INSTALL_REFUSED', 'Ключи установки принадлежат другому порталу: откройте приложение из своего портала.')
  return { token, applicationToken: auth.applicationToken }
}

/**
 * Writes a proved installation of an administrator. Repeating it, re-installing and updating end in the same state; settings stay.
 *
 * Every employee has keys that the OAuth server believes, and the application token beside them is whatever they like: so the portal is
 * asked who it is before anything is written.
 *
 * @throws AppError INSTALL_REFUSED for anybody but an administrator; BitrixError when the portal cannot be asked
 */
export const acceptInstallation = async (
  deps: Deps,
  { token, applicationToken }: ProvedInstallation,
  options: { language?: 'ru' | 'en'; version?: string },
): Promise<{ portal: PortalId; userId: string; isAdmin: boolean }> => {
  const id = portalId(token.memberId)
  const { userId, isAdmin, timeZone } = await whoIs(deps, { id, clientEndpoint: token.clientEndpoint, serverEndpoint: token.serverEndpoint }, token.accessToken)
  if (!isAdmin) throw new AppError('INSTALL_REFUSED', 'Установить приложение может только администратор портала: попросите его открыть эту страницу.')
  const sealedApplicationToken = deps.secrets.seal(applicationToken)
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
    await saveToken(trx, id, sealToken(deps.secrets, { ...token, userId }, true))
    await updatePortal(trx, id, { language: options.language, timeZone })
  })
  return { portal: id, userId, isAdmin }
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

