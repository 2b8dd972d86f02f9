import { checkParams, deniedToNonAdmin, deniedWithoutApplication, findMethod } from './catalogue.ts'
import { type Engine, type Webhook } from './engine.ts'
import { RestError, systemErrors } from './errors.ts'
import { parseQuery } from './form.ts'
import { handlers } from './methods/index.ts'
import { type Answer } from './methods/call.ts'
import { type MisbehaveRule } from './misbehave.ts'
import { type App, isYes, portalDate, type User } from './model.ts'

export interface RestRequest {
  method: string
  /** Query and body together, without `auth`. */
  params: Record<string, unknown>
  token: string | undefined
  /** Set when the call came through an incoming webhook. */
  webhook?: Webhook
  /** Source address: the leaky bucket belongs to it. */
  address: string
}

export type RestOutcome =
  | { kind: 'answer', status: number, body: unknown, headers?: Record<string, string> }
  /** The connection is cut without an answer. */
  | { kind: 'drop' }

interface Caller {
  app: App | null
  user: User
  scopes: string[]
  /** Whose operating time is used. */
  account: string
}

const batchLength = 50

/** Answers one HTTP request to the REST server and writes it into the journal. */
export async function answerRest(engine: Engine, request: RestRequest): Promise<RestOutcome> {
  const rule = findMethod(request.method)
  const name = rule?.name ?? request.method
  const record = { time: new Date(engine.clock.now()).toISOString(), method: name, params: request.params }
  const started = performance.now()
  let caller: Caller | undefined
  const misbehaviour = engine.misbehaviours.take('rest', name)
  const injected = misbehaviour?.kind
  // Numbered when it ends, so that a reader with a cursor misses nothing; a batch is numbered before its commands.
  let id: number | undefined
  const note = (status: number, answer: unknown, error?: string): void => engine.calls.add({
    id: id ?? engine.calls.nextId(), ...record, status, answer, ...(error !== undefined ? { error } : {}), ...(injected ? { injected } : {}),
    ...(caller?.app ? { clientId: caller.app.clientId } : {}), ...(caller ? { userId: caller.user.id } : {}),
    durationMs: Math.round((performance.now() - started) * 10) / 10,
  })
  try {
    if (misbehaviour?.kind === 'drop_before') {
      note(0, null, 'CONNECTION_DROPPED')
      return { kind: 'drop' }
    }
    if (misbehaviour?.kind === 'redirect') {
      note(302, null, 'REDIRECT')
      return { kind: 'answer', status: 302, body: null, headers: { location: `${engine.origin}/rest/${request.method}` } }
    }
    if (misbehaviour?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, misbehaviour.ms ?? 1000))
    throwInjected(misbehaviour)
    engine.limits.takeRequest(request.address)
    caller = identify(engine, request)
    if (misbehaviour?.kind === 'result_false') {
      const body = { result: false, time: time(engine, caller.account, name, started) }
      note(200, body, 'RESULT_FALSE')
      return { kind: 'answer', status: 200, body }
    }
    if (name === 'batch') id = engine.calls.nextId()
    const batch = id === undefined ? undefined : await runBatch(engine, caller, request.params, id)
    const result = batch?.answer ?? await run(engine, caller, request.method, request.params)
    const body = { ...result, time: time(engine, caller.account, name, started) }
    if (misbehaviour?.kind === 'drop_after' || batch?.drop) {
      note(0, body, 'CONNECTION_DROPPED')
      return { kind: 'drop' }
    }
    note(200, body)
    return { kind: 'answer', status: 200, body }
  } catch (error) {
    const refusal = error instanceof RestError ? error : systemErrors.internal()
    if (!(error instanceof RestError)) console.error(`sandbox portal: ${name} failed`, error)
    const { insideResult, ...extra } = refusal.extra
    const plain = { error: refusal.code, error_description: refusal.message, ...extra }
    const body = insideResult === true
      ? { result: { result: false, ...plain }, time: time(engine, caller?.account ?? '', name, started) }
      : plain
    note(refusal.status, body, String(refusal.code) || 'EMPTY')
    return { kind: 'answer', status: refusal.status, body }
  }
}

function throwInjected(rule: MisbehaveRule | undefined): void {
  switch (rule?.kind) {
    case 'expired_token':
      throw systemErrors.expiredToken()
    case 'query_limit':
      throw systemErrors.queryLimit()
    case 'operation_limit':
      throw systemErrors.operationLimit()
    case 'internal_error':
      throw systemErrors.internal()
    case 'portal_deleted':
      throw systemErrors.portalDeleted()
    case 'overload':
      throw systemErrors.overload()
    case 'empty_error':
      throw new RestError('', 'Something did not work out')
    default:
  }
}

function identify(engine: Engine, request: RestRequest): Caller {
  if (request.webhook) {
    const user = engine.world.users.get(request.webhook.userId)
    if (!user?.active) throw systemErrors.noAuth()
    return { app: null, user, scopes: request.webhook.scopes, account: `webhook ${request.webhook.code}` }
  }
  if (request.token === undefined || request.token === '') throw systemErrors.noAuth()
  const token = engine.oauth.resolve(request.token)
  if (token === 'expired') throw systemErrors.expiredToken()
  const app = token && engine.world.apps.get(token.clientId)
  const user = token && engine.world.users.get(token.userId)
  if (!token || !app?.present || !user?.active) throw systemErrors.noAuth()
  return { app, user, scopes: token.scopes, account: app.clientId }
}

/**
 * Runs one method for the caller after all checks of the catalogue.
 * @throws RestError
 */
