import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type SmppAccount } from '../../sandbox/messengers/smpp.ts'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let account: SmppAccount
let connectionId: string
let route: string

beforeAll(async () => {
  clinic = await startClinic()
  account = clinic.world.messengers.addSmppAccount()
  const { address, systemId, password, sender } = account
  const answer = await clinic.administrator.call('POST', '/connections', { channel: 'smpp', name: 'SMS напрямую', credentials: { address, systemId, password, sender, messageIds: 'hex' } })
  expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 200, message: undefined })
  connectionId = answer.body.id as string
  route = await clinic.route([{ kind: 'channel', connectionId, proof: 'delivered', minutes: 30, content: {} }, clinic.steps.task()])
  await clinic.until('the application is bound', () => clinic.world.messengers.smpp.bound(systemId) === 1)
}, 60_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(() => clinic.stop())

describe('a notification by SMPP', () => {
  it('leaves through the one bind and ends the cascade when all its parts are delivered', async () => {
    const visitor = await clinic.visitor({ bots: false })
    const story = clinic.send(visitor, { route })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { status: 'reached', channel: 'SMS', proof: 'delivered' }, lastLine: /^SMS, доставлено \d\d:\d\d$/, tag: 'доставлено', triggers: ['delivered'] })
    expect(clinic.world.messengers.smpp.bound(account.systemId)).toBe(1)
  })

  it('F09 a receipt that comes before the answer finds its message', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { account: account.systemId, receipts: 'early', next: 1 })
    const story = clinic.send(visitor, { route })
    await clinic.until('it is told as delivered', () => story.triggers().includes('delivered'))
  })

  it('gives staff the task at once when the operator refuses the message', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { account: account.systemId, mode: 'refuses', refusal: 'REJECTD/255', next: 1 })
    const story = clinic.send(visitor, { route })
    await clinic.until('staff get the task', () => story.tasks().length === 1)
    expect(story.arrived('sms')).toEqual([])
  })

  it('waits for the limit of the contract and then sends', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { account: account.systemId, failure: 'rateLimited', next: 1 })
    const story = clinic.send(visitor, { route })
    await clinic.later('it has arrived', () => story.arrived('sms').length === 1)
  })

  it('F05 does not write again when the link broke under the answer, and binds again', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { account: account.systemId, failure: 'dropAfter', next: 1 })
    const story = clinic.send(visitor, { route })
    await clinic.until('the application is bound again', () => story.sent('sms').length === 1 && clinic.world.messengers.smpp.bound(account.systemId) === 1)
    await clinic.later('staff get the task', () => story.tasks().length === 1)
    expect(story.sent('sms')).toHaveLength(1)
  })

  it('what is to be sent while nobody is bound waits, and costs no try', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.smpp.cut(account.systemId)
    const story = clinic.send(visitor, { route })
    await clinic.until('it has arrived', () => story.arrived('sms').length === 1)
  })

  it('a patient\'s answer ends the relay', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { account: account.systemId, receipts: 'never', next: 1 })
    const story = clinic.send(visitor, { route })
    await clinic.until('it has arrived', () => story.arrived('sms').length === 1)
    visitor.phone.reply('sms', 'Приду', { account: account.systemId })
    await clinic.until('the answer counts', () => story.triggers().includes('replied'))
  })

  it('a test to oneself leaves through the bind, and the check needs no second one', async () => {
    const visitor = await clinic.visitor({ bots: false })
    expect((await clinic.administrator.call('POST', `/connections/${connectionId}/test`, { to: visitor.phone.patient.phone })).body).toMatchObject({ ok: true })
    await clinic.until('it has arrived', () => visitor.phone.messages('sms').some((message) => message.text.startsWith('Проверка связи')))
    expect((await clinic.administrator.call('POST', `/connections/${connectionId}/check`)).body).toMatchObject({ ok: true })
  })

  it('keeps clean books', () => clinic.expectCleanBooks())
})
