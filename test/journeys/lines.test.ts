/** Several bots, several lines, odd cards and odd files: nothing of one patient gets to another, nothing is lost. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLine, connectLines, openConnector } from '../../sandbox/administrator.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { query } from '../http/support.ts'
import { startClinic, until, type Clinic } from './clinic.ts'

let clinic: Clinic
let secondBot: { account: string, connectionId: string, lineId: number }
let lines: Record<'whatsapp' | 'telegram' | 'max', number>
let people = 6000
const application = () => ({ origin: clinic.app.origin, clientId: clinic.app.clientId })
beforeAll(async () => {
  clinic = await startClinic()
  lines = await connectLines(application(), clinic.world.portal, clinic.ids)
  const bot = clinic.world.messengers.addTelegramBot()
  const connected = await clinic.administrator.call('POST', '/connections', { channel: 'telegram', name: 'Второй бот', credentials: { botToken: bot.token, apiRoot: bot.apiRoot } })
  expect(connected.status).toBe(200)
  const connectionId = connected.body.id as string
  secondBot = { account: String(bot.botId), connectionId, lineId: await connectLine(application(), clinic.world.portal, { connector: 'estafeta_telegram', connectionId, name: 'Второй Telegram' }) }
}, 120_000)
afterAll(() => clinic.stop())

const phoneOf = (name = 'Мария Иванова', phone = `+7900000${++people}`): Handset => clinic.world.messengers.addPatient({ name, phone })
const chatWith = (text: string) => {
  for (const { id } of clinic.world.portal.lines.chats()) {
    const chat = clinic.world.portal.lines.chat(id)
    if (chat.messages.some((message) => message.kind === 'patient' && message.text.includes(text))) return chat
  }
  return undefined
}
const texts = (phone: Handset, messenger: 'telegram' | 'max', account?: string): string[] =>
  phone.shown(messenger).filter((message) => message.direction === 'received' && (account === undefined || message.account === account)).map((message) => message.text)
const isAsked = (phone: Handset, messenger: 'telegram' | 'max'): boolean => phone.shown(messenger).some((message) => message.buttons.flat().some((button) => button.kind === 'contact'))

describe('several accounts', () => {
  it('F18: one person writes to two bots of the clinic: two chats, and each answer goes back to its own bot', async () => {
    const phone = phoneOf()
    const first = String(clinic.world.accounts.telegram.botId)
    for (const account of [first, secondBot.account]) phone.start('telegram', { account, quietly: true })
    phone.reply('telegram', 'к первому боту', { account: first })
    phone.reply('telegram', 'ко второму боту', { account: secondBot.account })
    await until('both are there', () => chatWith('к первому боту') !== undefined && chatWith('ко второму боту') !== undefined)
    const [one, two] = [chatWith('к первому боту')!, chatWith('ко второму боту')!]
    expect([one.lineId, two.lineId]).toEqual([lines.telegram, secondBot.lineId])
    expect(one.externalChatId).not.toBe(two.externalChatId)
    clinic.world.portal.lines.say(one.id, { text: 'ответ первого' })
    clinic.world.portal.lines.say(two.id, { text: 'ответ второго' })
    await until('both answers are there', () => texts(phone, 'telegram').includes('ответ первого') && texts(phone, 'telegram').includes('ответ второго'))
    expect(texts(phone, 'telegram', first)).toContain('ответ первого')
    expect(texts(phone, 'telegram', first)).not.toContain('ответ второго')
    expect(texts(phone, 'telegram', secondBot.account)).toContain('ответ второго')
  })

  it('F20: two connectors on one line: the administrator is told, and answers still go where they belong', async () => {
    const page = await openConnector(application(), clinic.world.portal, 'estafeta_max', lines.telegram)
    const both = await page.call('POST', '/connector/activate', { connectionId: clinic.ids.max })
    expect(both.body.problems.join(' ')).toMatch(/Telegram/)
    const [inTelegram, inMax] = [phoneOf(), phoneOf()]
    inTelegram.start('telegram', { quietly: true })
    inMax.start('max', { quietly: true })
    inTelegram.reply('telegram', 'одна линия телеграм')
    inMax.reply('max', 'одна линия макс')
    await until('both are there', () => chatWith('одна линия телеграм') !== undefined && chatWith('одна линия макс') !== undefined)
    expect(chatWith('одна линия макс')!.lineId).toBe(lines.telegram)
    clinic.world.portal.lines.say(chatWith('одна линия телеграм')!.id, { text: 'в телеграм' })
    clinic.world.portal.lines.say(chatWith('одна линия макс')!.id, { text: 'в макс' })
    await until('both answers are there', () => texts(inTelegram, 'telegram').includes('в телеграм') && texts(inMax, 'max').includes('в макс'))
    expect(texts(inTelegram, 'max')).toEqual([])
    expect(texts(inMax, 'telegram')).toEqual([])
    const back = await openConnector(application(), clinic.world.portal, 'estafeta_max', lines.max)
    expect((await back.call('POST', '/connector/activate', { connectionId: clinic.ids.max })).status).toBe(200)
  })
})

describe('a first message', () => {
  it('F10: whose answer was lost, and of whose session nothing was told either, is found again and not said twice', async () => {
    const earlier = phoneOf()
    earlier.start('telegram', { quietly: true })
    earlier.reply('telegram', 'кто писал раньше')
    await until('it is there', () => chatWith('кто писал раньше') !== undefined)
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    clinic.world.portal.misbehave({ kind: 'event_lose', method: 'ONIMCONNECTORDIALOGSTART', times: 1 })
    clinic.world.portal.misbehave({ kind: 'drop_after', method: 'imconnector.send.messages', times: 1 })
    phone.reply('telegram', 'первое слово')
    phone.reply('telegram', 'второе слово')
    await until('both are there', () => chatWith('второе слово') !== undefined)
    const said = clinic.world.portal.lines.chat(chatWith('первое слово')!.id).messages.filter((message) => message.kind === 'patient').map((message) => message.text)
    expect(said).toEqual(['первое слово', 'второе слово'])
    expect(clinic.world.portal.calls.some((call) => call.method === 'imopenlines.dialog.get' && (call.params as { SESSION_ID?: unknown }).SESSION_ID !== undefined)).toBe(true)
  })
})

describe('odd cards', () => {
  it('F15: the clinic\'s own number, which stands in many cards, makes nobody that patient', async () => {
    const own = '+79000009999'
    const number = clinic.world.messengers.addWhatsAppNumber({ displayPhoneNumber: own.slice(1) })
    const connected = await clinic.administrator.call('POST', '/connections', {
      channel: 'whatsapp', name: 'Номер регистратуры',
      credentials: { phoneNumberId: number.phoneNumberId, businessAccountId: number.wabaId, accessToken: number.token, appSecret: number.appSecret, verifyToken: 'sandbox-verify-token', baseUrl: number.baseUrl },
    })
    expect(connected.status).toBe(200)
    const card = clinic.world.portal.addContact({ name: 'Карта', lastName: 'С номером клиники', phones: [own], assignedById: 2 })
    const phone = phoneOf('Кто Угодно', own)
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'с номером клиники')
    await until('asked', () => isAsked(phone, 'telegram'))
    phone.shareContact('telegram')
    await until('told to write another number', () => texts(phone, 'telegram').some((text) => text.includes('Не получилось прочитать номер')))
    expect(await query(clinic.app, `select 1 from identities where contact_id = '${card.id}'`)).toEqual([])
  })

  it('F17: a late binding moves the running session and the next ones from a stray card to the patient', async () => {
    const phone = phoneOf('Поздняя Привязка')
    const contact = clinic.world.portal.addContact({ name: 'Поздняя', lastName: 'Пациентка', phones: [phone.patient.phone], assignedById: 2 })
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'поздно узнают')
    await until('asked', () => isAsked(phone, 'telegram'))
    phone.shareContact('telegram')
    const chat = () => chatWith('поздно узнают')!
    await until('known', () => chatWith('поздно узнают')?.messages.some((message) => message.kind === 'system' && message.text.includes('Поздняя')) === true)
    clinic.world.portal.lines.finish(chat().id)
    phone.reply('telegram', 'пишу снова')
    await until('the next session stands in the patient\'s card', () => chat().crm.contactId === contact.id)
    expect(chat().crm.leadId).toBe(0)
  })
})

describe('odd files', () => {
  it('F35, F36: a file that cannot be had is told in words, and never stands as a broken link', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.sendFile('telegram', { name: 'снимок.zip', sizeBytes: 900 * 1024 * 1024, caption: 'слишком большой' })
    await until('it is there', () => chatWith('слишком большой') !== undefined)
    const message = chatWith('слишком большой')!.messages.find((one) => one.kind === 'patient')!
    expect(message.files).toEqual([])
    expect(message.text).toContain('снимок.zip')
    expect(message.text).toContain('попросите прислать ещё раз')
  })
})

it('the portal refused nothing, nothing broke inside', () => {
  clinic.expectCleanBooks({ refused: /^(?:(?:im\.message\.add|imopenlines\.dialog\.get): ACCESS_ERROR|batch: CONNECTION_DROPPED)$/ })
})
