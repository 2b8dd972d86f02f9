import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { connectMessengers, installApplication, openPage, saveRoute } from '../../sandbox/administrator.ts'
import { type AppSpec } from '../../sandbox/portal/portal.ts'
import { manifestScopes } from '../../sandbox/application.ts'
import { readConfig } from '../../src/config.ts'
import { startApp, type App } from '../../src/app.ts'
import { createLog } from '../../src/log.ts'
import { portalId } from '../../src/domain/ids.ts'
import { cloneDatabase } from '../support/database.ts'
import { count, inboxIsEmpty, postForm, query, refillBudget, startStage, until, type Stage } from './support.ts'

const events = '/bitrix/events'
let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(async () => {
  await stage.stop()
})

beforeEach(async () => {
  await refillBudget(stage.app)
})

const portal = () => stage.world.portal
const member = () => portalId(portal().memberId)
const storedToken = async (): Promise<string> => {
  const [row] = await query<{ application_token: string }>(stage.app, 'select application_token from portals')
  return stage.app.deps.secrets.open(row!.application_token)
}
/** The form of a page that the portal would post, to be changed by a forger. */
const pageForm = (change: Record<string, string | undefined> = {}, userId = 1): string => {
  const tokens = portal().issueTokens(stage.app.clientId, userId)
  const fields: Record<string, string | undefined> = {
    AUTH_ID: tokens.accessToken, AUTH_EXPIRES: '3600', REFRESH_ID: tokens.refreshToken, SERVER_ENDPOINT: portal().serverEndpoint,
    APPLICATION_TOKEN: portal().applicationToken(stage.app.clientId), APPLICATION_SCOPE: 'crm', member_id: portal().memberId, status: 'L', PLACEMENT: 'DEFAULT', ...change,
  }
  return new URLSearchParams(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString()
}
const openRaw = async (page: string, body: string, domain = portal().domain) => postForm(stage.app.origin, `/placements/${page}?DOMAIN=${domain}&PROTOCOL=0&LANG=ru&APP_SID=${'a'.repeat(32)}`, body)
const everything = async () => ({
  events: portal().world.apps.get(stage.app.clientId)!.eventHandlers.map(({ event }) => event).sort(),
  robots: [...portal().world.apps.get(stage.app.clientId)!.robots.keys()],
  triggers: portal().world.apps.get(stage.app.clientId)!.triggers.size,
})
/** What the manifest asks for: the one list of them. */
const manifestEvents = [...(JSON.parse(readFileSync(path.join(import.meta.dirname, '../../manifest.json'), 'utf8')) as { events: { names: string[] } }).events.names].sort()
const complete = { events: manifestEvents, robots: ['estafeta_send'], triggers: 8 }

describe('before anybody installed it', () => {
  it.each(['dashboard', 'robot-settings'])('the page %s says whom to ask', async (page) => {
    const reply = await openRaw(page, pageForm())
    expect(reply.status).toBe(401)
    expect(reply.body).toContain('попросите администратора установить')
    expect(await count(stage.app, 'portals')).toBe(0)
  })

  it('the OAuth server that a forged page names is never called', async () => {
    let calls = 0
    const attacker = createServer((_request, response) => {
      calls++
      response.end('{}')
    })
    await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(attacker.address() as AddressInfo).port}`
    const reply = await openRaw('install', pageForm({ SERVER_ENDPOINT: `http://${host}/rest/` }), host)
    expect(reply.status).toBe(403)
    const install = `event=ONAPPINSTALL&ts=1&auth%5Bmember_id%5D=${portal().memberId}&auth%5Brefresh_token%5D=r&auth%5Bapplication_token%5D=t&auth%5Bclient_endpoint%5D=http%3A%2F%2F${host}%2Frest%2F&auth%5Bserver_endpoint%5D=http%3A%2F%2F${host}%2Frest%2F&auth%5Bdomain%5D=${host}`
    expect((await postForm(stage.app.origin, events, install)).status).toBe(200)
    await inboxIsEmpty(stage.app)
    expect([calls, await count(stage.app, 'portals')]).toEqual([0, 0])
    attacker.close()
  })

  it('a forged installation is set aside at once, not tried again and again', async () => {
    const body = `event=ONAPPINSTALL&ts=2&auth%5Bmember_id%5D=${'e'.repeat(32)}&auth%5Brefresh_token%5D=forged&auth%5Bapplication_token%5D=t`
    expect((await postForm(stage.app.origin, events, body)).status).toBe(200)
    await inboxIsEmpty(stage.app)
    const rows = await query(stage.app, `select state, reason, sealed, tries from inbox where source = 'events:${'e'.repeat(32)}'`)
    expect(rows).toEqual([{ state: 'unreadable', reason: expect.stringMatching(/[а-я]/), sealed: null, tries: 0 }])
  })

  it('keys of another portal install nothing here', async () => {
    const reply = await openRaw('install', pageForm({ member_id: 'd'.repeat(32) }))
    expect([reply.status, await count(stage.app, 'portals')]).toEqual([403, 0])
    expect(reply.body).toContain('другому порталу')
  })

  it('an ordinary user cannot be the one who installs', async () => {
    const reply = await openRaw('install', pageForm({}, 2))
    expect([reply.status, await count(stage.app, 'portals')]).toEqual([403, 0])
  })

  it.each([
    ['the OAuth server is away', { kind: 'oauth_error' }, 503],
    ['the OAuth server refuses', { kind: 'oauth_invalid_grant' }, 403],
    ['the portal is overloaded', { kind: 'query_limit', method: 'profile' }, 503],
    ['the portal is broken', { kind: 'internal_error', method: 'profile' }, 503],
    ['the method is used up', { kind: 'operation_limit', method: 'profile' }, 503],
    ['the connection breaks', { kind: 'drop_before', method: 'profile' }, 503],
  ] as const)('while %s the page says to repeat, and repeating works', async (_, rule, status) => {
    portal().misbehave(rule)
    const reply = await openRaw('install', pageForm())
    portal().behave()
    expect(reply.status).toBe(status)
    expect(reply.body).toMatch(/[а-я]{3,}/)
    expect(reply.body).not.toMatch(/stack|Error|at .*\.ts/)
    // A method that was used up is left alone for a while.
    await refillBudget(stage.app)
    expect((await openRaw('install', pageForm())).status).toBe(200)
    await query(stage.app, 'delete from portals')
  })
})

