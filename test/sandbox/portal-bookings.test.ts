import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { caller, createManualClock, register, type RestAnswer } from './portal-support.ts'

let portal: Portal
let call: (method: string, params?: Record<string, unknown>) => Promise<RestAnswer>
const start = Date.UTC(2026, 0, 15, 9)

beforeEach(async () => {
  portal = await startPortal({ clock: createManualClock(start), limits: { burst: 0 } })
  const { clientId } = register(portal, 'http://127.0.0.1:9', { scopes: ['booking'] })
  portal.finishInstall(clientId)
  call = caller(portal, clientId)
})
afterEach(() => portal.close())

describe('booking.v1.*', () => {
  it('lists the bookings of a client in a period, soonest first', async () => {
    const { id: contactId } = portal.addContact({ name: 'Иван' })
    const { id: otherId } = portal.addContact({ name: 'Мария' })
    const hour = 3_600_000
    const later = portal.bookings.add({ contactId, startsAt: start + 5 * hour, name: 'Осмотр', resources: ['Терапевт', 'Кабинет 5'] })
    const sooner = portal.bookings.add({ contactId, startsAt: start + hour })
    portal.bookings.add({ contactId: otherId, startsAt: start + 2 * hour })
    portal.bookings.add({ contactId, startsAt: start - 24 * hour })
    const seconds = start / 1000
    const filter = { within: { dateFrom: seconds, dateTo: seconds + 86_400 }, client: { entities: [{ code: 'CONTACT', module: 'crm', id: String(contactId) }] } }
    const list = async (): Promise<any[]> => (await call('booking.v1.booking.list', { filter, order: { dateFrom: 'ASC' } })).body.result.booking
    expect((await list()).map((one) => one.id)).toEqual([sooner.id, later.id])
    expect((await list())[1]).toEqual({
      datePeriod: { from: { timestamp: seconds + 5 * 3600, timezone: 'Europe/Moscow' }, to: { timestamp: seconds + 5 * 3600 + 1800, timezone: 'Europe/Moscow' } },
      description: null, id: later.id, name: 'Осмотр', resourceIds: [1, 2],
    })
    portal.bookings.move(sooner.id, start + 6 * hour)
    expect((await list()).map((one) => one.id)).toEqual([later.id, sooner.id])
    portal.bookings.cancel(sooner.id)
    expect((await call('booking.v1.booking.get', { id: sooner.id })).body).toMatchObject({ error: 1021, error_description: 'Booking not found' })
    expect((await call('booking.v1.booking.client.list', { bookingId: later.id })).body.result).toEqual({ bookingClient: [{ id: contactId, type: { code: 'CONTACT', module: 'crm' } }] })
    const { resource } = (await call('booking.v1.resource.list', { filter: { searchQuery: 'каб' } })).body.result
    expect(resource).toEqual([expect.objectContaining({ id: 2, name: 'Кабинет 5', isMain: 'Y', typeId: 1 })])
  })

  it('refuses half a filter and a period that ends before it begins', async () => {
    const refusal = async (filter: unknown): Promise<unknown> => (await call('booking.v1.booking.list', { filter })).body.error
    expect(await refusal({ within: { dateFrom: 1 } })).toBe(0)
    expect(await refusal({ within: { dateFrom: 2, dateTo: 1 } })).toBe(422)
    expect(await refusal({ client: { entities: [{ id: 1 }] } })).toBe(0)
    expect(await refusal({ contactId: 1 })).toBe('INVALID_ARG_VALUE')
  })
})
