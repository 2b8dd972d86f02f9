import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isTimeZone, offsetMinutes, readMoment } from '../../src/domain/time.ts'

const moscow = (text: string): string | undefined => {
  const found = readMoment(text, 'Europe/Moscow')
  return found === undefined ? undefined : new Date(found).toISOString()
}

describe('a deadline', () => {
  it.each([
    ['25.11.2026 20:00', '2026-11-25T17:00:00.000Z'],
    ['25.11.2026 20:00:30', '2026-11-25T17:00:30.000Z'],
    [' 5.1.2027 9:05 ', '2027-01-05T06:05:00.000Z'],
    ['2026-11-25 20:00', '2026-11-25T17:00:00.000Z'],
    ['2026-11-25T20:00:00', '2026-11-25T17:00:00.000Z'],
    ['2026-11-25T20:00:00+03:00', '2026-11-25T17:00:00.000Z'],
    ['2026-11-25T20:00:00+0500', '2026-11-25T15:00:00.000Z'],
    ['2026-11-25 20:00:00+05:00', '2026-11-25T15:00:00.000Z'],
    ['2026-11-25T20:00:00Z', '2026-11-25T20:00:00.000Z'],
    ['2026-11-25T20:00:00.123Z', '2026-11-25T20:00:00.123Z'],
  ])('is read as people and robots write it: %s', (text, expected) => expect(moscow(text)).toBe(expected))

  it.each([['25.11.2026', '2026-11-25T20:59:00.000Z'], ['2026-11-25', '2026-11-25T20:59:00.000Z']])('without a time is the end of the day: %s', (text, expected) => expect(moscow(text)).toBe(expected))

  it.each(['', 'завтра', '31.02.2026 10:00', '32.01.2026', '00.01.2026', '10.13.2026', '10.00.2026', '25.11.2026 25:00', '25.11.2026 20:75', '25.11.2026 20:00:61', '2026-13-01T10:00:00Z', '2026-11-31', '20:00', '25.11.26 10:00'])(
    'that is none is nothing: %j',
    (text) => expect(moscow(text)).toBeUndefined(),
  )

  it('is read by the clinic\'s own wall clock', () => {
    expect(readMoment('25.11.2026 20:00', 'Asia/Vladivostok')).toBe(Date.parse('2026-11-25T10:00:00Z'))
    expect(readMoment('25.11.2026 20:00', 'Asia/Kolkata')).toBe(Date.parse('2026-11-25T14:30:00Z'))
    expect(readMoment('25.11.2026 20:00', 'America/New_York')).toBe(Date.parse('2026-11-26T01:00:00Z'))
  })
})

describe('zones with summer time', () => {
  it.each([
    ['Europe/Berlin', '29.03.2026 01:59', '2026-03-29T00:59:00Z'],
    ['Europe/Berlin', '29.03.2026 03:00', '2026-03-29T01:00:00Z'],
    ['Europe/Berlin', '28.03.2026 20:00', '2026-03-28T19:00:00Z'],
    ['Europe/Berlin', '29.03.2026 20:00', '2026-03-29T18:00:00Z'],
    ['Europe/Berlin', '25.10.2026 01:59', '2026-10-24T23:59:00Z'],
    ['Europe/Berlin', '25.10.2026 03:00', '2026-10-25T02:00:00Z'],
    ['America/New_York', '08.03.2026 01:59', '2026-03-08T06:59:00Z'],
    ['America/New_York', '08.03.2026 03:00', '2026-03-08T07:00:00Z'],
    ['America/New_York', '01.11.2026 02:00', '2026-11-01T07:00:00Z'],
  ])('%s %s', (zone, text, expected) => expect(readMoment(text, zone)).toBe(Date.parse(expected)))

  it('a time that the clocks jump over is not far from it', () => {
    for (const [zone, text] of [['Europe/Berlin', '29.03.2026 02:30'], ['America/New_York', '08.03.2026 02:30']] as const) {
      const found = readMoment(text, zone)!
      const jump = zone === 'Europe/Berlin' ? Date.parse('2026-03-29T01:00:00Z') : Date.parse('2026-03-08T07:00:00Z')
      expect(Math.abs(found - jump)).toBeLessThanOrEqual(3600_000)
    }
  })

  it('a time that comes twice is one of the two', () => {
    expect([Date.parse('2026-10-25T00:30:00Z'), Date.parse('2026-10-25T01:30:00Z')]).toContain(readMoment('25.10.2026 02:30', 'Europe/Berlin'))
  })

  it('what a wall clock shows is read back as what it shows', () => {
    const zones = ['Europe/Moscow', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Asia/Vladivostok', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Apia', 'UTC']
    const wallOf = (moment: number, zone: string): string => new Date(moment + offsetMinutes(moment, zone) * 60_000).toISOString().slice(0, 19)
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: Date.UTC(2020, 0, 1) / 1000, max: Date.UTC(2035, 0, 1) / 1000 }), (zone, seconds) => {
        const wall = wallOf(seconds * 1000, zone)
        expect(wallOf(readMoment(wall, zone)!, zone)).toBe(wall)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('offsets and names of zones', () => {
  it('are known', () => {
    expect(offsetMinutes(Date.UTC(2026, 0, 1), 'Europe/Moscow')).toBe(180)
    expect(offsetMinutes(Date.UTC(2026, 6, 1), 'Europe/Berlin')).toBe(120)
    expect(offsetMinutes(Date.UTC(2026, 0, 1, 0, 0, 0, 999), 'Asia/Kathmandu')).toBe(345)
    expect(offsetMinutes(Date.UTC(2026, 0, 1), 'America/St_Johns')).toBe(-210)
    expect(isTimeZone('Europe/Moscow')).toBe(true)
    expect(isTimeZone('Mars/Olympus')).toBe(false)
    expect(isTimeZone('')).toBe(false)
  })
})
