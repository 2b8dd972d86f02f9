/** How a patient's message reads in an open line: BB code in which nothing of the patient's can act as a code. */
import { harmlessText, quoteBlock } from './bb-code.ts'
import { type Place } from './message.ts'

export interface LineTextParts {
  readonly text: string
  readonly place?: Place
  readonly contactCard?: { readonly phone: string; readonly name?: string }
  readonly quotedText?: string
  /** The messenger's name, where the messages of several come into one chat. */
  readonly channel?: string
  /** Files that could not be fetched, by name, in words for the operator. */
  readonly missingFiles?: readonly string[]
}

/** One text for all that the message holds; empty when it holds only files. */
export const lineTextOf = ({ text, place, contactCard, quotedText, channel, missingFiles = [] }: LineTextParts): string => {
  const said = [
    ...(text.trim() === '' ? [] : [harmlessText(text)]),
    ...(contactCard === undefined ? [] : [`👤 ${[contactCard.name, contactCard.phone].flatMap((part) => (part === undefined || part === '' ? [] : [harmlessText(part)])).join(', ')}`]),
    ...(place === undefined ? [] : [placeLine(place)]),
    ...missingFiles,
  ].join('\n')
  const quote = quotedText === undefined || quotedText.trim() === '' ? '' : quoteBlock(undefined, quotedText)
  const mark = channel === undefined ? '' : `[b]${harmlessText(channel)}[/b]\n`
  return said === '' && quote === '' ? (channel === undefined ? '' : mark.trim()) : `${mark}${quote}${said}`
}

/** A link to a map that opens in Russia, with the place's own words before it. */
const placeLine = ({ latitude, longitude, title, address }: Place): string => {
  const words = [title, address].flatMap((part) => (part === undefined || part === '' ? [] : [harmlessText(part)])).join(', ')
  const point = `${longitude.toFixed(6)},${latitude.toFixed(6)}`
  return `📍 ${words === '' ? '' : `${words} `}https://yandex.ru/maps/?pt=${point}&z=16&l=map`
}
