import axios, { isAxiosError } from 'axios'
import { z } from 'zod'
import { errorIn } from './answer.ts'
import { BitrixError } from './errors.ts'

/** What one administrator's sign-in allows: calls until `expiresAt` (epoch ms), then one refresh by `refreshToken`. */
export interface Token {
  /** `member_id`: the portal that the OAuth server says the token belongs to. */
  readonly memberId: string
  /** Absent after a code exchange, which does not tell it. */
  readonly userId?: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresAt: number
  /** `https://<portal>/rest/`: the only address that calls go to. */
  readonly clientEndpoint: string
  readonly serverEndpoint: string
  readonly scope: readonly string[]
  /** `L` local, `F` free, `D` demo, `T` trial, `P` paid. */
  readonly status: string
}

export interface Clock {
  /** Epoch milliseconds. */
  now(): number
}

export interface OAuthOptions {
  readonly clientId: string
  readonly clientSecret: string
  /** Allowed OAuth servers, `https://oauth.bitrix.info` first; a server named by a page or an event counts only if it is one of these. */
  readonly servers: readonly string[]
  readonly clock: Clock
  readonly timeoutMs?: number
}

/**
 * Speaks with the OAuth server: the only place where the application's secret leaves the process.
 *
 * Both functions throw `BitrixError`: `invalid_grant` (used, revoked or expired: action `reinstall`), `PAYMENT_REQUIRED` (`park`),
 * `invalid_client` (`stopTraffic`), `OAUTH_HOST_REFUSED` for a server that is not allowed.
 *
 * @see https://apidocs.bitrix24.com/settings/oauth/index.html
 */
export interface OAuth {
  /** Trades a code (it lives 30 s) for a token. */
  exchangeCode(code: string, serverEndpoint?: string): Promise<Token>
  /** Trades a refresh token for a new pair; the old one is dead afterwards, and may be dead when this throws an unknown outcome. */
  refresh(refreshToken: string, serverEndpoint?: string): Promise<Token>
}

const method = 'oauth.token'

const Address = z.url({ protocol: /^https?$/ })
const Text = z.union([z.string(), z.number()]).transform(String)
const Answer = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: z.coerce.number().default(3600),
  client_endpoint: Address,
  server_endpoint: Address,
  member_id: z.string().min(1),
  user_id: Text.nullish(),
  scope: z.string().default(''),
  status: z.string().default('F'),
})

/** `crm,im` and `crm, im` are both seen. */
export const scopesOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter(Boolean)

export const createOAuth = (options: OAuthOptions): OAuth => {
  const { clientId, clientSecret, clock, timeoutMs = 15_000 } = options
  const servers = options.servers.map((server) => new URL(server).origin)

  const serverOf = (serverEndpoint: string | undefined): string => {
    const origin = serverEndpoint === undefined ? servers[0] : URL.canParse(serverEndpoint) ? new URL(serverEndpoint).origin : undefined
    if (origin === undefined || !servers.includes(origin)) throw new BitrixError({ method, httpStatus: 0, bitrixCode: 'OAUTH_HOST_REFUSED' })
    return origin
  }

  const post = async (fields: Record<string, string>, serverEndpoint: string | undefined): Promise<Token> => {
    const server = serverOf(serverEndpoint)
    // A form in the body keeps the secret out of every access log on the way.
    const form = new URLSearchParams({ ...fields, client_id: clientId, client_secret: clientSecret })
    const answer = await axios
      .post<unknown>(`${server}/oauth/token/`, form, { timeout: timeoutMs, maxRedirects: 0, validateStatus: () => true })
      .catch((error: unknown) => {
        throw connectionError(method, error)
      })
    const failure = errorIn(answer.data, method, answer.status)
    if (failure !== undefined) throw failure
    const parsed = Answer.safeParse(answer.data)
    if (answer.status !== 200 || !parsed.success) throw new BitrixError({ method, httpStatus: answer.status, bitrixCode: 'UNREADABLE_ANSWER' })
    const { data } = parsed
    return {
      memberId: data.member_id,
      userId: data.user_id ?? undefined,
      accessToken: data.access_token,
      refreshToken: data.refresh_token,
      // `expires` is the server's clock and is missing after a code exchange; the age is always there.
      expiresAt: clock.now() + data.expires_in * 1000,
      clientEndpoint: data.client_endpoint,
      serverEndpoint: data.server_endpoint,
      scope: scopesOf(data.scope),
      status: data.status,
    }
  }

  return {
    exchangeCode: (code, serverEndpoint) => post({ grant_type: 'authorization_code', code }, serverEndpoint),
    refresh: (refreshToken, serverEndpoint) => post({ grant_type: 'refresh_token', refresh_token: refreshToken }, serverEndpoint),
  }
}

const neverConnected = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPROTO|CERT_\w+|DEPTH_ZERO\w*|SELF_SIGNED\w*|UNABLE_TO_\w+|ERR_TLS\w*|ERR_INVALID_URL)$/

/**
 * What a request without an answer amounts to: `NOT_CONNECTED` when it cannot have been written, else `NO_ANSWER` with an unknown
 * outcome. The foreign error itself is dropped: it holds the request with its token.
 */
export const connectionError = (calledMethod: string, error: unknown): BitrixError => {
  if (error instanceof BitrixError) return error
  const code = isAxiosError(error) ? (error.code ?? '') : ''
  const cause = isAxiosError(error) ? (error.cause as { syscall?: unknown } | undefined) : undefined
  const bitrixCode = code === 'ERR_CANCELED' ? 'ABORTED' : neverConnected.test(code) || cause?.syscall === 'connect' ? 'NOT_CONNECTED' : 'NO_ANSWER'
  return new BitrixError({ method: calledMethod, httpStatus: 0, bitrixCode, description: code })
}
