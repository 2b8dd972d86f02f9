import { describe, expect, it } from '@jest/globals'
import { activityBindingsOf, addContactCommand, addedContactIdOf, cardOf, linkCommand, listedIdsOf, mergeOutcomeOf, mergePath, phonesOf, sessionActivityCommand, sessionActivityOf, unlinkCommand, type Card } from '../../src/bitrix/identity.ts'
import { vector } from './vectors.ts'

const userCode = 'estafeta_telegram|7|c12|585'
const cardWith = (...fields: readonly Omit<Card['fields'][number], 'valueType'>[]): Card =>
  ({ item: { entityTypeId: 3, id: 42 }, firstName: 'Анна', secondName: '', lastName: '', fields: fields.map((field) => ({ ...field, valueType: 'WORK' })) })
const fieldsOf = (command: ReturnType<typeof linkCommand>): any => (command?.params.fields as any)?.fm

describe('a card', () => {
  it('is read with everything by which the patient can be reached', () => {
    const card = cardOf(vector('call.crm.item.get.ok').response!.body.result)
    expect(card).toMatchObject({ item: { entityTypeId: 1, id: 250 }, firstName: 'Admin', lastName: 'Admins', secondName: 'Admin', changedAt: expect.any(Number) })
    expect(card.fields[0]).toEqual({ id: 101, typeId: 'PHONE', valueType: 'WORK', value: '+6111111111' })
    expect(phonesOf(card)).toEqual(['+6111111111'])
    expect(cardOf({ item: { id: '7', entityTypeId: 3, name: null, lastName: null, secondName: null, fm: null } })).toMatchObject({ firstName: '', fields: [], responsibleId: undefined, changedAt: undefined })
  })

  it('of a new contact carries our number, by which it is found when the answer was lost', () => {
    const { params } = addContactCommand('k', { originId: 'o1', name: 'Анна', phone: '+79160000001', source: 'Telegram' })
    expect(params).toMatchObject({ entityTypeId: 3, fields: { name: 'Анна', originatorId: 'estafeta', originId: 'o1', fm: [{ typeId: 'PHONE', valueType: 'MOBILE', value: '+79160000001' }] } })
    expect((addContactCommand('k', { originId: 'o1', name: 'Анна', source: 'MAX' }).params.fields as any).fm).toBeUndefined()
    expect(addedContactIdOf({ item: { id: 9 } })).toBe(9)
    expect(listedIdsOf(vector('call.crm.item.list-by-imol.ok').response!.body.result)).toEqual([42])
    expect(listedIdsOf({ items: [] })).toEqual([])
  })
})

describe('a dialogue in a card', () => {
  it('is written with the phone, each under a new key and with its type: without one the portal ignores it silently', () => {
    expect(fieldsOf(linkCommand('k', cardWith(), { userCode, phone: '+79160000001' }))).toEqual({
      n0: { typeId: 'IM', valueType: 'IMOL', value: `imol|${userCode}` },
      n1: { typeId: 'PHONE', valueType: 'MOBILE', value: '+79160000001' },
    })
  })

  it('is not written twice, nor is a phone that stands there in another spelling (F11)', () => {
    const known = cardWith({ id: 1, typeId: 'IM', value: `imol|${userCode}` }, { id: 2, typeId: 'PHONE', value: '8 (916) 000-00-01' })
    expect(linkCommand('k', known, { userCode, phone: '+79160000001' })).toBeUndefined()
    expect(fieldsOf(linkCommand('k', known, { userCode, phone: '+79160000002' }))).toEqual({ n0: { typeId: 'PHONE', valueType: 'MOBILE', value: '+79160000002' } })
    expect(linkCommand('k', known, {})).toBeUndefined()
  })

  it('is taken out of the wrong card by the number of its field, and nothing else with it', () => {
    const wrong = cardWith({ id: 15, typeId: 'IM', value: `imol|${userCode}` }, { id: 16, typeId: 'IM', value: 'imol|estafeta_max|7|c12|586' }, { id: 17, typeId: 'PHONE', value: '+79160000001' })
    expect(fieldsOf(unlinkCommand('k', wrong, userCode))).toEqual({ 15: { typeId: 'IM', value: '' } })
    expect(unlinkCommand('k', cardWith(), userCode)).toBeUndefined()
  })
})

describe('the activity of a session', () => {
  it('is found by the session, and where it is shown can be read', () => {
    expect(sessionActivityCommand('k', 323).params.filter).toEqual({ PROVIDER_ID: 'IMOPENLINES_SESSION', ASSOCIATED_ENTITY_ID: 323 })
    expect(sessionActivityOf([{ ID: '999', OWNER_ID: '12', OWNER_TYPE_ID: '1' }])).toEqual({ activityId: 999, owner: { entityTypeId: 1, id: 12 } })
    expect(sessionActivityOf([{ ID: '999', OWNER_ID: '0', OWNER_TYPE_ID: '0' }])).toEqual({ activityId: 999, owner: undefined })
    expect(sessionActivityOf([])).toBeUndefined()
    expect(activityBindingsOf(vector('call.crm.activity.binding.list.ok').response!.body.result)).toEqual([
      { entityTypeId: 1, id: 123 }, { entityTypeId: 2, id: 456 }, { entityTypeId: 3, id: 789 },
    ])
  })
})

describe('a merge', () => {
  it('is done, or left to a person', () => {
    expect(mergeOutcomeOf({ STATUS: 'SUCCESS', ENTITY_IDS: [101, 102] })).toEqual({ state: 'merged', removedIds: [101, 102] })
    expect(mergeOutcomeOf({ STATUS: 'CONFLICT', ENTITY_IDS: [] })).toEqual({ state: 'conflict' })
    expect(mergeOutcomeOf({ STATUS: 'ERROR' })).toEqual({ state: 'failed' })
    expect(mergeOutcomeOf({ STATUS: 'SOMETHING NEW' })).toEqual({ state: 'failed' })
    expect(mergePath([1, 2])).toBe('/crm/contact/merge/?id=1,2')
  })
})
