import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage } from '../../src/channels/channel.ts'
import { unsupportedText } from '../../src/channels/refusal.ts'
import { createHttp } from '../../src/channels/http.ts'
import { whatsapp } from '../../src/channels/whatsapp/index.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { channelContract } from './channel-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = {
  phoneNumberId: '106540352242922',
  businessAccountId: '102290129340398',
  accessToken: 'EAAtesttoken0001',
  appSecret: 'vec-app-secret-0001',
  verifyToken: 'vec-verify-token',
}
const credentials = whatsapp.parseCredentials(form)
const vector = (name: string) => webhook(`wa-cloud-${name}`)
const parse = (name: string): readonly Inbound[] => whatsapp.parse(vector(name), credentials)

/** A POST of Meta's making, signed like hers. */
const signed = (body: unknown) => {
  const request = post(body)
  const signature = createHmac('sha256', form.appSecret).update(request.body).digest('hex')
  return { ...request, headers: { ...request.headers, 'x-hub-signature-256': `sha256=${signature}` } }
}
const change = (field: string, value: unknown, account = form.businessAccountId) => signed({ object: 'whatsapp_business_account', entry: [{ id: account, changes: [{ field, value }] }] })
const metadata = { display_phone_number: '15550783881', phone_number_id: form.phoneNumberId }

const chat = { id: 'RU.13491208655302741918', userId: 'RU.13491208655302741918', name: 'Иван П.', phone: '+79000000001' }
const ours = 'wamid.HBgLNzkwMDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA'
const inboundId = (tail: string): string => `wamid.HBgLNzkwMDAwMDAwMDEVAgASGBQzQTRBNjU5OUFFRTAzODEwMT${tail}`
const at = 1_749_416_383_000
const failed = (failureClass: FailureClass, code: string, seconds = 1_749_416_405): Inbound[] => [
  { type: 'failure', externalId: ours, failure: { class: failureClass, code }, at: seconds * 1000 },
]
const receipt = (level: 'sent' | 'delivered' | 'read', seconds: number, more: object = {}): Inbound[] => [
  { type: 'receipt', externalId: ours, level, at: seconds * 1000, ...more },
]

