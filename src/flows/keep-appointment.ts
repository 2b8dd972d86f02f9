import { deleteAppointment, saveAppointment } from '../db/appointments.ts'
import { portalOfKey } from '../db/api-keys.ts'
import { type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { type Deps } from './deps.ts'

/** An appointment as a medical information system tells it. */
export interface ToldAppointment {
  readonly contactId?: string
  readonly dealId?: string
  readonly at: Date
  readonly endsAt?: Date
  readonly doctor?: string
  readonly place?: string
  readonly service?: string
  readonly preparation?: string
}

/** The portal for which a key speaks. @throws AppError API_KEY_INVALID, the same for every key that is not one */
export const portalOf = async (deps: Deps, authorization: string | undefined): Promise<PortalId> => {
  const key = /^Bearer (est_[\w-]{43})$/.exec(authorization ?? '')?.[1]
  const portal = key === undefined ? undefined : await portalOfKey(deps.db, key)
  if (portal === undefined) throw new AppError('API_KEY_INVALID', 'Ключ не подходит: создайте новый в настройках «Эстафеты» и передайте его в заголовке Authorization.')
  return portal
}

/** Stores an appointment over whatever was told of it before: repeating a call changes nothing. */
export const keepAppointment = async (deps: Deps, portalId: PortalId, externalId: string, told: ToldAppointment): Promise<void> => {
  const { contactId, dealId, at, endsAt, doctor, place, service, preparation } = told
  await saveAppointment(deps.db, { portalId, externalId, contactId, dealId, at, endsAt, doctor, place, service, preparation })
}

export const dropAppointment = async (deps: Deps, portal: PortalId, externalId: string): Promise<void> => {
  if (!(await deleteAppointment(deps.db, portal, externalId))) throw new AppError('NOT_FOUND', 'Такой записи нет: проверьте её номер.')
}
