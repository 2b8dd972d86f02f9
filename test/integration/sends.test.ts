import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Writable } from 'node:stream'
import { ChannelError, type Channel, type OutboundMessage, type Sent } from '../../src/channels/channel.ts'
import { type Config } from '../../src/config.ts'
import { type Connection } from '../../src/db/connections.ts'
import { createDatabase, type Db } from '../../src/db/database.ts'
import { insertDeliveries, loadDeliveries } from '../../src/db/deliveries.ts'
import { record } from '../../src/db/inbox.ts'
import { put } from '../../src/db/outbox.ts'
import { createSecrets } from '../../src/db/secrets.ts'
import { transition } from '../../src/domain/cascade.ts'
import { type Delivery } from '../../src/domain/delivery.ts'
import { connectionId, deliveryId, portalId } from '../../src/domain/ids.ts'
import { advanceDeliveries, storeEffects } from '../../src/flows/advance-deliveries.ts'
import { type Deps } from '../../src/flows/deps.ts'
import { createSessionBook } from '../../src/flows/keep-sessions.ts'
import { createMetrics } from '../../src/flows/metrics.ts'
import { createSender } from '../../src/flows/perform-sends.ts'
import { processInbox } from '../../src/flows/process-inbox.ts'
import { matchParkedReceipts, recoverAbandoned } from '../../src/flows/recover.ts'
import { sayLater } from '../../src/flows/say.ts'
import { v7 } from '../../src/flows/uuid.ts'
import { createLog } from '../../src/log.ts'
import { looked, notification, start, step } from '../unit/story.ts'
import { addPortal, openDatabase, type OpenDatabase } from './support.ts'

/** A messenger in memory: what it is sent, and what it shall answer. Its webhooks are `{ externalId, level }`. */
const createMessenger = (also: Partial<Channel> = {}) => {
  const sent: OutboundMessage[] = []
  const behaviour: { answer: (message: OutboundMessage) => Promise<Sent> | Sent } = { answer: (message) => ({ externalId: `vendor-${message.ref}`, parts: 1 }) }
  const channel = {
    id: 'memory', title: { ru: 'Память', en: 'Memory' }, receipts: ['accepted', 'sent', 'delivered', 'read', 'acted'], limits: { textLength: 1000, perSecond: 100_000 },
    canStart: 'anyone', addressedBy: 'identity', isIdempotent: false, fields: [],
    parse: ({ body }: { body: Buffer }) => [{ type: 'receipt', ...(JSON.parse(body.toString()) as object) }],
    send: async (message: OutboundMessage) => {
      sent.push(message)
      return behaviour.answer(message)
    },
    ...also,
  } as unknown as Channel
  return { channel, sent, behaviour }
}

const portal = portalId('p')
const bot = connectionId('whatsapp')
const transient = (outcome: 'rejected' | 'unknown') => new ChannelError({ class: 'transient', code: 'timeout' }, 'Messenger is away', { outcome })

let base: OpenDatabase
const others: Db[] = []
beforeAll(async () => {
  base = await openDatabase(10)
  await addPortal(base.db, portal)
})
afterEach(async () => {
  await base.query('truncate deliveries, attempts, outbox, inbox, parked_receipts, budgets cascade')
  for (const db of others.splice(0)) await db.destroy()
})
afterAll(async () => base.drop())

const depsOf = (channel: Channel, db: Db = base.db, time = { now: start }): Deps => {
  const connection = { portalId: portal, id: bot, channel: channel.id, state: 'working' } as Connection
  return {
    db,
    config: { requestTimeoutSeconds: 5 } as Config,
    clock: { now: () => time.now, waitMs: (at: number) => at - time.now, onChange: () => undefined, stop: () => undefined },
    log: createLog('silent', new Writable({ write: (_chunk, _encoding, done) => done() })),
    secrets: createSecrets('a secret of the test, long enough to be one'),
    queue: { arm: async () => undefined, work: async () => undefined, stop: async () => undefined },
    metrics: createMetrics(),
    connections: { byId: async () => ({ connection, channel, credentials: {} }), byHook: async () => undefined, forget: () => undefined },
    sessions: createSessionBook(),
    stopping: new AbortController().signal,
  } as unknown as Deps
}

