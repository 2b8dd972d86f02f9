import { parseJsonObject, rawOf } from './bodies.ts'
import { done, type Route } from './max.ts'
import { maxRefusal, type MaxRefusal } from './max-content.ts'
import { isWebhookAddress, type Stage } from './stage.ts'

const wrong = (text: string): MaxRefusal => maxRefusal(400, 'proto.payload', text)

const knownUpdates = new Set(['message_created', 'message_callback', 'message_edited', 'message_removed', 'bot_started', 'bot_stopped',
  'bot_added', 'bot_removed', 'user_added', 'user_removed', 'chat_title_changed', 'dialog_cleared', 'dialog_muted',
  'dialog_unmuted', 'dialog_removed'])

/** Registers how bots order their updates. @see https://dev.max.ru/docs-api/methods/POST/subscriptions */
export function registerSubscriptions(stage: Stage, route: Route): void {
  route('GET', '/subscriptions', 'call', (bot) => done({
    subscriptions: bot.subscriptions.map((one) => ({ url: one.url, time: one.time, update_types: one.updateTypes ?? null, version: null })),
  }))

  route('POST', '/subscriptions', 'call', (bot, request) => {
    const body = parseJsonObject(rawOf(request.body))
    if (typeof body?.url !== 'string') return wrong('url: must not be null')
    if (!isWebhookAddress(stage, body.url)) return wrong('url: must be an https address')
    const { secret, update_types: types } = body
    if (secret !== undefined && (typeof secret !== 'string' || !/^[A-Za-z0-9_-]{5,256}$/.test(secret))) {
      return wrong('secret: must match "^[a-zA-Z0-9_-]{5,256}$"')
    }
    if (types !== undefined && (!Array.isArray(types) || types.some((one) => !knownUpdates.has(String(one))))) {
      return wrong('update_types: unknown type')
    }
    bot.subscriptions = bot.subscriptions.filter((one) => one.url !== body.url)
    bot.subscriptions.push({ url: body.url, time: stage.clock.now(), updateTypes: types as string[] | undefined, secret })
    return done()
  })

  route('DELETE', '/subscriptions', 'call', (bot, request) => {
    const left = bot.subscriptions.filter((one) => one.url !== request.query.url)
    if (left.length === bot.subscriptions.length) return done({ success: false, message: 'Subscription not found' })
    bot.subscriptions = left
    return done()
  })
}
