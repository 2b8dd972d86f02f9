import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage, type RawRequest } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { smsru } from '../../src/channels/smsru/index.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { channelContract } from './channel-contract.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Reply, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { apiId: 'vec-smsru-api-id', sender: 'CLINIC' }
const credentials = smsru.parseCredentials(form)
const vector = (name: string) => webhook(`sms-smsru-${name}`)
const parse = (request: RawRequest) => smsru.parse(request, credentials)

const signed = (records: readonly string[], apiId = form.apiId): string => createHash('sha256').update([apiId, ...records].join('')).digest('hex')
/** A callback as PHP's own form comes over the wire. */
const urlencoded = (records: readonly string[], hash = signed(records)): RawRequest =>
  post(new URLSearchParams([...records.map((record, index): [string, string] => [`data[${index}]`, record]), ['hash', hash]]).toString(), { 'content-type': 'application/x-www-form-urlencoded' })
/** The same as `multipart/form-data`, its fields in any order. */
const multipart = (records: readonly string[], order: readonly number[] = records.map((_, index) => index)): RawRequest => {
  const parts = [...order.map((index) => [`data[${index}]`, records[index]!]), ['hash', signed(records)]]
  const body = `${parts.map(([name, value]) => `--b0und\r\nContent-Disposition: form-data; name="${name!}"\r\n\r\n${value!}\r\n`).join('')}--b0und--\r\n`
  return post(body, { 'content-type': 'multipart/form-data; boundary=b0und' })
}
const status = (code: number | string, id = '202647-1000001'): string => `sms_status\n${id}\n${code}\n1795424405`

const receipt = (id: string, level: 'sent' | 'delivered', seconds: number): Inbound => ({ type: 'receipt', externalId: id, level, at: seconds * 1000 })
const failure = (id: string, failureClass: FailureClass, code: number, seconds: number): Inbound => ({ type: 'failure', externalId: id, failure: { class: failureClass, code: `status ${code}` }, at: seconds * 1000 })

const meanings: Record<string, Inbound[]> = {
  'dlr-batch': [
    receipt('202647-1000001', 'delivered', 1_795_424_405),
    failure('202647-1000002', 'recipientTemporary', 104, 1_795_424_406),
    failure('202647-1000003', 'recipientPermanent', 105, 1_795_424_407),
  ],
  'dlr-out-of-order': [receipt('202647-1000004', 'delivered', 1_795_424_405), receipt('202647-1000004', 'sent', 1_795_424_401)],
}
const nothing = ['dlr-callcheck', 'dlr-unknown-kind']
const others = ['dlr-bad-hash', 'response-no-funds', 'response-ok']

const message: OutboundMessage = { ref: 'd1.3', number: 1001, to: '+79000000001', text: 'Напоминаем о приёме завтра в 10:00' }
const refused = (status_code: number): Reply => ({ status: 200, json: { status: 'ERROR', status_code, status_text: 'to 79000000001' } })
/** The whole is OK, the number is not. */
const refusedNumber = (status_code: number): Reply => ({ status: 200, json: { status: 'OK', status_code: 100, sms: { 79000000001: { status: 'ERROR', status_code, status_text: 'x' } }, balance: 4122.56 } })

