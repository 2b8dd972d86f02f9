import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Inbound, type OutboundMessage, type RawRequest } from '../../src/channels/channel.ts'
import { unsupportedText } from '../../src/channels/refusal.ts'
import { createHttp } from '../../src/channels/http.ts'
import { vk } from '../../src/channels/vk/index.ts'
import { channelContract } from './channel-contract.ts'
import { overHttp, startVendor, type Reply, type Vendor } from './vendor.ts'
import { answer, post, vectorNames, webhook } from './vectors.ts'

const form = { groupId: '223344556', accessToken: 'vk1.a.vecVkAccessToken0001', confirmation: 'vec1conf', secret: 'vec-vk-secret' }
const credentials = vk.parseCredentials(form)
const vector = (name: string) => webhook(`vk-${name}`)
const parse = (request: RawRequest) => vk.parse(request, credentials)

/** An event of VK's making, with its secret. */
const event = (type: string, object: unknown, more: object = {}): RawRequest => post({ group_id: 223344556, type, event_id: 'e1', v: '5.199', object, secret: form.secret, ...more })
const patient = { id: '300000001', userId: '300000001' }
const thread = { id: 'wall:412:5010:300000001', userId: 'wall:412:5010:300000001' }
const at = 1_780_000_000_000

/** Written from VK's documentation: who, what, and under which id. */
const meanings: Record<string, Inbound[]> = {
  'message-event': [{ type: 'action', externalId: 'feleyinek', chat: patient, messageId: '300000001:0000000076', payload: 'confirm:9f2' }],
  'message-new-button': [{ type: 'action', externalId: '300000001:0000000079', chat: patient, payload: 'confirm:9f2', at }],
  'message-new-photo': [{ type: 'message', externalId: '300000001:0000000080', chat: patient, text: '', files: [{ kind: 'image', ref: '300000001:0000000080:0', mimeType: 'image/jpeg' }], at }],
  'message-new-ref': [{ type: 'message', externalId: '300000001:0000000078', chat: patient, text: '/start', startPayload: 'L_k3Jx9QmZb2', at }],
  'message-reply-operator': [{ type: 'echo', externalId: '300000001:0000000082', chat: patient, text: 'Ответ из интерфейса ВК', at }],
  typing: [{ type: 'typing', chat: patient }],
  'wall-reply-new': [{ type: 'message', externalId: 'wall:5010', chat: thread, text: 'А сколько стоит приём?', at }],
  'wall-reply-new-thread': [{ type: 'message', externalId: 'wall:5011', chat: thread, text: 'Спасибо', at }],
}
/** F42: several people in one chat; F21: what we said ourselves; what tells nothing of a patient. */
const nothing = ['message-new-chat', 'message-reply-own', 'unknown-type', 'wall-reply-own']
const refusedVectors = ['bad-secret', 'wrong-group']
const answers = ['response-10', 'response-5', 'response-9', 'response-send-ok', 'response-send-peer-error']

const message: OutboundMessage = { ref: '0190a5b0-0000-7000-8000-000000000001.0', number: 1001, to: '300000001', text: 'Напоминаем о приёме завтра в 10:00', buttons: [{ id: 'c:1', title: 'Приду' }] }
const refused = (error_code: number): Reply => ({ status: 200, json: { error: { error_code, error_msg: 'about 300000001', request_params: [] } } })
const refusedPeer = (code: number): Reply => ({ status: 200, json: { response: [{ peer_id: 300000001, message_id: 0, error: { code, description: 'x' } }] } })
const sent = (cmid: number): Reply => ({ status: 200, json: { response: [{ peer_id: 300000001, message_id: 1508, conversation_message_id: cmid }] } })

