import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { introduce } from '../../sandbox/administrator.ts'
import { playReminder } from '../../sandbox/reminder-story.ts'
import { startClinic, until, type Clinic } from './clinic.ts'

const root = path.resolve(import.meta.dirname, '../..')

describe('the main story', () => {
  let clinic: Clinic
  beforeAll(async () => {
    clinic = await startClinic()
    await introduce(clinic.world.patient, until)
  }, 60_000)
  afterAll(() => clinic.stop())

  it('walks from a silent WhatsApp past a blocked Telegram and an unanswered MAX to the SMS, at its times, each text once', async () => {
    const lines: string[] = []
    expect(await playReminder(clinic.world, clinic.administrator, (line) => lines.push(line))).toEqual([])
    expect(lines.join('\n')).toMatch(/SMS, доставлено/)
  }, 60_000)

  it('can be told again about the same patient', async () => {
    expect(await playReminder(clinic.world, clinic.administrator, () => undefined)).toEqual([])
  }, 60_000)

  it('keeps clean books', () => clinic.expectCleanBooks())
})

const demo = (args: readonly string[]): Promise<{ code: number | null, output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(root, 'sandbox/demo.ts'), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (part: Buffer) => (output += part.toString()))
    child.stderr.on('data', (part: Buffer) => (output += part.toString()))
    child.once('exit', (code) => resolve({ code, output }))
  })

describe('the demo', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-demo-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('plays the reminder without a person, ends with 0 and saves every REST call as a line of JSON', async () => {
    const file = path.join(folder, 'calls', 'reminder.jsonl')
    const { code, output } = await demo(['--script', 'reminder', '--calls', file])
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('Всё так, как должно быть.') })
    expect(output).toMatch(/SMS, доставлено/)
    const calls = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { id: number, method: string, params: unknown, answer: unknown, error?: string })
    expect(calls.length).toBeGreaterThan(10)
    expect(calls.filter((call) => call.error !== undefined)).toEqual([])
    for (const call of calls) expect(call).toMatchObject({ id: expect.any(Number), method: expect.any(String) })
    expect(new Set(calls.map((call) => call.method))).toContain('bizproc.event.send')
    expect(readFileSync(file, 'utf8')).not.toMatch(/access_token|refresh_token/)
  }, 120_000)

  it('does not know every story: ends with 2 and names those that there are', async () => {
    const { code, output } = await demo(['--script', 'nothing'])
    expect(code).toBe(2)
    expect(output).toMatch(/reminder/)
  })
})
