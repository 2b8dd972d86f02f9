import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { max } from '../../src/channels/max/index.ts'
import { channelContract } from './channel-contract.ts'
import { overHttp, startVendor, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { token: 'vec-max-bot-token', webhookSecret: 'vec_max-secret_01' }
const credentials = max.parseCredentials(form)
const vector = (name: string) => webhook(`max-${name}`)
const update = (body: object) => post(body, { 'x-max-bot-api-secret': form.webhookSecret })

const chat = { id: '123456789', userId: '123456789', name: 'John Doe' }
const user = { user_id: 123456789, first_name: 'John', is_bot: false, name: 'John Doe' }
const written = (mid: string, more: object): Inbound[] => [{ type: 'message', externalId: mid, chat, text: '', at: 1_775_025_603_399, ...more }]
const eventAt = 1_775_025_604_499

const meanings: Record<string, Inbound[]> = {
  'bot-started-plain': [
    { type: 'reachability', chat, state: 'active', at: eventAt },
    { type: 'message', externalId: `bot_started:182182182:123456789:${eventAt}`, chat, text: '/start', at: eventAt },
  ],
  'bot-stopped': [{ type: 'reachability', chat, state: 'blocked', at: eventAt }],
  'callback-message-null': [{ type: 'action', externalId: 'cbNULL', chat, payload: 'confirm:9f2', at: 1_775_026_702_210 }],
  callback: [
    { type: 'action', externalId: 'f9LHodD0cOJf4_DkJGeq8BkDgc5vgSwZocVrn44oirfMzUQ4mv5k', chat, messageId: 'mid.out1', payload: 'confirm:9f2', at: 1_775_026_702_210 },
  ],
  'contact-bad-hash': written('mid.c2', { contact: { phone: '+79000000099', isOwn: false, name: 'Иван' } }),
  'contact-foreign': written('mid.c4', { contact: { phone: '+79000000077', isOwn: false, name: 'Мама' } }),
  'contact-lf-newlines': written('mid.c5', { contact: { phone: '+79000000001', isOwn: false, name: 'Иван' } }),
  'contact-no-hash': written('mid.c3', { contact: { phone: '+79000000001', isOwn: false, name: 'Иван' } }),
  'contact-verified': written('mid.c1', { contact: { phone: '+79000000001', isOwn: true, name: 'Иван' } }),
  'dialog-cleared': [],
  'dialog-muted': [],
  'dialog-removed': [{ type: 'reachability', chat, state: 'blocked', at: eventAt }],
  'dialog-unmuted': [],
  'inbound-file': written('mid.file1', { files: [{ kind: 'file', ref: 'body:0:mid.file1', name: 'анализ.pdf', sizeBytes: 300_000 }] }),
  'inbound-group': [],
  'inbound-image': written('mid.img1', { files: [{ kind: 'image', ref: 'body:0:mid.img1' }] }),
  'inbound-text-duplicate': written('mid.000000000adf429c019d47b1ce4600ff', { text: 'Здравствуйте' }),
  'message-edited': [{ type: 'edit', externalId: 'mid.000000000adf429c019d47b1ce4600ff', chat, text: 'hi bot (edit)', at: eventAt }],
  'message-removed': [{ type: 'delete', externalId: 'mid.000000000adf429c019d47b1ce4600ff', chat: { id: '123456789', userId: '123456789' }, at: eventAt }],
  'utf8-split': written('mid.utf', { text: 'Привет, клиника' }),
}
const responses = ['401', '403-denied', '404', '429', '503', 'attachment-not-ready', 'subscriptions-empty']
const others = ['bad-secret', 'malformed', 'missing-update-type', ...responses.map((name) => `response-${name}`)]

const message: OutboundMessage = { ref: 'd1.2', number: 9, to: '123456789', text: 'Напоминаем о приёме завтра в 10:00' }
const response = (name: string) => answer(`max-response-${name}`)
const sent = { status: 200, json: { message: { recipient: { chat_id: 182182182, chat_type: 'dialog', user_id: 123456789 }, timestamp: 1, body: { mid: 'mid.out1', seq: 1, text: message.text } } } }

channelContract({
  channel: max,
  form,
  vendor: overHttp('baseUrl'),
  needed: ['token'],
  genuine: Object.keys(meanings).map(vector),
  forged: [vector('bad-secret'), { ...vector('inbound-file'), headers: {} }, { ...vector('inbound-file'), headers: { 'x-max-bot-api-secret': '' } }],
  unsupported: [
    update({ update_type: 'bot_added', timestamp: 1, chat_id: -5, user }),
    update({ update_type: 'comment_created', timestamp: 1 }),
    update({ update_type: 'hologram_received', timestamp: 1 }),
    update({ update_type: 'message_callback', timestamp: 1, callback: { callback_id: 'c', user, timestamp: 1 }, message: null }),
  ],
  unreadable: [vector('malformed'), vector('missing-update-type'), update({ update_type: 'message_created', timestamp: 1, message: {} })],
  message,
  accepted: { answer: sent, sent: { externalId: 'mid.out1', parts: 1 } },
  refusals: [
    { name: 'a token that is not taken', answer: response('401'), class: 'channelPermanent', code: 'verify.token', outcome: 'rejected' },
    { name: 'a stopped bot', answer: response('403-denied'), class: 'recipientPermanent', code: 'chat.denied', outcome: 'rejected' },
    { name: 'an unknown person', answer: response('404'), class: 'recipientPermanent', code: 'not.found', outcome: 'rejected' },
    { name: 'a rate limit', answer: response('429'), class: 'rateLimited', code: 'too.many.requests', outcome: 'rejected', retryAfterSeconds: 1 },
    { name: 'a pause of the service', answer: response('503'), class: 'transient', code: 'service.unavailable', outcome: 'unknown' },
    { name: 'an attachment that is not ready', answer: response('attachment-not-ready'), class: 'transient', code: 'attachment.not.ready', outcome: 'rejected', retryAfterSeconds: 1 },
    { name: 'wrong content', answer: { status: 400, json: { code: 'proto.payload', message: 'text of +79000000001' } }, class: 'content', code: 'proto.payload', outcome: 'rejected' },
    { name: 'a wrong method', answer: { status: 405, json: {} }, class: 'channelTemporary', code: '405', outcome: 'rejected' },
    { name: 'trouble inside', answer: { status: 500, json: { code: 'internal.error', message: 'x' } }, class: 'transient', code: 'internal.error', outcome: 'unknown' },
  ],
  unauthorized: response('401'),
})

describe('max: what updates mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...others].sort()).toEqual(vectorNames('max-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(max.parse(vector(name), credentials)).toEqual(expected)
  })

  it('passes the token of a personal link on, and drops what is none', () => {
    const started = (payload: string) => max.parse(update({ update_type: 'bot_started', timestamp: 7, chat_id: 1, user, payload }), credentials)[1]
    expect(started('L_k3Jx9QmZb2')).toMatchObject({ text: '/start', startPayload: 'L_k3Jx9QmZb2' })
    expect(started("' OR 1=1 --")).not.toHaveProperty('startPayload')
  })

  it('F21 makes nothing of what a bot says, its own echo included', () => {
    const said = { sender: { ...user, is_bot: true }, recipient: { chat_id: 1, chat_type: 'dialog' }, timestamp: 1, body: { mid: 'mid.r', text: 'Да' } }
    expect(max.parse(update({ update_type: 'message_created', timestamp: 1, message: said }), credentials)).toEqual([])
  })

  it('F45 trusts a card signed for this bot alone', () => {
    const vcf = 'BEGIN:VCARD\r\nTEL;TYPE=cell:79000000001\r\nEND:VCARD\r\n'
    const card = (token: string) => {
      const payload = { vcf_info: vcf, max_info: user, hash: createHmac('sha256', token).update(vcf).digest('hex') }
      const said = { sender: user, recipient: { chat_id: 1, chat_type: 'dialog' }, timestamp: 1, body: { mid: 'm', text: '', attachments: [{ type: 'contact', payload }] } }
      return max.parse(update({ update_type: 'message_created', timestamp: 1, message: said }), credentials)[0]
    }
    expect(card(form.token)).toMatchObject({ contact: { isOwn: true } })
    expect(card('another-bot')).toMatchObject({ contact: { isOwn: false } })
  })

  it('derives one webhook secret from one token', () => {
    const first = max.parseCredentials({ token: form.token })
    expect(first.webhookSecret).toMatch(/^[A-Za-z0-9_-]{5,256}$/)
    expect(max.parseCredentials({ token: form.token })).toEqual(first)
  })
})

