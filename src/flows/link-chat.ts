import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { type Command } from '../bitrix/command.ts'
import { BitrixError } from '../bitrix/errors.ts'
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
 * sessions find it; the running session stands in the card; a wrong owner holds neither any more. May be repeated.
 *
 * @see https://apidocs.bitrix24.com/tutorials/openlines/find-crm-object-by-dialog.html
 */
export const linkChat = async (deps: Deps, portal: Portal, client: PortalClient, identity: Identity, contactId: string): Promise<void> => {
  if (identity.contactId !== contactId) return
  const card = cardOf((await client.call('crm.item.get', contactCardCommand('', Number(contactId)).params)).result)
  const name = [card.firstName, card.lastName].filter((part) => part !== '').join(' ')
  if (name !== '') await nameContact(deps.db, portal.id, contactId, name)
  const dialogs = (await dialogsOf(deps.db, portal.id, identity.number, contactId)).filter((dialog) => dialog.imChatId !== undefined)
  const provedPhone = identity.introduction.claim?.isPhoneProved === true ? identity.introduction.claim.phone : undefined
  for (const dialog of dialogs) await linkDialog(client, card, dialog, provedPhone)
  const proof = identity.proof === undefined ? undefined : proofWords[portal.language][identity.proof]
  const now = deps.clock.now()
  const values = { link: `/crm/contact/details/${contactId}/`, name: harmlessText(name === '' ? `#${contactId}` : name), proof: proof ?? '' }
  if (dialogs.length > 0) await deps.db.transaction().execute((trx) => enqueueChat(trx, [noteEntry({ portalId: portal.id, connectionId: identity.connectionId, identity: identity.number }, 'known', values, now)]))
}

/** Takes a chat out of a card that is no longer its owner. */
export const unlinkChat = async (deps: Deps, portal: Portal, client: PortalClient, identity: Identity, contactId: string): Promise<void> => {
  // It may have been bound to the same card again meanwhile.
  if (identity.contactId === contactId) return
  for (const dialog of await dialogsOf(deps.db, portal.id, identity.number, undefined)) {
    if (dialog.imChatId === undefined) continue
    const { userCode } = await readPortalDialog(client, dialog)
    if (userCode !== undefined) await takeOut(client, { entityTypeId: contactType, id: Number(contactId) }, userCode)
  }
}

const readPortalDialog = async (client: PortalClient, dialog: Dialog): Promise<{ userCode?: UserCode; sessionId?: number }> => {
  const chatId = Number(dialog.imChatId)
  const read = async () => readDialog((await client.call('imopenlines.dialog.get', dialogCommand('', { chatId }).params)).result)
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof BitrixError) || !isNotMember(error)) throw error
    await client.call('imopenlines.session.join', joinCommand('', chatId).params)
    return read()
  }
}

/** The order of the recipe: later sessions first, then the running one, then the wrong owners. */
const linkDialog = async (client: PortalClient, card: Card, dialog: Dialog, phone: string | undefined): Promise<void> => {
  const { userCode, sessionId } = await readPortalDialog(client, dialog)
  if (userCode === undefined) return
  const update = linkCommand('link', card, { userCode: userCode.text, phone })
  if (update !== undefined) await client.call(update.method, update.params)
  const owners = await run(client, [findByMessengerCommand('contacts', contactType, userCode.text), findByMessengerCommand('leads', leadType, userCode.text), ...(sessionId === undefined ? [] : [sessionActivityCommand('activity', sessionId)])])
  const activity = sessionId === undefined ? undefined : sessionActivityOf(resultIn(owners, 'activity'))
  const own = { entityTypeId: contactType, id: card.item.id }
  if (activity !== undefined) {
    const bindings = activityBindingsOf(resultIn(await run(client, [activityBindingsCommand('list', activity.activityId)]), 'list'))
    const isOwn = bindings.some(({ entityTypeId, id }) => entityTypeId === contactType && id === own.id)
    if (!isOwn) await run(client, [bindActivityCommand('bind', activity.activityId, own)])
    const wrong = bindings.filter(({ entityTypeId, id }) => (entityTypeId === contactType && id !== own.id) || entityTypeId === leadType)
    await run(client, wrong.map((item, index) => unbindActivityCommand(String(index), activity.activityId, item)))
  }
  const strangers = [
    ...listedIdsOf(resultIn(owners, 'contacts')).filter((id) => id !== own.id).map((id) => ({ entityTypeId: contactType, id })),
    ...listedIdsOf(resultIn(owners, 'leads')).map((id) => ({ entityTypeId: leadType, id })),
  ]
  for (const stranger of strangers) await takeOut(client, stranger, userCode)
}

const takeOut = async (client: PortalClient, item: Card['item'], userCode: UserCode): Promise<void> => {
  const read = cardCommand('card', item)
  const outcome = (await client.batch([read])).get('card')
  // A card that is gone holds nothing.
  if (outcome?.ok !== true) return
  const removal = unlinkCommand('unlink', cardOf(outcome.result), userCode.text)
  if (removal !== undefined) await client.call(removal.method, removal.params)
}

const resultIn = (outcomes: ReadonlyMap<string, Outcome>, key: string): unknown => {
  const outcome = outcomes.get(key)
  return outcome?.ok === true ? outcome.result : undefined
}

/** @throws BitrixError of the first command that was refused for another reason than being done already */
const run = async (client: PortalClient, commands: readonly Command[]): Promise<ReadonlyMap<string, Outcome>> => {
  if (commands.length === 0) return new Map()
  const outcomes = await client.batch(commands)
  for (const outcome of outcomes.values()) if (!outcome.ok && outcome.error.action !== 'alreadyDone') throw outcome.error
  return outcomes
}
