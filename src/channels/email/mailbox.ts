import { ImapFlow, type FetchMessageObject } from 'imapflow'
import { z } from 'zod'
import { type ChannelContext, type InboundFile, type Session, type SessionContext } from '../channel.ts'
import { serverOf, type EmailCredentials } from './credentials.ts'
import { failure, imapFailure } from './errors.ts'
import { readLetter, type Letter } from './letter.ts'

/** Where the next session goes on. UIDs grow as long as the mailbox keeps its validity. @see https://www.rfc-editor.org/rfc/rfc3501#section-2.3.1.1 */
const cursorShape = z.object({ validity: z.string(), uid: z.number() })
type Cursor = z.output<typeof cursorShape>

/** Asked besides being told: servers and firewalls lose idle connections without a word. */
const pollMs = 30_000
const logoutMs = 3_000
/** A letter beyond this is taken without its end: its text is at the beginning. */
const mostBytes = 30 * 1024 * 1024
const headBytes = 256 * 1024

const createClient = ({ credentials }: ChannelContext<EmailCredentials>): ImapFlow => {
  const { host, port, isTls, needsTls, tls } = serverOf(credentials.imap, credentials)
  return new ImapFlow({
    host, port, secure: isTls, tls, logger: false, disableAutoIdle: true, connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 5 * 60_000,
    ...(!isTls && needsTls ? { doSTARTTLS: true } : {}),
    auth: { user: credentials.login, pass: credentials.password },
  })
}

/** Logged in, with the folder open. @throws ChannelError */
const openFolder = async (context: ChannelContext<EmailCredentials>, isReadOnly: boolean): Promise<ImapFlow> => {
  const client = createClient(context)
  client.on('error', () => undefined)
  const onAbort = (): void => client.close()
  context.signal.addEventListener('abort', onAbort, { once: true })
  try {
    await client.connect()
    await client.mailboxOpen(context.credentials.folder, { readOnly: isReadOnly })
    return client
  } catch (error) {
    client.close()
    throw imapFailure(error)
  } finally {
    context.signal.removeEventListener('abort', onAbort)
  }
}

const leave = async (client: ImapFlow): Promise<void> => {
  const late = setTimeout(() => client.close(), logoutMs)
  await client.logout().catch(() => undefined)
  clearTimeout(late)
  client.close()
}

export const checkImap = async (context: ChannelContext<EmailCredentials>): Promise<void> => leave(await openFolder(context, true))

const mailboxOf = (client: ImapFlow): { readonly validity: string; readonly uidNext: number } => {
  if (client.mailbox === false) throw failure('transient', 'noMailbox', 'away')
  return { validity: String(client.mailbox.uidValidity), uidNext: client.mailbox.uidNext }
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
 * What lay there before the connection was made is nobody's message to us. A mailbox that was made anew (another UIDVALIDITY) is read
 * from its beginning, and what is known already counts once.
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

  const { validity, uidNext } = mailboxOf(client)
  const known = readCursor(await context.cursor.load())
  let cursor: Cursor = known === undefined ? { validity, uid: uidNext - 1 } : known.validity === validity ? known : { validity, uid: 0 }
  const save = async (): Promise<void> => context.cursor.save(JSON.stringify(cursor))
  await save()

  const takeNew = async (): Promise<void> => {
    const found: FetchMessageObject[] = []
    // `n:*` answers with the last letter even when it is older than n.
    for await (const one of client.fetch(`${cursor.uid + 1}:*`, { uid: true, size: true }, { uid: true })) if (one.uid > cursor.uid) found.push(one)
    for (const { uid, size = 0 } of found.sort((a, b) => a.uid - b.uid)) {
      const part = size > mostBytes ? { maxLength: headBytes } : true
      const got = await client.fetchOne(String(uid), { source: part }, { uid: true })
      if (got !== false && got.source !== undefined) await emit(await readLetter(got.source, `${validity}.${uid}`))
      cursor = { validity, uid }
      await save()
    }
  }
  const emit = async (letter: Letter): Promise<void> =>
    context.emit({ method: 'POST', headers: { 'content-type': 'application/json' }, query: {}, body: Buffer.from(JSON.stringify(letter)) })

  const watch = async (): Promise<void> => {
    for (;;) {
      if (isOver()) return
      await takeNew()
      // Waits to be told, and breaks the wait to ask.
      const idling = client.idle().catch(() => false)
      await Promise.race([idling, new Promise((resolve) => {
        timer = setTimeout(resolve, pollMs)
        client.once('exists', resolve)
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
    await leave(client)
  }
}
