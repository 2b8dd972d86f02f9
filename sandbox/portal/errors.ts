/** An answer of the REST server that is not a result: body `{error, error_description}` with an HTTP status. */
export class RestError extends Error {
  readonly code: string | number
  readonly status: number
  /** Further fields of the body, such as `argument` of placement.bind. */
  readonly extra: Record<string, unknown>

  constructor(code: string | number, description: string, status = 400, extra: Record<string, unknown> = {}) {
    super(description)
    this.name = 'RestError'
    this.code = code
    this.status = status
    this.extra = extra
  }

  get body(): Record<string, unknown> {
    return { error: this.code, error_description: this.message, ...this.extra }
  }
}

/** @see https://apidocs.bitrix24.com/error-codes.html */
export const systemErrors = {
  noAuth: () => new RestError('NO_AUTH_FOUND', 'Wrong authorization data', 401),
  invalidToken: () => new RestError('invalid_token', 'Unable to get application by token', 401),
  expiredToken: () => new RestError('expired_token', 'The access token provided has expired.', 401),
  methodNotFound: () => new RestError('ERROR_METHOD_NOT_FOUND', 'Method not found!', 404),
  insufficientScope: () => new RestError('insufficient_scope', 'The request requires higher privileges than provided by the access token', 403),
  wrongAuthType: () =>
    new RestError('WRONG_AUTH_TYPE', 'Current authorization type is denied for this method Application context required', 403),
  queryLimit: () => new RestError('QUERY_LIMIT_EXCEEDED', 'Too many requests', 503),
  operationLimit: () => new RestError('OPERATION_TIME_LIMIT', 'Method is blocked due to operation time limit.', 429),
  overload: () => new RestError('OVERLOAD_LIMIT', 'REST API is blocked due to overload', 503),
  internal: () => new RestError('INTERNAL_SERVER_ERROR', 'Internal server error', 500),
  portalDeleted: () => new RestError('PORTAL_DELETED', 'Portal was deleted', 500),
  batchNested: () => new RestError('ERROR_BATCH_METHOD_NOT_ALLOWED', 'Method is not allowed for batch usage', 405),
  batchTooLong: () => new RestError('ERROR_BATCH_LENGTH_EXCEEDED', 'Max batch length exceeded', 400),
  notImplemented: (method: string) =>
    new RestError('ERROR_SANDBOX_NOT_IMPLEMENTED', `The sandbox portal knows ${method} from the documentation but does not play it`, 501),
} as const
