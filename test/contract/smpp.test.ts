import { afterEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Inbound, type OutboundMessage, type RawRequest, type Session } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { smpp } from '../../src/channels/smpp/index.ts'
import { createReader, decodeShortMessage, encodePdu } from '../../src/channels/smpp/pdu.ts'
import { decodeText, readHeader, splitText } from '../../src/channels/smpp/text.ts'
import { type FailureClass } from '../../src/domain/receipt.ts'
import { AppError } from '../../src/errors.ts'
import { channelContract, type Refusal } from './channel-contract.ts'
import { conversationContract } from './conversation-contract.ts'
import { refusalOf, until } from './judging.ts'
import { smppPackage, startPeer, type Peer } from './smsc-peer.ts'
import { overSmpp, type SmscAnswer } from './smsc-vendor.ts'
import { post, webhook } from './vectors.ts'

const form = { address: 'smpp://127.0.0.1:2775', systemId: 'clinic', password: 'pa55word', sender: 'CLINIC' }
const message: OutboundMessage = { ref: '0199a1b2-0000-7000-8000-000000000001.0', number: 77, to: '+79000000001', text: 'Ждём вас завтра в 10:00' }
const http = createHttp()
/** A PDU as it was recorded. */
const vector = (name: string): Record<string, unknown> => JSON.parse(webhook(name).body.toString('utf8')) as Record<string, unknown>

const peers: Peer[] = []
const sessions: Session[] = []
afterEach(async () => {
  await Promise.all(sessions.splice(0).map(async (session) => session.close()))
  await Promise.all(peers.splice(0).map(async (peer) => peer.close()))
})

const peerOf = async (options: Record<string, unknown> = {}): Promise<Peer> => {
  const peer = await startPeer(options)
  peers.push(peer)
  return peer
}

interface Held {
  readonly session: Session
  readonly emitted: RawRequest[]
  readonly told: () => readonly Inbound[]
  readonly memory: { cursor: string | undefined; fails: boolean; onEmit?: () => void }
  send(change?: Partial<OutboundMessage>, timeoutMs?: number): ReturnType<typeof smpp.send>
}

const hold = async (peer: Peer, change: Record<string, string> = {}, memory: Held['memory'] = { cursor: undefined, fails: false }): Promise<Held> => {
  const own = smpp.parseCredentials({ ...form, address: peer.url, ...change })
  const emitted: RawRequest[] = []
  const context = { credentials: own, http, signal: AbortSignal.timeout(5_000) }
  const session = await smpp.session!.open({
    ...context,
    emit: async (request) => {
      await sleep(2)
      if (memory.fails) throw new Error('the database is away')
      memory.onEmit?.()
      emitted.push(request)
    },
    cursor: { load: async () => memory.cursor, save: async (value) => void (memory.cursor = value) },
  })
  sessions.push(session)
  return {
    session, emitted, memory,
    told: () => emitted.flatMap((request) => smpp.parse(request, own)),
    send: async (part = {}, timeoutMs = 5_000) => smpp.send({ ...message, ...part }, { ...context, signal: AbortSignal.timeout(timeoutMs), session }),
  }
}

const receiptText = (id: string, stat = 'DELIVRD', err = '000'): string => `id:${id} sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:${stat} err:${err} text:`
const receipt = (id: string, stat?: string): Record<string, unknown> => ({ esm_class: 4, source_addr: '79000000001', destination_addr: 'CLINIC', short_message: receiptText(id, stat) })

const parsed = (body: unknown, change: Record<string, string> = {}): readonly Inbound[] => smpp.parse(post(body), smpp.parseCredentials({ ...form, ...change }))

const arrival = { command: 'deliver_sm', source_addr: '79000000001', destination_addr: '79990000000', short_message: 'Приду' }
const genuine = [post(vector('smpp-dlr-delivrd')), post(vector('smpp-dlr-enroute')), post(arrival), post({ ...arrival, source_addr: '+79000000001', sequence_number: 7, id: 'a1' })]
const refused = (name: string, status: number, failureClass: FailureClass, retryAfterSeconds?: number): Refusal<SmscAnswer> => ({
  name, answer: { submit: status }, class: failureClass, code: `status ${status}`, outcome: 'rejected', ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})

