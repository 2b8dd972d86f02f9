import { describe, expect, it } from '@jest/globals'
import { appointmentsOf, bookingsCommand, dealCardOf, dealCardsOf, dealFieldsOf, dealsOfContactCommand, resourcesOf } from '../../src/bitrix/appointments.ts'
import { vector } from './vectors.ts'

// Samples of https://apidocs.bitrix24.com/api-reference/booking/
const types = { resource: [{ id: 3, code: 'equipment', name: 'Кабинет', templateTypeConfirmation: 'inanimate' }, { id: 5, code: 'expert', name: 'Врач', templateTypeConfirmation: 'animate' }] }
const resources = {
  resource: [
    { id: 1, name: 'Петров П. П.', typeId: 5, templateTypeConfirmation: 'animate', description: null },
    { id: 2, name: 'Кабинет 7', typeId: 3, templateTypeConfirmation: 'inanimate' },
    { id: 4, name: 'Сидорова А. А.', typeId: 5 },
  ],
}
const booking = (id: number, timestamp: number, resourceIds: unknown, name: string | null = 'Приём') => ({
  id, name, description: null, resourceIds, datePeriod: { from: { timestamp, timezone: 'Europe/Moscow' }, to: { timestamp: timestamp + 900, timezone: 'Europe/Moscow' } },
})

describe('bookings', () => {
  it('are asked for one patient and one period, in seconds', () => {
    expect(bookingsCommand('k', { contactId: 5, from: 1_700_000_000_999, to: 1_700_000_001_001 }).params.FILTER).toEqual({
      within: { dateFrom: 1_700_000_000, dateTo: 1_700_000_002 }, client: { entities: [{ code: 'CONTACT', module: 'crm', id: 5 }] },
    })
  })

  it('say when, with whom and where, earliest first', () => {
    const known = resourcesOf(resources, types)
    const result = { booking: [booking(16, 1_723_446_900, [1, 4, 99]), booking(15, 1_723_000_000, ['2'], null), booking(17, 1_723_500_000, null, '')] }
    expect(appointmentsOf(result, known)).toEqual([
      { bookingId: 15, at: 1_723_000_000_000, endsAt: 1_723_000_900_000, doctor: undefined, place: 'Кабинет 7', service: undefined },
      { bookingId: 16, at: 1_723_446_900_000, endsAt: 1_723_447_800_000, doctor: 'Петров П. П., Сидорова А. А.', place: undefined, service: 'Приём' },
      { bookingId: 17, at: 1_723_500_000_000, endsAt: 1_723_500_900_000, doctor: undefined, place: undefined, service: undefined },
    ])
    expect(appointmentsOf({ booking: [] }, new Map())).toEqual([])
  })
})

describe('deals as appointments', () => {
  it('give out the fields that were chosen and no others', () => {
    const item = vector('call.crm.item.update.ok').response!.body.result.item
    expect(dealCardOf({ item }, ['ufCrm_1721244707107', 'ufCrm_unknown'])).toMatchObject({
      dealId: 351, title: 'REST Deal #1', stageId: 'C9:UC_NYL06U', isClosed: false, contactId: undefined, responsibleId: 6, values: { ufCrm_1721244707107: 200.05 },
    })
    expect(Object.keys(dealCardsOf({ items: [item] }, [])[0]!.values)).toEqual([])
    expect(dealCardsOf({ items: [{ id: '5', closed: 'Y' }, { id: 6, stageSemanticId: 'F' }] }, []).map(({ isClosed }) => isClosed)).toEqual([true, true])
  })

  it('are those that are open, unless all are wanted', () => {
    expect(dealsOfContactCommand('k', 5).params.filter).toEqual({ contactId: 5, closed: 'N' })
    expect((dealsOfContactCommand('k', 5, { withClosed: true, fields: ['ufCrm_1'] }).params)).toMatchObject({ filter: { contactId: 5, closed: undefined }, select: expect.arrayContaining(['ufCrm_1', 'contactId']) })
  })

  it('offer their fields by the names that people gave them', () => {
    expect(dealFieldsOf({ fields: { ufCrm_1: { type: 'datetime', title: 'Дата приёма', isMultiple: false }, id: { type: 'integer', title: '' } } })).toEqual([
      { name: 'ufCrm_1', title: 'Дата приёма', type: 'datetime', isMultiple: false },
      { name: 'id', title: 'id', type: 'integer', isMultiple: false },
    ])
  })
})
