import { describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { blocked, failed, heard, nobody, pressed, reached, repliedByPhone, stranger, untouched, type Subject } from './channel-line.ts'
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
    'status-failed-131031': failed('131031'),
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
