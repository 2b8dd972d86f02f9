import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import qs from 'qs'
import { createPortalClient, resultOf, type PortalClient, type PortalClientOptions } from '../../src/bitrix/client.ts'
import { BitrixError } from '../../src/bitrix/errors.ts'
import { createOAuth } from '../../src/bitrix/oauth.ts'
import { memoryBudget, memoryTokens, tokenOf } from './memory.ts'
import { startOddServer } from './odd-server.ts'
import { vector } from './vectors.ts'

let server: Awaited<ReturnType<typeof startOddServer>>
beforeEach(async () => {
  server = await startOddServer()
})
afterEach(() => server.stop())

const clientOf = (options: Partial<PortalClientOptions> = {}): { client: PortalClient, tokens: ReturnType<typeof memoryTokens>, budget: ReturnType<typeof memoryBudget> } => {
  const tokens = memoryTokens(tokenOf(server.origin))
  const budget = memoryBudget()
  const oauth = createOAuth({ clientId: 'local.1', clientSecret: 'secret', servers: [server.origin], clock: Date })
  return { client: createPortalClient({ tokens, budget, oauth, clock: Date, timeoutMs: 2_000, ...options }), tokens, budget }
}
const failureOf = async (promise: Promise<unknown>): Promise<BitrixError> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof BitrixError) return error
    throw error
  }
  throw new Error('The call was expected to fail.')
}
const refreshed = (name: string, endpoint = server.origin): { body: unknown } => ({
  body: { ...vector('call.oauth.refresh.ok').response!.body, access_token: `access-${name}`, refresh_token: `refresh-${name}`, client_endpoint: `${endpoint}/rest/`, server_endpoint: `${server.origin}/rest/` },
})
const expired = { status: 401, body: { error: 'expired_token', error_description: 'The access token provided has expired.' } }

