import { z } from 'zod'
import { readResult } from './answer.ts'
import { type Command } from './command.ts'
import { type Deal } from './world.ts'

const Id = z.coerce.number().int().positive()
const GivenId = Id.optional().catch(undefined)
const Text = z.string().nullish().transform((text) => text ?? '')

const dealFields = ['id', 'title', 'stageId', 'categoryId', 'stageSemanticId', 'closed', 'contactId', 'assignedById'] as const

/** A deal with the fields that the clinic has chosen, by their names (`ufCrm_1721244707107`), as the portal stores them. */
export interface DealCard extends Deal {
  readonly title: string
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * Lists a contact's deals, newest first, 50 at most; `fields` are the names of further fields. Open ones only, unless told otherwise.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-list.html
 */
export const dealsOfContactCommand = (key: string, contactId: number, options: { readonly fields?: readonly string[]; readonly withClosed?: boolean } = {}): Command => ({
  key,
  method: 'crm.item.list',
  params: {
    entityTypeId: 2,
    select: [...dealFields, ...(options.fields ?? [])],
    filter: { contactId, closed: options.withClosed === true ? undefined : 'N' },
    order: { id: 'DESC' },
    start: -1,
  },
})

/**
 * Reads one deal with all its fields.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-get.html
 */
export const dealCardCommand = (key: string, dealId: number): Command => ({ key, method: 'crm.item.get', params: { entityTypeId: 2, id: dealId } })

const DealItem = z.looseObject({
  id: Id,
  title: Text,
  stageId: Text,
  stageSemanticId: Text,
  closed: z.unknown().optional(),
  contactId: GivenId,
  assignedById: GivenId,
})
const DealList = z.looseObject({ items: z.array(DealItem) })
const DealResult = z.looseObject({ item: DealItem })

const cardFrom = (item: z.infer<typeof DealItem>, fields: readonly string[]): DealCard => ({
  dealId: item.id,
  title: item.title,
  stageId: item.stageId,
  isClosed: item.closed === 'Y' || item.closed === true || item.stageSemanticId === 'S' || item.stageSemanticId === 'F',
  contactId: item.contactId,
  responsibleId: item.assignedById,
  values: Object.fromEntries(fields.flatMap((name) => (Object.hasOwn(item, name) ? [[name, item[name]]] : []))),
})

/** Only the fields that are named are taken out: a deal may hold what is nobody's business here. */
export const dealCardsOf = (result: unknown, fields: readonly string[]): readonly DealCard[] =>
  readResult(DealList, result, 'crm.item.list').items.map((item) => cardFrom(item, fields))

export const dealCardOf = (result: unknown, fields: readonly string[]): DealCard => cardFrom(readResult(DealResult, result, 'crm.item.get').item, fields)

/**
 * Asks which fields deals have, to choose from.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-fields.html
 */
export const dealFieldsCommand = (key: string): Command => ({ key, method: 'crm.item.fields', params: { entityTypeId: 2 } })

const FieldList = z.looseObject({ fields: z.record(z.string(), z.looseObject({ type: Text, title: Text, isMultiple: z.boolean().catch(false) })) })

export const dealFieldsOf = (result: unknown): readonly { readonly name: string; readonly title: string; readonly type: string; readonly isMultiple: boolean }[] =>
  Object.entries(readResult(FieldList, result, 'crm.item.fields').fields).map(([name, { title, type, isMultiple }]) => ({
    name,
    title: title === '' ? name : title,
    type,
    isMultiple,
  }))

/**
 * Asks for a contact's bookings in a period (epoch milliseconds), earliest first. Needs the scope `booking`, which a portal may not
 * have: `insufficient_scope` and `ERROR_METHOD_NOT_FOUND` say that there are none.
 *
 * @see https://apidocs.bitrix24.com/api-reference/booking/booking/booking-v1-booking-list.html
 */
export const bookingsCommand = (key: string, { contactId, from, to }: { readonly contactId: number; readonly from: number; readonly to: number }): Command => ({
  key,
  method: 'booking.v1.booking.list',
  params: {
    FILTER: {
      within: { dateFrom: Math.floor(from / 1000), dateTo: Math.ceil(to / 1000) },
      client: { entities: [{ code: 'CONTACT', module: 'crm', id: contactId }] },
    },
    ORDER: { dateFrom: 'ASC' },
  },
})

/**
 * Asks for everything that can be booked: doctors, rooms, equipment.
 *
 * @see https://apidocs.bitrix24.com/api-reference/booking/resource/booking-v1-resource-list.html
 */
export const resourcesCommand = (key: string): Command => ({ key, method: 'booking.v1.resource.list', params: { ORDER: { id: 'ASC' } } })

/**
 * Asks which kinds of resources there are; their codes tell people from rooms.
 *
 * @see https://apidocs.bitrix24.com/api-reference/booking/resource/resource-type/booking-v1-resourcetype-list.html
 */
export const resourceTypesCommand = (key: string): Command => ({ key, method: 'booking.v1.resourceType.list', params: { ORDER: { id: 'ASC' } } })

/** What can be booked. `isPerson`: a doctor, not a room. */
export interface Resource {
  readonly id: number
  readonly name: string
  readonly isPerson: boolean
}

const Resources = z.looseObject({ resource: z.array(z.looseObject({ id: Id, name: Text, typeId: GivenId, code: Text, templateTypeConfirmation: Text })) })

/** Kinds that the portal addresses as people carry living templates; clinics' own kinds are told by their names. */
const isPersonType = (type: { code: string; name: string; templateTypeConfirmation: string }): boolean =>
  type.templateTypeConfirmation === 'animate' ||
  (type.templateTypeConfirmation === '' && /expert|doctor|specialist|врач|доктор|специалист|сотрудник/i.test(`${type.code} ${type.name}`))

/** The resources by id; both answers carry their lists under the same name. */
export const resourcesOf = (resources: unknown, types: unknown): ReadonlyMap<number, Resource> => {
  const people = new Set(readResult(Resources, types, 'booking.v1.resourceType.list').resource.filter(isPersonType).map(({ id }) => id))
  return new Map(
    readResult(Resources, resources, 'booking.v1.resource.list').resource.map(({ id, name, typeId, templateTypeConfirmation: template }) => [
      id,
      { id, name, isPerson: template === '' ? typeId !== undefined && people.has(typeId) : template === 'animate' },
    ]),
  )
}

/** When and with whom. Epoch milliseconds. */
export interface Appointment {
  readonly at: number
  readonly endsAt?: number
  readonly doctor?: string
  readonly place?: string
  readonly service?: string
}

const Moment = z.looseObject({ timestamp: z.coerce.number().positive() })
const Bookings = z.looseObject({
  booking: z.array(
    z.looseObject({
      id: Id,
      name: Text,
      datePeriod: z.looseObject({ from: Moment, to: Moment.optional().catch(undefined) }),
      resourceIds: z.array(Id).nullish().catch([]).transform((ids) => ids ?? []),
    }),
  ),
})

/** The bookings as appointments, earliest first; a resource that is not known any more is left out. */
export const appointmentsOf = (result: unknown, resources: ReadonlyMap<number, Resource>): readonly (Appointment & { readonly bookingId: number })[] =>
  readResult(Bookings, result, 'booking.v1.booking.list')
    .booking.map(({ id, name, datePeriod: { from, to }, resourceIds }) => {
      const booked = resourceIds.flatMap((resourceId) => resources.get(resourceId) ?? [])
      return {
        bookingId: id,
        at: from.timestamp * 1000,
        endsAt: to === undefined ? undefined : to.timestamp * 1000,
        doctor: namesOf(booked.filter(({ isPerson }) => isPerson)),
        place: namesOf(booked.filter(({ isPerson }) => !isPerson)),
        service: name === '' ? undefined : name,
      }
    })
    .sort((a, b) => a.at - b.at)

const namesOf = (resources: readonly Resource[]): string | undefined => resources.map(({ name }) => name).filter(Boolean).join(', ') || undefined
