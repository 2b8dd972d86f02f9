import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { activateCommand, connectorDataCommand, connectorStatusCommand, connectorStatusOf, lineCommand, lineOf, updateLineCommand, type ConnectorStatus } from '../bitrix/lines.ts'
import { type Connector, type Language } from '../bitrix/manifest.ts'
import { listConnections, type Connection } from '../db/connections.ts'
import { listLines, saveLine, setLineState, type Line } from '../db/lines.ts'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { AppError, messageOf } from '../errors.ts'
import { problemText, type LineProblem } from './connector-words.ts'
import { type Deps } from './deps.ts'
import { connectors } from './page-subject.ts'
import { getPortal } from './read-settings.ts'

/** One connector of ours on one open line of a portal. */
export interface ConnectorRef {
  readonly portalId: PortalId
  readonly connector: string
  readonly lineId: string
}

/** How a connector stands on a line, as its settings page shows it. */
export interface ConnectorState {
  readonly connector: Connector
  readonly line: { readonly id: string; readonly name: string; readonly isActive: boolean; readonly createsLeads: boolean; readonly asksVote: boolean }
  readonly connectionId: ConnectionId | undefined
  readonly connections: readonly { readonly connection: Connection; readonly lineName: string | undefined }[]
  readonly status: 'active' | 'inactive' | 'error'
  readonly problems: readonly string[]
}

/** Reads how the connector stands at the portal and here. @throws AppError NOT_FOUND when the line is gone */
export const readConnector = async (deps: Deps, ref: ConnectorRef, language: Language): Promise<ConnectorState> => {
  const portal = await getPortal(deps, ref.portalId)
  const connector = connectorOf(ref)
  const { line, statuses } = await askPortal(deps.portalClient(portal.id), ref)
  const [rows, all] = await Promise.all([listLines(deps.db, portal.id), listConnections(deps.db, portal.id)])
  const own = rows.find((row) => isAt(row, ref))
  const status = statuses.get(connector.id)
  const isWorking = status?.isWorking === true
  const isComplete = own?.isActive === true && (connector.channel === undefined || own.connectionId !== undefined)
  const connection = all.find(({ id }) => id === own?.connectionId)
  const found: (LineProblem | undefined)[] = [
    line.isActive ? undefined : { code: 'lineOff' },
    line.wrong.includes('CRM') ? { code: 'noCrm' } : undefined,
    line.wrong.includes('CRM_CREATE') ? { code: 'createsLeads' } : undefined,
    line.wrong.includes('VOTE_MESSAGE') ? { code: 'asksVote' } : undefined,
    status?.hasError === true ? { code: 'connectorFailed' } : undefined,
    isWorking && !isComplete ? { code: 'notComplete' } : undefined,
    !isWorking && own?.isActive === true ? { code: 'switchedOff' } : undefined,
    ...connectors.filter(({ id }) => id !== connector.id && statuses.get(id)?.isWorking === true).map(({ name }): LineProblem => ({ code: 'anotherConnector', name: name[language] })),
    connection?.state === 'broken' ? { code: 'connectionBroken', name: connection.name } : undefined,
    connector.channel === undefined && isWorking && !portal.oneChatPerPatient ? { code: 'oneChatOff' } : undefined,
  ]
  return {
    connector,
    line: { id: ref.lineId, name: line.name, isActive: line.isActive, createsLeads: line.wrong.includes('CRM_CREATE'), asksVote: line.wrong.includes('VOTE_MESSAGE') },
    connectionId: own?.connectionId,
    connections: all
      .filter(({ channel }) => channel === connector.channel)
      .map((one) => ({ connection: one, lineName: rows.find((row) => row.connectionId === one.id && row.isActive && !isAt(row, ref))?.name })),
    status: isWorking && isComplete ? 'active' : isWorking || own?.isActive === true || status?.hasError === true ? 'error' : 'inactive',
    problems: found.flatMap((problem) => (problem === undefined ? [] : [problemText(language, problem)])),
  }
}

/**
 * Makes a line speak for a connection: its settings first, then the connector, and only what the portal itself confirms counts. A
 * connection that spoke on another line is switched off there, so that nobody answers in the wrong place (F18). Safe to repeat.
 *
 * @throws AppError FORM_INVALID, NOT_FOUND, PORTAL_REFUSED with what to do; BitrixError
 */
