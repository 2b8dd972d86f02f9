import { type Engine } from '../engine.ts'
import { RestError } from '../errors.ts'
import { emit } from '../events.ts'
import { createLayoutCheck, readText } from '../layout.ts'
import { asMap, queryList } from '../list-query.ts'
import { type Activity, type Binding, isYes, portalDate } from '../model.ts'
import { answer, appOf, type Call, causeOf, type Handler } from './call.ts'

const maxBindings = 100

function owner(call: Call, typeField: string, idField: string): Binding {
  return { entityTypeId: Number(call.params[typeField]), entityId: Number(call.params[idField]) }
}

function ownerExists(engine: Engine, binding: Binding): boolean {
  return engine.world.item(binding.entityTypeId, binding.entityId) !== undefined
}

function dateField(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  const at = Date.parse(String(value))
  return Number.isNaN(at) ? null : portalDate(at)
}

/** Stores a new activity and tells the handlers. */
export function addActivity(
  engine: Engine, userId: number, input: Partial<Activity> & Pick<Activity, 'kind' | 'providerId' | 'providerTypeId' | 'bindings'>,
): Activity {
  const now = engine.clock.now()
  const activity: Activity = {
    id: engine.world.nextId('activity'), subject: '', description: '', completed: false, deadline: null, responsibleId: userId, authorId: userId,
    editorId: userId, createdAt: now, updatedAt: now, originatorId: null, originId: null, clientId: null, fields: {}, layout: null,
    associatedEntityId: 0, ...input,
  }
  engine.world.activities.set(activity.id, activity)
  emit(engine, 'ONCRMACTIVITYADD', { FIELDS: { ID: activity.id } }, { userId })
  return activity
}

function touch(call: Call, activity: Activity): void {
  activity.updatedAt = call.engine.clock.now()
  activity.editorId = call.user.id
  emit(call.engine, 'ONCRMACTIVITYUPDATE', { FIELDS: { ID: activity.id } }, causeOf(call))
}

const fieldChecks: Record<string, (value: unknown, call: Call) => boolean> = {
  typeId: (value, call) => value === 'CONFIGURABLE' || appOf(call).activityTypes.has(String(value)),
  completed: (value) => /^(true|false|1|0|Y|N)$/i.test(String(value)),
  deadline: (value) => value === null || value === '' || !Number.isNaN(Date.parse(String(value))),
  pingOffsets: (value) => value !== null && typeof value === 'object' && Object.values(value).every((item) => /^\d+$/.test(String(item))),
  isIncomingChannel: (value) => /^(true|false|1|0|Y|N)$/i.test(String(value)),
  responsibleId: (value, call) => call.engine.world.users.has(Number(value)),
  badgeCode: (value, call) => value === '' || call.engine.world.badges.has(String(value)),
  originatorId: (value) => value === null || typeof value !== 'object',
  originId: (value) => value === null || typeof value !== 'object',
}

/** Checks and normalises `fields` of a configurable activity, over what is stored already. */
function configurableFields(call: Call, stored: Record<string, unknown>): Record<string, unknown> {
  const given = asMap(call.params.fields)
  for (const [field, value] of Object.entries(given)) {
    const check = fieldChecks[field]
    if (!check) throw new RestError('FIELD_IS_REDUNDANT', `Field "${field}" is redundant in object fields`)
    if (!check(value, call)) throw new RestError('WRONG_FIELD_VALUE', `Wrong value of field "${field}"`)
  }
  const fields: Record<string, unknown> = {
    typeId: 'CONFIGURABLE', completed: false, deadline: null, pingOffsets: [], isIncomingChannel: false, responsibleId: call.user.id, badgeCode: '',
    originatorId: null, originId: null, ...stored, ...given,
  }
  fields.completed = isYes(fields.completed)
  fields.isIncomingChannel = isYes(fields.isIncomingChannel)
  fields.deadline = dateField(fields.deadline)
  fields.responsibleId = Number(fields.responsibleId)
  if (fields.isIncomingChannel === true && fields.deadline !== null) {
    throw new RestError('INCOMING_ACTIVITY_CAN_NOT_BE_WITH_DEADLINE', 'Incoming activity can not be with deadline')
  }
  return fields
}

function fromFields(fields: Record<string, unknown>, layout: any, language: string): Partial<Activity> {
  return {
    fields,
    layout,
    subject: readText(layout?.header?.title, language),
    completed: fields.completed === true,
    deadline: fields.deadline as string | null,
    responsibleId: Number(fields.responsibleId),
    originatorId: fields.originatorId as string | null,
    originId: fields.originId as string | null,
  }
}

