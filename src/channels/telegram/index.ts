import { z } from 'zod'
import { ChannelError, refuseOversize, type Channel, type ChannelContext, type ChannelLimits, type ConnectionFacts, type OutboundMessage } from '../channel.ts'
import { TelegramApi } from './api.ts'
import { fields, parseCredentials, type TelegramCredentials } from './credentials.ts'
import { messageIdOf, parse, updateTypes, verify } from './webhook.ts'

type Context = ChannelContext<TelegramCredentials>

/** @see https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
const limits: ChannelLimits = {
  textLength: 4096,
  buttons: { count: 100, titleLength: 64, payloadBytes: 64 },
  perSecond: 30,
}

const facts = async (api: TelegramApi): Promise<ConnectionFacts> => {
  const bot = await api.getMe()
  const webhook = await api.getWebhookInfo()
  const details = [
    { label: { ru: 'Имя бота', en: 'Bot name' }, value: bot.first_name },
    { label: { ru: 'Приём сообщений', en: 'Receiving' }, value: webhook.url === undefined || webhook.url === '' ? 'не включён' : 'включён' },
    { label: { ru: 'Ждут приёма', en: 'Waiting to be received' }, value: String(webhook.pending_update_count) },
  ]
  return { title: `@${bot.username}`, details }
}

const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const api = new TelegramApi(context)
  await api.getMe()
  try {
    await api.setWebhook(context.hookUrl, { secret_token: context.credentials.webhookSecret, allowed_updates: [...updateTypes], max_connections: 40 })
  } catch (error) {
    throw error instanceof ChannelError && error.failure.class === 'content' ? hookRefusal(error) : error
  }
  return facts(api)
}

const hookRefusal = ({ failure }: ChannelError): ChannelError =>
  new ChannelError(
    { class: 'channelPermanent', code: failure.code },
    'Telegram не принял адрес приложения: оно должно быть доступно из интернета по https на порту 443, 80, 88 или 8443.',
  )

/** Only our own webhook is taken away: the bot may already work for somebody else. */
const disconnect = async (context: Context & { readonly hookUrl: string }): Promise<void> => {
  const api = new TelegramApi(context)
  try {
    const webhook = await api.getWebhookInfo()
    if (webhook.url === context.hookUrl) await api.deleteWebhook()
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'channelPermanent') throw error
  }
}

/** One keyboard fits under a message. The request for a number wins: without it there is nobody to put the question to. */
const keyboardOf = ({ buttons = [], requestsContact }: OutboundMessage) => {
  if (requestsContact === true)
    return { keyboard: [[{ text: 'Поделиться номером', request_contact: true as const }]], one_time_keyboard: true, resize_keyboard: true }
  return buttons.length === 0 ? undefined : { inline_keyboard: buttons.map(({ id, title }) => [{ text: title, callback_data: id }]) }
}

const sentMessage = z.looseObject({ message_id: z.int() })

const send = async (message: OutboundMessage, context: Context) => {
  refuseOversize(message, limits)
  // A number only: a user name may have passed to another person since.
  if (!/^\d{1,15}$/.test(message.to))
    throw new ChannelError({ class: 'recipientPermanent', code: 'chat.id' }, 'Адрес в Telegram записан неверно: попросите человека снова открыть бота по личной ссылке.')
  const chatId = Number(message.to)
  const keyboard = keyboardOf(message)
  const answer = sentMessage.safeParse(
    await new TelegramApi(context).sendMessage(chatId, message.text, { link_preview_options: { is_disabled: true }, ...(keyboard === undefined ? {} : { reply_markup: keyboard }) }),
  )
  if (!answer.success)
    throw new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ Telegram не удалось прочитать: проверьте адрес Bot API в настройках подключения.', { outcome: 'unknown' })
  return { externalId: messageIdOf(chatId, answer.data.message_id), parts: 1 }
}

const answerAction = async (action: { readonly externalId: string; readonly text: string }, context: Context): Promise<void> => {
  try {
    await new TelegramApi(context).answerCbQuery(action.externalId, action.text.slice(0, 200))
  } catch (error) {
    // The press is too old to be answered: the button has stopped waiting by itself.
    if (!(error instanceof ChannelError) || error.failure.class !== 'content') throw error
  }
}

/**
 * Telegram bot. It never learns whether a message was delivered or read: only a press or a reply proves something.
 *
 * @see https://core.telegram.org/bots/api
 */
export const telegram: Channel<TelegramCredentials> = {
  id: 'telegram',
  title: { ru: 'Telegram', en: 'Telegram' },
  receipts: ['accepted', 'acted'],
  limits,
  canStart: 'afterPatientWrote',
  addressedBy: 'identity',
  isIdempotent: false,
  fields,
  parseCredentials,
  connect,
  disconnect,
  check: async (context) => facts(new TelegramApi(context)),
  verify,
  parse,
  send,
  answerAction,
}
