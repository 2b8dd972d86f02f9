import { createHash } from 'node:crypto'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type WhatsAppNumber } from '../../sandbox/messengers/whatsapp.ts'
import { ask, form, startStand, type Stand, until } from './messengers-support.ts'

let stand: Stand
let number: WhatsAppNumber
let phone: Handset
const auth = () => ({ authorization: `Bearer ${number.token}` })
const graph = (path: string, body?: unknown, method?: string) => ask(`${number.baseUrl}/${path}`, body, auth(), method)
const send = (content: Record<string, unknown>) => graph(`${number.phoneNumberId}/messages`, { messaging_product: 'whatsapp', to: phone.patient.id, ...content })
const message = (type: string) => stand.seen((json) => json.entry?.[0].changes[0].value.messages?.find((one: any) => one.type === type))
const failure = () => stand.seen((json) => json.entry?.[0].changes[0].value.statuses?.find((one: any) => one.status === 'failed')?.errors[0])
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])

const upload = (bytes: Uint8Array, type: string, name = 'f') =>
  graph(`${number.phoneNumberId}/media`, form({ messaging_product: 'whatsapp', type, file: [bytes, type, name] }))

async function connect(options: Partial<WhatsAppNumber> = {}): Promise<void> {
  number = stand.messengers.addWhatsAppNumber(options)
  await graph(`${number.wabaId}/subscribed_apps`, { override_callback_uri: `${stand.origin}/wa`, verify_token: 'verify-me' })
}

beforeEach(async () => {
  stand = await startStand()
  stand.messengers.behave('whatsapp', { pace: 'instant' })
  await connect()
  phone = stand.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
})

afterEach(() => stand.stop())

