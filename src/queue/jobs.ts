import { z } from 'zod'

/**
 * Every job of pg-boss. Jobs are wake-ups: they carry ids, tables carry the truth, so running one twice is harmless.
 *
 * What is due now is not a job: inbox and outbox are tables that workers claim from (docs/decisions/0002).
 */
export const jobs = {
  /** A step's time is over: one job per armed timer, never cancelled. */
  'delivery.wake': {
    data: z.object({ portalId: z.string(), deliveryId: z.string() }),
    queue: { retryLimit: 5, retryDelay: 1, retryBackoff: true, expireInSeconds: 60, deleteAfterSeconds: 60, retentionSeconds: 30 * 24 * 3600 },
  },
  /** Removes what retention no longer allows. */
  'data.prune': { data: z.object({}), queue: { retryLimit: 1, expireInSeconds: 600, deleteAfterSeconds: 3600 } },
  /** Looks at every connection: is the bot still ours, is the webhook still set. */
  'connections.check': { data: z.object({}), queue: { retryLimit: 1, expireInSeconds: 600, deleteAfterSeconds: 3600 } },
  /** Looks through the dialogues of the last day for operators' messages whose event was lost. */
  'dialogs.lookThrough': { data: z.object({}), queue: { retryLimit: 1, expireInSeconds: 600, deleteAfterSeconds: 3600 } },
} as const

export type JobName = keyof typeof jobs
export type JobData<Name extends JobName> = z.infer<(typeof jobs)[Name]['data']>

/** Cron, UTC. */
export const schedules: readonly { readonly name: JobName; readonly cron: string }[] = [
  { name: 'data.prune', cron: '17 3 * * *' },
  { name: 'connections.check', cron: '*/10 * * * *' },
  { name: 'dialogs.lookThrough', cron: '41 * * * *' },
]