/** Notifications whose only step is about to be sent. */
const chosen = async (deps: Deps, count = 1): Promise<readonly Delivery[]> => {
  const deliveries = Array.from({ length: count }, () => notification([step(bot, 'delivered', 60)], { id: deliveryId(v7(start)), portalId: portal }))
  await deps.db.transaction().execute(async (trx) => {
    await insertDeliveries(trx, deliveries.map((delivery) => ({ delivery, triggerKey: delivery.id })))
    const events = deliveries.map((delivery) => ({ portalId: portal, deliveryId: delivery.id, event: looked(start) }))
    await advanceDeliveries(deps, trx, events)
  })
  return deliveries
}
const now = async (delivery: Delivery): Promise<Delivery> => (await loadDeliveries(base.db, [{ portalId: portal, deliveryId: delivery.id }])).get(delivery.id)!
const arrive = async (externalId: string, level: string, key: string): Promise<void> =>
  record(base.pool, [{ source: 'channel:p:whatsapp', externalId: key, portalId: portal, connectionId: bot, kind: 'channel', headers: { ':method': 'POST' }, body: Buffer.from(JSON.stringify({ externalId, level })) }])

/** One round, until every outcome of it is stored. */
const performSends = async (deps: Deps): Promise<number> => {
  const sender = createSender(deps)
  const taken = await sender.perform()
  await sender.drain()
  return taken
}

