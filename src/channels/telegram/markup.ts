import { botHtmlOf } from '../../domain/html-markup.ts'
import { type RichText } from '../../domain/rich-text.ts'

export interface Rendered {
  readonly text: string
  readonly parseMode?: 'HTML'
  /** As Telegram counts: after the marks are read. */
  readonly length: number
}

/** @see https://core.telegram.org/bots/api#html-style */
export const render = ({ text, rich }: { readonly text: string; readonly rich?: RichText }): Rendered => {
  const formatted = botHtmlOf(rich)
  return formatted === undefined ? { text, length: text.length } : { text: formatted.html, parseMode: 'HTML', length: formatted.shownLength }
}
