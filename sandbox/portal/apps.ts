import { randomBytes } from 'node:crypto'
import { appStatus, type Engine, type FrameSession } from './engine.ts'
import { emit, installAuthBlock } from './events.ts'
import { type App } from './model.ts'

export interface AppSpec {
  /** `local`: added by the administrator by hand; `market`: installed from the catalogue. */
  shape: 'local' | 'market'
  /** Has pages (opens in a frame, finishes its installation itself) or works through the API alone. */
  ui: boolean
  /** The page of the application. */
  handlerUrl: string
  /** With UI the page that is shown until the installation is finished; without UI the receiver of ONAPPINSTALL. */
  installUrl?: string
  scopes: string[]
  name: string
  /** Credentials can be chosen, so that an application may know them before it is registered. */
  clientId?: string
  clientSecret?: string
}

export interface OpenedPage {
  status: number
  headers: Record<string, string>
  html: string
  /** The URL that the form was posted to, with DOMAIN, PROTOCOL, LANG and APP_SID. */
  url: string
  appSid: string
  /** What the browser would have as `window.name` of the frame. */
  frameName: string
}

/** Adds the card of an application. Nothing is sent; a UI application waits for its first opening, another for `installApp`. */
export function registerApp(engine: Engine, spec: AppSpec): App {
  const id = engine.world.nextId('app')
  const prefix = spec.shape === 'local' ? 'local' : 'app'
  const app: App = {
    id,
    clientId: spec.clientId ?? `${prefix}.${randomBytes(7).toString('hex')}.${String(id).padStart(8, '0')}`,
    clientSecret: spec.clientSecret ?? randomBytes(25).toString('hex'),
    name: spec.name,
    shape: spec.shape,
    ui: spec.ui,
    handlerUrl: spec.handlerUrl,
    installUrl: spec.installUrl ?? '',
    scopes: [...spec.scopes],
    version: 1,
    present: spec.ui,
    installed: false,
    firstRun: true,
    applicationToken: randomBytes(16).toString('hex'),
    options: {},
    userOptions: new Map(),
    eventHandlers: [],
    placements: [],
    robots: new Map(),
    activities: new Map(),
    senders: new Map(),
    connectors: new Map(),
    triggers: new Map(),
    activityTypes: new Set(),
  }
  // With pages but without an installer page nothing has to be finished.
  if (spec.ui && !spec.installUrl) app.installed = true
  engine.world.apps.set(app.clientId, app)
  return app
}

/** Puts the application on the portal (again). Without UI this posts ONAPPINSTALL to the installation URL and that finishes it. */
export async function installApp(engine: Engine, clientId: string, userId: number): Promise<void> {
  const app = engine.app(clientId)
  if (!app.present) app.applicationToken = randomBytes(16).toString('hex')
  app.present = true
  app.firstRun = true
  app.installed = !app.ui || app.installUrl === ''
  if (app.ui) return
  await engine.queue.post('ONAPPINSTALL', app.installUrl || app.handlerUrl, {
    event: 'ONAPPINSTALL',
    data: { VERSION: String(app.version), ACTIVE: 'Y', INSTALLED: 'Y', LANGUAGE_ID: engine.language },
    ts: Math.floor(engine.clock.now() / 1000),
    auth: installAuthBlock(engine, app, userId),
  })
}

/** What `setInstallFinish` of the frame does: from now on widgets are visible and events are sent. */
export function finishInstall(engine: Engine, clientId: string, userId: number): void {
  const app = engine.app(clientId)
  if (!app.present || app.installed) return
  app.installed = true
  emit(engine, 'ONAPPINSTALL', { VERSION: String(app.version), ACTIVE: 'Y', INSTALLED: 'Y', LANGUAGE_ID: engine.language }, { userId }, { app })
}

/**
 * A new version: handlers, robots and the old tokens die, a new application token is born, ONAPPUPDATE goes to whoever had bound it
 * (and to the installation URL of an application without UI); an application with an installer page has to finish again.
 * @see https://apidocs.bitrix24.com/api-reference/common/events/on-app-update.html
 */
export function updateApp(engine: Engine, clientId: string, change: { userId?: number, scopes?: string[] } = {}): void {
  const app = engine.app(clientId)
  const handlers = app.eventHandlers.filter((handler) => handler.event === 'ONAPPUPDATE').map((handler) => handler.handler)
  const previous = app.version
  app.version += 1
  app.scopes = change.scopes ?? app.scopes
  app.eventHandlers = []
  app.robots.clear()
  app.activities.clear()
  engine.oauth.revoke(clientId)
  app.applicationToken = randomBytes(16).toString('hex')
  app.installed = !app.ui || app.installUrl === ''
  app.firstRun = true
  if (!app.installed) app.connectors.clear()
  if (!app.ui && app.installUrl) handlers.push(app.installUrl)
  for (const handler of new Set(handlers)) {
    void engine.queue.post('ONAPPUPDATE', handler, {
      event: 'ONAPPUPDATE',
      data: { VERSION: String(app.version), PREVIOUS_VERSION: String(previous), LANGUAGE_ID: engine.language },
      ts: Math.floor(engine.clock.now() / 1000),
      auth: installAuthBlock(engine, app, change.userId ?? 1),
    })
  }
}

/**
 * Removes the application: first the tokens, then ONAPPUNINSTALL without any, then the registrations. Triggers and activities stay.
 * @see https://apidocs.bitrix24.com/settings/app-uninstallation.html
 */
