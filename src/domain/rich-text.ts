/** Text with formatting, as every messenger could show it; each channel renders it with its own marks. */
export type RichText = readonly RichNode[]

/**
 * `quote` is a block: the line breaks before and after it are nodes of their own. A link's `url` is always absolute
 * (`https:`, `http:`, `mailto:` or `tel:`).
 */
export type RichNode =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'lineBreak' }
  | { readonly type: 'bold' | 'italic' | 'underline' | 'strike' | 'quote'; readonly children: RichText }
  | { readonly type: 'link'; readonly url: string; readonly children: RichText }
  | { readonly type: 'code'; readonly text: string }

/** Whether there is anything in it but words and line breaks. */
export const isFormatted = (rich: RichText): boolean => rich.some(({ type }) => type !== 'text' && type !== 'lineBreak')

type Wrap = (inner: string) => string

/**
 * How one messenger writes formatting. What is left out is written as its contents alone, so no mark of another messenger can leak.
 * `text` escapes whatever would be a mark; the contents of everything else have been rendered before they are wrapped.
 */
export interface Marks {
  readonly text: (text: string) => string
  readonly lineBreak?: string
  readonly bold?: Wrap
  readonly italic?: Wrap
  readonly underline?: Wrap
  readonly strike?: Wrap
  readonly quote?: Wrap
  /** `text` is not yet escaped: inside code other rules hold. */
  readonly code?: (text: string) => string
  /** `isBare`: the link shows nothing but its own address. */
  readonly link?: (inner: string, url: string, isBare: boolean) => string
}

/** Writes a rich text with a messenger's marks. */
export const renderRich = (rich: RichText, marks: Marks): string => rich.map((node) => renderNode(node, marks)).join('')

const renderNode = (node: RichNode, marks: Marks): string => {
  switch (node.type) {
    case 'text':
      return marks.text(node.text)
    case 'lineBreak':
      return marks.lineBreak ?? '\n'
    case 'code':
      return (marks.code ?? marks.text)(node.text)
    case 'link': {
      const inner = renderRich(node.children, marks)
      return marks.link === undefined ? inner : marks.link(inner, node.url, isBareLink(node.url, node.children))
    }
    default: {
      const inner = renderRich(node.children, marks)
      return marks[node.type]?.(inner) ?? inner
    }
  }
}

/** Whether the link's words are its address, perhaps without the scheme that a person does not type. */
const isBareLink = (url: string, children: RichText): boolean => {
  const [only, second] = children
  if (second !== undefined || only?.type !== 'text') return false
  return withoutScheme(only.text) === withoutScheme(url)
}

const withoutScheme = (url: string): string => url.replace(/^(?:https?:\/\/|mailto:|tel:)/i, '').replace(/\/$/, '')

const plainMarks: Marks = {
  text: (text) => text,
  quote: (inner) =>
    inner
      .split('\n')
      .map((line) => `> ${line}`)
      .join('\n'),
  link: (inner, url, isBare) => (isBare || inner === '' ? inner || url : `${inner} (${url})`),
}

/** The words without formatting: links keep their address in brackets, quotes a `>` before each line. */
export const plainTextOf = (rich: RichText): string => renderRich(rich, plainMarks)