async function run(engine: Engine, caller: Caller, method: string, given: Record<string, unknown>): Promise<Answer> {
  const rule = findMethod(method)
  if (!rule) throw systemErrors.methodNotFound()
  if (rule.scopes.length > 0 && !rule.scopes.some((scope) => scope === 'basic' || caller.scopes.includes(scope))) throw systemErrors.insufficientScope()
  if (rule.app && !caller.app) throw deniedWithoutApplication(rule.name)
  if (rule.admin && !caller.user.admin) throw deniedToNonAdmin(rule.name)
  engine.limits.checkOperating(caller.account, rule.name)
  const params = checkParams(rule, given)
  const handler = handlers[rule.name]
  if (!handler) throw systemErrors.notImplemented(rule.name)
  const started = performance.now()
  try {
    return await handler({ engine, app: caller.app, user: caller.user, scopes: caller.scopes, params })
  } finally {
    engine.limits.spend(caller.account, rule.name, (performance.now() - started) / 1000)
  }
}

/** The commands of a batch, one after another; their results may be used by later ones as `$result[name][field]`. */
async function runBatch(
  engine: Engine, caller: Caller, params: Record<string, unknown>, batchId: number,
): Promise<{ answer: Answer, drop: boolean }> {
  const { cmd, halt } = checkParams(findMethod('batch')!, params)
  const results: [string, unknown][] = []
  const errors: [string, unknown][] = []
  const totals: [string, unknown][] = []
  const nexts: [string, unknown][] = []
  const times: [string, unknown][] = []
  let drop = false
  for (const [index, [key, raw]] of Object.entries(cmd as Record<string, unknown>).entries()) {
    const { method, query } = readCommand(raw)
    const started = performance.now()
    const commandParams = withResults(query, Object.fromEntries(results)) as Record<string, unknown>
    const name = findMethod(method)?.name ?? method
    const rule = engine.misbehaviours.take('rest', name, true)
    const note = (status: number, answer: unknown, error?: string): void => engine.calls.add({
      id: engine.calls.nextId(), time: new Date(engine.clock.now()).toISOString(), method: name, params: commandParams, status, answer,
      ...(error !== undefined ? { error } : {}), ...(rule ? { injected: rule.kind } : {}), batch: batchId, command: key,
      ...(caller.app ? { clientId: caller.app.clientId } : {}), userId: caller.user.id,
      durationMs: Math.round((performance.now() - started) * 10) / 10,
    })
    try {
      throwInjected(rule)
      if (index >= batchLength) throw systemErrors.batchTooLong()
      if (name === 'batch') throw systemErrors.batchNested()
      const answer = rule?.kind === 'result_false' ? { result: false } : await run(engine, caller, method, commandParams)
      if (rule?.kind === 'drop_after') drop = true
      results.push([key, answer.result])
      if (answer.total !== undefined) totals.push([key, answer.total])
      if (answer.next !== undefined) nexts.push([key, answer.next])
      times.push([key, time(engine, caller.account, name, started)])
      note(200, answer, rule?.kind === 'result_false' ? 'RESULT_FALSE' : undefined)
    } catch (error) {
      if (!(error instanceof RestError)) throw error
      const { insideResult, ...extra } = error.extra
      const plain = { error: error.code, error_description: error.message, ...extra }
      note(error.status, plain, String(error.code) || 'EMPTY')
      if (insideResult === true) {
        results.push([key, { result: false, ...plain }])
        continue
      }
      errors.push([key, plain])
      if (isYes(halt)) break
    }
  }
  const answer = {
    result: { result: phpMap(results), result_error: phpMap(errors), result_total: phpMap(totals), result_next: phpMap(nexts), result_time: phpMap(times) },
  }
  return { answer, drop }
}

function readCommand(raw: unknown): { method: string, query: Record<string, unknown> } {
  if (raw !== null && typeof raw === 'object') {
    const { method, params } = raw as { method?: unknown, params?: Record<string, unknown> }
    return { method: String(method ?? ''), query: params ?? {} }
  }
  const text = String(raw)
  const mark = text.indexOf('?')
  return mark === -1 ? { method: text, query: {} } : { method: text.slice(0, mark), query: parseQuery(text.slice(mark + 1)) }
}

/** Puts earlier results in: a value that is only a reference keeps its type, inside a text it becomes text. */
function withResults(value: unknown, results: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => withResults(item, results))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withResults(item, results)]))
  }
  if (typeof value !== 'string') return value
  const look = (path: string): unknown => [...path.matchAll(/\[([^\]]*)\]/g)].reduce<unknown>(
    (found, [, key]) => found !== null && typeof found === 'object' ? (found as Record<string, unknown>)[key!] : undefined, results)
  const whole = /^\$result((?:\[[^\]]*\])+)$/.exec(value)
  if (whole) return look(whole[1]!) ?? ''
  return value.replace(/\$result((?:\[[^\]]*\])+)/g, (_, path: string) => String(look(path) ?? ''))
}

/** A PHP array in JSON: keys 0..n-1 make a list, and so does no key at all. */
function phpMap(entries: [string, unknown][]): unknown {
  return entries.every(([key], index) => key === String(index)) ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

function time(engine: Engine, account: string, method: string, started: number): Record<string, unknown> {
  const now = engine.clock.now() / 1000
  const duration = (performance.now() - started) / 1000
  const operating = engine.limits.operating(account, method)
  return {
    start: now - duration,
    finish: now,
    duration,
    processing: duration,
    date_start: portalDate((now - duration) * 1000),
    date_finish: portalDate(now * 1000),
    operating_reset_at: Math.round(now + operating.resetInSeconds),
    operating: operating.seconds,
  }
}
