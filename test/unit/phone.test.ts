import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { normalizePhone, spellingsOf } from '../../src/domain/phone.ts'

describe('a phone', () => {
  const one = '+79161234567'
  it.each(['+79161234567', '79161234567', '89161234567', '9161234567', '8 (916) 123-45-67', '+7 916 123 45 67', ' +7(916)1234567 ', 'внук 89161234567', 'добавочный: 89161234567', '8-916-123-45-67', '+7\u00a0916\u00a0123\u00a045\u00a067'])(
    'F11: is one number in every Russian spelling: %s',
    (spelling) => expect(normalizePhone(spelling)).toBe(one),
  )

  it.each(['8 916 123-45-67 доб. 12', '8 916 123-45-67 Доб 12', '8 916 123-45-67доб12', '8 916 123-45-67 вн. 12', '8 916 123-45-67 ext. 12', '8 916 123-45-67 EXT12'])('an extension is not a part of it: %s', (spelling) =>
    expect(normalizePhone(spelling)).toBe(one),
  )

  it.each(['89161234567, 89260000000', '89161234567; 8 926 000-00-00', '89161234567/89260000000', '89161234567\n89260000000'])('F44: of several in one field the first counts: %s', (field) =>
    expect(normalizePhone(field)).toBe(one),
  )

  it.each(['', 'нет', '-', '112', '12-34-56', '123456789', '1234567890123456', '89161234567 89260000000', 'ул. Ленина, 8 916 123 45 67'])('F16: what is not one is nothing: %j', (field) =>
    expect(normalizePhone(field)).toBeUndefined(),
  )

  it.each([['+49 30 901820', '+4930901820'], ['+375 29 123-45-67', '+375291234567'], ['375291234567', '+375291234567'], ['+1 (415) 555-26-71', '+14155552671'], ['+84 24 3825 253', '+84243825253'], ['+8613800138000', '+8613800138000']])(
    'of another country keeps its code: %s',
    (spelling, phone) => expect(normalizePhone(spelling)).toBe(phone),
  )

  it('is the same when normalized again, and its spellings are itself', () => {
    const digits = fc.array(fc.nat(9), { minLength: 9, maxLength: 14 }).map((tail) => tail.join(''))
    fc.assert(
      fc.property(fc.constantFrom('+', '', '8', '7', '+7'), digits, (prefix, tail) => {
        const phone = normalizePhone(prefix + tail)
        fc.pre(phone !== undefined)
        expect(phone).toMatch(/^\+\d{10,15}$/)
        expect(normalizePhone(phone)).toBe(phone)
      }),
      { numRuns: 2_000 },
    )
    for (const spelling of spellingsOf(one)) expect(normalizePhone(spelling)).toBe(one)
  })

  it('is searched in the spellings that cards hold', () => {
    expect(spellingsOf(one)).toEqual(['+79161234567', '79161234567', '89161234567'])
    expect(spellingsOf('+375291234567')).toEqual(['+375291234567', '375291234567'])
  })
})