describe('an installation with pages', () => {
  it('registers everything and is told so line by line', async () => {
    await installApplication(stage.app, portal())
    await portal().settle()
    await inboxIsEmpty(stage.app)
    expect(await everything()).toEqual(complete)
    const [row] = await query(stage.app, 'select portal_id, domain, state, language, time_zone, problems from portals')
    expect(row).toEqual({ portal_id: portal().memberId, domain: portal().domain, state: 'installed', language: 'ru', time_zone: expect.stringMatching(/\//), problems: [] })
    expect(portal().refusedCalls()).toEqual([])
  })

  it('shows the frame to the portal only', async () => {
    const page = await portal().openApp(stage.app.clientId)
    expect(page.headers['content-security-policy']).toContain(portal().domain)
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.headers['x-frame-options']).toBeUndefined()
    expect(page.headers['set-cookie']).toBeUndefined()
  })

  it('repeated changes nothing', async () => {
    const administrator = await openPage(stage.app, portal())
    const before = portal().world.apps.get(stage.app.clientId)!.eventHandlers.map(({ id }) => id)
    for (let turn = 0; turn < 2; turn++) expect((await administrator.call('POST', '/install')).body).toMatchObject({ ok: true })
    expect(await everything()).toEqual(complete)
    expect(portal().world.apps.get(stage.app.clientId)!.eventHandlers.map(({ id }) => id)).toEqual(before)
  })

  it('lets an ordinary user look and not change', async () => {
    const user = await openPage(stage.app, portal(), { userId: 2 })
    const overview = await user.call('GET', '/overview')
    expect([overview.status, overview.body.user.isAdmin]).toEqual([200, false])
    expect((await user.call('GET', '/robot-settings')).status).toBe(200)
    for (const [method, path] of [['POST', '/install'], ['POST', '/connections'], ['PUT', '/connections/1'], ['DELETE', '/connections/1'], ['POST', '/connections/1/check'], ['GET', '/connections/1/chats'], ['POST', '/connections/1/test'], ['POST', '/routes'], ['PUT', '/routes/1'], ['DELETE', '/routes/1']] as const) {
      expect([path, await user.call(method, path, method === 'GET' ? undefined : {})]).toEqual([path, { status: 403, body: { code: 'ADMIN_REQUIRED', message: expect.stringMatching(/администратор/) } }])
    }
  })

  it.each([
    ['a wrong application token', { APPLICATION_TOKEN: '0'.repeat(32) }, 1],
    ['no application token', { APPLICATION_TOKEN: undefined }, 1],
    ['another portal', { member_id: 'c'.repeat(32) }, 1],
    ['a token of nobody', { AUTH_ID: 'f'.repeat(70) }, 1],
    ['no token', { AUTH_ID: undefined }, 1],
  ])('a page with %s is refused', async (_, change, userId) => {
    const reply = await openRaw('dashboard', pageForm(change, userId))
    expect(reply.status).toBe(401)
    expect(reply.body).not.toContain('estafeta-boot"')
  })

  it('a page that names an attacker as the portal calls nobody but the portal', async () => {
    let calls = 0
    const attacker = createServer((_request, response) => {
      calls++
      response.end('{}')
    })
    await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(attacker.address() as AddressInfo).port}`
    await openRaw('dashboard', pageForm(), host)
    await openRaw('install', pageForm({ APPLICATION_TOKEN: 'x', SERVER_ENDPOINT: `http://${host}/rest/` }), host)
    await openRaw('install', pageForm({ AUTH_ID: 'wrong', SERVER_ENDPOINT: `http://${host}/rest/` }), host)
    expect(calls).toBe(0)
    attacker.close()
  })

  it('an ordinary user cannot replace the application token, neither by a page nor by an event', async () => {
    const before = await storedToken()
    const reply = await openRaw('install', pageForm({ APPLICATION_TOKEN: 'mine' }, 2))
    expect(reply.status).toBe(403)
    const { accessToken, refreshToken } = portal().issueTokens(stage.app.clientId, 2)
    const forged = new URLSearchParams({
      event: 'ONAPPINSTALL', ts: '3', 'data[VERSION]': '1', 'auth[member_id]': portal().memberId, 'auth[application_token]': 'mine', 'auth[access_token]': accessToken, 'auth[refresh_token]': refreshToken, 'auth[server_endpoint]': portal().serverEndpoint,
    })
    await postForm(stage.app.origin, events, forged.toString())
    await inboxIsEmpty(stage.app)
    expect(await storedToken()).toBe(before)
    expect(await count(stage.app, 'portal_tokens', `user_id = '2' and is_admin`)).toBe(0)
  })
})

describe('tokens', () => {
  const profile = async (app: Pick<App, 'deps'> = stage.app) => app.deps.portalClient(member()).call('profile')

  it('F29 that expired in the middle are refreshed, and the call is repeated', async () => {
    portal().expireAccessTokens(stage.app.clientId)
    expect((await profile()).result).toMatchObject({ ADMIN: true })
    portal().misbehave({ kind: 'expired_token', method: 'profile' })
    expect((await profile()).result).toMatchObject({ ADMIN: true })
  })

  it('F28 are refreshed once for two processes and many calls', async () => {
    const second = await startSecond()
    try {
      const [before] = await query<{ xmin: string; refresh_token: string }>(stage.app, `select refresh_token from portal_tokens where user_id = '1'`)
      portal().expireAccessTokens(stage.app.clientId)
      portal().misbehave({ kind: 'oauth_slow', ms: 150, times: 1 })
      const exchanges = portal().oauthExchanges
      const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => profile(index % 2 === 0 ? stage.app : second)))
      expect(answers.map(({ result }) => (result as { ADMIN: boolean }).ADMIN)).toEqual(Array.from({ length: 12 }, () => true))
      expect(portal().oauthExchanges - exchanges).toBe(1)
      const [after] = await query<{ refresh_token: string }>(stage.app, `select refresh_token from portal_tokens where user_id = '1'`)
      expect(after!.refresh_token).not.toBe(before!.refresh_token)
    } finally {
      await second.stop()
    }
  })

  it('of a second administrator are used when the first is dismissed', async () => {
    const other = portal().addUser({ name: 'Ольга', admin: true })
    await openPage(stage.app, portal(), { userId: other.id })
    await openPage(stage.app, portal())
    expect(await count(stage.app, 'portal_tokens', 'is_admin and is_valid')).toBe(2)
    portal().updateUser(1, { active: false })
    expect((await profile()).result).toMatchObject({ ID: String(other.id) })
    expect(await query(stage.app, 'select user_id, is_valid from portal_tokens where is_admin order by user_id')).toEqual([{ user_id: '1', is_valid: false }, { user_id: String(other.id), is_valid: true }])
    const [row] = await query(stage.app, 'select state from portals')
    expect(row).toEqual({ state: 'installed' })
    portal().updateUser(1, { active: true })
    portal().updateUser(other.id, { admin: false })
    await openPage(stage.app, portal())
  })

  it('that no longer work leave the portal waiting for its administrator, who repairs it by opening the page', async () => {
    await query(stage.app, 'update portal_tokens set is_valid = false')
    await expect(profile()).rejects.toMatchObject({ action: 'reinstall' })
    await openPage(stage.app, portal())
    expect((await profile()).result).toMatchObject({ ADMIN: true })
  })
})

