import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type OutboundFile, type OutboundMessage } from '../../src/channels/channel.ts'
import { unsupportedText } from '../../src/channels/refusal.ts'
import { createHttp } from '../../src/channels/http.ts'
import { telegram } from '../../src/channels/telegram/index.ts'
import { type RichText } from '../../src/domain/rich-text.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { post, vectorNames, webhook } from './vectors.ts'

const form = { botToken: '7000000001:AAvecTelegramToken-0001', webhookSecret: 'vec_tg_secret-1' }
const credentials = telegram.parseCredentials(form)
const message: OutboundMessage = { ref: 'd1.1', number: 8, to: '500000001', text: 'Здравствуйте' }
const ok = (result: unknown) => ({ status: 200, json: { ok: true, result } })
const refused = (error_code: number, description: string, parameters?: object) => ({ status: error_code, json: { ok: false, error_code, description, parameters } })
const picture: OutboundFile = { kind: 'image', name: 'снимок "1".jpg', mimeType: 'image/jpeg', bytes: Buffer.from([0xff, 0xd8, 0, 1, 2, 13, 10]) }
const sent = ok({ message_id: 90 })
/** All of one person: another one presses in `callback-query-foreign-user`. */
const readable = vectorNames('telegram-').filter((name) => !/^(?:response-|malformed$|callback-query-foreign-user$)/.test(name))

conversationContract({
  channel: telegram,
  form,
  vendor: overHttp('apiRoot'),
  message,
  genuine: readable.map((name) => webhook(`telegram-${name}`)),
  person: { ids: ['500000001'] },
  file: { sent: picture, replies: () => [sent], result: { externalId: '500000001:90', parts: 1 }, limited: refused(429, 'Too Many Requests: retry after 7', { retry_after: 7 }), isUploadedFirst: false },
  edit: {
    done: ok(true),
    same: refused(400, 'Bad Request: message is not modified: specified new message content and reply markup are exactly the same'),
    late: [refused(400, "Bad Request: message can't be edited"), refused(400, 'Bad Request: message to edit not found')],
  },
  remove: {
    done: ok(true),
    gone: refused(400, 'Bad Request: message to delete not found'),
    late: [refused(400, "Bad Request: message can't be deleted for everyone")],
  },
  download: {
    file: { kind: 'file', ref: 'BQAC' },
    replies: () => [ok({ file_id: 'BQAC', file_path: 'documents/secret-file-address.pdf' }), { status: 200, bytes: picture.bytes }],
    bytes: picture.bytes,
    gone: [
      () => [refused(400, 'Bad Request: file is too big')],
      () => [refused(400, 'Bad Request: wrong file_id or the file is temporarily unavailable')],
      () => [ok({ file_id: 'BQAC' })],
      () => [ok({ file_path: 'documents/secret-file-address.pdf' }), { status: 404, text: 'Not Found' }],
    ],
  },
  startLink: { title: '@clinic_example_bot', link: 'https://t.me/clinic_example_bot?start=L_k3Jx9QmZb2', nameless: 'Клиника' },
})

const from = { id: 5, is_bot: false, first_name: 'Иван' }
const said = (more: object) => telegram.parse(post({ update_id: 1, message: { message_id: 1, chat: { id: 5, type: 'private' }, from, date: 7, ...more } }), credentials)
const stored = { file_id: 'F', file_unique_id: 'u', file_size: 10 }

