import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Telegraf } from 'telegraf'

import { createClock, type Clock } from '../../sandbox/clock.ts'
import { startMessengers, type Messengers } from '../../sandbox/messengers/messengers.ts'
import { signCallback } from '../../sandbox/messengers/smsc-callbacks.ts'
import { signLikeMeta } from '../../sandbox/messengers/whatsapp-events.ts'

interface Arrived { url: string, headers: IncomingMessage['headers'], raw: string, json: any }

interface Receiver { origin: string, arrived: Arrived[], answer: (request: Arrived) => number, server: Server }

/** The application's side: takes webhooks and answers what it is told to. */
async function startReceiver(): Promise<Receiver> {
  const receiver: Receiver = { origin: '', arrived: [], answer: () => 200, server: createServer() }
  receiver.server.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8')
      const challenge = new URL(request.url!, 'http://x').searchParams.get('hub.challenge')
      if (request.method === 'GET') {
        response.end(new URL(request.url!, 'http://x').searchParams.get('hub.verify_token') === 'verify-me' ? challenge : 'no')
        return
      }
      const json = request.headers['content-type']?.includes('json') === true ? JSON.parse(raw) : Object.fromEntries(new URLSearchParams(raw))
      const one = { url: request.url!, headers: request.headers, raw, json }
      const status = receiver.answer(one)
      if (status < 300) receiver.arrived.push(one)
      response.statusCode = status
      response.end()
    })
  })
  await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve))
  receiver.origin = `http://127.0.0.1:${(receiver.server.address() as AddressInfo).port}`
  return receiver
}

