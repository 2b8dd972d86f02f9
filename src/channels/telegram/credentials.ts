import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, secretFrom, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const credentialsForm = z
  .object({
    botToken: z.string({ error: 'Впишите токен бота, который выдал @BotFather.' }).regex(/^\d{3,20}:[\w-]{10,100}$/, 'Токен бота выглядит так: 123456789:AA...; скопируйте его у @BotFather целиком.'),
    webhookSecret: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,256}$/, 'Секрет вебхука: до 256 латинских букв, цифр, знаков _ и -.')
      .optional(),
    apiRoot: webAddress('Адрес Bot API должен начинаться с https://.').default('https://api.telegram.org'),
    ...networkForm,
  })
  .transform((form) => ({ ...form, webhookSecret: form.webhookSecret ?? secretFrom(form.botToken) }))

export type TelegramCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): TelegramCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'botToken',
    label: { ru: 'Токен бота', en: 'Bot token' },
    hint: { ru: 'Выдаёт @BotFather: команда /newbot или /token', en: 'Given by @BotFather: /newbot or /token' },
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
    name: 'apiRoot',
    label: { ru: 'Адрес Bot API', en: 'Bot API address' },
    hint: { ru: 'Свой сервер Bot API, если api.telegram.org недоступен', en: 'Your own Bot API server where api.telegram.org cannot be reached' },
    secret: false,
    required: false,
    advanced: true,
    default: 'https://api.telegram.org',
  },
  ...networkFields(),
]
