import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { type Socket } from 'node:net'
import tls from 'node:tls'
import axios, { isAxiosError } from 'axios'
import { ChannelError } from './channel.ts'
import { isCertificateError, trustOf, type Network } from './network.ts'
import { megabytes } from './refusal.ts'

/** One HTTP exchange with a vendor. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string | number>>
  /** Sent as multipart/form-data: the fields, then the file. */
  readonly multipart?: { readonly fields?: Readonly<Record<string, string>>; readonly file: UploadedFile }
  /** The answer's body is wanted as it is: `HttpAnswer.body` of a 2xx is then a Buffer of at most so many bytes. */
  readonly bytes?: number
}

export interface UploadedFile {
  /** Name of the form's field. */
  readonly field: string
  readonly name: string
  readonly mimeType: string
  readonly bytes: Uint8Array
}

export interface HttpAnswer {
  readonly status: number
  /** Parsed JSON, or the text where the vendor answered something else; bytes where they were asked for and given. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * Speaks HTTP with vendors: keep-alive, time limit, no redirects, optional proxy.
 *
 * Returns every answer whatever its status. Throws only when there is no answer: a `ChannelError` of class `transient` whose
 * `outcome` is `rejected` when the request cannot have been written (no connection), else `unknown`.
 */
export interface Http {
  call(request: HttpRequest, options: { readonly signal: AbortSignal } & Network): Promise<HttpAnswer>
}

export interface HttpOptions {
  /** Until the connection (with TLS, and through the proxy) stands. A request that gets no further was never written. */
  readonly connectTimeoutMs?: number
  /** From the call to the end of the answer. Vendors were seen to answer after 35 s, so it is generous: a cut call is an unknown outcome. */
  readonly timeoutMs?: number
  /** Of a request's and of an answer's body, files apart. */
  readonly maxBytes?: number
}

/** How far one exchange got: the difference between "not sent" and "nobody knows". */
interface Progress {
  isWritten: boolean
}

const connectTimeout = (): Error => Object.assign(new Error('no connection in time'), { code: 'CONNECT_TIMEOUT' })

/**
 * Node's own request function, with an eye on the socket: a request is written the moment its connection stands, and not before.
 * Error codes alone cannot tell: ECONNRESET comes both from a refused TLS handshake and from a lost answer.
 */
const watchedTransport = (connectTimeoutMs: number, progress: Progress) => ({
  request(options: RequestOptions, onAnswer: (answer: IncomingMessage) => void): ClientRequest {
    const isSecure = options.protocol === 'https:'
    const request = (isSecure ? https : http).request(options, onAnswer)
    const timer = setTimeout(() => request.destroy(connectTimeout()), connectTimeoutMs)
    request.once('socket', (socket: Socket & { secureConnecting?: boolean }) => {
      const isConnected = (): void => {
        clearTimeout(timer)
        progress.isWritten = true
      }
      const isReady = request.reusedSocket || (isSecure ? socket.secureConnecting === false : !socket.connecting)
      if (isReady) isConnected()
      else socket.once(isSecure ? 'secureConnect' : 'connect', isConnected)
    })
    request.once('close', () => clearTimeout(timer))
    return request
  },
})

/** A socket that idles longer is closed by us: a vendor that closes it first turns the next send into an unknown outcome. */
const agentOptions = { keepAlive: true, timeout: 4_000 }

interface Agents {
  readonly httpAgent: http.Agent
  readonly httpsAgent: https.Agent
}

const agentsFor = ({ proxyUrl, caFile }: Network): Agents => {
  const options = proxyUrl === undefined ? agentOptions : { ...agentOptions, proxyEnv: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl } }
  // Read once: a context is shared by the agent's connections, a list of authorities would be parsed for each.
  const trust = caFile === undefined ? {} : { secureContext: tls.createSecureContext(trustOf({ caFile })) }
  return { httpAgent: new http.Agent(options), httpsAgent: new https.Agent({ ...options, ...trust }) }
}

const closeAgents = ({ httpAgent, httpsAgent }: Agents): void => {
  httpAgent.destroy()
  httpsAgent.destroy()
}

