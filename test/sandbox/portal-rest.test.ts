import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { findMethod, methodNames } from '../../sandbox/portal/catalogue.ts'
import { added, applicationOnly, notApplicationOnly, notParams, params, scopes } from '../../sandbox/portal/catalogue-overlay.ts'
import { handlers } from '../../sandbox/portal/methods/index.ts'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { caller, goodLayout, post, register, type RestAnswer, vectors } from './portal-support.ts'

let portal: Portal
let clientId: string
let call: (method: string, params?: Record<string, unknown>) => Promise<RestAnswer>
let colleague: typeof call
const app = 'http://127.0.0.1:9'

beforeEach(async () => {
  portal = await startPortal({ limits: { burst: 0 } })
  ;({ clientId } = register(portal, app))
  call = caller(portal, clientId)
  colleague = caller(portal, clientId, 2)
})
afterEach(() => portal.close())

const errorOf = ({ status, body }: RestAnswer): unknown => ({ status, error: body.error, error_description: body.error_description })

describe('the catalogue', () => {
  it('knows every documented method and plays only documented ones', () => {
    expect(methodNames().length).toBeGreaterThanOrEqual(564)
    expect(Object.keys(handlers).filter((name) => findMethod(name)?.name !== name)).toEqual([])
  })

  it('corrects only methods that exist', () => {
    const corrected = [...Object.keys(params), ...Object.keys(notParams), ...Object.keys(scopes), ...applicationOnly, ...notApplicationOnly]
    expect(corrected.filter((name) => findMethod(name) === undefined)).toEqual([])
    expect(Object.keys(added).every((name) => findMethod(name)?.source !== undefined)).toBe(true)
  })
})

