import { type Outcome } from '../bitrix/client.ts'
import { cardOf, contactCardCommand, emailsOf, findContactsByPhoneCommand, foundContactIdsOf, phonesOf, type Card } from '../bitrix/identity.ts'
import { dealCardCommand, dealCardOf, type DealCard } from '../bitrix/appointments.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { type Channel, type Localized } from '../channels/channel.ts'
import { listConnections, type Connection } from '../db/connections.ts'
import { loadDeliveries, runningOfContacts } from '../db/deliveries.ts'
import { dialogsOf, type Dialog } from '../db/dialogs.ts'
import { type Identity } from '../db/identities.ts'
import { type Portal } from '../db/portals.ts'
import { normalizePhone, spellingsOf } from '../domain/phone.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'
import { appointmentCommands, chosenFields, findAppointment } from './find-appointment.ts'
import { findPatient, keyOf, refuseViewer, viewerClient, type Patient, type PatientPage } from './find-patient.ts'
import { isOpen, waysOf, type CardAddresses, type Way } from './find-ways.ts'
import { autoWords, nobodyWords } from './patient-words.ts'
import { getPortal } from './read-settings.ts'
import { readContacts } from './search-contacts.ts'
import { showRunning } from './show-delivery.ts'

/** Phones of a card that are looked for in other cards: a search takes 20 spellings. */
const mostPhones = 6

/** Everything that the page shows of its patient, in the shape of the page's own contract. */
export const readPatient = async (deps: Deps, page: PatientPage): Promise<unknown> => {
  const { language } = page
  const [portal, patient, connections] = await Promise.all([getPortal(deps, page.portalId), findPatient(deps, page), listConnections(deps.db, page.portalId)])
  const cards = await readCards(deps, page, portal, patient)
  const phones = cards.phones
  const ways = waysOf(deps, patient, connections, cards, language)
  const show = (identity: Identity): unknown => identityView(deps, identity, connections, ways)
  const people = await readPeople(deps, page, patient, phones)
  const isKnown = patient.contactId !== undefined
  return {
    door: patient.door,
    contact: isKnown ? { contactId: patient.contactId, name: cards.name ?? patient.identities.find(({ contactName }) => contactName !== undefined)?.contactName ?? nobodyWords[language], phones } : undefined,
    deal: patient.dealId === undefined ? undefined : { dealId: patient.dealId, title: cards.deal?.title ?? `#${patient.dealId}` },
    chat: patient.chat === undefined ? undefined : { identity: show(patient.chat), claim: claimOf(patient.chat), candidates: people.candidates },
    identities: isKnown ? patient.identities.map(show) : [],
    appointment: await appointmentOf(deps, portal, patient, cards),
    running: await runningOf(deps, patient, language),
    ways: ways.map(wayView),
    startLinks: isKnown ? connections.flatMap((connection) => startLinkOf(deps, connection)) : [],
    reply: await replyOf(deps, portal, patient, connections),
    relatives: people.relatives,
  }
}

interface Cards extends CardAddresses {
  readonly name: string | undefined
  readonly deal: DealCard | undefined
  readonly outcomes: ReadonlyMap<string, Outcome>
}

/**
 * The cards as the viewer sees them. A portal that does not answer now leaves the history readable; a card that is gone, or no longer
 * theirs to see, does not.
 */
const readCards = async (deps: Deps, page: PatientPage, portal: Portal, patient: Patient): Promise<Cards> => {
  const commands = [
    ...(patient.contactId === undefined ? [] : [contactCardCommand('contact', Number(patient.contactId))]),
    ...(patient.dealId === undefined ? [] : [dealCardCommand('deal', Number(patient.dealId))]),
    ...appointmentCommands(portal, patient, deps.clock.now()),
  ]
  if (commands.length === 0) return { name: undefined, phones: [], emails: [], deal: undefined, outcomes: new Map() }
  const outcomes = await (await viewerClient(deps, page)).batch(commands)
  const read = <Found>(key: string, from: (result: unknown) => Found): Found | undefined => {
    const outcome = outcomes.get(key)
    if (outcome === undefined) return undefined
    if (outcome.ok) return from(outcome.result)
    // An operator may answer a chat without having a right to the card.
    const isForgiven = outcome.error.retryable || (patient.door === 'chat' && outcome.error.action === 'giveUp')
    return isForgiven ? undefined : refuseViewer(outcome.error)
  }
  const deal = read('deal', (result) => dealCardOf(result, chosenFields(portal.appointmentFields)))
  if (deal !== undefined && deal.contactId !== (patient.contactId === undefined ? undefined : Number(patient.contactId))) {
    throw new AppError('SESSION_INVALID', 'В сделке теперь другой контакт: закройте вкладку и откройте её снова.')
  }
  const card = read('contact', cardOf)
  return { name: card === undefined ? undefined : nameOf(card), phones: card === undefined ? [] : phonesOf(card), emails: card === undefined ? [] : emailsOf(card), deal, outcomes }
}

const nameOf = ({ firstName, lastName }: Card): string | undefined => [firstName, lastName].filter((part) => part !== '').join(' ') || undefined

