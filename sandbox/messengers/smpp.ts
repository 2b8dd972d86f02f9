import { createRequire } from 'node:module'
import { type AddressInfo } from 'node:net'

import { type Behaviour } from './behaviour.ts'
import { PhoneError, type Patient, type PhoneMessage } from './phones.ts'
import { createReport } from './receipts.ts'
import { countSegments } from './sms-text.ts'
import { acceptedMessage, afterDelay, writtenMessage, type Hands, type Said, type Stage } from './stage.ts'

// The protocol is a package's, so that the stand-in shares no mistake with the application. It has no types: what is used stands here.
interface Pdu { sequence_number: number, command_status: number, response(fields?: Record<string, unknown>): Pdu, [field: string]: unknown }
interface Session {
  on(event: string, listener: (pdu: Pdu) => void): void
  send(pdu: Pdu, answered?: (answer: Pdu) => void): boolean
  deliver_sm(fields: Record<string, unknown>, answered?: (answer: Pdu) => void): void
  close(): void
  destroy(): void
}
interface Server { listen(port: number, host: string, done: () => void): void, close(): void, address(): AddressInfo }
const smpp = createRequire(import.meta.url)('smpp') as { createServer(options: object, onSession: (session: Session) => void): Server }

/** An account at an operator, as its contract says. */
export interface SmppAccount {
  systemId: string
  password: string
  /** The name or the number that the account may send from; patients can answer to a number. */
  sender: string
  /** Binds at once. */
  binds: number
  /** How receipts write the ids that `submit_sm_resp` gave in hexadecimal. */
  idsInReceipts: 'same' | 'decimal'
  /** `smpp://127.0.0.1:port` */
  address: string
}

/** Stand-in of an operator's SMSC. */
export interface SmppCentre {
  accounts: Map<string, SmppAccount>
  hands: Hands
  add(options?: Partial<SmppAccount>): SmppAccount
  /** Who is bound, by account. */
  bound(systemId: string): number
  /** Breaks every connection of an account. */
  cut(systemId: string): void
  listen(): Promise<void>
  stop(): void
}

interface Part { text: string, total: number, number: number }

/** Unanswered deliveries are repeated, as every SMSC does. */
const repeatMs = 3_000

const status = { invalidSender: 0x0a, invalidRecipient: 0x0b, alreadyBound: 0x05, system: 0x08, password: 0x0e, systemId: 0x0f, queueFull: 0x14, submitFailed: 0x45, throttled: 0x58, notBound: 0x04 } as const

