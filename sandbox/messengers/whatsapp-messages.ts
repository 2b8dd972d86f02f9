import { type PhoneFile, type Place } from './files.ts'
import { type PhoneButton } from './phones.ts'
import { graphError, type GraphError } from './whatsapp-errors.ts'
import { misfitOf } from './whatsapp-media.ts'
import { renderTemplate, type Template } from './whatsapp-templates.ts'

/** A send that passed the checks. */
export interface ReadMessage {
  text: string
  buttons: PhoneButton[][]
  files?: PhoneFile[]
  place?: Place
  card?: { name: string, phone: string }
  reaction?: { id: string, emoji: string }
  /** Id of the message that this one quotes. */
  quotedId?: string
  /** What Meta will find out about the file after it has accepted the send. */
  misfit?: string
  template?: Template
  opaque?: string
  /** Address: a phone or a business-scoped user id. */
  phone?: string
  userId?: string
}

const knownFields = new Set(['messaging_product', 'recipient_type', 'to', 'recipient', 'type', 'context', 'biz_opaque_callback_data',
  'text', 'template', 'interactive', 'image', 'document', 'video', 'audio', 'sticker', 'location', 'contacts', 'reaction', 'status',
  'message_id', 'typing_indicator'])
const media = ['image', 'document', 'video', 'audio', 'sticker']

const invalid = (details: string): GraphError => graphError(400, 100, '(#100) Invalid parameter', details)

/** The stored file with this id; undefined when it is not this number's. */
export type FindFile = (id: string) => PhoneFile | undefined

/**
 * Reads the body of `POST /<PNID>/messages` by the rules of the Cloud API.
 * @see https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
 */
export function readMessage(body: Record<string, any>, templates: readonly Template[], findFile: FindFile): ReadMessage | GraphError {
  if (body.messaging_product !== 'whatsapp') return graphError(400, 100, '(#100) The parameter messaging_product is required.')
  const unknown = Object.keys(body).find((key) => !knownFields.has(key))
  if (unknown !== undefined) return invalid(`Unexpected key "${unknown}" on param "$root".`)
  if (body.recipient_type !== undefined && body.recipient_type !== 'individual') {
    return invalid("Param recipient_type must be one of {INDIVIDUAL}")
  }
  if (typeof body.to !== 'string' && typeof body.recipient !== 'string') return graphError(400, 100, '(#100) The parameter to is required.')
  const opaque: unknown = body.biz_opaque_callback_data
  if (opaque !== undefined && (typeof opaque !== 'string' || opaque.length > 512)) {
    return invalid("Param biz_opaque_callback_data must be a string of at most 512 characters.")
  }
  const phone = typeof body.to === 'string' ? body.to.replace(/\D/g, '') : undefined
  if (phone !== undefined && (phone.length < 7 || phone.length > 15)) {
    return graphError(400, 131009, '(#131009) Parameter value is not valid', 'Recipient phone number is not a valid phone number.')
  }
  if (phone === undefined && !/^[A-Z]{2}\.[A-Za-z0-9]{1,128}$/.test(body.recipient)) {
    return graphError(400, 131009, '(#131009) Parameter value is not valid', 'recipient is not a valid user id.')
  }
  const { context } = body
  if (context !== undefined && typeof context?.message_id !== 'string') return graphError(400, 100, "(#100) The parameter context['message_id'] is required.")
  const content = readContent(body, templates, findFile)
  return 'status' in content
    ? content
    : { ...content, quotedId: context?.message_id, opaque, phone, userId: phone === undefined ? body.recipient : undefined }
}

type Content = Omit<ReadMessage, 'opaque' | 'phone' | 'userId' | 'quotedId'>

function readContent(body: Record<string, any>, templates: readonly Template[], findFile: FindFile): Content | GraphError {
  const type: unknown = body.type ?? 'text'
  if (type === 'text') {
    const text: unknown = body.text?.body
    if (typeof text !== 'string' || text === '') return graphError(400, 100, "(#100) The parameter text['body'] is required.")
    if (text.length > 4096) return invalid("Param text['body'] must be at most 4096 characters long.")
    return { text, buttons: [] }
  }
  if (type === 'template') return readTemplate(body.template, templates)
  if (type === 'interactive') return readInteractive(body.interactive)
  if (typeof type === 'string' && media.includes(type)) return readMedia(type, body[type], findFile)
  if (type === 'location') {
    const { latitude, longitude, name, address } = body.location ?? {}
    if (!(Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180)) {
      return graphError(400, 100, "(#100) The parameter location['latitude'] and location['longitude'] are required.")
    }
    return { text: '', buttons: [], place: { latitude: Number(latitude), longitude: Number(longitude), name, address } }
  }
  if (type === 'contacts') {
    const [contact] = Array.isArray(body.contacts) ? body.contacts : []
    if (typeof contact?.name?.formatted_name !== 'string') return graphError(400, 100, "(#100) The parameter contacts['name']['formatted_name'] is required.")
    return { text: '', buttons: [], card: { name: contact.name.formatted_name, phone: String(contact.phones?.[0]?.phone ?? '') } }
  }
  if (type === 'reaction') {
    const { message_id: id, emoji } = body.reaction ?? {}
    if (typeof id !== 'string' || typeof emoji !== 'string') return graphError(400, 100, "(#100) The parameter reaction['message_id'] is required.")
    return { text: '', buttons: [], reaction: { id, emoji } }
  }
  return invalid('Param type must be one of {AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, TEMPLATE, TEXT, ' +
    'VIDEO}.')
}

