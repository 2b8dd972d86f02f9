import { describe, expect, it } from '@jest/globals'
import type { Candidate, IdentityView, PatientView, RunningDelivery, WriteWay } from '../../src/http/patient-schemas.ts'
import {
  accountsBadge,
  byTitle,
  canConfirm,
  candidatesOf,
  candidateTitle,
  initialsOf,
  isDoubtful,
  isSearchable,
  isSuspicious,
  logTitle,
  phoneTitle,
  proofBadge,
  standingOf,
} from '../../placements/patient/person/model.ts'
import { aboutOf, canMoveOn, linksOf, nextWords, pastLinksOf } from '../../placements/patient/relay/model.ts'
import { excessOf, formOf, inOrder, isOutcomeUnknown, limitOf, obstacleOf, wayOf } from '../../placements/patient/write/model.ts'
import type { Template } from '../../placements/shared/template.ts'

const title = { ru: 'Телеграм', en: 'Telegram' }
const account = (part: Partial<IdentityView> = {}): IdentityView => ({
  key: 'k',
  connectionId: 'c',
  channel: 'telegram',
  channelTitle: title,
  connectionName: 'Reception',
  state: 'active',
  canWrite: true,
  ...part,
})
const contact = { contactId: '57', name: 'Anna', phones: [] }
const chat = (part: Partial<NonNullable<PatientView['chat']>> = {}): NonNullable<PatientView['chat']> => ({ identity: account(), candidates: [], ...part })

describe('who the patient is', () => {
  it('is known by the card and, beside a chat, only with a proof of that very account', () => {
    expect(standingOf({ contact })).toBe('known')
    expect(standingOf({ contact, chat: chat({ identity: account({ proof: 'smsCode' }) }) })).toBe('known')
    expect(standingOf({ contact, chat: chat() })).toBe('unproved')
    expect(standingOf({ chat: chat({ identity: account({ proof: 'operator' }) }) })).toBe('unknown')
    expect(standingOf({})).toBe('empty')
  })

  it('warns before medical facts whenever it is not proved', () => {
    expect((['known', 'unproved', 'unknown', 'empty'] as const).map(isDoubtful)).toEqual([false, true, true, false])
  })

  it('is told by how it was proved, and never called proved without a proof', () => {
    expect(proofBadge(account({ proof: 'ownContact' }), 'en')).toEqual({ title: 'Shared own contact', isProved: true })
    expect(proofBadge(account(), 'ru').isProved).toBe(false)
    expect(accountsBadge([account(), account({ proof: 'phone' })], 'ru')).toEqual({ title: '1 мессенджер подтверждён', isProved: true })
    expect(accountsBadge([account()], 'ru')).toEqual({ title: 'Мессенджеры не привязаны', isProved: false })
    expect([2, 5, 11, 21, 22].map((count) => accountsBadge(Array<IdentityView>(count).fill(account({ proof: 'phone' })), 'ru').title)).toEqual([
      '2 мессенджера подтверждено',
      '5 мессенджеров подтверждено',
      '11 мессенджеров подтверждено',
      '21 мессенджер подтверждён',
      '22 мессенджера подтверждено',
    ])
  })

  it('can be confirmed by a person only where a phone was typed and nothing proved it', () => {
    const claim = { phone: '+79000000000', isPhoneProved: false, at: '2026-11-24T10:00:00Z' }
    expect(canConfirm({ chat: chat({ claim }) })).toBe(true)
    expect(canConfirm({ chat: chat({ claim: { ...claim, isPhoneProved: true } }) })).toBe(false)
    expect(canConfirm({ chat: chat({ claim: { name: 'Anna', isPhoneProved: false, at: claim.at } }) })).toBe(false)
    expect(canConfirm({ contact, chat: chat({ claim }) })).toBe(false)
    expect(canConfirm({ chat: chat() })).toBe(false)
  })

  it('can be chosen among the cards found, and the one tied to the chat without a proof is among them', () => {
    const found: Candidate = { contactId: '61', name: 'Peter' }
    expect(candidatesOf({ chat: chat({ candidates: [found] }) })).toEqual([found])
    expect(candidatesOf({ contact, chat: chat({ candidates: [found] }) }).map(({ contactId }) => contactId)).toEqual(['57', '61'])
    expect(candidatesOf({ contact: { ...contact, contactId: '61' }, chat: chat({ candidates: [found] }) })).toEqual([found])
  })

  it('reads names and phones as people do', () => {
    expect(['Иванова Мария Сергеевна', 'anna', '+7 900', '🌸 Маша', ''].map(initialsOf)).toEqual(['ИМ', 'A', '', 'М', ''])
    expect(phoneTitle('+79001234567')).toBe('+7 900 123-45-67')
    expect(phoneTitle('+375290000000')).toBe('+375290000000')
    const person: Candidate = { contactId: '1', name: 'Anna' }
    expect([candidateTitle(person), candidateTitle({ ...person, phone: '+79001234567' })]).toEqual(['Anna', 'Anna, +7 900 123-45-67'])
  })

  it('searches cards only for what can find one', () => {
    expect([' и ', 'Ив', '12', '900', '+7 9', ''].map(isSearchable)).toEqual([false, true, false, true, false, false])
  })

  it('names in the log what was done, how it was proved and by whom', () => {
    const line = { at: '2026-11-24T10:00:00Z', channelTitle: title, what: 'bound' as const, proof: 'startLink' as const, by: 'patient' }
    expect(logTitle(line, 'en')).toBe('Bound (opened the personal link) · Telegram')
    expect(logTitle({ at: line.at, what: 'merged', by: 'Olga' }, 'en')).toBe('Cards merged')
    expect(['patient', 'application', 'Olga'].map((by) => byTitle(by, 'ru'))).toEqual(['пациент', 'Эстафета', 'Olga'])
  })

  it('F45: a forged contact stands out in the log', () => {
    expect(isSuspicious({ what: 'forgedContact' })).toBe(true)
    expect(isSuspicious({ what: 'bound' })).toBe(false)
  })
})

