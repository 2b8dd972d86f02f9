import { listConnections } from '../db/connections.ts'
import { identitiesByNumber } from '../db/identities.ts'
import { identityLog } from '../db/introductions.ts'
import { type Deps } from './deps.ts'
import { findPatient, type PatientPage } from './find-patient.ts'
import { nameEmployees } from './name-employees.ts'
import { employeeWords } from './patient-words.ts'

const mostLines = 100

/** Who did what with the accounts of the page's patient, newest first. */
export const readLog = async (deps: Deps, page: PatientPage): Promise<readonly unknown[]> => {
  const { portalId, language } = page
  const patient = await findPatient(deps, page)
  const lines = await identityLog(deps.db, portalId, { contactId: patient.contactId, identities: patient.identities.map(({ number }) => number) }, mostLines)
  const [accounts, connections] = await Promise.all([identitiesByNumber(deps.db, portalId, [...new Set(lines.flatMap(({ identity }) => identity ?? []))]), listConnections(deps.db, portalId)])
  const names = await nameEmployees(deps, portalId, lines.flatMap(({ by }) => (by.startsWith('user:') ? [{ userId: by.slice(5), sessionId: undefined }] : [])))
  return lines.map(({ at, identity, what, proof, by }) => {
    const connection = connections.find(({ id }) => id === accounts.get(identity ?? -1)?.connectionId)
    const channel = deps.channelById(connection?.channel ?? '')
    const title = channel?.family ?? channel?.title
    return {
      at: at.toISOString(),
      channelTitle: title === undefined ? undefined : { ...title },
      what,
      proof,
      by: by.startsWith('user:') ? (names.get(by.slice(5)) ?? `${employeeWords[language]} ${by.slice(5)}`) : by,
    }
  })
}