channelContract({
  channel: smsru,
  form,
  vendor: overHttp('baseUrl'),
  needed: ['apiId'],
  genuine: [...Object.keys(meanings), ...nothing].map(vector),
  forged: [vector('dlr-bad-hash'), urlencoded([status(103)], signed([status(103)], 'another-api-id')), urlencoded([status(103)], ''), urlencoded([], signed([])), post('')],
  unsupported: [...nothing.map(vector), urlencoded(['test\n1795424405']), urlencoded([status(100), status(101), status(777)])],
  unreadable: [post('hello'), urlencoded([status('abc')]), urlencoded(['sms_status\n103']), post('{"data": 1}')],
  message,
  accepted: { answer: answer('sms-smsru-response-ok'), sent: { externalId: '202647-1000001', parts: 1 } },
  refusals: [
    { name: 'an empty account', answer: answer('sms-smsru-response-no-funds'), class: 'channelPermanent', code: '201', outcome: 'rejected' },
    { name: 'a wrong api_id', answer: refused(200), class: 'channelPermanent', code: '200', outcome: 'rejected' },
    { name: 'an account that is not confirmed', answer: refused(302), class: 'channelPermanent', code: '302', outcome: 'rejected' },
    { name: 'a busy service', answer: refused(220), class: 'transient', code: '220', outcome: 'rejected' },
    { name: 'a fault of its own', answer: refused(500), class: 'transient', code: '500', outcome: 'unknown' },
    { name: 'a used up day', answer: refused(206), class: 'channelTemporary', code: '206', outcome: 'rejected' },
    { name: 'a code that nobody knows', answer: refused(777), class: 'channelTemporary', code: '777', outcome: 'rejected' },
    { name: 'a bad number inside an OK', answer: refusedNumber(202), class: 'recipientPermanent', code: '202', outcome: 'rejected' },
    { name: 'a sender that is not approved', answer: refusedNumber(204), class: 'channelPermanent', code: '204', outcome: 'rejected' },
    { name: 'no route to the number', answer: refusedNumber(207), class: 'recipientPermanent', code: '207', outcome: 'rejected' },
    { name: 'the stop list', answer: refusedNumber(209), class: 'recipientPermanent', code: '209', outcome: 'rejected' },
    { name: 'the day\'s limit of one number', answer: refusedNumber(230), class: 'recipientTemporary', code: '230', outcome: 'rejected' },
    { name: 'the same text within a minute', answer: refusedNumber(231), class: 'rateLimited', code: '231', outcome: 'rejected', retryAfterSeconds: 60 },
    { name: 'the same text within a day', answer: refusedNumber(232), class: 'recipientTemporary', code: '232', outcome: 'rejected' },
    { name: 'no number in the answer', answer: { status: 200, json: { status: 'OK', status_code: 100, sms: {} } }, class: 'transient', code: 'answer', outcome: 'unknown' },
    { name: 'too many requests', answer: { status: 429, text: '' }, class: 'rateLimited', code: '429', outcome: 'rejected' },
    { name: 'a redirect', answer: { status: 301, text: '', headers: { location: 'https://example.test/' } }, class: 'channelTemporary', code: '301', outcome: 'rejected' },
  ],
  unauthorized: refused(200),
})

conversationContract({ channel: smsru, form, vendor: overHttp('baseUrl'), message, genuine: Object.keys(meanings).map(vector), person: { ids: [] } })

describe('smsru: what callbacks mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...nothing, ...others].sort()).toEqual(vectorNames('sms-smsru-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(parse(vector(name))).toEqual(expected)
  })

  it.each<[string, (records: readonly string[]) => RawRequest]>([['an urlencoded form', urlencoded], ['multipart', multipart]])('reads %s, and more than ten records in their own order', (_, write) => {
    const records = Array.from({ length: 12 }, (_one, index) => status(103, `202647-${index}`))
    expect(smsru.verify(write(records), credentials)).toBe(true)
    expect(parse(write(records)).map((event) => 'externalId' in event && event.externalId)).toEqual(records.map((_one, index) => `202647-${index}`))
  })

  it('orders records by their numbers, as the signature does', () => {
    const records = [status(103, 'a-1'), status(102, 'a-2'), status(104, 'a-3')]
    expect(smsru.verify(multipart(records, [2, 0, 1]), credentials)).toBe(true)
    expect(smsru.verify(urlencoded([...records].reverse(), signed(records)), credentials)).toBe(false)
  })

  it.each<[number, FailureClass]>([
    [-1, 'channelTemporary'],
    [104, 'recipientTemporary'],
    [105, 'recipientPermanent'],
    [106, 'recipientTemporary'],
    [107, 'recipientTemporary'],
    [108, 'recipientPermanent'],
    [130, 'recipientTemporary'],
    [150, 'recipientPermanent'],
  ])('status %i is %s', (code, failureClass) => {
    expect(parse(urlencoded([status(code)]))).toEqual([failure('202647-1000001', failureClass, code, 1_795_424_405)])
  })

  it('takes "read" for the delivery that it implies', () => {
    expect(parse(urlencoded([status(110)]))).toEqual([receipt('202647-1000001', 'delivered', 1_795_424_405)])
  })

  it('answers what SMS.ru waits for, or it would repeat for five days', () => {
    expect(smsru.acknowledgement).toBe('100')
  })
})

