import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createServer, type Server } from 'node:https'
import { connect, createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net'
import { type Channel } from '../../src/channels/channel.ts'
import { createHttp, downloadFile } from '../../src/channels/http.ts'
import { channels } from '../../src/channels/registry.ts'
import { AppError } from '../../src/errors.ts'
import { makeAuthority } from '../support/certificates.ts'

const known = makeAuthority()
const stranger = makeAuthority('Another authority')

/** Forms with what is required and nothing more; `address` is the field that holds the vendor's. */
const forms: Readonly<Record<string, { readonly address: string; readonly credentials: Record<string, string> }>> = {
  whatsapp: { address: 'baseUrl', credentials: { phoneNumberId: '106540352242922', businessAccountId: '102290129340398', accessToken: 'token', appSecret: 'secret', verifyToken: 'word' } },
  telegram: { address: 'apiRoot', credentials: { botToken: '123456789:AAFakeTokenForTests_0123456789abcdef' } },
  max: { address: 'baseUrl', credentials: { token: 'fake-token-for-tests' } },
  smsc: { address: 'baseUrl', credentials: { apiKey: 'key', callbackSecret: 'word' } },
}
const named = Object.entries(forms).map(([id, form]) => [id, (channels as readonly Channel[]).find((channel) => channel.id === id)!, form] as const)

describe('the network of a connection', () => {
  const http = createHttp({ connectTimeoutMs: 2_000, timeoutMs: 4_000 })
  const asked: string[] = []
  const tunnelled: string[] = []
  let vendor: Server
  let proxy: TcpServer
  let url: string
  let proxyUrl: string

  beforeAll(async () => {
    vendor = createServer({ key: known.key, cert: known.cert }, (request, response) => {
      asked.push(request.url ?? '')
      request.resume()
      response.setHeader('content-type', 'application/json').end('{}')
    })
    await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve))
    const { port } = vendor.address() as AddressInfo
    url = `https://127.0.0.1:${port}`
    proxy = createTcp((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', (data: Buffer) => {
        tunnelled.push(data.toString().split('\r\n')[0] ?? '')
        const through = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
          socket.pipe(through).pipe(socket)
        })
        through.on('error', () => socket.destroy())
      })
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    proxyUrl = `http://name:password@127.0.0.1:${(proxy.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    http.close()
    vendor.closeAllConnections()
    await Promise.all([vendor, proxy].map((server) => new Promise((resolve) => server.close(resolve))))
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
    tunnelled.length = 0
    expect(await call({ caFile: known.authority, proxyUrl })).toMatchObject({ status: 200 })
    expect(tunnelled).toEqual([`CONNECT 127.0.0.1:${new URL(url).port} HTTP/1.1`])
    await expect(call({ proxyUrl })).rejects.toMatchObject({ outcome: 'rejected' })
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
    tunnelled.length = 0
    await expect(channel.check(context({}))).rejects.toMatchObject({ message: expect.stringMatching(/^Сертификат/) })
    expect(asked).toEqual([])
    // `{}` is no answer of any vendor: what counts is that it was asked. Another name at the proxy, so that no open tunnel serves.
    await channel.check(context({ caFile: known.authority, proxyUrl: proxyUrl.replace('name:', `${id}:`) })).catch(() => undefined)
    expect(asked.length).toBeGreaterThan(0)
    expect(tunnelled.length).toBeGreaterThan(0)
  })

  it.each(named)('%s offers both as advanced fields, in two languages', (_, channel) => {
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
