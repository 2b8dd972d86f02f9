import { resultIn } from '../bitrix/answer.ts'
import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { type Command } from '../bitrix/command.ts'
import { dialogCommand, dialogOf as readDialog, isNotMember, joinCommand, type UserCode } from '../bitrix/dialogs.ts'
import {
  activityBindingsCommand, activityBindingsOf, bindActivityCommand, cardCommand, cardOf, contactCardCommand, findByMessengerCommand, linkCommand, listedIdsOf, sessionActivityCommand, sessionActivityOf,
  unbindActivityCommand, unlinkCommand, type Card,
} from '../bitrix/identity.ts'
import { dialogsOf, type Dialog } from '../db/dialogs.ts'
import { nameContact, type Identity } from '../db/identities.ts'
import { type Portal } from '../db/portals.ts'
import { harmlessText } from '../domain/bb-code.ts'
import { noteEntry, enqueueChat } from './chat-effects.ts'
import { proofWords } from './chat-words.ts'
import { type Deps } from './deps.ts'

const contactType = 3
const leadType = 1

/**
 * Makes the portal's links of a chat equal to what is known of the person: the card knows the dialogue and the phone, so that later
 * sessions find it; the running session stands in the card; a wrong owner holds neither any more. May be repeated. Two to four requests,
 * however many dialogues there are.
 *
 * @see https://apidocs.bitrix24.com/tutorials/openlines/find-crm-object-by-dialog.html
 */
export const linkChat = async (deps: Deps, portal: Portal, client: PortalClient, identity: Identity, contactId: string): Promise<void> => {
  if (identity.contactId !== contactId) return
  const dialogs = (await dialogsOf(deps.db, portal.id, identity.number, contactId)).filter((dialog) => dialog.imChatId !== undefined)
  const { card, known } = await readAll(client, Number(contactId), dialogs)
  const name = [card.firstName, card.lastName].filter((part) => part !== '').join(' ')
  if (name !== '') await nameContact(deps.db, portal.id, contactId, name)
  const provedPhone = identity.introduction.claim?.isPhoneProved === true ? identity.introduction.claim.phone : undefined
  if (known.length > 0) await linkDialogs(client, card, known, provedPhone)
  if (dialogs.length === 0) return
  const proof = identity.proof === undefined ? undefined : proofWords[portal.language][identity.proof]
  const values = { link: `/crm/contact/details/${contactId}/`, name: harmlessText(name === '' ? `#${contactId}` : name), proof: proof ?? '' }
  const note = noteEntry({ portalId: portal.id, connectionId: identity.connectionId, identity: identity.number }, 'known', values, deps.clock.now())
  await deps.db.transaction().execute((trx) => enqueueChat(trx, [note]))
}

/** Takes a chat out of a card that is no longer its owner. */
export const unlinkChat = async (deps: Deps, portal: Portal, client: PortalClient, identity: Identity, contactId: string): Promise<void> => {
  // It may have been bound to the same card again meanwhile.
  if (identity.contactId === contactId) return
  const dialogs = (await dialogsOf(deps.db, portal.id, identity.number, undefined)).filter((dialog) => dialog.imChatId !== undefined)
  for (const { userCode } of await readDialogs(client, dialogs)) await takeOut(client, { entityTypeId: contactType, id: Number(contactId) }, userCode)
}

interface PortalDialog {
  readonly userCode: UserCode
  readonly sessionId: number | undefined
}

const cardKey = 'card'

const readAll = async (client: PortalClient, contactId: number, dialogs: readonly Dialog[]): Promise<{ card: Card; known: readonly PortalDialog[] }> => {
  const outcomes = await readWithMembership(client, dialogs, [contactCardCommand(cardKey, contactId)])
  return { card: cardOf(resultIn(outcomes, cardKey)), known: knownIn(outcomes, dialogs) }
}

const readDialogs = async (client: PortalClient, dialogs: readonly Dialog[]): Promise<readonly PortalDialog[]> => (dialogs.length === 0 ? [] : knownIn(await readWithMembership(client, dialogs, []), dialogs))

const knownIn = (outcomes: ReadonlyMap<string, Outcome>, dialogs: readonly Dialog[]): readonly PortalDialog[] =>
  dialogs.flatMap((dialog) => {
    const { userCode, sessionId } = readDialog(resultIn(outcomes, String(dialog.id)))
    return userCode === undefined ? [] : [{ userCode, sessionId }]
  })

