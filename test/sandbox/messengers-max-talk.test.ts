import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type MaxBot } from '../../sandbox/messengers/max.ts'
import { ask, form, startStand, type Stand } from './messengers-support.ts'

let stand: Stand
let bot: MaxBot
let phone: Handset
const call = (method: string, path: string, body?: unknown) => ask(`${bot.baseUrl}${path}`, body, { authorization: bot.token }, method)
const send = (body: unknown) => call('POST', `/messages?user_id=${phone.patient.maxId}`, body)
const png = Buffer.from('\x89PNG\r\n\x1a\n....', 'latin1')

beforeEach(async () => {
  stand = await startStand()
  // Two calls a second to one person is another file's matter: a quick machine makes more of them in a simulated second.
  stand.messengers.behave('max', { limits: 'off' })
  bot = stand.messengers.addMaxBot()
  await call('POST', '/subscriptions', { url: `${stand.origin}/max`, secret: 'secret' })
  phone = stand.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
  phone.start('max', { quietly: true })
})

afterEach(() => stand.stop())

/** Uploads by MAX's three steps and answers what the attachment's payload is to be. */
async function upload(type: string, bytes: Uint8Array, mimeType: string, name: string): Promise<Record<string, unknown>> {
  const announced = await call('POST', `/uploads?type=${type}`)
  const sent = await ask(announced.body.url, form({ data: [bytes, mimeType, name] }))
  expect(sent.status).toBe(200)
  return type === 'image' ? sent.body : { token: announced.body.token ?? sent.body.token }
}

describe('what a person sends through MAX', () => {
  it('gives the bytes of a file by the address in the message, which ends after an hour', async () => {
    const sent = phone.sendFile('max', { name: 'анализ.pdf', caption: 'Вот' })
    const { body } = await stand.seen((json) => json.message)
    expect(body).toMatchObject({ mid: sent.id, text: 'Вот', attachments: [{ type: 'file', filename: 'анализ.pdf', size: sent.files[0]!.bytes.length }] })
    const { url } = body.attachments[0].payload
    const file = await ask(url)
    expect([file.status, file.bytes.equals(sent.files[0]!.bytes)]).toEqual([200, true])
    expect((await ask(url.replace('sig=', 'sig=0'))).status).toBe(403)
    stand.clock.advance(3_601_000)
    expect((await ask(url)).status).toBe(403)
    const again = await call('GET', `/messages/${sent.id}`)
    expect((await ask(again.body.body.attachments[0].payload.url)).status).toBe(200)
  })

  it('tells photo, voice, place, a card without proof and what it has no words for', async () => {
    phone.sendPhoto('max')
    phone.sendVoice('max')
    phone.sendLocation('max', { latitude: 55.75, longitude: 37.61 })
    phone.sendContact('max', { name: 'Мама', phone: '+79000000077' })
    phone.sendUnsupported('max')
    const attached = (type: string) => stand.seen((json) => json.message?.body.attachments?.find((one: any) => one.type === type))
    expect((await attached('image')).payload).toMatchObject({ photo_id: expect.any(Number), token: expect.any(String), url: expect.any(String) })
    expect((await attached('audio')).payload.token).toBeDefined()
    expect(await attached('location')).toEqual({ type: 'location', latitude: 55.75, longitude: 37.61 })
    const { payload } = await attached('contact')
    expect(payload.vcf_info).toContain('79000000077')
    expect(payload.hash).toBeUndefined()
    expect(await attached('poll')).toBeDefined()
  })

  it('gives the addresses of a video by its token only', async () => {
    const sent = phone.sendVideo('max')
    const { payload } = await stand.seen((json) => json.message?.body.attachments[0])
    const { body } = await call('GET', `/videos/${payload.token}`)
    expect((await ask(body.urls.mp4_720)).bytes.equals(sent.files[0]!.bytes)).toBe(true)
    expect((await ask(payload.url)).status).toBe(404)
  })

  it('keeps an album in one message', async () => {
    expect(phone.sendAlbum('max', [{ kind: 'image' }, { kind: 'image' }])).toHaveLength(1)
    expect((await stand.seen((json) => json.message)).body.attachments).toHaveLength(2)
  })

  it('tells edits and deletions of own messages, and quotes', async () => {
    const { body: { message } } = await send({ text: 'Ждём вас' })
    const written = phone.reply('max', 'Будду', { quote: message.body.mid })
    expect((await stand.seen((json) => json.message?.link))).toMatchObject({ type: 'reply', message: { mid: message.body.mid, text: 'Ждём вас' } })
    phone.edit(written, 'Буду')
    const edited = await stand.seen((json) => json.update_type === 'message_edited' ? json : undefined)
    expect(edited.message).toMatchObject({ body: { mid: written.id, text: 'Буду' }, sender: { user_id: phone.patient.maxId } })
    phone.remove(written)
    const removed = await stand.seen((json) => json.update_type === 'message_removed' ? json : undefined)
    expect(removed).toMatchObject({ message_id: written.id, chat_id: phone.patient.maxChatId, user_id: phone.patient.maxId })
    expect(phone.shown('max').map((one) => one.text)).toEqual(['Ждём вас'])
  })

  it('F42: carries what is written in a group and in a channel to the webhook, with their own chats', async () => {
    phone.writeInGroup('max', 'Кто идёт?')
    phone.writeInGroup('max', 'Новость', { kind: 'channel' })
    const group = await stand.seen((json) => json.message?.recipient.chat_type === 'chat' ? json.message : undefined)
    expect(group.recipient.chat_id).toBeLessThan(0)
    const post = await stand.seen((json) => json.message?.recipient.chat_type === 'channel' ? json.message : undefined)
    expect(post.sender).toBeUndefined()
    expect(phone.messages()).toEqual([])
  })

  it('starts the bot with the token of an opened link', async () => {
    phone.openLink(`https://max.ru/${bot.username}?start=L_k3Jd`)
    expect(await stand.seen((json) => json.update_type === 'bot_started' ? json.payload : undefined)).toBe('L_k3Jd')
  })
})