describe('the strict portal', () => {
  it('refuses a method that the documentation does not know', async () => {
    expect(errorOf(await call('crm.item.lsit'))).toEqual({ status: 404, ...vectors['error.method-not-found'].response.body })
  })

  it('says loudly that it does not play a documented method', async () => {
    const answer = await call('crm.lead.list')
    expect(answer).toMatchObject({ status: 501, body: { error: 'ERROR_SANDBOX_NOT_IMPLEMENTED' } })
    expect(portal.refusedCalls()).toHaveLength(1)
  })

  it('refuses an unknown parameter and names the known ones', async () => {
    const answer = await call('crm.item.get', { entityTypeId: 2, id: 1, fields: [] })
    expect(answer.status).toBe(400)
    expect(answer.body.error_description).toContain("Unknown parameter 'fields'")
  })

  it('refuses a missing required parameter, also one that the table of the page had lost', async () => {
    expect(errorOf(await call('crm.item.update', { entityTypeId: 2, fields: {} })))
      .toEqual({ status: 400, error: '100', error_description: 'Could not find value for parameter {id}' })
  })

  it('refuses a value of another type', async () => {
    expect((await call('crm.item.get', { entityTypeId: 'deal', id: 1 })).body.error_description).toContain('Should be value of type integer')
  })

  it('folds the case of parameters in old methods and not in new ones', async () => {
    expect((await call('event.bind', { EVENT: 'onCrmDealUpdate', Handler: `${app}/e` })).body.result).toBe(true)
    expect((await call('crm.item.get', { ENTITYTYPEID: 2, id: 1 })).status).toBe(400)
  })

  it('refuses a method whose scope the application was not granted', async () => {
    const other = register(portal, app, { scopes: ['im'] })
    expect((await caller(portal, other.clientId)('crm.item.list', { entityTypeId: 3 }))).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } })
  })

  it('refuses an administrator\'s method to an employee', async () => {
    expect(await colleague('bizproc.robot.list')).toMatchObject({ status: 400, body: { error: 'ACCESS_DENIED', error_description: 'Access denied!' } })
    expect(await colleague('placement.get')).toMatchObject({ status: 403, body: { error: 'ACCESS_DENIED' } })
  })

  it('refuses an application\'s method to a webhook, each family in its own words', async () => {
    const hook = portal.addWebhook({ userId: 1, scopes: ['crm', 'imopenlines', 'placement', 'bizproc'] })
    const cases: Record<string, string> = {
      'imconnector.register': 'call.imconnector.register.webhook-denied', 'placement.unbind': 'call.placement.unbind.err', 'app.info': 'call.app.info.err',
      'crm.automation.trigger.add': 'call.crm.automation.trigger.add.err', 'imconnector.send.status.delivery': 'call.imconnector.send.status.delivery.err',
    }
    for (const [method, vector] of Object.entries(cases)) {
      const { response } = vectors[vector]
      expect({ method, ...errorOf(await post(hook + method, {})) as object }).toEqual({ method, status: response.httpStatus, ...response.body })
    }
    expect((await post(`${hook}user.admin`, {})).body.result).toBe(true)
    expect((await post(`${hook}crm.activity.configurable.add`, { ownerTypeId: 2, ownerId: 1, fields: {}, layout: {} })).body.error).toBe('ERROR_WRONG_CONTEXT')
  })

  it('refuses a call without a known token', async () => {
    const { response } = vectors['error.no-auth-found']
    expect(errorOf(await post(`${portal.clientEndpoint}profile`, {}))).toEqual({ status: response.httpStatus, ...response.body })
    expect((await post(`${portal.clientEndpoint}profile`, { auth: 'f'.repeat(70) })).body.error).toBe('NO_AUTH_FOUND')
  })

  it('reads urlencoded bodies and queries, collapses slashes, lets browsers in', async () => {
    const { accessToken } = portal.issueTokens(clientId)
    const contact = portal.addContact({ name: 'Иван' })
    const form = await fetch(`${portal.clientEndpoint}/crm.item.list.json`, {
      method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `auth=${accessToken}&entityTypeId=3&filter%5B%40id%5D%5B0%5D=${contact.id}&select%5B%5D=name`,
    })
    expect(((await form.json()) as any).result.items).toEqual([{ id: contact.id, name: 'Иван' }])
    const query = await fetch(`${portal.clientEndpoint}profile?auth=${accessToken}`)
    expect(query.headers.get('access-control-allow-origin')).toBe('*')
    const options = await fetch(`${portal.clientEndpoint}profile`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('access-control-allow-headers')]).toEqual([204, expect.stringContaining('content-type')])
  })

  it('answers with the time of execution and the operating figures', async () => {
    expect((await call('server.time')).body.time).toEqual({
      start: expect.any(Number), finish: expect.any(Number), duration: expect.any(Number), processing: expect.any(Number),
      date_start: expect.any(String), date_finish: expect.any(String), operating_reset_at: expect.any(Number), operating: expect.any(Number),
    })
  })
})

