/**
 * E-mail against OpenSMTPD and Dovecot, on high ports of the loopback interface and in a folder of their own. OpenSMTPD wants to be root
 * and has one queue per machine: where another one runs it is left alone.
 */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { chownSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../../sandbox/application.ts'
import { type Inbound, type OutboundMessage, type RawRequest, type Session } from '../../src/channels/channel.ts'
import { email } from '../../src/channels/email/index.ts'
import { createHttp } from '../../src/channels/http.ts'
import { describeWith } from './peer.ts'
import { findProgram, startProgram, until, userOf, type Program } from './program.ts'

const smtpd = findProgram('smtpd', 'opensmtpd')
const dovecot = findProgram('dovecot', 'dovecot-imapd')
const isRoot = process.getuid?.() === 0
const nobody = userOf('nobody')
if (smtpd !== undefined && !isRoot) process.stderr.write('OpenSMTPD starts only as root, so nothing is held against it here\n')

const http = createHttp()
const password = 'app-pa55word'
const clinic = 'reception@clinic.example'
const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-mail-'))
const programs: Program[] = []
const sessions: Session[] = []
let credentials: ReturnType<typeof email.parseCredentials>

/** Both servers want a folder that the mail's owner may enter. */
const writable = (name: string): string => {
  const made = path.join(folder, name)
  mkdirSync(made, { recursive: true })
  if (isRoot) chownSync(made, nobody!.uid, nobody!.gid)
  return made
}

const isListening = async (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const dovecotConfig = (port: number): string => {
  const owner = isRoot ? nobody! : { uid: process.getuid!(), gid: process.getgid!() }
  const name = os.userInfo().username
  const unprivileged = isRoot ? '' : `default_internal_user = ${name}\ndefault_login_user = ${name}\nservice anvil {\n  chroot =\n}\n`
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = imap
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${folder}/mail/%u/Maildir
${unprivileged}service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${folder}/home/%u
}
`
}

const smtpdConfig = (port: number): string => `table known { "${clinic}" = "nobody", "patient@example.ru" = "nobody" }
listen on 127.0.0.1 port ${port}
action "in" maildir "${folder}/mail/%{rcpt}/Maildir" virtual <known>
match from any for domain "example.ru" action "in"
match from any for domain "clinic.example" action "in"
`

const canMail = smtpd !== undefined && dovecot !== undefined && isRoot && !existsSync('/var/run/smtpd.sock.lock') && !(existsSync('/var/run/smtpd.sock') && readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && commandOf(pid).startsWith('smtpd')))

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8')
  } catch {
    return ''
  }
}

beforeAll(async () => {
  if (dovecot === undefined) return
  chmodSync(folder, 0o755)
  writable('mail')
  writable('home')
  const [imapPort, smtpPort] = [await freePort(), await freePort()]
  writeFileSync(path.join(folder, 'dovecot.conf'), dovecotConfig(imapPort))
  programs.push(startProgram(dovecot, ['-F', '-c', path.join(folder, 'dovecot.conf')]))
  await until('Dovecot listens', () => isListening(imapPort))
  if (canMail) {
    writeFileSync(path.join(folder, 'smtpd.conf'), smtpdConfig(smtpPort))
    chmodSync(path.join(folder, 'smtpd.conf'), 0o600)
    programs.push(startProgram(smtpd, ['-d', '-f', path.join(folder, 'smtpd.conf')]))
    await until('OpenSMTPD listens', () => isListening(smtpPort))
  }
  credentials = email.parseCredentials({ address: clinic, password, smtp: `smtp://127.0.0.1:${smtpPort}`, imap: `imap://127.0.0.1:${imapPort}` })
})
afterEach(async () => {
  await Promise.all(sessions.splice(0).map(async (session) => session.close()))
})
afterAll(async () => {
  await Promise.all(programs.map(async (program) => program.stop()))
  rmSync(folder, { recursive: true, force: true })
})

const message: OutboundMessage = { ref: '0199a1b2-0000-7000-8000-000000000001.0', number: 7, to: 'patient@example.ru', text: 'Ждём вас завтра в 10:00' }
const contextOf = () => ({ credentials, http, signal: AbortSignal.timeout(15_000) })

