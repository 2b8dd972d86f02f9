import { ChannelError, type Localized } from '../channel.ts'

/** Numbers in these states send nothing; what is to be done about each. */
const stopped: Readonly<Record<string, string>> = {
  BANNED: 'Meta заблокировала номер: подайте апелляцию в WhatsApp Manager, а до её решения уберите WhatsApp из маршрутов.',
  DELETED: 'Номер удалён из WhatsApp Business: добавьте его в WhatsApp Manager заново или удалите подключение.',
  MIGRATED: 'Номер перенесён в другой аккаунт WhatsApp Business: впишите в подключение новые идентификаторы и токен.',
  DISCONNECTED: 'Номер отключён от WhatsApp Business: зарегистрируйте его в WhatsApp Manager ещё раз.',
}

/**
 * @throws ChannelError of class `channelPermanent` for a number that sends nothing
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/phone-numbers/
 */
export const refuseStopped = (status: string | undefined): void => {
  if (status !== undefined && Object.hasOwn(stopped, status)) throw new ChannelError({ class: 'channelPermanent', code: status }, stopped[status]!)
}

const qualities: Readonly<Record<string, Localized>> = {
  YELLOW: {
    ru: 'Качество номера WhatsApp снизилось: пациенты жалуются на сообщения. Пишите только тем, кто согласился, и уберите рекламу из шаблонов, иначе Meta ограничит номер.',
    en: 'The quality of the WhatsApp number has dropped: patients complain of messages. Write only to those who agreed and keep advertising out of templates, or Meta will limit the number.',
  },
  RED: {
    ru: 'Качество номера WhatsApp низкое, Meta может его ограничить: остановите рассылки, оставьте только напоминания и поставьте в маршрутах первым другой мессенджер.',
    en: 'The quality of the WhatsApp number is low and Meta may limit it: stop campaigns, keep reminders only and put another messenger first in the routes.',
  },
}

const states: Readonly<Record<string, Localized>> = {
  FLAGGED: {
    ru: 'Meta пометила номер из-за низкого качества: если за 7 дней жалоб не станет меньше, лимит новых собеседников снизят. Остановите рассылки на это время.',
    en: 'Meta has flagged the number for low quality: unless complaints stop within 7 days the limit of new contacts goes down. Stop campaigns for that time.',
  },
  RESTRICTED: {
    ru: 'Meta ограничила номер: на сегодня лимит новых собеседников исчерпан. Отвечать пациентам можно, для остальных поставьте в маршрутах первым другой мессенджер.',
    en: 'Meta has restricted the number: the limit of new contacts is used up for today. Patients can be answered; for the others put another messenger first in the routes.',
  },
  RATE_LIMITED: {
    ru: 'Номер отправляет слишком быстро, и Meta притормозила его: разнесите рассылки по времени.',
    en: 'The number sends too fast and Meta has slowed it down: spread campaigns over time.',
  },
  PENDING: {
    ru: 'Имя или номер ещё на проверке у Meta: дождитесь её окончания в WhatsApp Manager.',
    en: 'Meta is still reviewing the name or the number: wait for it to end in WhatsApp Manager.',
  },
}

/** What the owner of the number should do before Meta stops it (C7). */
export const warningsOf = ({ quality, status }: { readonly quality: string | undefined; readonly status: string | undefined }): readonly Localized[] =>
  [quality === undefined ? undefined : qualities[quality], status === undefined ? undefined : states[status]].filter((warning) => warning !== undefined)
