import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { connectMessengers, credentialsOf, openPage, saveRoute, usualSteps, type Administrator, type ConnectionIds } from '../../sandbox/administrator.ts'
import { saveConnection, saveRoute as storeRoute } from '../../src/db/connections.ts'
import { deriveKey } from '../../src/db/secrets.ts'
import { connectionId, portalId, routeId } from '../../src/domain/ids.ts'
import { createSessions, sessionMinutes } from '../../src/http/portal-session.ts'
import { ApiError, Connection, Overview, RobotSettings, Route } from '../../src/http/schemas.ts'
import { count, inboxIsEmpty, query, raw, refillBudget, startInstalledStage, until } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let administrator: Administrator
let ids: ConnectionIds
beforeAll(async () => {
  stage = await startInstalledStage()
  administrator = stage.administrator
  ids = await connectMessengers(administrator, stage.world)
})
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

const form = (channel: string): ReturnType<typeof credentialsOf>[number] => credentialsOf(stage.world).find((one) => one.channel === channel)!
const withCredentials = (channel: string, change: Record<string, string>): unknown => ({ ...form(channel), credentials: { ...form(channel).credentials, ...change } })
const stored = async (id: string): Promise<Record<string, string>> => {
  const [row] = await query<{ credentials: string }>(stage.app, `select credentials from connections where connection_id = '${id}'`)
  return JSON.parse(stage.app.deps.secrets.open(row!.credentials)) as Record<string, string>
}
const sentence = expect.stringMatching(/^[А-ЯЁA-Z«].*[а-яё].*[.]$/)
const sessionsAt = (at: number, secret = stage.app.deps.config.secret) => createSessions(deriveKey(secret, 'sessions'), () => at)
const claims = (change: object = {}) => ({ portalId: portalId(stage.world.portal.memberId), userId: '1', isAdmin: true, ...change })
const overviewAs = async (authorization?: string): Promise<{ status: number; body: any }> => {
  const reply = await raw(stage.app.origin, '/api/overview', { headers: authorization === undefined ? {} : { authorization } })
  return { status: reply.status, body: JSON.parse(reply.body) }
}

describe('a session', () => {
  const refused = { status: 401, body: { code: 'SESSION_INVALID', message: sentence } }

  it('of the page opens the API for an hour', async () => {
    expect((await overviewAs(`Bearer ${sessionsAt(Date.now()).issue(claims())}`)).status).toBe(200)
    expect((await overviewAs(`Bearer ${sessionsAt(Date.now() - (sessionMinutes - 1) * 60_000).issue(claims())}`)).status).toBe(200)
    expect(await overviewAs(`Bearer ${sessionsAt(Date.now() - (sessionMinutes + 1) * 60_000).issue(claims())}`)).toEqual(refused)
  })

  it('that is missing, torn, forged or of another secret opens nothing', async () => {
    const [payload, signature] = sessionsAt(Date.now()).issue(claims({ isAdmin: false })).split('.')
    const promoted = sessionsAt(Date.now()).issue(claims()).split('.')[0]!
    const wrong = [undefined, '', 'Bearer', 'Bearer .', `Bearer ${payload!}`, `Bearer ${payload!}.`, `Bearer .${signature!}`, `Bearer ${promoted}.${signature!}`, `Bearer ${payload!}.${signature!}x`, `Bearer ${sessionsAt(Date.now(), 'another-secret-another-secret-123').issue(claims())}`]
    for (const authorization of wrong) expect([authorization, await overviewAs(authorization)]).toEqual([authorization, refused])
    for (const [method, path] of [['GET', 'robot-settings'], ['POST', 'install'], ['POST', 'connections'], ['PUT', 'connections/1'], ['DELETE', 'connections/1'], ['POST', 'connections/1/check'], ['POST', 'connections/1/test'], ['GET', 'connections/1/chats'], ['POST', 'routes'], ['PUT', 'routes/1'], ['DELETE', 'routes/1']] as const) {
      expect([method, path, (await raw(stage.app.origin, `/api/${path}`, { method })).status]).toEqual([method, path, 401])
    }
  })

  it('of an ordinary user looks without seeing settings, and changes nothing', async () => {
    const user = await openPage(stage.app, stage.world.portal, { userId: 2 })
    const { body } = await user.call('GET', '/overview')
    for (const connection of Overview.parse(body).connections) expect(connection).toMatchObject({ values: {}, secretsSet: [], hookUrl: '' })
    for (const [method, path, given] of [['POST', '/connections', form('smsc')], ['DELETE', `/connections/${ids.smsc}`, undefined], ['POST', `/connections/${ids.smsc}/test`, { to: '+79000000001' }], ['GET', `/connections/${ids.telegram}/chats`, undefined], ['POST', '/routes', {}], ['POST', '/install', undefined]] as const) {
      expect(await user.call(method, path, given)).toEqual({ status: 403, body: { code: 'ADMIN_REQUIRED', message: sentence } })
    }
    expect(await count(stage.app, 'connections')).toBe(4)
  })
})

