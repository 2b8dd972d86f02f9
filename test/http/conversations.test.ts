import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { connectMessengers, openPage, type ConnectionIds } from '../../sandbox/administrator.ts'
import { portalId } from '../../src/domain/ids.ts'
import { ApiKey, ConversationSettings, PatientView } from '../../src/http/patient-schemas.ts'
import { pageOf, type Page } from './page-support.ts'
import { query, raw, refillBudget, startInstalledStage } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let ids: ConnectionIds
beforeAll(async () => {
  stage = await startInstalledStage()
  ids = await connectMessengers(stage.administrator, stage.world)
})
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

const sentence = expect.stringMatching(/^[А-ЯЁA-Z«].*[а-яё].*[.]$/)
const noFields = { at: '', doctor: '', place: '', preparation: '', booking: false }
const hour = 3600_000
const isoAt = (at: number): string => new Date(at).toISOString()
const save = async (appointment: object, oneChatPerPatient = false) => stage.administrator.call('PUT', '/conversations', { oneChatPerPatient, appointment })
const openDeal = async (dealId = stage.world.dealId): Promise<Page> =>
  pageOf(stage.app, await stage.world.portal.openApp(stage.app.clientId, { placement: 'CRM_DEAL_DETAIL_TAB', options: { ID: String(dealId) }, handler: `${stage.app.origin}/placements/patient` }))
const openCard = async (): Promise<Page> =>
  pageOf(stage.app, await stage.world.portal.openApp(stage.app.clientId, { placement: 'CRM_CONTACT_DETAIL_TAB', options: { ID: String(stage.world.contactId) }, handler: `${stage.app.origin}/placements/patient` }))
const appointmentOn = async (page: Page): Promise<PatientView['appointment']> => {
  await refillBudget(stage.app)
  const { status, body } = await page.call('GET', '/patient')
  expect(status).toBe(200)
  return PatientView.parse(body).appointment
}

describe('the settings of conversations', () => {
  it('are shown with the fields of deals, saved, and shown again', async () => {
    const before = ConversationSettings.parse((await stage.administrator.call('GET', '/conversations')).body)
    expect(before).toMatchObject({ oneChatPerPatient: false, appointment: noFields, apiKeys: [], warnings: [] })
    expect(before.dealFields.map(({ name }) => name)).toEqual(expect.arrayContaining(['begindate', 'title']))
    const { status, body } = await save({ ...noFields, at: 'begindate', booking: true }, true)
    expect([status, ConversationSettings.parse(body)]).toEqual([200, expect.objectContaining({ oneChatPerPatient: true, appointment: { ...noFields, at: 'begindate', booking: true } })])
    expect((await save(noFields)).status).toBe(200)
  })

  it('take no field that deals do not have, and no other form', async () => {
    expect(await save({ ...noFields, doctor: 'ufCrmNothing' })).toEqual({ status: 422, body: { code: 'FORM_INVALID', message: sentence, fields: { 'appointment.doctor': sentence } } })
    for (const wrong of [{}, { ...noFields, at: 1 }, { ...noFields, extra: '' }]) expect((await save(wrong)).body.code).toBe('FORM_INVALID')
  })

  it('A6: warn of a connector of others that speaks to MAX', async () => {
    const { clientId } = stage.world.portal.registerApp({ shape: 'local', ui: false, name: 'Другое', scopes: ['imconnector'], handlerUrl: stage.app.origin, installUrl: '' } as never)
    stage.world.portal.world.apps.get(clientId)!.connectors.set('their_max', { id: 'their_max', name: 'MAX по номеру', placementHandler: '', flags: {}, lines: new Map() })
    expect(ConversationSettings.parse((await stage.administrator.call('GET', '/conversations')).body).warnings).toEqual(['MAX по номеру'])
  })

  it('and keys of the API are for administrators only', async () => {
    const employee = await openPage(stage.app, stage.world.portal, { userId: 2 })
    for (const [method, path, body] of [['GET', '/conversations', undefined], ['PUT', '/conversations', { oneChatPerPatient: true, appointment: noFields }], ['POST', '/api-keys', { name: 'МИС' }], ['DELETE', '/api-keys/1', undefined]] as const) {
      expect([path, await employee.call(method, path, body)]).toEqual([path, { status: 403, body: { code: 'ADMIN_REQUIRED', message: sentence } }])
    }
  })
})

