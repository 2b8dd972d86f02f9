import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectMessengers, saveRoute } from '../../sandbox/administrator.ts'
import { vectorsOf, type Vector } from '../bitrix/vectors.ts'
import { count, inboxIsEmpty, postForm, query, raw, startInstalledStage, until, withFields, type Reply } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
const origin = (): string => stage.app.origin
const durations: number[] = []

const events = '/bitrix/events'
const robots = '/bitrix/robots/estafeta_send'
const named = (prefix: string): [string, Vector][] => vectorsOf(prefix).map((entry) => [entry.name, entry])
const lifecycle = ['event.onappupdate', 'event.onappuninstall']

/** The proof that this portal sent it. */
const genuine = (): Record<string, string> => ({ 'auth[member_id]': stage.world.portal.memberId, 'auth[application_token]': stage.world.portal.applicationToken(stage.app.clientId) })
const post = async (path: string, body: string): Promise<Reply> => {
  const reply = await postForm(origin(), path, body)
  durations.push(reply.durationMs)
  return reply
}
const inbox = async (): Promise<number> => count(stage.app, 'inbox')
const deliveries = async (): Promise<number> => count(stage.app, 'deliveries')

beforeAll(async () => {
  stage = await startInstalledStage()
  const ids = await connectMessengers(stage.administrator, stage.world)
  await saveRoute(stage.administrator, [{ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} }])
  await inboxIsEmpty(stage.app)
  await raw(origin(), '/healthz')
})
afterAll(async () => {
  await stage.stop()
})

describe('an event of the portal', () => {
  const isUnproved = (name: string): boolean => name === 'event.onapppayment'

  it.each(named('event.').filter(([name]) => !lifecycle.includes(name)))('%s is answered at once, counts once and never again', async (name, { wire }) => {
    const body = isUnproved(name) ? withFields(wire!.body, { 'auth[member_id]': stage.world.portal.memberId }) : withFields(wire!.body, genuine())
    const before = await inbox()
    const [reply, repeated] = [await post(events, body), await post(events, body)]
    expect([reply.status, reply.body, repeated.status]).toEqual([200, '', 200])
    // Without an application token nobody knows who sent it.
    expect(await inbox()).toBe(before + (isUnproved(name) ? 0 : 1))
    await inboxIsEmpty(stage.app)
    expect(await count(stage.app, 'inbox', `state not in ('done')`)).toBe(0)
    expect(await deliveries()).toBe(0)
  })

  it.each(named('event.'))('F24 %s has no effect with a forged, a missing or an unknown proof', async (_, { wire }) => {
    const before = [await inbox(), await count(stage.app, 'portals', `state = 'installed'`)]
    for (const change of [
      { ...genuine(), 'auth[application_token]': '0'.repeat(32), 'auth[refresh_token]': undefined },
      { ...genuine(), 'auth[application_token]': '', 'auth[refresh_token]': undefined },
      { ...genuine(), 'auth[application_token]': undefined, 'auth[refresh_token]': undefined },
      { ...genuine(), 'auth[member_id]': 'f'.repeat(32), 'auth[refresh_token]': undefined },
      { ...genuine(), 'auth[member_id]': undefined },
    ]) {
      expect((await post(events, withFields(wire!.body, change))).status).toBe(200)
    }
    expect([await inbox(), await count(stage.app, 'portals', `state = 'installed'`)]).toEqual(before)
  })

  it('is read in any shape of its data: a scalar, a list, a map, nothing', async () => {
    const auth = new URLSearchParams(genuine()).toString()
    for (const data of ['data=107', 'data%5B0%5D=1&data%5B1%5D=2', 'data%5BDATA%5D%5Bconnector%5D%5Bline_id%5D=1', 'data%5BDATA%5D%5B0%5D%5Bid%5D=1', 'data=', '']) {
      for (const event of ['ONSESSIONSTART', 'ONAPPTEST', 'onCrmDealUpdate']) expect((await post(events, `event=${event}&ts=1700000000&${data}&${auth}`)).status).toBe(200)
    }
    await inboxIsEmpty(stage.app)
    expect(await count(stage.app, 'inbox', `state <> 'done'`)).toBe(0)
  })
})

