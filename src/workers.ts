import { hostname } from 'node:os'
import { type Channel } from './channels/channel.ts'
import { channels } from './channels/registry.ts'
import { listen } from './db/bell.ts'
import { type DatabaseConnection } from './db/database.ts'
import { prune } from './db/inbox.ts'
import { listConnections } from './db/connections.ts'
import { listPortals } from './db/portals.ts'
import { messageOf } from './errors.ts'
import { lookThroughRecent } from './flows/catch-up.ts'
import { checkConnection } from './flows/connect-channel.ts'
import { type Deps } from './flows/deps.ts'
import { createSessionKeeper, type SessionBook } from './flows/keep-sessions.ts'
import { type InboxWriter } from './flows/receive.ts'
import { performPortalWork } from './flows/perform-portal.ts'
import { performLineWork } from './flows/perform-lines.ts'
import { createSender } from './flows/perform-sends.ts'
import { createTalker } from './flows/perform-talk.ts'
import { processInbox, processLifecycle } from './flows/process-inbox.ts'
import { matchParkedReceipts, recoverAbandoned } from './flows/recover.ts'
import { rearmTimers, wakeDeliveries, wakeOverdue } from './flows/wake-deliveries.ts'
import { type Handlers } from './queue/boss.ts'
import { startLoop, type Loop } from './queue/loop.ts'

export interface Workers {
  stop(): Promise<void>
}

/** Looks for work that nobody rang for: the bell is quick, the look is sure. */
const idleMs = 500
const sweepMs = 1_000

/** Starts everything that works in the background: the loops over inbox and outbox, recovery, timers and recurring jobs. */
export const startWorkers = async (deps: Deps, connection: DatabaseConnection, sessions: { readonly book: SessionBook; readonly writer: InboxWriter }): Promise<Workers> => {
  const sender = createSender(deps)
  const talker = createTalker(deps)
  const speaker = `${hostname()} ${process.pid} ${Math.random().toString(36).slice(2)}`
  const keeper = createSessionKeeper(deps, sessions.book, sessions.writer, { holder: speaker, channels: channels.filter((channel: Channel) => channel.session !== undefined).map(({ id }) => id) })
  // What is held is known before the first send is claimed.
  await keeper.look()
  const loop = (name: string, work: () => Promise<number>, every = idleMs): Loop =>
    startLoop({
      work,
      idleMs: every,
      onError: (error) => {
        if (!deps.stopping.aborted) deps.log.error({ code: 'WORKER_FAILED', worker: name, reason: messageOf(error), err: error }, 'a worker failed and will go on')
      },
    })
  const loops: Readonly<Record<string, readonly Loop[]>> = {
    // One: what a patient did is worked on in the order in which it arrived. Installations wait for the portal, on their own.
    inbox: [loop('inbox', () => processInbox(deps)), loop('lifecycle', () => processLifecycle(deps))],
    // Two: while one stores what messengers answered, the other prepares the next sends.
    channel: [loop('channel', () => sender.perform()), loop('channel', () => sender.perform())],
    portal: [loop('portal', () => performPortalWork(deps, speaker))],
    lines: [loop('lines', () => performLineWork(deps, speaker))],
    talk: [loop('talk', () => talker.perform())],
  }
  const sweeps = [
    loop('recover', () => recoverAbandoned(deps), sweepMs),
    loop('receipts', () => matchParkedReceipts(deps), sweepMs),
    loop('overdue', () => wakeOverdue(deps), sweepMs),
  ]
  const sessionLoop = loop('sessions', () => keeper.look(), sweepMs)
  const bell = await listen(connection, (lane) => loops[lane]?.forEach((running) => running.ring()))
  const handlers: Handlers = {
    'delivery.wake': (wakes) => wakeDeliveries(deps, wakes),
    'data.prune': () => prune(deps.db, deps.config.retentionDays),
    'connections.check': () => checkEverything(deps),
    'dialogs.lookThrough': () => lookThroughRecent(deps),
  }
  await deps.queue.work(handlers)
  deps.clock.onChange(() => void rearmTimers(deps).catch((error: unknown) => deps.log.error({ code: 'REARM_FAILED', reason: messageOf(error) }, 'timers could not be armed again')))
  return {
    stop: async () => {
      await bell.stop()
      await Promise.all([...Object.values(loops).flat(), ...sweeps].map((running) => running.stop()))
      await Promise.all([sender.drain(), talker.drain()])
      // What is on its way may need them to the end.
      await sessionLoop.stop()
      await keeper.stop()
    },
  }
}

/** Every connection of every installed portal is asked in turn; what is wrong shows on its card. */
const checkEverything = async (deps: Deps): Promise<void> => {
  for (const portal of await listPortals(deps.db)) {
    if (portal.state !== 'installed') continue
    for (const connection of await listConnections(deps.db, portal.id)) {
      if (connection.state === 'off' || deps.stopping.aborted) continue
      await checkConnection(deps, portal.id, connection.id).catch((error: unknown) => deps.log.warn({ connection: connection.id, reason: messageOf(error) }, 'a connection could not be checked'))
    }
  }
}
