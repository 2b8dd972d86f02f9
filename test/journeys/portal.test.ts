import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { connectMessengers, installApplication, openPage, saveRoute, usualSteps } from '../../sandbox/administrator.ts'
import { manifestScopes } from '../../sandbox/application.ts'
import { startPortal, type Portal } from '../../sandbox/portal/portal.ts'
import { type World } from '../../sandbox/world.ts'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let second: Portal
let whatsappThenSms: string
let whatsappThenTask: string
beforeAll(async () => {
  second = await startPortal({ tokenLifeSeconds: 30 * 24 * 3600 })
  clinic = await startClinic({ env: (world) => ({ BITRIX_OAUTH_URLS: `${world.portal.oauthOrigin},${second.oauthOrigin}` }) })
  const { whatsapp, sms, task } = clinic.steps
  whatsappThenSms = await clinic.route([whatsapp(), sms()])
  whatsappThenTask = await clinic.route([whatsapp(), task()])
}, 60_000)
afterEach(() => {
  clinic.world.messengers.resetBehaviour()
  clinic.world.portal.behave()
})
afterAll(async () => {
  await clinic.stop()
  await second.close()
})

const whatsappDelivered = { arrived: { whatsapp: 1 }, returns: { status: 'reached', channel: 'WhatsApp', proof: 'delivered' }, lastLine: /^WhatsApp, доставлено/, tag: 'доставлено', triggers: ['delivered'] }

describe('a portal that is away', () => {
  it.each([['internal_error'], ['drop_before'], ['query_limit']] as const)('holds up no patient whose card was seen before: what is known serves, and the record is written when it returns (%s)', async (kind) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const story = clinic.send(visitor, { route: whatsappThenSms })
    await clinic.until('WhatsApp has it', () => story.sent('whatsapp').length === 1)
    clinic.world.portal.misbehave({ kind, times: 10_000 })
    await clinic.later('the SMS arrives while the portal is away', () => story.arrived('sms').length === 1)
    expect(story.run().answered).toBe(false)
    clinic.world.portal.behave()
    await clinic.until('the robot is answered', () => story.run().answered)
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { status: 'reached', channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('is asked again until the card can be read: nothing is sent to nobody', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.portal.misbehave({ kind: 'internal_error', times: 10_000 })
    const story = clinic.send(visitor)
    const before = clinic.world.portal.calls.length
    await clinic.later('it was asked three times', () => clinic.world.portal.calls.length >= before + 3)
    expect(story.sent('whatsapp')).toHaveLength(0)
    clinic.world.portal.behave()
    await clinic.ends(story, whatsappDelivered)
  })

  it.each([
    ['crm.activity.configurable.add', 'drop_after'],
    ['crm.activity.configurable.add', 'result_false'],
    ['crm.activity.configurable.add', 'internal_error'],
    ['crm.activity.configurable.update', 'drop_after'],
    ['crm.activity.binding.add', 'drop_after'],
    ['crm.activity.binding.add', 'internal_error'],
    ['crm.item.list', 'drop_after'],
    ['crm.item.list', 'internal_error'],
    ['bizproc.event.send', 'internal_error'],
    ['crm.automation.trigger.execute', 'internal_error'],
  ] as const)('and loses the answer of %s (%s) still shows one record, on deal and contact', async (method, kind) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.portal.misbehave({ kind, method, times: 1 })
    const story = clinic.send(visitor)
    if (kind === 'result_false') {
      // "No" is an answer: that record is not made, the next one is.
      await clinic.until('the record is refused', () => clinic.world.portal.calls.some((call) => call.error === 'RESULT_FALSE'))
      await clinic.until('it is on the phone', () => story.arrived('whatsapp').length === 1)
      visitor.phone.read('whatsapp')
      return clinic.ends(story, { ...whatsappDelivered, returns: { status: 'reached' }, lastLine: /^WhatsApp, прочитано/, tag: 'прочитано', triggers: ['delivered', 'read'] })
    }
    await clinic.ends(story, whatsappDelivered)
  })

  it('and loses the answer of the task gives staff one task', async () => {
    const visitor = await clinic.visitor({ bots: false, phones: [] })
    clinic.world.portal.misbehave({ kind: 'drop_after', method: 'crm.activity.todo.add', times: 1 })
    const story = clinic.send(visitor, { route: whatsappThenTask })
    await clinic.ends(story, { arrived: {}, returns: { status: 'not_reached' }, lastLine: /^Не доставлено/, tag: 'не доставлено', triggers: ['not_reached'] })
    await clinic.pass(10)
    await clinic.world.portal.settle()
    expect(story.tasks()).toHaveLength(1)
  })

  it('and refuses an old token gives a new one, once', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.portal.expireAccessTokens()
    await clinic.ends(clinic.send(visitor), whatsappDelivered)
  })
})