describe('a robot of the portal', () => {
  it.each(named('robot.'))('%s starts one notification, once', async (name, { wire }) => {
    const body = withFields(wire!.body, { ...genuine(), event_token: `${name}|A1|token` })
    const before = await deliveries()
    const replies = [await post(robots, body), await post(robots, body)]
    expect(replies.map(({ status, body: text }) => [status, text])).toEqual([[200, ''], [200, '']])
    await inboxIsEmpty(stage.app)
    expect((await post(robots, withFields(body, { ts: '1800000000' }))).status).toBe(200)
    await inboxIsEmpty(stage.app)
    expect(await deliveries()).toBe(before + 1)
    // The deal of the sample does not exist here.
    await until('the notification ended', async () => (await count(stage.app, 'deliveries', `status = 'running'`)) === 0)
    const [row] = await query(stage.app, `select deal_id, status, stop_reason, event_token is not null as waits from deliveries order by started_at desc limit 1`)
    expect(row).toEqual({ deal_id: '57', status: 'stopped', stop_reason: 'dealDeleted', waits: name === 'robot.handler-call' })
  })

  it.each(named('robot.'))('%s has no effect with a forged, a missing or an unknown proof', async (_, { wire }) => {
    const before = [await inbox(), await deliveries()]
    for (const change of [{ 'auth[application_token]': '0'.repeat(32) }, { 'auth[application_token]': undefined }, { 'auth[member_id]': 'f'.repeat(32) }, { 'auth[member_id]': undefined }, { event_token: undefined }]) {
      expect((await post(robots, withFields(wire!.body, { ...genuine(), ...change }))).status).toBe(200)
    }
    expect([await inbox(), await deliveries()]).toEqual(before)
  })

  it('F10 sends the patient one SMS for one run that is told five times, at once and later', async () => {
    const body = withFields(vectorsOf('robot.handler-call')[0]!.wire!.body, {
      ...genuine(), event_token: 'wf|A2|five', 'document_id[2]': `DEAL_${stage.world.dealId}`, 'properties[text]': 'Ждём вас завтра в 10:00', timeout_duration: '86400',
    })
    const replies = await Promise.all([1, 2, 3, 4].map(() => post(robots, body)))
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const phone = () => stage.world.patient.messages('sms').filter(({ text }) => text === 'Ждём вас завтра в 10:00')
    await until('the SMS arrived', () => phone().length > 0)
    await post(robots, body)
    await inboxIsEmpty(stage.app)
    await until('the notification ended', async () => (await count(stage.app, 'deliveries', `status = 'running'`)) === 0)
    expect(phone()).toHaveLength(1)
    expect(await count(stage.app, 'attempts', `tries > 1`)).toBe(0)
  })
})

describe('a page of the application', () => {
  it.each(['install', 'dashboard', 'robot-settings'])('%s answers GET and HEAD, as the Market asks', async (page) => {
    for (const method of ['GET', 'HEAD']) {
      const reply = await raw(origin(), `/placements/${page}`, { method })
      expect([reply.status, reply.headers['x-frame-options']]).toEqual([200, undefined])
    }
  })

  it.each(named('placement.').filter(([, { wire }]) => wire !== undefined))('%s is refused in words when another portal is named', async (_, { wire }) => {
    const reply = await postForm(origin(), `/placements/dashboard?${wire!.queryString!}`, wire!.body)
    expect(reply.status).toBe(401)
    const isRussian = new URLSearchParams(wire!.queryString).get('LANG') === 'ru'
    expect(reply.body).toContain(isRussian ? 'попросите администратора' : 'ask an administrator')
    expect(reply.body).not.toContain('estafeta-boot"')
  })

  it('F27 is the same address with a doubled and a trailing slash', async () => {
    for (const path of ['/placements/install/', '//placements/install', '/placements//install//']) expect((await raw(origin(), path)).status).toBe(200)
    const before = await inbox()
    const body = `event=ONAPPTEST&ts=1700000111&data%5BQUERY%5D=1&${new URLSearchParams(genuine()).toString()}`
    for (const path of ['/bitrix/events/', '//bitrix/events', '/bitrix//events//']) expect((await post(path, body)).status).toBe(200)
    expect(await inbox()).toBe(before + 1)
  })
})

