import { refusalStatuses, type RefusalCode } from './protocol.ts'

/** A no to a visitor's page: a code that the widget has words for in both languages. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly status: number
  readonly retryAfterSeconds: number | undefined

  constructor(code: RefusalCode, retryAfterMs?: number) {
    super(code)
    this.name = 'Refusal'
    this.code = code
    this.status = refusalStatuses[code]
    this.retryAfterSeconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000)
  }
}
