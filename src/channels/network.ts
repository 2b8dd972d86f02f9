/** How the application reaches a vendor, as the settings of a connection: the same two fields in every channel. */
import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { type CredentialField, type Localized } from './channel.ts'
import { webAddress } from './reading.ts'

const mostCertificates = 10

const notCertificate = 'Вставьте сюда текст файла .pem или .crt целиком: от строки BEGIN CERTIFICATE до строки END CERTIFICATE.'

/** Pasting joins lines or adds spaces: what stands between the two marks is written anew. */
const blocksOf = (text: string): readonly string[] =>
  [...text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)].map(
    ([, base64 = '']) => `-----BEGIN CERTIFICATE-----\n${(base64.replace(/\s/g, '').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----`,
  )

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).raw.byteLength > 0
  } catch {
    return false
  }
}

const certificates = z.string().transform((text, context) => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (text.includes('PRIVATE KEY')) return refuse('Здесь закрытый ключ: уберите его и вставьте только сертификат.')
  const blocks = blocksOf(text)
  if (blocks.length === 0 || !blocks.every(isCertificate)) return refuse(notCertificate)
  if (blocks.length > mostCertificates) return refuse(`Здесь больше ${mostCertificates} сертификатов: оставьте только корневой.`)
  return blocks.join('\n')
})

/**
 * The fields in a channel's form schema. `caFile` is the text of a PEM file, normalised: the administrator of a portal has no access to
 * the server's disk, and a path that a tenant may write would let them ask what lies there.
 */
export const networkForm = {
  proxyUrl: webAddress('Адрес прокси должен начинаться с http:// или https://.').optional(),
  caFile: certificates.optional(),
}

/** The same fields for the page; `hint` says when this vendor's proxy is needed. */
export const networkFields = (hints: { readonly proxy?: Localized; readonly ca?: Localized } = {}): readonly CredentialField[] => [
  {
    name: 'proxyUrl',
    label: { ru: 'Прокси', en: 'Proxy' },
    hint: hints.proxy ?? { ru: 'http://имя:пароль@сервер:порт', en: 'http://name:password@server:port' },
    secret: true,
    required: false,
    advanced: true,
  },
  {
    name: 'caFile',
    label: { ru: 'Корневой сертификат', en: 'Root certificate' },
    hint: hints.ca ?? {
      ru: 'Текст файла .pem, если сертификат сервера выдал центр, которого система не знает',
      en: 'The text of a .pem file, where an authority unknown to the system has issued the server\'s certificate',
    },
    secret: false,
    required: false,
    advanced: true,
    multiline: true,
  },
]
