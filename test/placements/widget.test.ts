import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createEventReader, type ServerEvent } from '../../placements/widget/events.ts'
import { emptyChat, inkOn, nextPending, partsOf, retryMs, rowsOf, tickOf, unreadCount, withMarks, withMessages, withNewest, withOlder, withPending, withProblem, type Chat } from '../../placements/widget/model.ts'
import { languageOf } from '../../placements/widget/texts.ts'
import type { MessageView } from '../../src/site-chat/protocol.ts'

const message = (id: number, more: Partial<MessageView> = {}): MessageView => ({ id, version: id, author: 'clinic', text: `t${id}`, sentAt: id * 1000, isDeleted: false, ...more })
const own = (id: number, more: Partial<MessageView> = {}): MessageView => message(id, { author: 'visitor', clientId: `c${id}`, ...more })
const pending = (clientId: string) => ({ clientId, text: clientId, at: 5_000 })
const ids = (chat: Chat): number[] => chat.messages.map(({ id }) => id)
const marks = { deliveredId: 0, readId: 0, clinicReadId: 0 }

describe('messages', () => {
  it('end in the same window whatever their order and repetition', () => {
    const came = [message(1), message(2), message(1, { version: 5, text: 'changed' }), own(3), message(2, { version: 6, text: '', isDeleted: true })]
    const shown = (order: readonly MessageView[]) => order.reduce<Chat>((chat, one) => withMessages(chat, [one]), emptyChat).messages
    const expected = [came[2], came[4], came[3]]
    fc.assert(fc.property(fc.shuffledSubarray([...came, ...came], { minLength: came.length * 2 }), (order) => expect(shown(order)).toEqual(expected)))
  })

  it('that were waiting are shown once when they come back, however they come', () => {
    const waiting = withPending(withPending(emptyChat, pending('c3')), pending('c4'))
    expect(withMessages(waiting, [own(3)]).pending.map(({ clientId }) => clientId)).toEqual(['c4'])
    expect(withMessages(withMessages(waiting, [own(3)]), [own(3)]).messages).toHaveLength(1)
  })

  it('of an older page move neither the cursor nor the marks; the first page says where both stand', () => {
    const first = withNewest(emptyChat, { messages: [message(60)], hasMore: true, cursor: 77, marks: { ...marks, clinicReadId: 5 } })
    expect([first.cursor, first.hasMore, first.marks.clinicReadId]).toEqual([77, true, 5])
    const whole = withOlder(first, { messages: [message(10)], hasMore: false, cursor: 99, marks })
    expect([ids(whole), whole.cursor, whole.hasMore, whole.marks.clinicReadId]).toEqual([[10, 60], 77, false, 5])
  })

  it('are unread until the mark passes them, and only if they are the clinic\'s and still there', () => {
    const chat = withMessages(emptyChat, [message(1), own(2), message(3), message(4, { isDeleted: true })])
    expect([unreadCount(chat), unreadCount(withMarks(chat, { ...marks, readId: 1 })), unreadCount(withMarks(chat, { ...marks, readId: 4 }))]).toEqual([2, 1, 0])
  })

  it('have marks that never go back', () => {
    expect(withMarks(withMarks(emptyChat, { deliveredId: 9, readId: 9, clinicReadId: 9 }), { deliveredId: 1, readId: 1, clinicReadId: 10 }).marks).toEqual({ deliveredId: 9, readId: 9, clinicReadId: 10 })
    expect([tickOf(own(3), { ...marks, clinicReadId: 3 }), tickOf(own(4), { ...marks, clinicReadId: 3 })]).toEqual(['read', 'sent'])
  })

  it('that were refused are passed over until the visitor tries again', () => {
    const chat = withProblem(withPending(withPending(emptyChat, pending('a')), pending('b')), 'a', 'FILE_REFUSED')
    expect([nextPending(chat)?.clientId, nextPending(withProblem(chat, 'a', undefined))?.clientId]).toEqual(['b', 'a'])
  })

  it('stand under their day, with what they quote, and what is not sent at the end', () => {
    const chat = withPending(withMessages(emptyChat, [own(1), message(2, { replyTo: 1 }), message(9)]), pending('last'))
    const rows = rowsOf(chat, (at) => (at < 9_000 ? 'first' : 'second'))
    expect(rows.map(({ key }) => key)).toEqual(['day first', 'm1', 'm2', 'day second', 'm9', 'day first', 'last'])
    expect(rows[2]).toMatchObject({ quoted: { id: 1 } })
  })
})

describe('live updates', () => {
  it('are read the same however the text is torn', () => {
    const text = 'retry: 2000\n\nid: 1\nevent: message\ndata: {"a":1}\n\n:\n\nid: 2\nevent: marks\ndata: один\ndata:два\n\nid: 3\n\n'
    const read = (parts: readonly string[]): ServerEvent[] => {
      const events: ServerEvent[] = []
      const take = createEventReader((event) => events.push(event))
      parts.forEach(take)
      return events
    }
    const whole = [{ id: '1', event: 'message', data: '{"a":1}' }, { id: '2', event: 'marks', data: 'один\nдва' }]
    expect(read([text])).toEqual(whole)
    fc.assert(fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length]
      expect(read(places.slice(1).map((end, index) => text.slice(places[index], end)))).toEqual(whole)
    }))
  })

  it('are tried again soon at first, then rarely', () => {
    expect([retryMs(0), retryMs(1), retryMs(50)]).toEqual([1_000, 2_000, 30_000])
  })
})

describe('what is shown', () => {
  it('makes links of web addresses only, and never loses a letter', () => {
    expect(partsOf('см. https://a.example/b?c=1. И javascript:alert(1)')).toEqual([{ text: 'см. ' }, { text: 'https://a.example/b?c=1', url: 'https://a.example/b?c=1' }, { text: '. И javascript:alert(1)' }])
    fc.assert(fc.property(fc.oneof(fc.string(), fc.webUrl().map((url) => `(${url}), и`)), (text) => expect(partsOf(text).map((part) => part.text).join('')).toBe(text)))
  })

  it('can be read on every colour', () => {
    const luminance = (colour: string): number => {
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
    }
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffff }), (value) => {
      const colour = `#${value.toString(16).padStart(6, '0')}`
      const [dark, light] = [luminance(colour), luminance(inkOn(colour))].sort((a, b) => a - b)
      expect((light! + 0.05) / (dark! + 0.05)).toBeGreaterThanOrEqual(4.34)
    }))
    expect([inkOn('#0b7a75'), inkOn('#ffe066'), inkOn('none')]).toEqual(['#ffffff', '#111111', '#ffffff'])
  })

  it.each([['ru', 'en-US', 'ru'], ['en-GB', 'ru-RU', 'en'], ['', 'ru-RU', 'ru'], ['', 'en-US', 'en'], ['kk', 'ru-RU', 'ru'], ['de', 'de-DE', 'en']])('page %j in browser %j speaks %s', (page, browser, language) => {
    expect(languageOf(page, browser)).toBe(language)
  })
})
