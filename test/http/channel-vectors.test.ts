import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { saveConnection } from '../../src/db/connections.ts'
import { insertDeliveries, saveDeliveries } from '../../src/db/deliveries.ts'
import { type Delivery } from '../../src/domain/delivery.ts'
import { attemptId, connectionId, deliveryId, portalId, routeId, type ConnectionId } from '../../src/domain/ids.ts'
import { type Proof } from '../../src/domain/receipt.ts'
import { patientWords } from '../../src/flows/chat-words.ts'
import { post as webhookOf, vectorNames, webhook } from '../contract/vectors.ts'
import { count, inboxIsEmpty, query, raw, refillBudget, startInstalledStage, until, type Reply } from './support.ts'

/** Credentials that the samples were signed with; the vendors themselves are out of reach, nothing is to be sent to them. */
const nobody = 'http://127.0.0.1:1'
const forms = {
  whatsapp: { phoneNumberId: '106540352242922', businessAccountId: '102290129340398', accessToken: 'EAAtesttoken0001', appSecret: 'vec-app-secret-0001', verifyToken: 'vec-verify-token', baseUrl: nobody },
  telegram: { botToken: '7000000001:AAvecTelegramToken-0001', webhookSecret: 'vec_tg_secret-1', apiRoot: nobody },
  max: { token: 'vec-max-bot-token', webhookSecret: 'vec_max-secret_01', baseUrl: nobody },
  smsc: { apiKey: 'vec-smsc-api-key', sender: 'CLINIC', callbackSecret: 'vec-smsc-secret', baseUrl: nobody },
} as const
type ChannelId = keyof typeof forms
const prefixes: Record<ChannelId, string> = { whatsapp: 'wa-cloud-', telegram: 'telegram-', max: 'max-', smsc: 'sms-smsc-' }
/** Where each channel's sample patient is written to, and the message that the samples are about. */
const addresses: Record<ChannelId, string> = { whatsapp: '+79000000001', telegram: '500000001', max: '123456789', smsc: '+79000000001' }
const messages: Record<ChannelId, string> = { whatsapp: 'wamid.HBgLNzkwMDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA', telegram: '500000001:90', max: 'mid.out1', smsc: '1001' }

let stage: Awaited<ReturnType<typeof startInstalledStage>>
beforeAll(async () => {
  stage = await startInstalledStage()
})
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

interface Line {
  readonly connection: ConnectionId
  readonly hook: string
  readonly delivery: Delivery
}

/** A connection of its own, with one notification that the vendor has accepted and nothing is known of. */
const openLine = async (channel: ChannelId, options: { externalId?: string; proof?: Proof } = {}): Promise<Line> => {
  const { db, secrets } = stage.app.deps
  const portal = portalId(stage.world.portal.memberId)
  const connection = connectionId(`c-${randomBytes(8).toString('hex')}`)
  const hookKey = randomBytes(16).toString('hex')
  await saveConnection(db, {
    portalId: portal, id: connection, channel, name: channel, state: 'working', problem: undefined, sealedCredentials: secrets.seal(JSON.stringify(forms[channel])), hookKey, title: channel, details: [], checkedAt: new Date(),
  })
  const now = Date.now()
  const id = deliveryId(crypto.randomUUID())
  const delivery: Delivery = {
    id, portalId: portal, dealId: String(stage.world.dealId), purpose: 'reminder', text: 'Ждём вас', status: 'running', phase: 'trying', step: 0,
    route: { id: routeId('r'), name: 'Маршрут', stopsWhenDealMoves: false, steps: [{ kind: 'channel', connectionId: connection, proof: options.proof ?? 'delivered', minutes: 60, content: {} }] },
    attempts: [{ id: attemptId(id, 0), step: 0, connectionId: connection, state: 'out', startedAt: now, budgetMs: 3_600_000, tries: 1, to: addresses[channel], externalId: options.externalId ?? messages[channel], parts: 1, proof: 'accepted', times: { accepted: now } }],
    startedAt: now, contactId: String(stage.world.contactId), taskGiven: false, fired: [],
  }
  await db.transaction().execute(async (trx) => {
    const before: Delivery = { ...delivery, phase: 'looking', step: -1, attempts: [], contactId: undefined }
    await insertDeliveries(trx, [{ delivery: before, triggerKey: id }])
    await saveDeliveries(trx, [{ old: before, delivery }])
  })
  return { connection, hook: `/hooks/${channel}/${hookKey}`, delivery }
}

