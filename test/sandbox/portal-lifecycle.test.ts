import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { buildQuery } from '../../sandbox/portal/form.ts'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { allScopes, caller, createManualClock, post, register, type RestAnswer, startApplication, vectors } from './portal-support.ts'

let portal: Portal
let application: Awaited<ReturnType<typeof startApplication>>
let clock: ReturnType<typeof createManualClock>

beforeEach(async () => {
  clock = createManualClock()
  application = await startApplication()
  portal = await startPortal({ clock, limits: { burst: 0 } })
})
afterEach(async () => {
  await portal.close()
  application.close()
})

const authKeys = (name: string): string[] => Object.keys(vectors[name].payload.auth).sort()

const robot = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  CODE: 'cascade_send', HANDLER: `${application.origin}/robot`, AUTH_USER_ID: 1, USE_SUBSCRIPTION: 'Y', NAME: { ru: 'Отправить', en: 'Send' },
  PROPERTIES: { template: { Name: 'Шаблон', Type: 'string', Required: 'Y' }, channels: { Name: 'Каналы', Type: 'string', Multiple: 'Y' }, urgent: { Name: 'Срочно', Type: 'bool', Default: 'N' } },
  RETURN_PROPERTIES: { status: { Name: 'Итог', Type: 'string' }, channel: { Name: 'Канал', Type: 'string' } },
  DOCUMENT_TYPE: ['crm', 'CCrmDocumentDeal', 'DEAL'], ...change,
})

async function installed(): Promise<{ clientId: string, call: (method: string, params?: Record<string, unknown>) => Promise<RestAnswer> }> {
  const { clientId } = register(portal, application.origin)
  portal.finishInstall(clientId)
  return { clientId, call: caller(portal, clientId) }
}

describe('the wire format', () => {
  it.each(Object.keys(vectors).filter((name) => /^(event|robot|sms)\./.test(name)))('%s is what PHP would send', (name) => {
    expect(buildQuery(vectors[name].payload)).toBe(vectors[name].wire.body)
  })

  it('drops what PHP drops', () => {
    expect(buildQuery({ a: null, b: [], c: {}, d: true, e: false, f: ['x'], g: { h: [{ i: "it's (a) test~" }] } }))
      .toBe('d=1&e=0&f%5B0%5D=x&g%5Bh%5D%5B0%5D%5Bi%5D=it%27s+%28a%29+test%7E')
  })
})

