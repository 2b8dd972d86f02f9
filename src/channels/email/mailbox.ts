import { createHash } from 'node:crypto'
import { connect as connectTls } from 'node:tls'
import { ImapFlow, type FetchMessageObject, type ImapTransport } from 'imapflow'
import { z } from 'zod'
import { type ChannelContext, type InboundFile, type Session, type SessionContext } from '../channel.ts'
import { openSocket, type VendorSocket } from '../network.ts'
import { serverOf, type EmailCredentials, type MailServer } from './credentials.ts'
import { failure, imapFailure } from './errors.ts'
import { readLetter, type Letter } from './letter.ts'

/** Where the next session goes on. UIDs grow as long as the mailbox keeps its validity. @see https://www.rfc-editor.org/rfc/rfc3501#section-2.3.1.1 */
const cursorShape = z.object({ mailbox: z.string(), validity: z.string(), uid: z.number(), at: z.number() })
type Cursor = z.output<typeof cursorShape>

/** Asked besides being told: servers and firewalls lose idle connections without a word. */
const pollMs = 30_000
const logoutMs = 3_000
/** A letter beyond this is taken without its end: its text is at the beginning. */
const mostBytes = 30 * 1024 * 1024
const headBytes = 256 * 1024
/** A search knows days only, in the server's time. */
const dayMs = 24 * 3600_000

/** The package's own way to a server knows neither the authority of a proxy nor how to give up at once: it is handed a socket that stands. */
const over = (socket: VendorSocket): ImapTransport => ({
  connect: (_, onConnect) => {
    setImmediate(onConnect)
    return socket
  },
  upgrade: (plain, { host, port, servername, tls }, onSecure) => connectTls({ ...tls, host, port, socket: plain, ...(servername === undefined ? {} : { servername }) }, onSecure),
})

const createClient = ({ isTls, needsTls, tls, host, port }: MailServer, credentials: EmailCredentials, socket: VendorSocket): ImapFlow =>
  new ImapFlow({
    host, port, transport: over(socket), secure: isTls, tls: { ...tls }, logger: false, disableAutoIdle: true,
    connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 5 * 60_000,
    ...(!isTls && needsTls ? { doSTARTTLS: true } : {}),
    auth: { user: credentials.login, pass: credentials.password },
  })

/** Logged in, with the folder open. @throws ChannelError */
const openFolder = async ({ credentials, signal }: ChannelContext<EmailCredentials>, isReadOnly: boolean): Promise<ImapFlow> => {
  const server = serverOf(credentials.imap, credentials)
  const socket = await openSocket(server, credentials, signal).catch((error: unknown) => {
    throw imapFailure(error)
  })
  const client = createClient(server, credentials, socket)
  client.on('error', () => undefined)
  const stop = stopWith(client, signal)
  try {
    await client.connect()
    await client.mailboxOpen(credentials.folder, { readOnly: isReadOnly })
    return client
  } catch (error) {
    client.close()
    throw imapFailure(error)
  } finally {
    stop()
  }
}

/** @returns what ends the watch over `signal` */
const stopWith = (client: ImapFlow, signal: AbortSignal): (() => void) => {
  const onAbort = (): void => client.close()
  signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}

const leave = async (client: ImapFlow): Promise<void> => {
  const late = setTimeout(() => client.close(), logoutMs)
  await client.logout().catch(() => undefined)
  clearTimeout(late)
  client.close()
}

/** Logs in and opens the folder. @returns the cursor behind the last letter: what comes from now on is ours. @throws ChannelError */
export const checkImap = async (context: ChannelContext<EmailCredentials>): Promise<string> => {
  const client = await openFolder(context, true)
  try {
    return JSON.stringify(endOf(context, client))
  } finally {
    await leave(client)
  }
}

const mailboxOf = (client: ImapFlow): { readonly validity: string; readonly uidNext: number } => {
  if (client.mailbox === false) throw failure('transient', 'noMailbox', 'away')
  return { validity: String(client.mailbox.uidValidity), uidNext: client.mailbox.uidNext }
}

/** Tells one mailbox from another when the settings of a connection are changed. */
const nameOf = ({ credentials: { imap, login, folder } }: ChannelContext<EmailCredentials>): string =>
  createHash('sha256').update(JSON.stringify([new URL(imap).host, login, folder])).digest('base64url')

const endOf = (context: ChannelContext<EmailCredentials>, client: ImapFlow): Cursor => {
  const { validity, uidNext } = mailboxOf(client)
  return { mailbox: nameOf(context), validity, uid: uidNext - 1, at: Date.now() }
}

/** Where the session goes on in the mailbox as it is now. */
const continued = async (context: ChannelContext<EmailCredentials>, client: ImapFlow, known: Cursor | undefined): Promise<Cursor> => {
  const end = endOf(context, client)
  if (known?.mailbox !== end.mailbox) return end
  if (known.validity === end.validity) return known
  const found = await client.search({ since: new Date(known.at - dayMs) }, { uid: true })
  if (!Array.isArray(found)) throw failure('transient', 'noSearch', 'away')
  return { ...end, uid: Math.min(end.uid, ...found.map((uid) => uid - 1)) }
}