channelContract({
  channel: vk,
  form,
  vendor: overHttp('baseUrl'),
  needed: ['groupId', 'accessToken', 'confirmation'],
  genuine: [...Object.keys(meanings), ...nothing].map(vector),
  forged: [...refusedVectors.map(vector), event('message_new', {}, { secret: undefined }), event('confirmation', {}, { secret: 'bad' }), post('')],
  unsupported: [
    ...nothing.map(vector),
    vector('wrong-group'),
    event('message_read', { from_id: -223344556, peer_id: 300000001, read_message_id: 1, conversation_message_id: 1 }),
    event('message_typing_state', { state: 'typing', from_id: -223344556, to_id: 300000001 }),
    event('message_typing_state', { state: 'audiomessage', from_id: 300000001, to_id: -223344556 }),
    event('message_edit', { conversation_message_id: 81, date: 1780000000, peer_id: 300000001, from_id: -223344556, text: 'Наше', attachments: [] }),
    event('message_event', { user_id: 300000001, peer_id: 2000000001, event_id: 'x', payload: { a: 'c' } }),
    event('wall_reply_new', { id: 1, from_id: 300000001, post_id: 412, owner_id: -999, date: 1780000000, text: 'чужая стена' }),
    event('wall_reply_new', { id: 1, from_id: -999, post_id: 412, owner_id: -223344556, date: 1780000000, text: 'другое сообщество' }),
    event('message_new', { message: { conversation_message_id: 5, date: 1, peer_id: 300000001, from_id: 300000001, text: '', action: { type: 'chat_pin_message' } } }),
  ],
  unreadable: [post('hello'), event('message_new', { message: { text: 'слова пациента' } }), event('message_read', {}), post({ type: 'message_new' })],
  message,
  accepted: { answer: sent(81), sent: { externalId: '300000001:0000000081', parts: 1 } },
  refusals: [
    { name: 'a wrong key', answer: answer('vk-response-5'), class: 'channelPermanent', code: '5', outcome: 'rejected' },
    { name: 'its own fault', answer: answer('vk-response-10'), class: 'transient', code: '10', outcome: 'unknown' },
    { name: 'flood', answer: answer('vk-response-9'), class: 'rateLimited', code: '9', outcome: 'rejected', retryAfterSeconds: 60 },
    { name: 'too many requests in a second', answer: refused(6), class: 'rateLimited', code: '6', outcome: 'rejected', retryAfterSeconds: 1 },
    { name: 'a used up limit', answer: refused(29), class: 'rateLimited', code: '29', outcome: 'rejected', retryAfterSeconds: 300 },
    { name: 'no permission of this person inside a success', answer: answer('vk-response-send-peer-error'), class: 'recipientPermanent', code: '901', outcome: 'rejected' },
    { name: 'the black list', answer: refusedPeer(900), class: 'recipientPermanent', code: '900', outcome: 'rejected' },
    { name: 'privacy', answer: refused(902), class: 'recipientPermanent', code: '902', outcome: 'rejected' },
    { name: 'an unknown person', answer: refused(936), class: 'recipientPermanent', code: '936', outcome: 'rejected' },
    { name: 'a key without the right', answer: refused(15), class: 'channelPermanent', code: '15', outcome: 'rejected' },
    { name: 'a captcha', answer: refused(14), class: 'channelTemporary', code: '14', outcome: 'rejected' },
    { name: 'a wrong keyboard', answer: refused(911), class: 'content', code: '911', outcome: 'rejected' },
    { name: 'a long text', answer: refused(914), class: 'content', code: '914', outcome: 'rejected' },
    { name: 'a code that nobody knows', answer: refused(77_777), class: 'channelTemporary', code: '77777', outcome: 'rejected' },
    { name: 'an answer without a number', answer: { status: 200, json: { response: [{ peer_id: 300000001, message_id: 7 }] } }, class: 'transient', code: 'answer', outcome: 'unknown' },
    { name: 'a redirect', answer: { status: 302, text: '', headers: { location: 'https://example.test/' } }, class: 'channelTemporary', code: '302', outcome: 'rejected' },
  ],
  unauthorized: answer('vk-response-5'),
})

