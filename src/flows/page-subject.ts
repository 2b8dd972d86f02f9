import { type PortalClient } from '../bitrix/client.ts'
import { cardCommand, cardOf } from '../bitrix/identity.ts'
import { dealCardCommand, dealCardOf } from '../bitrix/appointments.ts'
import { dialogCommand, dialogOf } from '../bitrix/dialogs.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { readManifest } from '../bitrix/manifest.ts'
import { type Params } from '../bitrix/command.ts'
import { dialogIdOf, findDialog, findDialogByImChat } from '../db/dialogs.ts'
import { type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'

/**
 * What a page is about, as the portal let this very person see it. It goes into the signed session, and nothing that a page sends later
 * can name anybody else. `dialog` is our own number of the chat: whose it is, is read anew each time, because an unknown person may be
 * known a moment later.
 */
export type PageSubject =
  | { readonly door: 'deal'; readonly dealId: string; readonly contactId?: string }
  | { readonly door: 'contact'; readonly contactId: string }
  | { readonly door: 'chat'; readonly dialog: number }
  | { readonly door: 'connector'; readonly connector: string; readonly lineId: string }

export const connectors = readManifest().connectors

const contactType = 3

/**
 * Finds out what a page is about, asking the portal with the person's own token: whoever may not read the card or the chat there gets
 * nothing of it here. undefined: a page that is about nobody.
 *
 * @throws AppError NOT_FOUND, ADMIN_REQUIRED with what to do; BitrixError when the portal does not answer
 */
export const subjectOf = async (
  deps: Deps,
  client: PortalClient,
  page: { readonly portalId: PortalId; readonly isAdmin: boolean; readonly placement: string; readonly options: Readonly<Record<string, unknown>> },
): Promise<PageSubject | undefined> => {
  const { placement, options } = page
  switch (placement) {
    case 'CRM_DEAL_DETAIL_TAB': {
      const dealId = idIn(options.ID, 'Сохраните сделку: после этого вкладка покажет её пациента.')
      const { contactId } = dealCardOf(await allowed(client, dealCardCommand('', dealId)), [])
      if (contactId !== undefined) await allowed(client, cardCommand('', { entityTypeId: contactType, id: contactId }))
      return { door: 'deal', dealId: String(dealId), ...(contactId === undefined ? {} : { contactId: String(contactId) }) }
    }
    case 'CRM_CONTACT_DETAIL_TAB': {
      const id = idIn(options.ID, 'Сохраните контакт: после этого вкладка покажет его переписку.')
      const { item } = cardOf(await allowed(client, cardCommand('', { entityTypeId: contactType, id })))
      return { door: 'contact', contactId: String(item.id) }
    }
    case 'IM_SIDEBAR':
      return chatIn(deps, client, page.portalId, options.dialogId)
    case 'SETTING_CONNECTOR': {
      if (!page.isAdmin) throw new AppError('ADMIN_REQUIRED', 'Подключения открытых линий настраивает администратор портала: попросите его.')
      const connector = typeof options.CONNECTOR === 'string' ? options.CONNECTOR.toLowerCase() : ''
      if (!connectors.some(({ id }) => id === connector)) throw new AppError('NOT_FOUND', 'Такого коннектора в приложении нет: откройте «Эстафету» в Контакт-центре заново.')
      return { door: 'connector', connector, lineId: String(idIn(options.LINE, 'Выберите открытую линию и откройте настройки ещё раз.')) }
    }
    default:
      return undefined
  }
}

const idIn = (given: unknown, sentence: string): number => {
  const text = typeof given === 'number' ? String(given) : given
  // A card that is not saved yet has `0` or nothing.
  if (typeof text !== 'string' || !/^[1-9]\d{0,14}$/.test(text)) throw new AppError('NOT_FOUND', sentence)
  return Number(text)
}

/** The answer, when the portal shows it to this person. */
const allowed = async (client: PortalClient, command: { readonly method: string; readonly params: Params }): Promise<unknown> => {
  try {
    return (await client.call(command.method, command.params)).result
  } catch (error) {
    if (!(error instanceof BitrixError) || error.action !== 'giveUp' || error.outcome !== 'rejected') throw error
    throw new AppError('NOT_FOUND', 'Портал не показывает вам эту карточку или чат: попросите доступ у администратора.', { cause: error })
  }
}

const chatIn = async (deps: Deps, client: PortalClient, portal: PortalId, dialogId: unknown): Promise<PageSubject> => {
  if (typeof dialogId !== 'string' || !/^chat\d{1,15}$/.test(dialogId)) throw new AppError('NOT_FOUND', 'Откройте панель рядом с чатом открытой линии.')
  const { chatId, userCode } = dialogOf(await allowed(client, dialogCommand('', { dialogId })))
  const known = await findDialogByImChat(deps.db, portal, String(chatId))
  if (known !== undefined) return { door: 'chat', dialog: known.id }
  // The first message may still be on its way back to us: then the portal's own name of the dialogue holds ours.
  const number = userCode === undefined ? undefined : dialogIdOf(userCode.chatId)
  const named = number === undefined ? undefined : await findDialog(deps.db, portal, number)
  if (named === undefined || named.connector !== userCode?.connector || named.lineId !== String(userCode.line)) throw new AppError('NOT_FOUND', 'Этот чат пришёл не через «Эстафету»: о нём здесь ничего не известно.')
  return { door: 'chat', dialog: named.id }
}
