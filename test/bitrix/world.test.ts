import { describe, expect, it } from '@jest/globals'
import { contactsCommand, contactsOf, dealsCommand, dealsOf, findContactsByPhoneCommand, foundContactIdsOf } from '../../src/bitrix/world.ts'
import { vector } from './vectors.ts'

describe('the world as the cascade looks at it', () => {
  it('reads many deals in one list, and 0 is no contact', () => {
    expect(dealsCommand('d', [1, 2, 2]).params).toMatchObject({ entityTypeId: 2, filter: { '@id': [1, 2] }, start: -1 })
    const items = [
      { id: 1, stageId: 'C1:NEW', stageSemanticId: 'P', closed: 'N', contactId: 9, assignedById: 4 },
      { id: '2', stageId: 'C1:WON', stageSemanticId: 'S', closed: 'Y', contactId: 0 },
      { id: 3, stageId: null, contactId: null },
    ]
    expect(dealsOf({ items })).toEqual([
      { dealId: 1, stageId: 'C1:NEW', isClosed: false, contactId: 9, responsibleId: 4 },
      { dealId: 2, stageId: 'C1:WON', isClosed: true, contactId: undefined, responsibleId: undefined },
      { dealId: 3, stageId: '', isClosed: false, contactId: undefined, responsibleId: undefined },
    ])
  })

  it('reads contacts with every phone as it is stored (F44)', () => {
    const item = { ...vector('call.crm.item.get.ok').response!.body.result.item, secondName: null }
    const [contact] = contactsOf({ items: [item] })
    expect(contact).toEqual({ contactId: 250, name: 'Admin', phones: item.fm.filter(({ typeId }: any) => typeId === 'PHONE').map(({ value }: any) => value), emails: item.fm.filter(({ typeId }: any) => typeId === 'EMAIL').map(({ value }: any) => value) })
    expect(contact!.phones.length).toBeGreaterThan(0)
    expect(contactsCommand('c', [250]).params.select).toEqual(['*'])
  })

  it('never lists without a filter, and never more than a page', () => {
    expect(() => dealsCommand('d', [])).toThrow(RangeError)
    expect(() => contactsCommand('d', Array.from({ length: 51 }, (_, index) => index))).toThrow(RangeError)
    expect(() => findContactsByPhoneCommand('f', [])).toThrow(RangeError)
  })

  it('reads "nobody has this phone" in both spellings', () => {
    expect(foundContactIdsOf(vector('call.crm.duplicate.findbycomm.ok').response!.body.result)).toEqual([275, 2297])
    expect(foundContactIdsOf([])).toEqual([])
    expect(foundContactIdsOf({})).toEqual([])
  })

  it('says of an unreadable answer only that it is unreadable', () => {
    expect(() => contactsOf({ items: [{ id: 'x', phone: '+79991234567' }] })).toThrow(expect.objectContaining({ bitrixCode: 'UNREADABLE_ANSWER', message: expect.not.stringContaining('999') }))
  })
})
