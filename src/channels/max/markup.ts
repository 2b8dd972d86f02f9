import { renderRich, type Marks, type RichText } from '../../domain/rich-text.ts'

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const escapeAttribute = (text: string): string => escape(text).replace(/"/g, '&quot;')

/** MAX documents links to web addresses only: of others the address is written out. */
const isWeb = (url: string): boolean => /^https?:/i.test(url)
const writtenOut = (inner: string, url: string, isBare: boolean): string => (isBare ? inner : `${inner} (${url.replace(/^(?:mailto|tel):/i, '')})`)

/** @see https://dev.max.ru/docs-api/use-cases/sending-messages/text-formatting */
const html: Marks = {
  text: escape,
  bold: (inner) => `<b>${inner}</b>`,
  italic: (inner) => `<i>${inner}</i>`,
  underline: (inner) => `<u>${inner}</u>`,
  strike: (inner) => `<s>${inner}</s>`,
  // A quote inside a quote is one quote; what was typed as a tag is escaped by now, so these are ours.
  quote: (inner) => `<blockquote>${inner.replace(/<\/?blockquote>/g, '')}</blockquote>`,
  code: (text) => (text.includes('\n') ? `<pre>${escape(text)}</pre>` : `<code>${escape(text)}</code>`),
  link: (inner, url, isBare) => (isWeb(url) ? `<a href="${escapeAttribute(url)}">${inner === '' ? escape(url) : inner}</a>` : writtenOut(inner, escape(url), isBare)),
}

export interface Rendered {
  readonly text: string
  readonly format?: 'html'
}

const isFormatted = (rich: RichText): boolean => rich.some(({ type }) => type !== 'text' && type !== 'lineBreak')

/** Words without formatting go as they are: nothing in them can be taken for a mark. */
export const render = ({ text, rich }: { readonly text: string; readonly rich?: RichText }): Rendered =>
  rich === undefined || !isFormatted(rich) ? { text } : { text: renderRich(rich, html), format: 'html' }
