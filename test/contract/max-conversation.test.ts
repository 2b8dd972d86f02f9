import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type OutboundFile, type OutboundMessage } from '../../src/channels/channel.ts'
import { unsupportedText } from '../../src/channels/refusal.ts'
import { createHttp } from '../../src/channels/http.ts'
import { max } from '../../src/channels/max/index.ts'
import { type RichText } from '../../src/domain/rich-text.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { token: 'vec-max-bot-token', webhookSecret: 'vec_max-secret_01' }
const credentials = max.parseCredentials(form)
const message: OutboundMessage = { ref: 'd1.2', number: 9, to: '123456789', text: 'Здравствуйте' }
const done = { status: 200, json: { success: true } }
const notDone = { status: 200, json: { success: false, message: 'Message is older than 24 hours' } }
const refused = (status: number, code: string) => ({ status, json: { code, message: 'about +79000000001' } })
const sent = { status: 200, json: { message: { recipient: { chat_id: 1, chat_type: 'dialog' }, timestamp: 1, body: { mid: 'mid.out1', seq: 1, text: '' } } } }
const picture: OutboundFile = { kind: 'image', name: 'снимок.png', mimeType: 'image/png', bytes: Buffer.from('png bytes') }
const uploadPlace = (url: string, more: object = {}) => ({ status: 200, json: { url: `${url}/store/secret-file-address?sig=1`, ...more } })
const stored = { status: 200, json: { photos: { a: { token: 'photo-token' } } } }
const told = (attachment: object) => ({
  status: 200,
  json: { sender: { user_id: 123456789 }, recipient: { chat_id: 1, chat_type: 'dialog' }, timestamp: 1, body: { mid: 'mid.1', text: '', attachments: [{ type: 'location', latitude: 1, longitude: 1 }, attachment] } },
})
const readable = vectorNames('max-').filter((name) => !/^(?:response-|malformed$|missing-update-type$)/.test(name))

conversationContract({
  channel: max,
  form,
  vendor: overHttp('baseUrl'),
  message,
  genuine: readable.map((name) => webhook(`max-${name}`)),
  person: { ids: ['123456789'] },
  file: { sent: picture, replies: (url) => [uploadPlace(url), stored, sent], result: { externalId: 'mid.out1', parts: 1 }, limited: refused(429, 'too.many.requests'), isUploadedFirst: true },
  edit: { done, late: [notDone, refused(404, 'not.found'), refused(403, 'access.denied')] },
  remove: { done, gone: refused(404, 'not.found'), late: [notDone, refused(403, 'access.denied')] },
  download: {
    file: { kind: 'file', ref: 'body:1:mid.1' },
    replies: (url) => [told({ type: 'file', filename: 'a.pdf', size: 9, payload: { url: `${url}/secret-file-address`, token: 'tok' } }), { status: 200, bytes: picture.bytes }],
    bytes: picture.bytes,
    gone: [
      () => [refused(404, 'not.found')],
      (url) => [told({ type: 'file', payload: { url: `${url}/secret-file-address` } }), { status: 404, text: '' }],
      () => [told({ type: 'file', payload: null })],
    ],
  },
  startLink: { title: '@id7700000000_bot', link: 'https://max.ru/id7700000000_bot?start=L_k3Jx9QmZb2', nameless: 'Клиника' },
})

const user = { user_id: 5, name: 'Иван' }
const body = (mid: string, more: object = {}) => ({ mid, text: '', ...more })
const said = (more: object) =>
  max.parse(post({ update_type: 'message_created', timestamp: 9, message: { sender: user, recipient: { chat_id: 1, chat_type: 'dialog' }, timestamp: 1_795_500_000_007, body: body('m'), ...more } }), credentials)
const attached = (...attachments: object[]) => said({ body: body('m', { attachments }) })