describe('a key of the API', () => {
  it('is shown once, kept as a digest, listed by its name, and good until it is deleted', async () => {
    const { id, key } = ApiKey.parse((await stage.administrator.call('POST', '/api-keys', { name: 'МИС' })).body)
    expect(key).toMatch(/^est_[\w-]{43}$/)
    expect(JSON.stringify(await query(stage.app, 'select * from api_keys'))).not.toContain(key)
    const listed = async () => ConversationSettings.parse((await stage.administrator.call('GET', '/conversations')).body).apiKeys
    expect(await listed()).toEqual([{ id, name: 'МИС', createdAt: expect.stringMatching(/Z$/) }])
    expect((await put('a-1', key, { dealId: '999', at: isoAt(Date.now() + hour) })).status).toBe(200)
    expect(await listed()).toEqual([expect.objectContaining({ lastUsedAt: expect.stringMatching(/Z$/) })])
    expect(await stage.administrator.call('DELETE', `/api-keys/${id}`)).toEqual({ status: 200, body: {} })
    expect((await stage.administrator.call('DELETE', `/api-keys/${id}`)).status).toBe(404)
    expect((await put('a-1', key, { dealId: '999', at: isoAt(Date.now() + hour) })).status).toBe(401)
    for (const line of stage.app.logLines) expect(line).not.toContain(key)
  })

  it('without a name, or one too many, is refused', async () => {
    for (const name of ['', ' ', 'x'.repeat(81)]) expect((await stage.administrator.call('POST', '/api-keys', { name })).body.code).toBe('FORM_INVALID')
  })
})

