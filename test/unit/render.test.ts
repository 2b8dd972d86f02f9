import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { attemptId, deliveryId, deliveryOf } from '../../src/domain/ids.ts'
import { answers, fillIn } from '../../src/domain/message.ts'
import { payloadOf, readPayload, render } from '../../src/domain/render.ts'
import { maxSteps } from '../../src/domain/route.ts'
import { v7 } from '../../src/flows/uuid.ts'

const variables = { text: 'Ждём вас завтра в 10:00', name: 'Анна' }
const bot = { textLength: 4096, hasButtons: true, freeText: true }
const attempt = attemptId(deliveryId(v7(Date.UTC(2026, 10, 24))), 1)
const template = { name: 'reminder', language: 'ru', parameters: ['{name}', '{text}', 'клиника'] }

describe('B6: a notification as one channel can carry it', () => {
  it('is the robot\'s own text where the step has none', () => {
    expect(render({}, variables, bot, attempt)).toEqual({ text: variables.text, buttons: undefined })
  })

  it('is the step\'s text with the values filled in', () => {
    expect(render({ text: '{name}, здравствуйте! {text}' }, variables, bot, attempt).text).toBe('Анна, здравствуйте! Ждём вас завтра в 10:00')
  })

  it('has buttons where they are wanted and exist', () => {
    expect(render({ buttons: true }, variables, bot, attempt).buttons).toEqual([
      { id: `a:confirm:${attempt}`, title: 'Приду' }, { id: `a:move:${attempt}`, title: 'Перенести' }, { id: `a:cancel:${attempt}`, title: 'Отменить' },
    ])
    expect(render({ buttons: true }, variables, { ...bot, hasButtons: false }, attempt).buttons).toBeUndefined()
  })

  it('is a template only where a free text is not allowed', () => {
    const closed = render({ template }, variables, { ...bot, freeText: false }, attempt)
    expect(closed.template).toEqual({ name: 'reminder', language: 'ru', parameters: ['Анна', 'Ждём вас завтра в 10:00', 'клиника'] })
    expect(render({ template }, variables, bot, attempt).template).toBeUndefined()
  })

  it('never shows a brace of ours, and leaves the values as they are', () => {
    expect(fillIn('{name}, {unknown} {constructor}ждём', { name: 'Анна {text}' })).toBe('Анна {text}, ждём')
    expect(render({ text: '{name}, {text}' }, { text: 'ждём' }, bot, attempt).text).toBe(', ждём')
  })

  it('fills the patient’s name into the robot’s own text too, once', () => {
    expect(render({}, { text: '{name}, ждём вас', name: 'Анна' }, bot, attempt).text).toBe('Анна, ждём вас')
    expect(render({}, { text: '{name}, ждём вас', name: 'Анна {text}' }, bot, attempt).text).toBe('Анна {text}, ждём вас')
  })

  it('is never longer than the channel takes, and is cut at a word', () => {
    expect(render({}, { text: 'Ждём вас завтра утром' }, { ...bot, textLength: 16 }, attempt).text).toBe('Ждём вас завтра…')
    expect(render({}, { text: 'Ждём вас завтра' }, { ...bot, textLength: 15 }, attempt).text).toBe('Ждём вас завтра')
    expect(render({}, { text: 'Электроэнцефалография' }, { ...bot, textLength: 10 }, attempt).text).toBe('Электроэн…')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 2, max: 120 }), (text, textLength) => {
        const shown = render({}, { text }, { ...bot, textLength }, attempt).text
        expect(shown.length).toBeLessThanOrEqual(textLength)
        expect(shown.isWellFormed()).toBe(true)
      }),
    )
  })
})

describe('a button\'s payload', () => {
  it('fits into the 64 bytes of Telegram for every attempt that can be', () => {
    const longest = attemptId(deliveryId(v7(2 ** 47)), maxSteps - 1)
    for (const answer of answers) expect(Buffer.byteLength(payloadOf(answer, longest))).toBeLessThanOrEqual(64)
  })

  it('is read back as what it was, and names its delivery', () => {
    for (const answer of answers) expect(readPayload(payloadOf(answer, attempt))).toEqual({ answer, attemptId: attempt })
    expect(attemptId(deliveryOf(attempt), 1)).toBe(attempt)
  })

  it('F16: of somebody else is nothing', () => {
    for (const payload of ['', 'a', 'a:confirm', 'a:confirm:', `b:confirm:${attempt}`, `a:other:${attempt}`, 'a:confirm:x', 'a:confirm:x.y', 'a:confirm:<>.1', '{"a":1}', 'a:__proto__:x.1']) expect(readPayload(payload)).toBeUndefined()
    fc.assert(fc.property(fc.string(), (payload) => readPayload(payload) === undefined || payload.startsWith('a:')))
  })
})

describe('an id that is made later', () => {
  it('sorts later, and no two are the same', () => {
    expect(v7(1_000) < v7(1_001)).toBe(true)
    expect(new Set(Array.from({ length: 1_000 }, () => v7(1_000))).size).toBe(1_000)
    expect(v7(Date.UTC(2026, 10, 24))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(v7(1_000.7)).toMatch(/^00000000-03e8-7/)
  })
})