function readMedia(type: string, object: any, findFile: FindFile): Content | GraphError {
  if (typeof object?.id !== 'string' && typeof object?.link !== 'string') {
    return graphError(400, 100, `(#100) The parameter ${type}['id'] or ${type}['link'] is required.`)
  }
  const allowed = ['id', 'link', ...type === 'document' ? ['caption', 'filename'] : type === 'audio' ? ['voice'] : type === 'sticker' ? [] : ['caption']]
  const unknown = Object.keys(object).find((key) => !allowed.includes(key))
  if (unknown !== undefined) return invalid(`Unexpected key "${unknown}" on param "${type}".`)
  const caption: unknown = object.caption ?? ''
  if (typeof caption !== 'string' || caption.length > 1024) return invalid(`Param ${type}['caption'] must be at most 1024 characters long.`)
  // Meta fetches links by itself, after it has accepted the send, and cannot see the loopback interface.
  if (object.id === undefined) return { text: caption, buttons: [], misfit: 'Unable to download the media from the link.' }
  const stored = findFile(object.id)
  if (stored === undefined) {
    return graphError(400, 100, `(#100) Param ${type}['id'] is not a valid whatsapp business account media attachment ID`)
  }
  const kind = type === 'document' ? 'file' : type === 'audio' ? object.voice === true ? 'voice' : 'audio' : type as PhoneFile['kind']
  return {
    text: caption, buttons: [], misfit: misfitOf(type, stored),
    files: [{ ...stored, kind, name: typeof object.filename === 'string' ? object.filename : stored.name }],
  }
}

function readTemplate(sent: any, templates: readonly Template[]): Content | GraphError {
  if (typeof sent?.name !== 'string') return graphError(400, 100, "(#100) The parameter template['name'] is required.")
  if (typeof sent.language?.code !== 'string') return graphError(400, 100, "(#100) The parameter template['language']['code'] is required.")
  const unknown = Object.keys(sent).find((key) => !['name', 'language', 'components', 'namespace', 'category'].includes(key))
  if (unknown !== undefined) return invalid(`Unexpected key "${unknown}" on param "template".`)
  const template = templates.find((one) => one.name === sent.name && one.language === sent.language.code)
  if (template === undefined || template.status === 'PENDING' || template.status === 'REJECTED') {
    return graphError(404, 132001, '(#132001) Template name does not exist in the translation',
      `template name (${sent.name}) does not exist in ${sent.language.code}`)
  }
  if (template.status === 'PAUSED') {
    return graphError(400, 132015, '(#132015) Template is Paused', `template (${sent.name}) is paused due to low quality`)
  }
  if (template.status === 'DISABLED') {
    return graphError(400, 132016, '(#132016) Template is Disabled', `template (${sent.name}) is disabled`)
  }
  const rendered = renderTemplate(template, sent.components)
  return 'status' in rendered ? rendered : { ...rendered, template }
}

function readInteractive(sent: any): Content | GraphError {
  const text: unknown = sent?.body?.text
  if (typeof text !== 'string' || text === '') return graphError(400, 100, "(#100) The parameter interactive['body'] is required.")
  if (text.length > 1024) return invalid("Param interactive['body']['text'] must be at most 1024 characters long.")
  if (sent.type === 'button') {
    const buttons: any[] = Array.isArray(sent.action?.buttons) ? sent.action.buttons : []
    if (buttons.length < 1 || buttons.length > 3) return invalid('Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3')
    for (const button of buttons) {
      const { id, title } = button?.reply ?? {}
      if (button?.type !== 'reply' || typeof id !== 'string' || typeof title !== 'string' || title === '') {
        return invalid('Button reply must have an id and a title.')
      }
      if (title.length > 20) return invalid('Button title length invalid. Min length: 1, Max length: 20')
      if (id === '' || id.length > 256) return invalid('Button id length invalid. Min length: 1, Max length: 256')
    }
    if (new Set(buttons.map((one) => one.reply.id)).size < buttons.length) return invalid('Duplicate button ids.')
    if (new Set(buttons.map((one) => one.reply.title)).size < buttons.length) return invalid('Duplicate button titles.')
    return { text, buttons: buttons.map((one) => [{ id: one.reply.id, text: one.reply.title, kind: 'callback' }]) }
  }
  if (sent.type === 'list') {
    const rows: any[] = (Array.isArray(sent.action?.sections) ? sent.action.sections : []).flatMap((section: any) => section?.rows ?? [])
    if (rows.length < 1 || rows.length > 10) return invalid('Total row count exceed max allowed count: 10')
    return { text, buttons: rows.map((row) => [{ id: String(row.id), text: String(row.title), kind: 'callback' }]) }
  }
  if (sent.type === 'cta_url') {
    const { display_text: title, url } = sent.action?.parameters ?? {}
    if (typeof title !== 'string' || typeof url !== 'string') return invalid('cta_url needs display_text and url.')
    return { text, buttons: [[{ id: '0', text: title, kind: 'url', url }]] }
  }
  return invalid('Param interactive.type must be one of {BUTTON, LIST, CTA_URL}.')
}
