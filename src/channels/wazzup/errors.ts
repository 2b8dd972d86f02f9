import { z } from 'zod'
import { ChannelError } from '../channel.ts'
import { type Failure, type FailureClass } from '../../domain/receipt.ts'
import { type HttpAnswer } from '../http.ts'

const sentences: Readonly<Record<FailureClass, string>> = {
  channelPermanent: 'Wazzup не отправляет через этот канал: проверьте ключ API, состояние канала и оплату в кабинете.',
  channelTemporary: 'Канал Wazzup сейчас недоступен: откройте его в кабинете и проверьте состояние.',
  rateLimited: 'Wazzup просит отправлять реже: дождитесь снижения нагрузки.',
  transient: 'Wazzup временно недоступен: проверьте подключение ещё раз через несколько минут.',
  recipientPermanent: 'У этого человека нет такого мессенджера: напишите в другой или позвоните.',
  recipientTemporary: 'Сейчас мессенджер сообщение не доставит: свяжитесь с человеком другим способом.',
  optOut: 'Человек отказался от сообщений: свяжитесь с ним другим способом.',
  content: 'Wazzup не принял содержание сообщения: сократите текст и проверьте файл.',
}

/** The same codes come as `BAD_CONTACT` and `badContact`. */
const normal = (code: string): string => code.replaceAll('_', '').toLowerCase()

const codes: Readonly<Partial<Record<FailureClass, readonly string[]>>> = {
  content: [
    'INVALID_MESSAGE_DATA', 'WRONG_TRANSPORT', 'VALIDATION_ERROR', 'MESSAGE_ONLY_TEXT_OR_CONTENT', 'MESSAGE_NOTHING_TO_SEND', 'MESSAGE_WRONG_CONTENT_TYPE', 'MESSAGE_DOWNLOAD_CONTENT_ERROR',
    'REFERENCE_MESSAGE_NOT_FOUND', 'TOO_LONG_TEXT', 'TOO_BIG_CONTENT', 'CONTENT_CONVERSION_ERROR', 'TEMPLATE_REJECTED', '24_HOURS_EXCEEDED', '7_DAYS_EXCEEDED',
  ],
  channelPermanent: [
    'CHANNEL_NOT_FOUND', 'CHANNEL_BLOCKED', 'CHANNEL_WAPI_REJECTED', 'CHANNEL_REJECTED', 'CHANNEL_NO_MONEY', 'BALANCE_IS_EMPTY', 'CHANNEL_LIMIT_EXCEEDED', 'MESSAGES_NOT_TEXT_FIRST',
  ],
  channelTemporary: ['MESSAGE_CHANNEL_UNAVAILABLE', 'MESSAGES_CAN_NOT_ADD', 'UNKNOWN_ERROR', 'GENERAL_ERROR', 'MESSAGES_IS_SPAM', 'SPAM', 'MESSAGE_CANCELLED'],
  recipientPermanent: ['BAD_CONTACT'],
  rateLimited: ['TOO_MANY_EXT_REQS'],
}
const classByCode = new Map(Object.entries(codes).flatMap(([name, list]) => list.map((code) => [normal(code), name as FailureClass] as const)))

/** Of the open-ended list: too long or too large whatever of, and what nobody knows moves the cascade on. */
const classOfCode = (code: string): FailureClass | undefined => classByCode.get(normal(code)) ?? (/toolong|sizeexceeded/.test(normal(code)) ? 'content' : undefined)

const shownCode = (code: string): string => (/^\w{1,60}$/.test(code) ? code : 'error')

/** An error in a webhook. @see https://wazzup24.com/help/webhooks/ */
export const failureOf = (code: string): Failure => ({ class: classOfCode(code) ?? 'channelTemporary', code: shownCode(code) })

/** "You have already sent a message with the same crmMessageId", within a minute: the message is out under an id that nobody tells. */
const isRepeated = (code: string): boolean => normal(code) === 'repeatedcrmmessageid'

