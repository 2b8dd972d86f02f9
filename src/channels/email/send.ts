import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { type ChannelContext, type ChannelLimits, type OutboundMessage, type Sent } from '../channel.ts'
import { openSocket, type VendorSocket } from '../network.ts'
import { refuseOversize } from '../refusal.ts'
import { composeLetter, messageIdOf, returnPathOf } from './compose.ts'
import { serverOf, type EmailCredentials, type MailServer } from './credentials.ts'
import { smtpFailure } from './errors.ts'

export const limits: ChannelLimits = {
  textLength: 20_000,
  // Base64 adds a third, and most servers take 25 MB.
  files: { maxBytes: 15 * 1024 * 1024, captionLength: 20_000 },
  perSecond: 2,
}

/** The defaults are minutes. */
const timeouts = { connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 60_000 } as const

const reach = async (server: MailServer, credentials: EmailCredentials, signal: AbortSignal): Promise<VendorSocket> => {
  try {
    return await openSocket(server, credentials, signal)
  } catch (error) {
    throw smtpFailure(error, false)
  }
}

/** A connection that has logged in, for `work`; it is closed whatever happens. `isWritten` says whether a letter had begun to leave. */
const withServer = async <Result>({ credentials, signal }: ChannelContext<EmailCredentials>, work: (connection: SMTPConnection, onWritten: () => void) => Promise<Result>): Promise<Result> => {
  const server = serverOf(credentials.smtp, credentials)
  const { host, port, isTls, needsTls, tls } = server
  const socket = await reach(server, credentials, signal)
  const connection = new SMTPConnection({
    host, port, connection: socket, secure: isTls, secured: isTls, requireTLS: !isTls && needsTls, ignoreTLS: false, tls: { ...tls }, logger: false, ...timeouts,
  })
  let isWritten = false
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => (fail = reject))
  failed.catch(() => undefined)
  connection.on('error', (error: unknown) => fail(error))
  connection.on('end', () => fail({ code: 'ECONNECTION' }))
  const onAbort = (): void => fail({ code: 'TIMEOUT' })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const steps = async (): Promise<Result> => {
      await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())))
      // A relay on the own machine may want no password; nobody can take the offer away from an encrypted connection.
      if (!(connection as SMTPConnection & { readonly allowsAuth: boolean }).allowsAuth) return work(connection, () => (isWritten = true))
      await new Promise<void>((resolve, reject) =>
        connection.login({ credentials: { user: credentials.login, pass: credentials.password } }, (error) => (error ? reject(error) : resolve())),
      )
      return work(connection, () => (isWritten = true))
    }
    return await Promise.race([steps(), failed])
  } catch (error) {
    throw smtpFailure(error, isWritten)
  } finally {
    signal.removeEventListener('abort', onAbort)
    connection.removeAllListeners('error')
    connection.on('error', () => undefined)
    if (signal.aborted) connection.close()
    else connection.quit()
  }
}

/** Logs in and leaves. */
export const checkSmtp = async (context: ChannelContext<EmailCredentials>): Promise<void> => withServer(context, async () => Promise.resolve())

/**
 * One letter, one connection. Reports of delivery are asked for where the server can (DSN): success, failure and delay, under our own id.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3461
 */
export const send = async (message: OutboundMessage, context: ChannelContext<EmailCredentials>): Promise<Sent> => {
  refuseOversize(message, limits)
  const { credentials } = context
  const letter = await composeLetter(message, credentials)
  await withServer(context, async (connection, onWritten) => {
    let at = 0
    // It is read only when the server has said that it takes the letter: until then nothing can be out.
    const stream = new Readable({
      read(size) {
        onWritten()
        this.push(at < letter.length ? letter.subarray(at, (at += size)) : null)
      },
    })
    const dsn = { id: message.ref, return: 'HDRS', notify: ['SUCCESS', 'FAILURE', 'DELAY'], recipient: `rfc822;${message.to}` }
    await new Promise<void>((resolve, reject) =>
      connection.send({ from: returnPathOf(message.ref, credentials), to: [message.to], dsn }, stream, (error) => (error ? reject(error) : resolve())),
    )
  })
  return { externalId: messageIdOf(message.ref, credentials), parts: 1 }
}
