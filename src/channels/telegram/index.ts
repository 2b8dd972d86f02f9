import { ChannelError, type Channel, type ChannelContext, type ConnectionFacts, type Localized } from '../channel.ts'
import { TelegramApi } from './api.ts'
import { judgeHook, tellsAll } from '../hook.ts'
import { fields, parseCredentials, type TelegramCredentials } from './credentials.ts'
import { download } from './files.ts'
import { edit, limits, remove, send } from './send.ts'
import { parse, updateTypes, verify } from './webhook.ts'

type Context = ChannelContext<TelegramCredentials>

const elsewhere: Localized = {
  ru: 'Сообщения этого бота забирает другая программа: отключите её или создайте для клиники отдельного бота и сохраните подключение ещё раз.',
  en: 'Another program takes this bot\'s messages: switch it off or make a separate bot for the clinic, then save the connection again.',
}

/** Telegram keeps the last error for ever: it counts while updates wait. */
const deliveryWarning = (waiting: number, error: string | undefined): readonly Localized[] => {
  if (waiting === 0 || error === undefined) return []
  const isCertificate = /ssl|certificate/i.test(error)
  const advice = isCertificate
    ? { ru: 'проверьте сертификат адреса приложения', en: 'check the certificate of the application\'s address' }
    : { ru: 'проверьте, что адрес приложения открывается из интернета', en: 'check that the application\'s address opens from the internet' }
  return [{ ru: `Telegram не может передать сообщения пациентов (ждут: ${waiting}): ${advice.ru}.`, en: `Telegram cannot hand over patients' messages (${waiting} waiting): ${advice.en}.` }]
}

/** `hookUrl`: where updates are to come. */
const facts = async (api: TelegramApi, hookUrl: string | undefined): Promise<ConnectionFacts> => {
  const bot = await api.getMe()
  const webhook = await api.getWebhookInfo()
  const isOff = webhook.url === undefined || webhook.url === ''
  const details = [
    { label: { ru: 'Имя бота', en: 'Bot name' }, value: bot.first_name },
    { label: { ru: 'Приём сообщений', en: 'Receiving' }, value: isOff ? 'не включён' : 'включён' },
    { label: { ru: 'Ждут приёма', en: 'Waiting to be received' }, value: String(webhook.pending_update_count) },
  ]
  const hook = judgeHook({ wanted: hookUrl, found: webhook.url, isWhole: tellsAll(updateTypes, webhook.allowed_updates), elsewhere })
  const warnings = hook.warnings.length > 0 ? hook.warnings : deliveryWarning(webhook.pending_update_count, webhook.last_error_message)
  return { title: `@${bot.username}`, details, warnings, isHookLost: hook.isHookLost }
}

const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const api = new TelegramApi(context)
  await api.getMe()
  try {
    await api.setWebhook(context.hookUrl, { secret_token: context.credentials.webhookSecret, allowed_updates: [...updateTypes], max_connections: 40 })
  } catch (error) {
    throw error instanceof ChannelError && error.failure.class === 'content' ? hookRefusal(error) : error
  }
  return facts(api, context.hookUrl)
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

const answerAction = async (action: { readonly externalId: string; readonly text: string }, context: Context): Promise<void> => {
  try {
    await new TelegramApi(context).answerCbQuery(action.externalId, action.text.slice(0, 200))
  } catch (error) {
    // The press is too old to be answered: the button has stopped waiting by itself.
    if (!(error instanceof ChannelError) || error.failure.class !== 'content') throw error
  }
}

/** @see https://core.telegram.org/bots/features#deep-linking */
const startLink = (token: string, { title }: { readonly title: string }): string | undefined => {
  const [, name] = /^@(\w{1,64})$/.exec(title) ?? []
  return name === undefined ? undefined : `https://t.me/${name}?start=${encodeURIComponent(token)}`
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
  canRequestContact: true,
  isIdempotent: false,
  fields,
  parseCredentials,
  connect,
  disconnect,
  check: async (context) => facts(new TelegramApi(context), context.hookUrl),
  verify,
  parse,
  send,
  edit,
  remove,
  download,
  startLink,
  answerAction,
}