const appointmentOf = async (deps: Deps, portal: Portal, patient: Patient, { deal, outcomes }: Cards): Promise<unknown> => {
  const found = await findAppointment(deps, portal, patient, deal, outcomes)
  return found === undefined ? undefined : { ...found, at: isoOf(found.at), endsAt: isoOf(found.endsAt) }
}

const isoOf = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString())

/** Who else it may be: cards that share the proved phone of an unknown person, and cards that share a phone with the patient. */
const readPeople = async (deps: Deps, page: PatientPage, patient: Patient, phones: readonly string[]): Promise<{ candidates: readonly unknown[]; relatives: readonly unknown[] }> => {
  const candidateIds = patient.contactId === undefined ? (patient.chat?.candidates ?? []) : []
  const spellings = [...new Set(phones.flatMap((phone) => normalizePhone(phone) ?? []))].slice(0, mostPhones).flatMap(spellingsOf)
  if (candidateIds.length === 0 && spellings.length === 0) return { candidates: [], relatives: [] }
  try {
    const client = await viewerClient(deps, page)
    const found = spellings.length === 0 ? [] : await client.call('crm.duplicate.findbycomm', findContactsByPhoneCommand('', spellings).params).then(({ result }) => foundContactIdsOf(result))
    const relativeIds = found.map(String).filter((id) => id !== patient.contactId)
    const people = await readContacts(client, [...candidateIds, ...relativeIds])
    const those = (ids: readonly string[]): readonly unknown[] => people.filter(({ contactId }) => ids.includes(contactId))
    return { candidates: those(candidateIds), relatives: those(relativeIds) }
  } catch (error) {
    if (error instanceof BitrixError && error.retryable) return { candidates: [], relatives: [] }
    return refuseViewer(error)
  }
}

const claimOf = ({ contactId, introduction: { claim } }: Identity): unknown =>
  claim === undefined || contactId !== undefined ? undefined : { name: claim.name, phone: claim.phone, isPhoneProved: claim.isPhoneProved, at: isoOf(claim.at) }

const titleOf = (channel: Channel | undefined): Localized => ({ ...(channel?.family ?? channel?.title ?? { ru: '—', en: '—' }) })

const identityView = (deps: Deps, identity: Identity, connections: readonly Connection[], ways: readonly Way[]): unknown => {
  const connection = connections.find(({ id }) => id === identity.connectionId)
  const way = ways.find((one) => one.identity?.number === identity.number)
  const canWrite = way !== undefined && isOpen(way)
  return {
    key: keyOf(identity), connectionId: identity.connectionId, channel: connection?.channel ?? '', channelTitle: titleOf(deps.channelById(connection?.channel ?? '')), connectionName: connection?.name ?? '',
    name: identity.name, state: identity.state, proof: identity.proof, boundAt: isoOf(identity.boundAt), lastInboundAt: isoOf(identity.lastInboundAt),
    canWrite, reason: canWrite ? undefined : way?.reason,
  }
}

const wayView = (way: Way): unknown => ({
  way: way.key, channel: way.channel.id, channelTitle: titleOf(way.channel), connectionName: way.connection.name, isOpen: isOpen(way), isProposed: way.isProposed, reason: way.reason,
  textLength: way.channel.limits.freeTextLength ?? way.channel.limits.textLength, needsTemplate: way.facts.needsTemplate,
})

const startLinkOf = (deps: Deps, connection: Connection): readonly unknown[] => {
  const channel = deps.channelById(connection.channel)
  const isPossible = connection.state === 'working' && channel?.startLink?.('start', { title: connection.title, credentials: undefined }) !== undefined
  return isPossible ? [{ connectionId: connection.id, channel: channel.id, channelTitle: titleOf(channel), connectionName: connection.name }] : []
}

const runningOf = async (deps: Deps, { portalId, contactId }: Patient, language: 'ru' | 'en'): Promise<readonly unknown[]> => {
  const refs = contactId === undefined ? [] : await runningOfContacts(deps.db, [{ portalId, contactId }])
  const deliveries = [...(await loadDeliveries(deps.db, refs)).values()].sort((a, b) => a.startedAt - b.startedAt)
  return Promise.all(deliveries.map((delivery) => showRunning(deps, delivery, language)))
}

/** Where replies of the one chat of a patient go. */
const replyOf = async (deps: Deps, portal: Portal, patient: Patient, connections: readonly Connection[]): Promise<unknown> => {
  const dialog = await sharedDialogOf(deps, portal, patient)
  if (dialog === undefined) return undefined
  const options = patient.identities.map((identity) => ({ key: keyOf(identity), title: titleOf(deps.channelById(connections.find(({ id }) => id === identity.connectionId)?.channel ?? '')) }))
  const chosen = dialog.replyIdentity === undefined ? 'auto' : String(dialog.replyIdentity)
  return { choice: options.some(({ key }) => key === chosen) ? chosen : 'auto', options: [{ key: 'auto', title: { ...autoWords } }, ...options] }
}

/** The dialogue of all accounts of the patient; undefined where each account has its own. */
export const sharedDialogOf = async (deps: Deps, portal: Portal, { contactId, identities: [account], portalId }: Patient): Promise<Dialog | undefined> => {
  if (!portal.oneChatPerPatient || contactId === undefined || account === undefined) return undefined
  return (await dialogsOf(deps.db, portalId, account.number, contactId)).find(({ of }) => 'contactId' in of)
}