function configurable(call: Call): Activity {
  const activity = call.engine.world.activities.get(Number(call.params.id))
  if (activity?.kind !== 'configurable') throw new RestError('NOT_FOUND', 'Not found.')
  if (activity.clientId !== appOf(call).clientId) {
    throw new RestError('ERROR_WRONG_APPLICATION', 'The activity can only be updated by the application that created it')
  }
  return activity
}

const activityFields = ['ID', 'OWNER_ID', 'OWNER_TYPE_ID', 'TYPE_ID', 'PROVIDER_ID', 'PROVIDER_TYPE_ID', 'PROVIDER_GROUP_ID', 'ASSOCIATED_ENTITY_ID',
  'SUBJECT', 'CREATED', 'LAST_UPDATED', 'START_TIME', 'END_TIME', 'DEADLINE', 'COMPLETED', 'STATUS', 'RESPONSIBLE_ID', 'PRIORITY', 'NOTIFY_TYPE',
  'NOTIFY_VALUE', 'DESCRIPTION', 'DESCRIPTION_TYPE', 'DIRECTION', 'LOCATION', 'SETTINGS', 'ORIGINATOR_ID', 'ORIGIN_ID', 'AUTHOR_ID', 'EDITOR_ID',
  'PROVIDER_PARAMS', 'PROVIDER_DATA', 'RESULT_MARK', 'RESULT_VALUE', 'RESULT_SUM', 'RESULT_CURRENCY_ID', 'RESULT_STATUS', 'RESULT_STREAM',
  'RESULT_SOURCE_ID', 'AUTOCOMPLETE_RULE']

function activityRow(activity: Activity): Record<string, any> {
  const first = activity.bindings[0]
  return {
    ID: String(activity.id), OWNER_ID: String(first?.entityId ?? 0), OWNER_TYPE_ID: String(first?.entityTypeId ?? 0),
    TYPE_ID: activity.kind === 'task' ? '3' : '6', PROVIDER_ID: activity.providerId, PROVIDER_TYPE_ID: activity.providerTypeId, PROVIDER_GROUP_ID: null,
    ASSOCIATED_ENTITY_ID: String(activity.associatedEntityId), SUBJECT: activity.subject, CREATED: portalDate(activity.createdAt),
    LAST_UPDATED: portalDate(activity.updatedAt), START_TIME: portalDate(activity.createdAt), END_TIME: activity.deadline ?? portalDate(activity.createdAt),
    DEADLINE: activity.deadline, COMPLETED: activity.completed ? 'Y' : 'N', STATUS: activity.completed ? '2' : '1',
    RESPONSIBLE_ID: String(activity.responsibleId), PRIORITY: '2', NOTIFY_TYPE: '0', NOTIFY_VALUE: '0', DESCRIPTION: activity.description,
    DESCRIPTION_TYPE: '1', DIRECTION: '0', LOCATION: '', SETTINGS: [], ORIGINATOR_ID: activity.originatorId, ORIGIN_ID: activity.originId,
    AUTHOR_ID: String(activity.authorId), EDITOR_ID: String(activity.editorId), PROVIDER_PARAMS: activity.providerParams ?? [], PROVIDER_DATA: null, RESULT_MARK: '0',
    RESULT_VALUE: null, RESULT_SUM: null, RESULT_CURRENCY_ID: null, RESULT_STATUS: '0', RESULT_STREAM: '0', RESULT_SOURCE_ID: null, AUTOCOMPLETE_RULE: '0',
  }
}

function anyActivity(call: Call, field = 'id'): Activity {
  const activity = call.engine.world.activities.get(Number(call.params[field]))
  if (!activity) throw field === 'activityId' ? new RestError('NOT_FOUND', 'Element not found') : new RestError('', 'Activity is not found.')
  return activity
}

function bound(activity: Activity, binding: Binding): boolean {
  return activity.bindings.some((one) => one.entityTypeId === binding.entityTypeId && one.entityId === binding.entityId)
}

function todoChange(change: (call: Call, activity: Activity) => void): Handler {
  return answer((call) => {
    const activity = call.engine.world.activities.get(Number(call.params.id))
    if (activity?.kind !== 'todo') throw new RestError('NOT_FOUND', 'Not found.')
    const binding = owner(call, 'ownerTypeId', 'ownerId')
    if (!ownerExists(call.engine, binding)) throw new RestError('OWNER_NOT_FOUND', 'Owner of the item not found')
    if (!bound(activity, binding)) throw new RestError('NOT_FOUND', 'Not found.')
    if (activity.completed) throw new RestError('CAN_NOT_UPDATE_COMPLETED_TODO', 'Completed activity cannot be modified')
    change(call, activity)
    touch(call, activity)
    return { id: activity.id }
  })
}