/** Opens nothing until `listen`. */
export function createSmppCentre(stage: Stage): SmppCentre {
  const accounts = new Map<string, SmppAccount>()
  const sessions = new Map<string, Set<Session>>()
  const waiting = new Map<string, Record<string, unknown>[]>()
  const parts = new Map<string, Part[]>()
  let nextId = 0x3a0b01
  let port = 0

  const boundOf = (systemId: string): Set<Session> => {
    const set = sessions.get(systemId) ?? new Set()
    sessions.set(systemId, set)
    return set
  }

  /** Delivers when somebody is bound, again until it is answered with success. */
  const deliver = async (account: SmppAccount, fields: Record<string, unknown>): Promise<void> => {
    const [session] = boundOf(account.systemId)
    if (session === undefined) {
      waiting.set(account.systemId, [...(waiting.get(account.systemId) ?? []), fields])
      return
    }
    const isTaken = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => { resolve(false) }, repeatMs).unref()
      session.deliver_sm(fields, (answer) => {
        clearTimeout(timer)
        resolve(answer.command_status === 0)
      })
    })
    stage.calls.add({ messenger: 'sms', account: account.systemId, method: 'deliver_sm', status: isTaken ? 200 : 0, code: isTaken ? 'ok' : 'repeated' })
    if (isTaken) return
    await new Promise((resolve) => { setTimeout(resolve, 200).unref() })
    if (port !== 0) await deliver(account, fields)
  }

  const receiptOf = (account: SmppAccount, id: number, stat: string, err: string, at: number): string => {
    const date = new Date(at).toISOString().replace(/\D/g, '').slice(2, 12)
    const written = account.idsInReceipts === 'decimal' ? String(id) : id.toString(16)
    return `id:${written} sub:001 dlvrd:${stat === 'DELIVRD' ? '001' : '000'} submit date:${date} done date:${date} stat:${stat} err:${err} text:`
  }

  /** A whole text on its way to the phone; `ids` are its parts, each of which gets its receipt. */
  const transmit = (account: SmppAccount, to: string, ids: readonly number[], text: string, lifeMs: number, behaviour: Behaviour): void => {
    let failed: [string, string] = ['UNDELIV', '001']
    const report = createReport(stage, { messenger: 'sms', account: account.systemId }, behaviour, async (receipt, at) => {
      const [stat, err] = receipt === 'sent' ? ['ENROUTE', '000'] : receipt === 'delivered' ? ['DELIVRD', '000'] : failed
      await Promise.all(ids.map((id) => deliver(account, { esm_class: 4, source_addr: to, destination_addr: account.sender, short_message: receiptOf(account, id, stat, err, at) })))
    })
    const instant = behaviour.pace === 'instant' || behaviour.receipts === 'early'
    const fail = (stat: string, err: string): void => {
      failed = [stat, err]
      void report('failed', stage.clock.now())
    }
    const patient = stage.phones.find(to)
    if (patient?.apps.sms !== true) {
      afterDelay(stage.clock, instant ? 0 : 2_000, () => { fail('UNDELIV', '001') })
      return
    }
    const onPhone = acceptedMessage(stage, 'sms', account.systemId, ids[0]!.toString(16), { text })
    Object.assign(onPhone, { sender: account.sender, segments: countSegments(text) })
    stage.phones.keep(patient, onPhone)
    if (behaviour.mode === 'refuses' || stage.phones.chat(patient, 'sms', account.systemId).blocked) {
      onPhone.state = 'refused'
      const [stat = 'REJECTD', err = '255'] = (behaviour.mode === 'refuses' ? behaviour.refusal : '').split('/').filter(Boolean)
      afterDelay(stage.clock, instant ? 0 : 2_000, () => { fail(stat, err) })
      return
    }
    const carriage = {
      delayMs: instant ? 0 : 4_000, expiresAt: stage.clock.now() + lifeMs,
      onArrive: () => { void report('delivered', stage.clock.now()) }, onExpire: () => { fail('EXPIRED', '006') },
    }
    afterDelay(stage.clock, instant ? 0 : 1_000, () => { void report('sent', stage.clock.now()) })
    if (behaviour.mode === 'silent') stage.phones.hold(patient, onPhone, carriage)
    else stage.phones.carry(patient, onPhone, carriage)
  }

  const textOf = (content: unknown): { text: string, udh?: Buffer } => {
    const { message, udh } = (typeof content === 'object' && content !== null && !Buffer.isBuffer(content) ? content : { message: content }) as { message: unknown, udh?: Buffer[] }
    // The package gives each element of the header, without its length.
    return { text: Buffer.isBuffer(message) ? message.toString('latin1') : String(message ?? ''), ...(udh === undefined || udh.length === 0 ? {} : { udh: udh[0]! }) }
  }

  /** Why a submit is refused; 0: it is not. */
  const refusalOf = (account: SmppAccount, pdu: Pdu, behaviour: Behaviour): number => {
    if (behaviour.failure === 'rateLimited') return status.throttled
    if (behaviour.failure === 'unavailable') return status.system
    if (behaviour.failure === 'badGateway') return status.queueFull
    if (behaviour.mode === 'refuses' && /^\d+$/.test(behaviour.refusal)) return Number(behaviour.refusal)
    if (pdu.source_addr !== account.sender) return status.invalidSender
    const isName = !/^\d+$/.test(account.sender)
    if (isName && pdu.source_addr_ton !== 5) return status.invalidSender
    if (!/^[1-9]\d{9,14}$/.test(String(pdu.destination_addr)) || pdu.dest_addr_ton !== 1) return status.invalidRecipient
    return 0
  }

  /** The life that a relative `validity_period` gives; the package reads it as a date. */
  const lifeOf = (pdu: Pdu): number => {
    const { validity_period: period } = pdu
    if (period instanceof Date) return Math.max(60_000, period.getTime() - Date.now())
    return 24 * 3_600_000
  }

  const submit = (session: Session, account: SmppAccount, pdu: Pdu): void => {
    const behaviour = stage.behaviours.draw('sms', account.systemId, 'send')
    const note = (code: string): void => { stage.calls.add({ messenger: 'sms', account: account.systemId, method: 'submit_sm', status: 200, code }) }
    if (behaviour.failure === 'dropBefore' || behaviour.failure === 'hangBefore') {
      note(behaviour.failure)
      if (behaviour.failure === 'dropBefore') session.destroy()
      return
    }
    const refusal = refusalOf(account, pdu, behaviour)
    if (refusal !== 0) {
      note(String(refusal))
      session.send(pdu.response({ command_status: refusal, message_id: '' }))
      return
    }
    const id = nextId++
    const answer = (): void => {
      note(behaviour.failure === 'none' ? 'ok' : behaviour.failure)
      if (behaviour.failure === 'dropAfter') session.destroy()
      else if (behaviour.failure !== 'hangAfter') session.send(pdu.response({ message_id: id.toString(16) }))
    }
    const { text, udh } = textOf(pdu.message_payload ?? pdu.short_message)
    const to = String(pdu.destination_addr)
    const reference = udh !== undefined ? udh[2] : pdu.sar_msg_ref_num
    const part: Part = { text, total: udh?.[3] ?? Number(pdu.sar_total_segments ?? 1), number: udh?.[4] ?? Number(pdu.sar_segment_seqnum ?? 1) }
    const key = `${account.systemId}/${to}/${String(reference)}`
    const known = [...(part.total > 1 ? (parts.get(key) ?? []) : []), { ...part, id }] as (Part & { id: number })[]
    const send = (): void => {
      if (known.length < part.total) {
        parts.set(key, known)
        return
      }
      parts.delete(key)
      known.sort((a, b) => a.number - b.number)
      transmit(account, to, known.map((one) => one.id), known.map((one) => one.text).join(''), lifeOf(pdu), behaviour)
    }
    if (behaviour.receipts === 'early') {
      send()
      setTimeout(answer, 150)
    } else {
      answer()
      send()
    }
  }

  const server = smpp.createServer({}, (session) => {
    let account: SmppAccount | undefined
    const bind = (pdu: Pdu, isReceiving: boolean): void => {
      const known = accounts.get(String(pdu.system_id))
      const trouble = known === undefined ? status.systemId
        : known.password !== pdu.password || stage.behaviours.current('sms', known.systemId).failure === 'unauthorized' ? status.password
        : boundOf(known.systemId).size >= known.binds ? status.alreadyBound : 0
      session.send(pdu.response({ command_status: trouble, system_id: 'SANDBOX' }))
      if (trouble !== 0 || known === undefined) return
      account = known
      boundOf(known.systemId).add(session)
      if (!isReceiving) return
      const late = waiting.get(known.systemId) ?? []
      waiting.delete(known.systemId)
      for (const fields of late) void deliver(known, fields)
    }
    session.on('bind_transceiver', (pdu) => { bind(pdu, true) })
    session.on('bind_transmitter', (pdu) => { bind(pdu, false) })
    session.on('enquire_link', (pdu) => { session.send(pdu.response()) })
    session.on('unbind', (pdu) => {
      session.send(pdu.response())
      session.close()
    })
    session.on('submit_sm', (pdu) => {
      if (account === undefined) session.send(pdu.response({ command_status: status.notBound }))
      else submit(session, account, pdu)
    })
    session.on('close', () => { if (account !== undefined) boundOf(account.systemId).delete(session) })
    session.on('error', () => { session.destroy() })
  })

  const hands: Hands = {
    write(patient: Patient, systemId: string, said: Said): PhoneMessage[] {
      if (said.files !== undefined || said.place !== undefined || said.card !== undefined) throw new PhoneError('SMS carries words only')
      const account = accounts.get(systemId)!
      if (!/^\d+$/.test(account.sender)) throw new PhoneError('Nobody can answer to a name')
      const message = writtenMessage(stage, 'sms', systemId, `mo${nextId++}`, { text: said.text })
      stage.phones.keep(patient, message)
      void deliver(account, { source_addr: patient.id, source_addr_ton: 1, source_addr_npi: 1, destination_addr: account.sender, data_coding: 8, short_message: said.text })
      return [message]
    },
    press: () => undefined,
    block: (patient, systemId, blocked) => { stage.phones.chat(patient, 'sms', systemId).blocked = blocked },
    read(_patient, message) {
      if (message.state === 'arrived') Object.assign(message, { state: 'read', readAt: stage.clock.now() })
    },
  }

  return {
    accounts,
    hands,
    add(options = {}) {
      const account: SmppAccount = {
        systemId: `smpp${accounts.size + 1}`, password: stage.random.letters(8), sender: '79990000001', binds: 1, idsInReceipts: 'decimal', address: `smpp://127.0.0.1:${port}`, ...options,
      }
      accounts.set(account.systemId, account)
      return account
    },
    bound: (systemId) => boundOf(systemId).size,
    cut(systemId) { for (const session of boundOf(systemId)) session.destroy() },
    async listen() {
      await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
      port = server.address().port
    },
    stop() {
      port = 0
      for (const set of sessions.values()) for (const session of set) session.destroy()
      server.close()
    },
  }
}
