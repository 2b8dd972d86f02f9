import { type PhoneFile } from './files.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { type Report } from './receipts.ts'
import { postUpdate, quoteOf, writtenMessage, type Hands, type Said, type Stage } from './stage.ts'
import { type WhatsAppNumber } from './whatsapp.ts'
import { echoWebhook, inboundWebhook, pressContent } from './whatsapp-events.ts'
import { type Media } from './whatsapp-media.ts'

/** Hands of people with WhatsApp, and of the staff with the clinic's own phone. */
export interface WhatsAppHands extends Hands {
  /** Staff writes to the person in the WhatsApp Business app. */
  writeFromBusinessApp(patient: Patient, account: string, text: string): PhoneMessage
}

const typesOfFiles: Record<PhoneFile['kind'], string> = {
  image: 'image', video: 'video', audio: 'audio', voice: 'audio', file: 'document', sticker: 'sticker',
}

const editableMs = 15 * 60_000
const deletableMs = 2 * 86_400_000

/** What a person with WhatsApp can do, told to the business as webhooks. */
export function createWhatsAppHands(
  stage: Stage, numbers: Map<string, WhatsAppNumber>, media: Media, wamid: (phone: string) => string,
  reportOf: (id: string) => Report | undefined,
): WhatsAppHands {
  const post = (number: WhatsAppNumber, patient: Patient, id: string, content: Record<string, unknown>): void => {
    const webhook = inboundWebhook(stage, number, patient, id, content)
    if (webhook !== undefined) postUpdate(stage, webhook)
  }

  const inbound = (patient: Patient, account: string, said: Said, content: Record<string, unknown>): PhoneMessage => {
    const message = writtenMessage(stage, 'whatsapp', account, wamid(patient.id), said)
    message.quote = quoteOf(stage, patient, 'whatsapp', account, said.quote?.id)
    const chat = stage.phones.chat(patient, 'whatsapp', account)
    Object.assign(chat, { lastWroteAt: stage.clock.now(), started: true })
    stage.phones.keep(patient, message)
    post(numbers.get(account)!, patient, message.id, content)
    return message
  }

  const contentOf = (number: WhatsAppNumber, { text, place, card, isUnsupported }: Said, file: PhoneFile | undefined): Record<string, unknown> => {
    if (isUnsupported === true) {
      return {
        type: 'unsupported',
        errors: [{
          code: 131051, title: 'Message type unknown', message: 'Message type unknown',
          error_data: { details: 'Message type is currently not supported.' },
        }],
      }
    }
    if (file !== undefined) {
      const type = typesOfFiles[file.kind]
      const { id, sha256 } = media.keep(number, file, 7)
      return {
        type,
        [type]: {
          ...(text === '' ? {} : { caption: text }), ...(file.kind === 'file' ? { filename: file.name } : {}), mime_type: file.mimeType,
          sha256: sha256.toString('base64'), id, ...(type === 'audio' ? { voice: file.kind === 'voice' } : {}),
          ...(file.kind === 'sticker' ? { animated: false } : {}),
        },
      }
    }
    if (place !== undefined) return { type: 'location', location: place }
    if (card !== undefined) {
      const [first = ''] = card.name.split(' ')
      return {
        type: 'contacts',
        contacts: [{
          name: { formatted_name: card.name, first_name: first },
          phones: [{ phone: card.phone, wa_id: card.phone.replace(/\D/g, ''), type: 'CELL' }],
        }],
      }
    }
    return { type: 'text', text: { body: text } }
  }

  /** A change of a message is told to numbers that live in the Business app too, and within the time that people have for it. */
  const change = (patient: Patient, message: PhoneMessage, withinMs: number, content: Record<string, unknown>): void => {
    const number = numbers.get(message.account)!
    const kind = `message:${String(content.type)}`
    if (stage.clock.now() - message.acceptedAt > withinMs) return
    if (number.coexists) post(number, patient, wamid(patient.id), content)
    else stage.poster.lose({ messenger: 'whatsapp', account: message.account, kind }, 'the number does not live in the WhatsApp Business app')
  }

  const hands: WhatsAppHands = {
    write(patient, account, said) {
      const number = numbers.get(account)!
      const context = said.quote === undefined ? {} : { context: { from: number.displayPhoneNumber, id: said.quote.id } }
      const files = said.files ?? []
      const parts = files.length < 2 ? [said] : files.map((file, index): Said => ({ ...said, text: index === 0 ? said.text : '', files: [file] }))
      return parts.map((part) => inbound(patient, account, part, { ...contentOf(number, part, part.files?.[0]), ...context }))
    },
    press(patient, message, button) {
      hands.read!(patient, message)
      inbound(patient, message.account, { text: button.text }, pressContent(numbers.get(message.account)!, message, button))
    },
    edit(patient, message, text) {
      rewrite(message, stage.clock.now(), { text })
      const file = message.files[0]
      const type = file === undefined ? 'text' : typesOfFiles[file.kind]
      change(patient, message, editableMs, {
        type: 'edit',
        edit: {
          original_message_id: message.id,
          message: { type, [type]: file === undefined ? { body: text } : { caption: text, mime_type: file.mimeType } },
        },
      })
    },
    remove(patient, message) {
      message.deletedAt = stage.clock.now()
      change(patient, message, deletableMs, { type: 'revoke', revoke: { original_message_id: message.id } })
    },
    react(patient, message, emoji) {
      hands.read!(patient, message)
      post(numbers.get(message.account)!, patient, wamid(patient.id), { type: 'reaction', reaction: { message_id: message.id, emoji } })
    },
    // The other side learns nothing of a block: messages just stay "sent".
    block: (patient, account, blocked) => { stage.phones.chat(patient, 'whatsapp', account).blocked = blocked },
    read(_patient, message) {
      if (message.state !== 'arrived') return
      message.state = 'read'
      message.readAt = stage.clock.now()
      void reportOf(message.id)?.('read', message.readAt)
      stage.phones.onChange()
    },
    writeFromBusinessApp(patient, account, text) {
      const number = numbers.get(account)!
      const now = stage.clock.now()
      const message: PhoneMessage = {
        ...writtenMessage(stage, 'whatsapp', account, wamid(patient.id), { text }), direction: 'received', state: 'arrived', arrivedAt: now,
        readAt: undefined,
      }
      stage.phones.keep(patient, message)
      const webhook = echoWebhook(stage, number, patient, message.id, { type: 'text', text: { body: text } })
      if (webhook !== undefined) postUpdate(stage, webhook)
      return message
    },
  }
  return hands
}
