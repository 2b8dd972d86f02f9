import { type Engine } from './engine.ts'
import { type Cause, emit } from './events.ts'
import { type Item, type Multifield } from './model.ts'

export interface DealInput {
  title?: string
  stageId?: string
  categoryId?: number
  contactId?: number
  contactIds?: number[]
  assignedById?: number
  [field: string]: unknown
}

export interface ContactInput {
  name?: string
  lastName?: string
  secondName?: string
  /** Short form for `fm`: mobile numbers. */
  phones?: string[]
  emails?: string[]
  assignedById?: number
  [field: string]: unknown
}

const dealDefaults = {
  dateCreateShort: null, dateModifyShort: null, opened: 'Y', leadId: null, companyId: 0, contactId: 0, quoteId: null, productId: null,
  isNew: 'N', isRecurring: 'N', isReturnCustomer: 'N', isRepeatedApproach: 'N', typeId: 'SALE', opportunity: 0, isManualOpportunity: 'N',
  taxValue: 0, currencyId: 'RUB', probability: null, comments: '', begindate: null, begindateShort: null, closedate: null, closedateShort: null,
  eventDate: null, eventDateShort: null, eventId: null, eventDescription: null, locationId: null, webformId: 0, sourceId: '',
  sourceDescription: '', originatorId: null, originId: null, additionalInfo: null, searchContent: null, orderStage: null,
  isWork: null, isWon: null, isLose: null, receivedAmount: null, lostAmount: null, hasProducts: null,
  utmSource: null, utmMedium: null, utmCampaign: null, utmContent: null, utmTerm: null, observers: [], contactIds: [],
}

const contactDefaults = {
  dateCreateShort: null, dateModifyShort: null, opened: 'Y', companyId: 0, leadId: null, name: '', lastName: '', secondName: '', shortName: null, photo: null,
  post: '', address: null, comments: '', export: 'Y', typeId: 'CLIENT', sourceId: '', sourceDescription: '', originatorId: null,
  originId: null, originVersion: null, birthdate: null, honorific: null, searchContent: null, categoryId: 0, login: null, webformId: 0,
  utmSource: null, utmMedium: null, utmCampaign: null, utmContent: null, utmTerm: null, observers: [], companyIds: [],
}

const leadDefaults = {
  dateCreateShort: null, dateModifyShort: null, opened: 'Y', companyId: 0, contactId: 0, name: '', lastName: '', secondName: '', shortName: null,
  companyTitle: null, post: '', address: null, comments: '', isConvert: null, statusDescription: null, productId: null, opportunity: 0,
  currencyId: 'RUB', isManualOpportunity: 'N', isReturnCustomer: 'N', sourceId: '', sourceDescription: '', originatorId: null, originId: null,
  dateClosed: null, birthdate: null, honorific: null, searchContent: null, login: null, webformId: 0, skype: null, icq: null,
  utmSource: null, utmMedium: null, utmCampaign: null, utmContent: null, utmTerm: null, observers: [], contactIds: [],
}

const companyDefaults = {
  dateCreateShort: null, dateModifyShort: null, opened: 'Y', leadId: null, companyType: 'CUSTOMER', industry: null, employees: null, revenue: 0,
  currencyId: 'RUB', address: null, comments: '', isMyCompany: 'N', originatorId: null, originId: null, originVersion: null, searchContent: null,
  categoryId: 0, webformId: 0, utmSource: null, utmMedium: null, utmCampaign: null, utmContent: null, utmTerm: null, observers: [], contactIds: [],
}

interface Kind {
  id: string
  /** The part of an event's name. */
  event: string
  title: string
  defaults: Record<string, unknown>
}

const kinds: Record<number, Kind> = {
  1: { id: 'lead', event: 'LEAD', title: 'Лид', defaults: leadDefaults },
  2: { id: 'deal', event: 'DEAL', title: 'Сделка', defaults: dealDefaults },
  3: { id: 'contact', event: 'CONTACT', title: '', defaults: contactDefaults },
  4: { id: 'company', event: 'COMPANY', title: 'Компания', defaults: companyDefaults },
}

