import { type Language } from '../bitrix/manifest.ts'
import { type WayReason } from '../domain/choice.ts'

/** What the patient page says by itself: one sentence each. */
export const wayWords: Readonly<Record<Language, Readonly<Record<WayReason, string>>>> = {
  ru: {
    connectionOff: 'Подключение выключено: включите его в настройках «Эстафеты».',
    connectionBroken: 'Подключение не работает: проверьте его в настройках «Эстафеты».',
    notProved: 'Не подтверждено, что это пациент: сначала подтвердите аккаунт.',
    blocked: 'Пациент закрыл этот чат: выберите другой мессенджер.',
    wroteLast: 'Отсюда пациент писал последний раз.',
    wrote: 'Отсюда пациент писал раньше.',
    proved: 'Аккаунт пациента подтверждён.',
    byPhone: 'По номеру телефона из карточки.',
    byEmail: 'По адресу почты из карточки.',
    template: 'Пациент не писал сюда больше суток: первым уйдёт утверждённый шаблон.',
  },
  en: {
    connectionOff: 'The connection is off: switch it on in Estafeta’s settings.',
    connectionBroken: 'The connection does not work: check it in Estafeta’s settings.',
    notProved: 'It is not proved that this is the patient: confirm the account first.',
    blocked: 'The patient has closed this chat: choose another messenger.',
    wroteLast: 'The patient wrote from here last.',
    wrote: 'The patient wrote from here before.',
    proved: 'The account is proved to be the patient’s.',
    byPhone: 'By the phone number of the card.',
    byEmail: 'By the e-mail address of the card.',
    template: 'The patient has not written here for a day: an approved template goes first.',
  },
}

export const taskWords = { ru: 'Звонок', en: 'Call' } as const
export const nobodyWords = { ru: 'Пациент', en: 'Patient' } as const
export const autoWords = { ru: 'Откуда писал последний раз', en: 'Where the patient wrote last' } as const
export const employeeWords = { ru: 'Сотрудник', en: 'Employee' } as const