describe('events of the portal', () => {
  it('that come twice start one notification', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.portal.misbehave({ kind: 'event_twice', method: 'estafeta_send', times: 1 })
    await clinic.ends(clinic.send(visitor), whatsappDelivered)
  })

  it('that are lost are simply not there', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.portal.misbehave({ kind: 'event_lose', method: 'estafeta_send', times: 1 })
    const story = clinic.send(visitor)
    await clinic.world.portal.settle()
    await clinic.pass(10)
    expect(story.record()).toBeUndefined()
    expect(story.sent('whatsapp')).toHaveLength(0)
  })

  it('that come out of order, fifty at once on fifty deals, each find their patient once', async () => {
    const visitors = await Promise.all(Array.from({ length: 50 }, () => clinic.visitor({ bots: false })))
    clinic.world.portal.misbehave({ kind: 'event_reorder', method: 'estafeta_send', times: 50, ms: 300 })
    const before = clinic.world.portal.calls.filter((call) => call.batch === undefined).length
    const stories = visitors.map((visitor) => clinic.send(visitor))
    for (const story of stories) await clinic.ends(story, whatsappDelivered)
    // Looks, records, answers and triggers travel together.
    expect(clinic.world.portal.calls.filter((call) => call.batch === undefined).length - before).toBeLessThan(50)
  }, 60_000)
})

describe('two portals on one application (I9)', () => {
  it('never mix: same deals, same contacts, same phone, other bots', async () => {
    const { world, app } = clinic
    const { clientSecret } = world.portal.world.apps.get(app.clientId)!
    second.registerApp({
      shape: 'local', ui: true, name: 'Эстафета', scopes: manifestScopes(), handlerUrl: `${app.origin}/placements/dashboard`, installUrl: `${app.origin}/placements/install`, clientId: app.clientId, clientSecret,
    })
    const application = { origin: app.origin, clientId: app.clientId } as Parameters<typeof installApplication>[0]
    await installApplication(application, second)
    const administrator = await openPage(application, second)
    const { messengers } = world
    const accounts: World['accounts'] = { whatsapp: messengers.addWhatsAppNumber(), telegram: messengers.addTelegramBot(), max: messengers.addMaxBot(), sms: messengers.addSmscAccount() }
    const ids = await connectMessengers(administrator, { ...world, accounts })
    const [, telegram, , sms] = usualSteps(ids)
    await saveRoute(administrator, [telegram, sms])

    // The same person, with the same numbers of deal and contact, known to the first clinic's bots only.
    const here = await clinic.visitor()
    const contact = second.addContact({ name: 'Мария', phones: [here.phone.patient.phone] })
    const deal = second.addDeal({ title: 'Приём', contactId: contact.id, contactIds: [contact.id] })
    second.world.deals.delete(deal.id)
    second.world.deals.set(here.dealId, { ...deal, id: here.dealId, contactId: here.contactId, contactIds: [here.contactId] })
    second.world.contacts.set(here.contactId, { ...contact, id: here.contactId })
    const byTelegram = await clinic.route([clinic.steps.telegram(60)])
    const story = clinic.send(here, { route: byTelegram })
    messengers.behave('sms', { mode: 'silent', account: accounts.sms.login })
    const run = second.runRobot({ dealId: here.dealId, code: 'estafeta_send', properties: { text: 'Ждём вас во второй клинике.' } })
    const there = () => second.state({ dealId: here.dealId })
    const smsThere = () => here.phone.messages('sms').filter((message) => message.account === accounts.sms.login && message.direction === 'received')
    await clinic.until('the first clinic writes by Telegram', () => story.arrived('telegram').length === 1)
    await clinic.until('the second one by SMS', () => smsThere().length === 1)
    expect(here.phone.messages('telegram').filter((message) => message.text.includes('второй клинике'))).toHaveLength(0)

    // An answer to the first clinic ends nothing in the second.
    here.phone.reply('telegram', 'Буду', { account: story.arrived('telegram')[0]!.account })
    await clinic.ends(story, { arrived: { telegram: 1 }, returns: { status: 'reached', channel: 'Telegram', answer: 'replied' }, lastLine: /^Telegram, пациент ответил/, tag: 'пациент ответил', triggers: ['delivered', 'read', 'replied'] })
    await clinic.pass(3)
    expect(second.robotRun(run.eventToken)!.answered).toBe(false)
    expect(there().timeline.filter((entry) => entry.kind === 'configurable')).toHaveLength(1)
    expect(there().triggers).toEqual([])

    here.phone.reply('sms', 'И к вам буду', { account: accounts.sms.login })
    await clinic.until('the second robot is answered', () => second.robotRun(run.eventToken)!.answered)
    expect(second.robotRun(run.eventToken)!.returnValues).toMatchObject({ status: 'reached', channel: 'SMS', answer: 'replied' })
    expect(second.refusedCalls().map((call) => `${call.method}: ${call.error}`)).toEqual([])
    expect(story.triggers()).toHaveLength(3)
  })

  it('keeps clean books', () => clinic.expectCleanBooks({ refused: /expired_token|CONNECTION_DROPPED|ALREADY_BOUND|binding.add: 100$/, errors: /RESULT_FALSE/ }))
})
