import { createHash, createHmac } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundFile, type OutboundMessage } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { site } from '../../src/channels/site/index.ts'
import { ownAddress, withOwnAddress } from '../../src/channels/site/own-address.ts'
import { channelContract } from './channel-contract.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { post } from './vectors.ts'

const form = { origins: 'https://clinic.example, www.clinic.example; http://клиника.рф', policyUrl: 'https://clinic.example/policy', secret: 'vec site secret phrase 0001' }
const visitor = 'vec-visitor-0000000001'
const signed = (body: object, secret = form.secret) =>
  post(body, { 'x-site-signature': createHmac('sha256', secret).update('estafeta site hook\n').update(JSON.stringify(body)).digest('hex') })

const chat = { id: visitor, userId: visitor }
const file = { ref: 'vec-file-0000000000001', kind: 'image', name: 'снимок.png', mimeType: 'image/png', sizeBytes: 9 }
const meanings: readonly (readonly [name: string, body: object, expected: readonly Inbound[]])[] = [
  ['a text', { update: 'message', id: 'm1', visitor, text: 'Здравствуйте', files: [], at: 7 }, [{ type: 'message', externalId: 'm1', chat, text: 'Здравствуйте', at: 7 }]],
  [
    'a file with a caption and a quotation', { update: 'message', id: 'm2', visitor, text: 'вот', files: [file], replyTo: 'm1', quotedText: 'Пришлите снимок', at: 7 },
    [{ type: 'message', externalId: 'm2', chat, text: 'вот', files: [file as never], replyTo: 'm1', quotedText: 'Пришлите снимок', at: 7 }],
  ],
  ['an edit', { update: 'edit', id: 'm1', visitor, text: 'Добрый день', at: 8 }, [{ type: 'edit', externalId: 'm1', chat, text: 'Добрый день', at: 8 }]],
  ['a removal', { update: 'delete', id: 'm1', visitor, at: 8 }, [{ type: 'delete', externalId: 'm1', chat, at: 8 }]],
  ['a press', { update: 'press', id: 'm3', visitor, press: 'press-1', payload: 'confirm:9f2', at: 8 }, [{ type: 'action', externalId: 'press-1', chat, messageId: 'm3', payload: 'confirm:9f2', at: 8 }]],
  [
    'marks', { update: 'marks', delivered: [{ id: 'm3', ref: 'd1.0' }, { id: 'm4', ref: 'd2.0' }], read: [{ id: 'm3', ref: 'd1.0' }], at: 9 },
    [
      { type: 'receipt', externalId: 'm3', attemptRef: 'd1.0', level: 'delivered', at: 9 },
      { type: 'receipt', externalId: 'm4', attemptRef: 'd2.0', level: 'delivered', at: 9 },
      { type: 'receipt', externalId: 'm3', attemptRef: 'd1.0', level: 'read', at: 9 },
    ],
  ],
]

const message: OutboundMessage = { ref: 'd1.3', number: 10, to: visitor, text: 'Ждём вас завтра в 10:00' }
const accepted = { status: 200, json: { id: 'm42' } }
const no = (status: number, headers: Record<string, string> = {}) => ({ status, json: { code: 'NO' }, headers })
const genuine = meanings.map(([, body]) => signed(body))

channelContract({
  channel: site,
  form,
  vendor: overHttp('baseUrl'),
  needed: ['origins', 'policyUrl', 'secret'],
  genuine,
  forged: [signed(meanings[0]![1], 'another secret phrase 0001'), { ...genuine[0]!, headers: { 'x-site-signature': '' } }, { ...genuine[0]!, body: genuine[1]!.body }],
  unsupported: [signed({ update: 'hologram', id: 'm1', visitor })],
  unreadable: [signed({ text: 'x' }), signed({ update: 'message', id: 'm1', text: 'x' }), signed({ update: 'marks', read: 'm1' })],
  message,
  accepted: { answer: accepted, sent: { externalId: 'm42', parts: 1 } },
  refusals: [
    { name: 'a wrong signature', answer: no(401), class: 'channelPermanent', code: '401', outcome: 'rejected' },
    { name: 'an unknown visitor', answer: no(404), class: 'recipientPermanent', code: '404', outcome: 'rejected' },
    { name: 'wrong content', answer: no(422), class: 'content', code: '422', outcome: 'rejected' },
    { name: 'too much content', answer: no(413), class: 'content', code: '413', outcome: 'rejected' },
    { name: 'a rate limit', answer: no(429, { 'retry-after': '3' }), class: 'rateLimited', code: '429', outcome: 'rejected', retryAfterSeconds: 3 },
    { name: 'a wrong address', answer: no(405), class: 'channelTemporary', code: '405', outcome: 'rejected' },
    { name: 'trouble inside', answer: no(500), class: 'transient', code: '500', outcome: 'unknown' },
    { name: 'silence', answer: 'stayQuiet', class: 'transient', code: 'TIMEOUT', outcome: 'unknown' },
  ],
  unauthorized: no(401),
})

const picture: OutboundFile = { kind: 'image', name: 'снимок.png', mimeType: 'image/png', bytes: Buffer.from('png bytes') }
conversationContract({
  channel: site,
  form,
  vendor: overHttp('baseUrl'),
  message,
  genuine,
  person: { ids: [visitor] },
  file: { sent: picture, replies: () => [accepted], result: { externalId: 'm42', parts: 1 }, limited: no(429), isUploadedFirst: false },
  edit: { done: { status: 200, json: {} }, late: [no(404)] },
  remove: { done: { status: 200, json: {} }, gone: no(404), late: [no(422)] },
  download: { file: { kind: 'image', ref: file.ref }, replies: () => [{ status: 200, bytes: picture.bytes }], bytes: picture.bytes, gone: [() => [no(404)]] },
})

