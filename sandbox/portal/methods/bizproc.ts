import { RestError } from '../errors.ts'
import { fireTrigger } from '../crm.ts'
import { type App, isYes, type RobotDefinition, type RobotRun } from '../model.ts'
import { answerRun, findRun } from '../robots.ts'
import { answer, appOf, type Call, type Handler } from './call.ts'

const fieldNames = ['HANDLER', 'AUTH_USER_ID', 'USE_SUBSCRIPTION', 'NAME', 'DESCRIPTION', 'PROPERTIES', 'RETURN_PROPERTIES', 'DOCUMENT_TYPE',
  'FILTER', 'USE_PLACEMENT', 'PLACEMENT_HANDLER']
const propertyTypes = ['bool', 'date', 'datetime', 'double', 'file', 'int', 'select', 'string', 'text', 'user']
const propertyKeys = ['Name', 'Description', 'Type', 'Options', 'Required', 'Multiple', 'Default']

function invalid(description: string): RestError {
  return new RestError('ERROR_ACTIVITY_VALIDATION_FAILURE', description)
}

function checkCode(code: string): string {
  if (code === '') throw invalid('Empty activity code!')
  if (!/^[a-zA-Z0-9._-]+$/.test(code)) throw invalid('Wrong activity code!')
  return code
}

/** The handler has to live where the application lives. @see https://apidocs.bitrix24.com/api-reference/bizproc/bizproc-robot/bizproc-robot-add.html */
export function checkHandler(handler: string, app: App): void {
  const url = URL.canParse(handler) ? new URL(handler) : undefined
  const home = new URL(app.handlerUrl || app.installUrl).hostname
  if (!url || (!url.hostname.includes('.') && url.hostname !== home)) throw new RestError('ERROR_WRONG_HANDLER_URL', 'Wrong handler URL')
  if (!/^https?:$/.test(url.protocol)) throw new RestError('ERROR_UNSUPPORTED_PROTOCOL', 'Unsupported handler protocol')
  if (url.hostname !== home) throw new RestError('ERROR_HANDLER_URL_MATCH', "Handler URL host doesn't match application url")
}

function checkProperties(value: unknown): void {
  if (value === undefined) return
  if (value === null || typeof value !== 'object') throw invalid('Wrong properties array!')
  for (const [key, raw] of Object.entries(value)) {
    if (!/^[a-zA-Z][a-zA-Z0-9_]*$/.test(key)) throw invalid(`Wrong property key ${key}!`)
    const property = raw as Record<string, unknown>
    if (property === null || typeof property !== 'object') throw invalid('Wrong properties array!')
    if (!property.Name) throw invalid(`Empty property NAME ${key}!`)
    const unknown = Object.keys(property).find((name) => !propertyKeys.includes(name))
    if (unknown !== undefined || (property.Type !== undefined && !propertyTypes.includes(String(property.Type)))) throw invalid('Wrong properties array!')
  }
}

function checkDocument(value: unknown): boolean {
  return Array.isArray(value) && value[0] === 'crm' && /^(CCrmDocument(Lead|Deal|Contact|Company)|Bitrix\\Crm\\Integration\\BizProc\\Document\\)/.test(String(value[1]))
}

function checkFields(fields: Record<string, unknown>, app: App, robot: boolean): void {
  if (fields.HANDLER !== undefined) checkHandler(String(fields.HANDLER), app)
  if (fields.PLACEMENT_HANDLER !== undefined && fields.PLACEMENT_HANDLER !== '') checkHandler(String(fields.PLACEMENT_HANDLER), app)
  checkProperties(fields.PROPERTIES)
  checkProperties(fields.RETURN_PROPERTIES)
  if (fields.DOCUMENT_TYPE !== undefined) {
    const type = fields.DOCUMENT_TYPE as unknown[]
    // Contacts and companies have no robots.
    if (!checkDocument(type) || type.length !== 3 || (robot && /Contact|Company/.test(String(type[1])))) throw invalid('Wrong activity DOCUMENT_TYPE!')
  }
  if (fields.FILTER !== undefined) {
    const filter = fields.FILTER as Record<string, unknown>
    const rules = Object.entries(filter)
    const good = rules.every(([key, list]) => ['INCLUDE', 'EXCLUDE'].includes(key) && Array.isArray(list)
      && list.every((item) => item === 'b24' || item === 'box' || checkDocument(item)))
    if (rules.length === 0 || !good) throw invalid('Wrong activity FILTER!')
  }
}

function assign(target: RobotDefinition, fields: Record<string, any>): RobotDefinition {
  if (fields.HANDLER !== undefined) target.handler = String(fields.HANDLER)
  if (fields.AUTH_USER_ID !== undefined) target.authUserId = Number(fields.AUTH_USER_ID)
  if (fields.USE_SUBSCRIPTION !== undefined) target.useSubscription = fields.USE_SUBSCRIPTION === '' ? '' : isYes(fields.USE_SUBSCRIPTION) ? 'Y' : 'N'
  if (fields.NAME !== undefined) target.name = fields.NAME
  if (fields.DESCRIPTION !== undefined) target.description = fields.DESCRIPTION
  if (fields.PROPERTIES !== undefined) target.properties = { ...fields.PROPERTIES }
  if (fields.RETURN_PROPERTIES !== undefined) target.returnProperties = { ...fields.RETURN_PROPERTIES }
  if (fields.DOCUMENT_TYPE !== undefined) target.documentType = fields.DOCUMENT_TYPE
  if (fields.FILTER !== undefined) target.filter = fields.FILTER
  if (fields.USE_PLACEMENT !== undefined) target.usePlacement = isYes(fields.USE_PLACEMENT)
  if (fields.PLACEMENT_HANDLER !== undefined) target.placementHandler = String(fields.PLACEMENT_HANDLER)
  return target
}

