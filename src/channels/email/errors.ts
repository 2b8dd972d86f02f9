import { ChannelError } from '../channel.ts'
import { isCertificateError, NoSocketError } from '../network.ts'
import { type FailureClass } from '../../domain/receipt.ts'

/** A mail server may ask for patience (greylisting); asking sooner starts it anew. */
const greylistSeconds = 300

/**
 * What a status means (RFC 3463), in an answer or in a bounce: by its subject and detail first, else by its first digit.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3463
 */
export const classOf = (status: string): FailureClass => {
  const [kind = '5', subject = '0', detail = '0'] = status.split('.')
  // A full mailbox, and a server that could not be reached until the letter was too old.
  if (`${subject}.${detail}` === '2.2' || `${subject}.${detail}` === '4.7' || (subject === '4' && detail === '1')) return 'recipientTemporary'
  if (subject === '3' && detail === '4') return 'content'
  if (subject === '1' || subject === '2' || (subject === '4' && detail === '4')) return kind === '4' ? 'recipientTemporary' : 'recipientPermanent'
  // Policy, size and form: another letter might pass.
  if (subject === '6' || subject === '7') return kind === '4' ? 'recipientTemporary' : 'content'
  return kind === '4' ? 'recipientTemporary' : 'recipientPermanent'
}

const sentences: Readonly<Record<string, string>> = {
  auth: 'Почтовый сервер не принял логин или пароль: исправьте их в настройках подключения; у крупных почтовых служб нужен пароль приложения.',
  sender: 'Почтовый сервер не разрешает писать с этого адреса: проверьте адрес клиники и логин в настройках подключения.',
  recipient: 'Такого почтового адреса нет: исправьте его в карточке или позвоните человеку.',
  full: 'Почтовый ящик пациента переполнен: попробуйте позже или другой мессенджер.',
  content: 'Почтовый сервер не пропустил письмо: измените текст или уменьшите вложение.',
  later: 'Почтовый сервер просит подождать: письмо уйдёт позже.',
  away: 'Нет связи с почтовым сервером: проверьте его адрес, порт и прокси в настройках подключения и доступ сервера к ним.',
  silent: 'Почтовый сервер не ответил: подождите минуту и проверьте подключение ещё раз.',
  certificate: 'Сертификат почтового сервера не прошёл проверку: вставьте его корневой сертификат в настройки подключения, раздел «Дополнительно».',
  tls: 'Почтовый сервер не включает шифрование: укажите адрес с smtps:// или imaps://.',
  folder: 'Такой папки в почте нет: исправьте её имя в настройках подключения.',
}

export const failure = (kind: FailureClass, code: string, sentence: keyof typeof sentences, options: { retryAfterSeconds?: number; outcome?: 'unknown' } = {}): ChannelError =>
  new ChannelError({ class: kind, code }, sentences[sentence]!, options)

/** What a package throws: its own code, Node's code behind it, and the server's answer where there was one. */
interface Thrown {
  readonly code?: string
  readonly originalCode?: string
  readonly responseCode?: number
  readonly response?: string
  readonly command?: string
  readonly authenticationFailed?: boolean
  readonly tlsFailed?: boolean
  readonly responseStatus?: string
}

const badCertificate = (): ChannelError => failure('channelPermanent', 'certificate', 'certificate')

/** Nobody was spoken to. */
const notReached = ({ code }: NoSocketError): ChannelError => (isCertificateError(code) ? badCertificate() : failure('transient', code, 'away'))

/** The server's answer to a step of sending; `isWritten`: the letter itself had begun to leave. */
export const smtpFailure = (thrown: unknown, isWritten: boolean): ChannelError => {
  if (thrown instanceof NoSocketError) return notReached(thrown)
  const { code = 'ERROR', originalCode = code, responseCode, response = '', command = '' } = thrown as Thrown
  if (responseCode === undefined) {
    if (isWritten) return failure('transient', code, 'silent', { outcome: 'unknown' })
    if (code === 'EAUTH') return failure('channelPermanent', code, 'auth')
    if (isCertificateError(originalCode)) return badCertificate()
    if (code === 'ETLS') return failure('channelPermanent', code, 'tls')
    return failure('transient', code, 'away')
  }
  const status = /^[\d -]{3,4}([245]\.\d{1,3}\.\d{1,3})/.exec(response)?.[1]
  const shown = status ?? String(responseCode)
  if (code === 'EAUTH' || [530, 534, 535, 538].includes(responseCode)) return failure('channelPermanent', shown, 'auth')
  if (responseCode < 500) return failure('transient', shown, 'later', { retryAfterSeconds: greylistSeconds })
  // Said before there was a letter: it speaks of us, and of no recipient.
  if (code === 'ETLS') return failure('channelPermanent', code, 'tls')
  if (!isWritten && ['CONN', 'EHLO', 'HELO'].includes(command)) return failure('channelTemporary', shown, 'away')
  if (command === 'MAIL FROM') return status?.startsWith('5.3') === true || responseCode === 552 ? failure('content', shown, 'content') : failure('channelPermanent', shown, 'sender')
  if (status === undefined) return command === 'RCPT TO' || [550, 551, 553].includes(responseCode) ? failure('recipientPermanent', shown, 'recipient') : failure('content', shown, 'content')
  const kind = classOf(status)
  return failure(kind, shown, kind === 'content' ? 'content' : kind === 'recipientTemporary' ? 'full' : 'recipient')
}

/** Why the mailbox could not be opened. */
export const imapFailure = (thrown: unknown): ChannelError => {
  if (thrown instanceof ChannelError) return thrown
  if (thrown instanceof NoSocketError) return notReached(thrown)
  const { code = 'ERROR', authenticationFailed, tlsFailed, responseStatus } = thrown as Thrown
  if (authenticationFailed === true) return failure('channelPermanent', 'AUTHENTICATIONFAILED', 'auth')
  if (isCertificateError(code)) return badCertificate()
  // Without a code the server itself offers no encryption; with one it broke on the way.
  if (tlsFailed === true && code === 'ERROR') return failure('channelPermanent', 'ETLS', 'tls')
  if (responseStatus === 'NO') return failure('channelPermanent', 'folder', 'folder')
  return failure('transient', code, 'away')
}
