import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { connectLine, connectMessengers, saveRoute, type ConnectionIds } from '../../sandbox/administrator.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { deriveKey } from '../../src/db/secrets.ts'
import { portalId } from '../../src/domain/ids.ts'
import { History, IdentityLog, PatientView, StartLink } from '../../src/http/patient-schemas.ts'
import { createSessions, type Session } from '../../src/http/portal-session.ts'
import { pageOf, pageWith, type Page } from './page-support.ts'
import { count, query, refillBudget, startInstalledStage, until } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let ids: ConnectionIds
beforeAll(async () => {
  stage = await startInstalledStage()
  ids = await connectMessengers(stage.administrator, stage.world)
  for (const [connector, connectionId] of [['estafeta_telegram', ids.telegram], ['estafeta_max', ids.max], ['estafeta_whatsapp', ids.whatsapp]] as const) {
    await connectLine(stage.app, portal(), { connector, connectionId, name: connector })
  }
})
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

const portal = () => stage.world.portal
const sentence = expect.stringMatching(/^[А-ЯЁA-Z«].*[а-яё].*[.]$/)
const refusal = (status: number, code: string) => ({ status, body: expect.objectContaining({ code, message: sentence }) })
const open = async (placement: string, options: Record<string, unknown>, userId = 1) => portal().openApp(stage.app.clientId, { placement, options, userId, handler: `${stage.app.origin}/placements/patient` })
const openCard = async (contactId: number, userId = 1): Promise<Page> => pageOf(stage.app, await open('CRM_CONTACT_DETAIL_TAB', { ID: String(contactId) }, userId))
const openDeal = async (dealId: number): Promise<Page> => pageOf(stage.app, await open('CRM_DEAL_DETAIL_TAB', { ID: String(dealId) }))
const openChat = async (chatId: number, userId = 1): Promise<Page> => pageOf(stage.app, await open('IM_SIDEBAR', { dialogId: `chat${chatId}` }, userId))
const viewOf = ({ status, body }: { status: number; body: any }): PatientView => {
  if (status !== 200) throw new Error(JSON.stringify(body))
  return PatientView.parse(body)
}
const view = async (page: Page): Promise<PatientView> => viewOf(await page.call('GET', '/patient'))
const historyOf = async (page: Page, query = ''): Promise<History> => {
  const { status, body } = await page.call('GET', `/patient/history${query}`)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return History.parse(body)
}
const logOf = async (page: Page): Promise<IdentityLog['lines']> => IdentityLog.parse((await page.call('GET', '/patient/log')).body).lines
const sessionFor = (change: Partial<Session>): string =>
  createSessions(deriveKey(stage.app.deps.config.secret, 'sessions'), Date.now).issue({ portalId: portalId(portal().memberId), userId: '1', isAdmin: true, language: 'ru', ...change })

