import { z } from 'zod'
import { readResult } from './answer.ts'
import { resultOf, type Command } from './command.ts'
import { type Language } from './language.ts'
import { words } from './record-words.ts'
import { type TimelineRecord } from './record.ts'

/** Marks our activities among those of other sources. */
export const originatorId = 'estafeta'
const dealTypeId = 2
const contactTypeId = 3

/**
 * Puts a record on the deal and shows it on the contact too. The second command uses the result of the first, so both go in one
 * batch. `originId` is the delivery's id: by it the record is found again when the answer was lost.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/configurable/crm-activity-configurable-add.html
 */
export const addRecordCommands = (
  keys: { readonly record: string; readonly binding: string },
  where: { readonly dealId: number; readonly contactId?: number; readonly originId: string; readonly responsibleId?: number },
  record: TimelineRecord,
): readonly Command[] => [
  {
    key: keys.record,
    method: 'crm.activity.configurable.add',
    params: {
      ownerTypeId: dealTypeId,
      ownerId: where.dealId,
      fields: { typeId: 'CONFIGURABLE', ...record.fields, responsibleId: where.responsibleId, originatorId, originId: where.originId },
      layout: record.layout,
    },
  },
  ...(where.contactId === undefined ? [] : [bindRecordCommand(keys.binding, resultOf(keys.record, 'activity', 'id'), where.contactId)]),
]

/** Shows a record on the contact; `ACTIVITY_IS_ALREADY_BOUND` (action `alreadyDone`) is as good as success. */
export const bindRecordCommand = (key: string, activityId: number | ReturnType<typeof resultOf>, contactId: number): Command => ({
  key,
  method: 'crm.activity.binding.add',
  params: { activityId, entityTypeId: contactTypeId, entityId: contactId },
})

/**
 * Replaces what the record says; it may be repeated.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/configurable/crm-activity-configurable-update.html
 */
export const updateRecordCommand = (key: string, activityId: number, record: TimelineRecord): Command => ({
  key,
  method: 'crm.activity.configurable.update',
  params: { id: activityId, fields: record.fields, layout: record.layout },
})

/**
 * Looks for the record of a delivery: the answer to a lost `add`.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/activity-base/crm-activity-list.html
 */
export const findRecordCommand = (key: string, originId: string): Command => ({
  key,
  method: 'crm.activity.list',
  params: {
    select: ['ID', 'ORIGIN_ID'],
    filter: { PROVIDER_ID: 'CONFIGURABLE_REST_APP', ORIGINATOR_ID: originatorId, ORIGIN_ID: originId },
    order: { ID: 'ASC' },
  },
})

/**
 * Writes a line into the timeline of a deal or a contact. Repeating it after a lost answer makes a second line, which does no harm.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/logmessage/crm-timeline-logmessage-add.html
 */
export const addNoteCommand = (key: string, of: { readonly dealId: number } | { readonly contactId: number }, note: { readonly title: string; readonly text: string }): Command => ({
  key,
  method: 'crm.timeline.logmessage.add',
  params: {
    fields: { entityTypeId: 'dealId' in of ? dealTypeId : contactTypeId, entityId: 'dealId' in of ? of.dealId : of.contactId, title: note.title, text: note.text, iconCode: 'info' },
  },
})

/**
 * Gives staff the call: nobody was reached. `reference` is the notification's number, the only thing that it says of the patient.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/todo/crm-activity-todo-add.html
 */
export const addTaskCommand = (
  key: string,
  task: { readonly dealId: number; readonly reference: string; readonly deadlineAt: number; readonly language: Language; readonly responsibleId?: number },
): Command => ({
  key,
  method: 'crm.activity.todo.add',
  params: {
    ownerTypeId: dealTypeId,
    ownerId: task.dealId,
    deadline: new Date(task.deadlineAt).toISOString(),
    title: words[task.language].callTask,
    description: words[task.language].callTaskText(task.reference),
    responsibleId: task.responsibleId,
    pingOffsets: [0],
  },
})

/** Lists the deal's call tasks, newest first; `taskIdOf` picks ours. A todo keeps no origin id, so its description is what tells. */
export const findTaskCommand = (key: string, dealId: number): Command => ({
  key,
  method: 'crm.activity.list',
  params: {
    select: ['ID', 'SUBJECT', 'DESCRIPTION'],
    filter: { PROVIDER_ID: 'CRM_TODO', BINDINGS: [{ OWNER_TYPE_ID: dealTypeId, OWNER_ID: dealId }] },
    order: { ID: 'DESC' },
  },
})

const Id = z.coerce.number().int().positive()
const Added = z.looseObject({ activity: z.looseObject({ id: Id }) })
const Activities = z.array(z.looseObject({ ID: Id, DESCRIPTION: z.string().nullish() }))

/** The activity's id in the answer of `crm.activity.configurable.add`. */
export const addedRecordIdOf = (result: unknown): number => readResult(Added, result, 'crm.activity.configurable.add').activity.id

/** The first record in the answer of `findRecordCommand`: if a lost `add` was repeated, all processes agree on the same one. */
export const foundRecordIdOf = (result: unknown): number | undefined => readResult(Activities, result, 'crm.activity.list')[0]?.ID

/** The task with this reference in the answer of `findTaskCommand`. */
export const foundTaskIdOf = (result: unknown, reference: string): number | undefined =>
  readResult(Activities, result, 'crm.activity.list').find(({ DESCRIPTION: text }) => text?.includes(reference) === true)?.ID
