import { renderRich, type Marks, type RichText } from './rich-text.ts'

/** Stand for marks until their neighbours are known: WhatsApp reads a mark only at the edge of a word. Private use, so no text has them. */
const opens = { '*': '\uE000', _: '\uE001', '~': '\uE002', '`': '\uE003', '```': '\uE004' } as const
const closes = { '*': '\uE010', _: '\uE011', '~': '\uE012', '`': '\uE013', '```': '\uE014' } as const
type Mark = keyof typeof opens

const marks = Object.keys(opens) as Mark[]
const markOf = new Map<string, Mark>(marks.flatMap((mark) => [[opens[mark], mark], [closes[mark], mark]] as const))
const anyStandIn = /[\uE000-\uE004\uE010-\uE014]/g

/** WhatsApp has no escape sign: where a pair would be read as marks, signs that look the same stand in their place. */
const lookAlikes: Readonly<Record<string, string>> = { '*': '\u2217', _: '\u02CD', '~': '\u223C', '`': '\u02CB' }
const accidentalPair = /(?<![\p{L}\p{N}])([*_~`])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}])/gu

const harmless = (text: string): string => {
  const bare = text.replace(anyStandIn, '')
  const replaced = bare.replace(accidentalPair, (_, sign: string, inner: string) => `${lookAlikes[sign]!}${inner}${lookAlikes[sign]!}`)
  return replaced === bare ? bare.replace(/^>(?= )/gm, '\u203A') : harmless(replaced)
}

/** A mark may span neither a line break nor begin or end with a space; the sign of a quote stays before it. */
const wrap = (mark: Mark) => (inner: string): string =>
  inner
    .split('\n')
    .map((line) => {
      const [, before = '', words = '', after = ''] = /^((?:> )*\s*)(.*?)(\s*)$/u.exec(line) ?? []
      return words === '' ? line : `${before}${opens[mark]}${words.replaceAll(opens[mark], '').replaceAll(closes[mark], '')}${closes[mark]}${after}`
    })
    .join('\n')

const addressOf = (url: string): string => url.replace(/^(?:mailto|tel):/i, '')

/** @see https://faq.whatsapp.com/539178204879377 */
const whatsappMarks: Marks = {
  text: harmless,
  bold: wrap('*'),
  italic: wrap('_'),
  strike: wrap('~'),
  quote: (inner) =>
    inner
      .split('\n')
      .map((line) => `> ${line}`)
      .join('\n'),
  code: (text) => {
    const bare = text.replace(anyStandIn, '')
    if (bare.trim() === '' || bare.includes('`')) return harmless(bare)
    const mark: Mark = bare.includes('\n') ? '```' : '`'
    return `${opens[mark]}${bare}${closes[mark]}`
  },
  link: (inner, url, isBare) => (isBare || inner === '' ? addressOf(url) : `${inner} (${addressOf(url)})`),
}

const isWordSign = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}]/u.test(sign)

/** The nearest sign in one direction that is no mark. */
const neighbour = (signs: readonly string[], from: number, step: 1 | -1): string | undefined => {
  let at = from + step
  while (markOf.has(signs[at] ?? '')) at += step
  return signs[at]
}

/** Puts the marks in; a pair that stands inside a word would be shown as it is, so it is left out. */
const settle = (text: string): string => {
  const signs = Array.from(text)
  const kept = new Set<number>()
  const open: number[] = []
  for (const [at, sign] of signs.entries()) {
    const mark = markOf.get(sign)
    if (mark === undefined) continue
    if (sign === opens[mark]) open.push(at)
    else {
      const start = open.pop()
      if (start === undefined || isWordSign(neighbour(signs, start, -1)) || isWordSign(neighbour(signs, at, 1))) continue
      kept.add(start).add(at)
    }
  }
  return signs.map((sign, at) => (markOf.has(sign) ? (kept.has(at) ? markOf.get(sign)! : '') : sign)).join('')
}

/** The text with WhatsApp's marks; underlining it has none, and what an operator typed never turns into a mark. */
export const render = ({ text, rich }: { readonly text: string; readonly rich?: RichText }): string => (rich === undefined ? text : settle(renderRich(rich, whatsappMarks)))