/** Statuses of leads that every portal has. */
export const leadStages = ['NEW', 'IN_PROCESS', 'PROCESSED', 'JUNK', 'CONVERTED']

function kindOf(entityTypeId: number): Kind {
  return kinds[entityTypeId]!
}

/** Fields that nobody sets from outside. */
const readOnly = ['id', 'createdTime', 'updatedTime', 'createdBy', 'updatedBy', 'movedBy', 'movedTime', 'lastActivityBy', 'lastActivityTime',
  'stageSemanticId', 'closed', 'entityTypeId', 'fm', 'hasPhone', 'hasEmail', 'hasImol', 'phone', 'email', 'phoneMobile', 'phoneWork',
  'phoneMailing', 'emailHome', 'emailWork', 'emailMailing', 'imol']

/** All field names of a type in the camelCase form. */
export function fieldNames(entityTypeId: number): string[] {
  const communication = readOnly.slice(readOnly.indexOf('fm'))
  const own: Record<number, string[]> = {
    1: ['title', 'stageId', 'stageSemanticId', 'movedBy', 'movedTime', ...communication],
    2: ['title', 'categoryId', 'stageId', 'stageSemanticId', 'closed', 'movedBy', 'movedTime'],
    3: communication,
    4: ['title', ...communication],
  }
  return [...new Set([
    'id', 'createdTime', 'updatedTime', 'createdBy', 'updatedBy', 'assignedById', 'lastActivityBy', 'lastActivityTime', 'entityTypeId',
    ...own[entityTypeId] ?? [], ...Object.keys(kindOf(entityTypeId).defaults),
  ])]
}

/** Whether `crm.item.add` and `update` may set the field. User fields are free. */
export function isWritable(entityTypeId: number, field: string): boolean {
  if (field === 'fm') return entityTypeId !== 2
  return /^(ufCrm|UF_CRM_|parentId)/.test(field) || (fieldNames(entityTypeId).includes(field) && !readOnly.includes(field))
}

/** @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-add.html */
export function addItem(engine: Engine, entityTypeId: number, input: Record<string, unknown>, cause: Cause): Item {
  const kind = kindOf(entityTypeId)
  const id = engine.world.nextId(kind.id)
  const userId = cause === 'automation' ? 1 : cause.userId
  const categoryId = Number(input.categoryId ?? 0)
  const now = engine.date
  const staged = {
    ...(entityTypeId === 2 ? { categoryId, stageId: input.stageId ?? firstStage(engine, categoryId) } : { stageId: input.stageId ?? leadStages[0] }),
    movedBy: userId, movedTime: now,
  }
  const item: Item = {
    id,
    createdTime: now,
    updatedTime: now,
    createdBy: userId,
    updatedBy: userId,
    assignedById: userId,
    ...structuredClone(kind.defaults),
    ...(entityTypeId <= 2 ? staged : {}),
    ...(entityTypeId !== 3 ? { title: `${kind.title} #${id}` } : {}),
    lastActivityBy: userId,
    lastActivityTime: now,
    fm: [],
    entityTypeId,
  }
  engine.world.store(entityTypeId)!.set(id, item)
  write(engine, item, input)
  emit(engine, `ONCRM${kind.event}ADD`, { FIELDS: { ID: id } }, cause)
  return item
}

