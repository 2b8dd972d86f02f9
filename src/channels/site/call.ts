import { createHash, createHmac } from 'node:crypto'
import { type z } from 'zod'
import { ChannelError, type ChannelContext, type OutboundFile } from '../channel.ts'
import { type HttpAnswer } from '../http.ts'
import { type FailureClass } from '../../domain/receipt.ts'
import { type SiteCredentials } from './credentials.ts'

export type Context = ChannelContext<SiteCredentials>

/** Names the connection in a call; from it nobody finds the secret. */
export const accountOf = (secret: string): string => createHmac('sha256', secret).update('estafeta site account').digest('hex')

/** The headers that prove a call to be ours: the path without the server's address, the time, and the JSON that goes with it. */
export const signedHeaders = ({ secret }: SiteCredentials, method: string, path: string, payload: string): Record<string, string> => {
  const time = String(Date.now())
  const signature = createHmac('sha256', secret).update(`estafeta site call\n${time}\n${method} ${path}\n${payload}`).digest('hex')
  return { 'x-site-account': accountOf(secret), 'x-site-time': time, 'x-site-signature': signature }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

interface CallRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** Below the server's address. */
  readonly path: string
  readonly json?: unknown
  /** Goes beside the JSON, which then names its digest. */
  readonly file?: OutboundFile
}

/** @throws ChannelError for every answer but a success */
export const call = async ({ credentials, http, signal }: Context, { method, path, json, file }: CallRequest): Promise<HttpAnswer> => {
  const payload = json === undefined ? '' : JSON.stringify(json)
  const parts = file === undefined ? undefined : { fields: { message: payload }, file: { field: 'file', name: file.name, mimeType: file.mimeType, bytes: file.bytes } }
  const answer = await http.call(
    { method, url: `${credentials.baseUrl}${path}`, headers: signedHeaders(credentials, method, path, payload), ...(parts === undefined ? { json } : { multipart: parts }) },
    { signal },
  )
  if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
  return answer
}

const sentences: Readonly<Partial<Record<FailureClass, string>>> = {
  channelPermanent: 'Чат сайта не принял подпись приложения: откройте подключение и сохраните его ещё раз.',
  recipientPermanent: 'Этого посетителя или сообщения в чате сайта больше нет: свяжитесь с человеком другим способом.',
  content: 'Чат сайта не принял содержание сообщения: сократите текст или уменьшите файл.',
  rateLimited: 'Чат сайта просит отправлять реже: дождитесь снижения нагрузки.',
  channelTemporary: 'Чат сайта не ответил как положено: проверьте адрес приложения в настройках подключения.',
  transient: 'Чат сайта временно недоступен: проверьте подключение ещё раз через несколько минут.',
}

const classOf = (status: number): FailureClass => {
  if (status >= 500) return 'transient'
  if (status === 401 || status === 403) return 'channelPermanent'
  if (status === 404) return 'recipientPermanent'
  if (status === 413 || status === 415 || status === 422) return 'content'
  return status === 429 ? 'rateLimited' : 'channelTemporary'
}

const refusalOf = ({ status, headers }: HttpAnswer): ChannelError => {
  const failureClass = classOf(status)
  const wait = Number(headers['retry-after'])
  return new ChannelError({ class: failureClass, code: String(status) }, sentences[failureClass]!, {
    outcome: status >= 500 ? 'unknown' : 'rejected',
    retryAfterSeconds: failureClass === 'rateLimited' && wait > 0 ? wait : undefined,
  })
}

/** @throws ChannelError when a success does not say what it must */
export const readAnswer = <Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.output<Schema> => {
  const parsed = schema.safeParse(answer.body)
  if (parsed.success) return parsed.data
  throw new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ чата сайта не удалось прочитать: проверьте адрес приложения в настройках подключения.', { outcome: 'unknown' })
}
