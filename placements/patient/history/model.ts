/** Decisions of the merged history: how pages are joined, what is shown while someone reads, how an entry is said. Pure. */
import type { History, HistoryEntry, HistoryFile, HistoryQuery } from '../../../src/http/patient-schemas.ts'
import type { Language } from '../../shared/boot.ts'
import { dayOf, dayTitle } from '../../shared/words.ts'
import { texts } from './texts.ts'

export type Message = Extract<HistoryEntry, { kind: 'message' }>
export type DeliveryEntry = Extract<HistoryEntry, { kind: 'delivery' }>

/** `channel` is empty for all of them. */
export interface Filter {
  readonly channel: string
  readonly kinds: 'all' | 'message' | 'delivery'
  readonly q: string
}
export const noFilter: Filter = { channel: '', kinds: 'all', q: '' }
export const isFiltered = (filter: Filter): boolean => filter.channel !== '' || filter.kinds !== 'all' || filter.q.trim() !== ''

export const queryOf = (filter: Filter, before?: string): HistoryQuery => ({
  ...(before === undefined ? {} : { before }),
  ...(filter.channel === '' ? {} : { channel: filter.channel }),
  ...(filter.kinds === 'all' ? {} : { kinds: filter.kinds }),
  ...(filter.q.trim() === '' ? {} : { q: filter.q.trim() }),
})

/** Messages and notifications are numbered apart. */
export const keyOf = ({ kind, id }: Pick<HistoryEntry, 'kind' | 'id'>): string => `${kind}:${id}`

/** What the page holds of the history: newest first, without gaps down to `next`. */
export interface Held {
  readonly entries: readonly HistoryEntry[]
  readonly next?: string
}

const held = (entries: readonly HistoryEntry[], next: string | undefined): Held => (next === undefined ? { entries } : { entries, next })

/** The page before is put below; what came twice stands once. */
export const withOlder = (before: Held, page: History): Held => {
  const known = new Set(before.entries.map(keyOf))
  return held([...before.entries, ...page.entries.filter((entry) => !known.has(keyOf(entry)))], page.next)
}

/**
 * The newest page replaces what it covers: ticks, edits and entries that left are as the server says. When it does not reach what
 * is held (more than a page came meanwhile, or another card was bound), it replaces everything: a gap would hide messages.
 */
export const withNewest = (before: Held, page: History): Held => {
  const last = page.entries.at(-1)
  const place = last === undefined || page.next === undefined ? -1 : before.entries.findIndex((entry) => keyOf(entry) === keyOf(last))
  return place === -1 ? held(page.entries, page.next) : held([...page.entries, ...before.entries.slice(place + 1)], before.next)
}

/**
 * How many of the newest entries wait out of sight. Someone who reads further down must not have the text pushed away under their
 * eyes, so that what is new stays above until they come back to the top.
 */
export const waitingCount = (shownFirst: HistoryEntry | undefined, next: Held, isReading: boolean): number => {
  if (!isReading || shownFirst === undefined) return 0
  return Math.max(0, next.entries.findIndex((entry) => keyOf(entry) === keyOf(shownFirst)))
}

export interface Day {
  readonly key: string
  readonly title: string
  readonly entries: readonly HistoryEntry[]
}

/** The entries under the headings of their days, in the order in which they stand. */
export const daysOf = (entries: readonly HistoryEntry[], now: Date, language: Language, timeZone?: string): readonly Day[] => {
  const days: { key: string; title: string; entries: HistoryEntry[] }[] = []
  for (const entry of entries) {
    const at = new Date(entry.at)
    const key = dayOf(at, timeZone)
    const last = days.at(-1)
    if (last?.key === key) last.entries.push(entry)
    else days.push({ key, title: dayTitle(at, now, timeZone, language), entries: [entry] })
  }
  return days
}

/** Every channel that the page has heard of, by id. */
export const channelsOf = (sources: readonly { readonly channel: string; readonly channelTitle: { readonly ru: string; readonly en: string } }[], language: Language) =>
  [...new Map(sources.map(({ channel, channelTitle }) => [channel, channelTitle[language]]))].map(([value, label]) => ({ value, label })).sort((a, b) => a.label.localeCompare(b.label))

export type TickTone = 'quiet' | 'good' | 'read' | 'bad' | 'doubtful'
export interface Tick {
  readonly mark: 'clock' | 'one' | 'two' | 'cross' | 'question'
  readonly title: string
  readonly tone: TickTone
}

