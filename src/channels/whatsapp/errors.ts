import { ChannelError } from '../channel.ts'
import { type HttpAnswer } from '../http.ts'
import { type FailureClass } from '../../domain/receipt.ts'
import { z } from 'zod'

/**
 * Meta's codes by what the cascade must do. Titles are deprecated by the vendor, so only codes are read.
 *
 * @see https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/
 */
const codesByClass: Readonly<Partial<Record<FailureClass, readonly number[]>>> = {
  channelPermanent: [0, 3, 10, 190, 368, 130497, 131005, 131030, 131031, 131037, 131042, 131045, 131064, 133010],
  rateLimited: [4, 80007, 130429, 131048, 131056, 133016],
  transient: [1, 2, 131000, 131016, 131057, 133004, 2494100],
  recipientPermanent: [131021, 131026, 131049, 130472],
  optOut: [131050],
  content: [
    100, 131008, 131009, 131047, 131051, 131052, 131053, 131062, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069,
  ],
}

const classes = new Map(Object.entries(codesByClass).flatMap(([name, codes]) => codes.map((code) => [code, name as FailureClass] as const)))

/** 200-299 are Graph's permission errors. `undefined`: the table does not know the code. */
const knownClassOf = (code: number): FailureClass | undefined => classes.get(code) ?? (code >= 200 && code <= 299 ? 'channelPermanent' : undefined)

/**
 * The class of a `failed` status. An unknown code moves the cascade on without a verdict about the person or the number:
 * Meta adds codes faster than it documents them.
 */
export const classOfStatus = (code: number): FailureClass => knownClassOf(code) ?? 'recipientTemporary'

const sentences: Readonly<Record<FailureClass, string>> = {
  channelPermanent: 'WhatsApp не разрешает отправку с этого номера: проверьте права токена и состояние номера в WhatsApp Manager.',
  channelTemporary: 'WhatsApp не принял запрос: проверьте идентификаторы номера и аккаунта в настройках подключения.',
  rateLimited: 'WhatsApp просит отправлять реже: дождитесь снижения нагрузки или повысьте лимит номера в WhatsApp Manager.',
  transient: 'WhatsApp временно недоступен: проверьте подключение ещё раз через несколько минут.',
  recipientPermanent: 'Этому человеку WhatsApp сообщение не доставит: свяжитесь с ним другим способом.',
  recipientTemporary: 'Сейчас WhatsApp сообщение не доставит: свяжитесь с человеком другим способом.',
  optOut: 'Человек отказался от рассылок в WhatsApp: свяжитесь с ним другим способом.',
  content: 'WhatsApp не принял содержание сообщения: проверьте шаблон, его язык и число параметров в WhatsApp Manager.',
}

const sentencesByCode: Readonly<Record<number, string>> = {
  100: 'WhatsApp не понял запрос: проверьте идентификаторы номера и аккаунта и параметры шаблона.',
  190: 'Токен WhatsApp не действует: выпустите постоянный токен системного пользователя и впишите его в подключение.',
  131030: 'Номер WhatsApp тестовый: добавьте получателя в список разрешённых или подключите рабочий номер.',
  131031: 'Аккаунт WhatsApp заблокирован: разберите нарушение в WhatsApp Manager.',
  131042: 'WhatsApp не может списать оплату: проверьте способ оплаты в настройках аккаунта Meta.',
  131047: 'Прошло больше 24 часов с последнего сообщения человека: укажите в шаге утверждённый шаблон.',
  132001: 'Шаблона с таким именем и языком нет в WhatsApp: создайте его или исправьте имя и язык в шаге.',
  132015: 'Шаблон WhatsApp приостановлен за жалобы: измените его или выберите в шаге другой.',
  132016: 'Шаблон WhatsApp отключён за жалобы: создайте новый и укажите его в шаге.',
  133010: 'Номер не зарегистрирован в Cloud API: зарегистрируйте его в WhatsApp Manager.',
}

/** One message per about 6 s to one person; Meta sends no Retry-After. */
const pairLimitSeconds = 6

const errorBody = z.looseObject({ error: z.looseObject({ code: z.number() }) })

/**
 * Meta's no as a `ChannelError`. A 5xx leaves the outcome open whatever its code: there is no idempotency key, and a message may
 * be out although its answer was lost inside Meta.
 */
export const refusalOf = (answer: HttpAnswer): ChannelError => {
  const parsed = errorBody.safeParse(answer.body)
  const code = parsed.success ? parsed.data.error.code : undefined
  const failureClass = (code === undefined ? undefined : knownClassOf(code)) ?? classOfHttpStatus(answer.status)
  const sentence = (code === undefined ? undefined : sentencesByCode[code]) ?? sentences[failureClass]
  return new ChannelError({ class: failureClass, code: String(code ?? answer.status) }, sentence, {
    outcome: answer.status >= 500 ? 'unknown' : 'rejected',
    retryAfterSeconds: code === 131056 ? pairLimitSeconds : undefined,
  })
}

const classOfHttpStatus = (status: number): FailureClass => {
  if (status >= 500) return 'transient'
  if (status === 429) return 'rateLimited'
  return status === 401 || status === 403 ? 'channelPermanent' : 'channelTemporary'
}

/** An answer of success that does not say what it must: the message may be out under an id that we were not told. */
export const unclearAnswer = (): ChannelError =>
  new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ WhatsApp не удалось прочитать: проверьте адрес API в настройках подключения.', { outcome: 'unknown' })