const sentenceFor = (code: string, isWritten: boolean): string => {
  if (isCertificateError(code))
    return 'Сертификат сервера мессенджера не прошёл проверку: вставьте его корневой сертификат в настройки подключения, раздел «Дополнительно».'
  if (isWritten) return 'Сервер мессенджера не ответил: подождите минуту и проверьте подключение ещё раз.'
  return 'Нет связи с сервером мессенджера: проверьте его адрес и прокси в настройках подключения и доступ сервера в интернет.'
}

/** Our own code of an answer that is longer than was wanted. */
const tooBig = 'TOO_BIG'

/** The error holds the code alone: axios' own carries the address, the headers and the body, and with them tokens and phones. */
const silence = (error: unknown, progress: Progress, callerSignal: AbortSignal): ChannelError => {
  const raw = isAxiosError(error) ? (error.code ?? 'NO_ANSWER') : 'NO_ANSWER'
  const isTooBig = isAxiosError(error) && error.message.startsWith('maxContentLength')
  const code = isTooBig ? tooBig : raw !== 'ERR_CANCELED' ? raw : callerSignal.aborted ? 'ABORTED' : 'TIMEOUT'
  return new ChannelError({ class: 'transient', code }, sentenceFor(code, progress.isWritten), { outcome: progress.isWritten ? 'unknown' : 'rejected' })
}

const parsedBody = (body: Buffer): unknown => {
  const text = body.toString('utf8')
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const addressOf = ({ url, query }: HttpRequest): string => {
  const filled = Object.entries(query ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]))
  return filled.length === 0 ? url : `${url}?${new URLSearchParams(filled).toString()}`
}

interface Body {
  readonly data?: string | Buffer
  readonly type?: string
}

const bodyOf = async ({ json, form, multipart }: HttpRequest): Promise<Body> => {
  if (multipart !== undefined) return multipartBody(multipart)
  if (json !== undefined) return { data: JSON.stringify(json), type: 'application/json' }
  if (form === undefined) return {}
  const filled = Object.entries(form).map(([name, value]) => [name, String(value)] as [string, string])
  return { data: new URLSearchParams(filled).toString(), type: 'application/x-www-form-urlencoded; charset=utf-8' }
}

/** The platform writes the body, file names in any language included. */
const multipartBody = async ({ fields = {}, file }: NonNullable<HttpRequest['multipart']>): Promise<Body> => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  form.append(file.field, new Blob([Uint8Array.from(file.bytes)], { type: file.mimeType }), file.name)
  const written = new Response(form)
  return { data: Buffer.from(await written.arrayBuffer()), type: written.headers.get('content-type') ?? undefined }
}

/** Slower than this a transfer counts as dead; the caller's signal may end it earlier. */
const slowestBytesPerMs = 128

/** Proxies and authorities are few - the same for an installation as a rule; beyond this many the agents that were used longest ago are let go. */
const keptNetworks = 50

/**
 * The application's one HTTP client. A certificate authority that Node does not know (MAX: the Russian state root) is added in the
 * connection's settings, or for the whole process with `NODE_EXTRA_CA_CERTS`; verification is never switched off.
 *
 * @see https://nodejs.org/docs/latest-v24.x/api/http.html#built-in-proxy-support
 */
