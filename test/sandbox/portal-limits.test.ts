import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { caller, post, register, type RestAnswer, startApplication, vectors } from './portal-support.ts'

let portal: Portal
let clientId: string
let call: (method: string, params?: Record<string, unknown>) => Promise<RestAnswer>

beforeEach(async () => {
  portal = await startPortal({ limits: { burst: 0 } })
  ;({ clientId } = register(portal, 'http://127.0.0.1:9'))
  call = caller(portal, clientId)
})
afterEach(() => portal.close())

describe('a batch', () => {
  const batch = async (cmd: unknown, halt: unknown = 0): Promise<any> => (await call('batch', { cmd, halt })).body.result

  it('answers 200 with lists where a PHP map is empty, whatever went wrong inside', async () => {
    const bare = caller(portal, register(portal, 'http://127.0.0.1:9', { scopes: ['im'] }).clientId)
    for (const name of ['call.batch.all-failed-halt0', 'call.batch.all-failed-halt1']) {
      const cmd = vectors['call.batch.all-failed-halt0'].request.params.cmd
      const { status, body } = await bare('batch', { halt: vectors[name].request.params.halt, cmd })
      const expected = structuredClone(vectors[name].response.body.result)
      // department.get is refused for its scope; the texts of inner refusals are filled here.
      for (const error of Object.values<any>(expected.result_error)) error.error_description = expect.any(String)
      expect({ status, result: body.result }).toEqual({ status: 200, result: expected })
    }
  })

  it('runs fifty commands and refuses the rest, refuses a batch inside', async () => {
    const cmd = Object.fromEntries(Array.from({ length: 52 }, (_, index) => [`c${index}`, 'server.time']))
    const result = await batch(cmd)
    expect(Object.keys(result.result)).toHaveLength(50)
    expect(result.result_error).toMatchObject({ c50: { error: 'ERROR_BATCH_LENGTH_EXCEEDED' }, c51: { error: 'ERROR_BATCH_LENGTH_EXCEEDED' } })
    expect((await batch({ a: 'batch?cmd[x]=profile' })).result_error.a.error).toBe('ERROR_BATCH_METHOD_NOT_ALLOWED')
  })

  it('stops at the first failure with halt and goes on without', async () => {
    const cmd = { a: 'profile', b: 'nope', c: 'profile' }
    expect(Object.keys((await batch(cmd, 1)).result)).toEqual(['a'])
    expect(Object.keys((await batch(cmd, 0)).result)).toEqual(['a', 'c'])
  })

  it('gives earlier results to later commands, typed when they stand alone', async () => {
    const contact = portal.addContact({ name: 'Иван' })
    portal.addDeal({ contactId: contact.id })
    const result = await batch({
      deal: 'crm.item.get?entityTypeId=2&id=1',
      contacts: 'crm.item.list?entityTypeId=3&filter[@id]=$result[deal][item][contactIds]',
      named: 'crm.item.add?entityTypeId=3&fields[name]=copy of $result[contacts][items][0][name]',
    })
    expect(result.result.contacts.items).toHaveLength(1)
    expect(result.result.named.item.name).toBe('copy of Иван')
    expect(result.result_total).toEqual({ contacts: 1 })
    expect(Object.keys(result.result_time)).toEqual(['deal', 'contacts', 'named'])
  })

  it('takes a list of commands and answers with a list', async () => {
    expect((await batch(['user.admin', 'user.admin'])).result).toEqual([true, true])
  })

  it('is strict with each command', async () => {
    expect((await batch({ a: 'crm.item.get?entityTypeId=3' })).result_error.a).toEqual({ error: '100', error_description: 'Could not find value for parameter {id}' })
    expect(portal.refusedCalls()).toEqual([expect.objectContaining({ method: 'crm.item.get', command: 'a', batch: expect.any(Number) })])
  })
})

describe('limits', () => {
  it('lets fifty requests pass at once and more only as the bucket leaks', async () => {
    Object.assign(portal.limits, { burst: 50, leakPerSecond: 0 })
    const answers = await Promise.all(Array.from({ length: 53 }, () => call('server.time')))
    const refused = answers.filter((answer) => answer.status !== 200)
    expect(refused).toHaveLength(3)
    expect(refused[0]).toEqual({ status: 503, body: vectors['error.query-limit'].response.body })
    portal.limits.leakPerSecond = 1_000_000
    expect((await call('server.time')).status).toBe(200)
  })

  it('counts a batch as one request', async () => {
    Object.assign(portal.limits, { burst: 2, leakPerSecond: 0 })
    const cmd = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`c${index}`, 'server.time']))
    expect([(await call('batch', { cmd })).status, (await call('batch', { cmd })).status, (await call('batch', { cmd })).status]).toEqual([200, 200, 503])
  })

  it('blocks a method that has used up its operating time, that one only', async () => {
    portal.limits.costSeconds['crm.item.list'] = 241
    for (let index = 0; index < 2; index++) expect((await call('crm.item.list', { entityTypeId: 3 })).status).toBe(200)
    const blocked = await call('crm.item.list', { entityTypeId: 3 })
    expect(blocked).toEqual({ status: 429, body: vectors['error.operation-time-limit'].response.body })
    const inner = await call('batch', { cmd: { a: 'crm.item.list?entityTypeId=3', b: 'profile' } })
    expect(inner.body.result.result_error.a.error).toBe('OPERATION_TIME_LIMIT')
    expect(inner.body.result.result.b.ID).toBe('1')
  })

  it('tells how much operating time is used and when it is given back', async () => {
    portal.limits.costSeconds['crm.item.list'] = 100
    const { time } = (await call('crm.item.list', { entityTypeId: 3 })).body
    expect(time.operating).toBeCloseTo(100)
    expect(time.operating_reset_at).toBeGreaterThan(Date.now() / 1000 + 500)
  })
})

