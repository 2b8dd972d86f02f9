import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type OutboundFile, type OutboundMessage } from '../../src/channels/channel.ts'
import { unsupportedText } from '../../src/channels/refusal.ts'
import { createHttp } from '../../src/channels/http.ts'
import { whatsapp } from '../../src/channels/whatsapp/index.ts'
import { type RichNode, type RichText } from '../../src/domain/rich-text.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { phoneNumberId: '106540352242922', businessAccountId: '102290129340398', accessToken: 'EAAtesttoken0001', appSecret: 'vec-app-secret-0001', verifyToken: 'vec-verify-token' }
const credentials = whatsapp.parseCredentials(form)
const message: OutboundMessage = { ref: 'd1.0', number: 7, to: '+79000000001', text: 'Здравствуйте' }
const ours = 'wamid.HBgLNzkwMDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA'
const sent = answer('wa-cloud-response-accepted')
const error = (status: number, code: number) => ({ status, json: { error: { message: `(#${code}) to +79000000001`, code } } })
const uploaded = { status: 200, json: { id: '1376223850470843' } }
const picture: OutboundFile = { kind: 'image', name: 'снимок.jpg', mimeType: 'image/jpeg', bytes: Buffer.from('jpeg bytes') }
const ogg = (codec: string): Uint8Array => Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from(codec), Buffer.alloc(40)])
const place = (url: string, more: object = {}) => ({ status: 200, json: { url: `${url}/secret-file-address?asset_id=1`, mime_type: 'application/pdf', id: '1', ...more } })
const readable = vectorNames('wa-cloud-').filter((name) => !/^(?:response-|verify-|missing-signature$)/.test(name))

conversationContract({
  channel: whatsapp,
  form,
  vendor: overHttp('baseUrl'),
  message,
  genuine: readable.map((name) => webhook(`wa-cloud-${name}`)),
  person: { ids: ['RU.13491208655302741918', '79000000001'], phone: '+79000000001' },
  file: { sent: picture, replies: () => [uploaded, sent], result: { externalId: ours, parts: 1 }, limited: error(400, 130429), isUploadedFirst: true },
  refusedFiles: [
    { ...picture, mimeType: 'image/webp' },
    { ...picture, mimeType: 'image/heic' },
    { ...picture, bytes: Buffer.alloc(5 * 1024 * 1024 + 1) },
    { ...picture, kind: 'voice', mimeType: 'audio/ogg', bytes: ogg('\x01vorbis') },
    { ...picture, kind: 'audio', mimeType: 'audio/wav' },
    { ...picture, kind: 'video', mimeType: 'video/quicktime' },
    { ...picture, kind: 'video', mimeType: 'video/mp4', bytes: Buffer.alloc(16 * 1024 * 1024 + 1) },
    { ...picture, kind: 'file', mimeType: 'application/zip' },
    { ...picture, kind: 'sticker', mimeType: 'image/webp', bytes: Buffer.alloc(600 * 1024) },
  ],
  download: {
    file: { kind: 'file', ref: '1376223850470843' },
    replies: (url) => [place(url), { status: 200, bytes: picture.bytes }],
    bytes: picture.bytes,
    gone: [() => [error(400, 100)], () => [{ status: 404, json: {} }], (url) => [place(url), { status: 404, text: '' }], (url) => [place(url, { file_size: 99_000_000 })]],
  },
})

