import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { telegram } from '../../src/channels/telegram/index.ts'
import { channelContract } from './channel-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { botToken: '7000000001:AAvecTelegramToken-0001', webhookSecret: 'vec_tg_secret-1' }
const credentials = telegram.parseCredentials(form)
const vector = (name: string) => webhook(`telegram-${name}`)
const update = (body: object) => post({ update_id: 1, ...body }, { 'x-telegram-bot-api-secret-token': form.webhookSecret })

const chat = { id: '500000001', userId: '500000001', name: 'Иван П', username: 'ivan_p' }
const at = 1_780_000_000_000
const written = (messageId: number, more: object): Inbound[] => [{ type: 'message', externalId: `500000001:${messageId}`, chat, text: '', at, ...more }]

const meanings: Record<string, Inbound[]> = {
  blocked: [{ type: 'reachability', chat, state: 'blocked', at: 1_780_000_300_000 }],
  'callback-query-double-tap': [{ type: 'action', externalId: '4382bfdwdsb323b2e1', chat, messageId: '500000001:90', payload: 'confirm:9f2' }],
  'callback-query-foreign-user': [],
  'callback-query-inaccessible': [{ type: 'action', externalId: '4382bfdwdsb323b2e0', chat, messageId: '500000001:12', payload: 'confirm:9f2' }],
  'contact-foreign-country': written(114, { contact: { phone: '+77011234567', isOwn: true, name: 'Айгуль' } }),
  'contact-foreign': written(111, { contact: { phone: '+79000000077', isOwn: false, name: 'Мама' } }),
  'contact-forwarded-own': written(113, { contact: { phone: '+79000000001', isOwn: true, name: 'Иван' }, isForwarded: true }),
  'contact-own': written(109, { contact: { phone: '+79000000001', isOwn: true, name: 'Иван' } }),
  'contact-without-user-id': written(112, { contact: { phone: '+79000000001', isOwn: false, name: 'Иван' } }),
  'edited-message': [{ type: 'edit', externalId: '500000001:102', chat, text: 'Здравствуйте!', at: 1_780_000_100_000 }],
  'group-message': [],
  'inbound-document-too-big': written(106, { files: [{ kind: 'file', ref: 'BQAD', name: 'ct.zip', mimeType: 'application/zip', sizeBytes: 73_400_320 }] }),
  'inbound-document': written(105, { files: [{ kind: 'file', ref: 'BQAC', name: 'анализ.pdf', mimeType: 'application/pdf', sizeBytes: 300_000 }] }),
  'inbound-photo': written(103, { text: 'Направление', files: [{ kind: 'image', ref: 'AgACb', mimeType: 'image/jpeg', sizeBytes: 185_000 }] }),
  'inbound-text-duplicate': written(102, { text: 'Здравствуйте 👋' }),
  'inbound-text': written(102, { text: 'Здравствуйте 👋' }),
  'inbound-voice': written(107, { files: [{ kind: 'voice', ref: 'AwAC', mimeType: 'audio/ogg', sizeBytes: 9_000 }] }),
  'reply-to-bot': written(116, { text: 'Да', replyTo: '500000001:90', quotedText: 'Подтвердите приём' }),
  'start-payload-garbage': written(101, { text: '/start' }),
  'start-payload': written(101, { text: '/start', startPayload: 'L_k3Jx9QmZb2' }),
  'start-plain': written(101, { text: '/start' }),
  unblocked: [{ type: 'reachability', chat, state: 'active', at: 1_780_000_300_000 }],
  'unknown-update': [],
}
const responses = ['400-migrated', '400-too-long', '401', '403-blocked', '403-cant-initiate', '403-deactivated', '409', '429', 'network-timeout']
const others = ['malformed', 'missing-secret', ...responses.map((name) => `response-${name}`)]

const message: OutboundMessage = { ref: 'd1.1', number: 8, to: '500000001', text: 'Напоминаем о приёме завтра в 10:00' }
const refused = (error_code: number, description: string) => ({ status: error_code, json: { ok: false, error_code, description } })
const response = (name: string) => answer(`telegram-response-${name}`)

