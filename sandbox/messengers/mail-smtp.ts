import { type Socket } from 'node:net'

import { type Carried, type MailProvider, type StartTls } from './mail.ts'

/** `+XX` stands for a byte (RFC 3461). */
const fromXtext = (text: string): string => text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))

/** The outgoing server: it wants a login, carries letters of one's own address only, and knows its people. */
export function serveSmtp(provider: MailProvider, plain: Socket, startTls?: StartTls): void {
  let socket = plain
  let isEncrypted = startTls === undefined
  const end = (): void => { socket.destroy() }
  let user: string | undefined
  let isGreeted = false
  let letter: Carried | undefined
  let asks: ((line: string) => void) | undefined
  let data: string | undefined
  let rest = ''
  const say = (answer: string): void => { socket.write(`${answer}\r\n`) }

  /** Meets ordered trouble; answers whether there was some. */
  const isTroubled = (at: 'MAIL' | 'RCPT' | 'DATA' | 'END'): boolean => {
    const trouble = provider.takeTrouble(at)
    if (trouble === undefined) return false
    if (trouble.answer === 'drop') end()
    else if (trouble.answer !== 'hang') say(trouble.answer)
    return true
  }

  const login = (given: string): void => {
    const [, name = '', password = ''] = Buffer.from(given, 'base64').toString().split('\0')
    provider.passwords++
    const mailbox = provider.mailbox(name)
    if (mailbox?.password !== password) {
      say('535 5.7.8 Authentication credentials invalid')
      return
    }
    user = mailbox.address
    say('235 2.7.0 Authentication successful')
  }

  const commands: Record<string, (rest: string) => void> = {
    EHLO() {
      isGreeted = true
      for (const word of ['mx.example', 'SIZE 26214400', '8BITMIME', 'ENHANCEDSTATUSCODES', 'DSN', ...(isEncrypted ? [] : ['STARTTLS'])]) say(`250-${word}`)
      say(isEncrypted ? '250 AUTH PLAIN' : '250 HELP')
    },
    HELO() {
      isGreeted = true
      say('250 mx.example')
    },
    STARTTLS() {
      if (startTls === undefined) say('500 5.5.2 Command unrecognized')
      else if (isEncrypted) say('503 5.5.1 Already encrypted')
      else {
        // Nothing may follow in the clear, and nothing that was said before counts (RFC 3207, section 4.2).
        if (rest !== '') {
          end()
          return
        }
        say('220 2.0.0 Ready to start TLS')
        socket.removeAllListeners('data')
        socket = startTls(socket)
        socket.on('error', end)
        isEncrypted = true
        isGreeted = false
        user = undefined
        letter = undefined
        listen()
      }
    },
    AUTH(given) {
      const [mechanism, initial] = given.split(' ')
      if (!isEncrypted) say('530 5.7.0 Must issue a STARTTLS command first')
      else if (mechanism?.toUpperCase() !== 'PLAIN') say('504 5.5.4 Mechanism not supported')
      else if (initial !== undefined) login(initial)
      else {
        say('334 ')
        asks = login
      }
    },
    MAIL(given) {
      const [, from, options = ''] = /^FROM:<([^>]*)>(.*)$/i.exec(given) ?? []
      if (!isEncrypted) say('530 5.7.0 Must issue a STARTTLS command first')
      else if (user === undefined) say('530 5.7.0 Authentication required')
      else if (from === undefined) say('501 5.5.4 Syntax: MAIL FROM:<address>')
      else if (letter !== undefined) say('503 5.5.1 Nested MAIL command')
      else if (provider.mailbox(from)?.address !== user) say('553 5.7.1 Sender address rejected: not owned by the user')
      else if (!isTroubled('MAIL')) {
        const envelopeId = / ENVID=(\S+)/i.exec(options)?.[1]
        letter = { from, to: [], notify: [], source: '', ...(envelopeId === undefined ? {} : { envelopeId: fromXtext(envelopeId) }) }
        say('250 2.1.0 Ok')
      }
    },
    RCPT(given) {
      const [, to, options = ''] = /^TO:<([^>]+)>(.*)$/i.exec(given) ?? []
      if (letter === undefined) say('503 5.5.1 MAIL first')
      else if (to === undefined) say('501 5.5.4 Syntax: RCPT TO:<address>')
      else if (isTroubled('RCPT')) return
      else if (provider.mailbox(to) === undefined && provider.bounceOf(to) === undefined) say('550 5.1.1 User unknown')
      else {
        letter.to.push(to)
        letter.notify.push(...(/ NOTIFY=(\S+)/i.exec(options)?.[1]?.toUpperCase().split(',') ?? []))
        say('250 2.1.5 Ok')
      }
    },
    DATA() {
      if (letter === undefined || letter.to.length === 0) say('503 5.5.1 RCPT first')
      else if (!isTroubled('DATA')) {
        data = ''
        say('354 End with a dot')
      }
    },
    RSET() {
      letter = undefined
      say('250 2.0.0 Ok')
    },
    NOOP: () => { say('250 2.0.0 Ok') },
    QUIT() {
      say('221 2.0.0 Bye')
      socket.end()
    },
  }

  const take = (line: string): void => {
    if (data !== undefined) {
      if (line !== '.') {
        data += `${line.startsWith('.') ? line.slice(1) : line}\r\n`
        return
      }
      const taken = { ...letter!, source: data }
      data = undefined
      letter = undefined
      const trouble = provider.takeTrouble('END')
      if (trouble === undefined || trouble.answer === 'drop' || trouble.answer === 'hang') provider.carry(taken)
      if (trouble === undefined) say('250 2.0.0 Ok: queued as 4F2A')
      else if (trouble.answer === 'drop') end()
      else if (trouble.answer !== 'hang') say(trouble.answer)
      return
    }
    if (asks !== undefined) {
      const answer = asks
      asks = undefined
      answer(line)
      return
    }
    const [word = ''] = line.split(' ', 1)
    const command = commands[word.toUpperCase()]
    if (command === undefined) say('500 5.5.2 Command unrecognized')
    else if (!isGreeted && !['EHLO', 'HELO', 'QUIT', 'NOOP'].includes(word.toUpperCase())) say('503 5.5.1 EHLO first')
    else command(line.slice(word.length + 1))
  }

  const listen = (): void => {
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      rest += chunk
      for (let at = rest.indexOf('\r\n'); at !== -1; at = rest.indexOf('\r\n')) {
        const line = rest.slice(0, at)
        rest = rest.slice(at + 2)
        take(line)
      }
    })
  }
  listen()
  say('220 mx.example ESMTP')
}