const metadata = { display_phone_number: '+7 495 000-00-00', phone_number_id: form.phoneNumberId }
const change = (field: string, value: object) => {
  const request = post({ object: 'whatsapp_business_account', entry: [{ id: form.businessAccountId, changes: [{ field, value: { metadata, ...value } }] }] })
  return { ...request, headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', form.appSecret).update(request.body).digest('hex')}` } }
}
const said = (more: object) => whatsapp.parse(change('messages', { messages: [{ from: '79000000001', id: 'wamid.1', timestamp: '7', ...more }] }), credentials)
const chat = { id: '79000000001', userId: '79000000001', phone: '+79000000001' }

describe('whatsapp: what a patient says', () => {
  it.each<[string, object, object]>([
    ['a picture with its caption', { type: 'image', image: { id: '1', mime_type: 'image/jpeg', caption: 'Снимок' } }, { text: 'Снимок', files: [{ kind: 'image', ref: '1', mimeType: 'image/jpeg' }] }],
    ['a video', { type: 'video', video: { id: '1', mime_type: 'video/mp4' } }, { text: '', files: [{ kind: 'video', ref: '1', mimeType: 'video/mp4' }] }],
    ['music', { type: 'audio', audio: { id: '1', mime_type: 'audio/mpeg', voice: false } }, { files: [{ kind: 'audio', ref: '1', mimeType: 'audio/mpeg' }] }],
    ['a sticker', { type: 'sticker', sticker: { id: '1', mime_type: 'image/webp', animated: true } }, { files: [{ kind: 'sticker', ref: '1', mimeType: 'image/webp' }] }],
    ['a forward', { type: 'text', text: { body: 'Чужое' }, context: { frequently_forwarded: true } }, { text: 'Чужое', isForwarded: true }],
    ['an order', { type: 'order', order: { catalog_id: '1' } }, { text: unsupportedText }],
    ['a kind that did not exist yet', { type: 'hologram', hologram: {} }, { text: unsupportedText }],
    [
      'several cards', { type: 'contacts', contacts: [{ name: { formatted_name: 'Мама' }, phones: [{ phone: '8 (900) 000-00-77' }] }, { name: { formatted_name: 'Папа' }, phones: [{ wa_id: '79000000078' }] }] },
      { text: 'Папа: +79000000078', contact: { phone: '+79000000077', isOwn: false, name: 'Мама' } },
    ],
  ])('tells %s', (_, content, expected) => {
    expect(said(content)).toMatchObject([{ type: 'message', externalId: 'wamid.1', chat, at: 7_000, ...expected }])
  })

  it('tells edits and removals of a number that the WhatsApp Business app shares', () => {
    expect(said({ type: 'edit', edit: { original_message_id: 'wamid.0', message: { type: 'image', image: { id: '1', caption: 'Новая подпись' }, context: { id: 'M0' } } } })).toEqual([
      { type: 'edit', externalId: 'wamid.0', chat, text: 'Новая подпись', at: 7_000 },
    ])
    expect(said({ type: 'revoke', revoke: { original_message_id: 'wamid.0' } })).toEqual([{ type: 'delete', externalId: 'wamid.0', chat, at: 7_000 }])
  })

  it.each(['79000000001', '+79000000001', '79000000001@c.us', '89000000001', '+7 900 000-00-01'])('F11 knows one person by %s', (from) => {
    expect(said({ from, type: 'text', text: { body: 'x' } })).toMatchObject([{ chat }])
  })

  it('F11 does not take a foreign number for a Russian one', () => {
    expect(said({ from: '84912345678', type: 'text', text: { body: 'x' } })).toMatchObject([{ chat: { id: '84912345678', phone: '+84912345678' } }])
  })

  it('F46 names a person by the BSUID, with the phone when it comes and without it when it does not', () => {
    const text = { type: 'text', text: { body: 'x' }, from_user_id: 'RU.9' }
    expect(said(text)).toMatchObject([{ chat: { id: 'RU.9', userId: 'RU.9', phone: '+79000000001' } }])
    const [hidden] = said({ ...text, from: undefined })
    expect(hidden).toMatchObject({ chat: { id: 'RU.9', userId: 'RU.9' } })
    expect((hidden as { chat: object }).chat).not.toHaveProperty('phone')
    expect(said({ ...text, from: undefined, from_user_id: undefined })).toEqual([])
  })

  it('F42 makes nothing of a group', () => {
    expect(said({ group_id: 'G1', type: 'text', text: { body: 'x' } })).toEqual([])
  })

  it('F21 tells what staff wrote in the app as an echo, and never as a patient\'s message', () => {
    const echo = (more: object) => whatsapp.parse(change('smb_message_echoes', { message_echoes: [{ from: '74950000000', to: '79000000001', id: 'wamid.E', timestamp: '7', ...more }] }), credentials)
    expect(echo({ type: 'document', document: { id: '1', filename: 'a.pdf', caption: 'Счёт' } })).toEqual([
      { type: 'echo', externalId: 'wamid.E', chat, text: 'Счёт', files: [{ kind: 'file', ref: '1', name: 'a.pdf' }], at: 7_000 },
    ])
    expect(echo({ type: 'text', text: { body: 'x' }, to: undefined, to_user_id: 'RU.9' })).toMatchObject([{ type: 'echo', chat: { id: 'RU.9' } }])
    for (const type of ['edit', 'revoke']) expect(echo({ type, [type]: { original_message_id: 'wamid.0' } })).toEqual([])
    expect(echo({ type: 'text', text: { body: 'x' }, group_id: 'G1' })).toEqual([])
    expect(whatsapp.parse(change('smb_message_echoes', { metadata: { phone_number_id: '777777777' }, message_echoes: [{ to: '7', id: 'w', timestamp: '7', type: 'text' }] }), credentials)).toEqual([])
    expect(said({ from: '74950000000', type: 'text', text: { body: 'x' } })).toEqual([])
  })
})

describe('whatsapp: what an operator says', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = (more: object = {}) => ({ credentials: whatsapp.parseCredentials({ ...form, baseUrl: vendor.url, ...more }), http, signal: new AbortController().signal })
  const text = (words: string): RichNode => ({ type: 'text', text: words })
  const bold = (...children: RichText): RichNode => ({ type: 'bold', children })

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  const written = async (...rich: RichText): Promise<string> => {
    vendor.replies(sent)
    await whatsapp.send({ ...message, rich }, context())
    return vendor.asked[0]?.body.text.body
  }

  it.each<[string, RichText, string]>([
    ['bold, italic and struck words', [bold(text('a')), text(' '), { type: 'italic', children: [text('b')] }, text(' '), { type: 'strike', children: [text('c')] }], '*a* _b_ ~c~'],
    ['words inside words', [bold({ type: 'italic', children: [text('a')] }), text('!')], '*_a_*!'],
    ['no marks inside a word', [text('при'), bold(text('вет')), text(' '), bold(text('да')), text('ть')], 'привет дать'],
    ['spaces outside the marks', [bold(text(' a ')), text('b')], ' *a* b'],
    ['each line apart', [bold(text('a'), { type: 'lineBreak' }, { type: 'lineBreak' }, text('b'))], '*a*\n\n*b*'],
    ['nothing of an underline', [{ type: 'underline', children: [text('a')] }], 'a'],
    ['a quote line by line', [{ type: 'quote', children: [text('a'), { type: 'lineBreak' }, bold(text('b'))] }], '> a\n> *b*'],
    ['code as it is', [{ type: 'code', text: 'a*b* _c_' }, text(' '), { type: 'code', text: 'x\ny' }], '`a*b* _c_` ```x\ny```'],
    ['a link with its address', [{ type: 'link', url: 'https://clinic.example/a_b_', children: [text('сайт')] }], 'сайт (https://clinic.example/a_b_)'],
    ['a bare link once', [{ type: 'link', url: 'https://clinic.example/_a_', children: [text('clinic.example/_a_')] }], 'https://clinic.example/_a_'],
  ])('F43 writes %s', async (_, rich, expected) => {
    expect(await written(...rich)).toBe(expected)
  })

  it('F43 never turns what was typed into formatting', async () => {
    const typed = await written(text('*важно* и _так_, ~нет~, `x`; 2*3*4 a_b_c * '))
    expect(typed).not.toMatch(/(?<![\p{L}\p{N}])([*_~`])(?=\S)[^\n]*?\S\1(?![\p{L}\p{N}])/u)
    expect(typed).toContain('важно')
    expect(typed).toContain('2*3*4 a_b_c * ')
    expect(await written(text('> не цитата'))).toBe('› не цитата')
    expect(await written(text('a\uE000b\uE010'))).toBe('ab')
  })

  it('takes 4096 characters alone and 1024 over buttons, marks included, and quotes', async () => {
    vendor.replies(sent)
    await whatsapp.send({ ...message, text: 'я'.repeat(4096), replyTo: 'wamid.in' }, context())
    expect(vendor.asked[0]?.body).toMatchObject({ context: { message_id: 'wamid.in' } })
    const buttons = [{ id: 'a', title: 'Да' }]
    await expect(whatsapp.send({ ...message, text: 'я'.repeat(1025), buttons }, context())).rejects.toMatchObject({ failure: { code: 'text.long' } })
    await expect(whatsapp.send({ ...message, rich: [bold(text('я'.repeat(4095)))] }, context())).rejects.toMatchObject({ failure: { code: 'text.long' } })
    expect(vendor.asked).toHaveLength(1)
  })

  it.each<[string, Partial<OutboundFile>, string, object]>([
    ['a picture', {}, 'Подпись', { type: 'image', image: { id: '1376223850470843', caption: 'Подпись' } }],
    ['a document by its name', { kind: 'file', mimeType: 'application/pdf', name: 'анализ.pdf' }, '', { type: 'document', document: { id: '1376223850470843', filename: 'анализ.pdf' } }],
    ['a voice', { kind: 'voice', mimeType: 'audio/ogg; codecs=opus', bytes: ogg('OpusHead') }, '', { type: 'audio', audio: { id: '1376223850470843', voice: true } }],
    ['a recording under another name of its format', { kind: 'audio', mimeType: 'audio/mp3' }, '', { type: 'audio', audio: { id: '1376223850470843' } }],
    ['a sticker', { kind: 'sticker', mimeType: 'image/webp' }, '', { type: 'sticker', sticker: { id: '1376223850470843' } }],
  ])('uploads %s and sends its id', async (_, more, caption, expected) => {
    vendor.replies(uploaded, sent)
    await whatsapp.send({ ...message, text: caption, file: { ...picture, ...more } }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/106540352242922/media', headers: { authorization: 'Bearer EAAtesttoken0001' }, body: { messaging_product: 'whatsapp' } })
    expect(vendor.asked[0]?.body.file.mimeType).toBe(vendor.asked[0]?.body.type)
    expect(vendor.asked[1]?.body).toMatchObject({ ...expected, biz_opaque_callback_data: 'd1.0' })
  })

  it('F35 says what is wrong with a file that Meta did not take', async () => {
    vendor.replies(error(400, 100))
    await expect(whatsapp.send({ ...message, file: picture }, context())).rejects.toMatchObject({ failure: { class: 'content', code: 'media.100' }, message: expect.stringContaining('файл') })
    await expect(whatsapp.send({ ...message, file: picture, buttons: [{ id: 'a', title: 'Да' }] }, context())).rejects.toMatchObject({ failure: { code: 'buttons.file' } })
  })

  it('shows its key to Meta\'s store, and to a partner\'s own host alone', async () => {
    vendor.replies(place(vendor.url), { status: 200, bytes: picture.bytes })
    const file = { kind: 'file', ref: '1' } as const
    expect(await whatsapp.download?.(file, { ...context(), maxBytes: 100 })).toMatchObject({ mimeType: 'application/pdf' })
    expect(vendor.asked[1]).toMatchObject({ path: '/secret-file-address', query: { asset_id: '1' }, headers: { authorization: 'Bearer EAAtesttoken0001' } })
    vendor.replies(place('https://lookaside.fbsbx.com'), { status: 200, bytes: picture.bytes })
    await whatsapp.download?.(file, { ...context({ authHeader: 'D360-API-KEY' }), maxBytes: 100 })
    expect(vendor.asked[1]).toMatchObject({ path: '/secret-file-address', headers: { 'd360-api-key': 'EAAtesttoken0001' } })
  })
})
