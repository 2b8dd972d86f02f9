import { RestError } from '../errors.ts'
import { emit } from '../events.ts'
import { asMap } from '../list-query.ts'
import { iconCodes, logoCodes } from '../timeline-codes.ts'
import { portalDate } from '../model.ts'
import { answer, type Call, causeOf, type Handler } from './call.ts'

const entityTypes: Record<string, number> = { lead: 1, deal: 2, contact: 3, company: 4 }

function codes(list: string[], key: 'icons' | 'logos'): Handler {
  return () => ({ result: { [key]: list.map((code) => ({ code, isSystem: true, fileUri: '' })) }, total: list.length })
}

function oneCode(list: string[], key: 'icon' | 'logo'): Handler {
  return answer((call) => {
    const code = String(call.params.code)
    if (!list.includes(code)) throw new RestError('NOT_FOUND', 'Not found.')
    return { [key]: { code, isSystem: true, fileUri: '' } }
  })
}

function requireFields(call: Call, names: string[], allowed: string[]): Record<string, any> {
  const fields = asMap(call.params.fields)
  for (const name of Object.keys(fields)) {
    if (!allowed.includes(name)) throw new RestError('ERROR_ARGUMENT', `Unknown field '${name}': the documentation knows ${allowed.join(', ')}`)
  }
  for (const name of names) {
    if (fields[name] === undefined || fields[name] === null || fields[name] === '') throw new RestError('100', `Could not find value for parameter {${name}}`)
  }
  return fields
}

/** @see https://apidocs.bitrix24.com/api-reference/crm/timeline/index.html */
export const timelineMethods: Record<string, Handler> = {
  'crm.timeline.icon.list': codes(iconCodes, 'icons'),
  'crm.timeline.logo.list': codes(logoCodes, 'logos'),
  'crm.timeline.icon.get': oneCode(iconCodes, 'icon'),
  'crm.timeline.logo.get': oneCode(logoCodes, 'logo'),
  'crm.timeline.comment.add': answer((call) => {
    const fields = requireFields(call, ['ENTITY_ID', 'ENTITY_TYPE'], ['ENTITY_ID', 'ENTITY_TYPE', 'COMMENT', 'FILES'])
    const entityTypeId = entityTypes[String(fields.ENTITY_TYPE).toLowerCase()]
    const entityId = Number(fields.ENTITY_ID)
    if (entityTypeId === undefined) throw new RestError('NOT_FOUND', 'Not found.')
    if (!call.engine.world.item(entityTypeId, entityId)) throw new RestError('OWNER_NOT_FOUND', 'Owner of the item not found')
    if (fields.COMMENT === undefined || fields.COMMENT === '') throw new RestError('INVALID_ARG_VALUE', 'Empty comment message')
    const id = call.engine.world.nextId('timeline')
    call.engine.world.timeline.push({
      id, kind: 'comment', title: 'Комментарий', text: String(fields.COMMENT), iconCode: 'comment', authorId: call.user.id,
      createdAt: call.engine.clock.now(), owners: [{ entityTypeId, entityId }],
    })
    emit(call.engine, 'ONCRMTIMELINECOMMENTADD', { FIELDS: { ID: id } }, causeOf(call))
    return id
  }),
  'crm.timeline.logmessage.add': answer((call) => {
    const names = ['entityTypeId', 'entityId', 'title', 'text', 'iconCode']
    const fields = requireFields(call, names, names)
    const owner = { entityTypeId: Number(fields.entityTypeId), entityId: Number(fields.entityId) }
    if (!call.engine.world.item(owner.entityTypeId, owner.entityId)) throw new RestError('OWNER_NOT_FOUND', 'The CRM object does not exist')
    if (!iconCodes.includes(String(fields.iconCode))) throw new RestError('0', 'Could not find value')
    const id = call.engine.world.nextId('timeline')
    const createdAt = call.engine.clock.now()
    call.engine.world.timeline.push({
      id, kind: 'log', title: String(fields.title), text: String(fields.text), iconCode: String(fields.iconCode), authorId: call.user.id, createdAt, owners: [owner],
    })
    return { logMessage: { id, created: portalDate(createdAt), authorId: call.user.id, title: fields.title, text: fields.text, iconCode: fields.iconCode } }
  }),
}
