import { z } from 'zod'
import { readResult } from './answer.ts'
import { type Command, type Params } from './command.ts'
import { type CrmItem } from './crm-item.ts'
import { originatorId } from './timeline.ts'
import { normalizePhone } from '../domain/phone.ts'

export { findContactsByPhoneCommand, foundContactIdsOf } from './world.ts'

const contactTypeId = 3

/** One phone, address or messenger of a card. */
export interface CardField {
  readonly id: number
  readonly typeId: string
  readonly valueType: string
  readonly value: string
}

/** A contact or a lead with everything by which it can be reached. */
export interface Card {
  readonly item: CrmItem
  readonly firstName: string
  readonly secondName: string
  readonly lastName: string
  readonly fields: readonly CardField[]
  readonly responsibleId?: number
  /** Epoch milliseconds. */
  readonly changedAt?: number
}

const Id = z.coerce.number().int().positive()
const GivenId = Id.optional().catch(undefined)
const Text = z.string().nullish().transform((text) => text ?? '')

/**
 * Reads one card with its phones and messengers.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-get.html
 */
export const cardCommand = (key: string, { entityTypeId, id }: CrmItem): Command => ({ key, method: 'crm.item.get', params: { entityTypeId, id } })

export const contactCardCommand = (key: string, contactId: number): Command => cardCommand(key, { entityTypeId: contactTypeId, id: contactId })

const Fields = z
  .array(z.looseObject({ id: Id, typeId: z.string(), valueType: Text, value: z.coerce.string() }))
  .nullish()
  .transform((fields) => fields ?? [])
const CardItem = z.looseObject({
  id: Id,
  entityTypeId: Id,
  name: Text,
  secondName: Text,
  lastName: Text,
  fm: Fields,
  assignedById: GivenId,
  updatedTime: z.string().optional().catch(undefined),
})
const CardResult = z.looseObject({ item: CardItem })

export const cardOf = (result: unknown): Card => {
  const { id, entityTypeId, name, secondName, lastName, fm, assignedById, updatedTime } = readResult(CardResult, result, 'crm.item.get').item
  const changedAt = Date.parse(updatedTime ?? '')
  return {
    item: { entityTypeId, id },
    firstName: name,
    secondName,
    lastName,
    fields: fm.map(({ id: fieldId, typeId, valueType, value }) => ({ id: fieldId, typeId, valueType, value })),
    responsibleId: assignedById,
    changedAt: Number.isNaN(changedAt) ? undefined : changedAt,
  }
}

/** The card's e-mail addresses as they are stored, in its order. */
export const emailsOf = (card: Card): readonly string[] => card.fields.filter(({ typeId }) => typeId === 'EMAIL').map(({ value }) => value)

/** The card's phones as they are stored, in its order. */
export const phonesOf = (card: Card): readonly string[] => card.fields.filter(({ typeId }) => typeId === 'PHONE').map(({ value }) => value)

/**
 * Makes a contact. Not idempotent: `originId` is ours, and `findContactByOriginCommand` finds by it what a lost answer has made.
 * `source` says in words where the person came from.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-add.html
 */
export const addContactCommand = (
  key: string,
  contact: {
    readonly originId: string
    readonly name: string
    readonly lastName?: string
    /** `+` and digits. */
    readonly phone?: string
    readonly source: string
    readonly responsibleId?: number
  },
): Command => ({
  key,
  method: 'crm.item.add',
  params: {
    entityTypeId: contactTypeId,
    fields: {
      name: contact.name,
      lastName: contact.lastName,
      sourceDescription: contact.source,
      assignedById: contact.responsibleId,
      originatorId,
      originId: contact.originId,
      fm: contact.phone === undefined ? undefined : [phoneField(contact.phone)],
    },
  },
})

const phoneField = (phone: string): Params => ({ typeId: 'PHONE', valueType: 'MOBILE', value: phone })

const Added = z.looseObject({ item: z.looseObject({ id: Id }) })

export const addedContactIdOf = (result: unknown): number => readResult(Added, result, 'crm.item.add').item.id

/** Looks for the contact that `addContactCommand` made: `listedIdsOf`, the first of them when a lost `add` was repeated. */
export const findContactByOriginCommand = (key: string, originId: string): Command => ({
  key,
  method: 'crm.item.list',
  params: { entityTypeId: contactTypeId, select: ['id'], filter: { '=originatorId': originatorId, '=originId': originId }, order: { id: 'ASC' }, start: -1 },
})

/** How the portal writes a dialogue into a card. */
export const messengerValueOf = (userCode: string): string => `imol|${userCode}`

/**
 * Looks for cards that hold a dialogue: `listedIdsOf`. More than one owner confuses the portal's own search.
 *
 * @see https://apidocs.bitrix24.com/tutorials/openlines/find-crm-object-by-dialog.html
 */
export const findByMessengerCommand = (key: string, entityTypeId: 1 | 3, userCode: string): Command => ({
  key,
  method: 'crm.item.list',
  params: { entityTypeId, select: ['id'], filter: { '=imol': messengerValueOf(userCode) }, order: { id: 'ASC' }, start: -1 },
})

const Listed = z.looseObject({ items: z.array(z.looseObject({ id: Id })) })

export const listedIdsOf = (result: unknown): readonly number[] => readResult(Listed, result, 'crm.item.list').items.map(({ id }) => id)

/** Entries without `typeId` are silently ignored by the portal; an empty value takes the entry away. */
const updateFieldsCommand = (key: string, { entityTypeId, id }: CrmItem, fm: Params): Command => ({
  key,
  method: 'crm.item.update',
  params: { entityTypeId, id, fields: { fm } },
})

