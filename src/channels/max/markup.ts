import { botHtmlOf } from '../../domain/html-markup.ts'
import { type RichText } from '../../domain/rich-text.ts'

export interface Rendered {
  readonly text: string
  readonly format?: 'html'
}

/** @see https://dev.max.ru/docs-api/use-cases/sending-messages/text-formatting */
export const render = ({ text, rich }: { readonly text: string; readonly rich?: RichText }): Rendered => {
  const formatted = botHtmlOf(rich)
  return formatted === undefined ? { text } : { text: formatted.html, format: 'html' }
}
