/** One HTTP exchange with a vendor. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string | number>>
}

export interface HttpAnswer {
  readonly status: number
  /** Parsed JSON, or the text where the vendor answered something else. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * Speaks HTTP with vendors: keep-alive, time limit, no redirects, optional proxy.
 *
 * Returns every answer whatever its status. Throws only when there is no answer: a `ChannelError` of class `transient` whose
 * `outcome` is `rejected` when the request cannot have been written (no connection), else `unknown`.
 */
export interface Http {
  call(request: HttpRequest, options: { signal: AbortSignal; proxyUrl?: string }): Promise<HttpAnswer>
}
