import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage, type RawRequest } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { wazzup, wazzupTelegram } from '../../src/channels/wazzup/index.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { channelContract, type Fixtures } from './channel-contract.ts'
import { conversationContract, type ConversationFixtures } from './conversation-contract.ts'
import { overHttp, startVendor, type Reply, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const channelId = 'd9e5721c-ce2b-444f-9627-60a8129d7e1f'
const form = { apiKey: 'vec-wazzup-api-key', channelId, crmKey: 'vec-wazzup-crm-key' }
const credentials = wazzup.parseCredentials(form)
const vector = (name: string) => webhook(`wazzup-${name}`)
const parse = (request: RawRequest) => wazzup.parse(request, credentials)
const signed = (body: object): RawRequest => post(body, { authorization: 'Bearer vec-wazzup-crm-key' })

const chat = { id: '79000000001', userId: '79000000001', phone: '+79000000001', name: 'Иван' }
const at = Date.parse('2026-05-06T14:16:00.002Z')
const said = { type: 'message', chat, at } as const
const out = 'be3dc577-60c4-4fc8-83a5-8c358e0bfe15'
const receipt = (level: 'sent' | 'delivered' | 'read', moment: string): Inbound => ({ type: 'receipt', externalId: out, level, at: Date.parse(moment) })
const failure = (failureClass: FailureClass, code: string): Inbound[] => [{ type: 'failure', externalId: out, failure: { class: failureClass, code }, at: Date.parse('2026-05-06T14:16:02.499Z') }]
const unshown = 'Пришло сообщение, которое здесь нельзя показать: попросите прислать его текстом, фото или файлом.'
const hello = [{ ...said, externalId: '6a2087e8-e0f4-4999-b968-9d9999933c81', text: 'Здравствуйте' }]

const meanings: Record<string, Inbound[]> = {
  'channel-qr': [{ type: 'connection', state: 'broken', code: 'qr', at: 1_780_000_000_000 }],
  'echo-operator': [{ type: 'echo', externalId: '6a2087e8-0000-4999-b968-000000000007', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Ответ менеджера', at }],
  'echo-own-api': [{ type: 'own', externalId: out, chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Подтвердите приём', at }, { type: 'receipt', externalId: out, level: 'sent', at }],
  'inbound-edited': [{ type: 'edit', externalId: '6a2087e8-e0f4-4999-b968-9d9999933c81', chat, text: 'Здравствуйте!!', at }],
  'inbound-image': [
    { ...said, externalId: '6a2087e8-0000-4999-b968-000000000002', text: '', files: [{ kind: 'image', ref: 'https://store.wazzup24.com/e51159999e0046d628b3924161d411e5812d2546/?filename=x.jpg', name: 'x.jpg' }] },
  ],
  'inbound-missing-call': [{ ...said, externalId: '6a2087e8-0000-4999-b968-000000000006', text: 'Пропущенный звонок: перезвоните.' }],
  'inbound-text': hello,
  'inbound-vcard': [{ ...said, externalId: '6a2087e8-0000-4999-b968-000000000003', text: unshown }],
  'status-delivered': [receipt('delivered', '2026-05-06T14:16:02.499Z')],
  'status-error-24h': failure('content', '24_HOURS_EXCEEDED'),
  'status-error-bad-contact': failure('recipientPermanent', 'BAD_CONTACT'),
  'status-error-channel-rejected': failure('channelPermanent', 'CHANNEL_REJECTED'),
  'status-error-unknown': failure('channelTemporary', 'SOMETHING_NEW'),
  'status-out-of-order': [receipt('read', '2026-05-06T14:17:07.499Z'), receipt('sent', '2026-05-06T14:16:01.000Z'), receipt('delivered', '2026-05-06T14:16:02.499Z')],
  'status-sent': [receipt('sent', '2026-05-06T14:16:01.000Z')],
}
/** A6 F42: MAX by number is not spoken to; Telegram has a connection of its own; "edited" is no level. */
const nothing = ['inbound-max', 'inbound-telegram-guid', 'status-edited', 'unknown-root']
const others = ['inbound-text-no-auth-header', 'malformed-status', 'response-not-first', 'response-repeated-camel', 'test-post']

const message: OutboundMessage = { ref: 'd1.3', number: 1001, to: '+79000000001', text: 'Напоминаем о приёме завтра в 10:00' }
const accepted: Reply = { status: 201, json: { messageId: out, chatId: '79000000001' } }
const refused = (error: string, status = 400): Reply => ({ status, json: { error, description: 'for 79000000001' } })
const unauthorized: Reply = { status: 401, json: { error: 'UNAUTHORIZED' } }
const body = (more: object): RawRequest =>
  signed({ messages: [{ messageId: 'm1', channelId, chatType: 'whatsapp', chatId: '79000000001', dateTime: '2026-05-06T14:16:00.002Z', type: 'text', isEcho: false, contact: { name: 'Иван' }, text: 'Да', status: 'inbound', ...more }] })

const contract: Omit<Fixtures<any, Reply>, 'channel' | 'genuine' | 'unsupported'> = {
  form,
  vendor: overHttp('baseUrl'),
  needed: ['apiKey', 'channelId'],
  forged: [vector('inbound-text-no-auth-header'), post({ test: true }), post({}, { authorization: 'Bearer ' }), post({}, { authorization: 'vec-wazzup-crm-key' })],
  unreadable: [vector('malformed-status'), post('hello'), post({ messages: [{}] }), post({ channelsUpdates: 'qr' })],
  message,
  accepted: { answer: accepted, sent: { externalId: out, parts: 1 } },
  refusals: [
    { name: 'a wrong key', answer: unauthorized, class: 'channelPermanent', code: 'UNAUTHORIZED', outcome: 'rejected' },
    { name: 'a plan that may not write first', answer: answer('wazzup-response-not-first'), class: 'channelPermanent', code: 'MESSAGES_NOT_TEXT_FIRST', outcome: 'rejected' },
    { name: 'a repetition in camel case', answer: answer('wazzup-response-repeated-camel'), class: 'transient', code: 'repeated', outcome: 'unknown' },
    { name: 'a repetition in capitals', answer: refused('REPEATED_CRM_MESSAGE_ID'), class: 'transient', code: 'repeated', outcome: 'unknown' },
    { name: 'no money', answer: refused('BALANCE_IS_EMPTY'), class: 'channelPermanent', code: 'BALANCE_IS_EMPTY', outcome: 'rejected' },
    { name: 'a blocked channel', answer: refused('CHANNEL_BLOCKED'), class: 'channelPermanent', code: 'CHANNEL_BLOCKED', outcome: 'rejected' },
    { name: 'a channel that is away', answer: refused('MESSAGE_CHANNEL_UNAVAILABLE'), class: 'channelTemporary', code: 'MESSAGE_CHANNEL_UNAVAILABLE', outcome: 'rejected' },
    { name: 'a warning of spam', answer: refused('MESSAGES_IS_SPAM'), class: 'channelTemporary', code: 'MESSAGES_IS_SPAM', outcome: 'rejected' },
    { name: 'a person who is not there', answer: refused('badContact'), class: 'recipientPermanent', code: 'badContact', outcome: 'rejected' },
    { name: 'a text that is too long', answer: refused('MESSAGE_TEXT_TOO_LONG_WABA'), class: 'content', code: 'MESSAGE_TEXT_TOO_LONG_WABA', outcome: 'rejected' },
    { name: 'a wrong content', answer: refused('INVALID_MESSAGE_DATA'), class: 'content', code: 'INVALID_MESSAGE_DATA', outcome: 'rejected' },
    { name: 'a code that nobody knows', answer: refused('SOMETHING_NEW'), class: 'channelTemporary', code: 'SOMETHING_NEW', outcome: 'rejected' },
    { name: 'too many calls', answer: { status: 429, json: {} }, class: 'rateLimited', code: '429', outcome: 'rejected', retryAfterSeconds: 5 },
    { name: 'trouble inside', answer: { status: 500, json: { error: 'UNKNOWN_ERROR' } }, class: 'transient', code: '500', outcome: 'unknown' },
    { name: 'a redirect', answer: { status: 301, text: '', headers: { location: 'https://example.test/' } }, class: 'channelTemporary', code: '301', outcome: 'rejected' },
  ],
  unauthorized,
}
channelContract({ ...contract, channel: wazzup, genuine: Object.keys(meanings).map(vector), unsupported: nothing.map(vector) })
channelContract({ ...contract, channel: wazzupTelegram, message: { ...message, to: '3f0d2b1a-guid' }, genuine: [vector('inbound-telegram-guid')], unsupported: [vector('inbound-text'), vector('inbound-max')] })

const link = 'https://clinic.example/files/token/analysis.pdf'
const pdf = { kind: 'file', name: 'анализ.pdf', mimeType: 'application/pdf', bytes: Buffer.from('%PDF-1.7'), link } as const
const conversation: Omit<ConversationFixtures<any, Reply>, 'channel' | 'genuine' | 'person' | 'message'> = {
  form,
  vendor: overHttp('baseUrl'),
  file: { sent: pdf, replies: () => [accepted], result: { externalId: out, parts: 1 }, limited: { status: 429, json: {} }, isUploadedFirst: false },
  refusedFiles: [{ kind: 'file', name: 'a.pdf', mimeType: 'application/pdf', bytes: Buffer.from('x') }],
  edit: { done: { status: 200, json: {} }, late: [refused('MESSAGE_NOT_FOUND', 404), refused('INVALID_MESSAGE_DATA')] },
  remove: { done: { status: 200, json: {} }, gone: { status: 204, text: '' }, late: [refused('INVALID_MESSAGE_DATA')] },
}
const store = (url: string) => ({ kind: 'image', ref: `${url}/secret-file-address/?filename=x.jpg` }) as const

describe('wazzup: what updates mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...nothing, ...others].sort()).toEqual(vectorNames('wazzup-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(parse(vector(name))).toEqual(expected)
  })

  it('answers the test of a subscription with nothing', () => {
    expect(parse(vector('test-post'))).toEqual([])
  })

  it('takes messages and statuses that come in one request', () => {
    const both = JSON.parse(vector('inbound-text').body.toString()) as object
    expect(parse(signed({ ...both, ...(JSON.parse(vector('status-delivered').body.toString()) as object) }))).toEqual([...hello, ...meanings['status-delivered']!])
  })

  it('knows its own address by the secret where the vendor shows no key, and by the key where it does', () => {
    const plain = wazzup.parseCredentials({ ...form, crmKey: '' })
    const request = vector('inbound-text-no-auth-header')
    expect(wazzup.verify({ ...request, query: { secret: plain.hookSecret } }, plain)).toBe(true)
    expect(wazzup.verify({ ...request, query: { secret: `${plain.hookSecret}0` } }, plain)).toBe(false)
    expect(wazzup.verify(request, plain)).toBe(false)
    expect(wazzup.verify({ ...request, query: { secret: plain.hookSecret } }, credentials)).toBe(false)
    expect(wazzup.parse(request, plain)).toEqual(hello)
  })

  it('F11 knows one person by 7 and by 8, and a hidden number by no phone', () => {
    for (const chatId of ['79000000001', '+79000000001', '89000000001', '79000000001@c.us']) expect(parse(body({ chatId }))).toMatchObject([{ chat: { id: '79000000001', phone: '+79000000001' } }])
    expect(parse(body({ chatId: '214748364712345@lid' }))).toMatchObject([{ chat: { id: '214748364712345@lid', userId: '214748364712345@lid' } }])
    expect(parse(body({ chatId: '214748364712345@lid' }))[0]).not.toHaveProperty('chat.phone')
  })

  it.each(['whatsgroup', 'telegroup', 'max', 'maxgroup', 'viber', 'instagram', 'avito'])('F42 A6 hears nothing of %s', (chatType) => {
    for (const channel of [wazzup, wazzupTelegram]) expect(channel.parse(body({ chatType }), credentials)).toEqual([])
  })

  it('F18 hears nothing of another channel of the account', () => {
    const other = { ...credentials, channelId: 'ffffffff-ce2b-444f-9627-60a8129d7e1f' }
    for (const name of ['inbound-text', 'channel-qr']) expect(wazzup.parse(vector(name), other)).toEqual([])
  })

  it('F21 tells staff from ourselves: by the author, or by the telephone', () => {
    const own = { type: 'own', externalId: 'm1', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Да', at }
    expect(parse(body({ isEcho: true }))).toEqual([own, { type: 'receipt', externalId: 'm1', level: 'sent', at }])
    for (const more of [{ authorName: 'Мария' }, { authorId: '7' }, { sentFromApp: true }]) expect(parse(body({ isEcho: true, ...more }))).toMatchObject([{ type: 'echo', text: 'Да' }])
  })

  it('keeps quotes, cards, documents and removals', () => {
    expect(parse(body({ quotedMessage: { messageId: out, text: 'Придёте?' } }))).toEqual([{ ...said, externalId: 'm1', text: 'Да', replyTo: out, quotedText: 'Придёте?' }])
    expect(parse(body({ type: 'vcard', text: 'BEGIN:VCARD\nFN:Мама\nTEL;waid=79000000077:+7 900 000-00-77\nEND:VCARD' }))).toEqual([
      { ...said, externalId: 'm1', text: '', contact: { phone: '+79000000077', isOwn: false, name: 'Мама' } },
    ])
    expect(parse(body({ type: 'document', contentUri: 'https://store.wazzup24.com/x', text: 'Анализ' }))).toEqual([{ ...said, externalId: 'm1', text: 'Анализ', files: [{ kind: 'file', ref: 'https://store.wazzup24.com/x' }] }])
    expect(parse(body({ isDeleted: true }))).toEqual([{ type: 'delete', externalId: 'm1', chat, at }])
  })

  it.each([['active', 'working'], ['ACTIVE', 'working'], ['unauthorized', 'broken'], ['notEnoughMoney', 'broken'], ['somethingNew', 'broken']] as const)('C7 tells that a channel is %s: %s', (state, expected) => {
    expect(parse(signed({ channelsUpdates: [{ channelId, state, timestamp: 1_780_000_000_000 }] }))).toEqual([{ type: 'connection', state: expected, code: state, at: 1_780_000_000_000 }])
  })

  it('knows a person of Telegram by the gateway\'s id, and by the number where Telegram shows it', () => {
    expect(wazzupTelegram.parse(vector('inbound-telegram-guid'), credentials)).toEqual([
      { type: 'message', externalId: '6a2087e8-0000-4999-b968-000000000004', chat: { id: '3f0d2b1a-guid', userId: '3f0d2b1a-guid', phone: '+79000000005', name: 'Анна', username: 'anna_k' }, text: 'Здравствуйте', at },
    ])
  })
})

describe('wazzup: what is asked of Wazzup', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (more: object = {}) => ({ credentials: wazzup.parseCredentials({ ...form, ...more, baseUrl: vendor.url }), http, signal: new AbortController().signal })
  const ok = (json: unknown): Reply => ({ status: 200, json })
  const listed = (transport = 'whatsapp', state = 'active') => ok([{ channelId, transport, plainId: '79990000000', state }])
  const hookUrl = 'https://clinic.example/hooks/wazzup/0123456789abcdef'

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends a text under our own id, with the quote', async () => {
    vendor.replies(accepted)
    await wazzup.send({ ...message, replyTo: 'm1' }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/v3/message', headers: { authorization: 'Bearer vec-wazzup-api-key' } })
    expect(vendor.asked[0]?.body).toEqual({ channelId, chatType: 'whatsapp', chatId: '79000000001', text: message.text, refMessageId: 'm1', crmMessageId: 'd1.3' })
  })

  it('gives a file by an address of ours, and refuses one that has none', async () => {
    vendor.replies(accepted)
    await wazzup.send({ ...message, text: '', file: pdf }, context())
    expect(vendor.asked[0]?.body).toEqual({ channelId, chatType: 'whatsapp', chatId: '79000000001', contentUri: link, crmMessageId: 'd1.3' })
  })

  it('writes in Telegram to the gateway\'s id, or to the number', async () => {
    vendor.replies(accepted)
    await wazzupTelegram.send({ ...message, to: '3f0d2b1a-guid' }, context())
    await wazzupTelegram.send(message, context())
    expect(vendor.asked.map(({ body: asked }) => [asked.chatType, asked.chatId, asked.phone])).toEqual([['telegram', '3f0d2b1a-guid', undefined], ['telegram', undefined, '79000000001']])
  })

  it('connects: names the number and sets the account\'s address with a secret in it', async () => {
    vendor.replies(listed(), ok({ webhooksUri: 'https://old.example/' }), ok({ ok: true }))
    expect(await wazzup.connect({ ...context(), hookUrl })).toMatchObject({ title: '+79990000000' })
    expect(vendor.asked[2]).toMatchObject({ method: 'PATCH', path: '/v3/webhooks', body: { subscriptions: { messagesAndStatuses: true, channelsUpdates: true, contactsAndDealsCreation: false } } })
    const { webhooksUri } = vendor.asked[2]!.body
    expect(webhooksUri).toMatch(/^https:\/\/clinic\.example\/hooks\/wazzup\/0123456789abcdef\?secret=[0-9a-f]{32}$/)
    expect(webhooksUri.length).toBeLessThanOrEqual(200)
  })

  it('takes the webhooks of no other connection of ours away', async () => {
    vendor.replies(listed(), ok({ webhooksUri: 'https://clinic.example/hooks/wazzup/ffff?secret=1' }))
    await expect(wazzup.connect({ ...context(), hookUrl })).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'webhooksTaken' } })
    expect(vendor.asked.map(({ method }) => method)).not.toContain('PATCH')
  })

  it('says that the application was not reached when the vendor\'s test failed', async () => {
    vendor.replies(listed(), ok({}), refused('testPostNotPassed'))
    await expect(wazzup.connect({ ...context(), hookUrl })).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'testPostNotPassed' } })
  })

  it.each(['max', 'tgapi', 'instagram', 'avito'])('A6 does not connect %s as WhatsApp', async (transport) => {
    vendor.replies(listed(transport))
    await expect(wazzup.check(context())).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'WRONG_TRANSPORT' } })
  })

  it.each<[string, FailureClass]>([['qr', 'channelPermanent'], ['phoneUnavailable', 'channelTemporary'], ['notEnoughMoney', 'channelPermanent'], ['BLOCKED', 'channelPermanent'], ['new', 'channelTemporary']])(
    'C7 the live check says what to do about %s',
    async (state, failureClass) => {
      vendor.replies(listed('whatsapp', state))
      await expect(wazzup.check(context())).rejects.toMatchObject({ failure: { class: failureClass }, message: expect.stringMatching(/[а-я].*\.$/) })
    },
  )

  it('leaves another owner\'s address alone, and switches its own off', async () => {
    vendor.replies(ok({ webhooksUri: 'https://other.example' }))
    await wazzup.disconnect({ ...context(), hookUrl })
    expect(vendor.asked).toHaveLength(1)
    vendor.replies(ok({ webhooksUri: `${hookUrl}?secret=x` }), ok({ ok: true }))
    await wazzup.disconnect({ ...context(), hookUrl })
    expect(vendor.asked[1]?.body.subscriptions).toMatchObject({ messagesAndStatuses: false })
  })

  it('fetches files from the vendor\'s own hosts and from no other', async () => {
    vendor.replies({ status: 200, bytes: Buffer.from('picture') })
    await wazzup.download!(store(vendor.url), { ...context(), maxBytes: 100 })
    for (const ref of ['https://example.test/x', 'http://localhost:1/x', 'file:///etc/passwd', 'nothing']) {
      await expect(wazzup.download!({ kind: 'image', ref }, { ...context(), maxBytes: 100 })).rejects.toMatchObject({ failure: { class: 'content', code: 'file.gone' } })
    }
    expect(vendor.asked).toHaveLength(1)
  })
})

/** A file's address is on the vendor's own host, which is known when the vendor runs. */
let host = ''
const servedBy = (reply: Reply) => (url: string): readonly Reply[] => {
  host = url
  return [reply]
}
const file = {
  kind: 'image' as const,
  get ref() {
    return store(host).ref
  },
}
const download = { file, replies: servedBy({ status: 200, bytes: Buffer.from('picture') }), bytes: Buffer.from('picture'), gone: [servedBy({ status: 404, text: '' })] }

conversationContract({ ...conversation, channel: wazzup, message, genuine: Object.keys(meanings).map(vector), person: { ids: ['79000000001'], phone: '+79000000001' }, download })
conversationContract({
  ...conversation, channel: wazzupTelegram, message: { ...message, to: '3f0d2b1a-guid' }, genuine: [vector('inbound-telegram-guid')], person: { ids: ['3f0d2b1a-guid'], phone: '+79000000005' }, download,
})