describe('what a person sends through WhatsApp', () => {
  it('gives the bytes of a file by its id to the token only, for five minutes', async () => {
    const sent = phone.sendFile('whatsapp', { name: 'анализы.pdf', caption: 'Вот' })
    const { document } = await message('document')
    expect(document).toMatchObject({ filename: 'анализы.pdf', caption: 'Вот', mime_type: 'application/pdf' })
    expect(document.sha256).toBe(createHash('sha256').update(sent.files[0]!.bytes).digest('base64'))
    const { body } = await graph(document.id)
    expect(body).toMatchObject({ mime_type: 'application/pdf', file_size: sent.files[0]!.bytes.length, id: document.id })
    expect((await ask(body.url, undefined, auth())).bytes.equals(sent.files[0]!.bytes)).toBe(true)
    expect((await ask(body.url)).status).toBe(401)
    const other = stand.messengers.addWhatsAppNumber()
    expect((await ask(body.url, undefined, { authorization: `Bearer ${other.token}` })).status).toBe(400)
    stand.clock.advance(301_000)
    expect((await ask(body.url, undefined, auth())).status).toBe(404)
    expect((await ask((await graph(document.id)).body.url, undefined, auth())).status).toBe(200)
    stand.clock.advance(7 * 86_400_000)
    expect((await graph(document.id)).body.error.error_subcode).toBe(33)
  })

  it('tells photo, voice, sticker, place, card and what it has no words for', async () => {
    phone.sendPhoto('whatsapp', { caption: 'Направление' })
    phone.sendVoice('whatsapp')
    phone.sendSticker('whatsapp')
    phone.sendLocation('whatsapp', { latitude: 55.7558, longitude: 37.6176, name: 'Красная площадь' })
    phone.sendContact('whatsapp', { name: 'Мама', phone: '+79000000077' })
    phone.sendUnsupported('whatsapp')
    expect((await message('image')).image).toMatchObject({ caption: 'Направление', mime_type: 'image/jpeg' })
    expect((await message('audio')).audio).toMatchObject({ voice: true, mime_type: 'audio/ogg; codecs=opus' })
    expect((await message('sticker')).sticker.mime_type).toBe('image/webp')
    expect((await message('location')).location).toEqual({ latitude: 55.7558, longitude: 37.6176, name: 'Красная площадь' })
    expect((await message('contacts')).contacts[0].phones[0].wa_id).toBe('79000000077')
    expect((await message('unsupported')).errors[0].code).toBe(131051)
  })

  it('F46: names a person who hides the phone by the id only', async () => {
    phone.hidePhone()
    phone.reply('whatsapp', 'Добрый день')
    const value = await stand.seen((json) => json.entry[0].changes[0].value)
    expect(value.messages[0].from).toBeUndefined()
    expect(value.contacts[0].wa_id).toBeUndefined()
    expect(value.messages[0].from_user_id).toBe(phone.patient.whatsappUserId)
    expect(JSON.stringify(value)).not.toContain(phone.patient.id)
    const answered = await graph(`${number.phoneNumberId}/messages`,
      { messaging_product: 'whatsapp', recipient: phone.patient.whatsappUserId, type: 'text', text: { body: 'Здравствуйте' } })
    expect(answered.status).toBe(200)
    expect(phone.shown('whatsapp').at(-1)!.text).toBe('Здравствуйте')
  })

  it('tells edits and deletions only to a number of the Business app, and only in time', async () => {
    const written = phone.reply('whatsapp', 'Будду')
    phone.edit(written, 'Буду')
    expect(stand.messengers.webhooks().at(-1)).toMatchObject({ kind: 'message:edit', outcome: 'lost' })
    await connect({ coexists: true })
    const account = number.phoneNumberId
    const second = phone.reply('whatsapp', 'Здравствуте', { account })
    phone.edit(second, 'Здравствуйте')
    expect((await message('edit')).edit).toMatchObject({ original_message_id: second.id, message: { type: 'text', text: { body: 'Здравствуйте' } } })
    phone.remove(second)
    expect((await message('revoke')).revoke).toEqual({ original_message_id: second.id })
    const third = phone.reply('whatsapp', 'Поздно', { account })
    stand.clock.advance(15 * 60_000 + 1_000)
    phone.edit(third, 'Слишком поздно')
    expect(stand.arrived.filter(({ json }) => json.entry[0].changes[0].value.messages?.[0].type === 'edit')).toHaveLength(1)
  })

  it('F21: echoes what staff writes in the Business app as such, and lets no other number do it', async () => {
    expect(() => stand.messengers.writeFromBusinessApp(number.phoneNumberId, '+79000000001', 'x')).toThrow('Business app')
    await connect({ coexists: true })
    stand.messengers.writeFromBusinessApp(number.phoneNumberId, '+79000000001', 'Ответ с телефона')
    const change = await stand.seen((json) => json.entry[0].changes.find((one: any) => one.field === 'smb_message_echoes'))
    expect(change.value.message_echoes[0]).toMatchObject({ from: number.displayPhoneNumber, to: '79000000001', type: 'text', text: { body: 'Ответ с телефона' } })
    expect(change.value.messages).toBeUndefined()
    expect(phone.shown('whatsapp')[0]).toMatchObject({ direction: 'received', text: 'Ответ с телефона' })
  })

  it('puts a reaction under a message of ours', async () => {
    phone.reply('whatsapp', 'Здравствуйте')
    const { body } = await send({ type: 'text', text: { body: 'Ждём' } })
    phone.react({ messenger: 'whatsapp', id: body.messages[0].id }, '👍')
    expect((await message('reaction')).reaction).toEqual({ message_id: body.messages[0].id, emoji: '👍' })
  })
})