describe('smsru: what is asked of SMS.ru', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (more: object = {}) => ({ credentials: smsru.parseCredentials({ ...form, ...more, baseUrl: vendor.url }), http, signal: new AbortController().signal })
  const ok = (more: object): Reply => ({ status: 200, json: { status: 'OK', status_code: 100, ...more } })
  const balance = ok({ balance: 4122.56 })
  const limit = ok({ total_limit: '1000', used_today: 7 })
  const senders = ok({ senders: ['CLINIC'] })
  const stopList = ok({ stoplist: { 79000000009: 'asked to' } })
  const hookUrl = 'https://clinic.example/hooks/smsru/1'

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends to one number, with the sender, the partner and the life of the message, the key never in the address', async () => {
    vendor.replies(answer('sms-smsru-response-ok'))
    await smsru.send({ ...message, expiresInSeconds: 5400 }, context({ partnerId: '123', test: '1' }))
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/sms/send', query: {} })
    expect(vendor.asked[0]?.body).toEqual({ api_id: form.apiId, to: '79000000001', msg: message.text, from: 'CLINIC', partner_id: '123', test: '1', ttl: '90', json: '1' })
  })

  it.each([[10, '1'], [59 * 60 + 59, '59'], [90 * 3600, '1440']])('writes a life of %i s as %s minutes', async (expiresInSeconds, ttl) => {
    vendor.replies(answer('sms-smsru-response-ok'))
    await smsru.send({ ...message, expiresInSeconds }, context())
    expect(vendor.asked[0]?.body.ttl).toBe(ttl)
  })

  it('F44 refuses a number that holds several, and an answer for several', async () => {
    vendor.replies(answer('sms-smsru-response-ok'))
    await expect(smsru.send({ ...message, to: '+79000000001,79000000002' }, context())).rejects.toMatchObject({ failure: { class: 'recipientPermanent' }, outcome: 'rejected' })
    expect(vendor.asked).toHaveLength(0)
    const one = { status: 'OK', status_code: 100, sms_id: '1-1' }
    vendor.replies(ok({ sms: { 79000000001: one, 79000000002: one } }))
    await expect(smsru.send(message, context())).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it('F05 is not repeated by anybody: it takes no id of ours', () => {
    expect(smsru).toMatchObject({ isIdempotent: false })
    expect('lookUp' in smsru).toBe(false)
  })

  it('connects: registers the address of callbacks and shows balance, limit and stop list', async () => {
    vendor.replies(ok({ callback: [hookUrl] }), balance, limit, senders, stopList, ok({ callback: [hookUrl] }))
    expect(await smsru.connect({ ...context(), hookUrl })).toEqual({
      title: 'CLINIC',
      details: [
        { label: expect.objectContaining({ ru: 'Баланс' }), value: '4122.56 ₽' },
        { label: expect.objectContaining({ ru: 'Отправлено сегодня' }), value: '7 / 1000' },
        { label: expect.objectContaining({ ru: 'Номеров в стоп-листе' }), value: '1' },
      ],
    })
    expect(vendor.asked.map(({ path }) => path)).toEqual(['/callback/add', '/my/balance', '/my/limit', '/my/senders', '/stoplist/get', '/callback/get'])
    expect(vendor.asked[0]?.body).toMatchObject({ url: hookUrl })
  })

  it('says when SMS.ru has lost the address of callbacks', async () => {
    vendor.replies(balance, limit, senders, ok({ stoplist: [] }), ok({ callback: [] }))
    expect(await smsru.check({ ...context(), hookUrl })).toMatchObject({ isHookLost: true, details: [{}, {}, { value: '0' }] })
  })

  it('warns of a low balance, a day that is nearly used up, and of the test mode', async () => {
    vendor.replies(ok({ balance: 12 }), ok({ total_limit: '10', used_today: 9 }), senders, stopList)
    const { warnings } = await smsru.check(context({ test: '1' }))
    expect(warnings?.map(({ ru }) => ru)).toEqual([expect.stringContaining('12 ₽'), expect.stringContaining('9 из 10'), expect.stringContaining('роверочный режим')])
    vendor.replies(balance, limit, senders, stopList)
    expect((await smsru.check(context())).warnings).toBeUndefined()
  })

  it('F41 finds out at once that the sender is not approved', async () => {
    vendor.replies(balance, limit, ok({ senders: ['OTHER'] }))
    await expect(smsru.check(context())).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '204' } })
  })
})
