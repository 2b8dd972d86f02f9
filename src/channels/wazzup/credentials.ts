import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, secretFrom, webAddress } from '../reading.ts'
import { networkFields, networkForm } from '../network.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const credentialsForm = z
  .object({
    apiKey: z.string({ error: 'Впишите ключ API из кабинета Wazzup.' }).regex(/^[\w-]{8,200}$/, 'Впишите ключ API из кабинета Wazzup целиком, без пробелов.'),
    channelId: z.string({ error: 'Впишите идентификатор канала Wazzup (channelId).' }).regex(uuid, 'Идентификатор канала выглядит так: d9e5721c-ce2b-444f-9627-60a8129d7e1f.'),
    crmKey: z
      .string()
      .regex(/^\S{8,500}$/, 'Ключ CRM: от 8 знаков без пробелов; если его нет, оставьте поле пустым.')
      .optional(),
    baseUrl: webAddress('Адрес API должен начинаться с https://.').default('https://api.wazzup24.com'),
    ...networkForm,
  })
  // The webhook's address may have 200 characters, so its secret is short.
  .transform((form) => ({ ...form, channelId: form.channelId.toLowerCase(), hookSecret: secretFrom(form.apiKey).slice(0, 32) }))

/** `hookSecret` goes into the webhook's address: the vendor signs nothing. */
export type WazzupCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): WazzupCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'apiKey',
    label: { ru: 'Ключ API', en: 'API key' },
    hint: { ru: 'Кабинет Wazzup - Интеграции - API', en: 'Wazzup - Integrations - API' },
    secret: true,
    required: true,
  },
  {
    name: 'channelId',
    label: { ru: 'Идентификатор канала', en: 'Channel ID' },
    hint: { ru: 'channelId из списка каналов; кабинет показывает его в адресе страницы канала', en: 'channelId of the list of channels; the account shows it in the address of the channel\'s page' },
    secret: false,
    required: true,
  },
  {
    name: 'crmKey',
    label: { ru: 'Ключ CRM (crmKey)', en: 'CRM key (crmKey)' },
    hint: { ru: 'Только если он задан в Wazzup: тогда им подписан каждый вебхук', en: 'Only where it is set in Wazzup: every webhook then shows it' },
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
    default: 'https://api.wazzup24.com',
  },
  ...networkFields(),
]
