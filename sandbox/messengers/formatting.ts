/** How a stretch of a text is shown. */
export type SpanKind = 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler' | 'code' | 'pre' | 'quote' | 'link'

/** A stretch of a text as the phone shows it; `from` and `length` in UTF-16 code units of the text without marks. */
export interface Span { kind: SpanKind, from: number, length: number, url?: string }

/** A text as it is on the screen: the words, and how they are shown. */
export interface ShownText { text: string, spans: Span[] }

const kindsOfTags: Record<string, SpanKind> = {
  'b': 'bold', 'strong': 'bold', 'i': 'italic', 'em': 'italic', 'u': 'underline', 'ins': 'underline', 's': 'strike', 'strike': 'strike',
  'del': 'strike', 'span': 'spoiler', 'tg-spoiler': 'spoiler', 'a': 'link', 'code': 'code', 'pre': 'pre', 'blockquote': 'quote',
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' }

const decode = (text: string): string => text.replace(/&(lt|gt|amp|quot|#\d{1,7}|#x[\da-f]{1,6});/gi, (whole, name: string) => {
  if (!name.startsWith('#')) return entities[name.toLowerCase()] ?? whole
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
})

/**
 * Reads HTML marks. With `refuse` a mark that is wrong is refused in Telegram's words, which name the byte; without it unknown
 * tags vanish and open ones reach to the end.
 * @see https://core.telegram.org/bots/api#html-style
 */
export function readHtml(source: string, refuse?: (why: string) => Error): ShownText {
  const open: { tag: string, from: number, url?: string }[] = []
  const spans: Span[] = []
  let text = ''
  let at = 0
  const close = ({ tag, from, url }: { tag: string, from: number, url?: string }): void => {
    const kind = kindsOfTags[tag]
    if (kind === undefined || text.length === from) return
    spans.push({ kind, from, length: text.length - from, ...(kind === 'link' ? { url: url ?? text.slice(from) } : {}) })
  }
  while (at < source.length) {
    const next = source.indexOf('<', at)
    text += decode(source.slice(at, next === -1 ? source.length : next))
    if (next === -1) break
    const place = `at byte offset ${Buffer.byteLength(source.slice(0, next))}`
    const end = source.indexOf('>', next)
    const [, slash = '', name = '', rest = ''] = /^<(\/?)([^\s>]*)([^>]*)/.exec(source.slice(next, end === -1 ? undefined : end)) ?? []
    const tag = name.toLowerCase()
    if (refuse !== undefined && slash === '' && !(tag in kindsOfTags) && tag !== 'tg-emoji') throw refuse(`Unsupported start tag "${name}" ${place}`)
    if (end === -1) {
      if (refuse !== undefined) throw refuse(`Unclosed ${slash === '' ? 'start' : 'end'} tag ${place}`)
      text += source.slice(next)
      break
    }
    at = end + 1
    if (slash === '') {
      if (refuse !== undefined && tag === 'span' && !/class\s*=\s*["']?tg-spoiler/i.test(rest)) {
        throw refuse(`Tag "span" must have class "tg-spoiler" ${place}`)
      }
      const url = /href\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))/i.exec(rest)
      open.push({ tag, from: text.length, url: url === null ? undefined : decode(url[1] ?? url[2] ?? url[3] ?? '') })
      continue
    }
    const last = open.at(-1)
    if (refuse !== undefined) {
      if (last === undefined) throw refuse(`Unexpected end tag ${place}`)
      if (tag !== last.tag) throw refuse(`Unmatched end tag ${place}, expected "</${last.tag}>", found "</${tag}>"`)
    }
    const index = open.findLastIndex((one) => one.tag === tag)
    if (index !== -1) open.splice(index).reverse().forEach(close)
  }
  const left = open.at(-1)
  if (refuse !== undefined && left !== undefined) throw refuse(`Can't find end tag corresponding to start tag "${left.tag}"`)
  open.reverse().forEach(close)
  return { text, spans: sortSpans(spans) }
}

interface Rule { mark: RegExp, kind: SpanKind, isLeaf?: boolean }