describe('one call', () => {
  it('posts JSON with the token to the stored endpoint, once, and hands back result, total and next', async () => {
    server.reply({ body: { result: [1], total: 51, next: 50, time: { operating: 1.5, operating_reset_at: 1_800_000_000 } } })
    const { client, budget } = clientOf()
    expect(await client.call('crm.item.list', { entityTypeId: 2, useOriginalUfNames: false })).toEqual({ result: [1], total: 51, next: 50 })
    expect(server.seen).toHaveLength(1)
    expect(server.seen[0]!.path).toMatch(/^\/rest\/crm\.item\.list\?/)
    expect(server.seen[0]!.body).toEqual({ entityTypeId: 2, useOriginalUfNames: 'N', auth: 'access-a' })
    expect(budget.taken).toEqual([['crm.item.list']])
    expect(budget.reported).toEqual(['crm.item.list'])
  })

  it('accepts an answer without a time object', async () => {
    server.reply({ body: { result: { items: [] } } })
    expect((await clientOf().client.call('crm.item.list')).result).toEqual({ items: [] })
  })

  it('keeps the description of an error whose code is empty', async () => {
    const { response } = vector('call.crm.automation.trigger.execute.err')
    server.reply({ status: response!.httpStatus!, body: response!.body })
    const error = await failureOf(clientOf().client.call('crm.automation.trigger.execute'))
    expect(error).toMatchObject({ bitrixCode: '', description: 'Incorrect parameter OWNER_TYPE_ID.', outcome: 'rejected', action: 'giveUp', httpStatus: 400 })
    expect(server.seen).toHaveLength(1)
  })

  it.each([
    ['an error beside the result', { error: 'ERROR_PLACEMENT_MAX_COUNT', error_description: 'x' }, 'ERROR_PLACEMENT_MAX_COUNT'],
    ['an error inside the result', { result: { result: false, error: 'CONNECTOR_ID_REQUIRED', error_description: 'x' }, time: {} }, 'CONNECTOR_ID_REQUIRED'],
    ['a bare false', { result: false, time: {} }, 'RESULT_FALSE'],
  ])('treats %s with HTTP 200 as a refusal', async (_, body, code) => {
    server.reply({ body })
    expect(await failureOf(clientOf().client.call('placement.bind'))).toMatchObject({ bitrixCode: code, outcome: 'rejected', retryable: false })
  })

  it('lets a question be answered with false', async () => {
    server.reply({ body: { result: false, time: {} } })
    expect((await clientOf().client.call('user.admin')).result).toBe(false)
  })

  it('never follows a redirect, and asks the OAuth server for the new address before it calls there', async () => {
    const moved = await startOddServer()
    try {
      server.reply({ status: 302, headers: { location: `${server.origin}/elsewhere` } }, refreshed('b', moved.origin))
      moved.reply({ body: { result: 'here', time: {} } })
      const { client, tokens } = clientOf()
      expect((await client.call('server.time')).result).toBe('here')
      expect(server.seen.map(({ path }) => path.split('?')[0])).toEqual(['/rest/server.time', '/oauth/token/'])
      expect(moved.seen[0]).toMatchObject({ method: 'POST', body: { auth: 'access-b' } })
      expect(tokens.tokens[0]!.clientEndpoint).toBe(`${moved.origin}/rest/`)
    } finally {
      await moved.stop()
    }
  })

  it('reports a redirect that the OAuth server knows nothing of instead of following it', async () => {
    server.reply({ status: 302, headers: { location: `${server.origin}/elsewhere` } }, refreshed('b'))
    expect(await failureOf(clientOf().client.call('server.time'))).toMatchObject({ action: 'moved', outcome: 'rejected', retryable: true })
    expect(server.seen).toHaveLength(2)
  })

  it('says that the outcome is unknown when the connection is dropped, and does not repeat the call (F05)', async () => {
    server.reply('drop')
    expect(await failureOf(clientOf().client.call('crm.activity.todo.add'))).toMatchObject({ outcome: 'unknown', retryable: true })
    expect(server.seen).toHaveLength(1)
  })

  it('says that the outcome is unknown after a time-out (F06)', async () => {
    server.reply({ delayMs: 5_000 })
    expect(await failureOf(clientOf({ timeoutMs: 100 }).client.call('crm.activity.todo.add'))).toMatchObject({ outcome: 'unknown' })
  })

  it('says that a call to a portal that cannot be reached was not carried out', async () => {
    const { client } = clientOf({ tokens: memoryTokens(tokenOf('http://127.0.0.1:1')) })
    expect(await failureOf(client.call('crm.activity.todo.add'))).toMatchObject({ outcome: 'rejected', retryable: true, bitrixCode: 'NOT_CONNECTED' })
  })

  it.each([502, 500, 200])('takes a page of HTML with status %s for an unknown outcome', async (status) => {
    server.reply({ status, body: '<html>Bad gateway</html>' })
    expect(await failureOf(clientOf().client.call('crm.activity.todo.add'))).toMatchObject({ outcome: 'unknown', httpStatus: status })
  })

  it('ends with the process', async () => {
    const stop = new AbortController()
    server.reply({ delayMs: 5_000 })
    const call = failureOf(clientOf({ signal: stop.signal }).client.call('crm.activity.todo.add'))
    while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort()
    expect(await call).toMatchObject({ bitrixCode: 'ABORTED', outcome: 'unknown' })
    expect(await failureOf(clientOf({ signal: stop.signal }).client.call('crm.activity.todo.add'))).toMatchObject({ bitrixCode: 'ABORTED', outcome: 'rejected' })
  })

  it('puts no parameter, token, address or phone into its errors', async () => {
    server.reply({ status: 400, body: { error: "Phone '+7 999 123-45-67' of anna@example.org is wrong", error_description: 'token 0123456789abcdef0123456789abcdef at https://a.example/rest/' } })
    const error = await failureOf(clientOf().client.call('crm.item.list', { filter: { phone: '+79991234567' } }))
    const dump = JSON.stringify([error.message, Object.entries(error), error.stack])
    for (const secret of ['999', '123-45', 'anna', '0123456789abcdef', 'a.example', 'access-a', server.origin]) expect(dump).not.toContain(secret)
    expect(error.cause).toBeUndefined()
  })

  it('keeps a journal without parameters', async () => {
    const journal: unknown[] = []
    server.reply({ status: 400, body: { error: 'NOT_FOUND' } })
    await failureOf(clientOf({ journal: (record) => journal.push(record) }).client.call('crm.item.get', { id: 1 }))
    expect(journal).toEqual([{ methods: ['crm.item.get'], httpStatus: 400, code: 'NOT_FOUND', durationMs: expect.any(Number) }])
  })
})

