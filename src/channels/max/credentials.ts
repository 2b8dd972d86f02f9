import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, secretFrom, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const credentialsForm = z
  .object({
    token: z.string({ error: 'Впишите токен бота из кабинета business.max.ru.' }).regex(/^\S{8,512}$/, 'Скопируйте токен бота целиком, без пробелов и слова Bearer.'),
    webhookSecret: z
      .string()
      .regex(/^[A-Za-z0-9_-]{5,256}$/, 'Секрет вебхука: от 5 до 256 латинских букв, цифр, знаков _ и -.')
      .optional(),
    baseUrl: webAddress('Адрес API должен начинаться с https://.').default('https://platform-api2.max.ru'),
    miniApp: z
      .string()
      .transform((text) => text.replace(/^(?:https:\/\/max\.ru\/|@)/, ''))
      .pipe(z.string().regex(/^\w{1,64}$/, 'Публичное имя бота выглядит так: id7700000000_bot.'))
      .optional(),
    clinicName: z.string().max(100, 'Сократите название клиники до 100 знаков.').optional(),
    clinicAddress: z.string().max(300, 'Сократите адрес до 300 знаков.').optional(),
    clinicMapUrl: webAddress('Ссылка на карту должна начинаться с https://.').optional(),
    clinicPhone: z.string().regex(/^\+?[\d\s()-]{5,25}$/, 'Телефон клиники: только цифры, пробелы, скобки и дефисы.').optional(),
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
    name: 'miniApp',
    label: { ru: 'Мини-приложение: публичное имя бота', en: 'Mini-app: public name of the bot' },
    hint: {
      ru: 'Например id7700000000_bot. Под напоминаниями появится кнопка «Мой визит»; адрес мини-приложения для кабинета MAX будет в подробностях подключения. Пусто - без кнопки',
      en: 'For example id7700000000_bot. Reminders get the button "My visit"; the address of the mini-app for the MAX account stands in the details of the connection. Empty: no button',
    },
    secret: false,
    required: false,
  },
  { name: 'clinicName', label: { ru: 'Название клиники для пациентов', en: 'Name of the clinic for patients' }, secret: false, required: false },
  {
    name: 'clinicAddress',
    label: { ru: 'Адрес клиники', en: 'Address of the clinic' },
    hint: { ru: 'Показывается в мини-приложении: «как добраться»', en: 'Shown in the mini-app: how to get there' },
    secret: false,
    required: false,
  },
  {
    name: 'clinicMapUrl',
    label: { ru: 'Ссылка на карту', en: 'Link to a map' },
    hint: { ru: 'Например ссылка «Поделиться» из Яндекс Карт или 2ГИС', en: 'For example the "Share" link of a map service' },
    secret: false,
    required: false,
  },
  { name: 'clinicPhone', label: { ru: 'Телефон клиники', en: 'Phone of the clinic' }, secret: false, required: false },
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
