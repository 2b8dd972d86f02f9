import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, describe, expect, it } from '@jest/globals'

import { createClock, type Clock, type ClockOptions } from '../../sandbox/clock.ts'

const clocks: Clock[] = []
const start = (options?: ClockOptions): Clock => {
  const clock = createClock(options)
  clocks.push(clock)
  return clock
}

afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop()
})

describe('the clock of the sandbox', () => {
  it('runs as many times faster as its speed says', async () => {
    const clock = start({ speed: 1000, startAt: 1_000_000 })
    const before = clock.now()
    await clock.sleep(60_000)
    const passed = clock.now() - before
    expect(before).toBeLessThan(1_060_000)
    expect(passed).toBeGreaterThanOrEqual(60_000)
    expect(passed).toBeLessThan(60_000 + 2_000 * 1000)
  })

  it('re-times those who sleep when the speed changes', async () => {
    const clock = start()
    const began = Date.now()
    const hour = clock.sleep(3_600_000)
    clock.setSpeed(100_000)
    await hour
    expect(Date.now() - began).toBeLessThan(5_000)
  })

  it('wakes whoever was due in the order of their times when it jumps', () => {
    const clock = start({ speed: 0 })
    const woken: string[] = []
    clock.after(30_000, () => woken.push('third'))
    clock.after(10_000, () => woken.push('first'))
    clock.after(20_000, () => woken.push('second'))
    const cancel = clock.after(15_000, () => woken.push('cancelled'))
    clock.after(60_000, () => woken.push('later'))
    cancel()
    clock.advance(31_000)
    expect(woken).toEqual(['first', 'second', 'third'])
  })

  it('holds still at speed 0 and never goes backwards', () => {
    const clock = start({ speed: 0, startAt: 5_000 })
    expect(clock.now()).toBe(5_000)
    clock.advance(-1_000)
    expect(clock.now()).toBe(5_000)
  })

  it('writes its file as a whole at the start and at each change, in a way that others can follow', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clock-'))
    const file = path.join(folder, 'clock.json')
    const read = (): { realAt: number, at: number, speed: number } => JSON.parse(readFileSync(file, 'utf8')) as { realAt: number, at: number, speed: number }
    const clock = start({ speed: 1, file })
    expect(read().speed).toBe(1)
    clock.setSpeed(60)
    clock.advance(600_000)
    const { realAt, at, speed } = read()
    expect(speed).toBe(60)
    expect(Math.abs(at + (Date.now() - realAt) * speed - clock.now())).toBeLessThan(60 * 50)
    expect(readdirSync(folder)).toEqual(['clock.json'])
    expect(() => clock.setSpeed(0)).toThrow(RangeError)
    rmSync(folder, { recursive: true })
  })

  it('never wakes anybody after it was stopped', () => {
    const clock = start({ speed: 0 })
    let woken = false
    clock.after(1_000, () => { woken = true })
    clock.stop()
    clock.advance(10_000)
    expect(woken).toBe(false)
  })

  it('refuses a speed that is no number', () => {
    expect(() => start({ speed: -1 })).toThrow(RangeError)
    expect(() => start({ speed: Number.NaN })).toThrow(RangeError)
  })
})
