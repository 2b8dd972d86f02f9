import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage, type RawRequest } from '../../src/channels/channel.ts'
import { greenapi } from '../../src/channels/greenapi/index.ts'
import { createHttp } from '../../src/channels/http.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { channelContract } from './channel-contract.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Reply, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { idInstance: '1101000001', apiTokenInstance: 'vec-green-api-token', webhookToken: 'vec-green-token' }
const credentials = greenapi.parseCredentials(form)
const vector = (name: string) => webhook(`green-api-${name}`)
const parse = (request: RawRequest) => greenapi.parse(request, credentials)
const signed = (body: object): RawRequest => post(body, { authorization: 'Bearer vec-green-token' })

const chat = { id: '79000000001', userId: '79000000001', phone: '+79000000001', name: 'Иван' }
const said = { type: 'message', chat, at: 1_780_000_000_000 } as const
const out = 'BAE5367237E13A87'
const receipt = (level: 'sent' | 'delivered' | 'read', seconds: number, externalId = out): Inbound[] => [{ type: 'receipt', externalId, level, at: seconds * 1000 }]
const failure = (failureClass: FailureClass, code: string, externalId: string): Inbound[] => [{ type: 'failure', externalId, failure: { class: failureClass, code }, at: 1_780_000_011_000 }]
const unshown = 'Пришло сообщение, которое здесь нельзя показать: попросите прислать его текстом, фото или файлом.'

