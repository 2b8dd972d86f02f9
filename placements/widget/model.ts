/** What the chat's window shows, decided without a browser. */
import type { HistoryView, MarksView, MessageView } from '../../src/site-chat/protocol.ts'

/** A message of the visitor that the server does not have yet. A file is kept in memory only. */
export interface Pending {
  readonly clientId: string
  readonly text: string
  readonly fileName?: string
  readonly at: number
  /** Why it will not go by itself: the visitor decides. */
  readonly problem?: string
}

export interface Chat {
  /** By id; each as it is now. */
  readonly messages: readonly MessageView[]
  readonly pending: readonly Pending[]
  readonly marks: MarksView
  readonly hasMore: boolean
  /** Where live updates go on. */
  readonly cursor: number
}

export const emptyChat: Chat = { messages: [], pending: [], marks: { deliveredId: 0, readId: 0, clinicReadId: 0 }, hasMore: false, cursor: 0 }

/** A version that is known already, or older, changes nothing: any order and any repetition ends in the same window. */
const merge = (known: readonly MessageView[], came: readonly MessageView[]): readonly MessageView[] => {
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of came) if ((byId.get(message.id)?.version ?? -1) < message.version) byId.set(message.id, message)
  return [...byId.values()].sort((a, b) => a.id - b.id)
}

const withoutSent = (pending: readonly Pending[], came: readonly MessageView[]): readonly Pending[] => {
  const sent = new Set(came.map(({ clientId }) => clientId))
  return pending.filter(({ clientId }) => !sent.has(clientId))
}

const further = (a: MarksView, b: MarksView): MarksView => ({
  deliveredId: Math.max(a.deliveredId, b.deliveredId),
  readId: Math.max(a.readId, b.readId),
  clinicReadId: Math.max(a.clinicReadId, b.clinicReadId),
})

export const withMessages = (chat: Chat, came: readonly MessageView[], cursor = chat.cursor): Chat => ({
  ...chat,
  messages: merge(chat.messages, came),
  pending: withoutSent(chat.pending, came),
  cursor: Math.max(chat.cursor, cursor),
})

export const withMarks = (chat: Chat, marks: MarksView, cursor = chat.cursor): Chat => ({ ...chat, marks: further(chat.marks, marks), cursor: Math.max(chat.cursor, cursor) })

/** The newest page. Only the first one says whether there is more above. */
export const withNewest = (chat: Chat, page: HistoryView): Chat => ({
  ...withMarks(withMessages(chat, page.messages), page.marks),
  cursor: chat.messages.length === 0 ? page.cursor : chat.cursor,
  hasMore: chat.messages.length === 0 ? page.hasMore : chat.hasMore,
})

/** A page from above: the live updates go on where they were. */
export const withOlder = (chat: Chat, page: HistoryView): Chat => ({ ...withMessages(chat, page.messages), hasMore: page.hasMore })

export const withPending = (chat: Chat, pending: Pending): Chat => ({ ...chat, pending: [...chat.pending.filter(({ clientId }) => clientId !== pending.clientId), pending] })

export const withoutPending = (chat: Chat, clientId: string): Chat => ({ ...chat, pending: chat.pending.filter((one) => one.clientId !== clientId) })

export const withProblem = (chat: Chat, clientId: string, problem: string | undefined): Chat => ({
  ...chat,
  pending: chat.pending.map((one) => (one.clientId === clientId ? { ...one, problem } : one)),
})

/** The next one that goes, in the order of writing. */
export const nextPending = (chat: Chat): Pending | undefined => chat.pending.find(({ problem }) => problem === undefined)

/** The newest message of the clinic: what delivered and read marks are moved to. */
export const newestOfClinic = (chat: Chat): number => chat.messages.findLast(({ author }) => author === 'clinic')?.id ?? 0

export const unreadCount = ({ messages, marks }: Chat): number => messages.filter(({ author, id, isDeleted }) => author === 'clinic' && id > marks.readId && !isDeleted).length

export type Tick = 'sent' | 'read'

export const tickOf = ({ id }: MessageView, { clinicReadId }: MarksView): Tick => (id <= clinicReadId ? 'read' : 'sent')

export const canChange = (message: MessageView): boolean => message.author === 'visitor' && !message.isDeleted

export type Row =
  | { readonly type: 'day'; readonly key: string; readonly at: number }
  | { readonly type: 'message'; readonly key: string; readonly message: MessageView; readonly quoted?: MessageView }
  | { readonly type: 'pending'; readonly key: string; readonly pending: Pending }

/** Rows of the window from top to bottom: a day before its first message, what is not sent yet at the end. */
export const rowsOf = ({ messages, pending }: Chat, dayOf: (at: number) => string): readonly Row[] => {
  const rows: Row[] = []
  let day = ''
  const startDay = (at: number): void => {
    const next = dayOf(at)
    if (next !== day) rows.push({ type: 'day', key: `day ${next}`, at })
    day = next
  }
  const byId = new Map(messages.map((message) => [message.id, message]))
  for (const message of messages) {
    startDay(message.sentAt)
    const quoted = message.replyTo === undefined ? undefined : byId.get(message.replyTo)
    rows.push({ type: 'message', key: `m${message.id}`, message, ...(quoted === undefined ? {} : { quoted }) })
  }
  for (const one of pending) {
    startDay(one.at)
    rows.push({ type: 'pending', key: one.clientId, pending: one })
  }
  return rows
}

/** Milliseconds before the next try: soon at first, then rarely. */
export const retryMs = (tries: number): number => [1_000, 2_000, 5_000, 10_000, 20_000][tries] ?? 30_000

export type TextPart = { readonly text: string; readonly url?: string }

/** Web addresses in a text, so that they can be clicked; a full stop after one is not a part of it. */
export const partsOf = (text: string): readonly TextPart[] => {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    const url = match[0].replace(/[.,;:!?)\]»]+$/, '')
    if (URL.canParse(url) === false) continue
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push({ text: url, url })
    end = match.index + url.length
  }
  if (end < text.length) parts.push({ text: text.slice(end) })
  return parts
}

/** `#rrggbb` as black or white writing can be read on it. @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
export const inkOn = (colour: string): '#ffffff' | '#111111' => {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour)
  if (parts === null) return '#ffffff'
  const [red, green, blue] = parts.slice(1).map((hex) => {
    const share = parseInt(hex, 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0558 ? '#ffffff' : '#111111'
}