export const createHttp = (options: HttpOptions = {}): Http & { close(): void } => {
  const { connectTimeoutMs = 5_000, timeoutMs = 40_000, maxBytes = 4 * 1024 * 1024 } = options
  const direct = agentsFor({})
  const special = new Map<string, Agents>()

  const agents = ({ proxyUrl, caFile }: Network): Agents => {
    if (proxyUrl === undefined && caFile === undefined) return direct
    const key = JSON.stringify([proxyUrl, caFile])
    const known = special.get(key) ?? agentsFor({ proxyUrl, caFile })
    // Set again, so that the first of the map is the one that was used longest ago. A request that is still out keeps its own socket.
    special.delete(key)
    special.set(key, known)
    const oldest = special.keys().next().value
    if (special.size > keptNetworks && oldest !== undefined) special.delete(oldest)
    return known
  }

  return {
    async call(request, { signal, proxyUrl, caFile }) {
      const progress: Progress = { isWritten: false }
      const { data, type } = await bodyOf(request)
      const transferMs = ((request.multipart?.file.bytes.byteLength ?? 0) + (request.bytes ?? 0)) / slowestBytesPerMs
      try {
        const answer = await axios.request<Buffer>({
          method: request.method,
          url: addressOf(request),
          headers: { accept: 'application/json', 'user-agent': 'Estafeta', ...(type === undefined ? {} : { 'content-type': type }), ...request.headers },
          data,
          ...agents({ proxyUrl, caFile }),
          // `false` also keeps the environment's proxy out; with our own proxy the agent decides.
          proxy: proxyUrl === undefined ? false : undefined,
          transport: watchedTransport(connectTimeoutMs, progress),
          signal: AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutMs + transferMs))]),
          maxRedirects: 0,
          maxContentLength: request.bytes ?? maxBytes,
          maxBodyLength: request.multipart === undefined ? maxBytes : Infinity,
          responseType: 'arraybuffer',
          transformRequest: (body: unknown) => body,
          transformResponse: (body: unknown) => body,
          validateStatus: () => true,
        })
        const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value === undefined ? undefined : String(value)]))
        const isWanted = request.bytes !== undefined && answer.status >= 200 && answer.status <= 299
        return { status: answer.status, body: isWanted ? answer.data : parsedBody(answer.data), headers }
      } catch (error) {
        throw silence(error, progress, signal)
      }
    },
    close() {
      for (const pair of [direct, ...special.values()]) closeAgents(pair)
    },
  }
}

const mostRedirects = 3

export interface Downloaded {
  readonly bytes: Uint8Array
  readonly mimeType?: string
}

/**
 * A file from a vendor's store, which may stand behind redirects: the headers - and with them the key - go to the first host alone.
 *
 * @throws ChannelError of class `content` when the file is larger than `maxBytes` or no longer there, `rateLimited` for this file, else `transient`
 */
export const downloadFile = async (
  http: Http,
  request: { readonly url: string; readonly headers?: Readonly<Record<string, string>> },
  options: { readonly signal: AbortSignal; readonly maxBytes: number } & Network,
): Promise<Downloaded> => {
  let { url, headers } = request
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const answer = await askForFile(http, { method: 'GET', url, headers, bytes: options.maxBytes }, options)
    const location = answer.status >= 300 && answer.status <= 399 ? answer.headers['location'] : undefined
    if (location === undefined) return fileOf(answer)
    const next = URL.parse(location, url)
    const isAllowed = next !== null && (next.protocol === 'https:' || next.protocol === new URL(url).protocol)
    if (!isAllowed) break
    if (next.origin !== new URL(url).origin) headers = undefined
    url = next.href
  }
  throw new ChannelError({ class: 'transient', code: 'file.redirects' }, 'Файл сейчас не скачать: откройте его ещё раз через несколько минут.')
}

export const tooLargeFile = (maxBytes: number): ChannelError =>
  new ChannelError({ class: 'content', code: 'file.large' }, `Файл больше ${megabytes(maxBytes)} МБ: попросите прислать его частями или ссылкой.`)

export const goneFile = (): ChannelError => new ChannelError({ class: 'content', code: 'file.gone' }, 'Файла больше нет в мессенджере: попросите прислать его ещё раз.')

/** The file was not read: whatever happened, asking again does no harm. */
const askForFile = async (http: Http, request: HttpRequest, options: { readonly signal: AbortSignal; readonly maxBytes: number } & Network): Promise<HttpAnswer> => {
  try {
    return await http.call(request, options)
  } catch (error) {
    throw error instanceof ChannelError && error.failure.code === tooBig ? tooLargeFile(options.maxBytes) : error
  }
}

const fileOf = ({ status, body, headers }: HttpAnswer): Downloaded => {
  if (body instanceof Uint8Array && status >= 200 && status <= 299) {
    const mimeType = headers['content-type']?.split(';')[0]?.trim()
    return { bytes: body, ...(mimeType === undefined || mimeType === '' ? {} : { mimeType }) }
  }
  if (status === 404 || status === 410) throw goneFile()
  const failureClass = status === 429 ? 'rateLimited' : 'transient'
  throw new ChannelError({ class: failureClass, code: `file.${status}` }, 'Файл сейчас не скачать: откройте его ещё раз через несколько минут.')
}
