import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { addControl } from './control.ts'
import { appStatus, type Engine, type Webhook } from './engine.ts'
import { parseQuery } from './form.ts'
import { addLinePages } from './lines/pages.ts'
import { OAuthError } from './oauth.ts'
import { addPages } from './pages.ts'
import { type Portal } from './portal.ts'
import { answerRest } from './rest.ts'

const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'origin, content-type, accept, authorization',
  'access-control-allow-methods': 'GET, POST, PATCH, DELETE, OPTIONS',
}

/** Starts the HTTP server of the portal and its OAuth server on 127.0.0.1. */
export async function listen(engine: Engine, portal: () => Portal, port: number): Promise<{ rename(): Promise<string>, close(): Promise<void> }> {
  const app = Fastify({ routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true }, bodyLimit: 20 * 1024 * 1024, forceCloseConnections: true })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, parseQuery(String(body)))
  })
  // An empty body is an empty map: clients send the content type even when they have nothing to say.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, String(body) === '' ? {} : JSON.parse(String(body)))
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }))
    }
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(cors)
    if (request.method === 'OPTIONS') await reply.code(204).send()
  })
  addOAuth(app, engine)
  addRest(app, engine)
  addControl(app, engine, portal)
  addPages(app, engine)
  addLinePages(app, engine)
  await app.listen({ port, host: '127.0.0.1' })
  const first = app.server.address() as AddressInfo
  engine.origin = engine.oauthOrigin = `http://127.0.0.1:${first.port}`

  const renamed: Server[] = []
  return {
    rename: async () => {
      const server = createServer((request, response) => app.routing(request, response))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      renamed.push(server)
      engine.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return engine.origin
    },
    close: async () => {
      for (const server of renamed) {
        server.closeAllConnections()
        server.close()
      }
      await app.close()
    },
  }
}

function fields(request: FastifyRequest): Record<string, any> {
  const query = request.url.includes('?') ? parseQuery(request.url.slice(request.url.indexOf('?') + 1)) : {}
  const body = request.body !== null && typeof request.body === 'object' ? request.body as Record<string, unknown> : {}
  return { ...query, ...body }
}

function addRest(app: FastifyInstance, engine: Engine): void {
  const handle = async (request: FastifyRequest, reply: FastifyReply, method: string, webhook?: Webhook): Promise<FastifyReply> => {
    if (request.socket.localPort !== Number(new URL(engine.origin).port)) {
      return reply.code(302).header('location', engine.origin + request.url).send()
    }
    const { auth, access_token: accessToken, ...params } = fields(request)
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    const outcome = await answerRest(engine, {
      method: method.replace(/\.(json|xml)$/, ''),
      params,
      token: [auth, accessToken, bearer].find((one) => typeof one === 'string'),
      ...(webhook ? { webhook } : {}),
      address: request.ip,
    })
    if (outcome.kind === 'drop') {
      reply.hijack()
      request.raw.socket.destroy()
      return reply
    }
    return reply.code(outcome.status).headers(outcome.headers ?? {}).header('content-type', 'application/json; charset=utf-8')
      .send(outcome.body === null ? '' : JSON.stringify(outcome.body))
  }
  app.route<{ Params: { method: string } }>({
    method: ['GET', 'POST'], url: '/rest/:method', handler: (request, reply) => handle(request, reply, request.params.method),
  })
  app.route<{ Params: { user: string, code: string, method: string } }>({
    method: ['GET', 'POST'],
    url: '/rest/:user/:code/:method',
    handler: (request, reply) => {
      const { user, code, method } = request.params
      const webhook = engine.webhooks.get(code)
      return webhook?.userId === Number(user)
        ? handle(request, reply, method, webhook)
        : reply.code(401).send({ error: 'NO_AUTH_FOUND', error_description: 'Wrong authorization data' })
    },
  })
}

/** @see https://apidocs.bitrix24.com/settings/oauth/index.html */
function addOAuth(app: FastifyInstance, engine: Engine): void {
  const host = (): string => new URL(engine.oauthOrigin).host
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/token',
    handler: async (request, reply) => {
      const rule = engine.misbehaviours.take('oauth', 'token')
      if (rule?.kind === 'oauth_slow') await new Promise((resolve) => setTimeout(resolve, rule.ms ?? 1000))
      if (rule?.kind === 'oauth_error') return reply.code(502).type('text/html').send('<html><body>Bad Gateway</body></html>')
      if (rule?.kind === 'oauth_invalid_grant') return reply.code(400).send({ error: 'invalid_grant', error_description: 'Invalid refresh token' })
      if (rule?.kind === 'oauth_payment_required' || engine.paymentRequired) {
        return reply.code(402).send({ error: 'PAYMENT_REQUIRED', error_description: 'Payment required' })
      }
      let exchanged
      try {
        exchanged = engine.oauth.exchange(fields(request))
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        return reply.code(error.status).send({ error: error.code, error_description: error.message })
      }
      if (rule?.kind === 'oauth_drop_after') {
        reply.hijack()
        request.raw.socket.destroy()
        return reply
      }
      const { app: owner, userId, pair, byCode } = exchanged
      return reply.send({
        access_token: pair.accessToken,
        client_endpoint: engine.clientEndpoint,
        domain: host(),
        // The exchange of a code tells neither `expires` nor `user_id`.
        ...(byCode ? {} : { expires: pair.expires }),
        expires_in: pair.expiresIn,
        member_id: engine.memberId,
        refresh_token: pair.refreshToken,
        scope: owner.scopes.join(','),
        server_endpoint: engine.serverEndpoint,
        status: appStatus(owner),
        ...(byCode ? {} : { user_id: userId }),
      })
    },
  })
  app.get<{ Querystring: { client_id?: string, state?: string, user?: string } }>('/oauth/authorize', (request, reply) => {
    const owner = engine.world.apps.get(request.query.client_id ?? '')
    if (!owner?.present) return reply.code(400).send({ error: 'invalid_client', error_description: 'Application not found' })
    const target = new URL(owner.handlerUrl)
    const code = engine.oauth.issueCode(owner, Number(request.query.user ?? 1))
    const values = { code, state: request.query.state ?? '', domain: engine.domain, member_id: engine.memberId, scope: owner.scopes.join(','), server_domain: host() }
    for (const [key, value] of Object.entries(values)) target.searchParams.set(key, value)
    return reply.redirect(target.href)
  })
}
