import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ChannelError, type Channel, type Session, type SessionContext } from '../../src/channels/channel.ts'
import { saveConnection, type Connection } from '../../src/db/connections.ts'
import { enqueue, claimHeads } from '../../src/db/chat-queue.ts'
import { touchIdentity } from '../../src/db/identities.ts'
import { record } from '../../src/db/inbox.ts'
import { claim, put } from '../../src/db/outbox.ts'
import { connectionId, portalId } from '../../src/domain/ids.ts'
import { type Deps } from '../../src/flows/deps.ts'
import { createSessionBook, createSessionKeeper, type SessionBook, type SessionKeeper } from '../../src/flows/keep-sessions.ts'
import { createInboxWriter } from '../../src/flows/receive.ts'
import { createLog } from '../../src/log.ts'
import { addPortal, openDatabase, type OpenDatabase } from './support.ts'

const portal = portalId('sessions')
const smsc = connectionId('smsc')

let base: OpenDatabase
const keepers: SessionKeeper[] = []
beforeAll(async () => {
  base = await openDatabase(10)
  await addPortal(base.db, portal)
})
afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()))
  await base.query('truncate inbox, outbox, budgets, connections cascade')
})
afterAll(async () => base.drop())

const until = async (what: string, check: () => boolean | Promise<boolean>, limitMs = 8_000): Promise<void> => {
  const end = Date.now() + limitMs
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await sleep(20)
  }
}

interface Vendor {
  readonly channel: Channel
  readonly open: Set<{ readonly session: Session; readonly context: SessionContext<unknown>; end(): void }>
  opened: number
  mostAtOnce: number
  refusal: ChannelError | undefined
}

/** A vendor that counts who is connected. */
const createVendor = (): Vendor => {
  const vendor: Vendor = {
    open: new Set(), opened: 0, mostAtOnce: 0, refusal: undefined,
    channel: {
      id: 'wire',
      session: {
        carriesSends: true,
        open: async (context: SessionContext<unknown>) => {
          await sleep(5)
          if (vendor.refusal !== undefined) throw vendor.refusal
          let end = (): void => undefined
          const ended = new Promise<void>((resolve) => (end = resolve))
          const cut = (): void => {
            vendor.open.delete(one)
            end()
          }
          const session: Session = { ended, close: async () => cut() }
          const one = { context, end: cut, session }
          vendor.open.add(one)
          vendor.opened++
          vendor.mostAtOnce = Math.max(vendor.mostAtOnce, vendor.open.size)
          return one.session
        },
      },
    } as unknown as Channel,
  }
  return vendor
}

const connect = async (credentials = 'sealed', state: Connection['state'] = 'working', id: string = smsc): Promise<void> =>
  saveConnection(base.db, {
    portalId: portal, id: connectionId(id), channel: 'wire', name: id, state, problem: undefined, sealedCredentials: credentials, hookKey: id, title: '', details: [], checkedAt: undefined,
  })

/** A process: its own book and its own keeper over the shared database. */
const startProcess = (vendor: Vendor, holder: string): { keeper: SessionKeeper; book: SessionBook } => {
  const book = createSessionBook()
  const connection = { portalId: portal, id: smsc, channel: 'wire', state: 'working' } as Connection
  const deps = {
    db: base.db, config: { requestTimeoutSeconds: 5 }, sessions: book, stopping: new AbortController().signal,
    log: createLog('silent', new Writable({ write: (_chunk, _encoding, done) => done() })),
    connections: { byId: async () => ({ connection, channel: vendor.channel, credentials: {} }), byHook: async () => undefined, forget: () => undefined },
    channelById: () => vendor.channel,
  } as unknown as Deps
  const keeper = createSessionKeeper(deps, book, createInboxWriter((entries) => record(base.pool, entries)), { holder, channels: ['wire'] })
  keepers.push(keeper)
  return { keeper, book }
}

const stateOf = async (): Promise<string> => (await base.query<{ state: string }>('select state from connections'))[0]!.state

