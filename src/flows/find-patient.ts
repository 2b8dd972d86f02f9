import { type PortalClient } from '../bitrix/client.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { findDialog, type Dialog } from '../db/dialogs.ts'
import { identitiesByNumber, identitiesOf, type Identity } from '../db/identities.ts'
import { type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'
import { type PageSubject } from './page-subject.ts'
import { getPortal } from './read-settings.ts'
import { clientOf } from './who-is.ts'

/** Who looks at which patient: out of the signed session, never out of a request. */
export interface PatientPage {
  readonly portalId: PortalId
  readonly userId: string
  readonly name: string | undefined
  readonly language: 'ru' | 'en'
  readonly subject: Exclude<PageSubject, { door: 'connector' }>
  readonly access: string | undefined
}

/** The patient of a page as our own tables know them now. */
export interface Patient {
  readonly portalId: PortalId
  readonly door: 'deal' | 'contact' | 'chat'
  readonly contactId: string | undefined
  readonly dealId: string | undefined
  /** The chat that the page stands beside, and its account; a chat of all accounts of a patient has no single one. */
  readonly dialog: Dialog | undefined
  readonly chat: Identity | undefined
  /** Accounts bound to the contact; of an unknown person the one of the chat. */
  readonly identities: readonly Identity[]
}

/** Reads whose page it is; an unknown person may have become known since it was opened. */
export const findPatient = async (deps: Deps, { portalId, subject }: PatientPage): Promise<Patient> => {
  if (subject.door !== 'chat') {
    const { contactId } = subject
    return {
      portalId, door: subject.door, contactId, dealId: subject.door === 'deal' ? subject.dealId : undefined, dialog: undefined, chat: undefined,
      identities: contactId === undefined ? [] : await identitiesOf(deps.db, portalId, [contactId]),
    }
  }
  const dialog = await findDialog(deps.db, portalId, subject.dialog)
  if (dialog === undefined) throw new AppError('NOT_FOUND', 'Этого чата больше нет: закройте панель.')
  const chat = 'identity' in dialog.of ? (await identitiesByNumber(deps.db, portalId, [dialog.of.identity])).get(dialog.of.identity) : undefined
  const contactId = 'contactId' in dialog.of ? dialog.of.contactId : chat?.contactId
  const identities = contactId === undefined ? (chat === undefined ? [] : [chat]) : await identitiesOf(deps.db, portalId, [contactId])
  return { portalId, door: 'chat', contactId, dealId: undefined, dialog, chat, identities }
}

/** The account with this key, when it is one of this page. @throws AppError NOT_FOUND */
export const accountOf = (patient: Patient, key: string): Identity => {
  const found = [...patient.identities, ...(patient.chat === undefined ? [] : [patient.chat])].find((identity) => keyOf(identity) === key)
  if (found === undefined) throw new AppError('NOT_FOUND', 'Этого аккаунта у пациента больше нет: обновите страницу.')
  return found
}

export const keyOf = (identity: Identity): string => String(identity.number)

/** The portal as the viewer may see and change it. @throws AppError SESSION_INVALID for a page that has no key of its viewer */
export const viewerClient = async (deps: Deps, { portalId, access }: Pick<PatientPage, 'portalId' | 'access'>): Promise<PortalClient> => {
  if (access === undefined) throw pageIsOld()
  return clientOf(deps, await getPortal(deps, portalId), deps.secrets.open(access))
}

/** What is to be told when the portal refused the viewer. Never returns. */
export const refuseViewer = (error: unknown): never => {
  if (!(error instanceof BitrixError)) throw error
  // The viewer's key has ended: it is never renewed, the page is opened again.
  if (['refresh', 'otherUser', 'reinstall'].includes(error.action)) throw pageIsOld(error)
  if (error.action === 'giveUp') throw new AppError('NOT_FOUND', 'Портал не показывает вам эту карточку: обновите страницу или попросите доступ у администратора.', { cause: error })
  throw error
}

const pageIsOld = (cause?: BitrixError): AppError => new AppError('SESSION_INVALID', 'Страница открыта давно: закройте её и откройте снова.', { cause })
