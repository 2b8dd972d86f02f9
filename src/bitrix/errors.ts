import { AppError, type ErrorCode } from '../errors.ts'
import { advice, type BitrixAction } from './error-words.ts'

export { type BitrixAction } from './error-words.ts'

/** `rejected`: the portal did not carry out the call. `unknown`: it may have. */
export type BitrixOutcome = 'rejected' | 'unknown'

interface Rule {
  readonly action: BitrixAction
  readonly outcome?: BitrixOutcome
  readonly retryAfterSeconds?: number
}

const refresh: Rule = { action: 'refresh' }
const giveUp: Rule = { action: 'giveUp' }
const connectLine: Rule = { action: 'connectLine', retryAfterSeconds: 900 }
const unknown: Rule = { action: 'backOff', outcome: 'unknown', retryAfterSeconds: 60 }

/**
 * The one table of portal and OAuth errors, by code in lower case. What is not here is judged by its HTTP status.
 *
 * @see https://apidocs.bitrix24.com/error-codes.html
 * @see https://apidocs.bitrix24.com/limits.html
 * @see https://apidocs.bitrix24.com/settings/oauth/error-codes.html
 */
const rulesByCode: Readonly<Record<string, Rule>> = {
  expired_token: refresh,
  invalid_token: refresh,
  no_auth_found: refresh,
  authorization_error: refresh,
  authorize_error: refresh,
  user_access_error: { action: 'otherUser' },
  insufficient_scope: giveUp,
  access_denied: giveUp,
  invalid_credentials: giveUp,
  wrong_auth_type: giveUp,
  allowed_only_intranet_user: giveUp,
  error_method_not_found: giveUp,
  error_manifest_is_not_available: giveUp,
  error_batch_length_exceeded: giveUp,
  error_batch_method_not_allowed: giveUp,
  not_found: giveUp,
  // "Https required": the stored address is wrong, not the portal.
  invalid_request: giveUp,
  operation_time_limit: { action: 'pauseMethod', retryAfterSeconds: 60 },
  query_limit_exceeded: { action: 'backOff', retryAfterSeconds: 2 },
  // Set by hand by Bitrix24: more calls make it worse.
  overload_limit: { action: 'stopTraffic', retryAfterSeconds: 3600 },
  internal_server_error: unknown,
  error_unexpected_answer: unknown,
  portal_deleted: { action: 'park', retryAfterSeconds: 6 * 3600 },
  not_active_line: connectLine,
  imconnector_no_correct_provider: connectLine,
  activity_is_already_bound: { action: 'alreadyDone' },
  error_activity_already_installed: { action: 'alreadyDone' },
  // OAuth
  invalid_grant: { action: 'reinstall' },
  invalid_client: { action: 'stopTraffic', retryAfterSeconds: 3600 },
  invalid_scope: giveUp,
  payment_required: { action: 'park', retryAfterSeconds: 6 * 3600 },
  // Ours, for answers that carry no code
  moved: { action: 'moved', retryAfterSeconds: 300 },
  not_connected: { action: 'backOff', retryAfterSeconds: 30 },
  no_answer: unknown,
  unreadable_answer: unknown,
  aborted: { action: 'backOff', outcome: 'unknown', retryAfterSeconds: 1 },
  no_token: { action: 'reinstall' },
  expired_again: { action: 'backOff', outcome: 'rejected', retryAfterSeconds: 5 },
  oauth_host_refused: giveUp,
  budget_spent: { action: 'backOff', retryAfterSeconds: 5 },
  empty_list: giveUp,
  result_false: giveUp,
}

const rulesByDescription: readonly (readonly [RegExp, Rule])[] = [
  [/already (?:bound|binded|installed|exists|set)/i, { action: 'alreadyDone' }],
  [/commercial plans|subscription (?:is |has )?(?:expired|ended)/i, { action: 'stopTraffic', retryAfterSeconds: 6 * 3600 }],
]

const ruleOfStatus = (status: number): Rule => {
  if (status >= 300 && status < 400) return { action: 'moved', retryAfterSeconds: 300 }
  if (status === 401) return refresh
  if (status === 429) return { action: 'backOff', retryAfterSeconds: 60 }
  if (status >= 500) return unknown
  return giveUp
}

