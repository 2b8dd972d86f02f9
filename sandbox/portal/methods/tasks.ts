import { RestError } from '../errors.ts'
import { emit } from '../events.ts'
import { asMap, queryList } from '../list-query.ts'
import { type Binding, portalDate, type Task, type User } from '../model.ts'
import { addActivity } from './activities.ts'
import { answer, type Call, causeOf, type Handler } from './call.ts'

/** Letters of CRM entities in UF_CRM_TASK: `D_57` is a deal, `C_3` a contact. */
const crmLetters: Record<string, number> = { L: 1, D: 2, C: 3, CO: 4 }

const taskFields = ['TITLE', 'DESCRIPTION', 'DEADLINE', 'START_DATE_PLAN', 'END_DATE_PLAN', 'PRIORITY', 'ACCOMPLICES', 'AUDITORS', 'TAGS',
  'ALLOW_CHANGE_DEADLINE', 'TASK_CONTROL', 'PARENT_ID', 'DEPENDS_ON', 'GROUP_ID', 'RESPONSIBLE_ID', 'TIME_ESTIMATE', 'CREATED_BY', 'DECLINE_REASON',
  'STATUS', 'STAGE_ID', 'FLOW_ID', 'SE_PARAMETER', 'XML_ID', 'UF_CRM_TASK', 'UF_TASK_WEBDAV_FILES', 'MARK', 'SITE_ID', 'ADD_IN_REPORT', 'MATCH_WORK_TIME']

function person(user: User | undefined, id: number): Record<string, unknown> {
  return { id: String(id), name: user ? `${user.name} ${user.lastName}` : '', link: `/company/personal/user/${id}/`, icon: '', workPosition: '' }
}

function taskRow(call: Call, task: Task): Record<string, any> {
  const responsibleId = Number(task.fields.RESPONSIBLE_ID)
  const created = portalDate(task.createdAt)
  const users = call.engine.world.users
  return {
    id: String(task.id), parentId: null, title: String(task.fields.TITLE), description: String(task.fields.DESCRIPTION ?? ''), mark: null,
    priority: String(task.fields.PRIORITY ?? '1'), multitask: 'N', notViewed: 'N', replicate: 'N', stageId: '0', createdBy: String(task.createdBy),
    createdDate: created, responsibleId: String(responsibleId), changedBy: String(task.createdBy), changedDate: created, closedBy: null, closedDate: null,
    activityDate: created, dateStart: null, deadline: task.fields.DEADLINE ?? null, xmlId: task.fields.XML_ID ?? null, status: '2', groupId: '0',
    auditors: task.fields.AUDITORS ?? [], accomplices: task.fields.ACCOMPLICES ?? [], checklist: [], group: [],
    creator: person(users.get(task.createdBy), task.createdBy), responsible: person(users.get(responsibleId), responsibleId),
    ufCrmTask: task.fields.UF_CRM_TASK ?? [],
  }
}

function crmBindings(value: unknown): Binding[] {
  return Object.values(asMap(value)).flatMap((item) => {
    const [letter = '', id = ''] = String(item).split('_')
    const entityTypeId = crmLetters[letter]
    return entityTypeId === undefined ? [] : [{ entityTypeId, entityId: Number(id) }]
  })
}

/** @see https://apidocs.bitrix24.com/api-reference/tasks/tasks-task-add.html */
export const taskMethods: Record<string, Handler> = {
  'tasks.task.add': answer((call) => {
    const fields = asMap(call.params.fields)
    for (const name of Object.keys(fields)) {
      if (!taskFields.includes(name) && !name.startsWith('UF_')) throw new RestError('ERROR_ARGUMENT', `Unknown task field '${name}'`)
    }
    if (!fields.TITLE) throw new RestError('ERROR_CORE', 'Task title is not specified<br>')
    if (!fields.RESPONSIBLE_ID) throw new RestError('ERROR_CORE', 'Responsible person not specified<br>')
    const responsibleId = Number(fields.RESPONSIBLE_ID)
    if (!call.engine.world.users.has(responsibleId)) throw new RestError('ERROR_CORE', 'User specified in the "Responsible" field not found<br>')
    const task: Task = {
      id: call.engine.world.nextId('task'), fields, createdBy: Number(fields.CREATED_BY ?? call.user.id), createdAt: call.engine.clock.now(), activityId: null,
    }
    call.engine.world.tasks.set(task.id, task)
    const bindings = crmBindings(fields.UF_CRM_TASK).filter((one) => call.engine.world.item(one.entityTypeId, one.entityId) !== undefined)
    if (bindings.length > 0) {
      task.activityId = addActivity(call.engine, call.user.id, {
        kind: 'task', providerId: 'CRM_TASKS_TASK', providerTypeId: 'TASKS_TASK', bindings, subject: String(fields.TITLE),
        description: String(fields.DESCRIPTION ?? ''), responsibleId, associatedEntityId: task.id,
        deadline: fields.DEADLINE ? portalDate(Date.parse(String(fields.DEADLINE))) : null,
      }).id
    }
    emit(call.engine, 'ONTASKADD', { FIELDS_BEFORE: 'undefined', FIELDS_AFTER: { ID: task.id }, IS_ACCESSIBLE_BEFORE: 'N', IS_ACCESSIBLE_AFTER: 'undefined' }, causeOf(call))
    return { task: taskRow(call, task) }
  }),
  'tasks.task.list': (call) => {
    const upper = (row: Record<string, unknown>): Record<string, unknown> =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase(), value]))
    const rows = [...call.engine.world.tasks.values()].map((task) => taskRow(call, task))
    const named = rows.map((row) => ({ ...upper(row), row }))
    const page = queryList(named as Record<string, any>[], call.params, (field) => /^[A-Z_]+$/.test(field))
    const { rows: found, ...rest } = page
    return { result: { tasks: found.map((one) => one.row as unknown) }, ...rest }
  },
}
