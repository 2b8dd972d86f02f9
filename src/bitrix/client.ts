import { setTimeout as sleep } from 'node:timers/promises'
import { readAnswer, readBatch, type Answer, type Outcome, type Usage } from './answer.ts'
import { EmptyListError, referencesIn, writeCommand, writeParams, type Command, type Params } from './command.ts'
import { BitrixError, withOutcome } from './errors.ts'
import { type Clock, type OAuth, type Token } from './oauth.ts'
import { createTransport, type Transport } from './transport.ts'

export { type Answer, type Outcome } from './answer.ts'
export { resultOf, type Command, type Params } from './command.ts'
export { type Clock, type Token } from './oauth.ts'

/** Where the administrators' tokens of one portal live. Implementations hold across processes. */
export interface TokenStore {
  /** The token to call with; undefined when none is left. */
  current(): Promise<Token | undefined>
  /**
   * One refresh at a time, for all processes: under a lock it reads the token of the same user again, returns it when it is newer
   * than `stale`, else stores and returns what `exchange` brings. Errors of `exchange` are thrown on.
   */
  refresh(stale: Token, exchange: (refreshToken: string) => Promise<Token>): Promise<Token>
  /** This token works no more; `current` goes on with another administrator's. */
  invalidate(token: Token, reason: string): Promise<void>
}

/** Every method of the portal at once, in `Budget.pause`. */
export const allMethods = '*'

/** How many requests one portal gets from all processes together: a burst of 50, 2 a second, and no method that is paused. */
export interface Budget {
  /** 0: one request is granted and counted. More: nothing is granted, ask again after that many milliseconds. */
  take(cost: { readonly methods: readonly string[] }): Promise<number>
  /** How much operating time the portal says a method has used. */
  report(usage: Usage): Promise<void>
  /** No call of this method (or of `allMethods`) before `until`, epoch ms. */
  pause(method: string, until: number): Promise<void>
}

/** One request for the masked journal: no parameters, no answers. */
export interface CallRecord {
  readonly methods: readonly string[]
  readonly httpStatus: number
  readonly code: string
  readonly durationMs: number
}

export interface PortalClientOptions {
  readonly tokens: TokenStore
  readonly oauth: OAuth
  readonly budget: Budget
  readonly clock: Clock
  /** Ends waits and running requests when the process stops. */
  readonly signal?: AbortSignal
  /** One request may take this long; the portal itself gives up after 60 s. */
  readonly timeoutMs?: number
  /** How long a call waits for the budget before it is thrown back to its queue as `BUDGET_SPENT`. */
  readonly maxWaitMs?: number
  readonly journal?: (record: CallRecord) => void
}

/** Outcomes by the keys of their commands. */
export type Outcomes = ReadonlyMap<string, Outcome>

/** REST of one portal. */
export interface PortalClient {
  /** One method. Throws `BitrixError`. */
  call(method: string, params?: Params): Promise<Answer>
  /**
   * Any number of commands, up to 50 in a request; commands that refer to each other travel together. Each has its own outcome:
   * when the answer to a request is lost, all its commands are unknown; requests behind it are not sent.
   */
  batch(commands: readonly Command[]): Promise<Outcomes>
}

export const maxBatchCommands = 50
const refreshAheadMs = 30_000
// Each administrator is tried at most twice: with the stored token and after a refresh.
const maxAttempts = 8

/**
 * Calls one portal within its budget, with a token that works, and says of every failure what it means.
 *
 * Only calls that the portal has certainly not carried out are repeated here: a sign-in that was not accepted, an address that
 * has moved. Everything else is the caller's decision (`BitrixError.action`, `outcome`).
 *
 * @see https://apidocs.bitrix24.com/limits.html
 */
