import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { z } from 'zod'

/** Epoch milliseconds, and how long to really wait for a moment. Injected everywhere, so that a test or a rehearsal decides what time it is. */
export interface Clock {
  now(): number
  /** Real milliseconds from now until `at`; 0 when it has come. */
  waitMs(at: number): number
  /** Called when time changed its speed: armed timers then stand at wrong real times. */
  onChange(listener: () => void): void
  stop(): void
}

export const systemClock: Clock = {
  now: Date.now,
  waitMs: (at) => Math.max(0, at - Date.now()),
  onChange: () => undefined,
  stop: () => undefined,
}

const ClockFile = z.object({ realAt: z.number(), at: z.number(), speed: z.number().positive() })

/**
 * Follows the time that a file states: at real moment `realAt` it was `at`, and it runs `speed` times as fast since.
 *
 * Several processes that read one file agree on the time, also after a restart. Until the file can be read, time is real time.
 */
export const fileClock = (file: string): Clock => {
  const listeners = new Set<() => void>()
  let state = { realAt: 0, at: 0, speed: 1 }
  const read = (): void => {
    try {
      state = ClockFile.parse(JSON.parse(readFileSync(file, 'utf8')))
      for (const listener of listeners) listener()
    } catch {
      // Half-written or not there yet: the next look will find it.
    }
  }
  read()
  const now = (): number => state.at + (Date.now() - state.realAt) * state.speed
  watchFile(file, { interval: 100, persistent: false }, read)
  return {
    now,
    waitMs: (at) => Math.max(0, (at - now()) / state.speed),
    onChange: (listener) => listeners.add(listener),
    stop: () => unwatchFile(file, read),
  }
}
