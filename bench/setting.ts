import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startEmbedded, type EmbeddedPostgres } from '../src/db/embedded.ts'
import { createDatabase } from '../src/db/database.ts'
import { migrateToLatest } from '../src/db/migrate.ts'
import { openQueue } from '../src/queue/boss.ts'

/** One line of the result: `ratio` is `value` over `reference`, both measured in this run. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the value is held against: a floor or a peer measured in the same run, or the aim where there is none. */
  readonly reference: number
  readonly ratio: number
  readonly note: string
}

export const figure = (name: string, value: number, unit: string, reference: number, note: string): Figure => ({
  name, value: round(value), unit, reference: round(reference), ratio: round(value / reference), note,
})

const round = (value: number): number => (Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 1000) / 1000)

/** A PostgreSQL of the run's own, as durable as in production, gone afterwards. */
export const startDatabaseServer = async (): Promise<{ postgres: EmbeddedPostgres; folder: string; stop(): Promise<void> }> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-bench-'))
  const postgres = await startEmbedded({ dataDir: path.join(folder, 'pg'), settings: { max_connections: '200' } })
  return {
    postgres,
    folder,
    stop: async () => {
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface BenchDatabase {
  readonly connection: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  readonly url: string
  readonly pool: pg.Pool
  close(): Promise<void>
}

/** A migrated database with the queues of the application. */
export const createBenchDatabase = async (postgres: EmbeddedPostgres): Promise<BenchDatabase> => {
  const database = `bench_${randomBytes(4).toString('hex')}`
  const admin = new pg.Client({ ...postgres.connection, database: 'postgres' })
  await admin.connect()
  await admin.query(`create database ${database}`)
  await admin.end()
  const connection = { ...postgres.connection, database }
  const { db, pool } = createDatabase(connection, { poolSize: 8 })
  await migrateToLatest(db)
  const queue = await openQueue({ connection, isWorker: false, onError: () => undefined })
  await queue.stop()
  return { connection, url: `postgres://estafeta@localhost/${database}?host=${encodeURIComponent(connection.host)}`, pool, close: () => pool.end() }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })

/** One POST over a kept connection; resolves with the status. Loopback only. */
export const post = (target: URL, contentType: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    if (target.hostname !== '127.0.0.1') throw new Error('A bench talks to this machine only')
    const request = http.request(
      { host: target.hostname, port: target.port, path: target.pathname + target.search, method: 'POST', agent, headers: { 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...headers } },
      (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
      },
    )
    request.once('error', reject)
    request.end(body)
  })

/** Runs `work` for each number below `count`, `width` at a time. */
export const inParallel = async (count: number, width: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0
  await Promise.all(Array.from({ length: width }, async () => {
    while (next < count) await work(next++)
  }))
}

export const percentile = (values: readonly number[], share: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

export const closeConnections = (): void => agent.destroy()
