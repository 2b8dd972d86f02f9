import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Portal } from './portal/portal.ts'

/** How to run the application beside the outer world: as a process of its own, with nothing but its environment. */
export interface ApplicationOptions {
  portal: Portal
  dataDir: string
  /** Time that the application follows. */
  clockFile?: string
  port?: number
  /** More settings, as a clinic would give them. */
  env?: Record<string, string>
}

/** A running application, registered as a local application of the portal. */
export interface Application {
  readonly origin: string
  readonly clientId: string
  readonly pid: number
  /** File that its output goes to. */
  readonly logFile: string
  /** Ends the process the hard way. */
  kill(): Promise<void>
  /** Starts it again with the same data and address. */
  restart(): Promise<void>
  /** Ends it as an operator would. */
  stop(): Promise<void>
}

const root = path.resolve(import.meta.dirname, '..')
const startLimitMs = 90_000

/** The scopes that an administrator ticks for the application: those that its manifest asks for. */
export function manifestScopes(): string[] {
  return (JSON.parse(readFileSync(path.join(root, 'manifest.json'), 'utf8')) as { scopes: string[] }).scopes
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Registers the application on the portal and starts it; resolves when it says that it is ready. */
export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const { portal, dataDir } = options
  const port = options.port ?? await freePort()
  const origin = `http://127.0.0.1:${port}`
  const { clientId, clientSecret } = portal.registerApp({
    shape: 'local', ui: true, name: 'Эстафета', scopes: manifestScopes(), handlerUrl: `${origin}/placements/dashboard`, installUrl: `${origin}/placements/install`,
  })
  mkdirSync(dataDir, { recursive: true })
  const logFile = path.join(dataDir, 'application.log')
  let child: ChildProcess | undefined
  let exited: string | undefined

  const start = async (): Promise<void> => {
    exited = undefined
    const log = openSync(logFile, 'a')
    const started = spawn(process.execPath, [path.join(root, 'src/main.ts')], {
      cwd: root,
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env.PATH, HOME: process.env.HOME,
        HOST: '127.0.0.1', PORT: String(port), PUBLIC_URL: origin, DATA_DIR: dataDir,
        BITRIX_CLIENT_ID: clientId, BITRIX_CLIENT_SECRET: clientSecret, BITRIX_OAUTH_URLS: portal.oauthOrigin,
        ...(options.clockFile === undefined ? {} : { CLOCK_FILE: options.clockFile }),
        ...options.env,
      },
    })
    child = started
    started.once('exit', (code, signal) => { exited = `the application ended with ${code ?? signal}` })
    const deadline = Date.now() + startLimitMs
    for (;;) {
      if (exited !== undefined || Date.now() > deadline) throw new Error(`${exited ?? 'The application does not get ready'}: see ${path.relative(process.cwd(), logFile)}`)
      if (await fetch(`${origin}/readyz`).then((answer) => answer.ok, () => false)) return
      await sleep(50)
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise((resolve) => running.once('exit', resolve))
    running.kill(signal)
    await gone
  }
  await start()
  return {
    origin, clientId, logFile,
    get pid() { return child!.pid! },
    kill: () => end('SIGKILL'),
    restart: start,
    stop: () => end('SIGTERM'),
  }
}
