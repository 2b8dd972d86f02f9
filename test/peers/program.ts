import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const folders = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']

/** Where a program of the system is; undefined, and a line that says which package has it, where it is not. */
export const findProgram = (name: string, debianPackage: string): string | undefined => {
  const found = folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path))
  if (found === undefined) process.stderr.write(`${name} is not on this machine, so nothing is held against it: apt-get install ${debianPackage}\n`)
  return found
}

/** A program that was started here and is ended here. */
export interface Program {
  readonly output: () => string
  stop(): Promise<void>
}

export const startProgram = (path: string, args: readonly string[], options: { uid?: number; gid?: number } = {}): Program => {
  const child: ChildProcess = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await exited
      clearTimeout(hard)
    },
  }
}

export const userOf = (name: string): { uid: number; gid: number } | undefined => {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim())
  return uid === undefined || uid === '' ? undefined : { uid: Number(uid), gid: Number(gid) }
}

export const until = async (what: string, check: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> => {
  const end = Date.now() + limitMs
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await sleep(50)
  }
}
