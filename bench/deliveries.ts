import { type Pool } from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectMessengers, installApplication, openPage, saveRoute } from '../sandbox/administrator.ts'
import { startApplication } from '../sandbox/application.ts'
import { startWorld } from '../sandbox/world.ts'
import path from 'node:path'
import { createBenchDatabase, figure, type Figure } from './setting.ts'
import { type EmbeddedPostgres } from '../src/db/embedded.ts'
import { measureFloor } from './floor.ts'

/** WhatsApp numbers that share the load: one number may send 80 messages a second, which is the vendor's limit and not ours. */
const numbers = 40
const limitMs = 50_000

/**
 * Deliveries from the robot's call to the closed cascade: look at deal and contact, send, receipts `sent` and `delivered`, outcome
 * stored; and the requests that the portal got for them once everything at the portal is done too.
 */
export const measureDeliveries = async (postgres: EmbeddedPostgres, folder: string, count: number): Promise<Figure[]> => {
  const world = await startWorld({ portal: { callLogLimit: 1_000, limits: { burst: 50, leakPerSecond: 2 } } })
  const database = await createBenchDatabase(postgres)
  const application = await startApplication({
    portal: world.portal, dataDir: path.join(folder, 'application'),
    env: { DATABASE_URL: database.url, APP_SECRET: 'bench-secret-bench-secret-bench-secret', LOG_LEVEL: 'error' },
  })
  try {
    await installApplication(application, world.portal)
    const administrator = await openPage(application, world.portal)
    const ids = await connectMessengers(administrator, world)
    const routes: string[] = []
    for (let index = 0; index < numbers; index++) {
      const number = world.messengers.addWhatsAppNumber()
      const form = { channel: 'whatsapp', name: `Номер ${index}`, credentials: { phoneNumberId: number.phoneNumberId, businessAccountId: number.wabaId, accessToken: number.token, appSecret: number.appSecret, verifyToken: 'bench-verify', baseUrl: number.baseUrl } }
      const connection = (await administrator.call('POST', '/connections', form)).body
      await world.messengers.setWhatsAppWebhook(number.phoneNumberId, connection.hookUrl, 'bench-verify')
      routes.push(await saveRoute(administrator, [
        { kind: 'channel', connectionId: connection.id, proof: 'delivered', minutes: 60, content: { template: { name: 'clinic_notice', language: 'ru', parameters: ['{text}'] } } },
        { kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} },
      ], `Маршрут ${index}`))
    }
    world.messengers.behave('whatsapp', { pace: 'instant', limits: 'off' })
    const deals: number[] = []
    for (let index = 0; index < count; index++) {
      const phone = `+7900000${String(index + 1000).padStart(4, '0')}`
      world.messengers.addPatient({ name: 'Пациент Проверочный', phone, telegram: false, max: false, reads: false })
      const contact = world.portal.addContact({ name: 'Пациент', lastName: 'Проверочный', phones: [phone] })
      deals.push(world.portal.addDeal({ title: 'Приём', stageId: 'NEW', contactId: contact.id }).id)
    }
    const requestsBefore = portalRequests(world.portal.callTotals())
    const startedAt = performance.now()
    for (const [index, dealId] of deals.entries()) {
      world.portal.runRobot({ dealId, code: 'estafeta_send', properties: { text: 'Напоминаем о приёме завтра в 10:00.', route: routes[index % routes.length]!, purpose: 'reminder' } })
    }
    const closedAt = await closing(database.pool, count, startedAt)
    const { rows } = await database.pool.query<{ status: string; count: string }>('select status, count(*) from deliveries group by status')
    const reached = Number(rows.find((row) => row.status === 'reached')?.count ?? 0)
    const perSecond = reached / ((closedAt - startedAt) / 1000)
    const drainedAt = await portalDrained(database.pool, startedAt + limitMs)
    const { rows: [left] } = await database.pool.query<{ done: string }>("select count(*) as done from outbox where lane = 'portal' and kind = 'answerRobot' and state = 'done'")
    const answered = Number(left!.done)
    const requests = portalRequests(world.portal.callTotals()) - requestsBefore
    await application.stop()
    const grouped = await measureFloor(postgres, count, { batch: 100, parallel: 3 })
    const single = await measureFloor(postgres, Math.min(count, 400), { batch: 1, parallel: 10 })
    return [
      figure('deliveries', perSecond, 'per second, robot call to closed cascade', single, `${reached} of ${count} reached; reference: the same rows and timers by bare SQL and pg-boss, one delivery at a time on ten connections, without HTTP`),
      figure('deliveries beside grouped rows', perSecond, 'per second', grouped, 'reference: the same rows and timers, a hundred deliveries in each statement, without HTTP'),
      figure('portal requests per delivery', requests / Math.max(1, answered), `requests, ${answered} deliveries with robot answer, trigger and timeline record${drainedAt === undefined ? ', still draining' : ''}`, 0.1, 'reference: the aim, one request per ten deliveries'),
    ]
  } finally {
    await application.stop()
    await world.stop()
    await database.close()
  }
}

const portalRequests = (totals: Record<string, number>): number => Object.entries(totals).reduce((sum, [method, calls]) => sum + (method.endsWith('(in batch)') ? 0 : calls), 0)

const closing = async (pool: Pool, count: number, startedAt: number): Promise<number> => {
  for (;;) {
    const { rows } = await pool.query<{ open: string }>("select count(*) filter (where status <> 'running') as open from deliveries")
    if (Number(rows[0]!.open) >= count || performance.now() - startedAt > limitMs) return performance.now()
    await sleep(50)
  }
}

const portalDrained = async (pool: Pool, until: number): Promise<number | undefined> => {
  for (;;) {
    const { rows } = await pool.query<{ left: string }>("select count(*) as left from outbox where lane = 'portal' and state in ('ready', 'performing')")
    if (Number(rows[0]!.left) === 0) return performance.now()
    if (performance.now() > until) return undefined
    await sleep(200)
  }
}