describe('telegram: what a patient says', () => {
  it.each<[string, object, object]>([
    ['video', { video: { ...stored, mime_type: 'video/mp4', file_name: 'v.mp4' } }, { text: '', files: [{ kind: 'video', ref: 'F', name: 'v.mp4', mimeType: 'video/mp4', sizeBytes: 10 }] }],
    ['a round video', { video_note: stored }, { files: [{ kind: 'video', ref: 'F', mimeType: 'video/mp4', sizeBytes: 10 }] }],
    ['music', { audio: { ...stored, mime_type: 'audio/mpeg' } }, { files: [{ kind: 'audio', ref: 'F', mimeType: 'audio/mpeg', sizeBytes: 10 }] }],
    ['an animation, once', { animation: { ...stored, mime_type: 'video/mp4' }, document: { ...stored, mime_type: 'video/mp4' } }, { files: [{ kind: 'video', ref: 'F', mimeType: 'video/mp4', sizeBytes: 10 }] }],
    ['a sticker', { sticker: { ...stored, is_animated: false, is_video: false, emoji: '👍' } }, { files: [{ kind: 'sticker', ref: 'F', mimeType: 'image/webp', sizeBytes: 10 }] }],
    ['a place', { location: { latitude: 55.7, longitude: 37.6 } }, { text: '', place: { latitude: 55.7, longitude: 37.6 } }],
    [
      'a venue, once', { location: { latitude: 55.7, longitude: 37.6 }, venue: { location: { latitude: 55.7, longitude: 37.6 }, title: 'Клиника', address: 'Москва' } },
      { place: { latitude: 55.7, longitude: 37.6, title: 'Клиника', address: 'Москва' } },
    ],
    ['a kind that cannot be shown', { poll: { id: '1', question: '?' } }, { text: unsupportedText }],
    ['a kind that did not exist yet', { hologram: { file_id: 'x' } }, { text: unsupportedText }],
    ['a forward', { text: 'Чужие слова', forward_origin: { type: 'user', sender_user: { id: 9 } } }, { text: 'Чужие слова', isForwarded: true, chat: { id: '5' } }],
    ['a quote of the patient\'s own words', { text: 'Вот', reply_to_message: { message_id: 1, from, text: 'Раньше' } }, { replyTo: '5:1', quotedText: 'Раньше' }],
    ['a quote of a part', { text: 'Да', quote: { text: 'в 10:00' }, reply_to_message: { message_id: 2, text: 'Приём завтра в 10:00' } }, { replyTo: '5:2', quotedText: 'в 10:00' }],
  ])('tells %s', (_, content, expected) => {
    expect(said(content)).toMatchObject([{ type: 'message', externalId: '5:1', at: 7_000, ...expected }])
  })

  it('makes nothing of what Telegram writes into the chat itself', () => {
    for (const part of [{ pinned_message: { message_id: 1 } }, { message_auto_delete_timer_changed: {} }, { chat_background_set: {} }]) expect(said(part)).toEqual([])
  })

  it('F45 takes the phone of a card as its own only from the sender, and no start token from a forward', () => {
    expect(said({ contact: { phone_number: '89000000077', first_name: 'Мама', user_id: 9 } })).toMatchObject([{ contact: { phone: '+79000000077', isOwn: false, name: 'Мама' } }])
    const [event] = said({ text: '/start L_k3Jx9QmZb2', forward_origin: { type: 'user' } })
    expect(event).not.toHaveProperty('startPayload')
  })

  it('F42 makes nothing of edits in groups, and of a location that moves', () => {
    const edited = (more: object) => telegram.parse(post({ update_id: 1, edited_message: { message_id: 1, chat: { id: 5, type: 'private' }, from, date: 7, ...more } }), credentials)
    expect(edited({ chat: { id: -5, type: 'group' }, text: 'x' })).toEqual([])
    expect(edited({ location: { latitude: 1, longitude: 1 } })).toEqual([])
    expect(edited({ caption: 'Подпись', photo: [stored], edit_date: 9 })).toEqual([{ type: 'edit', externalId: '5:1', chat: { id: '5', userId: '5', name: 'Иван' }, text: 'Подпись', at: 9_000 }])
  })
})

