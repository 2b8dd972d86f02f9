import { type Engine } from '../engine.ts'
import { type App, type Connector } from '../model.ts'

export interface ConnectorState {
  active: boolean
  error: boolean
  data: Record<string, unknown> | null
}

/** The state of a connector on a line; it is off until the application turns it on. */
export function stateOnLine(connector: Connector, lineId: number): ConnectorState {
  const state = connector.lines.get(lineId) ?? { active: false, error: false, data: null }
  connector.lines.set(lineId, state)
  return state
}

/** The connector with the application that registered it. */
export function findConnector(engine: Engine, id: string): { app: App, connector: Connector } | undefined {
  for (const app of engine.world.apps.values()) {
    const connector = app.present ? app.connectors.get(id) : undefined
    if (connector) return { app, connector }
  }
  return undefined
}

/** Switched on, given data and not marked as failed. */
export function worksOnLine(connector: Connector, lineId: number): boolean {
  const state = stateOnLine(connector, lineId)
  return state.active && state.data !== null && !state.error
}

/** What the slider of the contact center posts to the settings page. @see https://apidocs.bitrix24.com/api-reference/widgets/setting-connector.html */
export function settingOptions(connector: Connector, lineId: number): Record<string, unknown> {
  const state = stateOnLine(connector, lineId)
  return {
    CONNECTOR: connector.id, LINE: String(lineId), STATUS: worksOnLine(connector, lineId), ACTIVE_STATUS: state.active,
    CONNECTION_STATUS: state.data !== null, REGISTER_STATUS: state.data !== null, ERROR_STATUS: state.error,
    URI: `/contact_center/connector/?ID=${connector.id}&IFRAME=Y&IFRAME_TYPE=SIDE_SLIDER`,
  }
}