export const activateConnector = async (deps: Deps, ref: ConnectorRef, wanted: ConnectionId | undefined): Promise<void> => {
  const connector = connectorOf(ref)
  const client = deps.portalClient(ref.portalId)
  const connection = await connectionFor(deps, ref, connector, wanted)
  const key = { connector: connector.id, line: Number(ref.lineId) }
  const { line } = await askPortal(client, ref)
  const data = { id: connection?.id ?? connector.id, name: connection?.name ?? connector.name.ru, url: connection === undefined ? undefined : await addressOf(deps, connection) }
  for (const command of [updateLineCommand('', key.line), activateCommand('', { ...key, isActive: true }), connectorDataCommand('', { ...key, ...data })]) await client.call(command.method, command.params)
  const status = connectorStatusOf((await client.call('imconnector.status', connectorStatusCommand('', key).params)).result)
  if (!status.isWorking) throw new AppError('PORTAL_REFUSED', 'Битрикс24 не включил коннектор на этой линии: закройте настройки, откройте их снова и повторите.')
  const before = connection === undefined ? undefined : (await listLines(deps.db, ref.portalId)).find((row) => row.connectionId === connection.id && !isAt(row, ref))
  await deps.db.transaction().execute((trx) => saveLine(trx, { ...ref, connectionId: connection?.id, name: line.name, isActive: true, problem: undefined }))
  if (before !== undefined) await switchOff(deps, client, before)
}

/** Takes a connector out of a line; what was said stays, and switching it on again goes on where it was. Safe to repeat. */
export const deactivateConnector = async (deps: Deps, ref: ConnectorRef): Promise<void> => {
  const { method, params } = activateCommand('', { connector: connectorOf(ref).id, line: Number(ref.lineId), isActive: false })
  await deps.portalClient(ref.portalId).call(method, params)
  await setLineState(deps.db, ref.portalId, ref.connector, ref.lineId, { isActive: false })
}

const isAt = (row: Line, { connector, lineId }: ConnectorRef): boolean => row.connector === connector && row.lineId === lineId

const connectorOf = ({ connector }: ConnectorRef): Connector => {
  const found = connectors.find(({ id }) => id === connector)
  if (found === undefined) throw new AppError('NOT_FOUND', 'Такого коннектора в приложении больше нет: обновите приложение на портале.')
  return found
}

/** The line and how each connector of ours stands on it, in one request. */
const askPortal = async (client: PortalClient, { lineId }: ConnectorRef): Promise<{ line: ReturnType<typeof lineOf>; statuses: ReadonlyMap<string, ConnectorStatus> }> => {
  const lineNumber = Number(lineId)
  const outcomes = await client.batch([lineCommand('line', lineNumber), ...connectors.map(({ id }) => connectorStatusCommand(id, { connector: id, line: lineNumber }))])
  const statusOf = (id: string): [string, ConnectorStatus][] => {
    const outcome = outcomes.get(id)
    return outcome?.ok === true ? [[id, connectorStatusOf(outcome.result)]] : []
  }
  const line = resultOf(outcomes.get('line'))
  // A line that is not there is answered with `false`.
  if (line === false) throw new AppError('NOT_FOUND', 'Этой открытой линии больше нет: выберите другую в Контакт-центре.')
  return { line: lineOf(line), statuses: new Map(connectors.flatMap(({ id }) => statusOf(id))) }
}

const resultOf = (outcome: Outcome | undefined): unknown => {
  if (outcome?.ok === true) return outcome.result
  throw outcome?.error ?? new BitrixError({ method: 'imopenlines.config.get', httpStatus: 200, bitrixCode: 'NO_ANSWER' })
}

const connectionFor = async (deps: Deps, { portalId }: ConnectorRef, { channel }: Connector, wanted: ConnectionId | undefined): Promise<Connection | undefined> => {
  if (channel === undefined) {
    if (wanted !== undefined) throw new AppError('FORM_INVALID', 'Этому коннектору подключение не нужно: включите его без выбора.', { fields: { connectionId: 'Подключение здесь не выбирают.' } })
    return undefined
  }
  const connection = (await listConnections(deps.db, portalId)).find((one) => one.id === wanted && one.channel === channel)
  if (connection === undefined) throw new AppError('FORM_INVALID', 'Выберите подключение этого мессенджера.', { fields: { connectionId: 'Выберите подключение из списка.' } })
  return connection
}

/** Where a patient finds the account: its start link without a token, where the messenger has such links. */
const addressOf = async (deps: Deps, connection: Connection): Promise<string | undefined> => {
  const open = await deps.connections.byId(connection.portalId, connection.id)
  const link = URL.parse(open?.channel.startLink?.('start', { title: connection.title, credentials: open.credentials }) ?? '')
  return link === null ? undefined : `${link.origin}${link.pathname}`
}

/** The line on which the connection spoke before. Where the portal does not do it now, it is no harm: that line is nobody's any more. */
const switchOff = async (deps: Deps, client: PortalClient, { connector, lineId, portalId }: Line): Promise<void> => {
  const { method, params } = activateCommand('', { connector, line: Number(lineId), isActive: false })
  await client.call(method, params).catch((error: unknown) => deps.log.warn({ portal: portalId, connector, reason: messageOf(error) }, 'a connector could not be taken out of its earlier line'))
}