const send = async (hook: string, request: RawRequest): Promise<Reply> => {
  const path = request.method === 'GET' ? `${hook}?${new URLSearchParams(request.query as Record<string, string>).toString()}` : hook
  const headers = Object.fromEntries(Object.entries(request.headers).filter((entry): entry is [string, string] => entry[1] !== undefined))
  const reply = await raw(stage.app.origin, path, { method: request.method, headers, body: request.method === 'GET' ? undefined : request.body })
  await inboxIsEmpty(stage.app)
  return reply
}

/** Which of our own sentences the patient got. */
const wordOf = (body: string): string => Object.entries(patientWords).find(([, text]) => text === body)?.[0].replace('askContactWithoutButton', 'askContact') ?? body

/** Everything that a webhook may change, in one value. */
const traceOf = async ({ connection, delivery }: Line): Promise<Record<string, unknown>> => {
  const closes = (await query(stage.app, `select status from deliveries where delivery_id = '${delivery.id}' and phase = 'looking'`)).length > 0
  if (closes) await until('the look at the deal is over', async () => (await count(stage.app, 'deliveries', `delivery_id = '${delivery.id}' and phase = 'looking'`)) === 0)
  const [row] = await query(stage.app, `select d.status, d.answer, a.state, a.proof, a.failure->>'code' as failure from deliveries d join attempts a using (portal_id, delivery_id) where d.delivery_id = '${delivery.id}'`)
  const said = await query<{ kind: string; what: string | null }>(stage.app, `select kind, payload->>'what' as what from outbox where connection_id = '${connection}' order by id`)
  const spoken = await query<{ body: string }>(stage.app, `select body from messages where connection_id = '${connection}' and author = 'robot' order by message_id`)
  const [own] = await query<{ state: string; problem: string | null }>(stage.app, `select state, problem from connections where connection_id = '${connection}'`)
  const people = await query(stage.app, `select state, contact_id from identities where connection_id = '${connection}' order by external_id`)
  return {
    ...row,
    said: [...said.map(({ kind, what }) => what ?? kind), ...spoken.map(({ body }) => wordOf(body))],
    connection: own!.problem ?? own!.state,
    people,
    messages: await count(stage.app, 'patient_messages', `connection_id = '${connection}'`),
    parked: await count(stage.app, 'parked_receipts', `connection_id = '${connection}'`),
  }
}
const untouched = { status: 'running', answer: null, state: 'out', proof: 'accepted', failure: null, said: [], connection: 'working', people: [], messages: 0, parked: 0 }

const reached = (proof: Proof): object => ({ status: 'reached', proof })
const failed = (code: string): object => ({ status: 'notReached', state: 'failed', failure: code })
const known = [{ state: 'active', contact_id: null }]
/** What a patient wrote or pressed ends the reminder: they have it, and staff take over. */
const replied = { status: 'reached', answer: 'replied', proof: 'acted', people: known, messages: 1 }
/** A messenger that vouches for the phone lets the person be looked up without a question. */
const repliedByPhone = { ...replied, said: ['findContact'] }
const askedFor = { said: ['askContact'] }
const blocked = { ...failed('blocked'), people: [{ state: 'blocked', contact_id: null }] }

