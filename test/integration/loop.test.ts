import { afterEach, describe, expect, it } from '@jest/globals'
import { startLoop, type Loop } from '../../src/queue/loop.ts'

/** A look that nobody waits for in a test: whatever happens sooner was rung. */
const longMs = 600_000

/** A promise that is resolved from outside. */
const gate = (): { opened: Promise<void>; open: () => void } => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

describe('a loop', () => {
  const loops: Loop[] = []
  const start = (work: () => Promise<number>, change: { idleMs?: number; onError?: (error: unknown) => void } = {}): Loop => {
    const loop = startLoop({ work, idleMs: longMs, onError: (error) => { throw error }, ...change })
    loops.push(loop)
    return loop
  }
  afterEach(async () => {
    await Promise.all(loops.splice(0).map(async (loop) => loop.stop()))
  })

  it('works at once and again as long as there is something to do', async () => {
    const idle = gate()
    const left = [3, 2, 1]
    let calls = 0
    start(async () => {
      calls++
      const found = left.shift() ?? 0
      if (found === 0) idle.open()
      return Promise.resolve(found)
    })
    await idle.opened
    expect(calls).toBe(4)
  })

  it('looks when it is rung, without waiting for its next look', async () => {
    const gates = [gate(), gate()]
    let calls = 0
    const loop = start(async () => {
      gates[calls++]?.open()
      return Promise.resolve(0)
    })
    await gates[0]!.opened
    await Promise.resolve()
    loop.ring()
    await gates[1]!.opened
    expect(calls).toBe(2)
  })

  it('a ring during the work is not lost', async () => {
    const [started, finish, second] = [gate(), gate(), gate()]
    let calls = 0
    const loop = start(async () => {
      if (++calls === 2) second.open()
      else {
        started.open()
        await finish.opened
      }
      return 0
    })
    await started.opened
    loop.ring()
    loop.ring()
    finish.open()
    await second.opened
    expect(calls).toBe(2)
  })

  it('looks by itself when nobody rings', async () => {
    const third = gate()
    let calls = 0
    start(async () => {
      if (++calls === 3) third.open()
      return Promise.resolve(0)
    }, { idleMs: 1 })
    await third.opened
  })

  it('tells an error and goes on', async () => {
    const after = gate()
    const errors: unknown[] = []
    let calls = 0
    const loop = start(async () => {
      if (++calls === 1) throw new Error('the database is away')
      after.open()
      return Promise.resolve(0)
    }, { onError: (error) => { errors.push(error); setImmediate(() => loop.ring()) } })
    await after.opened
    expect(errors).toEqual([expect.objectContaining({ message: 'the database is away' })])
  })

  it('pauses after an error even when it is rung, during the work or during the pause: a database that is away is not hammered', async () => {
    const failed = gate()
    let calls = 0
    const loop = start(async () => {
      calls++
      loop.ring()
      return Promise.reject(new Error('away'))
    }, { onError: () => failed.open() })
    await failed.opened
    for (let turn = 0; turn < 50; turn++) {
      loop.ring()
      await new Promise(setImmediate)
    }
    expect(calls).toBe(1)
  })

  it('ends after the work in hand, and does nothing more', async () => {
    const [started, finish] = [gate(), gate()]
    let calls = 0
    let isDone = false
    const loop = start(async () => {
      calls++
      started.open()
      await finish.opened
      isDone = true
      return 1
    })
    await started.opened
    const stopped = loop.stop()
    finish.open()
    await stopped
    expect([calls, isDone]).toEqual([1, true])
    loop.ring()
    await loop.stop()
    expect(calls).toBe(1)
  })

  it('says nothing of an error of the work that a stop has cut off', async () => {
    const [started, finish] = [gate(), gate()]
    const errors: unknown[] = []
    const loop = start(async () => {
      started.open()
      await finish.opened
      throw new Error('aborted')
    }, { onError: (error) => errors.push(error) })
    await started.opened
    const stopped = loop.stop()
    finish.open()
    await stopped
    expect(errors).toEqual([])
  })
})
