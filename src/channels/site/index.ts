import { z } from 'zod'
import { ChannelError, type Channel, type ChannelLimits, type ConnectionFacts, type InboundFile, type OutboundMessage, type Sent, type SentMessage } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { downloadFile, type Downloaded, type HttpAnswer } from '../http.ts'
import { type RichText } from '../../domain/rich-text.ts'
import { accountOf, call, readAnswer, sha256, signedHeaders, type Context } from './call.ts'
import { fields, parseCredentials, type SiteCredentials } from './credentials.ts'
import { parse, verify } from './webhook.ts'

/** The rules of our own server. */
const limits: ChannelLimits = {
  textLength: 4000,
  buttons: { count: 10, titleLength: 64, payloadBytes: 256 },
  files: { maxBytes: 20 * 1024 * 1024, captionLength: 4000 },
  perSecond: 50,
}

const connectionAnswer = z.looseObject({ siteKey: z.string().regex(/^[\w-]+$/), origin: z.string() })

const factsOf = (answer: HttpAnswer, { origins }: SiteCredentials): ConnectionFacts => {
  const { siteKey, origin } = readAnswer(connectionAnswer, answer)
  return {
    title: new URL(origins[0]!).host,
    details: [
      { label: { ru: 'Код для сайта: вставьте перед </body>', en: 'Code for the site: put it before </body>' }, value: `<script src="${origin}/widget.js" data-site="${siteKey}" async></script>` },
      { label: { ru: 'Работает на адресах', en: 'Works on' }, value: origins.join(', ') },
    ],
  }
}

/** The chat is told which account speaks for the connection from now on; the hook's key proves that we may say so. */
const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const { credentials, hookUrl } = context
  try {
    const json = { hookKey: hookUrl.split('/').at(-1), account: accountOf(credentials.secret) }
    return factsOf(await call(context, { method: 'POST', path: '/chat/server/connection', json }), credentials)
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'content') throw error
    throw new ChannelError({ class: 'channelPermanent', code: 'secret.taken' }, 'Такая секретная фраза уже есть у другого подключения: придумайте новую.')
  }
}

const check = async (context: Context): Promise<ConnectionFacts> => factsOf(await call(context, { method: 'GET', path: '/chat/server/connection' }), context.credentials)

/** A visitor's or a message's id goes into an address: nothing else may. */
const checked = (id: string, pattern: RegExp, failure: 'recipientPermanent' | 'content'): string => {
  if (!pattern.test(id)) throw new ChannelError({ class: failure, code: 'id' }, 'Такого посетителя или сообщения в чате сайта нет: свяжитесь с человеком другим способом.')
  return id
}
const visitorPattern = /^[\w-]{16,64}$/
const messagePattern = /^m\d{1,16}$/

const sentAnswer = z.looseObject({ id: z.string().regex(messagePattern) })

/** The same `ref` is the same message, whatever became of the first call. */
const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  refuseOversize(message, limits)
  const { ref, text, rich, buttons, replyTo, file } = message
  const json = {
    to: checked(message.to, visitorPattern, 'recipientPermanent'),
    ref,
    text,
    rich,
    buttons: buttons?.map(({ id, title }) => ({ id, title })),
    replyTo,
    file: file === undefined ? undefined : { kind: file.kind, name: file.name, mimeType: file.mimeType, sha256: sha256(file.bytes) },
  }
  const answer = await call(context, { method: 'POST', path: '/chat/server/messages', json, file }).catch((error: unknown) => {
    throw file === undefined ? error : fileRefusal(error)
  })
  return { externalId: readAnswer(sentAnswer, answer).id, parts: 1 }
}

/** F34: a limit on files holds this message up and says nothing of text. */
const fileRefusal = (error: unknown): unknown =>
  error instanceof ChannelError && error.failure.class === 'rateLimited'
    ? new ChannelError({ class: 'rateLimited', code: `media.${error.failure.code}` }, error.message, { retryAfterSeconds: error.retryAfterSeconds })
    : error

const edit = async (message: SentMessage & { readonly text: string; readonly rich?: RichText; readonly isCaption: boolean }, context: Context): Promise<void> => {
  if (message.text.trim() === '' && !message.isCaption) throw new ChannelError({ class: 'content', code: 'text.empty' }, 'Текст сообщения пуст: впишите его или удалите сообщение.')
  if (message.text.length > limits.textLength) throw new ChannelError({ class: 'content', code: 'text.long' }, `Текст длиннее ${limits.textLength} символов: сократите его или отправьте новым сообщением.`)
  const path = `/chat/server/messages/${checked(message.externalId, messagePattern, 'content')}`
  await aboutMessage(() => call(context, { method: 'PATCH', path, json: { to: checked(message.to, visitorPattern, 'recipientPermanent'), text: message.text, rich: message.rich } }))
}

const remove = async (message: SentMessage, context: Context): Promise<void> => {
  const path = `/chat/server/messages/${checked(message.externalId, messagePattern, 'content')}/removal`
  try {
    await aboutMessage(() => call(context, { method: 'POST', path, json: { to: checked(message.to, visitorPattern, 'recipientPermanent') } }))
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.code !== 'message.gone') throw error
  }
}

/** Here "not found" speaks of the message: the visitor goes with it. */
const aboutMessage = async (act: () => Promise<unknown>): Promise<void> => {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.code !== '404') throw error
    throw new ChannelError({ class: 'content', code: 'message.gone' }, 'Этого сообщения в чате сайта больше нет: отправьте новое.')
  }
}

const download = async ({ ref }: InboundFile, { credentials, http, signal, maxBytes }: Context & { readonly maxBytes: number }): Promise<Downloaded> => {
  const path = `/chat/server/files/${checked(ref, /^[\w-]{16,64}$/, 'content')}`
  return downloadFile(http, { url: `${credentials.baseUrl}${path}`, headers: signedHeaders(credentials, 'GET', path, '') }, { signal, maxBytes })
}

/** Chat on the clinic's own site. Its server is our own and lives in `src/site-chat`; this folder knows it as other channels know their vendors. */
export const site: Channel<SiteCredentials> = {
  id: 'site',
  title: { ru: 'Чат на сайте', en: 'Site chat' },
  receipts: ['accepted', 'delivered', 'read', 'acted'],
  limits,
  canStart: 'afterPatientWrote',
  addressedBy: 'identity',
  isIdempotent: true,
  fields,
  parseCredentials,
  connect,
  // The chat and its key are gone with the connection itself: there is nothing to stop.
  disconnect: () => Promise.resolve(),
  check,
  verify,
  parse,
  send,
  edit,
  remove,
  download,
}
