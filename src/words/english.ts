/**
 * Sentences in the language of whoever reads them. As in gettext the Russian sentence is the key: the code says it once, it is stored
 * as it was said, and it is looked up here at the door where it is shown.
 */
import { type Language } from '../bitrix/language.ts'
import { botWords } from './english-bots.ts'
import { channelWords, standIns } from './english-channels.ts'
import { pageWords } from './english-pages.ts'
import { portalWords } from './english-portal.ts'
import { smsWords } from './english-sms.ts'
import { whatsAppWords } from './english-whatsapp.ts'

/**
 * Every sentence of the application that may reach an English page: Russian to English. `{name}` is filled in, `{count}` and `{size}` by
 * numbers alone; what stands in «…» is a name.
 */
export const englishOf: ReadonlyMap<string, string> = new Map(
  [pageWords, portalWords, channelWords, botWords, whatsAppWords, smsWords, standIns].flatMap((words) => Object.entries(words)),
)

interface Pattern {
  /** What stands around the places: one more than there are places. */
  readonly around: readonly string[]
  readonly places: readonly string[]
  readonly english: string
}

const place = /\{(\w+)\}/g
const numbered = new Set(['count', 'size'])

const patterns: readonly Pattern[] = [...englishOf]
  .map(([russian, english]) => ({ around: russian.split(/\{\w+\}/), places: [...russian.matchAll(place)].map(([, name]) => name!), english }))
  .filter(({ places }) => places.length > 0)

const standInOf: ReadonlyMap<string, string> = new Map(Object.entries(standIns))

/** What is filled in is no longer than the sentence, and is itself filled in at most so deep. */
const mostDepth = 3

/**
 * The sentence in this language. Russian stays as it is. In English a known sentence comes translated: what is filled in is kept - and is
 * translated where it is a sentence of ours and no name -, and so is a technical name in front of it (`robot send: …`). What is not known -
 * a vendor's own words, a clinic's name - comes through unchanged. Takes time in proportion to the length, whatever it is given.
 */
export const inLanguage = (language: Language, sentence: string): string => (language === 'ru' ? sentence : (translate(sentence, 0) ?? behindName(sentence) ?? sentence))

/**
 * The same of a text in a place where somebody else's words stand as a rule - a patient's message, the name of a route, a fact of a
 * vendor: only what the application itself puts there is translated.
 */
export const standInInLanguage = (language: Language, text: string): string => (language === 'ru' ? text : (standInOf.get(text) ?? text))

const translate = (sentence: string, depth: number): string | undefined => {
  const known = englishOf.get(sentence)
  if (known !== undefined) return known
  for (const pattern of patterns) {
    const filled = valuesOf(pattern, sentence)
    if (filled !== undefined) return pattern.english.replace(place, (_, name: string) => valueOf(pattern, name, filled, depth))
  }
  return undefined
}

/** What stands in the places, each as short as it can be; undefined when the sentence is another one. */
const valuesOf = ({ around, places }: Pattern, sentence: string): readonly string[] | undefined => {
  const last = around.at(-1)!
  const end = sentence.length - last.length
  if (!sentence.startsWith(around[0]!) || !sentence.endsWith(last)) return undefined
  const values: string[] = []
  let from = around[0]!.length
  for (const [index, name] of places.entries()) {
    const next = index === places.length - 1 ? end : sentence.indexOf(around[index + 1]!, from)
    if (next <= from || next > end) return undefined
    const value = sentence.slice(from, next)
    if (numbered.has(name) && !/^\d[\d.,]*$/.test(value)) return undefined
    values.push(value)
    from = next + around[index + 1]!.length
  }
  return values
}

const valueOf = ({ around, places }: Pattern, name: string, values: readonly string[], depth: number): string => {
  const index = places.indexOf(name)
  const value = values[index]!
  const isName = around[index]!.endsWith('«')
  return isName || depth >= mostDepth ? value : (translate(value, depth + 1) ?? value)
}

/** `robot send: <sentence>`, as registrations write it. */
const behindName = (sentence: string): string | undefined => {
  const colon = sentence.indexOf(': ')
  const name = sentence.slice(0, colon)
  if (colon <= 0 || /[а-яё]/i.test(name)) return undefined
  const told = translate(sentence.slice(colon + 2), 0)
  return told === undefined ? undefined : `${name}: ${told}`
}