const ticks: Record<NonNullable<Message['state']>, Omit<Tick, 'title'>> = {
  queued: { mark: 'clock', tone: 'quiet' },
  sending: { mark: 'clock', tone: 'quiet' },
  sent: { mark: 'one', tone: 'quiet' },
  delivered: { mark: 'two', tone: 'good' },
  read: { mark: 'two', tone: 'read' },
  failed: { mark: 'cross', tone: 'bad' },
  unknown: { mark: 'question', tone: 'doubtful' },
}

/** A mark and its word: colour alone would not say it to everybody. Inbound messages have none. */
export const tickOf = ({ direction, state }: Pick<Message, 'direction' | 'state'>, language: Language): Tick | undefined =>
  direction === 'in' || state === undefined ? undefined : { ...ticks[state], title: texts[language].states[state] }

export const authorOf = ({ author, authorName }: Pick<Message, 'author' | 'authorName'>, language: Language): string => {
  const role = texts[language].authors[author]
  if (authorName === undefined || authorName === '') return role
  return author === 'staff' ? `${authorName} (${role.toLowerCase()})` : authorName
}

export const statusTone: Record<DeliveryEntry['status'], 'going' | 'good' | 'bad' | 'quiet'> = { running: 'going', reached: 'good', notReached: 'bad', stopped: 'quiet' }

export interface Segment {
  readonly text: string
  readonly url?: string
  readonly isHit?: boolean
}

const link = /https?:\/\/[^\s<>"«»]+/gi
const trailing = /[).,;:!?\]]+$/

const hitsOf = (text: string, q: string, url: string | undefined): Segment[] => {
  const words = q.trim().toLowerCase().split(/\s+/).filter((word) => word !== '')
  const lower = text.toLowerCase()
  // A letter that changes its length in lower case (Turkish İ) would shift the marks.
  if (words.length === 0 || lower.length !== text.length) return [{ text, url }]
  const segments: Segment[] = []
  let from = 0
  while (from < text.length) {
    const hit = words
      .map((word) => ({ word, at: lower.indexOf(word, from) }))
      .filter(({ at }) => at !== -1)
      .sort((a, b) => a.at - b.at || b.word.length - a.word.length)[0]
    if (hit === undefined) break
    if (hit.at > from) segments.push({ text: text.slice(from, hit.at), url })
    segments.push({ text: text.slice(hit.at, hit.at + hit.word.length), url, isHit: true })
    from = hit.at + hit.word.length
  }
  return from < text.length ? [...segments, { text: text.slice(from), url }] : segments
}

/** A text cut into plain parts, links and found words. Nothing of it is ever read as markup. */
export const segmentsOf = (text: string, q = ''): readonly Segment[] => {
  const segments: Segment[] = []
  let from = 0
  for (const match of text.matchAll(link)) {
    const url = match[0].replace(trailing, '')
    segments.push(...hitsOf(text.slice(from, match.index), q, undefined), ...hitsOf(url, q, url))
    from = match.index + url.length
  }
  segments.push(...hitsOf(text.slice(from), q, undefined))
  return segments.filter(({ text: part }) => part !== '')
}

/** An address that may stand in the page: the web's or our own; no script and no data. */
export const safeUrl = (url: string | undefined): string | undefined => (url !== undefined && (/^https?:\/\//i.test(url) || /^\/(?!\/)/.test(url)) ? url : undefined)

/** `240 КБ`, `1,4 МБ`. */
export const sizeTitle = (sizeBytes: number, language: Language): string => {
  const units = language === 'ru' ? (['Б', 'КБ', 'МБ', 'ГБ'] as const) : (['B', 'KB', 'MB', 'GB'] as const)
  let value = sizeBytes
  let index = 0
  while (value >= 1000 && index < units.length - 1) {
    value /= 1024
    index += 1
  }
  const said = new Intl.NumberFormat(language === 'ru' ? 'ru-RU' : 'en-GB', { maximumFractionDigits: value < 10 && index > 1 ? 1 : 0 }).format(value)
  return `${said} ${units[index] ?? ''}`
}

/** How a file is shown: images and sticker as pictures, sounds with a player, the rest as a line to open; gone ones as a line. */
export const viewOf = ({ kind, url }: Pick<HistoryFile, 'kind' | 'url'>): 'picture' | 'sound' | 'line' | 'gone' => {
  if (safeUrl(url) === undefined) return 'gone'
  return kind === 'image' || kind === 'sticker' ? 'picture' : kind === 'audio' || kind === 'voice' ? 'sound' : 'line'
}

/** A map opens only when somebody presses the link. */
export const mapUrl = ({ latitude, longitude }: { readonly latitude: number; readonly longitude: number }, language: Language): string =>
  `https://yandex.${language === 'ru' ? 'ru' : 'com'}/maps/?pt=${longitude},${latitude}&z=16&l=map`
