import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startClinic, type Clinic, type Story } from './clinic.ts'

let clinic: Clinic
let byTelegram: string
let telegramThenSms: string
let whatsappThenSms: string
let botsThenTask: string
beforeAll(async () => {
  clinic = await startClinic()
  const { whatsapp, telegram, max, sms, task } = clinic.steps
  byTelegram = await clinic.route([telegram(60)])
  telegramThenSms = await clinic.route([telegram(60), sms()])
  whatsappThenSms = await clinic.route([whatsapp(), sms()])
  botsThenTask = await clinic.route([telegram(60), max(60), task()])
}, 60_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(() => clinic.stop())

const arrivesIn = (messenger: 'telegram' | 'max', story: Story): Promise<void> => clinic.until(`the message is in ${messenger}`, () => story.arrived(messenger).length === 1)

describe('what a patient answers', () => {
  it.each([
    ['Приду', 'confirm', 'confirmed', /Пациент придёт$/, 'придёт'],
    ['Перенести', 'move', 'moved', /Пациент просит перенести$/, 'просит перенести'],
    ['Отменить', 'cancel', 'cancelled', /Пациент отменил запись$/, 'отменил'],
  ] as const)('is taken from the button "%s", written to the deal, and said back to the messenger', async (button, answer, trigger, lastLine, tag) => {
    const visitor = await clinic.visitor()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await arrivesIn('telegram', story)
    visitor.phone.press('telegram', { messageId: story.arrived('telegram')[0]!.id, button })
    await clinic.ends(story, {
      arrived: { telegram: 1 }, returns: { status: 'reached', channel: 'Telegram', proof: 'acted', answer }, lastLine, tag, triggers: ['delivered', 'read', trigger],
    })
    await clinic.until('the messenger shows that the press was heard', () => story.arrived('telegram')[0]!.notice !== undefined)
  })

  it('counts once when the button is tapped twice and each press is told twice (F10)', async () => {
    const visitor = await clinic.visitor()
    clinic.world.messengers.behave('max', { updates: 'twice' })
    const route = await clinic.route([clinic.steps.max(60), clinic.steps.sms()])
    const story = clinic.send(visitor, { route })
    await arrivesIn('max', story)
    visitor.phone.press('max', { messageId: story.arrived('max')[0]!.id, button: 'Приду', times: 2 })
    await clinic.ends(story, {
      arrived: { max: 1 }, returns: { status: 'reached', channel: 'MAX', proof: 'acted', answer: 'confirm' }, lastLine: /^MAX, .*Пациент придёт$/, tag: 'придёт', triggers: ['delivered', 'read', 'confirmed'],
    })
  })

  it('corrects the record when it comes after the end, and does not answer the robot again', async () => {
    const visitor = await clinic.visitor()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await arrivesIn('telegram', story)
    await clinic.later('the SMS ends it', () => story.run().answered)
    expect(story.run().returnValues).toMatchObject({ channel: 'SMS', answer: '' })
    visitor.phone.press('telegram', { messageId: story.arrived('telegram')[0]!.id, button: 'Отменить' })
    await clinic.ends(story, {
      arrived: { telegram: 1, sms: 1 }, returns: { channel: 'SMS', answer: '' }, lastLine: /^Telegram, .*Пациент отменил запись$/, tag: 'отменил', triggers: ['delivered', 'read', 'cancelled'],
    })
  })

  it('may be changed: the last press is what the deal says', async () => {
    const visitor = await clinic.visitor()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await arrivesIn('telegram', story)
    const messageId = story.arrived('telegram')[0]!.id
    visitor.phone.press('telegram', { messageId, button: 'Приду' })
    await clinic.until('the first press is written', () => story.record()?.tags[0]?.title === 'придёт')
    visitor.phone.press('telegram', { messageId, button: 'Отменить' })
    await clinic.ends(story, {
      arrived: { telegram: 1 }, returns: { answer: 'confirm' }, lastLine: /Пациент отменил запись$/, tag: 'отменил', triggers: ['delivered', 'read', 'confirmed', 'cancelled'],
    })
  })

  it('ends the cascade when it is a text in another messenger (B8)', async () => {
    const visitor = await clinic.visitor()
    clinic.world.messengers.behave('whatsapp', { mode: 'silent' })
    const story = clinic.send(visitor, { route: whatsappThenSms })
    await clinic.until('WhatsApp has it', () => story.sent('whatsapp').length === 1)
    await clinic.until('all receipts are in', () => clinic.world.messengers.pendingWebhooks() === 0)
    visitor.phone.reply('max', 'Спасибо, буду')
    await clinic.until('the robot is answered', () => story.run().answered)
    expect(story.run().returnValues).toMatchObject({ status: 'reached', answer: 'replied' })
    await clinic.pass(90)
    // What the record says must be what happened: the patient answered, and not in WhatsApp.
    await clinic.ends(story, { arrived: {}, lastLine: /[Пп]ациент ответил/, tag: 'пациент ответил', triggers: ['replied'] })
    expect(story.record()!.lines.at(-1)).not.toMatch(/WhatsApp/)
    expect(story.run().returnValues).toMatchObject({ proof: 'acted' })
  })

  it('by SMS ends the cascade too', async () => {
    const visitor = await clinic.visitor({ bots: false })
    clinic.world.messengers.behave('sms', { mode: 'silent' })
    const route = await clinic.route([clinic.steps.sms(), clinic.steps.task()])
    const story = clinic.send(visitor, { route })
    await clinic.until('SMSC has it', () => story.sent('sms').length === 1)
    visitor.phone.reply('sms', 'Буду')
    await clinic.ends(story, { arrived: {}, returns: { status: 'reached', channel: 'SMS', proof: 'acted', answer: 'replied' }, lastLine: /^SMS, пациент ответил/, tag: 'пациент ответил', triggers: ['delivered', 'read', 'replied'] })
    expect(story.tasks()).toHaveLength(0)
  })

  it('is not a start of the bot: that ends nothing', async () => {
    const visitor = await clinic.visitor()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await arrivesIn('telegram', story)
    visitor.phone.start('telegram')
    visitor.phone.start('max')
    await clinic.until('both starts are in', () => clinic.world.messengers.pendingWebhooks() === 0)
    await clinic.later('the cascade goes on to the SMS', () => story.run().answered)
    await clinic.ends(story, { arrived: { telegram: 1, sms: 1 }, returns: { status: 'reached', channel: 'SMS', proof: 'delivered', answer: '' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('is silence when the bot is blocked while its step waits: the next messenger is tried at once, and the bot again after it is unblocked', async () => {
    const visitor = await clinic.visitor()
    const story = clinic.send(visitor, { route: telegramThenSms })
    await arrivesIn('telegram', story)
    const blockedAt = clinic.world.clock.now()
    visitor.phone.block('telegram')
    await clinic.ends(story, { arrived: { telegram: 1, sms: 1 }, returns: { status: 'reached', channel: 'SMS', proof: 'delivered' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(story.sent('sms')[0]!.acceptedAt - blockedAt).toBeLessThan(5 * 60_000)

    const skipped = clinic.send(visitor, { route: telegramThenSms })
    await clinic.ends(skipped, { arrived: { sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(skipped.record()!.lines[0]).toMatch(/Telegram.*пропущен - пациент заблокировал бота/)

    visitor.phone.unblock('telegram')
    await clinic.until('the bot knows', () => clinic.world.messengers.pendingWebhooks() === 0)
    const again = clinic.send(visitor, { route: byTelegram })
    await arrivesIn('telegram', again)
    visitor.phone.press('telegram', { messageId: again.arrived('telegram')[0]!.id, button: 'Приду' })
    await clinic.ends(again, { arrived: { telegram: 1 }, returns: { channel: 'Telegram', answer: 'confirm' }, lastLine: /Пациент придёт$/, tag: 'придёт', triggers: ['delivered', 'read', 'confirmed'] })
  })

  it('is asked for by a task when nobody can be reached at all: for the person in charge, with its deadline', async () => {
    const visitor = await clinic.visitor({ bots: false, phones: [] })
    const startedAt = clinic.world.clock.now()
    const story = clinic.send(visitor)
    await clinic.ends(story, { arrived: {}, returns: { status: 'not_reached', channel: '', proof: '' }, lastLine: /^Не доставлено: позвоните пациенту$/, tag: 'не доставлено', triggers: ['not_reached'] })
    const [task] = story.tasks()
    expect(story.tasks()).toHaveLength(1)
    expect(Date.parse(task!.deadline!) - startedAt).toBeGreaterThanOrEqual(120 * 60_000 - 1_000)
    expect(Date.parse(task!.deadline!) - startedAt).toBeLessThan(130 * 60_000)
    expect(clinic.world.portal.world.activities.get(task!.id)!.responsibleId).toBe(2)
  })

  it('comes too late for the task but not for the record', async () => {
    const visitor = await clinic.visitor()
    const story = clinic.send(visitor, { route: botsThenTask })
    await clinic.later('staff get the task', () => story.tasks().length === 1)
    visitor.phone.press('max', { messageId: story.arrived('max')[0]!.id, button: 'Приду' })
    await clinic.ends(story, {
      arrived: { telegram: 1, max: 1 }, returns: { status: 'not_reached' }, lastLine: /^MAX, .*Пациент придёт$/, tag: 'придёт', triggers: ['not_reached', 'delivered', 'read', 'confirmed'],
    })
  })

  it('keeps clean books', () => clinic.expectCleanBooks())
})
