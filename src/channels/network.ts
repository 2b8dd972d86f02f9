/** How the application reaches a vendor: the settings of a connection, the same two in every channel, and a socket that goes by them. */
import { X509Certificate } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { z } from 'zod'
import { type CredentialField, type Localized } from './channel.ts'
import { webAddress } from './reading.ts'

/** Settings of a connection. */
export interface Network {
  readonly proxyUrl?: string
  /** PEM text of certificate authorities that are trusted beside the system's own. */
  readonly caFile?: string
}

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

/** The authorities that a connection trusts: the system's own and that of its settings, which no other connection trusts. */
export const trustOf = ({ caFile }: Pick<Network, 'caFile'>): { readonly ca?: string[] } => (caFile === undefined ? {} : { ca: [...tls.getCACertificates('default'), caFile] })

/** Whether a code of Node says that the certificate did not pass. @see https://nodejs.org/docs/latest-v24.x/api/tls.html#x509-certificate-error-codes */
export const isCertificateError = (code: string): boolean => /^(?:ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_|HOSTNAME_|PATH_LENGTH)/.test(code)

/** A URL's host as sockets take it: an IPv6 address without its brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

/** A server by its name goes without it where the name is an address (RFC 6066, section 3). */
export const serverNameOf = (host: string): { readonly servername?: string } => (net.isIP(host) === 0 ? { servername: host } : {})

/** No socket came to stand: nothing was said to the server. It knows a code and nothing else, for Node's own errors name addresses. */
export class NoSocketError extends Error {
  readonly code: string

  constructor(code: string) {
    super('No connection came to stand.')
    this.name = 'NoSocketError'
    this.code = code
  }
}

export interface SocketAddress {
  readonly host: string
  readonly port: number
  /** TLS from the first byte. */
  readonly isTls: boolean
}

/** A connection that stands. */
export type VendorSocket = Socket

/** Until the socket stands, with TLS and through the proxy. */
const openTimeoutMs = 15_000

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? 'ERROR'

/** The URL's user information, decoded; a lone `%` is meant as it stands. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Asks a proxy for a way to the server. @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6 */
const askProxy = (proxyUrl: string, { host, port }: SocketAddress, network: Network): http.ClientRequest => {
  const proxy = new URL(proxyUrl)
  const isSecure = proxy.protocol === 'https:'
  const target = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`
  const login = proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(`${decoded(proxy.username)}:${decoded(proxy.password)}`).toString('base64')}` }
  const proxyHost = hostOf(proxy)
  const options = { method: 'CONNECT', host: proxyHost, port: proxy.port === '' ? (isSecure ? 443 : 80) : Number(proxy.port), path: target, headers: { host: target, ...login }, agent: false }
  return isSecure ? https.request({ ...options, ...serverNameOf(proxyHost), ...trustOf(network) }) : http.request(options)
}

/**
 * A socket to a vendor that speaks no HTTP, directly or by the proxy's CONNECT, with TLS where the address says so. Nothing is written to a
 * server whose certificate did not pass. Whoever takes it listens to its errors; until then none is thrown.
 *
 * @throws NoSocketError with Node's code, `TIMEOUT` when `signal` or 15 s ended it, `PROXY <status>` when the proxy refused
 */
export const openSocket = async (address: SocketAddress, network: Network, signal: AbortSignal): Promise<VendorSocket> => {
  const until = AbortSignal.any([signal, AbortSignal.timeout(openTimeoutMs)])
  const tunnel = network.proxyUrl === undefined ? undefined : await standing(until, (done, fail) => {
    const request = askProxy(network.proxyUrl!, address, network)
    request.once('connect', ({ statusCode = 0 }, socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy()
        fail(new NoSocketError(`PROXY ${statusCode}`))
        return
      }
      // A server that speaks first may have been quicker than the listener.
      if (head.byteLength > 0) socket.unshift(head)
      done(socket)
    })
    request.once('error', (error) => fail(new NoSocketError(codeOf(error))))
    request.end()
    return request
  })
  const { host, port, isTls } = address
  if (tunnel !== undefined && !isTls) return tunnel
  return standing(until, (done, fail) => {
    const socket = isTls
      ? tls.connect({ host, port, ...serverNameOf(host), ...trustOf(network), ...(tunnel === undefined ? {} : { socket: tunnel }) })
      : net.connect({ host, port })
    socket.once(isTls ? 'secureConnect' : 'connect', () => done(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => fail(new NoSocketError(codeOf(error))))
    // A proxy that breaks off in the middle of a handshake ends the socket without an error.
    socket.once('close', () => fail(new NoSocketError('ECONNRESET')))
    return socket
  })
}

/** One step of the way, which is given up with everything that it holds when `until` says so. */
const standing = async (until: AbortSignal, start: (done: (socket: Socket) => void, fail: (error: NoSocketError) => void) => { destroy(): unknown }): Promise<Socket> =>
  new Promise((resolve, reject) => {
    if (until.aborted) {
      reject(new NoSocketError('TIMEOUT'))
      return
    }
    const onAbort = (): void => {
      way.destroy()
      reject(new NoSocketError('TIMEOUT'))
    }
    const done = (socket: Socket): void => {
      until.removeEventListener('abort', onAbort)
      socket.on('error', () => undefined)
      resolve(socket)
    }
    const fail = (error: NoSocketError): void => {
      until.removeEventListener('abort', onAbort)
      reject(error)
    }
    until.addEventListener('abort', onAbort, { once: true })
    const way = start(done, fail)
  })
