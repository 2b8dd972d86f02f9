import { type Socket } from 'node:net'

import { type Mailbox, type MailProvider, type StartTls, type StoredLetter } from './mail.ts'

/** Header and body of a part. */
interface MimePart { header: Buffer, body: Buffer, parts: MimePart[] }

function readMime(source: Buffer): MimePart {
  const split = source.indexOf('\r\n\r\n')
  const header = split === -1 ? source : source.subarray(0, split + 4)
  const body = split === -1 ? Buffer.alloc(0) : source.subarray(split + 4)
  const boundary = /^content-type:[ \t]*multipart\/(?:[^\r\n]|\r\n[ \t])*boundary="?([^";\r\n]+)/im.exec(header.toString('latin1'))?.[1]
  if (boundary === undefined) return { header, body, parts: [] }
  const pieces = body.toString('latin1').split(new RegExp(`(?:^|\\r\\n)--${boundary.replace(/[^\w]/g, '\\$&')}(?:--)?[ \\t]*(?:\\r\\n|$)`))
  return { header, body, parts: pieces.slice(1, -1).map((piece) => readMime(Buffer.from(piece, 'latin1'))) }
}

/** `2.1` of a letter; `1` of one without parts is its body. */
function partOf(letter: StoredLetter, path: string): MimePart | undefined {
  let part: MimePart | undefined = readMime(letter.source)
  for (const number of path.split('.').map(Number)) part = part === undefined ? undefined : part.parts.length === 0 && number === 1 ? part : part.parts[number - 1]
  return part
}

/** What a section of `BODY[…]` holds. */
function sectionOf(letter: StoredLetter, section: string): Buffer | undefined {
  if (section === '') return letter.source
  if (section.toUpperCase() === 'HEADER') return readMime(letter.source).header
  const [, path = '', what = ''] = /^([\d.]*\d)(?:\.(MIME|HEADER|TEXT))?$/i.exec(section) ?? []
  const part = path === '' ? undefined : partOf(letter, path)
  return what === '' ? part?.body : part?.header
}

const pick = (set: string, all: readonly { uid: number }[], by: (letter: { uid: number }, index: number) => number): number[] => {
  const last = all.length === 0 ? 0 : by(all.at(-1)!, all.length - 1)
  const ranges = set.split(',').map((range) => range.split(':').map((end) => (end === '*' ? last : Number(end))))
  return all.flatMap((letter, index) => {
    const number = by(letter, index)
    return ranges.some(([from = 0, to = from]) => number >= Math.min(from, to) && number <= Math.max(from, to)) ? [index] : []
  })
}

