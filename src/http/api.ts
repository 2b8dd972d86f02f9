import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Language } from '../bitrix/language.ts'
import { type Channel, type ConnectionFacts } from '../channels/channel.ts'
import { channels } from '../channels/registry.ts'
import { connectionId, routeId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { chatsOf, checkConnection, connectChannel, disconnectChannel, sendTest } from '../flows/connect-channel.ts'
import { type Deps } from '../flows/deps.ts'
import { registerEverything } from '../flows/install-portal.ts'
import { getPortal, readSettings, showConnection, type ShownConnection, type ShownDelivery } from '../flows/read-settings.ts'
import { removeRoute, saveRouteDraft, type RouteDraft } from '../flows/save-route.ts'
import { inLanguage, standInInLanguage } from '../words/english.ts'
import { registerConnectorApi } from './connector-api.ts'
import { registerConversationApi } from './conversation-api.ts'
import { readForm } from './errors.ts'
import { registerPatientApi } from './patient-api.ts'
import { type Session, type Sessions } from './portal-session.ts'
import {
  Chats, CheckResult, Connection, ConnectionForm, InstallResult, Overview, RobotSettings, Route, RouteForm, TestForm, TestResult,
  type ChannelInfo, type DeliverySummary,
} from './schemas.ts'

interface Parts {
  readonly deps: Deps
  readonly sessions: Sessions
}

type Id = { Params: { id: string } }

/** The API of our own pages; what it takes and answers stands in schemas.ts. Everything is done for the session's portal. */
export const registerApi = (scope: FastifyInstance, { deps, sessions }: Parts): void => {
  const viewer = (request: FastifyRequest): Session => sessions.read(request.headers.authorization)
  const admin = (request: FastifyRequest): Session => {
    const session = viewer(request)
    if (!session.isAdmin) throw new AppError('ADMIN_REQUIRED', 'Настройки меняет администратор портала: попросите его.')
    return session
  }

  scope.addHook('preHandler', async (request) => {
    // A page may outlive the installation that it belongs to.
    await getPortal(deps, viewer(request).portalId)
    // PostgreSQL takes no zero byte in a text: refused here once, for every field and every id.
    if (/%00/.test(request.url) || JSON.stringify(request.body ?? '').includes(String.raw`\u0000`)) throw new AppError('FORM_INVALID', 'Уберите невидимые знаки из полей и сохраните ещё раз.')
  })

  scope.get('/overview', async (request) => {
    const session = viewer(request)
    const language = session.language ?? 'ru'
    const { portal, connections, routes, deliveries } = await readSettings(deps, session.portalId)
    return Overview.parse({
      portal: { domain: portal.domain, language: portal.language, timeZone: portal.timeZone, state: portal.state, problems: portal.problems.map((problem) => inLanguage(language, problem)) },
      user: { isAdmin: session.isAdmin },
      channels: channels.map((channel) => channelInfo(channel)),
      connections: connections.map((shown) => connectionShape(shown, session)),
      routes,
      deliveries: deliveries.map((shown) => deliveryShape(shown, language)),
    })
  })

  scope.post('/connections', async (request) => {
    const session = admin(request)
    const connection = await connectChannel(deps, session.portalId, readForm(ConnectionForm, request.body))
    return Connection.parse(connectionShape(showConnection(deps, connection), session))
  })
  scope.put<Id>('/connections/:id', async (request) => {
    const session = admin(request)
    const connection = await connectChannel(deps, session.portalId, readForm(ConnectionForm, request.body), connectionId(request.params.id))
    return Connection.parse(connectionShape(showConnection(deps, connection), session))
  })
  scope.delete<Id>('/connections/:id', async (request) => {
    await disconnectChannel(deps, admin(request).portalId, connectionId(request.params.id))
    return {}
  })
  scope.post<Id>('/connections/:id/check', async (request) => {
    const { portalId, language = 'ru' } = admin(request)
    const { ok, message, facts } = await checkConnection(deps, portalId, connectionId(request.params.id))
    return CheckResult.parse({ ok, message: inLanguage(language, message), title: facts?.title, details: detailsIn(language, facts?.details ?? []) })
  })
  scope.get<Id>('/connections/:id/chats', async (request) => {
    const chats = await chatsOf(deps, admin(request).portalId, connectionId(request.params.id))
    return Chats.parse({ chats: chats.map(({ id, name, at }) => ({ id, name, at: at.toISOString() })) })
  })
  scope.post<Id>('/connections/:id/test', async (request) => {
    const { portalId, language = 'ru' } = admin(request)
    const { ok, message } = await sendTest(deps, portalId, connectionId(request.params.id), readForm(TestForm, request.body).to)
    return TestResult.parse({ ok, message: inLanguage(language, message) })
  })

  scope.post('/routes', async (request) => Route.parse(await saveRouteDraft(deps, admin(request).portalId, draftOf(request.body))))
  scope.put<Id>('/routes/:id', async (request) => Route.parse(await saveRouteDraft(deps, admin(request).portalId, draftOf(request.body), routeId(request.params.id))))
  scope.delete<Id>('/routes/:id', async (request) => {
    await removeRoute(deps, admin(request).portalId, routeId(request.params.id))
    return {}
  })

  scope.get('/robot-settings', async (request) => {
    const { connections, routes } = await readSettings(deps, viewer(request).portalId)
    const nameOf = new Map(connections.map(({ connection }) => [connection.id, connection.name]))
    return RobotSettings.parse({
      routes: routes.map((route) => ({
        id: route.id,
        name: route.name,
        isDefault: route.isDefault,
        summary: route.steps.map((step) => (step.kind === 'task' ? '☎' : (nameOf.get(step.connectionId) ?? '?'))).join(' → '),
      })),
    })
  })

  scope.post('/install', async (request) => {
    const { portalId, userId, language = 'ru' } = admin(request)
    const steps = await registerEverything(deps, portalId, userId)
    return InstallResult.parse({ ok: steps.every((step) => step.ok), steps: steps.map((step) => ({ ...step, message: inLanguage(language, step.message) })) })
  })

  registerConnectorApi(scope, { deps, admin })
  registerConversationApi(scope, { deps, admin })
  registerPatientApi(scope, { deps, viewer })
}

const draftOf = (body: unknown): RouteDraft => {
  const form = readForm(RouteForm, body)
  return { ...form, steps: form.steps.map((step) => (step.kind === 'task' ? step : { ...step, connectionId: connectionId(step.connectionId) })) }
}

const channelInfo = (channel: Channel): ChannelInfo => ({
  id: channel.id,
  title: { ...channel.title },
  receipts: [...channel.receipts],
  hasButtons: channel.limits.buttons !== undefined,
  needsTemplate: channel.canStart === 'template',
  isGrey: channel.isGrey === true,
  guide: (channel.guide ?? []).map((step) => ({ ...step })),
  isManualOnly: channel.isManualOnly === true,
  addressedBy: channel.addressedBy,
  textLength: channel.limits.textLength,
  fields: channel.fields.map((field) => ({ ...field, advanced: field.advanced === true, multiline: field.multiline === true })),
})

/** Staff see that a connection works, not how it is set up. */
const connectionShape = ({ connection, values, secretsSet, hookUrl, miniAppUrl }: ShownConnection, { isAdmin, language = 'ru' }: Session): unknown => ({
  id: connection.id,
  channel: connection.channel,
  name: connection.name,
  state: connection.state,
  problem: connection.problem === undefined ? undefined : inLanguage(language, connection.problem),
  title: connection.title,
  // The address of a webhook stands among them.
  details: isAdmin ? detailsIn(language, connection.details) : [],
  warnings: connection.warnings ?? [],
  values: isAdmin ? values : {},
  secretsSet: isAdmin ? secretsSet : [],
  hookUrl: isAdmin ? hookUrl : '',
  miniAppUrl: isAdmin ? miniAppUrl : undefined,
  checkedAt: connection.checkedAt?.toISOString(),
})

/** What a vendor says of a connection is its own; of what we add only whether messages are received is a word. */
const detailsIn = (language: Language, details: unknown): ConnectionFacts['details'] =>
  Connection.shape.details.parse(details).map(({ label, value }) => ({ label, value: standInInLanguage(language, value) }))

const deliveryShape = ({ delivery, channel, proof }: ShownDelivery, language: Language): DeliverySummary => ({
  id: delivery.id,
  at: new Date(delivery.startedAt).toISOString(),
  routeName: standInInLanguage(language, delivery.route.name),
  purpose: delivery.purpose,
  dealId: delivery.dealId,
  status: delivery.status,
  channel,
  proof,
  answer: delivery.answer,
})
