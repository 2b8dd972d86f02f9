import { describe, expect, it } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { botWords } from '../../src/words/english-bots.ts'
import { channelWords, standIns } from '../../src/words/english-channels.ts'
import { pageWords } from '../../src/words/english-pages.ts'
import { portalWords } from '../../src/words/english-portal.ts'
import { smsWords } from '../../src/words/english-sms.ts'
import { whatsAppWords } from '../../src/words/english-whatsapp.ts'
import { englishOf, inLanguage, standInInLanguage } from '../../src/words/english.ts'

/** What is rightly Russian alone: a file, the name under which it stands there, and why. */
const russianOnly: readonly { readonly file: string; readonly inside: string; readonly why: string }[] = [
  { file: 'src/flows/chat-words.ts', inside: 'patientWords', why: 'patients are spoken to in Russian' },
  { file: 'src/domain/message.ts', inside: 'answerTitles', why: 'the buttons that patients press' },
  { file: 'src/channels/max/send.ts', inside: 'keyboardOf', why: 'the buttons that patients press' },
  { file: 'src/channels/telegram/send.ts', inside: 'keyboardOf', why: 'the button that patients press' },
  { file: 'src/channels/vk/send.ts', inside: 'invitation', why: 'a comment for patients' },
  { file: 'src/channels/vk/webhook.ts', inside: 'startWords', why: 'what the Start button of VK types' },
  { file: 'src/channels/site/credentials.ts', inside: 'defaults', why: 'texts for visitors of the site, and a value of a setting' },
  { file: 'src/channels/email/credentials.ts', inside: 'defaultSubject', why: 'the subject of letters to patients' },
]

/** Regular expressions over what people and programs write in Russian. */
const russianReaders = [
  { file: 'src/bitrix/appointments.ts', why: 'names of the portal\'s fields' },
  { file: 'src/channels/email/letter.ts', why: 'what mail programs put over a quoted letter' },
  { file: 'src/channels/email/webhook.ts', why: 'prefixes of an answer\'s subject' },
  { file: 'src/channels/site/credentials.ts', why: 'yes and no of a setting' },
  { file: 'src/domain/phone.ts', why: 'extensions of phone numbers' },
  { file: 'src/flows/save-conversations.ts', why: 'names of other applications\' connectors' },
] as const

interface Sentence {
  readonly file: string
  readonly line: number
  /** As the catalogue has it, every place as `{}`. */
  readonly sentence: string
  readonly is: 'sentence' | 'dictionary' | 'regex'
  /** The nearest names around it. */
  readonly inside: readonly string[]
}

const cyrillic = /[А-Яа-яЁё]/
const unnamed = (sentence: string): string => sentence.replace(/\{\w+\}/g, '{}')

const textOf = (node: ts.Node): string | undefined => {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node)) return node.head.text + node.templateSpans.map(({ literal }) => `{}${literal.text}`).join('')
  return ts.isRegularExpressionLiteral(node) ? node.text : undefined
}

const nameOf = (node: ts.Node): string | undefined =>
  (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node)) && node.name !== undefined && 'text' in node.name ? node.name.text : undefined

/** In `{ ru: …, en: … }`, at any depth of `ru`. */
const isInDictionary = (node: ts.Node): boolean => {
  for (let at: ts.Node = node; at.parent !== undefined; at = at.parent) {
    if (nameOf(at) === 'ru' && ts.isObjectLiteralExpression(at.parent) && at.parent.properties.some((property) => nameOf(property) === 'en')) return true
  }
  return false
}

const namesAround = (node: ts.Node): readonly string[] => {
  const names: string[] = []
  for (let at: ts.Node = node; at.parent !== undefined; at = at.parent) {
    const name = nameOf(at)
    if (name !== undefined) names.push(name)
  }
  return names
}

/** Every literal with a Cyrillic letter in it. */
const sentencesIn = (file: string, source: string): readonly Sentence[] => {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found: Sentence[] = []
  const visit = (node: ts.Node): void => {
    const text = textOf(node)
    if (text !== undefined && cyrillic.test(text)) {
      found.push({
        file,
        line: parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1,
        sentence: unnamed(text),
        is: ts.isRegularExpressionLiteral(node) ? 'regex' : isInDictionary(node) ? 'dictionary' : 'sentence',
        inside: namesAround(node),
      })
    }
    ts.forEachChild(node, visit)
  }
  visit(parsed)
  return found
}

