import { readFileSync } from 'node:fs'
import { RestError } from './errors.ts'
import * as overlay from './catalogue-overlay.ts'
import { type MethodRule } from './catalogue-overlay.ts'

interface Extracted {
  methods: Record<string, MethodRule>
}

const extracted = JSON.parse(readFileSync(new URL('methods.json', import.meta.url), 'utf8')) as Extracted

function merge(): Map<string, MethodRule & { name: string }> {
  const rules = new Map<string, MethodRule & { name: string }>()
  for (const [name, rule] of [...Object.entries(extracted.methods), ...Object.entries(overlay.added)]) {
    const params = { ...rule.params, ...overlay.params[name] }
    for (const param of overlay.notParams[name] ?? []) delete params[param]
    rules.set(name.toLowerCase(), {
      ...rule,
      name,
      params,
      scopes: overlay.scopes[name] ?? rule.scopes,
      app: overlay.applicationOnly.includes(name) || (rule.app === true && !overlay.notApplicationOnly.includes(name)),
    })
  }
  return rules
}

const rules = merge()

/** The documented method, or undefined. Names are compared without case, as the portal does. */
export function findMethod(name: string): (MethodRule & { name: string }) | undefined {
  return rules.get(name.toLowerCase())
}

/** Names of all documented methods. */
export function methodNames(): string[] {
  return [...rules.values()].map((rule) => rule.name).sort()
}

/** Every scope that some method asks for. */
export function allScopes(): string[] {
  return [...new Set([...rules.values()].flatMap((rule) => rule.scopes))].filter((scope) => scope !== 'basic').sort()
}

/**
 * Methods of the newer controllers bind their arguments by exact name; the older ones fold the case of their parameters.
 * @see https://apidocs.bitrix24.com/settings/how-to-call-rest-api/general-principles.html
 */
const exactNames = /^(crm\.(item|category|timeline|activity\.(configurable|todo|binding|badge|layout|type))\.|tasks\.|profile$|batch$)/

/** What the transport adds and no method sees: b24jssdk marks its requests with bx24_*. */
const transportParams = /^(auth|sessid|access_token|bx24_[a-z_]+)$/

/**
 * Checks the parameters against the documentation and returns them under the documented names.
 * @throws RestError for an unknown parameter, a missing required one or a value of another type.
 */
export function checkParams(rule: MethodRule & { name: string }, given: Record<string, unknown>): Record<string, any> {
  const params: Record<string, any> = {}
  const exact = exactNames.test(rule.name)
  for (const [key, value] of Object.entries(given)) {
    if (transportParams.test(key)) continue
    if (rule.free) {
      params[key] = value
      continue
    }
    const name = Object.hasOwn(rule.params, key)
      ? key
      : exact ? undefined : Object.keys(rule.params).find((known) => known.toLowerCase() === key.toLowerCase())
    if (name === undefined) {
      throw new RestError('ERROR_ARGUMENT', `Unknown parameter '${key}' of ${rule.name}: the documentation knows ${known(rule)}`)
    }
    params[name] = value
  }
  for (const [name, type] of Object.entries(rule.params)) {
    const value = params[name]
    if (value === undefined || value === null || value === '') {
      if (type.endsWith('*')) throw missing(rule.name, name)
      continue
    }
    const bare = type.replace('*', '')
    if (!fits(bare, value)) {
      throw new RestError('100', `Invalid value {${describe(value)}} to match with parameter {${name}}. Should be value of type ${bare}.`)
    }
  }
  return params
}

function known(rule: MethodRule): string {
  const names = Object.keys(rule.params)
  return names.length > 0 ? names.join(', ') : 'no parameters'
}

function describe(value: unknown): string {
  return typeof value === 'object' ? (Array.isArray(value) ? 'array' : 'object') : String(value)
}

function fits(type: string, value: unknown): boolean {
  const scalar = typeof value !== 'object'
  switch (type) {
    case 'integer':
      return scalar && /^-?\d+$/.test(String(value))
    case 'double':
      return scalar && Number.isFinite(Number(value))
    case 'boolean':
      return scalar && /^(true|false|1|0|Y|N)$/i.test(String(value))
    case 'string':
    case 'char':
      return scalar
    case 'datetime':
      return scalar && !Number.isNaN(Date.parse(String(value)))
    case 'object':
    case 'array':
      return !scalar
    default:
      return true
  }
}

