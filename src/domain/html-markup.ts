import { isFormatted, renderRich, type Marks, type RichText } from './rich-text.ts'

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
const escapeAttribute = (text: string): string => escape(text).replace(/"/g, '&quot;')

/** Bots' HTML makes links of web addresses only: of others the address is written out. */
const isWeb = (url: string): boolean => /^https?:/i.test(url)
const writtenOut = (inner: string, url: string, isBare: boolean): string => (isBare ? inner : `${inner} (${url.replace(/^(?:mailto|tel):/i, '')})`)

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

/** The words that the patient sees. */
const words: Marks = { text: (text) => text, link: (inner, url, isBare) => (isWeb(url) ? inner || url : writtenOut(inner, url, isBare)) }

/**
 * A text in the HTML that bots of Telegram and MAX read alike. `shownLength` is that of the words without the marks, in UTF-16 code units.
 * undefined for words without formatting: they go as they are, and nothing in them can be taken for a mark.
 *
 * @see https://core.telegram.org/bots/api#html-style
 * @see https://dev.max.ru/docs-api/use-cases/sending-messages/text-formatting
 */
export const botHtmlOf = (rich: RichText | undefined): { readonly html: string; readonly shownLength: number } | undefined =>
  rich === undefined || !isFormatted(rich) ? undefined : { html: renderRich(rich, html), shownLength: renderRich(rich, words).length }
