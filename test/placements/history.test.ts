import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { HistoryEntry } from '../../src/http/patient-schemas.ts'
import {
  authorOf,
  channelsOf,
  daysOf,
  isFiltered,
  keyOf,
  mapUrl,
  noFilter,
  queryOf,
  safeUrl,
  segmentsOf,
  sizeTitle,
  tickOf,
  viewOf,
  waitingCount,
  withNewest,
  withOlder,
  type Held,
  type Message,
} from '../../placements/patient/history/model.ts'

const message = (id: number | string, part: Partial<Message> = {}): Message => ({
  kind: 'message',
  id: String(id),
  at: '2026-11-24T10:00:00Z',
  channel: 'telegram',
  channelTitle: { ru: 'Телеграм', en: 'Telegram' },
  connectionName: 'Reception',
  direction: 'in',
  author: 'patient',
  text: `text ${id}`,
  files: [],
  isEdited: false,
  isDeleted: false,
  ...part,
})
const ids = ({ entries }: { readonly entries: readonly HistoryEntry[] }) => entries.map(({ id }) => Number(id))
/** Messages `from`, `from - 1`, … `to`: newest first, as the server answers. */
const down = (from: number, to: number): Message[] => Array.from({ length: from - to + 1 }, (_, index) => message(from - index))

describe('pages of the history', () => {
  it('are joined at their ends, and what came twice stands once', () => {
    const joined = withOlder({ entries: down(10, 6), next: '6' }, { entries: down(6, 3), next: '3' })
    expect([ids(joined), joined.next]).toEqual([[10, 9, 8, 7, 6, 5, 4, 3], '3'])
    expect(withOlder({ entries: down(3, 2), next: '2' }, { entries: down(1, 1) })).not.toHaveProperty('next')
  })

  it('keep older pages when the newest one is renewed, and take its ticks, edits and losses', () => {
    const before: Held = { entries: down(10, 1), next: 'older' }
    const fresh = [message(12), message(11), message(10, { text: 'edited', isEdited: true }), message(8), message(7)]
    const after = withNewest(before, { entries: fresh, next: '7' })
    expect([ids(after), after.next]).toEqual([[12, 11, 10, 8, 7, 6, 5, 4, 3, 2, 1], 'older'])
    expect(after.entries[2]).toMatchObject({ text: 'edited' })
  })

  it('leave no gap: when more came than a page holds, the newest page stands alone', () => {
    const after = withNewest({ entries: down(10, 1), next: 'older' }, { entries: down(100, 51), next: '51' })
    expect([ids(after)[0], after.entries.length, after.next]).toEqual([100, 50, '51'])
  })

  it('follow the server when the whole history is one page, even an empty one', () => {
    expect(withNewest({ entries: down(10, 1), next: 'x' }, { entries: [] })).toEqual({ entries: [] })
    expect(withNewest({ entries: down(3, 1) }, { entries: [message(3), message(1)] })).toEqual({ entries: [message(3), message(1)] })
  })

  it('never lose, repeat or reorder a message, however reading and renewing interleave', () => {
    const size = 5
    const page = (newest: number, before: number) => {
      const from = Math.min(newest, before - 1)
      const to = Math.max(1, from - size + 1)
      return from < 1 ? { entries: [] } : { entries: down(from, to), ...(to > 1 ? { next: String(to) } : {}) }
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.array(fc.oneof(fc.constant('older' as const), fc.integer({ min: 0, max: 12 })), { maxLength: 30 }), (first, steps) => {
        let newest = first
        let held: Held = page(newest, Infinity)
        for (const step of steps) {
          if (step === 'older') held = held.next === undefined ? held : withOlder(held, page(newest, Number(held.next)))
          else {
            newest += step
            held = withNewest(held, page(newest, Infinity))
          }
          const shown = ids(held)
          const last = shown.at(-1)
          expect(shown).toEqual(last === undefined ? [] : down(newest, last).map(({ id }) => Number(id)))
          expect(held.next).toBe(last === undefined || last === 1 ? undefined : String(last))
        }
      }),
    )
  })

  it('do not mix up a message and a notification of one number', () => {
    expect(keyOf({ kind: 'message', id: '1' })).not.toBe(keyOf({ kind: 'delivery', id: '1' }))
  })
})

describe('someone who reads further down', () => {
  it('is not pushed away: what is new waits above until they come back', () => {
    const next: Held = { entries: down(13, 1) }
    expect(waitingCount(message(10), next, true)).toBe(3)
    expect(waitingCount(message(10), next, false)).toBe(0)
  })

  it('sees the truth when what they read at the top is gone', () => {
    expect(waitingCount(message(99), { entries: down(3, 1) }, true)).toBe(0)
    expect(waitingCount(undefined, { entries: down(3, 1) }, true)).toBe(0)
  })
})

