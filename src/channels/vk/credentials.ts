import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, secretFrom, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

/** VK takes secrets of fifty characters at most. */
const secretLength = 50

const credentialsForm = z
  .object({
    groupId: z
      .string({ error: 'Впишите номер сообщества: он стоит в настройках сообщества, раздел «Работа с API».' })
      .regex(/^(?:club|public)?\d{1,12}$/, 'Номер сообщества - это цифры из адреса вида club123456.')
      .transform((value) => value.replace(/^\D+/, '')),
    accessToken: z.string({ error: 'Впишите ключ доступа сообщества.' }).regex(/^[\w.-]{16,400}$/, 'Скопируйте ключ доступа сообщества целиком: это длинная строка латинских букв и цифр.'),
    confirmation: z.string({ error: 'Впишите строку, которую должен вернуть сервер: она стоит в разделе «Callback API».' }).regex(/^\w{1,64}$/, 'Строка подтверждения - это несколько латинских букв и цифр; скопируйте её из раздела «Callback API».'),
    secret: z
      .string()
      .regex(/^[\w-]{1,50}$/, 'Секретный ключ: до 50 латинских букв, цифр, знаков _ и -.')
      .optional(),
    baseUrl: webAddress('Адрес API должен начинаться с https://.').default('https://api.vk.com'),
    ...networkForm,
  })
  .transform((form) => ({ ...form, secret: form.secret ?? secretFrom(form.accessToken).slice(0, secretLength) }))

export type VkCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): VkCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'groupId',
    label: { ru: 'Номер сообщества', en: 'Community id' },
    hint: { ru: 'Управление - Работа с API - Callback API: group_id', en: 'Manage - API usage - Callback API: group_id' },
    secret: false,
    required: true,
  },
  {
    name: 'accessToken',
    label: { ru: 'Ключ доступа сообщества', en: 'Community access token' },
    hint: { ru: 'Права: управление, сообщения, фотографии, документы, стена', en: 'Rights: manage, messages, photos, docs, wall' },
    secret: true,
    required: true,
  },
  {
    name: 'confirmation',
    label: { ru: 'Строка подтверждения', en: 'Confirmation string' },
    hint: { ru: 'Раздел «Callback API»: «Строка, которую должен вернуть сервер»', en: 'Callback API: the string that the server must return' },
    secret: false,
    required: true,
  },
  {
    name: 'secret',
    label: { ru: 'Секретный ключ', en: 'Secret key' },
    hint: { ru: 'Пусто - свой, надёжный; подключение само запишет его в сообщество', en: 'Empty: a strong one of our own; connecting writes it into the community' },
    secret: true,
    required: false,
    advanced: true,
  },
  { name: 'baseUrl', label: { ru: 'Адрес API', en: 'API address' }, secret: false, required: false, advanced: true, default: 'https://api.vk.com' },
  ...networkFields(),
]
