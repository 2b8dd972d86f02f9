/** Where the session of a connection goes on, written and read by its channel alone. */
import { sql } from 'kysely'
import { type ConnectionId, type PortalId } from '../domain/ids.ts'
import { type Db } from './database.ts'

export const loadCursor = async (db: Db, portal: PortalId, id: ConnectionId): Promise<string | undefined> => {
  const row = await db.selectFrom('session_cursors').select('cursor').where('portal_id', '=', portal).where('connection_id', '=', id).executeTakeFirst()
  return row?.cursor
}

/** A connection that is gone meanwhile has no cursor any more: nothing is written. */
export const saveCursor = async (db: Db, portal: PortalId, id: ConnectionId, cursor: string): Promise<void> => {
  await sql`
    insert into session_cursors (portal_id, connection_id, cursor)
    select portal_id, connection_id, ${cursor} from connections where portal_id = ${portal} and connection_id = ${id}
    on conflict (portal_id, connection_id) do update set cursor = excluded.cursor, saved_at = now()`.execute(db)
}
