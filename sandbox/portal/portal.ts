import {
  type AppSpec, finishInstall, installApp, openPage, type OpenedPage, placementsOf, registerApp, uninstallApp, updateApp,
} from './apps.ts'
import { type BookingsHandle, bookingsHandle } from './bookings.ts'
import { type CallRecord } from './calls.ts'
import { furnish } from './clinic.ts'
import { type PortalClock, realClock } from './clock.ts'
import { addItem, type ContactInput, type DealInput, deleteItem, updateItem } from './crm.ts'
import { type Delivery } from './deliveries.ts'
import { Engine } from './engine.ts'
import { authBlock, type Cause, emit } from './events.ts'
import { cloudLimits, type LimitSettings } from './limits.ts'
import { type LinesHandle, linesHandle } from './lines/handle.ts'
import { type MisbehaveRule } from './misbehave.ts'
import { type Item, type RobotRun, type Stage, type User, type World } from './model.ts'
import { type TokenPair } from './oauth.ts'
import { findRobot, type RobotOrder, runRobot, settingsOptions } from './robots.ts'
import { listen } from './server.ts'
import { type PortalState, takeState } from './snapshot.ts'

export { type PortalClock } from './clock.ts'
export { type CallRecord } from './calls.ts'
export { type Delivery } from './deliveries.ts'
export { type AppSpec, type OpenedPage } from './apps.ts'
export { type MisbehaveRule, type Misbehaviour } from './misbehave.ts'
export { type PortalState, type TimelineEntry } from './snapshot.ts'
export { type RobotOrder } from './robots.ts'
export { type RobotRun } from './model.ts'
export { type Booking, type BookingInput, type BookingsHandle } from './bookings.ts'
export { type LinesHandle } from './lines/handle.ts'
export { type ChatView, type CrmCard, type FileView, type MessageView } from './lines/view.ts'

export interface PortalOptions {
  /** 0 or absent: any free port of 127.0.0.1. */
  port?: number
  clock?: PortalClock
  /** Life of an access token in seconds of the portal clock, 3600 if absent. */
  tokenLifeSeconds?: number
  /** Parts of the cloud's limits to change; `{ burst: 0, operatingSeconds: 0 }` turns both off. */
  limits?: Partial<LimitSettings>
  /** How many REST calls the journal keeps, 100,000 if absent. */
  callLogLimit?: number
}

/** A running stand-in for a Bitrix24 portal and its OAuth server. */
export interface Portal {
  /** `http://127.0.0.1:<port>`; changes by `rename`. */
  readonly origin: string
  readonly domain: string
  readonly memberId: string
  readonly clientEndpoint: string
  readonly serverEndpoint: string
  /** Host of the OAuth server, for the application's list of allowed hosts. */
  readonly oauthOrigin: string
  readonly clock: PortalClock
  readonly limits: LimitSettings
  tokenLifeSeconds: number
  /** Codes and refresh tokens that the OAuth server has exchanged since the start. */
  readonly oauthExchanges: number
  /** The application's subscription has ended: OAuth refuses with PAYMENT_REQUIRED. */
  paymentRequired: boolean
  /** Everything inside, for tests that need more than the handle offers. */
  readonly world: World

  /** The journal of REST calls, oldest first; batch commands are own entries with `batch` set. */
  readonly calls: readonly CallRecord[]
  /** Calls refused by the strict portal itself; with `injected` also those it was told to refuse. */
  refusedCalls(options?: { injected?: boolean }): CallRecord[]
  /** Calls by method since the start, commands of batches as "method (in batch)". */
  callTotals(): Record<string, number>
  /** Events and robot calls that went out. */
  readonly deliveries: readonly Delivery[]
  /** Resolves when the queue of events and robot calls is empty. */
  settle(): Promise<void>

  misbehave(rule: MisbehaveRule): void
  behave(): void
  /** Moves the portal to a new address: the old one answers 302, the new `client_endpoint` comes with the next refresh. */
  rename(): Promise<string>

  registerApp(spec: AppSpec): { clientId: string, clientSecret: string }
  /** Installs (again). Without UI the ONAPPINSTALL goes to the installation URL and that is all; with UI a page has to be opened. */
  installApp(clientId: string, options?: { userId?: number }): Promise<void>
  openApp(clientId: string, options?: { userId?: number, placement?: string, options?: Record<string, unknown>, handler?: string }): Promise<OpenedPage>
  finishInstall(clientId: string, options?: { userId?: number }): void
  updateApp(clientId: string, options?: { userId?: number, scopes?: string[] }): void
  uninstallApp(clientId: string, options?: { clean?: boolean }): void
  /** Tokens of a user for the application, as a page of the portal would get them. */
  issueTokens(clientId: string, userId?: number): TokenPair
  /** The secret that proves the portal's POSTs. */
  applicationToken(clientId: string): string
  expireAccessTokens(clientId?: string, userId?: number): void
  /** An incoming webhook: its URL, with a slash at the end. */
  addWebhook(options: { userId: number, scopes: string[] }): string