describe('tokens', () => {
  it('refreshes an expired token and repeats the call once (F29)', async () => {
    server.reply(expired, refreshed('b'), { body: { result: 7, time: {} } })
    const { client, tokens } = clientOf()
    expect((await client.call('profile')).result).toBe(7)
    expect(server.seen.map(({ body }) => body.auth ?? body.refresh_token)).toEqual(['access-a', 'refresh-a', 'access-b'])
    expect(server.seen[1]!.body).toMatchObject({ grant_type: 'refresh_token', client_id: 'local.1', client_secret: 'secret' })
    expect(tokens.refreshes).toBe(1)
  })

  it('refreshes before the call when the token is about to expire', async () => {
    server.reply(refreshed('b'), { body: { result: 7, time: {} } })
    const { client } = clientOf({ tokens: memoryTokens(tokenOf(server.origin, 'a', { expiresAt: Date.now() + 1_000 })) })
    await client.call('profile')
    expect(server.seen.map(({ path }) => path.split('?')[0])).toEqual(['/oauth/token/', '/rest/profile'])
  })

  it('refreshes once for many calls at a time (F28)', async () => {
    server.reply(({ path, body }) => (path.startsWith('/oauth/') ? refreshed('b') : body.auth === 'access-a' ? expired : { body: { result: 7, time: {} } }))
    const { client, tokens } = clientOf()
    await Promise.all([client.call('profile'), client.call('profile'), client.call('profile')])
    expect(tokens.refreshes).toBe(1)
  })

  it('goes on with another administrator when the refresh token is dead', async () => {
    server.reply(expired, { status: 400, body: { error: 'invalid_grant' } }, { body: { result: 7, time: {} } })
    const tokens = memoryTokens(tokenOf(server.origin), tokenOf(server.origin, 'second', { userId: '2' }))
    expect((await clientOf({ tokens }).client.call('profile')).result).toBe(7)
    expect(server.seen.at(-1)!.body.auth).toBe('access-second')
  })

  it.each(['invalid_token', 'NO_AUTH_FOUND'])('tries one refresh on %s, then another administrator, then asks for a re-install', async (error) => {
    const refusal = { status: 401, body: { error, error_description: '' } }
    server.reply(refusal, refreshed('b'), refusal, refusal, refreshed('c'), refusal)
    const tokens = memoryTokens(tokenOf(server.origin), tokenOf(server.origin, 'second', { userId: '2' }))
    expect(await failureOf(clientOf({ tokens }).client.call('profile'))).toMatchObject({ action: 'reinstall', code: 'PORTAL_NEEDS_REINSTALL', outcome: 'rejected' })
    expect(server.seen).toHaveLength(6)
    expect(tokens.tokens).toEqual([])
  })

  it('keeps a sign-in that was renewed and has expired again: the machine slept in between', async () => {
    server.reply(expired, refreshed('b'), expired)
    const { client, tokens } = clientOf()
    expect(await failureOf(client.call('profile'))).toMatchObject({ bitrixCode: 'EXPIRED_AGAIN', outcome: 'rejected', retryable: true })
    expect(tokens.tokens).toHaveLength(1)
    server.reply(expired, refreshed('c'), { body: { result: 7, time: {} } })
    expect((await client.call('profile')).result).toBe(7)
  })

  it('parks an unpaid portal and keeps its tokens', async () => {
    server.reply(expired, { status: 400, body: vector('call.oauth.refresh.payment-required').response!.body })
    const { client, tokens } = clientOf()
    expect(await failureOf(client.call('profile'))).toMatchObject({ action: 'park', outcome: 'rejected', retryable: true })
    expect(tokens.tokens).toHaveLength(1)
  })

  it('says that the call was not carried out when the OAuth server is silent', async () => {
    server.reply(expired, 'drop')
    expect(await failureOf(clientOf().client.call('crm.activity.todo.add'))).toMatchObject({ outcome: 'rejected', retryable: true, method: 'oauth.token' })
  })
})

