import { areTyping } from '../db/identities.ts'
import { type Deps } from './deps.ts'
import { findPatient, type PatientPage } from './find-patient.ts'

/** A messenger says every few seconds that somebody types, and never that they have stopped. */
const typingMs = 7_000

/** Whether the patient of the page is typing, in whichever of their messengers. The portal is not asked. */
export const readTyping = async (deps: Deps, page: PatientPage): Promise<boolean> => {
  const patient = await findPatient(deps, page)
  return areTyping(deps.db, page.portalId, patient.identities.map(({ number }) => number), deps.clock.now() - typingMs)
}