function badgeRequired(call: Call): { code: string, title: string, value: string, type: string } {
  const { code, title, value, type } = call.params as Record<'code' | 'title' | 'value' | 'type', string>
  if (!['success', 'failure', 'warning', 'primary', 'secondary'].includes(type)) throw new RestError('WRONG_FIELD_VALUE', 'Wrong value of field "type"')
  return { code, title, value, type }
}

/** @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/index.html */
export const activityMethods: Record<string, Handler> = {
  'crm.activity.configurable.add': answer((call) => {
    const binding = owner(call, 'ownerTypeId', 'ownerId')
    if (!ownerExists(call.engine, binding)) throw new RestError('NOT_FOUND', 'Not found.')
    createLayoutCheck(call.engine)(call.params.layout)
    const fields = configurableFields(call, {})
    const activity = addActivity(call.engine, call.user.id, {
      kind: 'configurable', providerId: 'CONFIGURABLE_REST_APP', providerTypeId: String(fields.typeId), bindings: [binding],
      clientId: appOf(call).clientId, ...fromFields(fields, call.params.layout, call.engine.language),
    })
    return { activity: { id: activity.id } }
  }),
  'crm.activity.configurable.update': answer((call) => {
    const activity = configurable(call)
    createLayoutCheck(call.engine)(call.params.layout)
    const fields = configurableFields(call, activity.fields)
    // The layout is replaced as a whole.
    Object.assign(activity, fromFields(fields, call.params.layout, call.engine.language))
    touch(call, activity)
    return { activity: { id: activity.id } }
  }),
  'crm.activity.configurable.get': answer((call) => {
    const activity = configurable(call)
    const first = activity.bindings[0]
    return { activity: { id: activity.id, ownerTypeId: first?.entityTypeId, ownerId: first?.entityId, fields: activity.fields, layout: activity.layout } }
  }),
  'crm.activity.list': (call) => {
    const { BINDINGS: bindings, ...filter } = asMap(call.params.filter)
    const wanted = Object.values(asMap(bindings)).map((one) => one as { OWNER_TYPE_ID?: unknown, OWNER_ID?: unknown })
    // An activity with two of the wanted bindings is given twice, as the page warns.
    const all = wanted.length === 0
      ? [...call.engine.world.activities.values()]
      : wanted.flatMap((one) => [...call.engine.world.activities.values()].filter((activity) => activity.bindings.some((binding) =>
        (one.OWNER_TYPE_ID === undefined || binding.entityTypeId === Number(one.OWNER_TYPE_ID))
        && (one.OWNER_ID === undefined || binding.entityId === Number(one.OWNER_ID)))))
    const { rows, ...rest } = queryList(all.map(activityRow), { ...call.params, filter }, (field) => activityFields.includes(field))
    const select = Object.values(asMap(call.params.select)).map(String)
    for (const name of select) {
      if (name !== '*' && name !== 'COMMUNICATIONS' && name !== 'FILES' && !activityFields.includes(name)) {
        throw new RestError('ERROR_ARGUMENT', `Unknown field '${name}' in select of crm.activity.list`)
      }
    }
    const field = (row: Record<string, any>, name: string): unknown =>
      name === 'COMMUNICATIONS' ? call.engine.world.activities.get(Number(row.ID))?.communications ?? [] : row[name] ?? []
    const result = select.length === 0 || select.includes('*') ? rows : rows.map((row) => Object.fromEntries(select.map((name) => [name, field(row, name)])))
    return { result, ...rest }
  },
  'crm.activity.get': answer((call) => activityRow(anyActivity(call))),
  'crm.activity.update': answer((call) => {
    const activity = anyActivity(call)
    const fields = asMap(call.params.fields)
    for (const [field, value] of Object.entries(fields)) {
      if (field === 'COMPLETED') activity.completed = isYes(value)
      else if (field === 'SUBJECT') activity.subject = String(value)
      else if (field === 'DESCRIPTION') activity.description = String(value)
      else if (field === 'DEADLINE') activity.deadline = dateField(value)
      else if (field === 'RESPONSIBLE_ID') activity.responsibleId = Number(value)
      else throw new RestError('ERROR_SANDBOX_NOT_IMPLEMENTED', `The sandbox portal does not change ${field} of an activity`, 501)
    }
    touch(call, activity)
    return true
  }),
  'crm.activity.delete': answer((call) => {
    const activity = anyActivity(call)
    call.engine.world.activities.delete(activity.id)
    emit(call.engine, 'ONCRMACTIVITYDELETE', { FIELDS: { ID: activity.id } }, causeOf(call))
    return true
  }),
  'crm.activity.binding.add': answer((call) => {
    const activity = anyActivity(call, 'activityId')
    const binding = owner(call, 'entityTypeId', 'entityId')
    if (!ownerExists(call.engine, binding)) throw new RestError('OWNER_NOT_FOUND', 'Owner of the entity not found')
    if (bound(activity, binding)) throw new RestError('ACTIVITY_IS_ALREADY_BOUND', 'Activity is already bound to this entity')
    if (activity.bindings.length >= maxBindings) throw new RestError('TOO_MANY_ITEMS', `An activity has at most ${maxBindings} bindings`)
    activity.bindings.push(binding)
    touch(call, activity)
    return true
  }),
  'crm.activity.binding.list': answer((call) => anyActivity(call, 'activityId').bindings),
  'crm.activity.binding.delete': answer((call) => {
    const activity = anyActivity(call, 'activityId')
    const binding = owner(call, 'entityTypeId', 'entityId')
    if (!bound(activity, binding)) throw new RestError('BINDING_NOT_FOUND', 'Activity is not bound to this entity')
    if (activity.bindings.length === 1) throw new RestError('LAST_BINDING_CANNOT_BE_DELETED', 'The last binding cannot be deleted')
    activity.bindings = activity.bindings.filter((one) => one.entityTypeId !== binding.entityTypeId || one.entityId !== binding.entityId)
    touch(call, activity)
    return true
  }),
  'crm.activity.binding.move': answer((call) => {
    const activity = anyActivity(call, 'activityId')
    const source = owner(call, 'sourceEntityTypeId', 'sourceEntityId')
    const target = owner(call, 'targetEntityTypeId', 'targetEntityId')
    if (source.entityTypeId !== target.entityTypeId) {
      throw new RestError('SOURCE_AND_TARGET_ENTITY_TYPES_ARE_NOT_EQUAL_ERROR', 'Source and target entity types are not equal')
    }
    if (source.entityId === target.entityId) throw new RestError('SOURCE_AND_TARGET_ENTITY_ID_ARE_EQUAL_ERROR', 'Source and target entity ids are equal')
    if (!ownerExists(call.engine, target)) throw new RestError('OWNER_NOT_FOUND', 'Owner of the item not found')
    if (!bound(activity, source)) throw new RestError('BINDING_NOT_FOUND', 'Activity is not bound to the specified entity')
    if (bound(activity, target)) throw new RestError('ACTIVITY_IS_ALREADY_BOUND', 'Activity is already bound to this entity')
    activity.bindings = activity.bindings.map((one) => one.entityTypeId === source.entityTypeId && one.entityId === source.entityId ? target : one)
    touch(call, activity)
    return true
  }),
  'crm.activity.todo.add': answer((call) => {
    const binding = owner(call, 'ownerTypeId', 'ownerId')
    if (!ownerExists(call.engine, binding)) throw new RestError('OWNER_NOT_FOUND', 'Owner of the entity not found')
    const deadline = dateField(call.params.deadline)
    if (deadline === null) throw new RestError('WRONG_DATETIME_FORMAT', 'Incorrect date format')
    const activity = addActivity(call.engine, call.user.id, {
      kind: 'todo', providerId: 'CRM_TODO', providerTypeId: 'TODO', bindings: [binding], deadline,
      subject: String(call.params.title ?? ''), description: String(call.params.description ?? ''),
      responsibleId: Number(call.params.responsibleId ?? call.user.id),
    })
    return { id: activity.id }
  }),
  'crm.activity.todo.update': todoChange((call, activity) => {
    activity.deadline = dateField(call.params.deadline)
    if (call.params.title !== undefined) activity.subject = String(call.params.title)
    if (call.params.description !== undefined) activity.description = String(call.params.description)
    if (call.params.responsibleId !== undefined) activity.responsibleId = Number(call.params.responsibleId)
  }),
  'crm.activity.todo.updateDeadline': todoChange((call, activity) => {
    activity.deadline = dateField(call.params.value)
  }),
  'crm.activity.todo.updateDescription': todoChange((call, activity) => {
    activity.description = String(call.params.value ?? '')
  }),
  'crm.activity.todo.updateResponsibleUser': todoChange((call, activity) => {
    activity.responsibleId = Number(call.params.responsibleId ?? activity.responsibleId)
  }),
  'crm.activity.badge.add': answer((call) => {
    const badge = badgeRequired(call)
    call.engine.world.badges.set(badge.code, badge)
    return { badge }
  }),
  'crm.activity.badge.get': answer((call) => {
    const badge = call.engine.world.badges.get(String(call.params.code))
    if (!badge) throw new RestError('NOT_FOUND', 'Not found.')
    return { badge }
  }),
  'crm.activity.badge.list': answer((call) => ({ badges: [...call.engine.world.badges.values()] })),
  'crm.activity.badge.delete': answer((call) => {
    if (!call.engine.world.badges.delete(String(call.params.code))) throw new RestError('NOT_FOUND', 'Not found.')
    return true
  }),
}