describe('errors as the pages print them', () => {
  const provocations: Record<string, [method: string, params: Record<string, unknown>]> = {
    'call.bizproc.activity.add.err': ['bizproc.activity.add', { HANDLER: `${app}/r`, NAME: 'x' }],
    'call.bizproc.robot.add.err': ['bizproc.robot.add', { HANDLER: `${app}/r`, NAME: 'x' }],
    'call.crm.activity.configurable.add.err': ['crm.activity.configurable.add', { ownerTypeId: 2, ownerId: 999, fields: {}, layout: goodLayout() }],
    'call.crm.automation.trigger.execute.err': ['crm.automation.trigger.execute', { CODE: 'x', OWNER_TYPE_ID: 3, OWNER_ID: 1 }],
    'call.crm.duplicate.findbycomm.err': ['crm.duplicate.findbycomm', { values: ['1'] }],
    'call.crm.item.list.err': ['crm.item.list', { entityTypeId: 3, filter: { FIELD: 1 } }],
    'call.crm.item.update.err': ['crm.item.update', { entityTypeId: 12, id: 1, fields: {} }],
    'call.crm.timeline.comment.add.err': ['crm.timeline.comment.add', { fields: { ENTITY_ID: 1, ENTITY_TYPE: 'patient', COMMENT: 'x' } }],
    'call.feature.get.err': ['feature.get', {}],
    'call.imconnector.activate.err': ['imconnector.activate', { CONNECTOR: 'x', LINE: 1, ACTIVE: '' }],
    'call.imconnector.connector.data.set.err': ['imconnector.connector.data.set', { CONNECTOR: 'x', LINE: 1 }],
    'call.imconnector.status.err': ['imconnector.status', { LINE: 1 }],
    'call.messageservice.message.status.update.err': ['messageservice.message.status.update', { CODE: 'x', MESSAGE_ID: 'y', STATUS: 'eaten' }],
    'call.messageservice.sender.add.err': ['messageservice.sender.add', { TYPE: 'SMS', HANDLER: `${app}/s`, NAME: 'x' }],
    'call.messageservice.sender.update.err': ['messageservice.sender.update', { CODE: 'x' }],
    'call.crm.automation.trigger.err': ['crm.automation.trigger', { code: 'x' }],
    'call.imconnector.update.messages.err': ['imconnector.update.messages', { CONNECTOR: 'x', MESSAGES: [{}] }],
    'call.imconnector.delete.messages.err': ['imconnector.delete.messages', { LINE: 1, MESSAGES: [{}] }],
  }
  it.each(Object.keys(provocations))('%s', async (name) => {
    const [method, given] = provocations[name]!
    const { response } = vectors[name]
    expect(errorOf(await call(method, given))).toEqual({ status: response.httpStatus, ...response.body })
  })

  it.each(['imconnector.list', 'event.offline.get'])('%s to an employee', async (method) => {
    const { response } = vectors[`call.${method}.err`]
    expect(errorOf(await colleague(method))).toEqual({ status: response.httpStatus, ...response.body })
  })
})

