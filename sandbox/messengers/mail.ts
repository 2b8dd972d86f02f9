import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer, TLSSocket, type SecureContext } from 'node:tls'

import { serveImap } from './mail-imap.ts'
import { serveSmtp } from './mail-smtp.ts'

/** A letter as it lies in a mailbox. */
export interface StoredLetter { uid: number, source: Buffer, at: Date }

/** One person's or the clinic's mailbox. */
export interface Mailbox {
  address: string
  password: string
  validity: number
  uidNext: number
  letters: StoredLetter[]
  /** Called when a letter has come. */
  watchers: Set<() => void>
}

/** Trouble in a place of the SMTP dialogue: an answer instead of the usual one, a broken line (`drop`) or silence (`hang`). */
export interface SmtpTrouble { at: 'MAIL' | 'RCPT' | 'DATA' | 'END', answer: string }

/** How the provider's servers are spoken to: encrypted from the first byte, or by STARTTLS, before which they take no password. */
export interface MailTls { key: string, cert: string, from: 'start' | 'starttls' }

/** What a server needs to encrypt a connection later. */
export type StartTls = (socket: Socket) => TLSSocket

/** What came in by SMTP: envelope and letter. */
export interface Carried { from: string, to: string[], envelopeId?: string, notify: string[], source: string }

/** A provider of mail with an outgoing and an incoming server. */
export interface MailProvider {
  readonly smtpUrl: string
  readonly imapUrl: string
  readonly carried: Carried[]
  /** Passwords that arrived at either server, right or wrong. */
  passwords: number
  /** Where the incoming server falls silent: in every connection, until it is told otherwise. */
  silentAt?: 'GREETING' | 'FETCH' | undefined
  /** Logins at the incoming server that are there now; `isWaiting` while they idle. */
  readonly imapSessions: Set<{ isWaiting: boolean, end(): void }>
  add(address: string, password?: string): Mailbox
  mailbox(address: string): Mailbox | undefined
  /** Meets the next letter only. */
  nextTrouble(trouble: SmtpTrouble): void
  takeTrouble(at: SmtpTrouble['at']): SmtpTrouble | undefined
  /** No trouble waits any more. */
  calmDown(): void
  /** Letters to this address are taken, and come back later with this status. */
  bounce(address: string, status: string, diagnostic: string): void
  bounceOf(address: string): { status: string, diagnostic: string } | undefined
  /** Whether servers report what became of a letter when they are asked to. */
  reportsDelivery: boolean
  put(mailbox: Mailbox, source: Buffer | string): StoredLetter
  /** A letter of a person, as a mail program writes it, into the mailbox of `to`. */
  write(letter: { from: string, to: string, subject?: string, text: string, headers?: Record<string, string>, inReplyTo?: string, file?: { name: string, type: string, bytes: Buffer } }): StoredLetter
  /** The mailbox is made anew on the server: its letters stay and their numbers change. */
  renew(mailbox: Mailbox): void
  carry(letter: Carried): void
  stop(): Promise<void>
}

const encoded = (text: string): string => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`

/** Lines of base64 as they stand in a letter. */
const folded = (bytes: Buffer): string => (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return (server.address() as AddressInfo).port
}

/** A report by RFC 3464 to the sender of a letter. */
function reportOn(letter: Carried, recipient: string, action: string, status: string, diagnostic: string): string {
  const id = /^message-id:[ \t]*(\S+)/im.exec(letter.source)?.[1] ?? ''
  return [
    'From: Mail Delivery System <MAILER-DAEMON@mx.example>', `To: ${letter.from}`, 'Subject: Delivery report', `Message-ID: <report.${Math.random().toString(36).slice(2)}@mx.example>`,
    'Auto-Submitted: auto-replied', 'MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=delivery-status; boundary="REPORT"', '',
    '--REPORT', 'Content-Type: text/plain; charset=utf-8', '', 'This is the mail system.', '',
    '--REPORT', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example',
    ...(letter.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${letter.envelopeId}`]), '',
    `Final-Recipient: rfc822;${recipient}`, `Action: ${action}`, `Status: ${status}`, `Diagnostic-Code: smtp; ${diagnostic}`, '',
    '--REPORT', 'Content-Type: text/rfc822-headers', '', `Message-ID: ${id}`, '', '--REPORT--', '',
  ].join('\r\n')
}

