/** The time of the portal: everything that a clinic would see as time (token life, robot timeouts, dates of records) follows it. */
export interface PortalClock {
  /** Epoch milliseconds, simulated. */
  now(): number
  /** Resolves after that many simulated milliseconds. */
  sleep(ms: number): Promise<void>
}

/** Real time. Sleepers never keep the process alive. */
export const realClock: PortalClock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => {
    setTimeout(resolve, Math.min(ms, 2 ** 31 - 1)).unref()
  }),
}