async function until<T>(look: () => T | undefined | false | null | 0 | ''): Promise<T> {
  const end = Date.now() + 5_000
  for (;;) {
    const seen = look()
    if (seen !== undefined && seen !== false && seen !== null && seen !== 0 && seen !== '') return seen
    if (Date.now() > end) throw new Error('It did not happen within 5 seconds')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

let clock: Clock
let messengers: Messengers
let receiver: Receiver

beforeEach(async () => {
  clock = createClock({ speed: 200 })
  messengers = await startMessengers({ clock, allowLoopbackHttp: true, seed: 7 })
  receiver = await startReceiver()
})

afterEach(async () => {
  await messengers.stop()
  clock.stop()
  receiver.server.closeAllConnections()
  await new Promise((resolve) => receiver.server.close(resolve))
})

async function ask(url: string, body?: unknown, headers: Record<string, string> = {}, method = body === undefined ? 'GET' : 'POST'):
Promise<{ status: number, body: any, headers: Headers }> {
  const answer = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  let parsed: unknown = text
  try {
    parsed = JSON.parse(text)
  } catch { /* a page */ }
  return { status: answer.status, body: parsed, headers: answer.headers }
}

describe('WhatsApp', () => {
  const reminder = (to: string, parameters = ['Иван', 'приём завтра в 10:00'], more: Record<string, unknown> = {}): Record<string, unknown> => ({
    messaging_product: 'whatsapp', recipient_type: 'individual', to, type: 'template',
    template: {
      name: 'appointment_reminder', language: { code: 'ru' },
      components: [
        { type: 'body', parameters: parameters.map((text) => ({ type: 'text', text })) },
        { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'confirm:1' }] },
      ],
    },
    ...more,
  })

  async function connect() {
    const number = messengers.addWhatsAppNumber()
    const auth = { authorization: `Bearer ${number.token}` }
    const subscribed = await ask(`${number.baseUrl}/${number.wabaId}/subscribed_apps`,
      { override_callback_uri: `${receiver.origin}/wa`, verify_token: 'verify-me' }, auth)
    expect(subscribed.body).toEqual({ success: true })
    const send = (body: unknown) => ask(`${number.baseUrl}/${number.phoneNumberId}/messages`, body, auth)
    const statuses = () => receiver.arrived.flatMap((one) => one.json.entry[0].changes[0].value.statuses ?? [])
    return { number, auth, send, statuses }
  }

  it('delivers a template and reports sent and delivered with the signature over the raw bytes', async () => {
    const { number, send, statuses } = await connect()
    const phone = messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    const sent = await send(reminder('79000000001', undefined, { biz_opaque_callback_data: 'attempt:1/1' }))
    expect(sent.status).toBe(200)
    const { id } = sent.body.messages[0]
    await until(() => statuses().length === 2)
    expect(statuses().map((one) => [one.id, one.status, one.biz_opaque_callback_data])).toEqual([[id, 'sent', 'attempt:1/1'], [id, 'delivered', 'attempt:1/1']])
    expect(statuses()[0].pricing.category).toBe('utility')
    for (const { raw, headers } of receiver.arrived) {
      expect(headers['x-hub-signature-256']).toBe(signLikeMeta(raw, number.appSecret))
      expect(raw).toContain('attempt:1\\/1')
    }
    expect(phone.messages('whatsapp')[0]).toMatchObject({ state: 'arrived', buttons: [[{ text: 'Приду' }], [{ text: 'Перенести' }], [{ text: 'Отменить' }]] })

    phone.press('whatsapp', { button: 'Приду' })
    const pressed = await until(() => receiver.arrived.map((one) => one.json.entry[0].changes[0].value.messages?.[0]).find(Boolean))
    expect(pressed).toMatchObject({ type: 'button', button: { payload: 'confirm:1', text: 'Приду' }, context: { id } })
    await until(() => statuses().some((one) => one.status === 'read'))
    expect(receiver.arrived.at(-1)!.raw).not.toMatch(/[^\x20-\x7e]/)
  })

  it('refuses what Meta refuses, with its codes', async () => {
    const { number, send } = await connect()
    messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const code = async (body: unknown): Promise<unknown> => (await send(body)).body.error.code
    expect(await code(reminder('79000000001', ['one']))).toBe(132000)
    expect(await code({ ...reminder('79000000001'), template: { name: 'nothing', language: { code: 'ru' } } })).toBe(132001)
    expect(await code({ ...reminder('79000000001'), template: { name: 'autumn_checkup', language: { code: 'ru' }, components: [] } })).toBe(132015)
    expect(await code(reminder('79000000001', ['a\nb', 'c']))).toBe(100)
    expect(await code({ ...reminder('79000000001'), messaging_product: undefined })).toBe(100)
    expect(await code({ ...reminder('79000000001'), surprise: 1 })).toBe(100)
    const foreign = await ask(`${number.baseUrl}/${number.phoneNumberId}/messages`, reminder('79000000001'), { authorization: 'Bearer EAAnobody' })
    expect([foreign.status, foreign.body.error.code]).toEqual([401, 190])
  })

  it('accepts free text and a number without WhatsApp, and fails them afterwards', async () => {
    const { send, statuses } = await connect()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const text = { messaging_product: 'whatsapp', to: '79000000001', type: 'text', text: { body: 'Здравствуйте' } }
    expect((await send(text)).status).toBe(200)
    expect((await send(reminder('79000000099'))).status).toBe(200)
    await until(() => statuses().length === 2)
    expect(statuses().map((one) => one.errors[0].code).sort()).toEqual([131026, 131047])
    phone.reply('whatsapp', 'Добрый день')
    await send(text)
    await until(() => statuses().some((one) => one.status === 'delivered'))
    expect(phone.messages('whatsapp').filter((one) => one.state === 'arrived')).toHaveLength(1)
  })

  it('never brings a message whose template outlived its time to live', async () => {
    const { number, auth, send, statuses } = await connect()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001', online: false })
    const template = number.templates.find((one) => one.name === 'appointment_reminder')!
    const edit = (seconds: number) => ask(`${number.baseUrl}/${template.id}`, { message_send_ttl_seconds: seconds }, auth)
    expect((await edit(10)).body.error.code).toBe(100)
    expect((await edit(300)).body).toEqual({ success: true })
    await send(reminder('79000000001'))
    await until(() => statuses().length === 1)
    clock.advance(301_000)
    phone.setOnline(true)
    expect(phone.messages()[0]!.state).toBe('expired')
    expect(statuses().map((one) => one.status)).toEqual(['sent'])
  })

  it('stays silent, reports in the wrong order, twice or before the answer when told to', async () => {
    const { send, statuses } = await connect()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    messengers.behave('whatsapp', { mode: 'silent', next: 1 })
    await send(reminder('79000000001'))
    await until(() => statuses().length === 1)
    clock.advance(60_000)
    expect(phone.messages()[0]!.state).toBe('held')
    receiver.arrived.length = 0

    messengers.behave('whatsapp', { receipts: 'reversed', next: 1 })
    await send(reminder('79000000001', ['Иван', 'второе']))
    await until(() => statuses().length === 2)
    expect(statuses().map((one) => one.status)).toEqual(['delivered', 'sent'])
    receiver.arrived.length = 0

    messengers.behave('whatsapp', { receipts: 'twice', next: 1 })
    await send(reminder('79000000001', ['Иван', 'третье']))
    await until(() => statuses().length === 4)
    receiver.arrived.length = 0

    messengers.behave('whatsapp', { receipts: 'early', next: 1 })
    await send(reminder('79000000001', ['Иван', 'четвёртое']))
    expect(statuses().map((one) => one.status).sort()).toEqual(['delivered', 'sent'])
    receiver.arrived.length = 0

    messengers.behave('whatsapp', { failure: 'dropAfter', next: 1 })
    await expect(send(reminder('79000000001', ['Иван', 'пятое']))).rejects.toThrow()
    await until(() => statuses().length === 2)
    expect(phone.messages().at(-1)!.state).toBe('arrived')
    expect(messengers.calls({ messenger: 'whatsapp' }).at(-1)).toMatchObject({ status: 0, code: 'dropAfter' })
  })

  it('sends webhooks to the number\'s own address first, then the account\'s, then the app\'s; news of templates to the app\'s only', async () => {
    const { number, auth } = await connect()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const configure = (configuration: object) => ask(`${number.baseUrl}/${number.phoneNumberId}`, { webhook_configuration: configuration }, auth)
    const came = async (text: string) => {
      phone.reply('whatsapp', text)
      return (await until(() => receiver.arrived.find((one) => one.raw.includes(`"${text}"`)))).url
    }
    expect(await messengers.setWhatsAppWebhook(number.phoneNumberId, `${receiver.origin}/app`, 'verify-me')).toBeUndefined()
    expect(await came('one')).toBe('/wa')
    expect((await configure({ override_callback_uri: `${receiver.origin}/number`, verify_token: 'wrong' })).body.error.code).toBe(2200)
    expect((await configure({ override_callback_uri: `${receiver.origin}/number`, verify_token: 'verify-me' })).body).toEqual({ success: true })
    expect(await came('two')).toBe('/number')
    const shown = await ask(`${number.baseUrl}/${number.phoneNumberId}?fields=webhook_configuration`, undefined, auth)
    expect(shown.body.webhook_configuration).toEqual({
      phone_number: `${receiver.origin}/number`, whatsapp_business_account: `${receiver.origin}/wa`, application: `${receiver.origin}/app`,
    })
    messengers.setTemplateStatus(number.phoneNumberId, 'clinic_notice', 'PAUSED')
    expect((await until(() => receiver.arrived.find((one) => one.raw.includes('PAUSED')))).url).toBe('/app')
    await configure({ override_callback_uri: '' })
    expect(await came('three')).toBe('/wa')
  })

  it('repeats a webhook until it is accepted, with growing pauses', async () => {
    const { send, statuses } = await connect()
    messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    let refused = 0
    receiver.answer = () => refused++ < 3 ? 503 : 200
    await send(reminder('79000000001'))
    await until(() => statuses().length === 2)
    await until(() => messengers.webhooks().reduce((sum, one) => sum + one.tries, 0) === 5)
  })
})

