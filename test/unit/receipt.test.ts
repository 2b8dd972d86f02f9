import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { proofs, proves, rankOf, strongest, withProofTime, type ProofTimes } from '../../src/domain/receipt.ts'

describe('proofs', () => {
  it('stand in one order: accepted, sent, delivered, read, acted', () => {
    expect(proofs.map(rankOf)).toEqual([0, 1, 2, 3, 4])
    expect(proves('read', 'delivered')).toBe(true)
    expect(proves('delivered', 'delivered')).toBe(true)
    expect(proves('sent', 'delivered')).toBe(false)
    expect(proves(undefined, 'accepted')).toBe(false)
  })

  it('I4: the strongest is the same in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...proofs), { minLength: 1 }), (levels) => {
        const merge = (some: typeof levels) => some.reduce<(typeof levels)[number] | undefined>((best, level) => strongest(best, level), undefined)
        expect(merge(levels.toReversed())).toBe(merge(levels))
      }),
    )
  })

  it('I4: each level keeps the earliest time that was told, and the same object when nothing is new', () => {
    expect(withProofTime({}, 'read', 5)).toEqual({ read: 5 })
    expect(withProofTime({ read: 5 }, 'read', 3)).toEqual({ read: 3 })
    const known: ProofTimes = { read: 5 }
    expect(withProofTime(known, 'read', 5)).toBe(known)
    expect(withProofTime(known, 'read', 9)).toBe(known)
    expect(withProofTime(known, 'delivered', 9)).toEqual({ read: 5, delivered: 9 })
  })
})
