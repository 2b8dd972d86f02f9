import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type TelegramBot } from '../../sandbox/messengers/telegram.ts'
import { ask, form, startStand, type Stand } from './messengers-support.ts'

let stand: Stand
let bot: TelegramBot
let phone: Handset
const call = (method: string, body: unknown) => ask(`${bot.apiRoot}/bot${bot.token}/${method}`, body)
const refusal = async (method: string, body: unknown): Promise<unknown> => (await call(method, body)).body.description
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])

beforeEach(async () => {
  stand = await startStand()
  bot = stand.messengers.addTelegramBot()
  stand.messengers.behave('telegram', { pace: 'instant' })
  await call('setWebhook', { url: `${stand.origin}/tg`, secret_token: 'secret' })
  phone = stand.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
  phone.start('telegram', { quietly: true })
})

afterEach(() => stand.stop())

describe('what a person sends through Telegram', () => {
  it('gives the bytes of a photo by getFile, in the largest size, with the caption', async () => {
    const sent = phone.sendPhoto('telegram', { bytes: jpeg, caption: 'Направление' })
    const message = await stand.seen((json) => json.message?.photo === undefined ? undefined : json.message)
    expect(message.caption).toBe('Направление')
    const found = await call('getFile', { file_id: message.photo.at(-1).file_id })
    expect(found.body.result).toMatchObject({ file_size: jpeg.length, file_path: expect.stringMatching(/^photos\/file_\d+\.jpg$/) })
    const file = await ask(`${bot.apiRoot}/file/bot${bot.token}/${found.body.result.file_path}`)
    expect([file.status, file.bytes.equals(jpeg), file.type]).toEqual([200, true, 'application/octet-stream'])
    expect(phone.shown('telegram')).toEqual([sent])
  })

  it('lets an address of getFile end after an hour, and gives nothing to another bot', async () => {
    phone.sendFile('telegram', { name: 'анализ.pdf' })
    const { document } = await stand.seen((json) => json.message?.document === undefined ? undefined : json.message)
    expect(document).toMatchObject({ file_name: 'анализ.pdf', mime_type: 'application/pdf' })
    const found = await call('getFile', { file_id: document.file_id })
    const other = stand.messengers.addTelegramBot()
    const foreign = await ask(`${other.apiRoot}/bot${other.token}/getFile`, { file_id: document.file_id })
    expect([foreign.status, foreign.body.description]).toEqual([400, 'Bad Request: invalid file_id'])
    stand.clock.advance(3_601_000)
    expect((await ask(`${bot.apiRoot}/file/bot${bot.token}/${found.body.result.file_path}`)).status).toBe(404)
  })

  it('F35: refuses to give more than 20 MB', async () => {
    phone.sendFile('telegram', { name: 'ct.zip', mimeType: 'application/zip', sizeBytes: 73_400_320 })
    const { document } = await stand.seen((json) => json.message?.document === undefined ? undefined : json.message)
    expect(document.file_size).toBe(73_400_320)
    expect(await refusal('getFile', { file_id: document.file_id })).toBe('Bad Request: file is too big')
  })

  it('tells voice, video, sticker, place, somebody else\'s card and what it has no words for', async () => {
    phone.sendVoice('telegram')
    phone.sendVideo('telegram')
    phone.sendSticker('telegram')
    phone.sendLocation('telegram', { latitude: 55.7558, longitude: 37.6176 })
    phone.sendContact('telegram', { name: 'Мама', phone: '+79000000077' })
    phone.sendUnsupported('telegram')
    expect((await stand.seen((json) => json.message?.voice)).mime_type).toBe('audio/ogg')
    expect((await stand.seen((json) => json.message?.video)).mime_type).toBe('video/mp4')
    expect((await stand.seen((json) => json.message?.sticker)).is_animated).toBe(false)
    expect(await stand.seen((json) => json.message?.location)).toEqual({ latitude: 55.7558, longitude: 37.6176 })
    const contact = await stand.seen((json) => json.message?.contact)
    expect(contact.phone_number).toBe('+79000000077')
    expect(contact.user_id).not.toBe(phone.patient.telegramId)
    expect(await stand.seen((json) => json.message?.dice)).toBeDefined()
  })

  it('makes a message of each file of an album, with one group id and the caption at the first', async () => {
    const sent = phone.sendAlbum('telegram', [{ kind: 'image' }, { kind: 'image' }], { caption: 'Две страницы' })
    expect(sent).toHaveLength(2)
    await stand.seen((json) => json.message?.message_id === Number(sent[1]!.id))
    const messages = stand.arrived.map(({ json }) => json.message)
    expect(messages.map((one) => one.caption)).toEqual(['Две страницы', undefined])
    expect(new Set(messages.map((one) => one.media_group_id)).size).toBe(1)
    expect(messages[0].media_group_id).toBeDefined()
  })

  it('quotes a message of the bot and the words that were picked out', async () => {
    const { body } = await call('sendMessage', { chat_id: phone.patient.telegramId, text: 'Ждём вас завтра в 10:00' })
    const answer = phone.reply('telegram', 'Буду', { quote: String(body.result.message_id), quoteText: 'завтра' })
    const message = await stand.seen((json) => json.message?.reply_to_message === undefined ? undefined : json.message)
    expect(message.reply_to_message).toMatchObject({ message_id: body.result.message_id, from: { is_bot: true }, text: 'Ждём вас завтра в 10:00' })
    expect(message.quote).toEqual({ text: 'завтра', position: 9, is_manual: true })
    expect(answer.quote).toEqual({ id: String(body.result.message_id), text: 'завтра' })
  })

  it('tells an edit as edited_message and nothing of a deletion', async () => {
    const written = phone.reply('telegram', 'Здравствуте')
    phone.edit(written, 'Здравствуйте')
    const edited = await stand.seen((json) => json.edited_message)
    expect(edited).toMatchObject({ message_id: Number(written.id), text: 'Здравствуйте', edit_date: expect.any(Number) })
    expect(phone.shown('telegram')[0]).toMatchObject({ text: 'Здравствуйте', earlier: [{ text: 'Здравствуте' }] })
    const before = stand.messengers.webhooks().length
    phone.remove(written)
    expect(phone.shown('telegram')).toEqual([])
    expect(stand.messengers.webhooks()).toHaveLength(before)
    expect(() => phone.edit(written, 'ещё раз')).toThrow('no such message')
  })

  it('F42: carries what is written in a group and in a channel to the webhook, with their own chats', async () => {
    phone.writeInGroup('telegram', 'Кто идёт?')
    phone.writeInGroup('telegram', 'Новость', { kind: 'channel' })
    const group = await stand.seen((json) => json.message)
    expect(group).toMatchObject({ chat: { type: 'supergroup' }, from: { id: phone.patient.telegramId }, text: 'Кто идёт?' })
    expect(group.chat.id).toBeLessThan(0)
    const post = await stand.seen((json) => json.channel_post)
    expect(post).toMatchObject({ chat: { type: 'channel' }, text: 'Новость' })
    expect(post.from).toBeUndefined()
    expect(phone.messages()).toEqual([])
  })

  it('starts the bot with the token of an opened link', async () => {
    phone.openLink(`https://t.me/${bot.username}?start=L_k3Jd`)
    expect(await stand.seen((json) => json.message?.text)).toBe('/start L_k3Jd')
    expect(() => phone.openLink('https://t.me/somebody_else_bot?start=x')).toThrow('no bot of the sandbox')
  })
})

