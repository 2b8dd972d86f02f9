import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import pg from 'pg'
import { startEmbedded, type EmbeddedPostgres } from '../../src/db/embedded.ts'

// A first start on a busy machine takes its time.
jest.setTimeout(120_000)

describe('the embedded PostgreSQL', () => {
  let folder: string
  let dataDir: string
  const running: EmbeddedPostgres[] = []

  // One cluster for all: making one is the slow part.
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-embedded-'))
    dataDir = path.join(folder, 'pg')
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async (server) => server.stop()))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  const start = async (where = dataDir): Promise<EmbeddedPostgres> => {
    const server = await startEmbedded({ dataDir: where })
    running.push(server)
    return server
  }
  const query = async (server: EmbeddedPostgres, text: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client(server.connection)
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  const pidOf = (where = dataDir): number => Number(readFileSync(path.join(where, 'postmaster.pid'), 'utf8').split('\n')[0])
  const isGone = (pid: number): boolean => {
    try {
      process.kill(pid, 0)
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    } catch {
      return true
    }
  }
  const gone = async (pid: number): Promise<void> => {
    for (let tries = 0; tries < 1_000; tries++) {
      if (isGone(pid)) return
      await sleep(10)
    }
    throw new Error('The server is still there')
  }

  it('opens no port, keeps its data over a restart and ends with stop', async () => {
    const first = await start()
    expect(await query(first, 'show listen_addresses')).toEqual([{ listen_addresses: '' }])
    await query(first, 'create table kept as select 42 as answer')
    const pid = pidOf()
    await first.stop()
    await gone(pid)
    expect(existsSync(path.join(dataDir, 'postmaster.pid'))).toBe(false)
    await first.stop()
    expect(await query(await start(), 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('recovers after kill -9 of the server: everything that was committed is there, nothing that was not', async () => {
    const first = await start()
    await query(first, 'create table committed (n int)')
    const open = new pg.Client(first.connection)
    open.on('error', () => undefined)
    await open.connect()
    await open.query('begin; insert into committed values (1)')
    await query(first, 'insert into committed values (2)')
    const pid = pidOf()
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    await open.end().catch(() => undefined)
    expect(existsSync(path.join(dataDir, 'postmaster.pid'))).toBe(true)
    expect(await query(await start(), 'select n from committed')).toEqual([{ n: 2 }])
  })

  it('a second start over the same data adopts the server that runs', async () => {
    const first = await start()
    const pid = pidOf()
    const second = await start()
    expect(pidOf()).toBe(pid)
    expect(second.connection).toEqual(first.connection)
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('a data folder with a long name works too: its socket lies elsewhere', async () => {
    const long = path.join(folder, 'x'.repeat(60), 'y'.repeat(60))
    const server = await start(long)
    expect(Buffer.byteLength(server.connection.host)).toBeLessThan(100)
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
    await server.stop()
    rmSync(server.connection.host, { recursive: true, force: true })
  })

  it('says in one sentence why it does not start, and where to look', async () => {
    await expect(startEmbedded({ dataDir, settings: { shared_buffers: 'very much' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(/^The embedded PostgreSQL did not start: .*its log lies beside the data folder\.$/) })
    expect(readFileSync(`${dataDir}.log`, 'utf8')).toContain('shared_buffers')
  })
})
