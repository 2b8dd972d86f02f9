import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { claimIn, codeLifeMs, introduce, mostWrongCodes, readPhone, type Introduction, type IntroductionEffect, type IntroductionEvent } from '../../src/domain/introduction.ts'

const at = 1_700_000_000_000
const fresh: Introduction = { stage: 'new' }
const wrote = (text: string, more: Partial<Extract<IntroductionEvent, { type: 'wrote' }>> = {}): IntroductionEvent => ({ type: 'wrote', text, isGreeting: false, at, ...more })
const live = (events: readonly IntroductionEvent[], from: Introduction = fresh): { introduction: Introduction; effects: IntroductionEffect[] } =>
  events.reduce<{ introduction: Introduction; effects: IntroductionEffect[] }>(
    ({ introduction, effects }, event) => {
      const step = introduce(introduction, event)
      return { introduction: step.introduction, effects: [...effects, ...step.effects] }
    },
    { introduction: from, effects: [] },
  )
const saidIn = (effects: readonly IntroductionEffect[]): string[] => effects.flatMap((effect) => (effect.type === 'say' ? [effect.what] : []))
const findsIn = (effects: readonly IntroductionEffect[]) => effects.filter((effect) => effect.type === 'find')

describe('an unknown person', () => {
  it('is asked at the first message, and once', () => {
    const { introduction, effects } = live([wrote('Здравствуйте'), wrote('Когда приём?'), wrote('Алло')])
    expect(introduction.stage).toBe('asked')
    expect(saidIn(effects)).toEqual(['askContact'])
  })

  it('is asked again when the bot is started again', () => {
    expect(saidIn(live([wrote('/start', { isGreeting: true }), wrote('/start', { isGreeting: true })]).effects)).toEqual(['askContact', 'askContact'])
  })

  it('who shares their own number is looked for by it, as proved', () => {
    const { introduction, effects } = live([wrote('Добрый день'), { type: 'sharedContact', phone: '79001234567', isOwn: true, at }])
    expect(findsIn(effects)).toEqual([{ type: 'find', phone: '+79001234567', proof: 'ownContact' }])
    expect(introduction).toMatchObject({ stage: 'searching', claim: { phone: '+79001234567', isPhoneProved: true } })
  })

  it('F45: a card that is not proved to be their own is no claim at all', () => {
    const { introduction, effects } = live([wrote('Добрый день'), { type: 'sharedContact', phone: '79001234567', isOwn: false, at }])
    expect(findsIn(effects)).toEqual([])
    expect(introduction.claim).toBeUndefined()
    expect(effects).toContainEqual({ type: 'log', what: 'forgedContact' })
    expect(saidIn(effects)).toEqual(['askContact', 'notOwn'])
  })

  it('who types a phone gets a code there, and is found only after giving it back', () => {
    const first = live([wrote('Добрый день'), wrote('Иван Петров, 8 (900) 123-45-67')])
    expect(findsIn(first.effects)).toEqual([])
    expect(first.effects).toContainEqual({ type: 'sendCode', phone: '+79001234567' })
    const second = live([{ type: 'codeLeft', digest: 'right', at }, wrote('111222', { codeDigest: 'wrong' }), wrote('123456', { codeDigest: 'right' })], first.introduction)
    expect(saidIn(second.effects)).toEqual(['codeSent', 'codeWrong'])
    expect(findsIn(second.effects)).toEqual([{ type: 'find', phone: '+79001234567', proof: 'smsCode' }])
    expect(second.introduction.claim).toMatchObject({ name: 'Иван Петров', isPhoneProved: true })
  })

  it('who types a phone without asking is not asked first', () => {
    expect(live([wrote('Мария Иванова +7 900 123 45 67')]).effects).toContainEqual({ type: 'sendCode', phone: '+79001234567' })
  })

  it('whose codes are wrong too often is handed to an employee, and the right code is late then', () => {
    const from = live([wrote('8 900 123 45 67'), { type: 'codeLeft', digest: 'right', at }]).introduction
    const wrong = Array.from({ length: mostWrongCodes }, () => wrote('000000', { codeDigest: 'wrong' }))
    const { introduction, effects } = live([...wrong, wrote('123456', { codeDigest: 'right' })], from)
    expect(introduction.stage).toBe('waiting')
    expect(findsIn(effects)).toEqual([])
    expect(effects).toContainEqual({ type: 'tellOperator', what: 'claimed' })
  })

  it('whose code is too old is told so', () => {
    const from = live([wrote('8 900 123 45 67'), { type: 'codeLeft', digest: 'right', at }]).introduction
    const { effects } = live([wrote('123456', { codeDigest: 'right', at: at + codeLifeMs + 1 })], from)
    expect(saidIn(effects)).toEqual(['codeOver'])
    expect(findsIn(effects)).toEqual([])
  })

  it('to whom no code can be sent is handed to an employee', () => {
    const { introduction, effects } = live([wrote('8 900 123 45 67'), { type: 'codeImpossible' }])
    expect(introduction).toMatchObject({ stage: 'waiting', claim: { phone: '+79001234567', isPhoneProved: false } })
    expect(effects).toContainEqual({ type: 'tellOperator', what: 'claimed' })
  })

  it('whose messenger names the phone is looked for by it without a word', () => {
    expect(live([{ type: 'phoneGiven', phone: '+79001234567', at }]).effects).toEqual([{ type: 'find', phone: '+79001234567', proof: 'phone' }])
  })

  it('with a phone that several patients have waits for a person', () => {
    const { introduction, effects } = live([{ type: 'sharedContact', phone: '+79001234567', isOwn: true, at }, { type: 'ambiguous' }])
    expect(introduction.stage).toBe('waiting')
    expect(effects).toContainEqual({ type: 'tellOperator', what: 'ambiguous' })
  })

  it('who is known is never asked, searched or sent a code', () => {
    const events: IntroductionEvent[] = [wrote('Иван Петров 8 900 123 45 67'), { type: 'sharedContact', phone: '+79001234567', isOwn: true, at }, { type: 'phoneGiven', phone: '+79001234567', at }]
    expect(live(events, { stage: 'known' })).toEqual({ introduction: { stage: 'known' }, effects: [] })
  })
})