describe('telegram: what an operator says', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = () => ({ credentials: telegram.parseCredentials({ ...form, apiRoot: vendor.url }), http, signal: new AbortController().signal })
  const rich: RichText = [
    { type: 'bold', children: [{ type: 'text', text: 'A<b>&"' }] }, { type: 'lineBreak' },
    { type: 'quote', children: [{ type: 'text', text: 'q' }, { type: 'quote', children: [{ type: 'text', text: 'w' }] }] },
    { type: 'link', url: 'https://clinic.example/?a="1"&b=2', children: [{ type: 'text', text: 'сайт' }] },
    { type: 'link', url: 'tel:+74950000000', children: [{ type: 'text', text: 'телефон' }] },
    { type: 'code', text: 'x<y' },
  ]

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('F43 writes formatting as Telegram\'s HTML, and what was typed never as a tag', async () => {
    vendor.replies(sent)
    await telegram.send({ ...message, rich, replyTo: '500000001:12' }, context())
    expect(vendor.asked[0]?.body).toEqual({
      chat_id: 500000001,
      text:
        '<b>A&lt;b&gt;&amp;"</b>\n<blockquote>qw</blockquote><a href="https://clinic.example/?a=&quot;1&quot;&amp;b=2">сайт</a>' + 'телефон (+74950000000)<code>x&lt;y</code>',
      parse_mode: 'HTML',
      link_preview_options: { is_disabled: true },
      reply_parameters: { message_id: 12, allow_sending_without_reply: true },
    })
  })

  it('counts the words and not the marks, and leaves words without formatting alone', async () => {
    vendor.replies(sent)
    const text = 'я'.repeat(4096)
    await telegram.send({ ...message, text, rich: [{ type: 'bold', children: [{ type: 'text', text }] }] }, context())
    await expect(telegram.send({ ...message, text: 'x', rich: [{ type: 'bold', children: [{ type: 'text', text: `${text}я` }] }] }, context())).rejects.toMatchObject({ failure: { code: 'text.long' } })
    await telegram.send({ ...message, text: '1 < 2', rich: [{ type: 'text', text: '1 < 2' }] }, context())
    expect(vendor.asked[1]?.body).toMatchObject({ text: '1 < 2' })
    expect(vendor.asked[1]?.body.parse_mode).toBeUndefined()
  })

  it('does not quote a message of another chat', async () => {
    vendor.replies(sent)
    await telegram.send({ ...message, replyTo: '500000002:12' }, context())
    expect(vendor.asked[0]?.body.reply_parameters).toBeUndefined()
  })

  it('sends a picture with its caption and its name in any language', async () => {
    vendor.replies(sent)
    await telegram.send({ ...message, file: picture, rich: [{ type: 'italic', children: [{ type: 'text', text: 'a' }] }] }, context())
    expect(vendor.asked[0]).toMatchObject({ path: `/bot${form.botToken}/sendPhoto`, body: { chat_id: '500000001', caption: '<i>a</i>', parse_mode: 'HTML' } })
    const { photo } = vendor.asked[0]!.body
    expect({ ...photo, bytes: [...photo.bytes] }).toEqual({ name: 'снимок %221%22.jpg', mimeType: 'image/jpeg', bytes: [...picture.bytes] })
  })

  it.each<[string, OutboundFile, string]>([
    ['a webp picture', { ...picture, mimeType: 'image/webp' }, 'sendDocument'],
    ['a picture above 10 MB', { ...picture, bytes: Buffer.alloc(10 * 1024 * 1024 + 1) }, 'sendDocument'],
    ['a video', { ...picture, kind: 'video', mimeType: 'video/mp4' }, 'sendVideo'],
    ['a video of another format', { ...picture, kind: 'video', mimeType: 'video/quicktime' }, 'sendDocument'],
    ['a voice', { ...picture, kind: 'voice', mimeType: 'audio/ogg; codecs=opus' }, 'sendVoice'],
    ['a voice in mp3', { ...picture, kind: 'voice', mimeType: 'audio/mpeg' }, 'sendAudio'],
    ['a recording in ogg', { ...picture, kind: 'audio', mimeType: 'audio/ogg' }, 'sendDocument'],
    ['a document', { ...picture, kind: 'file', mimeType: 'application/pdf' }, 'sendDocument'],
  ])('F35 sends %s so that it arrives', async (_, file, method) => {
    vendor.replies(sent)
    await telegram.send({ ...message, text: '', file }, context())
    expect(vendor.asked.map(({ path }) => path.split('/').at(-1))).toEqual([method])
  })

  it('F35 sends a picture that Telegram cannot show as a document', async () => {
    vendor.replies(refused(400, 'Bad Request: PHOTO_INVALID_DIMENSIONS'), sent)
    await telegram.send({ ...message, file: picture }, context())
    expect(vendor.asked.map(({ path }) => path.split('/').at(-1))).toEqual(['sendPhoto', 'sendDocument'])
    vendor.replies(refused(413, 'Request Entity Too Large'))
    await expect(telegram.send({ ...message, file: { ...picture, kind: 'file' } }, context())).rejects.toMatchObject({ failure: { class: 'content', code: 'media.413' }, message: expect.stringContaining('файл') })
  })

  it('fetches a file from the server\'s own store', async () => {
    vendor.replies(ok({ file_path: 'photos/файл 1.jpg' }), { status: 200, bytes: picture.bytes })
    await telegram.download?.({ kind: 'image', ref: 'F' }, { ...context(), maxBytes: 100 })
    expect(vendor.asked[1]).toMatchObject({ method: 'GET', path: `/file/bot${form.botToken}/photos/${encodeURIComponent('файл 1.jpg')}` })
  })
})