describe('Telegram', () => {
  const bot = () => {
    const created = messengers.addTelegramBot()
    const client = new Telegraf(created.token, { telegram: { apiRoot: `${created.apiRoot}/`, webhookReply: false } })
    return { created, client, api: client.telegram }
  }

  it('lets telegraf send, edit, delete and go through a button press and its answer', async () => {
    const { created, client, api } = bot()
    expect((await api.getMe()).username).toBe(created.username)
    expect(await api.setWebhook(`${receiver.origin}/tg`, { secret_token: 'vec_tg_secret-1' })).toBe(true)
    const phone = messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    const { telegramId } = phone.patient

    await expect(api.sendMessage(telegramId, 'рано')).rejects.toThrow("403: Forbidden: bot can't initiate conversation with a user")
    phone.start('telegram', { payload: 'L_k3Jx9QmZb2' })
    const start = await until(() => receiver.arrived[0])
    expect(start.headers['x-telegram-bot-api-secret-token']).toBe('vec_tg_secret-1')
    expect(start.json.message).toMatchObject({ text: '/start L_k3Jx9QmZb2', entities: [{ offset: 0, length: 6, type: 'bot_command' }], chat: { id: telegramId } })

    const sent = await api.sendMessage(telegramId, '<b>Приём</b> завтра', {
      parse_mode: 'HTML', reply_markup: { inline_keyboard: [[{ text: 'Подтверждаю', callback_data: 'c:1' }]] },
    })
    await until(() => phone.messages('telegram').at(-1)!.state === 'arrived')
    phone.press('telegram')
    const press = await until(() => receiver.arrived.find((one) => one.json.callback_query !== undefined))
    expect(press.json.callback_query).toMatchObject({ data: 'c:1', from: { id: telegramId }, message: { message_id: sent.message_id } })

    client.on('callback_query', async (context) => { await context.answerCbQuery('Спасибо') })
    await client.handleUpdate(press.json)
    await api.editMessageText(telegramId, sent.message_id, undefined, 'Приём подтверждён')
    await expect(api.editMessageText(telegramId, sent.message_id, undefined, 'Приём подтверждён')).rejects.toThrow('message is not modified')
    expect(phone.messages('telegram').at(-1)).toMatchObject({ text: 'Приём подтверждён', buttons: [], notice: 'Спасибо', earlier: [{ text: 'Приём завтра' }] })
    await api.deleteMessage(telegramId, sent.message_id)
    expect(phone.messages('telegram').at(-1)!.deletedAt).toBeDefined()
  })

  it('answers errors in the words of the Bot API', async () => {
    const { created, api } = bot()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.start('telegram', { quietly: true })
    const id = phone.patient.telegramId
    await expect(api.sendMessage(1, 'x')).rejects.toThrow('400: Bad Request: chat not found')
    await expect(api.sendMessage(id, 'x'.repeat(4097))).rejects.toThrow('400: Bad Request: message is too long')
    const key = (data: string) => ({ reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: data }]] } })
    await expect(api.sendMessage(id, 'x', key('я'.repeat(33)))).rejects.toThrow('400: Bad Request: BUTTON_DATA_INVALID')
    expect((await api.sendMessage(id, 'x', key('я'.repeat(32)))).message_id).toBeGreaterThan(0)
    await expect(api.answerCbQuery('nothing')).rejects.toThrow('query is too old')
    await expect(api.setWebhook('http://example.com/x')).rejects.toThrow('An HTTPS URL must be provided for webhook')
    phone.block('telegram')
    await expect(api.sendMessage(id, 'x')).rejects.toThrow('403: Forbidden: bot was blocked by the user')
    phone.unblock('telegram')
    phone.deactivateTelegram()
    await expect(api.sendMessage(id, 'x')).rejects.toThrow('403: Forbidden: user is deactivated')
    expect((await ask(`${messengers.origin}/tg/bot${created.botId}:wrong-token-wrong/getMe`)).body).toEqual({ ok: false, error_code: 401, description: 'Unauthorized' })
    messengers.behave('telegram', { failure: 'rateLimited', retryAfterSeconds: 35, next: 1 })
    const limited = await ask(`${created.apiRoot}/bot${created.token}/sendMessage`, { chat_id: id, text: 'x' })
    expect([limited.status, limited.headers.get('retry-after'), limited.body.parameters]).toEqual([429, '35', { retry_after: 35 }])
    messengers.behave('telegram', { failure: 'badGateway', failing: 'all', next: 1 })
    expect((await ask(`${created.apiRoot}/bot${created.token}/getMe`)).body).toContain('<html>')
  })

  it('reads urlencoded and multipart bodies', async () => {
    const { created } = bot()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.start('telegram', { quietly: true })
    const url = `${created.apiRoot}/bot${created.token}/sendMessage`
    const chat = String(phone.patient.telegramId)
    const form = new FormData()
    form.set('chat_id', chat)
    form.set('text', 'из формы с частями')
    expect((await (await fetch(url, { method: 'POST', body: form })).json() as any).ok).toBe(true)
    expect((await (await fetch(url, { method: 'POST', body: new URLSearchParams({ chat_id: chat, text: 'из формы' }) })).json() as any).ok).toBe(true)
    expect(phone.messages('telegram').map((one) => one.text)).toEqual(['из формы с частями', 'из формы'])
  })

  it('keeps the order of a chat and repeats an update until it is accepted', async () => {
    const { api } = bot()
    await api.setWebhook(`${receiver.origin}/tg`)
    const [first, second] = ['+79000000001', '+79000000002'].map((phone) => messengers.addPatient({ name: 'Иван', phone }))
    let refuse = 3
    receiver.answer = ({ json }) => json.message?.text === 'один' && refuse-- > 0 ? 500 : 200
    for (const text of ['один', 'два', 'три']) first!.reply('telegram', text)
    second!.reply('telegram', 'другой чат')
    await until(() => receiver.arrived.length === 4)
    const texts = receiver.arrived.map((one) => one.json.message.text)
    expect(texts.filter((text) => text !== 'другой чат')).toEqual(['один', 'два', 'три'])
    expect(texts[0]).toBe('другой чат')
    expect(((await api.getWebhookInfo()) as any).last_error_message).toContain('500')
  })

  it('tells of a block, of the own contact and of forged ones', async () => {
    const { api } = bot()
    await api.setWebhook(`${receiver.origin}/tg`)
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.start('telegram', { quietly: true })
    phone.shareContact('telegram')
    phone.forgeContact('telegram')
    phone.forgeContact('telegram', { kind: 'unsigned' })
    phone.block('telegram')
    await until(() => receiver.arrived.length === 4)
    const [own, foreign, unsigned, blocked] = receiver.arrived.map((one) => one.json)
    expect(own.message.contact).toEqual({ phone_number: '79000000001', first_name: 'Иван', user_id: phone.patient.telegramId })
    expect(foreign.message.contact.user_id).not.toBe(phone.patient.telegramId)
    expect(unsigned.message.contact.user_id).toBeUndefined()
    expect(blocked.my_chat_member).toMatchObject({ old_chat_member: { status: 'member' }, new_chat_member: { status: 'kicked' } })
  })
})

