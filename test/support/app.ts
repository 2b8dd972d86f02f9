import { readConfig } from '../../src/config.ts'
import { startApp, type App } from '../../src/app.ts'
import { type Clock } from '../../src/clock.ts'
import { createLog } from '../../src/log.ts'
import { type World } from '../../sandbox/world.ts'
import { freePort, manifestScopes } from '../../sandbox/application.ts'
import { cloneDatabase } from './database.ts'

export interface TestApp extends App {
  readonly clientId: string
  readonly origin: string
  /** Every line that was logged, for tests of what must not be in a log. */
  readonly logLines: readonly string[]
}

/**
 * The whole application in this process, on a database of its own, registered on the sandbox portal as a local application.
 * Logs are kept, not printed.
 */
export const startTestApp = async (world: Pick<World, 'portal'>, options: { clock?: Clock; env?: Record<string, string>; logLevel?: string } = {}): Promise<TestApp> => {
  const database = await cloneDatabase()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const { clientId, clientSecret } = world.portal.registerApp({
    shape: 'local', ui: true, name: 'Эстафета', scopes: manifestScopes(), handlerUrl: `${origin}/placements/dashboard`, installUrl: `${origin}/placements/install`,
  })
  const config = readConfig({
    PORT: String(port), PUBLIC_URL: origin, DATABASE_URL: database.url, DATABASE_POOL: '8', APP_SECRET: '0123456789abcdef0123456789abcdef', BITRIX_CLIENT_ID: clientId, BITRIX_CLIENT_SECRET: clientSecret,
    BITRIX_OAUTH_URLS: world.portal.oauthOrigin, LOG_LEVEL: options.logLevel ?? 'debug', REQUEST_TIMEOUT_SECONDS: '5', ...options.env,
  })
  const logLines: string[] = []
  const app = await startApp(config, createLog(config.logLevel, { write: (line) => void logLines.push(line) }), { clock: options.clock })
  return {
    ...app,
    origin,
    clientId,
    logLines,
    stop: async () => {
      await app.stop()
      await database.drop()
    },
  }
}