export const createPortalClient = (options: PortalClientOptions): PortalClient => {
  const { tokens, oauth, budget, clock, signal, timeoutMs = 30_000, maxWaitMs = 5_000, journal } = options
  let transport: { readonly key: string; readonly send: Transport } | undefined

  const transportOf = (token: Token): Transport => {
    const key = `${token.clientEndpoint} ${token.accessToken}`
    if (transport?.key !== key) transport = { key, send: createTransport(token, { timeoutMs, signal }) }
    return transport.send
  }

  const renew = async (token: Token): Promise<Token | undefined> => {
    try {
      return await tokens.refresh(token, (refreshToken) => oauth.refresh(refreshToken, token.serverEndpoint))
    } catch (error) {
      if (!(error instanceof BitrixError)) throw error
      if (error.action !== 'reinstall') throw withOutcome(error, 'rejected')
      await tokens.invalidate(token, error.bitrixCode)
      return undefined
    }
  }

  const takeBudget = async (method: string, methods: readonly string[]): Promise<void> => {
    let waitedMs = 0
    for (;;) {
      const waitMs = await budget.take({ methods })
      if (waitMs <= 0) return
      if (waitedMs + waitMs > maxWaitMs) {
        throw new BitrixError({ method, httpStatus: 0, bitrixCode: 'BUDGET_SPENT', retryAfterSeconds: Math.ceil(waitMs / 1000) })
      }
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      waitedMs += waitMs
      refuseWhenAborted(method)
    }
  }

  const refuseWhenAborted = (method: string): void => {
    if (signal?.aborted === true) throw new BitrixError({ method, httpStatus: 0, bitrixCode: 'ABORTED', outcome: 'rejected' })
  }

  const pauseAfter = async (error: BitrixError, until?: number): Promise<void> => {
    const pauseUntil = until ?? clock.now() + (error.retryAfterSeconds ?? 60) * 1000
    if (error.action === 'pauseMethod') await budget.pause(error.method, pauseUntil)
    else if (/^(?:QUERY|OVERLOAD)_LIMIT/.test(error.bitrixCode)) await budget.pause(allMethods, pauseUntil)
  }

  const request = async (token: Token, method: string, params: Record<string, unknown>, methods: readonly string[]): Promise<Answer> => {
    await takeBudget(method, methods)
    refuseWhenAborted(method)
    const startedAt = clock.now()
    const note = (httpStatus: number, code: string): void => journal?.({ methods, httpStatus, code, durationMs: clock.now() - startedAt })
    try {
      const { status, body } = await transportOf(token)(method, params)
      const { answer, usage } = readAnswer(body, method, status)
      note(status, '')
      if (usage !== undefined && method !== 'batch') await budget.report(usage)
      return answer
    } catch (error) {
      if (error instanceof BitrixError) {
        note(error.httpStatus, error.bitrixCode)
        await pauseAfter(error)
      }
      throw error
    }
  }

  /** Sends with a token that works, or throws the last refusal. */
  const send = async (method: string, params: Record<string, unknown>, methods: readonly string[]): Promise<Answer> => {
    /** By user: the token that was refused before it was renewed. */
    const renewed = new Map<string, string>()
    let refusal = new BitrixError({ method, httpStatus: 0, bitrixCode: 'NO_TOKEN' })
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      let token = await tokens.current()
      if (token === undefined) throw new BitrixError({ method, httpStatus: refusal.httpStatus, bitrixCode: 'NO_TOKEN', description: refusal.bitrixCode })
      if (token.expiresAt - refreshAheadMs <= clock.now()) token = await renew(token)
      if (token === undefined) continue
      try {
        return await request(token, method, params, methods)
      } catch (error) {
        if (!(error instanceof BitrixError)) throw error
        refusal = error
      }
      const user = token.userId ?? ''
      if (refusal.action === 'moved') {
        // The redirect names the new address, but only the OAuth server is believed.
        const there = await renew(token)
        if (there?.clientEndpoint === token.clientEndpoint) throw refusal
      } else if (refusal.action === 'refresh' && !renewed.has(user)) {
        renewed.set(user, token.accessToken)
        await renew(token)
      } else if (/^expired_token$/i.test(refusal.bitrixCode) && renewed.get(user) !== token.accessToken) {
        // It was renewed a moment ago, so the sign-in works. We slept in between, or the portal's clock leaps: later it will do.
        throw new BitrixError({ method, httpStatus: refusal.httpStatus, bitrixCode: 'EXPIRED_AGAIN' })
      } else if (refusal.action === 'refresh' || refusal.action === 'otherUser') {
        await tokens.invalidate(token, refusal.bitrixCode)
      } else {
        throw refusal
      }
    }
    throw refusal
  }

  const sendBatch = async (commands: readonly Command[]): Promise<readonly Outcome[]> => {
    const wireKeys = new Map(commands.map(({ key }, index) => [key, `c${String(index)}`]))
    const wireKeyOf = (key: string): string => wireKeys.get(key)!
    const written = commands.map((command) => tryWrite(command, wireKeyOf))
    const sendable = commands.filter((_, index) => typeof written[index] === 'string')
    const cmd = Object.fromEntries(commands.flatMap(({ key }, index) => (typeof written[index] === 'string' ? [[wireKeyOf(key), written[index]]] : [])))
    const parts = sendable.map(({ key, method }) => ({ wireKey: wireKeyOf(key), method }))
    const outcomeOf = new Map<string, Outcome>()
    if (sendable.length > 0) {
      const answer = await send('batch', { halt: 0, cmd }, [...new Set(parts.map(({ method }) => method))])
      const read = readBatch(answer.result, parts)
      await digest(read)
      read.forEach(({ outcome }, index) => outcomeOf.set(sendable[index]!.key, outcome))
    }
    return commands.map(({ key }, index) => {
      const refusal = written[index]
      return refusal instanceof BitrixError ? { ok: false, error: refusal } : outcomeOf.get(key)!
    })
  }

  /** Tells the budget what the commands of one request have cost, once per method. */
  const digest = async (read: ReturnType<typeof readBatch>): Promise<void> => {
    const usages = new Map<string, Usage>()
    for (const { outcome, usage } of read) {
      if (usage !== undefined && usage.operatingSeconds >= (usages.get(usage.method)?.operatingSeconds ?? 0)) usages.set(usage.method, usage)
      if (!outcome.ok) await pauseAfter(outcome.error, usage !== undefined && usage.resetAt > clock.now() ? usage.resetAt : undefined)
    }
    for (const usage of usages.values()) await budget.report(usage)
  }

  return {
    call: (method, params = {}) => send(method, writeParams(params), [method]),
    batch: async (commands) => {
      const outcomes = new Map<string, Outcome>()
      let refusal: BitrixError | undefined
      for (const part of partsOf(commands)) {
        if (refusal !== undefined) {
          const error = withOutcome(refusal, 'rejected')
          for (const { key } of part) outcomes.set(key, { ok: false, error })
          continue
        }
        try {
          const results = await sendBatch(part)
          part.forEach(({ key }, index) => outcomes.set(key, results[index]!))
        } catch (error) {
          if (!(error instanceof BitrixError)) throw error
          refusal = error
          for (const { key } of part) outcomes.set(key, { ok: false, error })
        }
      }
      return outcomes
    },
  }
}

