/** One notification through six vendors that were written for each other by nobody, each failing in its own way: the letter arrives. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openPage } from '../../sandbox/administrator.ts'
import { type GreenApiInstance } from '../../sandbox/messengers/greenapi.ts'
import { startMailProvider, type MailProvider } from '../../sandbox/messengers/mail.ts'
import { query } from '../http/support.ts'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let provider: MailProvider
let instance: GreenApiInstance
const ids: Record<string, string> = {}

const connect = async (channel: string, credentials: Record<string, string>): Promise<string> => {
  const answer = await clinic.administrator.call('POST', '/connections', { channel, name: channel, credentials })
  expect({ channel, status: answer.status, message: answer.body.message }).toEqual({ channel, status: 200, message: undefined })
  return answer.body.id as string
}

beforeAll(async () => {
  clinic = await startClinic()
  provider = await startMailProvider()
  const { messengers } = clinic.world
  const community = messengers.addVkCommunity()
  ids.vk = await connect('vk', { groupId: String(community.groupId), accessToken: community.token, confirmation: community.confirmation, baseUrl: community.baseUrl })
  instance = messengers.addGreenApiInstance()
  ids.greenapi = await connect('greenapi', { idInstance: instance.idInstance, apiTokenInstance: instance.apiTokenInstance, apiUrl: instance.apiUrl })
  const gateway = messengers.addWazzupChannel()
  ids.wazzup = await connect('wazzup', { apiKey: gateway.account.apiKey, channelId: gateway.channelId, crmKey: gateway.account.crmKey, baseUrl: gateway.baseUrl })
  const smsru = messengers.addSmsruAccount()
  ids.smsru = await connect('smsru', { apiId: smsru.apiId, sender: 'CLINIC', baseUrl: smsru.baseUrl })
  const operator = messengers.addSmppAccount()
  ids.smpp = await connect('smpp', { address: operator.address, systemId: operator.systemId, password: operator.password, sender: operator.sender })
  const reception = provider.add('reception@clinic.example', 'app-pa55word')
  ids.email = await connect('email', { address: reception.address, password: reception.password, smtp: provider.smtpUrl, imap: provider.imapUrl })

  // VK takes the message and nobody reads it; the gateways' numbers fail, one at once and one in silence; one operator refuses, one never reports.
  messengers.behave('whatsapp', { account: gateway.channelId, mode: 'silent' })
  messengers.behave('sms', { account: smsru.id, mode: 'refuses' })
  messengers.behave('sms', { account: operator.systemId, receipts: 'never' })
}, 120_000)
afterAll(async () => {
  await clinic.stop()
  await provider.stop()
})

describe('a relay over vendors that fail', () => {
  it('ends with the letter that is proved to have arrived, and asks no vendor twice', async () => {
    const { portal, messengers } = clinic.world
    const phone = messengers.addPatient({ name: 'Мария Шестова', phone: '+79000008606', vk: true })
    const mailbox = provider.add('maria@example.ru')
    const contact = portal.addContact({ name: 'Мария', lastName: 'Шестова', phones: [phone.patient.phone], emails: ['maria@example.ru'], assignedById: 2 })
    const deal = portal.addDeal({ title: 'Приём', stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
    const page = await openPage({ origin: clinic.app.origin, clientId: clinic.app.clientId }, portal, { placement: 'CRM_CONTACT_DETAIL_TAB', options: { ID: String(contact.id) }, userId: 2 })
    phone.openLink((await page.call('POST', '/patient/start-link', { connectionId: ids.vk })).body.url as string)
    await clinic.until('VK knows the patient', () => phone.shown('vk').some(({ text }) => text.includes('мы вас узнали')))

    const step = (channel: string, proof: string) => ({ kind: 'channel', connectionId: ids[channel], proof, minutes: 10, content: {} })
    const route = await clinic.route([step('vk', 'read'), step('greenapi', 'delivered'), step('wazzup', 'delivered'), step('smsru', 'delivered'), step('smpp', 'delivered'), step('email', 'delivered'), clinic.steps.task()])
    // The number is logged out after the route was saved: its step is passed over.
    messengers.greenApi.setState(instance.idInstance, 'notAuthorized')
    await clinic.until('the number is known to be out', () => messengers.pendingWebhooks() === 0)
    const run = portal.runRobot({ dealId: deal.id, code: 'estafeta_send', properties: { text: 'Ждём вас завтра, приём шестой.', route, deadline: '' } })
    await clinic.later('the letter is told as delivered', () => portal.robotRun(run.eventToken)?.answered === true)

    expect(portal.robotRun(run.eventToken)!.returnValues).toMatchObject({ status: 'reached', proof: 'delivered' })
    expect(mailbox.letters).toHaveLength(1)
    const attempts = await query<{ channel: string, state: string, proof: string | null, skip: string | null, tries: number }>(
      clinic.app, `select c.channel, a.state, a.proof, a.skip, a.tries from attempts a join connections c using (portal_id, connection_id) join deliveries d using (portal_id, delivery_id) where d.deal_id = '${deal.id}' order by a.step`)
    expect(attempts.map(({ channel }) => channel)).toEqual(['vk', 'greenapi', 'wazzup', 'smsru', 'smpp', 'email'])
    expect(attempts.at(-1)).toMatchObject({ state: 'out', proof: 'delivered' })
    for (const attempt of attempts.slice(0, -1)) expect({ ...attempt, reached: ['delivered', 'read', 'acted'].includes(attempt.proof ?? '') && attempt.channel !== 'vk' }).toMatchObject({ reached: false })
    for (const { channel, tries } of attempts) expect({ channel, once: tries <= (channel === 'greenapi' ? 3 : 1) }).toEqual({ channel, once: true })
    const texts = (messenger: 'vk' | 'whatsapp' | 'sms'): number => phone.shown(messenger).filter(({ text }) => text.includes('приём шестой')).length
    expect({ vk: texts('vk'), whatsapp: texts('whatsapp') }).toEqual({ vk: 1, whatsapp: 0 })
    expect(texts('sms')).toBeLessThanOrEqual(1)
    expect(portal.state({ dealId: deal.id }).timeline.filter(({ kind }) => kind === 'todo')).toEqual([])
  }, 90_000)
})
