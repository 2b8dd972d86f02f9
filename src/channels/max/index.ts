import { z } from 'zod'
import { ChannelError, type Channel, type ConnectionFacts } from '../channel.ts'
import { call, read, type Context } from './api.ts'
import { tellsAll } from '../hook.ts'
import { fields, parseCredentials, type MaxCredentials } from './credentials.ts'
import { botRefusalOf } from './errors.ts'
import { download } from './files.ts'
import { guide } from './guide.ts'
import { miniApp } from './mini-app.ts'
import { edit, limits, remove, send } from './send.ts'
import { parse, updateTypes, verify } from './webhook.ts'

const meAnswer = z.looseObject({ user_id: z.int(), name: z.string().optional(), first_name: z.string().optional(), username: z.string().nullish() })
const subscriptionsAnswer = z.looseObject({ subscriptions: z.array(z.looseObject({ url: z.string(), update_types: z.array(z.string()).nullish() })) })

/** MAX drops a subscription after eight hours without our 200, so what it has now is part of the facts. */
const check = async (context: Context & { readonly hookUrl?: string }): Promise<ConnectionFacts> => {
  const { user_id, name, first_name, username } = read(meAnswer, await call(context, { method: 'GET', path: '/me' }, botRefusalOf))
  const { subscriptions } = read(subscriptionsAnswer, await call(context, { method: 'GET', path: '/subscriptions' }, botRefusalOf))
  const details = [
    { label: { ru: 'Имя бота', en: 'Bot name' }, value: name ?? first_name },
    { label: { ru: 'Приём сообщений', en: 'Receiving' }, value: subscriptions.length === 0 ? 'не включён' : 'включён' },
  ].flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }]))
  const isOurs = subscriptions.some(({ url, update_types: told }) => url === context.hookUrl && tellsAll(updateTypes, told))
  return { title: username ? `@${username}` : (name ?? String(user_id)), details, isHookLost: context.hookUrl !== undefined && !isOurs }
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

const answerAction = async (action: { readonly externalId: string; readonly text: string }, context: Context): Promise<void> => {
  try {
    await call(context, { method: 'POST', path: '/answers', query: { callback_id: action.externalId }, json: { notification: action.text } })
  } catch (error) {
    // The press is no longer known: there is nothing left that waits.
    const isGone = error instanceof ChannelError && (error.failure.class === 'content' || error.failure.class === 'recipientPermanent')
    if (!isGone) throw error
  }
}

/** @see https://dev.max.ru/help/deeplinks */
const startLink = (token: string, { title }: { readonly title: string }): string | undefined => {
  const [, name] = /^@(\w{1,64})$/.exec(title) ?? []
  return name === undefined ? undefined : `https://max.ru/${name}?start=${encodeURIComponent(token)}`
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
  canRequestContact: true,
  isIdempotent: false,
  fields,
  guide,
  parseCredentials,
  connect,
  disconnect,
  check,
  verify,
  parse,
  send,
  edit,
  remove,
  download,
  startLink,
  miniApp,
  answerAction,
}