describe('max: what is asked of the Bot API', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = () => ({ credentials: max.parseCredentials({ ...form, baseUrl: vendor.url }), http, signal: new AbortController().signal })
  const hookUrl = 'https://clinic.example/hooks/max/1'
  const me = { status: 200, json: { user_id: 229229229, name: 'Клиника', username: 'id7700000000_bot', is_bot: true } }
  const done = { status: 200, json: { success: true } }

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends to the person, with the bare token and one button to a row', async () => {
    vendor.replies(sent)
    await max.send({ ...message, buttons: [{ id: 'confirm', title: 'Приду' }, { id: 'cancel', title: 'Отменить' }] }, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/messages', query: { user_id: '123456789', disable_link_preview: 'true' }, headers: { authorization: form.token } })
    expect(vendor.asked[0]?.body).toEqual({
      text: message.text,
      attachments: [
        {
          type: 'inline_keyboard',
          payload: { buttons: [[{ type: 'callback', text: 'Приду', payload: 'confirm' }], [{ type: 'callback', text: 'Отменить', payload: 'cancel' }]] },
        },
      ],
    })
  })

  it('asks for the number with the messenger\'s own button', async () => {
    vendor.replies(sent)
    await max.send({ ...message, requestsContact: true }, context())
    expect(vendor.asked[0]?.body.attachments[0].payload.buttons).toEqual([[{ type: 'request_contact', text: 'Поделиться номером' }]])
  })

  it('connects: subscribes with its secret and names the bot', async () => {
    vendor.replies(done, me, { status: 200, json: { subscriptions: [{ url: hookUrl, time: 1 }] } })
    const facts = await max.connect({ ...context(), hookUrl })
    expect(vendor.asked[0]).toMatchObject({
      method: 'POST',
      path: '/subscriptions',
      body: { url: hookUrl, secret: form.webhookSecret, update_types: ['message_created', 'message_edited', 'message_removed', 'message_callback', 'bot_started', 'bot_stopped', 'dialog_removed'] },
    })
    expect(facts.title).toBe('@id7700000000_bot')
    expect(facts.details.map(({ value }) => value)).toEqual(['Клиника', 'включён'])
  })

  it('shows a subscription that MAX has dropped, without making it again', async () => {
    vendor.replies(me, response('subscriptions-empty'))
    const facts = await max.check(context())
    expect(facts.details.map(({ value }) => value)).toContain('не включён')
    expect(vendor.asked.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  it('blames the settings, not a patient, for a no to a question about the bot', async () => {
    vendor.replies({ status: 404, json: { code: 'not.found', message: 'x' } })
    await expect(max.check(context())).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'not.found' } })
  })

  it('takes away its own subscription only', async () => {
    vendor.replies(done)
    await max.disconnect({ ...context(), hookUrl })
    expect(vendor.asked[0]).toMatchObject({ method: 'DELETE', path: '/subscriptions', query: { url: hookUrl } })
  })

  it('answers a press, and lets one go that is no longer known', async () => {
    vendor.replies(done)
    const press = { externalId: 'cb1', chatId: '123456789', text: 'Записали' }
    await max.answerAction?.(press, context())
    expect(vendor.asked[0]).toMatchObject({ method: 'POST', path: '/answers', query: { callback_id: 'cb1' }, body: { notification: 'Записали' } })
    vendor.replies({ status: 404, json: { code: 'not.found', message: 'x' } })
    await max.answerAction?.(press, context())
    vendor.replies(response('401'))
    await expect(max.answerAction?.(press, context())).rejects.toMatchObject({ failure: { class: 'channelPermanent' } })
  })
})