/** A chat is read by its members only, administrators included: where we are none we join, once. */
const readWithMembership = async (client: PortalClient, dialogs: readonly Dialog[], others: readonly Command[]): Promise<ReadonlyMap<string, Outcome>> => {
  const reads = dialogs.map((dialog) => dialogCommand(String(dialog.id), { chatId: Number(dialog.imChatId) }))
  const outcomes = new Map(await client.batch([...others, ...reads]))
  const isClosed = ({ key }: Command): boolean => {
    const outcome = outcomes.get(key)
    return outcome?.ok === false && isNotMember(outcome.error)
  }
  const closed = reads.filter(isClosed)
  if (closed.length > 0) {
    await client.batch(closed.map(({ key, params }) => joinCommand(key, Number(params['CHAT_ID']))))
    for (const [key, outcome] of await client.batch(closed)) outcomes.set(key, outcome)
  }
  for (const outcome of outcomes.values()) if (!outcome.ok) throw outcome.error
  return outcomes
}

/** The order of the recipe: later sessions first, then the running one, then the wrong owners. */
const linkDialogs = async (client: PortalClient, card: Card, dialogs: readonly PortalDialog[], phone: string | undefined): Promise<void> => {
  const own = { entityTypeId: contactType, id: card.item.id }
  const found = await run(
    client,
    dialogs.flatMap(({ userCode, sessionId }, index) => {
      const update = linkCommand(`link${index}`, card, { userCode: userCode.text, phone: index === 0 ? phone : undefined })
      return [
        ...(update === undefined ? [] : [update]),
        findByMessengerCommand(`contacts${index}`, contactType, userCode.text),
        findByMessengerCommand(`leads${index}`, leadType, userCode.text),
        ...(sessionId === undefined ? [] : [sessionActivityCommand(`activity${index}`, sessionId)]),
      ]
    }),
  )
  const activities = dialogs.flatMap(({ sessionId }, index) => (sessionId === undefined ? [] : (sessionActivityOf(resultIn(found, `activity${index}`))?.activityId ?? [])))
  const bindings = await run(client, activities.map((activityId) => activityBindingsCommand(String(activityId), activityId)))
  const repairs = activities.flatMap((activityId) => {
    const cards = activityBindingsOf(resultIn(bindings, String(activityId)))
    const isOwn = cards.some(({ entityTypeId, id }) => entityTypeId === contactType && id === own.id)
    const wrong = cards.filter(({ entityTypeId, id }) => (entityTypeId === contactType && id !== own.id) || entityTypeId === leadType)
    // The last binding cannot be taken away: the right card first.
    return [...(isOwn ? [] : [bindActivityCommand(`bind${activityId}`, activityId, own)]), ...wrong.map((item, index) => unbindActivityCommand(`unbind${activityId}.${index}`, activityId, item))]
  })
  await run(client, repairs)
  for (const [index, { userCode }] of dialogs.entries()) {
    const strangers = [
      ...listedIdsOf(resultIn(found, `contacts${index}`)).filter((id) => id !== own.id).map((id) => ({ entityTypeId: contactType, id })),
      ...listedIdsOf(resultIn(found, `leads${index}`)).map((id) => ({ entityTypeId: leadType, id })),
    ]
    for (const stranger of strangers) await takeOut(client, stranger, userCode)
  }
}

const takeOut = async (client: PortalClient, item: Card['item'], userCode: UserCode): Promise<void> => {
  const read = cardCommand('card', item)
  const outcome = (await client.batch([read])).get('card')
  // A card that is gone holds nothing.
  if (outcome?.ok !== true) return
  const removal = unlinkCommand('unlink', cardOf(outcome.result), userCode.text)
  if (removal !== undefined) await client.call(removal.method, removal.params)
}

/** @throws BitrixError of the first command that was refused for another reason than being done already */
const run = async (client: PortalClient, commands: readonly Command[]): Promise<ReadonlyMap<string, Outcome>> => {
  if (commands.length === 0) return new Map()
  const outcomes = await client.batch(commands)
  for (const outcome of outcomes.values()) if (!outcome.ok && outcome.error.action !== 'alreadyDone') throw outcome.error
  return outcomes
}