const readCursor = (saved: string | undefined): Cursor | undefined => {
  try {
    return saved === undefined ? undefined : cursorShape.parse(JSON.parse(saved))
  } catch {
    return undefined
  }
}

/**
 * Watches the mailbox. Letters are taken in the order of their UIDs, each stored before the cursor passes it: a crash repeats one at most,
 * and a letter is known by its Message-ID.
 *
 * What lay there before the connection was made, or before it was turned to this mailbox, is nobody's message to us. A mailbox that was made
 * anew (another UIDVALIDITY) is read from the day before its last letter that was taken, and what is known already counts once.
 */
export const openSession = async (context: SessionContext<EmailCredentials>): Promise<Session> => {
  const client = await openFolder(context, true)
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const state = { isOver: false }
  const isOver = (): boolean => state.isOver
  let timer: NodeJS.Timeout | undefined
  const over = (): void => {
    state.isOver = true
    clearTimeout(timer)
    end()
  }
  client.once('close', over)

  let cursor: Cursor
  const save = async (): Promise<void> => context.cursor.save(JSON.stringify(cursor))
  try {
    cursor = await continued(context, client, readCursor(await context.cursor.load()))
    await save()
  } catch (error) {
    client.close()
    throw imapFailure(error)
  }
  const { validity } = cursor

  const takeNew = async (): Promise<void> => {
    const found: FetchMessageObject[] = []
    // `n:*` answers with the last letter even when it is older than n.
    for await (const one of client.fetch(`${cursor.uid + 1}:*`, { uid: true, size: true }, { uid: true })) if (one.uid > cursor.uid) found.push(one)
    for (const { uid, size = 0 } of found.sort((a, b) => a.uid - b.uid)) {
      const part = size > mostBytes ? { maxLength: headBytes } : true
      const got = await client.fetchOne(String(uid), { source: part }, { uid: true })
      if (got !== false && got.source !== undefined) await emit(await readLetter(got.source, `${validity}.${uid}`))
      cursor = { ...cursor, uid, at: Date.now() }
      await save()
    }
  }
  const emit = async (letter: Letter): Promise<void> =>
    context.emit({ method: 'POST', headers: { 'content-type': 'application/json' }, query: {}, body: Buffer.from(JSON.stringify(letter)) })

  // A server may tell of a letter at any moment, in the middle of a fetch too, and tells of it once.
  const news = { isThere: false, wake: (): void => undefined }
  client.on('exists', () => {
    news.isThere = true
    news.wake()
  })
  const hasNews = (): boolean => news.isThere
  const watch = async (): Promise<void> => {
    for (;;) {
      if (isOver()) return
      news.isThere = false
      await takeNew()
      if (isOver() || hasNews()) continue
      // Waits to be told, and breaks the wait to ask.
      const idling = client.idle().catch(() => false)
      await Promise.race([idling, new Promise<void>((resolve) => {
        news.wake = resolve
        timer = setTimeout(resolve, pollMs)
      })])
      clearTimeout(timer)
      if (!isOver()) await client.noop()
    }
  }
  void watch().catch(() => {
    // What could not be stored or read is taken again by the next session, from the cursor on.
    client.close()
  })

  return {
    ended,
    close: async () => {
      state.isOver = true
      clearTimeout(timer)
      await leave(client)
      over()
      await ended
    },
  }
}

const gone = () => failure('content', 'file.gone', 'content')

/** An attachment, by a connection of its own: the session goes on watching. */
export const download = async (file: InboundFile, context: ChannelContext<EmailCredentials> & { readonly maxBytes: number }): Promise<{ readonly bytes: Uint8Array; readonly mimeType?: string }> => {
  const [, validity, uid, part] = /^(\d+)\.(\d+)\.([\d.]+)$/.exec(file.ref) ?? []
  if (uid === undefined || part === undefined) throw gone()
  const client = await openFolder(context, true)
  // A server that falls silent in the middle of a file is given up.
  const stop = stopWith(client, context.signal)
  try {
    if (mailboxOf(client).validity !== validity) throw gone()
    const { content, meta } = (await client.download(uid, part, { uid: true, maxBytes: context.maxBytes + 1 })) as Partial<Awaited<ReturnType<ImapFlow['download']>>>
    if (content === undefined) throw gone()
    const chunks: Buffer[] = []
    for await (const chunk of content) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    if (bytes.length > context.maxBytes) throw failure('content', 'file.large', 'content')
    return { bytes, ...(meta?.contentType === undefined ? {} : { mimeType: meta.contentType }) }
  } catch (error) {
    throw imapFailure(error)
  } finally {
    stop()
    await leave(client)
  }
}
