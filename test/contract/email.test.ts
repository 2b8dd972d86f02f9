import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMailProvider, type Mailbox, type MailProvider, type SmtpTrouble } from '../../sandbox/messengers/mail.ts'
import { type Inbound, type OutboundMessage, type RawRequest, type Session } from '../../src/channels/channel.ts'
import { email } from '../../src/channels/email/index.ts'
import { smtpFailure } from '../../src/channels/email/errors.ts'
import { readLetter, withoutQuote } from '../../src/channels/email/letter.ts'
import { createHttp } from '../../src/channels/http.ts'
import { normalizeEmail } from '../../src/domain/email.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { AppError } from '../../src/errors.ts'
import { channelContract, type Refusal } from './channel-contract.ts'
import { conversationContract } from './conversation-contract.ts'
import { refusalOf, until } from './judging.ts'
import { overMail, type MailAnswer } from './mail-vendor.ts'
import { post, webhook } from './vectors.ts'

const form = { address: 'Reception@clinic.example', password: 'app-pa55word', smtp: 'smtps://smtp.clinic.example:465', imap: 'imaps://imap.clinic.example:993', senderName: 'Клиника «Пример»' }
const attempt = '0199a1b2-0000-7000-8000-000000000001.0'
const message: OutboundMessage = { ref: attempt, number: 77, to: 'patient@example.ru', text: 'Ждём вас <завтра> в 10:00' }
const http = createHttp()

let provider: MailProvider
let clinic: Mailbox
const sessions: Session[] = []
beforeAll(async () => {
  provider = await startMailProvider()
})
beforeEach(() => {
  clinic = provider.add('reception@clinic.example', form.password)
  provider.add('patient@example.ru')
  provider.carried.length = 0
})
afterEach(async () => {
  await Promise.all(sessions.splice(0).map(async (session) => session.close()))
})
afterAll(async () => provider.stop())

const own = (change: Record<string, string> = {}) => email.parseCredentials({ ...form, smtp: provider.smtpUrl, imap: provider.imapUrl, ...change })
const contextOf = (change: Record<string, string> = {}, timeoutMs = 5_000) => ({ credentials: own(change), http, signal: AbortSignal.timeout(timeoutMs) })
const send = async (change: Partial<OutboundMessage> = {}, form: Record<string, string> = {}, timeoutMs?: number) => email.send({ ...message, ...change }, contextOf(form, timeoutMs))

interface Watched {
  readonly session: Session
  readonly emitted: RawRequest[]
  readonly memory: { cursor: string | undefined; fails: boolean; onFirst?: () => unknown }
  readonly told: () => readonly Inbound[]
}

const watch = async (memory: Watched['memory'] = { cursor: undefined, fails: false }, change: Record<string, string> = {}): Promise<Watched> => {
  const emitted: RawRequest[] = []
  const session = await email.session!.open({
    ...contextOf(change),
    emit: async (request) => {
      await sleep(1)
      if (memory.fails) throw new Error('the database is away')
      if (emitted.push(request) === 1) memory.onFirst?.()
    },
    cursor: { load: async () => memory.cursor, save: async (value) => void (memory.cursor = value) },
  })
  sessions.push(session)
  return { session, emitted, memory, told: () => emitted.flatMap((request) => email.parse(request, own(change))) }
}

/** What a letter means, read as the session reads it. */
const meaningOf = async (source: string, change: Record<string, string> = {}): Promise<readonly Inbound[]> =>
  email.parse(post(await readLetter(Buffer.from(source), '1.2')), email.parseCredentials({ ...form, ...change }))

const letterOf = (lines: Record<string, string>, text = 'Здравствуйте'): string => [...Object.entries(lines).map(([name, value]) => `${name}: ${value}`), 'Content-Type: text/plain; charset=utf-8', '', text].join('\r\n')

