import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLine, openPage } from '../../sandbox/administrator.ts'
import { type VkCommunity } from '../../sandbox/messengers/vk.ts'
import { query } from '../http/support.ts'
import { startClinic, type Clinic, type Story, type Visitor } from './clinic.ts'

let clinic: Clinic
let community: VkCommunity
let connectionId: string
let route: string
const application = () => ({ origin: clinic.app.origin, clientId: clinic.app.clientId })

beforeAll(async () => {
  clinic = await startClinic()
  community = clinic.world.messengers.addVkCommunity()
  const credentials = { groupId: String(community.groupId), accessToken: community.token, confirmation: community.confirmation, baseUrl: community.baseUrl }
  const answer = await clinic.administrator.call('POST', '/connections', { channel: 'vk', name: 'ВКонтакте клиники', credentials })
  expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 200, message: undefined })
  connectionId = answer.body.id as string
  route = await clinic.route([{ kind: 'channel', connectionId, proof: 'read', minutes: 30, content: { buttons: true } }, clinic.steps.sms()])
  await connectLine(application(), clinic.world.portal, { connector: 'estafeta_vk', connectionId, name: 'ВКонтакте клиники' })
}, 120_000)
afterEach(() => clinic.world.messengers.resetBehaviour())
afterAll(() => clinic.stop())

const said = (visitor: Pick<Visitor, 'phone'>): string[] => visitor.phone.shown('vk').filter(({ direction }) => direction === 'received').map(({ text }) => text)

/** A patient who opened their personal link. */
const known = async (): Promise<Visitor> => {
  const visitor = await clinic.visitor({ bots: false, apps: { vk: true } })
  const page = await openPage(application(), clinic.world.portal, { placement: 'CRM_CONTACT_DETAIL_TAB', options: { ID: String(visitor.contactId) }, userId: 2 })
  const link = await page.call('POST', '/patient/start-link', { connectionId })
  expect(link.body.url).toContain(`https://vk.me/${community.screenName}?ref=`)
  visitor.phone.openLink(link.body.url as string)
  await clinic.until('VK knows the patient', () => said(visitor).some((text) => text.includes('мы вас узнали')))
  return visitor
}
const untilShown = (story: Story, count = 1): Promise<void> => clinic.until('it is on the phone', () => story.arrived('vk').length === count)
const chats = () => clinic.world.portal.lines.chats().map(({ id }) => clinic.world.portal.lines.chat(id))
const chatWith = (text: string) => chats().find((chat) => chat.messages.some((message) => message.kind === 'patient' && message.text.includes(text)))

describe('a notification by VK', () => {
  it('ends the cascade when it is read', async () => {
    const visitor = await known()
    const story = clinic.send(visitor, { route })
    await untilShown(story)
    visitor.phone.read('vk')
    await clinic.ends(story, { arrived: {}, returns: { status: 'reached', channel: 'ВКонтакте', proof: 'read' }, lastLine: /^ВКонтакте, прочитано/, tag: 'прочитано', triggers: ['delivered', 'read'] })
  })

  it('reads two notifications by one mark', async () => {
    const visitor = await known()
    const stories = [clinic.send(visitor, { route }), clinic.send(visitor, { route })]
    for (const story of stories) await untilShown(story)
    clinic.world.messengers.vk.hands.read!(visitor.phone.patient, visitor.phone.messages('vk').at(-1)!)
    for (const story of stories) await clinic.until('it is read', () => story.record()?.tags[0]?.title === 'прочитано')
    const marks = clinic.world.messengers.webhooks().filter(({ kind }) => kind === 'message_read')
    expect(marks.at(-1)).toMatchObject({ outcome: 'accepted', tries: 1 })
  })

  it('is confirmed by a button', async () => {
    const visitor = await known()
    const story = clinic.send(visitor, { route })
    await untilShown(story)
    visitor.phone.press('vk', { button: 'Приду' })
    await clinic.until('the patient comes', () => story.triggers().includes('confirmed'))
    await clinic.until('the button stops waiting', () => story.arrived('vk')[0]!.notice === 'Спасибо, передали в клинику.')
    expect(story.sent('sms')).toEqual([])
  })

  it('goes on to the SMS at once when the patient denies messages', async () => {
    const visitor = await known()
    visitor.phone.block('vk')
    await clinic.until('it is told', () => clinic.world.messengers.webhooks().some(({ kind, outcome }) => kind === 'message_deny' && outcome === 'accepted'))
    const story = clinic.send(visitor, { route })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(story.sent('vk')).toEqual([])
  })

  it('F05 arrives once when the answer was lost', async () => {
    const visitor = await known()
    clinic.world.messengers.behave('vk', { failure: 'dropAfter', next: 1 })
    const story = clinic.send(visitor, { route })
    await untilShown(story)
    await clinic.until('it was asked for', () => clinic.world.messengers.calls({ messenger: 'vk' }).some(({ method }) => method === 'messages.getHistory'))
    visitor.phone.read('vk')
    await clinic.until('it is read', () => story.record()?.tags[0]?.title === 'прочитано')
    expect(story.sent('vk')).toHaveLength(1)
  })
})

describe('a conversation in VK', () => {
  it('goes both ways, and what an administrator writes in VK is nobody\'s message (F21)', async () => {
    const visitor = await known()
    visitor.phone.reply('vk', 'вопрос из вк')
    await clinic.until('the operator has it', () => chatWith('вопрос из вк') !== undefined)
    clinic.world.portal.lines.say(chatWith('вопрос из вк')!.id, { text: '[b]ответ[/b] из портала' })
    await clinic.until('the patient has it', () => said(visitor).includes('ответ из портала'))
    clinic.world.messengers.vk.writeFromCommunity(visitor.phone.patient, community.groupId, 'мимо портала')
    await clinic.until('the operator is told', () => chatWith('вопрос из вк')!.messages.some(({ kind, text }) => kind === 'system' && text.includes('мимо портала')))
    expect(chatWith('мимо портала')).toBeUndefined()
  })

  it('takes a comment as a request of nobody, and answers in public with an invitation alone', async () => {
    const visitor = await known()
    const messages = visitor.phone.messages('vk').length
    clinic.world.messengers.vk.wall.comment(visitor.phone.patient, community.groupId, 'готов ли мой анализ?')
    await clinic.until('the operator has it', () => chatWith('готов ли мой анализ?') !== undefined)
    const chat = () => chatWith('готов ли мой анализ?')!
    await clinic.until('the operator is warned', () => chat().messages.some(({ kind, text }) => kind === 'system' && text.includes('ответ увидят все')))
    clinic.world.portal.lines.say(chat().id, { text: 'Анализ готов, приходите к эндокринологу' })
    const own = () => clinic.world.messengers.vk.wall.comments(community.groupId).filter(({ fromId }) => fromId < 0)
    await clinic.until('the community has answered', () => own().length === 1)
    await clinic.until('the operator knows what went out', () => chat().messages.some(({ kind, text }) => kind === 'system' && text.includes('вместо него опубликовано')))
    expect(own()[0]!.text).not.toMatch(/анализ|эндокринолог/i)
    // Nobody was asked in public who they are, nothing was written in private, and no card is bound to the thread.
    expect(visitor.phone.messages('vk')).toHaveLength(messages)
    expect(own()).toHaveLength(1)
    expect(await query(clinic.app, `select contact_id from identities where chat_id like 'wall:%'`)).toEqual([{ contact_id: null }])
  })

  it('keeps clean books', () => clinic.expectCleanBooks())
})
