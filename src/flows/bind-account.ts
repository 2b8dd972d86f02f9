import { randomBytes } from 'node:crypto'
import { contactCardCommand } from '../bitrix/identity.ts'
import { findConnection } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { noteDialog } from '../db/dialogs.ts'
import { lockIdentity, saveIntroduction, type Identity } from '../db/identities.ts'
import { logIdentity, saveStartLink } from '../db/introductions.ts'
import { put, ring } from '../db/outbox.ts'
import { connectionId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { talkingChat, type TalkingChat } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { accountOf, findPatient, keyOf, refuseViewer, viewerClient, type PatientPage } from './find-patient.ts'
import { bindPerson, ownPhones, unbindPerson } from './introduce-person.ts'
import { sharedDialogOf } from './read-patient.ts'
import { getPortal } from './read-settings.ts'

const linkDays = 30

const byOf = ({ userId }: PatientPage): string => `user:${userId}`

const chatOf = async (deps: Deps, identity: Identity): Promise<TalkingChat> => {
  const open = await deps.connections.byId(identity.portalId, identity.connectionId)
  if (open === undefined) throw new AppError('NOT_FOUND', 'Подключения этого аккаунта больше нет: обновите страницу.')
  return talkingChat(open, identity.number)
}

/** The account as it is now, locked: whoever comes second sees what the first one did. */
const locked = async (trx: Trx, identity: Identity): Promise<Identity> => {
  const now = await lockIdentity(trx, identity.portalId, identity.number)
  if (now === undefined) throw new AppError('NOT_FOUND', 'Этого аккаунта больше нет: обновите страницу.')
  return now
}

const takenAlready = (): AppError => new AppError('CONFLICT', 'Аккаунт уже привязан к другому пациенту: сначала отвяжите его там.')

/** Binds the page's unknown person to a card that the viewer may read: an employee answers for it, and the log says who (D9). */
export const bindAccount = async (deps: Deps, page: PatientPage, key: string, contactId: string): Promise<void> => {
  const identity = accountOf(await findPatient(deps, page), key)
  const { method, params } = contactCardCommand('', Number(contactId))
  await (await viewerClient(deps, page)).call(method, params).catch(refuseViewer)
  const chat = await chatOf(deps, identity)
  await deps.db.transaction().execute(async (trx) => {
    const current = await locked(trx, identity)
    if (current.contactId === contactId) return
    const isBound = await bindPerson(deps, trx, { ...chat, externalId: identity.externalId }, contactId, { proof: 'operator', by: byOf(page), isThanked: true })
    if (!isBound) throw takenAlready()
  })
}

/** An employee confirms the phone that the person typed: it is looked up as if it were proved, and a card is made when there is none. */
export const confirmAccount = async (deps: Deps, page: PatientPage, key: string): Promise<void> => {
  const identity = accountOf(await findPatient(deps, page), key)
  const now = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    const { introduction, contactId, name, externalId, number } = await locked(trx, identity)
    const { claim, stage } = introduction
    if (contactId !== undefined) throw takenAlready()
    if (claim?.phone === undefined) throw new AppError('CONFLICT', 'Человек ещё не назвал телефон: спросите его в чате или привяжите карточку сами.')
    // Pressed twice, or the person has just proved it: one search is enough.
    if (stage === 'searching') return
    if ((await ownPhones(deps, trx, page.portalId)).has(claim.phone)) throw new AppError('CONFLICT', 'Это номер самой клиники, он есть во многих карточках: уточните телефон у человека.')
    await saveIntroduction(trx, page.portalId, number, { stage: 'searching', claim })
    const payload = { identity: number, externalId, phone: claim.phone, proof: 'operator', by: byOf(page), name: claim.name ?? name }
    await put(trx, [{ portalId: page.portalId, connectionId: identity.connectionId, lane: 'portal', kind: 'findContact', payload, urgency: 2, runAt: now, since: now }])
    await ring(trx, 'portal')
  })
}

/** Takes an account from the page's patient; nothing about them goes there any more. */
export const unbindAccount = async (deps: Deps, page: PatientPage, key: string): Promise<void> => {
  const patient = await findPatient(deps, page)
  const identity = accountOf(patient, key)
  await deps.db.transaction().execute(async (trx) => {
    const current = await locked(trx, identity)
    if (current.contactId === undefined) return
    if (current.contactId !== patient.contactId) throw takenAlready()
    await unbindPerson(deps, trx, { portalId: page.portalId, connectionId: identity.connectionId, identity: identity.number }, 'unbound', byOf(page))
  })
}

/** Chooses where replies of the patient's one chat go; `auto` is where the patient wrote last. */
export const chooseReply = async (deps: Deps, page: PatientPage, key: string): Promise<void> => {
  const patient = await findPatient(deps, page)
  const dialog = await sharedDialogOf(deps, await getPortal(deps, page.portalId), patient)
  if (dialog === undefined) throw new AppError('CONFLICT', 'У пациента нет общего чата: ответ уходит туда, откуда он написал.')
  const chosen = key === 'auto' ? undefined : patient.identities.find((identity) => keyOf(identity) === key)
  if (key !== 'auto' && chosen === undefined) throw new AppError('NOT_FOUND', 'Этого аккаунта у пациента больше нет: обновите страницу.')
  await noteDialog(deps.db, page.portalId, dialog.id, { replyIdentity: chosen?.number ?? null })
}

/** A link by which the patient's account is known at the first tap: made for one patient and one bot, good once and for 30 days. */
export const makeStartLink = async (deps: Deps, page: PatientPage, given: string): Promise<{ url: string; expiresAt: Date }> => {
  const { contactId } = await findPatient(deps, page)
  if (contactId === undefined) throw new AppError('CONFLICT', 'Личная ссылка делается для известного пациента: сначала привяжите карточку.')
  const id = connectionId(given)
  const [connection, open] = [await findConnection(deps.db, page.portalId, id), await deps.connections.byId(page.portalId, id)]
  // 128 random bits: 22 characters.
  const token = randomBytes(16).toString('base64url')
  const url = connection === undefined ? undefined : open?.channel.startLink?.(token, { title: connection.title, credentials: open.credentials })
  if (url === undefined) throw new AppError('NOT_FOUND', 'Для этого подключения ссылку не сделать: выберите бота из списка.')
  const expiresAt = new Date(deps.clock.now() + linkDays * 24 * 3600_000)
  await deps.db.transaction().execute(async (trx) => {
    await saveStartLink(trx, { portalId: page.portalId, token, connectionId: id, contactId, madeBy: byOf(page), expiresAt })
    await logIdentity(trx, page.portalId, { contactId, what: 'linkMade', by: byOf(page) })
  })
  return { url, expiresAt }
}