describe('crm.item', () => {
  it('adds, reads, lists and changes contacts with their multifields', async () => {
    const added = await call('crm.item.add', { entityTypeId: 3, fields: { name: 'Иван', lastName: 'Тестов', fm: [{ typeId: 'PHONE', valueType: 'MOBILE', value: '+79000000001' }] } })
    const { id, fm } = added.body.result.item
    expect(fm).toEqual([{ id: expect.any(Number), typeId: 'PHONE', valueType: 'MOBILE', value: '+79000000001' }])
    await call('crm.item.update', { entityTypeId: 3, id, fields: { fm: { n0: { typeId: 'IM', valueType: 'IMOL', value: 'imol|x|1|2|3' }, n1: { value: 'lost: no typeId' }, [fm[0].id]: { typeId: 'PHONE', value: '' } } } })
    const item = (await call('crm.item.get', { entityTypeId: 3, id })).body.result.item
    expect(item.fm).toEqual([expect.objectContaining({ typeId: 'IM' })])
    expect(item).toMatchObject({ hasPhone: 'N', hasImol: 'Y', imol: 'imol|x|1|2|3' })
    const found = await call('crm.item.list', { entityTypeId: 3, filter: { '=imol': 'imol|x|1|2|3' }, select: ['id', 'imol'] })
    expect(found.body).toMatchObject({ result: { items: [{ id, imol: 'imol|x|1|2|3' }] }, total: 1 })
    const whole = await call('crm.item.list', { entityTypeId: 3 })
    expect(whole.body.result.items[0].fm).toBeUndefined()
    expect((await call('crm.contact.get', { ID: id })).body.result).toMatchObject({ ID: String(id), NAME: 'Иван', HAS_IMOL: 'Y' })
  })

  it('pages by fifty and does not count with start -1', async () => {
    for (let index = 0; index < 120; index++) portal.addContact({ name: `Имя${index}` })
    const first = await call('crm.item.list', { entityTypeId: 3, select: ['id'], order: { id: 'DESC' } })
    expect([first.body.result.items.length, first.body.result.items[0].id, first.body.next, first.body.total]).toEqual([50, 120, 50, 120])
    const last = await call('crm.item.list', { entityTypeId: 3, select: ['id'], start: 100 })
    expect([last.body.result.items.length, last.body.next]).toEqual([20, undefined])
    const uncounted = await call('crm.item.list', { entityTypeId: 3, select: ['id'], start: -1, filter: { '>id': 90 }, order: { id: 'ASC' } })
    expect([uncounted.body.result.items.length, uncounted.body.total]).toEqual([30, undefined])
  })

  it('filters by prefixes and finds the deals of a contact', async () => {
    const [one, two] = [portal.addContact({ name: 'А' }), portal.addContact({ name: 'Б' })]
    const deals = [portal.addDeal({ contactId: one.id }), portal.addDeal({ contactIds: [two.id, one.id] }), portal.addDeal({ contactId: two.id, stageId: 'WON' })]
    const ids = async (filter: unknown): Promise<number[]> => (await call('crm.item.list', { entityTypeId: 2, filter, select: ['id'] })).body.result.items.map((item: any) => item.id)
    expect(await ids({ contactId: one.id })).toEqual([deals[0]!.id, deals[1]!.id])
    expect(await ids({ '!stageSemanticId': ['S', 'F'] })).toEqual([deals[0]!.id, deals[1]!.id])
    expect(await ids({ '@id': [deals[2]!.id, deals[0]!.id] })).toEqual([deals[0]!.id, deals[2]!.id])
    expect(await ids({ 'logic': 'OR', '0': { id: deals[0]!.id }, '1': { '>=id': deals[2]!.id } })).toEqual([deals[0]!.id, deals[2]!.id])
  })

  it('finds contacts by any spelling of a phone, and an empty answer is a list', async () => {
    const contact = portal.addContact({ phones: ['+7 900 000-00-01'] })
    const find = async (values: string[]): Promise<unknown> => (await call('crm.duplicate.findbycomm', { type: 'PHONE', entity_type: 'CONTACT', values })).body.result
    expect(await find(['89000000001'])).toEqual({ CONTACT: [contact.id] })
    expect(await find(['+79990000000'])).toEqual([])
  })

  it('refuses fields that do not exist, are read only or hold an impossible value', async () => {
    const deal = portal.addDeal({})
    const change = async (fields: object): Promise<string> => (await call('crm.item.update', { entityTypeId: 2, id: deal.id, fields })).body.error
    expect(await change({ STAGE_ID: 'WON' })).toBe('INVALID_ARG_VALUE')
    expect(await change({ closed: 'Y' })).toBe('INVALID_ARG_VALUE')
    expect(await change({ stageId: 'EATEN' })).toBe('CRM_FIELD_ERROR_VALUE_NOT_VALID')
    expect(await change({ contactIds: 5 })).toBe('100')
    expect((await call('crm.item.get', { entityTypeId: 2, id: 999 })).body.error).toBe('NOT_FOUND')
  })

  it('tells the stages of a funnel with their meaning', async () => {
    const stages = (await call('crm.status.list', { filter: { ENTITY_ID: 'DEAL_STAGE' }, order: { SORT: 'ASC' } })).body.result
    expect(stages.map((stage: any) => [stage.STATUS_ID, stage.SEMANTICS])).toEqual([['NEW', null], ['PREPARATION', null], ['EXECUTING', null], ['WON', 'S'], ['LOSE', 'F']])
    expect((await call('crm.category.list', { entityTypeId: 2 })).body.result.categories).toEqual([expect.objectContaining({ id: 0, isDefault: 'Y' })])
  })
})

describe('the journal', () => {
  it('keeps method, parameters and answer of every call and never a token', async () => {
    const { accessToken } = portal.issueTokens(clientId)
    await post(`${portal.clientEndpoint}crm.item.list`, { auth: accessToken, entityTypeId: 3, filter: { name: accessToken } })
    await call('nope')
    const http = async (query: string): Promise<any> => (await fetch(`${portal.origin}/sandbox/calls${query}`)).json()
    const { calls, after } = await http('')
    expect(calls).toHaveLength(2)
    expect(calls[0]).toMatchObject({ method: 'crm.item.list', params: { entityTypeId: 3, filter: { name: '[token]' } }, status: 200, clientId, userId: 1 })
    expect(JSON.stringify(calls)).not.toContain(accessToken)
    expect((await http(`?after=${after}`)).calls).toEqual([])
    expect((await http('?refused=1')).calls.map((one: any) => one.method)).toEqual(['nope'])
  })
})
