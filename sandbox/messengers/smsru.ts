import { createHash } from 'node:crypto'

import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseForm, rawOf } from './bodies.ts'
import { PhoneError } from './phones.ts'
import { createReport } from './receipts.ts'
import { countSegments, transliterate } from './sms-text.ts'
import { normalisePhone } from './smsc-fields.ts'
import { acceptedMessage, afterDelay, answerCall, badGatewayPage, give, isWebhookAddress, settleFirst, type Answer, type Hands, type Stage, type TroubleAnswers } from './stage.ts'

/** An SMS.ru account with what an administrator types into the application. */
export interface SmsruAccount {
  /** Key of the account in the sandbox; it names the account among those that send SMS. */
  id: string
  apiId: string
  /** Names that the account may send from; the first one is used when none is given. */
  senders: string[]
  balance: number
  segmentPrice: number
  dailyLimit: number
  usedToday: number
  /** Numbers with a note each, as the cabinet keeps them. */
  stopList: Map<string, string>
  /** The account's guard against equal texts; it can be switched off. */
  guardsEqualTexts: boolean
  callbacks: string[]
  baseUrl: string
}

/** Stand-in of SMS.ru. */
export interface Smsru {
  accounts: Map<string, SmsruAccount>
  hands: Hands
  add(options?: Partial<SmsruAccount>): SmsruAccount
}

const words: Record<number, string> = {
  200: 'Неправильный api_id', 201: 'Не хватает средств на лицевом счету', 202: 'Неправильно указан номер телефона получателя', 203: 'Нет текста сообщения',
  204: 'Имя отправителя не согласовано с администрацией', 205: 'Сообщение слишком длинное (превышает 8 СМС)', 206: 'Будет превышен или уже превышен дневной лимит',
  207: 'На этот номер нет маршрута для доставки сообщений', 209: 'Вы добавили этот номер в стоп-лист', 220: 'Сервис временно недоступен',
  231: 'Превышен лимит одинаковых сообщений на этот номер в минуту', 500: 'Ошибка на сервере', 901: 'Callback: URL неверный', 902: 'Callback: Обработчик не найден',
}

const error = (code: number): Record<string, unknown> => ({ status: 'ERROR', status_code: code, status_text: words[code] ?? 'Ошибка' })
/** The answer of the API, errors included: always with HTTP 200. */
const answerOf = (body: Record<string, unknown>): Answer => ({ status: 200, code: String(body.status_code), body })
const ok = (more: Record<string, unknown> = {}): Answer => answerOf({ status: 'OK', status_code: 100, ...more })

const troubles: TroubleAnswers = {
  unauthorized: () => answerOf(error(200)),
  rateLimited: () => ({ status: 429, code: '429', body: 'Too Many Requests' }),
  unavailable: () => answerOf(error(220)),
  badGateway: () => ({ status: 502, code: '502', body: badGatewayPage }),
}

interface Sms { id: string, status: number }

