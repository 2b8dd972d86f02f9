import { RestError } from '../errors.ts'
import { emit, eventScopes } from '../events.ts'
import { isYes } from '../model.ts'
import { answer, appOf, type Call, causeOf, type Handler } from './call.ts'

function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url?.hostname.includes('.')) throw new RestError('ERROR_WRONG_HANDLER_URL', 'Wrong handler URL')
  if (!/^https?:$/.test(url.protocol)) throw new RestError('ERROR_UNSUPPORTED_PROTOCOL', 'Unsupported handler protocol')
}

function eventName(call: Call): string {
  return String(call.params.event).toUpperCase()
}

function refuseOffline(call: Call): void {
  if (String(call.params.event_type ?? 'online') === 'online') return
  if (!call.user.admin) throw new RestError('ACCESS_DENIED', 'Access denied! Offline events binding requires administrator access rights', 403)
  throw new RestError('ERROR_SANDBOX_NOT_IMPLEMENTED', 'The sandbox portal does not play offline events', 501)
}

/** @see https://apidocs.bitrix24.com/api-reference/events/index.html */
export const eventMethods: Record<string, Handler> = {
  'events': answer((call) => Object.keys(eventScopes).filter((event) => {
    const scopes = eventScopes[event]!
    if (call.params.SCOPE !== undefined) return scopes.includes(String(call.params.SCOPE))
    return isYes(call.params.FULL) || scopes.length === 0 || scopes.some((scope) => call.scopes.includes(scope))
  })),
  'event.bind': answer((call) => {
    const app = appOf(call)
    const event = eventName(call)
    const scopes = eventScopes[event]
    if (!scopes || (scopes.length > 0 && !scopes.some((scope) => call.scopes.includes(scope)))) {
      throw new RestError('ERROR_EVENT_NOT_FOUND', 'Event not found')
    }
    refuseOffline(call)
    const handler = String(call.params.handler)
    checkUrl(handler)
    const given = Number(call.params.auth_type ?? 0)
    if (given > 0 && given !== call.user.id && !call.user.admin) {
      throw new RestError('ACCESS_DENIED', 'Access denied! Event binding with AUTH_TYPE requires administrator access rights', 403)
    }
    const authType = call.user.admin ? given : call.user.id
    if (app.eventHandlers.some((one) => one.event === event && one.handler === handler && one.authType === authType)) {
      throw new RestError('ERROR_CORE', 'Unable to set event handler: Handler already binded')
    }
    app.eventHandlers.push({ id: call.engine.world.nextId('eventHandler'), event, handler, authType, boundBy: call.user.id })
    return true
  }),
  'event.get': answer((call) => appOf(call).eventHandlers
    .filter((one) => call.user.admin || one.authType === call.user.id)
    .map((one) => ({ event: one.event, handler: one.handler, auth_type: String(one.authType), offline: 0 }))),
  'event.unbind': answer((call) => {
    const app = appOf(call)
    refuseOffline(call)
    const event = eventName(call)
    const before = app.eventHandlers.length
    app.eventHandlers = app.eventHandlers.filter((one) => one.event !== event || one.handler !== String(call.params.handler)
      || (call.params.auth_type !== undefined && one.authType !== Number(call.params.auth_type))
      || (!call.user.admin && one.authType !== call.user.id))
    return { count: before - app.eventHandlers.length }
  }),
  'event.test': answer((call) => {
    emit(call.engine, 'ONAPPTEST', { QUERY: call.params, LANGUAGE_ID: call.engine.language }, causeOf(call), { app: appOf(call) })
    return 1
  }),
}
