import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createDatabase } from '../../src/db/database.ts'
import { becomeSpeaker, budgetLevel, pauseBudget, pausedMethods, pauseMethod, stopSpeaking, takeBudget, takeBudgets, type BucketShape } from '../../src/db/budgets.ts'
import { systemClock } from '../../src/clock.ts'
import { portalId } from '../../src/domain/ids.ts'
import { budgetOf } from '../../src/flows/portal-clients.ts'
import { openDatabase, type OpenDatabase } from './support.ts'

/** So slow that nothing leaks while a test runs. */
const still: BucketShape = { burst: 50, perSecond: 0.001 }

describe('budgets', () => {
  let base: OpenDatabase
  let other: OpenDatabase['db']
  let count = 0
  const newKey = (): string => `portal test-${++count}`
  /** As if so much time had passed; nobody waits for it. */
  const pass = async (key: string, seconds: number): Promise<unknown> =>
    base.query("update budgets set level_at = level_at - $2 * interval '1 s', paused_until = paused_until - $2 * interval '1 s', speaker_until = speaker_until - $2 * interval '1 s' where key = $1", [key, seconds])

  beforeAll(async () => {
    base = await openDatabase(6)
    // A second process, as far as the database can tell.
    other = createDatabase(base.connection, { poolSize: 6 }).db
  })
  afterAll(async () => {
    await other.destroy()
    await base.drop()
  })

  const one = async (key: string, shape: BucketShape, wanted: number): Promise<{ granted: number; waitMs: number }> => takeBudget(base.db, key, shape, wanted)
  const many = async (key: string, shape: BucketShape, wanted: number): Promise<{ granted: number; waitMs: number }> =>
    (await takeBudgets(base.db, [{ key, shape, wanted }])).get(key)!

  describe.each([['takeBudget', one], ['takeBudgets', many]] as const)('%s', (_, take) => {
    it('grants the burst at once and then nothing, with the time until one place is free', async () => {
      const key = newKey()
      expect(await take(key, still, 30)).toEqual({ granted: 30, waitMs: 0 })
      expect(await take(key, still, 30)).toEqual({ granted: 20, waitMs: 0 })
      const { granted, waitMs } = await take(key, still, 30)
      expect(granted).toBe(0)
      expect(waitMs).toBeGreaterThan(990_000)
      expect(waitMs).toBeLessThanOrEqual(1_000_000)
    })

    it('grants no more than the burst to the first who asks', async () => {
      expect(await take(newKey(), still, 70)).toEqual({ granted: 50, waitMs: 0 })
    })

    it('leaks by the second, in whole places, and never below empty', async () => {
      const shape = { burst: 10, perSecond: 0.05 }
      const key = newKey()
      await take(key, shape, 10)
      await pass(key, 30)
      expect((await take(key, shape, 10)).granted).toBe(1)
      await pass(key, 1_000)
      expect(await budgetLevel(base.db, key, shape)).toBe(0)
      expect((await take(key, shape, 99)).granted).toBe(10)
    })

    it('does not lose what leaks between requests that got nothing', async () => {
      const shape = { burst: 1, perSecond: 0.01 }
      const key = newKey()
      await take(key, shape, 1)
      for (let index = 0; index < 9; index++) {
        await pass(key, 10)
        expect((await take(key, shape, 1)).granted).toBe(0)
      }
      await pass(key, 10)
      expect((await take(key, shape, 1)).granted).toBe(1)
    })

    it('grants nothing from a paused bucket, says for how long, and leaks meanwhile', async () => {
      const shape = { burst: 10, perSecond: 1 }
      const key = newKey()
      await take(key, shape, 10)
      await pauseBudget(base.db, key, Date.now() + 60_000)
      const paused = await take(key, shape, 1)
      expect(paused.granted).toBe(0)
      expect(paused.waitMs).toBeGreaterThan(55_000)
      expect(paused.waitMs).toBeLessThanOrEqual(60_001)
      await pass(key, 61)
      expect(await take(key, shape, 10)).toEqual({ granted: 10, waitMs: 0 })
    })

    it('grants nothing from a bucket that was paused before it was ever used', async () => {
      const key = newKey()
      await pauseBudget(base.db, key, Date.now() + 60_000)
      expect((await take(key, still, 1)).granted).toBe(0)
    })
  })

  it('a later pause is not shortened by an earlier one', async () => {
    const key = newKey()
    await pauseBudget(base.db, key, Date.now() + 60_000)
    await pauseBudget(base.db, key, Date.now() + 1_000)
    expect((await takeBudget(base.db, key, still, 1)).waitMs).toBeGreaterThan(55_000)
  })

  it('two processes that take in parallel never get more than is allowed, one bucket', async () => {
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => takeBudget(index % 2 === 0 ? base.db : other, key, still, 3)))
    expect(answers.reduce((sum, { granted }) => sum + granted, 0)).toBe(still.burst)
    expect(await budgetLevel(base.db, key, still)).toBeGreaterThan(still.burst - 1)
  })

  it('two processes that take many buckets in opposite orders neither block each other nor get more than is allowed', async () => {
    const keys = Array.from({ length: 8 }, newKey)
    const wishes = keys.map((key) => ({ key, shape: still, wanted: 3 }))
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => takeBudgets(index % 2 === 0 ? base.db : other, index % 3 === 0 ? [...wishes].reverse() : wishes)),
    )
    for (const key of keys) expect(answers.reduce((sum, answer) => sum + answer.get(key)!.granted, 0)).toBe(still.burst)
  })

  it('both ways of taking share one bucket, and each bucket keeps its own shape', async () => {
    const [narrow, wide] = [newKey(), newKey()]
    await takeBudget(base.db, narrow, { burst: 2, perSecond: 0.001 }, 1)
    const answers = await takeBudgets(base.db, [{ key: wide, shape: still, wanted: 40 }, { key: narrow, shape: { burst: 2, perSecond: 0.001 }, wanted: 40 }])
    expect([answers.get(narrow)!.granted, answers.get(wide)!.granted]).toEqual([1, 40])
    expect(await takeBudgets(base.db, [])).toEqual(new Map())
  })

  it('one method of a portal is paused without the others', async () => {
    const key = newKey()
    expect(await pausedMethods(base.db, key)).toEqual({})
    const until = Date.now() + 60_000
    await Promise.all([pauseMethod(base.db, key, 'crm.item.get', until), pauseMethod(other, key, 'tasks.task.add', until + 1)])
    expect(await pausedMethods(base.db, key)).toEqual({ 'crm.item.get': until, 'tasks.task.add': until + 1 })
    expect((await takeBudget(base.db, key, still, 1)).granted).toBe(1)
  })

  it('a portal has one speaker: the one who is first, until it stops or its lease is over', async () => {
    const key = newKey()
    const won = await Promise.all(Array.from({ length: 6 }, async (_, index) => becomeSpeaker(index % 2 === 0 ? base.db : other, key, `s${index}`, 60_000)))
    expect(won.filter(Boolean)).toHaveLength(1)
    const first = `s${won.indexOf(true)}`
    expect(await becomeSpeaker(other, key, first, 60_000)).toBe(true)
    await stopSpeaking(base.db, key, 'somebody else')
    expect(await becomeSpeaker(base.db, key, 'next', 60_000)).toBe(false)
    await stopSpeaking(base.db, key, first)
    expect(await becomeSpeaker(base.db, key, 'next', 60_000)).toBe(true)
    await pass(key, 61)
    expect(await becomeSpeaker(base.db, key, 'after a crash', 60_000)).toBe(true)
  })

  it('work in the background leaves the last places of a portal to people who open a page', async () => {
    const id = portalId('of-people')
    const take = async (whose: 'work' | 'person'): Promise<boolean> => (await budgetOf(base.db, systemClock, id, whose).take({ methods: ['profile'] })) === 0
    const takeAll = async (whose: 'work' | 'person'): Promise<number> => {
      for (let taken = 0; ; taken++) if (!(await take(whose))) return taken
    }
    expect(await takeAll('work')).toBeGreaterThanOrEqual(36)
    expect(await takeAll('person')).toBeGreaterThanOrEqual(10)
    // What leaks now is for whoever waits before a page.
    await pass(`portal ${id}`, 2)
    expect([await take('work'), await take('person')]).toEqual([false, true])
  })
})
