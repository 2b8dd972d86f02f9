/** What becomes of a contact's rows when the portal merges it into another one. */
import { sql } from 'kysely'
import { type PortalId } from '../domain/ids.ts'
import { type Trx } from './database.ts'

/** A contact was merged into another one: what hangs on it goes along, so that a reply in its chat still finds the patient. */
export const moveContact = async (trx: Trx, portal: PortalId, from: string, to: string): Promise<void> => {
  await sql`
    update dialogs d set contact_id = ${to} where portal_id = ${portal} and contact_id = ${from}
      and not exists (select from dialogs o where o.portal_id = d.portal_id and o.connector = d.connector and o.line_id = d.line_id and o.contact_id = ${to})`.execute(trx)
  for (const table of ['deliveries', 'appointments', 'start_links', 'identity_log'] as const) await sql`update ${sql.table(table)} set contact_id = ${to} where portal_id = ${portal} and contact_id = ${from}`.execute(trx)
}