describe('site: what updates mean', () => {
  it.each(meanings)('%s', (_, body, expected) => {
    expect(site.parse(signed(body), site.parseCredentials(form))).toEqual(expected)
  })
})

describe('site: the form', () => {
  it('reads addresses as browsers name them', () => {
    expect(site.parseCredentials(form).origins).toEqual(['https://clinic.example', 'https://www.clinic.example', `http://${domainToASCII('клиника.рф')}`])
  })

  it.each([['origins', '*'], ['origins', 'https://*.clinic.example'], ['origins', 'ftp://clinic.example'], ['origins', ','], ['policyUrl', 'policy'], ['secret', 'short'], ['colour', 'red'], ['transfer', 'может быть']])('refuses %s %j with a sentence', (name, value) => {
    expect(() => site.parseCredentials({ ...form, [name]: value })).toThrow(expect.objectContaining({ fields: { [name]: expect.stringMatching(/[а-я].*[.]$/) } }))
  })
})

describe('site: what is asked of the chat', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (client: Parameters<typeof site.send>[1]['http'] = http, address = vendor.url) => ({ credentials: site.parseCredentials({ ...form, baseUrl: address }), http: client, signal: new AbortController().signal })
  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  const signatureOf = (method: string, path: string, time: string, json: string): string => createHmac('sha256', form.secret).update(`estafeta site call\n${time}\n${method} ${path}\n${json}`).digest('hex')

  it('signs time, method, path and words, and names the connection without the secret', async () => {
    vendor.replies(accepted)
    const rich = [{ type: 'bold', children: [{ type: 'text', text: 'Ждём' }] }] as const
    await site.send({ ...message, rich, buttons: [{ id: 'yes', title: 'Да' }], replyTo: 'm7' }, context())
    const [{ method, path, headers, body }] = vendor.asked as [Vendor['asked'][number]]
    expect([method, path, body]).toEqual(['POST', '/chat/server/messages', { to: visitor, ref: 'd1.3', text: message.text, rich, buttons: [{ id: 'yes', title: 'Да' }], replyTo: 'm7' }])
    expect(headers['x-site-signature']).toBe(signatureOf(method, path, headers['x-site-time'] as string, JSON.stringify(body)))
    expect(Math.abs(Date.now() - Number(headers['x-site-time']))).toBeLessThan(10_000)
    expect(headers['x-site-account']).toBe(createHmac('sha256', form.secret).update('estafeta site account').digest('hex'))
  })

  it('signs the digest of a file that goes beside the words', async () => {
    vendor.replies(accepted)
    await site.send({ ...message, file: picture }, context())
    const written = String(vendor.asked[0]!.body.fields?.message ?? JSON.stringify(vendor.asked[0]!.body))
    expect(written).toContain(createHash('sha256').update(picture.bytes).digest('hex'))
  })

  it('connects by the hook\'s key and shows the code for the site', async () => {
    vendor.replies({ status: 200, json: { siteKey: 'site-key-1', origin: 'https://app.example' } })
    const facts = await site.connect({ ...context(), hookUrl: 'https://app.example/hooks/site/the-key' })
    expect(vendor.asked[0]!.body).toEqual({ hookKey: 'the-key', account: vendor.asked[0]!.headers['x-site-account'] })
    expect([facts.title, facts.details[0]!.value]).toEqual(['clinic.example', '<script src="https://app.example/widget.js" data-site="site-key-1" async></script>'])
  })

  it('says so when another connection has the same secret phrase', async () => {
    vendor.replies(no(422))
    await expect(site.connect({ ...context(), hookUrl: 'https://app.example/hooks/site/the-key' })).rejects.toMatchObject({ failure: { code: 'secret.taken' }, message: expect.stringMatching(/придумайте новую/) })
  })

  it('puts no id into an address that is not one', async () => {
    vendor.replies(accepted)
    for (const to of ['../../admin', 'short', `${visitor}/x`]) await expect(site.send({ ...message, to }, context())).rejects.toMatchObject({ failure: { class: 'recipientPermanent' } })
    await expect(site.edit!({ externalId: 'm1/../x', to: visitor, text: 'x', isCaption: false }, context())).rejects.toMatchObject({ failure: { class: 'content' } })
    await expect(site.download!({ kind: 'file', ref: '../secret-of-the-clinic' }, { ...context(), maxBytes: 10 })).rejects.toMatchObject({ failure: { class: 'content' } })
    expect(vendor.asked).toEqual([])
  })

  it('finds the application wherever it is reached, and other addresses stay what they are', async () => {
    vendor.replies(accepted)
    const own = withOwnAddress(http, () => vendor.url)
    await site.send(message, context(own, ownAddress))
    await own.call({ method: 'GET', url: `${vendor.url}/else` }, { signal: new AbortController().signal })
    expect(vendor.asked.map(({ path }) => path)).toEqual(['/chat/server/messages', '/else'])
    expect(vendor.asked[0]!.headers['x-site-signature']).toBe(signatureOf('POST', '/chat/server/messages', vendor.asked[0]!.headers['x-site-time'] as string, JSON.stringify(vendor.asked[0]!.body)))
  })
})