describe('something that no portal sends', () => {
  const form = 'application/x-www-form-urlencoded'
  const paths = [events, robots, '/placements/dashboard', '/placements/install', '/placements/nothing', '/hooks/telegram/0000', '/hooks/nothing/0000', '/api/connections', '/nothing']
  const bodies: [string, string | undefined, string | Buffer][] = [
    ['an empty form', form, ''],
    ['broken percent-encoding', form, 'event=%E0%A4%A&auth%5Bmember_id%5D=%ZZ&%'],
    ['zero bytes', form, `event=A%00B&ts=1&auth%5Bmember_id%5D=%00&auth%5Bapplication_token%5D=%00&code=x&event_token=%00&document_id%5B0%5D=crm&document_id%5B1%5D=x&document_id%5B2%5D=DEAL_1&AUTH_ID=%00&member_id=%00`],
    ['an endless member id', form, `event=ONAPPINSTALL&ts=1&auth%5Brefresh_token%5D=1&auth%5Bmember_id%5D=${Array.from({ length: 9000 }, (_, index) => (index * 7919).toString(36)).join('')}`],
    ['bytes that are no text', form, Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x3d, 0xc3])],
    ['a map of a thousand levels', form, `event${'[a]'.repeat(1000)}=1`],
    ['a hundred thousand fields', form, Array.from({ length: 100_000 }, (_, index) => `a${index}=1`).join('&')],
    ['prototypes', form, '__proto__[event]=1&constructor[prototype][event]=2&auth[__proto__][member_id]=3'],
    ['lists in place of words', form, 'event[]=1&event[]=2&auth[]=1&auth[member_id][]=1&code[]=1&event_token[]=2&member_id[]=1&AUTH_ID[]=1'],
    ['JSON', 'application/json', '{"event":"ONAPPTEST"}'],
    ['broken JSON', 'application/json', '{"event":'],
    ['nothing as JSON', 'application/json', ''],
    ['plain text', 'text/plain', 'hello'],
    ['a file', 'multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="event"\r\n\r\n1\r\n--x--\r\n'],
    ['a type that is none', 'garbage', 'event=1'],
    ['no type at all', undefined, 'event=1'],
  ]

  it.each(bodies)('%s never breaks anything', async (_, type, body) => {
    for (const path of paths) {
      const reply = await raw(origin(), `${path}?DOMAIN=portal.example&PROTOCOL=1`, { method: 'POST', headers: type === undefined ? {} : { 'content-type': type }, body })
      expect({ path, status: reply.status, isOurFault: reply.status >= 500 }).toMatchObject({ isOurFault: false })
    }
  })

  it.each(['application/x-www-form-urlencoded', 'text/plain'])('more than fits is refused as too large (%s)', async (type) => {
    for (const path of [events, robots, '/placements/dashboard', '/hooks/telegram/0000']) {
      expect((await raw(origin(), path, { method: 'POST', headers: { 'content-type': type }, body: `event=${'a'.repeat(5 * 1024 * 1024)}` })).status).toBe(413)
    }
  })

  it.each([
    ['broken percent-encoding', '/placements/%E0%A4%A'],
    ['a zero byte', '/hooks/telegram/%00'],
    ['half a letter', '/hooks/telegram/%ff'],
    ['a zero byte for an id', '/api/connections/%00/check'],
    ['steps upwards', '/placements/../../package.json'],
    ['hidden steps upwards', '/placements/assets/..%2f..%2fpackage.json'],
    ['an endless key', `/hooks/telegram/${'a'.repeat(5000)}`],
    ['a name of the language', '/placements/constructor'],
    ['a name of the language for a channel', '/hooks/constructor/a'],
    ['a prototype', '/hooks/__proto__/a'],
  ])(
    'an address with %s never breaks anything',
    async (_, path) => {
      for (const method of ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        const reply = await raw(origin(), path, { method })
        expect({ method, status: reply.status, isOurFault: reply.status >= 500 }).toMatchObject({ isOurFault: false })
        expect(reply.body).not.toContain('"dependencies"')
      }
    },
  )

  it('leaves no trace but counts: no row, no error in the log', async () => {
    expect(await count(stage.app, 'inbox', `state not in ('done', 'received')`)).toBe(0)
    expect(stage.app.logLines.filter((line) => (JSON.parse(line) as { code?: string }).code === 'INTERNAL')).toEqual([])
    expect((await raw(origin(), '/metrics')).body).toMatch(/estafeta_refused_total\{.*source="event".*\} \d+/)
  })
})

