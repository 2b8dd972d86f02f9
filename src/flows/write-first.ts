import { listConnections } from '../db/connections.ts'
import { type Trx } from '../db/database.ts'
import { dialogsOf } from '../db/dialogs.ts'
import { bindIdentity, findIdentity, identitiesByNumber, touchIdentity, type Identity } from '../db/identities.ts'
import { logIdentity } from '../db/introductions.ts'
import { harmlessText } from '../domain/bb-code.ts'
import { closedBy } from '../domain/choice.ts'
import { fillIn } from '../domain/message.ts'
import { AppError } from '../errors.ts'
import { cardOf, contactCardCommand, emailsOf, phonesOf } from '../bitrix/identity.ts'
import { enqueueChat, noteEntry, sendInChat } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { findPatient, refuseViewer, viewerClient, type Patient, type PatientPage } from './find-patient.ts'
import { waysOf, type CardAddresses, type Way } from './find-ways.ts'
import { employeeWords } from './patient-words.ts'

export interface FirstWord {
  readonly way: string
  readonly text: string
  readonly template?: { readonly name: string; readonly language: string; readonly parameters: readonly string[] }
}

/**
 * Writes to the patient from the card: the message takes its place in the chat, and the operators of the chat's line see that it was
 * written. Nothing ever goes to an account that is not proved (I5).
 *
 * @throws AppError NOT_PROVED, CHANNEL_REFUSED, FORM_INVALID with what to do
 */
export const writeFirst = async (deps: Deps, page: PatientPage, word: FirstWord): Promise<void> => {
  const patient = await findPatient(deps, page)
  const connections = await listConnections(deps.db, page.portalId)
  const isByCard = word.way.startsWith('c:')
  const card = isByCard && patient.contactId !== undefined ? await readCard(deps, page, patient.contactId) : undefined
  const way = waysOf(deps, patient, connections, card ?? { phones: [], emails: [] }, page.language).find(({ key }) => key === word.way)
  if (way === undefined) throw new AppError('NOT_FOUND', 'Так пациенту больше не написать: обновите страницу и выберите другой способ.')
  refuseClosed(way)
  const template = templateFor(way, word, card?.name ?? patient.identities[0]?.contactName ?? '')
  const most = way.channel.limits.freeTextLength ?? way.channel.limits.textLength
  if (template === undefined && word.text.length > most) throw new AppError('FORM_INVALID', 'Сократите текст.', { fields: { text: `В этом мессенджере помещается не больше ${most} символов: сократите текст.` } })
  const now = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    const identity = way.identity ?? (await accountOfCard(deps, trx, page, patient, way))
    // Between the look and this moment the account may have been taken from the patient.
    const current = (await identitiesByNumber(trx, page.portalId, [identity.number])).get(identity.number)
    if (current?.contactId === undefined || current.contactId !== patient.contactId) throw notProved()
    const chat = { portalId: page.portalId, connectionId: way.connection.id, identity: identity.number }
    await sendInChat(trx, { ...chat, author: 'operator', authorId: page.userId, at: now, text: word.text, buttons: template === undefined ? undefined : { template } }, now)
    if ((await dialogsOf(trx, page.portalId, identity.number, patient.contactId)).length === 0) return
    const channel = (way.channel.family ?? way.channel.title)[page.language]
    await enqueueChat(trx, [noteEntry(chat, 'wroteFirst', { author: harmlessText(page.name ?? employeeWords[page.language]), channel, text: harmlessText(word.text) }, now)])
  })
  deps.metrics.count('estafeta_messages_total', { channel: 'card', direction: 'out' })
}

const notProved = (): AppError => new AppError('NOT_PROVED', 'Не подтверждено, что этот аккаунт принадлежит пациенту: подтвердите его, и можно будет писать.')

const refuseClosed = (way: Way): void => {
  const closed = closedBy(way.facts)
  if (closed === 'notProved') throw notProved()
  if (closed !== undefined) throw new AppError('CHANNEL_REFUSED', way.reason)
}

const templateFor = (way: Way, { text, template }: FirstWord, name: string): FirstWord['template'] => {
  if (way.facts.needsTemplate && template === undefined) {
    throw new AppError('FORM_INVALID', 'Выберите шаблон: свободный текст этот мессенджер сейчас не примет.', { fields: { template: 'Выберите утверждённый шаблон.' } })
  }
  // Where free texts are allowed the text itself goes.
  if (template === undefined || !way.facts.needsTemplate) return undefined
  return { ...template, parameters: template.parameters.map((parameter) => fillIn(parameter, { text, name })) }
}

const readCard = async (deps: Deps, page: PatientPage, contactId: string): Promise<CardAddresses & { name: string }> => {
  try {
    const { method, params } = contactCardCommand('', Number(contactId))
    const card = cardOf((await (await viewerClient(deps, page)).call(method, params)).result)
    return { name: [card.firstName, card.secondName].filter((part) => part !== '').join(' '), phones: phonesOf(card), emails: emailsOf(card) }
  } catch (error) {
    return refuseViewer(error)
  }
}

/**
 * The account behind a phone or an e-mail address of the card. What a patient writes from a phone comes under the digits of its number, from a
 * mailbox under its address: so that is what it is called.
 *
 * The phone of a family may be bound to a relative already. Their chat stays theirs, and this patient gets an account of their own with
 * the same address, `<digits>.<contact>`: what is written to one of them stands in the history of that one. An answer still comes to the
 * account of the address alone, because the messenger cannot tell who holds the phone.
 */
const accountOfCard = async (deps: Deps, trx: Trx, page: PatientPage, patient: Patient, way: Way): Promise<Identity> => {
  const address = way.address!
  const contactId = patient.contactId!
  const by = `user:${page.userId}`
  const isPhone = way.channel.addressedBy === 'phone'
  const externalId = isPhone ? address.replace(/\D/g, '') : address
  // Whoever writes in a letter's name proves nothing: it is the employee who takes the card's address for the patient's.
  const proof = isPhone ? 'phone' : 'operator'
  const ref = { portalId: page.portalId, connectionId: way.connection.id, externalId }
  const known = await findIdentity(trx, ref)
  const own = known?.contactId === undefined || known.contactId === contactId ? ref : { ...ref, externalId: `${externalId}.${contactId}` }
  const account = (await findIdentity(trx, own)) ?? (await touchIdentity(trx, { ...own, chatId: address, at: deps.clock.now(), state: 'active', isInbound: false }))
  if (account.state === 'blocked') {
    throw new AppError('CHANNEL_REFUSED', isPhone ? 'По этому номеру сообщения не принимаются: выберите другой способ.' : 'По этому адресу сообщения не принимаются: выберите другой способ.')
  }
  if (account.contactId === contactId) return account
  await bindIdentity(trx, own, contactId, proof, by)
  await logIdentity(trx, page.portalId, { identity: account.number, contactId, what: 'bound', proof, by })
  await enqueueChat(trx, [{ portalId: page.portalId, direction: 'toLine', identity: account.number, kind: 'link', payload: { contactId }, runAt: deps.clock.now(), since: deps.clock.now() }])
  return account
}
