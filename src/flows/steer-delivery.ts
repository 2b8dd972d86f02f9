import { runningOfContacts } from '../db/deliveries.ts'
import { deliveryId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { advanceDeliveries } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'
import { findPatient, type PatientPage } from './find-patient.ts'

/** Stops a running notification of the page's patient, or has it not wait for its open step any longer. One that is over is left alone. */
export const steerDelivery = async (deps: Deps, page: PatientPage, id: string, what: 'stop' | 'next'): Promise<void> => {
  const { contactId } = await findPatient(deps, page)
  const running = contactId === undefined ? [] : await runningOfContacts(deps.db, [{ portalId: page.portalId, contactId }])
  const found = running.find((ref) => ref.deliveryId === deliveryId(id))
  if (found === undefined) throw new AppError('NOT_FOUND', 'Это уведомление уже не в пути: обновите страницу.')
  const at = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    await advanceDeliveries(deps, trx, [{ portalId: page.portalId, deliveryId: found.deliveryId, event: what === 'stop' ? { type: 'stopped', reason: 'operator', at } : { type: 'movedOn', at } }])
  })
}