describe('the life of the application, by the samples', () => {
  it('event.onappupdate brings a new application token and the registrations back, once', async () => {
    const { portal } = stage.world
    const tokens = portal.issueTokens(stage.app.clientId)
    const old = genuine()
    const body = withFields(vectorsOf('event.onappupdate')[0]!.wire!.body, {
      ...old, 'auth[application_token]': 'a1'.repeat(16), 'auth[access_token]': tokens.accessToken, 'auth[refresh_token]': tokens.refreshToken, 'auth[server_endpoint]': portal.serverEndpoint,
    })
    const bound = portal.callTotals()['event.get'] ?? 0
    for (const reply of [await post(events, body), await post(events, body)]) expect(reply.status).toBe(200)
    await inboxIsEmpty(stage.app)
    const [row] = await query<{ application_token: string; version: string; language: string }>(stage.app, 'select application_token, version, language from portals')
    expect(stage.app.deps.secrets.open(row!.application_token)).toBe('a1'.repeat(16))
    expect([row!.version, row!.language]).toEqual(['2.1.0', 'en'])
    expect((portal.callTotals()['event.get'] ?? 0) - bound).toBe(1)
    expect(await count(stage.app, 'connections')).toBe(4)
    // The new token counts at once, the portal does not repeat events; a call with the old one may still pass for some seconds.
    const event = (token: string, ts: number): string => `event=ONAPPTEST&ts=${ts}&${new URLSearchParams({ ...old, 'auth[application_token]': token }).toString()}`
    const before = await inbox()
    await post(events, event('a1'.repeat(16), 1_700_000_001))
    expect(await inbox()).toBe(before + 1)
    await until('the old token is forgotten', async () => {
      await post(events, event(old['auth[application_token]']!, Date.now()))
      const after = await inbox()
      await post(events, event(old['auth[application_token]']!, Date.now() + 1))
      return (await inbox()) === after
    })
  })

  it('event.onappuninstall with CLEAN takes everything away, and only with the present token', async () => {
    const sample = vectorsOf('event.onappuninstall')[0]!.wire!.body
    await post(events, withFields(sample, genuine()))
    await inboxIsEmpty(stage.app)
    expect(await count(stage.app, 'portals')).toBe(1)
    await post(events, withFields(sample, { ...genuine(), 'auth[application_token]': 'a1'.repeat(16) }))
    await until('the data is gone', async () => (await count(stage.app, 'portals')) === 0)
    for (const table of ['connections', 'routes', 'deliveries', 'attempts', 'portal_tokens', 'identities', 'outbox']) expect([table, await count(stage.app, table)]).toEqual([table, 0])
  })
})

it('nine of ten answers took less than 200 ms', () => {
  const sorted = [...durations].sort((a, b) => a - b)
  expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(200)
})