describe('misbehaviour', () => {
  it.each([
    ['expired_token', 401, 'expired_token'], ['query_limit', 503, 'QUERY_LIMIT_EXCEEDED'], ['operation_limit', 429, 'OPERATION_TIME_LIMIT'],
    ['internal_error', 500, 'INTERNAL_SERVER_ERROR'], ['portal_deleted', 500, 'PORTAL_DELETED'], ['overload', 503, 'OVERLOAD_LIMIT'], ['empty_error', 400, ''],
  ] as const)('%s once, and it is no refusal of the strict portal', async (kind, status, error) => {
    portal.misbehave({ kind })
    const answer = await call('profile')
    expect([answer.status, answer.body.error]).toEqual([status, error])
    const sample = Object.values(vectors).find((vector) => error !== '' && vector.response?.body?.error === error)
    if (sample) expect(answer.body).toEqual(sample.response.body)
    expect((await call('profile')).status).toBe(200)
    expect(portal.refusedCalls()).toEqual([])
    expect(portal.refusedCalls({ injected: true })).toEqual([expect.objectContaining({ injected: kind })])
  })

  it('answers result:false without doing anything', async () => {
    portal.misbehave({ kind: 'result_false', method: 'crm.item.add' })
    expect((await call('crm.item.add', { entityTypeId: 3, fields: { name: 'Иван' } })).body.result).toBe(false)
    expect(portal.world.contacts.size).toBe(0)
  })

  it('executes and then drops the connection, for one method, also inside a batch', async () => {
    const add = { entityTypeId: 3, fields: { name: 'Иван' } }
    portal.misbehave({ kind: 'drop_after', method: 'crm.item.add', times: 2 })
    await expect(call('crm.item.add', add)).rejects.toThrow()
    await expect(call('batch', { cmd: { a: 'crm.item.add?entityTypeId=3&fields[name]=Иван' } })).rejects.toThrow()
    expect(portal.world.contacts.size).toBe(2)
    portal.misbehave({ kind: 'drop_before', method: 'crm.*' })
    await expect(call('crm.item.add', add)).rejects.toThrow()
    expect(portal.world.contacts.size).toBe(2)
  })

  it('repeats itself with the same seed', async () => {
    const run = async (): Promise<number[]> => {
      portal.behave()
      portal.misbehave({ kind: 'internal_error', probability: 0.5, seed: 42 })
      const statuses = []
      for (let index = 0; index < 20; index++) statuses.push((await call('profile')).status)
      return statuses
    }
    const first = await run()
    expect(new Set(first)).toEqual(new Set([200, 500]))
    expect(await run()).toEqual(first)
  })

  it('redirects from the old address after a rename, and the new one comes with the next refresh', async () => {
    const old = portal.clientEndpoint
    const app = register(portal, 'http://127.0.0.1:9')
    const pair = portal.issueTokens(app.clientId)
    const origin = await portal.rename()
    const moved = await fetch(`${old}profile`, { method: 'POST', body: '', redirect: 'manual' })
    expect([moved.status, moved.headers.get('location')]).toEqual([302, `${origin}/rest/profile`])
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: app.clientId, client_secret: app.clientSecret, refresh_token: pair.refreshToken })
    const tokens = await (await fetch(`${portal.oauthOrigin}/oauth/token/`, { method: 'POST', body: form })).json() as any
    expect(tokens.client_endpoint).toBe(`${origin}/rest/`)
    expect((await post(`${tokens.client_endpoint}profile`, { auth: tokens.access_token })).status).toBe(200)
  })

  it('loses, doubles and reorders events', async () => {
    const application = await startApplication()
    const owner = register(portal, application.origin)
    await caller(portal, owner.clientId)('event.bind', { event: 'ONCRMDEALADD', handler: `${application.origin}/event` })
    portal.finishInstall(owner.clientId)
    portal.misbehave({ kind: 'event_lose', method: 'ONCRMDEALADD' })
    portal.misbehave({ kind: 'event_twice', method: 'ONCRMDEALADD' })
    portal.addDeal({})
    portal.addDeal({})
    await portal.settle()
    expect(application.received.map((one) => one.form.data.FIELDS.ID)).toEqual(['2', '2'])
    portal.misbehave({ kind: 'event_reorder', ms: 60, times: 8 })
    for (let index = 0; index < 8; index++) portal.addDeal({})
    await portal.settle()
    const order = application.received.slice(2).map((one) => Number(one.form.data.FIELDS.ID))
    expect([...order].sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9, 10])
    expect(order).not.toEqual([3, 4, 5, 6, 7, 8, 9, 10])
    application.close()
  })

  it('can be told over HTTP and names what it knows when asked for something else', async () => {
    expect((await post(`${portal.origin}/sandbox/misbehave`, { kind: 'expired_token' })).status).toBe(200)
    expect((await call('profile')).status).toBe(401)
    const wrong = await post(`${portal.origin}/sandbox/misbehave`, { kind: 'explode' })
    expect([wrong.status, wrong.body.error]).toEqual([400, expect.stringContaining('expired_token')])
  })
})