const errorBody = z.looseObject({ error: z.string() })

const classOf = (status: number, code: string | undefined): FailureClass => {
  if (status >= 500) return 'transient'
  if (status === 429) return 'rateLimited'
  if (status === 401 || status === 403) return 'channelPermanent'
  const known = code === undefined ? undefined : classOfCode(code)
  return known ?? (status === 400 && code === undefined ? 'content' : 'channelTemporary')
}

/** The counter begins anew every five seconds. */
const limitSeconds = 5

/** @see https://wazzup24.com/help/api-en/sending-messages/ */
export const refusalOf = (answer: HttpAnswer): ChannelError => {
  const parsed = errorBody.safeParse(answer.body)
  const code = parsed.success ? parsed.data.error : undefined
  if (code !== undefined && isRepeated(code)) return new ChannelError({ class: 'transient', code: 'repeated' }, 'Wazzup уже принял это сообщение: проверьте его в чате и не отправляйте ещё раз.', { outcome: 'unknown' })
  const failureClass = classOf(answer.status, code)
  return new ChannelError({ class: failureClass, code: code === undefined || answer.status >= 500 ? String(answer.status) : shownCode(code) }, sentences[failureClass], {
    outcome: answer.status >= 500 ? 'unknown' : 'rejected',
    retryAfterSeconds: failureClass === 'rateLimited' ? limitSeconds : undefined,
  })
}

/** An answer of success that does not say what it must: the message may be out under an id that we were not told. */
export const unclearAnswer = (): ChannelError =>
  new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ Wazzup не удалось прочитать: проверьте адрес API в настройках подключения.', { outcome: 'unknown' })

/** States in which a channel does not work, with what the administrator is to do. Letter case differs between routes. */
const states: Readonly<Record<string, { readonly class: FailureClass; readonly sentence: string }>> = {
  init: { class: 'channelTemporary', sentence: 'Канал Wazzup запускается: проверьте подключение ещё раз через минуту.' },
  disabled: { class: 'channelPermanent', sentence: 'Канал выключен в Wazzup: включите его в кабинете.' },
  phoneunavailable: { class: 'channelTemporary', sentence: 'Телефон с мессенджером выключен или без связи: включите его и проверьте подключение ещё раз.' },
  qr: { class: 'channelPermanent', sentence: 'Телефон отвязан от Wazzup: отсканируйте QR-код в кабинете.' },
  openelsewhere: { class: 'channelTemporary', sentence: 'Мессенджер открыт в другом месте: закройте его там и проверьте подключение ещё раз.' },
  notenoughmoney: { class: 'channelPermanent', sentence: 'Канал Wazzup не оплачен: пополните баланс в кабинете.' },
  foreignphone: { class: 'channelPermanent', sentence: 'QR-код отсканирован другим номером: отсканируйте его телефоном клиники.' },
  unauthorized: { class: 'channelPermanent', sentence: 'Канал Wazzup не авторизован: авторизуйте его в кабинете.' },
  waitforpassword: { class: 'channelPermanent', sentence: 'Канал Wazzup ждёт пароль двухфакторной проверки: введите его в кабинете.' },
  onmoderation: { class: 'channelTemporary', sentence: 'Канал Wazzup на модерации: дождитесь её окончания.' },
  rejected: { class: 'channelPermanent', sentence: 'Канал Wazzup отклонён модерацией: узнайте причину в кабинете.' },
  blocked: { class: 'channelPermanent', sentence: 'Мессенджер заблокировал этот номер: подключите другой.' },
}

export const isWorking = (state: string): boolean => state.toLowerCase() === 'active'

/** What a state other than active means. */
export const stateRefusal = (state: string): ChannelError => {
  const known = states[state.toLowerCase()] ?? { class: 'channelTemporary' as const, sentence: 'Канал Wazzup не готов к работе: откройте его в кабинете.' }
  return new ChannelError({ class: known.class, code: shownCode(state) }, known.sentence)
}
