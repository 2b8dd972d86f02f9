/** Conversations from end to end: patients' phones, the messengers, the application, the portal's open lines, operators. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLines } from '../../sandbox/administrator.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type PhoneMessage } from '../../sandbox/messengers/phones.ts'
import { query } from '../http/support.ts'
import { startClinic, until, type Clinic } from './clinic.ts'

let clinic: Clinic
let people = 5000
beforeAll(async () => {
  clinic = await startClinic()
  await connectLines({ origin: clinic.app.origin, clientId: clinic.app.clientId }, clinic.world.portal, clinic.ids)
}, 120_000)
afterAll(() => clinic.stop())

const phoneOf = (name = 'Мария Иванова'): Handset => clinic.world.messengers.addPatient({ name, phone: `+7900000${++people}` })
const chats = () => clinic.world.portal.lines.chats()
/** The chat in which this was said. */
const chatWith = (text: string) => {
  for (const { id } of chats()) {
    const chat = clinic.world.portal.lines.chat(id)
    if (chat.messages.some((message) => message.kind === 'patient' && message.text.includes(text))) return chat
  }
  return undefined
}
const chatNow = (id: number) => clinic.world.portal.lines.chat(id)
/** How the accounts of a contact were proved to be its own. */
const bound = async (contactId: number): Promise<string[]> => (await query<{ proof: string }>(clinic.app, `select proof from identities where contact_id = '${contactId}'`)).map((row) => row.proof)
const received = (phone: Handset, messenger: 'telegram' | 'max' | 'whatsapp'): PhoneMessage[] => phone.shown(messenger).filter((message) => message.direction === 'received')
const patientTexts = (id: number | undefined): string[] => id === undefined ? [] : chatNow(id).messages.filter((message) => message.kind === 'patient' && !message.deleted).map((message) => message.text)
const notes = (id: number | undefined): string[] => id === undefined ? [] : chatNow(id).messages.filter((message) => message.kind === 'system').map((message) => message.text)

