import { describe, expect, it } from '@jest/globals'
import { smsru } from '../../src/channels/smsru/index.ts'
import { connect, messageTo, until, useSandbox, type Connection } from './sandbox.ts'

const world = useSandbox()

const levelsOf = ({ events }: Connection<any>, externalId: string) => events.flatMap((event) => (event.type === 'receipt' && event.externalId === externalId ? [event.level] : []))

describe('smsru against the sandbox', () => {
  const setUp = async () => {
    const account = world.messengers.addSmsruAccount()
    const connection = world.connectionOf(smsru, { apiId: account.apiId, sender: 'CLINIC', baseUrl: account.baseUrl })
    const facts = await connect(connection)
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    return { account, connection, facts, phone }
  }

  it('connects, registers its callback once, sends, and learns of every status, each callback answered with its word', async () => {
    const { account, connection, facts, phone } = await setUp()
    await connect(connection)
    expect(account.callbacks).toEqual([connection.hookUrl])
    expect(facts).toMatchObject({ title: 'CLINIC', details: [{ value: '1240 ₽' }, { value: '0 / 1000' }, { value: '0' }] })
    const { externalId, parts } = await smsru.send(messageTo('+79000000001', { text: 'я'.repeat(71), expiresInSeconds: 3600 }), connection.context)
    expect(parts).toBe(2)
    await until(() => levelsOf(connection, externalId).length === 2)
    expect(levelsOf(connection, externalId)).toEqual(['sent', 'delivered'])
    expect(phone.messages('sms')).toMatchObject([{ state: 'arrived', sender: 'CLINIC', segments: 2, account: account.id }])
    expect(connection.refused).toEqual([])
    await until(() => world.messengers.webhooks().every(({ outcome }) => outcome === 'accepted'))
    expect(world.messengers.webhooks().map(({ tries }) => tries)).toEqual([1, 1])
    await smsru.disconnect({ ...connection.context, hookUrl: connection.hookUrl })
    expect(account.callbacks).toEqual([])
    expect(await smsru.check({ ...connection.context, hookUrl: connection.hookUrl })).toMatchObject({ isHookLost: true })
  })

  it.each(['early', 'reversed', 'twice'] as const)('F07 F09 F10 hears receipts that come %s', async (receipts) => {
    const { connection } = await setUp()
    world.messengers.behave('sms', { receipts })
    const { externalId } = await smsru.send(messageTo('+79000000001'), connection.context)
    await until(() => levelsOf(connection, externalId).length === (receipts === 'twice' ? 4 : 2))
    expect(new Set(levelsOf(connection, externalId))).toEqual(new Set(['sent', 'delivered']))
  })

  it('learns what SMS.ru refuses, of the number as well as of the account', async () => {
    const { account, connection } = await setUp()
    account.stopList.set('79000000001', 'просил не писать')
    await expect(smsru.send(messageTo('+79000000001'), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: '209' }, outcome: 'rejected' })
    account.stopList.clear()
    await smsru.send(messageTo('+79000000001'), connection.context)
    await expect(smsru.send(messageTo('+79000000001'), connection.context)).rejects.toMatchObject({ failure: { class: 'rateLimited', code: '231' }, retryAfterSeconds: 60 })
    account.balance = 1
    await expect(smsru.send(messageTo('+79000000001', { text: 'Другой' }), connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '201' } })
    expect((await smsru.check(connection.context)).warnings?.[0]?.ru).toContain('1 ₽')
    world.messengers.behave('sms', { failure: 'unauthorized', failing: 'all' })
    await expect(smsru.check(connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '200' } })
    world.messengers.behave('sms', { failure: 'unavailable' })
    await expect(smsru.send(messageTo('+79000000001'), connection.context)).rejects.toMatchObject({ failure: { class: 'transient', code: '220' }, outcome: 'rejected' })
    world.messengers.behave('sms', { failure: 'rateLimited' })
    await expect(smsru.send(messageTo('+79000000001'), connection.context)).rejects.toMatchObject({ failure: { class: 'rateLimited' } })
  })

  it('learns what the operator refuses and what nobody has', async () => {
    const { account, connection, phone } = await setUp()
    world.messengers.addPatient({ name: 'Без SMS', phone: '+79000000002', sms: false })
    phone.block('sms', { account: account.id })
    const refused = await smsru.send(messageTo('+79000000001'), connection.context)
    const nowhere = await smsru.send(messageTo('+79000000002'), connection.context)
    await until(() => connection.events.filter(({ type }) => type === 'failure').length === 2)
    expect(connection.events).toContainEqual(expect.objectContaining({ externalId: refused.externalId, failure: { class: 'recipientPermanent', code: 'status 108' } }))
    expect(connection.events).toContainEqual(expect.objectContaining({ externalId: nowhere.externalId, failure: { class: 'recipientPermanent', code: 'status 150' } }))
  })

  it('F05 knows that it does not know when the answer was lost', async () => {
    const { connection, phone } = await setUp()
    world.messengers.behave('sms', { failure: 'dropAfter', next: 1 })
    await expect(smsru.send(messageTo('+79000000001'), connection.context)).rejects.toMatchObject({ outcome: 'unknown' })
    expect(phone.messages('sms')).toHaveLength(1)
  })
})