describe('the filter', () => {
  it('asks the server for what is set and nothing else', () => {
    expect(queryOf(noFilter)).toEqual({})
    expect(queryOf({ channel: 'max', kinds: 'delivery', q: ' анализ ' }, 'cursor')).toEqual({ before: 'cursor', channel: 'max', kinds: 'delivery', q: 'анализ' })
    expect([isFiltered(noFilter), isFiltered({ ...noFilter, q: ' ' }), isFiltered({ ...noFilter, kinds: 'message' })]).toEqual([false, false, true])
  })

  it('offers each channel once, by title', () => {
    const heard = [message(1), message(2), message(3, { channel: 'max', channelTitle: { ru: 'MAX', en: 'MAX' } })]
    expect(channelsOf(heard, 'en')).toEqual([{ value: 'max', label: 'MAX' }, { value: 'telegram', label: 'Telegram' }])
  })
})

describe('an entry', () => {
  it('stands under its day, newest day first', () => {
    const entries = [message(1, { at: '2026-11-24T10:00:00Z' }), message(2, { at: '2026-11-23T21:30:00Z' }), message(3, { at: '2026-11-23T10:00:00Z' })]
    expect(daysOf(entries, new Date('2026-11-24T12:00:00Z'), 'ru', 'Europe/Moscow').map(({ title, entries: of }) => [title, of.length])).toEqual([['Сегодня', 2], ['Вчера', 1]])
  })

  it('has a tick in words when it goes out, and none when it comes in', () => {
    const states = ['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown'] as const
    const ticks = states.map((state) => tickOf({ direction: 'out', state }, 'en'))
    expect(new Set(ticks.map((tick) => tick?.title)).size).toBe(states.length)
    expect(ticks.map((tick) => tick?.mark)).toEqual(['clock', 'clock', 'one', 'two', 'two', 'cross', 'question'])
    expect(tickOf({ direction: 'in', state: 'read' }, 'en')).toBeUndefined()
  })

  it('F21: what staff wrote past us is told apart from the patient and from our operators', () => {
    expect(authorOf({ author: 'staff', authorName: 'Elena' }, 'en')).toBe('Elena (employee in the messenger’s application)')
    expect([authorOf({ author: 'operator', authorName: 'Olga' }, 'en'), authorOf({ author: 'patient' }, 'en'), authorOf({ author: 'robot', authorName: '' }, 'en')]).toEqual(['Olga', 'Patient', 'Estafeta'])
  })

  it('shows pictures, plays sounds, and says when a file is gone', () => {
    expect(viewOf({ kind: 'image', url: 'https://x/1' })).toBe('picture')
    expect(viewOf({ kind: 'voice', url: '/files/1' })).toBe('sound')
    expect(viewOf({ kind: 'file', url: '/files/1' })).toBe('line')
    expect(viewOf({ kind: 'image' })).toBe('gone')
    expect([900, 240_000, 1_450_000, 25_000_000].map((bytes) => sizeTitle(bytes, 'ru'))).toEqual(['900 Б', '234 КБ', '1,4 МБ', '24 МБ'])
  })

  it('opens no address that could run in the page', () => {
    for (const url of ['javascript:alert(1)', 'data:text/html,x', '//evil.example/x', ' https://x', undefined]) expect(safeUrl(url)).toBeUndefined()
    expect(safeUrl('/files/token/name.pdf')).toBe('/files/token/name.pdf')
    expect(viewOf({ kind: 'image', url: 'javascript:alert(1)' })).toBe('gone')
    expect(mapUrl({ latitude: 55.7, longitude: 37.6 }, 'ru')).toBe('https://yandex.ru/maps/?pt=37.6,55.7&z=16&l=map')
  })
})

describe('a text', () => {
  it('is cut into links and plain parts, without the stop of its sentence', () => {
    expect(segmentsOf('See https://clinic.example/map?a=1. Or (http://x.example).')).toEqual([
      { text: 'See ' },
      { text: 'https://clinic.example/map?a=1', url: 'https://clinic.example/map?a=1' },
      { text: '. Or (' },
      { text: 'http://x.example', url: 'http://x.example' },
      { text: ').' },
    ])
  })

  it('shows every found word, in any case', () => {
    expect(segmentsOf('Анализ крови и АНАЛИЗ мочи', 'анализ мочи').filter(({ isHit }) => isHit).map(({ text }) => text)).toEqual(['Анализ', 'АНАЛИЗ', 'мочи'])
  })

  it('loses no letter, whatever stands in it and whatever is searched', () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom('https://x.example/a', 'http://', '[b]', 'İ', ' ', 'а', 'А'))
    fc.assert(
      fc.property(fc.array(piece).map((pieces) => pieces.join('')), fc.oneof(fc.string(), fc.constantFrom('а', 'x', 'http', '.')), (text, q) => {
        const segments = segmentsOf(text, q)
        expect(segments.map((segment) => segment.text).join('')).toBe(text)
        for (const { url } of segments) if (url !== undefined) expect(url).toMatch(/^https?:\/\//i)
      }),
    )
  })
})