describe('sessions with vendors', () => {
  it('a connection has one session, however many processes look', async () => {
    await connect()
    const vendor = createVendor()
    const all = ['a', 'b', 'c'].map((name) => startProcess(vendor, name))
    for (let round = 0; round < 5; round++) await Promise.all(all.map(({ keeper }) => keeper.look()))
    await until('it is open', () => vendor.open.size === 1)
    expect(vendor.mostAtOnce).toBe(1)
    expect(all.filter(({ book }) => book.of(smsc) !== undefined)).toHaveLength(1)
    expect(all.map(({ book }) => book.elsewhere().length).sort()).toEqual([0, 1, 1])
  })

  it('another process takes over within seconds when the holder dies without a word, and goes on at its cursor', async () => {
    await connect()
    const first = createVendor()
    await startProcess(first, 'dead').keeper.look()
    await until('the first holds it', () => first.open.size === 1)
    await [...first.open][0]!.context.cursor.save('uid 7')
    // From here on the first process does nothing: no renewal, no farewell.
    keepers.splice(0)
    const second = createVendor()
    const { keeper } = startProcess(second, 'alive')
    const startedAt = Date.now()
    await keeper.look()
    expect(second.open.size).toBe(0)
    await until('the second holds it', async () => {
      await keeper.look()
      return second.open.size === 1
    })
    expect(Date.now() - startedAt).toBeLessThan(7_000)
    expect(await [...second.open][0]!.context.cursor.load()).toBe('uid 7')
  })

  it('a holder that cannot renew its lease closes the session before another one may open its own', async () => {
    await connect()
    const first = createVendor()
    await startProcess(first, 'cut off').keeper.look()
    await until('the first holds it', () => first.open.size === 1)
    await until('the first lets go by itself', () => first.open.size === 0, 5_500)
  })

  it('what arrives is in the inbox when emit resolves, the same bytes once', async () => {
    await connect()
    const vendor = createVendor()
    await startProcess(vendor, 'a').keeper.look()
    await until('it is open', () => vendor.open.size === 1)
    const { context } = [...vendor.open][0]!
    const request = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, query: {}, body: Buffer.from(body) })
    await Promise.all([context.emit(request('1')), context.emit(request('1')), context.emit(request('2'))])
    expect(await base.query('select kind, connection_id, convert_from(body, \'utf8\') as body from inbox order by body')).toEqual([
      { kind: 'channel', connection_id: smsc, body: '1' },
      { kind: 'channel', connection_id: smsc, body: '2' },
    ])
  })

  it('a session that ends is opened again', async () => {
    await connect()
    const vendor = createVendor()
    const { keeper, book } = startProcess(vendor, 'a')
    await keeper.look()
    await until('it is open', () => book.of(smsc) !== undefined)
    ;[...vendor.open][0]!.end()
    await until('nobody holds it', () => book.of(smsc) === undefined)
    expect(book.elsewhere()).toEqual([smsc])
    await until('it is open again', async () => {
      await keeper.look()
      return book.of(smsc) !== undefined
    })
    expect(vendor.opened).toBe(2)
  })

  it('a refusal that only a person can mend shows on the connection and is not hammered; new credentials are tried at once', async () => {
    await connect()
    const vendor = createVendor()
    vendor.refusal = new ChannelError({ class: 'channelPermanent', code: '14' }, 'Пароль не подошёл: исправьте его.')
    const { keeper } = startProcess(vendor, 'a')
    await keeper.look()
    await until('the connection is broken', async () => (await stateOf()) === 'broken')
    vendor.refusal = undefined
    for (let round = 0; round < 3; round++) await keeper.look()
    await sleep(50)
    expect(vendor.opened).toBe(0)
    await connect('other')
    await keeper.look()
    await until('it is open', () => vendor.open.size === 1)
  })

  it('a connection that is switched off or removed has no session', async () => {
    await connect()
    const vendor = createVendor()
    const { keeper } = startProcess(vendor, 'a')
    await keeper.look()
    await until('it is open', () => vendor.open.size === 1)
    await connect('sealed', 'off')
    await keeper.look()
    expect(vendor.open.size).toBe(0)
  })

  it('whoever stops gives the lease back, so that the next one need not wait', async () => {
    await connect()
    const vendor = createVendor()
    const { keeper } = startProcess(vendor, 'a')
    await keeper.look()
    await until('it is open', () => vendor.open.size === 1)
    await keeper.stop()
    expect(vendor.open.size).toBe(0)
    const next = startProcess(vendor, 'b')
    await next.keeper.look()
    await until('the next one holds it', () => next.book.of(smsc) !== undefined, 500)
  })

  it('what must go through a session is claimed only by its holder, and holds up nothing else', async () => {
    await connect()
    await connect('sealed', 'working', 'other')
    const now = Date.now()
    const entry = (id: string) => ({ portalId: portal, connectionId: connectionId(id), lane: 'channel' as const, kind: 'say' as const, payload: {}, urgency: 1, runAt: now, since: now })
    const claimed = await base.db.transaction().execute(async (trx) => {
      await put(trx, [...Array.from({ length: 5 }, () => entry(smsc)), entry('other')])
      const identity = async (connection: string, chat: string) =>
        (await touchIdentity(trx, { portalId: portal, connectionId: connectionId(connection), externalId: chat, chatId: chat, at: now, state: 'active', isInbound: true })).number
      const [first, second] = [await identity(smsc, '1'), await identity('other', '2')]
      await enqueue(trx, [first, second].map((number) => ({ portalId: portal, direction: 'toMessenger' as const, identity: number, kind: 'note' as const, runAt: now, since: now })))
      const rows = await claim(trx, { lane: 'channel', now, leaseMs: 1000, limit: 1, elsewhere: [smsc] })
      const heads = await claimHeads(trx, { direction: 'toMessenger', now, leaseMs: 1000, perChat: 1, limit: 1, elsewhere: [smsc] })
      expect(heads.map((head) => head.identity)).toEqual([second])
      return rows
    })
    expect(claimed.map((row) => row.connectionId)).toEqual(['other'])
    const rest = await base.db.transaction().execute((trx) => claim(trx, { lane: 'channel', now, leaseMs: 1000, limit: 10, elsewhere: [] }))
    expect(rest).toHaveLength(5)
  })
})
