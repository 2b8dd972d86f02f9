import { addItem, deleteItem, fieldNames, findByCommunication, isWritable, leadStages, updateItem } from '../crm.ts'
import { RestError } from '../errors.ts'
import { asMap, queryList } from '../list-query.ts'
import { type Item } from '../model.ts'
import { answer, type Call, causeOf, type Handler } from './call.ts'

function entityType(call: Call): number {
  const id = Number(call.params.entityTypeId)
  if (call.engine.world.store(id)) return id
  if ([7, 31].includes(id)) throw new RestError('ERROR_SANDBOX_NOT_IMPLEMENTED', `The sandbox portal does not keep entityTypeId ${id}`, 501)
  throw new RestError('NOT_FOUND', 'Smart process not found')
}

function existing(call: Call, entityTypeId: number): Item {
  const item = call.engine.world.item(entityTypeId, Number(call.params.id))
  if (!item) throw new RestError('NOT_FOUND', 'Element not found')
  return item
}

function isField(entityTypeId: number, field: string): boolean {
  return fieldNames(entityTypeId).includes(field) || /^(ufCrm|UF_CRM_|parentId)/.test(field)
}

function checkFields(call: Call, entityTypeId: number): Record<string, unknown> {
  const fields = asMap(call.params.fields)
  for (const [field, value] of Object.entries(fields)) {
    // The server takes UPPER_SNAKE too; an application that follows the page writes camelCase.
    if (!isField(entityTypeId, field)) throw new RestError('INVALID_ARG_VALUE', `Field '${field}' is not known for entityTypeId ${entityTypeId}`)
    if (!isWritable(entityTypeId, field)) throw new RestError('INVALID_ARG_VALUE', `Field '${field}' is read only`)
    if (['contactIds', 'companyIds', 'observers', 'fm'].includes(field) && (value === null || typeof value !== 'object')) {
      throw new RestError('100', `Expected iterable value for multiple field, but got \`${typeof value}\` instead`)
    }
    const stages = entityTypeId === 1 ? leadStages : call.engine.world.stages.map((stage) => stage.id)
    const bad = (field === 'stageId' && !stages.includes(String(value)))
      || (field === 'contactId' && Number(value) > 0 && !call.engine.world.contacts.has(Number(value)))
      || (field === 'assignedById' && !call.engine.world.users.has(Number(value)))
    if (bad) throw new RestError('CRM_FIELD_ERROR_VALUE_NOT_VALID', `Invalid value for field "${field}"`)
  }
  return fields
}

/** The whole item; a deal has no multifields. */
function whole(item: Item): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...item }
  if (item.entityTypeId === 2) delete copy.fm
  return copy
}

/** Without `select` a list gives every field but `fm`; `*` and `fm` bring the multifields. */
function pick(item: Item, select: unknown): Record<string, unknown> {
  const names = Object.values(asMap(select)).map(String)
  if (names.includes('*')) return whole(item)
  if (names.length === 0) return { ...whole(item), fm: undefined }
  return Object.fromEntries([...new Set(['id', ...names])].filter((name) => Object.hasOwn(item, name)).map((name) => [name, item[name]]))
}

const upperNames: Record<string, string> = {
  createdTime: 'DATE_CREATE', updatedTime: 'DATE_MODIFY', createdBy: 'CREATED_BY_ID', updatedBy: 'MODIFY_BY_ID', movedBy: 'MOVED_BY_ID',
}

function upperName(field: string): string {
  return upperNames[field] ?? field.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
}

const multifieldTypes = ['PHONE', 'EMAIL', 'WEB', 'IM', 'LINK']

/** The same item in the UPPER_SNAKE form of crm.deal.get and crm.contact.get: all scalars are strings. */
function upper(item: Item): Record<string, unknown> {
  const skipped = ['fm', 'entityTypeId', 'contactIds', 'companyIds', 'observers', 'phone', 'email', 'phoneMobile', 'phoneWork', 'phoneMailing',
    'emailHome', 'emailWork', 'emailMailing', 'imol', 'searchContent', 'dateCreateShort', 'dateModifyShort']
  const row: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(item)) {
    if (skipped.includes(field)) continue
    row[upperName(field)] = value === null || typeof value === 'object' ? value : String(value)
  }
  for (const type of multifieldTypes) {
    const entries = item.fm.filter((entry) => entry.typeId === type)
    if (entries.length > 0) row[type] = entries.map((entry) => ({ ID: String(entry.id), VALUE_TYPE: entry.valueType, VALUE: entry.value, TYPE_ID: type }))
  }
  return row
}

function getUpper(entityTypeId: number): Handler {
  return answer((call) => {
    const item = call.engine.world.item(entityTypeId, Number(call.params.id))
    if (!item) throw new RestError('', 'Not found')
    return upper(item)
  })
}

/** The older lists: multifields only when selected, a phone or mail is found by its exact spelling. */
function listUpper(entityTypeId: number): Handler {
  return (call) => {
    const names = fieldNames(entityTypeId).map(upperName)
    const known = (field: string): boolean => names.includes(field) || multifieldTypes.includes(field) || field.startsWith('UF_CRM_')
    const rows = [...call.engine.world.store(entityTypeId)!.values()].map(upper)
    // The older lists overlook a field that they do not know; here it is told.
    const { rows: found, ...rest } = queryList(rows, call.params, known, (row, field) =>
      multifieldTypes.includes(field) ? (row[field] as { VALUE: string }[] | undefined ?? []).map((entry) => entry.VALUE) : [row[field]])
    const select = Object.values(asMap(call.params.select)).map(String)
    const unknown = select.find((name) => name !== '*' && name !== 'UF_*' && !known(name))
    if (unknown !== undefined) throw new RestError('ERROR_ARGUMENT', `Unknown field '${unknown}' in select`)
    const all = select.length === 0 || select.includes('*')
    const result = found.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name === 'ID' || select.includes(name)
      || (name.startsWith('UF_') ? select.includes('UF_*') : all && !multifieldTypes.includes(name)))))
    return { result, ...rest }
  }
}