export function uninstallApp(engine: Engine, clientId: string, options: { clean: boolean }): void {
  const app = engine.app(clientId)
  engine.oauth.revoke(clientId)
  const handlers = app.eventHandlers.filter((handler) => handler.event === 'ONAPPUNINSTALL')
  for (const handler of app.installed ? handlers : []) {
    void engine.queue.post('ONAPPUNINSTALL', handler.handler, {
      event: 'ONAPPUNINSTALL',
      event_handler_id: handler.id,
      data: { LANGUAGE_ID: engine.language, CLEAN: options.clean ? 1 : 0 },
      ts: Math.floor(engine.clock.now() / 1000),
      auth: {
        domain: engine.domain,
        server_endpoint: engine.serverEndpoint,
        client_endpoint: engine.clientEndpoint,
        member_id: engine.memberId,
        application_token: app.applicationToken,
      },
    })
  }
  app.present = false
  app.installed = false
  app.eventHandlers = []
  app.placements = []
  app.robots.clear()
  app.activities.clear()
  app.connectors.clear()
  app.senders.clear()
  if (options.clean || app.shape === 'local') app.options = {}
}

/**
 * Opens a page of the application for a user: mints the tokens and says what the browser has to post where.
 * @throws Error when the application is not on the portal, or its installation is unfinished and the user may not finish it.
 */
export function openFrame(
  engine: Engine, clientId: string, userId: number, placement = 'DEFAULT', options: Record<string, unknown> | null = null, handler?: string,
): FrameSession & { action: string, fields: Record<string, string>, frameName: string } {
  const app = engine.app(clientId)
  if (!app.present) throw new Error('The application is not installed on the portal.')
  if (!app.installed && !engine.isAdmin(userId)) throw new Error('The application is not fully installed: ask an administrator to open it.')
  const target = !app.installed && app.installUrl ? app.installUrl : handler ?? app.handlerUrl
  const session: FrameSession = {
    appSid: randomBytes(16).toString('hex'), clientId, userId, placement, options, tokens: engine.oauth.issue(app, userId),
  }
  engine.frames.set(session.appSid, session)
  const protocol = engine.origin.startsWith('https:') ? '1' : '0'
  const query = new URLSearchParams({ DOMAIN: engine.domain, PROTOCOL: protocol, LANG: engine.language, APP_SID: session.appSid })
  const url = new URL(target)
  for (const [key, value] of query) url.searchParams.set(key, value)
  const fields: Record<string, string> = {
    AUTH_ID: session.tokens.accessToken,
    AUTH_EXPIRES: String(session.tokens.expiresIn),
    REFRESH_ID: session.tokens.refreshToken,
    SERVER_ENDPOINT: engine.serverEndpoint,
    APPLICATION_TOKEN: app.applicationToken,
    APPLICATION_SCOPE: app.scopes.join(','),
    member_id: engine.memberId,
    status: appStatus(app),
    PLACEMENT: placement,
  }
  // On DEFAULT the options may be absent; elsewhere they are a JSON string as PHP writes it, with escaped slashes.
  if (options !== null) fields.PLACEMENT_OPTIONS = JSON.stringify(options).replaceAll('/', '\\/')
  return { ...session, action: url.href, fields, frameName: `${engine.domain}|${protocol}|${session.appSid}` }
}

/** Opens a page as a browser's frame would, but here: posts the form, follows redirects, hands back what came. */
export async function openPage(engine: Engine, ...args: [clientId: string, userId: number, placement?: string, options?: Record<string, unknown> | null, handler?: string]): Promise<OpenedPage> {
  const frame = openFrame(engine, ...args)
  const response = await fetch(frame.action, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'origin': engine.origin, 'referer': `${engine.origin}/` },
    body: new URLSearchParams(frame.fields).toString(),
  })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    html: await response.text(),
    url: frame.action,
    appSid: frame.appSid,
    frameName: frame.frameName,
  }
}

/** The handler that an application bound to the placement, in the order of binding. */
export function placementsOf(engine: Engine, code: string): { app: App, handler: string, title: string }[] {
  return [...engine.world.apps.values()]
    .filter((app) => app.present && app.installed)
    .flatMap((app) => app.placements.filter((placement) => placement.placement === code).map((placement) => ({
      app,
      handler: placement.handler,
      title: String(placement.langAll[engine.language]?.TITLE ?? (placement.title || app.name)),
    })))
}

/** The answer to `getInitData` of the frame protocol. */
export function initData(engine: Engine, session: FrameSession): Record<string, unknown> {
  const app = engine.app(session.clientId)
  return {
    DOMAIN: engine.domain,
    PROTOCOL: engine.origin.startsWith('https:') ? '1' : '0',
    PATH: '/rest',
    LANG: engine.language,
    MEMBER_ID: engine.memberId,
    IS_ADMIN: engine.isAdmin(session.userId),
    AUTH_ID: session.tokens.accessToken,
    REFRESH_ID: session.tokens.refreshToken,
    AUTH_EXPIRES: session.tokens.expiresIn,
    APP_OPTIONS: app.options,
    USER_OPTIONS: app.userOptions.get(session.userId) ?? {},
    PLACEMENT: session.placement,
    PLACEMENT_OPTIONS: session.options ?? {},
    INSTALL: !app.installed,
    FIRST_RUN: !app.installed && app.firstRun,
  }
}
