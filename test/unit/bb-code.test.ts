import { describe, expect, it } from '@jest/globals'
import { harmlessText, parseBbCode, quoteBlock } from '../../src/domain/bb-code.ts'
import { plainTextOf, renderRich, type Marks, type RichText } from '../../src/domain/rich-text.ts'

/** Marks that show the structure. */
const marks: Marks = {
  text: (text) => text.replaceAll('<', '&lt;'),
  lineBreak: '⏎',
  bold: (inner) => `<b>${inner}</b>`,
  italic: (inner) => `<i>${inner}</i>`,
  underline: (inner) => `<u>${inner}</u>`,
  strike: (inner) => `<s>${inner}</s>`,
  quote: (inner) => `<q>${inner}</q>`,
  code: (text) => `<code>${text}</code>`,
  link: (inner, url, isBare) => (isBare ? `<${url}>` : `<a ${url}>${inner}</a>`),
}
const shown = (text: string): string => renderRich(parseBbCode(text), marks)
const fence = '-'.repeat(54)

describe("an operator's text (F43)", () => {
  it.each([
    ['Просто текст', 'Просто текст'],
    ['[b]Важно[/b]: [I]завтра[/I] в [u]10:30[/u], не [s]11:00[/s]', '<b>Важно</b>: <i>завтра</i> в <u>10:30</u>, не <s>11:00</s>'],
    ['[b][i]оба[/i][/b]', '<b><i>оба</i></b>'],
    ['один[br]два\nтри\r\nчетыре[BR/]пять', 'один⏎два⏎три⏎четыре⏎пять'],
    ['[url=https://clinic.example/a?b=1]запись[/url]', '<a https://clinic.example/a?b=1>запись</a>'],
    ['[url]https://clinic.example[/url]', '<https://clinic.example>'],
    ['[url=https://clinic.example/]clinic.example[/url]', '<https://clinic.example/>'],
    ['[url=www.clinic.example]сайт[/url]', '<a https://www.clinic.example>сайт</a>'],
    ['[url="mailto:a@clinic.example"]почта[/url]', '<a mailto:a@clinic.example>почта</a>'],
    ['[url=/crm/deal/details/5/]сделка[/url]', 'сделка'],
    ['[url=javascript:alert(1)]x[/url]', 'x'],
    ['[user=27]Анна[/user] и [chat=12]чат[/chat]', 'Анна и чат'],
    ['[send=/start]Начать[/send] [put=/help]Помощь[/put]', 'Начать Помощь'],
    ['[call=+79160000001]позвоните[/call]', 'позвоните +79160000001'],
    ['[call]+79160000001[/call]', '+79160000001'],
    ['[size=20][color=#ff0000]красный[/color][/size]', 'красный'],
    ['[img size=medium]https://clinic.example/a.jpg [/img]', '<https://clinic.example/a.jpg>'],
    ['[like] и [dislike]', '👍 и 👎'],
    ['Спасибо [icon=https://portal.example/s.png size=20 title=:)]', 'Спасибо :)'],
    ['[disk=12][timestamp=1645844720 format=SHORT_TIME_FORMAT]конец', 'конец'],
    ['[list][*]один[*]два[/list]', '• один• два'],
    ['[code]if (a[0]) { [b]x[/b] }[/code]', '<code>if (a[0]) { [b]x[/b] }</code>'],
    ['[widget=5]слова[/widget]', 'слова'],
    ['[spam]слова[/spam]', 'слова'],
    ['[unknown=1]слова', 'слова'],
    ['[/b]слова[/unknown]', 'слова'],
    ['[b]не закрыто', 'не закрыто'],
    ['[b]раз [i]два[/b] три', '<b>раз два</b> три'],
    ['[i]раз [b]два[/i] три[/b]', '<i>раз два</i> три'],
    ['[b][/b]пусто', 'пусто'],
    ['в кабинете [12], этаж [2-й], [см. ниже], [ok], [sic!]', 'в кабинете [12], этаж [2-й], [см. ниже], [ok], [sic!]'],
    ['a < b & [b]c < d[/b]', 'a &lt; b & <b>c &lt; d</b>'],
    [`до\n${fence}\nАнна [12.03.2026 10:00] #chat5/7\nболит?\n${fence}\nда`, 'до⏎<q>Анна [12.03.2026 10:00]⏎болит?</q>⏎да'],
    ['------\nцитата [b]тут[/b]\n------\nответ', '<q>цитата <b>тут</b></q>⏎ответ'],
    ['>>раз\n>> два\nответ', '<q>раз⏎два</q>⏎ответ'],
    ['[quote]так[/quote]', '<q>так</q>'],
    ['до\n------\nпосле', 'до⏎⏎после'],
    ['>один', '>один'],
    ['', ''],
  ])('%j is %j', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  it('is plain where the messenger has no formatting', () => {
    const rich = parseBbCode(`[b]Анна[/b], [url=https://clinic.example]запись[/url] и [url]https://clinic.example[/url][br]------\nода\nдве\n------\n[code]x[/code]`)
    expect(plainTextOf(rich)).toBe('Анна, запись (https://clinic.example) и https://clinic.example\n> ода\n> две\nx')
  })

  it('loses formatting, never words, where a messenger has less of it', () => {
    expect(renderRich(parseBbCode('[b]раз[/b] [url=https://clinic.example]два[/url] [code]<три>[/code][br]четыре'), { text: (text) => text.replaceAll('<', '&lt;') })).toBe('раз два &lt;три>\nчетыре')
  })

  it('that is a bomb of brackets is read at once', () => {
    const started = performance.now()
    const deep = `${'[b]'.repeat(20_000)}слово${'[/b]'.repeat(20_000)}`
    expect(plainTextOf(parseBbCode(deep))).toBe('слово')
    for (const bomb of ['['.repeat(100_000), '[code]'.repeat(50_000), '------\n'.repeat(5_001), '[url='.repeat(50_000), '[b=1]'.repeat(50_000)]) parseBbCode(bomb)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

describe("a patient's text in the portal", () => {
  const joiner = '\u2060'
  it.each([
    '[send=/start]нажмите[/send]', '[url=https://evil.example]паспорт[/url]', '[b]x[/b]', '[/b]', '[*]', '[br]', '[[b]]x[/b]',
    '------\nцитата\n------', '>>цитата', ':)', ':-D', ';)', '8)', ':idea:', 'хорошо:)', '1', '0', '1 спасибо', ' 0 ', '[code]x[/code]', '[USER=1]x[/USER]', '[like]',
  ])('has no effect and reads the same: %j', (text) => {
    const harmless = harmlessText(text)
    expect(harmless).not.toBe(text)
    expect(harmless.replaceAll(joiner, '')).toBe(text)
    expect(plainTextOf(parseBbCode(harmless))).toBe(harmless)
    expect(harmless).not.toMatch(/^\s*[01](?:\s|$)|^-{6,}$|^>>|\[[a-z/*]|(?:^|\s)[:;8]-?[)D(]/im)
  })

  it.each(['Добрый день! Можно в 10:30?', 'https://clinic.example/a:)?b=[1]', 'anna@clinic.example', '10', '1.', '01.02.2026', '5-10', '--', 'смотрите: там', '12:00–13:00'])('is left alone where it is only a text: %j', (text) => {
    expect(harmlessText(text)).toBe(text)
  })

  it('is quoted between the lines that the portal draws a quote from, itself harmless', () => {
    const block = quoteBlock('Анна [b]', `[url=x]раз[/url]\n${fence}\nдва`)
    const lines = block.split('\n')
    expect(lines[0]).toBe(fence)
    expect(lines.filter((line) => line === fence)).toHaveLength(2)
    const rich: RichText = parseBbCode(`${block}ответ`)
    expect(rich.map(({ type }) => type)).toEqual(['quote', 'lineBreak', 'text'])
    expect(plainTextOf(rich).replaceAll(joiner, '')).toBe(`> Анна [b]\n> [url=x]раз[/url]\n> ${fence}\n> два\nответ`)
    expect(quoteBlock(undefined, 'раз')).toBe(`${fence}\nраз\n${fence}\n`)
    expect(quoteBlock(undefined, '😀'.repeat(300)).isWellFormed()).toBe(true)
    expect(quoteBlock(undefined, 'a'.repeat(1_000)).length).toBeLessThan(450)
  })
})