const vendor = overMail({ clinic: { address: 'reception@clinic.example', password: form.password }, patient: message.to })
const person = { From: 'Ivan <patient@example.ru>', To: 'reception@clinic.example', 'Message-ID': '<m1@letters.example.ru>', Subject: 'Question' }
const read = async (source: string) => post(await readLetter(Buffer.from(source), '1.2'))
const [said, answered, report] = await Promise.all([
  read(letterOf(person)), read(letterOf({ ...person, 'In-Reply-To': `<${attempt}@clinic.example>` }, 'Да, приду')), read(webhook('email-dsn-delivered').body.toString('utf8')),
])
const refused = (name: string, at: SmtpTrouble['at'], answer: string, failureClass: FailureClass, code: string, more: Partial<Refusal<MailAnswer>> = {}): Refusal<MailAnswer> =>
  ({ name, answer: { at, answer }, class: failureClass, code, outcome: 'rejected', ...more })

channelContract({
  channel: email,
  form,
  vendor,
  needed: ['address', 'password', 'smtp', 'imap'],
  genuine: [said, answered, report],
  unsupported: await Promise.all([read(webhook('email-dsn-delayed').body.toString('utf8')), read(letterOf({ ...person, Precedence: 'bulk' })), read(letterOf({ ...person, From: '' }))]),
  unreadable: [post('hello'), post({ from: 5 }), post([])],
  message,
  accepted: { answer: 'accept', sent: { externalId: `${attempt}@clinic.example`, parts: 1 } },
  refusals: [
    refused('greylisting', 'RCPT', '450 4.2.0 Greylisted, try again in 300 seconds', 'transient', '4.2.0', { retryAfterSeconds: 300 }),
    refused('an unknown address', 'RCPT', '550 5.1.1 No such user', 'recipientPermanent', '5.1.1'),
    refused('an unknown address without a status', 'RCPT', '550 No such user', 'recipientPermanent', '550'),
    refused('a full mailbox', 'RCPT', '552 5.2.2 Mailbox full', 'recipientTemporary', '5.2.2'),
    refused('a letter taken for spam', 'END', '554 5.7.1 Message rejected as spam', 'content', '5.7.1'),
    refused('a sender that may not write', 'MAIL', '553 5.7.1 Sender address rejected', 'channelPermanent', '5.7.1'),
    refused('a connection that broke before the letter', 'RCPT', 'drop', 'transient', 'ECONNECTION'),
  ],
  unauthorized: 'noPassword',
})

const analysis = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256))
const withAnalysis = [
  'From: patient@example.ru', 'To: reception@clinic.example', 'Message-ID: <m2@letters.example.ru>', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="PART"', '',
  '--PART', 'Content-Type: text/plain', '', 'see', '--PART', 'Content-Type: application/pdf; name="a.pdf"', 'Content-Disposition: attachment; filename="a.pdf"', 'Content-Transfer-Encoding: base64', '',
  analysis.toString('base64').replace(/.{76}/g, '$&\r\n'), '--PART--', '',
].join('\r\n')

conversationContract({
  channel: email,
  form,
  vendor,
  message,
  genuine: [said, answered, await read(withAnalysis)],
  person: { ids: ['patient@example.ru'] },
  file: {
    sent: { kind: 'file', name: 'Памятка.pdf', mimeType: 'application/pdf', bytes: Buffer.from('%PDF-1.4 памятка') }, replies: () => ['accept'],
    result: { externalId: `${attempt}@clinic.example`, parts: 1 }, isUploadedFirst: false,
  },
  download: {
    file: { kind: 'file', ref: '77.1.2' }, replies: () => [{ holds: [withAnalysis], validity: 77 }], bytes: analysis,
    gone: [() => [{ holds: [], validity: 77 }], () => [{ holds: [withAnalysis], validity: 78 }]],
  },
})