describe('MAX', () => {
  async function connect() {
    const bot = messengers.addMaxBot()
    const api = (path: string, body?: unknown, method?: string) => ask(`${bot.baseUrl}${path}`, body, { authorization: bot.token }, method)
    const subscribed = await api('/subscriptions', { url: `${receiver.origin}/max`, secret: 'vec_max-secret_01' })
    expect(subscribed.body).toEqual({ success: true })
    return { bot, api }
  }

  it('sends, edits and answers a callback; the sequence number is above 2^53', async () => {
    const { bot, api } = await connect()
    const phone = messengers.addPatient({ name: 'John Doe', phone: '+79000000001' })
    const keyboard = { type: 'inline_keyboard', payload: { buttons: [[{ type: 'callback', text: 'Подтверждаю', payload: 'confirm:1' }]] } }
    const send = (text = 'Подтвердите приём') => api(`/messages?user_id=${phone.patient.maxId}`, { text, attachments: [keyboard] })
    expect((await send()).status).toBe(404)
    phone.start('max', { payload: 'L_1' })
    const started = await until(() => receiver.arrived[0])
    expect(started.headers['x-max-bot-api-secret']).toBe('vec_max-secret_01')
    expect(started.json).toMatchObject({ update_type: 'bot_started', payload: 'L_1', user_id: phone.patient.maxId, chat_id: phone.patient.maxChatId })

    const raw = await fetch(`${bot.baseUrl}/messages?user_id=${phone.patient.maxId}`, {
      method: 'POST', headers: { authorization: bot.token }, body: JSON.stringify({ text: 'Подтвердите приём', attachments: [keyboard] }),
    }).then((answer) => answer.text())
    expect(BigInt(/"seq":(\d+)/.exec(raw)![1]!)).toBeGreaterThan(2n ** 53n)
    const { mid } = JSON.parse(raw).message.body
    await until(() => phone.messages('max')[0]!.state === 'arrived')
    phone.press('max')
    const { json } = await until(() => receiver.arrived.find((one) => one.json.update_type === 'message_callback'))
    expect(json).toMatchObject({ callback: { payload: 'confirm:1', user: { user_id: phone.patient.maxId } }, message: { body: { mid }, recipient: { user_id: phone.patient.maxId } } })
    expect((await api(`/answers?callback_id=${json.callback.callback_id}`, { notification: 'Спасибо', message: { text: 'Подтверждено', attachments: [] } })).body).toEqual({ success: true })
    expect(phone.messages('max')[0]).toMatchObject({ text: 'Подтверждено', notice: 'Спасибо', buttons: [], earlier: [{ text: 'Подтвердите приём' }] })
    phone.block('max')
    expect((await send()).body).toEqual({ code: 'chat.denied', message: 'error.dialog.suspended' })
    await until(() => receiver.arrived.some((one) => one.json.update_type === 'bot_stopped'))
  })

  it('wants the token without Bearer, https for webhooks, and keyboards within the limits', async () => {
    const { bot, api } = await connect()
    expect((await ask(`${bot.baseUrl}/me`, undefined, { authorization: `Bearer ${bot.token}` })).body).toEqual({ code: 'verify.token', message: 'Invalid access_token' })
    expect((await api('/me')).body).toMatchObject({ user_id: bot.userId, is_bot: true })
    expect((await api('/subscriptions', { url: 'http://example.com/hook' })).status).toBe(400)
    expect((await api('/subscriptions', { url: 'https://example.com/hook', secret: 'abc' })).status).toBe(400)
    const phone = messengers.addPatient({ name: 'John', phone: '+79000000001' })
    phone.start('max', { quietly: true })
    const send = async (body: unknown): Promise<number> => (await api(`/messages?chat_id=${phone.patient.maxChatId}`, body)).status
    const button = { type: 'callback', text: 'a', payload: 'b' }
    const keyboard = (buttons: unknown) => ({ text: 'x', attachments: [{ type: 'inline_keyboard', payload: { buttons } }] })
    expect(await send({ text: 'x'.repeat(4001) })).toBe(400)
    expect(await send(keyboard([Array(8).fill(button)]))).toBe(400)
    expect(await send(keyboard(Array(31).fill([button])))).toBe(400)
    expect(await send(keyboard([[{ ...button, payload: 'x'.repeat(1025) }]]))).toBe(400)
    expect(await send(keyboard([Array(4).fill({ type: 'link', text: 'a', url: 'https://e.example' })]))).toBe(400)
    expect(await send(keyboard([Array(7).fill(button)]))).toBe(200)
  })

  it('refuses more than two messages a second to one dialogue', async () => {
    const { api } = await connect()
    clock.setSpeed(0)
    const phone = messengers.addPatient({ name: 'John', phone: '+79000000001' })
    phone.start('max', { quietly: true })
    const codes: number[] = []
    for (let count = 0; count < 3; count++) codes.push((await api(`/messages?user_id=${phone.patient.maxId}`, { text: String(count) })).status)
    expect(codes).toEqual([200, 200, 429])
  })
})