const meanings: Record<string, Inbound[]> = {
  'batch-mixed': [
    { type: 'message', externalId: inboundId('BA10A='), chat, text: '1', at },
    { type: 'message', externalId: inboundId('BA20A='), chat, text: '2', at },
    ...receipt('delivered', 1_749_416_402),
  ],
  'echo-from-business-app': [
    { type: 'echo', externalId: 'wamid.ECHO0001', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Ответ с телефона клиники', at: 1_780_000_000_000 },
  ],
  'inbound-button-reply': [{ type: 'action', externalId: inboundId('BTN0A='), chat, messageId: ours, payload: 'confirm:appt:9f2', at }],
  'inbound-contacts': [{ type: 'message', externalId: inboundId('CNT0A='), chat, text: '', contact: { phone: '+79000000077', isOwn: false, name: 'Мама' }, at }],
  'inbound-document': [{ type: 'message', externalId: inboundId('DOC0A='), chat, text: '', files: [{ kind: 'file', ref: '1376223850470843', name: 'анализы.pdf', mimeType: 'application/pdf' }], at }],
  'inbound-list-reply': [{ type: 'action', externalId: inboundId('LST0A='), chat, messageId: ours, payload: 'slot:1', at }],
  'inbound-location': [{ type: 'message', externalId: inboundId('LOC0A='), chat, text: '', place: { latitude: 55.7558, longitude: 37.6176, title: 'Красная площадь', address: 'Москва' }, at }],
  'inbound-number-changed': [{ type: 'reachability', chat, state: 'blocked', at }],
  'inbound-text-duplicate': [{ type: 'message', externalId: inboundId('Q0RgA='), chat, text: 'Здравствуйте, хочу записаться/перенести приём', at }],
  'inbound-unsupported': [{ type: 'message', externalId: inboundId('UNS0A='), chat, text: unsupportedText, at }],
  'inbound-voice': [{ type: 'message', externalId: inboundId('AUD0A='), chat, text: '', files: [{ kind: 'voice', ref: '1908647269898587', mimeType: 'audio/ogg' }], at }],
  'no-known-content': [],
  'status-delivered-after-failed': [{ type: 'receipt', externalId: 'wamid.HBgLNzkwMDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3DAFA', level: 'delivered', at: 1_749_416_480_000 }],
  'status-delivered-after-read': receipt('delivered', 1_749_416_403),
  'status-duplicate': receipt('delivered', 1_749_416_403),
  'status-failed-130472': failed('recipientPermanent', '130472'),
  'status-failed-131026': failed('recipientPermanent', '131026'),
  'status-failed-131031': failed('channelPermanent', '131031'),
  'status-failed-131047': failed('content', '131047'),
  'status-failed-131049': failed('recipientPermanent', '131049'),
  'status-failed-131056': failed('rateLimited', '131056'),
  'status-failed-after-delivered': failed('recipientPermanent', '131026', 1_749_416_470),
  'status-played': receipt('read', 1_749_416_500),
  'status-read-without-delivered': [{ type: 'receipt', externalId: 'wamid.HBgLNzkwMDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RWDA', level: 'read', at: 1_749_416_404_000 }],
  'status-read': receipt('read', 1_749_416_460, { attemptRef: 'dispatch:0b1f/1' }),
  'status-sent-after-delivered': receipt('sent', 1_749_416_400),
  'status-sent': receipt('sent', 1_749_416_400, { attemptRef: 'dispatch:0b1f/1' }),
  'status-unknown-value': [],
  'template-disabled': [{ type: 'connection', state: 'broken', code: 'template DISABLED appointment_reminder ru' }],
  'template-paused': [{ type: 'connection', state: 'broken', code: 'template PAUSED appointment_reminder ru' }],
  'template-unknown-event': [],
}
const others = ['missing-signature', 'response-130429', 'response-132001', 'response-accepted', 'verify-handshake', 'verify-handshake-wrong-token']

const message: OutboundMessage = { ref: 'd1.0', number: 7, to: '+79000000001', text: 'Напоминаем о приёме завтра в 10:00' }

const error = (status: number, code: number) => ({ status, json: { error: { message: `(#${code}) to +79000000001`, code, fbtrace_id: 'x' } } })

channelContract({
  channel: whatsapp,
  form,
  vendor: overHttp('baseUrl'),
  needed: ['phoneNumberId', 'businessAccountId', 'accessToken', 'appSecret', 'verifyToken'],
  genuine: Object.keys(meanings).map(vector),
  forged: [
    vector('missing-signature'),
    { ...vector('status-read'), body: Buffer.from(JSON.stringify(JSON.parse(vector('status-read').body.toString()))) },
    { ...vector('status-read'), headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` } },
    { ...vector('status-read'), headers: { 'x-hub-signature-256': '' } },
  ],
  unsupported: [
    change('calls', { calls: [] }),
    change('phone_number_quality_update', { event: 'UPGRADE' }),
    change('messages', { metadata, statuses: [{ id: 'w', status: 'deleted', timestamp: '1', recipient_id: '7' }] }),
  ],
  unreadable: [signed('{"object":"whatsapp_business_account","entry":[{"id":'), signed({ object: 'page' }), change('messages', { metadata: {} })],
  message,
  accepted: { answer: answer('wa-cloud-response-accepted'), sent: { externalId: ours, parts: 1 } },
  refusals: [
    { name: '130429', answer: answer('wa-cloud-response-130429'), class: 'rateLimited', code: '130429', outcome: 'rejected' },
    { name: '132001', answer: answer('wa-cloud-response-132001'), class: 'content', code: '132001', outcome: 'rejected' },
    { name: '131056', answer: error(400, 131056), class: 'rateLimited', code: '131056', outcome: 'rejected', retryAfterSeconds: 6 },
    { name: 'a permission error', answer: error(403, 200), class: 'channelPermanent', code: '200', outcome: 'rejected' },
    { name: 'an unpaid account', answer: error(400, 131042), class: 'channelPermanent', code: '131042', outcome: 'rejected' },
    { name: 'a marketing stop', answer: error(400, 131050), class: 'optOut', code: '131050', outcome: 'rejected' },
    { name: 'a person who is not on WhatsApp', answer: error(400, 131026), class: 'recipientPermanent', code: '131026', outcome: 'rejected' },
    { name: 'maintenance', answer: error(400, 131057), class: 'transient', code: '131057', outcome: 'rejected' },
    { name: 'a failure inside Meta', answer: error(500, 131000), class: 'transient', code: '131000', outcome: 'unknown' },
    { name: 'a code that nobody knows', answer: error(400, 999999), class: 'channelTemporary', code: '999999', outcome: 'rejected' },
    { name: 'a redirect', answer: { status: 302, text: '', headers: { location: 'https://example.test/' } }, class: 'channelTemporary', code: '302', outcome: 'rejected' },
  ],
  unauthorized: error(401, 190),
})

describe('whatsapp: what updates mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...others].sort()).toEqual(vectorNames('wa-cloud-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(parse(name)).toEqual(expected)
  })

  it('F46 keeps a person who hides the number: by the BSUID, without a phone', () => {
    const value = {
      metadata,
      contacts: [{ profile: { name: 'Анна' }, user_id: 'RU.9' }],
      messages: [{ from_user_id: 'RU.9', id: 'wamid.b', timestamp: '1749416383', type: 'text', text: { body: 'Да' } }],
    }
    expect(whatsapp.parse(change('messages', value), credentials)).toEqual([
      { type: 'message', externalId: 'wamid.b', chat: { id: 'RU.9', userId: 'RU.9', name: 'Анна' }, text: 'Да', at },
    ])
  })

  it('F18 keeps only what came to its own number of the account', () => {
    const value = {
      metadata: { ...metadata, phone_number_id: '777777777' },
      messages: [{ from: '79000000001', id: 'w', timestamp: '1', type: 'text', text: { body: 'x' } }],
      statuses: [{ id: 'w', status: 'read', timestamp: '1' }],
    }
    expect(whatsapp.parse(change('messages', value), credentials)).toEqual([])
    expect(whatsapp.parse(change('account_update', { event: 'ACCOUNT_DELETED' }, '999999'), credentials)).toEqual([])
  })

  it('takes a press of a template button as an action', () => {
    const value = {
      metadata,
      messages: [{ from: '79000000001', id: 'wamid.q', timestamp: '1749416383', type: 'button', context: { id: ours }, button: { payload: 'confirm', text: 'Приду' } }],
    }
    expect(whatsapp.parse(change('messages', value), credentials)).toEqual([
      { type: 'action', externalId: 'wamid.q', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, messageId: ours, payload: 'confirm', at },
    ])
  })

  it('takes a quoted answer as a reply and a reaction as proof that the message was read', () => {
    const from = { from: '79000000001', timestamp: '1749416383' }
    const value = {
      metadata,
      messages: [
        { ...from, id: 'wamid.r', type: 'text', context: { id: ours }, text: { body: 'Хорошо' } },
        { ...from, id: 'wamid.e', type: 'reaction', reaction: { message_id: ours, emoji: '👍' } },
      ],
    }
    expect(whatsapp.parse(change('messages', value), credentials)).toMatchObject([
      { type: 'message', replyTo: ours, text: 'Хорошо' },
      { type: 'receipt', externalId: ours, level: 'read' },
    ])
  })

  it('tells a banned account and its return', () => {
    const ban = (waba_ban_state: string) => whatsapp.parse(change('account_update', { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state } }), credentials)
    expect(ban('DISABLE')).toEqual([{ type: 'connection', state: 'broken', code: 'DISABLED_UPDATE' }])
    expect(ban('REINSTATE')).toEqual([{ type: 'connection', state: 'working', code: 'DISABLED_UPDATE' }])
    expect(ban('SCHEDULE_FOR_DISABLE')).toEqual([])
    expect(whatsapp.parse(change('messages', { metadata, errors: [{ code: 131031, title: 'locked' }] }), credentials)).toEqual([
      { type: 'connection', state: 'broken', code: '131031' },
    ])
  })

  it('moves on from a failure whose code is unknown or absent', () => {
    const status = { id: ours, status: 'failed', timestamp: '1749416405' }
    expect(whatsapp.parse(change('messages', { metadata, statuses: [status] }), credentials)).toEqual(failed('recipientTemporary', 'failed'))
    expect(whatsapp.parse(change('messages', { metadata, statuses: [{ ...status, errors: [{ code: 424242 }] }] }), credentials)).toEqual(failed('recipientTemporary', '424242'))
  })

  it('answers the handshake with the bare challenge, and a wrong word with nothing', () => {
    expect(whatsapp.handshake?.(vector('verify-handshake'), credentials)).toBe('1158201444')
    expect(whatsapp.handshake?.(vector('verify-handshake-wrong-token'), credentials)).toBeUndefined()
    const script = { 'hub.mode': 'subscribe', 'hub.verify_token': form.verifyToken, 'hub.challenge': '<script>' }
    expect(whatsapp.handshake?.({ method: 'GET', headers: {}, query: script, body: Buffer.alloc(0) }, credentials)).toBeUndefined()
  })

  it('verifies a partner by the header that it was asked to add', () => {
    const partner = whatsapp.parseCredentials({ ...form, authHeader: 'D360-API-KEY', baseUrl: 'https://waba-v2.360dialog.io' })
    expect(whatsapp.verify(post({}, { 'x-estafeta-secret': form.appSecret }), partner)).toBe(true)
    expect(whatsapp.verify(post({}, { 'x-estafeta-secret': 'other' }), partner)).toBe(false)
    expect(whatsapp.verify(vector('status-read'), partner)).toBe(false)
  })
})

describe('whatsapp: what is asked of Meta', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (more: object = {}) => ({ credentials: whatsapp.parseCredentials({ ...form, baseUrl: `${vendor.url}/v23.0/`, ...more }), http, signal: new AbortController().signal })
  const hookUrl = 'https://clinic.example/hooks/whatsapp/1'

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends free text with our reference', async () => {
    vendor.replies(answer('wa-cloud-response-accepted'))
    await whatsapp.send(message, context())
    expect(vendor.asked[0]).toMatchObject({
      method: 'POST',
      path: '/v23.0/106540352242922/messages',
      headers: { authorization: 'Bearer EAAtesttoken0001' },
    })
    expect(vendor.asked[0]?.body).toEqual({
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '79000000001',
      type: 'text',
      text: { body: message.text, preview_url: false },
      biz_opaque_callback_data: 'd1.0',
    })
  })

  it('sends buttons as an interactive message', async () => {
    vendor.replies(answer('wa-cloud-response-accepted'))
    await whatsapp.send({ ...message, buttons: [{ id: 'confirm', title: 'Приду' }] }, context())
    expect(vendor.asked[0]?.body).toMatchObject({
      type: 'interactive',
      interactive: { type: 'button', body: { text: message.text }, action: { buttons: [{ type: 'reply', reply: { id: 'confirm', title: 'Приду' } }] } },
    })
  })

  it('sends a template with its parameters on one line and a payload for each button', async () => {
    vendor.replies(answer('wa-cloud-response-accepted'))
    const template = { name: 'appointment_reminder', language: 'ru', parameters: ['Иван', 'завтра\nв   10:00'] }
    await whatsapp.send({ ...message, template, buttons: [{ id: 'confirm', title: 'Приду' }, { id: 'cancel', title: 'Отменить' }] }, context())
    expect(vendor.asked[0]?.body).toMatchObject({
      type: 'template',
      template: {
        name: 'appointment_reminder',
        language: { code: 'ru' },
        components: [
          { type: 'body', parameters: [{ type: 'text', text: 'Иван' }, { type: 'text', text: 'завтра в 10:00' }] },
          { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'confirm' }] },
          { type: 'button', sub_type: 'quick_reply', index: '1', parameters: [{ type: 'payload', payload: 'cancel' }] },
        ],
      },
    })
    expect(vendor.asked[0]?.body.text).toBeUndefined()
  })

  it('F46 addresses a person without a number by the BSUID', async () => {
    vendor.replies(answer('wa-cloud-response-accepted'))
    await whatsapp.send({ ...message, to: 'RU.13491208655302741918' }, context())
    expect(vendor.asked[0]?.body).toMatchObject({ recipient: 'RU.13491208655302741918' })
    expect(vendor.asked[0]?.body.to).toBeUndefined()
  })

  it('speaks to a partner in its own paths and with its own header', async () => {
    vendor.replies(answer('wa-cloud-response-accepted'))
    await whatsapp.send(message, context({ authHeader: 'D360-API-KEY', baseUrl: vendor.url }))
    expect(vendor.asked[0]).toMatchObject({ path: '/messages', headers: { 'd360-api-key': 'EAAtesttoken0001' } })
    expect(vendor.asked[0]?.headers.authorization).toBeUndefined()
    vendor.replies({ status: 200, json: {} })
    await whatsapp.connect({ ...context({ authHeader: 'D360-API-KEY', baseUrl: vendor.url }), hookUrl })
    expect(vendor.asked[1]).toMatchObject({ method: 'POST', path: '/v1/configs/webhook', body: { url: hookUrl, headers: { 'x-estafeta-secret': form.appSecret } } })
  })

  const number = { status: 200, json: { verified_name: 'Клиника', display_phone_number: '+1 555-078-3881', quality_rating: 'GREEN', id: '106540352242922' } }
  const done = { status: 200, json: { success: true } }
  const asked = () => vendor.asked.map(({ method, path }) => `${method} ${path}`)

  it('connects: names the number, subscribes the application, and gives the number its own address', async () => {
    vendor.replies(number, done, done)
    const facts = await whatsapp.connect({ ...context(), hookUrl })
    expect(asked()).toEqual(['GET /v23.0/106540352242922', 'POST /v23.0/102290129340398/subscribed_apps', 'POST /v23.0/106540352242922'])
    expect(vendor.asked[2]?.body).toEqual({ webhook_configuration: { override_callback_uri: hookUrl, verify_token: form.verifyToken } })
    expect(facts.title).toBe('Клиника')
    expect(facts.details.map(({ value }) => value)).toEqual(['+1 555-078-3881', 'GREEN', hookUrl])
    expect(facts.details.at(-1)?.label.ru).toContain('о паузах шаблонов')
  })

  it('says that the address must be entered by hand when Meta does not take it', async () => {
    vendor.replies(number, done, error(400, 2200))
    const facts = await whatsapp.connect({ ...context(), hookUrl })
    expect(facts.details.at(-1)).toMatchObject({ value: hookUrl, label: { ru: expect.stringContaining('иначе') } })
    vendor.replies(number, done, error(401, 190))
    await expect(whatsapp.connect({ ...context(), hookUrl })).rejects.toMatchObject({ failure: { class: 'channelPermanent' } })
  })

  it('checks without changing anything', async () => {
    vendor.replies({ status: 200, json: { verified_name: 'Клиника' } })
    expect((await whatsapp.check(context())).title).toBe('Клиника')
    expect(vendor.asked.map(({ method }) => method)).toEqual(['GET'])
  })

  it('takes its own address away, and leaves the subscription of an account with a second number alone', async () => {
    vendor.replies({ status: 200, json: { webhook_configuration: { phone_number: hookUrl } } }, done, { status: 200, json: { data: [{ id: '1' }, { id: '2' }] } })
    await whatsapp.disconnect({ ...context(), hookUrl })
    expect(asked()).toEqual(['GET /v23.0/106540352242922', 'POST /v23.0/106540352242922', 'GET /v23.0/102290129340398/phone_numbers'])
    expect(vendor.asked[1]?.body).toEqual({ webhook_configuration: { override_callback_uri: '' } })
    vendor.replies({ status: 200, json: { webhook_configuration: { phone_number: 'https://other.example/' } } }, { status: 200, json: { data: [{ id: '1' }] } }, done)
    await whatsapp.disconnect({ ...context(), hookUrl })
    expect(asked()).toEqual(['GET /v23.0/106540352242922', 'GET /v23.0/102290129340398/phone_numbers', 'DELETE /v23.0/102290129340398/subscribed_apps'])
  })

  const templates = (category: string, seconds?: number) => ({
    status: 200,
    json: {
      data: [
        { id: '10', name: 'appointment_reminder_2', language: 'ru', category },
        { id: '11', name: 'appointment_reminder', language: 'en', category },
        { id: '12', name: 'appointment_reminder', language: 'ru', category, ...(seconds === undefined ? {} : { message_send_ttl_seconds: seconds }) },
      ],
    },
  })
  const life = (lifeSeconds: number) => whatsapp.setTemplateLife?.({ name: 'appointment_reminder', language: 'ru', lifeSeconds }, context())

  it.each([
    ['UTILITY', 300, 300],
    ['UTILITY', 5, 30],
    ['UTILITY', 90_000, 43_200],
    ['AUTHENTICATION', 3600, 900],
    ['MARKETING', 300, 43_200],
  ])('F40 writes the life of a %s template of %i s as %i s', async (category, wanted, written) => {
    vendor.replies(templates(category), { status: 200, json: { success: true } })
    await life(wanted)
    expect(vendor.asked[1]).toMatchObject({ method: 'POST', path: '/v23.0/12', body: { message_send_ttl_seconds: written } })
  })

  it('does not edit a template whose life is right already, and says when there is no such template', async () => {
    vendor.replies(templates('UTILITY', 300))
    await life(300)
    expect(vendor.asked).toHaveLength(1)
    vendor.replies({ status: 200, json: { data: [] } })
    await expect(life(300)).rejects.toMatchObject({ failure: { class: 'content', code: '132001' } })
  })
})
