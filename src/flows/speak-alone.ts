import { becomeSpeaker, stopSpeaking } from '../db/budgets.ts'
import { type Deps } from './deps.ts'

/** One process speaks at a time; one that dies is replaced when this is over. What it works on is held for as long. */
export const speakingLeaseMs = 15_000

/**
 * Does the work while no other process does work under this key; 0 when another one does.
 *
 * The lease is renewed while the work goes on, and with it whatever `hold` holds: a slow round keeps what it has, a dead process is soon
 * replaced. A database that is away loses us the lease; the work then ends by its own error.
 */
export const speakAlone = async (deps: Pick<Deps, 'db'>, key: string, speaker: string, hold: () => Promise<void>, work: () => Promise<number>): Promise<number> => {
  if (!(await becomeSpeaker(deps.db, key, speaker, speakingLeaseMs))) return 0
  const stayAlive = async (): Promise<void> => {
    await becomeSpeaker(deps.db, key, speaker, speakingLeaseMs)
    await hold()
  }
  let beat = Promise.resolve()
  const heartbeat = setInterval(() => {
    beat = beat.then(stayAlive).catch(() => undefined)
  }, speakingLeaseMs / 4)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    await beat
    await stopSpeaking(deps.db, key, speaker)
  }
}
