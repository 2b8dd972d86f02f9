import { type PhoneButton } from './phones.ts'
import { type Answer } from './stage.ts'

/** An error as MAX answers it: `{code, message}`. */
export type MaxRefusal = Answer

/** Builds one. */
export function maxRefusal(status: number, code: string, message: string): MaxRefusal {
  return { status, code, body: { code, message } }
}

const wrong = (text: string): MaxRefusal => maxRefusal(400, 'proto.payload', text)

/** A message body that passed the checks; what was not given is undefined. */
export interface MaxBody { text?: string, buttons?: PhoneButton[][] }

const fields = new Set(['text', 'attachments', 'link', 'notify', 'format'])
const narrow = new Set(['link', 'open_app', 'request_contact', 'request_geo_location'])
const attachmentTypes = new Set(['image', 'video', 'audio', 'file', 'sticker', 'contact', 'inline_keyboard', 'share', 'location'])

/**
 * Reads a `NewMessageBody` by MAX's rules.
 * @see https://dev.max.ru/docs-api/methods/POST/messages
 */
export function readMaxBody(body: Record<string, any> | undefined, editing = false): MaxBody | MaxRefusal {
  if (body === undefined) return wrong('Request body is not a JSON object')
  const unknown = Object.keys(body).find((key) => !fields.has(key))
  if (unknown !== undefined) return wrong(`Unrecognized field "${unknown}"`)
  const { text, attachments, format, notify, link } = body
  if (text !== undefined && text !== null && typeof text !== 'string') return wrong('text: must be a string')
  if (typeof text === 'string' && text.length > 4000) return wrong('text: size must be between 0 and 4000')
  if (format !== undefined && format !== null && !['markdown', 'html'].includes(format)) return wrong('format: must be markdown or html')
  if (notify !== undefined && typeof notify !== 'boolean') return wrong('notify: must be a boolean')
  if (link !== undefined && link !== null && (!['reply', 'forward'].includes(link.type) || typeof link.mid !== 'string')) {
    return wrong('link: type and mid are required')
  }
  if (attachments !== undefined && attachments !== null && !Array.isArray(attachments)) return wrong('attachments: must be an array')
  const list: any[] = attachments ?? []
  if (!editing && (text === undefined || text === null || text === '') && list.length === 0) {
    return wrong('text or attachments must be present')
  }
  let buttons: PhoneButton[][] | undefined = Array.isArray(attachments) ? [] : undefined
  for (const attachment of list) {
    if (!attachmentTypes.has(attachment?.type)) return wrong(`attachments: unknown type ${String(attachment?.type)}`)
    if (attachment.type !== 'inline_keyboard') continue
    const rows = readRows(attachment.payload?.buttons)
    if ('status' in rows) return rows
    buttons = rows.buttons
  }
  return { text: text === null ? undefined : plain(text as string | undefined, format), buttons }
}

function plain(text: string | undefined, format: unknown): string | undefined {
  if (text === undefined || format === undefined || format === null) return text
  return format === 'html' ? text.replace(/<[^>]+>/g, '') : text.replace(/[*_`~]|\+\+/g, '')
}

function readRows(rows: unknown): { buttons: PhoneButton[][] } | MaxRefusal {
  if (!Array.isArray(rows) || rows.length === 0) return wrong('attachments.payload.buttons: must not be empty')
  if (rows.length > 30) return wrong('attachments.payload.buttons: more than 30 rows')
  const read: PhoneButton[][] = []
  let count = 0
  for (const row of rows) {
    if (!Array.isArray(row) || row.length === 0) return wrong('attachments.payload.buttons: a row must be an array of buttons')
    if (row.length > 7) return wrong('attachments.payload.buttons: more than 7 buttons in a row')
    if (row.length > 3 && row.some((button) => narrow.has(button?.type))) {
      return wrong('attachments.payload.buttons: more than 3 such buttons in a row')
    }
    count += row.length
    const line: PhoneButton[] = []
    for (const button of row) {
      const one = readButton(button)
      if ('status' in one) return one
      line.push(one)
    }
    read.push(line)
  }
  return count > 210 ? wrong('attachments.payload.buttons: more than 210 buttons') : { buttons: read }
}

function readButton(button: any): PhoneButton | MaxRefusal {
  const text: unknown = button?.text
  if (typeof text !== 'string' || text.length < 1 || text.length > 128) return wrong('button text: size must be between 1 and 128')
  switch (button.type) {
    case 'callback':
      if (typeof button.payload !== 'string' || button.payload.length > 1024) {
        return wrong('button payload: size must be between 0 and 1024')
      }
      return { id: button.payload, text, kind: 'callback' }
    case 'link':
      if (typeof button.url !== 'string' || button.url.length > 2048 || !/^https?:\/\//.test(button.url)) {
        return wrong('button url: must be an address of at most 2048 characters')
      }
      return { id: button.url, text, kind: 'url', url: button.url }
    case 'request_contact':
      return { id: text, text, kind: 'contact' }
    case 'message':
      return { id: text, text, kind: 'text' }
    case 'open_app':
    case 'request_geo_location':
    case 'clipboard':
      return { id: text, text, kind: 'url' }
    default:
      return wrong(`button type: unknown ${String(button.type)}`)
  }
}
