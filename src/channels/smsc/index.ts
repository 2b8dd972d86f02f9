import { z } from 'zod'
import { ChannelError, type Channel, type ChannelContext, type ChannelLimits, type ConnectionFacts, type OutboundMessage, type Sent } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { fields, parseCredentials, type SmscCredentials } from './credentials.ts'
import { refusalOf, unclearAnswer } from './errors.ts'
import { countSegments } from '../../domain/sms-segments.ts'
import { parse, verify } from './webhook.ts'

type Context = ChannelContext<SmscCredentials>

/** @see https://smsc.ru/api/http/send/ */
const limits: ChannelLimits = { textLength: 1000, perSecond: 10 }

const errorAnswer = z.looseObject({ error_code: z.number() })

/**
 * One call of SMSC's API; the answer is the parsed JSON of success.
 *
 * @throws ChannelError for an `error_code`, which comes with HTTP 200, and for everything that is not JSON
 */
const call = async (context: Context, script: string, form: Readonly<Record<string, string | number>>): Promise<unknown> => {
  const { apiKey, login, password, baseUrl, proxyUrl, caFile } = context.credentials
  const key: Record<string, string> = apiKey === undefined ? { login: login ?? '', psw: password ?? '' } : { apikey: apiKey }
  const answer = await context.http.call(
    { method: 'POST', url: `${baseUrl}/sys/${script}.php`, form: { ...key, ...form, fmt: 3, charset: 'utf-8' } },
    { signal: context.signal, proxyUrl, caFile },
  )
  const refused = errorAnswer.safeParse(answer.body)
  if (refused.success && answer.status < 500) throw refusalOf(refused.data.error_code)
  if (answer.status !== 200 || typeof answer.body !== 'object' || answer.body === null) throw unclearAnswer(answer.status)
  return answer.body
}

const phoneOf = (to: string): string => to.replace(/^\+/, '')

/** `hh:mm`, from a minute to a day: SMSC stops trying after that, so that a reminder does not arrive when it is useless. */
const validFor = (seconds: number): string => {
  const minutes = Math.min(Math.max(Math.floor(seconds / 60), 1), 24 * 60)
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
}

const sentAnswer = z.looseObject({ id: z.union([z.number(), z.string()]), cnt: z.coerce.number().int().positive() })

/** `id` is our own number, so a receipt finds its attempt even when this answer never came. */
const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  refuseOversize(message, limits)
  const { sender } = context.credentials
  const form = {
    phones: phoneOf(message.to),
    mes: message.text,
    id: message.number,
    ...(sender === undefined ? {} : { sender }),
    ...(message.expiresInSeconds === undefined ? {} : { valid: validFor(message.expiresInSeconds) }),
  }
  try {
    const sent = sentAnswer.safeParse(await call(context, 'send', form))
    if (!sent.success) throw unclearAnswer(200)
    return { externalId: String(message.number), parts: sent.data.cnt }
  } catch (error) {
    // "The same request within a minute" may be our own repetition after a lost answer: then the first one counts.
    const isRepeated = error instanceof ChannelError && error.failure.code === '9'
    const known = isRepeated ? await lookUp(message, context) : undefined
    if (known === undefined) throw error
    return known
  }
}

const statusAnswer = z.looseObject({ status: z.coerce.number() })
const notFound = -3

/** @see https://smsc.ru/api/http/status_messages/check_status/ */
const lookUp = async (message: OutboundMessage, context: Context): Promise<Sent | undefined> => {
  const found = statusAnswer.safeParse(await call(context, 'status', { phone: phoneOf(message.to), id: message.number }))
  if (!found.success) throw unclearAnswer(200)
  return found.data.status === notFound ? undefined : { externalId: String(message.number), parts: countSegments(message.text) }
}

const balanceAnswer = z.looseObject({ balance: z.union([z.string(), z.number()]), currency: z.string().optional() })

const check = async (context: Context): Promise<ConnectionFacts> => {
  const answer = balanceAnswer.safeParse(await call(context, 'balance', { cur: 1 }))
  if (!answer.success) throw unclearAnswer(200)
  const { balance, currency } = answer.data
  const shown = currency === undefined ? String(balance) : `${balance} ${currency}`
  const isLow = Number(balance) < context.credentials.lowBalance
  const low = { ru: `На счёте SMSC.ru осталось ${shown}: пополните его, иначе SMS перестанут уходить.`, en: `The SMSC.ru account has ${shown} left: top it up, or SMS will stop.` }
  return {
    title: context.credentials.sender ?? context.credentials.login ?? 'SMSC.ru',
    details: [{ label: { ru: 'Баланс', en: 'Balance' }, value: shown }],
    warnings: isLow ? [low] : [],
  }
}

/** SMSC takes the address of reports only in its cabinet. */
const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const facts = await check(context)
  const hook = { label: { ru: 'Впишите в кабинете SMSC.ru (Настройки - API - обработчик отчётов)', en: 'Enter in the SMSC.ru account (Settings - API - callback)' }, value: context.hookUrl }
  return { ...facts, details: [...facts.details, hook] }
}

/**
 * SMS through SMSC.ru.
 *
 * Idempotent by asking first: SMSC compares requests for one minute only (error 9) and lets an id be used again later, so a repetition
 * alone would send twice. `lookUp` by our own number finds what has arrived; a first request that is still on its way arrives within
 * that minute, and whichever of the two comes second meets error 9, which `send` resolves by the same question.
 *
 * @see https://smsc.ru/api/http/
 */
export const smsc: Channel<SmscCredentials> = {
  id: 'smsc',
  title: { ru: 'SMS (SMSC.ru)', en: 'SMS (SMSC.ru)' },
  family: { ru: 'SMS', en: 'SMS' },
  receipts: ['accepted', 'sent', 'delivered'],
  limits,
  canStart: 'anyone',
  addressedBy: 'phone',
  isIdempotent: true,
  fields,
  parseCredentials,
  connect,
  disconnect: () => Promise.resolve(),
  check,
  verify,
  parse,
  send,
  lookUp,
}