describe('max: what a patient says', () => {
  it('tells several files, each by its place in the message', () => {
    const payload = { url: 'https://fd.oneme.ru/secret', token: 'tok' }
    expect(attached({ type: 'image', payload }, { type: 'video', payload }, { type: 'audio', payload }, { type: 'sticker', payload: { ...payload, code: 'c' } })).toMatchObject([
      {
        type: 'message', externalId: 'm', text: '', at: 1_795_500_000_007,
        files: [{ kind: 'image', ref: 'body:0:m' }, { kind: 'video', ref: 'body:1:m' }, { kind: 'voice', ref: 'body:2:m' }, { kind: 'sticker', ref: 'body:3:m' }],
      },
    ])
    expect(JSON.stringify(attached({ type: 'image', payload }))).not.toMatch(/secret|tok/)
  })

  it('tells a place, a quote and a forward with what is in it', () => {
    expect(attached({ type: 'location', latitude: 55.7, longitude: 37.6 })).toMatchObject([{ text: '', place: { latitude: 55.7, longitude: 37.6 } }])
    for (const sender of [{ user_id: 229229229, is_bot: true }, user]) {
      expect(said({ body: body('m', { text: 'Да' }), link: { type: 'reply', sender, message: body('mid.out1', { text: 'Приём завтра' }) } })).toMatchObject([
        { text: 'Да', replyTo: 'mid.out1', quotedText: 'Приём завтра', chat: { id: '5' } },
      ])
    }
    const passedOn = { type: 'forward', sender: { user_id: 77, name: 'Чужой' }, message: body('f', { text: 'Чужие слова', attachments: [{ type: 'file', filename: 'b.pdf', size: 3, payload: {} }] }) }
    const [forward] = said({ body: body('m', { text: 'Смотрите' }), link: passedOn })
    expect(forward).toMatchObject({ externalId: 'm', text: 'Смотрите\nЧужие слова', isForwarded: true, files: [{ ref: 'link:0:m', name: 'b.pdf' }], chat: { id: '5', name: 'Иван' } })
    expect(forward).not.toHaveProperty('replyTo')
    expect(said({ body: null, link: passedOn })).toMatchObject([{ externalId: 'forward:f:1795500000007', text: 'Чужие слова', files: [{ ref: 'body:0:f' }] }])
  })

  it('tells in words what cannot be shown', () => {
    expect(attached({ type: 'hologram', payload: {} })).toMatchObject([{ text: unsupportedText }])
    expect(said({})).toMatchObject([{ text: unsupportedText }])
  })

  it('F45 does not take a signed card that was passed on for the sender\'s own', () => {
    const vcf = 'BEGIN:VCARD\r\nTEL;TYPE=cell:79000000001\r\nFN:Иван\r\nEND:VCARD\r\n'
    const card = { type: 'contact', payload: { vcf_info: vcf, max_info: user, hash: createHmac('sha256', form.token).update(vcf).digest('hex') } }
    expect(attached(card)).toMatchObject([{ contact: { phone: '+79000000001', isOwn: true, name: 'Иван' } }])
    expect(said({ link: { type: 'forward', message: body('f', { attachments: [card] }) } })).toMatchObject([{ contact: { isOwn: false } }])
  })

  it('F42 makes nothing of groups, channels and comments', () => {
    for (const chat_type of ['chat', 'channel']) expect(said({ recipient: { chat_id: -1, chat_type } })).toEqual([])
    const update = (update_type: string, more: object) => max.parse(post({ update_type, timestamp: 1, ...more }), credentials)
    expect(update('message_removed', { message_id: 'm', chat_id: -5, user_id: 5 })).toEqual([])
    expect(update('comment_created', { message: { sender: user } })).toEqual([])
    expect(update('message_edited', { message: { sender: user, recipient: { chat_id: -1, chat_type: 'chat' }, timestamp: 1, body: body('m') } })).toEqual([])
  })

  it('F21 makes nothing of an edit of our own', () => {
    const message = { sender: { ...user, is_bot: true }, recipient: { chat_id: 1, chat_type: 'dialog' }, timestamp: 1, body: body('m') }
    expect(max.parse(post({ update_type: 'message_edited', timestamp: 1, message }), credentials)).toEqual([])
  })
})

