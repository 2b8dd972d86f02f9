import { type RichNode, type RichText } from './rich-text.ts'

/** Invisible, without width, breaks no line: put inside a code, it is no code any more and still reads the same. */
const joiner = '\u2060'

/**
 * Reads an operator's text: no BB code, known or not, is left in it (F43).
 *
 * Formatting, links, quotes (`------` fences and `>>` lines), code, line breaks; of mentions, commands and other tags only
 * the words are kept, a tag that is not closed formats nothing. Words in brackets that are no tags stay words. Never throws.
 *
 * @see https://apidocs.bitrix24.com/api-reference/chat-bots/chat-bots-v2/imbot.v2/messages/message-formatting.html
 */
export const parseBbCode = (text: string): RichText => joined(segmentsOf(text.replace(/\r\n?/g, '\n')))

/** Code is raw up to its end: nothing in it is a fence or a tag. */
const segmentsOf = (text: string): RichNode[] => {
  const nodes: RichNode[] = []
  let from = 0
  for (const match of /\[\/code\]/i.test(text) ? text.matchAll(/\[code\]([\s\S]*?)\[\/code\]/gi) : []) {
    nodes.push(...blocksOf(text.slice(from, match.index)))
    const code = withBreaks(match[1]!).replace(/^\n|\n$/g, '')
    if (code !== '') nodes.push({ type: 'code', text: code })
    from = match.index + match[0].length
  }
  nodes.push(...blocksOf(text.slice(from)))
  return nodes
}

const withBreaks = (text: string): string => text.replace(/\[br\s*\/?\]/gi, '\n')

const isFence = (line: string): boolean => /^-{6,}$/.test(line.trim())

