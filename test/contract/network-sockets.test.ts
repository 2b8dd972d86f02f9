import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startMailProvider, type MailProvider } from '../../sandbox/messengers/mail.ts'
import { type Channel, type Inbound, type OutboundMessage, type RawRequest, type Session } from '../../src/channels/channel.ts'
import { email } from '../../src/channels/email/index.ts'
import { createHttp } from '../../src/channels/http.ts'
import { smpp } from '../../src/channels/smpp/index.ts'
import { makeAuthority } from '../support/certificates.ts'
import { isSentence, refusalOf, shown, until } from './judging.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { startPeer } from './smsc-peer.ts'

/** Channels that speak over sockets of their own: the same proxy and the same authority of the form. */

const known = makeAuthority()
const stranger = makeAuthority('Another authority')
const http = createHttp()
const password = 'pa55word-of-tests'
const message: OutboundMessage = { ref: '0199a1b2-0000-7000-8000-000000000001.0', number: 7, to: '+79000000001', text: 'Ждём вас завтра' }

interface Server {
  readonly channel: Channel
  readonly form: Readonly<Record<string, string>>
  /** Passwords that it has heard. */
  passwords(): number
  /** Messages that it has taken. */
  taken(): number
  receives(text: string): void
  readonly to: string
  close(): Promise<void>
}

const startMail = async (from: 'start' | 'starttls' | undefined): Promise<Server & { readonly provider: MailProvider }> => {
  const provider = await startMailProvider(from === undefined ? undefined : { ...known, from })
  provider.add('reception@clinic.example', password)
  provider.add('patient@example.ru')
  return {
    provider,
    channel: email,
    form: { address: 'reception@clinic.example', password, smtp: provider.smtpUrl, imap: provider.imapUrl },
    passwords: () => provider.passwords,
    taken: () => provider.carried.length,
    receives: (text) => void provider.write({ from: 'patient@example.ru', to: 'reception@clinic.example', text }),
    to: 'patient@example.ru',
    close: async () => provider.stop(),
  }
}

const startSmsc = async (): Promise<Server> => {
  const peer = await startPeer({ key: known.key, cert: known.cert })
  return {
    channel: smpp,
    form: { address: peer.url.replace('smpp:', 'smpps:'), systemId: 'clinic', password, sender: '79990000000' },
    passwords: () => peer.binds.length,
    taken: () => peer.submits.length,
    receives: (text) => void peer.deliver({ source_addr: '79000000001', destination_addr: '79990000000', data_coding: 8, short_message: text }),
    to: '+79000000001',
    close: async () => peer.close(),
  }
}

const sessions: Session[] = []
afterEach(async () => {
  await Promise.all(sessions.splice(0).map(async (session) => session.close()))
})

const contextOf = ({ channel, form }: Server, network: Record<string, string>, timeoutMs = 5_000) => ({ credentials: channel.parseCredentials({ ...form, ...network }), http, signal: AbortSignal.timeout(timeoutMs) })

const openSession = async (server: Server, network: Record<string, string>): Promise<{ readonly session: Session; readonly told: () => readonly Inbound[] }> => {
  const context = contextOf(server, network)
  const emitted: RawRequest[] = []
  const session = await server.channel.session!.open({ ...context, emit: async (request) => void emitted.push(request), cursor: { load: async () => undefined, save: async () => undefined } })
  sessions.push(session)
  return { session, told: () => emitted.flatMap((request) => server.channel.parse(request, context.credentials)) }
}

const send = async (server: Server, network: Record<string, string>, session?: Session) =>
  server.channel.send({ ...message, to: server.to }, { ...contextOf(server, network), ...(session === undefined ? {} : { session }) })

let proxy: Proxy
beforeAll(async () => {
  proxy = await startProxy()
})
afterEach(() => {
  proxy.does = 'pass'
  proxy.asked.length = 0
  proxy.logins.length = 0
})
afterAll(async () => {
  http.close()
  await proxy.close()
})
/** Neither the proxy's address nor its password, nor ours, is in an error. */
const expectSilent = (error: unknown): void => {
  for (const secret of ['127.0.0.1', 'pass:word', 'pass%3Aword', String(proxy.port), password]) expect(shown(error)).not.toContain(secret)
}