const put = async (externalId: string, key: string | undefined, body: unknown) => {
  const answer = await raw(stage.app.origin, `/v1/appointments/${externalId}`, { method: 'PUT', headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }, body: JSON.stringify(body) })
  return { status: answer.status, body: JSON.parse(answer.body) }
}
const drop = async (externalId: string, key: string) => {
  const answer = await raw(stage.app.origin, `/v1/appointments/${externalId}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } })
  return { status: answer.status, body: JSON.parse(answer.body) }
}
const newKey = async (): Promise<string> => ApiKey.parse((await stage.administrator.call('POST', '/api-keys', { name: 'МИС' })).body).key

describe('the API of appointments', () => {
  it('stores an appointment, the same again changes nothing, a new one replaces it, and it is deleted once', async () => {
    const key = await newKey()
    const at = Date.now() + 24 * hour
    const told = { contactId: stage.world.contactId, at: isoAt(at), endsAt: isoAt(at + hour), doctor: 'Смирнова', place: 'Кабинет 5', service: 'УЗИ', preparation: 'Натощак' }
    for (let time = 0; time < 2; time++) expect(await put('visit-7', key, told)).toEqual({ status: 200, body: { externalId: 'visit-7' } })
    const page = await openCard()
    expect(await appointmentOn(page)).toEqual({ at: told.at, endsAt: told.endsAt, doctor: 'Смирнова', place: 'Кабинет 5', service: 'УЗИ', preparation: 'Натощак', source: 'api' })
    await put('visit-7', key, { contactId: String(stage.world.contactId), at: '2030-01-02T10:00:00+03:00' })
    expect(await appointmentOn(page)).toEqual({ at: '2030-01-02T07:00:00.000Z', source: 'api' })
    expect(await drop('visit-7', key)).toEqual({ status: 200, body: {} })
    expect(await drop('visit-7', key)).toEqual({ status: 404, body: { code: 'NOT_FOUND', message: sentence } })
    expect(await appointmentOn(page)).toBeUndefined()
  })

  it('takes no call without a key that is one, and says the same of each', async () => {
    const refused = { status: 401, body: { code: 'API_KEY_INVALID', message: sentence } }
    const body = { dealId: '1', at: isoAt(Date.now()) }
    for (const key of [undefined, '', 'est_', `est_${'a'.repeat(43)}`, "est_' or 1=1"]) expect([key, await put('x', key, body)]).toEqual([key, refused])
    // A session of a page is no key, and a key is no session.
    const key = await newKey()
    expect((await raw(stage.app.origin, '/api/overview', { headers: { authorization: `Bearer ${key}` } })).status).toBe(401)
    await query(stage.app, `update portals set state = 'uninstalled' where portal_id = '${stage.world.portal.memberId}'`)
    expect(await put('x', key, body)).toEqual(refused)
    await query(stage.app, `update portals set state = 'installed' where portal_id = '${stage.world.portal.memberId}'`)
  })

  it('refuses what is not in its form at the field', async () => {
    const key = await newKey()
    const good = { dealId: '1', at: '2030-01-02T10:00:00Z' }
    for (const [body, field] of [
      [{ at: good.at }, 'contactId'], [{ ...good, at: '2030-01-02 10:00' }, 'at'], [{ ...good, at: '2030-01-02T10:00:00' }, 'at'], [{ dealId: '1' }, 'at'], [{ ...good, dealId: '0' }, 'dealId'], [{ ...good, dealId: 'x' }, 'dealId'],
      [{ ...good, endsAt: '2029-01-01T00:00:00Z' }, 'endsAt'], [{ ...good, doctor: '' }, 'doctor'], [{ ...good, place: 'x'.repeat(501) }, 'place'], [{ ...good, portalId: 'other' }, 'body'], [null, 'body'], [[], 'body'],
    ] as const) {
      expect([body, await put('x', key, body)]).toEqual([body, { status: 422, body: { code: 'FORM_INVALID', message: sentence, fields: expect.objectContaining({ [field]: sentence }) } }])
    }
    for (const id of ['%20', 'x'.repeat(101), '%D1%8F', '%00']) expect([id, (await put(id, key, good)).body.code]).toEqual([id, 'FORM_INVALID'])
    expect((await put('x', key, { ...good, doctor: 'a\u0000b' })).body.code).toBe('FORM_INVALID')
  })

  it('I9: the key of one portal reaches nothing of another', async () => {
    const key = await newKey()
    const other = portalId('7'.repeat(32))
    await query(stage.app, `insert into portals select (jsonb_populate_record(p, jsonb_build_object('portal_id', '${other}', 'domain', 'other.example'))).* from portals p limit 1`)
    await query(stage.app, `insert into appointments (portal_id, external_id, contact_id, at) values ('${other}', 'visit-1', '${stage.world.contactId}', now() + interval '1 day')`)
    expect((await drop('visit-1', key)).status).toBe(404)
    await put('visit-1', key, { dealId: '9', at: '2030-01-02T10:00:00Z' })
    expect(await query(stage.app, `select contact_id, deal_id from appointments where portal_id = '${other}'`)).toEqual([{ contact_id: String(stage.world.contactId), deal_id: null }])
    expect(await appointmentOn(await openCard())).toBeUndefined()
    await drop('visit-1', key)
  })
})

describe('the next appointment', () => {
  it('comes from the API before the deal\'s fields, from those before booking, and only when it is ahead', async () => {
    const { portal, dealId, contactId } = stage.world
    await save({ ...noFields, at: 'begindate', doctor: 'ufCrm_doctor' }).then(({ body }) => expect(body.code).toBe('FORM_INVALID'))
    expect((await save({ ...noFields, at: 'begindate', place: 'title' })).status).toBe(200)
    const [deal, card] = [await openDeal(), await openCard()]
    const inDeal = { at: expect.stringMatching(/T07:00:00.000Z$/), place: expect.stringContaining('Приём'), source: 'deal' }
    expect([await appointmentOn(deal), await appointmentOn(card)]).toEqual([inDeal, inDeal])
    const key = await newKey()
    await put('visit-9', key, { dealId, at: isoAt(Date.now() + 2 * hour) })
    expect([(await appointmentOn(deal))!.source, (await appointmentOn(card))!.source]).toEqual(['api', 'deal'])
    await put('visit-9', key, { dealId, at: isoAt(Date.now() - hour) })
    expect((await appointmentOn(deal))!.source).toBe('deal')
    portal.updateDeal(dealId, { begindate: '2020-01-01T10:00:00+03:00' })
    expect(await appointmentOn(deal)).toBeUndefined()
    // The nearest of the patient's other deals counts then.
    const next = portal.addDeal({ title: 'Следующий', stageId: 'NEW', contactId, contactIds: [contactId], begindate: '2030-05-05T10:00:00+03:00' })
    portal.addDeal({ title: 'Потом', stageId: 'NEW', contactId, contactIds: [contactId], begindate: '2031-05-05T10:00:00+03:00' })
    expect([await appointmentOn(deal), await appointmentOn(card)]).toEqual([expect.objectContaining({ place: 'Следующий' }), expect.objectContaining({ at: '2030-05-05T07:00:00.000Z' })])
    portal.updateDeal(next.id, { begindate: 'когда-нибудь' })
    expect((await appointmentOn(card))!.place).toBe('Потом')
  })

  it('comes from online booking where the clinic wants it', async () => {
    const { portal } = stage.world
    const contact = portal.addContact({ name: 'Вера', phones: ['+79000000777'] })
    portal.bookings.add({ contactId: contact.id, startsAt: Date.now() + 3 * hour, name: 'Осмотр', resources: ['Врач Смирнова'] })
    const open = async () => pageOf(stage.app, await portal.openApp(stage.app.clientId, { placement: 'CRM_CONTACT_DETAIL_TAB', options: { ID: String(contact.id) }, handler: `${stage.app.origin}/placements/patient` }))
    // The portal has not granted the scope: then there are simply no bookings.
    await save({ ...noFields, booking: true })
    expect(await appointmentOn(await open())).toBeUndefined()
    portal.world.apps.get(stage.app.clientId)!.scopes.push('booking')
    const page = await open()
    await save(noFields)
    expect(await appointmentOn(page)).toBeUndefined()
    await save({ ...noFields, booking: true })
    expect(await appointmentOn(page)).toMatchObject({ source: 'booking', service: 'Осмотр', at: expect.stringMatching(/Z$/), endsAt: expect.stringMatching(/Z$/) })
  })

  it('is simply missing where a source cannot be read: the page stays whole', async () => {
    expect((await save({ ...noFields, at: 'begindate', booking: true })).status).toBe(200)
    stage.world.portal.misbehave({ kind: 'internal_error', method: 'crm.item.list', times: 5 })
    const { status, body } = await (await openDeal()).call('GET', '/patient')
    expect([status, PatientView.parse(body).contact!.contactId]).toEqual([200, String(stage.world.contactId)])
    expect(body.ways.map(({ way }: { way: string }) => way)).toEqual([`c:${ids.whatsapp}`, `c:${ids.smsc}`])
    stage.world.portal.behave()
  })
})