const appCodes: Readonly<Record<BitrixAction, ErrorCode>> = {
  refresh: 'PORTAL_NEEDS_REINSTALL',
  otherUser: 'PORTAL_NEEDS_REINSTALL',
  reinstall: 'PORTAL_NEEDS_REINSTALL',
  moved: 'PORTAL_UNAVAILABLE',
  backOff: 'PORTAL_UNAVAILABLE',
  pauseMethod: 'PORTAL_UNAVAILABLE',
  stopTraffic: 'PORTAL_UNAVAILABLE',
  park: 'PORTAL_UNAVAILABLE',
  connectLine: 'PORTAL_REFUSED',
  alreadyDone: 'PORTAL_REFUSED',
  giveUp: 'PORTAL_REFUSED',
}

export interface BitrixFailure {
  /** `crm.item.get`, or `oauth.token`. */
  readonly method: string
  /** As the portal gave it: may be a code, `""`, `"0"` or a sentence; or one of our own in upper case. */
  readonly bitrixCode: string
  /** 0 where there was no answer. */
  readonly httpStatus: number
  readonly description?: string
  readonly outcome?: BitrixOutcome
  readonly retryAfterSeconds?: number
}

const retryableActions: ReadonlySet<BitrixAction> = new Set(['moved', 'backOff', 'pauseMethod', 'stopTraffic', 'park', 'connectLine'])

/** Portal texts may quote what was sent: phones, tokens, addresses and mail are cut out, and so is everything after 200 characters. */
const withoutPersonalData = (text: string): string =>
  text
    .replace(/https?:\/\/\S+/gi, '…')
    .replace(/\S+@\S+/g, '…')
    .replace(/\+?\d[\d\s().-]{5,}\d/g, '…')
    .replace(/(?=[\w-]*\d)[\w-]{20,}/g, '…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200)

const isCode = (code: string): boolean => /^[A-Za-z0-9_.-]{1,60}$/.test(code)

/**
 * A call of a portal that did not work: what to do (`action`), whether it may have been carried out (`outcome`), whether trying
 * again later may help (`retryable`; a call with an unknown outcome only if repeating it does no harm).
 *
 * The message holds the method and a plain code, never a parameter, token or address. `description` is the portal's own text
 * without phones, mails, addresses and tokens.
 */
export class BitrixError extends AppError {
  readonly method: string
  readonly bitrixCode: string
  readonly httpStatus: number
  readonly description: string
  readonly outcome: BitrixOutcome
  readonly action: BitrixAction
  readonly retryable: boolean
  readonly retryAfterSeconds: number | undefined

  constructor(failure: BitrixFailure) {
    const rule = ruleOf(failure)
    super(appCodes[rule.action], sentenceOf(failure, rule.action))
    this.name = 'BitrixError'
    this.method = failure.method
    this.bitrixCode = isCode(failure.bitrixCode) ? failure.bitrixCode : withoutPersonalData(failure.bitrixCode)
    this.httpStatus = failure.httpStatus
    this.description = withoutPersonalData(failure.description ?? '')
    this.action = rule.action
    this.outcome = failure.outcome ?? rule.outcome ?? 'rejected'
    this.retryable = retryableActions.has(rule.action)
    this.retryAfterSeconds = failure.retryAfterSeconds ?? rule.retryAfterSeconds
  }
}

const sentenceOf = (failure: Pick<BitrixFailure, 'method' | 'bitrixCode' | 'httpStatus'>, action: BitrixAction): string => {
  const code = isCode(failure.bitrixCode) ? failure.bitrixCode : String(failure.httpStatus)
  return `Битрикс24 (${failure.method}, ${code}): ${advice[action]}.`
}

const ruleOf = (failure: BitrixFailure): Rule => {
  const byDescription = rulesByDescription.find(([pattern]) => pattern.test(failure.description ?? '') || pattern.test(failure.bitrixCode))
  return byDescription?.[1] ?? rulesByCode[failure.bitrixCode.toLowerCase()] ?? ruleOfStatus(failure.httpStatus)
}

/** The same failure with another `outcome`: a refused sign-in, for example, says that the call behind it never left. */
export const withOutcome = (error: BitrixError, outcome: BitrixOutcome): BitrixError =>
  error.outcome === outcome
    ? error
    : new BitrixError({
        method: error.method,
        bitrixCode: error.bitrixCode,
        httpStatus: error.httpStatus,
        description: error.description,
        outcome,
        retryAfterSeconds: error.retryAfterSeconds,
      })
