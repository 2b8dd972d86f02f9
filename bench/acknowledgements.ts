import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { connectMessengers, installApplication, openPage } from '../sandbox/administrator.ts'
import { startApplication } from '../sandbox/application.ts'
import { startWorld } from '../sandbox/world.ts'
import { type EmbeddedPostgres } from '../src/db/embedded.ts'
import { createBenchDatabase, figure, type Figure } from './setting.ts'

interface LoadResult { answered: number, failed: number, seconds: number, p50Ms: number, p99Ms: number }

const here = import.meta.dirname
const connections = 64

/** Webhooks that are durable when they are answered, per second, beside a bare route with one insert each and one with group commit. */
export const measureAcknowledgements = async (postgres: EmbeddedPostgres, folder: string, seconds: number): Promise<Figure[]> => {
  const world = await startWorld()
  const database = await createBenchDatabase(postgres)
  const application = await startApplication({
    portal: world.portal, dataDir: path.join(folder, 'web'),
    env: { ROLE: 'web', DATABASE_URL: database.url, APP_SECRET: 'bench-secret-bench-secret-bench-secret', LOG_LEVEL: 'error' },
  })
  const single = await startBare(database.connection, false)
  const grouped = await startBare(database.connection, true)
  try {
    await installApplication(application, world.portal)
    await connectMessengers(await openPage(application, world.portal), world)
    const webhook = world.messengers.telegramBots()[0]!.webhook!
    const headers = { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': webhook.secretToken! }
    const body = JSON.stringify({
      update_id: '@', message: { message_id: 1, date: 1_790_000_000, chat: { id: 500000001, type: 'private', first_name: 'Иван' }, from: { id: 500000001, is_bot: false, first_name: 'Иван' }, text: 'Спасибо, приду' },
    })
    const targets = { ours: new URL(webhook.url), single: new URL(`${single.origin}/hook`), grouped: new URL(`${grouped.origin}/hook`) }
    const results: Record<keyof typeof targets, LoadResult[]> = { ours: [], single: [], grouped: [] }
    // In turn, so that a machine that changes its speed changes it for all of them; the first round only warms up.
    for (let round = 0; round < 3; round++) {
      for (const [name, target] of Object.entries(targets) as [keyof typeof targets, URL][]) {
        const result = await load({ port: Number(target.port), path: target.pathname, headers, body, connections, seconds: round === 0 ? 2 : seconds })
        if (result.failed > 0) throw new Error(`${result.failed} webhooks were not answered with 200`)
        if (round > 0) results[name].push(result)
      }
    }
    const rate = (name: keyof typeof targets): number => sum(results[name], (one) => one.answered) / sum(results[name], (one) => one.seconds)
    const { rows } = await database.pool.query<{ count: string }>("select count(*) from inbox where kind = 'channel'")
    const note = `${connections} connections, ${rows[0]!.count} kept, p99 ${Math.max(...results.ours.map((one) => one.p99Ms)).toFixed(0)} ms`
    return [
      figure('acknowledgements', rate('ours'), 'webhooks per second, durable, signature checked', rate('grouped'), `reference: a bare Fastify route with group commit; ${note}`),
      figure('acknowledgements beside single inserts', rate('ours'), 'webhooks per second', rate('single'), 'reference: a bare Fastify route with one insert and commit per request'),
    ]
  } finally {
    single.child.kill()
    grouped.child.kill()
    await application.stop()
    await world.stop()
    await database.close()
  }
}

const sum = (results: readonly LoadResult[], of: (result: LoadResult) => number): number => results.reduce((total, one) => total + of(one), 0)

const startBare = (connection: object, grouped: boolean): Promise<{ child: ChildProcess, origin: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(here, 'bare-route.ts'), JSON.stringify({ connection, grouped })], { stdio: ['ignore', 'pipe', 'inherit'] })
    child.once('error', reject)
    child.once('exit', () => reject(new Error('the bare route did not start')))
    child.stdout.once('data', (line: Buffer) => resolve({ child, origin: line.toString().trim() }))
  })

const load = (options: object): Promise<LoadResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(here, 'load.ts'), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(JSON.parse(output) as LoadResult) : reject(new Error(`the load ended with ${code}`))))
  })
