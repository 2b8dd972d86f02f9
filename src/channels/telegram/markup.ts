import { renderRich, type Marks, type RichText } from '../../domain/rich-text.ts'

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const escapeAttribute = (text: string): string => escape(text).replace(/"/g, '&quot;')

/** Telegram makes links of web addresses only: of others the address is written out. */
const isWeb = (url: string): boolean => /^https?:/i.test(url)
const writtenOut = (inner: string, url: string, isBare: boolean): string => (isBare ? inner : `${inner} (${url.replace(/^(?:mailto|tel):/i, '')})`)

/** @see https://core.telegram.org/bots/api#html-style */
const html: Marks = {
  text: escape,
  bold: (inner) => `<b>${inner}</b>`,
  italic: (inner) => `<i>${inner}</i>`,
  underline: (inner) => `<u>${inner}</u>`,
  strike: (inner) => `<s>${inner}</s>`,
  // Quotes cannot be nested; what was typed as a tag is escaped by now, so these are ours.
  quote: (inner) => `<blockquote>${inner.replace(/<\/?blockquote>/g, '')}</blockquote>`,
  code: (text) => (text.includes('\n') ? `<pre>${escape(text)}</pre>` : `<code>${escape(text)}</code>`),
  link: (inner, url, isBare) => (isWeb(url) ? `<a href="${escapeAttribute(url)}">${inner === '' ? escape(url) : inner}</a>` : writtenOut(inner, escape(url), isBare)),
}

/** The words that the patient sees: Telegram counts them, and not the marks. */
const words: Marks = { text: (text) => text, link: (inner, url, isBare) => (isWeb(url) ? inner || url : writtenOut(inner, url, isBare)) }

export interface Rendered {
  readonly text: string
  readonly parseMode?: 'HTML'
  /** As Telegram counts: after the marks are read. */
  readonly length: number
}

const isFormatted = (rich: RichText): boolean => rich.some(({ type }) => type !== 'text' && type !== 'lineBreak')

/** Words without formatting go as they are: nothing in them can be taken for a mark. */
export const render = ({ text, rich }: { readonly text: string; readonly rich?: RichText }): Rendered =>
  rich === undefined || !isFormatted(rich) ? { text, length: text.length } : { text: renderRich(rich, html), parseMode: 'HTML', length: renderRich(rich, words).length }
