import { readHtml, trimShown, type ShownText, type Span, type SpanKind } from './formatting.ts'
import { type PhoneButton } from './phones.ts'

/** An error as the Bot API answers it. */
export class TelegramRefusal extends Error {
  readonly status: number
  readonly description: string
  readonly retryAfterSeconds?: number
  constructor(status: number, description: string, retryAfterSeconds?: number) {
    super(description)
    this.status = status
    this.description = description
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const bad = (text: string): TelegramRefusal => new TelegramRefusal(400, `Bad Request: ${text}`)

/** A text as it was sent and as the phone shows it. */
export interface TelegramText extends ShownText { raw: string }

/**
 * Reads a text as the phone shows it, without the marks of its parse mode. The limit counts after the marks are gone.
 * @throws TelegramRefusal in the words of the Bot API
 */
export function readText(value: unknown, parseMode: unknown, limit: number, entities?: unknown): TelegramText {
  const raw = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  const mode = parseMode === undefined || parseMode === '' ? '' : String(parseMode).toLowerCase()
  const shown = trimShown(mode === '' ? { text: raw, spans: readEntities(entities) } : readMarks(raw, mode))
  if (shown.text === '') throw bad('message text is empty')
  if (shown.text.length > limit) throw bad(limit === 4096 ? 'message is too long' : 'message caption is too long')
  return { ...shown, raw }
}

/** Reads a caption, which may be missing. */
export function readCaption(parameters: Record<string, any>): TelegramText {
  const { caption } = parameters
  if (caption === undefined || caption === '') return { text: '', spans: [], raw: '' }
  return readText(caption, parameters.parse_mode, 1024, parameters.caption_entities)
}

/** A parameter that is an object, sent as such or as its JSON. @throws TelegramRefusal */
export function readObject(value: unknown, name: string): any {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    throw bad(`can't parse ${name} JSON object`)
  }
}

const kindsOfEntities: Record<string, SpanKind> = {
  bold: 'bold', italic: 'italic', underline: 'underline', strikethrough: 'strike', spoiler: 'spoiler', code: 'code', pre: 'pre',
  blockquote: 'quote', text_link: 'link',
}

function readEntities(value: unknown): Span[] {
  const list: unknown = readObject(value, 'entities')
  if (!Array.isArray(list)) return []
  return list.flatMap((one: any): Span[] => {
    const kind = kindsOfEntities[String(one?.type)]
    return kind === undefined ? [] : [{ kind, from: Number(one.offset), length: Number(one.length), ...(kind === 'link' ? { url: String(one.url) } : {}) }]
  })
}

function readMarks(text: string, mode: string): ShownText {
  if (mode === 'html') return readHtml(text, (why) => bad(`can't parse entities: ${why}`))
  if (mode === 'markdownv2') {
    const reserved = /(?:^|[^\\])([>#+=|{}.!-])/.exec(text)
    if (reserved !== null) {
      throw bad(`can't parse entities: Character '${reserved[1]!}' is reserved and must be escaped with the preceding '\\'`)
    }
    return { text: text.replace(/\\(.)/g, '$1').replace(/[*_~`]/g, ''), spans: [] }
  }
  if (mode === 'markdown') return { text: text.replace(/[*_`]/g, ''), spans: [] }
  throw bad('unsupported parse_mode')
}

/** Buttons of a message. */
export interface Keyboard { buttons: PhoneButton[][] }

/** The inline keyboard as it is repeated in answers and updates; a reply keyboard is not. */
export function showKeyboard(buttons: PhoneButton[][]): { reply_markup?: unknown } {
  const inline = buttons.map((row) => row.filter((button) => button.kind === 'callback' || button.kind === 'url'))
    .filter((row) => row.length > 0)
  if (inline.length === 0) return {}
  return {
    reply_markup: {
      inline_keyboard: inline.map((row) => row.map(({ text, id, kind, url }) =>
        kind === 'url' ? { text, url } : { text, callback_data: id })),
    },
  }
}

/**
 * Reads `reply_markup`, an object or its JSON.
 * @throws TelegramRefusal when it breaks a rule: `callback_data` is 1 to 64 BYTES, one action per button, …
 */
export function readKeyboard(value: unknown): Keyboard {
  if (value === undefined || value === null || value === '') return { buttons: [] }
  const markup = readObject(value, 'reply keyboard markup')
  if (typeof markup !== 'object' || Array.isArray(markup)) throw bad('object expected as reply markup')
  if (markup.inline_keyboard !== undefined) {
    const rows = readRows(markup.inline_keyboard, 'inline_keyboard', readInlineButton)
    if (rows.flat().length > 100) throw bad('REPLY_MARKUP_TOO_LONG')
    return { buttons: rows }
  }
  if (markup.keyboard !== undefined) {
    return {
      buttons: readRows(markup.keyboard, 'keyboard', (button) => {
        const text = typeof button === 'string' ? button : button?.text
        if (typeof text !== 'string' || text === '') throw bad("can't parse keyboard button: Field \"text\" must be of type String")
        return { id: text, text, kind: button.request_contact === true ? 'contact' : 'text' }
      }),
    }
  }
  return { buttons: [] }
}

function readRows(rows: unknown, name: string, read: (button: any) => PhoneButton): PhoneButton[][] {
  if (!Array.isArray(rows)) throw bad(`field "${name}" of the InlineKeyboardMarkup must be of type Array`)
  return rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw bad(`field "${name}" of the InlineKeyboardMarkup must be an Array of Arrays`)
    return row.map(read)
  })
}

function readInlineButton(button: any): PhoneButton {
  if (typeof button?.text !== 'string' || button.text === '') {
    throw bad("can't parse inline keyboard button: Field \"text\" must be of type String")
  }
  const text: string = button.text
  if (button.callback_data !== undefined) {
    const bytes = Buffer.byteLength(String(button.callback_data))
    if (bytes < 1 || bytes > 64) throw bad('BUTTON_DATA_INVALID')
    return { id: String(button.callback_data), text, kind: 'callback' }
  }
  const url: unknown = button.url ?? button.web_app?.url
  if (url !== undefined) {
    if (!/^(https?:\/\/|tg:\/\/)?[^\s/]+\.[^\s]+|^tg:\/\//.test(String(url))) {
      throw bad(`inline keyboard button URL '${String(url)}' is invalid: Wrong HTTP URL`)
    }
    return { id: String(url), text, kind: 'url', url: String(url) }
  }
  throw bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
}
