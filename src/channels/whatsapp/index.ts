import { z } from 'zod'
import { refuseOversize, type Channel, type ChannelContext, type ChannelLimits, type ConnectionFacts, type OutboundMessage } from '../channel.ts'
import { fields, parseCredentials, type WhatsAppCredentials } from './credentials.ts'
import { unclearAnswer } from './errors.ts'
import { callGraph } from './graph.ts'
import { subscribe, unsubscribe } from './subscription.ts'
import { setTemplateLife } from './template-life.ts'
import { handshake, parse, verify } from './webhook.ts'

type Context = ChannelContext<WhatsAppCredentials>

const limits: ChannelLimits = {
  // Of a template's body and of a message with buttons; bare text may be longer, but a reminder is one of the two.
  textLength: 1024,
  buttons: { count: 3, titleLength: 20, payloadBytes: 256 },
  perSecond: 80,
}

const isPartner = ({ credentials }: Context): boolean => credentials.authHeader !== 'Bearer'

const numberAnswer = z.looseObject({
  verified_name: z.string().optional(),
  display_phone_number: z.string().optional(),
  quality_rating: z.string().optional(),
  whatsapp_business_manager_messaging_limit: z.string().optional(),
})

const numberFacts = async (context: Context): Promise<ConnectionFacts> => {
  if (isPartner(context)) {
    await callGraph(context, { method: 'GET', path: '/v1/configs/webhook' })
    return { title: context.credentials.phoneNumberId, details: [] }
  }
  const answer = await callGraph(context, {
    method: 'GET',
    path: `/${context.credentials.phoneNumberId}`,
    query: { fields: 'verified_name,display_phone_number,quality_rating,whatsapp_business_manager_messaging_limit' },
  })
  const number = numberAnswer.safeParse(answer.body)
  if (!number.success) throw unclearAnswer()
  const { verified_name, display_phone_number, quality_rating, whatsapp_business_manager_messaging_limit } = number.data
  const details = [
    { label: { ru: 'Номер', en: 'Number' }, value: display_phone_number },
    { label: { ru: 'Качество номера', en: 'Number quality' }, value: quality_rating },
    { label: { ru: 'Новых собеседников в сутки', en: 'New contacts per day' }, value: whatsapp_business_manager_messaging_limit },
  ].flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }]))
  return { title: verified_name ?? display_phone_number ?? context.credentials.phoneNumberId, details }
}

const consoleLabels = {
  needed: {
    ru: 'Впишите в консоли Meta (WhatsApp - Конфигурация - URL обратного вызова), иначе сообщения и статусы не придут',
    en: 'Enter in the Meta console (WhatsApp - Configuration - Callback URL), or messages and statuses will not come',
  },
  useful: {
    ru: 'Впишите в консоли Meta (WhatsApp - Конфигурация - URL обратного вызова), чтобы узнавать о паузах шаблонов',
    en: 'Enter in the Meta console (WhatsApp - Configuration - Callback URL) to learn of paused templates',
  },
}

const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const facts = await numberFacts(context)
  const isSubscribed = await subscribe(context)
  if (isPartner(context)) return facts
  const hook = { label: isSubscribed ? consoleLabels.useful : consoleLabels.needed, value: context.hookUrl }
  return { ...facts, details: [...facts.details, hook] }
}

/** Meta refuses line breaks, tabs and long gaps inside a template's parameter (132000 family). */
const parameterText = (value: string): string => value.replace(/\s+/g, ' ').trim()

const contentOf = (message: OutboundMessage): Record<string, unknown> => {
  const { template, buttons = [] } = message
  if (template !== undefined) {
    const body = template.parameters.length === 0 ? [] : [{ type: 'body', parameters: template.parameters.map((text) => ({ type: 'text', text: parameterText(text) })) }]
    const payloads = buttons.map(({ id }, index) => ({ type: 'button', sub_type: 'quick_reply', index: String(index), parameters: [{ type: 'payload', payload: id }] }))
    return { type: 'template', template: { name: template.name, language: { code: template.language }, components: [...body, ...payloads] } }
  }
  if (buttons.length === 0) return { type: 'text', text: { body: message.text, preview_url: false } }
  const replies = buttons.map(({ id, title }) => ({ type: 'reply', reply: { id, title } }))
  return { type: 'interactive', interactive: { type: 'button', body: { text: message.text }, action: { buttons: replies } } }
}

/** A person who hides the number is addressed by their BSUID, `CC.` and up to 128 letters and digits. */
const addressOf = (to: string): Record<string, string> => (/^[A-Z]{2}\./.test(to) ? { recipient: to } : { to: to.replace(/^\+/, '') })

const sentAnswer = z.looseObject({ messages: z.tuple([z.looseObject({ id: z.string().min(1) })]).rest(z.unknown()) })

const send = async (message: OutboundMessage, context: Context) => {
  refuseOversize(message, limits)
  const answer = await callGraph(context, {
    method: 'POST',
    path: isPartner(context) ? '/messages' : `/${context.credentials.phoneNumberId}/messages`,
    json: { messaging_product: 'whatsapp', recipient_type: 'individual', ...addressOf(message.to), ...contentOf(message), biz_opaque_callback_data: message.ref },
  })
  const sent = sentAnswer.safeParse(answer.body)
  if (!sent.success) throw unclearAnswer()
  return { externalId: sent.data.messages[0].id, parts: 1 }
}

/**
 * WhatsApp Business Platform, Cloud API: templates and free text, all receipts, no idempotency key - a lost answer is healed by
 * `biz_opaque_callback_data`, which every status echoes.
 *
 * @see https://developers.facebook.com/docs/whatsapp/cloud-api
 */
export const whatsapp: Channel<WhatsAppCredentials> = {
  id: 'whatsapp',
  title: { ru: 'WhatsApp', en: 'WhatsApp' },
  receipts: ['accepted', 'sent', 'delivered', 'read', 'acted'],
  limits,
  canStart: 'template',
  addressedBy: 'phone',
  isIdempotent: false,
  fields,
  parseCredentials,
  connect,
  disconnect: unsubscribe,
  check: numberFacts,
  handshake,
  verify,
  parse,
  send,
  setTemplateLife,
}
