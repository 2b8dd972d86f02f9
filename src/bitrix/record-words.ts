import { type SkipReason, type StopReason } from '../domain/delivery.ts'
import { type Answer } from '../domain/message.ts'
import { type FailureClass, type Proof } from '../domain/receipt.ts'
import { type Language } from './language.ts'

/** What a notification is for; the values of the robot's property `purpose`. */
export type Purpose = 'reminder' | 'service'

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
  readonly answered: (at: string) => string
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
      noAddress: 'в карточке нет телефона',
      neverStarted: 'пациент ещё не писал боту',
      blocked: 'пациент заблокировал бота',
      connectionOff: 'канал выключен',
      notLooked: 'карточку не удалось прочитать',
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
    answered: (at) => `Пациент ответил ${at}`,
    notReached: 'Не доставлено: позвоните пациенту',
    stopped: (reason, at) => `Остановлено ${at}: ${reason}`,
    stops: {
      dealDeleted: 'сделка удалена',
      dealMoved: 'сделка перешла на другую стадию',
      dealClosed: 'сделка закрыта',
      contactChanged: 'в сделке другой контакт',
      appRemoved: 'приложение отключено',
      operator: 'остановил сотрудник',
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
      noAddress: 'no phone in the card',
      neverStarted: 'the patient has not written to the bot yet',
      blocked: 'the patient has blocked the bot',
      connectionOff: 'the channel is switched off',
      notLooked: 'the card could not be read',
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
    answered: (at) => `Patient answered ${at}`,
    notReached: 'Not delivered: call the patient',
    stopped: (reason, at) => `Stopped ${at}: ${reason}`,
    stops: {
      dealDeleted: 'the deal is deleted',
      dealMoved: 'the deal went to another stage',
      dealClosed: 'the deal is closed',
      contactChanged: 'the deal has another contact',
      appRemoved: 'the application is disconnected',
      operator: 'an employee stopped it',
    },
    answers: { confirm: 'The patient will come', move: 'The patient asks to move', cancel: 'The patient cancelled' },
    tags: { running: 'on its way', notReached: 'not delivered', stopped: 'stopped', confirmed: 'will come', moved: 'asks to move', cancelled: 'cancelled' },
    task: 'Call',
    taskUntil: (at) => `given to an employee, until ${at}`,
    callTask: 'Call the patient',
    callTaskText: (reference) => `The message has not arrived in any messenger. Notification number: ${reference}`,
  },
}
