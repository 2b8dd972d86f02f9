import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let thenSms: string
let thenTask: string
beforeAll(async () => {
  clinic = await startClinic()
  thenSms = await clinic.route([clinic.steps.whatsapp(), clinic.steps.sms()])
  thenTask = await clinic.route([clinic.steps.whatsapp(), clinic.steps.task()])
}, 60_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(() => clinic.stop())

describe('a notification by WhatsApp', () => {
  it('ends the cascade when it is delivered, and a later "read" goes into the same record and fires its trigger', async () => {
    const visitor = await clinic.visitor({ bots: false })
    const story = clinic.send(visitor)
    await clinic.ends(story, {
      arrived: { whatsapp: 1 }, returns: { status: 'reached', channel: 'WhatsApp', proof: 'delivered', answer: '' }, lastLine: /^WhatsApp, доставлено \d\d:\d\d$/, tag: 'доставлено', triggers: ['delivered'],
    })
    const { id } = story.record()!
    visitor.phone.read('whatsapp')
    await clinic.ends(story, { arrived: { whatsapp: 1 }, returns: { proof: 'delivered' }, lastLine: /^WhatsApp, прочитано/, tag: 'прочитано', triggers: ['delivered', 'read'] })
    expect(story.record()!.id).toBe(id)
  })

  it.each([
    ['at once because its template is paused', '132015'],
    ['at once because the number may not write to this country', '130497'],
    ['a moment later because the patient has no WhatsApp (131026)', '131026'],
    ['a moment later because Meta limits what one person gets (131049)', '131049'],
  ])('goes on to the next messenger without waiting when WhatsApp refuses it %s', async (_, refusal) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { mode: 'refuses', refusal })
    const startedAt = clinic.world.clock.now()
    const story = clinic.send(visitor, { route: thenSms })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { status: 'reached', channel: 'SMS', proof: 'delivered' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(story.arrived('sms')[0]!.arrivedAt! - startedAt).toBeLessThan(10 * 60_000)
    expect(story.record()!.lines[0]).toMatch(/WhatsApp.*не отправлено/)
  })

  it.each([['early'], ['twice'], ['reversed'], ['late']] as const)('is reached once when its receipts come %s (F04, F07, F09)', async (receipts) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { receipts, lateMs: 10 * 60_000 })
    const story = clinic.send(visitor)
    await clinic.until('it is on the phone', () => story.arrived('whatsapp').length === 1)
    if (receipts === 'late') await clinic.later('the receipt comes', () => story.run().answered)
    await clinic.ends(story, { arrived: { whatsapp: 1 }, returns: { status: 'reached', channel: 'WhatsApp', proof: 'delivered' }, lastLine: /^WhatsApp, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('is delivered when only "read" is told (F07)', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { receipts: 'readOnly' })
    const story = clinic.send(visitor)
    await clinic.ends(story, { arrived: { whatsapp: 1 }, returns: { status: 'reached', channel: 'WhatsApp', proof: 'read' }, lastLine: /^WhatsApp, прочитано/, tag: 'прочитано', triggers: ['delivered', 'read'] })
  })

  it('is handed on by the step’s time when receipts never come, and once only (F03)', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { receipts: 'never' })
    const story = clinic.send(visitor, { route: thenSms })
    await clinic.until('it is on the phone', () => story.arrived('whatsapp').length === 1)
    await clinic.later('the SMS goes out', () => story.sent('sms').length > 0)
    const waitedMs = story.sent('sms')[0]!.acceptedAt - story.sent('whatsapp')[0]!.acceptedAt
    expect(waitedMs).toBeGreaterThanOrEqual(60 * 60_000)
    await clinic.ends(story, { arrived: { whatsapp: 1, sms: 1 }, returns: { status: 'reached', channel: 'SMS', proof: 'delivered' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('corrects the record when WhatsApp tells of its delivery after the SMS, and answers the robot once (F40)', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { receipts: 'late', lateMs: 150 * 60_000 })
    const story = clinic.send(visitor, { route: thenSms })
    await clinic.later('the SMS is delivered', () => story.run().answered)
    expect(story.run().returnValues).toMatchObject({ channel: 'SMS' })
    await clinic.later('WhatsApp tells the truth', () => /WhatsApp, доставлено/.test(story.record()?.lines.at(-1) ?? ''))
    await clinic.ends(story, { arrived: { whatsapp: 1, sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^WhatsApp, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('turns "not reached" into "delivered" when the truth comes after the call task (F40)', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { receipts: 'late', lateMs: 180 * 60_000 })
    const story = clinic.send(visitor, { route: thenTask })
    await clinic.later('staff get the task', () => story.run().answered && story.tasks().length === 1)
    expect(story.run().returnValues).toMatchObject({ status: 'not_reached' })
    await clinic.later('WhatsApp tells the truth', () => /WhatsApp, доставлено/.test(story.record()?.lines.at(-1) ?? ''))
    await clinic.ends(story, { arrived: { whatsapp: 1 }, returns: { status: 'not_reached' }, lastLine: /^WhatsApp, доставлено/, tag: 'доставлено', triggers: ['not_reached', 'delivered'] })
    expect(story.tasks()).toHaveLength(1)
  })

  it('keeps clean books', () => clinic.expectCleanBooks())
})