describe('connections', () => {
  it('are shown without any secret, to the administrator too', async () => {
    const { body } = await administrator.call('GET', '/overview')
    const { connections, channels } = Overview.parse(body)
    expect(connections.map(({ channel, state }) => [channel, state])).toEqual([['whatsapp', 'working'], ['telegram', 'working'], ['max', 'working'], ['smsc', 'working']])
    for (const connection of connections) {
      const secretFields = channels.find(({ id }) => id === connection.channel)!.fields.filter(({ secret }) => secret).map(({ name }) => name)
      const entered = form(connection.channel).credentials
      expect(connection.secretsSet.toSorted()).toEqual(secretFields.filter((name) => entered[name] !== undefined).toSorted())
      for (const name of secretFields) {
        expect(connection.values).not.toHaveProperty(name)
        if (entered[name] !== undefined) expect(JSON.stringify(body)).not.toContain(entered[name])
      }
    }
  })

  it.each<[string, Record<string, string>, string]>([
    ['whatsapp', { phoneNumberId: 'number' }, 'phoneNumberId'],
    ['whatsapp', { appSecret: '' }, 'appSecret'],
    ['telegram', { botToken: 'not a token' }, 'botToken'],
    ['max', { token: '' }, 'token'],
    ['smsc', { apiKey: '' }, 'apiKey'],
    ['max', { baseUrl: 'ftp://max.example' }, 'baseUrl'],
  ])('of %s with %j are refused by a sentence at the field', async (channel, change, field) => {
    const { status, body } = await administrator.call('POST', '/connections', withCredentials(channel, change))
    expect([status, ApiError.parse(body)]).toEqual([422, { code: 'FORM_INVALID', message: sentence, fields: expect.objectContaining({ [field]: sentence }) }])
    expect(await count(stage.app, 'connections')).toBe(4)
  })

  it.each<[string, Record<string, string>]>([
    ['whatsapp', { accessToken: 'EAAwrongAccessToken' }],
    ['telegram', { botToken: '7999999999:AAwrongTelegramTokenWrongTelegram12' }],
    ['max', { token: 'wrong-max-token' }],
    ['smsc', { apiKey: 'wrong-smsc-key' }],
  ])('of %s that the vendor does not know are refused, told why, and leave nothing behind', async (channel, change) => {
    const { status, body } = await administrator.call('POST', '/connections', withCredentials(channel, change))
    expect([status, ApiError.parse(body)]).toEqual([422, { code: 'CHANNEL_REFUSED', message: sentence }])
    for (const secret of Object.values(change)) expect(JSON.stringify(body)).not.toContain(secret)
    expect(await count(stage.app, 'connections')).toBe(4)
  })

  it.each([[{}], [{ channel: 'pigeon', name: 'Голубь', credentials: {} }], [{ channel: 'max', name: ' ', credentials: {} }], [{ channel: 'max', name: 'x'.repeat(81), credentials: {} }], [{ channel: 'max', name: 'MAX', credentials: { token: 1 } }], [{ channel: 'max', name: 'MAX', credentials: {}, portalId: 'other' }], [null], ['text']])('of the form %j are FORM_INVALID', async (body) => {
    expect(await administrator.call('POST', '/connections', body)).toMatchObject({ status: 422, body: { code: 'FORM_INVALID', message: sentence } })
  })

  it('keep a secret that the update leaves out or empty, and take a new name', async () => {
    const before = await stored(ids.max)
    const open = Object.fromEntries(Object.entries(before).filter(([name]) => name !== 'token'))
    for (const credentials of [open, { ...open, token: '', webhookSecret: ' ' }]) {
      const { status, body } = await administrator.call('PUT', `/connections/${ids.max}`, { channel: 'max', name: 'MAX клиники', credentials })
      expect([status, Connection.parse(body)]).toEqual([200, expect.objectContaining({ id: ids.max, name: 'MAX клиники', state: 'working', secretsSet: ['token'] })])
      expect(await stored(ids.max)).toEqual(before)
    }
  })

  it('stay as they were when an update is refused', async () => {
    const before = await stored(ids.telegram)
    expect((await administrator.call('PUT', `/connections/${ids.telegram}`, withCredentials('telegram', { botToken: '7999999999:AAwrongTelegramTokenWrongTelegram12' }))).status).toBe(422)
    expect(await stored(ids.telegram)).toEqual(before)
    expect((await query(stage.app, `select state from connections where connection_id = '${ids.telegram}'`))[0]).toEqual({ state: 'working' })
  })

  it('are deleted only while no route needs them, and then their webhook is taken away', async () => {
    const added = await administrator.call('POST', '/connections', { ...form('max'), name: 'Второй MAX' })
    const route = await administrator.call('POST', '/routes', { name: 'С ним', isDefault: false, stopsWhenDealMoves: false, steps: [{ kind: 'channel', connectionId: added.body.id, proof: 'acted', minutes: 5, content: {} }] })
    expect(route.status).toBe(200)
    expect(await administrator.call('DELETE', `/connections/${added.body.id}`)).toEqual({ status: 409, body: { code: 'CONFLICT', message: expect.stringContaining('«С ним»') } })
    expect(await administrator.call('DELETE', `/routes/${route.body.id}`)).toEqual({ status: 200, body: {} })
    expect(stage.world.accounts.max.subscriptions.map(({ url }) => url)).toContain(added.body.hookUrl)
    expect(await administrator.call('DELETE', `/connections/${added.body.id}`)).toEqual({ status: 200, body: {} })
    expect(stage.world.accounts.max.subscriptions.map(({ url }) => url)).not.toContain(added.body.hookUrl)
    expect((await administrator.call('DELETE', `/connections/${added.body.id}`)).status).toBe(404)
  })

  it('are checked: what works says so, what broke says what to do and is repaired by the next check', async () => {
    const check = async () => administrator.call('POST', `/connections/${ids.telegram}/check`)
    const stateOf = async () => (await query(stage.app, `select state from connections where connection_id = '${ids.telegram}'`))[0]
    expect(await check()).toMatchObject({ status: 200, body: { ok: true, message: sentence, title: expect.stringMatching(/./) } })
    stage.world.messengers.behave('telegram', { failure: 'unavailable', failing: 'all' })
    expect(await check()).toMatchObject({ status: 200, body: { ok: false, message: sentence } })
    expect(await stateOf()).toEqual({ state: 'working' })
    stage.world.messengers.behave('telegram', { failure: 'unauthorized', failing: 'all' })
    expect(await check()).toMatchObject({ status: 200, body: { ok: false, message: sentence, details: [] } })
    expect(await stateOf()).toEqual({ state: 'broken' })
    stage.world.messengers.resetBehaviour('telegram')
    expect((await check()).body.ok).toBe(true)
    expect(await stateOf()).toEqual({ state: 'working' })
  })
})

