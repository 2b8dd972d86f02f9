import { z } from 'zod'
import { ChannelError } from '../channel.ts'
import { type FailureClass } from '../../domain/receipt.ts'
import { type HttpAnswer } from '../http.ts'

const sentences: Readonly<Record<FailureClass, string>> = {
  channelPermanent: 'GREEN-API не принял idInstance или токен: скопируйте их из карточки инстанса и проверьте, что тариф оплачен.',
  channelTemporary: 'Инстанс GREEN-API сейчас не отправляет: откройте его карточку в кабинете и проверьте состояние.',
  rateLimited: 'GREEN-API просит отправлять реже: дождитесь снижения нагрузки.',
  transient: 'GREEN-API временно недоступен: проверьте подключение ещё раз через несколько минут.',
  recipientPermanent: 'На этом номере нет WhatsApp: напишите в другой мессенджер или позвоните.',
  recipientTemporary: 'Сейчас WhatsApp сообщение не доставит: свяжитесь с человеком другим способом.',
  optOut: 'Человек отказался от сообщений: свяжитесь с ним другим способом.',
  content: 'GREEN-API не принял содержание сообщения: сократите текст и проверьте файл.',
}

const quotaSentence = 'Тариф GREEN-API исчерпан: смените тариф инстанса в кабинете или дождитесь начала месяца.'

const errorBody = z.looseObject({ message: z.string().optional(), description: z.string().optional() })

/** What a refusal says, for comparison only: it may quote the number. */
const wordsOf = ({ body }: HttpAnswer): string => {
  const parsed = errorBody.safeParse(body)
  return (parsed.success ? `${parsed.data.message ?? ''} ${parsed.data.description ?? ''}` : typeof body === 'string' ? body : '').slice(0, 1000)
}

/** 400 covers both what is wrong with the message and what is wrong with the instance. @see https://green-api.com/docs/api/common-errors/ */
const classOf = (answer: HttpAnswer): FailureClass => {
  const { status } = answer
  const words = wordsOf(answer)
  if (status === 429) return 'rateLimited'
  if (status === 466 || status === 401 || status === 404) return 'channelPermanent'
  if (status === 403) return /suspend/i.test(words) ? 'channelTemporary' : 'channelPermanent'
  if (status === 400 && /expired|not (?:paid|found)|deleted/i.test(words)) return 'channelPermanent'
  if (status === 400 && /starting|not authorized|unauthorized|sleep|yellow/i.test(words)) return 'channelTemporary'
  if (status === 400 || status === 413) return 'content'
  return status === 499 || status >= 500 ? 'transient' : 'channelTemporary'
}

/**
 * GREEN-API's no. 499 and 5xx leave the outcome open: there is no idempotency key.
 *
 * @see https://green-api.com/docs/api/common-errors/
 */
export const refusalOf = (answer: HttpAnswer): ChannelError => {
  const failureClass = classOf(answer)
  const isOpen = answer.status === 499 || answer.status >= 500
  return new ChannelError({ class: failureClass, code: String(answer.status) }, answer.status === 466 ? quotaSentence : sentences[failureClass], {
    outcome: isOpen ? 'unknown' : 'rejected',
    retryAfterSeconds: failureClass === 'rateLimited' ? 1 : undefined,
  })
}

/** An answer of success that does not say what it must: the message may be out under an id that we were not told. */
export const unclearAnswer = (): ChannelError =>
  new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ GREEN-API не удалось прочитать: проверьте адрес API в настройках подключения.', { outcome: 'unknown' })

/** States in which an instance does not send. Only `authorized` does. @see https://green-api.com/docs/api/account/GetStateInstance/ */
const states: Readonly<Record<string, { readonly class: FailureClass; readonly sentence: string }>> = {
  notAuthorized: { class: 'channelPermanent', sentence: 'Телефон отвязан от GREEN-API: отсканируйте QR-код в карточке инстанса.' },
  blocked: { class: 'channelPermanent', sentence: 'WhatsApp заблокировал этот номер: подключите другой и переведите пациентов на официальные каналы.' },
  yellowCard: { class: 'channelTemporary', sentence: 'WhatsApp ограничил этот номер (жёлтая карточка): остановите рассылки и подождите, пока ограничение снимут.' },
  suspended: { class: 'channelTemporary', sentence: 'Номер временно ограничен: остановите рассылки и подождите, пока ограничение снимут.' },
  sleepMode: { class: 'channelTemporary', sentence: 'Телефон с WhatsApp выключен или без связи: включите его и проверьте подключение ещё раз.' },
  starting: { class: 'channelTemporary', sentence: 'Инстанс GREEN-API запускается: проверьте подключение ещё раз через пять минут.' },
}

export const working = 'authorized'

/** What a state of an instance other than `authorized` means to the administrator. */
export const stateRefusal = (state: string): ChannelError => {
  const known = states[state] ?? { class: 'channelTemporary' as const, sentence: 'Инстанс GREEN-API не готов к работе: откройте его карточку в кабинете.' }
  return new ChannelError({ class: known.class, code: /^\w{1,40}$/.test(state) ? state : 'state' }, known.sentence)
}

/** What `failed` and its kin mean. A message in yellow card stays in the vendor's queue: the step that is left takes it back. */
const failedStatuses: Readonly<Record<string, FailureClass>> = {
  failed: 'channelTemporary',
  noAccount: 'recipientPermanent',
  notInGroup: 'recipientPermanent',
  yellowCard: 'channelTemporary',
  noActiveSession: 'content',
}

/** @see https://green-api.com/docs/api/receiving/notifications-format/outgoing-message/OutgoingMessageStatus/ */
export const classOfStatus = (status: string): FailureClass | undefined => (Object.hasOwn(failedStatuses, status) ? failedStatuses[status] : undefined)