/** @see https://apidocs.bitrix24.com/api-reference/crm/universal/index.html */
export const crmItemMethods: Record<string, Handler> = {
  'crm.item.get': answer((call) => ({ item: whole(existing(call, entityType(call))) })),
  'crm.item.list': (call) => {
    const type = entityType(call)
    const store = call.engine.world.store(type)!
    // A filter by ids need not look at everybody.
    const { '@id': ids, id, '=id': exact } = asMap(call.params.filter)
    const named = ids ?? id ?? exact
    const all = named === undefined
      ? [...store.values()]
      : [...new Set([named].flat().map(Number))].flatMap((one) => store.get(one) ?? []).sort((a, b) => a.id - b.id)
    for (const name of Object.values(asMap(call.params.select)).map(String)) {
      if (name !== '*' && !isField(type, name)) throw new RestError('INVALID_ARG_VALUE', `Invalid select: field '${name}' is not allowed in select`)
    }
    // A deal is found by any of its contacts.
    const { rows, ...rest } = queryList(all, call.params, (field) => isField(type, field) && field !== 'fm', (item, field) =>
      field === 'contactId' && type === 2 ? item.contactIds as unknown[] : Array.isArray(item[field]) ? item[field] as unknown[] : [item[field]])
    return { result: { items: rows.map((item) => pick(item, call.params.select)) }, ...rest }
  },
  'crm.item.add': answer((call) => {
    const type = entityType(call)
    return { item: whole(addItem(call.engine, type, checkFields(call, type), causeOf(call))) }
  }),
  'crm.item.update': answer((call) => {
    const type = entityType(call)
    const item = existing(call, type)
    updateItem(call.engine, item, checkFields(call, type), causeOf(call))
    return { item: whole(item) }
  }),
  'crm.item.delete': answer((call) => {
    deleteItem(call.engine, existing(call, entityType(call)), causeOf(call))
    return []
  }),
  'crm.item.fields': answer((call) => {
    const type = entityType(call)
    return {
      fields: Object.fromEntries(fieldNames(type).map((name) => [name, {
        type: /Time$/.test(name) ? 'datetime' : /(Id|By)$|^id$/.test(name) ? 'integer' : 'string',
        isRequired: false, isReadOnly: !isWritable(type, name), isImmutable: false, isMultiple: /Ids$|^fm$|^observers$/.test(name), isDynamic: false,
        title: name, upperName: upperName(name),
      }])),
    }
  }),
  'crm.contact.get': getUpper(3),
  'crm.deal.get': getUpper(2),
  'crm.contact.list': listUpper(3),
  'crm.deal.list': listUpper(2),
  'crm.duplicate.findbycomm': answer((call) => {
    const type = String(call.params.type)
    if (type !== 'PHONE' && type !== 'EMAIL') {
      const text = `Communication type '${type}' is not supported in current context`
      throw new RestError(text, text)
    }
    const values = Object.values(asMap(call.params.values)).map(String)
    if (values.length > 20) throw new RestError('ERROR_ARGUMENT', 'No more than 20 values')
    const wanted = call.params.entity_type === undefined ? undefined : String(call.params.entity_type)
    const found = ([['LEAD', 1], ['CONTACT', 3], ['COMPANY', 4]] as const)
      .filter(([name]) => wanted === undefined || wanted === name)
      .map(([name, entityTypeId]) => [name, [...new Set(values.flatMap((value) => findByCommunication(call.engine, entityTypeId, type, value)))]] as const)
      .filter(([, ids]) => ids.length > 0)
    // An empty PHP map comes as a list.
    return found.length > 0 ? Object.fromEntries(found) : []
  }),
  'crm.status.list': (call) => {
    const rows = call.engine.world.stages.map((stage, index) => ({
      ID: String(101 + index), ENTITY_ID: stage.categoryId === 0 ? 'DEAL_STAGE' : `DEAL_STAGE_${stage.categoryId}`, STATUS_ID: stage.id, NAME: stage.name,
      NAME_INIT: '', SORT: String(stage.sort), SYSTEM: /^(C\d+:)?(NEW|WON|LOSE)$/.test(stage.id) ? 'Y' : 'N',
      CATEGORY_ID: stage.categoryId === 0 ? null : String(stage.categoryId), COLOR: stage.color, SEMANTICS: stage.semantics,
      EXTRA: { SEMANTICS: stage.semantics === 'S' ? 'success' : stage.semantics === 'F' ? 'failure' : 'process', COLOR: stage.color },
    }))
    const fields = ['ID', 'ENTITY_ID', 'STATUS_ID', 'NAME', 'NAME_INIT', 'SORT', 'SYSTEM', 'CATEGORY_ID', 'COLOR', 'SEMANTICS']
    const page = queryList(rows, { filter: call.params.filter, order: call.params.order, start: 0 }, (field) => fields.includes(field))
    return { result: page.rows, total: page.total }
  },
  'crm.category.list': (call) => {
    if (entityType(call) !== 2) throw new RestError('ENTITY_TYPE_NOT_SUPPORTED', 'Entity type is not supported')
    const categories = call.engine.world.categories.map((category) => ({
      id: category.id, name: category.name, sort: category.sort, entityTypeId: 2, isDefault: category.id === 0 ? 'Y' : 'N', originId: '', originatorId: '',
    }))
    return { result: { categories }, total: categories.length }
  },
}