describe('vk: what events mean', () => {
  it('leaves no recorded fixture without a test', () => {
    expect([...Object.keys(meanings), ...nothing, ...refusedVectors, ...answers].sort()).toEqual(vectorNames('vk-'))
  })

  it.each(Object.entries(meanings))('%s', (name, expected) => {
    expect(parse(vector(name))).toEqual(expected)
  })

  it('answers the question whose address this is, before the secret is known and after, and no other community\'s', () => {
    const question = { type: 'confirmation', group_id: 223344556 }
    expect(vk.handshake?.(post(question), credentials)).toBe('vec1conf')
    expect(vk.handshake?.(post({ ...question, secret: form.secret }), credentials)).toBe('vec1conf')
    expect(vk.handshake?.(post({ ...question, group_id: 999 }), credentials)).toBeUndefined()
    expect(vk.handshake?.(vector('message-event'), credentials)).toBeUndefined()
    expect(vk.handshake?.(post('{"confirmation"'), credentials)).toBeUndefined()
    expect(vk.acknowledgement).toBe('ok')
  })

  it('takes one mark of reading for everything before it', () => {
    const [mark] = parse(event('message_read', { from_id: 300000001, peer_id: 300000001, read_message_id: 1508, conversation_message_id: 81 }))
    expect(mark).toEqual({ type: 'receipt', externalId: '300000001:0000000081', coversFrom: '300000001:', level: 'read' })
    // As texts the ids lie in the order of their numbers, and no other chat's lies between.
    const own = [1, 9, 10, 80, 81].map((number) => `300000001:${String(number).padStart(10, '0')}`)
    expect([...own].sort()).toEqual(own)
    const isCovered = (id: string): boolean => id >= '300000001:' && id <= '300000001:0000000081'
    expect(own.every(isCovered)).toBe(true)
    expect(['300000001:0000000082', '30000000:0000000080', '3000000010:0000000001', 'wall:5010'].some(isCovered)).toBe(false)
  })

  it('reads a payload that is an object and one that is JSON alike, and hands a foreign one on', () => {
    const press = (payload: unknown): readonly Inbound[] => parse(event('message_event', { user_id: 300000001, peer_id: 300000001, event_id: 'p1', payload, conversation_message_id: 76 }))
    expect(press('{"a":"confirm:9f2"}')).toEqual(press({ a: 'confirm:9f2' }))
    expect(press({ other: 1 })).toMatchObject([{ type: 'action', payload: '{"other":1}' }])
  })

  it('takes the Start button for a start, and a question that came by a link for both', () => {
    const said = (more: object): readonly Inbound[] => parse(event('message_new', { message: { conversation_message_id: 3, date: 1780000000, peer_id: 300000001, from_id: 300000001, text: 'Здравствуйте', ...more } }))
    expect(said({ text: 'Начать', payload: '{"command":"start"}' })).toMatchObject([{ text: '/start' }])
    expect(said({ ref: 'L_k3Jx9QmZb2' })).toMatchObject([{ text: '/start', startPayload: 'L_k3Jx9QmZb2', externalId: '300000001:0000000003:start' }, { text: 'Здравствуйте', externalId: '300000001:0000000003' }])
    expect(said({ ref: 'не токен!' })).toEqual([{ type: 'message', externalId: '300000001:0000000003', chat: patient, text: 'Здравствуйте', at }])
    expect(said({ payload: '{"button":"of another bot"}' })).toMatchObject([{ type: 'message', text: 'Здравствуйте' }])
  })

  it('hears who allows and who denies messages, and knows a token that a site passed on', () => {
    expect(parse(event('message_allow', { user_id: 300000001, key: '' }))).toEqual([{ type: 'reachability', chat: patient, state: 'active' }])
    expect(parse(event('message_allow', { user_id: 300000001, key: 'L_k3Jx9QmZb2' }))).toMatchObject([{ type: 'reachability', state: 'active' }, { type: 'message', text: '/start', startPayload: 'L_k3Jx9QmZb2' }])
    expect(parse(event('message_deny', { user_id: 300000001 }))).toEqual([{ type: 'reachability', chat: patient, state: 'blocked' }])
  })

  it('reads a patient\'s edit', () => {
    const object = { conversation_message_id: 77, date: 1780000000, update_time: 1780000060, peer_id: 300000001, from_id: 300000001, text: 'Исправлено', attachments: [] }
    expect(parse(event('message_edit', object))).toEqual([{ type: 'edit', externalId: '300000001:0000000077', chat: patient, text: 'Исправлено', at: 1_780_000_060_000 }])
  })

  it('reads files, voices, places, quotes and what is passed on', () => {
    const attachments = [
      { type: 'photo', photo: { sizes: [{ url: 'https://a/s.jpg', width: 75, height: 56 }, { url: 'https://a/x.jpg', width: 604, height: 453 }] } },
      { type: 'doc', doc: { title: 'Анализы', ext: 'pdf', size: 1024, url: 'https://a/d' } },
      { type: 'audio_message', audio_message: { link_ogg: 'https://a/v.ogg', link_mp3: 'https://a/v.mp3' } },
      { type: 'sticker', sticker: { images: [{ url: 'https://a/64.png', width: 64, height: 64 }] } },
      { type: 'video', video: { owner_id: 300000001, id: 5 } },
    ]
    const [said] = parse(
      event('message_new', {
        message: {
          conversation_message_id: 90, date: 1780000000, peer_id: 300000001, from_id: 300000001, text: 'Вот', attachments,
          geo: { type: 'point', coordinates: { latitude: 55.75, longitude: 37.61 }, place: { title: 'Москва' } },
          reply_message: { conversation_message_id: 81, text: 'Подтвердите приём' },
          fwd_messages: [{ text: 'Чужие слова', attachments: [{ type: 'doc', doc: { title: 'b.txt', ext: 'txt', size: 3, url: 'https://a/b' } }], fwd_messages: [] }],
        },
      }),
    )
    expect(said).toEqual({
      type: 'message',
      externalId: '300000001:0000000090',
      chat: patient,
      text: 'Вот\nЧужие слова\nhttps://vk.com/video300000001_5',
      files: [
        { kind: 'image', ref: '300000001:0000000090:0', mimeType: 'image/jpeg' },
        { kind: 'file', ref: '300000001:0000000090:1', name: 'Анализы.pdf', sizeBytes: 1024 },
        { kind: 'voice', ref: '300000001:0000000090:2', mimeType: 'audio/ogg' },
        { kind: 'sticker', ref: '300000001:0000000090:3', mimeType: 'image/png' },
        { kind: 'file', ref: '300000001:0000000090:5', name: 'b.txt', sizeBytes: 3 },
      ],
      place: { latitude: 55.75, longitude: 37.61, title: 'Москва' },
      replyTo: '300000001:0000000081',
      quotedText: 'Подтвердите приём',
      isForwarded: true,
      at,
    })
    expect(parse(event('message_new', { message: { conversation_message_id: 91, date: 1, peer_id: 300000001, from_id: 300000001, text: '', attachments: [{ type: 'poll' }] } }))).toMatchObject([{ text: unsupportedText }])
  })

  it('keeps a comment apart from the private chat, shows where its pictures are, and hears it change and go', () => {
    const comment = { id: 5010, from_id: 300000001, date: 1780000000, text: 'Смотрите', post_id: 412, owner_id: -223344556, attachments: [{ type: 'photo' }] }
    expect(parse(event('wall_reply_edit', comment))).toEqual([{ type: 'edit', externalId: 'wall:5010', chat: thread, text: 'Смотрите\nhttps://vk.com/wall-223344556_412?reply=5010', at }])
    expect(parse(event('wall_reply_delete', { owner_id: -223344556, id: 5010, user_id: 300000001, post_id: 412 }))).toEqual([{ type: 'delete', externalId: 'wall:5010', chat: thread }])
    expect(vk.isPublic?.(thread.id)).toBe(true)
    expect(vk.isPublic?.(patient.id)).toBe(false)
  })
})

