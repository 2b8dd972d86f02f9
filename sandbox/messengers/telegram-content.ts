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

/**
 * Reads a text as the phone shows it, without the marks of its parse mode. The limit counts after the marks are gone.
 * @throws TelegramRefusal in the words of the Bot API
 */
export function readText(value: unknown, parseMode: unknown, limit: number): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  const plain = strip(text, parseMode === undefined || parseMode === '' ? '' : String(parseMode).toLowerCase()).trim()
  if (plain === '') throw bad('message text is empty')
  if (plain.length > limit) throw bad(limit === 4096 ? 'message is too long' : 'message caption is too long')
  return plain
}

const htmlTags = new Set(['b', 'strong', 'i', 'em', 'u', 'ins', 's', 'strike', 'del', 'span', 'tg-spoiler', 'a', 'tg-emoji', 'code', 'pre',
  'blockquote'])

function strip(text: string, mode: string): string {
  if (mode === '') return text
  if (mode === 'html') return stripHtml(text)
  if (mode === 'markdownv2') {
    const reserved = /(?:^|[^\\])([>#+=|{}.!-])/.exec(text)
    if (reserved !== null) {
      throw bad(`can't parse entities: Character '${reserved[1]!}' is reserved and must be escaped with the preceding '\\'`)
    }
    return text.replace(/\\(.)/g, '$1').replace(/[*_~`]/g, '')
  }
  if (mode === 'markdown') return text.replace(/[*_`]/g, '')
  throw bad('unsupported parse_mode')
}

function stripHtml(text: string): string {
  const open: string[] = []
  const plain = text.replace(/<(\/?)([a-z-]*)([^>]*)>?/gi, (whole, slash: string, name: string, _rest, offset: number) => {
    const tag = name.toLowerCase()
    const at = `at byte offset ${Buffer.byteLength(text.slice(0, offset))}`
    if (!whole.endsWith('>') || !htmlTags.has(tag)) {
      throw bad(`can't parse entities: Unsupported start tag "${name}" ${at}`)
    }
    if (slash === '') open.push(tag)
    else if (open.pop() !== tag) throw bad(`can't parse entities: Unmatched end tag ${at}`)
    return ''
  })
  if (open.length > 0) throw bad(`can't parse entities: Can't find end tag corresponding to start tag "${open.at(-1)!}"`)
  return plain.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&')
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
  let markup: any = value
  if (typeof value === 'string') {
    try {
      markup = JSON.parse(value)
    } catch {
      throw bad("can't parse reply keyboard markup JSON object")
    }
  }
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
