import { ChannelError } from '../channel.ts'
import { type FailureClass } from '../../domain/receipt.ts'

interface Meaning {
  readonly class: FailureClass
  readonly sentence: string
  readonly retryAfterSeconds?: number
  /** VK broke off in the middle: it may have done what it was asked. */
  readonly isUnclear?: boolean
}

const busy: Meaning = { class: 'transient', sentence: 'ВКонтакте временно недоступен: проверьте подключение ещё раз через несколько минут.', isUnclear: true }
const noKey: Meaning = { class: 'channelPermanent', sentence: 'ВКонтакте не принял ключ доступа: создайте новый в настройках сообщества и впишите его в подключение.' }
const noRight: Meaning = { class: 'channelPermanent', sentence: 'Ключу не хватает прав: создайте ключ сообщества с правами на управление, сообщения, фотографии, документы и стену.' }
const closed: Meaning = { class: 'recipientPermanent', sentence: 'Человек не писал сообществу или запретил ему сообщения: отправьте ему личную ссылку на сообщество.' }
const wrong: Meaning = { class: 'content', sentence: 'ВКонтакте не принял содержание сообщения: сократите текст и проверьте кнопки.' }

const meaningOf = (meaning: Meaning, codes: readonly number[]): readonly (readonly [number, Meaning])[] => codes.map((code) => [code, meaning] as const)

/** @see https://dev.vk.com/reference/errors */
const meanings: ReadonlyMap<number, Meaning> = new Map([
  ...meaningOf(busy, [1, 10, 13, 36]),
  ...meaningOf({ class: 'transient', sentence: busy.sentence }, [32, 43]),
  ...meaningOf(noKey, [2, 4, 5, 16, 17, 25, 27, 28, 34, 35, 38, 1116]),
  ...meaningOf(noRight, [7, 15, 20, 21, 24, 203]),
  ...meaningOf({ class: 'rateLimited', sentence: 'ВКонтакте просит отправлять реже: дождитесь снижения нагрузки.', retryAfterSeconds: 1 }, [6]),
  ...meaningOf({ class: 'rateLimited', sentence: 'ВКонтакте видит слишком много одинаковых действий: подождите минуту.', retryAfterSeconds: 60 }, [9]),
  ...meaningOf({ class: 'rateLimited', sentence: 'Предел запросов к ВКонтакте исчерпан: подождите или распределите отправку по времени.', retryAfterSeconds: 300 }, [29]),
  ...meaningOf({ class: 'channelTemporary', sentence: 'ВКонтакте просит ввести код с картинки: зайдите в сообщество и отправьте одно сообщение сами.' }, [14]),
  ...meaningOf(closed, [18, 37, 39, 113, 900, 901, 902, 917, 922, 927, 932, 935, 936, 945, 946, 950, 987, 988]),
  ...meaningOf(wrong, [8, 19, 100, 910, 911, 912, 913, 921, 940, 943, 962, 969]),
  ...meaningOf({ class: 'content', sentence: 'Текст слишком длинный для ВКонтакте: сократите его или разделите на части.' }, [914]),
  ...meaningOf({ class: 'channelPermanent', sentence: 'Сообщество только рассылает уведомления: включите сообщения в его настройках.' }, [985]),
  ...meaningOf({ class: 'recipientTemporary', sentence: 'Предел сообщений этому человеку исчерпан: попробуйте позже или другой мессенджер.' }, [944]),
  ...meaningOf({ class: 'content', sentence: 'ВКонтакте уже не даёт изменить или удалить это сообщение: отправьте уточнение новым сообщением.' }, [909, 920, 924, 949]),
  ...meaningOf({ class: 'content', sentence: 'Комментарии к этой записи закрыты: ответьте человеку другим способом.' }, [211, 212, 213]),
  ...meaningOf({ class: 'content', sentence: 'ВКонтакте не пропускает ссылки в комментариях: ответьте на стене вручную.' }, [222]),
  ...meaningOf({ class: 'content', sentence: 'ВКонтакте не сохранил файл: уменьшите его или сохраните в другом формате.' }, [22, 105, 114, 118, 121, 122, 129]),
  ...meaningOf({ class: 'channelPermanent', sentence: 'В сообществе уже десять серверов Callback API: удалите лишний и подключите сообщество снова.' }, [2000]),
])

/** VK's no, which comes with HTTP 200. */
export const refusalOf = (code: number): ChannelError => {
  const known = meanings.get(code) ?? { class: 'channelTemporary' as const, sentence: 'ВКонтакте не принял запрос: проверьте подключение и права ключа.' }
  return new ChannelError({ class: known.class, code: String(code) }, known.sentence, { outcome: known.isUnclear === true ? 'unknown' : 'rejected', retryAfterSeconds: known.retryAfterSeconds })
}

/** No answer that can be read: the message may be out. */
export const unclearAnswer = (status: number): ChannelError => {
  if (status >= 300 && status < 500)
    return new ChannelError({ class: status === 429 ? 'rateLimited' : 'channelTemporary', code: String(status) }, 'ВКонтакте не принял запрос: проверьте адрес API в настройках подключения.')
  return new ChannelError({ class: 'transient', code: status >= 500 ? String(status) : 'answer' }, busy.sentence, { outcome: 'unknown' })
}