describe('what a bot sends through MAX', () => {
  it('brings an image by its photos and a file by its token, with the caption', async () => {
    const image = await upload('image', png, 'image/png', 'план.png')
    expect(Object.values(image.photos as Record<string, { token: string }>)[0]!.token).toBeDefined()
    expect((await send({ text: 'Схема', attachments: [{ type: 'image', payload: image }] })).status).toBe(200)
    stand.messengers.behave('max', { processingMs: 0 })
    const file = await upload('file', Buffer.from('%PDF-1.4'), 'application/pdf', 'памятка.pdf')
    const sent = await send({ text: '', attachments: [{ type: 'file', payload: file }] })
    expect(sent.body.message.body.attachments).toMatchObject([{ type: 'file', filename: 'памятка.pdf', size: 8 }])
    await stand.messengers.clock.sleep(1_000)
    expect(phone.files('max').map(({ kind, name, bytes }) => [kind, name, bytes.length])).toEqual([['image', 'план.png', png.length], ['file', 'памятка.pdf', 8]])
    expect(phone.shown('max')[0]!.text).toBe('Схема')
  })

  it('answers attachment.not.ready until the file is worked on', async () => {
    stand.messengers.behave('max', { processingMs: 60_000 })
    const payload = await upload('file', Buffer.from('x'), 'text/plain', 'x.txt')
    const early = await send({ text: 'Файл', attachments: [{ type: 'file', payload }] })
    expect([early.status, early.body]).toEqual([400, { code: 'attachment.not.ready', message: 'Key: errors.process.attachment.file.not.processed' }])
    expect(phone.messages('max')).toEqual([])
    stand.clock.advance(60_000)
    expect((await send({ text: 'Файл', attachments: [{ type: 'file', payload }] })).status).toBe(200)
  })

  it('takes one file by an address, an image only as an image, and a token only from its own bot', async () => {
    const announced = await call('POST', '/uploads?type=image')
    expect((await ask(announced.body.url, form({ data: [Buffer.from('text'), 'image/png', 'x.png'] }))).status).toBe(400)
    expect((await ask(announced.body.url, form({ file: [png, 'image/png', 'x.png'] }))).status).toBe(400)
    expect((await ask(announced.body.url, form({ data: [png, 'image/png', 'x.png'] }))).status).toBe(200)
    expect((await ask(announced.body.url, form({ data: [png, 'image/png', 'x.png'] }))).status).toBe(400)
    expect((await call('POST', '/uploads?type=photo')).body.code).toBe('proto.payload')
    const payload = await upload('image', png, 'image/png', 'x.png')
    const other = stand.messengers.addMaxBot()
    const stolen = await ask(`${other.baseUrl}/messages?user_id=${phone.patient.maxId}`, { text: '', attachments: [{ type: 'image', payload }] }, { authorization: other.token })
    expect(stolen.body.code).toBe('proto.payload')
    expect((await send({ text: '', attachments: [{ type: 'file', payload: { token: Object.values(payload.photos as Record<string, { token: string }>)[0]!.token } }] })).body.code).toBe('proto.payload')
  })

  it('shows HTML and Markdown as words with their looks', async () => {
    await send({ text: '<b>Завтра</b> &amp; <a href="https://clinic.example">тут</a>', format: 'html' })
    await send({ text: 'Приём **завтра**, [адрес](https://clinic.example)\n> не *опаздывайте*', format: 'markdown' })
    await send({ text: '**как есть** <b>', format: undefined })
    expect(phone.messages('max').map(({ text, spans }) => [text, spans.map(({ kind, from, length }) => [kind, from, length])])).toEqual([
      ['Завтра & тут', [['bold', 0, 6], ['link', 9, 3]]],
      ['Приём завтра, адрес\nне опаздывайте', [['bold', 6, 6], ['link', 14, 5], ['quote', 20, 14], ['italic', 23, 11]]],
      ['**как есть** <b>', []],
    ])
  })

  it('edits and deletes a message with a file, and leaves the file alone when attachments are not given', async () => {
    const image = await upload('image', png, 'image/png', 'x.png')
    const { body: { message: { body: { mid } } } } = await send({ text: 'Старая', attachments: [{ type: 'image', payload: image }] })
    expect((await call('PUT', `/messages?message_id=${mid}`, { text: 'Новая' })).body).toEqual({ success: true })
    expect(phone.messages('max')[0]).toMatchObject({ text: 'Новая', files: [{ kind: 'image' }], editedAt: expect.any(Number) })
    expect((await call('PUT', `/messages?message_id=${mid}`, { attachments: [] })).body).toEqual({ success: true })
    expect(phone.messages('max')[0]!.files).toEqual([])
    expect((await call('DELETE', `/messages?message_id=${mid}`)).body).toEqual({ success: true })
    expect(phone.shown('max')).toEqual([])
    expect((await call('DELETE', `/messages?message_id=${mid}`)).status).toBe(404)
  })

  it('F34: files may be rate-limited while text works', async () => {
    stand.messengers.behave('max', { failure: 'rateLimited', failing: 'media' })
    expect((await call('POST', '/uploads?type=image')).status).toBe(429)
    expect((await send({ text: 'x', attachments: [{ type: 'image', payload: { token: 'x' } }] })).status).toBe(429)
    expect((await send({ text: 'Текст' })).status).toBe(200)
  })
})