/** Registers the API below `/smsru`. */
export function registerSmsru(app: FastifyInstance, stage: Stage): Smsru {
  const accounts = new Map<string, SmsruAccount>()
  const messages = new Map<string, Sms>()
  const recent = new Map<string, number>()
  let nextId = 1_000_001

  const route = (path: string, kind: 'send' | 'call', execute: (account: SmsruAccount, fields: Record<string, string>, behaviour: Behaviour) => Answer | Promise<Answer>): void => {
    app.route({
      method: ['GET', 'POST'],
      url: `/smsru${path}`,
      handler: (request: FastifyRequest, reply: FastifyReply) => {
        const fields = { ...parseForm(request.url.split('?')[1] ?? ''), ...parseForm(rawOf(request.body)) }
        const account = [...accounts.values()].find((one) => one.apiId === fields.api_id)
        if (account === undefined) {
          stage.calls.add({ messenger: 'sms', account: '', method: path, status: 200, code: '200' })
          return give(reply, answerOf(error(200)))
        }
        // Without json=1 the answer is lines of text, which nobody asks for today.
        if (fields.json !== '1') return give(reply, { status: 200, code: '100', body: '100', headers: { 'content-type': 'text/plain; charset=utf-8' } })
        return answerCall(stage, { messenger: 'sms', account: account.id, method: path, kind }, reply, troubles, (behaviour) => execute(account, fields, behaviour))
      },
    })
  }

  route('/sms/send', 'send', async (account, fields, behaviour) => {
    const numbers = (fields.to ?? '').split(',').map((one) => one.trim()).filter((one) => one !== '')
    if (numbers.length === 0 || numbers.length > 100) return answerOf(error(202))
    if ((fields.msg ?? '') === '') return answerOf(error(203))
    if (fields.from !== undefined && !account.senders.includes(fields.from)) return answerOf(error(204))
    if (fields.ttl !== undefined && !(Number(fields.ttl) >= 1 && Number(fields.ttl) <= 1440)) return answerOf(error(208))
    const text = fields.translit === '1' ? transliterate(fields.msg!) : fields.msg!
    const segments = countSegments(text)
    if (segments > 8) return answerOf(error(205))
    const early: Promise<unknown>[] = []
    const sms: Record<string, unknown> = {}
    for (const number of numbers) sms[number] = sendOne(account, number, { text, segments, isTest: fields.test === '1', sender: fields.from ?? account.senders[0]!, lifeMs: Number(fields.ttl ?? 1440) * 60_000 }, behaviour, early)
    if (behaviour.receipts === 'early') await settleFirst(early)
    return ok({ sms, balance: account.balance })
  })

  const sendOne = (
    account: SmsruAccount, number: string, { text, segments, isTest, sender, lifeMs }: { text: string, segments: number, isTest: boolean, sender: string, lifeMs: number },
    behaviour: Behaviour, early: Promise<unknown>[],
  ): Record<string, unknown> => {
    const phone = normalisePhone(number)
    if (phone === undefined) return error(202)
    if (behaviour.mode === 'refuses' && /^2\d\d$/.test(behaviour.refusal)) return error(Number(behaviour.refusal))
    if (account.stopList.has(phone)) return error(209)
    const cost = segments * account.segmentPrice
    if (cost > account.balance) return error(201)
    if (account.usedToday >= account.dailyLimit) return error(206)
    const now = stage.clock.now()
    const key = `${account.id}/${phone}/${text}`
    if (account.guardsEqualTexts && now - (recent.get(key) ?? -Infinity) < 60_000) return error(231)
    recent.set(key, now)
    const id = `202647-${nextId++}`
    const one: Sms = { id, status: 100 }
    messages.set(`${account.id}/${id}`, one)
    if (!isTest) {
      account.balance = Math.round((account.balance - cost) * 100) / 100
      account.usedToday++
      transmit(account, phone, one, { text, segments, sender, lifeMs }, behaviour, early)
    }
    return { status: 'OK', status_code: 100, sms_id: id, cost: cost.toFixed(2) }
  }

  const transmit = (
    account: SmsruAccount, phone: string, sms: Sms, { text, segments, sender, lifeMs }: { text: string, segments: number, sender: string, lifeMs: number },
    behaviour: Behaviour, early: Promise<unknown>[],
  ): void => {
    const report = createReport(stage, { messenger: 'sms', account: account.id }, behaviour, (receipt, at) =>
      callBack(account, [`sms_status\n${sms.id}\n${receipt === 'sent' ? 102 : receipt === 'delivered' ? 103 : sms.status}\n${Math.floor(at / 1000)}`], `status:${receipt}`))
    const become = (status: number): void => {
      sms.status = status
      early.push(report(status === 102 ? 'sent' : status === 103 ? 'delivered' : 'failed', stage.clock.now()))
    }
    const instant = behaviour.pace === 'instant' || behaviour.receipts === 'early'
    const patient = stage.phones.find(phone)
    if (patient?.apps.sms !== true) {
      afterDelay(stage.clock, instant ? 0 : 2_000, () => become(150))
      return
    }
    const onPhone = acceptedMessage(stage, 'sms', account.id, sms.id, { text })
    Object.assign(onPhone, { sender, segments })
    stage.phones.keep(patient, onPhone)
    if (behaviour.mode === 'refuses' || stage.phones.chat(patient, 'sms', account.id).blocked) {
      onPhone.state = 'refused'
      // The usual refusal: the operator drops it, because the subscriber opted out of mass SMS.
      const status = behaviour.mode === 'refuses' && behaviour.refusal !== '' ? Number(behaviour.refusal) : 108
      afterDelay(stage.clock, instant ? 0 : 2_000, () => become(status))
      return
    }
    afterDelay(stage.clock, instant ? 0 : 1_000, () => { if (sms.status === 100) become(102) })
    const carriage = { delayMs: instant ? 0 : 4_000, expiresAt: stage.clock.now() + lifeMs, onArrive: () => become(103), onExpire: () => become(104) }
    if (behaviour.mode === 'silent') stage.phones.hold(patient, onPhone, carriage)
    else stage.phones.carry(patient, onPhone, carriage)
  }

  /** PHP's own form as `multipart/form-data`; anything but "100" is repeated for five days. */
  const callBack = async (account: SmsruAccount, records: readonly string[], kind: string): Promise<unknown> => {
    if (account.callbacks.length === 0) stage.poster.lose({ messenger: 'sms', account: account.id, kind }, 'no callback URL is set')
    const hash = createHash('sha256').update([account.apiId, ...records].join('')).digest('hex')
    const boundary = `------------------------${stage.random.hex(16)}`
    const parts = [...records.map((record, index): [string, string] => [`data[${index}]`, record]), ['hash', hash] as [string, string]]
    const body = `${parts.map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--${boundary}--\r\n`
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
    return Promise.all(account.callbacks.map((url) => stage.poster.post({
      messenger: 'sms', account: account.id, kind, url, headers, body: Buffer.from(body), accepts: (answer) => answer.trim() === '100',
      retry: { firstMs: 60_000, longestMs: 3_600_000, forMs: 5 * 86_400_000 },
      refresh: () => account.callbacks.includes(url) ? { url, headers } : undefined,
    })))
  }

  route('/sms/status', 'call', (account, fields) => ok({
    sms: Object.fromEntries((fields.sms_id ?? '').split(',').map((id) => {
      const one = messages.get(`${account.id}/${id}`)
      return [id, one === undefined ? { status: 'ERROR', status_code: -1, status_text: 'Сообщение не найдено' } : { status: 'OK', status_code: one.status }]
    })),
  }))
  route('/my/balance', 'call', (account) => ok({ balance: account.balance }))
  // The first is a text and the second a number, as in the real one.
  route('/my/limit', 'call', (account) => ok({ total_limit: String(account.dailyLimit), used_today: account.usedToday }))
  route('/my/senders', 'call', (account) => ok({ senders: account.senders }))
  route('/stoplist/get', 'call', (account) => ok({ stoplist: account.stopList.size === 0 ? [] : Object.fromEntries(account.stopList) }))
  route('/callback/get', 'call', (account) => ok({ callback: account.callbacks }))
  route('/callback/add', 'call', (account, fields) => {
    if (!isWebhookAddress(stage, fields.url ?? '')) return answerOf(error(901))
    if (!account.callbacks.includes(fields.url!)) account.callbacks.push(fields.url!)
    return ok({ callback: account.callbacks })
  })
  route('/callback/del', 'call', (account, fields) => {
    if (!account.callbacks.includes(fields.url ?? '')) return answerOf(error(902))
    account.callbacks = account.callbacks.filter((one) => one !== fields.url)
    return ok({ callback: account.callbacks })
  })

  return {
    accounts,
    hands: {
      write: () => { throw new PhoneError('SMS.ru passes no answers on') },
      press: () => undefined,
      block: (patient, id, blocked) => { stage.phones.chat(patient, 'sms', id).blocked = blocked },
      read(_patient, message) {
        if (message.state === 'arrived') Object.assign(message, { state: 'read', readAt: stage.clock.now() })
      },
    },
    add(options = {}) {
      const group = (): string => stage.random.hex(8).toUpperCase()
      const account: SmsruAccount = {
        id: `smsru-${accounts.size + 1}`, apiId: `${group()}-${group().slice(4)}-${group().slice(4)}-${group()}`, senders: ['CLINIC'], balance: 1240, segmentPrice: 2.6, dailyLimit: 1000,
        usedToday: 0, stopList: new Map(), guardsEqualTexts: true, callbacks: [], baseUrl: `${stage.origin()}/smsru`, ...options,
      }
      accounts.set(account.id, account)
      return account
    },
  }
}