describe('whatever happens', () => {
  const event: fc.Arbitrary<IntroductionEvent> = fc.oneof(
    fc.record({ type: fc.constant('wrote' as const), text: fc.constantFrom('Здравствуйте', 'Иван Петров', '8 900 123 45 67', '123456', '+7 900 765 43 21', ''), isGreeting: fc.boolean(), codeDigest: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }), at: fc.integer({ min: at, max: at + 2 * codeLifeMs }) }),
    fc.record({ type: fc.constant('sharedContact' as const), phone: fc.constantFrom('+79001234567', '12', 'abc'), isOwn: fc.constant(false), at: fc.constant(at) }),
    fc.record({ type: fc.constant('codeLeft' as const), digest: fc.constant('a'), at: fc.constant(at) }),
    fc.constant<IntroductionEvent>({ type: 'codeImpossible' }),
    fc.constant<IntroductionEvent>({ type: 'denied' }),
  )

  it('nobody is looked for without a proof: only the code of the claimed phone, in its time, finds', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let introduction = fresh
        for (const next of events) {
          const step = introduce(introduction, next)
          for (const find of findsIn(step.effects)) {
            expect(find).toMatchObject({ proof: 'smsCode', phone: introduction.claim?.phone })
            expect(introduction.stage).toBe('codeSent')
            expect(next).toMatchObject({ type: 'wrote', codeDigest: introduction.code?.digest })
          }
          introduction = step.introduction
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a claim in a text', () => {
  it.each([
    ['Иван Петров 8 (900) 123-45-67', { name: 'Иван Петров', phone: '+79001234567' }],
    ['+7 900 123-45-67, Анна-Мария Иванова', { name: 'Анна-Мария Иванова', phone: '+79001234567' }],
    ['Мой номер 89001234567, перезвоните', { phone: '+79001234567' }],
    ['Иван Петров', { name: 'Иван Петров' }],
  ])('%s', (text, claim) => {
    expect(claimIn(text)).toEqual(claim)
  })

  it.each(['Здравствуйте', 'Когда приём?', 'Спасибо Большое Вам Всем', 'приём 12.05 в 10:00', '1234'])('%s holds none', (text) => {
    expect(claimIn(text)).toBeUndefined()
  })

  it.each(['+70000000000', '8 111 111 11 11', '0123456789', '9876543210', '12345', 'нет'])('F16: %s is nobody\'s phone', (text) => {
    expect(readPhone(text)).toBeUndefined()
  })
})
