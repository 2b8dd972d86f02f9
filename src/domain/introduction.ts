/**
 * How an unknown person introduces themselves: the native contact button first, a typed name and phone second (D3, D4).
 *
 * Pure: `introduce(introduction, event)` gives the next state and what is to be done. A claim is never a proof: only a card that the
 * messenger vouches for, a code that came by SMS to the claimed phone, a personal start link, or a person at the clinic binds anything.
 */
import { normalizePhone } from './phone.ts'

/** What the person said of themselves. Epoch ms. */
export interface IntroductionClaim {
  readonly name?: string
  readonly phone?: string
  readonly isPhoneProved: boolean
  readonly at: number
}

/**
 * - `new` - was never asked;
 * - `asked` - has been asked, once;
 * - `codeSent` - a code is on its way to the claimed phone;
 * - `searching` - a proved phone is being looked up;
 * - `waiting` - a person at the clinic decides;
 * - `known` - bound to a contact.
 */
export interface Introduction {
  readonly stage: 'new' | 'asked' | 'codeSent' | 'searching' | 'waiting' | 'known'
  readonly claim?: IntroductionClaim
  readonly code?: { readonly digest: string; readonly expiresAt: number; readonly wrongTries: number }
}

export type IntroductionEvent =
  /** Any message of the person. `codeDigest` is of the digits in it, when it is nothing else. */
  | { readonly type: 'wrote'; readonly text: string; readonly isGreeting: boolean; readonly codeDigest?: string; readonly at: number }
  | { readonly type: 'sharedContact'; readonly phone: string; readonly isOwn: boolean; readonly name?: string; readonly at: number }
  /** The messenger itself names the phone. */
  | { readonly type: 'phoneGiven'; readonly phone: string; readonly at: number }
  | { readonly type: 'codeLeft'; readonly digest: string; readonly at: number }
  /** No code can be sent: no SMS connection, or too many were. */
  | { readonly type: 'codeImpossible' }
  | { readonly type: 'ambiguous' }
  /** The person pressed "this is not me", or an employee took the account from the card. */
  | { readonly type: 'denied' }

export type IntroductionEffect =
  | { readonly type: 'say'; readonly what: 'askContact' | 'askPhone' | 'notOwn' | 'badPhone' | 'codeSent' | 'codeWrong' | 'codeOver' | 'operatorHelps' | 'sorry' }
  | { readonly type: 'find'; readonly phone: string; readonly proof: 'ownContact' | 'phone' | 'smsCode' }
  | { readonly type: 'sendCode'; readonly phone: string }
  /** An employee is to look: the person cannot be told apart, or cannot prove the phone. */
  | { readonly type: 'tellOperator'; readonly what: 'claimed' | 'ambiguous' | 'denied' }
  | { readonly type: 'log'; readonly what: 'asked' | 'claimed' | 'codeWrong' | 'forgedContact' | 'ambiguous' | 'notMe' }

export interface IntroductionStep {
  readonly introduction: Introduction
  readonly effects: readonly IntroductionEffect[]
}

export const codeLifeMs = 10 * 60_000
export const mostWrongCodes = 3

export const introduce = (introduction: Introduction, event: IntroductionEvent): IntroductionStep => {
  switch (event.type) {
    case 'wrote':
      return onWrote(introduction, event)
    case 'sharedContact':
      return onSharedContact(introduction, event)
    case 'phoneGiven': {
      const phone = readPhone(event.phone)
      if (phone === undefined || !isOpen(introduction) || introduction.stage === 'searching') return same(introduction)
      return search(introduction, { phone, isPhoneProved: true, at: event.at }, 'phone')
    }
    case 'codeLeft':
      if (introduction.claim === undefined) return same(introduction)
      return {
        introduction: { stage: 'codeSent', claim: introduction.claim, code: { digest: event.digest, expiresAt: event.at + codeLifeMs, wrongTries: 0 } },
        effects: [{ type: 'say', what: 'codeSent' }],
      }
    case 'codeImpossible':
      return handOver(introduction, 'claimed')
    case 'ambiguous':
      return { introduction: { ...introduction, stage: 'waiting', code: undefined }, effects: [{ type: 'say', what: 'operatorHelps' }, { type: 'tellOperator', what: 'ambiguous' }, { type: 'log', what: 'ambiguous' }] }
    case 'denied':
      return { introduction: { stage: 'waiting' }, effects: [{ type: 'say', what: 'sorry' }, { type: 'tellOperator', what: 'denied' }, { type: 'log', what: 'notMe' }] }
    default:
      return event satisfies never
  }
}

const same = (introduction: Introduction): IntroductionStep => ({ introduction, effects: [] })
const isOpen = ({ stage }: Introduction): boolean => stage !== 'known'

const search = (introduction: Introduction, claim: IntroductionClaim, proof: 'ownContact' | 'phone' | 'smsCode'): IntroductionStep => ({
  introduction: { stage: 'searching', claim: { name: introduction.claim?.name, ...claim } },
  effects: [{ type: 'find', phone: claim.phone!, proof }],
})