const watch = async (memory: { cursor?: string } = {}): Promise<{ session: Session; told: () => readonly Inbound[]; memory: { cursor?: string } }> => {
  const emitted: RawRequest[] = []
  const session = await email.session!.open({
    ...contextOf(),
    emit: async (request) => void emitted.push(request),
    cursor: { load: async () => memory.cursor, save: async (cursor) => void (memory.cursor = cursor) },
  })
  sessions.push(session)
  return { session, memory, told: () => emitted.flatMap((request) => email.parse(request, credentials)) }
}

/** Lays a letter into the clinic's mailbox as a delivery program does. */
let laid = 0
const lay = (source: string): void => {
  for (const part of ['tmp', 'new', 'cur']) writable(`mail/${clinic}/Maildir/${part}`)
  writable(`mail/${clinic}/Maildir`)
  writable(`mail/${clinic}`)
  const file = path.join(folder, 'mail', clinic, 'Maildir', 'new', `${Date.now()}.${++laid}.test`)
  writeFileSync(file, source, { mode: 0o666 })
  if (isRoot) chownSync(file, nobody!.uid, nobody!.gid)
}

const letter = (text: string): string => `From: Ivan <patient@example.ru>\r\nTo: ${clinic}\r\nSubject: Re: visit\r\nMessage-ID: <${text}@example.ru>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`

describeWith(dovecot !== undefined)('a mailbox of Dovecot', () => {
  it('is watched: a letter is told of as soon as it comes, and the next session goes on behind it', async () => {
    lay(letter('before'))
    const first = await watch()
    lay(letter('first'))
    await until('the first letter is told of', () => first.told().length === 1, 40_000)
    await first.session.close()
    lay(letter('second'))
    const next = await watch(first.memory)
    await until('the second letter is told of', () => next.told().length === 1)
    expect([...first.told(), ...next.told()]).toMatchObject([{ type: 'message', text: 'first', externalId: 'first@example.ru' }, { type: 'message', text: 'second' }])
  })

  it('gives its attachments', async () => {
    const watched = await watch()
    const bytes = Buffer.from('89504e470d0a1a0a0000', 'hex')
    lay(`From: patient@example.ru\r\nTo: ${clinic}\r\nSubject: Re: x\r\nMessage-ID: <file@example.ru>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="B"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nhere\r\n--B\r\nContent-Type: image/png; name="a.png"\r\nContent-Disposition: attachment; filename="a.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n${bytes.toString('base64')}\r\n--B--\r\n`)
    await until('the letter is told of', () => watched.told().length === 1, 40_000)
    const [told] = watched.told() as Extract<Inbound, { type: 'message' }>[]
    const got = await email.download!(told!.files![0]!, { ...contextOf(), maxBytes: 1000 })
    expect(Buffer.from(got.bytes).equals(bytes)).toBe(true)
  })
})

describeWith(canMail)('a letter through OpenSMTPD', () => {
  it('arrives, and the server\'s report of its delivery finds it', async () => {
    const watched = await watch()
    expect(await email.check(contextOf())).toMatchObject({ title: clinic })
    const sent = await email.send(message, contextOf())
    await until('the report is told of', () => watched.told().length === 1, 40_000)
    expect(watched.told()).toMatchObject([{ type: 'receipt', level: 'delivered', externalId: sent.externalId, attemptRef: message.ref }])
    const [file] = readdirSync(path.join(folder, 'mail', 'patient@example.ru', 'Maildir', 'new'))
    expect(readFileSync(path.join(folder, 'mail', 'patient@example.ru', 'Maildir', 'new', file!), 'utf8')).toContain(`Message-ID: <${sent.externalId}>`)
  })

  it('to nobody is refused, and says so', async () => {
    await expect(email.send({ ...message, to: 'nobody-there@example.ru' }, contextOf())).rejects.toMatchObject({ outcome: 'rejected', failure: { class: 'recipientPermanent' } })
    await expect(email.send({ ...message, to: 'somebody@elsewhere.ru' }, contextOf())).rejects.toMatchObject({ outcome: 'rejected' })
  })
})