describe('a test message', () => {
  it('reaches the phone, and a chat of the bot that wrote to it', async () => {
    const { patient } = stage.world
    expect((await administrator.call('GET', `/connections/${ids.telegram}/chats`)).body).toEqual({ chats: [] })
    patient.start('telegram')
    await until('the bot was written to', () => patient.messages('telegram').some(({ direction }) => direction === 'received'))
    await inboxIsEmpty(stage.app)
    const { chats } = (await administrator.call('GET', `/connections/${ids.telegram}/chats`)).body
    expect(chats).toEqual([{ id: String(patient.patient.telegramId), name: expect.stringMatching(/./), at: expect.stringMatching(/^\d{4}-.*Z$/) }])
    for (const [id, messenger, to] of [[ids.telegram, 'telegram', chats[0].id], [ids.smsc, 'sms', '8 (900) 000-00-01']] as const) {
      expect(await administrator.call('POST', `/connections/${id}/test`, { to })).toEqual({ status: 200, body: { ok: true, message: sentence } })
      await until('it is on the phone', () => patient.messages(messenger).some(({ text, arrivedAt }) => text.startsWith('Проверка связи') && arrivedAt !== undefined))
    }
  })

  it('to what is no phone is refused at the field; what the vendor refuses is told', async () => {
    expect(await administrator.call('POST', `/connections/${ids.smsc}/test`, { to: 'Иван' })).toEqual({ status: 422, body: { code: 'FORM_INVALID', message: sentence, fields: { to: sentence } } })
    expect(await administrator.call('POST', `/connections/${ids.smsc}/test`, {})).toMatchObject({ status: 422, body: { code: 'FORM_INVALID', fields: { to: sentence } } })
    expect(await administrator.call('POST', `/connections/${ids.telegram}/test`, { to: '999' })).toEqual({ status: 200, body: { ok: false, message: sentence } })
  })
})

