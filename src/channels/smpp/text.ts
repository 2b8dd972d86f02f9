/** Texts of an SMS: alphabets and parts. */

/** GSM 03.38 basic alphabet, by code. @see https://www.3gpp.org/dynareport/23038.htm */
const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
const escape = 0x1b
const extended: Readonly<Record<string, number>> = { '\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65 }
const byExtendedCode = new Map(Object.entries(extended).map(([character, code]) => [code, character]))
const codeOf = new Map(Array.from(basic, (character, code) => [character, code] as const))

/** How the SMSC reads `data_coding` 0: contracts differ. */
export type DefaultAlphabet = 'gsm' | 'latin1'

/** Codes of each character, or undefined when the alphabet lacks one. */
const inDefault = (text: string, alphabet: DefaultAlphabet): readonly (readonly number[])[] | undefined => {
  const codes: (readonly number[])[] = []
  for (const character of text) {
    const code = alphabet === 'latin1' ? (character.codePointAt(0)! < 0x100 ? character.codePointAt(0) : undefined) : character === '\u001b' ? undefined : codeOf.get(character)
    if (code !== undefined) codes.push([code])
    else if (alphabet === 'gsm' && extended[character] !== undefined) codes.push([escape, extended[character]])
    else return undefined
  }
  return codes
}

export interface Split {
  /** 0 default alphabet, 8 UCS-2. */
  readonly dataCoding: number
  /** The content of each part without a header. */
  readonly parts: readonly Buffer[]
}

/** What fits: characters of the default alphabet (an escape counts), or bytes of UCS-2; alone, and beside a header of six bytes. */
const capacity = { default: { alone: 160, part: 153 }, ucs2: { alone: 140, part: 134 } } as const

/** Units that must stay together, put into as few parts as they fit. */
const pack = (units: readonly (readonly number[])[], { alone, part }: { alone: number; part: number }): readonly Buffer[] => {
  const total = units.reduce((sum, unit) => sum + unit.length, 0)
  if (total <= alone) return [Buffer.from(units.flat())]
  const parts: number[][] = [[]]
  for (const unit of units) {
    if (parts.at(-1)!.length + unit.length > part) parts.push([])
    parts.at(-1)!.push(...unit)
  }
  return parts.map((bytes) => Buffer.from(bytes))
}

const ucs2Units = (text: string): readonly (readonly number[])[] =>
  Array.from(text, (character) => Array.from({ length: character.length }, (_, index) => character.charCodeAt(index)).flatMap((unit) => [unit >> 8, unit & 0xff]))

/** A text as the parts that are sent and paid; neither an escape nor a surrogate pair is cut. */
export const splitText = (text: string, alphabet: DefaultAlphabet): Split => {
  const units = inDefault(text, alphabet)
  return units === undefined ? { dataCoding: 8, parts: pack(ucs2Units(text), capacity.ucs2) } : { dataCoding: 0, parts: pack(units, capacity.default) }
}

const decodeGsm = (bytes: Buffer): string => {
  let text = ''
  for (let index = 0; index < bytes.length; index++) {
    const code = bytes[index]!
    if (code === escape && index + 1 < bytes.length) text += byExtendedCode.get(bytes[++index]!) ?? ' '
    else text += code < basic.length ? basic[code]! : '?'
  }
  return text
}

const decodeUcs2 = (bytes: Buffer): string => Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2))).swap16().toString('utf16le')

/** Alphabet by the general data coding groups of GSM 03.38; `undefined` for binary. */
export const decodeText = (bytes: Buffer, dataCoding: number, alphabet: DefaultAlphabet): string | undefined => {
  if (dataCoding === 0) return alphabet === 'gsm' ? decodeGsm(bytes) : bytes.toString('latin1')
  if (dataCoding === 1 || dataCoding === 3) return bytes.toString('latin1')
  if (dataCoding === 6) return new TextDecoder('iso-8859-5').decode(bytes)
  if (dataCoding === 8 || (dataCoding & 0xec) === 0x08) return decodeUcs2(bytes)
  if (dataCoding === 2 || dataCoding === 4 || (dataCoding & 0xc4) === 0x04) return undefined
  return decodeGsm(bytes)
}

export interface Part {
  readonly reference: number
  readonly total: number
  readonly number: number
}

/** Splits a user data header off. Information elements 0x00 and 0x08 say which part of a long message it is. */
export const readHeader = (content: Buffer): { readonly part?: Part; readonly text: Buffer } => {
  const length = content[0] ?? 0
  if (content.length < length + 1) return { text: content }
  const text = content.subarray(length + 1)
  for (let at = 1; at + 1 < length + 1; at += 2 + content[at + 1]!) {
    const [element, size] = [content[at]!, content[at + 1]!]
    if (at + 2 + size > length + 1) break
    if (element === 0x00 && size === 3) return { part: { reference: content[at + 2]!, total: content[at + 3]!, number: content[at + 4]! }, text }
    if (element === 0x08 && size === 4) return { part: { reference: content.readUInt16BE(at + 2), total: content[at + 4]!, number: content[at + 5]! }, text }
  }
  return { text }
}

/** `05 00 03 reference total number`. */
export const headerOf = ({ reference, total, number }: Part): Buffer => Buffer.from([5, 0, 3, reference & 0xff, total, number])
