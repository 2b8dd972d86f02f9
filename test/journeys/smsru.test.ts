import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type SmsruAccount } from '../../sandbox/messengers/smsru.ts'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let account: SmsruAccount
let route: string

beforeAll(async () => {
  clinic = await startClinic()
  account = clinic.world.messengers.addSmsruAccount()
  const answer = await clinic.administrator.call('POST', '/connections', { channel: 'smsru', name: 'SMS.ru', credentials: { apiId: account.apiId, sender: 'CLINIC', baseUrl: account.baseUrl } })
  expect(answer.status).toBe(200)
  route = await clinic.route([{ kind: 'channel', connectionId: answer.body.id as string, proof: 'delivered', minutes: 30, content: {} }, clinic.steps.task()])
}, 60_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(() => clinic.stop())

describe('a notification by SMS.ru', () => {
  it('ends the cascade when it is delivered, each callback taken at the first time', async () => {
    const visitor = await clinic.visitor({ bots: false })
    const story = clinic.send(visitor, { route })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { status: 'reached', channel: 'SMS', proof: 'delivered' }, lastLine: /^SMS, доставлено \d\d:\d\d$/, tag: 'доставлено', triggers: ['delivered'] })
    const callbacks = clinic.world.messengers.webhooks().filter((webhook) => webhook.account === account.id)
    expect(callbacks.map(({ outcome, tries }) => ({ outcome, tries }))).toEqual([{ outcome: 'accepted', tries: 1 }, { outcome: 'accepted', tries: 1 }])
  })

  it('gives staff the task at once when the number is in the stop list', async () => {
    const visitor = await clinic.visitor({ bots: false })
    account.stopList.set(visitor.phone.patient.id, '')
    const story = clinic.send(visitor, { route })
    await clinic.until('staff get the task', () => story.tasks().length === 1)
    expect(story.sent('sms')).toEqual([])
  })

  it('F05 does not write again when the answer was lost, and gives staff the task', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { account: account.id, failure: 'dropAfter', next: 1 })
    const story = clinic.send(visitor, { route })
    await clinic.later('staff get the task', () => story.tasks().length === 1)
    expect(story.sent('sms')).toHaveLength(1)
  })

  it('keeps clean books', () => clinic.expectCleanBooks())
})
