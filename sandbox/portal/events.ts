import { appStatus, type Engine } from './engine.ts'
import { type App, type EventHandler } from './model.ts'

/** Events that an application may bind, with the scope each needs. @see https://apidocs.bitrix24.com/api-reference/events/events.html */
export const eventScopes: Record<string, string[]> = {
  ...scoped([], ['ONAPPINSTALL', 'ONAPPUPDATE', 'ONAPPUNINSTALL', 'ONAPPPAYMENT', 'ONAPPTEST', 'ONAPPMETHODCONFIRM', 'ONOFFLINEEVENT']),
  ...scoped(['user'], ['ONUSERADD']),
  ...scoped(['crm'], [
    ...threefold(['LEAD', 'DEAL', 'CONTACT', 'COMPANY', 'QUOTE', 'INVOICE', 'ACTIVITY', 'PRODUCT', 'CURRENCY', 'DYNAMICITEM', 'TYPE', 'REQUISITE', 'TIMELINECOMMENT']),
    'ONCRMDEALMOVETOCATEGORY', 'ONCRMTIMELINEITEMACTION',
  ]),
  ...scoped(['task', 'tasks'], ['ONTASKADD', 'ONTASKUPDATE', 'ONTASKDELETE', 'ONTASKCOMMENTADD', 'ONTASKCOMMENTUPDATE', 'ONTASKCOMMENTDELETE']),
  ...scoped(['imopenlines', 'imconnector'], [
    'ONIMCONNECTORMESSAGEADD', 'ONIMCONNECTORMESSAGEUPDATE', 'ONIMCONNECTORMESSAGEDELETE', 'ONIMCONNECTORDIALOGSTART',
    'ONIMCONNECTORDIALOGFINISH', 'ONIMCONNECTORSTATUSDELETE', 'ONIMCONNECTORLINEDELETE',
    'ONOPENLINEMESSAGEADD', 'ONOPENLINEMESSAGEUPDATE', 'ONOPENLINEMESSAGEDELETE', 'ONSESSIONSTART', 'ONSESSIONFINISH',
  ]),
}

function scoped(scopes: string[], events: string[]): Record<string, string[]> {
  return Object.fromEntries(events.map((event) => [event, scopes]))
}

function threefold(entities: string[]): string[] {
  return entities.flatMap((entity) => ['ADD', 'UPDATE', 'DELETE'].map((change) => `ONCRM${entity}${change}`))
}

/** Who caused a change: a person (tokens go along) or an automation (they do not). */
export type Cause = { userId: number } | 'automation'

/** The `auth` block of an event or a robot call; without a user the token fields are missing. */
export function authBlock(engine: Engine, app: App, cause: Cause): Record<string, unknown> {
  const common = {
    domain: engine.domain,
    server_endpoint: engine.serverEndpoint,
    client_endpoint: engine.clientEndpoint,
    member_id: engine.memberId,
  }
  if (cause === 'automation') return { ...common, application_token: app.applicationToken }
  const pair = engine.oauth.issue(app, cause.userId)
  return {
    access_token: pair.accessToken,
    expires: pair.expires,
    expires_in: pair.expiresIn,
    scope: app.scopes.join(','),
    domain: common.domain,
    server_endpoint: common.server_endpoint,
    status: appStatus(app),
    client_endpoint: common.client_endpoint,
    member_id: common.member_id,
    user_id: cause.userId,
    application_token: app.applicationToken,
  }
}

/** The `auth` block of ONAPPINSTALL and ONAPPUPDATE: the only ones that carry a refresh token. */
export function installAuthBlock(engine: Engine, app: App, userId: number): Record<string, unknown> {
  const pair = engine.oauth.issue(app, userId)
  return {
    domain: engine.domain,
    scope: app.scopes.join(','),
    access_token: pair.accessToken,
    refresh_token: pair.refreshToken,
    expires_in: pair.expiresIn,
    server_endpoint: engine.serverEndpoint,
    status: appStatus(app),
    client_endpoint: engine.clientEndpoint,
    member_id: engine.memberId,
    application_token: app.applicationToken,
  }
}

/** Sends the event to every bound handler of the applications whose installation is finished (or of one application). */
export function emit(engine: Engine, event: string, data: unknown, cause: Cause, only?: { app: App, handlers?: EventHandler[] }): void {
  const ts = Math.floor(engine.clock.now() / 1000)
  for (const app of only ? [only.app] : engine.world.apps.values()) {
    if (!app.present || !app.installed) continue
    for (const handler of only?.handlers ?? app.eventHandlers) {
      if (handler.event !== event) continue
      void engine.queue.post(event, handler.handler, {
        event,
        event_handler_id: handler.id,
        data,
        ts,
        auth: authBlock(engine, app, handler.authType > 0 ? { userId: handler.authType } : cause),
      })
    }
  }
}