describe('max: what an operator says', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (signal = new AbortController().signal) => ({ credentials: max.parseCredentials({ ...form, baseUrl: vendor.url }), http, signal })

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('F43 writes formatting as MAX\'s HTML, counts the marks, and quotes', async () => {
    vendor.replies(sent)
    const rich: RichText = [{ type: 'strike', children: [{ type: 'text', text: 'a<i>' }] }, { type: 'lineBreak' }, { type: 'underline', children: [{ type: 'text', text: 'b' }] }]
    await max.send({ ...message, rich, replyTo: 'mid.in1' }, context())
    expect(vendor.asked[0]?.body).toEqual({ text: '<s>a&lt;i&gt;</s>\n<u>b</u>', format: 'html', link: { type: 'reply', mid: 'mid.in1' } })
    const long: RichText = [{ type: 'bold', children: [{ type: 'text', text: 'я'.repeat(3994) }] }]
    await expect(max.send({ ...message, rich: long }, context())).rejects.toMatchObject({ failure: { class: 'content', code: 'text.long' } })
  })

  it('uploads by the place that MAX gives, with the caption and the buttons beside the file', async () => {
    vendor.replies(uploadPlace(vendor.url), stored, sent)
    await max.send({ ...message, file: picture, buttons: [{ id: 'a', title: 'Да' }] }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/uploads', query: { type: 'image' } })
    expect(vendor.asked[1]).toMatchObject({ method: 'POST', path: '/store/secret-file-address', body: { data: { name: 'снимок.png', mimeType: 'image/png' } } })
    expect(Buffer.compare(vendor.asked[1]?.body.data.bytes, Buffer.from(picture.bytes))).toBe(0)
    expect(vendor.asked[2]?.body).toMatchObject({ text: message.text, attachments: [{ type: 'image', payload: { token: 'photo-token' } }, { type: 'inline_keyboard' }] })
  })

  it.each<[string, OutboundFile, string, object]>([
    ['a webp picture as a file', { ...picture, mimeType: 'image/webp' }, 'file', { json: { token: 'file-token' } }],
    ['a document', { ...picture, kind: 'file', mimeType: 'application/pdf' }, 'file', { json: { fileId: 1, token: 'file-token' } }],
    ['a voice by the early token', { ...picture, kind: 'voice', mimeType: 'audio/ogg' }, 'audio', { text: '<retval>1</retval>' }],
    ['a video by the early token', { ...picture, kind: 'video', mimeType: 'video/mp4' }, 'video', { text: '<retval>1</retval>' }],
  ])('F35 sends %s', async (_, file, type, reply) => {
    vendor.replies(uploadPlace(vendor.url, type === 'file' ? {} : { token: 'file-token' }), { status: 200, ...reply }, sent)
    await max.send({ ...message, text: '', file }, context())
    expect(vendor.asked[0]?.query).toEqual({ type })
    expect(vendor.asked[2]?.body.attachments).toEqual([{ type, payload: { token: 'file-token' } }])
  })

  it('waits until MAX has digested the upload, and gives up with the caller', async () => {
    const notReady = answer('max-response-attachment-not-ready')
    vendor.replies(uploadPlace(vendor.url), stored, notReady, sent)
    await max.send({ ...message, file: picture }, context())
    expect(vendor.asked.map(({ path }) => path)).toEqual(['/uploads', '/store/secret-file-address', '/messages', '/messages'])
    vendor.replies(uploadPlace(vendor.url), stored, notReady)
    await expect(max.send({ ...message, file: picture }, context(AbortSignal.timeout(200)))).rejects.toMatchObject({ failure: { class: 'transient', code: 'attachment.not.ready' }, outcome: 'rejected' })
  })

  it.each<[number, string, string]>([
    [413, 'content', 'media.400'],
    [429, 'rateLimited', 'media.429'],
    [403, 'transient', 'media.503'],
    [500, 'transient', 'media.503'],
  ])('says of the store\'s %i nothing about the token or the patient', async (status, failureClass, code) => {
    vendor.replies(uploadPlace(vendor.url), { status, text: 'no' })
    await expect(max.send({ ...message, file: picture }, context())).rejects.toMatchObject({ failure: { class: failureClass, code }, outcome: 'rejected' })
  })

  it('leaves files and buttons alone when it edits', async () => {
    vendor.replies(done)
    await max.edit?.({ externalId: 'mid.out1', to: '123456789', text: 'Новое', rich: [{ type: 'bold', children: [{ type: 'text', text: 'Новое' }] }], isCaption: true }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'PUT', path: '/messages', query: { message_id: 'mid.out1' } })
    expect(vendor.asked[0]?.body).toEqual({ text: '<b>Новое</b>', format: 'html' })
  })

  it('fetches the largest picture of a video, and what was passed on', async () => {
    const video = { type: 'video', payload: { url: 'https://m.max.ru/v', token: 'video-token' } }
    vendor.replies(told(video), { status: 200, json: { token: 'video-token', urls: { mp4_1080: null, mp4_480: `${vendor.url}/480`, mp4_144: `${vendor.url}/144`, hls: `${vendor.url}/hls` } } }, { status: 200, bytes: picture.bytes, headers: { 'content-type': 'video/mp4; x=1' } })
    expect(await max.download?.({ kind: 'video', ref: 'body:1:mid.1' }, { ...context(), maxBytes: 100 })).toMatchObject({ mimeType: 'video/mp4' })
    expect(vendor.asked.map(({ path }) => path)).toEqual(['/messages/mid.1', '/videos/video-token', '/480'])
    const forwarded = { status: 200, json: { recipient: { chat_type: 'dialog' }, timestamp: 1, body: body('m'), link: { type: 'forward', message: body('f', { attachments: [{ type: 'image', payload: { url: `${vendor.url}/passed-on` } }] }) } } }
    vendor.replies(forwarded, { status: 200, bytes: picture.bytes })
    await max.download?.({ kind: 'image', ref: 'link:0:m' }, { ...context(), maxBytes: 100 })
    expect(vendor.asked[1]).toMatchObject({ path: '/passed-on' })
    expect(vendor.asked[1]?.headers.authorization).toBeUndefined()
  })
})