channelContract({
  channel: telegram,
  form,
  vendor: overHttp('apiRoot'),
  needed: ['botToken'],
  genuine: [...Object.keys(meanings).map(vector)],
  forged: [vector('missing-secret'), { ...vector('inbound-text'), headers: { 'x-telegram-bot-api-secret-token': 'other' } }, { ...vector('inbound-text'), headers: { 'x-telegram-bot-api-secret-token': '' } }],
  unsupported: [
    update({ poll_answer: {} }),
    update({ channel_post: { message_id: 1, chat: { id: -100, type: 'channel' }, date: 1, text: 'x' } }),
    update({ my_chat_member: { chat: { id: -5, type: 'group' }, from: { id: 5, is_bot: false, first_name: 'И' }, date: 1, new_chat_member: { status: 'kicked' } } }),
    update({ callback_query: { id: 'g', from: { id: 5, is_bot: false, first_name: 'И' }, game_short_name: 'x' } }),
  ],
  unreadable: [vector('malformed'), post({ message: {} }), update({ message: { chat: {} } })],
  message,
  accepted: { answer: { status: 200, json: { ok: true, result: { message_id: 90, date: 1, chat: { id: 500000001, type: 'private' } } } }, sent: { externalId: '500000001:90', parts: 1 } },
  refusals: [
    { name: 'a chat that moved', answer: response('400-migrated'), class: 'recipientPermanent', code: '400', outcome: 'rejected' },
    { name: 'a text that is too long', answer: response('400-too-long'), class: 'content', code: '400', outcome: 'rejected' },
    { name: 'a revoked token', answer: response('401'), class: 'channelPermanent', code: '401', outcome: 'rejected' },
    { name: 'a blocked bot', answer: response('403-blocked'), class: 'recipientPermanent', code: '403', outcome: 'rejected' },
    { name: 'a person who never wrote', answer: response('403-cant-initiate'), class: 'recipientPermanent', code: '403', outcome: 'rejected' },
    { name: 'a deleted account', answer: response('403-deactivated'), class: 'recipientPermanent', code: '403', outcome: 'rejected' },
    { name: 'a conflict', answer: response('409'), class: 'channelPermanent', code: '409', outcome: 'rejected' },
    { name: 'a rate limit', answer: response('429'), class: 'rateLimited', code: '429', outcome: 'rejected', retryAfterSeconds: 35 },
    { name: 'silence', answer: response('network-timeout'), class: 'transient', code: 'TIMEOUT', outcome: 'unknown' },
    { name: 'a chat that is not there', answer: refused(400, 'Bad Request: chat not found'), class: 'recipientPermanent', code: '400', outcome: 'rejected' },
    { name: 'a 403 in capitals', answer: refused(400, 'Bad Request: USER_IS_BLOCKED'), class: 'recipientPermanent', code: '400', outcome: 'rejected' },
    { name: 'button data', answer: refused(400, 'Bad Request: BUTTON_DATA_INVALID'), class: 'content', code: '400', outcome: 'rejected' },
    { name: 'a token in the wrong shape', answer: refused(404, 'Not Found'), class: 'channelPermanent', code: '404', outcome: 'rejected' },
    { name: 'trouble inside', answer: refused(500, 'Internal Server Error'), class: 'transient', code: '500', outcome: 'unknown' },
  ],
  unauthorized: response('401'),
})

describe('telegram: what updates mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...others].sort()).toEqual(vectorNames('telegram-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(telegram.parse(vector(name), credentials)).toEqual(expected)
  })

  it('F42 makes nothing of a bot, and of a chat that is not the sender\'s own', () => {
    const from = { id: 5, is_bot: false, first_name: 'И' }
    const said = { message_id: 1, chat: { id: 5, type: 'private' }, date: 1, text: 'x' }
    expect(telegram.parse(update({ message: { ...said, from: { ...from, is_bot: true } } }), credentials)).toEqual([])
    expect(telegram.parse(update({ message: { ...said, from: { ...from, id: 6 } } }), credentials)).toEqual([])
  })

  it('derives one webhook secret from one token', () => {
    const first = telegram.parseCredentials({ botToken: form.botToken })
    expect(first.webhookSecret).toMatch(/^[A-Za-z0-9_-]{32,256}$/)
    expect(telegram.parseCredentials({ botToken: form.botToken })).toEqual(first)
    expect(telegram.parseCredentials({ botToken: '7000000002:AAvecTelegramToken-0001' }).webhookSecret).not.toBe(first.webhookSecret)
  })
})