  addUser(input: { name: string, lastName?: string, email?: string, admin?: boolean }): User
  /** A user who is made inactive loses the tokens. */
  updateUser(id: number, change: Partial<Omit<User, 'id'>>): User
  addStage(stage: { id: string, name: string, sort?: number, categoryId?: number, semantics?: 'S' | 'F' | null, color?: string }): Stage
  removeStage(id: string): void
  addContact(input: ContactInput, cause?: Cause): Item
  updateContact(id: number, change: ContactInput, cause?: Cause): Item
  deleteContact(id: number, cause?: Cause): void
  addDeal(input: DealInput, cause?: Cause): Item
  updateDeal(id: number, change: DealInput, cause?: Cause): Item
  deleteDeal(id: number, cause?: Cause): void

  /** Open lines: what operators see and do. */
  readonly lines: LinesHandle
  /** Online booking. */
  readonly bookings: BookingsHandle

  /** Keeps values of a robot as its designer would; a run without own values takes them. */
  setRobotValues(code: string, values: Record<string, unknown>): void
  /** Opens the robot's settings page as its slider would. */
  openRobotSettings(code: string, options?: { userId?: number }): Promise<OpenedPage>
  runRobot(order: RobotOrder): RobotRun
  robotRun(eventToken: string): RobotRun | undefined
  /** Where the clinic puts a trigger: a deal moves to this stage when it fires. */
  placeTrigger(code: string, stageId: string): void
  /** A click on a button, tag or menu item of a configurable activity: ONCRMTIMELINEITEMACTION to its application. */
  clickAction(activityId: number, actionId: string, userId?: number): void
  /** The portal's own SMS robot or the SMS button in a card, through a sender that the application registered. */
  sendSms(order: { code: string, to: string, body: string, contactId?: number, dealId?: number }): string
  state(query: { dealId?: number, contactId?: number }): PortalState
  close(): Promise<void>
}

function need<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`There is no ${what} on the portal.`)
  return value
}

