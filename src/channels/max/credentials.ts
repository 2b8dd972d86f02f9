import { z } from 'zod'
import { parseForm, secretFrom, webAddress, type CredentialField } from '../channel.ts'
import { networkFields, networkForm } from '../network.ts'

const credentialsForm = z
  .object({
    token: z.string({ error: 'Впишите токен бота из кабинета business.max.ru.' }).regex(/^\S{8,512}$/, 'Скопируйте токен бота целиком, без пробелов и слова Bearer.'),
    webhookSecret: z
      .string()
      .regex(/^[A-Za-z0-9_-]{5,256}$/, 'Секрет вебхука: от 5 до 256 латинских букв, цифр, знаков _ и -.')
      .optional(),
    baseUrl: webAddress('Адрес API должен начинаться с https://.').default('https://platform-api2.max.ru'),
    ...networkForm,
  })
  .transform((form) => ({ ...form, webhookSecret: form.webhookSecret ?? secretFrom(form.token) }))

export type MaxCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): MaxCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'token',
    label: { ru: 'Токен бота', en: 'Bot token' },
    hint: { ru: 'Кабинет business.max.ru - Чат-боты - Настройки', en: 'business.max.ru - Chat bots - Settings' },
    secret: true,
    required: true,
  },
  {
    name: 'webhookSecret',
    label: { ru: 'Секрет вебхука', en: 'Webhook secret' },
    hint: { ru: 'Пусто - приложение выведет его из токена', en: 'Empty: the application derives it from the token' },
    secret: true,
    required: false,
    advanced: true,
  },
  {
    name: 'baseUrl',
    label: { ru: 'Адрес API', en: 'API address' },
    secret: false,
    required: false,
    advanced: true,
    default: 'https://platform-api2.max.ru',
  },
  ...networkFields({
    ca: {
      ru: 'Текст файла russian_trusted_root_ca.pem с gosuslugi.ru/crt: сертификат MAX выдан российским центром, которого обычная система не знает',
      en: 'The text of russian_trusted_root_ca.pem from gosuslugi.ru/crt: the certificate of MAX is issued by an authority that systems do not know',
    },
  }),
]
