import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseForm, parseJsonObject, rawOf } from './bodies.ts'
import { PhoneError, type Patient, type PhoneMessage } from './phones.ts'
import { createReport } from './receipts.ts'
import {
  acceptedMessage, afterDelay, answerCall, badGatewayPage, give, postUpdate, settleFirst, writtenMessage,
  type Answer, type Hands, type Said, type Stage, type TroubleAnswers,
} from './stage.ts'
import { countSegments, transliterate } from './sms-text.ts'
import { normalisePhone, readValid } from './smsc-fields.ts'
import { moscowTime, moWebhook, statusWebhook } from './smsc-callbacks.ts'

/** An SMSC.ru account with what an administrator types into the application. */
export interface SmscAccount {
  login: string
  password: string
  apiKey: string
  /** Word that callbacks are signed with. */
  secret: string
  /** Names that the account may send from; the first one is used when none is given. */
  senders: string[]
  /** Number that patients' answers come to. */
  inboundNumber: string
  balance: number
  segmentPrice: number
  callbackUrl?: string
  baseUrl: string
}

/** Stand-in of SMSC.ru. */
export interface Smsc {
  add(options?: Partial<SmscAccount>): SmscAccount
  accounts: Map<string, SmscAccount>
  hands: Hands
}

/** One SMS as SMSC knows it. `status` and `err` are the codes of its tables. */
export interface SmscMessage {
  id: number
  phone: string
  account: SmscAccount
  text: string
  sender: string
  segments: number
  cost: number
  status: number
  err: number
  changedAt: number
  sentAt: number
}

const words: Record<number, string> = {
  1: 'parameters error', 2: 'authorise error', 3: 'Insufficient funds', 4: 'IP is blocked', 5: 'invalid date format', 6: 'message is denied',
  7: 'invalid number', 8: "message to this number can't be delivered", 9: 'duplicate request, wait a minute',
}

type Fields = Record<string, string>

/** An error of the API: always with HTTP 200. */
function errorAnswer(code: number, id: number | undefined, json: boolean, format = '0'): Answer {
  const text = words[code] ?? 'unknown error'
  if (json) return { status: 200, code: String(code), body: { error: text, error_code: code, ...(id === undefined ? {} : { id }) } }
  const body = format === '1' ? `${id ?? 0},-${code}` : `ERROR = ${code} (${text})${id === undefined ? '' : `, ID - ${id}`}`
  return { status: 200, code: String(code), body, headers: { 'content-type': 'text/plain; charset=utf-8' } }
}

const troubles: TroubleAnswers = {
  unauthorized: () => errorAnswer(2, undefined, true),
  rateLimited: () => errorAnswer(9, undefined, true),
  unavailable: () => ({ status: 503, code: '503', body: 'Service Temporarily Unavailable' }),
  badGateway: () => ({ status: 502, code: '502', body: badGatewayPage }),
}

