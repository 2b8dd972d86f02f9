import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readAnswer } from '../../src/bitrix/answer.ts'
import { BitrixError } from '../../src/bitrix/errors.ts'
import { lineNameOf, sendMessagesCommand, sentMessagesOf } from '../../src/bitrix/open-lines.ts'
import { vector } from './vectors.ts'

const resultOf = (name: string): any => vector(name).response!.body.result
const failureOf = (body: unknown, method = 'imconnector.send.messages'): BitrixError => {
  try {
    readAnswer(body, method, 200)
  } catch (error) {
    if (error instanceof BitrixError) return error
  }
  throw new Error('The answer was expected to be a refusal.')
}

describe('a name in a line', () => {
  it.each([
    ['Анна Иванова', 'Анна Иванова'],
    ["  Anne-Marie O'Neill 🌸 ", "Anne-Marie O'Neill"],
    ['Ольга👩‍⚕️Петровна', 'Ольга Петровна'],
    ['O’Brien', "O'Brien"],
    ['𝓐𝓷𝓷𝓪', 'Anna'],
    ['+7 916 123-45-67', undefined],
    ['user_2024', 'user'],
    ['🌸', undefined],
    ['--', undefined],
    ['', undefined],
    [undefined, undefined],
    ['Константин Константинопольский', 'Константин Константинопол'],
    ['Абвгдеёжзийклмнопрстуфхц - ш', 'Абвгдеёжзийклмнопрстуфхц'],
  ])('%j is %j', (given, expected) => {
    expect(lineNameOf(given)).toBe(expected)
  })

  it('is never refused by the portal, and cleaning it again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (name) => {
        const clean = lineNameOf(name)
        if (clean === undefined) return
        expect(Array.from(clean).length).toBeLessThanOrEqual(25)
        expect(clean).toMatch(/^\p{L}[\p{L} '-]*$/u)
        expect(lineNameOf(clean)).toBe(clean)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a message for a line', () => {
  it.each([['c1', 'c1'], ['p|1', 'c1'], ['p1', 'c|1']])('F12: is refused when person and chat have one id, or an id that the portal cannot keep apart: %s, %s', (userId, chatId) => {
    expect(() => sendMessagesCommand('k', { connector: 'estafeta_max', line: 1, messages: [{ user: { id: userId }, message: { id: 'm1', text: 'x' }, chat: { id: chatId } }] })).toThrow(RangeError)
  })

  it('leaves out what there is not, and never sends a name that would be refused', () => {
    const [sent] = sendMessagesCommand('k', {
      connector: 'estafeta_max', line: 1, messages: [{ user: { id: 'p1', name: '🌸' }, message: { id: 'm1', text: '', files: [], disableCrm: false }, chat: { id: 'c1' } }],
    }).params.MESSAGES as any[]
    expect(JSON.parse(JSON.stringify(sent))).toEqual({ user: { id: 'p1' }, message: { id: 'm1' }, chat: { id: 'c1' } })
  })
})

describe('what became of messages', () => {
  it('is told for each, with the ids that the portal gave', () => {
    expect(sentMessagesOf(resultOf('call.imconnector.send.messages.ok'), 1)).toEqual([{ ok: true, userId: 585, sessionId: 323, chatId: 1767 }])
    expect(sentMessagesOf(resultOf('call.imconnector.update.messages.ok'), 1)).toEqual([{ ok: true, userId: 585, sessionId: undefined, chatId: undefined }])
    expect(sentMessagesOf(resultOf('call.imconnector.delete.messages.ok'), 1)).toEqual([{ ok: true, userId: 585, sessionId: undefined, chatId: undefined }])
  })

  it('is a failure where the call succeeded and the message did not', () => {
    const items = [
      { user: '1', SUCCESS: true, session: { ID: '3', CHAT_ID: '4' } },
      { SUCCESS: false, ERRORS: [{ code: 'NOT_ACTIVE_LINE', message: 'Line is off for +79160000001' }] },
      { SUCCESS: false, ERRORS: ['Something about anna@example.com'] },
      { SUCCESS: 'N', ERRORS: [] },
    ]
    const outcomes = sentMessagesOf({ SUCCESS: true, DATA: { RESULT: items } }, 5)
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.chatId : [outcome.error.bitrixCode, outcome.error.action, outcome.error.outcome]))).toEqual([
      4,
      ['NOT_ACTIVE_LINE', 'connectLine', 'rejected'],
      [expect.any(String), 'giveUp', 'rejected'],
      ['RESULT_FALSE', 'giveUp', 'rejected'],
      ['NO_ANSWER', 'backOff', 'unknown'],
    ])
    expect(JSON.stringify(outcomes)).not.toMatch(/9160000001|anna@/)
  })

  it('stays with its message when PHP leaves one out', () => {
    expect(sentMessagesOf({ SUCCESS: true, DATA: { RESULT: { 1: { user: '2', SUCCESS: true } } } }, 2).map(({ ok }) => ok)).toEqual([false, true])
    expect(sentMessagesOf({ SUCCESS: true, DATA: { RESULT: [] } }, 1).map(({ ok }) => ok)).toEqual([false])
  })

  it('cannot be told from an answer of another shape', () => {
    expect(() => sentMessagesOf({ SUCCESS: true, DATA: [] }, 1)).toThrow(expect.objectContaining({ bitrixCode: 'UNREADABLE_ANSWER', outcome: 'unknown' }))
  })
})

describe('refusals that come with HTTP 200', () => {
  it('of a whole call to a line are refusals, with their code', () => {
    expect(failureOf({ result: { SUCCESS: false, ERRORS: [{ code: 'NOT_ACTIVE_LINE', message: 'off' }] } })).toMatchObject({ bitrixCode: 'NOT_ACTIVE_LINE', action: 'connectLine', retryable: true })
    expect(failureOf({ result: { SUCCESS: false, DATA: [] } }, 'imconnector.send.status.delivery')).toMatchObject({ bitrixCode: 'RESULT_FALSE', outcome: 'rejected' })
    expect(failureOf({ result: { SUCCESS: false, ERRORS: ['IMCONNECTOR_NO_CORRECT_PROVIDER'], DATA: {} } })).toMatchObject({ action: 'connectLine' })
  })

  it('of single messages leave the call alone', () => {
    const result = { SUCCESS: false, DATA: { RESULT: [{ SUCCESS: false, ERRORS: [] }] } }
    expect(readAnswer({ result }, 'imconnector.send.messages', 200).answer.result).toEqual(result)
    expect(readAnswer({ result: { SUCCESS: true, DATA: [] } }, 'imconnector.send.status.delivery', 200).answer.result).toEqual({ SUCCESS: true, DATA: [] })
  })

  it('of a registration are nested', () => {
    expect(readAnswer(vector('call.imconnector.register.ok').response!.body, 'imconnector.register', 200).answer.result).toEqual({ result: true })
    expect(failureOf({ result: { result: false, error: 'ICON_REQUIRED', error_description: 'Icon?' } }, 'imconnector.register')).toMatchObject({ bitrixCode: 'ICON_REQUIRED', action: 'giveUp' })
  })
})