describe('a send', () => {
  it('is marked and committed before its call leaves', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const [delivery] = await chosen(deps)
    let seen: Delivery | undefined
    messenger.behaviour.answer = async (message) => {
      seen = await now(delivery!)
      return { externalId: message.ref, parts: 2 }
    }
    expect(await performSends(deps)).toBe(1)
    expect(seen!.attempts[0]).toMatchObject({ state: 'sending', tries: 1 })
    expect((await now(delivery!)).attempts[0]).toMatchObject({ state: 'out', proof: 'accepted', parts: 2 })
    expect(await performSends(deps)).toBe(0)
  })

  it('leaves once with several workers at work', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    await chosen(deps, 150)
    const second = createDatabase(base.connection, { poolSize: 6 }).db
    others.push(second)
    const more = depsOf(messenger.channel, second)
    for (let rounds = 0; rounds < 4; rounds++) await Promise.all([performSends(deps), performSends(more), performSends(more)])
    expect(messenger.sent).toHaveLength(150)
    expect(new Set(messenger.sent.map(({ ref }) => ref)).size).toBe(150)
  })

  it('does not leave when the cascade has moved on', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const [delivery] = await chosen(deps)
    await base.db.transaction().execute(async (trx) => advanceDeliveries(deps, trx, [{ portalId: portal, deliveryId: delivery!.id, event: { type: 'stopped', reason: 'appRemoved', at: start } }]))
    await performSends(deps)
    expect(messenger.sent).toEqual([])
  })

  it('beyond the connection\'s rate waits its turn, untried', async () => {
    const messenger = createMessenger({ limits: { textLength: 1000, perSecond: 5 } })
    const time = { now: start }
    const deps = depsOf(messenger.channel, base.db, time)
    await chosen(deps, 12)
    await performSends(deps)
    expect(messenger.sent).toHaveLength(5)
    expect(await base.query("select count(*)::int as count, max(tries) as tries from outbox where kind = 'send' and state = 'ready'")).toEqual([{ count: 7, tries: 0 }])
    time.now += 10_000
    await base.query("update budgets set level_at = level_at - interval '10 s'")
    await performSends(deps)
    expect(messenger.sent).toHaveLength(10)
  })

  it('F05: without an answer is never sent again', async () => {
    const messenger = createMessenger()
    const time = { now: start }
    const deps = depsOf(messenger.channel, base.db, time)
    const [delivery] = await chosen(deps)
    messenger.behaviour.answer = () => {
      throw transient('unknown')
    }
    await performSends(deps)
    time.now += 3_600_000
    await performSends(deps)
    expect(messenger.sent).toHaveLength(1)
    expect((await now(delivery!)).attempts[0]!.state).toBe('unknown')
  })

  it('B12: without an answer is sent again under the same key where the vendor takes one, asked first', async () => {
    const asked: string[] = []
    const messenger = createMessenger({ isIdempotent: true, lookUp: async (message) => {
      asked.push(message.ref)
      return undefined
    } })
    const time = { now: start }
    const deps = depsOf(messenger.channel, base.db, time)
    const [delivery] = await chosen(deps)
    messenger.behaviour.answer = (message) => {
      if (messenger.sent.length === 1) throw transient('unknown')
      return { externalId: message.ref, parts: 1 }
    }
    await performSends(deps)
    time.now += 5_000
    await performSends(deps)
    expect(messenger.sent.map(({ ref, number }) => `${ref} ${number}`)).toEqual(Array.from({ length: 2 }, () => `${asked[0]!} ${messenger.sent[0]!.number}`))
    expect((await now(delivery!)).attempts[0]).toMatchObject({ state: 'out', tries: 2 })
  })

  it('of a process that died is unknown, and is not sent again', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const [delivery] = await chosen(deps)
    let die: (() => void) | undefined
    let left: (() => void) | undefined
    const isOut = new Promise<void>((resolve) => (left = resolve))
    messenger.behaviour.answer = async (message) => {
      left!()
      await new Promise<void>((resolve) => (die = resolve))
      return { externalId: message.ref, parts: 1 }
    }
    const working = performSends(deps)
    await isOut
    expect(await recoverAbandoned(deps)).toBe(0)
    await base.query("update outbox set lease_until = now() - interval '1 s' where state = 'performing'")
    expect(await recoverAbandoned(deps)).toBe(1)
    expect((await now(delivery!)).attempts[0]!.state).toBe('unknown')
    expect(await performSends(deps)).toBe(0)
    // It was only slow: its answer still counts (F06).
    die!()
    await working
    expect((await now(delivery!)).attempts[0]).toMatchObject({ state: 'out', tries: 1 })
    expect(messenger.sent).toHaveLength(1)
  })

  it('that hangs holds up nobody: the next round goes on, and its outcome is stored when it comes', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const [slow] = await chosen(deps)
    let end: (() => void) | undefined
    messenger.behaviour.answer = async ({ ref }) => {
      if (ref.startsWith(slow!.id)) await new Promise<void>((resolve) => (end = resolve))
      return { externalId: ref, parts: 1 }
    }
    const sender = createSender(deps)
    await sender.perform()
    const [quick] = await chosen(deps)
    await sender.perform()
    expect((await now(quick!)).attempts[0]!.state).toBe('out')
    expect((await now(slow!)).attempts[0]!.state).toBe('sending')
    end!()
    await sender.drain()
    expect((await now(slow!)).attempts[0]!.state).toBe('out')
  })

  it('a failure of our own code is an unknown outcome, not a second message', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const [delivery] = await chosen(deps)
    messenger.behaviour.answer = () => {
      throw new TypeError('cannot read properties of undefined')
    }
    await performSends(deps)
    expect((await now(delivery!)).attempts[0]!.state).toBe('unknown')
  })
})

