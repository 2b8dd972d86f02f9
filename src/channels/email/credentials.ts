import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm } from '../reading.ts'
import { normalizeEmail } from '../../domain/email.ts'
import { hostOf, networkFields, networkForm, trustOf, type Network, type SocketAddress } from '../network.ts'

const mailServer = (protocol: 'smtp' | 'imap', empty: string) =>
  z.string({ error: empty }).refine((value) => {
    const url = URL.parse(value)
    return url !== null && [`${protocol}:`, `${protocol}s:`].includes(url.protocol) && url.hostname !== '' && url.username === ''
  }, `Адрес начинается с ${protocol}s:// (или ${protocol}:// - тогда шифрование включается командой STARTTLS) и содержит сервер и порт.`)

const emailAddress = (message: string) =>
  z.string({ error: message }).transform((value, context) => {
    const address = normalizeEmail(value)
    if (address !== undefined) return address
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const oneLine = (most: number, message: string) => z.string().max(most, message).regex(/^[^\r\n]*$/, message)

/** Patients read it. */
const defaultSubject = 'Сообщение от клиники'

const credentialsForm = z
  .object({
    address: emailAddress('Впишите адрес, с которого пишет клиника, например reception@clinic.ru.'),
    senderName: oneLine(100, 'Имя отправителя: одна строка до 100 знаков.').optional(),
    password: z.string({ error: 'Впишите пароль почты; у Яндекса, Mail.ru и Google - пароль приложения.' }),
    login: oneLine(254, 'Логин почты: одна строка.').optional(),
    smtp: mailServer('smtp', 'Впишите сервер исходящей почты, например smtps://smtp.yandex.ru:465.'),
    imap: mailServer('imap', 'Впишите сервер входящей почты, например imaps://imap.yandex.ru:993.'),
    subject: oneLine(150, 'Тема: одна строка до 150 знаков.').default(defaultSubject),
    folder: oneLine(200, 'Папка: одна строка.').default('INBOX'),
    bounceAddress: z.string().regex(/^[^\s@*]*\*[^\s@*]*@[^\s@*]+$/, 'Адрес для возвратов содержит звёздочку: bounce+*@clinic.ru.').optional(),
    ...networkForm,
  })
  .transform((form) => ({ ...form, login: form.login ?? form.address }))

export type EmailCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): EmailCredentials => parseForm(credentialsForm, input)

export interface MailServer extends SocketAddress {
  /** A password never leaves this machine in the clear. */
  readonly needsTls: boolean
  /** For a connection that is encrypted later (STARTTLS). */
  readonly tls: { readonly ca?: string[] }
}

const usualPorts: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465, 'imap:': 143, 'imaps:': 993 }
const isOwnMachine = (host: string): boolean => /^(?:127\.\d+\.\d+\.\d+|localhost|::1)$/.test(host)

export const serverOf = (address: string, network: Network): MailServer => {
  const url = new URL(address)
  const host = hostOf(url)
  return {
    host,
    port: url.port === '' ? usualPorts[url.protocol]! : Number(url.port),
    isTls: url.protocol.endsWith('s:'),
    // "The own machine" of a proxy is another one.
    needsTls: network.proxyUrl !== undefined || !isOwnMachine(host),
    tls: trustOf(network),
  }
}

/** What stands right of the `@`, for message ids. */
export const domainOf = ({ address }: Pick<EmailCredentials, 'address'>): string => address.slice(address.lastIndexOf('@') + 1)

const advanced = { secret: false, required: false, advanced: true } as const

export const fields: readonly CredentialField[] = [
  { name: 'address', label: { ru: 'Адрес клиники', en: 'Clinic\'s address' }, hint: { ru: 'С него уходят письма и на него отвечают пациенты', en: 'Letters leave from it and patients answer to it' }, secret: false, required: true },
  { name: 'senderName', label: { ru: 'Имя отправителя', en: 'Sender name' }, secret: false, required: false },
  {
    name: 'password', label: { ru: 'Пароль', en: 'Password' },
    hint: { ru: 'У Яндекса, Mail.ru и Google - пароль приложения из настроек безопасности', en: 'An app password where the provider has them' }, secret: true, required: true,
  },
  { name: 'smtp', label: { ru: 'Исходящая почта (SMTP)', en: 'Outgoing mail (SMTP)' }, hint: { ru: 'smtps://smtp.yandex.ru:465 или smtp://сервер:587', en: 'smtps://server:465 or smtp://server:587' }, secret: false, required: true },
  { name: 'imap', label: { ru: 'Входящая почта (IMAP)', en: 'Incoming mail (IMAP)' }, hint: { ru: 'imaps://imap.yandex.ru:993', en: 'imaps://server:993' }, secret: false, required: true },
  { name: 'login', label: { ru: 'Логин', en: 'Login' }, hint: { ru: 'Пусто - адрес клиники', en: 'Empty: the clinic\'s address' }, ...advanced },
  { name: 'subject', label: { ru: 'Тема писем', en: 'Subject' }, ...advanced, default: defaultSubject },
  { name: 'folder', label: { ru: 'Папка входящих', en: 'Folder' }, ...advanced, default: 'INBOX' },
  {
    name: 'bounceAddress', label: { ru: 'Адрес для возвратов', en: 'Bounce address' },
    hint: { ru: 'bounce+*@clinic.ru: вместо звёздочки - номер письма; письма на него должны попадать в эту же папку', en: 'bounce+*@clinic.ru: the asterisk becomes the letter\'s id; its mail must arrive in this folder' }, ...advanced,
  },
  ...networkFields(),
]
