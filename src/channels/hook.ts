import { type ConnectionFacts, type Localized } from './channel.ts'

/** The vendor's one webhook as it stands now. */
export interface HookState {
  /** Our own address; undefined: nobody asks about the webhook. */
  readonly wanted: string | undefined
  /** Where the vendor sends now; empty: nowhere. */
  readonly found: string | undefined
  /** Whether the vendor tells all that we asked for. */
  readonly isWhole: boolean
  /** The sentence for a webhook that is not ours. */
  readonly elsewhere: Localized
}

/**
 * What a live check says of a webhook: another program's address is a warning and is never taken away by itself; no address, or ours with
 * less than we asked for, is lost, so that it is set again.
 */
export const judgeHook = ({ wanted, found = '', isWhole, elsewhere }: HookState): { readonly warnings: readonly Localized[]; readonly isHookLost: boolean } => {
  if (wanted === undefined) return { warnings: [], isHookLost: false }
  const isOurs = found === wanted
  return { warnings: found === '' || isOurs ? [] : [elsewhere], isHookLost: found === '' || (isOurs && !isWhole) }
}

/** Every kind of event that we ask for is among those that the vendor tells; a vendor that does not say which counts as telling all. */
export const tellsAll = (wanted: readonly string[], told: readonly string[] | null | undefined): boolean => told === null || told === undefined || wanted.every((type) => told.includes(type))

/** Every setting that the vendor names stands as we want it; one that it does not name could not be set by asking again. */
export const standsAs = (wanted: Readonly<Record<string, unknown>>, told: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(wanted).every(([name, value]) => told[name] === undefined || told[name] === value)

/** Adds what was found of the webhook to what is known of the connection. */
export const withHook = (facts: ConnectionFacts, hook: ReturnType<typeof judgeHook>): ConnectionFacts => ({
  ...facts,
  ...(hook.warnings.length === 0 ? {} : { warnings: [...(facts.warnings ?? []), ...hook.warnings] }),
  ...(hook.isHookLost ? { isHookLost: true } : {}),
})
