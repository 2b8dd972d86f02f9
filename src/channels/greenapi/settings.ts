import { z } from 'zod'
import { ChannelError, type ConnectionFacts, type Localized } from '../channel.ts'
import { call, read, type Context } from './api.ts'
import { stateRefusal, working } from './errors.ts'
import { personOf } from './person.ts'
import { judgeHook, standsAs, withHook } from '../hook.ts'
import { stateAnswer } from './queue.ts'

/** @see https://green-api.com/docs/api/account/GetSettings/ */
const settingsAnswer = z.looseObject({ wid: z.string().optional(), typeInstance: z.string().optional(), webhookUrl: z.string().optional() })

/** What the vendor is to tell, and how: numbers instead of hidden ids where it knows them, a second between messages. */
const wanted = {
  incomingWebhook: 'yes',
  outgoingWebhook: 'yes',
  outgoingMessageWebhook: 'yes',
  outgoingAPIMessageWebhook: 'yes',
  stateWebhook: 'yes',
  incomingCallWebhook: 'yes',
  editedMessageWebhook: 'yes',
  deletedMessageWebhook: 'yes',
  delaySendMessagesMilliseconds: 1000,
} as const

type Settings = z.output<typeof settingsAnswer>

/** A6: the vendor sells MAX and Telegram by number too; here only WhatsApp is connected. */
const refuseOthers = ({ typeInstance }: Settings): void => {
  if (typeInstance === undefined || typeInstance === 'whatsapp') return
  throw new ChannelError({ class: 'channelPermanent', code: 'typeInstance' }, 'Это инстанс не WhatsApp: для MAX и Telegram подключите официального бота, а не номер телефона.')
}

const ask = async (context: Context): Promise<{ facts: ConnectionFacts; settings: Settings }> => {
  const { stateInstance } = read(stateAnswer, await call(context, 'getStateInstance'))
  const settings = read(settingsAnswer, await call(context, 'getSettings'))
  refuseOthers(settings)
  if (stateInstance !== working) throw stateRefusal(stateInstance)
  const phone = personOf(settings.wid ?? '')
  return {
    settings,
    facts: {
      title: phone === undefined ? context.credentials.idInstance : `+${phone}`,
      details: [
        { label: { ru: 'Состояние', en: 'State' }, value: stateInstance },
        { label: { ru: 'Приём сообщений', en: 'Receiving' }, value: settings.webhookUrl === undefined || settings.webhookUrl === '' ? 'не включён' : 'включён' },
      ],
    },
  }
}

const elsewhere: Localized = {
  ru: 'Сообщения этого инстанса забирает другая программа: уберите её адрес из настроек инстанса и сохраните подключение ещё раз, иначе доставка не видна.',
  en: 'Another program takes the messages of this instance: remove its address from the settings of the instance and save the connection again, or delivery cannot be seen.',
}

/** What the instance is to be set to. */
const settingsFor = (context: Context & { readonly hookUrl: string }) => ({ webhookUrl: context.hookUrl, webhookUrlToken: context.credentials.webhookToken, ...wanted })

export const check = async (context: Context & { readonly hookUrl?: string }): Promise<ConnectionFacts> => {
  const { facts, settings } = await ask(context)
  const { hookUrl } = context
  const isWhole = hookUrl === undefined || standsAs(settingsFor({ ...context, hookUrl }), settings)
  return withHook(facts, judgeHook({ wanted: hookUrl, found: settings.webhookUrl, isWhole, elsewhere }))
}

const savedAnswer = z.looseObject({ saveSettings: z.literal(true) })

/** The vendor applies settings within five minutes, so what is there already is not written again. @see https://green-api.com/docs/api/account/SetSettings/ */
export const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const { facts, settings } = await ask(context)
  const mine = settingsFor(context)
  if (Object.entries(mine).some(([name, value]) => settings[name] !== value)) {
    if (!savedAnswer.safeParse((await call(context, 'setSettings', { json: mine })).body).success)
      throw new ChannelError({ class: 'channelTemporary', code: 'settings' }, 'GREEN-API не сохранил настройки: подождите пять минут и подключите ещё раз.')
  }
  return { ...facts, details: facts.details.map((detail) => (detail.label.en === 'Receiving' ? { ...detail, value: 'включён' } : detail)) }
}

/** Only our own address is taken away: the instance may already work for somebody else. */
export const disconnect = async (context: Context & { readonly hookUrl: string }): Promise<void> => {
  try {
    const settings = read(settingsAnswer, await call(context, 'getSettings'))
    if (settings.webhookUrl === context.hookUrl) await call(context, 'setSettings', { json: { webhookUrl: '', webhookUrlToken: '' } })
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'channelPermanent') throw error
  }
}