describe('F09: a receipt and the answer of its send', () => {
  it('count both when the receipt is worked on before the answer has come', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const [delivery] = await chosen(deps)
    messenger.behaviour.answer = async () => {
      await arrive('vendor-1', 'delivered', 'r1')
      await processInbox(deps)
      expect(await matchParkedReceipts(deps)).toBe(0)
      return { externalId: 'vendor-1', parts: 1 }
    }
    await performSends(deps)
    expect((await now(delivery!)).status).toBe('running')
    expect(await matchParkedReceipts(deps)).toBe(1)
    expect(await now(delivery!)).toMatchObject({ status: 'reached', attempts: [{ proof: 'delivered' }] })
    expect(await matchParkedReceipts(deps)).toBe(0)
  })

  it('count both in whatever order the two are committed', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    const deliveries = await chosen(deps, 60)
    const receiving: Promise<unknown>[] = []
    messenger.behaviour.answer = async ({ ref }) => {
      // Some are worked on before the answer is stored, some while, some after.
      await arrive(`vendor-${ref}`, 'delivered', ref)
      receiving.push(processInbox(deps))
      return { externalId: `vendor-${ref}`, parts: 1 }
    }
    await performSends(deps)
    await Promise.all(receiving)
    await processInbox(deps)
    while ((await matchParkedReceipts(deps)) > 0);
    for (const delivery of deliveries) expect(await now(delivery)).toMatchObject({ status: 'reached', attempts: [{ proof: 'delivered', externalId: `vendor-${delivery.id}.0` }] })
  })
})

describe('what is said outside a cascade', () => {
  const words = async (deps: Deps): Promise<void> => base.db.transaction().execute(async (trx) => put(trx, [sayLater(portal, bot, { what: 'code', sealed: deps.secrets.seal(JSON.stringify({ to: '1001', code: '123456' })) }, deps.clock.now())]))
  const states = async () => base.query("select state, reason from outbox where kind = 'say'")

  it('is said once', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    await words(deps)
    await performSends(deps)
    await performSends(deps)
    expect(messenger.sent).toMatchObject([{ to: '1001', text: expect.stringContaining('123456') }])
    expect(await states()).toEqual([{ state: 'done', reason: null }])
  })

  it('is said again after a refusal that passes, four times at most', async () => {
    const messenger = createMessenger()
    const time = { now: start }
    const deps = depsOf(messenger.channel, base.db, time)
    messenger.behaviour.answer = () => {
      throw transient('rejected')
    }
    await words(deps)
    for (let tries = 0; tries < 8; tries++) {
      await performSends(deps)
      time.now += 3_600_000
    }
    expect(messenger.sent).toHaveLength(4)
    expect(await states()).toEqual([{ state: 'failed', reason: 'timeout' }])
  })

  it('is not said again when it may have been said', async () => {
    const messenger = createMessenger()
    const deps = depsOf(messenger.channel)
    messenger.behaviour.answer = () => {
      throw transient('unknown')
    }
    await words(deps)
    await performSends(deps)
    expect(await states()).toEqual([{ state: 'failed', reason: 'timeout' }])
  })
})

describe('effects', () => {
  it('become rows and timers of the same transaction, or none of it', async () => {
    const messenger = createMessenger()
    const armed: unknown[] = []
    const deps = { ...depsOf(messenger.channel), queue: { arm: async (_trx: unknown, timers: readonly unknown[]) => void armed.push(...timers) } } as unknown as Deps
    const delivery = notification([step(bot, 'delivered', 60)], { id: deliveryId(v7(start)), portalId: portal })
    const { delivery: trying, effects } = transition(delivery, looked(start))
    await expect(
      base.db.transaction().execute(async (trx) => {
        await storeEffects(deps, trx, effects.map((effect) => ({ delivery: trying, effect })), start)
        throw new Error('killed')
      }),
    ).rejects.toThrow('killed')
    expect(await base.query('select id from outbox')).toEqual([])
    await base.db.transaction().execute(async (trx) => storeEffects(deps, trx, effects.map((effect) => ({ delivery: trying, effect })), start))
    expect(await base.query('select lane, kind, step from outbox order by kind')).toEqual([{ lane: 'portal', kind: 'record', step: null }, { lane: 'channel', kind: 'send', step: 0 }])
    expect(armed.at(-1)).toMatchObject({ data: { portalId: portal, deliveryId: delivery.id } })
  })
})