describe('a patient writes to the bot', () => {
  it('is in the open line, is asked who they are, proves it, and the operator sees the card', async () => {
    const phone = phoneOf('Иван Сидоров')
    const contact = clinic.world.portal.addContact({ name: 'Иван', lastName: 'Сидоров', phones: [phone.patient.phone], assignedById: 2 })
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'Здравствуйте, первый вопрос')
    await until('the message is in the line', () => chatWith('первый вопрос') !== undefined)
    const { id } = chatWith('первый вопрос')!
    expect(chatNow(id).connector).toBe('estafeta_telegram')
    await until('the bot asks', () => received(phone, 'telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
    await until('the operator is warned', () => notes(id).some((note) => note.includes('не подтверждена')))
    expect(clinic.world.portal.state({ contactId: contact.id }).timeline.filter((entry) => entry.kind !== 'configurable')).toEqual([])
    phone.shareContact('telegram')
    await until('the patient is known', () => received(phone, 'telegram').some((message) => message.text.includes('мы вас узнали')))
    await until('the operator is told who it is', () => notes(id).some((note) => note.includes('Иван Сидоров')))
  })

  it('F10: a patient who starts the bot and writes then: the message is not held up by our question, and the operator sees both', async () => {
    const phone = phoneOf()
    phone.start('telegram')
    await until('the bot asks', () => received(phone, 'telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
    phone.reply('telegram', 'сначала старт')
    await until('the message is in the line', () => chatWith('сначала старт') !== undefined)
    // A question that waited for the chat until its patience ended would be lost.
    await until('the question is there too', () => notes(chatWith('сначала старт')?.id).some((note) => note.includes('Чтобы мы узнали вас')))
  })

  it('two messages and an edit come in their order, once each (F10)', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    const first = phone.reply('telegram', 'порядок один')
    phone.reply('telegram', 'порядок два')
    phone.reply('telegram', 'порядок три')
    await until('three are there', () => patientTexts(chatWith('порядок один')?.id).length >= 3)
    const { id } = chatWith('порядок один')!
    expect(patientTexts(id)).toEqual(['порядок один', 'порядок два', 'порядок три'])
    phone.edit({ messenger: 'telegram', id: first.id }, 'порядок раз')
    await until('the edit is there', () => patientTexts(id)[0] === 'порядок раз')
    expect(patientTexts(id)).toEqual(['порядок раз', 'порядок два', 'порядок три'])
  })

  it('F43: BB codes of the portal never reach the patient, and a patient\'s are harmless', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'коды [b]жирно[/b] [url=https://example.test]тут[/url]')
    await until('it is there', () => chatWith('коды ') !== undefined)
    const chat = chatWith('коды ')!
    expect(chat.messages.find((message) => message.kind === 'patient')!.text).not.toContain('[b]')
    clinic.world.portal.lines.say(chat.id, { text: '[b]Приём[/b] в [i]10:00[/i], [url=https://clinic.example/map]карта[/url] [user=1]Анна[/user] :)' })
    await until('the answer is on the phone', () => received(phone, 'telegram').some((message) => message.text.includes('Приём')))
    const answer = received(phone, 'telegram').find((message) => message.text.includes('Приём'))!
    expect(answer.text).not.toMatch(/\[\/?\w+[\]=]/)
    await until('the tick is honest', () => chatNow(chat.id).messages.some((message) => message.kind === 'operator' && message.state === 'delivered'))
  })

  it('an operator edits and deletes what was sent', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'правка')
    await until('it is there', () => chatWith('правка') !== undefined)
    const { id } = chatWith('правка')!
    const said = clinic.world.portal.lines.say(id, { text: 'в 10:00' })
    await until('delivered', () => chatNow(id).messages.find((message) => message.id === said.id)?.state === 'delivered')
    clinic.world.portal.lines.edit(said.id, 'в 11:00')
    await until('the phone shows the edit', () => received(phone, 'telegram').some((message) => message.text === 'в 11:00'))
    clinic.world.portal.lines.delete(said.id)
    await until('it is gone from the phone', () => !received(phone, 'telegram').some((message) => message.text === 'в 11:00'))
  })

  it('files go both ways', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.sendPhoto('telegram', { caption: 'снимок' })
    await until('the photo is in the line', () => chatWith('снимок')?.messages.some((message) => message.files.length > 0) === true)
    const chat = chatWith('снимок')!
    const [file] = chat.messages.flatMap((message) => message.files)
    expect(clinic.world.portal.lines.file(file!.id).bytes.byteLength).toBeGreaterThan(10)
    phone.sendVoice('telegram')
    await until('the voice is there', () => chatNow(chat.id).messages.flatMap((message) => message.files).length === 2)
    clinic.world.portal.lines.say(chat.id, { text: 'памятка', files: [{ name: 'памятка.pdf', bytes: Buffer.from('%PDF-1.4 sample of a leaflet') }] })
    await until('the file is on the phone', () => phone.files('telegram').length === 1)
    expect(received(phone, 'telegram').at(-2)!.text).toBe('памятка')
  })

  it('several messages of one event reach the phone in their order', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'пачка ответов')
    await until('it is there', () => chatWith('пачка ответов') !== undefined)
    const { id } = chatWith('пачка ответов')!
    clinic.world.portal.lines.sayTogether(id, ['один', 'два', 'три'].map((word) => ({ text: `пачка ${word}` })))
    await until('all are there', () => received(phone, 'telegram').some((message) => message.text === 'пачка три'))
    expect(received(phone, 'telegram').map((message) => message.text).filter((text) => text.startsWith('пачка'))).toEqual(['пачка один', 'пачка два', 'пачка три'])
    await until('each has its tick', () => chatNow(id).messages.filter((message) => message.kind === 'operator' && message.state === 'delivered').length === 3)
  })

  it('F22: an automatic greeting of the portal is not sent as if a person wrote it', async () => {
    const { portal } = clinic.world
    const chat = chatWith('снимок')!
    portal.lines.update(chat.lineId, { WELCOME_MESSAGE: 'Y', WELCOME_MESSAGE_TEXT: 'Автоприветствие' })
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'приветствие будет')
    await until('it is there', () => chatWith('приветствие будет') !== undefined)
    portal.lines.say(chatWith('приветствие будет')!.id, { text: 'живой ответ' })
    await until('the answer is there', () => received(phone, 'telegram').some((message) => message.text === 'живой ответ'))
    expect(received(phone, 'telegram').some((message) => message.text.includes('Автоприветствие'))).toBe(false)
  })

  it('notes reach operators of a line in whose queue the administrator is not', async () => {
    const { portal } = clinic.world
    portal.lines.update(chatWith('правка')?.lineId ?? chatWith('порядок раз')!.lineId, { QUEUE: [{ ENTITY_TYPE: 'user', ENTITY_ID: 2 }] })
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'чужая очередь')
    await until('it is there', () => chatWith('чужая очередь') !== undefined)
    await until('the operator is warned', () => notes(chatWith('чужая очередь')?.id).some((note) => note.includes('не подтверждена')))
  })

  it('E5: a patient who blocked the bot: the operator reads why in plain words', async () => {
    const phone = phoneOf()
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'заблокирую')
    await until('it is there', () => chatWith('заблокирую') !== undefined)
    const { id } = chatWith('заблокирую')!
    phone.block('telegram')
    clinic.world.portal.lines.say(id, { text: 'вы ещё здесь?' })
    await until('the operator is told', () => notes(id).some((note) => note.startsWith('❗ Не доставлено')))
    expect(chatNow(id).messages.find((message) => message.kind === 'operator')!.state).not.toBe('delivered')
  })
})

