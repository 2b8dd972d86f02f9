import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { z } from 'zod'
import { AppError } from './errors.ts'

const url = z.url({ protocol: /^https?$/, error: 'must be a full address that begins with http:// or https://' }).transform((value) => value.replace(/\/+$/, ''))
const positive = (fallback: number, most: number) =>
  z.coerce.number('must be a number').positive('must be more than 0').max(most, `must be at most ${most}`).default(fallback)

const Environment = z.object({
  ROLE: z.enum(['all', 'web', 'worker'], 'must be one of: all, web, worker').default('all'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number('must be a number').int().min(0).max(65_535, 'must be a port number').default(3000),
  PUBLIC_URL: url.optional(),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://').optional(),
  DATABASE_POOL: z.coerce.number('must be a number').int().min(4, 'must be at least 4').max(200).default(16),
  DATA_DIR: z.string().min(1).default('data'),
  APP_SECRET: z.string().min(32, 'must have at least 32 characters: make one with "openssl rand -hex 32"').optional(),
  BITRIX_CLIENT_ID: z.string().min(1).default(''),
  BITRIX_CLIENT_SECRET: z.string().min(1).default(''),
  BITRIX_OAUTH_URLS: z
    .string()
    .default('https://oauth.bitrix.info,https://oauth.bitrix24.info,https://oauth.bitrix24.tech')
    .transform((list) => list.split(',').map((item) => item.trim()).filter(Boolean))
    .pipe(z.array(url).min(1, 'must name at least one address')),
  REQUEST_TIMEOUT_SECONDS: positive(20, 120),
  RETENTION_DAYS: positive(7, 3650),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], 'must be one of: fatal, error, warn, info, debug, silent').default('info'),
  CLOCK_FILE: z.string().min(1).optional(),
  TRUST_PROXY: z.enum(['yes', 'no'], 'must be yes or no').default('no'),
})

/** Everything the process takes from outside, checked. Durations carry their unit in the name. */
export interface Config {
  readonly role: 'all' | 'web' | 'worker'
  readonly host: string
  readonly port: number
  /** Address under which the portal and the messengers reach us; undefined: the address we listen on. */
  readonly publicUrl: string | undefined
  /** undefined: the embedded PostgreSQL below `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly databasePool: number
  readonly dataDir: string
  /** Key material for encryption at rest and for page sessions. */
  readonly secret: string
  readonly bitrix: { readonly clientId: string; readonly clientSecret: string; readonly oauthUrls: readonly string[] }
  readonly requestTimeoutSeconds: number
  readonly retentionDays: number
  readonly logLevel: string
  /** A file that says what time it is, for rehearsals: `{ realAt, at, speed }`. */
  readonly clockFile: string | undefined
  readonly trustProxy: boolean
}

/**
 * Reads the environment, or stops with one sentence that names the variable.
 *
 * With the embedded database a missing APP_SECRET is made once and kept beside the data; with a database of your own it must be given,
 * because several processes have to share it.
 *
 * @throws AppError CONFIG_INVALID
 */
export const readConfig = (environment: NodeJS.ProcessEnv): Config => {
  const parsed = Environment.safeParse(Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== '')))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw new AppError('CONFIG_INVALID', `The setting ${String(issue.path[0])} ${issue.message}.`)
  }
  const env = parsed.data
  if (env.DATABASE_URL !== undefined && env.APP_SECRET === undefined) {
    throw new AppError('CONFIG_INVALID', 'The setting APP_SECRET must be given together with DATABASE_URL: make one with "openssl rand -hex 32" and keep it.')
  }
  const dataDir = path.resolve(env.DATA_DIR)
  return {
    role: env.ROLE,
    host: env.HOST,
    port: env.PORT,
    publicUrl: env.PUBLIC_URL,
    databaseUrl: env.DATABASE_URL,
    databasePool: env.DATABASE_POOL,
    dataDir,
    secret: env.APP_SECRET ?? keptSecret(dataDir),
    bitrix: { clientId: env.BITRIX_CLIENT_ID, clientSecret: env.BITRIX_CLIENT_SECRET, oauthUrls: env.BITRIX_OAUTH_URLS },
    requestTimeoutSeconds: env.REQUEST_TIMEOUT_SECONDS,
    retentionDays: env.RETENTION_DAYS,
    logLevel: env.LOG_LEVEL,
    clockFile: env.CLOCK_FILE,
    trustProxy: env.TRUST_PROXY === 'yes',
  }
}

const keptSecret = (dataDir: string): string => {
  const file = path.join(dataDir, 'app-secret')
  try {
    if (existsSync(file)) return readFileSync(file, 'utf8').trim()
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', 'The setting DATA_DIR must name a folder that can be written to.', { cause })
  }
}
