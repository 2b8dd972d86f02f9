import { request as sendRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { installApplication, openPage, type Administrator } from '../../sandbox/administrator.ts'
import { startWorld, type World, type WorldOptions } from '../../sandbox/world.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

export interface Stage {
  readonly world: World
  readonly app: TestApp
  stop(): Promise<void>
}

/** A portal with messengers and the application beside it, not installed yet. The portal has no limits: they are tested elsewhere. */
export const startStage = async (options: { world?: WorldOptions; app?: Parameters<typeof startTestApp>[1] } = {}): Promise<Stage> => {
  const world = await startWorld({ portal: { limits: { burst: 0, operatingSeconds: 0 } }, ...options.world })
  const app = await startTestApp(world, options.app)
  return {
    world,
    app,
    stop: async () => {
      await app.stop()
      await world.stop()
    },
  }
}

/** The same with the application installed, and its page open for the administrator. */
export const startInstalledStage = async (options: Parameters<typeof startStage>[0] = {}): Promise<Stage & { administrator: Administrator }> => {
  const stage = await startStage(options)
  try {
    await installApplication(stage.app, stage.world.portal)
    await stage.world.portal.settle()
    return { ...stage, administrator: await openPage(stage.app, stage.world.portal) }
  } catch (error) {
    await stage.stop()
    throw error
  }
}

/** Looks again and again until the check holds or the time is up. */
export const until = async (what: string, check: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> => {
  const end = Date.now() + limitMs
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`This did not happen in time: ${what}`)
    await sleep(20)
  }
}

/** Rows of a query that the test writes itself. */
export const query = async <Row = Record<string, unknown>>(app: Pick<TestApp, 'deps'>, text: string): Promise<readonly Row[]> => (await sql.raw<Row>(text).execute(app.deps.db)).rows

export const count = async (app: Pick<TestApp, 'deps'>, table: string, where = 'true'): Promise<number> =>
  Number((await query<{ n: string }>(app, `select count(*) as n from ${table} where ${where}`))[0]!.n)

/** Lets a test make as many requests as it likes: budgets have tests of their own. */
export const refillBudget = async (app: Pick<TestApp, 'deps'>): Promise<void> => {
  await query(app, `update budgets set level = 0, paused_until = null, paused_methods = '{}'`)
}

/** Nothing that arrived waits to be worked on. */
export const inboxIsEmpty = async (app: Pick<TestApp, 'deps'>): Promise<void> => until('every arrival was worked on', async () => (await count(app, 'inbox', `state = 'received'`)) === 0)

export interface Reply {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly durationMs: number
}

/** One request as it is, odd ones too: nothing is added or mended on the way. `splitAt`: the body goes out in two pieces, cut at this byte. */
export const raw = async (
  origin: string,
  path: string,
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer; splitAt?: number } = {},
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const startedAt = performance.now()
    const body = options.body === undefined ? undefined : Buffer.from(options.body)
    const request = sendRequest(
      { hostname, port, path, method: options.method ?? (body === undefined ? 'GET' : 'POST'), headers: { ...options.headers, ...(body === undefined ? {} : { 'content-length': String(body.length) }) } },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString('utf8'), headers: response.headers, durationMs: performance.now() - startedAt })
        })
      },
    )
    // The answer may come before everything was written (413): then it is what counts.
    request.on('error', (error) => setTimeout(() => reject(error), 500))
    if (options.splitAt === undefined || body === undefined) {
      request.end(body)
      return
    }
    const rest = body.subarray(options.splitAt)
    request.write(body.subarray(0, options.splitAt), () => setTimeout(() => request.end(rest), 20))
  })

const formType = { 'content-type': 'application/x-www-form-urlencoded' }

/** Posts a form as the portal does. */
export const postForm = async (origin: string, path: string, body: string): Promise<Reply> => raw(origin, path, { method: 'POST', headers: formType, body })

/** Fields of a form, some of them replaced; `undefined` takes a field away. */
export const withFields = (body: string, change: Readonly<Record<string, string | undefined>>): string => {
  const form = new URLSearchParams(body)
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) form.delete(name)
    else form.set(name, value)
  }
  return form.toString()
}
