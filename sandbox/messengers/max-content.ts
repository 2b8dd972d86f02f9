import { type PhoneFile, type Place } from './files.ts'
import { readHtml, readMaxMarkdown, type ShownText } from './formatting.ts'
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
export interface MaxBody {
  text?: ShownText & { raw: string }
  /** All that is attached; undefined when attachments were not given, so that an edit leaves them alone. */
  attached?: { buttons: PhoneButton[][], files: PhoneFile[], place?: Place, card?: { name: string, phone: string } }
  /** The message that is answered. */
  quotedId?: string
}

/** The stored file of a token; `notReady` while it is still being worked on. */
export type TakeFile = (token: unknown) => PhoneFile | 'notReady' | undefined

const fields = new Set(['text', 'attachments', 'link', 'notify', 'format'])
const narrow = new Set(['link', 'open_app', 'request_contact', 'request_geo_location'])

/**
 * Reads a `NewMessageBody` by MAX's rules.
 * @see https://dev.max.ru/docs-api/methods/POST/messages
 */
export function readMaxBody(body: Record<string, any> | undefined, take: TakeFile, editing = false): MaxBody | MaxRefusal {
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
  const attached: NonNullable<MaxBody['attached']> = { buttons: [], files: [] }
  for (const attachment of list) {
    const refused = readAttachment(attachment, attached, take)
    if (refused !== undefined) return refused
  }
  return {
    text: typeof text === 'string' ? show(text, format) : undefined,
    attached: Array.isArray(attachments) ? attached : undefined,
    quotedId: link?.type === 'reply' ? String(link.mid) : undefined,
  }
}

function show(raw: string, format: unknown): ShownText & { raw: string } {
  if (format === 'html') return { ...readHtml(raw), raw }
  return format === 'markdown' ? { ...readMaxMarkdown(raw), raw } : { text: raw, spans: [], raw }
}

function readAttachment(attachment: any, attached: NonNullable<MaxBody['attached']>, take: TakeFile): MaxRefusal | undefined {
  const payload = attachment?.payload
  switch (attachment?.type) {
    case 'inline_keyboard': {
      const rows = readRows(payload?.buttons)
      if ('status' in rows) return rows
      attached.buttons = rows.buttons
      return undefined
    }
    case 'image':
    case 'video':
    case 'audio':
    case 'file': {
      const photos: unknown = payload?.photos
      const all = typeof photos === 'object' && photos !== null ? Object.values(photos).map((one: any) => one?.token as unknown) : [payload?.token]
      // Addresses are for images only, and MAX cannot see the loopback interface.
      if (attachment.type === 'image' && typeof payload?.url === 'string') return maxRefusal(400, 'proto.payload', 'Failed to download the image by url')
      for (const token of all) {
        const file = take(token)
        if (file === undefined) return wrong(`attachments: unknown token of ${String(attachment.type)}`)
        if (file === 'notReady') {
          return maxRefusal(400, 'attachment.not.ready', `Key: errors.process.attachment.${String(attachment.type)}.not.processed`)
        }
        if ((file.kind === 'voice' ? 'audio' : file.kind) !== attachment.type) return wrong(`attachments: the token is not of ${String(attachment.type)}`)
        attached.files.push(file)
      }
      return undefined
    }
    case 'location': {
      const { latitude, longitude } = attachment
      if (!(Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180)) return wrong('attachments: latitude and longitude are required')
      attached.place = { latitude: Number(latitude), longitude: Number(longitude) }
      return undefined
    }
    case 'contact': {
      const phone = payload?.vcf_phone ?? /TEL[^:]*:([^\r\n]+)/i.exec(String(payload?.vcf_info ?? ''))?.[1] ?? ''
      attached.card = { name: String(payload?.name ?? ''), phone: String(phone) }
      return undefined
    }
    case 'sticker':
    case 'share':
      return undefined
    default:
      return wrong(`attachments: unknown type ${String(attachment?.type)}`)
  }
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
      if (typeof button.web_app !== 'string' && typeof button.contact_id !== 'number') return wrong('open_app button: web_app or contact_id is required')
      if (button.payload !== undefined && (typeof button.payload !== 'string' || button.payload.length > 512)) return wrong('open_app payload: size must be between 0 and 512')
      return { id: String(button.payload ?? ''), text, kind: 'app', url: String(button.web_app ?? button.contact_id) }
    case 'request_geo_location':
    case 'clipboard':
      return { id: text, text, kind: 'url' }
    default:
      return wrong(`button type: unknown ${String(button.type)}`)
  }
}