describe('email: what the settings form takes', () => {
  it.each([['address', 'clinic'], ['smtp', 'https://smtp.example'], ['imap', 'imap://'], ['subject', 'a\r\nBcc: everybody@example.ru'], ['senderName', 'a\nb'], ['bounceAddress', 'bounce@clinic.example']])('refuses %s = %j', (name, value) => {
    expect(() => email.parseCredentials({ ...form, [name]: value })).toThrow(AppError)
  })

  it('tells nothing of its own but what mail can', () => {
    expect(email).toMatchObject({ receipts: ['accepted', 'sent', 'delivered'], canStart: 'anyone', addressedBy: 'email', isIdempotent: false, session: { carriesSends: false } })
    expect(email.fields.filter(({ secret }) => secret).map(({ name }) => name)).toEqual(['password', 'proxyUrl'])
  })

  it('an address has one spelling; what is no address is none', () => {
    expect(normalizeEmail(' Patient@Example.RU ')).toBe('patient@example.ru')
    for (const junk of ['', 'a', 'a@b', 'a b@c.ru', 'a@b..ru', '<a@b.ru>', 'a@b.ru,c@d.ru', 'a@b.ru\r\nBcc: c@d.ru']) expect(normalizeEmail(junk)).toBeUndefined()
  })
})

describe('email: what its vectors mean', () => {
  const about = { externalId: 'dispatch-0b1f-1@clinic.example', attemptRef: 'dispatch-0b1f-1' }
  it.each<[string, unknown]>([
    ['email-auto-reply', [{ type: 'receipt', ...about, level: 'delivered' }]],
    ['email-dsn-delayed', []],
    ['email-dsn-delivered', [{ type: 'receipt', ...about, level: 'delivered' }]],
    ['email-dsn-failed-policy', [{ type: 'failure', ...about, failure: { class: 'content', code: '5.7.1' } }]],
  ])('%s', async (name, meaning) => {
    expect(await meaningOf(webhook(name).body.toString('utf8'))).toEqual(meaning)
  })

  it.each<[string, object]>([
    ['email-smtp-450', { failure: { class: 'transient', code: '4.2.0' }, outcome: 'rejected', retryAfterSeconds: 300 }],
    ['email-smtp-550', { failure: { class: 'recipientPermanent', code: '5.1.1' }, outcome: 'rejected' }],
  ])('%s', (name, meaning) => {
    expect(smtpFailure(JSON.parse(webhook(name).body.toString('utf8')), true)).toMatchObject(meaning)
  })

  it('a server that does not let us in says nothing of the recipient', () => {
    expect(smtpFailure({ code: 'EPROTOCOL', responseCode: 554, response: '554 5.7.1 Client host blocked', command: 'CONN' }, false)).toMatchObject({ failure: { class: 'channelTemporary', code: '5.7.1' }, outcome: 'rejected' })
  })

  it.each<[string, string, unknown]>([
    ['failed', '5.1.1', { type: 'failure', failure: { class: 'recipientPermanent', code: '5.1.1' } }],
    ['failed', '5.2.2', { type: 'failure', failure: { class: 'recipientTemporary', code: '5.2.2' } }],
    ['failed', '4.4.7', { type: 'failure', failure: { class: 'recipientTemporary', code: '4.4.7' } }],
    ['failed', '5.3.4', { type: 'failure', failure: { class: 'content', code: '5.3.4' } }],
    ['relayed', '2.0.0', { type: 'receipt', level: 'sent' }],
    ['expanded', '2.0.0', { type: 'receipt', level: 'sent' }],
  ])('a report that says "%s", %s', async (action, status, meaning) => {
    const source = webhook('email-dsn-failed-policy').body.toString('utf8').replace('Action: failed', `Action: ${action}`).replace('Status: 5.7.1', `Status: ${status}`)
    expect(await meaningOf(source)).toEqual([{ ...about, ...(meaning as object) }])
  })

  it('email-smtp-250 is accepted by the next server and no more', () => {
    expect(webhook('email-smtp-250').body.toString('utf8')).toContain('250 2.0.0 OK')
    expect(email.receipts[0]).toBe('accepted')
  })

  it('a bounce finds its letter by the address that it came to, where no report names it', async () => {
    const [report] = await meaningOf(webhook('email-dsn-failed-policy').body.toString('utf8').replace(/Original-Envelope-Id.*\r\n/, ''), { bounceAddress: 'bounce+*@clinic.example' })
    expect(report).toMatchObject({ type: 'failure', ...about })
  })
})

