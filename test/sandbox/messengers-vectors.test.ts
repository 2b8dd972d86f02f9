import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { createClock, type Clock } from '../../sandbox/clock.ts'
import { hashVcard, writeVcard } from '../../sandbox/messengers/max-updates.ts'
import { startMessengers, type Messengers } from '../../sandbox/messengers/messengers.ts'
import { moscowTime, signCallback } from '../../sandbox/messengers/smsc-callbacks.ts'
import { countSegments, transliterate } from '../../sandbox/messengers/sms-text.ts'
import { escapeLikeMeta, signLikeMeta } from '../../sandbox/messengers/whatsapp-events.ts'

interface Vector { headers: Record<string, string>, body: any, rawBody?: string, form?: Record<string, string>, verify?: Record<string, any> }

const folder = path.join(import.meta.dirname, '../fixtures/channels')
const read = (name: string): Vector => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Vector
const vectors = (prefix: string): [string, Vector][] => readdirSync(folder).filter((name) => name.startsWith(prefix)).map((name) => [name, read(name)])

/** The skeleton of a value: names and types, values gone; of a list only its first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)).map(([name, one]) => [name, shapeOf(one)]))
}

describe('signatures', () => {
  const signed = vectors('wa-cloud-').filter(([, vector]) => vector.rawBody !== undefined && vector.verify?.appSecret !== undefined)

  it.each(signed)('WhatsApp: %s has the bytes and the signature that the sandbox makes', (_name, { body, rawBody, headers, verify }) => {
    expect(escapeLikeMeta(body)).toBe(rawBody)
    expect(signLikeMeta(rawBody!, verify!.appSecret)).toBe(headers['x-hub-signature-256'])
  })

  const callbacks = vectors('sms-smsc-').filter(([, vector]) => vector.form !== undefined && vector.verify?.shouldPass !== false)

  it.each(callbacks)('SMSC.ru: %s has the digest that the sandbox makes', (_name, { form, verify }) => {
    const parts = form!.mes === undefined ? [form!.id!, form!.phone!, form!.status!] : [form!.phone!, form!.mes, form!.to!]
    expect(signCallback(parts, verify!.secret).md5).toBe(form!.md5)
    if (form!.ts !== undefined) expect(moscowTime(Number(form!.ts) * 1000)).toBe(form!.time)
  })

  it('MAX: the card of an own contact and its hash are those of the vector, byte by byte', () => {
    const { body, verify } = read('max-contact-verified.json')
    const { vcf_info: vcard, hash } = body.message.body.attachments[0].payload
    expect(writeVcard('+79000000001', 'Иван')).toBe(vcard)
    expect(hashVcard(vcard, verify!.botToken)).toBe(hash)
  })
})

describe('shapes of what arrives', () => {
  let clock: Clock
  let messengers: Messengers
  let server: Server
  const arrived: { body: any, secret: unknown }[] = []
  const seen = async (pick: (body: any) => unknown): Promise<any> => {
    const end = Date.now() + 5_000
    for (;;) {
      const found = arrived.map((one) => one.body).find((body) => pick(body))
      if (found !== undefined) return found
      if (Date.now() > end) throw new Error('It did not arrive within 5 seconds')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  beforeAll(async () => {
    clock = createClock({ speed: 200 })
    messengers = await startMessengers({ clock, allowLoopbackHttp: true })
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8')
        const isForm = request.headers['content-type']?.includes('urlencoded') === true
        if (raw !== '') arrived.push({ body: isForm ? Object.fromEntries(new URLSearchParams(raw)) : JSON.parse(raw), secret: request.headers })
        response.end(new URL(request.url!, 'http://x').searchParams.get('hub.challenge') ?? 'ok')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  afterAll(async () => {
    await messengers.stop()
    clock.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const hook = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  const post = async (url: string, body: unknown, headers: Record<string, string> = {}): Promise<any> => {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
    return answer.json()
  }

  it('Telegram: start, own contact, forged contacts, reply, press and block look like the vectors', async () => {
    const bot = messengers.addTelegramBot()
    await post(`${bot.apiRoot}/bot${bot.token}/setWebhook`, { url: hook() })
    const phone = messengers.addPatient({ name: 'Иван П', phone: '+79000000001' })
    const withUsername = (name: string): any => {
      // A username is optional in Telegram; the sandbox's people have none.
      const body = JSON.parse(JSON.stringify(read(name).body).replaceAll(/,"username":"ivan_p"/g, ''))
      return shapeOf(body)
    }
    phone.start('telegram', { payload: 'L_k3Jx9QmZb2' })
    expect(shapeOf(await seen((body) => body.message?.text?.startsWith('/start')))).toEqual(withUsername('telegram-start-payload.json'))
    phone.shareContact('telegram')
    expect(shapeOf(await seen((body) => body.message?.contact?.first_name === 'Иван'))).toEqual(withUsername('telegram-contact-own.json'))
    phone.forgeContact('telegram')
    expect(shapeOf(await seen((body) => body.message?.contact?.first_name === 'Мама'))).toEqual(withUsername('telegram-contact-foreign.json'))
    phone.forgeContact('telegram', { kind: 'unsigned' })
    expect(shapeOf(await seen((body) => body.message?.contact !== undefined && body.message.contact.user_id === undefined)))
      .toEqual(withUsername('telegram-contact-without-user-id.json'))

    const keyboard = { inline_keyboard: [[{ text: 'Приду', callback_data: 'confirm:9f2' }]] }
    const { result } = await post(`${bot.apiRoot}/bot${bot.token}/sendMessage`, { chat_id: phone.patient.telegramId, text: 'Подтвердите', reply_markup: keyboard })
    clock.advance(1_000)
    phone.press('telegram')
    const press = await seen((body) => body.callback_query)
    expect(press.callback_query.message.reply_markup).toEqual(keyboard)
    delete press.callback_query.message.reply_markup
    expect(shapeOf(press)).toEqual(withUsername('telegram-callback-query-double-tap.json'))
    phone.reply('telegram', 'Да', { quote: String(result.message_id) })
    const reply = await seen((body) => body.message?.reply_to_message)
    delete reply.message.reply_to_message.reply_markup
    expect(shapeOf(reply)).toEqual(withUsername('telegram-reply-to-bot.json'))
    phone.block('telegram')
    expect(shapeOf(await seen((body) => body.my_chat_member?.new_chat_member.status === 'kicked'))).toEqual(withUsername('telegram-blocked.json'))
  })

  it('MAX: start, contact, press, stop, mute and removal look like the vectors', async () => {
    const bot = messengers.addMaxBot()
    await post(`${bot.baseUrl}/subscriptions`, { url: hook(), secret: 'vec_max-secret_01' }, { authorization: bot.token })
    const phone = messengers.addPatient({ name: 'John Doe', phone: '+79000000002' })
    const like = (name: string): unknown => shapeOf(read(name).body)
    const of = (type: string) => seen((body) => body.update_type === type)
    phone.start('max')
    expect(shapeOf(await of('bot_started'))).toEqual(like('max-bot-started-plain.json'))
    phone.shareContact('max')
    const contact = await seen((body) => body.message?.body?.attachments?.[0].type === 'contact')
    expect(shapeOf(contact)).toEqual(like('max-contact-verified.json'))
    const { vcf_info: vcard, hash } = contact.message.body.attachments[0].payload
    expect(hashVcard(vcard, bot.token)).toBe(hash)

    const buttons = [[{ type: 'callback', text: 'Приду', payload: 'confirm:9f2' }]]
    await post(`${bot.baseUrl}/messages?user_id=${phone.patient.maxId}`,
      { text: 'Подтвердите', attachments: [{ type: 'inline_keyboard', payload: { buttons } }] }, { authorization: bot.token })
    clock.advance(1_000)
    phone.press('max')
    const press = await of('message_callback')
    delete press.message.body.attachments
    expect(shapeOf(press)).toEqual(like('max-callback.json'))
    phone.mute('max', true)
    expect(shapeOf(await of('dialog_muted'))).toEqual(like('max-dialog-muted.json'))
    phone.mute('max', false)
    expect(shapeOf(await of('dialog_unmuted'))).toEqual(like('max-dialog-unmuted.json'))
    phone.block('max')
    expect(shapeOf(await of('bot_stopped'))).toEqual(like('max-bot-stopped.json'))
    phone.removeChat('max')
    expect(shapeOf(await of('dialog_removed'))).toEqual(like('max-dialog-removed.json'))
  })

  it('MAX: a tampered, a foreign and an unsigned card fail the check that the own card passes', async () => {
    const [bot] = messengers.maxBots()
    const phone = messengers.addPatient({ name: 'John Doe', phone: '+79000000005' })
    const forge = async (kind: 'tampered' | 'foreign' | 'unsigned'): Promise<any> => {
      const { id } = phone.forgeContact('max', { kind })
      return (await seen((body) => body.message?.body?.mid === id)).message.body.attachments[0].payload
    }
    const [tampered, foreign, unsigned] = [await forge('tampered'), await forge('foreign'), await forge('unsigned')]
    expect(hashVcard(tampered.vcf_info, bot!.token)).not.toBe(tampered.hash)
    expect(hashVcard(foreign.vcf_info, bot!.token)).toBe(foreign.hash)
    expect(foreign.max_info.user_id).not.toBe(phone.patient.maxId)
    expect(unsigned.hash).toBeUndefined()
  })

  it('WhatsApp: statuses and a pressed button look like the vectors', async () => {
    const number = messengers.addWhatsAppNumber()
    expect(await messengers.setWhatsAppWebhook(number.phoneNumberId, hook(), 'any')).toBeUndefined()
    const phone = messengers.addPatient({ name: 'Иван П.', phone: '+79000000003' })
    const send = (to: string, content: object) => post(`${number.baseUrl}/${number.phoneNumberId}/messages`,
      { messaging_product: 'whatsapp', to, biz_opaque_callback_data: 'dispatch:0b1f/1', ...content }, { authorization: `Bearer ${number.token}` })
    const value = (body: any): any => body.entry?.[0].changes[0].value
    const status = (name: string) => seen((body) => value(body)?.statuses?.[0].status === name)
    phone.reply('whatsapp', 'Здравствуйте')
    const buttons = [{ type: 'reply', reply: { id: 'confirm:appt:9f2', title: 'Подтверждаю' } }]
    const answer = await send(phone.patient.id, { type: 'interactive', interactive: { type: 'button', body: { text: 'Придёте?' }, action: { buttons } } })
    expect(shapeOf(answer)).toEqual(shapeOf(read('wa-cloud-response-accepted.json').body.json))
    expect(shapeOf(await status('sent'))).toEqual(shapeOf(read('wa-cloud-status-sent.json').body))
    await status('delivered')
    phone.press('whatsapp')
    expect(shapeOf(await seen((body) => value(body)?.messages?.[0].type === 'interactive'))).toEqual(shapeOf(read('wa-cloud-inbound-button-reply.json').body))
    expect(shapeOf(await status('read'))).toEqual(shapeOf(read('wa-cloud-status-read.json').body))

    await send('79000000099', { type: 'text', text: { body: 'Здравствуйте' } })
    const failed = await status('failed')
    expect(failed.entry[0].changes[0].value.statuses[0].errors).toEqual(read('wa-cloud-status-failed-131026.json').body.entry[0].changes[0].value.statuses[0].errors)
  })

  it('WhatsApp: a person who hides the number is known by the user id only', async () => {
    const [number] = messengers.numbers()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000004', hidesPhone: true })
    phone.reply('whatsapp', 'Это я')
    const body = await seen((one) => one.entry?.[0].changes[0].value.messages?.[0].text?.body === 'Это я')
    const { contacts, messages } = body.entry[0].changes[0].value
    expect([contacts[0].wa_id, messages[0].from]).toEqual([undefined, undefined])
    expect(messages[0].from_user_id).toBe(phone.patient.whatsappUserId)
    const answer = await post(`${number!.baseUrl}/${number!.phoneNumberId}/messages`,
      { messaging_product: 'whatsapp', recipient: phone.patient.whatsappUserId, type: 'text', text: { body: 'Ответ' } }, { authorization: `Bearer ${number!.token}` })
    expect(answer.contacts[0]).toEqual({ input: phone.patient.whatsappUserId, user_id: phone.patient.whatsappUserId })
  })

  it('SMSC.ru: a status callback has the fields of the vector and the further digests', async () => {
    const account = messengers.addSmscAccount({ callbackUrl: hook() })
    messengers.addPatient({ name: 'Иван', phone: '+79000000006' })
    await post(`${account.baseUrl}/rest/send/`, { apikey: account.apiKey, phones: '+79000000006', mes: 'Приём', id: 1001 })
    const callback = await seen((body) => body.id === '1001' && body.status === '1')
    expect(Object.keys(callback).sort()).toEqual([...Object.keys(read('sms-smsc-dlr-delivered.json').form!), 'crc', 'sha1'].sort())
  })
})

describe('SMS', () => {
  it('counts segments by GSM-7 and UCS-2', () => {
    expect([countSegments('a'.repeat(160)), countSegments('a'.repeat(161)), countSegments('€'.repeat(80)), countSegments('€'.repeat(81))]).toEqual([1, 2, 1, 2])
    expect([countSegments('я'.repeat(70)), countSegments('я'.repeat(71)), countSegments('я'.repeat(134)), countSegments('я'.repeat(135))]).toEqual([1, 2, 2, 3])
  })

  it('makes Latin of Cyrillic, so that fewer segments are needed', () => {
    expect(transliterate('Щука «ёж» — №5')).toBe('Schuka "yozh" - N5')
  })
})
