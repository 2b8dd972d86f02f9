import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage, type RawRequest } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { smsc } from '../../src/channels/smsc/index.ts'
import { countSegments } from '../../src/domain/sms-segments.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { channelContract } from './channel-contract.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { apiKey: 'vec-smsc-api-key', sender: 'CLINIC', callbackSecret: 'vec-smsc-secret' }
const credentials = smsc.parseCredentials(form)
const vector = (name: string) => webhook(`sms-smsc-${name}`)
const parse = (request: RawRequest) => smsc.parse(request, credentials)

/** A report of SMSC's making, signed like theirs. */
const report = (status: number, err = 0, more: Record<string, string> = {}): RawRequest => {
  const md5 = createHash('md5').update(`1001:79000000001:${status}:${form.callbackSecret}`).digest('hex')
  return post(new URLSearchParams({ id: '1001', phone: '79000000001', status: String(status), err: String(err), ts: '1795424405', md5, ...more }).toString())
}
const failure = (failureClass: FailureClass, code: string, id = '1001'): Inbound[] => [{ type: 'failure', externalId: id, failure: { class: failureClass, code }, at: 1_795_424_405_000 }]
const delivered: Inbound[] = [{ type: 'receipt', externalId: '1001', level: 'delivered', at: 1_795_424_405_000 }]

const meanings: Record<string, Inbound[]> = {
  'dlr-delivered': delivered,
  'dlr-duplicate': delivered,
  'dlr-impossible-no-subscriber': failure('recipientPermanent', 'err 1', '1003'),
  'dlr-no-funds': failure('channelPermanent', 'status 24', '1007'),
  'dlr-operator-rejected': failure('recipientPermanent', 'err 255', '1005'),
  'dlr-to-operator': [{ type: 'receipt', externalId: '1001', level: 'sent', at: 1_795_424_401_000 }],
  'mo-stop': [
    {
      type: 'message',
      externalId: expect.stringMatching(/^mo:[0-9a-f]{32}$/) as unknown as string,
      chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' },
      text: 'СТОП',
    },
  ],
}
const others = ['dlr-bad-md5', 'response-error-2', 'response-error-7', 'response-error-9', 'response-ok']

const message: OutboundMessage = { ref: 'd1.3', number: 1001, to: '+79000000001', text: 'Напоминаем о приёме завтра в 10:00' }
const refused = (error_code: number) => ({ status: 200, json: { error: 'to 79000000001', error_code, id: 1001 } })

channelContract({
  channel: smsc,
  form,
  vendor: overHttp('baseUrl'),
  needed: ['apiKey', 'callbackSecret'],
  genuine: Object.keys(meanings).map(vector),
  forged: [vector('dlr-bad-md5'), report(1, 0, { md5: '' }), report(1, 0, { status: '20' }), report(1, 0, { phone: '79000000002' }), post('')],
  unsupported: [report(-1), report(77), post('phone=79000000001&ts=1795424405&waitcall=1')],
  unreadable: [post('hello'), post('id=abc&phone=79000000001&status=1'), post('{"id": 1}')],
  message,
  accepted: { answer: answer('sms-smsc-response-ok'), sent: { externalId: '1001', parts: 2 } },
  refusals: [
    { name: 'a wrong password', answer: answer('sms-smsc-response-error-2'), class: 'channelPermanent', code: '2', outcome: 'rejected' },
    { name: 'a bad number', answer: answer('sms-smsc-response-error-7'), class: 'recipientPermanent', code: '7', outcome: 'rejected' },
    { name: 'wrong parameters', answer: refused(1), class: 'content', code: '1', outcome: 'rejected' },
    { name: 'an empty account', answer: refused(3), class: 'channelPermanent', code: '3', outcome: 'rejected' },
    { name: 'a closed address', answer: refused(4), class: 'channelTemporary', code: '4', outcome: 'rejected' },
    { name: 'a forbidden text', answer: refused(6), class: 'content', code: '6', outcome: 'rejected' },
    { name: 'a number that takes no SMS', answer: refused(8), class: 'recipientPermanent', code: '8', outcome: 'rejected' },
    { name: 'a code that nobody knows', answer: refused(77), class: 'channelTemporary', code: '77', outcome: 'rejected' },
    { name: 'a redirect', answer: { status: 301, text: '', headers: { location: 'https://example.test/' } }, class: 'channelTemporary', code: '301', outcome: 'rejected' },
  ],
  unauthorized: answer('sms-smsc-response-error-2'),
})

