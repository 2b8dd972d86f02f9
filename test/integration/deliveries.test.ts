import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Trx } from '../../src/db/database.ts'
import {
  addressKey, attemptNumbers, findAttempts, insertDeliveries, loadDeliveries, lockDeliveries, overdue, portalSide, recentDeliveries, runningOfContacts, runningTo, saveDeliveries, setActivities,
} from '../../src/db/deliveries.ts'
import { deletePortal } from '../../src/db/portals.ts'
import { hasParked, parkReceipts, takeMatched } from '../../src/db/receipts.ts'
import { type Attempt, type Delivery } from '../../src/domain/delivery.ts'
import { attemptId, connectionId, deliveryId, routeId, type DeliveryId, type PortalId } from '../../src/domain/ids.ts'
import { addPortal, openDatabase, type OpenDatabase } from './support.ts'

const start = Date.UTC(2031, 4, 6, 9)
const minute = 60_000
const whatsapp = connectionId('whatsapp')
const telegram = connectionId('telegram')
const phone = '+79990000001'

const fresh = (portalId: PortalId, id: string, also: Partial<Delivery> = {}): Delivery => ({
  id: deliveryId(id), portalId, dealId: '17', purpose: 'reminder', text: 'Ждём вас завтра в 10:00 — «Клиника»', status: 'running', phase: 'looking', step: -1, attempts: [], startedAt: start,
  taskGiven: false, fired: [],
  route: {
    id: routeId('r'), name: 'Основной', stopsWhenDealMoves: true,
    steps: [
      { kind: 'channel', connectionId: whatsapp, proof: 'delivered', minutes: 60, content: { template: { name: 'reminder', language: 'ru', parameters: ['{name}'] } } },
      { kind: 'channel', connectionId: telegram, proof: 'acted', minutes: 30, content: { buttons: true } },
      { kind: 'task', minutes: 120 },
    ],
  },
  ...also,
})

const attempt = (id: string, step: number, also: Partial<Attempt> = {}): Attempt => ({
  id: attemptId(deliveryId(id), step), step, connectionId: step === 0 ? whatsapp : telegram, state: 'sending', startedAt: start, budgetMs: 60 * minute, tries: 1, to: phone, times: {}, ...also,
})

/** What a delivery looks like half way, with every field filled. */
const halfWay = (portalId: PortalId, id: string): Delivery => ({
  ...fresh(portalId, id),
  phase: 'trying', step: 1, deadlineAt: start + 600 * minute, stageId: 'NEW', contactId: '5', contactName: 'Анна', responsibleId: '1',
  reach: { [whatsapp]: { to: phone }, [telegram]: { to: '4242' }, [connectionId('max')]: { none: 'neverStarted' } }, taskGiven: true, fired: ['not_reached', 'delivered'],
  attempts: [
    attempt(id, 0, { state: 'failed', externalId: `wamid.${id}`, parts: 2, proof: 'sent', times: { accepted: start + 1, sent: start + 2 }, failure: { class: 'recipientPermanent', code: '131026', at: start + 3 } }),
    attempt(id, 1, { to: '4242', state: 'out', externalId: `77.${id}`, proof: 'accepted', times: { accepted: start + 5 }, startedAt: start + 4, tries: 3 }),
  ],
})

