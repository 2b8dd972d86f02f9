import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { B24OAuth } from '@bitrix24/b24jssdk'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { caller, createManualClock, post, register, vectors } from './portal-support.ts'

let portal: Portal
let app: { clientId: string, clientSecret: string }
let clock: ReturnType<typeof createManualClock>

beforeEach(async () => {
  clock = createManualClock()
  portal = await startPortal({ clock, limits: { burst: 0 } })
  app = register(portal, 'http://127.0.0.1:9')
})
afterEach(() => portal.close())

async function exchange(fields: Record<string, string>, method: 'GET' | 'POST' = 'POST'): Promise<{ status: number, body: any }> {
  const form = new URLSearchParams({ client_id: app.clientId, client_secret: app.clientSecret, ...fields })
  const url = `${portal.serverEndpoint.replace('/rest/', '')}/oauth/token/`
  const response = await (method === 'POST' ? fetch(url, { method, body: form }) : fetch(`${url}?${form}`))
  return { status: response.status, body: await response.json() }
}

const refresh = (refresh_token: string, method?: 'GET' | 'POST'): Promise<{ status: number, body: any }> => exchange({ grant_type: 'refresh_token', refresh_token }, method)

describe('the OAuth server', () => {
  it.each(['GET', 'POST'] as const)('refreshes by %s and answers the fields of the documentation', async (method) => {
    const { refreshToken } = portal.issueTokens(app.clientId, 2)
    const { status, body } = await refresh(refreshToken, method)
    expect(status).toBe(200)
    expect(Object.keys(body).sort()).toEqual(Object.keys(vectors['call.oauth.refresh.ok'].response.body).sort())
    expect(body).toMatchObject({
      expires_in: 3600, expires: Math.floor(clock.now() / 1000) + 3600, member_id: portal.memberId, user_id: 2, status: 'L',
      client_endpoint: `${portal.origin}/rest/`, server_endpoint: `${portal.origin}/rest/`,
    })
    expect((await post(`${portal.clientEndpoint}profile`, { auth: body.access_token })).body.result.ID).toBe('2')
  })

  it('rotates refresh tokens: the old one is worth nothing', async () => {
    const { refreshToken } = portal.issueTokens(app.clientId)
    const { body } = await refresh(refreshToken)
    expect(await refresh(refreshToken)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await refresh(body.refresh_token)).status).toBe(200)
  })

  it('lets access tokens live an hour and refresh tokens 180 days of the portal clock', async () => {
    const call = caller(portal, app.clientId)
    const { refreshToken } = portal.issueTokens(app.clientId)
    await clock.advance(3_599_000)
    expect((await call('profile')).status).toBe(200)
    await clock.advance(1000)
    expect(await call('profile')).toMatchObject({ status: 401, body: { error: 'expired_token' } })
    await clock.advance(180 * 24 * 3_600_000)
    expect((await refresh(refreshToken)).body.error).toBe('invalid_grant')
  })

  it('refuses strangers and unknown grants', async () => {
    const { refreshToken } = portal.issueTokens(app.clientId)
    expect(await exchange({ grant_type: 'refresh_token', refresh_token: refreshToken, client_secret: 'wrong' })).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect((await exchange({ grant_type: 'password' })).body.error).toBe('invalid_request')
    const other = register(portal, 'http://127.0.0.1:9')
    expect((await exchange({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: other.clientId, client_secret: other.clientSecret })).body.error).toBe('invalid_grant')
    expect((await refresh(refreshToken)).status).toBe(200)
  })

  it('refuses a dismissed user and answers PAYMENT_REQUIRED when the subscription has ended', async () => {
    const { refreshToken } = portal.issueTokens(app.clientId, 2)
    portal.updateUser(2, { active: false })
    expect((await refresh(refreshToken)).body.error).toBe('invalid_grant')
    portal.paymentRequired = true
    expect((await refresh(portal.issueTokens(app.clientId).refreshToken)).body).toEqual(vectors['call.oauth.refresh.payment-required'].response.body)
  })

  it('exchanges a code once, without expires and user_id', async () => {
    const redirect = await fetch(`${portal.origin}/oauth/authorize/?client_id=${app.clientId}&state=s1`, { redirect: 'manual' })
    const target = new URL(redirect.headers.get('location')!)
    expect(Object.fromEntries(target.searchParams)).toMatchObject({ state: 's1', member_id: portal.memberId })
    const code = target.searchParams.get('code')!
    const { body } = await exchange({ grant_type: 'authorization_code', code })
    expect(Object.keys(body).sort()).toEqual(Object.keys(vectors['call.oauth.code-exchange.ok'].response.body).sort())
    expect((await exchange({ grant_type: 'authorization_code', code })).body.error).toBe('invalid_grant')
  })

  it('keeps the refresh token used up when the answer gets lost', async () => {
    const { refreshToken } = portal.issueTokens(app.clientId)
    portal.misbehave({ kind: 'oauth_drop_after' })
    await expect(refresh(refreshToken)).rejects.toThrow()
    expect((await refresh(refreshToken)).body.error).toBe('invalid_grant')
  })
})

