import { z } from 'zod'
import { ChannelError, type Channel, type ChannelContext, type ChannelLimits, type ConnectionFacts, type Localized, type OutboundMessage, type Sent } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { countSegments } from '../../domain/sms-segments.ts'
import { fields, parseCredentials, type SmsruCredentials } from './credentials.ts'
import { refusalOf, unclearAnswer } from './errors.ts'
import { parse, verify } from './webhook.ts'

type Context = ChannelContext<SmsruCredentials>

/** Eight parts at most. @see https://sms.ru/api/send */
const limits: ChannelLimits = { textLength: 536, perSecond: 10 }

const ok = 100
const outcome = z.looseObject({ status: z.enum(['OK', 'ERROR']), status_code: z.coerce.number().int() })

/**
 * One call of SMS.ru's API; the answer is the parsed JSON of success.
 *
 * @throws ChannelError for a `status` of ERROR, which comes with HTTP 200, and for everything that is not such JSON
 */
const call = async ({ credentials, http, signal }: Context, path: string, form: Readonly<Record<string, string | number>> = {}): Promise<z.output<typeof outcome>> => {
  const { apiId, baseUrl, proxyUrl, caFile } = credentials
  // The key goes into the body: addresses end up in logs of proxies.
  const answer = await http.call({ method: 'POST', url: `${baseUrl}${path}`, form: { api_id: apiId, ...form, json: 1 } }, { signal, proxyUrl, caFile })
  const read = outcome.safeParse(answer.body)
  if (answer.status >= 300 || !read.success) throw unclearAnswer(answer.status)
  if (read.data.status !== 'OK') throw refusalOf(read.data.status_code)
  return read.data
}

const read = <Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw unclearAnswer(200)
  return parsed.data
}

/** Whole minutes, from one to a day. */
const lifeOf = (seconds: number): number => Math.min(Math.max(Math.floor(seconds / 60), 1), 24 * 60)

const sentAnswer = z.looseObject({ sms: z.record(z.string(), outcome.extend({ sms_id: z.string().optional() })) })

/** One number in a request: whatever the whole says, the answer for the number decides (F44). */
const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  refuseOversize(message, limits)
  const { sender, partnerId, test } = context.credentials
  const to = message.to.replace(/^\+/, '')
  if (!/^\d{10,15}$/.test(to)) throw refusalOf(202)
  const answer = await call(context, '/sms/send', {
    to,
    msg: message.text,
    ...(sender === undefined ? {} : { from: sender }),
    ...(partnerId === undefined ? {} : { partner_id: partnerId }),
    ...(test === '1' ? { test: 1 } : {}),
    ...(message.expiresInSeconds === undefined ? {} : { ttl: lifeOf(message.expiresInSeconds) }),
  })
  const [one, second] = Object.values(read(sentAnswer, answer).sms)
  if (one === undefined || second !== undefined) throw unclearAnswer(200)
  if (one.status !== 'OK' || one.status_code !== ok) throw refusalOf(one.status_code)
  if (one.sms_id === undefined || one.sms_id === '') throw unclearAnswer(200)
  return { externalId: one.sms_id, parts: countSegments(message.text) }
}

const balanceAnswer = z.looseObject({ balance: z.coerce.number() })
const limitAnswer = z.looseObject({ total_limit: z.coerce.number(), used_today: z.coerce.number() })
const sendersAnswer = z.looseObject({ senders: z.array(z.string()).nullish() })
/** Numbers with a note each; an empty list comes as an array. */
const stopListAnswer = z.looseObject({ stoplist: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).nullish() })
const callbackAnswer = z.looseObject({ callback: z.array(z.string()).nullish() })

/** Rubles; a reminder in Cyrillic costs several. */
const lowBalance = 200

const check = async (context: Context & { readonly hookUrl?: string }): Promise<ConnectionFacts> => {
  const { sender, test } = context.credentials
  const { balance } = read(balanceAnswer, await call(context, '/my/balance'))
  const { total_limit: limit, used_today: used } = read(limitAnswer, await call(context, '/my/limit'))
  const senders = read(sendersAnswer, await call(context, '/my/senders')).senders ?? []
  const stopped = Object.keys(read(stopListAnswer, await call(context, '/stoplist/get')).stoplist ?? {}).length
  const hooks = context.hookUrl === undefined ? undefined : (read(callbackAnswer, await call(context, '/callback/get')).callback ?? [])
  if (sender !== undefined && senders.length > 0 && !senders.includes(sender)) throw refusalOf(204)
  const warnings: Localized[] = []
  if (balance < lowBalance) warnings.push({ ru: `На счёте SMS.ru осталось ${balance} ₽: пополните его.`, en: `Only ${balance} RUB are left on the SMS.ru account: top it up.` })
  if (limit > 0 && used >= limit * 0.9) warnings.push({ ru: `Дневной лимит SMS.ru почти исчерпан (${used} из ${limit}): увеличьте его в кабинете.`, en: `The daily limit of SMS.ru is nearly used up (${used} of ${limit}): raise it in the account.` })
  if (test === '1') warnings.push({ ru: 'Включён проверочный режим: SMS никому не уходят. Уберите его в настройках подключения.', en: 'Test mode is on: SMS are sent to nobody. Take it off in the connection\'s settings.' })
  return {
    title: sender ?? 'SMS.ru',
    details: [
      { label: { ru: 'Баланс', en: 'Balance' }, value: `${balance} ₽` },
      { label: { ru: 'Отправлено сегодня', en: 'Sent today' }, value: `${used} / ${limit}` },
      { label: { ru: 'Номеров в стоп-листе', en: 'Numbers in the stop list' }, value: String(stopped) },
    ],
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(hooks === undefined || hooks.includes(context.hookUrl ?? '') ? {} : { isHookLost: true }),
  }
}

/** An address that is there already is not added again. @see https://sms.ru/api/callback */
const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  await call(context, '/callback/add', { url: context.hookUrl })
  return check(context)
}

const disconnect = async (context: Context & { readonly hookUrl: string }): Promise<void> => {
  try {
    await call(context, '/callback/del', { url: context.hookUrl })
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'channelPermanent') throw error
  }
}

/**
 * SMS through SMS.ru. It takes no id of ours: what became of a send whose answer was lost, only a receipt could tell, and that has SMS.ru's
 * own id. So such a send is never repeated.
 *
 * @see https://sms.ru/api
 */
export const smsru: Channel<SmsruCredentials> = {
  id: 'smsru',
  title: { ru: 'SMS (SMS.ru)', en: 'SMS (SMS.ru)' },
  family: { ru: 'SMS', en: 'SMS' },
  receipts: ['accepted', 'sent', 'delivered'],
  limits,
  canStart: 'anyone',
  addressedBy: 'phone',
  isIdempotent: false,
  fields,
  acknowledgement: '100',
  parseCredentials,
  connect,
  disconnect,
  check,
  verify,
  parse,
  send,
}