// The first group is what is shown; a second one is an address.
const maxRules: Rule[] = [
  { mark: /```\n?([\s\S]+?)\n?```/u, kind: 'pre', isLeaf: true },
  { mark: /`([^`\n]+)`/u, kind: 'code', isLeaf: true },
  { mark: /\[([^\]\n]+)\]\(([^)\s]+)\)/u, kind: 'link' },
  { mark: /\*\*(\S(?:[^\n]*?\S)?)\*\*/u, kind: 'bold' },
  { mark: /__(\S(?:[^\n]*?\S)?)__/u, kind: 'bold' },
  { mark: /\+\+(\S(?:[^\n]*?\S)?)\+\+/u, kind: 'underline' },
  { mark: /~~(\S(?:[^\n]*?\S)?)~~/u, kind: 'strike' },
  { mark: /\*(\S(?:[^\n*]*?\S)?)\*/u, kind: 'italic' },
  { mark: /(?<![\p{L}\p{N}])_(\S(?:[^\n]*?\S)?)_(?![\p{L}\p{N}])/u, kind: 'italic' },
]

const word = (mark: string): RegExp => new RegExp(`(?<![\\p{L}\\p{N}])${mark}(?=\\S)([^\\n]*?\\S)${mark}(?![\\p{L}\\p{N}])`, 'u')
const whatsappRules: Rule[] = [
  { mark: /```([\s\S]+?)```/u, kind: 'pre', isLeaf: true },
  { mark: word('`'), kind: 'code', isLeaf: true },
  { mark: word('\\*'), kind: 'bold' },
  { mark: word('_'), kind: 'italic' },
  { mark: word('~'), kind: 'strike' },
]

function readInline(source: string, rules: readonly Rule[], offset: number): ShownText {
  let text = ''
  const spans: Span[] = []
  let rest = source
  for (;;) {
    let first: { rule: Rule, match: RegExpExecArray } | undefined
    for (const rule of rules) {
      const match = rule.mark.exec(rest)
      if (match !== null && (first === undefined || match.index < first.match.index)) first = { rule, match }
    }
    if (first === undefined) return { text: text + rest, spans }
    const { rule, match } = first
    text += rest.slice(0, match.index)
    const from = offset + text.length
    const inner = rule.isLeaf === true ? { text: match[1]!, spans: [] } : readInline(match[1]!, rules, from)
    spans.push({ kind: rule.kind, from, length: inner.text.length, ...(rule.kind === 'link' ? { url: match[2] } : {}) }, ...inner.spans)
    text += inner.text
    rest = rest.slice(match.index + match[0].length)
  }
}

// Lines that begin with "> " are a quote; the sign itself is not shown.
function readLines(source: string, rules: readonly Rule[]): ShownText {
  const shown: ShownText = { text: '', spans: [] }
  const parts = source.split(/(?<=\n)(?=> )|(?<=\n)(?=[^>]|>[^ ])/u)
  const blocks: { isQuote: boolean, lines: string }[] = []
  for (const part of parts) {
    const isQuote = part.startsWith('> ')
    const last = blocks.at(-1)
    if (last?.isQuote === isQuote) last.lines += part
    else blocks.push({ isQuote, lines: part })
  }
  for (const { isQuote, lines } of blocks) {
    const from = shown.text.length
    const inner = readInline(isQuote ? lines.replace(/^> /gm, '') : lines, rules, from)
    shown.text += inner.text
    if (isQuote) shown.spans.push({ kind: 'quote', from, length: inner.text.trimEnd().length })
    shown.spans.push(...inner.spans)
  }
  return { text: shown.text, spans: sortSpans(shown.spans) }
}

/** Reads the marks that people and businesses type in WhatsApp. @see https://faq.whatsapp.com/539178204879377 */
export const readWhatsAppMarks = (source: string): ShownText => readLines(source, whatsappRules)

/** Reads MAX's Markdown. @see https://dev.max.ru/docs-api/use-cases/sending-messages/text-formatting */
export const readMaxMarkdown = (source: string): ShownText => readLines(source, maxRules)

/** Takes spaces off both ends and keeps the spans on their words. */
export function trimShown({ text, spans }: ShownText): ShownText {
  const cut = text.length - text.trimStart().length
  const trimmed = text.trim()
  return {
    text: trimmed,
    spans: spans.flatMap((span) => {
      const from = Math.max(0, span.from - cut)
      const length = Math.min(span.from - cut + span.length, trimmed.length) - from
      return length > 0 ? [{ ...span, from, length }] : []
    }),
  }
}

function sortSpans(spans: Span[]): Span[] {
  return spans.sort((a, b) => a.from - b.from || b.length - a.length)
}
