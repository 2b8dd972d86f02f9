import { ChannelError } from '../channel.ts'
import { isCertificateError } from '../network.ts'
import { type Failure, type FailureClass } from '../../domain/receipt.ts'

/** `command_status` of a refusal. @see https://smpp.org/SMPP_v3_4_Issue1_2.pdf section 5.1.3 */
const refusals: Readonly<Record<number, { readonly class: FailureClass; readonly sentence: string; readonly retryAfterSeconds?: number }>> = {
  0x01: { class: 'content', sentence: 'Оператор не принял длину сообщения: сократите текст.' },
  0x04: { class: 'transient', sentence: 'Оператор не принял сообщение в этом состоянии связи: попробуйте ещё раз.' },
  0x05: { class: 'transient', sentence: 'Оператор ещё держит прежнее подключение: подождите минуту.' },
  0x08: { class: 'transient', sentence: 'У оператора системная ошибка: подождите несколько минут.' },
  0x0a: { class: 'channelPermanent', sentence: 'Оператор не принял имя отправителя: проверьте его и тип номера (TON, NPI) в настройках подключения.' },
  0x0b: { class: 'recipientPermanent', sentence: 'Номер телефона записан неверно: исправьте его в карточке.' },
  0x0d: { class: 'channelPermanent', sentence: 'Оператор не подключает: проверьте логин, тип системы и разрешённый адрес сервера в договоре.' },
  0x0e: { class: 'channelPermanent', sentence: 'Оператор не принял пароль: исправьте его в настройках подключения.' },
  0x0f: { class: 'channelPermanent', sentence: 'Оператор не знает такого логина (system_id): исправьте его в настройках подключения.' },
  // A full queue passes by itself; a broken limit is kept by pausing the connection.
  0x14: { class: 'transient', sentence: 'Очередь у оператора переполнена: подождите минуту.', retryAfterSeconds: 5 },
  0x45: { class: 'transient', sentence: 'Оператор не смог принять сообщение: попробуйте ещё раз.' },
  0x58: { class: 'rateLimited', sentence: 'Превышена скорость отправки по договору с оператором: сообщения подождут.', retryAfterSeconds: 1 },
  0x61: { class: 'content', sentence: 'Оператор не принял срок доставки: проверьте часы сервера.' },
  0x62: { class: 'content', sentence: 'Оператор не принял срок доставки: проверьте часы сервера.' },
  0x64: { class: 'transient', sentence: 'Оператор временно не принимает сообщения: подождите минуту.' },
  0x65: { class: 'recipientPermanent', sentence: 'Оператор не доставит сообщение на этот номер: позвоните человеку.' },
  0x66: { class: 'content', sentence: 'Оператор не пропускает этот текст: согласуйте шаблон.' },
}

export const refusalOf = (status: number): ChannelError => {
  const known = refusals[status] ?? { class: 'channelTemporary' as const, sentence: 'Оператор не принял запрос: уточните у него причину по коду ошибки.' }
  return new ChannelError({ class: known.class, code: `status ${status}` }, known.sentence, { ...(known.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: known.retryAfterSeconds }) })
}

const noWay = 'Нет связи с оператором: проверьте адрес, порт и прокси в настройках подключения и доступ сервера к ним.'
const badCertificate = 'Сертификат оператора не прошёл проверку: вставьте его корневой сертификат в настройки подключения, раздел «Дополнительно».'

/** Nothing was written: nobody answers, the certificate did not pass, or no session stands. */
export const noConnection = (code: string): ChannelError => new ChannelError({ class: 'transient', code }, isCertificateError(code) ? badCertificate : noWay, { retryAfterSeconds: 5 })

/** It was written and no answer came: the message may be with the patient. */
export const noAnswer = (code: string): ChannelError =>
  new ChannelError({ class: 'transient', code }, 'Оператор не ответил: подождите минуту и проверьте подключение ещё раз.', { outcome: 'unknown' })

/** What a receipt says. Intermediate states prove that the operator has it; unknown ones say nothing. */
type Meaning = { readonly level: 'sent' | 'delivered' } | { readonly failure: FailureClass } | undefined

const meanings: Readonly<Record<string, Meaning>> = {
  DELIVRD: { level: 'delivered' },
  ENROUTE: { level: 'sent' },
  ACCEPTD: { level: 'sent' },
  EXPIRED: { failure: 'recipientTemporary' },
  DELETED: { failure: 'channelTemporary' },
  UNDELIV: { failure: 'recipientPermanent' },
  REJECTD: { failure: 'recipientPermanent' },
}

/** `message_state`, 1 to 8, as the words of a receipt's text. */
const states = ['', 'ENROUTE', 'DELIVRD', 'EXPIRED', 'DELETED', 'UNDELIV', 'ACCEPTD', 'UNKNOWN', 'REJECTD'] as const

export const stateName = (state: number): string | undefined => states[state] || undefined

/** `err` is the operator's own and only told on. */
export const meaningOf = (state: string, err: string | undefined): { readonly level: 'sent' | 'delivered' } | { readonly failure: Failure } | undefined => {
  // Some SMSCs write the word out.
  const meaning = meanings[state.toUpperCase().replace(/^DELIVERED$/, 'DELIVRD').replace(/^UNDELIVERABLE$/, 'UNDELIV').replace(/^REJECTED$/, 'REJECTD').replace(/^ACCEPTED$/, 'ACCEPTD')]
  if (meaning === undefined || 'level' in meaning) return meaning
  return { failure: { class: meaning.failure, code: err === undefined || /^0*$/.test(err) ? state : `${state} ${err}` } }
}
