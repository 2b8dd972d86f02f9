import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createServer, type Server } from 'node:https'
import { type AddressInfo } from 'node:net'
import { type Channel } from '../../src/channels/channel.ts'
import { createHttp, downloadFile } from '../../src/channels/http.ts'
import { channels } from '../../src/channels/registry.ts'
import { AppError } from '../../src/errors.ts'
import { makeAuthority } from '../support/certificates.ts'
import { startProxy, type Proxy } from './proxy.ts'

const known = makeAuthority()
const stranger = makeAuthority('Another authority')

const all: readonly Channel[] = channels

/** Forms with what is required and nothing more, of the channels that speak HTTP; `address` is the field that holds the vendor's. */
const forms: Readonly<Record<string, { readonly address: string; readonly credentials: Record<string, string> }>> = {
  whatsapp: { address: 'baseUrl', credentials: { phoneNumberId: '106540352242922', businessAccountId: '102290129340398', accessToken: 'token', appSecret: 'secret', verifyToken: 'word' } },
  greenapi: { address: 'apiUrl', credentials: { idInstance: '1101000001', apiTokenInstance: 'fake-token-for-tests' } },
  wazzup: { address: 'baseUrl', credentials: { apiKey: 'fake-key-for-tests', channelId: 'd9e5721c-ce2b-444f-9627-60a8129d7e1f' } },
  wazzuptelegram: { address: 'baseUrl', credentials: { apiKey: 'fake-key-for-tests', channelId: 'd9e5721c-ce2b-444f-9627-60a8129d7e1f' } },
  telegram: { address: 'apiRoot', credentials: { botToken: '123456789:AAFakeTokenForTests_0123456789abcdef' } },
  max: { address: 'baseUrl', credentials: { token: 'fake-token-for-tests' } },
  vk: { address: 'baseUrl', credentials: { groupId: '223344556', accessToken: 'fake-token-for-tests', confirmation: 'word', secret: 'secret' } },
  smsc: { address: 'baseUrl', credentials: { apiKey: 'key', callbackSecret: 'word' } },
  smsru: { address: 'baseUrl', credentials: { apiId: 'fake-id-for-tests' } },
}
const named = Object.entries(forms).map(([id, form]) => [id, all.find((channel) => channel.id === id)!, form] as const)

