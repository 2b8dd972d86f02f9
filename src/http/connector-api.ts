import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Language } from '../bitrix/language.ts'
import { connectionId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { activateConnector, deactivateConnector, readConnector, type ConnectorRef, type ConnectorState } from '../flows/activate-connector.ts'
import { type Deps } from '../flows/deps.ts'
import { inLanguage } from '../words/english.ts'
import { readForm } from './errors.ts'
import { ActivateForm, ConnectorView } from './patient-schemas.ts'
import { type Session } from './portal-session.ts'

/** The settings page of one connector on one open line, both of which the signed session names. Administrators only. */
export const registerConnectorApi = (scope: FastifyInstance, { deps, admin }: { deps: Deps; admin: (request: FastifyRequest) => Session }): void => {
  const show = async (session: Session): Promise<ConnectorView> => {
    const { language = 'ru' } = session
    return ConnectorView.parse(viewOf(await readConnector(deps, refOf(session), language), language))
  }

  scope.get('/connector', async (request) => show(admin(request)))
  scope.post('/connector/activate', async (request) => {
    const session = admin(request)
    const { connectionId: id } = readForm(ActivateForm, request.body ?? {})
    await activateConnector(deps, refOf(session), id === undefined ? undefined : connectionId(id))
    return show(session)
  })
  scope.post('/connector/deactivate', async (request) => {
    const session = admin(request)
    await deactivateConnector(deps, refOf(session))
    return show(session)
  })
}

const refOf = ({ portalId, subject }: Session): ConnectorRef => {
  if (subject?.door !== 'connector') throw new AppError('NOT_FOUND', 'Откройте настройки коннектора из Контакт-центра.')
  return { portalId, connector: subject.connector, lineId: subject.lineId }
}

const viewOf = ({ connector, line, connectionId: id, connections, status, problems }: ConnectorState, language: Language): ConnectorView => ({
  connector: connector.id,
  channel: connector.channel,
  title: { ...connector.name },
  line,
  connectionId: id,
  connections: connections.map(({ connection, lineName }) => ({
    id: connection.id, name: connection.name, title: connection.title, state: connection.state,
    problem: connection.problem === undefined ? undefined : inLanguage(language, connection.problem),
    lineName,
  })),
  status,
  problems: [...problems],
})