describe('routes', () => {
  const draft = (steps: unknown[], change: object = {}) => ({ name: 'Маршрут', isDefault: false, stopsWhenDealMoves: true, steps, ...change })
  const sms = (change: object = {}) => ({ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {}, ...change })
  const telegram = (change: object = {}) => ({ kind: 'channel', connectionId: ids.telegram, proof: 'acted', minutes: 60, content: {}, ...change })
  const task = { kind: 'task', minutes: 60 }

  it('that can work are saved as given; the first one and the latest default are the only default', async () => {
    const first = await administrator.call('POST', '/routes', draft([sms()]))
    expect(Route.parse(first.body)).toEqual({ id: expect.stringMatching(/./), ...draft([sms()]), isDefault: true })
    const id = await saveRoute(administrator, usualSteps(ids))
    const settings = RobotSettings.parse((await administrator.call('GET', '/robot-settings')).body)
    expect(settings.routes.map(({ id: one, isDefault }) => [one, isDefault])).toEqual([[first.body.id, false], [id, true]])
    expect(settings.routes[1]!.summary).toMatch(/^WhatsApp клиники → .* → SMS → ☎$/)
    expect(await administrator.call('PUT', `/routes/${first.body.id}`, draft([telegram(), sms()], { name: 'Иначе' }))).toEqual({ status: 200, body: { id: first.body.id, ...draft([telegram(), sms()], { name: 'Иначе' }) } })
    expect(await count(stage.app, 'routes')).toBe(2)
  })

  it.each<[string, () => unknown[], string, RegExp]>([
    ['nothing in it', () => [], 'steps', /хотя бы один/],
    ['too many steps', () => Array.from({ length: 11 }, () => task), 'steps', /не больше десяти/],
    ['a connection that is gone', () => [sms(), telegram({ connectionId: 'gone' })], 'steps.1', /больше нет/],
    ['a proof that never comes', () => [telegram({ proof: 'delivered' })], 'steps.0', /никогда/],
    ['buttons where there are none', () => [telegram(), sms({ content: { buttons: true } })], 'steps.1', /нет кнопок/],
    ['a first message that WhatsApp does not allow', () => [{ kind: 'channel', connectionId: ids.whatsapp, proof: 'delivered', minutes: 5, content: {} }], 'steps.0', /шаблон/],
    ['a task that is not the last', () => [task, sms()], 'steps.0', /последним/],
    ['no time', () => [sms({ minutes: 0 })], 'steps.0', /от 1 минуты/],
    ['a step of more than a week', () => [sms(), { ...task, minutes: 7 * 24 * 60 + 1 }], 'steps.1', /7 дней/],
    ['the same messenger twice', () => [sms(), telegram(), sms()], 'steps.2', /дважды/],
    ['a text longer than an SMS', () => [sms({ content: { text: 'я'.repeat(1500) } })], 'steps.0', /длиннее/],
  ])('with %s are refused at the step', async (_, steps, key, words) => {
    const before = await count(stage.app, 'routes')
    const { status, body } = await administrator.call('POST', '/routes', draft(steps()))
    expect([status, ApiError.parse(body)]).toEqual([422, { code: 'ROUTE_IMPOSSIBLE', message: sentence, fields: expect.objectContaining({ [key]: expect.stringMatching(words) }) }])
    expect(await count(stage.app, 'routes')).toBe(before)
  })

  it('over a broken connection are refused, with every reason at its own step', async () => {
    await query(stage.app, `update connections set state = 'broken' where connection_id = '${ids.smsc}'`)
    const { status, body } = await administrator.call('POST', '/routes', draft([telegram({ minutes: 0 }), sms()]))
    await query(stage.app, `update connections set state = 'working' where connection_id = '${ids.smsc}'`)
    expect([status, body.code, Object.keys(body.fields).sort()]).toEqual([422, 'ROUTE_IMPOSSIBLE', ['steps.0', 'steps.1']])
  })

  it('of a wrong form are FORM_INVALID and name the field', async () => {
    const shapes: [unknown, string][] = [[draft([sms()], { name: ' ' }), 'name'], [draft([sms({ proof: 'hoped' })]), 'steps.0.proof'], [draft([sms({ minutes: 1.5 })]), 'steps.0.minutes'], [draft([{ kind: 'pigeon' }]), 'steps.0.kind'], [{}, 'steps'], [null, 'body']]
    for (const [body, field] of shapes) expect([field, await administrator.call('POST', '/routes', body)]).toEqual([field, { status: 422, body: { code: 'FORM_INVALID', message: sentence, fields: expect.objectContaining({ [field]: sentence }) } }])
  })

  it('that nobody has are not found', async () => {
    expect(await administrator.call('PUT', '/routes/nobody', draft([sms()]))).toEqual({ status: 404, body: { code: 'NOT_FOUND', message: sentence } })
    expect(await administrator.call('DELETE', '/routes/nobody')).toEqual({ status: 404, body: { code: 'NOT_FOUND', message: sentence } })
  })
})