describe('what a business sends through WhatsApp', () => {
  beforeEach(() => { phone.reply('whatsapp', 'Здравствуйте') })

  it('brings uploaded files with captions and names', async () => {
    const image = (await upload(jpeg, 'image/jpeg')).body.id
    const pdf = (await upload(Buffer.from('%PDF-1.4'), 'application/pdf')).body.id
    const voice = (await upload(Buffer.from('OggS'), 'audio/ogg')).body.id
    await send({ type: 'image', image: { id: image, caption: '*Схема* проезда' } })
    await send({ type: 'document', document: { id: pdf, filename: 'памятка.pdf' } })
    await send({ type: 'audio', audio: { id: voice, voice: true } })
    expect(phone.files('whatsapp').map(({ kind, name, bytes }) => [kind, name, bytes.length])).toEqual([['image', 'f', 7], ['file', 'памятка.pdf', 8], ['voice', 'f', 4]])
    expect(phone.shown('whatsapp')[1]).toMatchObject({ text: 'Схема проезда', raw: '*Схема* проезда', spans: [{ kind: 'bold', from: 0, length: 5 }] })
  })

  it('F35: refuses at the upload what it never takes, and fails afterwards what does not fit its type', async () => {
    const odd = await upload(Buffer.from('PK'), 'application/zip')
    expect([odd.status, odd.body.error.code, odd.body.error.message]).toEqual([400, 100, expect.stringMatching(/Received file of type 'application\/zip'/)])
    expect((await upload(Buffer.concat([jpeg, Buffer.alloc(5 * 1024 * 1024)]), 'image/jpeg')).body.error.code).toBe(131053)
    const webp = (await upload(Buffer.from('RIFF'), 'image/webp')).body.id
    const sent = await send({ type: 'image', image: { id: webp } })
    expect(sent.status).toBe(200)
    expect(await failure()).toMatchObject({ code: 131053, error_data: { details: 'Unsupported Image mime type image/webp. Please use one of image/png, image/jpeg.' } })
    expect(phone.shown('whatsapp')).toHaveLength(1)
  })

  it('refuses an unknown file, a caption of a sound, and a file of another number', async () => {
    const refused = async (content: Record<string, unknown>): Promise<unknown> => (await send(content)).body.error?.message
    expect(await refused({ type: 'image', image: { id: '1' } })).toBe("(#100) Param image['id'] is not a valid whatsapp business account media attachment ID")
    const voice = (await upload(Buffer.from('OggS'), 'audio/ogg')).body.id
    expect((await send({ type: 'audio', audio: { id: voice, caption: 'x' } })).body.error.error_data.details).toMatch(/Unexpected key "caption"/)
    await connect()
    phone.reply('whatsapp', 'Здравствуйте', { account: number.phoneNumberId })
    expect(await refused({ type: 'audio', audio: { id: voice } })).toMatch(/is not a valid whatsapp business account media/)
  })

  it('fails a file by a link that Meta cannot fetch', async () => {
    expect((await send({ type: 'image', image: { link: 'http://127.0.0.1/x.jpg' } })).status).toBe(200)
    expect((await failure()).code).toBe(131053)
  })

  it('deletes a stored file', async () => {
    const { id } = (await upload(jpeg, 'image/jpeg')).body
    expect((await graph(id, undefined, 'DELETE')).body).toEqual({ success: true })
    expect((await graph(id)).status).toBe(400)
  })

  it('shows marks as looks only where WhatsApp does', async () => {
    await send({ type: 'text', text: { body: '*Приём* _завтра_, 2*3*4, snake_case_name и ~нет~\n> цитата\nконец' } })
    expect(phone.shown('whatsapp').at(-1)).toMatchObject({
      text: 'Приём завтра, 2*3*4, snake_case_name и нет\nцитата\nконец',
      spans: [{ kind: 'bold', from: 0 }, { kind: 'italic', from: 6 }, { kind: 'strike', from: 39 }, { kind: 'quote', from: 43, length: 6 }],
    })
  })

  it('quotes a message of the person', async () => {
    const [written] = phone.messages('whatsapp')
    await send({ type: 'text', text: { body: 'Ждём' }, context: { message_id: written!.id } })
    expect(phone.shown('whatsapp').at(-1)!.quote).toEqual({ id: written!.id, text: 'Здравствуйте' })
  })

  it('F34: files may be rate-limited while text works', async () => {
    const { id } = (await upload(jpeg, 'image/jpeg')).body
    stand.messengers.behave('whatsapp', { failure: 'rateLimited', failing: 'media' })
    expect((await upload(jpeg, 'image/jpeg')).status).toBe(429)
    expect((await send({ type: 'image', image: { id } })).body.error.code).toBe(130429)
    expect((await graph(id)).status).toBe(429)
    expect((await send({ type: 'text', text: { body: 'Текст' } })).status).toBe(200)
    await until(() => phone.shown('whatsapp').at(-1)!.text === 'Текст')
  })
})