const meanings: Record<string, Inbound[]> = {
  'inbound-button-reply': [{ type: 'action', externalId: 'F7AE07', chat, messageId: out, payload: 'confirm:9f2', at: 1_780_000_000_000 }],
  'inbound-deleted': [{ type: 'delete', externalId: 'F7AEC1B7086ECDC7E6E45923F5EDB825', chat, at: 1_780_000_000_000 }],
  'inbound-document': [{ ...said, externalId: 'F7AE05', text: '', files: [{ kind: 'file', ref: 'F7AE05 79000000001@c.us', name: 'анализ.pdf', mimeType: 'application/pdf' }] }],
  'inbound-edited': [{ type: 'edit', externalId: 'F7AEC1B7086ECDC7E6E45923F5EDB825', chat, text: 'Можно на 11:00?', at: 1_780_000_000_000 }],
  'inbound-image': [{ ...said, externalId: 'F7AE04', text: 'Снимок', files: [{ kind: 'image', ref: 'F7AE04 79000000001@c.us', name: 'a1.jpg', mimeType: 'image/jpeg' }] }],
  'inbound-lid': [{ ...said, externalId: 'F7AE12', chat: { id: '214748364712345@lid', userId: '214748364712345@lid', name: 'Иван' }, text: 'скрытый номер' }],
  'inbound-reaction': receipt('read', 1_780_000_000),
  'inbound-text-duplicate': [{ ...said, externalId: 'F7AEC1B7086ECDC7E6E45923F5EDB825', text: 'Можно перенести приём?' }],
  'inbound-unknown-type': [{ ...said, externalId: 'F7AE13', text: unshown }],
  'incoming-call': [
    { type: 'message', externalId: 'call:CALL01', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Пропущенный звонок в WhatsApp: перезвоните.', at: 1_780_000_600_000 },
  ],
  'quota-exceeded': [{ type: 'connection', state: 'broken', code: 'quotaExceeded', at: 1_780_000_700_000 }],
  'state-blocked': [{ type: 'connection', state: 'broken', code: 'blocked', at: 1_780_000_500_000 }],
  'status-delivered': receipt('delivered', 1_780_000_012),
  'status-failed': failure('channelTemporary', 'failed', 'BAE5FAIL0001'),
  'status-no-account': failure('recipientPermanent', 'noAccount', 'BAE5NOACC0001'),
  'status-read': receipt('read', 1_780_000_100),
  'status-sent-late': receipt('sent', 1_780_000_010),
  'status-unknown-id': receipt('delivered', 1_780_000_012, 'BAE5NEVERSEEN'),
  'outgoing-api-echo': [{ type: 'own', externalId: out, chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Подтвердите приём', at: 1_780_000_000_000 }],
  'status-waba-no-session': failure('content', 'noActiveSession', 'BAE5WABA01'),
}
/** F21 F42: nothing that a patient said, and nothing that moves a cascade. */
const nothing = ['inbound-group', 'status-from-phone', 'status-not-in-group', 'status-unknown-value', 'unknown-webhook', 'max-v3-status-delivered', 'state-suspended-max']
const others = ['bad-token', 'malformed-no-id', 'response-ok', 'response-403-suspended']

const message: OutboundMessage = { ref: 'd1.3', number: 1001, to: '+79000000001', text: 'Напоминаем о приёме завтра в 10:00' }
const base = { instanceData: { idInstance: 1101000001, wid: '79990000000@c.us', typeInstance: 'whatsapp' }, timestamp: 1_780_000_000 }
const incoming = (messageData: object, more: object = {}): RawRequest =>
  signed({ typeWebhook: 'incomingMessageReceived', ...base, idMessage: 'X1', senderData: { chatId: '79000000001@c.us', sender: '79000000001@c.us', senderName: 'Иван' }, messageData, ...more })
const unauthorized: Reply = { status: 401, json: { message: 'Unauthorized' } }
const quota: Reply = {
  status: 466,
  json: { invokeStatus: null, correspondentsStatus: { method: 'correspondents', used: 3, total: 3, status: 'QUOTE_EXCEEDED', description: 'for 79000000001' } },
}

channelContract({
  channel: greenapi,
  form,
  vendor: overHttp('apiUrl'),
  needed: ['idInstance', 'apiTokenInstance'],
  genuine: Object.keys(meanings).map(vector),
  forged: [vector('bad-token'), post({}, {}), post({}, { authorization: 'Bearer ' }), post({}, { authorization: 'vec-green-toke' })],
  unsupported: [...nothing.map(vector), incoming({ typeMessage: 'pollUpdateMessage' }), signed({ typeWebhook: 'incomingBlock', ...base })],
  unreadable: [vector('malformed-no-id'), post('hello'), post({ typeWebhook: 'incomingMessageReceived' }), signed({ typeWebhook: 'stateInstanceChanged', ...base })],
  message,
  accepted: { answer: answer('green-api-response-ok'), sent: { externalId: out, parts: 1 } },
  refusals: [
    { name: 'a wrong token', answer: unauthorized, class: 'channelPermanent', code: '401', outcome: 'rejected' },
    { name: 'a tariff that is used up', answer: quota, class: 'channelPermanent', code: '466', outcome: 'rejected' },
    { name: 'a number that is held back', answer: answer('green-api-response-403-suspended'), class: 'channelTemporary', code: '403', outcome: 'rejected' },
    { name: 'a forbidden call', answer: { status: 403, json: {} }, class: 'channelPermanent', code: '403', outcome: 'rejected' },
    { name: 'an instance that does not exist', answer: { status: 404, json: {} }, class: 'channelPermanent', code: '404', outcome: 'rejected' },
    { name: 'an instance that starts', answer: { status: 400, json: { message: 'Instance is starting, try later' } }, class: 'channelTemporary', code: '400', outcome: 'rejected' },
    { name: 'an instance that is not paid', answer: { status: 400, json: { message: 'Instance account is expired' } }, class: 'channelPermanent', code: '400', outcome: 'rejected' },
    { name: 'a content that is not taken', answer: { status: 400, json: { message: "Validation failed. Details: 'message' for 79000000001" } }, class: 'content', code: '400', outcome: 'rejected' },
    { name: 'too many calls', answer: { status: 429, json: {} }, class: 'rateLimited', code: '429', outcome: 'rejected', retryAfterSeconds: 1 },
    { name: 'a call that the vendor closed', answer: { status: 499, text: '' }, class: 'transient', code: '499', outcome: 'unknown' },
    { name: 'trouble inside', answer: { status: 500, json: {} }, class: 'transient', code: '500', outcome: 'unknown' },
    { name: 'a redirect', answer: { status: 301, text: '', headers: { location: 'https://example.test/' } }, class: 'channelTemporary', code: '301', outcome: 'rejected' },
  ],
  unauthorized,
})

const pdf = { kind: 'file', name: 'анализ.pdf', mimeType: 'application/pdf', bytes: Buffer.from('%PDF-1.7') } as const

conversationContract({
  channel: greenapi,
  form,
  vendor: overHttp('apiUrl'),
  message,
  genuine: Object.keys(meanings).map(vector),
  person: { ids: ['79000000001', '214748364712345@lid'], phone: '+79000000001' },
  file: { sent: pdf, replies: () => [answer('green-api-response-ok')], result: { externalId: out, parts: 1 }, limited: { status: 429, json: {} }, isUploadedFirst: false },
  refusedFiles: [{ ...pdf, name: 'анализ', mimeType: 'application/x-unknown' }],
  edit: { done: { status: 200, json: { idMessage: '3EB0C767D097B7C7C030' } }, late: [{ status: 400, json: { message: 'Message is too old' } }] },
  remove: { done: { status: 200, json: {} }, gone: { status: 200, json: {} }, late: [{ status: 400, json: { message: 'Message is too old' } }] },
  download: {
    file: { kind: 'image', ref: 'F7AE04 79000000001@c.us' },
    replies: (url) => [{ status: 200, json: { downloadUrl: `${url}/secret-file-address.jpg` } }, { status: 200, bytes: Buffer.from('picture'), headers: { 'content-type': 'image/jpeg' } }],
    bytes: Buffer.from('picture'),
    gone: [() => [{ status: 400, json: { message: 'Message not found' } }], (url) => [{ status: 200, json: { downloadUrl: `${url}/secret-file-address.jpg` } }, { status: 404, text: '' }]],
  },
})

describe('greenapi: what updates mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...nothing, ...others].sort()).toEqual(vectorNames('green-api-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(parse(vector(name))).toEqual(expected)
  })

  it('F04 F10 reads what comes again after a reconnect as the same events, by the same ids and moments', () => {
    for (const name of ['status-sent-late', 'status-delivered', 'inbound-text-duplicate']) expect(parse(vector(name))).toEqual(parse(vector(name)))
  })

  it.each(['79000000001@c.us', '89000000001@c.us', '79000000001:12@c.us', '79000000001@s.whatsapp.net'])('F11 knows one person by %s', (jid) => {
    const request = incoming({ typeMessage: 'textMessage', textMessageData: { textMessage: 'Да' } }, { senderData: { chatId: jid, sender: '79000000001@c.us' } })
    expect(parse(request)).toMatchObject([{ chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' } }])
  })

  it('F11 takes the digits of a hidden id for no phone, on whatever device it is written', () => {
    for (const jid of ['214748364712345@lid', '214748364712345:7@lid']) {
      const request = incoming({ typeMessage: 'textMessage', textMessageData: { textMessage: 'Да' } }, { senderData: { chatId: jid, sender: jid } })
      expect(parse(request)).toEqual([{ type: 'message', externalId: 'X1', chat: { id: '214748364712345@lid', userId: '214748364712345@lid' }, text: 'Да', at: 1_780_000_000_000 }])
    }
  })

  it.each(['79990000000-1581234048@g.us', '120363043968066561@g.us', 'status@broadcast', '120363043968066561@newsletter', '79990000000@c.us', ''])('F42 makes nothing of %s', (chatId) => {
    for (const typeWebhook of ['incomingMessageReceived', 'outgoingMessageReceived']) {
      expect(parse(signed({ typeWebhook, ...base, idMessage: 'X1', senderData: { chatId, sender: '79000000001@c.us' }, messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: 'Да' } } }))).toEqual([])
    }
  })

  it('F42 makes nothing of a message whose sender is not the chat', () => {
    expect(parse(incoming({ typeMessage: 'textMessage', textMessageData: { textMessage: 'Да' } }, { senderData: { chatId: '79000000001@c.us', sender: '79000000002@c.us' } }))).toEqual([])
  })

  it('F21 takes what staff wrote on the telephone for an echo in the patient\'s chat, and what we sent for nothing', () => {
    const body = (typeWebhook: string) =>
      signed({ typeWebhook, ...base, idMessage: 'X2', senderData: { chatId: '79000000001@c.us', sender: '79990000000@c.us', senderName: 'Клиника' }, messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: 'Ждём вас' } } })
    expect(parse(body('outgoingMessageReceived'))).toEqual([
      { type: 'echo', externalId: 'X2', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Ждём вас', at: 1_780_000_000_000 },
    ])
    expect(parse(body('outgoingAPIMessageReceived'))).toEqual([
      { type: 'own', externalId: 'X2', chat: { id: '79000000001', userId: '79000000001', phone: '+79000000001' }, text: 'Ждём вас', at: 1_780_000_000_000 },
    ])
  })

  it('keeps quotes, places, cards, forwards and voices', () => {
    expect(parse(incoming({ typeMessage: 'quotedMessage', extendedTextMessageData: { text: 'Да' }, quotedMessage: { stanzaId: out, textMessage: 'Придёте?' } }))).toEqual([
      { ...said, externalId: 'X1', text: 'Да', replyTo: out, quotedText: 'Придёте?' },
    ])
    expect(parse(incoming({ typeMessage: 'locationMessage', locationMessageData: { nameLocation: 'Клиника', address: '', latitude: 55.7, longitude: 37.6 } }))).toEqual([
      { ...said, externalId: 'X1', text: '', place: { latitude: 55.7, longitude: 37.6, title: 'Клиника' } },
    ])
    const vcard = 'BEGIN:VCARD\nVERSION:3.0\nFN:Мама\nTEL;type=CELL;waid=79000000077:+7 900 000-00-77\nEND:VCARD'
    expect(parse(incoming({ typeMessage: 'contactMessage', contactMessageData: { displayName: 'Мама', vcard } }))).toEqual([
      { ...said, externalId: 'X1', text: '', contact: { phone: '+79000000077', isOwn: false, name: 'Мама' } },
    ])
    expect(parse(incoming({ typeMessage: 'contactsArrayMessage', messageData: { contacts: [{ displayName: 'Мама', vcard }, { displayName: 'Папа', vcard: vcard.replaceAll('77', '78') }] } }))).toMatchObject([
      { text: 'Папа: +79000000078', contact: { phone: '+79000000077' } },
    ])
    expect(parse(incoming({ typeMessage: 'extendedTextMessage', extendedTextMessageData: { text: 'Смотрите', isForwarded: true } }))).toMatchObject([{ text: 'Смотрите', isForwarded: true }])
    expect(parse(incoming({ typeMessage: 'audioMessage', fileMessageData: { downloadUrl: 'https://x', fileName: 'a.oga', mimeType: 'audio/ogg; codecs=opus' } }))).toMatchObject([
      { text: '', files: [{ kind: 'voice', name: 'a.oga', mimeType: 'audio/ogg' }] },
    ])
  })

  it.each([
    ['authorized', 'working'],
    ['notAuthorized', 'broken'],
    ['blocked', 'broken'],
    ['yellowCard', 'broken'],
    ['sleepMode', 'broken'],
    ['starting', 'broken'],
    ['somethingNew', 'broken'],
  ] as const)('C7 tells that the connection is %s: %s', (state, expected) => {
    expect(parse(signed({ typeWebhook: 'stateInstanceChanged', ...base, stateInstance: state }))).toEqual([{ type: 'connection', state: expected, code: state, at: 1_780_000_000_000 }])
  })

  it('hears of a yellow card that this message did not leave', () => {
    const status = { typeWebhook: 'outgoingMessageStatus', ...base, timestamp: 1_780_000_011, chatId: '79000000001@c.us', idMessage: 'Y1', status: 'yellowCard', sendByApi: true }
    expect(parse(signed(status))).toEqual(failure('channelTemporary', 'yellowCard', 'Y1'))
  })

  it('F18 hears nothing of another instance', () => {
    expect(greenapi.parse(vector('status-delivered'), { ...credentials, idInstance: '1101000002' })).toEqual([])
  })

  it('takes the token with its scheme once or twice', () => {
    for (const authorization of ['Bearer vec-green-token', 'Bearer Bearer vec-green-token', 'vec-green-token']) expect(greenapi.verify(post({}, { authorization }), credentials)).toBe(true)
  })
})