describe('SMSC.ru', () => {
  const account = () => {
    const created = messengers.addSmscAccount({ callbackUrl: `${receiver.origin}/smsc` })
    const send = async (fields: Record<string, unknown>) => (await ask(`${created.baseUrl}/rest/send/`,
      { login: created.login, psw: created.password, phones: '79000000001', mes: 'Приём завтра в 10:00', fmt: 3, ...fields })).body
    return { created, send }
  }

  it('echoes the own id, counts segments and signs what became of the message', async () => {
    const { created, send } = account()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    expect(await send({ id: 1001, cost: 3, mes: 'я'.repeat(71) })).toEqual({ id: 1001, cnt: 2, cost: '5.50', balance: '1234.50' })
    await until(() => receiver.arrived.length === 2)
    expect(receiver.arrived.map((one) => [one.json.id, one.json.status])).toEqual([['1001', '0'], ['1001', '1']])
    for (const { json } of receiver.arrived) {
      expect(json).toMatchObject(signCallback([json.id, json.phone, json.status], created.secret))
    }
    expect(phone.messages('sms')[0]).toMatchObject({ sender: 'CLINIC', segments: 2, state: 'arrived' })
    const status = await ask(`${created.baseUrl}/sys/status.php?login=${created.login}&psw=${created.password}&phone=79000000001&id=1001&fmt=3`)
    expect(status.body.status).toBe(1)
    phone.reply('sms', 'СТОП')
    const written = await until(() => receiver.arrived.find((one) => one.json.mes !== undefined))
    expect(written.json.md5).toBe(signCallback(['79000000001', 'СТОП', created.inboundNumber], created.secret).md5)
  })

  it('answers errors with HTTP 200, error 9 to a repetition within a minute', async () => {
    const { created, send } = account()
    messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    expect(await send({ id: 7 })).toEqual({ id: 7, cnt: 1 })
    expect(await send({ id: 7 })).toEqual({ error: 'duplicate request, wait a minute', error_code: 9, id: 7 })
    expect(await send({ id: 7, mes: 'другой текст' })).toMatchObject({ error_code: 9 })
    clock.advance(61_000)
    expect(await send({ id: 7 })).toEqual({ id: 7, cnt: 1 })
    expect(await send({ psw: 'wrong' })).toEqual({ error: 'authorise error', error_code: 2 })
    expect(await send({ phones: '12', id: 9 })).toEqual({ error: 'invalid number', error_code: 7, id: 9 })
    expect(await send({ sender: 'NOBODY' })).toMatchObject({ error_code: 6 })
    created.balance = 1
    expect(await send({ mes: 'без денег' })).toMatchObject({ error_code: 3 })
  })

  it('takes a text for windows-1251 unless it is told utf-8', async () => {
    const { created } = account()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    const fields = { login: created.login, psw: created.password, phones: '+79000000001', mes: 'Приём' }
    const post = (body: Record<string, string>) => fetch(`${created.baseUrl}/sys/send.php`, { method: 'POST', body: new URLSearchParams(body) })
    expect(await (await post(fields)).text()).toMatch(/^OK - 1 SMS, ID - \d+$/)
    await post({ ...fields, charset: 'utf-8' })
    expect(phone.messages('sms').map((one) => one.text)).toEqual(['РџСЂРёС‘Рј', 'Приём'])
  })

  it('expires an SMS that did not reach the phone within its validity', async () => {
    const { send } = account()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001', online: false })
    await send({ id: 5, valid: '00:30' })
    await until(() => receiver.arrived.length === 1)
    clock.advance(31 * 60_000)
    const expired = await until(() => receiver.arrived[1])
    expect(expired.json).toMatchObject({ status: '3', err: '6' })
    phone.setOnline(true)
    expect(phone.messages('sms')[0]!.state).toBe('expired')
  })

  it('lets the operator drop SMS of a subscriber who opted out', async () => {
    const { send } = account()
    const phone = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
    phone.block('sms')
    await send({ id: 6 })
    const dropped = await until(() => receiver.arrived[0])
    expect(dropped.json).toMatchObject({ status: '20', err: '255' })
    expect(phone.messages('sms')[0]!.arrivedAt).toBeUndefined()
  })
})