describe('vk: what is asked of VK', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = () => ({ credentials: vk.parseCredentials({ ...form, baseUrl: vendor.url }), http, signal: new AbortController().signal })
  const ok = (response: unknown): Reply => ({ status: 200, json: { response } })
  const hookUrl = 'https://clinic.example/hooks/vk/1'
  const facts = [ok({ groups: [{ id: 223344556, name: 'Клиника «Пример»', screen_name: 'klinika' }], profiles: [] }), ok({ mask: 4 + 4096 + 131_072 + 262_144, permissions: [] })]
  const told = ok({ api_version: '5.199', events: { message_new: 1, message_read: 1, wall_reply_new: 1, photo_new: 0 } })

  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends by peer_ids with the key in the body, a random id of our own and buttons of JSON', async () => {
    vendor.replies(sent(81))
    await vk.send({ ...message, replyTo: '300000001:0000000077' }, context())
    const [asked] = vendor.asked
    expect(asked).toMatchObject({ method: 'POST', path: '/method/messages.send', query: {} })
    expect(asked?.body).toMatchObject({ access_token: form.accessToken, v: '5.199', peer_ids: '300000001', message: message.text, dont_parse_links: '1', group_id: '223344556' })
    expect(JSON.parse(asked?.body.keyboard)).toEqual({ inline: true, buttons: [[{ action: { type: 'callback', label: 'Приду', payload: '{"a":"c:1"}' }, color: 'primary' }]] })
    expect(JSON.parse(asked?.body.forward)).toEqual({ peer_id: 300000001, conversation_message_ids: [77], is_reply: true })
  })

  it('F05 gives the same message the same random id, another one another, and never none', async () => {
    const idOf = async (ref: string): Promise<string> => {
      vendor.replies(sent(81))
      await vk.send({ ...message, ref }, context())
      return vendor.asked[0]?.body.random_id
    }
    // The same number under another name is another message.
    const [first, again, other] = [await idOf('msg.5'), await idOf('msg.5'), await idOf('say.5')]
    expect(again).toBe(first)
    expect(other).not.toBe(first)
    expect(Number(first)).toBeGreaterThan(0)
    expect(Number(first)).toBeLessThan(2 ** 31)
    const items = [{ conversation_message_id: 90, random_id: 1 }, { conversation_message_id: 88, random_id: Number(first) }]
    vendor.replies(ok({ count: 2, items }))
    expect(await vk.lookUp?.({ ...message, ref: 'msg.5' }, context())).toEqual({ externalId: '300000001:0000000088', parts: 1 })
    expect(await vk.lookUp?.({ ...message, ref: 'msg.6' }, context())).toBeUndefined()
  })

  it('takes the answer of older versions for what it is', async () => {
    vendor.replies(answer('vk-response-send-ok'))
    expect(await vk.send(message, context())).toEqual({ externalId: '300000001:id1508', parts: 1 })
  })

  it.each(['durov', '-223344556', '2000000001', '0', 'id1'])('F19 writes to nobody under %s', async (to) => {
    vendor.replies(sent(81))
    await expect(vk.send({ ...message, to }, context())).rejects.toMatchObject({ failure: { class: 'recipientPermanent' }, outcome: 'rejected' })
    expect(vendor.asked).toHaveLength(0)
  })

  it('says under a comment nothing but an invitation, whatever it is given, once for a thread', async () => {
    const facts = 'Ваши анализы готовы, приём у кардиолога завтра в 10:00'
    const bytes = Buffer.from('x')
    const guids: string[] = []
    for (const more of [{ text: facts }, { text: '', file: { kind: 'file', name: 'анализы.pdf', mimeType: 'application/pdf', bytes } }] as const) {
      vendor.replies(ok({ comment_id: 5020, parents_stack: [5010] }))
      const result = await vk.send({ ...message, ref: `msg.${guids.length}`, ...more, to: thread.id }, context())
      expect(result).toEqual({ externalId: `wall:5020:msg.${guids.length}`, parts: 1, instead: expect.stringContaining('https://vk.me/club223344556') })
      expect(vendor.asked).toHaveLength(1)
      expect(vendor.asked[0]).toMatchObject({ path: '/method/wall.createComment', body: { owner_id: '-223344556', post_id: '412', reply_to_comment: '5010', from_group: '223344556', message: result.instead } })
      expect(JSON.stringify(vendor.asked[0]?.body)).not.toMatch(/анализ|кардиолог|приём/i)
      guids.push(vendor.asked[0]?.body.guid)
    }
    expect(new Set(guids).size).toBe(1)
    await expect(vk.edit?.({ externalId: 'wall:5020:msg.1', to: thread.id, text: facts, isCaption: false }, context())).rejects.toMatchObject({ failure: { class: 'content' } })
    await expect(vk.remove?.({ externalId: 'wall:5020:msg.1', to: thread.id }, context())).rejects.toMatchObject({ failure: { class: 'content' } })
    expect(await vk.lookUp?.({ ...message, to: thread.id }, context())).toBeUndefined()
  })

  it('connects: checks the confirmation string, adds its server, asks for its events alone', async () => {
    vendor.replies(ok({ code: 'vec1conf' }), ok({ count: 1, items: [{ id: 1, url: 'https://other.example', status: 'ok' }] }), ok({ server_id: 3 }), ok(1), ...facts, ok({ count: 2, items: [{ id: 3, url: hookUrl, status: 'ok' }] }), told)
    expect(await vk.connect({ ...context(), hookUrl })).toEqual({ title: '@klinika', details: [{ label: expect.anything(), value: 'Клиника «Пример»' }] })
    expect(vendor.asked.map(({ path }) => path.slice(8))).toEqual([
      'groups.getCallbackConfirmationCode', 'groups.getCallbackServers', 'groups.addCallbackServer', 'groups.setCallbackSettings', 'groups.getById', 'groups.getTokenPermissions', 'groups.getCallbackServers', 'groups.getCallbackSettings',
    ])
    expect(vendor.asked[2]?.body).toMatchObject({ group_id: '223344556', url: hookUrl, title: 'Estafeta', secret_key: form.secret })
    expect(vendor.asked[3]?.body).toMatchObject({ server_id: '3', api_version: '5.199', message_new: '1', message_read: '1', message_event: '1', wall_reply_new: '1' })
  })

  it('changes its server where it is there already, and its own secret fits into fifty characters', async () => {
    const own = vk.parseCredentials({ ...form, secret: '' })
    expect(own.secret).toMatch(/^[0-9a-f]{50}$/)
    vendor.replies(ok({ code: 'vec1conf' }), ok({ count: 1, items: [{ id: 3, url: hookUrl, status: 'ok' }] }), ok(1), ok(1), ...facts, ok({ count: 1, items: [{ id: 3, url: hookUrl, status: 'ok' }] }), told)
    await vk.connect({ ...context(), hookUrl })
    expect(vendor.asked[2]).toMatchObject({ path: '/method/groups.editCallbackServer', body: { server_id: '3' } })
  })

  it('F41 refuses a confirmation string that is not the community\'s, sees a lost server, and warns of missing rights', async () => {
    vendor.replies(ok({ code: 'another' }))
    await expect(vk.connect({ ...context(), hookUrl })).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'confirmation' } })
    vendor.replies(facts[0]!, ok({ mask: 4096 }), ok({ count: 0, items: [] }))
    expect(await vk.check({ ...context(), hookUrl })).toMatchObject({ isHookLost: true, warnings: [{ ru: expect.stringContaining('фотографии') }, { ru: expect.stringContaining('документы') }] })
    vendor.replies(...facts, ok({ count: 1, items: [{ id: 3, url: hookUrl, status: 'failed' }] }), told)
    expect(await vk.check({ ...context(), hookUrl })).toMatchObject({ warnings: [{ ru: expect.stringContaining('не смог передать') }] })
    vendor.replies(facts[0]!, ok({ mask: 4 }))
    await expect(vk.check(context())).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'rights' } })
  })

  it('takes only its own server away', async () => {
    vendor.replies(ok({ count: 2, items: [{ id: 1, url: 'https://other.example' }, { id: 3, url: hookUrl }] }), ok(1))
    await vk.disconnect({ ...context(), hookUrl })
    expect(vendor.asked[1]).toMatchObject({ path: '/method/groups.deleteCallbackServer', body: { server_id: '3' } })
  })

  it('ends the wait of a button, and leaves one alone that wrote a message', async () => {
    vendor.replies(ok(1))
    await vk.answerAction?.({ externalId: 'feleyinek', chatId: '300000001', text: 'Спасибо' }, context())
    expect(vendor.asked[0]).toMatchObject({ path: '/method/messages.sendMessageEventAnswer', body: { event_id: 'feleyinek', user_id: '300000001', peer_id: '300000001', event_data: '{"type":"show_snackbar","text":"Спасибо"}' } })
    await vk.answerAction?.({ externalId: '300000001:0000000079', chatId: '300000001', text: 'Спасибо' }, context())
    expect(vendor.asked).toHaveLength(1)
    vendor.replies(refused(100))
    await vk.answerAction?.({ externalId: 'feleyinek', chatId: '300000001', text: 'Спасибо' }, context())
  })
})