describe('greenapi: what is asked of GREEN-API', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = () => ({ credentials: greenapi.parseCredentials({ ...form, apiUrl: vendor.url }), http, signal: new AbortController().signal })
  const ok = (json: unknown): Reply => ({ status: 200, json })
  const settings = { wid: '79990000000@c.us', typeInstance: 'whatsapp', webhookUrl: '' }
  const hookUrl = 'https://clinic.example/hooks/greenapi/1'

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends to the number, or to the hidden id, with WhatsApp\'s marks and the quote', async () => {
    vendor.replies(answer('green-api-response-ok'))
    await greenapi.send({ ...message, replyTo: 'F7AE04' }, context())
    expect(vendor.asked[0]).toMatchObject({
      method: 'POST',
      path: '/waInstance1101000001/sendMessage/vec-green-api-token',
      body: { chatId: '79000000001@c.us', message: message.text, linkPreview: false, quotedMessageId: 'F7AE04' },
    })
    vendor.replies(answer('green-api-response-ok'))
    await greenapi.send({ ...message, to: '214748364712345@lid' }, context())
    expect(vendor.asked[0]?.body).toMatchObject({ chatId: '214748364712345@lid' })
  })

  it('uploads a file under a name with an extension', async () => {
    vendor.replies(answer('green-api-response-ok'))
    await greenapi.send({ ...message, text: 'Ваш анализ', file: { ...pdf, name: 'анализ' } }, context())
    expect(vendor.asked[0]?.path).toBe('/waInstance1101000001/sendFileByUpload/vec-green-api-token')
    expect(vendor.asked[0]?.body).toMatchObject({ chatId: '79000000001@c.us', fileName: 'анализ.pdf', caption: 'Ваш анализ', file: { mimeType: 'application/pdf' } })
  })

  it.each([
    ['https://api.green-api.com', 'https://media.green-api.com'],
    ['https://1103.api.green-api.com', 'https://1103.media.green-api.com'],
    ['https://gateway.example', 'https://gateway.example'],
  ])('finds the place of files for %s', (apiUrl, mediaUrl) => {
    expect(greenapi.parseCredentials({ ...form, apiUrl })).toMatchObject({ mediaUrl })
  })

  it('connects: names the number and asks for every update, and does not write the same settings twice', async () => {
    vendor.replies(ok({ stateInstance: 'authorized' }), ok(settings), ok({ saveSettings: true }))
    expect(await greenapi.connect({ ...context(), hookUrl })).toMatchObject({ title: '+79990000000' })
    const written = vendor.asked[2]?.body
    expect(written).toMatchObject({ webhookUrl: hookUrl, webhookUrlToken: 'vec-green-token', stateWebhook: 'yes', editedMessageWebhook: 'yes', deletedMessageWebhook: 'yes', delaySendMessagesMilliseconds: 1000 })
    vendor.replies(ok({ stateInstance: 'authorized' }), ok({ ...settings, ...written }))
    await greenapi.connect({ ...context(), hookUrl })
    expect(vendor.asked.map(({ path }) => path.split('/')[2])).toEqual(['getStateInstance', 'getSettings'])
  })

  it.each<[string, FailureClass]>([
    ['notAuthorized', 'channelPermanent'],
    ['blocked', 'channelPermanent'],
    ['yellowCard', 'channelTemporary'],
    ['sleepMode', 'channelTemporary'],
    ['starting', 'channelTemporary'],
  ])('C7 the live check says what to do about %s', async (stateInstance, failureClass) => {
    vendor.replies(ok({ stateInstance }), ok(settings))
    await expect(greenapi.check(context())).rejects.toMatchObject({ failure: { class: failureClass, code: stateInstance }, message: expect.stringMatching(/[а-я].*\.$/) })
  })

  it('A6 does not connect MAX or Telegram by number', async () => {
    vendor.replies(ok({ stateInstance: 'authorized' }), ok({ ...settings, typeInstance: 'v3' }))
    await expect(greenapi.connect({ ...context(), hookUrl })).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'typeInstance' } })
    expect(vendor.asked.map(({ path }) => path.split('/')[2])).not.toContain('setSettings')
  })

  it('leaves another owner\'s address alone', async () => {
    vendor.replies(ok({ ...settings, webhookUrl: 'https://other.example' }))
    await greenapi.disconnect({ ...context(), hookUrl })
    expect(vendor.asked).toHaveLength(1)
  })

  describe('F40: the queue of 24 hours', () => {
    const queued = (...entries: [string, string][]) => ok(entries.map(([messageID, phone]) => ({ messageID, type: 'sendMessage', body: { chatId: `${phone}@c.us`, message: 'x' } })))
    const asked = () => vendor.asked.map(({ path }) => path.split('/')[2])
    const withdraw = (externalId?: string) => greenapi.withdraw?.({ ...(externalId === undefined ? {} : { externalId }), to: '+79000000001' }, context())

    it('is cleared when the message is in it, and everything that went with it is named', async () => {
      vendor.replies(queued([out, '79000000001'], ['OTHER', '79000000002']), ok({ stateInstance: 'authorized' }), ok({ isCleared: true }))
      expect(await withdraw(out)).toEqual([out, 'OTHER'])
      expect(asked()).toEqual(['showMessagesQueue', 'getStateInstance', 'clearMessagesQueue'])
    })

    it('is left alone when the message has left and the number sends', async () => {
      vendor.replies(queued(['OTHER', '79000000002']), ok({ stateInstance: 'authorized' }))
      expect(await withdraw(out)).toEqual([])
      expect(asked()).not.toContain('clearMessagesQueue')
    })

    it('is cleared in any case while the number does not send: the list misses its first entry', async () => {
      vendor.replies(queued(), ok({ stateInstance: 'notAuthorized' }), ok({ isCleared: true }))
      expect(await withdraw(out)).toEqual([out])
    })

    it('is searched by the person when the answer of the send was lost', async () => {
      vendor.replies(queued(['LOST', '79000000001']), ok({ stateInstance: 'authorized' }), ok({ isCleared: true }))
      expect(await withdraw()).toEqual(['LOST'])
    })

    it('is asked again when it was not cleared', async () => {
      vendor.replies(queued([out, '79000000001']), ok({ stateInstance: 'authorized' }), ok({ isCleared: false }))
      await expect(withdraw(out)).rejects.toMatchObject({ failure: { class: 'channelTemporary', code: 'queue' } })
    })
  })

})
