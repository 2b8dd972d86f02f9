import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { saveConnection } from '../../src/db/connections.ts'
import { bindIdentity, findIdentity, identitiesOf, lastInboundAt, recentChats, recordPatientMessages, setReachable, touchIdentity, type IdentityRef } from '../../src/db/identities.ts'
import { type Trx } from '../../src/db/database.ts'
import { connectionId, portalId, type ConnectionId, type PortalId } from '../../src/domain/ids.ts'
import { addPortal, openDatabase, type OpenDatabase } from './support.ts'

const [one, other] = [portalId('one'), portalId('other')]
const [bot, second] = [connectionId('bot'), connectionId('second')]
const at = Date.UTC(2026, 10, 24, 10)

let base: OpenDatabase
beforeAll(async () => {
  base = await openDatabase(4)
  for (const portal of [one, other]) {
    await addPortal(base.db, portal)
    for (const id of [bot, second]) {
      await saveConnection(base.db, {
        portalId: portal, id, channel: 'telegram', name: id, state: 'working', problem: undefined, sealedCredentials: 'sealed', hookKey: `${portal}-${id}`, title: id, details: [], checkedAt: undefined,
      })
    }
  }
})
afterAll(async () => base.drop())
beforeEach(async () => base.query('truncate identities, patient_messages'))

const inTrx = async <Result>(run: (trx: Trx) => Promise<Result>): Promise<Result> => base.db.transaction().execute(run)
const ref = (portal: PortalId = one, connection: ConnectionId = bot, externalId = '1001'): IdentityRef => ({ portalId: portal, connectionId: connection, externalId })
const see = async (who: IdentityRef, also: Partial<Parameters<typeof touchIdentity>[1]> = {}) => inTrx(async (trx) => touchIdentity(trx, { ...who, chatId: `chat-${who.externalId}`, at, state: 'active', isInbound: true, ...also }))
const bind = async (who: IdentityRef, contact: string): Promise<boolean> => inTrx(async (trx) => bindIdentity(trx, who, contact, 'ownContact', 'patient'))

describe('a messenger account', () => {
  it('is new once, and what is known of it stays', async () => {
    expect(await see(ref(), { name: 'Анна' })).toMatchObject({ isNew: true, contactId: undefined, state: 'active', lastInboundAt: at })
    await bind(ref(), '5')
    expect(await see(ref(), { chatId: 'moved', at: at + 1000 })).toMatchObject({ isNew: false, contactId: '5', chatId: 'moved', lastInboundAt: at + 1000 })
    expect((await recentChats(base.db, one, bot, 5)).map(({ name }) => name)).toEqual(['Анна'])
  })

  it('F04: an old message that comes again does not make the last one older', async () => {
    await see(ref(), { at })
    expect(await see(ref(), { at: at - 60_000 })).toMatchObject({ lastInboundAt: at })
  })

  it('that only closed or opened the chat has not written', async () => {
    expect(await see(ref(), { isInbound: false, state: 'blocked' })).toMatchObject({ state: 'blocked', lastInboundAt: undefined })
    expect(await see(ref(), { isInbound: false, state: 'active' })).toMatchObject({ isNew: false, state: 'active', lastInboundAt: undefined })
  })

  it('is bound to one contact and never silently to another', async () => {
    await see(ref())
    expect(await bind(ref(), '5')).toBe(true)
    expect(await bind(ref(), '6')).toBe(false)
    expect(await bind(ref(), '5')).toBe(true)
    expect(await findIdentity(base.db, ref())).toMatchObject({ contactId: '5' })
    expect(await base.query('select proof, bound_at is not null as bound from identities')).toEqual([{ proof: 'ownContact', bound: true }])
  })

  it('is not bound twice by two workers at once', async () => {
    await see(ref())
    const results = await Promise.all(['5', '6', '7', '8'].map(async (contact) => bind(ref(), contact)))
    expect(results.filter(Boolean)).toHaveLength(1)
    expect((await findIdentity(base.db, ref()))!.contactId).toBe(['5', '6', '7', '8'][results.indexOf(true)])
  })

  it('that was never seen is not bound', async () => {
    expect(await bind(ref(), '5')).toBe(false)
  })

  it('several of one contact are all its own', async () => {
    for (const external of ['1001', '1002']) {
      await see(ref(one, bot, external))
      await bind(ref(one, bot, external), '5')
    }
    await see(ref(one, second, '9'))
    await bind(ref(one, second, '9'), '6')
    expect((await identitiesOf(base.db, one, ['5', '6'])).map(({ externalId, contactId }) => `${externalId}:${contactId ?? ''}`).sort()).toEqual(['1001:5', '1002:5', '9:6'])
    expect(await identitiesOf(base.db, one, [])).toEqual([])
  })
})

