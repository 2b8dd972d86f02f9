import { createHmac } from 'node:crypto'

import { type Patient, type PhoneButton, type PhoneMessage } from './phones.ts'
import { type Receipt } from './receipts.ts'
import { type Stage } from './stage.ts'
import { type WhatsAppNumber } from './whatsapp.ts'
import { laterErrors } from './whatsapp-errors.ts'
import { type Webhook } from './webhooks.ts'

/**
 * Writes JSON as Meta does: non-ASCII as `\uXXXX` and `/` as `\/`. The signature covers these bytes, so a receiver that
 * parses and serialises again computes another one.
 */
export function escapeLikeMeta(value: unknown): string {
  return JSON.stringify(value)
    .replace(/\//g, '\\/')
    .replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The value of `X-Hub-Signature-256` for a body. */
export function signLikeMeta(body: string | Buffer, appSecret: string): string {
  return `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`
}

// Alternate addresses hear of messages only; news of templates always go to the app's own address.
function addressOf(number: WhatsAppNumber, field: string): string | undefined {
  const alternate = field.startsWith('message_template') ? undefined : number.numberOverride ?? number.override
  return (alternate ?? number.webhook)?.url
}

/**
 * A change of a subscribed field, signed and addressed; undefined when the application gets no webhooks of this number.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/
 */
export function envelope(stage: Stage, number: WhatsAppNumber, field: string, value: unknown, kind: string): Webhook | undefined {
  const address = addressOf(number, field)
  if (address === undefined || !number.subscribed) {
    stage.poster.lose({ messenger: 'whatsapp', account: number.phoneNumberId, kind },
      address === undefined ? 'no callback URL is set' : 'the app is not subscribed to the WABA')
    return undefined
  }
  const body = Buffer.from(escapeLikeMeta({
    object: 'whatsapp_business_account', entry: [{ id: number.wabaId, changes: [{ value, field }] }],
  }))
  const headers = {
    'content-type': 'application/json', 'user-agent': 'facebookexternalua', 'x-hub-signature-256': signLikeMeta(body, number.appSecret),
  }
  return {
    messenger: 'whatsapp',
    account: number.phoneNumberId,
    kind,
    url: address,
    headers,
    refresh: () => ({ url: addressOf(number, field) ?? address, headers }),
    body,
    // "Retried with growing intervals for up to 7 days".
    retry: { firstMs: 2_000, longestMs: 3_600_000, forMs: 7 * 86_400_000 },
  }
}

const metadata = (number: WhatsAppNumber): unknown => ({
  display_phone_number: number.displayPhoneNumber, phone_number_id: number.phoneNumberId,
})

const seconds = (ms: number): string => String(Math.floor(ms / 1000))

/** What is needed to report on a message. */
export interface SentMessage {
  id: string
  patient?: Patient
  /** Digits that the message was addressed to; undefined when addressed by user id. */
  phone?: string
  userId?: string
  opaque?: string
  category: string
  at: number
  conversationId: string
}

/** The webhook of one status. */
export function statusWebhook(
  stage: Stage, number: WhatsAppNumber, message: SentMessage, status: Receipt, at: number, error?: { code: number, details?: string },
): Webhook | undefined {
  const userId = message.patient?.whatsappUserId ?? message.userId
  const priced = status === 'sent' || status === 'delivered'
  return envelope(stage, number, 'messages', {
    messaging_product: 'whatsapp',
    metadata: metadata(number),
    ...(status === 'sent' && userId !== undefined
      ? { contacts: [{ ...(message.phone === undefined ? {} : { wa_id: message.phone }), user_id: userId }] }
      : {}),
    statuses: [{
      id: message.id,
      status,
      timestamp: seconds(at),
      ...(message.phone === undefined ? {} : { recipient_id: message.phone }),
      ...(userId === undefined ? {} : { recipient_user_id: userId }),
      ...(priced
        ? {
            conversation: {
              id: message.conversationId, origin: { type: message.category },
              ...(status === 'sent' ? { expiration_timestamp: seconds(message.at + 86_400_000) } : {}),
            },
            pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: message.category },
          }
        : {}),
      ...(message.opaque === undefined ? {} : { biz_opaque_callback_data: message.opaque }),
      ...(error === undefined ? {} : { errors: laterErrors(error.code, error.details) }),
    }],
  }, `status:${status}`)
}

/** The webhook of something that the patient wrote or pressed. */
export function inboundWebhook(
  stage: Stage, number: WhatsAppNumber, patient: Patient, id: string, content: Record<string, unknown>,
): Webhook | undefined {
  const phone = patient.hidesPhone ? {} : { wa_id: patient.id }
  return envelope(stage, number, 'messages', {
    messaging_product: 'whatsapp',
    metadata: metadata(number),
    contacts: [{ profile: { name: patient.name }, ...phone, user_id: patient.whatsappUserId }],
    messages: [{
      ...(patient.hidesPhone ? {} : { from: patient.id }),
      from_user_id: patient.whatsappUserId,
      id,
      timestamp: seconds(stage.clock.now()),
      ...content,
    }],
  }, `message:${String(content.type)}`)
}

/**
 * The echo of what staff wrote in the WhatsApp Business app on the clinic's own phone.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes
 */
export function echoWebhook(stage: Stage, number: WhatsAppNumber, patient: Patient, id: string, content: Record<string, unknown>): Webhook | undefined {
  return envelope(stage, number, 'smb_message_echoes', {
    messaging_product: 'whatsapp',
    metadata: metadata(number),
    message_echoes: [{ from: number.displayPhoneNumber, to: patient.id, id, timestamp: seconds(stage.clock.now()), ...content }],
  }, `echo:${String(content.type)}`)
}

/** What a press of a button says: a template's quick reply and an interactive button differ. */
export function pressContent(number: WhatsAppNumber, message: PhoneMessage, button: PhoneButton): Record<string, unknown> {
  const context = { from: number.displayPhoneNumber, id: message.id }
  return message.template === undefined
    ? { type: 'interactive', context, interactive: { type: 'button_reply', button_reply: { id: button.id, title: button.text } } }
    : { type: 'button', context, button: { payload: button.id, text: button.text } }
}
