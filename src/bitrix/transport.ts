import { ApiVersion, B24OAuth, EnumAppStatus } from '@bitrix24/b24jssdk'
import { isAxiosError } from 'axios'
import { z } from 'zod'
import { connectionError, type Token } from './oauth.ts'

/** One HTTP answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
}

/** Posts one method with one token. Throws `BitrixError` only when there is no answer. */
export type Transport = (method: string, params: Record<string, unknown>) => Promise<HttpAnswer>

const Wrapped = z.object({ status: z.number(), body: z.unknown() })

// The SDK's own limiter knows one process only; ours is shared by all (`Budget`), so this one never holds anything back.
const noLimits = {
  rateLimit: { burstLimit: Number.MAX_SAFE_INTEGER, drainRate: 1_000_000, adaptiveEnabled: false },
  operatingLimit: { windowMs: 600_000, limitMs: Number.MAX_SAFE_INTEGER, heavyPercent: 100 },
  adaptiveConfig: { enabled: false, thresholdPercent: 100, coefficient: 0, maxDelay: 0 },
  // Total attempts, not repetitions.
  maxRetries: 1,
  retryDelay: 1,
  retryOnNetworkError: false,
}

const farFutureSeconds = 4_102_444_800

/**
 * The SDK's server client, made to show what the portal really answered.
 *
 * On its own it follows redirects (a POST to a renamed portal turns into an empty GET that "succeeds"), loses the description of
 * an error whose code is empty, breaks on an answer without `time`, refreshes tokens per process and repeats calls that may have
 * been carried out. So: redirects are refused, every status is handed on whole, and refreshing is left to the client.
 *
 * @see https://github.com/bitrix24/b24jssdk
 */
export const createTransport = (token: Token, options: { timeoutMs: number; signal: AbortSignal | undefined }): Transport => {
  const sdk = new B24OAuth(
    {
      applicationToken: '',
      userId: Number(token.userId ?? 0),
      memberId: token.memberId,
      accessToken: token.accessToken,
      refreshToken: token.refreshToken,
      // Expiry is judged by the client, by the injected clock.
      expires: farFutureSeconds,
      expiresIn: 3600,
      scope: token.scope.join(','),
      domain: new URL(token.clientEndpoint).host,
      // The SDK joins with a slash of its own.
      clientEndpoint: token.clientEndpoint.replace(/\/+$/, ''),
      serverEndpoint: token.serverEndpoint,
      status: Object.values(EnumAppStatus).find((status) => status === token.status) ?? EnumAppStatus.Free,
    },
    // The application's secret goes to the OAuth server only, and that is not spoken to from here.
    { clientId: '', clientSecret: '' },
    { restrictionParams: noLimits },
  )
  sdk.offClientSideWarning()
  const http = sdk.getHttpClient(ApiVersion.v2).ajaxClient
  http.defaults.maxRedirects = 0
  http.defaults.timeout = options.timeoutMs
  http.defaults.validateStatus = () => true
  http.defaults.maxContentLength = 50_000_000
  http.interceptors.request.use((config) => ({ ...config, signal: options.signal }))
  http.interceptors.response.use((response) => ({
    ...response,
    status: 200,
    data: { result: { status: response.status, body: response.data as unknown }, time: {} },
  }))

  return async (method, params) => {
    try {
      const answer = await sdk.actions.v2.call.make({ method, params })
      return Wrapped.parse(answer.getData()?.result)
    } catch (error) {
      throw connectionError(method, originOf(error))
    }
  }
}

/** The SDK wraps what axios threw. */
const originOf = (error: unknown): unknown => {
  if (isAxiosError(error)) return error
  return typeof error === 'object' && error !== null && 'originalError' in error ? error.originalError : error
}