describe('the budget', () => {
  it('holds a call back until the budget grants it', async () => {
    const budget = memoryBudget([20, 20, 0])
    await clientOf({ budget }).client.call('profile')
    expect(budget.taken).toEqual([['profile']])
  })

  it('throws a call back to its queue when the wait is long', async () => {
    const error = await failureOf(clientOf({ budget: memoryBudget([60_000]) }).client.call('profile'))
    expect(error).toMatchObject({ bitrixCode: 'BUDGET_SPENT', outcome: 'rejected', retryable: true, retryAfterSeconds: 60 })
    expect(server.seen).toEqual([])
  })

  it.each([
    ['error.query-limit', '*', 'backOff'],
    ['error.overload', '*', 'stopTraffic'],
    ['error.operation-time-limit', 'crm.item.list', 'pauseMethod'],
  ])('pauses what %s asks to pause (F30, F31)', async (name, method, action) => {
    const { response } = vector(name)
    server.reply({ status: response!.httpStatus!, body: response!.body })
    const { client, budget } = clientOf()
    expect(await failureOf(client.call('crm.item.list'))).toMatchObject({ action, outcome: 'rejected', retryable: true })
    expect(budget.paused).toEqual([[method, expect.any(Number)]])
    expect(budget.paused[0]![1]).toBeGreaterThan(Date.now())
    expect(server.seen).toHaveLength(1)
  })
})