describe('telegram: what is asked of the Bot API', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = () => ({ credentials: telegram.parseCredentials({ ...form, apiRoot: vendor.url }), http, signal: new AbortController().signal })
  const hookUrl = 'https://clinic.example/hooks/telegram/1'
  const ok = (result: unknown) => ({ status: 200, json: { ok: true, result } })
  const bot = { id: 7000000001, is_bot: true, first_name: 'Клиника', username: 'clinic_example_bot' }
  const sent = ok({ message_id: 90 })

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends text with one button to a row', async () => {
    vendor.replies(sent)
    await telegram.send({ ...message, buttons: [{ id: 'confirm', title: 'Приду' }, { id: 'cancel', title: 'Отменить' }] }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: `/bot${form.botToken}/sendMessage` })
    expect(vendor.asked[0]?.body).toEqual({
      chat_id: 500000001,
      text: message.text,
      link_preview_options: { is_disabled: true },
      reply_markup: { inline_keyboard: [[{ text: 'Приду', callback_data: 'confirm' }], [{ text: 'Отменить', callback_data: 'cancel' }]] },
    })
  })

  it('asks for the number with the messenger\'s own button', async () => {
    vendor.replies(sent)
    await telegram.send({ ...message, requestsContact: true }, context())
    expect(vendor.asked[0]?.body.reply_markup).toMatchObject({ keyboard: [[{ request_contact: true }]], one_time_keyboard: true })
  })

  it('counts the data of a button in bytes', async () => {
    vendor.replies(sent)
    await telegram.send({ ...message, buttons: [{ id: 'я'.repeat(32), title: 'Приду' }] }, context())
    await expect(telegram.send({ ...message, buttons: [{ id: `${'я'.repeat(32)}1`, title: 'Приду' }] }, context())).rejects.toMatchObject({
      failure: { class: 'content', code: 'button.payload' },
      outcome: 'rejected',
    })
    expect(vendor.asked).toHaveLength(1)
  })

  it('F19 writes to numeric ids only, never to a user name', async () => {
    vendor.replies(sent)
    await expect(telegram.send({ ...message, to: '@ivan_p' }, context())).rejects.toMatchObject({ failure: { class: 'recipientPermanent' }, outcome: 'rejected' })
    expect(vendor.asked).toHaveLength(0)
  })

  it('connects: names the bot and sets the webhook with its secret and the updates that are read', async () => {
    vendor.replies(ok(bot), ok(true), ok(bot), ok({ url: hookUrl, pending_update_count: 3 }))
    const facts = await telegram.connect({ ...context(), hookUrl })
    expect(vendor.asked[1]?.body).toEqual({
      url: hookUrl,
      secret_token: form.webhookSecret,
      allowed_updates: ['message', 'edited_message', 'callback_query', 'my_chat_member', 'message_reaction'],
      max_connections: 40,
    })
    expect(facts.title).toBe('@clinic_example_bot')
    expect(facts.details.map(({ value }) => value)).toEqual(['Клиника', 'включён', '3'])
  })

  it('says what is wrong with an address that Telegram cannot reach', async () => {
    vendor.replies(ok(bot), refused(400, 'Bad Request: bad webhook: HTTPS URL must be provided for webhook'))
    await expect(telegram.connect({ ...context(), hookUrl })).rejects.toMatchObject({ failure: { class: 'channelPermanent' }, message: expect.stringContaining('https') })
  })

  it('shows a webhook that was lost, without setting it', async () => {
    vendor.replies(ok(bot), ok({ url: '', pending_update_count: 0 }))
    const facts = await telegram.check(context())
    expect(facts.details.map(({ value }) => value)).toContain('не включён')
    expect(vendor.asked.map(({ path }) => path.split('/').at(-1))).toEqual(['getMe', 'getWebhookInfo'])
  })

  it('takes away its own webhook only', async () => {
    vendor.replies(ok({ url: hookUrl, pending_update_count: 0 }), ok(true))
    await telegram.disconnect({ ...context(), hookUrl })
    expect(vendor.asked.map(({ path }) => path.split('/').at(-1))).toEqual(['getWebhookInfo', 'deleteWebhook'])
    vendor.replies(ok({ url: 'https://other.example/', pending_update_count: 0 }))
    await telegram.disconnect({ ...context(), hookUrl })
    expect(vendor.asked).toHaveLength(1)
  })

  it('answers a press, and lets one go that is too old', async () => {
    vendor.replies(ok(true))
    const press = { externalId: '4382', chatId: '500000001', text: 'Записали' }
    await telegram.answerAction?.(press, context())
    expect(vendor.asked[0]).toMatchObject({ path: `/bot${form.botToken}/answerCallbackQuery`, body: { callback_query_id: '4382', text: 'Записали' } })
    vendor.replies(refused(400, 'Bad Request: query is too old and response timeout expired or query ID is invalid'))
    await telegram.answerAction?.(press, context())
    vendor.replies(response('401'))
    await expect(telegram.answerAction?.(press, context())).rejects.toMatchObject({ failure: { class: 'channelPermanent' } })
  })
})
