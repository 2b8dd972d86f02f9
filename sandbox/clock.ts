import { renameSync, writeFileSync } from 'node:fs'

/**
 * Time of the sandbox: runs at `speed` simulated milliseconds per real millisecond and can be told to run faster, slower
 * or to jump ahead; everybody who sleeps by it is re-timed at once.
 *
 * All times are epoch milliseconds of the simulated world.
 */
export interface Clock {
  now(): number
  /** Resolves after that many simulated milliseconds; never resolves when the clock is stopped first. */
  sleep(ms: number): Promise<void>
  /** Runs `action` after that many simulated milliseconds; the answer takes it back. */
  after(ms: number, action: () => void): () => void
  /** Simulated milliseconds per real millisecond; 0 holds time still, which a clock with followers cannot. */
  setSpeed(speed: number): void
  /** Jumps ahead; whoever was to wake in between wakes now, in order. */
  advance(ms: number): void
  readonly speed: number
  stop(): void
}

export interface ClockOptions {
  speed?: number
  /** Where `{"realAt":ms,"at":ms,"speed":n}` is kept for other processes that follow this time; replaced as a whole. */
  file?: string
  /** First simulated moment; the real one when left out. */
  startAt?: number
}

interface Waiter {
  dueAt: number
  order: number
  action: () => void
  timer?: NodeJS.Timeout
}

const longestTimerMs = 2 ** 31 - 1

/**
 * Starts a simulated clock. Waiters wake in the order of their due time also when time jumps.
 * @throws RangeError when the speed is negative or not a number
 */
export function createClock(options: ClockOptions = {}): Clock {
  // Who follows the file cannot follow a time that stands.
  const least = options.file === undefined ? 0 : Number.MIN_VALUE
  let speed = checkSpeed(options.speed ?? 1, least)
  let realAt = Date.now()
  let at = options.startAt ?? realAt
  let order = 0
  let stopped = false
  const waiters = new Set<Waiter>()

  const now = (): number => Math.round(at + (Date.now() - realAt) * speed)

  const publish = (): void => {
    if (options.file === undefined) return
    // Readers must never meet half a file, hence write beside and rename.
    const beside = `${options.file}.${process.pid}.tmp`
    writeFileSync(beside, JSON.stringify({ realAt, at, speed }))
    renameSync(beside, options.file)
  }

  const arm = (waiter: Waiter): void => {
    clearTimeout(waiter.timer)
    waiter.timer = undefined
    if (speed === 0) return
    const realMs = Math.ceil((waiter.dueAt - now()) / speed)
    waiter.timer = setTimeout(() => {
      if (now() < waiter.dueAt) arm(waiter)
      else wake(waiter)
    }, Math.min(Math.max(realMs, 0), longestTimerMs))
  }

  const wake = (waiter: Waiter): void => {
    if (!waiters.delete(waiter)) return
    clearTimeout(waiter.timer)
    waiter.action()
  }

  const change = (nextAt: number, nextSpeed: number): void => {
    realAt = Date.now()
    at = nextAt
    speed = nextSpeed
    publish()
    const due = [...waiters].filter((waiter) => waiter.dueAt <= at)
    for (const waiter of due.sort((a, b) => a.dueAt - b.dueAt || a.order - b.order)) wake(waiter)
    for (const waiter of waiters) arm(waiter)
  }

  const after = (ms: number, action: () => void): (() => void) => {
    if (stopped) return () => undefined
    const waiter: Waiter = { dueAt: now() + Math.max(ms, 0), order: order++, action }
    waiters.add(waiter)
    arm(waiter)
    return () => {
      waiters.delete(waiter)
      clearTimeout(waiter.timer)
    }
  }

  publish()
  return {
    now,
    after,
    sleep: (ms) => ms <= 0 && !stopped ? Promise.resolve() : new Promise((resolve) => after(ms, resolve)),
    setSpeed: (next) => change(now(), checkSpeed(next, least)),
    advance: (ms) => change(now() + Math.max(ms, 0), speed),
    get speed() { return speed },
    stop() {
      stopped = true
      for (const waiter of waiters) clearTimeout(waiter.timer)
      waiters.clear()
    },
  }
}

function checkSpeed(speed: number, least: number): number {
  if (!Number.isFinite(speed) || speed < least) {
    throw new RangeError(`The speed of time is a number ${least === 0 ? 'of zero or more' : 'above zero'}`)
  }
  return speed
}
