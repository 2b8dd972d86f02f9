import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startClinic, type Clinic, type Story } from './clinic.ts'
import { createGate, type Gate } from './gate.ts'

let clinic: Clinic
let gate: Gate
let bySms: string
let whatsappThenSms: string
let telegramThenSms: string
let maxThenSms: string
/** An attempt whose answer never comes is given up after this. */
const requestTimeoutSeconds = 4
beforeAll(async () => {
  clinic = await startClinic({
    env: () => ({ REQUEST_TIMEOUT_SECONDS: String(requestTimeoutSeconds) }),
    accounts: async (world) => {
      gate = await createGate(world.messengers.origin)
      return { ...world.accounts, telegram: { ...world.accounts.telegram, apiRoot: world.accounts.telegram.apiRoot.replace(world.messengers.origin, gate.origin) } }
    },
  })
  const { whatsapp, telegram, max, sms } = clinic.steps
  bySms = await clinic.route([sms()])
  whatsappThenSms = await clinic.route([whatsapp(), sms()])
  telegramThenSms = await clinic.route([telegram(60), sms()])
  maxThenSms = await clinic.route([max(60), sms()])
}, 60_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(async () => {
  await clinic.stop()
  await gate.close()
})

const smsDelivered = { returns: { status: 'reached', channel: 'SMS', proof: 'delivered' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] }
const whatsappDelivered = { returns: { status: 'reached', channel: 'WhatsApp', proof: 'delivered' }, lastLine: /^WhatsApp, доставлено/, tag: 'доставлено', triggers: ['delivered'] }
const sends = (messenger: 'whatsapp' | 'telegram' | 'max' | 'sms'): number =>
  clinic.world.messengers.calls({ messenger }).filter((call) => ['POST messages', 'sendmessage', 'POST /messages', 'send'].includes(call.method)).length

const confirms = async (story: Story, messenger: 'telegram' | 'max'): Promise<void> => {
  await clinic.until('the message is on the phone', () => story.arrived(messenger).length === 1)
  story.visitor.phone.press(messenger, { messageId: story.arrived(messenger)[0]!.id, button: 'Приду' })
}

describe('trouble that passes is tried again inside the step (B2)', () => {
  it.each([['unavailable'], ['badGateway'], ['dropBefore']] as const)('at SMSC.ru: %s, twice', async (failure) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { failure, next: 2 })
    const before = sends('sms')
    await clinic.ends(clinic.send(visitor, { route: bySms }), { arrived: { sms: 1 }, ...smsDelivered })
    expect(sends('sms') - before).toBe(3)
  })

  it.each([['telegram', 'Telegram'], ['max', 'MAX'], ['whatsapp', 'WhatsApp']] as const)('at %s: too many requests', async (messenger, title) => {
    const visitor = await clinic.visitor({ bots: messenger !== 'whatsapp' })
    clinic.world.messengers.behave(messenger, { failure: 'rateLimited', retryAfterSeconds: 40, next: 1 })
    const startedAt = clinic.world.clock.now()
    const story = clinic.send(visitor, { route: { telegram: telegramThenSms, max: maxThenSms, whatsapp: whatsappThenSms }[messenger] })
    if (messenger === 'whatsapp') return clinic.ends(story, { arrived: { whatsapp: 1 }, ...whatsappDelivered })
    await confirms(story, messenger)
    if (messenger === 'telegram') expect(story.sent('telegram')[0]!.acceptedAt - startedAt).toBeGreaterThanOrEqual(40_000)
    await clinic.ends(story, { arrived: { [messenger]: 1 }, returns: { channel: title, answer: 'confirm' }, lastLine: /Пациент придёт$/, tag: 'придёт', triggers: ['delivered', 'read', 'confirmed'] })
  })

  it('at Telegram: no connection', async () => {
    const visitor = await clinic.visitor()
    const refusals = (): number => clinic.app.logLines.filter((line) => line.includes('a send was not accepted')).length
    await gate.close()
    clinic.world.clock.setSpeed(1)
    const before = refusals()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await clinic.until('the connection is refused', () => refusals() > before)
    await gate.open()
    await clinic.until('it is tried again', () => story.arrived('telegram').length === 1)
    clinic.world.clock.setSpeed(60)
    await confirms(story, 'telegram')
    await clinic.ends(story, { arrived: { telegram: 1 }, returns: { channel: 'Telegram', answer: 'confirm' }, lastLine: /Пациент придёт$/, tag: 'придёт', triggers: ['delivered', 'read', 'confirmed'] })
  })

  it('and is no reason to wait for the step’s end when it does not pass', async () => {
    const visitor = await clinic.visitor()
    await gate.close()
    const startedAt = clinic.world.clock.now()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await clinic.ends(story, { arrived: { sms: 1 }, ...smsDelivered })
    expect(story.sent('sms')[0]!.acceptedAt - startedAt).toBeLessThan(15 * 60_000)
    await gate.open()
  })
})

