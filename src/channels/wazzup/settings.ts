import { z } from 'zod'
import { ChannelError, type ConnectionFacts, type Localized } from '../channel.ts'
import { call, read, type Context } from './api.ts'
import { judgeHook, standsAs, withHook } from '../hook.ts'
import { isWorking, stateRefusal } from './errors.ts'
import { type Transport } from './transport.ts'
import { secretName } from './webhook.ts'

/** @see https://wazzup24.com/help/api-en/channels/ */
const channelsAnswer = z.array(z.looseObject({ channelId: z.string(), transport: z.string(), plainId: z.string().nullish(), state: z.string() }))
const webhooksAnswer = z.looseObject({ webhooksUri: z.string().nullish(), subscriptions: z.record(z.string(), z.unknown()).nullish() })

const channelFacts = async (transport: Transport, context: Context): Promise<ConnectionFacts> => {
  const channels = read(channelsAnswer, await call(context, 'GET', '/channels'))
  const channel = channels.find(({ channelId }) => channelId.toLowerCase() === context.credentials.channelId)
  if (channel === undefined) throw new ChannelError({ class: 'channelPermanent', code: 'CHANNEL_NOT_FOUND' }, 'Такого канала в Wazzup нет: скопируйте его идентификатор из кабинета ещё раз.')
  // A6: MAX by number is not connected, and each of the others has a connection of its own.
  if (!transport.transports.includes(channel.transport.toLowerCase()))
    throw new ChannelError({ class: 'channelPermanent', code: 'WRONG_TRANSPORT' }, 'Это канал другого мессенджера: выберите подходящее подключение, а для MAX подключите официального бота.')
  if (!isWorking(channel.state)) throw stateRefusal(channel.state)
  const digits = /^\+?(\d{7,15})$/.exec(channel.plainId ?? '')?.[1]
  return { title: digits === undefined ? (channel.plainId ?? channel.channelId) : `+${digits}`, details: [{ label: { ru: 'Состояние', en: 'State' }, value: channel.state }] }
}

const ours = (hookUrl: string, { hookSecret }: Context['credentials']): string => `${hookUrl}?${secretName}=${hookSecret}`

const webhooks = async (context: Context) => read(webhooksAnswer, await call(context, 'GET', '/webhooks'))

const known = async (context: Context): Promise<string> => (await webhooks(context)).webhooksUri ?? ''

const elsewhere: Localized = {
  ru: 'Сообщения этого аккаунта Wazzup забирает другая программа: отключите её интеграцию по API и сохраните подключение ещё раз, иначе доставка не видна.',
  en: 'Another program takes the messages of this Wazzup account: switch its API integration off and save the connection again, or delivery cannot be seen.',
}

export const checkBy = (transport: Transport) => async (context: Context & { readonly hookUrl?: string }): Promise<ConnectionFacts> => {
  const facts = await channelFacts(transport, context)
  if (context.hookUrl === undefined) return facts
  const { webhooksUri, subscriptions } = await webhooks(context)
  return withHook(facts, judgeHook({ wanted: ours(context.hookUrl, context.credentials), found: webhooksUri ?? '', isWhole: standsAs(wanted, subscriptions ?? {}), elsewhere }))
}

/** What the account is to tell. */
const wanted = { messagesAndStatuses: true, contactsAndDealsCreation: false, channelsUpdates: true, templateStatus: false } as const

/**
 * Sets the account's one address of webhooks. Where another connection of this application lives by it already, nothing is taken away from that one.
 *
 * @see https://wazzup24.com/help/webhooks/
 */
export const connectBy = (transport: Transport) => async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const facts = await channelFacts(transport, context)
  const { hookUrl } = context
  const current = await known(context)
  const base = hookUrl.slice(0, hookUrl.lastIndexOf('/hooks/') + '/hooks/'.length)
  if (current.startsWith(base) && !current.startsWith(hookUrl))
    throw new ChannelError({ class: 'channelPermanent', code: 'webhooksTaken' }, 'Этот аккаунт Wazzup уже подключён: один аккаунт обслуживает одно подключение, для второго номера заведите другой.')
  try {
    await call(context, 'PATCH', '/webhooks', { webhooksUri: ours(hookUrl, context.credentials), subscriptions: wanted })
  } catch (error) {
    throw error instanceof ChannelError && ['content', 'channelTemporary'].includes(error.failure.class) ? hookRefusal(error) : error
  }
  return facts
}

/** The vendor posts a test to the address and wants 200. */
const hookRefusal = ({ failure }: ChannelError): ChannelError =>
  new ChannelError({ class: 'channelPermanent', code: failure.code }, 'Wazzup не достучался до приложения: оно должно быть доступно из интернета по https с доверенным сертификатом.')

/** Only our own address is taken away: the account may already work for somebody else. */
export const disconnect = async (context: Context & { readonly hookUrl: string }): Promise<void> => {
  try {
    if (!(await known(context)).startsWith(context.hookUrl)) return
    await call(context, 'PATCH', '/webhooks', {
      webhooksUri: ours(context.hookUrl, context.credentials),
      subscriptions: { messagesAndStatuses: false, contactsAndDealsCreation: false, channelsUpdates: false, templateStatus: false },
    })
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'channelPermanent') throw error
  }
}
