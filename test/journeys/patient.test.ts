/** The patient as one person: start links, one chat for all messengers, writing first, running cascades, many deals - through the page's own door. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLine, connectLines, openPage, type Administrator } from '../../sandbox/administrator.ts'
import { type Messenger } from '../../sandbox/messengers/behaviour.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { query } from '../http/support.ts'
import { startClinic, until, type Clinic } from './clinic.ts'

let clinic: Clinic
let people = 7000
const application = () => ({ origin: clinic.app.origin, clientId: clinic.app.clientId })
beforeAll(async () => {
  clinic = await startClinic()
  await connectLines(application(), clinic.world.portal, clinic.ids)
  await connectLine(application(), clinic.world.portal, { connector: 'estafeta_patient', name: 'Пациенты' })
}, 120_000)
afterAll(() => clinic.stop())

interface Someone { readonly phone: Handset, readonly contactId: number, readonly dealId: number }
const someone = (lastName: string): Someone => {
  const phone = clinic.world.messengers.addPatient({ name: `Вера ${lastName}`, phone: `+7900000${++people}` })
  const contact = clinic.world.portal.addContact({ name: 'Вера', lastName, phones: [phone.patient.phone], assignedById: 2 })
  const deal = clinic.world.portal.addDeal({ title: `Приём ${lastName}`, stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
  return { phone, contactId: contact.id, dealId: deal.id }
}
/** The patient page as staff open it in a card. */
const pageOf = (placement: 'CRM_CONTACT_DETAIL_TAB' | 'CRM_DEAL_DETAIL_TAB', id: number): Promise<Administrator> => openPage(application(), clinic.world.portal, { placement, options: { ID: String(id) }, userId: 2 })
const received = (phone: Handset, messenger: Messenger): string[] => phone.shown(messenger).filter((message) => message.direction === 'received').map((message) => message.text)
const chatsWith = (text: string) =>
  clinic.world.portal.lines.chats().map(({ id }) => clinic.world.portal.lines.chat(id)).filter((chat) => chat.messages.some((message) => message.kind === 'patient' && message.text.includes(text)))
