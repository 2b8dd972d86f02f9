import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { connectMessengers, saveRoute, type ConnectionIds } from '../../sandbox/administrator.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { MiniAppView } from '../../src/http/schemas.ts'
import { count, query, raw, refillBudget, startInstalledStage, until } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let ids: ConnectionIds
let number = 300

beforeAll(async () => {
  stage = await startInstalledStage()
  ids = await connectMessengers(stage.administrator, stage.world)
  const { token, baseUrl, username } = stage.world.accounts.max
  const form = { channel: 'max', name: 'MAX-бот', credentials: { token, baseUrl, miniApp: `https://max.ru/${username}`, clinicName: 'Клиника «Пример»', clinicAddress: 'Москва, Примерная ул., 1', clinicMapUrl: 'https://maps.example/clinic', clinicPhone: '+7 495 000-00-00' } }
  const saved = await stage.administrator.call('PUT', `/connections/${ids.max}`, form)
  expect(saved).toMatchObject({ status: 200, body: { miniAppUrl: `${stage.app.origin}/mini-app/${ids.max}` } })
  await query(stage.app, `update portals set appointment_fields = '{"at":"ufCrm_1721244707107","doctor":"ufCrm_1721244707108"}'`)
}, 60_000)
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

const portal = () => stage.world.portal
const inHours = (hours: number): Date => new Date(Math.floor(stage.app.deps.clock.now() / 60_000) * 60_000 + hours * 3600_000)

interface Person {
  readonly phone: Handset
  readonly contactId: number
}
const newPerson = (): Person => {
  number++
  const phone = stage.world.messengers.addPatient({ name: 'Мария Примерова', phone: `+7900000${String(number).padStart(4, '0')}` })
  const contact = portal().addContact({ name: 'Мария', lastName: `Примерова${number}`, phones: [phone.patient.phone], assignedById: 2 })
  return { phone, contactId: contact.id }
}
const knownPerson = async (): Promise<Person> => {
  const person = newPerson()
  person.phone.start('max')
  await until('the bot asks', () => person.phone.messages('max').some((message) => message.buttons.flat().some(({ kind }) => kind === 'contact')))
  person.phone.shareContact('max')
  await until('the account is bound', async () => (await count(stage.app, 'identities', `contact_id = '${person.contactId}'`)) > 0)
  return person
}
const addDeal = (contactId: number): number => portal().addDeal({ title: 'Приём', stageId: 'NEW', contactId, contactIds: [contactId], assignedById: 2 }).id
/** The medical information system tells of a visit. */
const tell = async (contactId: number, at: Date, more: Record<string, string> = {}): Promise<void> => {
  await query(stage.app, `insert into appointments (portal_id, external_id, contact_id, deal_id, at, doctor, preparation) values ('${portal().memberId}', 'v${contactId}', '${contactId}', ${more.dealId === undefined ? 'null' : `'${more.dealId}'`}, '${at.toISOString()}', '${more.doctor ?? 'Петрова Анна'}', '${more.preparation ?? 'Натощак'}')
    on conflict (portal_id, external_id) do update set at = excluded.at, deal_id = excluded.deal_id`)
}

