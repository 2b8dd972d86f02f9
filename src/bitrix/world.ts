import { z } from 'zod'
import { readResult } from './answer.ts'
import { type Command } from './command.ts'

/** A list answers with at most this many; more ids need more commands. */
export const maxListedIds = 50

/** A deal as the cascade looks at it. */
export interface Deal {
  readonly dealId: number
  readonly stageId: string
  readonly isClosed: boolean
  readonly contactId?: number
  /** The employee in charge: the call task is theirs. */
  readonly responsibleId?: number
}

/** A patient's card. `phones` and `emails` are as stored: not normalised, in the card's order. */
export interface Contact {
  readonly contactId: number
  readonly name: string
  readonly phones: readonly string[]
  readonly emails: readonly string[]
}

const idsOf = (ids: readonly number[]): readonly number[] => {
  const distinct = [...new Set(ids)]
  // Without its filter the list would be of everything.
  if (distinct.length === 0 || distinct.length > maxListedIds) throw new RangeError(`A list takes 1 to ${String(maxListedIds)} ids.`)
  return distinct
}

/**
 * Reads up to 50 deals; one that is deleted or hidden from the administrator is missing from the answer.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-list.html
 */
export const dealsCommand = (key: string, dealIds: readonly number[]): Command => ({
  key,
  method: 'crm.item.list',
  params: {
    entityTypeId: 2,
    select: ['id', 'stageId', 'categoryId', 'stageSemanticId', 'closed', 'contactId', 'assignedById'],
    filter: { '@id': idsOf(dealIds) },
    // Counting the rows is the expensive part of a list.
    start: -1,
  },
})

/**
 * Reads up to 50 contacts with their phones; `fm` comes only with everything.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-list.html
 */
export const contactsCommand = (key: string, contactIds: readonly number[]): Command => ({
  key,
  method: 'crm.item.list',
  params: { entityTypeId: 3, select: ['*'], filter: { '@id': idsOf(contactIds) }, start: -1 },
})

/**
 * Asks which contacts have one of up to 20 phones; the portal compares them without their spelling.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/duplicates/crm-duplicate-find-by-comm.html
 */
export const findContactsByPhoneCommand = (key: string, phones: readonly string[]): Command => {
  if (phones.length === 0 || phones.length > 20) throw new RangeError('A search takes 1 to 20 phones.')
  return { key, method: 'crm.duplicate.findbycomm', params: { type: 'PHONE', values: phones, entity_type: 'CONTACT' } }
}

const Id = z.coerce.number().int().nonnegative()
const OptionalText = z.string().nullish()

const Deals = z.looseObject({
  items: z.array(
    z.looseObject({
      id: Id,
      stageId: OptionalText,
      stageSemanticId: OptionalText,
      closed: z.union([z.string(), z.boolean()]).nullish(),
      contactId: Id.nullish(),
      assignedById: Id.nullish(),
    }),
  ),
})

export const dealsOf = (result: unknown): readonly Deal[] =>
  readResult(Deals, result, 'crm.item.list').items.map(({ id, stageId, stageSemanticId, closed, contactId, assignedById }) => ({
    dealId: id,
    stageId: stageId ?? '',
    isClosed: closed === 'Y' || closed === true || stageSemanticId === 'S' || stageSemanticId === 'F',
    contactId: givenId(contactId),
    responsibleId: givenId(assignedById),
  }))

/** Nobody is 0, or null. */
const givenId = (id: number | null | undefined): number | undefined => (id === 0 ? undefined : (id ?? undefined))

const Contacts = z.looseObject({
  items: z.array(
    z.looseObject({
      id: Id,
      name: OptionalText,
      secondName: OptionalText,
      fm: z.array(z.looseObject({ typeId: z.string(), value: z.coerce.string() })).nullish(),
    }),
  ),
})

/** `name` is what the patient is addressed by: first name and patronymic. */
export const contactsOf = (result: unknown): readonly Contact[] =>
  readResult(Contacts, result, 'crm.item.list').items.map(({ id, name, secondName, fm }) => ({
    contactId: id,
    name: [name, secondName].filter(Boolean).join(' '),
    phones: valuesOf(fm ?? [], 'PHONE'),
    emails: valuesOf(fm ?? [], 'EMAIL'),
  }))

const valuesOf = (fields: readonly { readonly typeId: string; readonly value: string }[], type: string): readonly string[] => fields.filter(({ typeId }) => typeId === type).map(({ value }) => value)

/** Nobody is an empty list, somebody a map. */
const Found = z.union([z.looseObject({ CONTACT: z.array(Id).optional() }), z.array(z.unknown()).transform(() => ({ CONTACT: undefined }))])

export const foundContactIdsOf = (result: unknown): readonly number[] => readResult(Found, result, 'crm.duplicate.findbycomm').CONTACT ?? []
