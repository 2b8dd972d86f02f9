import { createHash } from 'node:crypto'
import { BitrixError } from '../bitrix/errors.ts'
import { parsePagePost, type PagePost } from '../bitrix/incoming.ts'
import { isSameSecret } from '../db/secrets.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { portalId, type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'
import { acceptInstallation, keepAdminToken, proveInstallation } from './install-portal.ts'
import { subjectOf, type PageSubject } from './page-subject.ts'
import { clientOf, whoIs, type PortalUser } from './who-is.ts'

/** Who is looking at a page, as the portal confirmed it. */
export interface Viewer {
  readonly portalId: PortalId
  readonly userId: string
  readonly isAdmin: boolean
  readonly name?: string
}

export interface OpenedPage {
  readonly viewer: Viewer
  /** Which card, chat or connector the page is about; absent for pages about the application itself. */
  readonly subject?: PageSubject
  /** The viewer's own key to the portal, sealed, where the page reads cards: for the hour of the page they see here what they may see there. */
  readonly access?: string
  readonly language: 'ru' | 'en'
  readonly placement: string
  readonly options: Readonly<Record<string, unknown>>
  /** Host of the portal, for `frame-ancestors`. */
  readonly domain: string
}

export interface PageOpener {
  /** @throws AppError INSTALL_REFUSED, SESSION_INVALID, ADMIN_REQUIRED, NOT_FOUND with what to do */
  open(page: string, query: unknown, body: unknown): Promise<OpenedPage>
}

/** A person opens many pages with one token: the portal is asked about it once in this time. */
const rememberedMs = 10 * 60_000

/**
 * Opens a page for the person whom the portal names: the post proves nothing, so the token in it is tried at the portal that we know -
 * never at an address that the post names - and the portal says who that is.
 */
export const createPageOpener = (deps: Deps): PageOpener => {
  const remembered = new Map<string, { at: number; viewer: Viewer }>()

  const viewerOf = async (portal: Portal, post: PagePost): Promise<Viewer> => {
    const key = createHash('sha256').update(`${portal.id} ${post.auth.accessToken!}`).digest('hex')
    const known = remembered.get(key)
    if (known !== undefined && Date.now() - known.at < rememberedMs) return known.viewer
    if (remembered.size > 5_000) remembered.clear()
    const user = await whoLooks(deps, portal, post.auth.accessToken!).catch(refuse)
    const viewer = { portalId: portal.id, userId: user.userId, isAdmin: user.isAdmin, ...(user.name === undefined ? {} : { name: user.name }) }
    remembered.set(key, { at: Date.now(), viewer })
    if (viewer.isAdmin) await keepAdminToken(deps, portal.id, post.auth, viewer.userId)
    return viewer
  }

  const lookedAt = async (portal: Portal, viewer: Viewer, post: PagePost): Promise<PageSubject | undefined> => {
    // Asked each time: what a person may see changes, and the pages of one person are about many patients.
    const subject = subjectOf(deps, clientOf(deps, (await findPortal(deps.db, portal.id)) ?? portal, post.auth.accessToken!), { ...viewer, placement: post.placement, options: post.options })
    return subject.catch((error: unknown) => (error instanceof BitrixError ? refuse(error) : Promise.reject(error as Error)))
  }

  return {
    open: async (page, query, body) => {
      const parsed = parsePagePost(query, body)
      if (!parsed.ok) throw new AppError('SESSION_INVALID', 'Откройте эту страницу из Битрикс24.')
      const post = parsed.value
      const opened = { language: post.language, placement: post.placement, options: post.options, domain: post.domain }
      const known = await findPortal(deps.db, portalId(post.auth.memberId))
      const isOurs = known !== undefined && post.auth.applicationToken !== undefined && isSameSecret(deps.secrets.open(known.sealedApplicationToken), post.auth.applicationToken)
      if (known !== undefined && isOurs && known.state !== 'uninstalled') {
        const viewer = await viewerOf(known, post)
        const subject = await lookedAt(known, viewer, post)
        return { ...opened, viewer, ...(subject === undefined ? {} : { subject, access: deps.secrets.seal(post.auth.accessToken!) }) }
      }
      if (page !== 'install') throw new AppError('SESSION_INVALID', 'Приложение на этом портале не установлено до конца: попросите администратора установить его заново.')
      const { portal, userId, isAdmin } = await acceptInstallation(deps, await proveInstallation(deps, post.auth), { language: post.language })
      return { ...opened, viewer: { portalId: portal, userId, isAdmin } }
    },
  }
}

const refuse = (cause: unknown): never => {
  if (cause instanceof BitrixError && cause.retryable) throw new AppError('PORTAL_UNAVAILABLE', 'Портал сейчас не отвечает: откройте страницу через минуту.', { cause })
  throw new AppError('SESSION_INVALID', 'Портал не подтвердил ваш вход: закройте страницу и откройте её снова.', { cause })
}

/** A portal that has moved tells its new address to the OAuth server only: a call with a stored token learns it. */
const whoLooks = async (deps: Deps, portal: Portal, accessToken: string): Promise<PortalUser> => {
  try {
    return await whoIs(deps, portal, accessToken)
  } catch (error) {
    if (!(error instanceof BitrixError) || error.action !== 'moved') throw error
    await deps.portalClient(portal.id).call('profile')
    return whoIs(deps, (await findPortal(deps.db, portal.id)) ?? portal, accessToken)
  }
}