conversationContract({
  channel: smsc,
  form,
  vendor: overHttp('baseUrl'),
  message,
  genuine: Object.keys(meanings).map(vector),
  person: { ids: ['79000000001'], phone: '+79000000001' },
})

describe('smsc: what reports mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...others].sort()).toEqual(vectorNames('sms-smsc-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(parse(vector(name))).toEqual(expected)
  })

  it('F11 knows one person by 7 and by 8, and leaves a foreign number alone', () => {
    const said = (phone: string) => parse(post(new URLSearchParams({ phone, mes: 'Да', to: '79000000000' }).toString()))
    for (const phone of ['79000000001', '+79000000001', '89000000001']) expect(said(phone)).toMatchObject([{ chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' } }])
    expect(said('84912345678')).toMatchObject([{ chat: { id: '84912345678' } }])
  })

  it('takes the same report by GET', () => {
    const query = Object.fromEntries(new URLSearchParams(vector('dlr-delivered').body.toString()))
    const request: RawRequest = { method: 'GET', headers: {}, query, body: Buffer.alloc(0) }
    expect(smsc.verify(request, credentials)).toBe(true)
    expect(parse(request)).toEqual(delivered)
    expect(smsc.verify({ ...request, query: { ...query, id: '1002' } }, credentials)).toBe(false)
  })

  it.each<[number, number, FailureClass, string]>([
    [-2, 0, 'channelTemporary', 'status -2'],
    [3, 0, 'recipientTemporary', 'status 3'],
    [3, 6, 'recipientTemporary', 'err 6'],
    [20, 0, 'recipientPermanent', 'status 20'],
    [20, 6, 'recipientTemporary', 'err 6'],
    [20, 11, 'recipientPermanent', 'err 11'],
    [20, 12, 'recipientTemporary', 'err 12'],
    [20, 13, 'recipientPermanent', 'err 13'],
    [20, 200, 'recipientPermanent', 'err 200'],
    [20, 219, 'recipientPermanent', 'err 219'],
    [20, 240, 'recipientTemporary', 'err 240'],
    [20, 246, 'recipientTemporary', 'err 246'],
    [20, 247, 'channelTemporary', 'err 247'],
    [20, 248, 'recipientPermanent', 'err 248'],
    [20, 249, 'content', 'err 249'],
    [20, 777, 'recipientPermanent', 'err 777'],
    [22, 0, 'recipientPermanent', 'status 22'],
    [23, 0, 'content', 'status 23'],
    [23, 251, 'recipientTemporary', 'err 251'],
    [23, 252, 'recipientPermanent', 'err 252'],
    [23, 253, 'content', 'err 253'],
    [23, 254, 'channelPermanent', 'err 254'],
    [25, 0, 'recipientPermanent', 'status 25'],
  ])('status %i with err %i is %s', (status, err, failureClass, code) => {
    expect(parse(report(status, err))).toEqual(failure(failureClass, code))
  })

  it('takes "read" and "link followed" for the delivery that they imply', () => {
    expect(parse(report(2))).toEqual(delivered)
    expect(parse(report(4))).toEqual(delivered)
  })

  it('F10 gives a repeated SMS of a patient the same id, and another one a different id', () => {
    const [first] = parse(vector('mo-stop'))
    expect(parse(vector('mo-stop'))[0]).toEqual(first)
    const other = vector('mo-stop').body.toString().replace('12%3A10%3A00', '12%3A11%3A00')
    expect(parse({ ...vector('mo-stop'), body: Buffer.from(other) })[0]).not.toEqual(first)
  })

  it('takes login and password instead of a key, and names the one that is missing', () => {
    expect(smsc.parseCredentials({ login: 'clinic', password: 'p', callbackSecret: 's' })).toMatchObject({ login: 'clinic', password: 'p' })
    expect(() => smsc.parseCredentials({ login: 'clinic', callbackSecret: 's' })).toThrow(expect.objectContaining({ fields: { password: 'Впишите пароль SMSC.ru.' } }))
    expect(() => smsc.parseCredentials({ password: 'p', callbackSecret: 's' })).toThrow(expect.objectContaining({ fields: { login: 'Впишите логин SMSC.ru.' } }))
  })
})

describe('smsc: what is asked of SMSC.ru', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (more: object = form) => ({ credentials: smsc.parseCredentials({ ...more, baseUrl: vendor.url }), http, signal: new AbortController().signal })

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends under our own number, with the sender and the life of the message', async () => {
    vendor.replies(answer('sms-smsc-response-ok'))
    await smsc.send({ ...message, expiresInSeconds: 5400 }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/sys/send.php' })
    expect(vendor.asked[0]?.body).toEqual({
      apikey: form.apiKey,
      phones: '79000000001',
      mes: message.text,
      id: '1001',
      sender: 'CLINIC',
      valid: '01:30',
      fmt: '3',
      charset: 'utf-8',
    })
  })

  it.each([
    [10, '00:01'],
    [59 * 60 + 59, '00:59'],
    [24 * 3600, '24:00'],
    [90 * 3600, '24:00'],
  ])('writes a life of %i s as %s', async (expiresInSeconds, valid) => {
    vendor.replies(answer('sms-smsc-response-ok'))
    await smsc.send({ ...message, expiresInSeconds }, context())
    expect(vendor.asked[0]?.body.valid).toBe(valid)
  })

  it('F05 asks what became of the first request when SMSC calls this one a repetition', async () => {
    vendor.replies(answer('sms-smsc-response-error-9'), { status: 200, json: { status: 1, last_date: '', last_timestamp: 1, err: 0 } })
    expect(await smsc.send(message, context())).toEqual({ externalId: '1001', parts: 1 })
    expect(vendor.asked[1]).toMatchObject({ path: '/sys/status.php', body: { phone: '79000000001', id: '1001' } })
  })

  it('may be repeated, because it can be asked first', () => {
    expect(smsc).toMatchObject({ isIdempotent: true, lookUp: expect.any(Function) })
  })

  it('waits a minute when SMSC calls it too much and knows no such message', async () => {
    vendor.replies(answer('sms-smsc-response-error-9'), { status: 200, json: { status: -3 } })
    await expect(smsc.send(message, context())).rejects.toMatchObject({ failure: { class: 'rateLimited', code: '9' }, outcome: 'rejected', retryAfterSeconds: 60 })
  })

  it('tells a message that SMSC has from one that never reached it', async () => {
    vendor.replies({ status: 200, json: { status: -1 } })
    expect(await smsc.lookUp?.({ ...message, text: 'я'.repeat(71) }, context())).toEqual({ externalId: '1001', parts: 2 })
    vendor.replies({ status: 200, json: { status: -3 } })
    expect(await smsc.lookUp?.(message, context())).toBeUndefined()
  })

  it('connects: shows the balance and says where its address must be entered', async () => {
    vendor.replies({ status: 200, json: { balance: '1234.50', currency: 'RUR' } })
    const hookUrl = 'https://clinic.example/hooks/smsc/1'
    const facts = await smsc.connect({ ...context(), hookUrl })
    expect(facts).toMatchObject({ title: 'CLINIC', details: [{ value: '1234.50 RUR' }, { value: hookUrl }] })
    expect(vendor.asked[0]).toMatchObject({ path: '/sys/balance.php' })
  })

  it('shows the login where there is no key', async () => {
    vendor.replies({ status: 200, json: { balance: '1.00' } })
    await smsc.check(context({ login: 'clinic', password: 'pass-word', callbackSecret: 's' }))
    expect(vendor.asked[0]?.body).toMatchObject({ login: 'clinic', psw: 'pass-word' })
  })
})

describe('smsc: parts', () => {
  it.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    [`${'a'.repeat(158)}€`, 1],
    [`${'a'.repeat(159)}€`, 2],
    ['я'.repeat(70), 1],
    ['я'.repeat(71), 2],
    ['я'.repeat(134), 2],
    ['я'.repeat(135), 3],
    [`${'a'.repeat(69)}№`, 1],
    [`${'a'.repeat(70)}№`, 2],
    [`${'я'.repeat(69)}👋`, 2],
  ])('counts the parts of a text as operators do (%#)', (text, count) => {
    expect(countSegments(text)).toBe(count)
  })
})
