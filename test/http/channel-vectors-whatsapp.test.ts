import { describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { blocked, broken, failed, failedForAll, heard, nobody, pressed, reached, repliedByPhone, stranger, untouched, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'
import { query, raw, until } from './support.ts'

const form = { phoneNumberId: '106540352242922', businessAccountId: '102290129340398', accessToken: 'EAAtesttoken0001', appSecret: 'vec-app-secret-0001', verifyToken: 'vec-verify-token', baseUrl: nobody }
const wamid = 'wamid.HBgLNzkwMDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA'
const subject: Subject = { channel: 'whatsapp', form, to: '+79000000001', message: wamid }

const signed = (body: Buffer | string): RawRequest => post(body.toString(), { 'x-hub-signature-256': `sha256=${createHmac('sha256', form.appSecret).update(body).digest('hex')}` })
const status = (name: string): RawRequest => webhook(`wa-cloud-status-${name}`)

const replay = replayVectors(subject, {
  prefix: 'wa-cloud-',
  effects: {
    'batch-mixed': { ...reached('delivered'), people: stranger.people, messages: 2, said: ['findContact'] },
    'echo-from-business-app': heard,
    'inbound-button-reply': pressed,
    'inbound-contacts': { ...heard, said: ['notOwn'] },
    'inbound-document': repliedByPhone,
    'inbound-list-reply': pressed,
    'inbound-location': repliedByPhone,
    'inbound-number-changed': blocked,
    'inbound-text-duplicate': repliedByPhone,
    'inbound-unsupported': repliedByPhone,
    'inbound-voice': repliedByPhone,
    'no-known-content': {},
    'status-delivered-after-failed': { parked: 1 },
    'status-delivered-after-read': reached('delivered'),
    'status-duplicate': reached('delivered'),
    'status-failed-130472': failed('130472'),
    'status-failed-131026': failed('131026'),
    'status-failed-131031': failedForAll('131031'),
    'status-failed-131047': failed('131047'),
    'status-failed-131049': failed('131049'),
    'status-failed-131056': failed('131056'),
    'status-failed-after-delivered': failed('131026'),
    'status-played': reached('read'),
    'status-read': reached('read'),
    'status-read-without-delivered': { parked: 1 },
    'status-sent': { proof: 'sent' },
    'status-sent-after-delivered': { proof: 'sent' },
    'status-unknown-value': {},
    'template-disabled': {},
    'template-paused': {},
    'template-unknown-event': {},
  },
  forged: ['missing-signature'],
  unreadable: [],
  apart: ['verify-handshake', 'verify-handshake-wrong-token'],
  rewrite: (request) => signed(spaced(request)),
  forge: (request) => [{}, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }].map((headers): RawRequest => ({ ...request, headers })).concat([{ ...request, body: spaced(request) }]),
})

describe('receipts in any order', () => {
  it('F07 F08 never take anything back', async () => {
    const line = await replay.openLine({ proof: 'read' })
    const seen: unknown[] = []
    for (const name of ['duplicate', 'sent-after-delivered', 'failed-after-delivered', 'read', 'delivered-after-read', 'sent', 'failed-131026', 'played']) {
      await replay.send(line, status(name))
      const { status: state, proof, failure } = await replay.traceOf(line)
      seen.push([name, state, proof, failure])
    }
    expect(seen).toEqual([
      ['duplicate', 'running', 'delivered', null],
      ['sent-after-delivered', 'running', 'delivered', null],
      ['failed-after-delivered', 'running', 'delivered', null],
      ['read', 'reached', 'read', null],
      ['delivered-after-read', 'reached', 'read', null],
      ['sent', 'reached', 'read', null],
      ['failed-131026', 'reached', 'read', null],
      ['played', 'reached', 'read', null],
    ])
  })

  it('F40 a delivery after a failure is the truth', async () => {
    const line = await replay.openLine()
    await replay.send(line, status('failed-131049'))
    expect(await replay.traceOf(line)).toMatchObject(failed('131049'))
    await replay.send(line, status('duplicate'))
    expect(await replay.traceOf(line)).toMatchObject({ status: 'reached', state: 'out', proof: 'delivered', failure: null })
  })

  it('F09 that come before the send has answered wait for it', async () => {
    const line = await replay.openLine({ externalId: 'not-known-yet' })
    await replay.send(line, status('duplicate'))
    expect(await replay.traceOf(line)).toMatchObject({ status: 'running', proof: 'accepted', parked: 1 })
    await query(replay.board().stage.app, `update attempts set external_id = '${wamid}' where delivery_id = '${line.delivery.id}'`)
    await until('the receipt found its message', async () => (await replay.traceOf(line)).status === 'reached')
    expect(await replay.traceOf(line)).toMatchObject({ proof: 'delivered', parked: 0 })
  })

  it('I9 F18 count for the connection they came through only', async () => {
    const [line, other] = [await replay.openLine(), await replay.openLine()]
    await replay.send(line, status('duplicate'))
    expect(await replay.traceOf(line)).toMatchObject(reached('delivered'))
    expect(await replay.traceOf(other)).toEqual(untouched)
  })

  it('that all arrive at the same moment leave the strongest', async () => {
    const line = await replay.openLine({ proof: 'read' })
    const all = ['sent', 'duplicate', 'read', 'failed-131026', 'played', 'sent-after-delivered', 'delivered-after-read']
    await Promise.all(all.flatMap((name) => [name, name]).map((name) => replay.send(line, status(name))))
    expect(await replay.traceOf(line)).toMatchObject({ status: 'reached', state: 'out', proof: 'read', failure: null })
  })
})

it('a truncated body, signed all the same, is kept with the reason', async () => {
  const line = await replay.openLine()
  expect((await replay.send(line, signed('{"object":"whatsapp_business_account","entry":[{'))).status).toBe(200)
  expect(await replay.board().keptOf(line)).toMatchObject([{ state: 'unreadable' }])
})

describe('the handshake of Meta', () => {
  it('is answered with the challenge when the word is right, else with nothing', async () => {
    const line = await replay.openLine()
    const right = await replay.send(line, webhook('wa-cloud-verify-handshake'))
    expect([right.status, right.body, right.headers['content-type']]).toEqual([200, '1158201444', expect.stringContaining('text/plain')])
    const wrong = await replay.send(line, webhook('wa-cloud-verify-handshake-wrong-token'))
    expect([wrong.status, wrong.body]).toEqual([403, ''])
  })

  it.each([
    'hub.mode=subscribe&hub.verify_token=a&hub.verify_token=b&hub.challenge=1',
    'hub.mode=subscribe&hub.verify_token=vec-verify-token&hub.challenge=%3Cscript%3E',
    'hub.mode=subscribe&hub.verify_token=vec-verify-token',
    'hub.mode[]=subscribe',
    '',
  ])('?%s is refused and breaks nothing', async (search) => {
    const line = await replay.openLine()
    const reply = await raw(replay.board().stage.app.origin, `${line.hook}?${search}`)
    expect([reply.status, reply.body]).toEqual([403, ''])
  })
})

const bsuid = 'RU.13491208655302741918'
const change = (field: string, value: object, id = form.businessAccountId): object => ({ id, changes: [{ field, value }] })
const value = (more: object): object => ({ messaging_product: 'whatsapp', metadata: { display_phone_number: '15550783881', phone_number_id: form.phoneNumberId }, ...more })
const update = (...entry: readonly object[]): RawRequest => signed(JSON.stringify({ object: 'whatsapp_business_account', entry }))
const told = (more: object): RawRequest => update(change('messages', value({ statuses: [{ id: wamid, status: 'delivered', timestamp: '1749416402', recipient_id: '79000000001', ...more }] })))
const plain = { from: '79000000001', id: 'wamid.N1', timestamp: '1749416383', type: 'text', text: { body: 'Да' } }
const wrote = (more: object, contacts: unknown = [{ profile: { name: 'Иван' }, wa_id: '79000000001' }]): RawRequest => update(change('messages', value({ contacts, messages: [{ ...plain, ...more }] })))
const account = (event: string, more: object = {}): RawRequest => update(change('account_update', { phone_number: '15550783881', event, ...more }))

it.each<[string, RawRequest, object]>([
  ['a status with its time as a number', told({ timestamp: 1_749_416_402 }), reached('delivered')],
  ['a status with its time in milliseconds', told({ timestamp: '1749416402123' }), reached('delivered')],
  ['a status without a time and a recipient', told({ timestamp: null, recipient_id: undefined, status: 'read' }), reached('read')],
  ['a price with the status', told({ conversation: { id: 'c', origin: { type: 'utility' }, expiration_timestamp: '1' }, pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' } }), reached('delivered')],
  ['a failure without a reason', told({ status: 'failed' }), failed('failed')],
  ['a failure whose code is a text', told({ status: 'failed', errors: [{ code: '131026', title: 'x', error_data: { details: 'y' } }] }), failed('131026')],
  ['a failure whose errors are none', told({ status: 'failed', errors: [{ title: 'x' }] }), failed('failed')],
  ['a failure with a code of tomorrow', told({ status: 'failed', errors: [{ code: 139999 }] }), failed('139999')],
  ['a stop of advertising', told({ status: 'failed', errors: [{ code: 131050 }] }), failed('131050')],
  ['a status that was deleted', told({ status: 'deleted' }), {}],
  ['a reaction to the reminder', wrote({ type: 'reaction', text: undefined, reaction: { message_id: wamid, emoji: '👍' } }), reached('read')],
  ['a person without a number', wrote({ from: undefined, from_user_id: bsuid }, [{ profile: { name: 'Иван' }, user_id: bsuid }]), { ...heard, said: ['askContact'] }],
  ['nobody', wrote({ from: undefined }), {}],
  ['a number with 8', wrote({ from: '89000000001' }, []), repliedByPhone],
  ['names in no known shape', wrote({}, 'nobody'), repliedByPhone],
  ['a group', wrote({ group_id: 'g1' }), {}],
  ['our own number', wrote({ from: '15550783881' }), {}],
  ['an answer to the reminder', wrote({ context: { from: '15550783881', id: wamid } }), repliedByPhone],
  ['a button of a template', wrote({ type: 'button', text: undefined, button: { payload: 'confirm:1', text: 'Приду' }, context: { from: '15550783881', id: wamid } }), pressed],
  ['a button without a payload', wrote({ type: 'button', text: undefined, button: { text: 'Приду' } }), repliedByPhone],
  ['an order', wrote({ type: 'order', text: undefined, order: { catalog_id: '1', product_items: [] } }), repliedByPhone],
  ['a click on an advertisement', wrote({ referral: { source_url: 'https://fb.example', source_type: 'ad' } }), repliedByPhone],
  ['a sticker without a kind', wrote({ type: 'sticker', text: undefined, sticker: { id: '1', animated: false } }), repliedByPhone],
  ['a system notice that nobody knows', wrote({ type: 'system', text: undefined, system: { type: 'x', body: 'y' } }), {}],
  ['another number of the account', update(change('messages', { ...value({ messages: [plain] }), metadata: { phone_number_id: '1' } })), {}],
  ['two numbers of the account in one update', update(change('messages', { ...value({ messages: [plain] }), metadata: { phone_number_id: '1' } }), change('messages', value({ messages: [plain] }))), repliedByPhone],
  ['an update of several fields', update(change('phone_number_quality_update', { event: 'FLAGGED', current_limit: 'TIER_250' }), change('user_preferences', { user_preferences: [{ category: 'marketing_messages', value: 'stop' }] }), change('messages', value({ statuses: [{ id: wamid, status: 'sent', timestamp: '1' }] }))), { proof: 'sent' }],
  ['a banned account', account('DISABLED_UPDATE', { ban_info: { waba_ban_state: 'DISABLE', waba_ban_date: 'x' } }), broken('DISABLED_UPDATE')],
  ['a scheduled ban', account('DISABLED_UPDATE', { ban_info: { waba_ban_state: 'SCHEDULE_FOR_DISABLE' } }), {}],
  ['another account', update(change('account_update', { event: 'ACCOUNT_DELETED' }, '999')), {}],
  ['a locked number', update(change('messages', value({ errors: [{ code: 131031, title: 'x' }] }))), broken('131031')],
  ['nothing', update(), {}],
  ['lists that are null', update(change('messages', value({ messages: null, statuses: null, contacts: null }))), {}],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('F09 a lost answer is healed by our own id that the status echoes', async () => {
  const line = await replay.openLine({ externalId: 'never-told' })
  await replay.send(line, told({ biz_opaque_callback_data: line.delivery.attempts[0]!.id }))
  expect(await replay.traceOf(line)).toMatchObject({ ...reached('delivered'), parked: 0 })
})

it('one part of an update that cannot be read takes none of the others along, and the whole is kept with the reason', async () => {
  const line = await replay.openLine()
  const request = update(change('messages', value({ messages: [{ type: 'text' }, plain], statuses: [{ status: 'read' }, { id: wamid, status: 'delivered', timestamp: '1' }] })), change('account_update', {}))
  expect((await replay.send(line, request)).status).toBe(200)
  expect(await replay.traceOf(line)).toMatchObject({ status: 'reached', messages: 1 })
  expect(await replay.board().keptOf(line)).toMatchObject([{ state: 'unreadable' }])
})