let people = 100
const newPerson = (): { phone: Handset; contactId: number; dealId: number } => {
  people++
  const phone = stage.world.messengers.addPatient({ name: `Мария Примерова`, phone: `+7900000${String(people).padStart(4, '0')}` })
  const contact = portal().addContact({ name: 'Мария', lastName: `Примерова${people}`, phones: [phone.patient.phone], assignedById: 2 })
  const deal = portal().addDeal({ title: `Приём ${people}`, stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
  return { phone, contactId: contact.id, dealId: deal.id }
}
/** The open-line chat in which this text stands. */
const chatWith = async (text: string): Promise<number> => {
  const find = () => portal().lines.chats().find(({ id }) => portal().lines.chat(id).messages.some((message) => message.text.includes(text)))
  await until(`"${text}" is in a line`, () => find() !== undefined)
  return find()!.id
}
const writes = async (phone: Handset, text: string): Promise<number> => {
  phone.start('telegram', { quietly: true })
  phone.reply('telegram', text)
  return chatWith(text)
}
const isKnown = async (contactId: number): Promise<void> => until('the account is bound', async () => (await count(stage.app, 'identities', `contact_id = '${contactId}'`)) > 0)
/** A patient whose Telegram is proved by the messenger's own contact. */
const knownPerson = async () => {
  const person = newPerson()
  person.phone.start('telegram', { quietly: true })
  person.phone.reply('telegram', 'Здравствуйте')
  await until('the bot asks', () => person.phone.messages('telegram').some(({ direction, arrivedAt }) => direction === 'received' && arrivedAt !== undefined))
  person.phone.shareContact('telegram')
  await isKnown(person.contactId)
  return person
}

describe('the door', () => {
  it('of a deal, a contact and a chat shows the same patient', async () => {
    const { phone, contactId, dealId } = await knownPerson()
    const chatId = await writes(phone, `анализ готов ${contactId}?`)
    const views = [await view(await openDeal(dealId)), await view(await openCard(contactId)), await view(await openChat(chatId))]
    expect(views.map(({ door }) => door)).toEqual(['deal', 'contact', 'chat'])
    for (const one of views) {
      expect(one.contact).toEqual({ contactId: String(contactId), name: expect.stringContaining('Мария'), phones: [phone.patient.phone] })
      expect(one.identities).toEqual([expect.objectContaining({ channel: 'telegram', proof: 'ownContact', state: 'active', canWrite: true, connectionId: ids.telegram })])
    }
    expect(views[0]!.deal).toEqual({ dealId: String(dealId), title: expect.stringContaining('Приём') })
    expect(views[2]!.chat!.identity.key).toBe(views[0]!.identities[0]!.key)
  })

  it('stays shut for cards and chats that are not there, not saved, or not of ours', async () => {
    for (const [placement, options] of [
      ['CRM_DEAL_DETAIL_TAB', { ID: '999999' }], ['CRM_DEAL_DETAIL_TAB', { ID: '0' }], ['CRM_DEAL_DETAIL_TAB', {}], ['CRM_CONTACT_DETAIL_TAB', { ID: '999999' }], ['CRM_CONTACT_DETAIL_TAB', { ID: '' }],
      ['CRM_CONTACT_DETAIL_TAB', { ID: '1 or 1=1' }], ['IM_SIDEBAR', { dialogId: 'chat999999' }], ['IM_SIDEBAR', { dialogId: '5' }], ['IM_SIDEBAR', {}],
    ] as const) {
      const { status, html } = await open(placement, options)
      expect([placement, options, status]).toEqual([placement, options, 404])
      expect(html).not.toContain('estafeta-boot')
    }
  })

  it('of a chat stays shut for whoever may not read the chat there', async () => {
    const chatId = await writes((await knownPerson()).phone, 'это вижу не всем')
    // Only those who answer in the line see its chats; the third employee without rights does not.
    const stranger = portal().addUser({ name: 'Чужой', lastName: 'Сотрудников' })
    const { status, html } = await open('IM_SIDEBAR', { dialogId: `chat${chatId}` }, stranger.id)
    expect([status, html]).toEqual([404, expect.stringContaining('попросите доступ')])
    expect((await open('IM_SIDEBAR', { dialogId: `chat${chatId}` }, 2)).status).toBe(200)
  })

  it('and everything behind it is read with the viewer\'s own token: the portal decides what they see', async () => {
    const { contactId, phone } = newPerson()
    portal().addContact({ name: 'Олег', phones: [phone.patient.phone] })
    const page = await openCard(contactId, 2)
    expect((await view(page)).relatives).toEqual([expect.objectContaining({ name: 'Олег' })])
    expect((await page.call('GET', '/patient/contacts?q=Олег')).status).toBe(200)
    // Only this employee's key has ended: the administrator's, by which the application lives, goes on.
    portal().expireAccessTokens(stage.app.clientId, 2)
    for (const path of ['/patient', '/patient/contacts?q=Олег']) expect(await page.call('GET', path)).toEqual(refusal(401, 'SESSION_INVALID'))
    for (const [path, body] of [['bind', { key: '1', contactId: String(contactId) }], ['merge', { contactId: '1' }]] as const) expect([401, 404]).toContain((await page.call('POST', `/patient/${path}`, body)).status)
  })

  it('sees the patient typing, until they have written or fallen silent', async () => {
    const { phone, contactId } = await knownPerson()
    const page = await openChat(await writes(phone, `пишу ${contactId}`))
    const isTyping = async (): Promise<unknown> => (await page.call('GET', '/patient/typing')).body
    expect(await isTyping()).toEqual({ isTyping: false })
    await query(stage.app, `update identities set typing_at = now() where contact_id = '${contactId}'`)
    expect(await isTyping()).toEqual({ isTyping: true })
    await query(stage.app, `update identities set typing_at = now() - interval '8 s' where contact_id = '${contactId}'`)
    expect(await isTyping()).toEqual({ isTyping: false })
    await query(stage.app, `update identities set typing_at = now() where contact_id = '${contactId}'`)
    await writes(phone, `написал ${contactId}`)
    expect(await isTyping()).toEqual({ isTyping: false })
  })

  it('I9: the session of a page without a patient, of a connector, and of another portal opens no patient', async () => {
    const { phone, contactId } = await knownPerson()
    await writes(phone, `моё ${contactId}`)
    const other = portalId('8'.repeat(32))
    await query(stage.app, `insert into portals select (jsonb_populate_record(p, jsonb_build_object('portal_id', '${other}', 'domain', 'other.example'))).* from portals p limit 1 on conflict do nothing`)
    const [{ dialog_id: dialog }] = (await query<{ dialog_id: number }>(stage.app, 'select dialog_id from dialogs order by dialog_id desc limit 1')) as [{ dialog_id: number }]
    const paths = [['GET', '/patient'], ['GET', '/patient/history'], ['GET', '/patient/log'], ['GET', '/patient/contacts?q=Мария'], ['POST', '/patient/write'], ['POST', '/patient/bind'], ['POST', '/patient/confirm'], ['POST', '/patient/unbind'], ['POST', '/patient/reply'], ['POST', '/patient/merge'], ['POST', '/patient/start-link'], ['POST', '/patient/deliveries/1/stop']] as const
    for (const session of [sessionFor({}), sessionFor({ subject: { door: 'connector', connector: 'estafeta_max', lineId: '1' } })]) {
      for (const [method, path] of paths) expect([path, await pageWith(stage.app, session).call(method, path, method === 'POST' ? {} : undefined)]).toEqual([path, refusal(404, 'NOT_FOUND')])
    }
    const foreign = pageWith(stage.app, sessionFor({ portalId: other, subject: { door: 'contact', contactId: String(contactId) } }))
    expect(History.parse((await foreign.call('GET', '/patient/history')).body)).toEqual({ entries: [] })
    expect(IdentityLog.parse((await foreign.call('GET', '/patient/log')).body)).toEqual({ lines: [] })
    const foreignChat = pageWith(stage.app, sessionFor({ portalId: other, subject: { door: 'chat', dialog } }))
    for (const path of ['/patient', '/patient/history']) expect(await foreignChat.call('GET', path)).toEqual(refusal(404, 'NOT_FOUND'))
  })

  it('is signed: another patient in the session, or a session without the key of its viewer, is refused', async () => {
    const { contactId } = await knownPerson()
    const page = await openCard(contactId)
    const [payload, signature] = page.session.split('.') as [string, string]
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { s: object }
    const forged = Buffer.from(JSON.stringify({ ...claims, s: { door: 'contact', contactId: String(contactId - 1) } })).toString('base64url')
    expect(await pageWith(stage.app, `${forged}.${signature}`).call('GET', '/patient')).toEqual(refusal(401, 'SESSION_INVALID'))
    expect(await pageWith(stage.app, sessionFor({ subject: { door: 'contact', contactId: String(contactId) } })).call('GET', '/patient')).toEqual(refusal(401, 'SESSION_INVALID'))
  })

  it('closes when the viewer\'s key to the portal has ended, the deal has another contact, or the card is gone', async () => {
    const { contactId, dealId } = await knownPerson()
    const [deal, card] = [await openDeal(dealId), await openCard(contactId)]
    const another = newPerson()
    portal().updateDeal(dealId, { contactId: another.contactId, contactIds: [another.contactId] })
    expect(await deal.call('GET', '/patient')).toEqual(refusal(401, 'SESSION_INVALID'))
    const late = await openCard(another.contactId)
    portal().expireAccessTokens(stage.app.clientId, 1)
    expect(await late.call('GET', '/patient')).toEqual(refusal(401, 'SESSION_INVALID'))
    portal().deleteContact(contactId)
    expect((await card.call('GET', '/patient')).status).toBe(401)
    const gone = newPerson()
    const page = await openCard(gone.contactId)
    portal().deleteContact(gone.contactId)
    expect(await page.call('GET', '/patient')).toEqual(refusal(404, 'NOT_FOUND'))
  })
})

describe('the patient', () => {
  it('who is unknown shows what they claim, and becomes known by an employee who binds a card', async () => {
    const { phone, contactId } = newPerson()
    const chatId = await writes(phone, `кто я ${contactId}`)
    await until('the bot asks', () => phone.messages('telegram').some(({ direction }) => direction === 'received'))
    const page = await openChat(chatId)
    const before = await view(page)
    expect(before).toMatchObject({ door: 'chat', identities: [], relatives: [], running: [], chat: { candidates: [], identity: { channel: 'telegram', canWrite: false, reason: sentence } } })
    expect(before.contact).toBeUndefined()
    expect(before.startLinks).toEqual([])
    const { key } = before.chat!.identity
    const found = (await page.call('GET', `/patient/contacts?q=${encodeURIComponent(`Примерова${people}`)}`)).body.contacts
    expect(found).toEqual([{ contactId: String(contactId), name: expect.stringContaining('Мария'), phone: phone.patient.phone }])
    expect((await page.call('GET', `/patient/contacts?q=${encodeURIComponent(phone.patient.phone)}`)).body.contacts).toEqual(found)
    expect((await page.call('GET', '/patient/contacts?q=%25')).body.contacts).toEqual([])
    const after = viewOf(await page.call('POST', '/patient/bind', { key, contactId: String(contactId) }))
    expect(after).toMatchObject({ contact: { contactId: String(contactId) }, identities: [{ key, proof: 'operator', canWrite: true }], chat: { identity: { key } } })
    // Safe to press twice; another card is not taken over the first one.
    expect((await page.call('POST', '/patient/bind', { key, contactId: String(contactId) })).status).toBe(200)
    expect(await page.call('POST', '/patient/bind', { key, contactId: String(newPerson().contactId) })).toEqual(refusal(409, 'CONFLICT'))
    expect(await page.call('POST', '/patient/bind', { key, contactId: '999999' })).toEqual(refusal(404, 'NOT_FOUND'))
    expect((await logOf(page)).filter(({ what }) => what === 'bound')).toEqual([expect.objectContaining({ what: 'bound', proof: 'operator', by: 'Анна Админова' })])
    const unbound = viewOf(await page.call('POST', '/patient/unbind', { key }))
    expect([unbound.contact, unbound.chat!.identity.canWrite]).toEqual([undefined, false])
    expect((await logOf(page))[0]).toMatchObject({ what: 'unbound', by: 'Анна Админова' })
  })

  it('I9: an account of somebody else is not bound, confirmed, unbound or written to from this page', async () => {
    const [stranger, mine] = [await knownPerson(), await knownPerson()]
    const key = (await view(await openCard(stranger.contactId))).identities[0]!.key
    const page = await openCard(mine.contactId)
    for (const [path, body] of [['bind', { key, contactId: String(mine.contactId) }], ['confirm', { key }], ['unbind', { key }], ['write', { way: `i:${key}`, text: 'не вам' }]] as const) {
      expect([path, await page.call('POST', `/patient/${path}`, body)]).toEqual([path, refusal(404, 'NOT_FOUND')])
    }
    expect(await count(stage.app, 'identities', `number = ${key} and contact_id = '${stranger.contactId}'`)).toBe(1)
    expect(stranger.phone.messages('telegram').filter(({ text }) => text.includes('не вам'))).toEqual([])
  })

  it('whose typed phone an employee confirms is found by it, once, and the log says who', async () => {
    const { phone, contactId } = newPerson()
    const chatId = await writes(phone, `Мария Примерова, ${phone.patient.phone}`)
    const page = await openChat(chatId)
    const claimed = await view(page)
    expect(claimed.chat!.claim).toMatchObject({ phone: phone.patient.phone, isPhoneProved: false })
    const { key } = claimed.chat!.identity
    expect(await page.call('POST', '/patient/write', { way: `i:${key}`, text: 'Ваш анализ готов' })).toEqual(refusal(403, 'NOT_PROVED'))
    for (let time = 0; time < 2; time++) viewOf(await page.call('POST', '/patient/confirm', { key }))
    await isKnown(contactId)
    expect((await view(page)).identities).toEqual([expect.objectContaining({ key, proof: 'operator' })])
    expect((await logOf(page)).filter(({ what }) => what === 'bound')).toEqual([expect.objectContaining({ proof: 'operator', by: 'Анна Админова' })])
    expect(await page.call('POST', '/patient/confirm', { key })).toEqual(refusal(409, 'CONFLICT'))
    expect(phone.messages('telegram').filter(({ text }) => text.includes('анализ'))).toEqual([])
  })

  it('who named no phone cannot be confirmed', async () => {
    const page = await openChat(await writes(newPerson().phone, `просто вопрос ${people}`))
    const { key } = (await view(page)).chat!.identity
    expect(await page.call('POST', '/patient/confirm', { key })).toEqual(refusal(409, 'CONFLICT'))
  })

  it('G2: gets a personal link that binds at the first tap', async () => {
    const { phone, contactId } = newPerson()
    const page = await openCard(contactId)
    const links = (await view(page)).startLinks
    expect(links.map(({ channel }) => channel).sort()).toEqual(['max', 'telegram'])
    const { url, expiresAt } = StartLink.parse((await page.call('POST', '/patient/start-link', { connectionId: ids.telegram })).body)
    expect(url).toMatch(/^https:\/\/t\.me\/\w+\?start=[\w-]{22}$/)
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(29 * 24 * 3600_000)
    phone.openLink(url)
    await isKnown(contactId)
    expect((await view(page)).identities).toEqual([expect.objectContaining({ proof: 'startLink' })])
    expect((await logOf(page)).map(({ what }) => what)).toEqual(['bound', 'linkMade'])
    for (const connectionId of [ids.smsc, ids.whatsapp, 'nobody']) expect([connectionId, await page.call('POST', '/patient/start-link', { connectionId })]).toEqual([connectionId, refusal(404, 'NOT_FOUND')])
    // The token stands in the link alone.
    expect(JSON.stringify(await query(stage.app, 'select * from start_links'))).not.toContain(url.split('=')[1])
  })

  it('F14: with a second card of the same phone is merged by an employee, and the accounts go along', async () => {
    const person = await knownPerson()
    const twin = portal().addContact({ phones: [person.phone.patient.phone], assignedById: 2 })
    const page = await openCard(twin.id)
    expect((await view(page)).relatives).toEqual([expect.objectContaining({ contactId: String(person.contactId) })])
    expect(await page.call('POST', '/patient/merge', { contactId: String(newPerson().contactId) })).toEqual(refusal(409, 'CONFLICT'))
    const merged = viewOf(await page.call('POST', '/patient/merge', { contactId: String(person.contactId) }))
    expect(merged).toMatchObject({ relatives: [], identities: [{ channel: 'telegram', proof: 'ownContact' }] })
    await portal().settle()
    expect((await view(page)).identities).toHaveLength(1)
    expect((await logOf(page))[0]).toMatchObject({ what: 'merged', by: 'Анна Админова' })
  })

  it('D6: with a relative\'s card that differs is not merged by itself, and the accounts stay where they were', async () => {
    const person = await knownPerson()
    const child = portal().addContact({ name: 'Пётр', lastName: 'Примеров', phones: [person.phone.patient.phone], assignedById: 2 })
    const page = await openCard(child.id)
    expect(await page.call('POST', '/patient/merge', { contactId: String(person.contactId) })).toEqual(refusal(409, 'CONFLICT'))
    expect((await view(page)).identities).toEqual([])
    expect((await view(await openCard(person.contactId))).identities).toHaveLength(1)
    // Without the right to merge nothing is moved either.
    expect((await (await openCard(child.id, 2)).call('POST', '/patient/merge', { contactId: String(person.contactId) })).status).toBe(502)
    expect((await view(await openCard(person.contactId))).identities).toHaveLength(1)
  })
})

describe('writing first', () => {
  const arrived = async (phone: Handset, messenger: 'telegram' | 'sms' | 'whatsapp', text: string): Promise<void> =>
    until('it is on the phone', () => phone.messages(messenger).some((message) => message.text.includes(text) && message.arrivedAt !== undefined))

  it('proposes the messenger last written from, and the operators of the chat see what was written', async () => {
    const { phone, contactId } = await knownPerson()
    const chatId = await writes(phone, `спасибо ${contactId}`)
    const page = await openCard(contactId)
    const { ways } = await view(page)
    expect(ways.map(({ channel, isOpen, isProposed, needsTemplate }) => [channel, isOpen, isProposed, needsTemplate])).toEqual([
      ['whatsapp', true, false, true], ['telegram', true, true, false], ['smsc', true, false, false],
    ])
    for (const { reason } of ways) expect(reason).toEqual(sentence)
    const { way } = ways.find(({ isProposed }) => isProposed)!
    expect(await page.call('POST', '/patient/write', { way, text: 'Приём [b]завтра[/b] в 10' })).toEqual({ status: 200, body: {} })
    await arrived(phone, 'telegram', 'завтра')
    await until('the line is told', () => portal().lines.chat(chatId).messages.some(({ text }) => text.includes('Анна Админова') && text.includes('в 10')))
    expect((await historyOf(page)).entries[0]).toMatchObject({ kind: 'message', direction: 'out', author: 'operator', authorName: 'Анна Админова', text: 'Приём завтра в 10', channel: 'telegram' })
  })

  it('by a phone of the card makes an account of it once', async () => {
    const { phone, contactId } = newPerson()
    const page = await openCard(contactId)
    const way = (await view(page)).ways.find(({ channel }) => channel === 'smsc')!
    expect(way).toMatchObject({ way: `c:${ids.smsc}`, isOpen: true, isProposed: true })
    expect(await page.call('POST', '/patient/write', { way: way.way, text: `первое слово ${contactId}` })).toEqual({ status: 200, body: {} })
    await arrived(phone, 'sms', `первое слово ${contactId}`)
    const after = await view(page)
    expect(after.identities).toEqual([expect.objectContaining({ channel: 'smsc', proof: 'phone' })])
    expect(after.ways.filter(({ channel }) => channel === 'smsc').map((one) => one.way)).toEqual([`i:${after.identities[0]!.key}`])
    expect(await count(stage.app, 'identities', `external_id = '${phone.patient.phone.slice(1)}'`)).toBe(1)
  })

  it('D6: to a phone that a relative\'s account holds keeps the two apart', async () => {
    const { phone, contactId } = newPerson()
    const child = portal().addContact({ name: 'Пётр', phones: [phone.patient.phone], assignedById: 2 })
    for (const [contact, text] of [[contactId, 'маме'], [child.id, 'сыну']] as const) {
      expect(await (await openCard(contact)).call('POST', '/patient/write', { way: `c:${ids.smsc}`, text: `${text} ${contactId}` })).toEqual({ status: 200, body: {} })
      await arrived(phone, 'sms', `${text} ${contactId}`)
    }
    const accounts = await query<{ external_id: string; contact_id: string }>(stage.app, `select external_id, contact_id from identities where chat_id = '${phone.patient.phone}' order by number`)
    const digits = phone.patient.phone.slice(1)
    expect(accounts).toEqual([{ external_id: digits, contact_id: String(contactId) }, { external_id: `${digits}.${child.id}`, contact_id: String(child.id) }])
    const texts = (await historyOf(await openCard(child.id))).entries.map((entry) => entry.text)
    expect(texts).toEqual([`сыну ${contactId}`])
  })

  it('in WhatsApp outside of its day needs a template, and its text is filled in', async () => {
    const { phone, contactId } = newPerson()
    const page = await openCard(contactId)
    const way = `c:${ids.whatsapp}`
    expect(await page.call('POST', '/patient/write', { way, text: 'Здравствуйте' })).toEqual({ status: 422, body: { code: 'FORM_INVALID', message: sentence, fields: { template: sentence } } })
    expect(phone.messages('whatsapp')).toEqual([])
    const template = { name: 'appointment_reminder', language: 'ru', parameters: ['{name}', '{text}'] }
    expect(await page.call('POST', '/patient/write', { way, text: `ждём вас ${contactId}`, template })).toEqual({ status: 200, body: {} })
    await arrived(phone, 'whatsapp', `ждём вас ${contactId}`)
  })

  it('is refused where the patient closed the chat, where it does not work, where the text is too long, and where there is no such way', async () => {
    const { phone, contactId } = await knownPerson()
    const page = await openCard(contactId)
    const way = `i:${(await view(page)).identities[0]!.key}`
    expect(await page.call('POST', '/patient/write', { way, text: 'я'.repeat(4097) })).toMatchObject({ status: 422, body: { code: 'FORM_INVALID' } })
    expect(await page.call('POST', '/patient/write', { way: `c:${ids.smsc}`, text: 'я'.repeat(4000) })).toMatchObject({ status: 422, body: { fields: { text: sentence } } })
    for (const wrong of ['c:nobody', 'i:0', 'x', `c:${ids.telegram}`]) expect([wrong, await page.call('POST', '/patient/write', { way: wrong, text: 'куда?' })]).toEqual([wrong, refusal(404, 'NOT_FOUND')])
    phone.block('telegram')
    await until('the block is known', async () => (await count(stage.app, 'identities', `contact_id = '${contactId}' and state = 'blocked'`)) === 1)
    expect((await view(page)).ways.find((one) => one.way === way)).toMatchObject({ isOpen: false, isProposed: false, reason: sentence })
    expect(await page.call('POST', '/patient/write', { way, text: 'в закрытый чат' })).toEqual(refusal(422, 'CHANNEL_REFUSED'))
    await query(stage.app, `update connections set state = 'broken' where connection_id = '${ids.smsc}'`)
    expect(await page.call('POST', '/patient/write', { way: `c:${ids.smsc}`, text: 'через сломанное' })).toEqual(refusal(422, 'CHANNEL_REFUSED'))
    await query(stage.app, `update connections set state = 'working' where connection_id = '${ids.smsc}'`)
  })
})

describe('the history', () => {
  it('merges messages and notifications newest first, page by page, and filters them', async () => {
    const { phone, contactId, dealId } = await knownPerson()
    await writes(phone, `боль в колене ${contactId}`)
    await saveRoute(stage.administrator, [{ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} }])
    portal().runRobot({ dealId, code: 'estafeta_send', properties: { text: `Напоминание ${contactId}` } })
    await until('it is reached', async () => (await count(stage.app, 'deliveries', `contact_id = '${contactId}' and status = 'reached'`)) === 1)
    const page = await openDeal(dealId)
    const all = (await historyOf(page)).entries
    expect(all.map(({ kind }) => kind)).toContain('delivery')
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted().reverse())
    expect(all.find(({ kind }) => kind === 'delivery')).toMatchObject({ status: 'reached', proof: 'delivered', channel: 'SMS', dealId: String(dealId), steps: [{ title: 'SMS', state: 'out', proof: 'delivered' }] })
    const walked: string[] = []
    for (let next: string | undefined = ''; next !== undefined; ) {
      const part: History = await historyOf(page, `?limit=1${next === '' ? '' : `&before=${next}`}`)
      walked.push(...part.entries.map(({ id }) => id))
      next = part.next
    }
    expect(walked).toEqual(all.map(({ id }) => id))
    expect(new Set((await historyOf(page, '?kinds=delivery')).entries.map(({ kind }) => kind))).toEqual(new Set(['delivery']))
    expect(new Set((await historyOf(page, '?channel=telegram')).entries.map(({ kind }) => kind))).toEqual(new Set(['message']))
    expect((await historyOf(page, '?channel=smsc')).entries.map(({ kind }) => kind)).toEqual(['delivery'])
    expect((await historyOf(page, `?q=${encodeURIComponent('КОЛЕНЕ боль')}`)).entries.map(({ text }) => text)).toEqual([`боль в колене ${contactId}`])
    expect((await historyOf(page, '?q=%25')).entries).toEqual([])
    for (const wrong of ['?before=x', '?kinds=secrets', '?limit=0', '?limit=101', '?contactId=1', `?before=${Buffer.from('[1,0,"1 or 1"]').toString('base64url')}`]) expect([wrong, (await page.call('GET', `/patient/history${wrong}`)).status]).toEqual([wrong, 422])
  })

  it('shows a patient\'s file by a link that opens without signing in, and never an operator\'s', async () => {
    const { phone, contactId } = await knownPerson()
    phone.sendPhoto('telegram', { caption: `снимок ${contactId}` })
    await chatWith(`снимок ${contactId}`)
    const entry = (await historyOf(await openCard(contactId))).entries.find(({ text }) => text === `снимок ${contactId}`)
    const [file] = (entry as { files: { url: string; name: string; kind: string }[] }).files
    expect(file).toMatchObject({ kind: 'image', url: expect.stringContaining(`${stage.app.origin}/files/`) })
    const answer = await fetch(file!.url)
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-content-type-options'), answer.headers.get('content-security-policy')]).toEqual([200, 'image/jpeg', 'nosniff', "default-src 'none'; sandbox"])
    expect(answer.headers.get('content-disposition')).toMatch(/^inline; filename\*=UTF-8''/)
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(bytes.byteLength).toBeGreaterThan(0)
    const head = await fetch(file!.url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(bytes.byteLength), ''])
    const [, token, name] = /\/files\/([^/]+)\/(.+)$/.exec(file!.url)!
    const [payload, signature] = token!.split('.') as [string, string]
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [string, number, number, number]
    const forged = (change: (given: typeof claims) => unknown): string => `${Buffer.from(JSON.stringify(change(claims))).toString('base64url')}.${signature}`
    for (const wrong of ['x', payload, `${payload}.`, `${payload}.${signature}x`, forged(([a, b, c, d]) => [a, b + 1, c, d]), forged(([, b, c, d]) => ['8'.repeat(32), b, c, d]), forged(([a, b, c, d]) => [a, b, c, d + 1000])]) {
      const refused = await fetch(`${stage.app.origin}/files/${wrong}/${name!}`)
      expect([wrong, refused.status, refused.headers.get('cache-control'), await refused.json()]).toEqual([wrong, 404, 'no-store', { code: 'NOT_FOUND', message: sentence }])
    }
  })
})

