import { type Answer } from '../domain/message.ts'
import { type FailureClass, type Proof } from '../domain/receipt.ts'
import { type Language } from './language.ts'

/** What a notification is for; the values of the robot's property `purpose`. */
export type Purpose = 'reminder' | 'service'

/** Why a step was not tried. */
export type SkipReason = 'noPhone' | 'noChat' | 'blocked' | 'optOut' | 'noConsent' | 'channelOff' | 'channelBroken' | 'noTime' | 'unreachable'

/** Why a delivery ended without having failed. */
export type StopReason = 'dealMoved' | 'dealClosed' | 'contactGone' | 'cancelled' | 'deadline' | 'optOut' | 'portalGone'

interface Words {
  readonly title: (purpose: string) => string
  readonly purposes: Readonly<Record<Purpose, string>>
  readonly preparing: string
  readonly states: Readonly<Record<'sending' | 'unknown' | Proof, string>>
  readonly proofs: Readonly<Record<Proof, string>>
  readonly silence: (state: 'sending' | 'unknown' | Proof, minutes: number) => string
  readonly skipped: (reason: string) => string
  readonly skips: Readonly<Record<SkipReason, string>>
  readonly failed: (at: string | undefined) => string
  readonly failures: Readonly<Record<FailureClass, string>>
  readonly reached: (proof: string, channel: string, at: string) => string
  readonly notReached: string
  readonly stopped: (reason: string, at: string) => string
  readonly stops: Readonly<Record<StopReason, string>>
  readonly answers: Readonly<Record<Answer, string>>
  readonly tags: Readonly<Record<'running' | 'notReached' | 'stopped' | 'confirmed' | 'moved' | 'cancelled', string>>
  readonly task: string
  readonly taskUntil: (at: string) => string
  readonly callTask: string
  readonly callTaskText: (reference: string) => string
}

/** Every word that staff read in the timeline and in the call task. */
export const words: Readonly<Record<Language, Words>> = {
  ru: {
    title: (purpose) => `Эстафета: ${purpose}`,
    purposes: { reminder: 'напоминание', service: 'сервисное сообщение' },
    preparing: 'Готовится к отправке',
    states: {
      sending: 'отправляется с',
      unknown: 'отправлено, ответа мессенджера нет',
      accepted: 'принято',
      sent: 'отправлено',
      delivered: 'доставлено',
      read: 'прочитано',
      acted: 'пациент ответил',
    },
    proofs: { accepted: 'принято', sent: 'отправлено', delivered: 'доставлено', read: 'прочитано', acted: 'пациент ответил' },
    silence: (state, minutes) => `${state === 'delivered' || state === 'read' || state === 'accepted' ? 'ответа нет' : 'доставки нет'} ${String(minutes)} мин`,
    skipped: (reason) => `пропущен - ${reason}`,
    skips: {
      noPhone: 'в карточке нет телефона',
      noChat: 'пациент ещё не писал боту',
      blocked: 'пациент заблокировал бота',
      optOut: 'пациент отказался от сообщений',
      noConsent: 'нет согласия пациента',
      channelOff: 'канал выключен',
      channelBroken: 'канал не работает',
      noTime: 'не осталось времени',
      unreachable: 'пациент недоступен',
    },
    failed: (at) => (at === undefined ? 'не отправлено' : `не отправлено ${at}`),
    failures: {
      recipientPermanent: 'у пациента нет этого мессенджера',
      recipientTemporary: 'пациент временно недоступен',
      channelPermanent: 'канал отказал, проверьте подключение',
      channelTemporary: 'канал временно не работает',
      rateLimited: 'канал ограничил скорость',
      content: 'мессенджер не принял сообщение, проверьте шаблон',
      optOut: 'пациент отказался от сообщений',
      transient: 'мессенджер не ответил',
    },
    reached: (proof, channel, at) => `${channel}, ${proof} ${at}`,
    notReached: 'Не доставлено: позвоните пациенту',
    stopped: (reason, at) => `Остановлено ${at}: ${reason}`,
    stops: {
      dealMoved: 'сделка перешла на другую стадию',
      dealClosed: 'сделка закрыта',
      contactGone: 'в сделке нет контакта',
      cancelled: 'отменено сотрудником',
      deadline: 'вышло время',
      optOut: 'пациент отказался от сообщений',
      portalGone: 'приложение отключено',
    },
    answers: { confirm: 'Пациент придёт', move: 'Пациент просит перенести', cancel: 'Пациент отменил запись' },
    tags: { running: 'в пути', notReached: 'не доставлено', stopped: 'остановлено', confirmed: 'придёт', moved: 'просит перенести', cancelled: 'отменил' },
    task: 'Звонок',
    taskUntil: (at) => `поручен сотруднику, до ${at}`,
    callTask: 'Позвоните пациенту',
    callTaskText: (reference) => `Сообщение не дошло ни в одном мессенджере. Номер уведомления: ${reference}`,
  },
  en: {
    title: (purpose) => `Estafeta: ${purpose}`,
    purposes: { reminder: 'reminder', service: 'service message' },
    preparing: 'Being prepared',
    states: {
      sending: 'sending since',
      unknown: 'sent, no answer from the messenger',
      accepted: 'accepted',
      sent: 'sent',
      delivered: 'delivered',
      read: 'read',
      acted: 'patient answered',
    },
    proofs: { accepted: 'accepted', sent: 'sent', delivered: 'delivered', read: 'read', acted: 'patient answered' },
    silence: (state, minutes) => `${state === 'delivered' || state === 'read' || state === 'accepted' ? 'no answer' : 'not delivered'} for ${String(minutes)} min`,
    skipped: (reason) => `skipped - ${reason}`,
    skips: {
      noPhone: 'no phone in the card',
      noChat: 'the patient has not written to the bot yet',
      blocked: 'the patient has blocked the bot',
      optOut: 'the patient refuses messages',
      noConsent: "no consent of the patient",
      channelOff: 'the channel is switched off',
      channelBroken: 'the channel does not work',
      noTime: 'no time left',
      unreachable: 'the patient cannot be reached',
    },
    failed: (at) => (at === undefined ? 'not sent' : `not sent ${at}`),
    failures: {
      recipientPermanent: 'the patient does not have this messenger',
      recipientTemporary: 'the patient is unavailable for now',
      channelPermanent: 'the channel refused, check its connection',
      channelTemporary: 'the channel does not work for now',
      rateLimited: 'the channel limits the rate',
      content: 'the messenger refused the message, check the template',
      optOut: 'the patient refuses messages',
      transient: 'the messenger did not answer',
    },
    reached: (proof, channel, at) => `${channel}, ${proof} ${at}`,
    notReached: 'Not delivered: call the patient',
    stopped: (reason, at) => `Stopped ${at}: ${reason}`,
    stops: {
      dealMoved: 'the deal went to another stage',
      dealClosed: 'the deal is closed',
      contactGone: 'the deal has no contact',
      cancelled: 'cancelled by an employee',
      deadline: 'time is over',
      optOut: 'the patient refuses messages',
      portalGone: 'the application is disconnected',
    },
    answers: { confirm: 'The patient will come', move: 'The patient asks to move', cancel: 'The patient cancelled' },
    tags: { running: 'on its way', notReached: 'not delivered', stopped: 'stopped', confirmed: 'will come', moved: 'asks to move', cancelled: 'cancelled' },
    task: 'Call',
    taskUntil: (at) => `given to an employee, until ${at}`,
    callTask: 'Call the patient',
    callTaskText: (reference) => `The message has not arrived in any messenger. Notification number: ${reference}`,
  },
}
