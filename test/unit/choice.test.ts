import { describe, expect, it } from '@jest/globals'
import { closedBy, needsTemplateAt, proposedOf, reasonOf, type WayFacts } from '../../src/domain/choice.ts'

const now = Date.UTC(2026, 10, 24, 10)
const day = 24 * 3600_000
const way = (change: Partial<WayFacts> = {}): WayFacts => ({ connection: 'working', isProved: true, isBlocked: false, needsTemplate: false, ...change })
const sms = way({ byCard: 'phone' })
const whatsapp = way({ byCard: 'phone', needsTemplate: true })

describe('the way that is proposed', () => {
  it('is the messenger last written from, wherever it stands', () => {
    expect(proposedOf([whatsapp, way({ lastInboundAt: now - day }), way({ lastInboundAt: now - 1 }), sms])).toBe(2)
  })

  it('is an account before a phone, and what takes a text before what wants a template', () => {
    expect(proposedOf([sms, way()])).toBe(1)
    expect(proposedOf([whatsapp, sms])).toBe(1)
    expect(proposedOf([way({ needsTemplate: true, lastInboundAt: now - 5 * day }), sms])).toBe(1)
    expect(proposedOf([whatsapp])).toBe(0)
  })

  it('is never closed: an older open one comes before a newer one that is shut', () => {
    for (const shut of [{ isBlocked: true }, { isProved: false }, { connection: 'off' }, { connection: 'broken' }] as const) {
      expect(proposedOf([way({ lastInboundAt: now, ...shut }), way({ lastInboundAt: now - day })])).toBe(1)
      expect(proposedOf([way({ lastInboundAt: now, ...shut })])).toBe(-1)
    }
    expect(proposedOf([])).toBe(-1)
  })
})

describe('a way', () => {
  it('I5: of an account that is not proved is closed before everything else', () => {
    expect(closedBy(way({ isProved: false, connection: 'off', isBlocked: true }))).toBe('notProved')
  })

  it('says why it is proposed, open or closed', () => {
    expect([reasonOf(way({ lastInboundAt: now }), true), reasonOf(way({ lastInboundAt: now }), false), reasonOf(way(), true), reasonOf(sms, false), reasonOf(whatsapp, true), reasonOf(way({ connection: 'broken' }), false), reasonOf(way({ isBlocked: true }), false), reasonOf(way({ connection: 'off' }), false)]).toEqual([
      'wroteLast', 'wrote', 'proved', 'byPhone', 'template', 'connectionBroken', 'blocked', 'connectionOff',
    ])
  })

  it('wants a template only where the messenger does, and only when the patient was silent for a day', () => {
    expect(needsTemplateAt('template', undefined, now)).toBe(true)
    expect(needsTemplateAt('template', now - day, now)).toBe(true)
    expect(needsTemplateAt('template', now - day + 120_000, now)).toBe(false)
    for (const canStart of ['anyone', 'afterPatientWrote'] as const) expect(needsTemplateAt(canStart, undefined, now)).toBe(false)
  })
})
