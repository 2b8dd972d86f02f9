/** Works as long as there is work, then waits to be rung or for its next look. */
export interface Loop {
  /** There may be work: look now. */
  ring(): void
  /** Ends after the work in hand. */
  stop(): Promise<void>
}

const failureWaitMs = 1_000

/**
 * Runs `work` again and again: at once while it finds something, else when rung or after `idleMs` of real time.
 *
 * An error is told to `onError` and followed by a pause: a database that is away is not hammered.
 */
export const startLoop = (options: { work: () => Promise<number>; idleMs: number; onError: (error: unknown) => void }): Loop => {
  const state = { isStopped: false, isRung: false }
  let wake: (() => void) | undefined
  const wait = async (ms: number, isCutShort: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        if (!isCutShort()) return
        clearTimeout(timer)
        resolve()
      }
      wake()
    })
  // A function, because the type checker does not know that work lets others run.
  const isOver = (): boolean => state.isStopped
  const run = async (): Promise<void> => {
    for (;;) {
      if (isOver()) return
      state.isRung = false
      try {
        if ((await options.work()) > 0) continue
        await wait(options.idleMs, () => state.isRung || state.isStopped)
      } catch (error) {
        if (isOver()) return
        options.onError(error)
        // Not even a bell cuts this pause: what rings may be what fails.
        await wait(failureWaitMs, () => state.isStopped)
      }
    }
  }
  const running = run()
  return {
    ring: () => {
      state.isRung = true
      wake?.()
    },
    stop: async () => {
      state.isStopped = true
      wake?.()
      await running
    },
  }
}
