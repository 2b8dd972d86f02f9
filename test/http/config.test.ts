import { afterAll, describe, expect, it } from '@jest/globals'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { readConfig } from '../../src/config.ts'
import { type AppError } from '../../src/errors.ts'
import { cloneDatabase } from '../support/database.ts'

const root = path.resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = 'f00dfacef00dfacef00dfacef00dface'
const password = 'pa55word-of-the-database'
const database = `postgres://estafeta:${password}@127.0.0.1:1/estafeta`

/** The process with this environment and nothing else, until it ends by itself. */
const start = async (env: Record<string, string>): Promise<{ code: number | null; out: string; err: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['src/main.ts'], { cwd: root, env: { PATH: process.env.PATH, DATA_DIR: path.join(folder, 'data'), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    child.stderr.on('data', (part: Buffer) => (err += part.toString()))
    const limit = setTimeout(() => child.kill('SIGKILL'), 100_000)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(limit)
      resolve({ code, out, err })
    })
  })

/** One sentence that names the variable and ends; no place in our code, nothing secret. */
const expectSentence = ({ code, out, err }: Awaited<ReturnType<typeof start>>, variable: string, says: RegExp): void => {
  expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 1, out: '', lines: 1 })
  const sentence = err.trimEnd()
  expect(sentence).toContain(variable)
  expect(sentence).toMatch(says)
  expect(sentence).toMatch(/^[A-ZА-Я].*\.$/)
  expect(sentence).not.toMatch(/\bat .*:\d+|\.ts\b|\{|node:|Error/)
  for (const hidden of [secret, password]) expect(sentence).not.toContain(hidden)
}

describe('a wrong setting ends the process with 1 and one sentence that names it', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['PORT', { PORT: 'eighty' }, /number/],
    ['DATABASE_URL', { DATABASE_URL: `mysql://root:${password}@localhost/estafeta`, APP_SECRET: secret }, /postgres/],
    ['APP_SECRET', { DATABASE_URL: database }, /openssl rand -hex 32/],
    ['ROLE', { ROLE: 'boss' }, /all, web, worker/],
    ['PUBLIC_URL', { PUBLIC_URL: 'clinic.example' }, /https?:\/\//],
  ])('%s of %j', async (variable, env, says) => expectSentence(await start(env), variable, says), 120_000)

  it('HOST that is not of this machine', async () => {
    const own = await cloneDatabase()
    try {
      expectSentence(await start({ HOST: '203.0.113.7', PORT: '0', DATABASE_URL: own.url, APP_SECRET: secret }), 'HOST', /address of this machine/)
    } finally {
      await own.drop()
    }
  }, 120_000)

  it('PORT that another program uses', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const own = await cloneDatabase()
    try {
      expectSentence(await start({ PORT: String((other.address() as AddressInfo).port), DATABASE_URL: own.url, APP_SECRET: secret }), 'PORT', /another program/)
    } finally {
      await own.drop()
      await new Promise((resolve) => other.close(resolve))
    }
  }, 120_000)

  it('DATABASE_URL that nobody answers at', async () => {
    expectSentence(await start({ DATABASE_URL: database, APP_SECRET: secret }), 'DATABASE_URL', /./)
  }, 120_000)

  it('leaves nothing behind', () => {
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('every other wrong setting is said as well', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['PORT', { PORT: '70000' }, /port/],
    ['PORT', { PORT: '-1' }, /./],
    ['PORT', { PORT: '80.5' }, /./],
    ['DATABASE_URL', { DATABASE_URL: 'localhost', APP_SECRET: secret }, /postgres/],
    ['APP_SECRET', { DATABASE_URL: database, APP_SECRET: '' }, /openssl rand -hex 32/],
    ['APP_SECRET', { APP_SECRET: 'short-secret-of-22-char' }, /32 characters/],
    ['PUBLIC_URL', { PUBLIC_URL: 'ftp://clinic.example' }, /https?:\/\//],
    ['BITRIX_OAUTH_URLS', { BITRIX_OAUTH_URLS: 'oauth.bitrix.info' }, /https?:\/\//],
    ['BITRIX_OAUTH_URLS', { BITRIX_OAUTH_URLS: ' , ' }, /at least one/],
    ['DATABASE_POOL', { DATABASE_POOL: '1' }, /at least 4/],
    ['REQUEST_TIMEOUT_SECONDS', { REQUEST_TIMEOUT_SECONDS: '0' }, /more than 0/],
    ['RETENTION_DAYS', { RETENTION_DAYS: 'forever' }, /number/],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }, /info/],
    ['TRUST_PROXY', { TRUST_PROXY: 'true' }, /yes or no/],
    ['DATA_DIR', { DATA_DIR: 'package.json/data' }, /folder/],
  ])('%s of %j', (variable, env, says) => {
    expect(() => readConfig(env)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    try {
      readConfig(env)
    } catch (error) {
      expectSentence({ code: 1, out: '', err: (error as AppError).message }, variable, says)
    }
  })
})