const handOver = (introduction: Introduction, what: 'claimed'): IntroductionStep => ({
  introduction: { ...introduction, stage: 'waiting', code: undefined },
  effects: [{ type: 'say', what: 'operatorHelps' }, { type: 'tellOperator', what }],
})

const onSharedContact = (introduction: Introduction, { phone: given, isOwn, name, at }: Extract<IntroductionEvent, { type: 'sharedContact' }>): IntroductionStep => {
  if (!isOpen(introduction)) return same(introduction)
  // Anybody else's card would open somebody else's data: it counts for nothing, not even as a claim (F45).
  if (!isOwn) return { introduction: { ...introduction, stage: introduction.stage === 'new' ? 'asked' : introduction.stage }, effects: [{ type: 'say', what: 'notOwn' }, { type: 'log', what: 'forgedContact' }] }
  const phone = readPhone(given)
  if (phone === undefined) return { introduction, effects: [{ type: 'say', what: 'badPhone' }] }
  return search(introduction, { ...(name === undefined ? {} : { name }), phone, isPhoneProved: true, at }, 'ownContact')
}

const onWrote = (introduction: Introduction, event: Extract<IntroductionEvent, { type: 'wrote' }>): IntroductionStep => {
  const { text, isGreeting, at, codeDigest } = event
  if (introduction.stage === 'known' || introduction.stage === 'searching') return same(introduction)
  if (introduction.stage === 'codeSent' && codeDigest !== undefined) return onCode(introduction, codeDigest, at)
  if (introduction.stage === 'new') {
    const claimed = claimIn(text)
    // Whoever introduces themselves unasked need not be asked.
    if (claimed?.phone !== undefined) return claimPhone(introduction, { ...claimed, isPhoneProved: false, at })
    return { introduction: { stage: 'asked' }, effects: [{ type: 'say', what: 'askContact' }, { type: 'log', what: 'asked' }] }
  }
  // Starting the bot again is a wish to be asked again.
  if (isGreeting && introduction.stage === 'asked') return { introduction, effects: [{ type: 'say', what: 'askContact' }] }
  if (introduction.stage === 'waiting') return same(introduction)
  const claimed = claimIn(text)
  if (claimed?.phone !== undefined) {
    return claimPhone(introduction, { ...claimed, isPhoneProved: false, at })
  }
  if (claimed?.name !== undefined && introduction.claim?.name === undefined && introduction.stage === 'asked') {
    return { introduction: { ...introduction, claim: { name: claimed.name, isPhoneProved: false, at } }, effects: [{ type: 'say', what: 'askPhone' }] }
  }
  return same(introduction)
}

const claimPhone = (introduction: Introduction, claim: IntroductionClaim): IntroductionStep => ({
  introduction: { stage: 'asked', claim: { ...claim, ...(claim.name === undefined && introduction.claim?.name !== undefined ? { name: introduction.claim.name } : {}) } },
  effects: [{ type: 'sendCode', phone: claim.phone! }, { type: 'log', what: 'claimed' }],
})

const onCode = (introduction: Introduction, digest: string, at: number): IntroductionStep => {
  const { code, claim } = introduction
  if (code === undefined || claim?.phone === undefined) return same(introduction)
  if (at > code.expiresAt) return { introduction: { stage: 'asked', claim }, effects: [{ type: 'say', what: 'codeOver' }] }
  if (digest === code.digest) return search(introduction, { ...claim, isPhoneProved: true, at }, 'smsCode')
  const wrongTries = code.wrongTries + 1
  const wrong = { type: 'log', what: 'codeWrong' } as const
  if (wrongTries >= mostWrongCodes) {
    const over = handOver(introduction, 'claimed')
    return { introduction: over.introduction, effects: [...over.effects, wrong] }
  }
  return { introduction: { ...introduction, code: { ...code, wrongTries } }, effects: [{ type: 'say', what: 'codeWrong' }, wrong] }
}

/** A phone that can be somebody's: numbers of one digit only, and counting ones, are what people type to get rid of a question (F16). */
export const readPhone = (given: string): string | undefined => {
  const phone = normalizePhone(given)
  if (phone === undefined) return undefined
  const digits = phone.replace(/\D/g, '')
  const own = digits.slice(-9)
  if (/^(\d)\1+$/.test(own) || '01234567890123456789'.includes(own) || '98765432109876543210'.includes(own)) return undefined
  return phone
}

const phoneInText = /(?:\+|\b)[\d][\d\s().-]{8,20}\d\b/

/** Name and phone in a typed text; undefined when it holds neither. A text that is more than a name and a phone is talk, and only its phone counts. */
export const claimIn = (text: string): { name?: string; phone?: string } | undefined => {
  const found = phoneInText.exec(text)
  const phone = found === null ? undefined : readPhone(found[0])
  const rest = (found === null ? text : text.replace(found[0], ' ')).replace(/[,;.]+/g, ' ').replace(/\s+/g, ' ').trim()
  const isName = /^\p{Lu}[\p{L}'-]+(?: \p{Lu}[\p{L}'-]+){0,2}$/u.test(rest) && rest.length <= 60 && (phone !== undefined || rest.includes(' '))
  if (phone === undefined && !isName) return undefined
  return { ...(isName ? { name: rest } : {}), ...(phone === undefined ? {} : { phone }) }
}
