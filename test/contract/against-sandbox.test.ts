import { describe, expect, it } from '@jest/globals'
import { max } from '../../src/channels/max/index.ts'
import { smsc } from '../../src/channels/smsc/index.ts'
import { telegram } from '../../src/channels/telegram/index.ts'
import { whatsapp } from '../../src/channels/whatsapp/index.ts'
import { connect, messageTo, until, useSandbox, type Connection } from './sandbox.ts'

const world = useSandbox()

const buttons = [
  { id: 'confirm', title: 'Приду' },
  { id: 'cancel', title: 'Отменить' },
]

const levelsOf = ({ events }: Connection<any>, externalId: string) => events.flatMap((event) => (event.type === 'receipt' && event.externalId === externalId ? [event.level] : []))

describe('whatsapp against the sandbox', () => {
  const setUp = async () => {
    const number = world.messengers.addWhatsAppNumber()
    const connection = world.connectionOf(whatsapp, {
      phoneNumberId: number.phoneNumberId,
      businessAccountId: number.wabaId,
      accessToken: number.token,
      appSecret: number.appSecret,
      verifyToken: 'clinic-word',
      baseUrl: number.baseUrl,
    })
    const facts = await connect(connection)
    expect(await world.messengers.setWhatsAppWebhook(number.phoneNumberId, connection.hookUrl, 'clinic-word')).toBeUndefined()
    return { number, connection, facts }
  }
  const template = { name: 'appointment_reminder', language: 'ru', parameters: ['Иван', 'завтра\nв 10:00'] }

  it('connects, sends a template, learns of every receipt and of the press', async () => {
    const { number, connection, facts } = await setUp()
    expect(facts.title).toBe(number.verifiedName)
    const phone = world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    const { externalId } = await whatsapp.send(messageTo('+79000000001', { template, buttons }), connection.context)
    await until(() => levelsOf(connection, externalId).length === 2)
    expect(levelsOf(connection, externalId)).toEqual(['sent', 'delivered'])
    expect(connection.events.every((event) => event.type === 'receipt' && event.attemptRef === 'd1.0')).toBe(true)
    phone.press('whatsapp', { button: 0 })
    await until(() => connection.events.some(({ type }) => type === 'action'))
    expect(connection.events.find(({ type }) => type === 'action')).toMatchObject({ payload: 'confirm', messageId: externalId, chat: { phone: '+79000000001', name: 'Иван Петров' } })
    await until(() => levelsOf(connection, externalId).includes('read'))
    expect(connection.refused).toEqual([])
  })

  it('sends free text and buttons only into an open window, and learns why not otherwise', async () => {
    const { connection } = await setUp()
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    await whatsapp.send(messageTo('+79000000001'), connection.context)
    await until(() => connection.events.some(({ type }) => type === 'failure'))
    expect(connection.events).toContainEqual(expect.objectContaining({ type: 'failure', failure: { class: 'content', code: '131047' } }))
    phone.reply('whatsapp', 'Здравствуйте')
    await until(() => connection.events.some(({ type }) => type === 'message'))
    const message = connection.events.find((event) => event.type === 'message')
    expect(message).toMatchObject({ text: 'Здравствуйте', chat: { phone: '+79000000001' } })
    const { externalId } = await whatsapp.send(messageTo(message?.chat.id ?? '', { buttons }), connection.context)
    await until(() => levelsOf(connection, externalId).includes('delivered'))
    phone.press('whatsapp', { button: 'Отменить' })
    await until(() => connection.events.some((event) => event.type === 'action' && event.payload === 'cancel' && event.messageId === externalId))
  })

  it('learns of a person who is not on WhatsApp, of a stopped token and of a paused template', async () => {
    const { number, connection } = await setUp()
    await whatsapp.send(messageTo('+79000000009', { template }), connection.context)
    await until(() => connection.events.some(({ type }) => type === 'failure'))
    expect(connection.events[0]).toMatchObject({ type: 'failure', failure: { class: 'recipientPermanent', code: '131026' }, attemptRef: 'd1.0' })
    world.messengers.setTemplateStatus(number.phoneNumberId, 'appointment_reminder', 'PAUSED')
    await until(() => connection.events.some(({ type }) => type === 'connection'))
    await expect(whatsapp.send(messageTo('+79000000001', { template }), connection.context)).rejects.toMatchObject({ failure: { class: 'content', code: '132015' }, outcome: 'rejected' })
    world.messengers.behave('whatsapp', { failure: 'unauthorized', failing: 'all' })
    await expect(whatsapp.check(connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '190' } })
    world.messengers.behave('whatsapp', { failure: 'unavailable' })
    await expect(whatsapp.send(messageTo('+79000000001', { template }), connection.context)).rejects.toMatchObject({ failure: { class: 'transient' } })
    world.messengers.behave('whatsapp', { failure: 'rateLimited' })
    await expect(whatsapp.send(messageTo('+79000000001', { template }), connection.context)).rejects.toMatchObject({ failure: { class: 'rateLimited' }, outcome: 'rejected' })
  })

  it('F05 F09 finds the attempt of a lost answer by its own reference', async () => {
    const { connection } = await setUp()
    world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    world.messengers.behave('whatsapp', { failure: 'dropAfter', next: 1 })
    await expect(whatsapp.send(messageTo('+79000000001', { template, ref: 'd2.0' }), connection.context)).rejects.toMatchObject({ outcome: 'unknown' })
    await until(() => connection.events.some((event) => event.type === 'receipt' && event.level === 'delivered' && event.attemptRef === 'd2.0'))
  })

  it('F40 ends the life of a message that waits for a phone that is off', async () => {
    const { number, connection } = await setUp()
    await whatsapp.setTemplateLife?.({ ...template, lifeSeconds: 300 }, connection.context)
    expect(number.templates.find(({ name, language }) => name === 'appointment_reminder' && language === 'ru')).toMatchObject({ message_send_ttl_seconds: 300 })
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.setOnline(false)
    const { externalId } = await whatsapp.send(messageTo('+79000000001', { template }), connection.context)
    await until(() => levelsOf(connection, externalId).includes('sent'))
    world.clock.advance(301_000)
    phone.setOnline(true)
    expect(phone.messages('whatsapp')[0]?.state).toBe('expired')
    expect(levelsOf(connection, externalId)).toEqual(['sent'])
  })

  it('disconnects', async () => {
    const { number, connection } = await setUp()
    await whatsapp.disconnect({ ...connection.context, hookUrl: connection.hookUrl })
    expect(number.subscribed).toBe(false)
  })
})

