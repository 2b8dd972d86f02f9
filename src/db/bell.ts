import pg from 'pg'
import { type DatabaseConnection } from './database.ts'

const reconnectMs = 1_000

/**
 * Hears what transactions ring (`pg_notify('estafeta', lane)`) and tells the listener the lane.
 *
 * A broken connection is opened again by itself; what was rung meanwhile is found by the loops' own looks.
 */
export const listen = async (connection: DatabaseConnection, onRing: (lane: string) => void): Promise<{ stop(): Promise<void> }> => {
  let isStopped = false
  let client: pg.Client | undefined
  const open = async (): Promise<void> => {
    const next = new pg.Client({ ...connection, application_name: 'estafeta bell' })
    next.on('notification', ({ payload }) => onRing(payload ?? ''))
    next.on('error', () => undefined)
    next.on('end', () => {
      if (!isStopped) setTimeout(() => void open().catch(() => undefined), reconnectMs)
    })
    await next.connect()
    client = next
    await next.query('listen estafeta')
    if (isStopped) await next.end()
  }
  await open()
  return {
    stop: async () => {
      isStopped = true
      await client?.end().catch(() => undefined)
    },
  }
}
