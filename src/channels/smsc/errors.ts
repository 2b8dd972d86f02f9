import { ChannelError } from '../channel.ts'
import { type Failure, type FailureClass } from '../../domain/receipt.ts'

/** `error_code` of an HTTP 200 answer. 6 is a forbidden text or sender: SMSC does not say which. @see https://smsc.ru/api/http/send/ */
const requestErrors: Readonly<Record<number, { readonly class: FailureClass; readonly sentence: string }>> = {
  1: { class: 'content', sentence: 'SMSC.ru не понял запрос: проверьте текст и имя отправителя.' },
  2: { class: 'channelPermanent', sentence: 'SMSC.ru не принял ключ или пароль, или адрес сервера не разрешён в кабинете: исправьте их в подключении.' },
  3: { class: 'channelPermanent', sentence: 'На счёте SMSC.ru нет денег: пополните его.' },
  4: { class: 'channelTemporary', sentence: 'SMSC.ru временно закрыл доступ с адреса сервера: проверьте пароль и подождите час.' },
  5: { class: 'content', sentence: 'SMSC.ru не принял дату отправки: проверьте часы сервера.' },
  6: { class: 'content', sentence: 'SMSC.ru или оператор не пропускает этот текст или имя отправителя: согласуйте шаблон и имя в кабинете.' },
  7: { class: 'recipientPermanent', sentence: 'Номер телефона записан неверно: исправьте его в карточке.' },
  8: { class: 'recipientPermanent', sentence: 'На этот номер SMS не отправить: позвоните человеку.' },
  9: { class: 'rateLimited', sentence: 'SMSC.ru уже получил такой запрос или их слишком много сразу: подождите минуту.' },
}

/** The window in which SMSC compares requests. */
const sameRequestSeconds = 60

export const refusalOf = (code: number): ChannelError => {
  const known = requestErrors[code] ?? { class: 'channelTemporary' as const, sentence: 'SMSC.ru не принял запрос: проверьте подключение в кабинете.' }
  return new ChannelError({ class: known.class, code: String(code) }, known.sentence, { retryAfterSeconds: known.class === 'rateLimited' ? sameRequestSeconds : undefined })
}

/** `err` of a status. @see https://smsc.ru/api/http/status_messages/statuses/ */
const deliveryErrors: Readonly<Partial<Record<FailureClass, readonly number[]>>> = {
  // No such subscriber, no SMS service, blocked, not supported, virtual, SIM changed, no route, forbidden number, refused by operator.
  recipientPermanent: [1, 11, 13, 21, 200, 219, 248, 252, 255],
  // Off or out of range, phone error, the subscriber's queue is full, network-side trouble, limit per number.
  recipientTemporary: [6, 12, 220, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 251],
  // Limit of messages, our own restriction in the cabinet.
  channelTemporary: [247, 250],
  // Wrong format, spam filter.
  content: [249, 253],
  // Unregistered sender name.
  channelPermanent: [254],
}
const classByError = new Map(Object.entries(deliveryErrors).flatMap(([name, codes]) => codes.map((code) => [code, name as FailureClass] as const)))

/** Statuses that end badly, with the class where `err` does not say more. Stopped, expired, undeliverable, bad number, forbidden, no funds, unavailable. */
const failedStatuses: Readonly<Record<number, FailureClass>> = {
  [-2]: 'channelTemporary',
  3: 'recipientTemporary',
  20: 'recipientPermanent',
  22: 'recipientPermanent',
  23: 'content',
  24: 'channelPermanent',
  25: 'recipientPermanent',
}

/** Statuses whose reason is in `err`; the others say all themselves. */
const explained = new Set([20, 23, 25])

/** What a status code means as a failure; `undefined` for one that is none. */
export const failureOf = (status: number, err: number): Failure | undefined => {
  const byStatus = failedStatuses[status]
  if (byStatus === undefined) return undefined
  const byError = explained.has(status) ? classByError.get(err) : undefined
  return { class: byError ?? byStatus, code: err > 0 ? `err ${err}` : `status ${status}` }
}

/** No answer that can be read: the message may be out. */
export const unclearAnswer = (status: number): ChannelError => {
  const isRefused = status >= 300 && status < 500
  return isRefused
    ? new ChannelError({ class: status === 429 ? 'rateLimited' : 'channelTemporary', code: String(status) }, 'SMSC.ru не принял запрос: проверьте его адрес в настройках подключения.')
    : new ChannelError({ class: 'transient', code: status >= 500 ? String(status) : 'answer' }, 'SMSC.ru временно недоступен: проверьте подключение ещё раз через несколько минут.', { outcome: 'unknown' })
}
