import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createHttp, downloadFile } from '../../src/channels/http.ts'
import { startVendor, type Vendor } from './vendor.ts'

const signal = (): AbortSignal => new AbortController().signal

/** A bare TCP server: what is behind the port when it does not speak HTTP, or is a proxy. */
const startTcp = async (onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

describe('the HTTP client of the channels', () => {
  let vendor: Vendor
  const http = createHttp({ maxBytes: 2000 })
  const impatient = createHttp({ connectTimeoutMs: 200, timeoutMs: 400 })

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    impatient.close()
    await vendor.close()
  })

  it('returns every answer whatever its status, JSON parsed and text as it is', async () => {
    vendor.replies({ status: 404, json: { a: 1 }, headers: { 'Retry-After': '7' } })
    expect(await http.call({ method: 'GET', url: vendor.url, query: { q: 'я', none: undefined, n: 5 } }, { signal: signal() })).toMatchObject({
      status: 404,
      body: { a: 1 },
      headers: { 'retry-after': '7' },
    })
    expect(vendor.asked[0]).toMatchObject({ method: 'GET', query: { q: 'я', n: '5' } })
    vendor.replies({ status: 502, text: '<html>' })
    expect(await http.call({ method: 'GET', url: vendor.url }, { signal: signal() })).toMatchObject({ status: 502, body: '<html>' })
  })

  it('sends JSON and forms', async () => {
    vendor.replies({ status: 200 })
    await http.call({ method: 'POST', url: vendor.url, json: { text: 'я' } }, { signal: signal() })
    await http.call({ method: 'POST', url: vendor.url, form: { mes: 'я & я', id: 5 } }, { signal: signal() })
    expect(vendor.asked.map(({ body }) => body)).toEqual([{ text: 'я' }, { mes: 'я & я', id: '5' }])
  })

  it('follows no redirect', async () => {
    vendor.replies({ status: 302, text: '', headers: { location: `${vendor.url}/elsewhere` } })
    expect((await http.call({ method: 'POST', url: vendor.url, json: {} }, { signal: signal() })).status).toBe(302)
    expect(vendor.asked).toHaveLength(1)
  })

  it('keeps its connection for the next call', async () => {
    let connections = 0
    const { server, port } = await startTcp((socket) => {
      connections += 1
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}'))
    })
    const url = `http://127.0.0.1:${port}/`
    for (let call = 0; call < 3; call += 1) await http.call({ method: 'GET', url }, { signal: signal() })
    expect(connections).toBe(1)
    http.close()
    server.close()
  })

  it('F06 says that the outcome is unknown once the request was written', async () => {
    vendor.replies('stayQuiet')
    const call = () => impatient.call({ method: 'POST', url: vendor.url, json: {} }, { signal: signal() })
    await expect(call()).rejects.toMatchObject({ outcome: 'unknown', failure: { class: 'transient', code: 'TIMEOUT' } })
    vendor.replies('hangUp')
    await expect(call()).rejects.toMatchObject({ outcome: 'unknown', failure: { class: 'transient', code: 'ECONNRESET' } })
  })

  it('says that nothing was sent when no connection stood', async () => {
    await expect(http.call({ method: 'POST', url: 'http://127.0.0.1:1/', json: {} }, { signal: signal() })).rejects.toMatchObject({
      outcome: 'rejected',
      failure: { code: 'ECONNREFUSED' },
    })
  })

  it('says that nothing was sent when TLS was never agreed on', async () => {
    const quiet = await startTcp(() => undefined)
    await expect(impatient.call({ method: 'POST', url: `https://127.0.0.1:${quiet.port}/`, json: {} }, { signal: signal() })).rejects.toMatchObject({
      outcome: 'rejected',
      failure: { code: 'CONNECT_TIMEOUT' },
    })
    const resetting = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await expect(http.call({ method: 'POST', url: `https://127.0.0.1:${resetting.port}/`, json: {} }, { signal: signal() })).rejects.toMatchObject({
      outcome: 'rejected',
      failure: { code: 'ECONNRESET' },
    })
    quiet.server.close()
    resetting.server.close()
  })

  it('stops with the caller, before and after the request was written', async () => {
    await expect(http.call({ method: 'GET', url: vendor.url }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ outcome: 'rejected', failure: { code: 'ABORTED' } })
    vendor.replies('stayQuiet')
    const controller = new AbortController()
    const call = http.call({ method: 'GET', url: vendor.url }, { signal: controller.signal })
    const outcome = expect(call).rejects.toMatchObject({ outcome: 'unknown', failure: { code: 'ABORTED' } })
    while (vendor.asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await outcome
  })

  it('refuses an answer that is too big', async () => {
    vendor.replies({ status: 200, text: 'x'.repeat(5000) })
    await expect(http.call({ method: 'GET', url: vendor.url }, { signal: signal() })).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it('sends plain HTTP through the proxy', async () => {
    vendor.replies({ status: 200, json: { via: 'proxy' } })
    const answer = await http.call({ method: 'GET', url: 'http://vendor.example/path' }, { signal: signal(), proxyUrl: vendor.url })
    expect(answer).toMatchObject({ status: 200, body: { via: 'proxy' } })
    expect(vendor.asked[0]?.headers.host).toBe('vendor.example')
  })

  it('tunnels HTTPS through the proxy, and knows that nothing was sent when the proxy refuses', async () => {
    const heard: string[] = []
    const { server, port } = await startTcp((socket) =>
      socket.once('data', (data: Buffer) => {
        heard.push(data.toString().split('\r\n')[0] ?? '')
        socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')
      }),
    )
    const proxyUrl = `http://name:proxy-password@127.0.0.1:${port}`
    const call = http.call({ method: 'POST', url: 'https://vendor.example/bot123:token/send', json: {} }, { signal: signal(), proxyUrl })
    await expect(call).rejects.toMatchObject({ outcome: 'rejected', failure: { class: 'transient' } })
    await call.catch((error: unknown) => {
      expect(JSON.stringify([error, String((error as Error).stack)])).not.toMatch(/proxy-password|vendor\.example|123:token/)
    })
    expect(heard).toEqual(['CONNECT vendor.example:443 HTTP/1.1'])
    server.close()
  })

  it('sends a file with its fields, whatever its name, beyond the limit of a body', async () => {
    vendor.replies({ status: 200 })
    const bytes = Buffer.alloc(5000, 13)
    const file = { field: 'file', name: 'снимок "1"\r\n.jpg', mimeType: 'image/jpeg', bytes }
    await http.call({ method: 'POST', url: vendor.url, multipart: { fields: { text: 'я' }, file } }, { signal: signal() })
    const { body } = vendor.asked[0]!
    expect(body.text).toBe('я')
    expect(body.file).toMatchObject({ name: 'снимок %221%22%0D%0A.jpg', mimeType: 'image/jpeg' })
    expect(Buffer.compare(body.file.bytes, bytes)).toBe(0)
  })

  describe('downloads', () => {
    const download = (maxBytes = 100) => downloadFile(http, { url: `${vendor.url}/a`, headers: { authorization: 'Bearer secret-key' } }, { signal: signal(), maxBytes })
    const found = { status: 200, bytes: Buffer.from([0, 255, 13, 10]), headers: { 'content-type': 'image/png; charset=binary' } }

    it('give the bytes as they are, and what they are', async () => {
      vendor.replies(found)
      const { bytes, mimeType } = await download()
      expect([[...bytes], mimeType]).toEqual([[0, 255, 13, 10], 'image/png'])
    })

    it('follow a redirect, and show the key to the first host alone', async () => {
      const other = await startVendor()
      other.replies(found)
      vendor.replies({ status: 302, text: '', headers: { location: '/b' } }, { status: 302, text: '', headers: { location: `${other.url}/c` } })
      await download()
      expect(vendor.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([['/a', 'Bearer secret-key'], ['/b', 'Bearer secret-key']])
      expect(other.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([['/c', undefined]])
      await other.close()
    })

    it.each<[string, Parameters<typeof vendor.replies>[0], string, string]>([
      ['a circle of redirects', { status: 302, text: '', headers: { location: '/a' } }, 'transient', 'file.redirects'],
      ['a redirect to a place that is no web address', { status: 302, text: '', headers: { location: 'file:///etc/passwd' } }, 'transient', 'file.redirects'],
      ['a file that is gone', { status: 410, text: '' }, 'content', 'file.gone'],
      ['a limit of the store', { status: 429, text: '' }, 'rateLimited', 'file.429'],
      ['a key that is not taken', { status: 403, text: '' }, 'transient', 'file.403'],
      ['a file that is too large', { status: 200, bytes: Buffer.alloc(101) }, 'content', 'file.large'],
    ])('say what %s means', async (_, reply, failureClass, code) => {
      vendor.replies(reply)
      await expect(download()).rejects.toMatchObject({ failure: { class: failureClass, code }, outcome: 'rejected', message: expect.stringMatching(/^[А-Я].*\.$/) })
    })
  })
})
