import { cardOf, contactCardCommand, findContactsByPhoneCommand, foundContactIdsOf, mergeContactsCommand, mergeOutcomeOf, phonesOf } from '../bitrix/identity.ts'
import { type PortalClient } from '../bitrix/client.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { enqueueChat } from './chat-effects.ts'
import { identitiesOf, moveIdentities } from '../db/identities.ts'
import { logIdentity } from '../db/introductions.ts'
import { moveContact } from '../db/merged-contacts.ts'
import { normalizePhone, spellingsOf } from '../domain/phone.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'
import { findPatient, refuseViewer, viewerClient, type PatientPage } from './find-patient.ts'

/**
 * Merges another card into the page's patient, with the viewer's own rights and only when both have a phone in common: it cannot be
 * undone. Accounts and history go along.
 *
 * @throws AppError CONFLICT when the portal wants a person to decide between their fields
 */
export const mergeContacts = async (deps: Deps, page: PatientPage, other: string): Promise<void> => {
  const { contactId } = await findPatient(deps, page)
  if (contactId === undefined || other === contactId) throw new AppError('CONFLICT', 'Объединить можно две разные карточки пациента: обновите страницу.')
  const client = await viewerClient(deps, page)
  if (!(await haveCommonPhone(client, contactId, other))) throw new AppError('CONFLICT', 'У карточек больше нет общего телефона: объедините их на портале, если это один человек.')
  // The portal tells that the other card is gone before its answer is here; by then nothing may hang on it, or it would be forgotten.
  const moved = await deps.db.transaction().execute(async (trx) => moveIdentities(trx, page.portalId, other, contactId))
  try {
    const { method, params } = mergeContactsCommand('', Number(contactId), [Number(other)])
    const outcome = mergeOutcomeOf((await client.call(method, params)).result)
    if (outcome.state !== 'merged') throw new AppError('CONFLICT', 'Поля карточек расходятся: объедините их на портале вручную, выбрав верные значения.')
  } catch (error) {
    // Where it is not known whether they were merged, the employee's word stands: it is one person.
    if (!(error instanceof BitrixError) || error.outcome === 'rejected') await giveBack(deps, page, moved, contactId, other)
    throw error instanceof BitrixError ? mergeRefusal(error) : error
  }
  const now = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    await moveContact(trx, page.portalId, other, contactId)
    await logIdentity(trx, page.portalId, { contactId, what: 'merged', by: `user:${page.userId}` })
    await enqueueChat(trx, moved.map((identity) => ({ portalId: page.portalId, direction: 'toLine', identity, kind: 'link', payload: { contactId }, runAt: now, since: now }) as const))
  })
}

const mergeRefusal = (error: BitrixError): unknown =>
  error.action === 'giveUp' ? new AppError('PORTAL_REFUSED', 'Портал не дал объединить карточки: нужны права на изменение и удаление контактов.', { cause: error }) : error

const haveCommonPhone = async (client: PortalClient, contactId: string, other: string): Promise<boolean> => {
  try {
    const card = contactCardCommand('', Number(contactId))
    const phones = phonesOf(cardOf((await client.call(card.method, card.params)).result)).flatMap((phone) => normalizePhone(phone) ?? [])
    if (phones.length === 0) return false
    const search = findContactsByPhoneCommand('', [...new Set(phones)].slice(0, 6).flatMap(spellingsOf))
    return foundContactIdsOf((await client.call(search.method, search.params)).result).includes(Number(other))
  } catch (error) {
    return refuseViewer(error)
  }
}

const giveBack = async (deps: Deps, { portalId }: PatientPage, moved: readonly number[], from: string, to: string): Promise<void> => {
  await deps.db.transaction().execute(async (trx) => {
    const still = (await identitiesOf(trx, portalId, [from])).filter(({ number }) => moved.includes(number)).map(({ number }) => number)
    await moveIdentities(trx, portalId, from, to, still)
  })
}