/** What differs from `untouched` after each sample. */
const effects: Record<ChannelId, Record<string, object>> = {
  whatsapp: {
    'batch-mixed': { status: 'reached', proof: 'delivered', people: known, messages: 2, said: ['findContact'] },
    'echo-from-business-app': { people: known, messages: 1 },
    'inbound-button-reply': { ...replied, said: ['pressed'] },
    'inbound-contacts': { people: known, messages: 1, said: ['notOwn'] },
    'inbound-document': repliedByPhone,
    'inbound-list-reply': { ...replied, said: ['pressed'] },
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
  telegram: {
    blocked,
    'callback-query-double-tap': { ...replied, said: ['pressed'] },
    'callback-query-foreign-user': {},
    'callback-query-inaccessible': { ...replied, said: ['pressed'] },
    'contact-foreign-country': { people: known, messages: 1, said: ['findContact'] },
    'contact-foreign': { people: known, messages: 1, said: ['notOwn'] },
    'contact-forwarded-own': { people: known, messages: 1, said: ['findContact'] },
    'contact-own': { people: known, messages: 1, said: ['findContact'] },
    'contact-without-user-id': { people: known, messages: 1, said: ['notOwn'] },
    'edited-message': { messages: 1 },
    'group-message': {},
    'inbound-document-too-big': { ...replied, ...askedFor },
    'inbound-document': { ...replied, ...askedFor },
    'inbound-photo': { ...replied, ...askedFor },
    'inbound-text-duplicate': { ...replied, ...askedFor },
    'inbound-text': { ...replied, ...askedFor },
    'inbound-voice': { ...replied, ...askedFor },
    'reply-to-bot': { ...replied, ...askedFor },
    'start-payload-garbage': { people: known, messages: 1, ...askedFor },
    'start-payload': { people: known, messages: 1, ...askedFor },
    'start-plain': { people: known, messages: 1, ...askedFor },
    unblocked: { people: known },
    'unknown-update': {},
  },
  max: {
    'bot-started-plain': { people: known, messages: 1, ...askedFor },
    'bot-stopped': blocked,
    'callback-message-null': { ...replied, said: ['pressed'] },
    callback: { ...replied, said: ['pressed'] },
    'contact-bad-hash': { people: known, messages: 1, said: ['notOwn'] },
    'contact-foreign': { people: known, messages: 1, said: ['notOwn'] },
    'contact-lf-newlines': { people: known, messages: 1, said: ['notOwn'] },
    'contact-no-hash': { people: known, messages: 1, said: ['notOwn'] },
    'contact-verified': { people: known, messages: 1, said: ['findContact'] },
    'dialog-cleared': {},
    'dialog-muted': {},
    'dialog-removed': blocked,
    'dialog-unmuted': {},
    'inbound-file': { ...replied, ...askedFor },
    'inbound-group': {},
    'inbound-image': { ...replied, ...askedFor },
    'inbound-text-duplicate': { ...replied, ...askedFor },
    'message-edited': { messages: 1 },
    'message-removed': { messages: 1 },
    'utf8-split': { ...replied, ...askedFor },
  },
  smsc: {
    'dlr-delivered': reached('delivered'),
    'dlr-duplicate': reached('delivered'),
    'dlr-impossible-no-subscriber': { parked: 1 },
    'dlr-no-funds': { parked: 1 },
    'dlr-operator-rejected': { parked: 1 },
    'dlr-to-operator': { proof: 'sent' },
    'mo-stop': repliedByPhone,
  },
}
const channelIds = Object.keys(forms) as ChannelId[]
const samples = channelIds.flatMap((channel) => Object.entries(effects[channel]).map(([name, effect]) => [`${prefixes[channel]}${name}`, channel, effect] as const))
const forged: readonly (readonly [string, ChannelId])[] = [['wa-cloud-missing-signature', 'whatsapp'], ['telegram-missing-secret', 'telegram'], ['max-bad-secret', 'max'], ['sms-smsc-dlr-bad-md5', 'smsc']]
const unreadable: readonly (readonly [string, ChannelId])[] = [['telegram-malformed', 'telegram'], ['max-malformed', 'max'], ['max-missing-update-type', 'max']]

it('no webhook sample is left out', () => {
  const handshakes = ['wa-cloud-verify-handshake', 'wa-cloud-verify-handshake-wrong-token']
  const recorded = channelIds.flatMap((channel) => vectorNames(prefixes[channel]).map((name) => `${prefixes[channel]}${name}`)).filter((name) => !name.includes('-response-'))
  expect([...samples.map(([name]) => name), ...[...forged, ...unreadable].map(([name]) => name), ...handshakes].sort()).toEqual(recorded.sort())
})

describe('a webhook of a messenger', () => {
  it.each(samples)('%s is answered at once, has its effect once, and a repetition changes nothing', async (name, channel, effect) => {
    const line = await openLine(channel)
    const request = webhook(name)
    const reply = await send(line.hook, request)
    expect([reply.status, reply.body]).toEqual([200, ''])
    expect(reply.durationMs).toBeLessThan(1000)
    await until('the effect of a found contact', async () => (await count(stage.app, 'outbox', `connection_id = '${line.connection}' and kind = 'findContact' and state <> 'done'`)) === 0)
    const first = await traceOf(line)
    const isFound = (effect as { said?: string[] }).said?.includes('findContact') === true
    expect(first).toMatchObject({ ...untouched, ...effect, ...(isFound ? { said: expect.arrayContaining(['findContact']), people: [expect.anything()] } : {}) })
    await send(line.hook, request)
    expect(await count(stage.app, 'inbox', `connection_id = '${line.connection}'`)).toBe(1)
    // The same events in other bytes: vendors write a repetition anew.
    const rewritten = resigned(channel, request)
    if (rewritten !== undefined) await send(line.hook, rewritten)
    const again = await traceOf(line)
    // A message that is not ours, or not yet, waits for its send; it waits as often as it is told.
    expect({ ...again, parked: undefined }).toEqual({ ...first, parked: undefined })
  })

  it('max-utf8-split is read whole when the network cuts it inside a letter', async () => {
    const line = await openLine('max')
    const request = webhook('max-utf8-split')
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value!]))
    const inside = request.body.indexOf('Привет') + 1
    expect((await raw(stage.app.origin, line.hook, { headers, body: request.body, splitAt: inside })).status).toBe(200)
    const [row] = await query<{ body: Buffer }>(stage.app, `select body from inbox where connection_id = '${line.connection}'`)
    expect(row!.body.equals(request.body)).toBe(true)
  })

  it('D4 the card that the patient shared binds the account to the contact with that number, and to no other', async () => {
    for (const [name, channel, contact] of [['telegram-contact-own', 'telegram', stage.world.contactId], ['max-contact-verified', 'max', stage.world.contactId], ['telegram-contact-foreign', 'telegram', null], ['max-contact-bad-hash', 'max', null]] as const) {
      const line = await openLine(channel)
      await send(line.hook, webhook(name))
      await until('the contact was looked up', async () => (await count(stage.app, 'outbox', `connection_id = '${line.connection}' and kind = 'findContact' and state <> 'done'`)) === 0)
      expect([name, (await traceOf(line)).people]).toEqual([name, [{ state: 'active', contact_id: contact === null ? null : String(contact) }]])
    }
  })
})

