import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startClinic, type Clinic, type Story } from './clinic.ts'

let clinic: Clinic
let whatsappThenSms: string
let stubborn: string
let telegramThenSms: string
beforeAll(async () => {
  clinic = await startClinic()
  const { whatsapp, telegram, sms } = clinic.steps
  whatsappThenSms = await clinic.route([whatsapp(), sms()])
  stubborn = await clinic.route([whatsapp(), sms()], { stopsWhenDealMoves: false })
  telegramThenSms = await clinic.route([telegram(60), sms()])
}, 60_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(() => clinic.stop())

/** WhatsApp has it and says nothing: the world may change before the SMS. */
const waitingFor = async (story: Story): Promise<Story> => {
  await clinic.until('WhatsApp has it', () => story.sent('whatsapp').length === 1)
  await clinic.until('all receipts are in', () => clinic.world.messengers.pendingWebhooks() === 0)
  return story
}

describe('between two steps', () => {
  it.each([
    ['is moved to another stage', { stageId: 'EXECUTING' }, /^Остановлено .*: сделка перешла на другую стадию$/],
    ['is won', { stageId: 'WON' }, /^Остановлено .*: сделка закрыта$/],
    ['is lost', { stageId: 'LOSE' }, /^Остановлено .*: сделка закрыта$/],
  ])('the cascade stops when the deal %s (B10)', async (_, change, lastLine) => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const story = await waitingFor(clinic.send(visitor, { route: whatsappThenSms }))
    clinic.world.portal.updateDeal(visitor.dealId, change)
    await clinic.later('the step is over', () => story.run().answered)
    await clinic.ends(story, { arrived: {}, returns: { status: 'stopped' }, lastLine, tag: 'остановлено', triggers: ['stopped'] })
  })

  it('the cascade goes on in a moved deal when its route says so', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const story = await waitingFor(clinic.send(visitor, { route: stubborn }))
    clinic.world.portal.updateDeal(visitor.dealId, { stageId: 'EXECUTING' })
    await clinic.later('the step is over', () => story.run().answered)
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { status: 'reached', channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('the cascade stops in silence when the deal is deleted: nothing is asked of a deal that is gone', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const story = await waitingFor(clinic.send(visitor, { route: whatsappThenSms }))
    await clinic.until('the record is there', () => story.record() !== undefined)
    await clinic.world.portal.settle()
    clinic.world.portal.deleteDeal(visitor.dealId)
    await clinic.later('the step is over', () => story.run().answered)
    expect(story.run().returnValues).toMatchObject({ status: 'stopped' })
    expect(story.sent('sms')).toHaveLength(0)
    expect(story.triggers()).toEqual([])
    // The contact keeps the record.
    const onContact = () => clinic.world.portal.state({ contactId: visitor.contactId }).timeline.filter((entry) => entry.kind === 'configurable')
    await clinic.until('the contact’s record says so', () => /^Остановлено .*: сделка удалена$/.test(onContact()[0]?.lines.at(-1) ?? ''))
    expect(onContact()).toHaveLength(1)
  })

  it('a contact that is deleted stops it, and the deal keeps one record', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const story = await waitingFor(clinic.send(visitor, { route: whatsappThenSms }))
    clinic.world.portal.updateDeal(visitor.dealId, { contactId: 0, contactIds: [] })
    clinic.world.portal.deleteContact(visitor.contactId)
    await clinic.later('the step is over', () => story.run().answered)
    await clinic.ends(story, { arrived: {}, returns: { status: 'stopped' }, lastLine: /^Остановлено /, tag: 'остановлено', triggers: ['stopped'], noContact: true })
  })

  it('the cascade stops when the deal gets another contact, and the other one hears nothing', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const other = await clinic.visitor({ bots: false })
    const story = await waitingFor(clinic.send(visitor, { route: whatsappThenSms }))
    clinic.world.portal.updateDeal(visitor.dealId, { contactId: other.contactId, contactIds: [other.contactId] })
    await clinic.later('the step is over', () => story.run().answered)
    await clinic.ends(story, { arrived: {}, returns: { status: 'stopped' }, lastLine: /^Остановлено .*: в сделке (нет|другой) контакт/, tag: 'остановлено', triggers: ['stopped'] })
    expect(other.phone.messages().filter((message) => message.direction === 'received')).toHaveLength(0)
  })

  it('a new phone in the card is the one that the next step writes to', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const other = await clinic.visitor({ bots: false })
    const story = await waitingFor(clinic.send(visitor, { route: whatsappThenSms }))
    clinic.world.portal.updateContact(visitor.contactId, { phones: [other.phone.patient.phone] })
    await clinic.later('the step is over', () => story.run().answered)
    await clinic.ends(story, { arrived: {}, returns: { status: 'reached', channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(other.phone.messages('sms').filter((message) => message.text.includes(story.mark))).toHaveLength(1)
  })

  it('several phones in the card get one message, to the first that is one (F44)', async () => {
    const visitor = await clinic.visitor({ bots: false })
    const second = await clinic.visitor({ bots: false })
    clinic.world.portal.updateContact(visitor.contactId, { phones: ['доб. 12', visitor.phone.patient.phone, second.phone.patient.phone] })
    const story = clinic.send(visitor)
    await clinic.ends(story, { arrived: { whatsapp: 1 }, returns: { channel: 'WhatsApp' }, lastLine: /^WhatsApp, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(second.phone.messages().filter((message) => message.direction === 'received')).toHaveLength(0)
  })
})

describe('a deadline', () => {
  it('shrinks the steps so that the SMS and the task still fit (B9)', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    clinic.world.messengers.behave('sms', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const route = await clinic.route([clinic.steps.whatsapp(300), clinic.steps.sms(300), clinic.steps.task(300)])
    const startedAt = clinic.world.clock.now()
    const deadlineAt = startedAt + 300 * 60_000
    const story = clinic.send(visitor, { route, deadline: new Date(deadlineAt).toISOString() })
    await clinic.later('staff get the task', () => story.tasks().length === 1 && story.run().answered)
    const smsAfterMinutes = (story.sent('sms')[0]!.acceptedAt - startedAt) / 60_000
    expect(smsAfterMinutes).toBeGreaterThanOrEqual(149)
    expect(smsAfterMinutes).toBeLessThan(299)
    await clinic.ends(story, { arrived: {}, returns: { status: 'not_reached' }, lastLine: /^Не доставлено: позвоните пациенту$/, tag: 'не доставлено', triggers: ['not_reached'] })
  })

  it('that has passed leaves only the task for staff', async () => {
    const visitor = await clinic.visitor({ bots: false })
    const story = clinic.send(visitor, { deadline: new Date(clinic.world.clock.now() - 60_000).toISOString() })
    await clinic.ends(story, { arrived: {}, returns: { status: 'not_reached' }, lastLine: /^Не доставлено: позвоните пациенту$/, tag: 'не доставлено', triggers: ['not_reached'] })
    expect(story.tasks()).toHaveLength(1)
  })

  it('of the robot itself is respected: it has its answer before the portal stops waiting for it', async () => {
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    clinic.world.messengers.behave('sms', { mode: 'silent' })
    const visitor = await clinic.visitor({ bots: false })
    const timeoutSeconds = 6 * 3600
    const startedAt = clinic.world.clock.now()
    const route = await clinic.route([clinic.steps.whatsapp(7 * 24 * 60), clinic.steps.sms(7 * 24 * 60)])
    const story = clinic.send(visitor, { route, timeoutSeconds })
    await clinic.until('WhatsApp has it', () => story.sent('whatsapp').length === 1)
    // The last minutes pass slowly: the answer is due five minutes before the end.
    clinic.world.clock.setSpeed(30)
    await clinic.pass((startedAt + timeoutSeconds * 1000 - clinic.world.clock.now()) / 60_000 - 7)
    expect(story.run().answered).toBe(false)
    await clinic.until('the robot is answered or not waited for any more', () => story.run().answered || story.run().isTimeout)
    clinic.world.clock.setSpeed(60)
    expect(story.run().isTimeout).toBe(false)
    expect(story.run().answeredAt! - startedAt).toBeLessThan(timeoutSeconds * 1000)
    await clinic.ends(story, { arrived: {}, returns: { status: 'not_reached' }, lastLine: /^Не доставлено: позвоните пациенту$/, tag: 'не доставлено', triggers: ['not_reached'] })
  })
})

describe('time', () => {
  it('that changes its speed re-arms the timers: a step ends at its simulated moment, not at its old real one', async () => {
    const visitor = await clinic.visitor()
    clinic.world.clock.setSpeed(1)
    const story = clinic.send(visitor, { route: telegramThenSms })
    await clinic.until('Telegram has it', () => story.sent('telegram').length === 1)
    const startedAt = story.sent('telegram')[0]!.acceptedAt
    clinic.world.clock.setSpeed(1800)
    await clinic.until('the SMS goes out', () => story.sent('sms').length === 1)
    clinic.world.clock.setSpeed(60)
    const minutes = (story.sent('sms')[0]!.acceptedAt - startedAt) / 60_000
    expect(minutes).toBeGreaterThanOrEqual(59.5)
    // Timers are looked for twice a second, which is a quarter of an hour now; a timer at its old real moment would come after an hour of ours.
    expect(minutes).toBeLessThan(60 + 5 * 60)
    await clinic.ends(story, { arrived: { telegram: 1, sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  // One card was deleted while its record was being written.
  it('keeps clean books', () => clinic.expectCleanBooks({ refused: /^crm.activity.binding.add: OWNER_NOT_FOUND$/, errors: /"code":"OWNER_NOT_FOUND"/ }))
})