channelContract({
  channel: smpp,
  form,
  vendor: overSmpp,
  needed: ['address', 'systemId', 'password', 'sender'],
  genuine,
  unsupported: [post(vector('smpp-dlr-unknown')), post(vector('smpp-submit-resp-ok')), post({ ...arrival, source_addr: 'BANK' })],
  unreadable: [post(vector('smpp-dlr-garbled')), post('hello'), post({ command: 5 })],
  message,
  accepted: { answer: { submit: 0 }, sent: { externalId: 'id1', parts: 1 } },
  refusals: [
    refused('a throttling', 0x58, 'rateLimited', 1),
    refused('a full queue', vector('smpp-submit-resp-queue-full').command_status as number, 'transient', 5),
    refused('a system error', 0x08, 'transient'),
    refused('a bad recipient', 0x0b, 'recipientPermanent'),
    refused('a sender name that was not agreed', 0x0a, 'channelPermanent'),
    refused('a text that is not let through', 0x66, 'content'),
    refused('an unknown status', 0x4ff, 'channelTemporary'),
  ],
  unauthorized: { bind: vector('smpp-bind-resp-bad-password').command_status as number },
})

conversationContract({ channel: smpp, form, vendor: overSmpp, message, genuine: genuine.slice(2), person: { ids: ['79000000001'], phone: '+79000000001' } })

describe('smpp: what the settings form takes', () => {
  it.each([
    ['address', 'http://example.ru'], ['address', 'smpp://'], ['sender', 'Клиника'], ['sender', 'TOOLONGSENDER'], ['window', '0'], ['senderTon', '7'], ['longMessages', 'other'], ['enquireSeconds', 'x'],
  ])('refuses %s = %j', (name, value) => {
    expect(() => smpp.parseCredentials({ ...form, [name]: value })).toThrow(AppError)
  })

  it('tells nothing of its own but what SMPP can', () => {
    expect(smpp).toMatchObject({ receipts: ['accepted', 'sent', 'delivered'], canStart: 'anyone', addressedBy: 'phone', isIdempotent: false, session: { carriesSends: true } })
    expect(smpp.fields.filter(({ secret }) => secret).map(({ name }) => name)).toEqual(['password', 'proxyUrl'])
  })
})

describe('smpp: what its vectors mean', () => {
  const failed = (externalId: string, kind: string, code: string) => [{ type: 'failure', externalId, failure: { class: kind, code } }]
  it.each<[string, unknown]>([
    ['smpp-dlr-delivrd', [{ type: 'receipt', externalId: 'abc123', level: 'delivered' }, { type: 'receipt', externalId: String(0xabc123), level: 'delivered' }]],
    ['smpp-dlr-before-submit-resp', [{ type: 'receipt', externalId: 'abc999', level: 'delivered' }, { type: 'receipt', externalId: String(0xabc999), level: 'delivered' }]],
    ['smpp-dlr-decimal-vs-hex', [{ type: 'receipt', externalId: '2748000', level: 'delivered' }, { type: 'receipt', externalId: '29ee60', level: 'delivered' }]],
    ['smpp-dlr-enroute', [{ type: 'receipt', externalId: 'abc123', level: 'sent' }, { type: 'receipt', externalId: String(0xabc123), level: 'sent' }]],
    ['smpp-dlr-expired', [...failed('abc125', 'recipientTemporary', 'EXPIRED 006'), ...failed(String(0xabc125), 'recipientTemporary', 'EXPIRED 006')]],
    ['smpp-dlr-rejectd', [...failed('abc126', 'recipientPermanent', 'REJECTD 255'), ...failed(String(0xabc126), 'recipientPermanent', 'REJECTD 255')]],
    ['smpp-dlr-undeliv', [...failed('abc124', 'recipientPermanent', 'UNDELIV 001'), ...failed(String(0xabc124), 'recipientPermanent', 'UNDELIV 001')]],
    ['smpp-dlr-unknown', []],
    ['smpp-submit-resp-ok', []],
    ['smpp-submit-resp-queue-full', []],
    ['smpp-bind-resp-bad-password', []],
  ])('%s', (name, meaning) => {
    expect(parsed(vector(name))).toEqual(meaning)
  })

  it('smpp-dlr-garbled is kept as unreadable', () => {
    expect(() => parsed(vector('smpp-dlr-garbled'))).toThrow('The receipt names no message or no state.')
  })

  it('where the contract says how ids are written, only that spelling is meant', () => {
    const body = vector('smpp-dlr-decimal-vs-hex')
    expect(parsed(body, { messageIds: 'hex' })).toEqual([{ type: 'receipt', externalId: '29ee60', level: 'delivered' }])
    expect(parsed(vector('smpp-dlr-delivrd'), { messageIds: 'decimal' })).toEqual([{ type: 'receipt', externalId: String(0xabc123), level: 'delivered' }])
  })

  it('a number whose other spelling has no letters is never taken for another message', () => {
    // 0x12345 is 74565, and 12345 is 0x3039: either may be the id of somebody else's message.
    expect(parsed({ command: 'deliver_sm', esm_class: 4, short_message: receiptText('12345') })).toEqual([{ type: 'receipt', externalId: '12345', level: 'delivered' }])
  })

  it.each([
    ['ID:000AbC123 STAT:delivrd', 'abc123'],
    ['stat:DELIVRD err:000 id:0abc123', 'abc123'],
    ['id: abc123 stat: DELIVERED', 'abc123'],
  ])('reads %j leniently', (text, id) => {
    expect(parsed({ command: 'deliver_sm', esm_class: 4, short_message: text })[0]).toEqual({ type: 'receipt', externalId: id, level: 'delivered' })
  })

  it('F11: a number is one person however the operator writes it; a name or a short code is nobody to talk to', () => {
    const from = (source: string) => parsed({ command: 'deliver_sm', source_addr: source, destination_addr: '79990000000', short_message: 'Да' })
    for (const number of ['79000000001', '89000000001', '+79000000001']) expect(from(number)).toMatchObject([{ type: 'message', chat: { id: '79000000001', phone: '+79000000001' }, text: 'Да' }])
    for (const service of ['BANK', '900', '']) expect(from(service)).toEqual([])
  })
})

