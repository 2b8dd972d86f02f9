/** The stories of `npm run demo`, as its commands play them: each ends with 0 only when phones, cards, chats and the journal of calls are as they should be. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from '@jest/globals'

const root = path.resolve(import.meta.dirname, '../..')
const play = async (...options: string[]): Promise<{ code: number, shown: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [path.join(root, 'sandbox/demo.ts'), ...options], { cwd: os.tmpdir(), timeout: 170_000 }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, shown: stdout + stderr })
    })
  })

it.each(['reminder', 'conversation'])('the story "%s" ends as it should, and its calls are kept as JSON lines', async (story) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-story-'))
  try {
    const file = path.join(folder, 'calls.jsonl')
    const { code, shown } = await play('--script', story, '--calls', file)
    expect({ code, shown }).toEqual({ code: 0, shown: expect.stringContaining('Всё так, как должно быть.') })
    const calls = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { method: string, answer: unknown })
    expect(calls.length).toBeGreaterThan(20)
    expect(calls.every(({ method, answer }) => method !== '' && answer !== undefined)).toBe(true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 180_000)

it('a story that is not known is refused with what there is', async () => {
  expect(await play('--script', 'fairytale')).toEqual({ code: 2, shown: 'There is no story "fairytale": choose one of reminder, conversation.\n' })
})