describe('the network of a connection', () => {
  const http = createHttp({ connectTimeoutMs: 2_000, timeoutMs: 4_000 })
  const asked: string[] = []
  let vendor: Server
  let proxy: Proxy
  let url: string

  beforeAll(async () => {
    vendor = createServer({ key: known.key, cert: known.cert }, (request, response) => {
      asked.push(request.url ?? '')
      request.resume()
      response.setHeader('content-type', 'application/json').end('{}')
    })
    await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve))
    url = `https://127.0.0.1:${(vendor.address() as AddressInfo).port}`
    proxy = await startProxy()
  })
  afterAll(async () => {
    http.close()
    vendor.closeAllConnections()
    await Promise.all([proxy.close(), new Promise((resolve) => vendor.close(resolve))])
  })

  const call = (network: { proxyUrl?: string; caFile?: string }) => http.call({ method: 'GET', url: `${url}/path` }, { signal: AbortSignal.timeout(5_000), ...network })

  it('a server of an unknown authority is not spoken to, and the sentence says where to put its certificate', async () => {
    asked.length = 0
    await expect(call({})).rejects.toMatchObject({ outcome: 'rejected', message: expect.stringMatching(/^Сертификат.*корневой сертификат в настройки подключения.*\.$/) })
    await expect(call({ caFile: stranger.authority })).rejects.toMatchObject({ outcome: 'rejected' })
    expect(asked).toEqual([])
  })

  it('the authority that was given is trusted by its connection alone, directly and through a proxy', async () => {
    expect(await call({ caFile: known.authority })).toMatchObject({ status: 200 })
    await expect(call({})).rejects.toMatchObject({ outcome: 'rejected' })
    expect(await call({ caFile: known.authority, proxyUrl: proxy.url })).toMatchObject({ status: 200 })
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${new URL(url).port} HTTP/1.1`])
    expect(proxy.logins).toEqual(['name:pass:word'])
    await expect(call({ proxyUrl: proxy.url })).rejects.toMatchObject({ outcome: 'rejected' })
  })

  it('the authorities of the system stay trusted beside the given one', async () => {
    const ca = (await import('node:tls')).getCACertificates('default')
    expect(ca.length).toBeGreaterThan(50)
    expect(await call({ caFile: `${known.authority}\n${stranger.authority}` })).toMatchObject({ status: 200 })
  })

  it('a download goes the same way', async () => {
    const file = await downloadFile(http, { url }, { signal: AbortSignal.timeout(5_000), caFile: known.authority, maxBytes: 100 })
    expect(Buffer.from(file.bytes).toString()).toBe('{}')
  })

  it('an authority that was let go for fifty others works when it is needed again', async () => {
    for (let number = 0; number < 55; number += 1) expect(await call({ caFile: `${known.authority}\n# ${number}` })).toMatchObject({ status: 200 })
    expect(await call({ caFile: `${known.authority}\n# 0` })).toMatchObject({ status: 200 })
  })

  it.each(named)('%s asks its vendor with the proxy and the authority of the form', async (id, channel, { address, credentials }) => {
    const parsed = (network: Record<string, string>): unknown => channel.parseCredentials({ ...credentials, [address]: url, ...network })
    const context = (network: Record<string, string>) => ({ credentials: parsed(network), http, signal: AbortSignal.timeout(5_000) })
    asked.length = 0
    proxy.asked.length = 0
    await expect(channel.check(context({}))).rejects.toMatchObject({ message: expect.stringMatching(/^Сертификат/) })
    expect(asked).toEqual([])
    // `{}` is no answer of any vendor: what counts is that it was asked. Another name at the proxy, so that no open tunnel serves.
    await channel.check(context({ caFile: known.authority, proxyUrl: proxy.url.replace('name:', `${id}:`) })).catch(() => undefined)
    expect(asked.length).toBeGreaterThan(0)
    expect(proxy.asked.length).toBeGreaterThan(0)
  })

  it('no channel with a vendor is left out here: the others speak over sockets of their own, or to the application itself', () => {
    expect(all.map(({ id }) => id).filter((id) => forms[id] === undefined)).toEqual(['site', 'smpp', 'email'])
  })

  it.each(all.filter(({ id }) => id !== 'site').map((channel) => [channel.id, channel] as const))('%s offers both as advanced fields, in two languages', (_, channel) => {
    for (const name of ['proxyUrl', 'caFile']) {
      const field = channel.fields.find((candidate) => candidate.name === name)
      expect(field).toMatchObject({ required: false, advanced: true })
      expect([field?.label.ru, field?.label.en, field?.hint?.ru, field?.hint?.en].every((text) => text !== undefined && text !== '')).toBe(true)
    }
    expect(channel.fields.find(({ name }) => name === 'caFile')).toMatchObject({ multiline: true, secret: false })
  })

  const { credentials } = forms.max!
  const max = named.find(([id]) => id === 'max')![1]
  const problemOf = (caFile: string): string | undefined => {
    try {
      max.parseCredentials({ ...credentials, caFile })
      return undefined
    } catch (error) {
      return error instanceof AppError ? error.fields.caFile : 'not a form error'
    }
  }

  it('a certificate is read as people paste it', () => {
    const wanted = max.parseCredentials({ ...credentials, caFile: known.authority })
    for (const pasted of [known.authority.replaceAll('\n', ' '), known.authority.replaceAll('\n', '\r\n'), `Root of the state\n${known.authority}`, known.authority.replace(/\n(?!-)/g, '')]) {
      expect(max.parseCredentials({ ...credentials, caFile: pasted })).toEqual(wanted)
    }
  })

  it.each([
    ['a path', '/etc/ssl/root.pem'],
    ['a damaged certificate', known.authority.replace(/[A-Za-z0-9]{40}/, '')],
    ['a key', known.key],
    ['a certificate with its key', `${known.cert}${known.key}`],
    ['too many', known.authority.repeat(11)],
  ])('%s is refused with a sentence', (_, caFile) => {
    expect(problemOf(caFile)).toMatch(/^[А-Я].*\.$/)
  })
})
