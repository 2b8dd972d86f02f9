import { RestError } from '../errors.ts'
import { stateOnLine } from '../lines/connectors.ts'
import { asMap } from '../list-query.ts'
import { type Connector, isYes } from '../model.ts'
import { answer, appOf, type Call, type Handler } from './call.ts'

const builtIn = { livechat: 'Онлайн-чат', telegrambot: 'Telegram', network: 'Битрикс24.Network' }

const flagNames = ['DEL_EXTERNAL_MESSAGES', 'EDIT_INTERNAL_MESSAGES', 'DEL_INTERNAL_MESSAGES', 'NEWSLETTER', 'NEED_SYSTEM_MESSAGES', 'NEED_SIGNATURE']

/** These two methods report failures inside `result` with HTTP 200. */
function inside(code: string, description: string): RestError {
  return new RestError(code, description, 200, { insideResult: true })
}

function line(call: Call): number {
  return Number(call.params.LINE ?? 0)
}

function own(call: Call): Connector | undefined {
  return appOf(call).connectors.get(String(call.params.CONNECTOR).toLowerCase())
}

function needed(call: Call): Connector {
  const connector = own(call)
  if (!connector) throw new RestError('IMCONNECTOR_NO_CORRECT_PROVIDER', 'Failed to find a suitable provider for the connector')
  return connector
}

/**
 * Registration of connectors and their switch on a line; their messages are in connector-messages.ts.
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/index.html
 */
export const connectorMethods: Record<string, Handler> = {
  'imconnector.register': answer((call) => {
    const app = appOf(call)
    const id = String(call.params.ID).toLowerCase()
    if (!/^[a-z0-9_]+$/.test(id)) throw inside('GENERAL_CONNECTOR_REGISTRATION_ERROR', 'Connector ID contains wrong symbols')
    const icon = asMap(call.params.ICON)
    if (typeof icon.DATA_IMAGE !== 'string' || !icon.DATA_IMAGE.startsWith('data:image/')) throw inside('ICON_REQUIRED', 'Connector icon is not specified')
    const flags = Object.fromEntries(flagNames.map((name) => [name, call.params[name] === undefined || isYes(call.params[name])]))
    app.connectors.set(id, {
      id,
      name: String(call.params.NAME),
      placementHandler: String(call.params.PLACEMENT_HANDLER),
      flags: { ...flags, CHAT_GROUP: isYes(call.params.CHAT_GROUP) },
      lines: app.connectors.get(id)?.lines ?? new Map(),
    })
    // The portal binds the settings page itself.
    app.placements = app.placements.filter((one) => one.placement !== 'SETTING_CONNECTOR' || one.title !== id)
    app.placements.push({
      id: call.engine.world.nextId('placement'), placement: 'SETTING_CONNECTOR', handler: String(call.params.PLACEMENT_HANDLER), title: id,
      description: '', groupName: '', langAll: {}, options: {}, userId: 0,
    })
    return { result: true }
  }),
  'imconnector.unregister': answer((call) => {
    const app = appOf(call)
    const id = String(call.params.ID).toLowerCase()
    if (!app.connectors.delete(id)) throw inside('APPLICATION_UNREGISTRATION_ERROR', 'Connector is not registered by the application')
    app.placements = app.placements.filter((one) => one.placement !== 'SETTING_CONNECTOR' || one.title !== id)
    return { result: true }
  }),
  'imconnector.list': answer((call) => {
    if (!call.user.admin) throw new RestError('ACCESS_DENIED', "You don't have access to this action")
    const custom = [...call.engine.world.apps.values()].flatMap((app) => [...app.connectors.values()].map((one) => [one.id, one.name]))
    return { ...builtIn, ...Object.fromEntries(custom) }
  }),
  'imconnector.activate': answer((call) => {
    const state = stateOnLine(needed(call), line(call))
    // "Any non-empty value enables the connector": N is such a value by the first sentence of the page and means "off" by the second.
    state.active = !['0', 'N'].includes(String(call.params.ACTIVE))
    if (state.active) state.error = false
    return true
  }),
  'imconnector.connector.data.set': answer((call) => {
    stateOnLine(needed(call), line(call)).data = asMap(call.params.DATA)
    return true
  }),
  'imconnector.status': answer((call) => {
    const connector = own(call)
    const state = connector && stateOnLine(connector, line(call))
    const configured = state !== undefined && state.active && state.data !== null
    return { LINE: line(call), CONNECTOR: String(call.params.CONNECTOR), ERROR: state?.error ?? false, CONFIGURED: configured, STATUS: configured && !state.error }
  }),
}