describe('smpp: texts and PDUs', () => {
  const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 700 }), fc.string({ unit: fc.constantFrom('a', '€', '{', '^', ' ', '@'), maxLength: 700 }), fc.string({ unit: fc.constantFrom('я', '👍', 'a'), maxLength: 400 }))

  it('any text comes out of its parts as it went in, and no part is longer than an SMS', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { dataCoding, parts } = splitText(text, 'gsm')
        expect(parts.map((part) => decodeText(part, dataCoding, 'gsm')).join('')).toBe(text)
        const most = dataCoding === 8 ? [140, 134] : [160, 153]
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(parts.length === 1 ? most[0]! : most[1]!)
      }),
    )
  })

  it.each([['a'.repeat(160), 1], ['a'.repeat(161), 2], ['€'.repeat(80), 1], ['€'.repeat(81), 2], ['я'.repeat(70), 1], ['я'.repeat(71), 2], ['я'.repeat(135), 3]])('counts parts as operators do', (text, parts) => {
    expect(splitText(text, 'gsm').parts).toHaveLength(parts)
  })

  it('reads what the independent package writes, cut anywhere', () => {
    const pdu = new smppPackage.PDU('deliver_sm', { sequence_number: 9, source_addr: '79000000001', destination_addr: 'CLINIC', esm_class: 4, short_message: receiptText('7'), receipted_message_id: '7', message_state: 2 })
    const bytes = pdu.toBuffer()
    for (let cut = 1; cut < bytes.length; cut++) {
      const read = createReader()
      const [got] = [...read(bytes.subarray(0, cut)), ...read(bytes.subarray(cut))]
      const sm = decodeShortMessage(got!.body)
      expect({ sequence: got!.sequence, source: sm.source.value, text: sm.content.toString('latin1') }).toEqual({ sequence: 9, source: '79000000001', text: receiptText('7') })
    }
  })

  it('a damaged PDU or header is a plain error and nothing worse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        readHeader(Buffer.from(bytes))
        try {
          decodeShortMessage(Buffer.from(bytes))
        } catch (error) {
          expect((error as Error).constructor).toBe(Error)
        }
      }),
    )
    expect(() => createReader()(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toThrow('The stream is no SMPP.')
    expect(encodePdu({ command: 0x15, status: 0, sequence: 1, body: Buffer.alloc(0) })).toHaveLength(16)
  })
})