const boundBy = async (contactId: number): Promise<string[]> => (await query<{ proof: string }>(clinic.app, `select proof from identities where contact_id = '${contactId}' order by number`)).map((row) => row.proof)
const share = async (phone: Handset, messenger: 'telegram' | 'max'): Promise<void> => {
  phone.start(messenger)
  await until('asked', () => phone.shown(messenger).some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
  phone.shareContact(messenger)
  await until('known', () => received(phone, messenger).some((text) => text.includes('мы вас узнали')))
}

it('G2: a personal start link binds on the first tap, once, and nobody else', async () => {
  const { phone, contactId } = someone('Ссылкина')
  const page = await pageOf('CRM_CONTACT_DETAIL_TAB', contactId)
  const link = await page.call('POST', '/patient/start-link', { connectionId: clinic.ids.telegram })
  expect(link.status).toBe(200)
  phone.openLink(link.body.url as string)
  await until('known', () => received(phone, 'telegram').some((text) => text.includes('мы вас узнали')))
  expect(await boundBy(contactId)).toEqual(['startLink'])
  const stranger = clinic.world.messengers.addPatient({ name: 'Чужой Человек', phone: `+7900000${++people}` })
  stranger.openLink(link.body.url as string)
  await until('the stranger is asked like anybody', () => stranger.shown('telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
  expect(await boundBy(contactId)).toEqual(['startLink'])
})

it('F37: the history of a patient with several deals is the same in each of them, and in the contact', async () => {
  const { phone, contactId, dealId } = someone('Многосделкина')
  const second = clinic.world.portal.addDeal({ title: 'Второй приём', stageId: 'NEW', contactId, contactIds: [contactId], assignedById: 2 })
  await share(phone, 'telegram')
  phone.reply('telegram', 'видно во всех сделках')
  await until('it is in the line', () => chatsWith('видно во всех сделках').length === 1)
  const histories = await Promise.all(
    ([['CRM_DEAL_DETAIL_TAB', dealId], ['CRM_DEAL_DETAIL_TAB', second.id], ['CRM_CONTACT_DETAIL_TAB', contactId]] as const).map(async ([placement, id]) => (await (await pageOf(placement, id)).call('GET', '/patient/history')).body.entries as { id: string, text: string }[]),
  )
  expect(histories[0]!.map((entry) => entry.text)).toContain('видно во всех сделках')
  expect(histories[1]).toEqual(histories[0])
  expect(histories[2]).toEqual(histories[0])
})

it('E4: staff write first from the card, through the messenger that the page proposes', async () => {
  const { phone, contactId } = someone('Первая')
  await share(phone, 'max')
  const page = await pageOf('CRM_CONTACT_DETAIL_TAB', contactId)
  const view = await page.call('GET', '/patient')
  const proposed = (view.body.ways as { way: string, channel: string, isProposed: boolean, reason: string }[]).find((way) => way.isProposed)
  expect(proposed).toMatchObject({ channel: 'max' })
  expect(proposed!.reason.length).toBeGreaterThan(5)
  expect((await page.call('POST', '/patient/write', { way: proposed!.way, text: 'Здравствуйте, это клиника' })).status).toBe(200)
  await until('it is on the phone', () => received(phone, 'max').includes('Здравствуйте, это клиника'))
})

it('B18: an employee moves a running cascade on, and stops it', async () => {
  const { phone, dealId, contactId } = someone('Каскадова')
  await share(phone, 'telegram')
  await share(phone, 'max')
  const route = await clinic.route([clinic.steps.telegram(600), clinic.steps.max(600)])
  const story = clinic.send({ phone, dealId, contactId }, { route })
  await until('Telegram has it', () => story.arrived('telegram').length === 1)
  const page = await pageOf('CRM_DEAL_DETAIL_TAB', dealId)
  const [running] = (await page.call('GET', '/patient')).body.running as { id: string }[]
  expect((await page.call('POST', `/patient/deliveries/${running!.id}/next`)).status).toBe(200)
  await until('MAX has it', () => story.arrived('max').length === 1)
  expect((await page.call('POST', `/patient/deliveries/${running!.id}/stop`)).status).toBe(200)
  await until('the robot is answered', () => story.run().answered)
  expect(story.run().returnValues).toMatchObject({ status: 'stopped' })
})

/** The portal shows a message a moment before the application has heard that it does: nobody answers within that moment. */
const booked = async (): Promise<void> => {
  const end = Date.now() + 20_000
  while ((await query(clinic.app, "select 1 from chat_queue where direction = 'toLine' and kind = 'message'")).length > 0) if (Date.now() > end) throw new Error('What stands in the line was not booked')
}

describe('one chat per patient', () => {
  it('E7: messages of all messengers come into one chat, marked, and the reply goes to the one last written from, or to the chosen one', async () => {
    const settings = await clinic.administrator.call('GET', '/conversations')
    const saved = await clinic.administrator.call('PUT', '/conversations', { oneChatPerPatient: true, appointment: settings.body.appointment })
    expect({ status: saved.status, on: saved.body.oneChatPerPatient }).toEqual({ status: 200, on: true })
    const { phone, contactId } = someone('Едина')
    await share(phone, 'telegram')
    await share(phone, 'max')
    phone.reply('telegram', 'единый из телеграма')
    await until('it is there', () => chatsWith('единый из телеграма').length === 1)
    phone.reply('max', 'единый из макса')
    await until('it is in the same chat', () => chatsWith('единый из макса').length === 1)
    const chat = chatsWith('единый из макса')[0]!
    expect(chat.id).toBe(chatsWith('единый из телеграма')[0]!.id)
    expect(chat.connector).toBe('estafeta_patient')
    expect(chat.messages.filter((message) => message.kind === 'patient' && message.text.includes('единый')).map((message) => /^\[b\](.+?)\[\/b\]/.exec(message.text)?.[1])).toEqual(['Telegram', 'MAX'])
    await booked()
    clinic.world.portal.lines.say(chat.id, { text: 'ответ в последний' })
    await until('it went to MAX', () => received(phone, 'max').includes('ответ в последний'))
    expect(received(phone, 'telegram')).not.toContain('ответ в последний')
    const page = await openPage(application(), clinic.world.portal, { placement: 'IM_SIDEBAR', options: { dialogId: chat.dialogId }, userId: 2 })
    const { reply } = (await page.call('GET', '/patient')).body as { reply: { choice: string, options: { key: string, title: { ru: string } }[] } }
    expect(reply.choice).toBe('auto')
    const telegram = reply.options.find((option) => option.title.ru.includes('Telegram'))!
    expect((await page.call('POST', '/patient/reply', { key: telegram.key })).status).toBe(200)
    clinic.world.portal.lines.say(chat.id, { text: 'ответ в выбранный' })
    await until('it went to Telegram', () => received(phone, 'telegram').includes('ответ в выбранный'))
    expect(received(phone, 'max')).not.toContain('ответ в выбранный')
    expect(await boundBy(contactId)).toHaveLength(2)
    // An account that was taken from the patient gets nothing more of theirs.
    const key = ((await page.call('GET', '/patient')).body.identities as { key: string, channel: string }[]).find((identity) => identity.channel === 'telegram')!.key
    expect((await page.call('POST', '/patient/unbind', { key })).status).toBe(200)
    clinic.world.portal.lines.say(chat.id, { text: 'после отвязки' })
    await until('the operator is told, or it goes to the account that is left', () => received(phone, 'max').includes('после отвязки') || clinic.world.portal.lines.chat(chat.id).messages.some((message) => message.kind === 'system' && message.text.includes('не выбрано')))
    expect(received(phone, 'telegram')).not.toContain('после отвязки')
    await clinic.administrator.call('PUT', '/conversations', { oneChatPerPatient: false, appointment: settings.body.appointment })
  }, 90_000)
})

it('the portal refused nothing, nothing broke inside', () => {
  clinic.expectCleanBooks({ refused: /^(?:im\.message\.add|imopenlines\.dialog\.get): ACCESS_ERROR$/ })
})
