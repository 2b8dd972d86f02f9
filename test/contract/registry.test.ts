import { describe, expect, it } from '@jest/globals'
import { type Channel } from '../../src/channels/channel.ts'
import { channels } from '../../src/channels/registry.ts'

const all: readonly Channel[] = channels

describe('what is offered to be connected', () => {
  it('A6: MAX is the official bot and nothing else: no channel reaches it by a phone number', () => {
    const named = all.filter(({ id, title, family }) => [id, title.ru, title.en, family?.ru ?? '', family?.en ?? ''].some((text) => /max|макс/i.test(text)))
    expect(named.map(({ id, addressedBy, canStart, isGrey }) => ({ id, addressedBy, canStart, isGrey: isGrey === true }))).toEqual([
      { id: 'max', addressedBy: 'identity', canStart: 'afterPatientWrote', isGrey: false },
    ])
  })

  it('A6: no gateway asks for a number of MAX in its form', () => {
    for (const { id, fields } of all.filter(({ isGrey }) => isGrey === true)) {
      const asked = fields.filter(({ name, label, default: value }) => [name, label.ru, label.en, value ?? ''].some((text) => /\bmax\b|макс/i.test(text)))
      expect({ id, asked }).toEqual({ id, asked: [] })
    }
  })

  it('A5: MAX leads through the registration of a bot, with the time that it takes, in two languages', () => {
    const guide = all.find(({ id }) => id === 'max')!.guide!
    const [ru, en] = [guide.map((step) => step.ru).join(' '), guide.map((step) => step.en).join(' ')]
    for (const text of [ru, en]) expect(text).toMatch(/business\.max\.ru.*1-2.*48/)
    expect(guide.every((step) => /^[А-Я].*\.$/.test(step.ru) && /^[A-Z].*\.$/.test(step.en))).toBe(true)
  })
})
