/** Which open line of a portal speaks for which connection. */
import { type Selectable } from 'kysely'
import { connectionId, portalId, type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db, type Trx } from './database.ts'
import { type Lines } from './schema.ts'

/** A connector on one open line. `connectionId` is absent for the connector of "one chat per patient". */
export interface Line {
  readonly portalId: PortalId
  readonly connector: string
  readonly lineId: string
  readonly connectionId: ConnectionId | undefined
  readonly name: string
  readonly isActive: boolean
  readonly problem: string | undefined
}

export const listLines = async (db: Db | Trx, portal: PortalId): Promise<readonly Line[]> =>
  (await db.selectFrom('lines').selectAll().where('portal_id', '=', portal).orderBy('activated_at').execute()).map(toLine)

/** Makes this line speak for the connection, which then speaks on no other one (F18, F20). */
export const saveLine = async (trx: Trx, line: Line): Promise<void> => {
  if (line.connectionId !== undefined) {
    await trx
      .deleteFrom('lines')
      .where('portal_id', '=', line.portalId)
      .where('connection_id', '=', line.connectionId)
      .where((where) => where.or([where('connector', '<>', line.connector), where('line_id', '<>', line.lineId)]))
      .execute()
  }
  const values = { connection_id: line.connectionId ?? null, name: line.name, is_active: line.isActive, problem: line.problem ?? null }
  await trx
    .insertInto('lines')
    .values({ portal_id: line.portalId, connector: line.connector, line_id: line.lineId, ...values })
    .onConflict((conflict) => conflict.columns(['portal_id', 'connector', 'line_id']).doUpdateSet(values))
    .execute()
}

/** Notes that the portal closed the line to us, or opened it again. */
export const setLineState = async (db: Db | Trx, portal: PortalId, connector: string | undefined, lineId: string, state: { isActive: boolean; problem?: string }): Promise<void> => {
  await db
    .updateTable('lines')
    .set({ is_active: state.isActive, problem: state.problem ?? null })
    .where('portal_id', '=', portal)
    .where('line_id', '=', lineId)
    .$if(connector !== undefined, (query) => query.where('connector', '=', connector!))
    .execute()
}

const toLine = (row: Selectable<Lines>): Line => ({
  portalId: portalId(row.portal_id),
  connector: row.connector,
  lineId: row.line_id,
  connectionId: row.connection_id === null ? undefined : connectionId(row.connection_id),
  name: row.name,
  isActive: row.is_active,
  problem: row.problem ?? undefined,
})