describe('what belongs to another portal', () => {
  const other = portalId('9'.repeat(32))
  const [connection, route] = ['another-connection', 'another-route']
  beforeAll(async () => {
    const { db, secrets } = stage.app.deps
    await query(stage.app, `insert into portals select (jsonb_populate_record(p, jsonb_build_object('portal_id', '${other}', 'domain', 'other.example'))).* from portals p limit 1`)
    await saveConnection(db, { portalId: other, id: connectionId(connection), channel: 'smsc', name: 'Чужая SMS', state: 'working', problem: undefined, sealedCredentials: secrets.seal(JSON.stringify(form('smsc').credentials)), hookKey: 'another-hook-key', title: 'SMS', details: [], checkedAt: undefined })
    await db.transaction().execute(async (trx) => storeRoute(trx, other, { id: routeId(route), name: 'Чужой', isDefault: true, stopsWhenDealMoves: false, steps: [{ kind: 'task', minutes: 1 }] }))
  })

  it('is neither shown nor found, nor changed', async () => {
    const notFound = { status: 404, body: { code: 'NOT_FOUND', message: sentence } }
    const before = await query(stage.app, `select * from connections where portal_id = '${other}'`)
    const body = { name: 'Моё', isDefault: false, stopsWhenDealMoves: true, steps: [{ kind: 'task', minutes: 1 }] }
    for (const [method, path, given] of [['PUT', `/connections/${connection}`, form('smsc')], ['DELETE', `/connections/${connection}`, undefined], ['POST', `/connections/${connection}/check`, undefined], ['POST', `/connections/${connection}/test`, { to: '+79000000001' }], ['GET', `/connections/${connection}/chats`, undefined], ['PUT', `/routes/${route}`, body], ['DELETE', `/routes/${route}`, undefined]] as const) {
      expect([method, path, await administrator.call(method, path, given)]).toEqual([method, path, notFound])
    }
    expect((await administrator.call('POST', '/routes', { ...body, steps: [{ kind: 'channel', connectionId: connection, proof: 'delivered', minutes: 5, content: {} }] })).body).toMatchObject({ code: 'ROUTE_IMPOSSIBLE', fields: { 'steps.0': expect.stringMatching(/больше нет/) } })
    for (const path of ['/overview', '/robot-settings']) expect(JSON.stringify((await administrator.call('GET', path)).body)).not.toMatch(/Чуж|another-|other\.example/)
    expect(await query(stage.app, `select * from connections where portal_id = '${other}'`)).toEqual(before)
    expect(await query(stage.app, `select name, is_default from routes where portal_id = '${other}'`)).toEqual([{ name: 'Чужой', is_default: true }])
  })
})

describe('the operator', () => {
  it('learns that it lives, that it is ready, and what it counted', async () => {
    const get = async (path: string) => raw(stage.app.origin, path)
    expect(JSON.parse((await get('/healthz')).body)).toEqual({ status: 'ok' })
    expect([(await get('/readyz')).status, JSON.parse((await get('/readyz')).body)]).toEqual([200, { status: 'ready' }])
    await raw(stage.app.origin, '/bitrix/events', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'event=ONAPPTEST' })
    const metrics = await get('/metrics')
    expect(metrics.headers['content-type']).toContain('text/plain')
    expect(metrics.body).toMatch(/^estafeta_refused_total\{.*\} [1-9]/m)
    for (const line of metrics.body.trimEnd().split('\n')) expect(line).toMatch(/^[a-z_]+(\{[^{}]*\})? -?[\d.]+$/)
    expect(metrics.body).not.toMatch(/9000000001|Иван/)
  })

  it('is answered in the same words for an address that is not there and a body that is none', async () => {
    expect(JSON.parse((await raw(stage.app.origin, '/api/nothing')).body)).toEqual({ code: 'NOT_FOUND', message: sentence })
    const broken = await raw(stage.app.origin, '/api/routes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
    expect([broken.status, JSON.parse(broken.body)]).toEqual([400, { code: 'FORM_INVALID', message: sentence }])
    const large = await raw(stage.app.origin, '/api/routes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: Buffer.alloc(5 * 1024 * 1024, 32) })
    expect([large.status, JSON.parse(large.body)]).toEqual([413, { code: 'BODY_TOO_LARGE', message: sentence }])
  })
})
