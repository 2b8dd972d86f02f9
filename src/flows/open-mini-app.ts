import { type Outcome } from '../bitrix/client.ts'
import { dealCardsOf, dealsOfContactCommand } from '../bitrix/appointments.ts'
import { type ClinicFacts } from '../channels/channel.ts'
import { nextAppointment } from '../db/appointments.ts'
import { findIdentity } from '../db/identities.ts'
import { type Portal } from '../db/portals.ts'
import { portalOfConnection, visitAnswer } from '../db/visits.ts'
import { connectionId } from '../domain/ids.ts'
import { type Answer } from '../domain/message.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'
import { appointmentCommands, chosenFields, findAppointment, type FoundAppointment } from './find-appointment.ts'
import { type Patient } from './find-patient.ts'
import { type OpenConnection } from './open-connection.ts'
import { getPortal } from './read-settings.ts'

/** The next visit, and the deal that it belongs to, where there is one. */
export interface Visit extends FoundAppointment {
  readonly dealId: string | undefined
}

/** A page that was opened by whom the messenger says. `contactId` is undefined for an account that was never proved to be a patient's. */
export interface Launched {
  readonly open: OpenConnection
  readonly portal: Portal
  readonly clinic: ClinicFacts
  readonly contactId: string | undefined
}

/** Launch data count for so long: a page that was left open is opened again. */
const launchMs = 60 * 60_000
const skewMs = 5 * 60_000

const openAgain = (cause?: unknown): AppError => new AppError('SESSION_INVALID', 'Страница открыта давно или не из чата с клиникой: закройте её и откройте из чата снова.', { cause })

/**
 * Who opened the page, by the messenger's own signature and by nothing else.
 *
 * @throws AppError SESSION_INVALID for data that are forged, old, or of another bot; NOT_FOUND where there is no such page
 */
export const readLaunch = async (deps: Deps, id: string, launchData: string): Promise<Launched> => {
  const open = await findOpen(deps, id)
  const launch = open.channel.miniApp!.readLaunch(launchData, open.credentials)
  const age = launch === undefined ? Number.POSITIVE_INFINITY : deps.clock.now() - launch.at
  if (launch === undefined || age > launchMs || age < -skewMs) throw openAgain()
  const { portalId } = open.connection
  const identity = await findIdentity(deps.db, { portalId, connectionId: open.connection.id, externalId: launch.userId })
  // An account is bound by a proof alone; without one it is a stranger's, whoever it says it is (I5).
  const contactId = identity?.proof === undefined ? undefined : identity.contactId
  return { open, portal: await getPortal(deps, portalId), clinic: open.channel.miniApp!.clinicOf(open.credentials), contactId }
}

/** @throws AppError NOT_FOUND */
const findOpen = async (deps: Deps, id: string): Promise<OpenConnection> => {
  const portal = /^[0-9a-f-]{36}$/.test(id) ? await portalOfConnection(deps.db, connectionId(id)) : undefined
  const open = portal === undefined ? undefined : await deps.connections.byId(portal, connectionId(id))
  if (open?.channel.miniApp === undefined) throw new AppError('NOT_FOUND', 'Такой страницы нет: откройте её из чата с клиникой.')
  return open
}

/** Whether there is such a page. @throws AppError NOT_FOUND */
export const requireMiniApp = async (deps: Deps, id: string): Promise<void> => {
  await findOpen(deps, id)
}

/** What the portal said of a patient is remembered for so long: however often a page is opened, the portal is not asked more often. */
const rememberedMs = 10_000
const mostRemembered = 5_000
const remembered = new WeakMap<Deps, Map<string, { readonly at: number; readonly outcomes: Promise<ReadonlyMap<string, Outcome>> }>>()

const outcomesOf = (deps: Deps, portal: Portal, patient: Patient, isFresh: boolean): Promise<ReadonlyMap<string, Outcome>> => {
  const known = remembered.get(deps) ?? new Map<string, { at: number; outcomes: Promise<ReadonlyMap<string, Outcome>> }>()
  remembered.set(deps, known)
  const key = `${portal.id} ${patient.contactId!}`
  const before = known.get(key)
  if (before !== undefined && !isFresh && Date.now() - before.at < rememberedMs) return before.outcomes
  const commands = appointmentCommands(portal, patient, deps.clock.now())
  const deals = commands.some(({ key: name }) => name === 'deals') ? [] : [dealsOfContactCommand('deals', Number(patient.contactId), { fields: chosenFields(portal.appointmentFields) })]
  const outcomes = deps.portalClient(portal.id).batch([...commands, ...deals])
  known.delete(key)
  known.set(key, { at: Date.now(), outcomes })
  outcomes.catch(() => known.delete(key))
  if (known.size > mostRemembered) known.delete(known.keys().next().value!)
  return outcomes
}

/**
 * The patient's next visit. `isFresh`: the portal is asked now, whatever it said a moment ago.
 *
 * @throws AppError PORTAL_UNAVAILABLE when the portal does not answer: "no visits" would be a lie
 */
export const findVisit = async (deps: Deps, portal: Portal, contactId: string, isFresh: boolean): Promise<Visit | undefined> => {
  const patient: Patient = { portalId: portal.id, door: 'contact', contactId, dealId: undefined, dialog: undefined, chat: undefined, identities: [] }
  const outcomes = await outcomesOf(deps, portal, patient, isFresh)
  const deals = outcomes.get('deals')
  if (deals?.ok !== true) throw new AppError('PORTAL_UNAVAILABLE', 'Сейчас не удаётся узнать о вашем визите: попробуйте через минуту или позвоните в клинику.')
  const found = await findAppointment(deps, portal, patient, undefined, outcomes)
  if (found === undefined) return undefined
  const cards = dealCardsOf(deals.result, chosenFields(portal.appointmentFields))
  const told = found.source === 'api' ? await nextAppointment(deps.db, portal.id, patient, new Date(deps.clock.now())) : undefined
  const field = portal.appointmentFields.at ?? ''
  const own = found.source === 'deal' ? cards.find(({ values }) => Date.parse(String(values[field])) === found.at) : undefined
  // Of several open deals nobody can say which one a booking belongs to.
  const only = cards.length === 1 ? cards[0] : undefined
  const dealId = told?.dealId ?? (own ?? only)?.dealId
  return { ...found, dealId: dealId === undefined ? undefined : String(dealId) }
}

/** What the page shows. Nothing of a patient to an account that is not proved to be theirs. */
export const openMiniApp = async (deps: Deps, id: string, launchData: string): Promise<{ readonly launched: Launched; readonly visit: Visit | undefined; readonly answer: Answer | undefined }> => {
  const launched = await readLaunch(deps, id, launchData)
  const { portal, contactId } = launched
  const visit = contactId === undefined ? undefined : await findVisit(deps, portal, contactId, false)
  const answer = visit === undefined ? undefined : await visitAnswer(deps.db, portal.id, contactId!, new Date(visit.at))
  return { launched, visit, answer }
}