describe('a portal that was renamed', () => {
  it('is found at its new address by the application and by its pages', async () => {
    const administrator = await openPage(stage.app, portal())
    const old = portal().domain
    await portal().rename()
    expect(portal().domain).not.toBe(old)
    // Nobody has called the portal since: a person who opens a page is not sent away.
    const again = await openPage(stage.app, portal())
    expect((await again.call('GET', '/overview')).body.portal.domain).toBe(portal().domain)
    expect((await administrator.call('POST', '/install')).body).toMatchObject({ ok: true })
  })
})

describe('an update and an uninstall', () => {
  it('an update brings a new application token and the registrations back; settings stay', async () => {
    const administrator = await openPage(stage.app, portal())
    const ids = await connectMessengers(administrator, stage.world)
    await saveRoute(administrator, [{ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} }, { kind: 'task', minutes: 60 }])
    const before = await storedToken()
    portal().updateApp(stage.app.clientId)
    await portal().settle()
    await inboxIsEmpty(stage.app)
    expect(await storedToken()).toBe(portal().applicationToken(stage.app.clientId))
    expect(await storedToken()).not.toBe(before)
    expect(await everything()).toEqual(complete)
    expect([await count(stage.app, 'connections'), await count(stage.app, 'routes')]).toEqual([4, 1])
    portal().finishInstall(stage.app.clientId)
    await portal().settle()
    await inboxIsEmpty(stage.app)
    expect((await query(stage.app, 'select version from portals'))[0]).toEqual({ version: '2' })
  })

  it('an uninstall stops what is running and keeps the settings; a new installation finds them', async () => {
    stage.world.messengers.behave('sms', { mode: 'silent' })
    stage.world.runRobot({ text: 'Ждём вас завтра' })
    await until('the SMS left', async () => (await count(stage.app, 'attempts', `state = 'out'`)) === 1)
    portal().uninstallApp(stage.app.clientId)
    await portal().settle()
    await inboxIsEmpty(stage.app)
    expect(await query(stage.app, 'select status, stop_reason from deliveries')).toEqual([{ status: 'stopped', stop_reason: 'appRemoved' }])
    expect(await query(stage.app, 'select state from portals')).toEqual([{ state: 'uninstalled' }])
    expect(await count(stage.app, 'portal_tokens')).toBe(0)
    expect([await count(stage.app, 'connections'), await count(stage.app, 'routes')]).toEqual([4, 1])

    await portal().installApp(stage.app.clientId)
    await installApplication(stage.app, portal())
    await portal().settle()
    await inboxIsEmpty(stage.app)
    const administrator = await openPage(stage.app, portal())
    const { body } = await administrator.call('GET', '/overview')
    expect([body.portal.state, body.connections.length, body.routes.length]).toEqual(['installed', 4, 1])
    expect(await everything()).toEqual(complete)
  })

  it('F24 a late uninstall of the earlier installation does not touch the new one', async () => {
    const old = portal().applicationToken(stage.app.clientId)
    const late = new URLSearchParams({ event: 'ONAPPUNINSTALL', ts: '1700000500', 'data[CLEAN]': '1', 'auth[member_id]': portal().memberId, 'auth[application_token]': old })
    // The application has just heard of the portal, with the token of that time.
    await postForm(stage.app.origin, events, `event=ONAPPTEST&ts=1700000400&auth%5Bmember_id%5D=${portal().memberId}&auth%5Bapplication_token%5D=${old}`)
    portal().uninstallApp(stage.app.clientId)
    await portal().settle()
    await inboxIsEmpty(stage.app)
    await portal().installApp(stage.app.clientId)
    await installApplication(stage.app, portal())
    await postForm(stage.app.origin, events, late.toString())
    await inboxIsEmpty(stage.app)
    expect(await query(stage.app, 'select state from portals')).toEqual([{ state: 'installed' }])
    expect(await count(stage.app, 'connections')).toBe(4)
  })

  it('an uninstall and an installation that arrive together do not block each other', async () => {
    const app = portal().world.apps.get(stage.app.clientId)!
    const { accessToken, refreshToken } = portal().issueTokens(stage.app.clientId)
    const auth = { 'auth[member_id]': portal().memberId, 'auth[server_endpoint]': portal().serverEndpoint }
    const uninstall = new URLSearchParams({ event: 'ONAPPUNINSTALL', ts: '1700000600', 'data[CLEAN]': '0', ...auth, 'auth[application_token]': app.applicationToken })
    const install = new URLSearchParams({ event: 'ONAPPINSTALL', ts: '1700000601', 'data[VERSION]': '3', ...auth, 'auth[application_token]': 'b2'.repeat(16), 'auth[access_token]': accessToken, 'auth[refresh_token]': refreshToken })
    app.applicationToken = 'b2'.repeat(16)
    const replies = await Promise.all([uninstall, install].map((form) => postForm(stage.app.origin, events, form.toString())))
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
    await inboxIsEmpty(stage.app)
    expect(await storedToken()).toBe('b2'.repeat(16))
    expect(await query(stage.app, 'select state, version from portals')).toEqual([{ state: 'installed', version: '3' }])
  })

  it('an uninstall with "delete data" leaves nothing', async () => {
    const webhooks = stage.world.messengers.calls({ messenger: 'telegram' }).length
    portal().uninstallApp(stage.app.clientId, { clean: true })
    await portal().settle()
    await until('the portal is gone', async () => (await count(stage.app, 'portals')) === 0)
    for (const table of ['portal_tokens', 'connections', 'routes', 'deliveries', 'attempts', 'identities', 'outbox', 'parked_receipts', 'patient_messages', 'lines', 'dialogs', 'messages', 'chat_queue', 'identity_log', 'start_links', 'appointments', 'api_keys']) expect([table, await count(stage.app, table)]).toEqual([table, 0])
    expect(await count(stage.app, 'inbox', `portal_id is not null`)).toBe(0)
    expect(stage.world.messengers.calls({ messenger: 'telegram' }).slice(webhooks).map(({ method }) => method)).toContain('deletewebhook')
    expect((await openRaw('dashboard', pageForm())).status).toBe(401)
  })
})

