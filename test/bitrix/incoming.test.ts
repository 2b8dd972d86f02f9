import { describe, expect, it } from '@jest/globals'
import { crmItemOf, decodeForm, lifecycleOf, parseEvent, parsePagePost, parseRobotCall } from '../../src/bitrix/incoming.ts'
import { vector, vectorsOf } from './vectors.ts'

const valueOf = <T>(parsed: { ok: true, value: T } | { ok: false, reason: string }): T => {
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.value
}
const named = (prefix: string): [string, ReturnType<typeof vector>][] => vectorsOf(prefix).map((entry) => [entry.name, entry])

describe('a form', () => {
  it.each([...named('event.'), ...named('robot.'), ...named('sms.')])('is decoded as PHP would: %s', (_, { wire, decodedFromForm }) => {
    expect(decodeForm(wire!.body)).toEqual(decodedFromForm)
  })

  it('keeps the keys of a sparse map', () => {
    expect(decodeForm('a[15][b]=1&a[16][b]=2')).toEqual({ a: { 15: { b: '1' }, 16: { b: '2' } } })
  })

  it('reads long lists and the last of repeated fields, and never touches a prototype', () => {
    const body = Array.from({ length: 1_500 }, (_, index) => `list[${String(index)}]=${String(index)}`).join('&')
    expect(decodeForm(body).list).toHaveLength(1_500)
    expect(decodeForm('a=1&a=2')).toEqual({ a: '2' })
    decodeForm('__proto__[polluted]=1&a[__proto__][polluted]=1&constructor[prototype][polluted]=1')
    expect(({} as any).polluted).toBeUndefined()
  })
})

describe('an event', () => {
  it.each(named('event.'))('is read, with its secrets apart: %s', (_, { decodedFromForm }) => {
    const event = valueOf(parseEvent(decodedFromForm))
    expect(event.name).toBe(decodedFromForm.event.toUpperCase())
    expect(event.auth.memberId).toBe(decodedFromForm.auth.member_id)
    expect(event.auth.applicationToken).toBe(decodedFromForm.auth.application_token)
    const stored = JSON.stringify([event.publicPart, event.key])
    for (const name of ['access_token', 'refresh_token', 'application_token']) {
      const secret: unknown = decodedFromForm.auth[name]
      if (typeof secret === 'string') expect(stored).not.toContain(secret)
    }
  })

  it('has the same key when it is repeated in another order of fields, and another key when it differs (F10)', () => {
    const { decodedFromForm: body } = vector('event.oncrmdealupdate')
    const key = valueOf(parseEvent(body)).key
    expect(valueOf(parseEvent(Object.fromEntries(Object.entries(body).reverse()))).key).toBe(key)
    expect(valueOf(parseEvent({ ...body, auth: { ...body.auth, access_token: 'another' } })).key).toBe(key)
    expect(valueOf(parseEvent({ ...body, data: { FIELDS: { ID: '760' } } })).key).not.toBe(key)
    expect(valueOf(parseEvent({ ...body, ts: '1' })).key).not.toBe(key)
    expect(valueOf(parseEvent({ ...body, auth: { ...body.auth, member_id: 'another' } })).key).not.toBe(key)
  })

  it('may have a bare scalar for data', () => {
    expect(valueOf(parseEvent(vector('event.onimconnectorlinedelete').decodedFromForm)).data).toBe('107')
  })

  it('may come without a user and without tokens', () => {
    const { auth } = valueOf(parseEvent(vector('event.oncrmdealadd-no-user-token').decodedFromForm))
    expect(auth.accessToken).toBeUndefined()
    expect(auth.userId).toBeUndefined()
  })

  it('tells what happened to the application', () => {
    expect(lifecycleOf(valueOf(parseEvent(vector('event.onappuninstall').decodedFromForm)))).toEqual({ kind: 'uninstalled', clean: true })
    expect(lifecycleOf({ name: 'ONAPPUNINSTALL', data: { CLEAN: '0' } })).toEqual({ kind: 'uninstalled', clean: false })
    expect(lifecycleOf({ name: 'ONAPPUNINSTALL', data: '' })).toEqual({ kind: 'uninstalled', clean: false })
    expect(lifecycleOf(valueOf(parseEvent(vector('event.onappupdate').decodedFromForm)))).toEqual({ kind: 'updated', version: '2.1.0', language: 'de' })
    expect(lifecycleOf({ name: 'ONCRMDEALUPDATE', data: {} })).toBeUndefined()
  })

  it.each([[undefined], [''], [{}], [{ event: 'X' }], [{ event: 'X', auth: {} }], [{ event: ['X'], auth: { member_id: 'm' } }], [[]]])('that cannot be read has a reason: %j', (body) => {
    expect(parseEvent(body)).toEqual({ ok: false, reason: expect.stringContaining('an event without a readable') })
  })
})