describe('a send without an answer is never repeated where it may be out (B12, F05, F06)', () => {
  it.each([['dropAfter'], ['hangAfter']] as const)('at WhatsApp: its receipt tells that it is out (%s)', async (failure) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { failure, next: 1 })
    const before = sends('whatsapp')
    await clinic.ends(clinic.send(visitor, { route: whatsappThenSms }), { arrived: { whatsapp: 1 }, ...whatsappDelivered })
    expect(sends('whatsapp') - before).toBe(1)
  })

  it('at WhatsApp: the cascade goes on by its timer when no receipt comes, for nobody knows', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { failure: 'dropBefore', next: 1 })
    const before = sends('whatsapp')
    const story = clinic.send(visitor, { route: whatsappThenSms })
    await clinic.until('it was called', () => sends('whatsapp') > before)
    await clinic.later('the SMS goes out', () => story.run().answered)
    await clinic.ends(story, { arrived: { sms: 1 }, ...smsDelivered })
    expect(sends('whatsapp') - before).toBe(1)
    expect(story.record()!.lines[0]).toMatch(/WhatsApp.*ответа мессенджера нет/)
  })

  it.each([['telegram', 'Telegram', 'dropAfter'], ['max', 'MAX', 'dropAfter'], ['telegram', 'Telegram', 'unavailable']] as const)('at %s (%s, %s): a press proves it, or the next step comes', async (messenger, title, failure) => {
    const visitor = await clinic.visitor()
    clinic.world.messengers.behave(messenger, { failure, next: 1 })
    const before = sends(messenger)
    const story = clinic.send(visitor, { route: messenger === 'telegram' ? telegramThenSms : maxThenSms })
    if (failure === 'unavailable') {
      await clinic.until('it was called', () => sends(messenger) > before)
      await clinic.later('the SMS goes out', () => story.run().answered)
      await clinic.ends(story, { arrived: { sms: 1 }, ...smsDelivered })
    } else {
      await confirms(story, messenger)
      await clinic.ends(story, { arrived: { [messenger]: 1 }, returns: { channel: title, proof: 'acted', answer: 'confirm' }, lastLine: /Пациент придёт$/, tag: 'придёт', triggers: ['delivered', 'read', 'confirmed'] })
    }
    expect(sends(messenger) - before).toBe(1)
  })

  it.each([['dropAfter', 'normal'], ['hangAfter', 'normal'], ['dropAfter', 'early'], ['dropAfter', 'reversed']] as const)('at SMSC.ru: it is asked for by our own number (%s, receipts %s)', async (failure, receipts) => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { receipts })
    clinic.world.messengers.behave('sms', { failure, next: 1 })
    const before = sends('sms')
    await clinic.ends(clinic.send(visitor, { route: bySms }), { arrived: { sms: 1 }, ...smsDelivered })
    expect(sends('sms') - before).toBe(1)
  })
})

describe('a messenger that does not work', () => {
  it('is passed over at once when it refuses the clinic itself, and its card says so', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('whatsapp', { failure: 'unauthorized', failing: 'all' })
    await clinic.ends(clinic.send(visitor, { route: whatsappThenSms }), { arrived: { sms: 1 }, ...smsDelivered })
    const stateOf = async (): Promise<string> => {
      const overview = await clinic.administrator.call('GET', '/overview')
      return overview.body.connections.find((connection: { id: string }) => connection.id === clinic.ids.whatsapp).state as string
    }
    expect(await stateOf()).toBe('broken')
    clinic.world.messengers.resetBehaviour()
    await clinic.ends(clinic.send(visitor, { route: whatsappThenSms }), { arrived: { whatsapp: 1 }, ...whatsappDelivered })
    expect(await stateOf()).toBe('working')
  })

  it('holds up nobody who is written to elsewhere', async () => {
    const other = await clinic.visitor({ bots: false })
    const stuck = await Promise.all([1, 2].map(() => clinic.visitor({ bots: false })))
    clinic.world.clock.setSpeed(1)
    clinic.world.messengers.behave('whatsapp', { failure: 'hangBefore' })
    clinic.world.messengers.behave('sms', { pace: 'instant' })
    // Called one after the other, so that no two of them hang in one round.
    const firsts: Story[] = []
    for (const visitor of stuck) {
      const before = sends('whatsapp')
      firsts.push(clinic.send(visitor, { route: whatsappThenSms }))
      await clinic.until('WhatsApp is called', () => sends('whatsapp') > before)
    }
    const calledAt = Date.now()
    const second = clinic.send(other, { route: bySms })
    await clinic.until('the SMS arrives', () => second.arrived('sms').length === 1)
    expect(Date.now() - calledAt).toBeLessThan((requestTimeoutSeconds - 1) * 1000)
    clinic.world.clock.setSpeed(60)
    await clinic.ends(second, { arrived: { sms: 1 }, ...smsDelivered })
    await clinic.later('the stuck ones go on too', () => firsts.every((story) => story.run().answered))
  })

  it('keeps clean books', () => clinic.expectCleanBooks())
})