/** Starts a portal on 127.0.0.1 with three users and a funnel, without deals, contacts and applications. */
export async function startPortal(options: PortalOptions = {}): Promise<Portal> {
  const engine = new Engine({
    clock: options.clock ?? realClock,
    limits: { ...cloudLimits, ...options.limits },
    callLogLimit: options.callLogLimit ?? 100_000,
  })
  engine.oauth.tokenLifeSeconds = options.tokenLifeSeconds ?? 3600
  furnish(engine)
  const server = await listen(engine, () => portal, options.port ?? 0)
  const { world } = engine
  const byPerson: Cause = { userId: 1 }
  const item = (type: 2 | 3, id: number): Item => need(world.item(type, id), `${type === 2 ? 'deal' : 'contact'} ${id}`)

  const portal: Portal = {
    get origin() { return engine.origin },
    get domain() { return engine.domain },
    memberId: engine.memberId,
    get clientEndpoint() { return engine.clientEndpoint },
    get serverEndpoint() { return engine.serverEndpoint },
    get oauthOrigin() { return engine.oauthOrigin },
    clock: engine.clock,
    limits: engine.limits.settings,
    get tokenLifeSeconds() { return engine.oauth.tokenLifeSeconds },
    set tokenLifeSeconds(seconds: number) { engine.oauth.tokenLifeSeconds = seconds },
    get oauthExchanges() { return engine.oauth.exchanges },
    get paymentRequired() { return engine.paymentRequired },
    set paymentRequired(value: boolean) { engine.paymentRequired = value },
    world,

    calls: engine.calls.records,
    refusedCalls: (query) => engine.calls.refused(query),
    callTotals: () => engine.calls.totals(),
    deliveries: engine.queue.log,
    settle: () => engine.queue.settle(),

    misbehave: (rule) => engine.misbehaviours.add(rule),
    behave: () => engine.misbehaviours.clear(),
    rename: () => server.rename(),

    registerApp: (spec) => {
      const { clientId, clientSecret } = registerApp(engine, spec)
      return { clientId, clientSecret }
    },
    installApp: (clientId, { userId = 1 } = {}) => installApp(engine, clientId, userId),
    openApp: (clientId, query = {}) => {
      const placement = query.placement ?? 'DEFAULT'
      const bound = placementsOf(engine, placement).find((one) => one.app.clientId === clientId)
      return openPage(engine, clientId, query.userId ?? 1, placement, query.options ?? null, query.handler ?? bound?.handler)
    },
    finishInstall: (clientId, { userId = 1 } = {}) => finishInstall(engine, clientId, userId),
    updateApp: (clientId, change) => updateApp(engine, clientId, change),
    uninstallApp: (clientId, { clean = false } = {}) => uninstallApp(engine, clientId, { clean }),
    issueTokens: (clientId, userId = 1) => engine.oauth.issue(engine.app(clientId), userId),
    applicationToken: (clientId) => engine.app(clientId).applicationToken,
    expireAccessTokens: (clientId, userId) => engine.oauth.expireAccessTokens(clientId, userId),
    addWebhook: ({ userId, scopes }) => {
      const code = crypto.randomUUID().replaceAll('-', '').slice(0, 16)
      engine.webhooks.set(code, { code, userId, scopes })
      return `${engine.origin}/rest/${userId}/${code}/`
    },

    addUser: (input) => {
      const id = world.nextId('user')
      const user: User = {
        id, name: input.name, lastName: input.lastName ?? '', email: input.email ?? `user${id}@clinic.example`, admin: input.admin ?? false, active: true,
      }
      world.users.set(id, user)
      return user
    },
    updateUser: (id, change) => {
      const user = Object.assign(need(world.users.get(id), `user ${id}`), change)
      if (!user.active) engine.oauth.revoke(undefined, id)
      return user
    },
    addStage: (stage) => {
      const added: Stage = { sort: world.stages.length * 10 + 10, categoryId: 0, semantics: null, color: '#39A8EF', ...stage }
      world.stages.push(added)
      return added
    },
    removeStage: (id) => {
      world.stages = world.stages.filter((stage) => stage.id !== id)
    },
    addContact: (input, cause = byPerson) => addItem(engine, 3, input, cause),
    updateContact: (id, change, cause = byPerson) => {
      updateItem(engine, item(3, id), change, cause)
      return item(3, id)
    },
    deleteContact: (id, cause = byPerson) => deleteItem(engine, item(3, id), cause),
    addDeal: (input, cause = byPerson) => addItem(engine, 2, input, cause),
    updateDeal: (id, change, cause = byPerson) => {
      updateItem(engine, item(2, id), change, cause)
      return item(2, id)
    },
    deleteDeal: (id, cause = byPerson) => deleteItem(engine, item(2, id), cause),

    lines: linesHandle(engine),
    bookings: bookingsHandle(engine),

    setRobotValues: (code, values) => {
      engine.templates.set(code, { ...engine.templates.get(code), ...values })
    },
    openRobotSettings: (code, { userId = 1 } = {}) => {
      const { app, robot } = need(findRobot(engine, code), `robot ${code}`)
      return openPage(engine, app.clientId, userId, 'BIZPROC_ACTIVITY_PROPERTIES_DIALOG', settingsOptions(engine, robot), robot.placementHandler || app.handlerUrl)
    },
    runRobot: (order) => runRobot(engine, order),
    robotRun: (eventToken) => world.runs.get(eventToken),
    placeTrigger: (code, stageId) => {
      world.triggerStages.set(code, stageId)
    },
    clickAction: (activityId, actionId, userId = 1) => {
      const activity = need(world.activities.get(activityId), `activity ${activityId}`)
      const app = engine.app(activity.clientId ?? '')
      const action = need(findAction(activity.layout, actionId), `action ${actionId} in activity ${activityId}`)
      const owner = activity.bindings[0]!
      emit(engine, 'ONCRMTIMELINEITEMACTION', {
        ...action.actionParams, id: actionId, entityTypeId: owner.entityTypeId, entityId: owner.entityId, activityId, userId,
      }, { userId }, { app })
    },
    sendSms: (order) => {
      const app = need([...world.apps.values()].find((one) => one.present && one.senders.has(order.code)), `message sender ${order.code}`)
      const messageId = crypto.randomUUID().replaceAll('-', '')
      world.messages.set(messageId, { messageId, clientId: app.clientId, code: order.code, to: order.to, body: order.body, status: 'queued', userId: 1, statuses: [] })
      void engine.queue.post(`sms:${order.code}`, app.senders.get(order.code)!.handler, {
        module_id: 'crm',
        bindings: [
          ...(order.contactId === undefined ? [] : [{ OWNER_TYPE_ID: 3, OWNER_ID: order.contactId }]),
          ...(order.dealId === undefined ? [] : [{ OWNER_TYPE_ID: 2, OWNER_ID: order.dealId }]),
        ],
        properties: { phone_number: order.to, message_text: order.body },
        type: 'SMS',
        code: order.code,
        message_id: messageId,
        message_to: order.to,
        message_body: order.body,
        ts: Math.floor(engine.clock.now() / 1000),
        auth: authBlock(engine, app, { userId: 1 }),
      })
      return messageId
    },
    state: (query) => takeState(engine, query),
    close: async () => {
      engine.queue.stop()
      await server.close()
    },
  }
  return portal
}

/** Finds `{type:'restEvent', id}` anywhere in a layout. */
function findAction(node: unknown, id: string): { actionParams?: Record<string, unknown> } | undefined {
  if (node === null || typeof node !== 'object') return undefined
  const action = node as { type?: unknown, id?: unknown, actionParams?: Record<string, unknown> }
  if (action.type === 'restEvent' && action.id === id) return action
  for (const inner of Object.values(node)) {
    const found = findAction(inner, id)
    if (found) return found
  }
  return undefined
}