const launchOf = (phone: Handset): string => new URLSearchParams(new URL(phone.openApp('max')).hash.slice(1)).get('WebAppData')!
const ask = async (what: 'visit' | 'answer', body: unknown, connection: string = ids.max) => {
  const answer = await raw(stage.app.origin, `/mini-app/${connection}/${what}`, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { status: answer.status, body: JSON.parse(answer.body) }
}
const viewOf = async (phone: Handset): Promise<MiniAppView> => {
  const { status, body } = await ask('visit', { launchData: launchOf(phone) })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return MiniAppView.parse(body)
}
const answers = (phone: Handset, answer: string, at: Date) => ask('answer', { launchData: launchOf(phone), answer, at: at.toISOString() })
/** As the vendor's documentation says it is signed, by a token and at a time of the test's choice. */
const sign = (values: Record<string, string>, token = stage.world.accounts.max.token): string => {
  const key = createHmac('sha256', 'WebAppData').update(token).digest()
  const hash = createHmac('sha256', key).update(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`).join('\n')).digest('hex')
  return Object.entries({ ...values, hash }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
}
const dataFor = ({ phone }: Person, at = stage.app.deps.clock.now()) => ({ auth_date: String(Math.floor(at / 1000)), query_id: 'q1', user: JSON.stringify({ id: phone.patient.maxId, first_name: 'Мария', photo_url: 'https://i.example.ru/p?r=ab==&w=1' }) })
const refused = { status: 401, body: { code: 'SESSION_INVALID', message: expect.stringMatching(/^[А-Я].*\.$/) } }

describe('the page that MAX opens (A13)', () => {
  it('shows the proved patient their next visit, and the clinic', async () => {
    const person = await knownPerson()
    const at = inHours(26)
    await tell(person.contactId, at)
    expect(await viewOf(person.phone)).toMatchObject({
      isKnown: true,
      visit: { at: at.toISOString(), doctor: 'Петрова Анна', preparation: 'Натощак' },
      clinic: { name: 'Клиника «Пример»', address: 'Москва, Примерная ул., 1', mapUrl: 'https://maps.example/clinic', phone: '+7 495 000-00-00' },
    })
  })

  it('I5: shows nothing of a patient to an account without a proof, whoever has the same name', async () => {
    const person = newPerson()
    await tell(person.contactId, inHours(5))
    person.phone.start('max', { quietly: true })
    const view = await viewOf(person.phone)
    expect([view.isKnown, view.visit]).toEqual([false, undefined])
    expect(await answers(person.phone, 'confirm', inHours(5))).toMatchObject({ status: 401 })
    expect(await count(stage.app, 'visit_answers', `contact_id = '${person.contactId}'`)).toBe(0)
  })

  it('refuses launch data that are forged, foreign, old, from the future, doubled or broken', async () => {
    const person = await knownPerson()
    const other = stage.world.messengers.addMaxBot()
    const good = dataFor(person)
    const now = stage.app.deps.clock.now()
    expect((await ask('visit', { launchData: sign(good) })).status).toBe(200)
    const victim = JSON.stringify({ id: person.phone.patient.maxId })
    const bad = {
      anotherUser: sign({ ...good, user: '{"id":1}' }).replace(encodeURIComponent('{"id":1}'), encodeURIComponent(victim)),
      anotherBot: sign(good, other.token),
      old: sign(dataFor(person, now - 61 * 60_000)),
      future: sign(dataFor(person, now + 10 * 60_000)),
      noHash: sign(good).replace(/&hash=\w+$/, ''),
      emptyHash: sign(good).replace(/&hash=\w+$/, '&hash='),
      doubled: `${sign(good)}&user=${encodeURIComponent(victim)}`,
      extra: `${sign(good)}&start_param=x`,
      noUser: sign({ auth_date: good.auth_date }),
      oddUser: sign({ ...good, user: '{"id":"1"}' }),
      noTime: sign({ user: good.user }),
      broken: '%E0%A4%A',
      words: 'user',
    }
    for (const [name, launchData] of Object.entries(bad)) expect({ name, ...(await ask('visit', { launchData })) }).toMatchObject({ name, ...refused })
    for (const launchData of [bad.anotherUser, bad.old]) expect(await ask('answer', { launchData, answer: 'confirm', at: inHours(5).toISOString() })).toMatchObject(refused)
  })

  it('is not there for connections that open no pages, and for ids that are none', async () => {
    for (const id of [ids.telegram, ids.smsc, '0198c0de-0000-7000-8000-000000000000', '1', '..%2f']) {
      expect((await raw(stage.app.origin, `/mini-app/${id}`)).status).toBe(404)
      expect((await ask('visit', { launchData: 'x' }, id)).status).toBe(404)
    }
  })

  it('is a page that leaves nothing behind and asks nobody else', async () => {
    const page = await raw(stage.app.origin, `/mini-app/${ids.max}`)
    expect([page.status, page.headers['cache-control'], page.headers['referrer-policy']]).toEqual([200, 'no-store', 'no-referrer'])
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'self'.*frame-ancestors https:\/\/max\.ru/)
    expect(page.body).not.toMatch(/(?:src|href)="https?:/)
  })

  it('an answer under a notification that MAX carries counts as the button in the chat', async () => {
    const person = await knownPerson()
    const dealId = addDeal(person.contactId)
    const at = inHours(30)
    await tell(person.contactId, at, { dealId: String(dealId) })
    await saveRoute(stage.administrator, [{ kind: 'channel', connectionId: ids.max, proof: 'acted', minutes: 30, content: { buttons: true } }], 'Мини')
    const route = (await stage.administrator.call('GET', '/overview')).body.routes.find(({ name }: { name: string }) => name === 'Мини')
    portal().runRobot({ dealId, code: 'estafeta_send', properties: { text: 'Ждём вас', route: route.id } })
    const withApp = () => person.phone.shown('max').find((message) => message.buttons.flat().some(({ text }) => text === 'Приду'))
    await until('the reminder is there', () => withApp() !== undefined)
    expect(withApp()!.buttons.flat().map(({ text }) => text)).toEqual(['Приду', 'Перенести', 'Отменить', 'Мой визит'])
    expect(await answers(person.phone, 'move', at)).toMatchObject({ status: 200, body: { visit: { answer: 'move' } } })
    await until('the deal knows', () => portal().state({ dealId }).triggers.some(({ code }) => code === 'estafeta_moved'))
    const record = () => portal().state({ dealId }).timeline.find((entry) => entry.kind === 'configurable')
    await until('the record says it', () => record()?.completed === true)
    expect(record()!.lines.at(-1)).toMatch(/MAX.*перенести/i)
    expect(portal().state({ dealId }).timeline.filter((entry) => entry.kind === 'log')).toEqual([])
  })

  it('an answer without a notification fires the trigger and is written into the deal, once however often it is given', async () => {
    const person = await knownPerson()
    const dealId = addDeal(person.contactId)
    const at = inHours(28)
    await tell(person.contactId, at, { dealId: String(dealId) })
    const twice = await Promise.all([answers(person.phone, 'confirm', at), answers(person.phone, 'confirm', at)])
    expect(twice.map(({ status }) => status)).toEqual([200, 200])
    const notes = () => portal().state({ dealId }).timeline.filter((entry) => entry.kind === 'log')
    await until('the deal knows', () => notes().length > 0 && portal().state({ dealId }).triggers.some(({ code }) => code === 'estafeta_confirmed'))
    await answers(person.phone, 'confirm', at)
    expect((await viewOf(person.phone)).visit?.answer).toBe('confirm')
    expect(await answers(person.phone, 'cancel', at)).toMatchObject({ status: 200, body: { visit: { answer: 'cancel' } } })
    await until('the deal knows the new answer', () => portal().state({ dealId }).triggers.some(({ code }) => code === 'estafeta_cancelled'))
    await until('both are written', () => notes().length === 2)
    expect(portal().state({ dealId }).triggers.map(({ code }) => code)).toEqual(['estafeta_confirmed', 'estafeta_cancelled'])
    expect(JSON.stringify(notes())).toMatch(/Пациент отменил визит.*Пациент придёт/)
  })

  it('an answer never counts for a visit that the patient has not seen', async () => {
    const person = await knownPerson()
    const at = inHours(40)
    await tell(person.contactId, at)
    await viewOf(person.phone)
    await tell(person.contactId, inHours(50))
    expect(await answers(person.phone, 'confirm', at)).toMatchObject({ status: 409, body: { message: expect.stringContaining('изменилось') } })
    expect(await count(stage.app, 'visit_answers', `contact_id = '${person.contactId}'`)).toBe(0)
  })

  it('of several open deals none is guessed: the answer is written on the contact', async () => {
    const person = await knownPerson()
    const deals = [addDeal(person.contactId), addDeal(person.contactId)]
    const at = inHours(45)
    await tell(person.contactId, at)
    expect((await answers(person.phone, 'confirm', at)).status).toBe(200)
    await until('the contact has the note', () => portal().state({ contactId: person.contactId }).timeline.some((entry) => entry.kind === 'log'))
    for (const dealId of deals) expect(portal().state({ dealId }).triggers).toEqual([])
  })

  it('says that it does not know, and not that there is no visit, when the portal is away', async () => {
    const person = await knownPerson()
    portal().misbehave({ kind: 'internal_error', method: 'batch', times: 1 })
    const { status, body } = await ask('visit', { launchData: launchOf(person.phone) })
    expect([status, body.code]).toEqual([503, 'PORTAL_UNAVAILABLE'])
  })

  it('asks the portal once in ten seconds, however often a patient opens it', async () => {
    const person = await knownPerson()
    await viewOf(person.phone)
    const before = portal().calls.length
    for (let time = 0; time < 20; time += 1) await viewOf(person.phone)
    expect(portal().calls.slice(before).filter(({ method }) => method === 'crm.item.list').length).toBeLessThanOrEqual(2)
  })

  it('I9: launch data of a bot in another portal open nothing here', async () => {
    const person = await knownPerson()
    const stranger = stage.world.messengers.addMaxBot()
    expect(await ask('visit', { launchData: sign(dataFor(person), stranger.token) })).toMatchObject(refused)
  })
})
