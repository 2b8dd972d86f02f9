import { ChannelError } from '../channel.ts'
import { type Failure, type FailureClass } from '../../domain/receipt.ts'

interface Meaning {
  readonly class: FailureClass
  readonly sentence: string
  /** When it may be tried again. */
  readonly retryAfterSeconds?: number
}

const wrongKey = 'SMS.ru не принял api_id: скопируйте его в кабинете заново и впишите в подключение.'
const wrongRequest = 'SMS.ru не понял запрос: проверьте текст и имя отправителя.'
const sameText = 'SMS.ru уже отправлял этот текст на этот номер: измените текст или снимите ограничение в кабинете.'

/** `status_code` of a request and of one number in it; they come with HTTP 200. @see https://sms.ru/api/send */
const meanings: Readonly<Record<number, Meaning>> = {
  200: { class: 'channelPermanent', sentence: wrongKey },
  201: { class: 'channelPermanent', sentence: 'На счёте SMS.ru нет денег: пополните его.' },
  202: { class: 'recipientPermanent', sentence: 'Номер телефона записан неверно, или SMS на него не отправить: исправьте его в карточке.' },
  203: { class: 'content', sentence: 'SMS.ru не получил текста: впишите его и отправьте ещё раз.' },
  204: { class: 'channelPermanent', sentence: 'Имя отправителя не согласовано с SMS.ru: согласуйте его в кабинете или уберите из подключения.' },
  205: { class: 'content', sentence: 'Текст длиннее восьми SMS: сократите его.' },
  206: { class: 'channelTemporary', sentence: 'Дневной лимит SMS.ru исчерпан или будет превышен: увеличьте его в кабинете.' },
  207: { class: 'recipientPermanent', sentence: 'На этот номер SMS.ru не отправляет: позвоните человеку.' },
  208: { class: 'content', sentence: 'SMS.ru не принял время отправки: проверьте часы сервера.' },
  209: { class: 'recipientPermanent', sentence: 'Номер в стоп-листе кабинета SMS.ru: уберите его оттуда, если человек снова согласен на SMS.' },
  210: { class: 'channelTemporary', sentence: wrongRequest },
  211: { class: 'channelTemporary', sentence: 'SMS.ru не знает такого метода: проверьте его адрес в настройках подключения.' },
  212: { class: 'content', sentence: wrongRequest },
  213: { class: 'content', sentence: wrongRequest },
  214: { class: 'recipientPermanent', sentence: 'Этот номер - за границей, а отправка туда в кабинете SMS.ru закрыта: откройте её или позвоните человеку.' },
  220: { class: 'transient', sentence: 'SMS.ru временно недоступен: проверьте подключение ещё раз через несколько минут.' },
  230: { class: 'recipientTemporary', sentence: 'На этот номер сегодня отправлено больше SMS, чем разрешено в кабинете SMS.ru: увеличьте лимит или позвоните.' },
  231: { class: 'rateLimited', sentence: sameText, retryAfterSeconds: 60 },
  232: { class: 'recipientTemporary', sentence: sameText },
  233: { class: 'recipientTemporary', sentence: 'SMS.ru принял отправку за перебор номеров: проверьте ограничения в кабинете.' },
  300: { class: 'channelPermanent', sentence: wrongKey },
  301: { class: 'channelPermanent', sentence: wrongKey },
  302: { class: 'channelPermanent', sentence: 'Счёт SMS.ru не подтверждён: введите код из SMS в кабинете.' },
  303: { class: 'channelPermanent', sentence: wrongKey },
  304: { class: 'channelTemporary', sentence: 'SMS.ru временно закрыл вход: подождите час и проверьте подключение.' },
  305: { class: 'channelTemporary', sentence: 'SMS.ru временно закрыл вход: подождите час и проверьте подключение.' },
  901: { class: 'channelPermanent', sentence: 'SMS.ru не принял адрес для отчётов: сервер должен быть доступен из интернета по https.' },
  902: { class: 'channelPermanent', sentence: 'SMS.ru не знает адреса для отчётов: подключите SMS.ru заново.' },
}

/** SMS.ru's own fault: what became of the request nobody knows. */
const ownFault = 500

export const refusalOf = (code: number): ChannelError => {
  if (code === ownFault) return unclearAnswer(ownFault)
  const known = meanings[code] ?? { class: 'channelTemporary' as const, sentence: 'SMS.ru не принял запрос: проверьте подключение в кабинете.' }
  return new ChannelError({ class: known.class, code: String(code) }, known.sentence, { retryAfterSeconds: known.retryAfterSeconds })
}

/** Statuses that end badly. @see https://sms.ru/api/status */
const failedStatuses: Readonly<Record<number, FailureClass>> = {
  // Unknown to SMS.ru, life over, deleted by the operator, phone broken, unknown reason, rejected, no route.
  [-1]: 'channelTemporary',
  104: 'recipientTemporary',
  105: 'recipientPermanent',
  106: 'recipientTemporary',
  107: 'recipientTemporary',
  108: 'recipientPermanent',
  130: 'recipientTemporary',
  131: 'recipientTemporary',
  132: 'recipientTemporary',
  150: 'recipientPermanent',
}

/** What a status means as a failure; `undefined` for one that is none, or that nobody knows. */
export const failureOf = (status: number): Failure | undefined => {
  const failureClass = failedStatuses[status]
  return failureClass === undefined ? undefined : { class: failureClass, code: `status ${status}` }
}

/** No answer that can be read: the message may be out. */
export const unclearAnswer = (status: number): ChannelError => {
  if (status >= 300 && status < 500)
    return new ChannelError({ class: status === 429 ? 'rateLimited' : 'channelTemporary', code: String(status) }, 'SMS.ru не принял запрос: проверьте его адрес в настройках подключения.')
  return new ChannelError({ class: 'transient', code: status >= 500 ? String(status) : 'answer' }, 'SMS.ru временно недоступен: проверьте подключение ещё раз через несколько минут.', { outcome: 'unknown' })
}
