import { z } from 'zod'
import { ChannelError } from '../channel.ts'
import { type FailureClass } from '../../domain/receipt.ts'
import { type HttpAnswer } from '../http.ts'

/** MAX answers while it still digests an upload; the same request works a moment later. */
export const notReady = 'attachment.not.ready'

/** MAX documents no Retry-After; two messages a second are allowed to one dialogue, so a second is the least that helps. */
const retrySeconds = 1

const sentences: Readonly<Record<FailureClass, string>> = {
  channelPermanent: 'MAX не принял токен бота: скопируйте действующий из кабинета business.max.ru и впишите его в подключение.',
  channelTemporary: 'MAX не принял запрос: проверьте адрес API в настройках подключения.',
  rateLimited: 'MAX просит отправлять реже: дождитесь снижения нагрузки.',
  transient: 'MAX временно недоступен: проверьте подключение ещё раз через несколько минут.',
  recipientPermanent: 'Человек остановил бота или ещё не запускал его: отправьте ему личную ссылку на бота.',
  recipientTemporary: 'Сейчас MAX сообщение не доставит: свяжитесь с человеком другим способом.',
  optOut: 'Человек отказался от сообщений бота: свяжитесь с ним другим способом.',
  content: 'MAX не принял содержание сообщения: сократите текст и проверьте кнопки.',
}

const classOf = (status: number, code: string | undefined): FailureClass => {
  if (status >= 500) return 'transient'
  if (status === 429) return 'rateLimited'
  if (status === 400) return code === notReady ? 'transient' : 'content'
  if (status === 401) return 'channelPermanent'
  return status === 403 || status === 404 ? 'recipientPermanent' : 'channelTemporary'
}

const errorBody = z.looseObject({ code: z.string().regex(/^[\w.-]{1,64}$/) })

/**
 * MAX's no. A 5xx leaves the outcome open: there is no idempotency key.
 *
 * @see https://dev.max.ru/docs-api
 */
export const refusalOf = (answer: HttpAnswer): ChannelError => {
  const parsed = errorBody.safeParse(answer.body)
  const code = parsed.success ? parsed.data.code : undefined
  const failureClass = classOf(answer.status, code)
  return new ChannelError({ class: failureClass, code: code ?? String(answer.status) }, sentences[failureClass], {
    outcome: answer.status >= 500 ? 'unknown' : 'rejected',
    retryAfterSeconds: failureClass === 'rateLimited' || code === notReady ? retrySeconds : undefined,
  })
}

/** The same no to a question about the bot itself, where no patient is concerned. */
export const botRefusalOf = (answer: HttpAnswer): ChannelError => {
  const refusal = refusalOf(answer)
  const isAboutPatient = refusal.failure.class === 'recipientPermanent' || refusal.failure.class === 'content'
  if (!isAboutPatient) return refusal
  return new ChannelError(
    { class: 'channelPermanent', code: refusal.failure.code },
    'MAX не принял настройку бота: проверьте адрес API, и что приложение доступно из интернета по https с доверенным сертификатом.',
  )
}

/** An answer of success that does not say what it must: the message may be out under an id that we were not told. */
export const unclearAnswer = (): ChannelError =>
  new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ MAX не удалось прочитать: проверьте адрес API в настройках подключения.', { outcome: 'unknown' })