describe('b24jssdk as a client', () => {
  const connect = (): B24OAuth => {
    const pair = portal.issueTokens(app.clientId)
    const b24 = new B24OAuth({
      applicationToken: portal.applicationToken(app.clientId), userId: 1, memberId: portal.memberId, accessToken: pair.accessToken, refreshToken: pair.refreshToken,
      expires: pair.expires, expiresIn: pair.expiresIn, scope: 'crm', domain: portal.domain, clientEndpoint: portal.clientEndpoint, serverEndpoint: portal.serverEndpoint, status: 'L',
    } as any, app, { restrictionParams: { maxRetries: 2, retryDelay: 1, retryOnNetworkError: false } })
    b24.offClientSideWarning()
    return b24
  }

  beforeEach(async () => {
    // The SDK reads the real clock.
    await portal.close()
    portal = await startPortal({ limits: { burst: 0 } })
    app = register(portal, 'http://127.0.0.1:9')
  })

  it('calls, pages and refreshes', async () => {
    const b24 = connect()
    portal.addContact({ name: 'Иван' })
    const list = await b24.actions.v2.call.make<any>({ method: 'crm.item.list', params: { entityTypeId: 3, select: ['name'] } })
    expect(list.getData()!.result.items).toEqual([{ id: 1, name: 'Иван' }])
    portal.expireAccessTokens()
    const renewed: string[] = []
    b24.setCallbackRefreshAuth(async ({ authData }: any) => {
      renewed.push(authData.access_token)
    })
    const profile = await b24.actions.v2.call.make<any>({ method: 'profile', params: {} })
    expect(profile.getData()!.result.NAME).toBe('Анна')
    expect(renewed).toHaveLength(1)
    expect(portal.refusedCalls().map((call) => call.error)).toEqual(['expired_token'])
    b24.destroy()
  })

  it('sends batches with references between commands', async () => {
    const b24 = connect()
    const contact = portal.addContact({ name: 'Иван' })
    portal.addDeal({ title: 'Приём', contactId: contact.id })
    const batch = await b24.actions.v2.batch.make<any>({
      calls: {
        deal: ['crm.item.list', { entityTypeId: 2, filter: { '@id': [1] }, select: ['id', 'contactId'] }],
        contact: ['crm.item.get', { entityTypeId: 3, id: '$result[deal][items][0][contactId]' }],
      },
      options: { isHaltOnError: false },
    })
    expect((batch.getData()).contact.item.name).toBe('Иван')
    expect(portal.calls.map((call) => [call.method, call.batch !== undefined])).toEqual([['crm.item.list', true], ['crm.item.get', true], ['batch', false]])
    b24.destroy()
  })
})