const way = (key: string, part: Partial<WriteWay> = {}): WriteWay => ({
  way: key,
  channel: 'telegram',
  channelTitle: title,
  connectionName: 'Reception',
  isOpen: true,
  isProposed: false,
  reason: '',
  textLength: 100,
  needsTemplate: false,
  ...part,
})
const blank: Template = { name: '', language: 'ru', parameters: ['{text}'] }

describe('writing first', () => {
  const ways = [way('closed', { isOpen: false }), way('open'), way('best', { isProposed: true })]

  it('goes by the proposed way until another one is chosen', () => {
    expect(wayOf(ways, undefined)?.way).toBe('best')
    expect(wayOf(ways, 'open')?.way).toBe('open')
    expect(wayOf(ways, 'gone')?.way).toBe('best')
    expect(wayOf([way('closed', { isOpen: false }), way('open')], undefined)?.way).toBe('open')
    expect(wayOf([], undefined)).toBeUndefined()
  })

  it('does not change a chosen way under the hands of the writer when it closes', () => {
    expect(wayOf(ways, 'closed')?.way).toBe('closed')
    expect(obstacleOf(wayOf(ways, 'closed'), 'Hello', blank)).toBe('closed')
  })

  it('offers the proposed way first and the closed ones last', () => {
    expect(inOrder(ways).map((one) => one.way)).toEqual(['best', 'open', 'closed'])
  })

  it('counts as the server does and says how much is too much', () => {
    expect(excessOf(` ${'x'.repeat(100)}\n`, way('a'))).toBe(0)
    expect(excessOf('x'.repeat(103), way('a'))).toBe(3)
    expect(limitOf(way('a', { textLength: 100_000 }))).toBe(4096)
    expect(obstacleOf(way('a'), 'x'.repeat(101), blank)).toBe('long')
  })

  it('asks for a template only where a first message needs one', () => {
    const templated = way('t', { needsTemplate: true })
    const filled: Template = { name: ' visit ', language: 'ru', parameters: [' {text} '] }
    expect(obstacleOf(way('a'), 'Hello', blank)).toBeUndefined()
    expect(obstacleOf(way('a'), ' ', blank)).toBe('empty')
    expect(obstacleOf(undefined, 'Hello', blank)).toBe('noWay')
    expect(obstacleOf(templated, 'Hello', blank)).toBe('templateName')
    expect(obstacleOf(templated, 'Hello', { ...filled, language: 'r' })).toBe('templateLanguage')
    expect(obstacleOf(templated, 'Hello', { ...filled, parameters: ['a', ' '] })).toBe('templateParameter')
    expect(obstacleOf(templated, 'Hello', filled)).toBeUndefined()
    expect(formOf(templated, ' Hello ', filled)).toEqual({ way: 't', text: 'Hello', template: { name: 'visit', language: 'ru', parameters: ['{text}'] } })
    expect(formOf(way('a'), 'Hello', filled)).toEqual({ way: 'a', text: 'Hello' })
  })

  it('F05: silence after sending is not called a failure, which would be sent again', () => {
    expect(['NO_ANSWER', 'UNREADABLE', 'CHANNEL_REFUSED', 'NOT_PROVED'].map(isOutcomeUnknown)).toEqual([true, true, false, false])
  })
})

describe('a running relay', () => {
  const now = new Date('2026-11-24T10:00:00Z')
  const delivery = (part: Partial<RunningDelivery> = {}): RunningDelivery => ({
    id: 'd',
    startedAt: '2026-11-24T09:00:00Z',
    purpose: 'reminder',
    routeName: 'Day before',
    step: 1,
    dueAt: '2026-11-24T11:00:00Z',
    steps: [
      { title: 'WhatsApp', state: 'failed', reason: 'not registered' },
      { title: 'Telegram', state: 'out', proof: 'accepted' },
      { title: 'MAX', state: 'skipped' },
      { title: 'SMS', state: 'ahead' },
    ],
    ...part,
  })

  it('says of each step the best that is known: a reason, a proof, a state', () => {
    expect(linksOf(delivery(), 'en').map(({ words, tone, isCurrent }) => [words, tone, isCurrent])).toEqual([
      ['not registered', 'bad', false],
      ['accepted by the messenger', 'now', true],
      ['skipped', 'skipped', false],
      ['ahead', 'ahead', false],
    ])
  })

  it('shows a state that the page does not know instead of breaking', () => {
    expect(pastLinksOf({ steps: [{ title: 'X', state: 'constructor' }] }, 'en')).toEqual([{ title: 'X', words: 'constructor', tone: 'ahead', isCurrent: false }])
  })

  it('says when it goes on and where to, over skipped steps', () => {
    expect(nextWords(delivery(), now, 'en')).toContain('SMS')
    expect(nextWords(delivery({ step: 3 }), now, 'en')).toContain('Waiting for proof')
    expect(nextWords(delivery({ dueAt: undefined }), now, 'en')).toBe('')
  })

  it('can be handed on only while a step is ahead', () => {
    expect([canMoveOn(delivery()), canMoveOn(delivery({ step: 3 })), canMoveOn(delivery({ step: -1 }))]).toEqual([true, false, true])
  })

  it('names purpose and route, once when they are the same', () => {
    expect(aboutOf(delivery(), 'en')).toBe('Reminder · Day before')
    expect(aboutOf(delivery({ routeName: 'Reminder' }), 'en')).toBe('Reminder')
  })
})