/** Changes an item and tells the handlers; a move to another stage is remembered by the runs that wait on the deal. */
export function updateItem(engine: Engine, item: Item, input: Record<string, unknown>, cause: Cause): void {
  const deal = item.entityTypeId === 2
  if (!deal) index(engine, item, false)
  const before = { stageId: item.stageId as string, categoryId: item.categoryId as number }
  const userId = cause === 'automation' ? 1 : cause.userId
  write(engine, item, input)
  item.updatedTime = engine.date
  item.updatedBy = userId
  if (deal && item.categoryId !== before.categoryId && input.stageId === undefined) item.stageId = firstStage(engine, Number(item.categoryId))
  if (deal && item.stageId !== before.stageId) {
    item.movedTime = engine.date
    item.movedBy = userId
    for (const run of engine.world.runs.values()) {
      if (run.dealId === item.id && !run.answered && !run.isTimeout) run.stagesPassed.push(String(item.stageId))
    }
  }
  emit(engine, `ONCRM${kindOf(Number(item.entityTypeId)).event}UPDATE`, { FIELDS: { ID: item.id } }, cause)
  if (deal && item.categoryId !== before.categoryId) {
    emit(engine, 'ONCRMDEALMOVETOCATEGORY', { FIELDS: { ID: item.id, CATEGORY_ID: item.categoryId, STAGE_ID: item.stageId } }, cause)
  }
}

export function deleteItem(engine: Engine, item: Item, cause: Cause): void {
  const type = Number(item.entityTypeId)
  engine.world.store(type)!.delete(item.id)
  if (type !== 2) index(engine, item, false)
  for (const activity of [...engine.world.activities.values()]) {
    activity.bindings = activity.bindings.filter((binding) => binding.entityTypeId !== item.entityTypeId || binding.entityId !== item.id)
    if (activity.bindings.length === 0) engine.world.activities.delete(activity.id)
  }
  emit(engine, `ONCRM${kindOf(type).event}DELETE`, { FIELDS: { ID: item.id } }, cause)
}

function firstStage(engine: Engine, categoryId: number): string {
  return engine.world.stages.filter((stage) => stage.categoryId === categoryId).sort((a, b) => a.sort - b.sort)[0]?.id ?? 'NEW'
}

function write(engine: Engine, item: Item, input: Record<string, unknown>): void {
  for (const [field, value] of Object.entries(input)) {
    if (field === 'fm') writeMultifields(engine, item, value)
    else if (field === 'phones') appendMultifields(engine, item, 'PHONE', 'MOBILE', value)
    else if (field === 'emails') appendMultifields(engine, item, 'EMAIL', 'WORK', value)
    else item[field] = numeric(field, value)
  }
  if (item.entityTypeId === 2) {
    // contactId is the first of contactIds, in whichever way they were given.
    if (input.contactIds !== undefined) item.contactId = Number((item.contactIds as unknown[])[0] ?? 0)
    else if (input.contactId !== undefined) item.contactIds = Number(item.contactId) > 0 ? [Number(item.contactId)] : []
    item.contactIds = (item.contactIds as unknown[]).map(Number)
    const semantics = engine.world.stageOf(item)?.semantics ?? null
    item.stageSemanticId = semantics ?? 'P'
    item.closed = semantics === null ? 'N' : 'Y'
  } else {
    if (item.entityTypeId === 1) item.stageSemanticId = item.stageId === 'CONVERTED' ? 'S' : item.stageId === 'JUNK' ? 'F' : 'P'
    deriveCommunication(item)
    index(engine, item, true)
  }
}

/** How the duplicate index sees a phone or a mail: spellings of one number are the same. */
function communicationKey(typeId: string, value: string): string {
  const normal = typeId === 'PHONE' ? value.replace(/\D/g, '').replace(/^8(?=\d{10}$)/, '7') : value.toLowerCase()
  return `${typeId} ${normal}`
}

function index(engine: Engine, item: Item, present: boolean): void {
  const { communications } = engine.world
  for (const entry of item.fm) {
    const key = `${Number(item.entityTypeId)} ${communicationKey(entry.typeId, entry.value)}`
    const ids = communications.get(key) ?? new Set()
    if (present) communications.set(key, ids.add(item.id))
    else if (ids.delete(item.id) && ids.size === 0) communications.delete(key)
  }
}

