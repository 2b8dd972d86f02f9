import { type Stage, isWebhookAddress } from './stage.ts'
import { type TelegramBot } from './telegram.ts'
import { TelegramRefusal } from './telegram-content.ts'

/** Kinds of updates that a bot gets without asking. `message_reaction` and `chat_member` must be asked for. */
export const usualUpdates = ['message', 'edited_message', 'channel_post', 'callback_query', 'my_chat_member']

const bad = (text: string): TelegramRefusal => new TelegramRefusal(400, `Bad Request: ${text}`)

/**
 * Sets or removes the webhook by the rules of the Bot API.
 * @see https://core.telegram.org/bots/api#setwebhook
 */
export function setWebhook(stage: Stage, bot: TelegramBot, parameters: Record<string, any>): true {
  const url = String(parameters.url ?? '')
  if (String(parameters.drop_pending_updates) === 'true') bot.updates = []
  if (url === '') {
    bot.webhook = undefined
    return true
  }
  if (!isWebhookAddress(stage, url)) throw bad('bad webhook: An HTTPS URL must be provided for webhook')
  const parsed = new URL(url)
  if (parsed.protocol === 'https:' && !['', '443', '80', '88', '8443'].includes(parsed.port)) {
    throw bad('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443')
  }
  const secret: unknown = parameters.secret_token
  if (secret !== undefined && secret !== '') {
    if (String(secret).length > 256) throw bad('secret token is too long')
    if (!/^[A-Za-z0-9_-]+$/.test(String(secret))) throw bad('secret token contains unallowed characters')
  }
  const maxConnections = Number(parameters.max_connections ?? 40)
  bot.webhook = {
    url,
    secretToken: secret === undefined || secret === '' ? undefined : String(secret),
    maxConnections: maxConnections >= 1 && maxConnections <= 100 ? maxConnections : 40,
    allowedUpdates: readAllowed(parameters.allowed_updates) ?? bot.webhook?.allowedUpdates ?? usualUpdates,
  }
  bot.lastError = undefined
  return true
}

function readAllowed(value: unknown): string[] | undefined {
  let list: unknown = value
  if (typeof value === 'string') {
    try {
      list = JSON.parse(value)
    } catch {
      throw bad("can't parse allowed_updates JSON object")
    }
  }
  if (list === undefined || list === null) return undefined
  if (!Array.isArray(list)) throw bad('allowed_updates must be an array')
  return list.length === 0 ? usualUpdates : list.map(String)
}

/** What `getWebhookInfo` answers. */
export function webhookInfo(stage: Stage, bot: TelegramBot): unknown {
  const waiting = bot.updates.length + stage.poster.pending(String(bot.botId))
  if (bot.webhook === undefined) return { url: '', has_custom_certificate: false, pending_update_count: waiting }
  return {
    url: bot.webhook.url,
    has_custom_certificate: false,
    pending_update_count: waiting,
    ...(bot.lastError === undefined
      ? {}
      : { last_error_date: Math.floor(bot.lastError.at / 1000), last_error_message: bot.lastError.message }),
    max_connections: bot.webhook.maxConnections,
    ip_address: '127.0.0.1',
    allowed_updates: bot.webhook.allowedUpdates,
  }
}
