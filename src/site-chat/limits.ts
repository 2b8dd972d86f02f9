/** How often one visitor or one address may do a thing: `burst` at once, then one every `everyMs`. */
export interface Allowance {
  readonly burst: number
  readonly everyMs: number
}

export interface Limiter {
  /** 0: go on. Else milliseconds until the next try has a chance. */
  take(key: string): number
}

const mostKeys = 20_000

/**
 * Counts in this process, in bounded memory: of very many keys the ones that rested longest are forgotten first. Processes count apart, so a
 * clinic with three of them allows three times as much, which still stops a flood.
 */
export const createLimiter = ({ burst, everyMs }: Allowance, now: () => number): Limiter => {
  /** When the key will owe nothing any more. Insertion order is the order of last use. */
  const debts = new Map<string, number>()
  return {
    take: (key) => {
      const at = now()
      const freeAt = Math.max(debts.get(key) ?? 0, at) + everyMs
      const waitMs = freeAt - at - burst * everyMs
      if (waitMs > 0) return waitMs
      debts.delete(key)
      debts.set(key, freeAt)
      if (debts.size > mostKeys) debts.delete(debts.keys().next().value!)
      return 0
    },
  }
}

/** A person types, clicks and reconnects far below these; whole offices and mobile networks share one address. */
export const allowances = {
  sessionsOfAddress: { burst: 30, everyMs: 20_000 },
  requestsOfAddress: { burst: 600, everyMs: 50 },
  messagesOfVisitor: { burst: 20, everyMs: 1_500 },
  filesOfVisitor: { burst: 10, everyMs: 10_000 },
  typingOfVisitor: { burst: 3, everyMs: 2_000 },
  requestsOfVisitor: { burst: 120, everyMs: 250 },
} as const satisfies Readonly<Record<string, Allowance>>

export type Limits = Readonly<Record<keyof typeof allowances, Limiter>>

export const createLimits = (now: () => number): Limits => {
  const limiters = Object.entries(allowances).map(([name, allowance]) => [name, createLimiter(allowance, now)] as const)
  return Object.fromEntries(limiters) as Limits
}
