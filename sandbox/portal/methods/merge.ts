import { deleteItem, updateItem } from '../crm.ts'
import { RestError } from '../errors.ts'
import { asMap } from '../list-query.ts'
import { type Item } from '../model.ts'
import { answer, type Call, causeOf, type Handler } from './call.ts'

const said = (code: string, status = 400): RestError => new RestError(code, code, status)

/** Fields in which two filled values cannot be reconciled by the portal. */
const decisive = ['name', 'lastName', 'secondName', 'birthdate', 'title', 'companyId']

function empty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === 0 || (Array.isArray(value) && value.length === 0)
}

/** Moves what hangs on the second item to the first. */
function moveLinks(call: Call, from: Item, to: Item): void {
  const { activities, timeline, deals, leads } = call.engine.world
  const move = <Owner extends { entityTypeId: number, entityId: number }>(owners: Owner[]): Owner[] => {
    const moved = owners.map((one) => one.entityTypeId === from.entityTypeId && one.entityId === from.id ? { ...one, entityId: to.id } : one)
    return moved.filter((one, index) => moved.findIndex((other) => other.entityTypeId === one.entityTypeId && other.entityId === one.entityId) === index)
  }
  for (const activity of activities.values()) activity.bindings = move(activity.bindings)
  for (const record of timeline) record.owners = move(record.owners)
  for (const item of from.entityTypeId === 3 ? [...deals.values(), ...leads.values()] : []) {
    const ids = item.contactIds as number[]
    if (ids.includes(from.id)) updateItem(call.engine, item, { contactIds: [...new Set(ids.map((id) => id === from.id ? to.id : id))] }, causeOf(call))
  }
}

/** @see https://apidocs.bitrix24.com/api-reference/crm/duplicates/crm-entity-merge-batch.html */
export const mergeMethods: Record<string, Handler> = {
  'crm.entity.mergeBatch': answer((call) => {
    const { entityTypeId, entityIds } = asMap(call.params.params)
    if (entityTypeId === undefined) throw said('The parameter entityTypeId is required.')
    const store = call.engine.world.store(Number(entityTypeId))
    if (!store) throw said(`Entity type ${String(entityTypeId)} is not supported`)
    const ids = [...new Set(Object.values(asMap(entityIds)).map(Number))].filter((id) => id > 0)
    if (ids.length === 0) throw said('The parameter entityIds does not contains valid elements.')
    if (ids.length < 2) throw said('The parameter entityIds must contains at least two elements.')
    if (!call.user.admin) throw said('Access denied', 403)
    const items = ids.map((id) => store.get(id))
    if (!items.every((item) => item !== undefined)) throw said('Owner was not found')
    const [main, ...others] = items as [Item, ...Item[]]
    const conflict = others.some((other) => decisive.some((field) => !empty(main[field]) && !empty(other[field]) && main[field] !== other[field]))
    if (conflict) return { STATUS: 'CONFLICT', ENTITY_IDS: [] }
    for (const other of others) {
      const filled = Object.entries(other).filter(([field, value]) => field !== 'fm' && empty(main[field]) && !empty(value))
      const known = new Set(main.fm.map((entry) => `${entry.typeId} ${entry.value}`))
      const fm = other.fm.filter((entry) => !known.has(`${entry.typeId} ${entry.value}`)).map(({ typeId, valueType, value }) => ({ typeId, valueType, value }))
      moveLinks(call, other, main)
      deleteItem(call.engine, other, causeOf(call))
      updateItem(call.engine, main, { ...Object.fromEntries(filled), ...(fm.length > 0 ? { fm } : {}) }, causeOf(call))
    }
    return { STATUS: 'SUCCESS', ENTITY_IDS: others.map((other) => other.id) }
  }),
}