const root = path.resolve(import.meta.dirname, '../..')
const files = readdirSync(path.join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
  .filter((file) => !file.startsWith('src/words/'))
const sentences = files.flatMap((file) => sentencesIn(file, readFileSync(path.join(root, file), 'utf8')))

const isRussianOnly = ({ file, inside }: Sentence): boolean => russianOnly.some((one) => one.file === file && inside.includes(one.inside))
const known = new Set([...englishOf.keys()].map(unnamed))
const missingIn = (found: readonly Sentence[]): readonly string[] =>
  found.filter((one) => one.is === 'sentence' && !isRussianOnly(one) && !known.has(one.sentence)).map(({ file, line, sentence }) => `${file}:${line}: ${sentence}`)

describe('the English catalogue', () => {
  it('has every Russian sentence of the sources that is in no dictionary of two languages', () => {
    expect(missingIn(sentences)).toEqual([])
    expect(sentences.length).toBeGreaterThan(500)
  })

  it('has nothing that no source says', () => {
    const said = new Set(sentences.map(({ sentence }) => sentence))
    expect([...englishOf.keys()].filter((sentence) => !said.has(unnamed(sentence)))).toEqual([])
  })

  it('leaves out only what is there and rightly Russian', () => {
    expect(russianOnly.filter(({ file, inside }) => !sentences.some((one) => one.is === 'sentence' && one.file === file && one.inside.includes(inside)))).toEqual([])
    const readers = [...new Set(sentences.filter((one) => one.is === 'regex').map(({ file }) => file))].sort()
    expect(readers).toEqual(russianReaders.map(({ file }) => file))
  })

  it('says no sentence twice', () => {
    const keys = [pageWords, portalWords, channelWords, botWords, whatsAppWords, smsWords, standIns].flatMap((words) => Object.keys(words))
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  })

  it('has the same places on both sides', () => {
    const placesOf = (text: string): string => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort().join()
    expect([...englishOf].filter(([russian, english]) => placesOf(russian) !== placesOf(english))).toEqual([])
  })

  it('is English: Cyrillic stands only in quotation marks, where it names a button', () => {
    expect([...englishOf.values()].filter((english) => english === '' || cyrillic.test(english.replace(/“[^”]*”/g, '')))).toEqual([])
    expect([...englishOf].filter(([russian, english]) => /\.$/.test(russian) !== /\.$/.test(english))).toEqual([])
  })

  it('is not satisfied by a source that says something new', () => {
    const source = "const a = { ru: 'Один', en: 'One' }\nconst b = c ? 'Новая фраза.' : `Ключей уже ${most}: удалите ненужные.`\nconst d = { ru: 'Без перевода.' }\nthrow new Error(`Ещё ${n} штук`)"
    expect(missingIn(sentencesIn('src/new.ts', source))).toEqual(['src/new.ts:2: Новая фраза.', 'src/new.ts:3: Без перевода.', 'src/new.ts:4: Ещё {} штук'])
  })
})

describe('a sentence in the reader\'s language', () => {
  it('stays as it is in Russian', () => {
    for (const sentence of [...englishOf.keys(), 'Nothing of ours', '']) expect(inLanguage('ru', sentence)).toBe(sentence)
  })

  it('comes in English, whichever it is', () => {
    for (const [russian, english] of englishOf) {
      const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'count' || name === 'size' ? '12' : 'x'))
      expect(inLanguage('en', fill(russian))).toBe(fill(english))
    }
  })

  it.each([
    ['Ключей уже 20: удалите ненужные.', 'There are 20 keys already: delete those that are not needed.'],
    ['Адрес начинается с imaps:// (или imap:// - тогда шифрование включается командой STARTTLS) и содержит сервер и порт.', 'The address starts with imaps:// (or imap://, then STARTTLS switches encryption on) and holds a server and a port.'],
    ['Картинка больше 5 МБ: сожмите или пришлите ссылкой, больше WhatsApp не принимает.', 'The picture is larger than 5 MB: compress it or send a link, WhatsApp takes no more.'],
    ['Подключение занято в маршруте «Файл»: сначала уберите его оттуда.', 'The connection is used in the route “Файл”: take it out of there first.'],
    ['Подключение занято в маршруте «А» и «Б»: сначала уберите его оттуда.', 'The connection is used in the route “А» и «Б”: take it out of there first.'],
    ['Битрикс24 (crm.item.get, ACCESS_DENIED): это уже есть на портале.', 'Bitrix24 (crm.item.get, ACCESS_DENIED): this exists on the portal already.'],
    ['robot send: Битрикс24 (bizproc.robot.add, 503): портал сейчас не отвечает; где это безопасно, вызов повторится сам.', 'robot send: Bitrix24 (bizproc.robot.add, 503): the portal does not answer right now; the call is repeated by itself where that is safe.'],
  ])('keeps what is filled in: %s', (russian, english) => {
    expect(inLanguage('en', russian)).toBe(english)
  })

  it.each(['Привет, МБ', 'Ключей уже много: удалите ненужные.', 'Ключей уже : удалите ненужные.', 'account blocked', 'Клиника «Здоровье»', 'spam: реклама', '', ': ', '{count} МБ', '$& МБ'])(
    'passes through what it does not know: %j',
    (sentence) => {
      expect(inLanguage('en', sentence)).toBe(sentence)
    },
  )

  it('puts what is filled in there as it is, signs of replacement included', () => {
    expect(inLanguage('en', 'Подключение занято в маршруте «$& $1 {name}»: сначала уберите его оттуда.')).toBe('The connection is used in the route “$& $1 {name}”: take it out of there first.')
  })

  it('a patient\'s own word is not taken for a sentence of ours', () => {
    expect(standInInLanguage('en', 'Видео')).toBe('Видео')
    expect(standInInLanguage('en', 'Пропущенный звонок: перезвоните.')).toBe('A missed call: call back.')
    expect(standInInLanguage('ru', 'Пропущенный звонок: перезвоните.')).toBe('Пропущенный звонок: перезвоните.')
  })

  it('takes no longer than a moment for 100 KB of anything', () => {
    const long = (part: string): string => part.repeat(Math.ceil(100_000 / part.length))
    const nested = `${long('x больше ')}1${long(': сожмите или пришлите ссылкой, больше WhatsApp не принимает.')}`
    const given = [long(' больше '), long('Ключей уже '), long('Битрикс24 (a, b): '), long('«'), long('5 МБ'), long('a: '), nested, `robot: ${nested}`, `Битрикс24 (${long('a): Битрикс24 (')}).`]
    const startedAt = performance.now()
    for (const sentence of given) expect(typeof inLanguage('en', sentence)).toBe('string')
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
