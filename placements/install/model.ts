/** Decisions of the installation page. Pure. */
import type { InstallResult } from '../../src/http/schemas.ts'

export type Step = InstallResult['steps'][number]

/**
 * `ready` - installed before, nothing is done until asked; `working` - the server is at it; `showing` - its steps are being
 * shown one by one; `failed`; `done` - every step is made (and, in a first installation, the portal is told so).
 */
export type State =
  | { readonly kind: 'refused' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'working' }
  | { readonly kind: 'showing'; readonly result: InstallResult; readonly shown: number }
  | { readonly kind: 'failed'; readonly steps: readonly Step[]; readonly message?: string }
  | { readonly kind: 'done'; readonly steps: readonly Step[] }

/** A first installation begins by itself; an installed application waits to be asked; who may not install is told so. */
export const firstState = (isInstallMode: boolean, isAdmin: boolean): State => (isInstallMode ? { kind: isAdmin ? 'working' : 'refused' } : { kind: 'ready' })

/** One more step comes into sight; after the last one the result stands. */
export const showNext = (state: State): State => {
  if (state.kind !== 'showing') return state
  const { result, shown } = state
  if (shown < result.steps.length) return { kind: 'showing', result, shown: shown + 1 }
  return isComplete(result) ? { kind: 'done', steps: result.steps } : { kind: 'failed', steps: result.steps }
}

/** A result that calls itself good while a step failed is not believed: the portal must not be told that all is well. */
export const isComplete = (result: InstallResult): boolean => result.ok && result.steps.every((step) => step.ok)

export const visibleSteps = (state: State): readonly Step[] =>
  state.kind === 'showing' ? state.result.steps.slice(0, state.shown) : state.kind === 'failed' || state.kind === 'done' ? state.steps : []
