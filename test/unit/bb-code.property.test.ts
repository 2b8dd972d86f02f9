import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { harmlessText, parseBbCode, quoteBlock } from '../../src/domain/bb-code.ts'
import { plainTextOf, renderRich, type RichText } from '../../src/domain/rich-text.ts'

const words = fc.constantFrom('слово', ' ', '\n', '1', '0', ':)', ';-)', ':idea:', '8)', '>>', '>', '-', '-----', '------', '😀', '<b>', '*', '_', 'https://clinic.example', '=', ':')
const codes = fc.constantFrom(
  '[b]', '[/b]', '[B]', '[i]', '[/i]', '[u]', '[/u]', '[s]', '[/s]', '[br]', '[url]', '[url=https://clinic.example]', '[url=/crm/]', '[/url]', '[user=1]', '[/user]', '[chat=2]', '[/chat]',
  '[send=x]', '[/send]', '[put=x]', '[/put]', '[quote]', '[/quote]', '[code]', '[/code]', '[icon=a size=1 title=t]', '[like]', '[disk=1]', '[x]', '[/x]', '[x=1]', '[*]', '[', ']', '[[', '/]', '[size=20]', '[/size]',
)
const mixture = fc.array(fc.oneof(words, codes), { maxLength: 30 }).map((parts) => parts.join(''))
const anything = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => text.isWellFormed() && !text.includes('\u2060'))
const text = fc.oneof(mixture, anything)

const nodesIn = (rich: RichText): RichText => rich.flatMap((node) => ('children' in node ? [node, ...nodesIn(node.children)] : [node]))
/** Codes that a patient must never see; a code block shows whatever an operator has put there. */
const leaked = /\[\/?(?:b|i|u|s|url|user|chat|send|put|quote|code|size|img|color|br)(?:=[^\]\n]*)?\]/i

describe('reading BB codes', () => {
  it('never throws, and leaves no code in the words (F43)', () => {
    fc.assert(
      fc.property(text, (given) => {
        const rich = parseBbCode(given)
        for (const node of nodesIn(rich)) {
          if (node.type === 'text') expect(node.text).not.toMatch(leaked)
          if (node.type === 'text') expect(node.text).not.toMatch(/\n|^$/)
          if (node.type === 'link') expect(node.url).toMatch(/^(?:https?:\/\/|mailto:|tel:)/i)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('keeps a text without codes as it is', () => {
    const innocent = fc.oneof(anything, fc.array(words, { maxLength: 20 }).map((parts) => parts.join(''))).filter((given) => !/[[\]\r]|^>>|^\s*-{6,}\s*$/m.test(given))
    fc.assert(
      fc.property(innocent, (given) => {
        expect(plainTextOf(parseBbCode(given))).toBe(given)
      }),
      { numRuns: 2_000 },
    )
  })

  it('escapes every word that a person wrote exactly once, wherever it stands', () => {
    fc.assert(
      fc.property(text, (given) => {
        const rich = parseBbCode(given)
        const count = nodesIn(rich).filter((node) => node.type === 'text' || node.type === 'code').length
        let escaped = 0
        const escape = (words: string): string => {
          escaped += 1
          return words
        }
        renderRich(rich, { text: escape })
        expect(escaped).toBe(count)
      }),
      { numRuns: 500 },
    )
  })
})

describe('making a text harmless', () => {
  it('leaves nothing in it that the portal would act on, and reads the same', () => {
    fc.assert(
      fc.property(text, (given) => {
        const harmless = harmlessText(given)
        expect(harmless.replaceAll('\u2060', '')).toBe(given.replace(/\r\n?/g, '\n'))
        const rich = parseBbCode(harmless)
        expect(rich.every(({ type }) => type === 'text' || type === 'lineBreak')).toBe(true)
        expect(plainTextOf(rich)).toBe(harmless)
        expect(harmless).not.toMatch(/^\s*[01](?:\s|$)/)
      }),
      { numRuns: 3_000 },
    )
  })

  it('twice is making it harmless once', () => {
    fc.assert(fc.property(text, (given) => expect(harmlessText(harmlessText(given))).toBe(harmlessText(given))), { numRuns: 1_000 })
  })

  it('holds inside a quote as well: one quote, and after it the answer', () => {
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (given, author) => {
        expect(parseBbCode(`${quoteBlock(author, given)}ответ`).map(({ type }) => type)).toEqual(['quote', 'lineBreak', 'text'])
      }),
      { numRuns: 1_000 },
    )
  })
})