/** The same update with a space more, signed by the same secret; undefined where the body is a form. */
const resigned = (channel: ChannelId, request: RawRequest): RawRequest | undefined => {
  if (channel === 'smsc') return undefined
  const body = Buffer.from(`${request.body.toString('utf8')} `)
  const signature = createHmac('sha256', forms.whatsapp.appSecret).update(body).digest('hex')
  return { ...request, body, headers: { ...request.headers, ...(channel === 'whatsapp' ? { 'x-hub-signature-256': `sha256=${signature}` } : {}) } }
}

describe('receipts in any order', () => {
  const status = (name: string): RawRequest => webhook(`wa-cloud-status-${name}`)

  it('F07 F08 never take anything back', async () => {
    const line = await openLine('whatsapp', { proof: 'read' })
    const seen: unknown[] = []
    for (const name of ['duplicate', 'sent-after-delivered', 'failed-after-delivered', 'read', 'delivered-after-read', 'sent', 'failed-131026', 'played']) {
      await send(line.hook, status(name))
      const { status: state, proof, failure } = await traceOf(line)
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
    const line = await openLine('whatsapp')
    await send(line.hook, status('failed-131049'))
    expect(await traceOf(line)).toMatchObject(failed('131049'))
    await send(line.hook, status('duplicate'))
    expect(await traceOf(line)).toMatchObject({ status: 'reached', state: 'out', proof: 'delivered', failure: null })
  })

  it('F09 that come before the send has answered wait for it', async () => {
    const line = await openLine('whatsapp', { externalId: 'not-known-yet' })
    await send(line.hook, status('duplicate'))
    expect(await traceOf(line)).toMatchObject({ status: 'running', proof: 'accepted', parked: 1 })
    await query(stage.app, `update attempts set external_id = '${messages.whatsapp}' where delivery_id = '${line.delivery.id}'`)
    await until('the receipt found its message', async () => (await traceOf(line)).status === 'reached')
    expect(await traceOf(line)).toMatchObject({ proof: 'delivered', parked: 0 })
  })

  it('I9 F18 count for the connection they came through only', async () => {
    const [line, other] = [await openLine('whatsapp'), await openLine('whatsapp')]
    await send(line.hook, status('duplicate'))
    expect(await traceOf(line)).toMatchObject(reached('delivered'))
    expect(await traceOf(other)).toEqual(untouched)
  })

  it('that all arrive at the same moment leave the strongest', async () => {
    const line = await openLine('whatsapp', { proof: 'read' })
    const all = ['sent', 'duplicate', 'read', 'failed-131026', 'played', 'sent-after-delivered', 'delivered-after-read']
    await Promise.all(all.flatMap((name) => [name, name]).map((name) => send(line.hook, status(name))))
    expect(await traceOf(line)).toMatchObject({ status: 'reached', state: 'out', proof: 'read', failure: null })
  })

  it('of SMSC.ru are read from a GET as well', async () => {
    const line = await openLine('smsc')
    const form = new URLSearchParams(webhook('sms-smsc-dlr-delivered').body.toString('utf8'))
    expect((await send(line.hook, { method: 'GET', headers: {}, query: Object.fromEntries(form), body: Buffer.alloc(0) })).status).toBe(200)
    expect(await traceOf(line)).toMatchObject(reached('delivered'))
  })

  it.each([['1003', 'dlr-impossible-no-subscriber', 'err 1'], ['1005', 'dlr-operator-rejected', 'err 255'], ['1007', 'dlr-no-funds', 'status 24']])('of SMSC.ru about %s say why it failed', async (externalId, name, code) => {
    const line = await openLine('smsc', { externalId })
    await send(line.hook, webhook(`sms-smsc-${name}`))
    expect(await traceOf(line)).toMatchObject(failed(code))
  })
})

describe('a webhook that proves nothing', () => {
  it.each(forged)('%s is answered and leaves nothing', async (name, channel) => {
    const line = await openLine(channel)
    const before = await count(stage.app, 'inbox')
    const reply = await send(line.hook, webhook(name))
    expect([reply.status, await count(stage.app, 'inbox'), await traceOf(line)]).toEqual([200, before, untouched])
  })

  it.each(samples.filter(([, , effect]) => Object.keys(effect).length > 0))('%s without its proof, with a wrong one or changed on the way leaves nothing', async (name, channel) => {
    const line = await openLine(channel)
    const before = await count(stage.app, 'inbox')
    const request = webhook(name)
    const wrong = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'x-telegram-bot-api-secret-token': 'wrong', 'x-max-bot-api-secret': 'wrong' }
    const tampered = channel === 'smsc' ? Buffer.from(request.body.toString('utf8').replace(/md5=\w/, 'md5=z')) : request.body
    for (const headers of [{}, wrong]) expect((await send(line.hook, { ...request, headers: { 'content-type': request.headers['content-type'], ...headers }, body: tampered })).status).toBe(200)
    if (channel === 'whatsapp') await send(line.hook, { ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) })
    expect([await count(stage.app, 'inbox'), await traceOf(line)]).toEqual([before, untouched])
  })

  it('of another channel, or to a key that nobody has, is not found', async () => {
    const line = await openLine('telegram')
    const key = line.hook.split('/').at(-1)!
    for (const path of [`/hooks/max/${key}`, `/hooks/nothing/${key}`, `/hooks/telegram/${'0'.repeat(32)}`]) expect((await send(path, webhook('telegram-inbound-text'))).status).toBe(404)
    expect(await traceOf(line)).toEqual(untouched)
  })
})

