import { type PortalClient } from '../bitrix/client.ts'
import { cardOf, contactCardCommand, findContactsByPhoneCommand, foundContactIdsOf, listedIdsOf, phonesOf } from '../bitrix/identity.ts'
import { type Command } from '../bitrix/command.ts'
import { normalizePhone, spellingsOf } from '../domain/phone.ts'
import { type Deps } from './deps.ts'
import { refuseViewer, viewerClient, type PatientPage } from './find-patient.ts'

/** A card by which a person may be recognised. */
export interface FoundContact {
  readonly contactId: string
  readonly name: string
  readonly phone: string | undefined
}

const mostFound = 20

/** Searches contacts by phone or by words of the name, as the viewer may see them. */
export const searchContacts = async (deps: Deps, page: PatientPage, question: string): Promise<readonly FoundContact[]> => {
  const phone = /^[\d\s()+.-]+$/.test(question) ? normalizePhone(question) : undefined
  const words = question.split(/\s+/).filter((word) => word !== '').slice(0, 3)
  if (phone === undefined && words.join('').length < 2) return []
  const client = await viewerClient(deps, page)
  try {
    const command = phone === undefined ? contactsByNameCommand(words) : findContactsByPhoneCommand('', spellingsOf(phone))
    const { result } = await client.call(command.method, command.params)
    return await readContacts(client, (phone === undefined ? listedIdsOf(result) : foundContactIdsOf(result)).slice(0, mostFound).map(String))
  } catch (error) {
    return refuseViewer(error)
  }
}

/** Each word in one of the names. @see https://apidocs.bitrix24.com/api-reference/crm/universal/crm-item-list.html */
const contactsByNameCommand = (words: readonly string[]): Command => ({
  key: '',
  method: 'crm.item.list',
  params: {
    entityTypeId: 3,
    select: ['id'],
    filter: Object.fromEntries(words.map((word, index) => [String(index), { logic: 'OR', 0: { '%name': word }, 1: { '%lastName': word }, 2: { '%secondName': word } }])),
    order: { id: 'DESC' },
    start: -1,
  },
})

/** Reads cards, leaving out those that the client may not see. */
export const readContacts = async (client: PortalClient, ids: readonly string[]): Promise<readonly FoundContact[]> => {
  const distinct = [...new Set(ids)].slice(0, mostFound)
  if (distinct.length === 0) return []
  const outcomes = await client.batch(distinct.map((id) => contactCardCommand(id, Number(id))))
  return distinct.flatMap((id) => {
    const outcome = outcomes.get(id)
    if (outcome?.ok !== true) {
      if (outcome !== undefined && outcome.error.action !== 'giveUp') throw outcome.error
      return []
    }
    const card = cardOf(outcome.result)
    return [{ contactId: id, name: [card.lastName, card.firstName, card.secondName].filter((part) => part !== '').join(' ') || `#${id}`, phone: phonesOf(card)[0] }]
  })
}