describe('control', () => {
  it('shows phones with their counts and changes behaviour over HTTP', async () => {
    const created = messengers.addSmscAccount()
    messengers.addPatient({ name: 'Иван', phone: '+79000000001', telegram: false })
    const base = `${messengers.origin}/sandbox`
    expect((await ask(`${base}/messengers/sms`, { pace: 'instant' })).body).toMatchObject({ pace: 'instant' })
    expect((await ask(`${base}/messengers/sms`, { mode: 'sometimes' })).status).toBe(400)
    await ask(`${created.baseUrl}/rest/send/`, { login: created.login, psw: created.password, phones: '79000000001', mes: 'раз' })
    const [phone] = (await ask(`${base}/phones`)).body
    expect(phone.counts.sms).toEqual({ accepted: 1, received: 1, written: 0, repeated: [] })
    expect((await ask(`${base}/calls`)).body).toMatchObject([{ messenger: 'sms', account: created.login, method: 'send', status: 200, code: 'ok' }])
    expect((await ask(`${base}/phones/79000000001/block`, { messenger: 'telegram' })).status).toBe(400)
    expect((await ask(`${base}/phones/79000009999/block`, { messenger: 'sms' })).status).toBe(404)
    expect((await ask(`${base}/clock`, { advanceMs: 1000, speed: 60 })).body.speed).toBe(60)
  })
})