function family(kind: 'robot' | 'activity'): Record<string, Handler> {
  const store = (call: Call): Map<string, RobotDefinition> => kind === 'robot' ? appOf(call).robots : appOf(call).activities
  const existing = (call: Call): RobotDefinition => {
    const found = store(call).get(checkCode(String(call.params.CODE)))
    if (!found) throw new RestError('ERROR_ACTIVITY_NOT_FOUND', 'Activity or Robot not found!')
    return found
  }
  return {
    [`bizproc.${kind}.add`]: answer((call) => {
      const app = appOf(call)
      const code = checkCode(String(call.params.CODE))
      checkFields(call.params, app, kind === 'robot')
      // Robots and activities of one application share their codes.
      if (app.robots.has(code) || app.activities.has(code)) {
        throw new RestError('ERROR_ACTIVITY_ALREADY_INSTALLED', 'Activity or Automation rule already installed!')
      }
      store(call).set(code, assign({
        code, handler: '', authUserId: 0, useSubscription: '', name: '', description: '', properties: {}, returnProperties: {},
        documentType: null, filter: null, usePlacement: false, placementHandler: '',
      }, call.params))
      return true
    }),
    [`bizproc.${kind}.update`]: answer((call) => {
      const robot = existing(call)
      const fields = call.params.FIELDS as Record<string, unknown>
      const names = Object.keys(fields)
      if (names.length === 0) throw invalid('No fields to update')
      const unknown = names.find((name) => !fieldNames.includes(name))
      if (unknown !== undefined) throw new RestError('ERROR_ARGUMENT', `Unknown field '${unknown}' of bizproc.${kind}.update`)
      checkFields(fields, appOf(call), kind === 'robot')
      assign(robot, fields)
      return true
    }),
    [`bizproc.${kind}.list`]: answer((call) => [...store(call).keys()]),
    [`bizproc.${kind}.delete`]: answer((call) => store(call).delete(existing(call).code)),
  }
}

function checkTrigger(code: unknown): string {
  const text = String(code)
  if (!/^[a-z0-9._-]+$/.test(text)) throw new RestError('', 'Wrong trigger code!')
  return text
}

/** The token is the proof; one that belongs to another application proves nothing. */
function ownRun(call: Call): RobotRun {
  const run = findRun(call.engine, String(call.params.EVENT_TOKEN))
  if (!run || (call.app && call.app.clientId !== run.clientId)) throw new RestError('ACCESS_DENIED', 'Access denied!', 403)
  return run
}

/** @see https://apidocs.bitrix24.com/api-reference/bizproc/index.html */
export const bizprocMethods: Record<string, Handler> = {
  ...family('robot'),
  ...family('activity'),
  'bizproc.event.send': answer((call) => {
    const run = ownRun(call)
    answerRun(call.engine, run, (call.params.RETURN_VALUES ?? {}) as Record<string, unknown>, String(call.params.LOG_MESSAGE ?? ''))
    return true
  }),
  'bizproc.activity.log': answer((call) => {
    const run = ownRun(call)
    run.log.push(String(call.params.LOG_MESSAGE))
    return true
  }),
  // The trigger of a webhook: any code that was configured in the funnel.
  'crm.automation.trigger': answer((call) => {
    const [, id] = /^DEAL_(\d+)$/.exec(String(call.params.target)) ?? []
    if (id === undefined || !call.engine.world.deals.has(Number(id))) throw new RestError('', 'Target is not found.')
    if (call.params.code === undefined) throw new RestError('', 'Empty trigger code!')
    fireTrigger(call.engine, String(call.params.code), 2, Number(id))
    return true
  }),
  'crm.automation.trigger.add': answer((call) => {
    appOf(call).triggers.set(checkTrigger(call.params.CODE), String(call.params.NAME))
    return true
  }),
  'crm.automation.trigger.list': answer((call) => [...appOf(call).triggers].map(([CODE, NAME]) => ({ NAME, CODE }))),
  'crm.automation.trigger.delete': answer((call) => {
    if (!appOf(call).triggers.delete(checkTrigger(call.params.CODE))) throw new RestError('', 'Trigger not found')
    return true
  }),
  'crm.automation.trigger.execute': answer((call) => {
    const code = checkTrigger(call.params.CODE)
    const ownerTypeId = Number(call.params.OWNER_TYPE_ID)
    const ownerId = Number(call.params.OWNER_ID)
    // Leads, deals, quotes, invoices and smart processes; contacts have no automation.
    if (![1, 2, 7, 31].includes(ownerTypeId) && ownerTypeId < 128) throw new RestError('', 'Incorrect parameter OWNER_TYPE_ID.')
    if (ownerTypeId !== 2 || !call.engine.world.deals.has(ownerId)) throw new RestError('', 'Incorrect parameter OWNER_ID.')
    if (!appOf(call).triggers.has(code)) throw new RestError('', 'Trigger not found')
    fireTrigger(call.engine, code, ownerTypeId, ownerId)
    return true
  }),
}
