import { z } from 'zod'
import { ChannelError } from '../channels/channel.ts'
import { finish, giveUp, putBack, type OutboxEntry, type OutboxRow } from '../db/outbox.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { patientWords } from './chat-words.ts'
import { callSignal, type Deps } from './deps.ts'

/** What is said outside chats: an answer to a press, a code to a claimed phone, a test that an administrator asked for. */
const Words = z.discriminatedUnion('what', [
  z.object({ what: z.literal('pressed'), to: z.string(), externalId: z.string() }),
  z.object({ what: z.literal('code'), sealed: z.string() }),
  z.object({ what: z.literal('test'), sealed: z.string() }),
])
export type Words = z.infer<typeof Words>

/** A code and where it goes lie in the database encrypted. */
const Code = z.object({ to: z.string(), code: z.string().optional() })

/** Tries of one utterance; then it is dropped: being silent is better than answering a day late. */
const mostTries = 4

export const sayLater = (portalId: PortalId, connectionId: ConnectionId, words: Words, now: number): OutboxEntry => ({
  portalId, connectionId, lane: 'channel', kind: 'say', payload: words, urgency: 3, runAt: now, since: now,
})

/** Says one thing once: what may have been said already is not said again. Never throws for a vendor's refusal. */
export const say = async (deps: Deps, row: OutboxRow): Promise<void> => {
  const words = Words.parse(row.payload)
  const open = await deps.connections.byId(row.portalId, row.connectionId!)
  if (open === undefined) {
    await giveUp(deps.db, [{ id: row.id, reason: 'connectionGone' }])
    return
  }
  const { channel, credentials } = open
  const signal = callSignal(deps)
  const context = { credentials, http: deps.http, signal, session: deps.sessions.of(row.connectionId!) }
  try {
    if (words.what === 'pressed') await channel.answerAction?.({ externalId: words.externalId, chatId: words.to, text: patientWords.pressed }, context)
    else {
      const { to, code = '' } = Code.parse(JSON.parse(deps.secrets.open(words.sealed)))
      const number = (row.id % 2_000_000_000) + 1
      await channel.send({ ref: `say.${row.id}`, number, to, text: words.what === 'test' ? patientWords.test : patientWords.code.replace('{code}', code) }, context)
    }
    await finish(deps.db, [row.id])
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error
    const mayRetry = error.outcome === 'rejected' && ['transient', 'rateLimited', 'channelTemporary'].includes(error.failure.class) && row.tries + 1 < mostTries
    if (mayRetry) {
      const runAt = deps.clock.now() + (error.retryAfterSeconds ?? 4 ** (row.tries + 1)) * 1000
      await deps.db.transaction().execute((trx) => putBack(trx, [{ id: row.id, runAt, reason: error.failure.code, wasTried: true }]))
    } else await giveUp(deps.db, [{ id: row.id, reason: error.failure.code }])
  }
}
