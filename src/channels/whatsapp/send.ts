import { z } from 'zod'
import { ChannelError, type ChannelContext, type ChannelLimits, type OutboundFile, type OutboundMessage, type Sent } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { type WhatsAppCredentials } from './credentials.ts'
import { unclearAnswer } from './errors.ts'
import { callGraph, isPartner } from './graph.ts'
import { render } from '../../domain/whatsapp-markup.ts'
import { mediaTypeOf, mostBytes, upload, type MediaType } from './media.ts'

type Context = ChannelContext<WhatsAppCredentials>

export const limits: ChannelLimits = {
  // Of a template's body and of a message with buttons.
  textLength: 1024,
  freeTextLength: 4096,
  buttons: { count: 3, titleLength: 20, payloadBytes: 256 },
  files: { maxBytes: mostBytes, captionLength: 1024, withoutCaption: ['audio', 'voice', 'sticker'] },
  perSecond: 80,
}

/** Meta refuses line breaks, tabs and long gaps inside a template's parameter (132000 family). */
const parameterText = (value: string): string => value.replace(/\s+/g, ' ').trim()

const templateContent = ({ name, language, parameters }: NonNullable<OutboundMessage['template']>, buttons: NonNullable<OutboundMessage['buttons']>) => {
  const body = parameters.length === 0 ? [] : [{ type: 'body', parameters: parameters.map((text) => ({ type: 'text', text: parameterText(text) })) }]
  const payloads = buttons.map(({ id }, index) => ({ type: 'button', sub_type: 'quick_reply', index: String(index), parameters: [{ type: 'payload', payload: id }] }))
  return { type: 'template', template: { name, language: { code: language }, components: [...body, ...payloads] } }
}

const textContent = (text: string, buttons: NonNullable<OutboundMessage['buttons']>) => {
  if (buttons.length === 0) return { type: 'text', text: { body: text, preview_url: false } }
  const replies = buttons.map(({ id, title }) => ({ type: 'reply', reply: { id, title } }))
  return { type: 'interactive', interactive: { type: 'button', body: { text }, action: { buttons: replies } } }
}

const fileContent = (type: MediaType, mediaId: string, { name, kind, mimeType }: OutboundFile, caption: string) => ({
  type,
  [type]: {
    id: mediaId,
    ...(caption === '' ? {} : { caption }),
    ...(type === 'document' ? { filename: name } : {}),
    ...(type === 'audio' && kind === 'voice' && /ogg|opus/i.test(mimeType) ? { voice: true } : {}),
  },
})

/** The content of the message; a file is in Meta's store by then. */
const contentOf = async (message: OutboundMessage, text: string, context: Context): Promise<object> => {
  const { template, file, buttons = [] } = message
  if (template !== undefined) return templateContent(template, buttons)
  if (file === undefined) return textContent(text, buttons)
  const type = mediaTypeOf(file)
  if (buttons.length > 0) throw new ChannelError({ class: 'content', code: 'buttons.file' }, 'Кнопки под файлом WhatsApp не показывает: отправьте их отдельным сообщением.')
  const isMute = type === 'audio' || type === 'sticker'
  if (isMute && text !== '') throw new ChannelError({ class: 'content', code: 'caption.unsupported' }, 'К такому файлу подпись не добавить: отправьте текст отдельным сообщением.')
  return fileContent(type, await upload(file, context), file, text)
}

/** A person who hides the number is addressed by their BSUID, `CC.` and up to 128 letters and digits. */
const addressOf = (to: string): Record<string, string> => (/^[A-Z]{2}\./.test(to) ? { recipient: to } : { to: to.replace(/^\+/, '') })

const sentAnswer = z.looseObject({ messages: z.tuple([z.looseObject({ id: z.string().min(1) })]).rest(z.unknown()) })

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages/ */
export const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  const text = render(message)
  refuseOversize(message, limits, text.length)
  const content = await contentOf(message, text, context)
  const answer = await callGraph(context, {
    method: 'POST',
    path: isPartner(context.credentials) ? '/messages' : `/${context.credentials.phoneNumberId}/messages`,
    json: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      ...addressOf(message.to),
      ...(message.replyTo === undefined ? {} : { context: { message_id: message.replyTo } }),
      ...content,
      biz_opaque_callback_data: message.ref,
    },
  })
  const sent = sentAnswer.safeParse(answer.body)
  if (!sent.success) throw unclearAnswer()
  return { externalId: sent.data.messages[0].id, parts: 1 }
}
