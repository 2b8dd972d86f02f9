import { type Clock } from '../clock.ts'
import { type Messenger } from './behaviour.ts'

/** One call of a vendor's API. */
export interface Call {
  number: number
  at: number
  messenger: Messenger
  account: string
  method: string
  /** HTTP status; 0 when the connection was dropped or left hanging. */
  status: number
  /** The vendor's own code (`131047`, `403`, `chat.denied`, `7`), `ok` or the trouble that was staged. */
  code: string
}

/** Log of the calls of all vendors' APIs. */
export interface Calls {
  add(call: Omit<Call, 'number' | 'at'>): void
  list(filter?: { messenger?: string, account?: string, after?: number }): Call[]
  total(): number
}

const kept = 100_000

/** Makes an empty log; it keeps the last hundred thousand calls. */
export function createCalls(clock: Clock): Calls {
  const calls: Call[] = []
  let number = 0
  return {
    add(call) {
      calls.push({ number: ++number, at: clock.now(), ...call })
      if (calls.length > kept) calls.splice(0, kept / 2)
    },
    list: ({ messenger, account, after = 0 } = {}) => calls.filter((call) => call.number > after &&
      (messenger === undefined || call.messenger === messenger) && (account === undefined || call.account === account)),
    total: () => number,
  }
}