describe('telegram against the sandbox', () => {
  const setUp = async () => {
    const bot = world.messengers.addTelegramBot()
    const connection = world.connectionOf(telegram, { botToken: bot.token, apiRoot: bot.apiRoot })
    const facts = await connect(connection)
    return { bot, connection, facts }
  }

  it('connects, is started by a personal link, asks for the number and is pressed', async () => {
    const { bot, connection, facts } = await setUp()
    expect(facts.title).toBe(`@${bot.username}`)
    expect(facts.details.map(({ value }) => value)).toContain('включён')
    const phone = world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    phone.start('telegram', { payload: 'L_k3Jx9QmZb2' })
    await until(() => connection.events.length > 0)
    const started = connection.events.find((event) => event.type === 'message')
    expect(started).toMatchObject({ text: '/start', startPayload: 'L_k3Jx9QmZb2' })
    const to = started?.chat.id ?? ''

    await telegram.send(messageTo(to, { requestsContact: true }), connection.context)
    await until(() => phone.messages('telegram').some(({ buttons, arrivedAt }) => buttons.length > 0 && arrivedAt !== undefined))
    phone.press('telegram')
    await until(() => connection.events.some((event) => event.type === 'message' && event.contact !== undefined))
    expect(connection.events.at(-1)).toMatchObject({ contact: { phone: '+79000000001', isOwn: true } })

    const { externalId } = await telegram.send(messageTo(to, { buttons }), connection.context)
    await until(() => phone.messages('telegram').some(({ buttons: [row] }) => row?.[0]?.text === 'Приду'))
    await until(() => phone.messages('telegram').every(({ arrivedAt }) => arrivedAt !== undefined))
    phone.press('telegram', { button: 'Приду' })
    await until(() => connection.events.some(({ type }) => type === 'action'))
    const action = connection.events.find((event) => event.type === 'action')
    expect(action).toMatchObject({ payload: 'confirm', messageId: externalId, chat: { id: to } })
    await telegram.answerAction?.({ externalId: action?.externalId ?? '', chatId: to, text: 'Записали' }, connection.context)
    expect(phone.messages('telegram').some(({ notice }) => notice === 'Записали')).toBe(true)

    const received = phone.messages('telegram').findLast(({ direction }) => direction === 'received')
    phone.reply('telegram', 'Спасибо', { quote: received?.id })
    await until(() => connection.events.some((event) => event.type === 'message' && event.replyTo === externalId))
    expect(connection.refused).toEqual([])
  })

  it('F45 does not take another person\'s card for the sender\'s own', async () => {
    const { connection } = await setUp()
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.start('telegram')
    for (const kind of ['foreign', 'unsigned'] as const) phone.forgeContact('telegram', { kind })
    await until(() => connection.events.filter((event) => event.type === 'message' && event.contact !== undefined).length === 2)
    for (const event of connection.events) if (event.type === 'message' && event.contact !== undefined) expect(event.contact.isOwn).toBe(false)
  })

  it('learns that it was blocked and unblocked, and what each refusal means', async () => {
    const { connection } = await setUp()
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const to = String(phone.patient.telegramId)
    await expect(telegram.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent' }, outcome: 'rejected' })
    phone.start('telegram')
    phone.block('telegram')
    await until(() => connection.events.some((event) => event.type === 'reachability' && event.state === 'blocked'))
    await expect(telegram.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: '403' }, outcome: 'rejected' })
    phone.unblock('telegram')
    await until(() => connection.events.some((event) => event.type === 'reachability' && event.state === 'active'))
    world.messengers.behave('telegram', { failure: 'rateLimited', next: 1, retryAfterSeconds: 35 })
    await expect(telegram.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'rateLimited' }, retryAfterSeconds: 35 })
    world.messengers.behave('telegram', { failure: 'badGateway', next: 1 })
    await expect(telegram.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'transient', code: '502' }, outcome: 'unknown' })
    world.messengers.behave('telegram', { failure: 'dropAfter', next: 1 })
    await expect(telegram.send(messageTo(to), connection.context)).rejects.toMatchObject({ outcome: 'unknown' })
    world.messengers.behave('telegram', { failure: 'unauthorized', failing: 'all' })
    await expect(telegram.check(connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent' } })
  })

  it('disconnects', async () => {
    const { connection } = await setUp()
    await telegram.disconnect({ ...connection.context, hookUrl: connection.hookUrl })
    expect((await telegram.check(connection.context)).details.map(({ value }) => value)).toContain('не включён')
  })
})

