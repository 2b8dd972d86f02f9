import { type Budget, type Token, type TokenStore } from '../../src/bitrix/client.ts'

export const tokenOf = (portal: string, name = 'a', options: Partial<Token> = {}): Token => ({
  memberId: 'member-1',
  userId: '1',
  accessToken: `access-${name}`,
  refreshToken: `refresh-${name}`,
  expiresAt: Date.now() + 3_600_000,
  clientEndpoint: `${portal}/rest/`,
  serverEndpoint: `${portal}/rest/`,
  scope: ['crm'],
  status: 'L',
  ...options,
})

/** Tokens of one portal in memory: one refresh at a time, the next administrator's token when one is invalid. */
export const memoryTokens = (...initial: readonly Token[]): TokenStore & { readonly tokens: Token[], readonly refreshes: number } => {
  const tokens = [...initial]
  const state = { refreshes: 0 }
  let lock: Promise<unknown> = Promise.resolve()
  return {
    tokens,
    get refreshes() {
      return state.refreshes
    },
    current: async () => tokens[0],
    refresh: (stale, exchange) => {
      const next = lock.catch(() => undefined).then(async () => {
        const index = tokens.findIndex(({ userId }) => userId === stale.userId)
        const stored = tokens[index]
        if (stored !== undefined && stored.accessToken !== stale.accessToken) return stored
        state.refreshes += 1
        const fresh = { ...(await exchange(stale.refreshToken)), userId: stale.userId }
        tokens[index] = fresh
        return fresh
      })
      lock = next
      return next
    },
    invalidate: async (token) => {
      const index = tokens.findIndex(({ accessToken }) => accessToken === token.accessToken)
      if (index >= 0) tokens.splice(index, 1)
    },
  }
}

/** A budget without limits that remembers what it was told. */
export const memoryBudget = (waits: number[] = []): Budget & { readonly taken: string[][], readonly paused: [string, number][], readonly reported: string[] } => {
  const taken: string[][] = []
  const paused: [string, number][] = []
  const reported: string[] = []
  return {
    taken,
    paused,
    reported,
    take: async ({ methods }) => {
      const wait = waits.shift() ?? 0
      if (wait === 0) taken.push([...methods])
      return wait
    },
    report: async ({ method }) => void reported.push(method),
    pause: async (method, until) => void paused.push([method, until]),
  }
}
