import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { transition, type CascadeEvent } from '../../src/domain/cascade.ts'
import { type Attempt, type Delivery } from '../../src/domain/delivery.ts'
import { proofs } from '../../src/domain/receipt.ts'
import { live, type Case } from './simulation.ts'
import { accepted, acted, at, bounced, clinicSteps, leaving, looked, notification, receipt, woke } from './story.ts'

const lives = 30_000
const orders = 5_000

const aCase = (losesTimers: boolean): fc.Arbitrary<Case> =>
  fc.record({
    minutes: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 6 }),
    hasTask: fc.boolean(),
    proofs: fc.array(fc.nat(4), { minLength: 6, maxLength: 6 }),
    deadlineMinutes: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: -10, max: 400 })),
    stopsWhenDealMoves: fc.boolean(),
    losesTimers: fc.constant(losesTimers),
    choices: fc.array(fc.nat(9_999), { minLength: 0, maxLength: 400, size: 'max' }),
  })

describe('the cascade in a world that delays, repeats, reorders and loses', () => {
  it(`holds I1, I2, I3, B12 and says everything once, in ${lives.toLocaleString('en')} lives`, () => {
    const seen = { events: 0, ends: new Map<string, number>() }
    const count = (input: Case): void => {
      const { events, statuses } = live(input)
      seen.events += events
      const end = statuses.join(' > ')
      seen.ends.set(end, (seen.ends.get(end) ?? 0) + 1)
    }
    fc.assert(fc.property(aCase(false), count), { numRuns: lives - 6_000 })
    fc.assert(fc.property(aCase(true), count), { numRuns: 6_000 })
    // The simulation is worth something only if it gets everywhere.
    for (const end of ['running > reached', 'running > notReached', 'running > stopped', 'running > notReached > reached']) expect(seen.ends.get(end) ?? 0).toBeGreaterThan(50)
    expect(seen.events).toBeGreaterThan(lives * 10)
  })
})

/** Everything that receipts decide; what the cascade drew from it may depend on when it knew. */
const recordOf = (delivery: Delivery): Attempt => delivery.attempts[0]!
const told = (delivery: Delivery, events: readonly CascadeEvent[]): Delivery => events.reduce((current, event) => transition(current, event).delivery, delivery)

describe('I4: receipts', () => {
  const sending = told(notification([...clinicSteps]), [looked(at(0)), leaving(0, at(0))])
  const aReceipt = fc.oneof(
    { weight: 5, arbitrary: fc.record({ level: fc.constantFrom(...proofs.slice(1)), minutes: fc.integer({ min: 0, max: 59 }) }).map(({ level, minutes }) => receipt(0, level, at(minutes))) },
    { weight: 2, arbitrary: fc.record({ code: fc.constantFrom('a', 'b'), minutes: fc.integer({ min: 0, max: 59 }) }).map(({ code, minutes }) => bounced(0, at(minutes), code)) },
    { weight: 1, arbitrary: fc.record({ minutes: fc.integer({ min: 0, max: 59 }) }).map(({ minutes }) => acted(0, 'confirm', at(minutes))) },
  )

  it(`in any order and any repetition end in the same record, in ${orders.toLocaleString('en')} sets of them`, () => {
    fc.assert(
      fc.property(
        fc.array(aReceipt, { minLength: 1, maxLength: 7 }).chain((receipts) =>
          fc.record({
            receipts: fc.constant(receipts),
            // Each at least once, some again, all shuffled; the answer of the send comes somewhere among them (F09).
            shuffled: fc.array(fc.constantFrom(...receipts), { maxLength: 5 }).chain((again) => fc.shuffledSubarray([...receipts, ...again, accepted(0, at(1))], { minLength: receipts.length + again.length + 1 })),
          }),
        ),
        ({ receipts, shuffled }) => {
          const straight = told(sending, [accepted(0, at(1)), ...receipts])
          expect(recordOf(told(sending, shuffled))).toEqual(recordOf(straight))
        },
      ),
      { numRuns: orders },
    )
  })

  it('in any order end in the same status and the same triggers, once nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.array(aReceipt.filter((event) => event.type === 'receipt'), { minLength: 1, maxLength: 7 }).chain((receipts) => fc.record({ receipts: fc.constant(receipts), shuffled: fc.shuffledSubarray(receipts, { minLength: receipts.length }) })),
        ({ receipts, shuffled }) => {
          const [one, other] = [told(sending, receipts), told(sending, shuffled)]
          expect(other.status).toBe(one.status)
          expect([...other.fired].sort()).toEqual([...one.fired].sort())
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('before or after the cascade went on, the record is the same', () => {
    fc.assert(
      fc.property(fc.array(aReceipt, { minLength: 1, maxLength: 5 }), (receipts) => {
        const early = told(sending, [accepted(0, at(1)), ...receipts, woke(at(61)), looked(at(61))])
        const late = told(sending, [accepted(0, at(1)), woke(at(61)), looked(at(61)), ...receipts])
        expect(recordOf(late)).toEqual(recordOf(early))
      }),
      { numRuns: 500 },
    )
  })
})