describe('running notifications', () => {
  const running = async () => {
    const person = newPerson()
    await saveRoute(stage.administrator, [{ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} }, { kind: 'task', minutes: 60 }])
    person.phone.setOnline(false)
    portal().runRobot({ dealId: person.dealId, code: 'estafeta_send', properties: { text: 'Ждём вас' } })
    const page = await openDeal(person.dealId)
    let found: PatientView['running'] = []
    await until('it is out', async () => {
      found = (await view(page)).running
      await refillBudget(stage.app)
      return found[0]?.steps[0]?.state === 'out'
    })
    return { ...person, page, delivery: found[0]! }
  }

  it('are shown step by step, and are stopped by an employee', async () => {
    const { page, delivery } = await running()
    expect(delivery).toMatchObject({ step: 0, steps: [{ title: 'SMS', state: 'out' }, { title: 'Звонок', state: 'ahead' }], dueAt: expect.stringMatching(/Z$/) })
    expect(viewOf(await page.call('POST', `/patient/deliveries/${delivery.id}/stop`)).running).toEqual([])
    expect(await query(stage.app, `select status, stop_reason from deliveries where delivery_id = '${delivery.id}'`)).toEqual([{ status: 'stopped', stop_reason: 'operator' }])
    expect(await page.call('POST', `/patient/deliveries/${delivery.id}/stop`)).toEqual(refusal(404, 'NOT_FOUND'))
  })

  it('are moved on to the next step', async () => {
    const { page, delivery } = await running()
    viewOf(await page.call('POST', `/patient/deliveries/${delivery.id}/next`))
    await until('staff have the task', async () => {
      await refillBudget(stage.app)
      return (await count(stage.app, 'deliveries', `delivery_id = '${delivery.id}' and task_given`)) === 1
    }, 30_000)
  }, 60_000)

  it('I9: of another patient are neither stopped nor moved on', async () => {
    const { delivery } = await running()
    const page = await openCard(newPerson().contactId)
    for (const what of ['stop', 'next']) expect(await page.call('POST', `/patient/deliveries/${delivery.id}/${what}`)).toEqual(refusal(404, 'NOT_FOUND'))
    expect(await count(stage.app, 'deliveries', `delivery_id = '${delivery.id}' and status = 'running'`)).toBe(1)
  })
})