/** Cuts the lines into quotes and all the rest. */
const blocksOf = (text: string): RichNode[] => {
  const lines = withBreaks(text).split('\n')
  const blocks: RichNode[][] = []
  let rest: string[] = []
  const fences = lines.flatMap((line, index) => (isFence(line) ? [index] : []))
  const flush = (): void => {
    if (rest.length > 0) blocks.push(inlineOf(rest.join('\n')))
    rest = []
  }
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!
    const end = isFence(line) ? fences.find((at) => at > index) : undefined
    if (end !== undefined) {
      flush()
      const [first = '', ...others] = lines.slice(index + 1, end)
      // "Name [date] #chat5/7": the number is the portal's own.
      blocks.push([{ type: 'quote', children: joined(inlineOf([first.replace(/\s*#\S+\/\d+\s*$/, ''), ...others].join('\n'))) }])
      index = end
    } else if (line.startsWith('>>')) {
      flush()
      const quoted: string[] = []
      while (lines[index]?.startsWith('>>') === true) quoted.push(lines[index++]!.slice(2).trimStart())
      index -= 1
      blocks.push([{ type: 'quote', children: joined(inlineOf(quoted.join('\n'))) }])
    } else {
      rest.push(isFence(line) ? '' : line)
    }
  }
  flush()
  return blocks.flatMap((block, index) => (index === 0 ? block : [{ type: 'lineBreak' } as const, ...block]))
}

const formats: Readonly<Record<string, 'bold' | 'italic' | 'underline' | 'strike'>> = { b: 'bold', i: 'italic', u: 'underline', s: 'strike' }

/** Tags of which only the contents are a person's words. */
const wrappers = new Set(
  'code size color font user chat context send put call img list p center left right justify quote spoiler table tr td th sub sup video audio rating background'.split(' '),
)

/** Tags that stand alone, and what a person is shown instead. */
const singles: Readonly<Record<string, string>> = { like: '👍', dislike: '👎', '*': '• ', hr: '\n', br: '\n', icon: '', disk: '', timestamp: '', attach: '', rating: '' }

const isFormat = (name: string): boolean => Object.hasOwn(formats, name)
const isSingle = (name: string): boolean => Object.hasOwn(singles, name)

interface Frame {
  readonly name: string
  readonly value: string
  readonly children: RichNode[]
}

/** A value ends before the next bracket, or thousands of opening brackets would each be read to the end. */
const tagPattern = /\[(\/?)([a-z][a-z0-9_]*|\*)(?:=([^[\]\n]*)|(\s+[a-z]+=[^[\]\n]*))?\]/gi

/** Deeper nesting is nobody's formatting; its words are kept. */
const mostDepth = 20

const inlineOf = (text: string): RichNode[] => {
  const root: RichNode[] = []
  const stack: Frame[] = []
  const target = (): RichNode[] => stack.at(-1)?.children ?? root
  const closable = new Set(Array.from(text.matchAll(/\[\/([a-z][a-z0-9_]*)\]/gi), (match) => match[1]!.toLowerCase()))
  /** What is still open formats nothing: its words go to where it stands. */
  const dissolve = (frame: Frame): void => void target().push(...frame.children)
  let from = 0
  for (const match of text.matchAll(tagPattern)) {
    const [whole, slash, rawName, value, attributes] = match
    const name = rawName!.toLowerCase()
    const isKnown = isFormat(name) || isSingle(name) || wrappers.has(name) || name === 'url'
    // A word in brackets that nobody closes is a word.
    if (!isKnown && slash === '' && value === undefined && !closable.has(name)) continue
    target().push(...wordsOf(text.slice(from, match.index)))
    from = match.index + whole.length
    if (slash === '/') {
      if (!stack.some((frame) => frame.name === name)) continue
      let frame = stack.pop()!
      while (frame.name !== name) {
        dissolve(frame)
        frame = stack.pop()!
      }
      target().push(...nodesOf(frame))
    } else if (isSingle(name) && !closable.has(name)) {
      target().push(...wordsOf(name === 'icon' ? titleIn(value ?? attributes ?? '') : singles[name]!))
    } else if (stack.length < mostDepth && closable.has(name)) {
      stack.push({ name, value: value ?? '', children: [] })
    }
  }
  target().push(...wordsOf(text.slice(from)))
  while (stack.length > 0) dissolve(stack.pop()!)
  return root
}

/** Smilies drawn by the portal carry their code as a title. */
const titleIn = (attributes: string): string => /\btitle="?([^"\]]*?)"?\s*(?:\w+=|$)/i.exec(attributes)?.[1] ?? ''

const wordsOf = (text: string): RichNode[] =>
  text.split('\n').flatMap((line, index): RichNode[] => [...(index === 0 ? [] : [{ type: 'lineBreak' } as const]), ...(line === '' ? [] : [{ type: 'text', text: line } as const])])

const nodesOf = ({ name, value, children }: Frame): readonly RichNode[] => {
  const format = isFormat(name) ? formats[name] : undefined
  if (format !== undefined) return children.length === 0 ? [] : [{ type: format, children: joined(children) }]
  if (name === 'url') return linkOf(value === '' ? textIn(children) : value, children)
  if (name === 'img') return linkOf(textIn(children), [])
  if (name === 'quote') return children.length === 0 ? [] : [{ type: 'quote', children: joined(children) }]
  if (name === 'call' && value !== '' && !digitsOf(textIn(children)).includes(digitsOf(value))) return [...children, { type: 'text', text: ` ${value}` }]
  return children
}

const digitsOf = (text: string): string => text.replace(/\D/g, '')
const textIn = (children: RichText): string => children.map((node) => ('text' in node ? node.text : 'children' in node ? textIn(node.children) : '')).join('')

/** Addresses inside the portal say nothing to a patient: only their words remain. */
const linkOf = (address: string, children: readonly RichNode[]): readonly RichNode[] => {
  const trimmed = address.trim().replace(/^"(.*)"$/, '$1')
  const url = /^www\./i.test(trimmed) ? `https://${trimmed}` : trimmed
  if (!/^(?:https?:\/\/|mailto:|tel:)[^\s<>"]+$/i.test(url)) return children
  return [{ type: 'link', url, children: children.length === 0 ? [{ type: 'text', text: url }] : joined(children) }]
}

/** Neighbouring words as one node. */
const joined = (nodes: readonly RichNode[]): RichText => {
  const result: RichNode[] = []
  for (const node of nodes) {
    const last = result.at(-1)
    if (node.type === 'text' && last?.type === 'text') result[result.length - 1] = { type: 'text', text: last.text + node.text }
    else result.push(node)
  }
  return result
}

/**
 * A patient's text in which no BB code, smiley code, quote or answer to "rate us, 1 or 0" takes effect in the portal. It reads
 * the same: only invisible joiners are added, and an address of the web keeps working unless it has a code in it.
 */
export const harmlessText = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(/\[(?=[a-z/*])/gi, `[${joiner}`)
    .replace(/^([^\S\n]*-)(?=-{5,}[^\S\n]*$)/gm, `$1${joiner}`)
    .replace(/^>(?=>)/gm, `>${joiner}`)
    .replace(/\S+/g, (word) => (/:\/\/|^www\.|@/i.test(word) ? word : word.replace(smileyStart, `$1${joiner}`)))
    .replace(/^(?=\s*[01](?:\s|$))/, joiner)

const smileyStart = /([:;=8>])(?=[-~'^]?[(){}|/\\<*$]|[-~]?[dpos](?![\p{L}\p{N}])|[\p{L}\p{N}_]+:|[!?]:)/giu

/** The portal draws a quote between two lines of exactly 54 dashes. */
const fence = '-'.repeat(54)
const mostQuoted = 300

/**
 * What a patient's message answers, as the portal draws quotes; the answer follows. At most 300 characters of it, harmless.
 */
export const quoteBlock = (author: string | undefined, text: string): string => {
  const short = text.length <= mostQuoted ? text : `${text.slice(0, mostQuoted).replace(/[\ud800-\udbff]$/, '')}…`
  return [fence, ...(author === undefined ? [] : [harmlessText(author.replace(/\s+/g, ' '))]), harmlessText(short), fence, ''].join('\n')
}