describe('an installation without pages', () => {
  it.each(['local', 'market'] as const)('of the %s kind needs nothing but the event', async (shape) => {
    const spec: AppSpec = { shape, ui: false, name: 'Эстафета', scopes: manifestScopes(), handlerUrl: 'http://127.0.0.1/', installUrl: 'http://127.0.0.1/' }
    const { clientId, clientSecret } = portal().registerApp(spec)
    const database = await cloneDatabase()
    const second = await startSecond({ DATABASE_URL: database.url, BITRIX_CLIENT_ID: clientId, BITRIX_CLIENT_SECRET: clientSecret })
    try {
      const app = portal().world.apps.get(clientId)!
      Object.assign(app, { handlerUrl: `${second.origin!}${events}`, installUrl: `${second.origin!}${events}` })
      const isComplete = (): boolean => app.robots.size === 1 && app.eventHandlers.length === manifestEvents.length && app.triggers.size === 8
      await portal().installApp(clientId)
      await until('everything is registered', isComplete)
      await inboxIsEmpty(second)
      expect(await query(second, 'select state, language, problems from portals')).toEqual([{ state: 'installed', language: 'ru', problems: [] }])
      portal().updateApp(clientId)
      await until('everything is registered again', isComplete)
      await inboxIsEmpty(second)
      const [row] = await query<{ application_token: string }>(second, 'select application_token from portals')
      expect(second.deps.secrets.open(row!.application_token)).toBe(app.applicationToken)
    } finally {
      await second.stop()
      await database.drop()
    }
  })
})

/** A second process of the application: on the same database unless told otherwise. */
const startSecond = async (env: Record<string, string> = {}): Promise<App> => {
  const { databaseUrl, secret, bitrix } = stage.app.deps.config
  const config = readConfig({
    PORT: '0', DATABASE_URL: databaseUrl, DATABASE_POOL: '6', APP_SECRET: secret, BITRIX_CLIENT_ID: bitrix.clientId, BITRIX_CLIENT_SECRET: bitrix.clientSecret, BITRIX_OAUTH_URLS: portal().oauthOrigin, ...env,
  })
  return startApp(config, createLog('silent'))
}