describe('installation', () => {
  it.each([['local', 'L', /^local\./], ['market', 'F', /^app\./]] as const)('of a %s application with pages: the administrator opens it, the page finishes', async (shape, status, id) => {
    const { clientId } = register(portal, application.origin, { shape })
    expect(clientId).toMatch(id)
    await expect(portal.openApp(clientId, { userId: 2 })).rejects.toThrow('not fully installed')
    const page = await portal.openApp(clientId)
    expect([page.status, page.html]).toEqual([200, '<!doctype html><p>application</p>'])
    const [request] = application.received
    expect(request!.path).toBe('/install')
    const sample = vectors['placement.crm-deal-detail-tab'].payload
    expect(Object.keys(request!.query)).toEqual(Object.keys(sample.query))
    expect(page.frameName).toBe(`${portal.domain}|0|${request!.query.APP_SID}`)
    expect(Object.keys(request!.form)).toEqual(Object.keys(sample.body).filter((key) => key !== 'PLACEMENT_OPTIONS'))
    expect(request!.form).toMatchObject({ PLACEMENT: 'DEFAULT', status, member_id: portal.memberId, APPLICATION_TOKEN: portal.applicationToken(clientId), APPLICATION_SCOPE: allScopes.join(',') })
    const call = (method: string): Promise<RestAnswer> => post(`${portal.clientEndpoint}${method}`, { auth: request!.form.AUTH_ID })
    expect((await call('app.info')).body.result.INSTALLED).toBe(false)
    portal.finishInstall(clientId)
    expect((await call('app.info')).body.result).toMatchObject({ INSTALLED: true, STATUS: status })
    await portal.openApp(clientId, { userId: 2 })
    expect(application.received[1]!.path).toBe('/app')
  })

  it.each(['local', 'market'] as const)('of a %s application without pages: one ONAPPINSTALL, and it is finished', async (shape) => {
    const { clientId } = register(portal, application.origin, { shape, ui: false })
    await portal.installApp(clientId)
    const [request] = application.received
    expect([request!.path, request!.form.event, request!.form.data]).toEqual(['/install', 'ONAPPINSTALL', { VERSION: '1', ACTIVE: 'Y', INSTALLED: 'Y', LANGUAGE_ID: 'ru' }])
    expect(Object.keys(request!.form.auth).sort()).toEqual(authKeys('event.onappupdate'))
    expect(request!.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })

  it('sends no events before it is finished', async () => {
    const { clientId } = register(portal, application.origin)
    await caller(portal, clientId)('event.bind', { event: 'ONCRMDEALADD', handler: `${application.origin}/event` })
    portal.addDeal({})
    portal.finishInstall(clientId)
    portal.addDeal({})
    await portal.settle()
    expect(application.received.map((one) => one.form.data.FIELDS.ID)).toEqual(['2'])
  })

  it('opens a placement with its options as a JSON string', async () => {
    const { clientId, call } = await installed()
    await call('placement.bind', { PLACEMENT: 'CRM_DEAL_DETAIL_TAB', HANDLER: `${application.origin}/tab`, TITLE: 'Эстафета' })
    const { PLACEMENT_OPTIONS: sample } = vectors['placement.crm-deal-detail-tab'].payload.body
    await portal.openApp(clientId, { placement: 'CRM_DEAL_DETAIL_TAB', options: JSON.parse(sample) })
    expect(application.received[0]).toMatchObject({ path: '/tab', form: { PLACEMENT: 'CRM_DEAL_DETAIL_TAB', PLACEMENT_OPTIONS: sample } })
  })
})

describe('an update of the application', () => {
  it('wipes handlers, robots and tokens and brings new ones with ONAPPUPDATE', async () => {
    const { clientId, call } = await installed()
    const token = portal.applicationToken(clientId)
    await call('event.bind', { event: 'ONAPPUPDATE', handler: `${application.origin}/event` })
    await call('bizproc.robot.add', robot())
    portal.updateApp(clientId)
    await portal.settle()
    const { form } = application.received[0]!
    expect([form.event, form.data]).toEqual(['ONAPPUPDATE', { VERSION: '2', PREVIOUS_VERSION: '1', LANGUAGE_ID: 'ru' }])
    expect(Object.keys(form.auth).sort()).toEqual(authKeys('event.onappupdate'))
    expect(form.auth.application_token).not.toBe(token)
    expect((await call('profile')).status).toBe(401)
    const next = (method: string): Promise<RestAnswer> => post(`${portal.clientEndpoint}${method}`, { auth: form.auth.access_token })
    expect([(await next('event.get')).body.result, (await next('bizproc.robot.list')).body.result]).toEqual([[], []])
    expect((await next('app.info')).body.result.INSTALLED).toBe(false)
  })
})

describe('the removal of the application', () => {
  it.each([true, false])('with CLEAN %s: revoked tokens first, then an event without any', async (clean) => {
    const { clientId, call } = await installed()
    await call('event.bind', { event: 'ONAPPUNINSTALL', handler: `${application.origin}/event` })
    await call('crm.automation.trigger.add', { CODE: 'cl_delivered', NAME: 'Доставлено' })
    portal.uninstallApp(clientId, { clean })
    expect((await call('profile')).status).toBe(401)
    await portal.settle()
    const { form } = application.received[0]!
    expect(form.data).toEqual({ LANGUAGE_ID: 'ru', CLEAN: clean ? '1' : '0' })
    expect(Object.keys(form.auth).sort()).toEqual(['application_token', 'client_endpoint', 'domain', 'member_id', 'server_endpoint'])
    const before = portal.applicationToken(clientId)
    await portal.installApp(clientId)
    expect(portal.applicationToken(clientId)).not.toBe(before)
    const again = caller(portal, clientId)
    expect((await again('event.get')).body.result).toEqual([])
    expect((await again('crm.automation.trigger.list')).body.result).toEqual([{ NAME: 'Доставлено', CODE: 'cl_delivered' }])
  })
})

describe('events', () => {
  it('carry the token of the person who made the change, and none when an automation did', async () => {
    const { call } = await installed()
    await call('event.bind', { event: 'onCrmDealUpdate', handler: `${application.origin}/event` })
    const deal = portal.addDeal({})
    portal.updateDeal(deal.id, { title: 'Приём' }, { userId: 2 })
    await portal.settle()
    portal.updateDeal(deal.id, { stageId: 'PREPARATION' }, 'automation')
    await portal.settle()
    const [person, automation] = application.received.map((one) => one.form)
    expect(Object.keys(person!).sort()).toEqual(['auth', 'data', 'event', 'event_handler_id', 'ts'])
    expect(person).toMatchObject({ event: 'ONCRMDEALUPDATE', data: { FIELDS: { ID: String(deal.id) } }, ts: String(clock.now() / 1000), auth: { user_id: '2' } })
    expect((await post(`${portal.clientEndpoint}profile`, { auth: person!.auth.access_token })).body.result.ID).toBe('2')
    expect(Object.keys(automation!.auth).sort()).toEqual(authKeys('event.oncrmdealadd-no-user-token'))
  })

  it('are bound once per handler, listed and unbound', async () => {
    const { call } = await installed()
    const bound = { event: 'ONCRMCONTACTUPDATE', handler: `${application.origin}/event` }
    expect((await call('event.bind', bound)).body.result).toBe(true)
    expect((await call('event.bind', bound)).body.error_description).toContain('Unable to set event handler')
    expect((await call('event.bind', { ...bound, event: 'ONPATIENTADD' })).body.error).toBe('ERROR_EVENT_NOT_FOUND')
    expect((await call('event.get')).body.result).toEqual([{ ...bound, auth_type: '0', offline: 0 }])
    expect((await call('event.unbind', bound)).body.result).toEqual({ count: 1 })
  })

  it('event.test brings ONAPPTEST with what was sent', async () => {
    const { call } = await installed()
    await call('event.bind', { event: 'ONAPPTEST', handler: `${application.origin}/event` })
    expect((await call('event.test', { any: 'data' })).body.result).toBe(1)
    await portal.settle()
    expect(application.received[0]!.form.data).toEqual({ QUERY: { any: 'data' }, LANGUAGE_ID: 'ru' })
  })

  it('are sent once: an application that fails loses them', async () => {
    const { call } = await installed()
    await call('event.bind', { event: 'ONCRMDEALADD', handler: 'http://127.0.0.1:9/event' })
    portal.addDeal({})
    await portal.settle()
    expect(portal.deliveries.map((one) => [one.what, one.outcome])).toEqual([['ONCRMDEALADD', 'refused']])
  })
})

describe('a robot', () => {
  const run = (order: Record<string, unknown> = {}): any => portal.runRobot({ dealId: portal.world.deals.size || portal.addDeal({}).id, code: 'cascade_send', properties: { template: 'reminder', channels: ['whatsapp', 'sms'] }, timeoutSeconds: 3600, ...order })

  it('is called as the automation does it', async () => {
    const { call } = await installed()
    await call('bizproc.robot.add', robot())
    const started = run()
    await portal.settle()
    const { form } = application.received[0]!
    expect(Object.keys(form)).toEqual(Object.keys(vectors['robot.handler-call'].payload))
    expect(Object.keys(form.auth)).toEqual(Object.keys(vectors['robot.handler-call'].payload.auth))
    expect(form).toMatchObject({
      code: 'cascade_send', document_id: ['crm', 'CCrmDocumentDeal', 'DEAL_1'], document_type: ['crm', 'CCrmDocumentDeal', 'DEAL'], event_token: started.eventToken,
      properties: { template: 'reminder', channels: ['whatsapp', 'sms'], urgent: 'N' }, use_subscription: 'Y', timeout_duration: '3600',
    })
    expect(started.eventToken).toMatch(/^[^|]+\|A\d+_\d+_\d+_\d+\|\w{32}\.[0-9a-f]{64}$/)
  })

  it('waits for its answer, keeps only the declared values, ignores a second answer', async () => {
    const { call } = await installed()
    await call('bizproc.robot.add', robot())
    const started = run()
    expect((await call('bizproc.activity.log', { EVENT_TOKEN: started.eventToken, LOG_MESSAGE: 'WhatsApp: отправлено' })).body.result).toBe(true)
    portal.updateDeal(1, { stageId: 'EXECUTING' })
    expect((await call('bizproc.event.send', { event_token: started.eventToken, return_values: { STATUS: 'delivered', Channel: 'sms', secret: 1 }, log_message: 'Готово' })).body.result).toBe(true)
    expect((await call('bizproc.event.send', { event_token: started.eventToken, return_values: { status: 'late' } })).body.result).toBe(true)
    expect(portal.state({ dealId: 1 }).robotRuns).toEqual([expect.objectContaining({
      answered: true, isTimeout: false, returnValues: { status: 'delivered', channel: 'sms' }, log: ['WhatsApp: отправлено', 'Готово'], lateAnswers: 1, stagesPassed: ['EXECUTING'],
    })])
    expect(await call('bizproc.event.send', { event_token: 'forged', return_values: {} })).toMatchObject({ status: 403, body: { error: 'ACCESS_DENIED' } })
  })

  it('goes on without the answer when its time is over', async () => {
    const { call } = await installed()
    await call('bizproc.robot.add', robot())
    const started = run({ timeoutSeconds: 60 })
    await clock.advance(60_000)
    await call('bizproc.event.send', { event_token: started.eventToken, return_values: { status: 'late' } })
    expect(portal.robotRun(started.eventToken)).toMatchObject({ isTimeout: true, answered: false, returnValues: null, lateAnswers: 1 })
  })

  it('without subscription or without AUTH_USER_ID carries what the portal would send', async () => {
    const { call } = await installed()
    await call('bizproc.robot.add', robot({ USE_SUBSCRIPTION: 'N', AUTH_USER_ID: undefined }))
    run()
    await portal.settle()
    const { form } = application.received[0]!
    expect([form.use_subscription, form.timeout_duration, form.auth.access_token]).toEqual(['N', undefined, undefined])
  })

  it('is refused when the registration is wrong', async () => {
    const { call } = await installed()
    const add = async (change: Record<string, unknown>): Promise<[string, string]> => {
      const { error, error_description } = (await call('bizproc.robot.add', robot(change))).body
      return [error, error_description]
    }
    const invalid = 'ERROR_ACTIVITY_VALIDATION_FAILURE'
    expect(await add({ CODE: 'каскад' })).toEqual([invalid, 'Wrong activity code!'])
    expect(await add({ PROPERTIES: { '1st': { Name: 'x' } } })).toEqual([invalid, 'Wrong property key 1st!'])
    expect(await add({ PROPERTIES: { first: {} } })).toEqual([invalid, 'Empty property NAME first!'])
    expect(await add({ DOCUMENT_TYPE: ['crm', 'CCrmDocumentContact', 'CONTACT'] })).toEqual([invalid, 'Wrong activity DOCUMENT_TYPE!'])
    expect(await add({ FILTER: { INCLUDE: 'b24' } })).toEqual([invalid, 'Wrong activity FILTER!'])
    expect((await add({ HANDLER: 'ftp://127.0.0.1/x' }))[0]).toBe('ERROR_UNSUPPORTED_PROTOCOL')
    expect((await add({ HANDLER: 'https://elsewhere.example/x' }))[0]).toBe('ERROR_HANDLER_URL_MATCH')
    expect((await call('bizproc.robot.add', robot())).body.result).toBe(true)
    expect((await add({}))[0]).toBe('ERROR_ACTIVITY_ALREADY_INSTALLED')
    expect((await call('bizproc.robot.update', { CODE: 'cascade_send', FIELDS: {} })).body.error_description).toBe('No fields to update')
    expect((await call('bizproc.robot.delete', { CODE: 'nobody' })).body.error).toBe('ERROR_ACTIVITY_NOT_FOUND')
  })

  it('opens its settings page and keeps what the page sets', async () => {
    const { call } = await installed()
    await call('bizproc.robot.add', robot({ USE_PLACEMENT: 'Y', PLACEMENT_HANDLER: `${application.origin}/settings` }))
    portal.setRobotValues('cascade_send', { template: 'visit' })
    await portal.openRobotSettings('cascade_send')
    const { path, form } = application.received[0]!
    const options = JSON.parse(form.PLACEMENT_OPTIONS)
    const sample = vectors['placement.robot-settings-options'].payload.decoded.PLACEMENT_OPTIONS
    expect([path, Object.keys(options)]).toEqual(['/settings', Object.keys(sample)])
    expect(Object.keys(options.properties.template)).toEqual(Object.keys(sample.properties.template))
    expect(options.current_values).toEqual({ template: 'visit', channels: '', urgent: 'N' })
    expect(run({ properties: {} }).properties.template).toBe('visit')
  })
})

describe('triggers, senders, connectors', () => {
  it('a trigger moves the deal when the clinic has put it on a stage', async () => {
    const { call } = await installed()
    const deal = portal.addDeal({})
    await call('crm.automation.trigger.add', { CODE: 'cl_delivered', NAME: 'Доставлено' })
    const fire = { CODE: 'cl_delivered', OWNER_TYPE_ID: 2, OWNER_ID: deal.id }
    await call('crm.automation.trigger.execute', fire)
    expect(deal.stageId).toBe('NEW')
    portal.placeTrigger('cl_delivered', 'EXECUTING')
    await call('crm.automation.trigger.execute', fire)
    expect(deal.stageId).toBe('EXECUTING')
    expect(portal.state({ dealId: deal.id }).triggers).toHaveLength(2)
    expect((await call('crm.automation.trigger.execute', { ...fire, CODE: 'unknown' })).body).toMatchObject({ error: '', error_description: 'Trigger not found' })
  })

  it('a message sender gets the form of the documentation and reports statuses', async () => {
    const { call } = await installed()
    await call('messageservice.sender.add', { CODE: 'estafeta', TYPE: 'SMS', HANDLER: `${application.origin}/sms`, NAME: { ru: 'Эстафета' } })
    const messageId = portal.sendSms({ code: 'estafeta', to: '+79000000001', body: 'Ждём вас', contactId: 123 })
    await portal.settle()
    const { form } = application.received[0]!
    expect(Object.keys(form).filter((key) => key !== 'auth')).toEqual(Object.keys(vectors['sms.handler-call-crm'].payload))
    expect(form.bindings).toEqual([{ OWNER_TYPE_ID: '3', OWNER_ID: '123' }])
    expect((await call('messageservice.message.status.update', { CODE: 'estafeta', MESSAGE_ID: messageId, STATUS: 'delivered' })).body.result).toBe(true)
    expect(portal.world.messages.get(messageId)!.status).toBe('delivered')
  })

  it('a connector is on only when it is active and has data', async () => {
    const { call } = await installed()
    const sample = (name: string): any => vectors[`call.imconnector.${name}.ok`]
    expect((await call('imconnector.register', sample('register').request.params)).body.result).toEqual({ result: true })
    const status = async (): Promise<boolean> => (await call('imconnector.status', { CONNECTOR: 'myconnector', LINE: '107' })).body.result.STATUS
    await call('imconnector.activate', { CONNECTOR: 'myconnector', LINE: 107, ACTIVE: '1' })
    expect(await status()).toBe(false)
    await call('imconnector.connector.data.set', sample('connector.data.set').request.params)
    expect(await status()).toBe(true)
    expect(await call('imconnector.register', { NAME: 'x' })).toMatchObject({ status: 200, body: { result: { result: false, error: 'CONNECTOR_ID_REQUIRED' } } })
    expect((await call('imconnector.unregister', { ID: 'myconnector' })).body.result).toEqual({ result: true })
  })

  it('a placement is bound once and its removal is counted twice', async () => {
    const { call } = await installed()
    const tab = { PLACEMENT: 'CRM_CONTACT_DETAIL_TAB', HANDLER: `${application.origin}/tab` }
    expect((await call('placement.bind', { ...tab, TITLE: 'Эстафета' })).body.result).toBe(true)
    expect((await call('placement.bind', tab)).body.error_description).toContain('already binded')
    expect(await call('placement.bind', { PLACEMENT: 'CRM_DEAL_DETAIL_TAB' })).toMatchObject({ status: 200, body: { error: 'ERROR_ARGUMENT', argument: 'HANDLER' } })
    expect((await call('placement.bind', { ...tab, PLACEMENT: 'NOWHERE' })).body.error).toBe('ERROR_PLACEMENT_NOT_FOUND')
    expect((await call('placement.get')).body.result).toEqual([expect.objectContaining({ placement: tab.PLACEMENT, handler: tab.HANDLER, title: 'Эстафета' })])
    expect((await call('placement.unbind', { PLACEMENT: tab.PLACEMENT })).body.result).toEqual({ count: 2 })
  })
})

describe('the pages and the control over HTTP', () => {
  const text = async (path: string): Promise<string> => (await fetch(portal.origin + path)).text()
  const send = async (method: string, path: string, body?: unknown): Promise<any> => (await fetch(`${portal.origin}/sandbox${path}`, {
    method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })).json()

  it('embed the application in a frame that the SDK accepts', async () => {
    const { clientId, call } = await installed()
    await call('placement.bind', { PLACEMENT: 'CRM_DEAL_DETAIL_TAB', HANDLER: `${application.origin}/tab`, TITLE: 'Эстафета' })
    const deal = portal.addDeal({ title: '<b>Приём</b>', contactId: portal.addContact({ name: 'Иван' }).id })
    for (const path of [`/app/${clientId}/`, `/crm/deal/details/${deal.id}/?tab=0`]) {
      const [, name, sid] = /"frameName":"([^"]+\|0\|([0-9a-f]{32}))"/.exec(await text(path))!
      expect(name).toBe(`${portal.domain}|0|${sid}`)
      const init = await send('GET', `/frames/${sid}/init`)
      expect(Object.keys(init)).toEqual(expect.arrayContaining(Object.keys(JSON.parse(String(vectors['frame.handshake-transcript'].payload.exchange[1].data).slice(37)))))
      const renewed = await send('POST', `/frames/${sid}/refresh`)
      expect((await post(`${portal.clientEndpoint}profile`, { auth: renewed.AUTH_ID })).status).toBe(200)
    }
    expect(await text(`/crm/deal/details/${deal.id}/`)).not.toContain('<b>Приём</b>')
    expect(await text(`/crm/contact/details/${String(deal.contactId)}/`)).toContain('Иван')
    expect((await fetch(`${portal.origin}/crm/deal/details/999/`)).status).toBe(404)
  })

  it('install through the frame: setInstall, setInstallFinish', async () => {
    const { clientId } = register(portal, application.origin)
    const [, sid] = /"appSid":"(\w+)"/.exec(await text(`/app/${clientId}/`))!
    expect(await send('GET', `/frames/${sid}/init`)).toMatchObject({ INSTALL: true, FIRST_RUN: true })
    await send('POST', `/frames/${sid}/install`)
    expect(await send('GET', `/frames/${sid}/init`)).toMatchObject({ INSTALL: true, FIRST_RUN: false })
    await send('POST', `/frames/${sid}/install-finish`)
    expect(portal.state({}).app!.installed).toBe(true)
  })

  it('change the clinic, and the handlers hear of it', async () => {
    const { call } = await installed()
    for (const event of ['ONCRMCONTACTADD', 'ONCRMDEALADD', 'ONCRMDEALUPDATE', 'ONCRMDEALDELETE']) await call('event.bind', { event, handler: `${application.origin}/event` })
    const contact = await send('POST', '/contacts', { name: 'Иван', phones: ['+79000000001'] })
    const deal = await send('POST', '/deals', { title: 'Приём', contactId: contact.id })
    await send('PATCH', `/deals/${deal.id}`, { stageId: 'EXECUTING', byAutomation: true })
    expect(await send('GET', `/state?dealId=${deal.id}`)).toMatchObject({ deal: { stageName: 'Подтверждён' }, contact: { phones: ['+79000000001'] } })
    await send('DELETE', `/deals/${deal.id}`)
    await portal.settle()
    // The queue keeps no order.
    expect(application.received.map((one) => `${String(one.form.event)} ${one.form.auth.access_token ? 'with' : 'without'} token`).sort()).toEqual([
      'ONCRMCONTACTADD with token', 'ONCRMDEALADD with token', 'ONCRMDEALDELETE with token', 'ONCRMDEALUPDATE without token',
    ])
    expect((await send('PATCH', '/deals/999', { title: 'x' })).error).toContain('There is no deal 999')
  })

  it('run a robot and say why one cannot run', async () => {
    const { call } = await installed()
    await call('bizproc.robot.add', robot())
    const deal = portal.addDeal({})
    const { eventToken } = await send('POST', '/robot', { dealId: deal.id, code: 'cascade_send', properties: { template: 'x' } })
    expect(portal.robotRun(eventToken)).toMatchObject({ dealId: deal.id })
    expect((await send('POST', '/robot', { dealId: deal.id, code: 'cascade_send' })).error).toContain('"template" is required')
    expect((await send('POST', '/robot', { dealId: deal.id, code: 'nobody' })).error).toContain('nobody')
  })
})