const atoms = (text: string): string[] => [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map((match) => match[1]?.replace(/\\(.)/g, '$1') ?? match[2]!)

/** The incoming server: one folder, letters that stay, and a word to whoever waits (IDLE). */
export function serveImap(provider: MailProvider, plain: Socket, startTls?: StartTls): void {
  let socket = plain
  let isEncrypted = startTls === undefined
  let isSilent = provider.silentAt === 'GREETING'
  let mailbox: Mailbox | undefined
  let isOpen = false
  let told = 0
  let idling: string | undefined
  let literal: { line: string, size: number } | undefined
  let authTag: string | undefined
  let rest = ''
  const session = { isWaiting: false, end: () => { socket.destroy() } }
  const say = (text: string): void => { if (!socket.destroyed && !isSilent) socket.write(`${text}\r\n`, 'latin1') }
  const capabilities = (): string => `CAPABILITY IMAP4rev1 IDLE ID UNSELECT ${isEncrypted ? 'AUTH=PLAIN SASL-IR' : 'STARTTLS LOGINDISABLED'}`
  const tell = (): void => {
    if (!isOpen || mailbox === undefined || mailbox.letters.length === told) return
    told = mailbox.letters.length
    say(`* ${told} EXISTS`)
  }
  const watcher = (): void => { if (idling !== undefined) tell() }

  const enter = (tag: string, user: string, password: string): void => {
    provider.passwords++
    const found = provider.mailbox(user)
    if (found?.password !== password) {
      say(`${tag} NO [AUTHENTICATIONFAILED] Invalid credentials`)
      return
    }
    mailbox = found
    mailbox.watchers.add(watcher)
    provider.imapSessions.add(session)
    say(`${tag} OK Logged in`)
  }

  const fetch = (tag: string, args: string, isUid: boolean): void => {
    const [, set = '', wanted = ''] = /^(\S+) (.*)$/s.exec(args) ?? []
    for (const index of pick(set, mailbox!.letters, isUid ? (letter) => letter.uid : (_, at) => at + 1)) {
      const letter = mailbox!.letters[index]!
      const items: string[] = []
      if (isUid || /\bUID\b/i.test(wanted)) items.push(`UID ${letter.uid}`)
      if (/RFC822\.SIZE/i.test(wanted)) items.push(`RFC822.SIZE ${letter.source.length}`)
      if (/INTERNALDATE/i.test(wanted)) items.push(`INTERNALDATE "${letter.at.toUTCString().replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1-$2-$3 $4')} +0000"`)
      if (/FLAGS/i.test(wanted)) items.push('FLAGS ()')
      for (const [, section = '', from, count] of wanted.matchAll(/BODY(?:\.PEEK)?\[([^\]]*)\](?:<(\d+)\.(\d+)>)?/gi)) {
        const bytes = sectionOf(letter, section)
        const piece = from === undefined ? bytes : bytes?.subarray(Number(from), Number(from) + Number(count))
        const name = `BODY[${section}]${from === undefined ? '' : `<${from}>`}`
        items.push(piece === undefined ? `${name} NIL` : `${name} {${piece.length}}\r\n${piece.toString('latin1')}`)
      }
      say(`* ${index + 1} FETCH (${items.join(' ')})`)
    }
    // News may stand before any answer (RFC 3501, 7.3.1), and is told once.
    if (isUid) tell()
    say(`${tag} OK Fetch completed`)
  }

  /** Days of the server, whatever the hour. */
  const search = (tag: string, since: string): void => {
    const from = Date.parse(`${since} UTC`)
    say(`* SEARCH${mailbox!.letters.filter(({ at }) => at.getTime() >= from).map(({ uid }) => ` ${uid}`).join('')}`)
    say(`${tag} OK Search completed`)
  }

  const open = (tag: string, name: string, isReadOnly: boolean): void => {
    if (name.toUpperCase() !== 'INBOX') {
      say(`${tag} NO [NONEXISTENT] Mailbox doesn't exist`)
      return
    }
    isOpen = true
    told = mailbox!.letters.length
    for (const line of ['FLAGS (\\Seen \\Deleted)', `${told} EXISTS`, '0 RECENT', `OK [UIDVALIDITY ${mailbox!.validity}] UIDs valid`, `OK [UIDNEXT ${mailbox!.uidNext}] Predicted next UID`]) say(`* ${line}`)
    say(`${tag} OK [${isReadOnly ? 'READ-ONLY' : 'READ-WRITE'}] Select completed`)
  }

  const run = (line: string): void => {
    if (authTag !== undefined) {
      const [, user = '', password = ''] = Buffer.from(line, 'base64').toString().split('\0')
      const tag = authTag
      authTag = undefined
      enter(tag, user, password)
      return
    }
    if (idling !== undefined) {
      if (line.toUpperCase() === 'DONE') {
        say(`${idling} OK Idle completed`)
        idling = undefined
        session.isWaiting = false
      }
      return
    }
    const [, tag = '*', name = '', args = ''] = /^(\S+) (\S+) ?(.*)$/s.exec(line) ?? []
    const command = name.toUpperCase()
    isSilent ||= command === provider.silentAt || (command === 'UID' && args.toUpperCase().startsWith(`${provider.silentAt ?? 'nothing'} `))
    const needsLogin = !['CAPABILITY', 'NOOP', 'LOGOUT', 'ID', 'LOGIN', 'AUTHENTICATE', 'STARTTLS'].includes(command)
    if (!isEncrypted && ['LOGIN', 'AUTHENTICATE'].includes(command)) {
      say(`${tag} NO [PRIVACYREQUIRED] Start TLS first`)
      return
    }
    if (needsLogin && mailbox === undefined) {
      say(`${tag} BAD Log in first`)
      return
    }
    if (['FETCH', 'UID', 'IDLE', 'CLOSE', 'UNSELECT'].includes(command) && !isOpen) {
      say(`${tag} BAD Select a mailbox first`)
      return
    }
    switch (command) {
      case 'CAPABILITY':
        say(`* ${capabilities()}`)
        say(`${tag} OK Capability completed`)
        break
      case 'STARTTLS':
        if (startTls === undefined || isEncrypted) say(`${tag} BAD Unknown command`)
        // Nothing may follow in the clear (RFC 3501, section 6.2.1).
        else if (rest !== '') socket.destroy()
        else {
          say(`${tag} OK Begin TLS`)
          socket.removeAllListeners('data')
          socket = startTls(socket)
          socket.on('error', () => { socket.destroy() })
          isEncrypted = true
          listen()
        }
        break
      case 'ID':
        say('* ID NIL')
        say(`${tag} OK ID completed`)
        break
      case 'LOGIN': {
        const [user = '', password = ''] = atoms(args)
        enter(tag, user, password)
        break
      }
      case 'AUTHENTICATE': {
        const [mechanism = '', initial] = args.split(' ')
        if (mechanism.toUpperCase() !== 'PLAIN') say(`${tag} NO Unsupported mechanism`)
        else {
          authTag = tag
          if (initial === undefined) say('+ ')
          else run(initial)
        }
        break
      }
      case 'LIST':
      case 'LSUB':
        say(`* ${command} (\\HasNoChildren) "/" INBOX`)
        say(`${tag} OK ${command} completed`)
        break
      case 'SELECT':
      case 'EXAMINE':
        open(tag, atoms(args)[0] ?? '', command === 'EXAMINE')
        break
      case 'NOOP':
        tell()
        say(`${tag} OK Noop completed`)
        break
      case 'IDLE':
        idling = tag
        session.isWaiting = true
        say('+ idling')
        tell()
        break
      case 'FETCH':
        fetch(tag, args, false)
        break
      case 'UID':
        if (/^FETCH /i.test(args)) fetch(tag, args.slice(6), true)
        else if (/^SEARCH SINCE \S+$/i.test(args)) search(tag, args.slice(13))
        else say(`${tag} BAD Unknown UID command`)
        break
      case 'CLOSE':
      case 'UNSELECT':
        isOpen = false
        say(`${tag} OK Closed`)
        break
      case 'LOGOUT':
        say('* BYE Logging out')
        say(`${tag} OK Logout completed`)
        socket.end()
        break
      default:
        say(`${tag} BAD Unknown command`)
    }
  }

  const listen = (): void => {
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      rest += chunk
      for (;;) {
        if (literal !== undefined) {
          if (rest.length < literal.size) return
          rest = `${literal.line}"${rest.slice(0, literal.size).replace(/["\\]/g, '\\$&')}"${rest.slice(literal.size)}`
          literal = undefined
        }
        const at = rest.indexOf('\r\n')
        if (at === -1) return
        const line = rest.slice(0, at)
        rest = rest.slice(at + 2)
        const size = /\{(\d+)(\+?)\}$/.exec(line)
        if (size === null) run(line)
        else {
          literal = { line: line.slice(0, size.index), size: Number(size[1]) }
          if (size[2] === '') say('+ Ready')
        }
      }
    })
  }
  plain.on('close', () => {
    mailbox?.watchers.delete(watcher)
    provider.imapSessions.delete(session)
  })
  listen()
  say(`* OK [${capabilities()}] mail.example ready`)
}
