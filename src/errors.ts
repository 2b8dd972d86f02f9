/**
 * Every error code of the application, with the HTTP status that a program sees.
 *
 * `docs/operations.md` says what to do about each one. A message is one sentence for a person; it holds no address, token,
 * phone or text of a patient.
 */
export const errorStatuses = {
  CONFIG_INVALID: 500,
  FORM_INVALID: 422,
  ROUTE_IMPOSSIBLE: 422,
  SESSION_INVALID: 401,
  API_KEY_INVALID: 401,
  ADMIN_REQUIRED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  BODY_TOO_LARGE: 413,
  INSTALL_REFUSED: 403,
  PORTAL_UNAVAILABLE: 503,
  PORTAL_REFUSED: 502,
  PORTAL_NEEDS_REINSTALL: 409,
  CHANNEL_REFUSED: 422,
  NOT_PROVED: 403,
  CHANNEL_UNAVAILABLE: 503,
  INTERNAL: 500,
} as const

export type ErrorCode = keyof typeof errorStatuses

/** What is wrong with which field of a form: the field's name and one sentence for the person who filled it in. */
export type FieldErrors = Readonly<Record<string, string>>

/** The only error that leaves the application: a code for programs, a sentence for people. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly fields: FieldErrors

  constructor(code: ErrorCode, message: string, options: { fields?: FieldErrors; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = errorStatuses[code]
    this.fields = options.fields ?? {}
  }
}

/** The sentence of whatever was thrown; never a stack and never a foreign object's dump. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
