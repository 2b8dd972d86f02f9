import { createHmac, randomBytes } from 'node:crypto'
import { type Engine } from './engine.ts'
import { authBlock } from './events.ts'
import { readText } from './layout.ts'
import { type App, isYes, type RobotDefinition, type RobotRun } from './model.ts'

const secret = randomBytes(32)

export interface RobotOrder {
  dealId: number
  code: string
  /** Values by property key; what is absent takes the value of the designer, else the default of the registration. */
  properties?: Record<string, unknown>
  /** How long the process waits, in seconds of the portal clock; without it: for ever. */
  timeoutSeconds?: number
  /** What the clinic chose in the funnel; counts only when the registration leaves it open. */
  useSubscription?: boolean
  /** Needed only when two applications registered the same code. */
  clientId?: string
}

/** The registered robot. */
export function findRobot(engine: Engine, code: string, clientId?: string): { app: App, robot: RobotDefinition } | undefined {
  for (const app of engine.world.apps.values()) {
    if (!app.present || !app.installed || (clientId !== undefined && app.clientId !== clientId)) continue
    const robot = app.robots.get(code)
    if (robot) return { app, robot }
  }
  return undefined
}

/**
 * Runs a robot for a deal as the automation of a funnel does: queues one form-encoded POST to its handler, never repeats it, and
 * waits for `bizproc.event.send` until the timeout.
 * @throws Error when there is no such deal or robot.
 */
export function runRobot(engine: Engine, order: RobotOrder): RobotRun {
  const found = findRobot(engine, order.code, order.clientId)
  if (!found) throw new Error(`No installed application has registered the robot ${order.code}.`)
  const deal = engine.world.deals.get(order.dealId)
  if (!deal) throw new Error(`There is no deal ${order.dealId}.`)
  const { app, robot } = found
  const workflowId = `${randomBytes(7).toString('hex')}.${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`
  const number = (): number => 10_000 + Math.floor(Math.random() * 89_999)
  const activityName = `A${number()}_${number()}_${number()}_${number()}`
  const nonce = randomBytes(24).toString('base64url').replace(/[-_]/g, 'x').slice(0, 32)
  const unsigned = `${workflowId}|${activityName}|${nonce}`
  const useSubscription = robot.useSubscription === '' ? order.useSubscription ?? true : robot.useSubscription === 'Y'
  const run: RobotRun = {
    eventToken: `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('hex')}`,
    workflowId,
    clientId: app.clientId,
    code: order.code,
    dealId: order.dealId,
    properties: propertyValues(robot, { ...engine.templates.get(order.code), ...order.properties }),
    useSubscription,
    timeoutSeconds: order.timeoutSeconds ?? null,
    startedAt: engine.clock.now(),
    delivered: null,
    answered: false,
    answeredAt: null,
    isTimeout: false,
    returnValues: null,
    lateAnswers: 0,
    log: [],
    stagesPassed: [],
  }
  engine.world.runs.set(run.eventToken, run)
  const documentType = ['crm', 'CCrmDocumentDeal', 'DEAL']
  void engine.queue.post(`robot:${order.code}`, robot.handler, {
    workflow_id: workflowId,
    code: order.code,
    document_id: ['crm', 'CCrmDocumentDeal', `DEAL_${order.dealId}`],
    document_type: documentType,
    event_token: run.eventToken,
    properties: run.properties,
    use_subscription: useSubscription ? 'Y' : 'N',
    timeout_duration: useSubscription ? order.timeoutSeconds : undefined,
    ts: Math.floor(run.startedAt / 1000),
    // Without AUTH_USER_ID the handler gets no usable token.
    auth: authBlock(engine, app, robot.authUserId > 0 ? { userId: robot.authUserId } : 'automation'),
  }).then((delivery) => {
    run.delivered = delivery.outcome
  })
  if (useSubscription && order.timeoutSeconds !== undefined) {
    void engine.clock.sleep(order.timeoutSeconds * 1000).then(() => {
      if (!run.answered) run.isTimeout = true
    })
  }
  return run
}

/** Values as the designer stores them: known keys only, defaults filled in, booleans as Y and N, users as `user_1`. */
function propertyValues(robot: RobotDefinition, given: Record<string, unknown>): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [key, property] of Object.entries(robot.properties)) {
    const value = given[key] ?? property.Default
    const one = (item: unknown): unknown => {
      if (property.Type === 'bool') return isYes(item) ? 'Y' : 'N'
      if (property.Type === 'user' && /^\d+$/.test(String(item))) return `user_${String(item)}`
      return item
    }
    if (value === undefined || value === null || value === '') {
      if (isYes(property.Required)) throw new Error(`The robot's property "${key}" is required: fill it in before the robot can run.`)
      values[key] = ''
    } else {
      values[key] = Array.isArray(value) ? value.map(one) : one(value)
    }
  }
  return values
}

/**
 * PLACEMENT_OPTIONS of a robot's settings page (`PLACEMENT` is BIZPROC_ACTIVITY_PROPERTIES_DIALOG).
 * @see https://apidocs.bitrix24.com/tutorials/bizproc/setting-robot.html
 */
export function settingsOptions(engine: Engine, robot: RobotDefinition): Record<string, unknown> {
  const values = engine.templates.get(robot.code) ?? {}
  return {
    code: robot.code,
    activity_name: `A${10_000 + robot.code.length}_13312_15011_93208`,
    properties: Object.fromEntries(Object.entries(robot.properties).map(([key, property]) => [key, {
      Id: key,
      Type: property.Type ?? 'string',
      Name: readText(property.Name, engine.language),
      Description: readText(property.Description, engine.language),
      Multiple: isYes(property.Multiple),
      Required: isYes(property.Required),
      Options: property.Options ?? '',
      Settings: [],
      Default: property.Default ?? '',
    }])),
    current_values: Object.fromEntries(Object.entries(robot.properties).map(([key, property]) => [key, values[key] ?? property.Default ?? ''])),
    document_type: ['crm', 'CCrmDocumentDeal', 'DEAL'],
    document_fields: {},
    template: {},
  }
}

/** The run of a token that this portal signed, whether it still waits or not; undefined for any other token. */
export function findRun(engine: Engine, token: string): RobotRun | undefined {
  return engine.world.runs.get(token)
}

/** Ends the waiting; an answer that comes after the end or after the timeout changes nothing. */
export function answerRun(engine: Engine, run: RobotRun, values: Record<string, unknown>, logMessage: string): void {
  if (logMessage !== '') run.log.push(logMessage)
  if (!run.useSubscription || run.answered || run.isTimeout) {
    run.lateAnswers += 1
    return
  }
  run.answered = true
  run.answeredAt = engine.clock.now()
  const returned = Object.keys(engine.world.apps.get(run.clientId)?.robots.get(run.code)?.returnProperties ?? {})
  run.returnValues = {}
  for (const [key, value] of Object.entries(values)) {
    const name = returned.find((known) => known.toLowerCase() === key.toLowerCase())
    if (name !== undefined) run.returnValues[name] = value
  }
}