/** Absent and undefined are the same to the domain. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown

describe('deliveries in the database', () => {
  let base: OpenDatabase
  let a: PortalId
  let b: PortalId
  const inTrx = async <T>(work: (trx: Trx) => Promise<T>): Promise<T> => base.db.transaction().execute(work)
  const insert = async (delivery: Delivery, triggerKey: string = delivery.id): Promise<Set<DeliveryId>> => inTrx(async (trx) => insertDeliveries(trx, [{ delivery, triggerKey }]))
  const load = async (portalId: PortalId, id: string): Promise<Delivery | undefined> => (await loadDeliveries(base.db, [{ portalId, deliveryId: deliveryId(id) }])).get(deliveryId(id))
  /** Inserted as new, then saved as it is. */
  const store = async (delivery: Delivery): Promise<Delivery> => {
    const old = fresh(delivery.portalId, delivery.id, { deadlineAt: delivery.deadlineAt })
    await insert(old)
    await inTrx(async (trx) => saveDeliveries(trx, [{ old, delivery }]))
    return (await load(delivery.portalId, delivery.id))!
  }

  beforeAll(async () => {
    base = await openDatabase()
    a = await addPortal(base.db, 'portal-a')
    b = await addPortal(base.db, 'portal-b')
  })
  afterAll(async () => base.drop())
  beforeEach(async () => base.query('truncate deliveries, parked_receipts cascade'))

  it('are read as they were written: new, half way and closed', async () => {
    await insert(fresh(a, 'd1'))
    expect(plain(await load(a, 'd1'))).toEqual(plain(fresh(a, 'd1')))
    const middle = halfWay(a, 'd2')
    expect(plain(await store(middle))).toEqual(plain(middle))
    const closed: Delivery = { ...middle, status: 'stopped', phase: 'closed', closedAt: start + 9 * minute, stopReason: 'dealMoved', answer: 'replied' }
    await inTrx(async (trx) => saveDeliveries(trx, [{ old: middle, delivery: closed }]))
    expect(plain(await load(a, 'd2'))).toEqual(plain(closed))
  })

  it('one trigger key makes one delivery of a portal (I6), also from two workers at once, and another portal may have the same key', async () => {
    const made = await Promise.all(['d1', 'd2', 'd3'].map(async (id) => insert(fresh(a, id), 'one robot run')))
    expect(made.map((ids) => ids.size).sort()).toEqual([0, 0, 1])
    expect(await insert(fresh(b, 'd4'), 'one robot run')).toEqual(new Set(['d4']))
    expect(await base.query('select delivery_id from deliveries')).toHaveLength(2)
  })

  it('saving many at once changes each of them, and an attempt that did not change is not written', async () => {
    const [first, second] = [await store(halfWay(a, 'd1')), await store(halfWay(b, 'd2'))]
    await base.query("update attempts set tries = 9 where step = 0")
    const changed = (delivery: Delivery): Delivery => ({ ...delivery, attempts: [delivery.attempts[0]!, { ...delivery.attempts[1]!, proof: 'read', times: { accepted: start + 5, read: start + 8 } }] })
    await inTrx(async (trx) => saveDeliveries(trx, [first, second].map((old) => ({ old, delivery: changed(old) }))))
    for (const [portal, id] of [[a, 'd1'], [b, 'd2']] as const) {
      expect((await load(portal, id))!.attempts).toMatchObject([{ tries: 9 }, { proof: 'read', times: { accepted: start + 5, read: start + 8 } }])
    }
  })

  it('a failed transaction leaves the delivery as it was', async () => {
    const old = await store(halfWay(a, 'd1'))
    await expect(inTrx(async (trx) => {
      await saveDeliveries(trx, [{ old, delivery: { ...old, status: 'reached', attempts: [] } }])
      throw new Error('planned')
    })).rejects.toThrow('planned')
    expect(await load(a, 'd1')).toEqual(old)
  })

  it('two workers that lock the same deliveries in opposite orders wait for each other and lose no change', async () => {
    const ids = ['d1', 'd2', 'd3']
    for (const id of ids) await insert(fresh(a, id))
    const count = async (order: readonly string[]): Promise<void> => inTrx(async (trx) => {
      const locked = await lockDeliveries(trx, order.map((id) => ({ portalId: a, deliveryId: deliveryId(id) })))
      await saveDeliveries(trx, [...locked.values()].map((old) => ({ old, delivery: { ...old, step: old.step + 1 } })))
    })
    await Promise.all(Array.from({ length: 20 }, async (_, index) => count(index % 2 === 0 ? ids : ids.toReversed())))
    for (const id of ids) expect((await load(a, id))!.step).toBe(19)
  })

  it('a delivery that does not exist is not in the answer', async () => {
    expect(await load(a, 'nobody')).toBeUndefined()
    expect(await loadDeliveries(base.db, [])).toEqual(new Map())
  })

  describe('one portal and another (I9)', () => {
    beforeEach(async () => {
      await store(halfWay(a, 'd1'))
      await store(halfWay(b, 'd2'))
    })

    it('a delivery is not found, locked or shown under another portal', async () => {
      expect(await load(b, 'd1')).toBeUndefined()
      expect(await inTrx(async (trx) => lockDeliveries(trx, [{ portalId: b, deliveryId: deliveryId('d1') }]))).toEqual(new Map())
      expect((await recentDeliveries(base.db, b, 10)).map(({ id }) => id)).toEqual(['d2'])
      expect(await portalSide(base.db, b, [deliveryId('d1')])).toEqual(new Map())
      expect(await attemptNumbers(base.db, [{ portalId: b, deliveryId: deliveryId('d1'), step: 0 }])).toEqual(new Map())
    })

    it("a message's id is found only within its portal and its connection (F18)", async () => {
      const own = { portalId: a, connectionId: whatsapp, externalId: 'wamid.d1' }
      const found = await findAttempts(base.db, [own, { ...own, portalId: b }, { ...own, connectionId: telegram }, { ...own, externalId: 'wamid.d2' }])
      expect([...found]).toEqual([[addressKey(a, whatsapp, 'wamid.d1'), 'd1.0']])
    })

    it('a reply of a patient with the same phone, chat or contact id ends nothing in another portal', async () => {
      expect((await runningOfContacts(base.db, [{ portalId: a, contactId: '5' }])).map((ref) => ref.deliveryId)).toEqual(['d1'])
      expect((await runningTo(base.db, [{ portalId: b, connectionId: telegram, to: '4242' }])).map((ref) => ref.deliveryId)).toEqual(['d2'])
    })

    it('a delivery that is saved under another portal changes nothing there', async () => {
      const old = (await load(a, 'd1'))!
      await inTrx(async (trx) => saveDeliveries(trx, [{ old, delivery: { ...old, portalId: b, status: 'stopped' } }]))
      expect((await load(a, 'd1'))!.status).toBe('running')
      await inTrx(async (trx) => setActivities(trx, b, [{ deliveryId: deliveryId('d1'), activityId: 9 }]))
      expect((await portalSide(base.db, a, [deliveryId('d1')])).get(deliveryId('d1'))).toEqual({ sealedEventToken: undefined, activityId: undefined })
    })

    it('removing a portal with its data leaves the other as it was', async () => {
      const other = await load(b, 'd2')
      const gone = await addPortal(base.db, 'portal-gone')
      await store(halfWay(gone, 'd3'))
      await inTrx(async (trx) => parkReceipts(trx, [{ portalId: gone, connectionId: whatsapp, externalId: 'x', receipt: {} }]))
      await inTrx(async (trx) => deletePortal(trx, gone))
      expect(await load(gone, 'd3')).toBeUndefined()
      expect(await base.query("select 1 from attempts where portal_id = 'portal-gone'")).toEqual([])
      expect(await hasParked(base.db)).toBe(false)
      expect(await load(b, 'd2')).toEqual(other)
    })
  })

  it('a phone answers for every channel that is addressed by it, a chat only for its own, and only while something runs', async () => {
    await store({ ...halfWay(a, 'd1'), attempts: [attempt('d1', 0, { state: 'out' })] })
    expect(await runningTo(base.db, [{ portalId: a, to: phone }])).toHaveLength(1)
    expect(await runningTo(base.db, [{ portalId: a, connectionId: telegram, to: phone }])).toEqual([])
    const old = (await load(a, 'd1'))!
    await inTrx(async (trx) => saveDeliveries(trx, [{ old, delivery: { ...old, status: 'reached', phase: 'closed' } }]))
    expect(await runningTo(base.db, [{ portalId: a, to: phone }])).toEqual([])
  })

  it('what is overdue is found, longest first, and nothing that is closed', async () => {
    const later = (id: string, minutes: number): Delivery => ({ ...halfWay(a, id), step: 0, attempts: [attempt(id, 0, { state: 'out', times: { accepted: start + minutes * minute } })] })
    await store(later('d1', 20))
    await store(later('d2', 10))
    await store({ ...later('d3', 0), status: 'stopped', phase: 'closed', closedAt: start })
    expect((await overdue(base.db, start + 1_000 * minute, 10)).map((ref) => ref.deliveryId)).toEqual(['d2', 'd1'])
    expect((await overdue(base.db, start, 10))).toEqual([])
  })

  it('attempts have numbers of their own, that fit an integer and are never the same', async () => {
    await store(halfWay(a, 'd1'))
    await store(halfWay(b, 'd2'))
    const numbers = await attemptNumbers(base.db, [[a, 'd1', 0], [a, 'd1', 1], [b, 'd2', 0]].map(([portalId, id, step]) => ({ portalId: portalId as PortalId, deliveryId: deliveryId(id as string), step: step as number })))
    expect(new Set(numbers.values()).size).toBe(3)
    for (const number of numbers.values()) expect(number).toBeLessThan(2 ** 31)
  })

  describe('receipts that come before the answer of their send', () => {
    const receipt = { type: 'receipt', level: 'delivered', at: start }
    const park = async (portalId: PortalId, connection = whatsapp): Promise<void> => inTrx(async (trx) => parkReceipts(trx, [{ portalId, connectionId: connection, externalId: 'wamid.d1', receipt }]))
    const matched = async (): ReturnType<typeof takeMatched> => inTrx(async (trx) => takeMatched(trx, 10))

    it('wait until their message is known, and are then given once', async () => {
      await park(a)
      expect(await matched()).toEqual([])
      expect(await hasParked(base.db)).toBe(true)
      await store(halfWay(a, 'd1'))
      const taken = (await Promise.all([matched(), matched(), matched()])).flat()
      expect(taken).toEqual([{ portalId: a, attemptId: 'd1.0', receipt }])
      expect(await hasParked(base.db)).toBe(false)
    })

    it('are not matched with the message of another portal or connection', async () => {
      await store(halfWay(a, 'd1'))
      await park(b)
      await park(a, telegram)
      expect(await matched()).toEqual([])
    })

    it('stay when the transaction that took them fails', async () => {
      await store(halfWay(a, 'd1'))
      await park(a)
      await expect(inTrx(async (trx) => {
        expect(await takeMatched(trx, 10)).toHaveLength(1)
        throw new Error('planned')
      })).rejects.toThrow('planned')
      expect(await matched()).toHaveLength(1)
    })

    it('do not keep those that are known from being taken', async () => {
      await inTrx(async (trx) => parkReceipts(trx, Array.from({ length: 30 }, (_, index) => ({ portalId: a, connectionId: whatsapp, externalId: `unknown-${index}`, receipt }))))
      await park(a)
      await store(halfWay(a, 'd1'))
      expect(await matched()).toHaveLength(1)
    })
  })
})
