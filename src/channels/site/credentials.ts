import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm, webAddress } from '../reading.ts'
import { ownAddress } from './own-address.ts'

const defaults = {
  greeting: 'Здравствуйте! Напишите, чем помочь: ответим здесь же.',
  consentText: 'Я согласен на обработку моих персональных данных, чтобы клиника могла мне ответить.',
  colour: '#0b7a75',
  transfer: 'да',
}

/** `clinic.ru` is meant as https; a Cyrillic domain becomes what browsers send. */
const originOf = (written: string): string | undefined => {
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(written) ? written : `https://${written}`)
  const isOrigin = url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '' && !url.hostname.includes('*')
  return isOrigin ? url.origin : undefined
}

const originsSentence = 'Впишите адреса сайта через запятую, например https://clinic.ru, https://www.clinic.ru.'

const credentialsForm = z
  .object({
    origins: z
      .string({ error: originsSentence })
      .transform((text) => text.split(/[\s,;]+/).filter(Boolean).map(originOf))
      .refine((origins): origins is string[] => origins.length > 0 && origins.length <= 20 && origins.every((origin) => origin !== undefined), originsSentence),
    policyUrl: webAddress('Впишите ссылку на политику обработки персональных данных, она начинается с https://.'),
    secret: z
      .string({ error: 'Придумайте секретную фразу не короче 20 знаков: ею подписывается связь чата с приложением.' })
      .min(20, 'Сделайте секретную фразу длиннее: не меньше 20 знаков.')
      .max(500, 'Сделайте секретную фразу короче: не больше 500 знаков.'),
    greeting: z.string().max(500, 'Сократите приветствие до 500 знаков.').default(defaults.greeting),
    consentText: z.string().max(2000, 'Сократите текст согласия до 2000 знаков.').default(defaults.consentText),
    colour: z
      .string()
      .regex(/^#[0-9a-f]{6}$/i, 'Цвет записывается как # и шесть цифр или букв от a до f, например #0b7a75.')
      .default(defaults.colour),
    transfer: z
      .string()
      .regex(/^(?:да|нет|yes|no)$/i, 'Впишите «да» или «нет».')
      .default(defaults.transfer),
    baseUrl: webAddress('Адрес приложения должен начинаться с https:// или http://.').default(ownAddress),
  })
  .transform(({ transfer, ...form }) => ({ ...form, hasTransfer: /^(?:да|yes)$/i.test(transfer) }))

export type SiteCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): SiteCredentials => parseForm(credentialsForm, input)

export const fields: readonly CredentialField[] = [
  {
    name: 'origins',
    label: { ru: 'Адреса сайта', en: 'Site addresses' },
    hint: { ru: 'Через запятую, с www и без, если открываются оба: https://clinic.ru, https://www.clinic.ru', en: 'Separated by commas, with and without www if both open: https://clinic.ru, https://www.clinic.ru' },
    secret: false,
    required: true,
  },
  { name: 'greeting', label: { ru: 'Приветствие', en: 'Greeting' }, secret: false, required: false, default: defaults.greeting },
  {
    name: 'consentText',
    label: { ru: 'Текст согласия', en: 'Consent text' },
    hint: { ru: 'Посетитель принимает его до первого сообщения; новый текст попросим принять заново', en: 'Accepted before the first message; a changed text is to be accepted again' },
    secret: false,
    required: false,
    default: defaults.consentText,
  },
  {
    name: 'policyUrl',
    label: { ru: 'Ссылка на политику обработки данных', en: 'Link to the privacy policy' },
    secret: false,
    required: true,
  },
  { name: 'colour', label: { ru: 'Цвет', en: 'Colour' }, hint: { ru: 'Например #0b7a75', en: 'For example #0b7a75' }, secret: false, required: false, default: defaults.colour },
  {
    name: 'transfer',
    label: { ru: 'Предлагать перейти в мессенджер', en: 'Offer to go on in a messenger' },
    hint: { ru: 'да или нет', en: 'yes or no' },
    secret: false,
    required: false,
    default: defaults.transfer,
  },
  {
    name: 'secret',
    label: { ru: 'Секретная фраза', en: 'Secret phrase' },
    hint: { ru: 'Придумайте любую, от 20 знаков: ею подписывается связь чата с приложением', en: 'Any phrase of 20 characters or more: it signs what the chat and the application say to each other' },
    secret: true,
    required: true,
  },
  {
    name: 'baseUrl',
    label: { ru: 'Адрес приложения изнутри', en: 'The application\'s address from inside' },
    hint: { ru: 'Меняйте, только если публичный адрес не открывается с самого сервера', en: 'Change it only if the public address does not open on the server itself' },
    secret: false,
    required: false,
    advanced: true,
    default: ownAddress,
  },
]