describe('who a person is', () => {
  it('F45, D4: a forged contact binds nothing', async () => {
    const owner = clinic.world.portal.addContact({ name: 'Чужая', lastName: 'Карта', phones: ['+79005550101'], assignedById: 2 })
    for (const kind of ['foreign', 'unsigned', 'tampered'] as const) {
      const phone = phoneOf()
      phone.start('max', { quietly: true })
      phone.reply('max', `подделка ${kind}`)
      await until('asked', () => received(phone, 'max').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
      phone.forgeContact('max', { kind, phone: '+79005550101' })
      await until('refused', () => received(phone, 'max').some((message) => message.text.includes('чужой номер')))
      expect(received(phone, 'max').some((message) => message.text.includes('мы вас узнали'))).toBe(false)
    }
    expect(await bound(owner.id)).toEqual([])
  })

  it('D4: a typed phone is bound only after the code that came to it by SMS', async () => {
    const phone = phoneOf('Пётр Код')
    const contact = clinic.world.portal.addContact({ name: 'Пётр', lastName: 'Код', phones: [phone.patient.phone], assignedById: 2 })
    phone.start('max', { quietly: true })
    phone.reply('max', `Пётр Код ${phone.patient.phone}`)
    await until('the code is on the phone', () => phone.shown('sms').some((message) => /\d{6}/.test(message.text)))
    expect(await bound(contact.id)).toEqual([])
    await until('asked for the code', () => received(phone, 'max').some((message) => message.text.includes('код по СМС')))
    phone.reply('max', '000000')
    await until('wrong', () => received(phone, 'max').some((message) => message.text.includes('не подошёл')))
    expect(await bound(contact.id)).toEqual([])
    phone.reply('max', /\d{6}/.exec(phone.shown('sms').at(-1)!.text)![0])
    await until('known', () => received(phone, 'max').some((message) => message.text.includes('мы вас узнали')))
    expect(await bound(contact.id)).toEqual(['smsCode'])
  })

  it('D6: a phone that two patients have binds nobody by itself', async () => {
    const phone = phoneOf('Кто-то')
    for (const name of ['Мама', 'Дочь']) clinic.world.portal.addContact({ name, lastName: 'Семья', phones: [phone.patient.phone], assignedById: 2 })
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'семья пишет')
    await until('asked', () => received(phone, 'telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
    phone.shareContact('telegram')
    await until('an employee is to decide', () => notes(chatWith('семья пишет')?.id).some((note) => note.includes('нескольких пациентов')))
    expect(received(phone, 'telegram').some((message) => message.text.includes('мы вас узнали'))).toBe(false)
  })

  it('D5, F13, F14: an unknown phone makes one contact, and no lead', async () => {
    const phone = phoneOf('Новая Пациентка')
    phone.start('telegram', { quietly: true })
    phone.start('max', { quietly: true })
    phone.reply('telegram', 'новая пишет')
    phone.reply('max', 'новая пишет и сюда')
    await until('asked in both', () => (['telegram', 'max'] as const).every((messenger) => received(phone, messenger).some((message) => message.buttons.flat().some((button) => button.kind === 'contact'))))
    phone.shareContact('telegram')
    phone.shareContact('max')
    await until('known in both', () => (['telegram', 'max'] as const).every((messenger) => received(phone, messenger).some((message) => message.text.includes('мы вас узнали'))))
    const contacts = new Set((await query<{ contact_id: string }>(clinic.app, `select contact_id from identities where contact_id is not null and name like 'Новая%'`)).map((row) => row.contact_id))
    expect(contacts.size).toBe(1)
    expect(await (await fetch(`${clinic.world.portal.origin}/sandbox/leads`)).json()).toEqual([])
  })

  it('"this is not me" takes the account from the card', async () => {
    const phone = phoneOf('Не Я')
    const contact = clinic.world.portal.addContact({ name: 'Другая', lastName: 'Хозяйка', phones: [phone.patient.phone], assignedById: 2 })
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'не я')
    await until('asked', () => received(phone, 'telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
    phone.shareContact('telegram')
    await until('known', () => received(phone, 'telegram').some((message) => message.buttons.flat().some((button) => button.text === 'Это не я')))
    expect(await bound(contact.id)).toEqual(['ownContact'])
    phone.press('telegram', { button: 'Это не я' })
    await until('sorry', () => received(phone, 'telegram').some((message) => message.text.includes('больше не пишем')))
    expect(await bound(contact.id)).toEqual([])
  })

  it('D1: WhatsApp brings the phone: the patient is known without a question', async () => {
    const phone = phoneOf('Ольга Вацап')
    const contact = clinic.world.portal.addContact({ name: 'Ольга', lastName: 'Вацап', phones: [phone.patient.phone.replace('+7', '8')], assignedById: 2 })
    phone.reply('whatsapp', 'вопрос из вацапа')
    await until('it is there', () => chatWith('вопрос из вацапа') !== undefined)
    await until('the operator is told', () => notes(chatWith('вопрос из вацапа')!.id).some((note) => note.includes('Ольга Вацап')))
    expect(await bound(contact.id)).toEqual(['phone'])
    expect(received(phone, 'whatsapp')).toEqual([])
  })
})

it('the portal refused nothing, nothing broke inside', () => {
  // The first note in a chat whose members we are not is how we learn it.
  clinic.expectCleanBooks({ refused: /^(?:im\.message\.add|imopenlines\.dialog\.get): ACCESS_ERROR$/ })
})