/** Registers the API below `/smsc`. */
export function registerSmsc(app: FastifyInstance, stage: Stage): Smsc {
  const accounts = new Map<string, SmscAccount>()
  const messages = new Map<string, SmscMessage>()
  const recent = new Map<string, number>()
  let nextId = 1

  const readFields = (request: FastifyRequest): Fields => {
    const raw = rawOf(request.body)
    if (request.url.startsWith('/smsc/rest/')) {
      const entries = Object.entries(parseJsonObject(raw) ?? {})
      return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : String(value)]))
    }
    const query = request.url.split('?')[1] ?? ''
    // Without charset=utf-8 the text is taken for windows-1251.
    const charset = /(?:^|&)charset=([^&]+)/i.exec(`${query}&${raw.toString('latin1')}`)?.[1]?.toLowerCase() ?? 'windows-1251'
    const known = ['utf-8', 'koi8-r', 'windows-1251'].includes(charset) ? charset : 'windows-1251'
    return { ...parseForm(query, known), ...parseForm(raw, known) }
  }

  const authorise = (fields: Fields): SmscAccount | number => {
    if (fields.apikey !== undefined) return [...accounts.values()].find((one) => one.apiKey === fields.apikey) ?? 2
    if (fields.login === undefined || fields.psw === undefined) return 1
    const account = accounts.get(fields.login)
    return account?.password === fields.psw ? account : 2
  }

  type Execute = (account: SmscAccount, fields: Fields, json: boolean, behaviour: Behaviour) => Answer | Promise<Answer>
  const route = (path: string, method: string, kind: 'send' | 'call', execute: Execute): void => {
    app.route({
      method: path.startsWith('/rest/') ? ['POST'] : ['GET', 'POST'],
      url: `/smsc${path}`,
      handler: (request: FastifyRequest, reply: FastifyReply) => {
        const fields = readFields(request)
        const json = path.startsWith('/rest/') || fields.fmt === '3'
        const account = authorise(fields)
        if (typeof account === 'number') {
          stage.calls.add({ messenger: 'sms', account: fields.login ?? '', method, status: 200, code: String(account) })
          return give(reply, errorAnswer(account, undefined, json, fields.fmt))
        }
        return answerCall(stage, { messenger: 'sms', account: account.login, method, kind }, reply, troubles,
          (behaviour) => execute(account, fields, json, behaviour))
      },
    })
  }

  const send = async (account: SmscAccount, fields: Fields, json: boolean, behaviour: Behaviour): Promise<Answer> => {
    const ownId = fields.id === undefined || fields.id === '' ? undefined : Number(fields.id)
    const fail = (code: number): Answer => errorAnswer(code, ownId, json, fields.fmt)
    if (ownId !== undefined && (!Number.isInteger(ownId) || ownId < 1 || ownId > 2_147_483_647)) {
      return errorAnswer(1, undefined, json, fields.fmt)
    }
    const phones = (fields.phones ?? '').split(/[,;\n]/).map((one) => one.trim()).filter((one) => one !== '').map(normalisePhone)
    if (phones.length === 0 || (fields.mes ?? '') === '' || fields.mes!.length > 1000) return fail(1)
    if (phones.includes(undefined)) return fail(7)
    const validMs = readValid(fields.valid)
    if (validMs === undefined) return fail(1)
    if (fields.time !== undefined && fields.time !== '' && !/^[\d.:+~ -]+$/.test(fields.time)) return fail(5)
    const sender = fields.sender === undefined || fields.sender === '' ? account.senders[0]! : fields.sender
    if (!account.senders.includes(sender)) return fail(6)
    const text = fields.translit !== undefined && fields.translit !== '0' ? transliterate(fields.mes!) : fields.mes!
    const segments = countSegments(text)
    const cost = segments * account.segmentPrice * phones.length
    const money = { cost: cost.toFixed(2) }
    if (fields.cost === '1') {
      const body = json ? { ...money, cnt: segments * phones.length } : `${money.cost} (${segments * phones.length} SMS)`
      return { status: 200, code: 'ok', body, ...plainType(json) }
    }
    if (behaviour.mode === 'refuses' && behaviour.refusal !== '' && !behaviour.refusal.includes('/')) return fail(Number(behaviour.refusal))
    if (cost > account.balance) return fail(3)
    const now = stage.clock.now()
    const keys = phones.flatMap((phone) => {
      const to = `${account.login}/${phone!}`
      return ownId === undefined ? [`${to}/${text}`] : [`${to}/${text}`, `${to}#${ownId}`]
    })
    if (keys.some((key) => now - (recent.get(key) ?? -Infinity) < 60_000)) return fail(9)
    if (recent.size > 50_000) recent.clear()
    for (const key of keys) recent.set(key, now)
    account.balance -= cost
    const id = ownId ?? nextId++
    const early: Promise<unknown>[] = []
    for (const phone of phones) {
      const message: SmscMessage = {
        id, phone: phone!, account, text, sender, segments, cost: segments * account.segmentPrice,
        status: -1, err: 0, changedAt: now, sentAt: now,
      }
      messages.set(`${account.login}/${phone!}/${id}`, message)
      transmit(message, validMs, behaviour, early)
    }
    if (behaviour.receipts === 'early') await settleFirst(early)
    const count = segments * phones.length
    if (!json) {
      const body = fields.fmt === '1' ? `${id},${count}` : `OK - ${count} SMS, ID - ${id}`
      return { status: 200, code: 'ok', body, ...plainType(false) }
    }
    return {
      status: 200,
      code: 'ok',
      body: {
        id, cnt: count,
        ...(fields.cost === '2' || fields.cost === '3' ? money : {}),
        ...(fields.cost === '3' ? { balance: account.balance.toFixed(2) } : {}),
        ...(fields.op === '1'
          ? { phones: phones.map((phone) => ({ phone, status: '-1', cost: (segments * account.segmentPrice).toFixed(2) })) }
          : {}),
      },
    }
  }

  const transmit = (message: SmscMessage, validMs: number, behaviour: Behaviour, early: Promise<unknown>[]): void => {
    const { account } = message
    const patient = stage.phones.find(message.phone)
    const report = createReport(stage, { messenger: 'sms', account: account.login }, behaviour, (receipt, at) => {
      const status = receipt === 'sent' ? 0 : receipt === 'delivered' ? 1 : message.status
      const webhook = statusWebhook(stage, message, status, receipt === 'failed' ? message.err : 0, at)
      return webhook === undefined ? Promise.resolve() : stage.poster.post(webhook)
    })
    const become = (status: number, err: number): void => {
      Object.assign(message, { status, err, changedAt: stage.clock.now() })
      early.push(report(status === 0 ? 'sent' : status === 1 ? 'delivered' : 'failed', message.changedAt))
    }
    const instant = behaviour.pace === 'instant' || behaviour.receipts === 'early'
    if (patient?.apps.sms !== true) {
      afterDelay(stage.clock, instant ? 0 : 2_000, () => become(20, 1))
      return
    }
    const onPhone = acceptedMessage(stage, 'sms', account.login, String(message.id), { text: message.text })
    Object.assign(onPhone, { sender: message.sender, segments: message.segments })
    stage.phones.keep(patient, onPhone)
    if (behaviour.mode === 'refuses' || stage.phones.chat(patient, 'sms', account.login).blocked) {
      // The usual refusal: the operator drops it, because the subscriber opted out of mass SMS.
      const [status = 20, err = 255] = (behaviour.mode === 'refuses' ? behaviour.refusal : '').split('/').filter(Boolean).map(Number)
      onPhone.state = 'refused'
      afterDelay(stage.clock, instant ? 0 : 2_000, () => become(status, err))
      return
    }
    afterDelay(stage.clock, instant ? 0 : 1_000, () => { if (message.status === -1) become(0, 0) })
    const carriage = {
      delayMs: instant ? 0 : 4_000,
      expiresAt: stage.clock.now() + validMs,
      onArrive: () => become(1, 0),
      onExpire: () => become(3, 6),
    }
    if (behaviour.mode === 'silent') stage.phones.hold(patient, onPhone, carriage)
    else stage.phones.carry(patient, onPhone, carriage)
  }

  for (const path of ['/sys/send.php', '/rest/send/', '/rest/send']) route(path, 'send', 'send', send)

  route('/sys/status.php', 'status', 'call', (account, fields, json) => {
    const phone = normalisePhone(fields.phone ?? '')
    if (phone === undefined || fields.id === undefined) return errorAnswer(1, undefined, json, fields.fmt)
    const message = messages.get(`${account.login}/${phone}/${fields.id}`)
    if (message === undefined) {
      return json
        ? { status: 200, code: '-3', body: { status: -3, last_date: '', last_timestamp: 0 } }
        : errorAnswer(3, undefined, json, fields.fmt)
    }
    const seconds = Math.floor(message.changedAt / 1000)
    const date = moscowTime(message.changedAt)
    if (!json) return { status: 200, code: 'ok', body: `Status = ${message.status}, check_time = ${date}`, ...plainType(false) }
    return {
      status: 200,
      code: 'ok',
      body: {
        status: message.status, last_date: date, last_timestamp: seconds,
        ...(message.err === 0 ? {} : { err: message.err }),
        ...(fields.all === '1' || fields.all === '2'
          ? {
              id: message.id, phone: message.phone, cost: message.cost.toFixed(2), sender_id: message.sender, message: message.text,
              send_date: moscowTime(message.sentAt), send_timestamp: Math.floor(message.sentAt / 1000), sms_cnt: message.segments,
            }
          : {}),
      },
    }
  })

  route('/sys/balance.php', 'balance', 'call', (account, fields, json) => {
    const balance = account.balance.toFixed(2)
    const currency = fields.cur === '1' ? { currency: 'RUR' } : {}
    return { status: 200, code: 'ok', body: json ? { balance, ...currency } : balance, ...plainType(json) }
  })

  const hands: Hands = {
    write(patient: Patient, login: string, said: Said): PhoneMessage[] {
      if (said.files !== undefined || said.place !== undefined || said.card !== undefined) throw new PhoneError('SMS carries words only')
      const account = accounts.get(login)!
      const { text } = said
      const message = writtenMessage(stage, 'sms', login, `mo${nextId++}`, { text })
      stage.phones.keep(patient, message)
      const webhook = moWebhook(stage, account, patient.id, text)
      if (webhook !== undefined) postUpdate(stage, webhook)
      return [message]
    },
    press: () => undefined,
    // The subscriber refuses mass SMS at the operator: every later one is dropped there.
    block: (patient, login, blocked) => { stage.phones.chat(patient, 'sms', login).blocked = blocked },
    read(_patient, message) {
      if (message.state === 'arrived') Object.assign(message, { state: 'read', readAt: stage.clock.now() })
    },
  }

  return {
    accounts,
    hands,
    add(options = {}) {
      const account: SmscAccount = {
        login: `clinic_example_${accounts.size + 1}`, password: stage.random.letters(16), apiKey: stage.random.letters(32),
        secret: stage.random.letters(20), senders: ['CLINIC'], inboundNumber: '79990000000', balance: 1240, segmentPrice: 2.75,
        baseUrl: `${stage.origin()}/smsc`, ...options,
      }
      accounts.set(account.login, account)
      return account
    },
  }
}

function plainType(json: boolean): { headers?: Record<string, string> } {
  return json ? {} : { headers: { 'content-type': 'text/plain; charset=utf-8' } }
}