describe('what a bot sends through Telegram', () => {
  const to = (more: Record<string, unknown>): Record<string, unknown> => ({ chat_id: phone.patient.telegramId, ...more })
  const upload = (field: string, file: [Uint8Array, string, string], more: Record<string, string> = {}) =>
    form({ chat_id: String(phone.patient.telegramId), [field]: file, ...more })

  it('shows HTML as words with their looks and keeps what was sent', async () => {
    await call('sendMessage', to({ text: 'Приём <b>завтра</b>, <a href="https://clinic.example/?a=1&amp;b=2">адрес</a> &lt;3', parse_mode: 'HTML' }))
    expect(phone.shown('telegram')[0]).toMatchObject({
      text: 'Приём завтра, адрес <3',
      raw: 'Приём <b>завтра</b>, <a href="https://clinic.example/?a=1&amp;b=2">адрес</a> &lt;3',
      spans: [{ kind: 'bold', from: 6, length: 6 }, { kind: 'link', from: 14, length: 5, url: 'https://clinic.example/?a=1&b=2' }],
    })
  })

  it.each([
    ['a tag that Telegram does not know', 'Это <p>абзац</p>', 'Unsupported start tag "p" at byte offset 7'],
    ['a bare sign', 'a <3 b', 'Unsupported start tag "3" at byte offset 2'],
    ['a tag that is not closed', '<b>жирно', 'Can\'t find end tag corresponding to start tag "b"'],
    ['tags that cross', '<b><i>x</b></i>', 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
    ['an end without a beginning', 'x</b>', 'Unexpected end tag at byte offset 1'],
  ])('refuses %s', async (_what, text, why) => {
    expect(await refusal('sendMessage', to({ text, parse_mode: 'HTML' }))).toBe(`Bad Request: can't parse entities: ${why}`)
    expect(phone.messages('telegram')).toEqual([])
  })

  it('brings photo, document and voice with their bytes and captions', async () => {
    const photo = await call('sendPhoto', upload('photo', [jpeg, 'image/jpeg', 'p.jpg'], { caption: '<i>Схема</i>', parse_mode: 'HTML' }))
    expect(photo.body.result).toMatchObject({ caption: 'Схема', caption_entities: [{ type: 'italic', offset: 0, length: 5 }] })
    await call('sendDocument', upload('document', [Buffer.from('%PDF-1.4'), 'application/pdf', 'памятка.pdf']))
    await call('sendVoice', upload('voice', [Buffer.from('OggS....'), 'audio/ogg', 'v.ogg']))
    expect(phone.files('telegram').map(({ kind, name, mimeType, bytes }) => [kind, name, mimeType, bytes.length])).toEqual([
      ['image', 'p.jpg', 'image/jpeg', 7], ['file', 'памятка.pdf', 'application/pdf', 8], ['voice', 'v.ogg', 'audio/ogg', 8],
    ])
    // An id that the bot knows is sent again without the bytes.
    const again = await call('sendPhoto', to({ photo: photo.body.result.photo.at(-1).file_id }))
    expect(again.status).toBe(200)
    expect(phone.files('telegram')).toHaveLength(4)
  })

  it('F35: sends as a document what is no voice, and refuses what is no photo', async () => {
    const voice = await call('sendVoice', upload('voice', [Buffer.from('RIFFxxxxWAVE'), 'audio/wav', 'v.wav']))
    expect(voice.body.result.document).toMatchObject({ file_name: 'v.wav' })
    expect(await refusal('sendPhoto', upload('photo', [Buffer.from('%PDF-1.4'), 'image/jpeg', 'p.jpg']))).toBe('Bad Request: IMAGE_PROCESS_FAILED')
    expect(await refusal('sendPhoto', upload('photo', [Buffer.concat([jpeg, Buffer.alloc(10 * 1024 * 1024)]), 'image/jpeg', 'p.jpg']))).toMatch(/too big/)
    expect(await refusal('sendDocument', upload('document', [Buffer.alloc(0), 'text/plain', 'empty.txt']))).toBe('Bad Request: file must be non-empty')
    expect(await refusal('sendDocument', to({ document: 'https://portal.example/file' }))).toBe('Bad Request: failed to get HTTP URL content')
    expect(await refusal('sendDocument', to({ document: 'BQAC' }))).toBe('Bad Request: wrong file identifier/HTTP URL specified')
    expect(await refusal('sendPhoto', upload('photo', [jpeg, 'image/jpeg', 'p.jpg'], { caption: 'я'.repeat(1025) }))).toBe('Bad Request: message caption is too long')
  })

  it('answers a message of the person and refuses to answer one that is gone', async () => {
    const written = phone.reply('telegram', 'Во сколько?')
    const sent = await call('sendMessage', to({ text: 'В 10:00', reply_parameters: { message_id: Number(written.id) } }))
    expect(sent.body.result.reply_to_message).toMatchObject({ message_id: Number(written.id), from: { is_bot: false } })
    expect(phone.shown('telegram')[1]!.quote).toEqual({ id: written.id, text: 'Во сколько?' })
    phone.remove(written)
    const parameters = { text: 'Ещё', reply_parameters: { message_id: Number(written.id) } }
    expect(await refusal('sendMessage', to(parameters))).toBe('Bad Request: message to be replied not found')
    const allowed = { ...parameters, reply_parameters: { ...parameters.reply_parameters, allow_sending_without_reply: true } }
    expect((await call('sendMessage', to(allowed))).status).toBe(200)
  })

  it('edits text as text and a caption as a caption, and deletes within 48 hours only', async () => {
    const text = (await call('sendMessage', to({ text: 'Первое' }))).body.result.message_id
    const file = (await call('sendDocument', upload('document', [Buffer.from('x'), 'text/plain', 'x.txt'], { caption: 'Старая' }))).body.result.message_id
    expect(await refusal('editMessageText', to({ message_id: file, text: 'Новая' }))).toBe('Bad Request: there is no text in the message to edit')
    expect(await refusal('editMessageCaption', to({ message_id: text, caption: 'Новая' }))).toBe('Bad Request: there is no caption in the message to edit')
    expect((await call('editMessageText', to({ message_id: text, text: '<b>Второе</b>', parse_mode: 'HTML' }))).status).toBe(200)
    expect((await call('editMessageCaption', to({ message_id: file, caption: 'Новая' }))).status).toBe(200)
    expect(await refusal('editMessageCaption', to({ message_id: file, caption: 'Новая' }))).toMatch(/message is not modified/)
    expect(phone.shown('telegram').map((one) => [one.text, one.editedAt !== undefined])).toEqual([['Второе', true], ['Новая', true]])
    expect((await call('deleteMessage', to({ message_id: text }))).body.result).toBe(true)
    expect(phone.shown('telegram').map((one) => one.text)).toEqual(['Новая'])
    expect(await refusal('deleteMessage', to({ message_id: text }))).toBe('Bad Request: message to delete not found')
    stand.clock.advance(48 * 3_600_000 + 1_000)
    expect(await refusal('deleteMessage', to({ message_id: file }))).toBe("Bad Request: message can't be deleted for everyone")
    expect(phone.shown('telegram')).toHaveLength(1)
  })

  it('F34: files may be rate-limited while text works', async () => {
    stand.messengers.behave('telegram', { failure: 'rateLimited', failing: 'media', retryAfterSeconds: 9 })
    phone.sendPhoto('telegram')
    const { photo } = await stand.seen((json) => json.message?.photo === undefined ? undefined : json.message)
    const limited = await call('sendPhoto', upload('photo', [jpeg, 'image/jpeg', 'p.jpg']))
    expect([limited.status, limited.body.parameters]).toEqual([429, { retry_after: 9 }])
    expect((await call('getFile', { file_id: photo[0].file_id })).status).toBe(429)
    expect((await call('sendMessage', to({ text: 'Текст' }))).status).toBe(200)
  })
})
