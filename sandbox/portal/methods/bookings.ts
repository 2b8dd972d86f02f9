import { type Booking, type Resource } from '../bookings.ts'
import { RestError } from '../errors.ts'
import { asMap, queryList } from '../list-query.ts'
import { answer, type Call, type Handler } from './call.ts'

function shape(booking: Booking): Record<string, unknown> {
  const at = (timestamp: number): Record<string, unknown> => ({ timestamp, timezone: booking.timezone })
  return {
    datePeriod: { from: at(booking.from), to: at(booking.to) }, description: booking.description, id: booking.id, name: booking.name, resourceIds: booking.resourceIds,
  }
}

/** The delays are those of a fresh portal. */
function resourceShape(resource: Resource): Record<string, unknown> {
  return {
    confirmationCounterDelay: 10_800, confirmationNotificationDelay: 86_400, confirmationNotificationRepetitions: null,
    confirmationNotificationRepetitionsInterval: 10_800, delayedCounterDelay: 300, delayedNotificationDelay: 300, description: resource.description, id: resource.id,
    infoNotificationDelay: null, isConfirmationNotificationOn: 'Y', isDelayedNotificationOn: 'Y', isFeedbackNotificationOn: 'N', isInfoNotificationOn: 'Y',
    isMain: resource.isMain ? 'Y' : 'N', isReminderNotificationOn: 'Y', name: resource.name, reminderNotificationDelay: -1,
    templateTypeConfirmation: 'inanimate', templateTypeDelayed: 'inanimate', templateTypeFeedback: 'inanimate', templateTypeInfo: 'inanimate',
    templateTypeReminder: 'base', typeId: resource.typeId,
  }
}

function queryAll<Row extends Record<string, any>>(rows: Row[], order: Record<string, unknown>, fields: string[], filter: Record<string, unknown> = {}): Row[] {
  const known = (field: string): boolean => fields.includes(field)
  const found: Row[] = []
  for (let start = 0; start >= 0;) {
    const page = queryList(rows, { filter, order, start }, known)
    found.push(...page.rows)
    start = page.next ?? -1
  }
  return found
}

function booking(call: Call, param: string): Booking {
  const found = call.engine.world.bookings.get(Number(call.params[param]))
  if (!found) throw new RestError(1021, 'Booking not found')
  return found
}

/** The conditions of the page: a period and clients, each whole or not at all. */
function condition(filter: Record<string, unknown>): (booking: Booking) => boolean {
  const { within, client, ...unknown } = filter
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new RestError('INVALID_ARG_VALUE', `Invalid filter: field '${stranger}' is not allowed in filter`)
  const { dateFrom, dateTo } = asMap(within)
  if (within !== undefined && (dateFrom === undefined || dateTo === undefined)) throw new RestError(0, 'Required fields: dateFrom, dateTo')
  if (within !== undefined && !(Number(dateFrom) <= Number(dateTo))) throw new RestError(422, 'Invalid date period')
  const entities = Object.values(asMap(asMap(client).entities)) as { code?: unknown, module?: unknown, id?: unknown }[]
  if (client !== undefined && (entities.length === 0 || !entities.every((one) => one.code !== undefined && one.module === 'crm' && one.id !== undefined))) {
    throw new RestError(0, 'Required fields: code, module, id')
  }
  return (one) => (within === undefined || (one.from < Number(dateTo) && one.to > Number(dateFrom)))
    && (client === undefined || one.clients.some((held) => entities.some((entity) => entity.code === held.code && Number(entity.id) === held.id)))
}

/** @see https://apidocs.bitrix24.com/api-reference/booking/index.html */
export const bookingMethods: Record<string, Handler> = {
  'booking.v1.booking.list': answer((call) => {
    const rows = [...call.engine.world.bookings.values()].filter(condition(asMap(call.params.FILTER))).map((one) => ({ ...one, dateFrom: one.from, dateTo: one.to }))
    const given = asMap(call.params.ORDER)
    const order = given.id === undefined ? { ...given, id: 'ASC' } : given
    // Everything at once: the page names no cursor.
    const sorted = queryAll(rows, order, ['id', 'dateFrom', 'dateTo'])
    return { booking: sorted.map(shape) }
  }),
  'booking.v1.booking.get': answer((call) => ({ booking: shape(booking(call, 'id')) })),
  'booking.v1.booking.client.list': answer((call) => ({
    bookingClient: booking(call, 'bookingId').clients.map(({ id, code }) => ({ id, type: { code, module: 'crm' } })),
  })),
  'booking.v1.resource.list': answer((call) => {
    const { searchQuery, ...filter } = asMap(call.params.FILTER)
    const rows = [...call.engine.world.resources.values()].map(resourceShape)
      .filter((row) => searchQuery === undefined || String(row.name).toLowerCase().includes(String(searchQuery).toLowerCase()))
    return { resource: queryAll(rows, asMap(call.params.ORDER), ['id', 'isMain', 'typeId', 'name', 'description'], filter) }
  }),
  'booking.v1.resource.get': answer((call) => {
    const found = call.engine.world.resources.get(Number(call.params.id))
    if (!found) throw new RestError(1009, 'Resource not found')
    return { resource: resourceShape(found) }
  }),
}
