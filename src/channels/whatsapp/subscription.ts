import { z } from 'zod'
import { ChannelError, type ChannelContext } from '../channel.ts'
import { type WhatsAppCredentials } from './credentials.ts'
import { callGraph, isPartner } from './graph.ts'
import { partnerSecretHeader } from './webhook.ts'

type Context = ChannelContext<WhatsAppCredentials>
type HookContext = Context & { readonly hookUrl: string }

/** Meta's no to a setting, as opposed to a token that is not taken, trouble or silence. */
const isRefusedSetting = (error: unknown): boolean => error instanceof ChannelError && (error.failure.class === 'content' || error.failure.class === 'channelTemporary')

/**
 * Makes webhooks of this number come to `hookUrl`: by the number's own address where Meta can verify it now, so that several numbers
 * of one account keep apart. Returns whether it did; otherwise, and for news of templates always, the address of Meta's console counts.
 *
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/
 */
export const subscribe = async (context: HookContext): Promise<boolean> => {
  const { businessAccountId, phoneNumberId, appSecret, verifyToken } = context.credentials
  if (isPartner(context.credentials)) {
    await callGraph(context, { method: 'POST', path: '/v1/configs/webhook', json: { url: context.hookUrl, headers: { [partnerSecretHeader]: appSecret } } })
    return true
  }
  await callGraph(context, { method: 'POST', path: `/${businessAccountId}/subscribed_apps` })
  try {
    const override = { override_callback_uri: context.hookUrl, verify_token: verifyToken }
    await callGraph(context, { method: 'POST', path: `/${phoneNumberId}`, json: { webhook_configuration: override } })
    return true
  } catch (error) {
    if (!isRefusedSetting(error)) throw error
    return false
  }
}

const addresses = z.looseObject({ phone_number: z.string().optional(), whatsapp_business_account: z.string().optional(), application: z.string().optional() })
const configuration = z.looseObject({ webhook_configuration: addresses.optional() })
const listAnswer = z.looseObject({ data: z.array(z.unknown()) })
const partnerAnswer = z.looseObject({ url: z.string() })

/** Where messages and statuses of the number go: the nearest address counts. */
export interface HookOfNumber {
  /** Empty: nowhere. */
  readonly address: string
  /** Of Meta's console, where news of templates go always; undefined: there is no console. */
  readonly consoleAddress?: string
  /** An application of the account is told anything at all. */
  readonly isSubscribed: boolean
}

/**
 * Undefined where the vendor does not say it.
 *
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/
 */
export const readHook = async (context: Context): Promise<HookOfNumber | undefined> => {
  if (isPartner(context.credentials)) {
    const hook = partnerAnswer.safeParse((await callGraph(context, { method: 'GET', path: '/v1/configs/webhook' })).body)
    return hook.success ? { address: hook.data.url, isSubscribed: true } : undefined
  }
  const { businessAccountId, phoneNumberId } = context.credentials
  const ask = async (path: string, query?: Record<string, string>): Promise<unknown> => {
    try {
      return (await callGraph(context, { method: 'GET', path, ...(query === undefined ? {} : { query }) })).body
    } catch (error) {
      // Who only passes the API on need not know this part of it.
      if (isRefusedSetting(error)) return undefined
      throw error
    }
  }
  const number = configuration.safeParse(await ask(`/${phoneNumberId}`, { fields: 'webhook_configuration' }))
  if (!number.success || number.data.webhook_configuration === undefined) return undefined
  const apps = listAnswer.safeParse(await ask(`/${businessAccountId}/subscribed_apps`))
  const { phone_number, whatsapp_business_account, application } = number.data.webhook_configuration
  return { address: phone_number ?? whatsapp_business_account ?? application ?? '', consoleAddress: application ?? '', isSubscribed: !apps.success || apps.data.data.length > 0 }
}

/**
 * Takes the number's own address away, when it is still ours. The subscription belongs to the whole account: with a second number in
 * it another connection may live by it, so it stays. A token that is no longer taken is success.
 */
export const unsubscribe = async (context: HookContext): Promise<void> => {
  if (isPartner(context.credentials)) return
  const number = `/${context.credentials.phoneNumberId}`
  const account = `/${context.credentials.businessAccountId}`
  try {
    const current = configuration.safeParse((await callGraph(context, { method: 'GET', path: number, query: { fields: 'webhook_configuration' } })).body)
    if (current.success && current.data.webhook_configuration?.phone_number === context.hookUrl)
      await callGraph(context, { method: 'POST', path: number, json: { webhook_configuration: { override_callback_uri: '' } } })
    const numbers = listAnswer.safeParse((await callGraph(context, { method: 'GET', path: `${account}/phone_numbers` })).body)
    if (numbers.success && numbers.data.data.length <= 1) await callGraph(context, { method: 'DELETE', path: `${account}/subscribed_apps` })
  } catch (error) {
    const isForgotten = error instanceof ChannelError && error.failure.class === 'channelPermanent'
    if (!isForgotten && !isRefusedSetting(error)) throw error
  }
}