/**
 * Writes the dialogue and the phone into a card as far as they are not there, so that the portal's next session finds it.
 * Undefined when nothing is missing: it may be repeated after the card was read again.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-update.html
 */
export const linkCommand = (key: string, card: Card, link: { readonly userCode?: string; readonly phone?: string }): Command | undefined => {
  const { userCode, phone } = link
  const missing: Params[] = []
  if (userCode !== undefined && messengerFieldsOf(card, userCode).length === 0) missing.push({ typeId: 'IM', valueType: 'IMOL', value: messengerValueOf(userCode) })
  const known = phonesOf(card).map((stored) => normalizePhone(stored) ?? stored)
  if (phone !== undefined && !known.includes(normalizePhone(phone) ?? phone)) missing.push(phoneField(phone))
  if (missing.length === 0) return undefined
  return updateFieldsCommand(key, card.item, Object.fromEntries(missing.map((field, index) => [`n${String(index)}`, field])))
}

/** Takes the dialogue out of a card that is not its owner; undefined when it is not in it. */
export const unlinkCommand = (key: string, card: Card, userCode: string): Command | undefined => {
  const wrong = messengerFieldsOf(card, userCode)
  if (wrong.length === 0) return undefined
  return updateFieldsCommand(key, card.item, Object.fromEntries(wrong.map(({ id }) => [String(id), { typeId: 'IM', value: '' }])))
}

const messengerFieldsOf = (card: Card, userCode: string): readonly CardField[] =>
  card.fields.filter(({ typeId, value }) => typeId === 'IM' && value.toLowerCase() === messengerValueOf(userCode).toLowerCase())

/**
 * Looks for the activity that the portal has made for a session; none when the person was unknown as it began.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/activity-base/crm-activity-list.html
 */
export const sessionActivityCommand = (key: string, sessionId: number): Command => ({
  key,
  method: 'crm.activity.list',
  params: {
    select: ['ID', 'OWNER_ID', 'OWNER_TYPE_ID'],
    filter: { PROVIDER_ID: 'IMOPENLINES_SESSION', ASSOCIATED_ENTITY_ID: sessionId },
    order: { ID: 'ASC' },
  },
})

const Activities = z.array(z.looseObject({ ID: Id, OWNER_ID: GivenId, OWNER_TYPE_ID: GivenId }))

export const sessionActivityOf = (result: unknown): { readonly activityId: number; readonly owner?: CrmItem } | undefined => {
  const [first] = readResult(Activities, result, 'crm.activity.list')
  if (first === undefined) return undefined
  const { ID: activityId, OWNER_ID: id, OWNER_TYPE_ID: entityTypeId } = first
  return { activityId, owner: id === undefined || entityTypeId === undefined ? undefined : { entityTypeId, id } }
}

/**
 * Shows an activity on one more card; `ACTIVITY_IS_ALREADY_BOUND` (action `alreadyDone`) is as good as success.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/binding/crm-activity-binding-add.html
 */
export const bindActivityCommand = (key: string, activityId: number, { entityTypeId, id }: CrmItem): Command => ({
  key,
  method: 'crm.activity.binding.add',
  params: { activityId, entityTypeId, entityId: id },
})

/**
 * Takes an activity off a card. The last binding cannot be taken away: bind the right card first.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/binding/crm-activity-binding-delete.html
 */
export const unbindActivityCommand = (key: string, activityId: number, { entityTypeId, id }: CrmItem): Command => ({
  key,
  method: 'crm.activity.binding.delete',
  params: { activityId, entityTypeId, entityId: id },
})

/**
 * Asks on which cards an activity is shown.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/binding/crm-activity-binding-list.html
 */
export const activityBindingsCommand = (key: string, activityId: number): Command => ({ key, method: 'crm.activity.binding.list', params: { activityId } })

const Bindings = z.array(z.looseObject({ entityTypeId: Id, entityId: Id }))

export const activityBindingsOf = (result: unknown): readonly CrmItem[] =>
  readResult(Bindings, result, 'crm.activity.binding.list').map(({ entityTypeId, entityId: id }) => ({ entityTypeId, id }))

/**
 * Merges contacts into the first of them; the others are deleted. Cannot be undone: only ever on a person's word.
 *
 * @see https://apidocs.bitrix24.com/api-reference/crm/duplicates/crm-entity-merge-batch.html
 */
export const mergeContactsCommand = (key: string, contactId: number, duplicateIds: readonly number[]): Command => {
  const others = [...new Set(duplicateIds)].filter((id) => id !== contactId)
  if (others.length === 0) throw new RangeError('A merge takes two contacts at least.')
  return { key, method: 'crm.entity.mergeBatch', params: { params: { entityTypeId: contactTypeId, entityIds: [contactId, ...others] } } }
}

const Merged = z.looseObject({ STATUS: z.enum(['SUCCESS', 'CONFLICT', 'ERROR']).catch('ERROR'), ENTITY_IDS: z.array(Id).catch([]) })

/** `conflict`: both cards fill a field differently, and a person must decide on the portal's page `mergePath`. */
export type MergeOutcome = { readonly state: 'merged'; readonly removedIds: readonly number[] } | { readonly state: 'conflict' | 'failed' }

export const mergeOutcomeOf = (result: unknown): MergeOutcome => {
  const { STATUS, ENTITY_IDS } = readResult(Merged, result, 'crm.entity.mergeBatch')
  return STATUS === 'SUCCESS' ? { state: 'merged', removedIds: ENTITY_IDS } : { state: STATUS === 'CONFLICT' ? 'conflict' : 'failed' }
}

/** The portal's own page of a merge by hand. */
export const mergePath = (contactIds: readonly number[]): string => `/crm/contact/merge/?id=${contactIds.join(',')}`
