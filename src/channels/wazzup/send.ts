import { z } from 'zod'
import { ChannelError, type ChannelLimits, type InboundFile, type OutboundMessage, type Sent, type SentMessage } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { downloadFile, goneFile, type Downloaded } from '../http.ts'
import { type RichText } from '../../domain/rich-text.ts'
import { render } from '../../domain/whatsapp-markup.ts'
import { call, read, type Context } from './api.ts'
import { whatsapp, type Transport } from './transport.ts'

/** 500 requests in five seconds of the whole account: a channel takes a tenth. A message is a text or a file, never both. */
export const limitsOf = ({ textLength }: Transport): ChannelLimits => ({
  textLength,
  files: { maxBytes: 10 * 1024 * 1024, captionLength: 1, withoutCaption: ['image', 'video', 'audio', 'voice', 'file', 'sticker'] },
  perSecond: 10,
})

const sentAnswer = z.looseObject({ messageId: z.string().min(1) })

/** Telegram by number shows no formatting. */
const wordsOf = (transport: Transport, message: { readonly text: string; readonly rich?: RichText }): string => (transport === whatsapp ? render(message) : message.text)

/**
 * `crmMessageId` is our attempt: within a minute a second request with it is refused, so a repetition cannot reach the patient twice then. It is no
 * promise for later, and the refusal names no message, so a lost answer stays open.
 *
 * @see https://wazzup24.com/help/api-en/sending-messages/
 */
export const sendBy = (transport: Transport) => async (message: OutboundMessage, context: Context): Promise<Sent> => {
  const text = wordsOf(transport, message)
  refuseOversize(message, limitsOf(transport), text.length)
  const { file, to, replyTo, ref } = message
  if (file !== undefined && file.link === undefined) throw new ChannelError({ class: 'content', code: 'file.link' }, 'Этот файл Wazzup не забрать: отправьте его из чата ещё раз.')
  try {
    const answer = await call(context, 'POST', '/message', {
      channelId: context.credentials.channelId,
      chatType: transport.chatType,
      ...transport.addressOf(to),
      ...(file === undefined ? { text } : { contentUri: file.link }),
      ...(replyTo === undefined ? {} : { refMessageId: replyTo }),
      crmMessageId: ref,
    })
    return { externalId: read(sentAnswer, answer).messageId, parts: 1 }
  } catch (error) {
    throw file === undefined ? error : fileRefusal(error)
  }
}

/** F34: a limit on files holds this message up and says nothing of text, so it carries no pause for the channel. */
const fileRefusal = (error: unknown): unknown => {
  if (!(error instanceof ChannelError) || error.failure.class !== 'rateLimited') return error
  return new ChannelError({ class: 'rateLimited', code: `media.${error.failure.code}` }, error.message)
}

const tooLate = (error: unknown, sentence: string): unknown => {
  const isRefused = error instanceof ChannelError && error.outcome === 'rejected' && !['rateLimited', 'channelPermanent'].includes(error.failure.class)
  return isRefused ? new ChannelError({ class: 'content', code: 'late' }, sentence) : error
}

export const editBy =
  (transport: Transport) =>
  async ({ externalId, to, text, rich }: SentMessage & { readonly text: string; readonly rich?: RichText; readonly isCaption: boolean }, context: Context): Promise<void> => {
    const words = wordsOf(transport, { text, ...(rich === undefined ? {} : { rich }) })
    refuseOversize({ ref: '', number: 1, to, text: words }, limitsOf(transport))
    try {
      await call(context, 'PATCH', `/message/${encodeURIComponent(externalId)}`, { text: words })
    } catch (error) {
      throw tooLate(error, 'Изменить это сообщение уже нельзя: отправьте новое.')
    }
  }

export const remove = async ({ externalId }: SentMessage, context: Context): Promise<void> => {
  try {
    await call(context, 'DELETE', `/message/${encodeURIComponent(externalId)}`)
  } catch (error) {
    throw tooLate(error, 'Удалить сообщение у пациента уже нельзя: напишите ему, что оно отправлено по ошибке.')
  }
}

const domainOf = (host: string): string => (/^[\d.:[\]]+$/.test(host) ? host : host.split('.').slice(-2).join('.'))

/** A file of the vendor's store, by the address that the webhook gave: nothing but the vendor's own hosts is asked. */
export const download = async ({ ref, sizeBytes }: InboundFile, context: Context & { readonly maxBytes: number }): Promise<Downloaded> => {
  const { baseUrl, proxyUrl, caFile } = context.credentials
  const url = URL.parse(ref)
  const api = new URL(baseUrl)
  if (url === null || url.protocol !== api.protocol || domainOf(url.hostname) !== domainOf(api.hostname) || (sizeBytes ?? 0) > context.maxBytes) throw goneFile()
  return downloadFile(context.http, { url: url.href }, { signal: context.signal, proxyUrl, caFile, maxBytes: context.maxBytes })
}
