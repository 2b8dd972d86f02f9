import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLine, openPage } from '../../sandbox/administrator.ts'
import { startMailProvider, type Mailbox, type MailProvider } from '../../sandbox/messengers/mail.ts'
import { query } from '../http/support.ts'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let provider: MailProvider
let reception: Mailbox
let route: string
let people = 0

beforeAll(async () => {
  clinic = await startClinic()
  provider = await startMailProvider()
  reception = provider.add('reception@clinic.example', 'app-pa55word')
  const credentials = { address: reception.address, password: reception.password, smtp: provider.smtpUrl, imap: provider.imapUrl }
  const answer = await clinic.administrator.call('POST', '/connections', { channel: 'email', name: 'Почта клиники', credentials })
  expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 200, message: undefined })
  const connectionId = answer.body.id as string
  await connectLine(application(), clinic.world.portal, { connector: 'estafeta_email', connectionId, name: 'Почта клиники' })
  route = await clinic.route([{ kind: 'channel', connectionId, proof: 'delivered', minutes: 30, content: {} }, clinic.steps.task()])
  await clinic.until('the mailbox is watched', () => provider.imapSessions.size === 1)
}, 60_000)
afterAll(async () => {
  await clinic.stop()
  await provider.stop()
})
const application = () => ({ origin: clinic.app.origin, clientId: clinic.app.clientId })

/** A patient whose card has an e-mail address, and a deal. */
const patient = (address = `patient${++people}@example.ru`): { address: string; contactId: number; dealId: number; mailbox: Mailbox } => {
  const { portal } = clinic.world
  const contact = portal.addContact({ name: 'Мария', lastName: `Почтовая${people}`, emails: [address.toUpperCase()], assignedById: 2 })
  const deal = portal.addDeal({ title: 'Приём', stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
  return { address, contactId: contact.id, dealId: deal.id, mailbox: provider.add(address) }
}

const send = (dealId: number) => clinic.world.portal.runRobot({ dealId, code: 'estafeta_send', properties: { text: 'Ждём вас завтра.', route, deadline: '' } })
const triggersOf = (dealId: number): string[] => clinic.world.portal.state({ dealId }).triggers.map(({ code }) => code.replace('estafeta_', ''))
const tasksOf = (dealId: number): number => clinic.world.portal.state({ dealId }).timeline.filter(({ kind }) => kind === 'todo').length
const chats = () => clinic.world.portal.lines.chats().map(({ id }) => clinic.world.portal.lines.chat(id))
const chatWith = (text: string) => chats().find((chat) => chat.messages.some((message) => message.text.includes(text)))

describe('a notification by e-mail', () => {
  it('goes to the address of the card and ends the cascade by the servers\' report', async () => {
    const { dealId, mailbox } = patient()
    send(dealId)
    await clinic.until('it is told as delivered', () => triggersOf(dealId).includes('delivered'))
    expect(mailbox.letters).toHaveLength(1)
  })

  it('gives staff the task at once when the letter bounces', async () => {
    const { address, dealId, mailbox } = patient()
    provider.bounce(address, '5.1.1', '550 5.1.1 No such user')
    send(dealId)
    await clinic.until('staff get the task', () => tasksOf(dealId) === 1)
    expect(mailbox.letters).toHaveLength(0)
  })

  it('F05 is not written again when the answer was lost; its report is found all the same', async () => {
    const { dealId, mailbox } = patient()
    provider.nextTrouble({ at: 'END', answer: 'drop' })
    send(dealId)
    await clinic.until('it is told as delivered', () => triggersOf(dealId).includes('delivered'))
    expect(mailbox.letters).toHaveLength(1)
  })

  it('a letter becomes a chat, and what an operator answers stands in its thread', async () => {
    const { address, mailbox } = patient()
    const letter = provider.write({ from: address, to: reception.address, subject: 'Вопрос о приёме', text: 'Можно прийти раньше?', file: { name: 'снимок.png', type: 'image/png', bytes: Buffer.from('89504e470d0a1a0a', 'hex') } })
    await clinic.until('the operator reads it', () => chatWith('Можно прийти раньше?') !== undefined)
    const chat = chatWith('Можно прийти раньше?')!
    clinic.world.portal.lines.say(chat.id, { text: 'Да, [b]в 9:00[/b]' })
    await clinic.until('the patient has the answer', () => mailbox.letters.some(({ source }) => /<b>.*<\/b>/s.test(source.toString('latin1'))))
    expect(letter.uid).toBeGreaterThan(0)
  })

  it('E4: staff write first from the card to the address that stands there, and the answer comes to the same account', async () => {
    const { address, contactId, mailbox } = patient()
    const page = await openPage(application(), clinic.world.portal, { placement: 'CRM_CONTACT_DETAIL_TAB', options: { ID: String(contactId) }, userId: 2 })
    const ways = async () => (await page.call('GET', '/patient')).body.ways as { way: string, channel: string, isOpen: boolean, reason: string }[]
    const way = (await ways()).find(({ channel }) => channel === 'email')
    expect(way).toMatchObject({ way: expect.stringMatching(/^c:/), isOpen: true, reason: 'По адресу почты из карточки.' })
    expect((await page.call('POST', '/patient/write', { way: way!.way, text: 'Ваши снимки готовы' })).status).toBe(200)
    await clinic.until('the letter is in the mailbox', () => mailbox.letters.length === 1)
    provider.write({ from: address.toUpperCase(), to: reception.address, subject: 'Re: Сообщение от клиники', text: 'Спасибо, заберу' })
    await clinic.until('the operator reads the answer', () => chatWith('Спасибо, заберу') !== undefined)
    const accounts = await query<{ contact_id: string, proof: string }>(clinic.app, `select contact_id, proof from identities where external_id = '${address}'`)
    expect(accounts).toEqual([{ contact_id: String(contactId), proof: 'operator' }])
    expect((await ways()).filter(({ channel }) => channel === 'email')).toEqual([expect.objectContaining({ way: expect.stringMatching(/^i:/) })])
  })

  it('a holiday answer opens no chat and gets none', async () => {
    const { address, mailbox } = patient()
    provider.write({ from: address, to: reception.address, subject: 'Автоответ', text: 'Я в отпуске до понедельника', headers: { 'Auto-Submitted': 'auto-replied' } })
    const { address: next } = patient()
    provider.write({ from: next, to: reception.address, subject: 'После', text: 'Письмо после автоответа' })
    await clinic.until('the next letter is there', () => chatWith('Письмо после автоответа') !== undefined)
    expect(chatWith('Я в отпуске')).toBeUndefined()
    expect(mailbox.letters).toHaveLength(0)
  })

  it('keeps clean books', () => {
    clinic.expectCleanBooks()
    expect(clinic.app.logLines.filter((line) => /patient\d+@example|pa55word/.test(line))).toEqual([])
  })
})
