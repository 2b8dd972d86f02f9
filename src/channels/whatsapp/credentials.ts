import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const digits = (message: string) => z.string({ error: message }).regex(/^\d{5,20}$/, message)
const word = (message: string) => z.string({ error: message }).min(1, message)

const credentialsForm = z.object({
  phoneNumberId: digits('Впишите идентификатор номера телефона: только цифры, из WhatsApp Manager.'),
  businessAccountId: digits('Впишите идентификатор аккаунта WhatsApp Business: только цифры, из WhatsApp Manager.'),
  accessToken: word('Впишите постоянный токен системного пользователя или ключ партнёра.').regex(/^\S+$/, 'Уберите пробелы и переносы строк из токена.'),
  appSecret: word('Впишите секрет приложения Meta: без него нельзя проверить подпись сообщений.'),
  verifyToken: word('Придумайте проверочное слово и впишите его здесь и в консоли Meta.'),
  baseUrl: webAddress('Адрес API должен начинаться с https://.').default('https://graph.facebook.com/v23.0'),
  authHeader: z.enum(['Bearer', 'D360-API-KEY'], { error: 'Впишите Bearer или D360-API-KEY.' }).default('Bearer'),
  ...networkForm,
})

/** `baseUrl` includes the version for Meta and has none for partners; `authHeader` is how the key is shown to it. */
export type WhatsAppCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): WhatsAppCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'phoneNumberId',
    label: { ru: 'Идентификатор номера телефона', en: 'Phone number ID' },
    hint: { ru: 'WhatsApp Manager - Настройка API', en: 'WhatsApp Manager - API setup' },
    secret: false,
    required: true,
  },
  {
    name: 'businessAccountId',
    label: { ru: 'Идентификатор аккаунта WhatsApp Business', en: 'WhatsApp Business account ID' },
    secret: false,
    required: true,
  },
  {
    name: 'accessToken',
    label: { ru: 'Постоянный токен', en: 'Permanent access token' },
    hint: { ru: 'Токен системного пользователя с правами whatsapp_business_messaging и whatsapp_business_management', en: 'System user token with whatsapp_business_messaging and whatsapp_business_management' },
    secret: true,
    required: true,
  },
  {
    name: 'appSecret',
    label: { ru: 'Секрет приложения', en: 'App secret' },
    hint: { ru: 'Настройки приложения Meta - Основное; для партнёра - любая случайная строка', en: 'Meta app settings - Basic; with a partner any random string' },
    secret: true,
    required: true,
  },
  {
    name: 'verifyToken',
    label: { ru: 'Проверочное слово вебхука', en: 'Webhook verify token' },
    hint: { ru: 'Придумайте сами и впишите такое же в консоли Meta', en: 'Make one up and enter the same in the Meta console' },
    secret: true,
    required: true,
  },
  {
    name: 'baseUrl',
    label: { ru: 'Адрес API', en: 'API address' },
    secret: false,
    required: false,
    advanced: true,
    default: 'https://graph.facebook.com/v23.0',
  },
  {
    name: 'authHeader',
    label: { ru: 'Заголовок с ключом', en: 'Key header' },
    hint: { ru: 'Bearer для Meta, D360-API-KEY для 360dialog', en: 'Bearer for Meta, D360-API-KEY for 360dialog' },
    secret: false,
    required: false,
    advanced: true,
    default: 'Bearer',
  },
  ...networkFields({ proxy: { ru: 'Нужен, если сервер стоит в России: graph.facebook.com оттуда недоступен', en: 'Needed where graph.facebook.com cannot be reached' } }),
]