describe('a batch', () => {
  const commands = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `deal-${String(index)}`, method: 'crm.item.get', params: { id: index } }))
  const batchAnswer = (result: unknown) => ({ body: { result: { result, result_error: [], result_total: [], result_next: [], result_time: [] }, time: {} } })

  it('puts 50 commands into a request and gives each its own outcome', async () => {
    server.reply(batchAnswer(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`c${String(index)}`, index]))), batchAnswer({ c0: 'x' }))
    const { client, budget } = clientOf()
    const outcomes = await client.batch(commands(52))
    expect(server.seen.map(({ body }) => Object.keys(body.cmd).length)).toEqual([50, 2])
    expect(server.seen[0]!.body.halt).toBe(0)
    expect(outcomes.get('deal-7')).toMatchObject({ ok: true, result: 7 })
    expect(outcomes.get('deal-50')).toMatchObject({ ok: true, result: 'x' })
    expect(outcomes.get('deal-51')).toMatchObject({ ok: false, error: { outcome: 'unknown' } })
    expect(budget.taken).toEqual([['crm.item.get'], ['crm.item.get']])
  })

  it.each(['call.batch.all-failed-halt0'])('reads empty PHP maps: %s', async (name) => {
    const { body } = vector(name).response!
    const errors = Object.values(body.result.result_error)
    server.reply({ body: { ...body, result: { ...body.result, result_error: { c0: errors[0], c1: errors[1] } } } })
    const outcomes = await clientOf().client.batch(commands(2))
    expect([...outcomes.values()]).toMatchObject([{ ok: false, error: { bitrixCode: 'insufficient_scope' } }, { ok: false, error: { bitrixCode: 'insufficient_scope' } }])
  })

  it('makes every command unknown when the answer is lost, and sends nothing more', async () => {
    server.reply('drop')
    const outcomes = [...(await clientOf().client.batch(commands(60))).values()]
    expect(outcomes.slice(0, 50).every((outcome) => !outcome.ok && outcome.error.outcome === 'unknown')).toBe(true)
    expect(outcomes.slice(50).every((outcome) => !outcome.ok && outcome.error.outcome === 'rejected' && outcome.error.retryable)).toBe(true)
    expect(server.seen).toHaveLength(1)
  })

  it('pauses only the method whose operating time is used up', async () => {
    const resetAt = Math.floor(Date.now() / 1000) + 300
    server.reply({
      body: {
        result: { result: { c1: true }, result_error: { c0: { error: 'OPERATION_TIME_LIMIT', error_description: '' } }, result_time: { c0: { operating: 480, operating_reset_at: resetAt } } },
        time: {},
      },
    })
    const { client, budget } = clientOf()
    const outcomes = await client.batch([{ key: 'a', method: 'crm.item.list', params: {} }, { key: 'b', method: 'bizproc.event.send', params: {} }])
    expect(outcomes.get('b')).toMatchObject({ ok: true })
    expect(budget.paused).toEqual([['crm.item.list', resetAt * 1000]])
  })

  it('keeps commands that refer to each other in one request', async () => {
    server.reply(batchAnswer({ c0: { activity: { id: 5 } }, c1: true }))
    const chains = Array.from({ length: 30 }, (_, index) => [
      { key: `add${String(index)}`, method: 'crm.activity.configurable.add', params: { ownerId: index } },
      { key: `bind${String(index)}`, method: 'crm.activity.binding.add', params: { activityId: resultOf(`add${String(index)}`, 'activity', 'id') } },
    ]).flat()
    await clientOf().client.batch([...chains.filter(({ key }) => key.startsWith('add')), ...chains.filter(({ key }) => key.startsWith('bind'))])
    expect(server.seen.map(({ body }) => Object.keys(body.cmd).length)).toEqual([50, 10])
    for (const { body } of server.seen) {
      for (const command of Object.values<string>(body.cmd)) {
        const reference = /\$result\[(\w+)\]\[activity\]\[id\]/.exec(command)
        if (reference !== null) expect(body.cmd[reference[1]!]).toContain('crm.activity.configurable.add')
      }
    }
  })

  it('writes nested values as PHP reads them', async () => {
    server.reply(batchAnswer({ c0: true }))
    const params = { filter: { '@id': [1, 2], '=title': 'a & b = "ё" #1 + %' }, fields: { completed: true, open: false, note: null, skipped: undefined } }
    await clientOf().client.batch([{ key: 'a', method: 'crm.item.list', params }])
    const [method, query] = String(server.seen[0]!.body.cmd.c0).split(/\?(.*)/s)
    expect(method).toBe('crm.item.list')
    expect(qs.parse(query!)).toEqual({ filter: { '@id': ['1', '2'], '=title': 'a & b = "ё" #1 + %' }, fields: { completed: 'Y', open: 'N', note: '' } })
  })

  it('makes a text harmless that looks like a reference to another result', async () => {
    server.reply(batchAnswer({ c0: true }))
    await clientOf().client.batch([{ key: 'a', method: 'bizproc.activity.log', params: { log_message: 'see $result[c0][secret]' } }])
    expect(decodeURIComponent(String(server.seen[0]!.body.cmd.c0))).not.toContain('$result[')
  })

  it('refuses a command whose empty list would vanish, and sends the others', async () => {
    server.reply(batchAnswer({ c1: true }))
    const outcomes = await clientOf().client.batch([{ key: 'a', method: 'crm.item.list', params: { filter: { '@id': [] } } }, { key: 'b', method: 'profile', params: {} }])
    expect(outcomes.get('a')).toMatchObject({ ok: false, error: { bitrixCode: 'EMPTY_LIST', outcome: 'rejected' } })
    expect(outcomes.get('b')).toMatchObject({ ok: true })
    expect(Object.keys(server.seen[0]!.body.cmd)).toEqual(['c1'])
  })
})
