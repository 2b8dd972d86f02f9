import { z } from 'zod'
import { type Channel, type ChannelContext, type ConnectionFacts, type Localized } from '../channel.ts'
import { judgeHook, withHook } from '../hook.ts'
import { refuseStopped, warningsOf } from './health.ts'
import { fields, parseCredentials, type WhatsAppCredentials } from './credentials.ts'
import { unclearAnswer } from './errors.ts'
import { callGraph, isPartner } from './graph.ts'
import { download } from './media.ts'
import { limits, send } from './send.ts'
import { readHook, subscribe, unsubscribe } from './subscription.ts'
import { setTemplateLife } from './template-life.ts'
import { handshake, parse, verify } from './webhook.ts'

type Context = ChannelContext<WhatsAppCredentials>

const numberAnswer = z.looseObject({
  verified_name: z.string().optional(),
  display_phone_number: z.string().optional(),
  quality_rating: z.string().optional(),
  status: z.string().optional(),
  whatsapp_business_manager_messaging_limit: z.string().optional(),
})

const numberFacts = async (context: Context): Promise<ConnectionFacts> => {
  if (isPartner(context.credentials)) {
    await callGraph(context, { method: 'GET', path: '/v1/configs/webhook' })
    return { title: context.credentials.phoneNumberId, details: [] }
  }
  const answer = await callGraph(context, {
    method: 'GET',
    path: `/${context.credentials.phoneNumberId}`,
    query: { fields: 'verified_name,display_phone_number,quality_rating,status,whatsapp_business_manager_messaging_limit' },
  })
  const number = numberAnswer.safeParse(answer.body)
  if (!number.success) throw unclearAnswer()
  const { verified_name, display_phone_number, quality_rating, status, whatsapp_business_manager_messaging_limit } = number.data
  refuseStopped(status)
  const details = [
    { label: { ru: 'Номер', en: 'Number' }, value: display_phone_number },
    { label: { ru: 'Качество номера', en: 'Number quality' }, value: quality_rating },
    { label: { ru: 'Новых собеседников в сутки', en: 'New contacts per day' }, value: whatsapp_business_manager_messaging_limit },
  ].flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }]))
  return { title: verified_name ?? display_phone_number ?? context.credentials.phoneNumberId, details, warnings: warningsOf({ quality: quality_rating, status }) }
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

/** Which address is still to be entered by hand, and what for. */
const consoleDetail = (hookUrl: string, isHeard: boolean): ConnectionFacts['details'][number] => ({ label: isHeard ? consoleLabels.useful : consoleLabels.needed, value: hookUrl })

const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const facts = await numberFacts(context)
  const isSubscribed = await subscribe(context)
  if (isPartner(context.credentials)) return facts
  return { ...facts, details: [...facts.details, consoleDetail(context.hookUrl, isSubscribed)] }
}

const elsewhere: Localized = {
  ru: 'Сообщения и статусы этого номера уходят по другому адресу: сохраните подключение ещё раз или впишите адрес приложения в консоли Meta, иначе доставка не видна.',
  en: 'Messages and statuses of this number go to another address: save the connection again or enter the application\'s address in the Meta console, or delivery cannot be seen.',
}

const check = async (context: Context & { readonly hookUrl?: string }): Promise<ConnectionFacts> => {
  const facts = await numberFacts(context)
  const { hookUrl } = context
  const hook = hookUrl === undefined ? undefined : await readHook(context)
  if (hookUrl === undefined || hook === undefined) return facts
  const judged = withHook(facts, judgeHook({ wanted: hookUrl, found: hook.address, isWhole: hook.isSubscribed, elsewhere }))
  if (hook.consoleAddress === undefined || hook.consoleAddress === hookUrl) return judged
  return { ...judged, details: [...judged.details, consoleDetail(hookUrl, hook.address === hookUrl)] }
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
  check,
  handshake,
  verify,
  parse,
  send,
  download,
  setTemplateLife,
}
