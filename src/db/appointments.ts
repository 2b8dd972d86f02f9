/** Appointments as a medical information system told them through the HTTP API. */
import { sql, type Selectable } from 'kysely'
import { type PortalId } from '../domain/ids.ts'
import { type Db } from './database.ts'
import { type Appointments } from './schema.ts'

export interface StoredAppointment {
  readonly portalId: PortalId
  /** The system's own number. */
  readonly externalId: string
  readonly contactId: string | undefined
  readonly dealId: string | undefined
  readonly at: Date
  readonly endsAt: Date | undefined
  readonly doctor: string | undefined
  readonly place: string | undefined
  readonly service: string | undefined
  readonly preparation: string | undefined
}

/** Stores an appointment over whatever was told of it before. */
export const saveAppointment = async (db: Db, appointment: StoredAppointment): Promise<void> => {
  const values = {
    contact_id: appointment.contactId ?? null, deal_id: appointment.dealId ?? null, at: appointment.at, ends_at: appointment.endsAt ?? null, doctor: appointment.doctor ?? null,
    place: appointment.place ?? null, service: appointment.service ?? null, preparation: appointment.preparation ?? null,
  }
  await db
    .insertInto('appointments')
    .values({ portal_id: appointment.portalId, external_id: appointment.externalId, ...values })
    .onConflict((conflict) => conflict.columns(['portal_id', 'external_id']).doUpdateSet({ ...values, updated_at: sql`now()` }))
    .execute()
}

/** @returns whether there was one */
export const deleteAppointment = async (db: Db, portal: PortalId, externalId: string): Promise<boolean> =>
  (await db.deleteFrom('appointments').where('portal_id', '=', portal).where('external_id', '=', externalId).executeTakeFirst()).numDeletedRows > 0n

/** The next one of a deal or a contact that is not over at `now`. */
export const nextAppointment = async (db: Db, portal: PortalId, of: { readonly contactId: string | undefined; readonly dealId: string | undefined }, now: Date): Promise<StoredAppointment | undefined> => {
  const found: Selectable<Appointments>[] = []
  // Each by its own index; a deal's own one comes before the contact's others.
  for (const [column, id] of [['deal_id', of.dealId], ['contact_id', of.contactId]] as const) {
    if (id === undefined || found.length > 0) continue
    found.push(...(await db.selectFrom('appointments').selectAll().where('portal_id', '=', portal).where(column, '=', id).where('at', '>', now).orderBy('at').limit(1).execute()))
  }
  const [row] = found
  return row === undefined
    ? undefined
    : {
        portalId: portal, externalId: row.external_id, contactId: row.contact_id ?? undefined, dealId: row.deal_id ?? undefined, at: row.at, endsAt: row.ends_at ?? undefined,
        doctor: row.doctor ?? undefined, place: row.place ?? undefined, service: row.service ?? undefined, preparation: row.preparation ?? undefined,
      }
}
