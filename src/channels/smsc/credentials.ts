import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const credentialsForm = z
  .object({
    apiKey: z.string().optional(),
    login: z.string().optional(),
    password: z.string().optional(),
    sender: z
      .string()
      .regex(/^[A-Za-z0-9 !?_.()-]{1,11}$|^\d{1,15}$/, 'Имя отправителя: до 11 латинских букв и цифр, как оно согласовано с SMSC.ru.')
      .optional(),
    callbackSecret: z.string().optional(),
    lowBalance: z.coerce.number({ error: 'Порог баланса - число, например 500.' }).min(0, 'Порог баланса - число, например 500.').default(500),
    baseUrl: webAddress('Адрес SMSC.ru должен начинаться с https://.').default('https://smsc.ru'),
    ...networkForm,
  })
  .superRefine(({ apiKey, login, password, callbackSecret }, context) => {
    const miss = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message })
    if (callbackSecret === undefined) miss('callbackSecret', 'Придумайте секретное слово и впишите его здесь и в кабинете SMSC.ru: им подписаны отчёты о доставке.')
    if (apiKey !== undefined) return
    if (login === undefined && password === undefined) miss('apiKey', 'Впишите ключ API или логин с паролем SMSC.ru.')
    else if (login === undefined) miss('login', 'Впишите логин SMSC.ru.')
    else if (password === undefined) miss('password', 'Впишите пароль SMSC.ru.')
  })
  .transform((form) => ({ ...form, callbackSecret: form.callbackSecret ?? '' }))

/** Either `apiKey`, or `login` with `password`. */
export type SmscCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): SmscCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'apiKey',
    label: { ru: 'Ключ API', en: 'API key' },
    hint: { ru: 'Кабинет SMSC.ru - Настройки - API; вместо него годятся логин с паролем', en: 'SMSC.ru - Settings - API; login and password do as well' },
    secret: true,
    required: false,
  },
  { name: 'login', label: { ru: 'Логин', en: 'Login' }, secret: false, required: false },
  { name: 'password', label: { ru: 'Пароль', en: 'Password' }, secret: true, required: false },
  {
    name: 'sender',
    label: { ru: 'Имя отправителя', en: 'Sender name' },
    hint: { ru: 'До 11 латинских букв и цифр; пусто - имя по умолчанию из кабинета', en: 'Up to 11 Latin letters and digits; empty: the default of your account' },
    secret: false,
    required: false,
  },
  {
    name: 'callbackSecret',
    label: { ru: 'Секретное слово отчётов', en: 'Callback secret' },
    hint: { ru: 'Такое же, как в кабинете SMSC.ru в настройках обработчика отчётов', en: 'The same as in the callback settings of your SMSC.ru account' },
    secret: true,
    required: true,
  },
  {
    name: 'baseUrl',
    label: { ru: 'Адрес SMSC.ru', en: 'SMSC.ru address' },
    hint: { ru: 'Запасной: https://www2.smsc.ru', en: 'Backup: https://www2.smsc.ru' },
    secret: false,
    required: false,
    advanced: true,
    default: 'https://smsc.ru',
  },
  {
    name: 'lowBalance',
    label: { ru: 'Предупреждать о балансе ниже', en: 'Warn when the balance is below' },
    hint: { ru: 'В валюте счёта SMSC.ru', en: 'In the currency of the SMSC.ru account' },
    secret: false,
    required: false,
    advanced: true,
    default: '500',
  },
  ...networkFields(),
]
