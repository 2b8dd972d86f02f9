import { randomBytes } from 'node:crypto'
import { type PortalClock } from './clock.ts'
import { type App, type World } from './model.ts'

export interface AccessToken {
  clientId: string
  userId: number
  scopes: string[]
  /** Epoch milliseconds of the portal clock. */
  expiresAt: number
}

export interface TokenPair {
  accessToken: string
  refreshToken: string
  /** Unix seconds of the portal clock. */
  expires: number
  expiresIn: number
}

interface RefreshToken {
  clientId: string
  userId: number
  expiresAt: number
}

export class OAuthError extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, description: string, status = 400) {
    super(description)
    this.code = code
    this.status = status
  }
}

const refreshLifeMs = 180 * 24 * 3_600_000
const codeLifeMs = 30_000

/**
 * The OAuth server: issues tokens of a user for an application, rotates refresh tokens, resolves access tokens.
 * @see https://apidocs.bitrix24.com/settings/oauth/index.html
 */
export class OAuthServer {
  tokenLifeSeconds = 3600
  /** Codes and refresh tokens that were exchanged. */
  exchanges = 0
  private world: World
  private clock: PortalClock
  private access = new Map<string, AccessToken>()
  private refresh = new Map<string, RefreshToken>()
  private codes = new Map<string, { clientId: string, userId: number, expiresAt: number }>()

  constructor(world: World, clock: PortalClock) {
    this.world = world
    this.clock = clock
  }

  /** A new pair for the user; earlier pairs stay valid, as each page of the portal gets its own. */
  issue(app: App, userId: number): TokenPair {
    const now = this.clock.now()
    const accessToken = randomBytes(35).toString('hex')
    const refreshToken = randomBytes(35).toString('hex')
    const expiresAt = now + this.tokenLifeSeconds * 1000
    this.access.set(accessToken, { clientId: app.clientId, userId, scopes: [...app.scopes], expiresAt })
    this.refresh.set(refreshToken, { clientId: app.clientId, userId, expiresAt: now + refreshLifeMs })
    if (this.access.size % 5000 === 0) this.sweep()
    return { accessToken, refreshToken, expires: Math.floor(expiresAt / 1000), expiresIn: this.tokenLifeSeconds }
  }

  /** The meaning of an access token: its data, `expired`, or undefined when it was never issued or has been revoked. */
  resolve(token: string): AccessToken | 'expired' | undefined {
    const found = this.access.get(token)
    if (!found) return undefined
    return found.expiresAt <= this.clock.now() ? 'expired' : found
  }

  /** Makes every access token of the application (or of one user) count as expired now; refresh tokens stay good. */
  expireAccessTokens(clientId?: string, userId?: number): void {
    for (const token of this.access.values()) {
      if (clientId !== undefined && token.clientId !== clientId) continue
      if (userId !== undefined && token.userId !== userId) continue
      token.expiresAt = 0
    }
  }

  /** Forgets everything issued for the application (uninstalled) or, with a user, for that user (dismissed). */
  revoke(clientId: string | undefined, userId?: number): void {
    for (const tokens of [this.access, this.refresh]) {
      for (const [key, token] of tokens) {
        if ((clientId === undefined || token.clientId === clientId) && (userId === undefined || token.userId === userId)) tokens.delete(key)
      }
    }
  }

  /** A one-time code for the redirect of `/oauth/authorize/`; lives 30 seconds. */
  issueCode(app: App, userId: number): string {
    const code = randomBytes(16).toString('hex')
    this.codes.set(code, { clientId: app.clientId, userId, expiresAt: this.clock.now() + codeLifeMs })
    return code
  }

  /**
   * Exchanges a refresh token or a code. The refresh token is used up even if the answer gets lost on the way.
   * @throws OAuthError invalid_request, invalid_client, invalid_grant
   */
  exchange(fields: Record<string, unknown>): { app: App, userId: number, pair: TokenPair, byCode: boolean } {
    const grantType = text(fields.grant_type)
    if (grantType !== 'refresh_token' && grantType !== 'authorization_code') {
      throw new OAuthError('invalid_request', 'Unknown or missing grant_type')
    }
    const app = this.world.apps.get(text(fields.client_id))
    if (!app || app.clientSecret !== text(fields.client_secret)) throw new OAuthError('invalid_client', 'Invalid client credentials', 401)
    const now = this.clock.now()
    if (grantType === 'authorization_code') {
      const code = this.codes.get(text(fields.code))
      this.codes.delete(text(fields.code))
      if (!code || code.clientId !== app.clientId || code.expiresAt <= now || !app.present) {
        throw new OAuthError('invalid_grant', 'Invalid authorization code')
      }
      this.exchanges++
      return { app, userId: code.userId, pair: this.issue(app, code.userId), byCode: true }
    }
    const token = this.refresh.get(text(fields.refresh_token))
    const user = token && this.world.users.get(token.userId)
    if (!token || token.clientId !== app.clientId || token.expiresAt <= now || !app.present || !user?.active) {
      throw new OAuthError('invalid_grant', 'Invalid refresh token')
    }
    this.refresh.delete(text(fields.refresh_token))
    this.exchanges++
    return { app, userId: token.userId, pair: this.issue(app, token.userId), byCode: false }
  }

  private sweep(): void {
    const longGone = this.clock.now() - 24 * 3_600_000
    for (const [key, token] of this.access) if (token.expiresAt !== 0 && token.expiresAt < longGone) this.access.delete(key)
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