describe('smpp: a session with an SMSC that we did not write', () => {
  it('binds as transceiver, sends Cyrillic as UCS-2 with a receipt asked for, and unbinds', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    expect(peer.binds[0]).toMatchObject({ command: 'bind_transceiver', system_id: 'clinic', password: 'pa55word', interface_version: 0x34 })
    expect(await held.send({ expiresInSeconds: 3600 })).toEqual({ externalId: 'id1', parts: 1 })
    expect(peer.submits[0]).toMatchObject({
      source_addr: 'CLINIC', source_addr_ton: 5, source_addr_npi: 0, destination_addr: '79000000001', dest_addr_ton: 1, dest_addr_npi: 1, data_coding: 8, registered_delivery: 1, esm_class: 0,
      short_message: { message: message.text },
    })
    expect((peer.submits[0]!.validity_period as string | Date).toString()).not.toBe('')
    await held.session.close()
    expect(peer.unbinds).toBe(1)
    await held.session.ended
  })

  it('a long text goes out in parts that belong together, in the way that the contract wants', async () => {
    const text = 'Напоминаем о приёме. '.repeat(8)
    const peer = await peerOf()
    const held = await hold(peer)
    expect(await held.send({ text })).toEqual({ externalId: 'id1', parts: 3 })
    const parts = peer.submits.map((pdu) => pdu.short_message as { message: string; udh: Buffer[] | Buffer })
    expect(parts.map(({ message: part }) => part).join('')).toBe(text)
    expect(peer.submits.every((pdu) => pdu.esm_class === 0x40)).toBe(true)
    const bySar = await peerOf()
    await (await hold(bySar, { longMessages: 'sar' })).send({ text })
    expect(bySar.submits.map((pdu) => [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum])).toEqual([[77, 3, 1], [77, 3, 2], [77, 3, 3]])
    const whole = await peerOf()
    expect(await (await hold(whole, { longMessages: 'payload' })).send({ text })).toEqual({ externalId: 'id1', parts: 3 })
    expect(whole.submits).toHaveLength(1)
    expect((whole.submits[0]!.message_payload as { message?: string } & string).message ?? whole.submits[0]!.message_payload).toBe(text)
  })

  it('a message in parts is delivered when all of them are, and failed when one is, through a change of the holder too', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    const text = 'я'.repeat(150)
    await held.send({ text })
    await held.send({ text })
    expect(await peer.deliver(receipt('id1'))).toBe(0)
    expect(await peer.deliver(receipt('id2'))).toBe(0)
    expect(held.told()).toEqual([])
    await held.session.close()
    const next = await hold(peer, {}, held.memory)
    await peer.deliver(receipt('id3'))
    await peer.deliver(receipt('id5', 'UNDELIV'))
    await peer.deliver(receipt('id4'))
    await peer.deliver(receipt('id4'))
    expect(next.told()).toMatchObject([{ type: 'receipt', externalId: 'id1', level: 'delivered' }, { type: 'failure', externalId: 'id4' }])
  })

  it('F10 a receipt of a part that could not be stored, or whose storing was the last thing that the process did, is told when it comes again', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    const whole = [{ type: 'receipt', externalId: 'id1', level: 'delivered' }]
    await held.send({ text: 'я'.repeat(100) })
    await peer.deliver(receipt('id1'))
    held.memory.fails = true
    expect(await peer.deliver(receipt('id2'))).toBe(0x64)
    held.memory.fails = false
    let cursor: string | undefined
    held.memory.onEmit = () => (cursor = held.memory.cursor)
    expect(await peer.deliver(receipt('id2'))).toBe(0)
    expect(held.told()).toEqual(whole)
    ;[...peer.sessions][0]!.socket.destroy()
    await held.session.ended
    const next = await hold(peer, {}, { cursor, fails: false })
    // The first part's own receipt, repeated, is not the whole message's.
    await peer.deliver(receipt('id1'))
    expect(next.told()).toEqual([])
    await peer.deliver(receipt('id2'))
    expect(next.told()).toEqual(whole)
  })

  it('a receipt of the first part that is quicker than the answer to the last one is not the whole message\'s', async () => {
    const peer = await peerOf()
    peer.onSubmit = (pdu, session, count) => {
      if (count === 1) return { message_id: 'id1' }
      void peer.deliver(receipt('id1')).then(() => session.send(pdu.response({ message_id: 'id2' })))
      return undefined
    }
    const held = await hold(peer)
    await held.send({ text: 'я'.repeat(100) })
    expect(held.told()).toEqual([])
    await peer.deliver(receipt('id2'))
    expect(held.told()).toEqual([{ type: 'receipt', externalId: 'id1', level: 'delivered' }])
  })

  it('receipts that are quicker than the answers to their own parts count for the message all the same', async () => {
    const peer = await peerOf()
    const taken: Promise<number>[] = []
    peer.onSubmit = (pdu, session, count) => {
      taken.push(peer.deliver(receipt(`id${count}`)))
      setTimeout(() => session.send(pdu.response({ message_id: `id${count}` })), 50)
      return undefined
    }
    const held = await hold(peer)
    expect(await held.send({ text: 'я'.repeat(200) })).toEqual({ externalId: 'id1', parts: 3 })
    expect(await Promise.all(taken)).toEqual([0, 0, 0])
    expect(held.told()).toEqual([{ type: 'receipt', externalId: 'id1', level: 'delivered' }])
  })

  it('keeps to the window', async () => {
    const peer = await peerOf()
    const answers: (() => void)[] = []
    let most = 0
    peer.onSubmit = (pdu, session, count) => {
      answers.push(() => session.send(pdu.response({ message_id: `id${count}` })))
      most = Math.max(most, answers.length)
      return undefined
    }
    const held = await hold(peer, { window: '3' })
    const sends = Array.from({ length: 12 }, async () => held.send())
    while (peer.submits.length < 12 || answers.length > 0) {
      await sleep(10)
      answers.splice(0).forEach((answer) => answer())
    }
    await Promise.all(sends)
    expect(most).toBe(3)
  })

  it('a part that meets the limit is sent all the same, and one that cannot be leaves the outcome open', async () => {
    const peer = await peerOf()
    peer.onSubmit = (_pdu, _session, count) => (count === 2 ? { command_status: 0x58, message_id: '' } : { message_id: `id${count}` })
    const held = await hold(peer)
    expect(await held.send({ text: 'я'.repeat(100) })).toEqual({ externalId: 'id1', parts: 2 })
    peer.onSubmit = (_pdu, _session, count) => (count === 5 ? { command_status: 0x66, message_id: '' } : { message_id: `id${count}` })
    expect(await refusalOf(async () => held.send({ text: 'я'.repeat(100) }))).toMatchObject({ outcome: 'unknown', failure: { code: 'partLost' } })
  })

  it('receipts by parameters and by text are emitted before the SMSC hears that they were taken', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    expect(await peer.deliver({ ...receipt('other'), receipted_message_id: 'abc123', message_state: 2 })).toBe(0)
    expect(held.told()[0]).toEqual({ type: 'receipt', externalId: 'abc123', level: 'delivered' })
    held.memory.fails = true
    expect(await peer.deliver(receipt('lost'))).toBe(0x64)
    held.memory.fails = false
    expect(await peer.deliver(receipt('lost'))).toBe(0)
  })

  it('a patient\'s SMS comes once, whole, in its order', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    const from = { source_addr: '79000000001', destination_addr: '79990000000' }
    await peer.deliver({ ...from, short_message: 'Приду', data_coding: 8 })
    const part = (number: number, text: string) => ({ ...from, esm_class: 0x40, data_coding: 8, short_message: { udh: Buffer.from([5, 0, 3, 9, 2, number]), message: text } })
    await peer.deliver(part(2, 'двух частях'))
    await peer.deliver(part(1, 'Это в '))
    await peer.deliver({ ...from, short_message: 'Yes @ 5 €', data_coding: 0 })
    await peer.deliver({ ...from, short_message: 'Yes @ 5 €', data_coding: 0 })
    const told = held.told() as Extract<Inbound, { type: 'message' }>[]
    expect(told.map(({ text }) => text)).toEqual(['Приду', 'Это в двух частях', 'Yes @ 5 €', 'Yes @ 5 €'])
    expect(new Set(told.map(({ externalId }) => externalId)).size).toBe(4)
  })

  it('F10 what is delivered again because our answer was lost is not a second message; parts wait through a change of the holder', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    const from = { source_addr: '79000000001', destination_addr: '79990000000', data_coding: 8 }
    const part = (number: number, text: string) => ({ ...from, esm_class: 0x40, short_message: { udh: Buffer.from([5, 0, 3, 9, 2, number]), message: text } })
    await peer.deliver(part(1, 'Это в '))
    await peer.deliver({ ...from, short_message: 'Приду' })
    // The process dies here: its cursor is what it was.
    const cursor = held.memory.cursor
    ;[...peer.sessions][0]!.socket.destroy()
    await held.session.ended
    const next = await hold(peer, {}, { cursor, fails: false })
    await peer.deliver({ ...from, short_message: 'Приду' })
    expect(next.told()).toEqual([])
    await peer.deliver({ ...from, short_message: 'Приду' })
    await peer.deliver(part(2, 'двух частях'))
    expect(next.told()).toMatchObject([{ text: 'Приду' }, { text: 'Это в двух частях' }])
  })

  it('F10 what was stored when the process died counts once when it is delivered again, and what was not is not lost', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    const from = { source_addr: '79000000001', destination_addr: '79990000000', data_coding: 8 }
    const part = (number: number, text: string) => ({ ...from, esm_class: 0x40, short_message: { udh: Buffer.from([5, 0, 3, 9, 2, number]), message: text } })
    const idsOf = (told: readonly Inbound[]) => told.map((one) => (one.type === 'message' ? `${one.externalId} ${one.text}` : one.type))
    // The cursor as it is while the message is on its way into the inbox: the process dies there, whether it arrived or not.
    const cursors: (string | undefined)[] = []
    held.memory.onEmit = () => cursors.push(held.memory.cursor)
    await peer.deliver(part(1, 'Это в '))
    await peer.deliver({ ...from, short_message: 'Приду' })
    await peer.deliver(part(2, 'двух частях'))
    expect(idsOf(held.told()).map((line) => line.replace(/^\S+ /, ''))).toEqual(['Приду', 'Это в двух частях'])
    ;[...peer.sessions][0]!.socket.destroy()
    await held.session.ended
    const second = await hold(peer, {}, { cursor: cursors[0], fails: false })
    await peer.deliver({ ...from, short_message: 'Приду' })
    expect(idsOf(second.told())).toEqual(idsOf(held.told()).slice(0, 1))
    expect(second.emitted[0]!.body.equals(held.emitted[0]!.body)).toBe(true)
    ;[...peer.sessions][0]!.socket.destroy()
    await second.session.ended
    const third = await hold(peer, {}, { cursor: cursors[1], fails: false })
    await peer.deliver(part(2, 'двух частях'))
    expect(third.emitted.map(({ body }) => body.toString())).toEqual([held.emitted[1]!.body.toString()])
  })

  it('a message that could not be stored is whole when the SMSC tries again', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    const from = { source_addr: '79000000001', destination_addr: '79990000000', data_coding: 8 }
    const part = (number: number, text: string) => ({ ...from, esm_class: 0x40, short_message: { udh: Buffer.from([5, 0, 3, 9, 2, number]), message: text } })
    await peer.deliver(part(1, 'Это в '))
    held.memory.fails = true
    expect(await peer.deliver(part(2, 'двух частях'))).toBe(0x64)
    held.memory.fails = false
    expect(await peer.deliver(part(2, 'двух частях'))).toBe(0)
    expect(held.told()).toMatchObject([{ text: 'Это в двух частях' }])
  })

  it('a part that lost the others is told in the name of whoever sent it', async () => {
    const peer = await peerOf()
    const hours = 3_600_000
    const stale = { key: 'k', total: 2, number: 1, text: 'одна часть', at: Date.now() - 2 * hours, from: '79000000002', to: '79990000000' }
    const held = await hold(peer, {}, { cursor: JSON.stringify({ parts: [stale] }), fails: false })
    await peer.deliver({ source_addr: '79000000001', destination_addr: '79990000000', data_coding: 8, short_message: 'Приду' })
    expect(held.told()).toMatchObject([{ chat: { phone: '+79000000002' }, text: 'одна часть' }, { chat: { phone: '+79000000001' }, text: 'Приду' }])
  })

  it('asks whether the SMSC is there, answers the same question, and ends when nobody answers', async () => {
    const peer = await peerOf()
    const held = await hold(peer, { enquireSeconds: '1' })
    await until('it asks', () => peer.enquiries > 0)
    await new Promise<void>((resolve) => [...peer.sessions][0]!.enquire_link(() => resolve()))
    peer.isMute = true
    await held.session.ended
  })

  it('ends when the SMSC unbinds', async () => {
    const peer = await peerOf()
    const held = await hold(peer)
    ;[...peer.sessions][0]!.unbind()
    await held.session.ended
  })

  it('a bind that another program holds shows that the account is known', async () => {
    const peer = await peerOf()
    peer.bindStatus = 5
    expect(await smpp.check({ credentials: smpp.parseCredentials({ ...form, address: peer.url }), http, signal: AbortSignal.timeout(5_000) })).toMatchObject({ title: 'CLINIC' })
  })
})
