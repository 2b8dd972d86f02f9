import { z } from 'zod'
import { ChannelError, refuseOversize, type Channel, type ChannelContext, type ChannelLimits, type ConnectionFacts, type OutboundMessage } from '../channel.ts'
import { type HttpAnswer, type HttpRequest } from '../http.ts'
import { fields, parseCredentials, type MaxCredentials } from './credentials.ts'
import { botRefusalOf, refusalOf, unclearAnswer } from './errors.ts'
import { parse, updateTypes, verify } from './webhook.ts'

type Context = ChannelContext<MaxCredentials>

/** @see https://dev.max.ru/docs-api */
const limits: ChannelLimits = {
  textLength: 4000,
  // One button to a row, and MAX shows thirty rows.
  buttons: { count: 30, titleLength: 128, payloadBytes: 1024 },
  perSecond: 30,
}

/** The token goes into the header bare, without "Bearer". */
const call = async (context: Context, request: Omit<HttpRequest, 'url' | 'headers'> & { readonly path: string }, toError = refusalOf): Promise<HttpAnswer> => {
  const { path, ...rest } = request
  const { baseUrl, token } = context.credentials
  const answer = await context.http.call({ ...rest, url: `${baseUrl}${path}`, headers: { authorization: token } }, { signal: context.signal })
  if (answer.status < 200 || answer.status > 299) throw toError(answer)
  return answer
}

const read = <Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.output<Schema> => {
  const parsed = schema.safeParse(answer.body)
  if (!parsed.success) throw unclearAnswer()
  return parsed.data
}

const meAnswer = z.looseObject({ user_id: z.int(), name: z.string().optional(), first_name: z.string().optional(), username: z.string().nullish() })
const subscriptionsAnswer = z.looseObject({ subscriptions: z.array(z.looseObject({ url: z.string() })) })

/** MAX drops a subscription after eight hours without our 200, so what it has now is part of the facts. */
const check = async (context: Context): Promise<ConnectionFacts> => {
  const { user_id, name, first_name, username } = read(meAnswer, await call(context, { method: 'GET', path: '/me' }, botRefusalOf))
  const { subscriptions } = read(subscriptionsAnswer, await call(context, { method: 'GET', path: '/subscriptions' }, botRefusalOf))
  const details = [
    { label: { ru: 'Имя бота', en: 'Bot name' }, value: name ?? first_name },
    { label: { ru: 'Приём сообщений', en: 'Receiving' }, value: subscriptions.length === 0 ? 'не включён' : 'включён' },
  ].flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }]))
  return { title: username ? `@${username}` : (name ?? String(user_id)), details }
}

const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const subscription = { url: context.hookUrl, update_types: updateTypes, secret: context.credentials.webhookSecret }
  await call(context, { method: 'POST', path: '/subscriptions', json: subscription }, botRefusalOf)
  return check(context)
}

/** Only our own subscription is taken away: others may belong to another program of the clinic. */
const disconnect = async (context: Context & { readonly hookUrl: string }): Promise<void> => {
  try {
    await call(context, { method: 'DELETE', path: '/subscriptions', query: { url: context.hookUrl } })
  } catch (error) {
    const isForgotten = error instanceof ChannelError && (error.failure.class === 'channelPermanent' || error.failure.class === 'recipientPermanent')
    if (!isForgotten) throw error
  }
}

/** @see https://dev.max.ru/docs-api/methods/POST/messages */
const keyboardOf = ({ buttons = [], requestsContact }: OutboundMessage): readonly unknown[] => {
  const rows: readonly (readonly unknown[])[] = [
    ...buttons.map(({ id, title }) => [{ type: 'callback', text: title, payload: id }]),
    ...(requestsContact === true ? [[{ type: 'request_contact', text: 'Поделиться номером' }]] : []),
  ]
  return rows.length === 0 ? [] : [{ type: 'inline_keyboard', payload: { buttons: rows } }]
}

const sentAnswer = z.looseObject({ message: z.looseObject({ body: z.looseObject({ mid: z.string().min(1) }) }) })

const send = async (message: OutboundMessage, context: Context) => {
  refuseOversize(message, limits)
  if (!/^\d{1,15}$/.test(message.to))
    throw new ChannelError({ class: 'recipientPermanent', code: 'user.id' }, 'Адрес в MAX записан неверно: попросите человека снова открыть бота по личной ссылке.')
  const attachments = keyboardOf(message)
  const answer = await call(context, {
    method: 'POST',
    path: '/messages',
    query: { user_id: message.to, disable_link_preview: 'true' },
    json: { text: message.text, ...(attachments.length === 0 ? {} : { attachments }) },
  })
  return { externalId: read(sentAnswer, answer).message.body.mid, parts: 1 }
}

const answerAction = async (action: { readonly externalId: string; readonly text: string }, context: Context): Promise<void> => {
  try {
    await call(context, { method: 'POST', path: '/answers', query: { callback_id: action.externalId }, json: { notification: action.text } })
  } catch (error) {
    // The press is no longer known: there is nothing left that waits.
    const isGone = error instanceof ChannelError && (error.failure.class === 'content' || error.failure.class === 'recipientPermanent')
    if (!isGone) throw error
  }
}

/**
 * MAX bot. It never learns whether a message was delivered or read: only a press or a reply proves something.
 *
 * @see https://dev.max.ru/docs-api
 */
export const max: Channel<MaxCredentials> = {
  id: 'max',
  title: { ru: 'MAX', en: 'MAX' },
  receipts: ['accepted', 'acted'],
  limits,
  canStart: 'afterPatientWrote',
  addressedBy: 'identity',
  isIdempotent: false,
  fields,
  parseCredentials,
  connect,
  disconnect,
  check,
  verify,
  parse,
  send,
  answerAction,
}
