import { describe, expect, it } from '@jest/globals'
import { channels } from '../../src/channels/registry.ts'
import { maxStepMinutes, maxSteps, possibleProofs, problemsOf, type ConnectionAbility, type RouteStep } from '../../src/domain/route.ts'
import { callTask, step } from './story.ts'

const ability: ConnectionAbility = { title: 'Бот', isUsable: true, receipts: ['accepted', 'acted'], hasButtons: true, needsTemplate: false, textLength: 100 }
const abilities: Readonly<Record<string, ConnectionAbility>> = {
  bot: ability,
  other: ability,
  sms: { ...ability, receipts: ['accepted', 'sent', 'delivered'], hasButtons: false },
  whatsapp: { ...ability, receipts: ['accepted', 'sent', 'delivered', 'read', 'acted'], needsTemplate: true },
  off: { ...ability, isUsable: false },
  manual: { ...ability, isManualOnly: true },
}
const problems = (...steps: readonly RouteStep[]): readonly string[] => problemsOf(steps, (id) => abilities[id]).map(({ step: index, code }) => `${index ?? 'route'}: ${code}`)
const template = { name: 'reminder', language: 'ru', parameters: [] }

describe('B3: a route that cannot work', () => {
  it('is told every reason, and one that can has none', () => {
    expect(problems(step('whatsapp', 'delivered', 60, { template }), step('bot', 'acted', 30, { buttons: true }), step('sms', 'delivered', 10), callTask())).toEqual([])
    expect(problems(step('bot', 'read', 0), step('off', 'accepted', 5))).toEqual(['0: minutesOutOfRange', '0: proofImpossible', '1: connectionOff'])
  })

  it.each<[string, readonly RouteStep[]]>([
    ['route: noSteps', []],
    ['route: tooManySteps', Array.from({ length: maxSteps + 1 }, (_, index) => ({ ...step('bot', 'accepted', 5), connectionId: `bot-${index}` as never }))],
    ['0: unknownConnection', [step('gone', 'accepted', 5)]],
    ['0: connectionOff', [step('off', 'accepted', 5)]],
    ['0: manualOnly', [step('manual', 'accepted', 5)]],
    ['0: proofImpossible', [step('bot', 'delivered', 5)]],
    ['0: proofImpossible', [step('sms', 'acted', 5)]],
    ['0: actedNeedsButtons', [step('sms', 'delivered', 5, { buttons: true })]],
    ['0: templateRequired', [step('whatsapp', 'delivered', 5)]],
    ['0: taskNotLast', [callTask(), step('bot', 'accepted', 5)]],
    ['0: minutesOutOfRange', [step('bot', 'accepted', 0)]],
    ['0: minutesOutOfRange', [step('bot', 'accepted', maxStepMinutes + 1)]],
    ['0: minutesOutOfRange', [step('bot', 'accepted', Number.NaN)]],
    ['0: textTooLong', [step('bot', 'accepted', 5, { text: 'я'.repeat(101) })]],
    ['1: sameConnectionTwice', [step('bot', 'accepted', 5), step('bot', 'acted', 5)]],
  ])('%s', (problem, steps) => expect(problems(...steps)).toContain(problem))

  it('two bots of one messenger are two connections', () => {
    expect(problems(step('bot', 'accepted', 5), step('other', 'accepted', 5))).toEqual([])
  })

  it('a task alone is a route', () => {
    expect(problems(callTask())).toEqual([])
  })
})

describe('the proofs that a step may wait for', () => {
  it('come weakest first', () => {
    expect(possibleProofs(['read', 'accepted', 'delivered'])).toEqual(['accepted', 'delivered', 'read'])
  })

  it('B3: bots of Telegram and MAX give no delivery receipt, so none is offered for them', () => {
    for (const id of ['telegram', 'max']) expect(channels.find((channel) => channel.id === id)!.receipts.filter((proof) => ['sent', 'delivered', 'read'].includes(proof))).toEqual([])
  })
})
