import { type Engine } from '../engine.ts'
import { type Cause } from '../events.ts'
import { type App, type User } from '../model.ts'

/** One call that has passed every check of the catalogue. */
export interface Call {
  engine: Engine
  /** `null` for an incoming webhook. */
  app: App | null
  user: User
  scopes: string[]
  /** Under the documented names. */
  params: Record<string, any>
}

/** `total` and `next` stand beside `result` in the body. */
export interface Answer {
  result: unknown
  total?: number
  next?: number
}

/** A handler that waits for something (files that the portal downloads) answers with a promise. */
export type Handler = (call: Call) => Answer | Promise<Answer>

/** A handler that answers with a bare result. */
export function answer(handler: (call: Call) => unknown): Handler {
  return (call) => ({ result: handler(call) })
}

/** The same for a handler that waits. */
export function answerLater(handler: (call: Call) => Promise<unknown>): Handler {
  return async (call) => ({ result: await handler(call) })
}

/** A change made through REST is a change of the token's user: its events carry tokens. */
export function causeOf(call: Call): Cause {
  return { userId: call.user.id }
}

/** The application of a method that the catalogue lets in with an application token only. */
export function appOf(call: Call): App {
  return call.app!
}