describe('max against the sandbox', () => {
  const setUp = async () => {
    const bot = world.messengers.addMaxBot()
    const connection = world.connectionOf(max, { token: bot.token, baseUrl: bot.baseUrl })
    const facts = await connect(connection)
    return { bot, connection, facts }
  }

  it('connects, is started by a personal link, asks for the number and is pressed', async () => {
    const { bot, connection, facts } = await setUp()
    expect(facts.title).toBe(`@${bot.username}`)
    const phone = world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    phone.start('max', { payload: 'L_k3Jx9QmZb2' })
    await until(() => connection.events.length === 2)
    expect(connection.events).toMatchObject([
      { type: 'reachability', state: 'active' },
      { type: 'message', text: '/start', startPayload: 'L_k3Jx9QmZb2', chat: { id: String(phone.patient.maxId) } },
    ])
    const to = String(phone.patient.maxId)

    await max.send(messageTo(to, { requestsContact: true }), connection.context)
    await until(() => phone.messages('max').some(({ arrivedAt }) => arrivedAt !== undefined))
    phone.press('max')
    await until(() => connection.events.some((event) => event.type === 'message' && event.contact !== undefined))
    expect(connection.events.at(-1)).toMatchObject({ contact: { phone: '+79000000001', isOwn: true } })

    world.clock.advance(2_000)
    const { externalId } = await max.send(messageTo(to, { buttons }), connection.context)
    await until(() => phone.messages('max').some(({ id, arrivedAt }) => id === externalId && arrivedAt !== undefined))
    phone.press('max', { button: 'Приду' })
    await until(() => connection.events.some(({ type }) => type === 'action'))
    const action = connection.events.find((event) => event.type === 'action')
    expect(action).toMatchObject({ payload: 'confirm', messageId: externalId, chat: { id: to } })
    await max.answerAction?.({ externalId: action?.externalId ?? '', chatId: to, text: 'Записали' }, connection.context)
    expect(phone.messages('max').some(({ notice }) => notice === 'Записали')).toBe(true)
    phone.reply('max', 'Спасибо', { quote: externalId })
    await until(() => connection.events.some((event) => event.type === 'message' && event.replyTo === externalId))
    expect(connection.refused).toEqual([])
  })

  it('F45 trusts only the card that MAX signed for this bot and this person', async () => {
    const { connection } = await setUp()
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.start('max')
    for (const kind of ['foreign', 'unsigned', 'tampered'] as const) phone.forgeContact('max', { kind })
    await until(() => connection.events.filter((event) => event.type === 'message' && event.contact !== undefined).length === 3)
    for (const event of connection.events) if (event.type === 'message' && event.contact !== undefined) expect(event.contact.isOwn).toBe(false)
  })

  it('learns that it was stopped or its dialogue removed, and what each refusal means', async () => {
    const { connection } = await setUp()
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const to = String(phone.patient.maxId)
    await expect(max.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: 'not.found' }, outcome: 'rejected' })
    phone.start('max')
    phone.block('max')
    await until(() => connection.events.some((event) => event.type === 'reachability' && event.state === 'blocked'))
    await expect(max.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: 'chat.denied' }, outcome: 'rejected' })
    phone.unblock('max')
    phone.start('max')
    world.messengers.behave('max', { failure: 'rateLimited', next: 1 })
    await expect(max.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'rateLimited' }, outcome: 'rejected' })
    world.messengers.behave('max', { failure: 'unavailable', next: 1 })
    await expect(max.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'transient' }, outcome: 'unknown' })
    world.messengers.behave('max', { failure: 'unauthorized', failing: 'all' })
    await expect(max.check(connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'verify.token' } })
  })

  it('disconnects, and a second time as well', async () => {
    const { bot, connection } = await setUp()
    for (let time = 0; time < 2; time += 1) await max.disconnect({ ...connection.context, hookUrl: connection.hookUrl })
    expect(bot.subscriptions).toEqual([])
  })
})