const tryWrite = (command: Command, wireKeyOf: (key: string) => string): string | BitrixError => {
  try {
    return writeCommand(command, wireKeyOf)
  } catch (error) {
    if (error instanceof EmptyListError) return new BitrixError({ method: command.method, httpStatus: 0, bitrixCode: 'EMPTY_LIST' })
    throw error
  }
}

/** Requests of up to 50 commands; a command travels with all that it refers to, which must stand before it. */
export const partsOf = (commands: readonly Command[]): readonly (readonly Command[])[] => {
  const groups: Command[][] = []
  const groupOf = new Map<string, Command[]>()
  for (const command of commands) {
    if (groupOf.has(command.key)) throw new TypeError(`Two commands of a batch share the key ${command.key}.`)
    const wanted = new Set(
      referencesIn(command.params).map((key) => {
        const group = groupOf.get(key)
        if (group === undefined) throw new TypeError(`The command ${command.key} refers to ${key}, which does not stand before it.`)
        return group
      }),
    )
    const [first, ...others] = wanted
    const group = first ?? []
    if (first === undefined) groups.push(group)
    for (const other of others) {
      group.push(...other)
      for (const { key } of other) groupOf.set(key, group)
      groups.splice(groups.indexOf(other), 1)
    }
    group.push(command)
    groupOf.set(command.key, group)
  }
  const parts: Command[][] = []
  for (const group of groups) {
    if (group.length > maxBatchCommands) throw new TypeError(`More than ${String(maxBatchCommands)} commands refer to each other.`)
    const last = parts.at(-1)
    if (last !== undefined && last.length + group.length <= maxBatchCommands) last.push(...group)
    else parts.push([...group])
  }
  return parts
}