describe('a robot call', () => {
  it('is read with its card, its token and its wait', () => {
    const { decodedFromForm: body } = vector('robot.handler-call')
    const call = valueOf(parseRobotCall(body))
    expect(call).toMatchObject({
      code: 'cascade_send',
      item: { entityTypeId: 2, id: 57 },
      eventToken: body.event_token,
      properties: body.properties,
      isWaiting: true,
      timeoutSeconds: 3600,
      at: 1_738_148_752_000,
      auth: { memberId: body.auth.member_id, applicationToken: body.auth.application_token, userId: '1', scope: ['crm', 'bizproc'] },
    })
    const stored = JSON.stringify([call.publicPart, call.key])
    for (const secret of [body.event_token, body.auth.access_token, body.auth.application_token]) expect(stored).not.toContain(secret)
  })

  it('is the same run as long as its event token is the same (I6)', () => {
    const { decodedFromForm: body } = vector('robot.handler-call')
    const key = valueOf(parseRobotCall(body)).key
    expect(valueOf(parseRobotCall({ ...body, ts: '1' })).key).toBe(key)
    expect(valueOf(parseRobotCall({ ...body, event_token: 'another' })).key).not.toBe(key)
  })

  it('that nobody waits for says so', () => {
    expect(valueOf(parseRobotCall(vector('robot.handler-call-no-subscription').decodedFromForm))).toMatchObject({ isWaiting: false, timeoutSeconds: undefined })
  })

  it('without properties is still a call, without a card it is not', () => {
    const { decodedFromForm: body } = vector('robot.handler-call')
    expect(valueOf(parseRobotCall({ ...body, properties: undefined })).properties).toEqual({})
    expect(parseRobotCall({ ...body, document_id: ['lists', 'BizprocDocument', '7'] })).toEqual({ ok: false, reason: expect.any(String) })
    expect(parseRobotCall({ ...body, document_id: undefined })).toEqual({ ok: false, reason: expect.stringContaining('document_id') })
  })

  it.each([
    ['DEAL_57', { entityTypeId: 2, id: 57 }],
    ['LEAD_1', { entityTypeId: 1, id: 1 }],
    ['CONTACT_9', { entityTypeId: 3, id: 9 }],
    ['SMART_INVOICE_5', { entityTypeId: 31, id: 5 }],
    ['DYNAMIC_183_5', { entityTypeId: 183, id: 5 }],
    ['57', undefined],
    ['DEAL_', undefined],
    ['DEAL_5x', undefined],
    ['TASK_5', undefined],
  ])('belongs to the card %s', (documentId, item) => {
    expect(crmItemOf(documentId)).toEqual(item)
  })
})

describe('a page', () => {
  it.each(named('placement.').filter(([, { wire }]) => wire !== undefined))('is read: %s', (_, { payload, wire }) => {
    const page = valueOf(parsePagePost(decodeForm(wire!.queryString!), decodeForm(wire!.body)))
    expect(page).toMatchObject({
      placement: payload.body.PLACEMENT,
      options: payload.decoded?.PLACEMENT_OPTIONS ?? {},
      domain: payload.query.DOMAIN,
      isHttps: true,
      appSid: payload.query.APP_SID,
      auth: { memberId: payload.body.member_id, accessToken: payload.body.AUTH_ID, refreshToken: payload.body.REFRESH_ID, applicationToken: payload.body.APPLICATION_TOKEN, expiresInSeconds: 3600 },
    })
    // Whoever forges a page must not choose where we call.
    expect(page.auth.clientEndpoint).toBeUndefined()
  })

  it('speaks Russian where the portal does', () => {
    const { payload } = vector('placement.rest-app-uri')
    expect(valueOf(parsePagePost({ ...payload.query, LANG: 'ru' }, payload.body)).language).toBe('ru')
    expect(valueOf(parsePagePost({ ...payload.query, LANG: 'de' }, payload.body)).language).toBe('en')
  })

  it.each([['[]'], [''], ['{'], [undefined], ['"text"']])('has no options when they are %j', (options) => {
    const { payload } = vector('placement.rest-app-uri')
    expect(valueOf(parsePagePost(payload.query, { ...payload.body, PLACEMENT_OPTIONS: options })).options).toEqual({})
  })

  it('with a forged host name or without a token has a reason', () => {
    const { payload } = vector('placement.rest-app-uri')
    expect(parsePagePost({ ...payload.query, DOMAIN: "x.bitrix24.com; script-src 'unsafe-inline'" }, payload.body)).toMatchObject({ ok: false })
    expect(parsePagePost(payload.query, { ...payload.body, AUTH_ID: undefined })).toEqual({ ok: false, reason: 'a page without a readable AUTH_ID' })
    expect(parsePagePost(undefined, undefined)).toMatchObject({ ok: false })
  })
})