describe('email: letters of people and of programs', () => {
  const from = { From: 'Иван <Patient@Example.ru>', To: 'reception@clinic.example', 'Message-ID': '<m1@example.ru>' }

  it('a letter is a message of its address, with a subject of its own', async () => {
    expect(await meaningOf(letterOf({ ...from, From: 'Ivan <Patient@Example.ru>', Subject: 'Question' }))).toEqual([
      { type: 'message', externalId: 'm1@example.ru', chat: { id: 'patient@example.ru', userId: 'patient@example.ru', name: 'Ivan' }, text: 'Question\n\nЗдравствуйте' },
    ])
  })

  it('an answer quotes our letter by its id, without its subject and its quoted text', async () => {
    const text = 'Да, приду\r\n\r\nпн, 23 нояб. 2026 г. в 10:00, Клиника <reception@clinic.example> пишет:\r\n> Ждём вас'
    expect(await meaningOf(letterOf({ ...from, Subject: 'Re: Сообщение', 'In-Reply-To': `<${attempt}@clinic.example>` }, text))).toMatchObject([{ type: 'message', text: 'Да, приду', replyTo: `${attempt}@clinic.example` }])
    expect(await meaningOf(letterOf({ ...from, References: `<other@x.ru> <${attempt}@clinic.example>` }, text))).toMatchObject([{ replyTo: `${attempt}@clinic.example` }])
  })

  it.each([
    ['a holiday answer', { 'Auto-Submitted': 'auto-generated' }], ['a bulk letter', { Precedence: 'bulk' }], ['Exchange\'s automatic answer', { 'X-Auto-Response-Suppress': 'All' }],
    ['a mailing list', { 'List-Id': '<news.example.ru>' }], ['an advertisement', { 'List-Unsubscribe': '<mailto:off@example.ru>' }], ['a bounce', { 'Return-Path': '<>' }], ['a robot', { From: 'no-reply@example.ru' }],
    ['F21: a copy of our own letter', { From: 'reception@clinic.example' }],
  ])('%s is nobody to talk to', async (_, headers) => {
    expect(await meaningOf(letterOf({ ...from, ...headers }))).toEqual([])
  })

  it('a person who says that they are no program is a person', async () => {
    expect(await meaningOf(letterOf({ ...from, 'Auto-Submitted': 'no' }))).toHaveLength(1)
  })

  it('a letter without an id is known by its words', async () => {
    const without = { From: from.From, To: from.To }
    const [first] = await meaningOf(letterOf(without))
    const [again] = await meaningOf(letterOf(without))
    expect(first).toMatchObject({ type: 'message', externalId: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(again).toEqual(first)
  })

  it('where nothing but a quotation is, the quotation is what was said', () => {
    expect(withoutQuote('> только цитата')).toBe('> только цитата')
  })

  it('any bytes are a letter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (source) => {
        expect(Array.isArray(await meaningOf(source))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('email: sending', () => {
  it('returns its own Message-ID, asks for reports, and escapes everything in the letter\'s HTML', async () => {
    expect(await send()).toEqual({ externalId: `${attempt}@clinic.example`, parts: 1 })
    const [carried] = provider.carried
    expect(carried).toMatchObject({ from: 'reception@clinic.example', to: ['patient@example.ru'], envelopeId: attempt, notify: ['SUCCESS', 'FAILURE', 'DELAY'] })
    const letter = await readLetter(Buffer.from(carried!.source), '1.1')
    expect(letter).toMatchObject({ messageId: `${attempt}@clinic.example`, from: 'reception@clinic.example', fromName: 'Клиника «Пример»', subject: 'Сообщение от клиники', text: message.text })
    expect(letter.marks['auto-submitted']).toBe('auto-generated')
    expect(carried!.source).toContain('&lt;')
    expect(carried!.source).not.toContain('<=D0')
  })

  it('an operator\'s answer stands in the thread of what it answers, with a file', async () => {
    const file = { kind: 'file' as const, name: 'Памятка.pdf', mimeType: 'application/pdf', bytes: Buffer.from('%PDF-1.4 памятка') }
    await send({ ref: 'msg.12', replyTo: 'm1@example.ru', rich: [{ type: 'bold', children: [{ type: 'text', text: '<b>' }] }], text: '<b>', file })
    const source = provider.carried[0]!.source
    expect(source).toMatch(/^In-Reply-To: <m1@example.ru>\r$/m)
    expect(source).toMatch(/^References: <m1@example.ru>\r$/m)
    expect(source).toContain('<b>&lt;b&gt;</b>')
    const letter = await readLetter(Buffer.from(source), '1.1')
    expect(letter.marks['auto-submitted']).toBeUndefined()
    expect(letter.attachments).toMatchObject([{ name: 'Памятка.pdf', mimeType: 'application/pdf' }])
  })

  it('F05 knows that nothing left when the server falls silent before it has the letter', async () => {
    provider.nextTrouble({ at: 'DATA', answer: 'hang' })
    expect(await refusalOf(async () => send({}, {}, 400))).toMatchObject({ outcome: 'rejected' })
    expect(provider.carried).toHaveLength(0)
  })

  it('F47 says that there is no such folder', async () => {
    const error = await refusalOf(async () => email.check(contextOf({ folder: 'Письма' })))
    expect(error).toMatchObject({ failure: { class: 'channelPermanent', code: 'folder' } })
    expect(error.message).toMatch(/^[А-Я].*[.]$/)
    expect(await email.connect({ ...contextOf(), hookUrl: 'https://clinic.example/hooks/1' })).toMatchObject({ title: 'reception@clinic.example' })
  })
})

describe('email: the mailbox', () => {
  it('what lay there before is not taken; what comes is, at once and in its order', async () => {
    provider.write({ from: 'old@example.ru', to: clinic.address, text: 'старое' })
    const watched = await watch()
    for (const text of ['Первое', 'Второе']) provider.write({ from: 'patient@example.ru', to: clinic.address, text })
    await until('both are there', () => watched.told().length === 2)
    expect(watched.told()).toMatchObject([{ type: 'message', text: 'Первое' }, { type: 'message', text: 'Второе' }])
    provider.write({ from: 'patient@example.ru', to: clinic.address, text: 'Третье' })
    await until('the third is there', () => watched.told().length === 3)
  })

  it('reports of our letter come back to it', async () => {
    const watched = await watch()
    await send()
    await until('it is delivered', () => watched.told().length === 1)
    expect(watched.told()).toMatchObject([{ type: 'receipt', level: 'delivered', attemptRef: attempt, externalId: `${attempt}@clinic.example` }])
    provider.bounce('gone@example.ru', '5.1.1', '550 No such user')
    await send({ to: 'gone@example.ru' })
    await until('it bounced', () => watched.told().length === 2)
    expect(watched.told()[1]).toMatchObject({ type: 'failure', attemptRef: attempt, failure: { class: 'recipientPermanent', code: '5.1.1' } })
  })

  it('a mailbox that was made anew is read from where it was, no further back, and the same letter has the same id', async () => {
    const old = provider.write({ from: 'old@example.ru', to: clinic.address, text: 'Прошлогоднее' })
    old.at = new Date(Date.now() - 10 * 24 * 3600_000)
    const first = await watch()
    provider.write({ from: 'patient@example.ru', to: clinic.address, text: 'Первое' })
    await until('the first is there', () => first.told().length === 1)
    await first.session.close()
    provider.renew(clinic)
    const next = await watch(first.memory)
    await until('it is there again', () => next.told().length === 1)
    expect((next.told()[0] as { externalId: string }).externalId).toBe((first.told()[0] as { externalId: string }).externalId)
    provider.write({ from: 'patient@example.ru', to: clinic.address, text: 'Второе' })
    await until('the next one is there', () => next.told().length === 2)
    expect(next.told()).toMatchObject([{ text: 'Первое' }, { text: 'Второе' }])
  })

  it('what came between the making of a connection and its first session is taken', async () => {
    const { sessionStart } = await email.connect({ ...contextOf(), hookUrl: 'https://clinic.example/hooks/1' })
    provider.write({ from: 'patient@example.ru', to: clinic.address, text: 'Сразу' })
    const watched = await watch({ cursor: sessionStart, fails: false })
    await until('it is there', () => watched.told().length === 1)
    expect(watched.told()).toMatchObject([{ text: 'Сразу' }])
  })

  it('turned to another mailbox, takes nothing that lay in it before', async () => {
    const first = await watch()
    await first.session.close()
    const other = provider.add('other@clinic.example', clinic.password)
    provider.write({ from: 'old@example.ru', to: other.address, text: 'старое' })
    const next = await watch(first.memory, { address: other.address })
    provider.write({ from: 'patient@example.ru', to: other.address, text: 'Новое' })
    await until('it is there', () => next.told().length === 1)
    expect(next.told()).toMatchObject([{ text: 'Новое' }])
  })

  it('a letter that is told of in the middle of a fetch is not left for later', async () => {
    const first = await watch()
    await first.session.close()
    const write = (text: string): unknown => provider.write({ from: 'patient@example.ru', to: clinic.address, text })
    for (const text of ['Первое', 'Второе']) write(text)
    const watched = await watch({ ...first.memory, onFirst: () => write('Третье') })
    await until('all are there', () => watched.told().length === 3)
  })

  it('an attachment is fetched when it is wanted, and said to be gone when it is', async () => {
    const watched = await watch()
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256))
    provider.write({ from: 'patient@example.ru', to: clinic.address, text: 'Анализы', file: { name: 'Анализы.pdf', type: 'application/pdf', bytes } })
    await until('it is there', () => watched.told().length === 1)
    const [told] = watched.told() as Extract<Inbound, { type: 'message' }>[]
    const [file] = told!.files!
    expect(file).toMatchObject({ kind: 'file', name: 'Анализы.pdf', mimeType: 'application/pdf', sizeBytes: 5000 })
    const got = await email.download!(file!, { ...contextOf(), maxBytes: 10_000 })
    expect(Buffer.from(got.bytes).equals(bytes)).toBe(true)
    expect(await refusalOf(async () => email.download!(file!, { ...contextOf(), maxBytes: 100 }))).toMatchObject({ failure: { class: 'content', code: 'file.large' } })
    provider.renew(clinic)
    expect(await refusalOf(async () => email.download!(file!, { ...contextOf(), maxBytes: 10_000 }))).toMatchObject({ failure: { class: 'content', code: 'file.gone' } })
  })

  it('a server that falls silent in the middle of a file is given up', async () => {
    provider.write({ from: 'patient@example.ru', to: clinic.address, text: 'Анализы', file: { name: 'a.pdf', type: 'application/pdf', bytes: Buffer.from('x') } })
    provider.silentAt = 'FETCH'
    expect(await refusalOf(async () => email.download!({ kind: 'file', ref: `${clinic.validity}.1.2` }, { ...contextOf({}, 500), maxBytes: 100 }))).toMatchObject({ failure: { class: 'transient' } })
    provider.calmDown()
  })
})
