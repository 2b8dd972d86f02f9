import { describe, expect, it } from '@jest/globals'
import { type ApiFailure, createApi, isSessionOver, sentenceOf } from '../../placements/shared/api.ts'

type Reply = { status: number; body: string } | 'silence'

/** A server that gives these replies in turn, and what it was asked. */
const given = (...replies: Reply[]) => {
  const asked: { url: string; method: string; headers: Record<string, string>; body?: string }[] = []
  const waited: number[] = []
  let reloads = 0
  const api = createApi({
    session: 's-1',
    language: 'en',
    fetch: async (url, init) => {
      asked.push({ url, ...init })
      const reply = replies.shift() ?? 'silence'
      if (reply === 'silence') throw new TypeError('Failed to fetch')
      return { status: reply.status, text: async () => reply.body }
    },
    wait: async (ms) => {
      waited.push(ms)
    },
    onSessionInvalid: () => {
      reloads += 1
    },
  })
  return { api, asked, waited, reloads: () => reloads }
}
const ok = (value: unknown): Reply => ({ status: 200, body: JSON.stringify(value) })
const refusal = (status: number, code: string, fields?: Record<string, string>): Reply => ({ status, body: JSON.stringify({ code, message: `Sentence of ${code}.`, fields }) })
const failureOf = (promise: Promise<unknown>): Promise<ApiFailure> =>
  promise.then(
    () => {
      throw new Error('no failure')
    },
    (error: unknown) => error as ApiFailure,
  )

describe('the pages’ API', () => {
  it('carries the session of the page in a header and names no other', async () => {
    const { api, asked } = given(ok({ routes: [] }))
    await api.robotSettings()
    expect(asked).toEqual([{ url: '/api/robot-settings', method: 'GET', headers: { accept: 'application/json', authorization: 'Bearer s-1' } }])
  })

  it.each<[string, Reply]>([['silence', 'silence'], ['503', refusal(503, 'PORTAL_UNAVAILABLE')], ['a proxy’s 502', { status: 502, body: '<html>' }]])(
    'asks once more after %s when that does no harm',
    async (_, first) => {
      const { api, asked, waited } = given(first, ok({ routes: [] }))
      await expect(api.robotSettings()).resolves.toEqual({ routes: [] })
      expect([asked.length, waited]).toEqual([2, [1000]])
    },
  )

  it('never repeats what would make a second thing', async () => {
    for (const call of ['addRoute', 'addConnection', 'sendTest', 'write', 'confirm', 'merge', 'nextStep', 'makeStartLink', 'addApiKey'] as const) {
      const { api, asked } = given('silence', ok({}))
      const making = call === 'sendTest' ? api.sendTest('c', '+70000000000') : api[call]({} as never)
      expect([call, (await failureOf(making)).code]).toEqual([call, 'NO_ANSWER'])
      expect([call, asked.length]).toEqual([call, 1])
    }
  })

  it('asks for a page of the history by its cursor and leaves out what is not set', async () => {
    const { api, asked } = given(ok({ entries: [] }), ok({ entries: [] }))
    await api.history({})
    await api.history({ before: 'a/b&c', channel: '', q: 'анализ крови' })
    expect(asked.map(({ url }) => url)).toEqual(['/api/patient/history', `/api/patient/history?before=a%2Fb%26c&q=${encodeURIComponent('анализ крови')}`])
  })

  it('stops a notification however often it has to ask', async () => {
    const { api, asked } = given('silence', ok({}))
    await api.stopDelivery('7/next')
    expect(asked.map(({ url }) => url)).toEqual(['/api/patient/deliveries/7%2Fnext/stop', '/api/patient/deliveries/7%2Fnext/stop'])
  })

  it('does not repeat a refusal', async () => {
    const { api, asked } = given(refusal(409, 'CONFLICT'))
    expect((await failureOf(api.deleteConnection('c'))).message).toBe('Sentence of CONFLICT.')
    expect(asked).toHaveLength(1)
  })

  it('gives the server’s sentence and its fields to the form', async () => {
    const { api } = given(refusal(422, 'ROUTE_IMPOSSIBLE', { 'steps.0': 'No.' }))
    const failure = await failureOf(api.changeRoute('r', {} as never))
    expect([failure.code, failure.fields]).toEqual(['ROUTE_IMPOSSIBLE', { 'steps.0': 'No.' }])
  })

  it('asks for a reload when the session is over', async () => {
    const { api, reloads } = given(refusal(401, 'SESSION_INVALID'))
    expect(isSessionOver(await failureOf(api.overview()))).toBe(true)
    expect(reloads()).toBe(1)
  })

  it('turns everything that cannot be read into one sentence', async () => {
    for (const body of ['', '<html>', '{"message":1}', 'null']) {
      const { api } = given({ status: 500, body })
      expect((await failureOf(api.overview())).code).toBe('UNREADABLE')
    }
    expect(sentenceOf(new TypeError('x is undefined'), 'en')).toBe('Something went wrong on this page. Reload it.')
  })

  it('puts ids into paths so that no id can leave its place', async () => {
    const { api, asked } = given(ok({}), ok({}))
    await api.deleteRoute('../connections/1')
    expect(asked[0]?.url).toBe('/api/routes/..%2Fconnections%2F1')
  })
})
