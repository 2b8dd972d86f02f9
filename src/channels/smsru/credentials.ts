import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const credentialsForm = z.object({
  apiId: z.string({ error: 'Впишите api_id из кабинета SMS.ru.' }).regex(/^[A-Za-z0-9-]{8,80}$/, 'api_id выглядит так: 8 групп латинских букв и цифр через дефис; скопируйте его из кабинета SMS.ru целиком.'),
  sender: z
    .string()
    .regex(/^[A-Za-z0-9 !?_.()-]{1,11}$|^\d{1,15}$/, 'Имя отправителя: до 11 латинских букв и цифр, как оно согласовано с SMS.ru.')
    .optional(),
  partnerId: z.string().regex(/^\d{1,12}$/, 'Номер партнёра SMS.ru - только цифры.').optional(),
  test: z.string().regex(/^[01]$/, 'Проверочный режим: 1 - сообщения не уходят и не оплачиваются, 0 - уходят.').optional(),
  baseUrl: webAddress('Адрес SMS.ru должен начинаться с https://.').default('https://sms.ru'),
  ...networkForm,
})

export type SmsruCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): SmsruCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'apiId',
    label: { ru: 'api_id', en: 'api_id' },
    hint: { ru: 'Кабинет SMS.ru - Настройки - API', en: 'SMS.ru account - Settings - API' },
    secret: true,
    required: true,
  },
  {
    name: 'sender',
    label: { ru: 'Имя отправителя', en: 'Sender name' },
    hint: { ru: 'Согласованное с SMS.ru; пусто - имя по умолчанию из кабинета', en: 'Approved by SMS.ru; empty: the default of your account' },
    secret: false,
    required: false,
  },
  {
    name: 'partnerId',
    label: { ru: 'Номер партнёра', en: 'Partner id' },
    hint: { ru: 'Если счёт SMS.ru открыт через партнёра', en: 'Where the SMS.ru account was opened through a partner' },
    secret: false,
    required: false,
    advanced: true,
  },
  {
    name: 'test',
    label: { ru: 'Проверочный режим', en: 'Test mode' },
    hint: { ru: '1 - SMS.ru принимает сообщения и никому их не отправляет', en: '1: SMS.ru accepts messages and sends them to nobody' },
    secret: false,
    required: false,
    advanced: true,
  },
  { name: 'baseUrl', label: { ru: 'Адрес SMS.ru', en: 'SMS.ru address' }, secret: false, required: false, advanced: true, default: 'https://sms.ru' },
  ...networkFields(),
]
