import { type Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { type EmbeddedPostgres } from '../src/db/embedded.ts'
import { createBenchDatabase } from './setting.ts'

/**
 * The floor of a delivery: the rows and timers that one leaves behind, written by bare SQL and bare pg-boss, without HTTP, without
 * decisions, `batch` deliveries in a statement. Deliveries per second.
 */
export const measureFloor = async (postgres: EmbeddedPostgres, count: number, { batch, parallel }: { batch: number, parallel: number }): Promise<number> => {
  const database = await createBenchDatabase(postgres)
  const { pool } = database
  const boss = new PgBoss({ ...database.connection, max: 4, supervise: false, schedule: false })
  boss.on('error', () => undefined)
  await boss.start()
  await pool.query("insert into portals (portal_id, domain, client_endpoint, server_endpoint, application_token, state, status, scope) values ('p', 'd', 'c', 's', 't', 'installed', 'L', 'crm')")
  const groups = Array.from({ length: Math.ceil(count / batch) }, (_, group) => Array.from({ length: Math.min(batch, count - group * batch) }, (_unused, index) => `${group}-${index}`))
  const startedAt = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: parallel }, async () => {
    while (next < groups.length) await writeGroup(pool, boss, groups[next++]!)
  }))
  const seconds = (performance.now() - startedAt) / 1000
  await boss.stop({ graceful: false })
  await database.close()
  return count / seconds
}

const writeGroup = async (pool: Pool, boss: PgBoss, ids: readonly string[]): Promise<void> => {
  const body = Buffer.from('{"properties":{"text":"Напоминаем о приёме завтра в 10:00.","route":"r","purpose":"reminder"}}'.padEnd(400))
  const route = JSON.stringify({ id: 'r', name: 'Маршрут', stopsWhenDealMoves: true, steps: [{ kind: 'channel', connectionId: 'c', proof: 'delivered', minutes: 60, content: {} }] })
  const outbox = (kind: string, lane: string) => pool.query(
    `insert into outbox (portal_id, lane, kind, delivery_id, step, urgency, run_at, since) select 'p', $2, $3, id, 0, 5, now(), now() from unnest($1::text[]) id`, [ids, lane, kind])
  const through = async (kind: string): Promise<void> => {
    await pool.query(`update outbox set state = 'performing', tries = 1, lease_until = now() where kind = $2 and delivery_id = any($1)`, [ids, kind])
    await pool.query(`update outbox set state = 'done', finished_at = now(), lease_until = null where kind = $2 and delivery_id = any($1)`, [ids, kind])
  }
  const arrive = async (kind: string, mark: string): Promise<void> => {
    await pool.query(`insert into inbox (source, external_id, portal_id, kind, body) select 's', $2 || id, 'p', $3, $4 from unnest($1::text[]) id`, [ids, mark, kind, body])
    await pool.query(`update inbox set state = 'done', finished_at = now() where external_id in (select $2 || id from unnest($1::text[]) id)`, [ids, mark])
  }
  await arrive('robot', 'robot')
  await pool.query(
    `insert into deliveries (portal_id, delivery_id, trigger_key, deal_id, purpose, body, route, status, phase, step, started_at, event_token)
     select 'p', id, id, '1', 'reminder', 'Напоминаем о приёме завтра в 10:00.', $2, 'running', 'looking', -1, now(), 'sealed' from unnest($1::text[]) id`, [ids, route])
  await outbox('look', 'portal')
  await outbox('record', 'portal')
  await through('look')
  await pool.query(`update deliveries set phase = 'trying', step = 0, due_at = now(), contact_id = '1', contact_name = 'Имя', reach = '{"c":{"to":"+79000000001"}}' where portal_id = 'p' and delivery_id = any($1)`, [ids])
  await pool.query(`insert into attempts (portal_id, delivery_id, step, connection_id, state, started_at, budget_ms, tries, address) select 'p', id, 0, 'c', 'waiting', now(), 3600000, 0, '+79000000001' from unnest($1::text[]) id`, [ids])
  await outbox('send', 'channel')
  await boss.insert('delivery.wake', ids.map((deliveryId) => ({ data: { portalId: 'p', deliveryId }, startAfter: new Date(Date.now() + 3_600_000) })))
  await pool.query(`update attempts set state = 'sending', tries = 1 where portal_id = 'p' and delivery_id = any($1)`, [ids])
  await through('send')
  await pool.query(`update attempts set state = 'out', external_id = delivery_id, proof = 'accepted', times = '{"accepted":1}', parts = 1 where portal_id = 'p' and delivery_id = any($1)`, [ids])
  for (const level of ['sent', 'delivered']) {
    await arrive('channel', level)
    await pool.query(`update attempts set proof = $2, times = times || jsonb_build_object($2::text, 1) where portal_id = 'p' and delivery_id = any($1)`, [ids, level])
  }
  await pool.query(`update deliveries set status = 'reached', phase = 'closed', closed_at = now(), due_at = null, fired = '{delivered}' where portal_id = 'p' and delivery_id = any($1)`, [ids])
  await outbox('answerRobot', 'portal')
  await outbox('fireTrigger', 'portal')
}