describe('a webhook that cannot be read', () => {
  it.each(unreadable)('%s is answered 200 and kept with the reason', async (name, channel) => {
    const line = await openLine(channel)
    const reply = await send(line.hook, webhook(name))
    expect(reply.status).toBe(200)
    const kept = await query<{ state: string; reason: string; body: Buffer }>(stage.app, `select state, reason, body from inbox where connection_id = '${line.connection}'`)
    expect(kept).toEqual([{ state: 'unreadable', reason: expect.stringMatching(/\w/), body: webhook(name).body }])
    expect(kept[0]!.reason).not.toContain('{')
    expect(await traceOf(line)).toEqual(untouched)
  })

  it('of WhatsApp and SMSC.ru, signed all the same, is kept too', async () => {
    const whatsapp = await openLine('whatsapp')
    const body = '{"object":"whatsapp_business_account","entry":[{'
    const signature = createHmac('sha256', forms.whatsapp.appSecret).update(body).digest('hex')
    expect((await send(whatsapp.hook, webhookOf(body, { 'x-hub-signature-256': `sha256=${signature}` }))).status).toBe(200)
    const smsc = await openLine('smsc')
    const md5 = createHash('md5').update(`1001:79000000001:soon:${forms.smsc.callbackSecret}`).digest('hex')
    expect((await send(smsc.hook, { ...webhookOf(`id=1001&phone=79000000001&status=soon&md5=${md5}`), headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status).toBe(200)
    for (const { connection } of [whatsapp, smsc]) expect([connection, await count(stage.app, 'inbox', `connection_id = '${connection}' and state = 'unreadable'`)]).toEqual([connection, 1])
  })
})

describe('the handshake of Meta', () => {
  it('is answered with the challenge when the word is right, else with nothing', async () => {
    const line = await openLine('whatsapp')
    const right = await send(line.hook, webhook('wa-cloud-verify-handshake'))
    expect([right.status, right.body, right.headers['content-type']]).toEqual([200, '1158201444', expect.stringContaining('text/plain')])
    const wrong = await send(line.hook, webhook('wa-cloud-verify-handshake-wrong-token'))
    expect([wrong.status, wrong.body]).toEqual([403, ''])
  })

  it.each([
    'hub.mode=subscribe&hub.verify_token=a&hub.verify_token=b&hub.challenge=1',
    'hub.mode=subscribe&hub.verify_token=vec-verify-token&hub.challenge=%3Cscript%3E',
    'hub.mode=subscribe&hub.verify_token=vec-verify-token',
    'hub.mode[]=subscribe',
    '',
  ])('?%s is refused and breaks nothing', async (search) => {
    const line = await openLine('whatsapp')
    const reply = await raw(stage.app.origin, `${line.hook}?${search}`)
    expect([reply.status, reply.body]).toEqual([403, ''])
  })

  it('of other channels is no question: a bare GET and a HEAD break nothing', async () => {
    for (const channel of channelIds) {
      const line = await openLine(channel)
      for (const method of ['GET', 'HEAD']) expect((await raw(stage.app.origin, `${line.hook}?id=1&id=2&status=1&phone=1&md5=1&md5=2`, { method })).status).toBeLessThan(500)
      expect(await traceOf(line)).toEqual(untouched)
    }
  })
})
