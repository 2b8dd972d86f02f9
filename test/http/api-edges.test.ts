import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { connectMessengers, credentialsOf, introduce, saveRoute, usualSteps, type Administrator, type ConnectionIds } from '../../sandbox/administrator.ts'
import { deriveKey } from '../../src/db/secrets.ts'
import { portalId } from '../../src/domain/ids.ts'
import { createSessions, sessionMinutes } from '../../src/http/portal-session.ts'
import { ApiError, Chats, CheckResult, Connection, Overview, RobotSettings, Route, TestResult } from '../../src/http/schemas.ts'
import { count, query, raw, refillBudget, startInstalledStage, until, type Reply } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let admin: Administrator
let ids: ConnectionIds
const strangerId = portalId('b'.repeat(32))

beforeAll(async () => {
  stage = await startInstalledStage()
  admin = stage.administrator
  ids = await connectMessengers(admin, stage.world)
})
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

const ask = async (method: string, path: string, authorization: string | undefined, body?: unknown): Promise<Reply & { json: any }> => {
  const reply = await raw(stage.app.origin, `/api${path}`, {
    method, headers: { ...(authorization === undefined ? {} : { authorization }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, body: body === undefined ? undefined : JSON.stringify(body),
  })
  return { ...reply, json: JSON.parse(reply.body) as unknown }
}
const sessions = (now = Date.now) => createSessions(deriveKey(stage.app.deps.config.secret, 'sessions'), now)
const bearer = (portal: string, options: { isAdmin?: boolean; now?: () => number; language?: 'ru' | 'en' } = {}): string => `Bearer ${sessions(options.now).issue({ portalId: portalId(portal), userId: '1', isAdmin: options.isAdmin ?? true, language: options.language })}`
const own = (): string => bearer(stage.world.portal.memberId)
const form = (channel: string) => credentialsOf(stage.world).find((entry) => entry.channel === channel)!
const allSecrets = (): string[] => credentialsOf(stage.world).flatMap(({ channel, credentials }) => stage.app.deps.channelById(channel)!.fields.filter(({ secret }) => secret).flatMap(({ name }) => credentials[name] ?? []))
const smsStep = () => ({ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} })
const route = (steps: unknown[], change: object = {}) => ({ name: 'Маршрут', isDefault: false, stopsWhenDealMoves: true, steps, ...change })

const endpoints = [
  ['GET', '/overview'], ['POST', '/connections'], ['PUT', '/connections/x'], ['DELETE', '/connections/x'], ['POST', '/connections/x/check'], ['GET', '/connections/x/chats'],
  ['POST', '/connections/x/test'], ['POST', '/routes'], ['PUT', '/routes/x'], ['DELETE', '/routes/x'], ['GET', '/robot-settings'], ['POST', '/install'],
] as const

describe('a session', () => {
  it.each(endpoints)('is needed for %s %s', async (method, path) => {
    const [payload = '', signature = ''] = own().replace('Bearer ', '').split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    const enlarged = Buffer.from(JSON.stringify({ ...claims, p: strangerId })).toString('base64url')
    const otherKey = createHmac('sha256', 'another key').update(payload).digest('base64url')
    const long = bearer(stage.world.portal.memberId, { now: () => Date.now() - sessionMinutes * 60_000 })
    for (const authorization of [undefined, '', 'Bearer', 'Bearer .', 'Basic YTpi', `Bearer ${payload}`, `Bearer ${payload}.`, `Bearer ${enlarged}.${signature}`, `Bearer ${payload}.${otherKey}`, `Bearer ${payload}.${signature}x`, long]) {
      const { status, json } = await ask(method, path, authorization, method === 'GET' || method === 'DELETE' ? undefined : {})
      expect([authorization?.slice(0, 12), status, json]).toEqual([authorization?.slice(0, 12), 401, { code: 'SESSION_INVALID', message: expect.stringMatching(/закройте|откройте/) }])
    }
  })

  it('of an ordinary user shows no settings of a connection', async () => {
    const { json, body } = await ask('GET', '/overview', bearer(stage.world.portal.memberId, { isAdmin: false }))
    for (const connection of Overview.parse(json).connections) expect(connection).toMatchObject({ values: {}, secretsSet: [], hookUrl: '' })
    // The key in the address of a webhook is a secret too.
    for (const { hook_key: key } of await query<{ hook_key: string }>(stage.app, 'select hook_key from connections')) expect(body).not.toContain(key)
  })

  it('of a portal whose data was deleted finds nothing and breaks nothing', async () => {
    const gone = bearer('9'.repeat(32))
    for (const [method, path, body] of [['GET', '/overview', undefined], ['GET', '/robot-settings', undefined], ['POST', '/install', {}], ['POST', '/connections', form('smsc')], ['POST', '/routes', route([{ kind: 'task', minutes: 5 }])]] as const) {
      const { status, json } = await ask(method, path, gone, body)
      expect([path, status, json.code]).toEqual([path, 404, 'NOT_FOUND'])
    }
  })
})

describe('answers', () => {
  it('never hold a secret, wherever one was given', async () => {
    const bodies = [
      (await ask('GET', '/overview', own())).body,
      ...(await Promise.all(Object.values(ids).map((id) => ask('POST', `/connections/${id}/check`, own())))).map(({ body }) => body),
      (await ask('PUT', `/connections/${ids.telegram}`, own(), form('telegram'))).body,
    ]
    for (const secret of allSecrets()) for (const body of bodies) expect(body).not.toContain(secret)
    const telegram = Overview.parse((await ask('GET', '/overview', own())).json).connections.find(({ channel }) => channel === 'telegram')!
    expect(telegram.secretsSet).toContain('botToken')
    expect(Object.keys(telegram.values)).toEqual(['apiRoot'])
  })

  it.each([
    ['broken JSON', 'application/json', '{"channel":'],
    ['no JSON', 'text/plain', 'hello'],
    ['nothing', 'application/json', ''],
    ['a form', 'application/x-www-form-urlencoded', 'channel=smsc'],
    ['a prototype', 'application/json', '{"__proto__":{"isAdmin":true},"channel":"smsc"}'],
    ['a zero byte', 'application/json', JSON.stringify({ channel: 'smsc', name: 'a\u0000b', credentials: {} })],
    ['half a letter', 'application/json', '{"channel":"smsc","name":"\\ud800","credentials":{}}'],
    ['a very long name', 'application/json', JSON.stringify({ channel: 'smsc', name: 'я'.repeat(100_000), credentials: {} })],
  ])('to %s are about the form, not about us', async (_, type, body) => {
    for (const path of ['/connections', '/routes', `/connections/${ids.smsc}/test`]) {
      const reply = await raw(stage.app.origin, `/api${path}`, { method: 'POST', headers: { authorization: own(), 'content-type': type }, body })
      expect({ path, status: reply.status, isOurFault: reply.status >= 500 || reply.status < 400 }).toMatchObject({ isOurFault: false })
      ApiError.parse(JSON.parse(reply.body))
    }
  })

  it.each(['%00', '..%2f..', '%ff', "'; drop table portals; --", 'null', '__proto__', 'x'.repeat(3000)])('about the id %s are "not found"', async (id) => {
    for (const [method, path, body] of [['PUT', `/connections/${encoded(id)}`, form('smsc')], ['DELETE', `/connections/${encoded(id)}`, undefined], ['POST', `/connections/${encoded(id)}/check`, {}], ['GET', `/connections/${encoded(id)}/chats`, undefined], ['POST', `/connections/${encoded(id)}/test`, { to: '+79000000001' }], ['PUT', `/routes/${encoded(id)}`, route([smsStep()])], ['DELETE', `/routes/${encoded(id)}`, undefined]] as const) {
      const { status } = await ask(method, path, own(), body)
      expect([method, path.slice(0, 40), status >= 400 && status < 500]).toEqual([method, path.slice(0, 40), true])
    }
  })
})

const encoded = (id: string): string => (id.includes('%') ? id : encodeURIComponent(id))

describe('a connection', () => {
  it.each([
    ['whatsapp', { phoneNumberId: 'abc' }, 'phoneNumberId'],
    ['whatsapp', { appSecret: '' }, 'appSecret'],
    ['telegram', { botToken: 'not a token' }, 'botToken'],
    ['telegram', { apiRoot: 'ftp://x' }, 'apiRoot'],
    ['max', { token: '' }, 'token'],
    ['max', { baseUrl: 'nowhere' }, 'baseUrl'],
    ['smsc', { callbackSecret: ' ' }, 'callbackSecret'],
    ['smsc', { apiKey: '' }, 'apiKey'],
  ])('of %s with %j is refused at its field, and nothing is kept', async (channel, change, field) => {
    const before = await count(stage.app, 'connections')
    const wrong = { ...form(channel), credentials: { ...form(channel).credentials, ...change } }
    const { status, json } = await ask('POST', '/connections', own(), wrong)
    expect([status, json.code, json.fields]).toEqual([422, 'FORM_INVALID', { [field]: expect.stringMatching(/[а-я].*\.$/) }])
    expect(await count(stage.app, 'connections')).toBe(before)
  })

  it.each([
    ['whatsapp', { accessToken: 'EAAwrong' }],
    ['whatsapp', { phoneNumberId: '100000000000000' }],
    ['telegram', { botToken: '123456789:AAwrongwrongwrongwrong' }],
    ['max', { token: 'wrong-token-of-nobody' }],
    ['smsc', { apiKey: 'wrong-key' }],
  ])('F01 F47 of %s that the vendor does not take (%j) is refused with what to do, and nothing is kept', async (channel, change) => {
    const before = await count(stage.app, 'connections')
    const { status, json, body } = await ask('POST', '/connections', own(), { ...form(channel), credentials: { ...form(channel).credentials, ...change } })
    expect([status, json.code]).toEqual([422, 'CHANNEL_REFUSED'])
    expect(json.message).toMatch(/^[А-ЯA-Z].*[а-я].*\.$/)
    for (const secret of [...allSecrets(), ...Object.values(change)]) expect(body).not.toContain(secret)
    expect(await count(stage.app, 'connections')).toBe(before)
  })

  it('whose vendor is away is refused for now, and nothing is kept', async () => {
    const before = await count(stage.app, 'connections')
    for (const [channel, field] of [['whatsapp', 'baseUrl'], ['telegram', 'apiRoot'], ['max', 'baseUrl'], ['smsc', 'baseUrl']] as const) {
      const { status, json } = await ask('POST', '/connections', own(), { ...form(channel), credentials: { ...form(channel).credentials, [field]: 'http://127.0.0.1:1' } })
      expect([channel, status, json.code]).toEqual([channel, 503, 'CHANNEL_UNAVAILABLE'])
    }
    expect(await count(stage.app, 'connections')).toBe(before)
  })

  it.each(['nothing', '__proto__', 'constructor', ''])('of a messenger called "%s" is refused', async (channel) => {
    const { status, json } = await ask('POST', '/connections', own(), { ...form('smsc'), channel })
    expect([status, json.fields]).toEqual([422, { channel: expect.stringMatching(/[а-я]/) }])
  })

  it('keeps its secrets when the form leaves them empty, and its key, whatever else changes', async () => {
    const sealed = async (id: string) => JSON.parse(stage.app.deps.secrets.open((await query<{ credentials: string }>(stage.app, `select credentials from connections where connection_id = '${id}'`))[0]!.credentials)) as Record<string, string>
    const before = Connection.parse(Overview.parse((await ask('GET', '/overview', own())).json).connections.find(({ id }) => id === ids.smsc))
    const { credentials } = form('smsc')
    const { status, json } = await ask('PUT', `/connections/${ids.smsc}`, own(), { channel: 'smsc', name: 'SMS заново', credentials: { ...credentials, apiKey: '', callbackSecret: '  ' } })
    expect(status).toBe(200)
    expect(Connection.parse(json)).toMatchObject({ name: 'SMS заново', hookUrl: before.hookUrl, state: 'working', secretsSet: expect.arrayContaining(['apiKey', 'callbackSecret']) })
    expect(await sealed(ids.smsc)).toMatchObject({ apiKey: credentials.apiKey, callbackSecret: credentials.callbackSecret })
  })

  it('that is changed to what the vendor does not take stays as it was', async () => {
    const { status } = await ask('PUT', `/connections/${ids.max}`, own(), { ...form('max'), credentials: { ...form('max').credentials, token: 'wrong-token-of-nobody' } })
    expect(status).toBe(422)
    expect(CheckResult.parse((await ask('POST', `/connections/${ids.max}/check`, own())).json).ok).toBe(true)
  })

  it('of WhatsApp takes a new verify token: the vendor asks for it while it is being set', async () => {
    const { status, json } = await ask('PUT', `/connections/${ids.whatsapp}`, own(), { ...form('whatsapp'), credentials: { ...form('whatsapp').credentials, verifyToken: 'another-word' } })
    expect([status, json.code]).toEqual([200, undefined])
    const { hookUrl } = Connection.parse(json)
    expect(await stage.world.messengers.setWhatsAppWebhook(form('whatsapp').credentials.phoneNumberId!, hookUrl, 'another-word')).toBeUndefined()
    expect((await ask('PUT', `/connections/${ids.whatsapp}`, own(), form('whatsapp'))).status).toBe(200)
  })

  it('cannot become one of another messenger', async () => {
    const { status } = await ask('PUT', `/connections/${ids.telegram}`, own(), { ...form('max'), channel: 'max' })
    expect(status).toBe(422)
    expect(await query(stage.app, `select channel from connections where connection_id = '${ids.telegram}'`)).toEqual([{ channel: 'telegram' }])
  })

  it('keeps nothing that its form does not have', async () => {
    const extra = { ...form('smsc'), name: 'Лишнее', credentials: { ...form('smsc').credentials, isAdmin: 'yes' } }
    const { status, json } = await ask('POST', '/connections', own(), extra)
    expect(status).toBe(200)
    expect(Connection.parse(json).values).not.toHaveProperty('isAdmin')
    expect((await ask('DELETE', `/connections/${json.id}`, own())).status).toBe(200)
  })

  it('tells by a check whether it works, and shows it', async () => {
    stage.world.messengers.behave('max', { failure: 'unauthorized', failing: 'all' })
    const broken = CheckResult.parse((await ask('POST', `/connections/${ids.max}/check`, own())).json)
    expect(broken).toMatchObject({ ok: false, message: expect.stringMatching(/[а-я].*\.$/) })
    const shown = async () => Overview.parse((await ask('GET', '/overview', own())).json).connections.find(({ id }) => id === ids.max)!
    expect(await shown()).toMatchObject({ state: 'broken', problem: broken.message })
    stage.world.messengers.resetBehaviour('max')
    expect(CheckResult.parse((await ask('POST', `/connections/${ids.max}/check`, own())).json)).toMatchObject({ ok: true })
    expect(await shown()).toMatchObject({ state: 'working' })
    expect((await shown()).problem).toBeUndefined()
    // A passing trouble of the vendor breaks nothing.
    stage.world.messengers.behave('max', { failure: 'unavailable', failing: 'all' })
    expect(CheckResult.parse((await ask('POST', `/connections/${ids.max}/check`, own())).json).ok).toBe(false)
    expect((await shown()).state).toBe('working')
    stage.world.messengers.resetBehaviour('max')
    await ask('POST', `/connections/${ids.max}/check`, own())
  })

  it('sends a test to a phone, and says what is wrong with it', async () => {
    const test = (to: unknown) => ask('POST', `/connections/${ids.smsc}/test`, own(), { to })
    const before = stage.world.patient.messages('sms').length
    expect(TestResult.parse((await test('8 (900) 000-00-01')).json)).toEqual({ ok: true, message: expect.any(String) })
    await until('it has arrived', () => stage.world.patient.messages('sms').length === before + 1)
    // SMSC.ru takes the same words to the same number once a minute.
    expect(TestResult.parse((await test('+79000000001')).json)).toEqual({ ok: false, message: expect.stringMatching(/[а-я].*\.$/) })
    expect(await test('маме')).toMatchObject({ status: 422, json: { code: 'FORM_INVALID', fields: { to: expect.stringMatching(/\+7/) } } })
    for (const to of ['', '   ', null, 7, 'x'.repeat(101)]) expect((await test(to)).status).toBe(422)
    stage.world.messengers.behave('sms', { mode: 'refuses' })
    expect(TestResult.parse((await test('+79000000001')).json)).toMatchObject({ ok: false, message: expect.stringMatching(/[а-я].*\.$/) })
    stage.world.messengers.resetBehaviour('sms')
  })

  it('lists the chats of a bot, and sends a test into one', async () => {
    // Two words into one dialogue a second: the messengers' limits are tested elsewhere.
    for (const messenger of ['telegram', 'max'] as const) stage.world.messengers.behave(messenger, { limits: 'off' })
    await introduce(stage.world.patient, until)
    for (const [id, messenger] of [[ids.telegram, 'telegram'], [ids.max, 'max']] as const) {
      const { chats } = Chats.parse((await ask('GET', `/connections/${id}/chats`, own())).json)
      expect(chats).toEqual([{ id: expect.any(String), name: expect.stringContaining('Иван'), at: expect.any(String) }])
      const before = stage.world.patient.messages(messenger).length
      expect(TestResult.parse((await ask('POST', `/connections/${id}/test`, own(), { to: chats[0]!.id })).json)).toEqual({ ok: true, message: 'Отправлено: посмотрите на телефон.' })
      await until('the test arrived', () => stage.world.patient.messages(messenger).length === before + 1)
    }
    expect(Chats.parse((await ask('GET', `/connections/${ids.smsc}/chats`, own())).json).chats).toEqual([])
  })
})

describe('a route', () => {
  const task = { kind: 'task', minutes: 60 }
  const template = { name: 'appointment_reminder', language: 'ru', parameters: ['{name}', '{text}'] }

  it.each([['en', 'Add at least one step.'], ['ru', 'Добавьте хотя бы один шаг.']] as const)('is refused in the language of the page: %s', async (language, sentence) => {
    const { json } = await ask('POST', '/routes', bearer(stage.world.portal.memberId, { language }), route([]))
    expect(json).toMatchObject({ message: sentence, fields: { steps: sentence } })
  })

  it.each([['minutes', 1.5], ['minutes', '60'], ['minutes', null], ['proof', 'hologram'], ['connectionId', 7], ['kind', 'pigeon']])('with %s = %j is no form', async (name, value) => {
    const { status, json } = await ask('POST', '/routes', own(), route([{ ...smsStep(), [name]: value }]))
    expect([status, json.code]).toEqual([422, 'FORM_INVALID'])
  })

  it('the first is the default, and there is always exactly one', async () => {
    const defaults = async () => (await query<{ name: string }>(stage.app, 'select name from routes where is_default')).map(({ name }) => name)
    const first = Route.parse((await ask('POST', '/routes', own(), route([smsStep()], { name: 'Первый' }))).json)
    expect([first.isDefault, await defaults()]).toEqual([true, ['Первый']])
    const second = Route.parse((await ask('POST', '/routes', own(), route([smsStep(), task], { name: 'Второй', isDefault: true }))).json)
    expect(await defaults()).toEqual(['Второй'])
    // Nobody can leave the robots without a route by unticking it or by deleting it.
    expect((await ask('PUT', `/routes/${second.id}`, own(), route([smsStep()], { name: 'Второй', isDefault: false }))).status).toBe(200)
    expect(await defaults()).toHaveLength(1)
    await ask('PUT', `/routes/${second.id}`, own(), route([smsStep()], { name: 'Второй', isDefault: true }))
    expect((await ask('DELETE', `/routes/${second.id}`, own())).status).toBe(200)
    expect(await defaults()).toEqual(['Первый'])
    const parallel = await Promise.all(Array.from({ length: 6 }, (_, index) => ask('POST', '/routes', own(), route([smsStep()], { name: `Сразу ${index}`, isDefault: true }))))
    expect(parallel.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    expect(await defaults()).toHaveLength(1)
    for (const { json } of parallel) await ask('DELETE', `/routes/${json.id}`, own())
  })

  it('comes back as it was saved, and robots choose from the same list', async () => {
    const steps = usualSteps(ids)
    const id = await saveRoute(admin, steps, 'Полный')
    const saved = Overview.parse((await ask('GET', '/overview', own())).json).routes.find((entry) => entry.id === id)
    expect(saved).toEqual({ id, name: 'Полный', isDefault: true, stopsWhenDealMoves: true, steps })
    const { routes } = RobotSettings.parse((await ask('GET', '/robot-settings', own())).json)
    expect(routes.find((entry) => entry.id === id)).toEqual({ id, name: 'Полный', isDefault: true, summary: expect.stringMatching(/WhatsApp.*→.*→ ☎$/) })
  })

  it('sets the life of its template, and is saved even when the vendor will not have it', async () => {
    stage.world.messengers.behave('whatsapp', { failure: 'unavailable', failing: 'all' })
    const { status } = await ask('POST', '/routes', own(), route([{ ...smsStep(), connectionId: ids.whatsapp, content: { template } }], { name: 'Без срока' }))
    stage.world.messengers.resetBehaviour('whatsapp')
    expect(status).toBe(200)
  })
})