describe('F18, I9: the same account elsewhere', () => {
  beforeEach(async () => {
    for (const portal of [one, other]) for (const connection of [bot, second]) await see(ref(portal, connection), { chatId: 'chat' })
  })

  it('is another one for each connection and each portal', async () => {
    expect(await bind(ref(one, bot), '5')).toBe(true)
    for (const elsewhere of [ref(one, second), ref(other, bot), ref(other, second)]) expect(await findIdentity(base.db, elsewhere)).toMatchObject({ contactId: undefined })
    expect(await bind(ref(other, bot), '6')).toBe(true)
    expect((await identitiesOf(base.db, one, ['5', '6'])).map(({ contactId }) => contactId)).toEqual(['5'])
    expect((await identitiesOf(base.db, other, ['5', '6'])).map(({ contactId }) => contactId)).toEqual(['6'])
  })

  it('stays open when one of them is closed', async () => {
    await inTrx(async (trx) => setReachable(trx, { portalId: one, connectionId: bot, chatId: 'chat' }, 'blocked'))
    expect(await base.query("select portal_id || ' ' || connection_id as place from identities where state = 'blocked'")).toEqual([{ place: 'one bot' }])
  })

  it('wrote last where it wrote', async () => {
    await see(ref(other, bot), { chatId: 'chat', at: at + 5_000 })
    const asked = { portalId: one, connectionId: bot, chatId: 'chat' }
    expect([...(await lastInboundAt(base.db, [asked])).values()]).toEqual([at])
    expect([...(await lastInboundAt(base.db, [{ ...asked, portalId: other }])).values()]).toEqual([at + 5_000])
    expect((await lastInboundAt(base.db, [{ ...asked, chatId: 'nobody' }])).size).toBe(0)
  })

  it('is offered as a chat for a test only by its own bot, while it is open', async () => {
    expect(await recentChats(base.db, one, bot, 5)).toHaveLength(1)
    await inTrx(async (trx) => setReachable(trx, { portalId: one, connectionId: bot, chatId: 'chat' }, 'blocked'))
    expect(await recentChats(base.db, one, bot, 5)).toEqual([])
    expect(await recentChats(base.db, other, bot, 5)).toHaveLength(1)
  })

  it('goes with its connection, and the others stay', async () => {
    await base.query("delete from connections where portal_id = 'one' and connection_id = 'second'")
    expect(await findIdentity(base.db, ref(one, second))).toBeUndefined()
    expect(await findIdentity(base.db, ref(one, bot))).toBeDefined()
    await saveConnection(base.db, {
      portalId: one, id: second, channel: 'telegram', name: second, state: 'working', problem: undefined, sealedCredentials: 'sealed', hookKey: 'one-second', title: second, details: [], checkedAt: undefined,
    })
  })
})

describe('messages of patients', () => {
  const message = (portal: PortalId, connection: ConnectionId, externalId: string) => ({ portalId: portal, connectionId: connection, externalId })
  const fresh = async (...messages: readonly ReturnType<typeof message>[]): Promise<readonly string[]> => [...(await inTrx(async (trx) => recordPatientMessages(trx, messages)))].sort()

  it('F10: count once, in one webhook and in several', async () => {
    expect(await fresh(message(one, bot, 'm1'), message(one, bot, 'm1'), message(one, bot, 'm2'))).toHaveLength(2)
    expect(await fresh(message(one, bot, 'm1'), message(one, bot, 'm3'))).toHaveLength(1)
    expect(await fresh()).toEqual([])
  })

  it('F18: with the same id in another bot or portal are other messages', async () => {
    await fresh(message(one, bot, 'm1'))
    expect(await fresh(message(one, second, 'm1'))).toHaveLength(1)
    expect(await fresh(message(other, bot, 'm1'))).toHaveLength(1)
  })

  it('of a worker that died are new again', async () => {
    await expect(
      inTrx(async (trx) => {
        await recordPatientMessages(trx, [message(one, bot, 'm1')])
        throw new Error('killed')
      }),
    ).rejects.toThrow('killed')
    expect(await fresh(message(one, bot, 'm1'))).toHaveLength(1)
  })
})
