import { type Outcome } from '../bitrix/client.ts'
import { appointmentsOf, bookingsCommand, dealCardsOf, dealsOfContactCommand, resourcesCommand, resourcesOf, resourceTypesCommand, type DealCard } from '../bitrix/appointments.ts'
import { type Command } from '../bitrix/command.ts'
import { nextAppointment } from '../db/appointments.ts'
import { type AppointmentFields, type Portal } from '../db/portals.ts'
import { messageOf } from '../errors.ts'
import { type Deps } from './deps.ts'
import { type Patient } from './find-patient.ts'

/** When and with whom the patient is expected next. Epoch milliseconds. */
export interface FoundAppointment {
  readonly at: number
  readonly endsAt?: number
  readonly doctor?: string
  readonly place?: string
  readonly service?: string
  readonly preparation?: string
  readonly source: 'deal' | 'booking' | 'api'
}

/** Bookings further away than this are nobody's next appointment. */
const aheadMs = 365 * 24 * 3600_000

/** The deal's fields that the clinic has chosen. */
export const chosenFields = ({ at, doctor, place, preparation }: AppointmentFields): readonly string[] => [...new Set([at, doctor, place, preparation].flatMap((name) => (name === undefined || name === '' ? [] : [name])))]

/** What the portal is to be asked for it, beside whatever else it is asked. */
export const appointmentCommands = (portal: Portal, patient: Patient, now: number): readonly Command[] => {
  const { at, booking } = portal.appointmentFields
  if (patient.contactId === undefined) return []
  const contactId = Number(patient.contactId)
  return [
    ...(at === undefined || at === '' ? [] : [dealsOfContactCommand('deals', contactId, { fields: chosenFields(portal.appointmentFields) })]),
    ...(booking === true ? [bookingsCommand('bookings', { contactId, from: now, to: now + aheadMs }), resourcesCommand('resources'), resourceTypesCommand('types')] : []),
  ]
}

/**
 * The next appointment: what the medical information system told, else the deal's fields, else online booking (E6). A source that
 * cannot be read - a scope that the portal does not grant, a field that is gone - counts as empty.
 */
export const findAppointment = async (deps: Deps, portal: Portal, patient: Patient, own: DealCard | undefined, outcomes: ReadonlyMap<string, Outcome>): Promise<FoundAppointment | undefined> => {
  const now = deps.clock.now()
  const told = await nextAppointment(deps.db, portal.id, patient, new Date(now))
  if (told !== undefined) {
    const { at, endsAt, doctor, place, service, preparation } = told
    return { at: at.getTime(), endsAt: endsAt?.getTime(), doctor, place, service, preparation, source: 'api' }
  }
  const resultOf = (key: string): unknown => {
    const outcome = outcomes.get(key)
    return outcome?.ok === true ? outcome.result : undefined
  }
  const orNothing = <Found>(source: string, read: () => Found | undefined): Found | undefined => {
    try {
      return read()
    } catch (error) {
      deps.log.warn({ portal: portal.id, source, reason: messageOf(error) }, 'a source of appointments could not be read')
      return undefined
    }
  }
  const earliest = <Found extends { at: number }>(found: readonly Found[]): Found | undefined => found.filter(({ at }) => at > now).sort((a, b) => a.at - b.at)[0]
  const ofDeals = orNothing('deal', () => {
    const others = resultOf('deals')
    const dealt = (deals: readonly DealCard[]): FoundAppointment | undefined => earliest(deals.flatMap((deal) => inDeal(deal, portal.appointmentFields) ?? []))
    // Beside a deal its own appointment counts first.
    return dealt(own === undefined ? [] : [own]) ?? dealt(others === undefined ? [] : dealCardsOf(others, chosenFields(portal.appointmentFields)))
  })
  if (ofDeals !== undefined) return ofDeals
  return orNothing('booking', () => {
    const bookings = resultOf('bookings')
    if (bookings === undefined) return undefined
    const resources = orNothing('resources', () => resourcesOf(resultOf('resources'), resultOf('types') ?? { resource: [] })) ?? new Map<number, never>()
    const next = earliest(appointmentsOf(bookings, resources))
    return next === undefined ? undefined : { at: next.at, endsAt: next.endsAt, doctor: next.doctor, place: next.place, service: next.service, source: 'booking' }
  })
}

const inDeal = ({ values }: DealCard, fields: AppointmentFields): FoundAppointment | undefined => {
  const at = Date.parse(textIn(values, fields.at) ?? '')
  if (Number.isNaN(at)) return undefined
  return { at, doctor: textIn(values, fields.doctor), place: textIn(values, fields.place), preparation: textIn(values, fields.preparation), source: 'deal' }
}

const textIn = (values: Readonly<Record<string, unknown>>, field: string | undefined): string | undefined => {
  const given = field === undefined || field === '' ? undefined : values[field]
  const parts = (Array.isArray(given) ? given : [given]).filter((part): part is string | number => (typeof part === 'string' && part.trim() !== '') || typeof part === 'number')
  return parts.length === 0 ? undefined : parts.map((part) => String(part).trim()).join(', ')
}
