import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { initData } from './apps.ts'
import { type Engine } from './engine.ts'
import { addLineControl } from './lines/control.ts'
import { misbehaviours } from './misbehave.ts'
import { type Portal } from './portal.ts'

type Query = Record<string, string | undefined>

function number(text: unknown): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}

/** `/sandbox/...`: the same as the handle, over HTTP, for pages and scripts. A mistake is answered 400 with one sentence. */
export function addControl(app: FastifyInstance, engine: Engine, portal: () => Portal): void {
  const route = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, handler: (input: { params: any, query: Query, body: any }) => unknown): void => {
    app.route({
      method,
      url: `/sandbox${url}`,
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        try {
          const result = await handler({ params: request.params, query: request.query as Query, body: request.body ?? {} })
          return await reply.send(result ?? { ok: true })
        } catch (error) {
          return reply.code(400).send({ error: error instanceof Error ? error.message : String(error) })
        }
      },
    })
  }

  route('GET', '/state', ({ query }) => portal().state({ dealId: number(query.dealId), contactId: number(query.contactId) }))
  route('GET', '/calls', ({ query }) => {
    const after = Number(query.after ?? 0)
    const limit = Number(query.limit ?? 1000)
    const refused = query.refused === undefined ? undefined : new Set(portal().refusedCalls({ injected: query.refused === 'all' }).map((call) => call.id))
    const calls = engine.calls.after(after).filter((call) => refused === undefined || refused.has(call.id)).slice(0, limit)
    return { calls, after: calls.at(-1)?.id ?? after }
  })
  route('GET', '/calls/totals', () => portal().callTotals())
  route('GET', '/deliveries', ({ query }) => {
    const deliveries = engine.queue.log.filter((one) => one.id > Number(query.after ?? 0)).slice(0, Number(query.limit ?? 1000))
    return { deliveries, after: deliveries.at(-1)?.id ?? Number(query.after ?? 0) }
  })

  route('GET', '/misbehave', () => ({ kinds: misbehaviours, rules: engine.misbehaviours.list() }))
  route('POST', '/misbehave', ({ body }) => {
    if (body.clear === true) portal().behave()
    else portal().misbehave(body)
  })
  route('DELETE', '/misbehave', () => portal().behave())
  route('POST', '/rename', async () => ({ origin: await portal().rename() }))
  route('PATCH', '/settings', ({ body }) => {
    if (body.tokenLifeSeconds !== undefined) portal().tokenLifeSeconds = Number(body.tokenLifeSeconds)
    if (body.paymentRequired !== undefined) portal().paymentRequired = Boolean(body.paymentRequired)
    Object.assign(engine.limits.settings, body.limits)
    return { tokenLifeSeconds: portal().tokenLifeSeconds, paymentRequired: portal().paymentRequired, limits: engine.limits.settings }
  })
  route('POST', '/tokens/expire', ({ body }) => portal().expireAccessTokens(body.clientId, body.userId))

  route('POST', '/robot', ({ body }) => ({ eventToken: portal().runRobot(body).eventToken }))
  route('GET', '/templates/:code', ({ params }) => engine.templates.get(params.code) ?? {})
  route('POST', '/templates/:code', ({ params, body }) => {
    engine.templates.set(params.code, body)
  })
  route('POST', '/robot-settings/:code', ({ params, body }) => portal().openRobotSettings(params.code, body))
  route('POST', '/sms', ({ body }) => ({ messageId: portal().sendSms(body) }))
  route('POST', '/triggers', ({ body }) => portal().placeTrigger(String(body.code), String(body.stageId)))
  route('POST', '/activities/:id/click', ({ params, body }) => portal().clickAction(Number(params.id), String(body.actionId), number(body.userId)))

  // `byAutomation: true`: the change was made by a robot, its events carry no tokens.
  const split = (body: any): [any, 'automation' | { userId: number } | undefined] => {
    const { byAutomation, userId, ...input } = body
    return [input, byAutomation === true ? 'automation' : userId === undefined ? undefined : { userId: Number(userId) }]
  }
  route('GET', '/deals', () => [...engine.world.deals.values()])
  route('POST', '/deals', ({ body }) => portal().addDeal(...split(body)))
  route('PATCH', '/deals/:id', ({ params, body }) => portal().updateDeal(Number(params.id), ...split(body)))
  route('DELETE', '/deals/:id', ({ params }) => portal().deleteDeal(Number(params.id)))
  route('GET', '/contacts', () => [...engine.world.contacts.values()])
  route('POST', '/contacts', ({ body }) => portal().addContact(...split(body)))
  route('PATCH', '/contacts/:id', ({ params, body }) => portal().updateContact(Number(params.id), ...split(body)))
  route('DELETE', '/contacts/:id', ({ params }) => portal().deleteContact(Number(params.id)))
  route('GET', '/leads', () => [...engine.world.leads.values()])
  route('GET', '/stages', () => engine.world.stages)
  route('POST', '/stages', ({ body }) => portal().addStage(body))
  route('DELETE', '/stages/:id', ({ params }) => portal().removeStage(String(params.id)))
  route('GET', '/users', () => [...engine.world.users.values()])
  route('POST', '/users', ({ body }) => portal().addUser(body))
  route('PATCH', '/users/:id', ({ params, body }) => portal().updateUser(Number(params.id), body))

  route('GET', '/bookings', () => portal().bookings.list())
  route('POST', '/bookings', ({ body }) => portal().bookings.add(body))
  route('PATCH', '/bookings/:id', ({ params, body }) => portal().bookings.move(Number(params.id), Number(body.startsAt)))
  route('DELETE', '/bookings/:id', ({ params }) => portal().bookings.cancel(Number(params.id)))
  addLineControl(route, () => portal().lines)

  // The secret is shown once, when the application is registered, as on its card.
  route('GET', '/apps', () => [...engine.world.apps.values()].map(({ clientId, name, shape, ui, version, present, installed, scopes }) =>
    ({ clientId, name, shape, ui, version, present, installed, scopes })))
  route('POST', '/apps', ({ body }) => portal().registerApp(body))
  route('POST', '/apps/:clientId/install', ({ params, body }) => portal().installApp(params.clientId, body))
  route('POST', '/apps/:clientId/open', ({ params, body }) => portal().openApp(params.clientId, body))
  route('POST', '/apps/:clientId/finish', ({ params, body }) => portal().finishInstall(params.clientId, body))
  route('POST', '/apps/:clientId/update', ({ params, body }) => portal().updateApp(params.clientId, body))
  route('POST', '/apps/:clientId/uninstall', ({ params, body }) => portal().uninstallApp(params.clientId, body))

  // What the frame's host page needs of the portal, by the APP_SID of the frame.
  const session = (sid: string) => {
    const found = engine.frames.get(sid)
    if (!found) throw new Error('This frame is not open.')
    return found
  }
  route('GET', '/frames/:sid/init', ({ params }) => initData(engine, session(params.sid)))
  route('POST', '/frames/:sid/refresh', ({ params }) => {
    const frame = session(params.sid)
    frame.tokens = engine.oauth.issue(engine.app(frame.clientId), frame.userId)
    return { AUTH_ID: frame.tokens.accessToken, REFRESH_ID: frame.tokens.refreshToken, AUTH_EXPIRES: frame.tokens.expiresIn }
  })
  route('POST', '/frames/:sid/install', ({ params }) => {
    engine.app(session(params.sid).clientId).firstRun = false
  })
  route('POST', '/frames/:sid/install-finish', ({ params }) => {
    const { clientId, userId } = session(params.sid)
    portal().finishInstall(clientId, { userId })
  })
  route('POST', '/frames/:sid/options', ({ params, body }) => {
    const { clientId, userId } = session(params.sid)
    const owner = engine.app(clientId)
    if (body.scope === 'user') owner.userOptions.set(userId, { ...owner.userOptions.get(userId), [body.name]: body.value })
    else if (engine.isAdmin(userId)) owner.options[String(body.name)] = body.value
    else throw new Error('Only an administrator may change options of the application.')
    return body.scope === 'user' ? owner.userOptions.get(userId) : owner.options
  })
}
