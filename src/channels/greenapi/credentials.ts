import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, secretFrom, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const word = (message: string) => z.string({ error: message }).regex(/^\S+$/, message)

const credentialsForm = z
  .object({
    idInstance: z.string({ error: 'Впишите idInstance: только цифры, из кабинета GREEN-API.' }).regex(/^\d{4,20}$/, 'Впишите idInstance: только цифры, из кабинета GREEN-API.'),
    apiTokenInstance: word('Впишите apiTokenInstance из кабинета GREEN-API целиком, без пробелов.').regex(/^[\w-]{10,200}$/, 'Впишите apiTokenInstance из кабинета GREEN-API целиком, без пробелов.'),
    webhookToken: z
      .string()
      .regex(/^[\w-]{8,200}$/, 'Токен вебхука: от 8 латинских букв, цифр, знаков _ и -.')
      .optional(),
    apiUrl: webAddress('Адрес API должен начинаться с https://.').default('https://api.green-api.com'),
    mediaUrl: webAddress('Адрес для файлов должен начинаться с https://.').optional(),
    ...networkForm,
  })
  .transform((form) => ({ ...form, webhookToken: form.webhookToken ?? secretFrom(form.apiTokenInstance), mediaUrl: form.mediaUrl ?? mediaUrlOf(form.apiUrl) }))

/** `1103.api.green-api.com` has its files at `1103.media.green-api.com`; any other host takes them itself. */
const mediaUrlOf = (apiUrl: string): string => apiUrl.replace(/^(https:\/\/(?:\d+\.)?)api(?=\.(?:green-api\.com|greenapi\.com)$)/, '$1media')

export type GreenApiCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): GreenApiCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'idInstance',
    label: { ru: 'idInstance', en: 'idInstance' },
    hint: { ru: 'Кабинет console.green-api.com - карточка инстанса WhatsApp', en: 'console.green-api.com - the card of the WhatsApp instance' },
    secret: false,
    required: true,
  },
  {
    name: 'apiTokenInstance',
    label: { ru: 'apiTokenInstance', en: 'apiTokenInstance' },
    hint: { ru: 'Там же', en: 'The same place' },
    secret: true,
    required: true,
  },
  {
    name: 'apiUrl',
    label: { ru: 'Адрес API (apiUrl)', en: 'API address (apiUrl)' },
    hint: { ru: 'У каждого инстанса свой: он показан в его карточке', en: 'Each instance has its own: it is shown in its card' },
    secret: false,
    required: false,
    advanced: true,
    default: 'https://api.green-api.com',
  },
  {
    name: 'mediaUrl',
    label: { ru: 'Адрес для файлов (mediaUrl)', en: 'Address for files (mediaUrl)' },
    hint: { ru: 'Пусто - приложение выведет его из адреса API', en: 'Empty: the application derives it from the API address' },
    secret: false,
    required: false,
    advanced: true,
  },
  {
    name: 'webhookToken',
    label: { ru: 'Токен вебхука', en: 'Webhook token' },
    hint: { ru: 'Пусто - приложение выведет его из apiTokenInstance', en: 'Empty: the application derives it from apiTokenInstance' },
    secret: true,
    required: false,
    advanced: true,
  },
  ...networkFields(),
]