describe.each<[string, () => Promise<Server>]>([
  ['SMPP with TLS', startSmsc],
  ['mail with TLS from the first byte', async () => startMail('start')],
  ['mail with STARTTLS', async () => startMail('starttls')],
])('the network of %s', (_, start) => {
  let server: Server
  beforeAll(async () => {
    server = await start()
  })
  afterAll(async () => server.close())

  /** Every way on which a password could leave. */
  const ways = (network: Record<string, string>): readonly (() => Promise<unknown>)[] => [
    async () => server.channel.check(contextOf(server, network)), async () => openSession(server, network), ...(server.channel.session?.carriesSends === true ? [] : [async () => send(server, network)]),
  ]

  it('no password goes to a server of an unknown authority, and the sentence says where to put its certificate', async () => {
    const networks: readonly Record<string, string>[] = [{}, { caFile: stranger.authority }, { proxyUrl: proxy.url }, { proxyUrl: proxy.url, caFile: stranger.authority }]
    for (const network of networks) {
      for (const act of ways(network)) {
        const error = await refusalOf(act)
        expect(error).toMatchObject({ outcome: 'rejected', message: expect.stringMatching(/^Сертификат.*корневой сертификат в настройки подключения.*\.$/) })
        expectSilent(error)
      }
    }
    expect(server.passwords()).toBe(0)
  })

  it.each([['directly', () => ({})], ['through a proxy', () => ({ proxyUrl: proxy.url })]])('the authority that was given is trusted by its connection alone, %s', async (way, network) => {
    const trusting = { ...network(), caFile: known.authority }
    expect(await server.channel.check(contextOf(server, trusting))).toMatchObject({ title: expect.any(String) })
    const { session, told } = await openSession(server, trusting)
    const before = server.taken()
    await send(server, trusting, session)
    expect(server.taken()).toBe(before + 1)
    server.receives('Приду')
    await until('it is there', () => told().some((event) => event.type === 'message' && event.text === 'Приду'))
    expect(proxy.asked.length > 0).toBe(way === 'through a proxy')
    for (const login of proxy.logins) expect(login).toBe('name:pass:word')
    expect(proxy.logins).toHaveLength(proxy.asked.length)
    expect(await refusalOf(async () => server.channel.check(contextOf(server, network())))).toMatchObject({ outcome: 'rejected' })
  })

  it('what the server says together with the proxy\'s yes is not lost', async () => {
    // A server that waits to be spoken to has nothing to say with it.
    proxy.does = server.form.smtp?.startsWith('smtp:') === true ? 'passTogether' : 'pass'
    await server.channel.check(contextOf(server, { proxyUrl: proxy.url, caFile: known.authority }))
  })

  it.each<[string, Proxy['does'], string]>([['refuses', 'refuse', 'PROXY 407'], ['hangs up', 'hangUp', 'ECONNRESET'], ['stays quiet', 'stayQuiet', 'TIMEOUT']])('nothing is out when a proxy %s, and nobody reads where it stands', async (_way, does, code) => {
    const before = server.passwords()
    proxy.does = does
    const error = await refusalOf(async () => server.channel.check(contextOf(server, { proxyUrl: proxy.url, caFile: known.authority }, 500)))
    expect(error).toMatchObject({ outcome: 'rejected', failure: { class: 'transient', code } })
    expect(isSentence(error.message)).toBe(true)
    expect(error.message).toContain('прокси')
    expectSilent(error)
    expect(server.passwords()).toBe(before)
  })

  it('nothing is out when nobody listens at the proxy\'s address', async () => {
    const error = await refusalOf(async () => server.channel.check(contextOf(server, { proxyUrl: 'http://name:pass%3Aword@127.0.0.1:1', caFile: known.authority })))
    expect(error).toMatchObject({ outcome: 'rejected', failure: { class: 'transient', code: 'ECONNREFUSED' } })
    expectSilent(error)
  })

  it('a proxy with TLS of its own is trusted by the same authority and no other', async () => {
    const secure = await startProxy({ key: known.key, cert: known.cert })
    try {
      await server.channel.check(contextOf(server, { proxyUrl: secure.url, caFile: known.authority }))
      expect(secure.asked.length).toBeGreaterThan(0)
      secure.asked.length = 0
      expect(await refusalOf(async () => server.channel.check(contextOf(server, { proxyUrl: secure.url, caFile: stranger.authority })))).toMatchObject({ outcome: 'rejected', message: expect.stringMatching(/^Сертификат/) })
      expect(secure.asked).toEqual([])
    } finally {
      await secure.close()
    }
  })
})

describe('mail without encryption', () => {
  it('a password goes to the own machine, and never through a proxy', async () => {
    const server = await startMail(undefined)
    try {
      expect(await server.channel.check(contextOf(server, {}))).toMatchObject({ title: 'reception@clinic.example' })
      const before = server.passwords()
      expect(before).toBeGreaterThan(0)
      for (const act of [async () => server.channel.check(contextOf(server, { proxyUrl: proxy.url })), async () => send(server, { proxyUrl: proxy.url }), async () => openSession(server, { proxyUrl: proxy.url })]) {
        const error = await refusalOf(act)
        expect(error).toMatchObject({ outcome: 'rejected', failure: { class: 'channelPermanent' }, message: expect.stringMatching(/шифрование/) })
        expectSilent(error)
      }
      expect(proxy.asked.length).toBeGreaterThan(0)
      expect(server.passwords()).toBe(before)
    } finally {
      await server.close()
    }
  })
})
