/** What the portal can be told to do wrong. The first group concerns REST calls, the second OAuth, the third events and robot calls. */
export const misbehaviours = [
  'expired_token', 'query_limit', 'operation_limit', 'internal_error', 'portal_deleted', 'overload',
  'redirect', 'empty_error', 'result_false', 'slow', 'drop_before', 'drop_after',
  'oauth_invalid_grant', 'oauth_payment_required', 'oauth_error', 'oauth_slow', 'oauth_drop_after',
  'event_lose', 'event_twice', 'event_reorder', 'event_slow',
] as const

export type Misbehaviour = typeof misbehaviours[number]

export interface MisbehaveRule {
  kind: Misbehaviour
  /** Only this REST method (or event, or robot code); a trailing `*` is a prefix. Without it any, but no command inside a batch. */
  method?: string
  /** How many times, 1 if nothing is said; with `probability`: for ever. */
  times?: number
  /** 0..1 for each candidate, drawn from `seed` (1 if absent) so that a run can be repeated. */
  probability?: number
  seed?: number
  /** For `slow`, `event_slow`, `event_reorder`, `oauth_slow`: real milliseconds. */
  ms?: number
}

interface LiveRule extends MisbehaveRule {
  left: number
  random: () => number
}

/** Repeatable random numbers (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export class Misbehaviours {
  private rules: LiveRule[] = []

  /** @throws Error when the rule names an unknown kind. */
  add(rule: MisbehaveRule): void {
    if (!misbehaviours.includes(rule.kind)) throw new Error(`Unknown kind of misbehaviour: ${rule.kind as string}. Known: ${misbehaviours.join(', ')}`)
    this.rules.push({
      ...rule,
      left: rule.times ?? (rule.probability === undefined ? 1 : Infinity),
      random: seededRandom(rule.seed ?? 1),
    })
  }

  clear(): void {
    this.rules = []
  }

  list(): MisbehaveRule[] {
    return this.rules.map(({ kind, method, probability, seed, ms, left }) => ({ kind, method, probability, seed, ms, times: left }))
  }

  /** Takes the next rule for this target, using it up. `namedOnly`: rules without a method do not apply (commands of a batch). */
  take(group: 'rest' | 'oauth' | 'event', target: string, namedOnly = false): MisbehaveRule | undefined {
    for (const rule of this.rules) {
      const kind = rule.kind.startsWith('oauth_') ? 'oauth' : rule.kind.startsWith('event_') ? 'event' : 'rest'
      if (kind !== group || rule.left <= 0) continue
      if (rule.method === undefined ? namedOnly : !matches(rule.method, target)) continue
      if (rule.probability !== undefined && rule.random() >= rule.probability) continue
      rule.left -= 1
      if (rule.left <= 0) this.rules = this.rules.filter((other) => other !== rule)
      return rule
    }
    return undefined
  }
}

function matches(pattern: string, target: string): boolean {
  const wanted = pattern.toLowerCase()
  return wanted.endsWith('*') ? target.toLowerCase().startsWith(wanted.slice(0, -1)) : target.toLowerCase() === wanted
}