/** Starts both servers on the loopback interface; without `tls` they know no encryption. */
export async function startMailProvider(tls?: MailTls): Promise<MailProvider> {
  const mailboxes = new Map<string, Mailbox>()
  const bounces = new Map<string, { status: string, diagnostic: string }>()
  let troubles: SmtpTrouble[] = []
  let letters = 0

  const provider: MailProvider = {
    smtpUrl: '', imapUrl: '', carried: [], passwords: 0, imapSessions: new Set(), reportsDelivery: true,
    add(address, password = 'secret') {
      const mailbox: Mailbox = { address, password, validity: 1_700_000_001, uidNext: 1, letters: [], watchers: new Set() }
      mailboxes.set(address, mailbox)
      return mailbox
    },
    mailbox: (address) => mailboxes.get(address.replace(/\+[^@]*@/, '@').toLowerCase()),
    nextTrouble: (trouble) => { troubles.push(trouble) },
    takeTrouble(at) {
      const found = troubles.find((one) => one.at === at)
      troubles = troubles.filter((one) => one !== found)
      return found
    },
    calmDown() {
      troubles = []
      provider.silentAt = undefined
    },
    bounce: (address, status, diagnostic) => { bounces.set(address, { status, diagnostic }) },
    bounceOf: (address) => bounces.get(address),
    put(mailbox, source) {
      const letter = { uid: mailbox.uidNext++, source: Buffer.from(source), at: new Date() }
      mailbox.letters.push(letter)
      for (const watcher of mailbox.watchers) watcher()
      return letter
    },
    write({ from, to, subject = '', text, headers = {}, inReplyTo, file }) {
      const body = file === undefined
        ? ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', folded(Buffer.from(text)), '']
        : [
            'Content-Type: multipart/mixed; boundary="PART"', '', '--PART', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', folded(Buffer.from(text)), '--PART',
            `Content-Type: ${file.type}; name="${encoded(file.name)}"`, `Content-Disposition: attachment; filename="${encoded(file.name)}"`, 'Content-Transfer-Encoding: base64', '', folded(file.bytes), '--PART--', '',
          ]
      const lines = [
        `From: ${from}`, `To: ${to}`, `Subject: ${encoded(subject)}`, `Date: ${new Date().toUTCString()}`, `Message-ID: <letter${++letters}.${Date.now()}@mail.example>`,
        ...(inReplyTo === undefined ? [] : [`In-Reply-To: <${inReplyTo}>`, `References: <${inReplyTo}>`]), ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), 'MIME-Version: 1.0', ...body,
      ]
      return provider.put(mailboxes.get(to)!, lines.join('\r\n'))
    },
    renew(mailbox) {
      mailbox.validity++
      mailbox.letters.forEach((letter, index) => { letter.uid = index + 1 })
      mailbox.uidNext = mailbox.letters.length + 1
    },
    carry(letter) {
      provider.carried.push(letter)
      const sender = provider.mailbox(letter.from)
      for (const to of letter.to) {
        const bounced = bounces.get(to)
        const mailbox = provider.mailbox(to)
        const report = (action: string, status: string, diagnostic: string): void => { if (sender !== undefined) provider.put(sender, reportOn(letter, to, action, status, diagnostic)) }
        if (bounced !== undefined && !letter.notify.includes('NEVER')) report('failed', bounced.status, bounced.diagnostic)
        else if (mailbox !== undefined && bounced === undefined) {
          provider.put(mailbox, `Return-Path: <${letter.from}>\r\n${letter.source}`)
          if (provider.reportsDelivery && letter.notify.includes('SUCCESS')) report('delivered', '2.0.0', '250 delivered')
        }
      }
    },
    async stop() {
      for (const end of ends) end()
      await Promise.all([smtp, imap].map(async (server) => new Promise<void>((resolve) => { server.close(() => { resolve() }) })))
    },
  }
  const ends = new Set<() => void>()
  const secureContext: SecureContext | undefined = tls === undefined ? undefined : createSecureContext({ key: tls.key, cert: tls.cert })
  const startTls: StartTls | undefined = tls?.from !== 'starttls' ? undefined : (socket) => new TLSSocket(socket, { isServer: true, secureContext })
  const serverOf = (serve: (socket: Socket) => void): Server => {
    const meet = (socket: Socket): void => {
      const end = (): void => { socket.destroy() }
      ends.add(end)
      socket.on('close', () => ends.delete(end))
      socket.on('error', end)
      serve(socket)
    }
    return tls?.from === 'start' ? createTlsServer({ key: tls.key, cert: tls.cert }, meet) : createServer(meet)
  }
  const smtp = serverOf((socket) => { serveSmtp(provider, socket, startTls) })
  const imap = serverOf((socket) => { serveImap(provider, socket, startTls) })
  const s = tls?.from === 'start' ? 's' : ''
  return Object.assign(provider, { smtpUrl: `smtp${s}://127.0.0.1:${await listen(smtp)}`, imapUrl: `imap${s}://127.0.0.1:${await listen(imap)}` })
}
