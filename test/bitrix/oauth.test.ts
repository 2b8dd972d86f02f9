import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createOAuth } from '../../src/bitrix/oauth.ts'
import { startOddServer } from './odd-server.ts'
import { vector } from './vectors.ts'

let server: Awaited<ReturnType<typeof startOddServer>>
beforeEach(async () => {
  server = await startOddServer()
})
afterEach(() => server.stop())
const oauthOf = () => createOAuth({ clientId: 'local.1', clientSecret: 'secret', servers: [server.origin], clock: { now: () => 1_000 }, timeoutMs: 300 })

describe('the OAuth server', () => {
  it('trades a code by a form in the body, and the age of the token counts from now', async () => {
    server.reply({ body: vector('call.oauth.code-exchange.ok').response!.body })
    expect(await oauthOf().exchangeCode('code-1')).toEqual({
      memberId: 'a223c6b3710f85df22e9377d6c4f7553',
      userId: undefined,
      accessToken: 's1morf609228iwyjjpvfv6wsvuja4p8u',
      refreshToken: '4f9k4jpmg13usmybzuqknt2v9fh0q6rl',
      expiresAt: 3_601_000,
      clientEndpoint: 'https://portal.bitrix24.com/rest/',
      serverEndpoint: 'https://oauth.bitrix.info/rest/',
      scope: ['crm', 'entity', 'im', 'task'],
      status: 'F',
    })
    expect(server.seen).toEqual([{ path: '/oauth/token/', method: 'POST', body: { grant_type: 'authorization_code', code: 'code-1', client_id: 'local.1', client_secret: 'secret' } }])
  })

  it('names the user after a refresh', async () => {
    server.reply({ body: vector('call.oauth.refresh.ok').response!.body })
    expect((await oauthOf().refresh('r', `${server.origin}/rest/`)).userId).toBe('67')
  })

  it.each(['https://evil.example/rest/', 'not an address', 'http://127.0.0.1:1/rest/'])('is never one that a page names: %s', async (serverEndpoint) => {
    await expect(oauthOf().refresh('r', serverEndpoint)).rejects.toMatchObject({ bitrixCode: 'OAUTH_HOST_REFUSED', outcome: 'rejected' })
    expect(server.seen).toEqual([])
  })

  it.each([
    [{ status: 400, body: { error: 'invalid_grant', error_description: '' } }, { action: 'reinstall', outcome: 'rejected' }],
    [{ status: 200, body: { error: 'PAYMENT_REQUIRED', error_description: 'Payment required' } }, { action: 'park', outcome: 'rejected' }],
    [{ status: 401, body: { error: 'invalid_client' } }, { action: 'stopTraffic', outcome: 'rejected' }],
    [{ status: 502, body: '<html>' }, { outcome: 'unknown', retryable: true }],
    [{ status: 200, body: { access_token: 'a' } }, { outcome: 'unknown' }],
    [{ status: 302, headers: { location: '/elsewhere' } }, { bitrixCode: 'UNREADABLE_ANSWER' }],
    ['drop' as const, { outcome: 'unknown' }],
    [{ delayMs: 2_000 }, { outcome: 'unknown' }],
  ])('says what its refusal means: %j', async (reply, expected) => {
    server.reply(reply)
    await expect(oauthOf().refresh('r')).rejects.toMatchObject(expected)
    expect(server.seen).toHaveLength(1)
  })
})