/** The words for a missing required parameter differ by family; where a page prints them, they are used. */
function missing(method: string, param: string): RestError {
  const empty = new RestError('ERROR_ARGUMENT', `Argument '${param}' is null or empty`)
  const family: [RegExp, () => RestError][] = [
    [/^imconnector\.(register|unregister)$/, () => connectorMissing(method, param)],
    [/^imconnector\./, () => empty],
    // HTTP 200 with the name of the argument: api-reference/widgets/placement-bind.md
    [/^placement\./, () => new RestError('ERROR_ARGUMENT', `Argument '${param}' is null or empty`, 200, { argument: param })],
    [/^event\./, () => empty],
    [/^bizproc\.(robot|activity)\.(add|update|delete)$/, () => new RestError('ERROR_ACTIVITY_VALIDATION_FAILURE', activityMissing(param))],
    [/^bizproc\.activity\.log$/, () => param === 'LOG_MESSAGE'
      ? new RestError('ERROR_EMPTY_LOG_MESSAGE', 'Empty log message!')
      : new RestError('ACCESS_DENIED', 'Access denied!', 403)],
    [/^bizproc\.event\.send$/, () => new RestError('ACCESS_DENIED', 'Access denied!', 403)],
    [/^crm\.automation\.trigger$/, () => new RestError('', param === 'target' ? 'Target is not set.' : 'Empty trigger code!')],
    [/^crm\.automation\.trigger\./, () => new RestError('', triggerMissing(param))],
    [/^crm\.duplicate\.findbycomm$/, () => param === 'type'
      ? new RestError('Communication type is not defined', "Parameter 'type' is required.")
      : new RestError('Communication values is not defined', "Parameter 'values' is required.")],
    [/^crm\.activity\.badge\./, () => new RestError('REQUIRED_ARG_MISSING', `Required field "${param}" is not filled`)],
    [/^crm\.(contact|deal|lead|company)\./, () => new RestError('', 'ID is not defined or invalid.')],
    [/^crm\.activity\.(get|delete|update)$/, () => new RestError('', 'The parameter id is invalid or not defined.')],
    [/^feature\.get$/, () => new RestError('CODE_EMPTY', "CODE can't be empty")],
    [/^messageservice\.message\.status/, () => new RestError('ERROR_SENDER_VALIDATION_FAILURE', `Empty ${param}!`)],
    [/^messageservice\.sender\.(update|delete)$/, () => new RestError('ERROR_SENDER_CODE_REQUIRED', 'Sender code is required!')],
    [/^messageservice\./, () => new RestError('ERROR_SENDER_VALIDATION_FAILURE', senderMissing(param))],
    [/^im\.notify\./, () => param === 'USER_ID'
      ? new RestError('USER_ID_EMPTY', "User ID can't be empty")
      : new RestError('MESSAGE_EMPTY', "Message can't be empty")],
    [/^imopenlines\.crm\.chat\.getLastId$/, () => new RestError('CRM_CHAT_EMPTY_CRM_DATA', 'Empty CRM data')],
    [/^imopenlines\.crm\./, () => empty],
    [/^imopenlines\.(session\.intercept|operator\.transfer)$/, () => new RestError('CHAT_ID_EMPTY', "Chat ID can't be empty")],
    [/^imopenlines\.(session|operator)\.(?!open$)/, () => new RestError('CHAT_ID', 'The specified chat identifier is invalid')],
    [/^im\.message\.(update|delete)$/, () => new RestError('MESSAGE_ID_ERROR', "Message ID can't be empty")],
    [/^app\.option\.set$/, () => new RestError('ArgumentNullException', 'options is empty')],
  ]
  return (family.find(([pattern]) => pattern.test(method))?.[1]
    ?? (() => new RestError('100', `Could not find value for parameter {${param}}`)))()
}

function activityMissing(param: string): string {
  if (param === 'CODE') return 'Empty activity code!'
  if (param === 'NAME') return 'Empty activity NAME!'
  if (param === 'FIELDS') return 'No fields to update'
  return 'Empty data!'
}

function triggerMissing(param: string): string {
  if (param === 'CODE') return 'Empty trigger code!'
  if (param === 'NAME') return 'Empty trigger name!'
  return `Incorrect parameter ${param}.`
}

function senderMissing(param: string): string {
  if (param === 'CODE') return 'Empty sender code!'
  if (param === 'NAME') return 'Empty sender NAME!'
  if (param === 'TYPE') return 'Empty sender message TYPE!'
  return 'Empty data!'
}

/** imconnector.register and unregister report inside an HTTP 200 `result`: api-reference/imopenlines/imconnector/imconnector-register.md */
function connectorMissing(method: string, param: string): RestError {
  const codes: Record<string, [string, string]> = {
    ID: ['CONNECTOR_ID_REQUIRED', 'Connector ID is not specified'],
    NAME: ['NAME_REQUIRED', 'Connector name is not specified'],
    ICON: ['ICON_REQUIRED', 'Connector icon is not specified'],
    PLACEMENT_HANDLER: ['NO_PLACEMENT_HANDLER', 'Placement handler is not specified'],
  }
  const [code, description] = method.endsWith('.unregister')
    ? ['APPLICATION_UNREGISTRATION_ERROR', 'Connector is not registered']
    : codes[param] ?? ['GENERAL_CONNECTOR_REGISTRATION_ERROR', 'Connector was not registered']
  return new RestError(code, description, 200, { insideResult: true })
}

/** The refusal of a call without an application token, in the words of its family. */
export function deniedWithoutApplication(method: string): RestError {
  if (method === 'app.info' || method.startsWith('crm.automation.trigger')) {
    return new RestError('ACCESS_DENIED', 'Access denied! Application context required')
  }
  if (method.startsWith('bizproc.')) return new RestError('ACCESS_DENIED', 'Application context required')
  if (method.startsWith('crm.activity.configurable')) {
    return new RestError('ERROR_WRONG_CONTEXT', 'Method call is only possible in the context of a rest application')
  }
  if (/^(app|user)\.option/.test(method)) return new RestError('AccessException', 'Application context required')
  if (method.startsWith('messageservice.')) return new RestError('ACCESS_DENIED', 'Application context required', 403)
  return new RestError('WRONG_AUTH_TYPE', 'Current authorization type is denied for this method Application context required', 403)
}

/** The refusal of a user who is no administrator, in the words of the family. */
export function deniedToNonAdmin(method: string): RestError {
  if (method.startsWith('crm.automation.trigger')) return new RestError('ACCESS_DENIED', 'Access denied! Admin permissions required')
  if (method.startsWith('app.option')) return new RestError('AccessException', 'Administrator authorization required')
  if (/^(placement|event|messageservice|userfieldtype)\./.test(method)) return new RestError('ACCESS_DENIED', 'Access denied!', 403)
  return new RestError('ACCESS_DENIED', 'Access denied!')
}