/** Ids of the entities of one type that have this phone, mail or messenger. */
export function findByCommunication(engine: Engine, entityTypeId: number, typeId: string, value: string): number[] {
  return [...engine.world.communications.get(`${entityTypeId} ${communicationKey(typeId, value)}`) ?? []]
}

/** Adds multifields that the item does not have yet (phones are compared as the duplicate index does) and tells the handlers. */
export function addCommunications(engine: Engine, item: Item, values: Omit<Multifield, 'id'>[], cause: Cause): void {
  const present = new Set(item.fm.map((entry) => communicationKey(entry.typeId, entry.value)))
  const missing = values.filter((entry) => entry.value !== '' && !present.has(communicationKey(entry.typeId, entry.value)))
  if (missing.length > 0) updateItem(engine, item, { fm: missing }, cause)
}

function numeric(field: string, value: unknown): unknown {
  return /(Id|By)$/.test(field) && /^(contactId|companyId|assignedById|categoryId|leadId)$/.test(field) ? Number(value) : value
}

function appendMultifields(engine: Engine, item: Item, typeId: string, valueType: string, values: unknown): void {
  item.fm = item.fm.filter((entry) => entry.typeId !== typeId)
  for (const value of values as string[]) item.fm.push({ id: engine.world.nextId('fm'), typeId, valueType, value })
}

/** `nK` adds, a numeric id changes, an empty value deletes; an entry without typeId is silently ignored. A list adds all. */
function writeMultifields(engine: Engine, item: Item, value: unknown): void {
  const entries = Array.isArray(value) ? value.map((entry, index) => [`n${index}`, entry] as const) : Object.entries(value as Record<string, unknown>)
  for (const [key, raw] of entries) {
    const entry = raw as Partial<Multifield>
    if (!entry.typeId) continue
    const existing = item.fm.find((field) => String(field.id) === key)
    if (existing) {
      if (!entry.value) item.fm = item.fm.filter((field) => field !== existing)
      else Object.assign(existing, { value: entry.value, valueType: entry.valueType ?? existing.valueType })
    } else if (entry.value && !/^\d+$/.test(key)) {
      item.fm.push({ id: engine.world.nextId('fm'), typeId: entry.typeId, valueType: entry.valueType ?? 'WORK', value: entry.value })
    }
  }
}

function deriveCommunication(item: Item): void {
  const values = (typeId: string, valueType?: string): string =>
    item.fm.filter((entry) => entry.typeId === typeId && (valueType === undefined || entry.valueType === valueType)).map((entry) => entry.value)[0] ?? ''
  Object.assign(item, {
    hasPhone: values('PHONE') ? 'Y' : 'N', hasEmail: values('EMAIL') ? 'Y' : 'N', hasImol: values('IM') ? 'Y' : 'N',
    phone: values('PHONE'), phoneMobile: values('PHONE', 'MOBILE'), phoneWork: values('PHONE', 'WORK'), phoneMailing: values('PHONE', 'MAILING'),
    email: values('EMAIL'), emailHome: values('EMAIL', 'HOME'), emailWork: values('EMAIL', 'WORK'), emailMailing: values('EMAIL', 'MAILING'),
    imol: item.fm.find((entry) => entry.typeId === 'IM' && entry.value.startsWith('imol|'))?.value ?? '',
  })
}

/** Fires a CRM trigger: it is remembered, and moves the deal when the clinic has put it on a stage. */
export function fireTrigger(engine: Engine, code: string, ownerTypeId: number, ownerId: number): void {
  engine.world.firedTriggers.push({ code, ownerTypeId, ownerId, at: engine.clock.now() })
  const stageId = engine.world.triggerStages.get(code)
  const deal = ownerTypeId === 2 ? engine.world.deals.get(ownerId) : undefined
  if (stageId !== undefined && deal && deal.stageId !== stageId) updateItem(engine, deal, { stageId }, 'automation')
}