describe('smsc against the sandbox', () => {
  const setUp = async () => {
    const account = world.messengers.addSmscAccount()
    const connection = world.connectionOf(smsc, { apiKey: account.apiKey, callbackSecret: 'clinic-word', baseUrl: account.baseUrl })
    const facts = await connect(connection)
    world.messengers.setSmscCallback(account.login, connection.hookUrl, 'clinic-word')
    return { account, connection, facts }
  }

  it('connects, shows the balance, sends, and learns of every report and of the answer', async () => {
    const { account, connection, facts } = await setUp()
    expect(facts.details[0]?.value).toContain(account.balance.toFixed(2))
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const sent = await smsc.send(messageTo('+79000000001', { text: 'я'.repeat(71), expiresInSeconds: 3600 }), connection.context)
    expect(sent).toEqual({ externalId: '1001', parts: 2 })
    await until(() => levelsOf(connection, '1001').length === 2)
    expect(levelsOf(connection, '1001')).toEqual(['sent', 'delivered'])
    phone.reply('sms', 'СТОП')
    await until(() => connection.events.some(({ type }) => type === 'message'))
    expect(connection.events.at(-1)).toMatchObject({ text: 'СТОП', chat: { id: '79000000001', phone: '+79000000001' } })
    expect(connection.refused).toEqual([])
  })

  it('takes login and password as well', async () => {
    const { account } = await setUp()
    const connection = world.connectionOf(smsc, { login: account.login, password: account.password, callbackSecret: 'clinic-word', baseUrl: account.baseUrl })
    expect((await smsc.check(connection.context)).title).toBe(account.login)
  })

  it('F05 never sends twice: a repeated number and a lost answer end in the first message', async () => {
    const { connection } = await setUp()
    const phone = world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    world.messengers.behave('sms', { failure: 'dropAfter', next: 1 })
    await expect(smsc.send(messageTo('+79000000001'), connection.context)).rejects.toMatchObject({ outcome: 'unknown' })
    expect(await smsc.lookUp?.(messageTo('+79000000001'), connection.context)).toEqual({ externalId: '1001', parts: 1 })
    world.clock.setSpeed(0)
    expect(await smsc.send(messageTo('+79000000001'), connection.context)).toEqual({ externalId: '1001', parts: 1 })
    expect(phone.messages('sms')).toHaveLength(1)
    world.messengers.behave('sms', { failure: 'dropBefore', next: 1 })
    await expect(smsc.send(messageTo('+79000000001', { number: 1002, text: 'Другой текст' }), connection.context)).rejects.toMatchObject({ outcome: 'unknown' })
    expect(await smsc.lookUp?.(messageTo('+79000000001', { number: 1002 }), connection.context)).toBeUndefined()
  })

  it('learns what the operator and SMSC refuse', async () => {
    const { connection } = await setUp()
    world.messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    await expect(smsc.send(messageTo('+7900'), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: '7' }, outcome: 'rejected' })
    world.messengers.behave('sms', { mode: 'refuses', refusal: '20/255' })
    await smsc.send(messageTo('+79000000001'), connection.context)
    await until(() => connection.events.some(({ type }) => type === 'failure'))
    expect(connection.events).toContainEqual(expect.objectContaining({ type: 'failure', externalId: '1001', failure: { class: 'recipientPermanent', code: 'err 255' } }))
    world.messengers.behave('sms', { mode: 'works', failure: 'unauthorized', failing: 'all' })
    await expect(smsc.check(connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '2' } })
    world.messengers.behave('sms', { failure: 'unavailable' })
    await expect(smsc.send(messageTo('+79000000001', { number: 1003 }), connection.context)).rejects.toMatchObject({ failure: { class: 'transient' }, outcome: 'unknown' })
  })
})
