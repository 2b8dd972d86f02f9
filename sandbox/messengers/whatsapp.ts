import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { parseJsonObject, rawOf } from './bodies.ts'
import { type Behaviour } from './behaviour.ts'
import { createReport } from './receipts.ts'
import {
  acceptedMessage, afterDelay, answerCall, badGatewayPage, give, postUpdate, settleFirst, writtenMessage,
  type Answer, type Hands, type Stage, type TroubleAnswers,
} from './stage.ts'
import { comesLater, graphError, refusal, unknownObject } from './whatsapp-errors.ts'
import { inboundWebhook, pressContent, statusWebhook, type SentMessage } from './whatsapp-events.ts'
import { registerManagement } from './whatsapp-management.ts'
import { readMessage } from './whatsapp-messages.ts'
import { ttlMs, usualTemplates, type Template } from './whatsapp-templates.ts'

/** Where webhooks go, and the word that the address was verified with. */
export interface WebhookAddress { url: string, verifyToken: string }

/** A business number with what an administrator types into the application. */
export interface WhatsAppNumber {
  phoneNumberId: string
  wabaId: string
  displayPhoneNumber: string
  verifiedName: string
  qualityRating: 'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN'
  token: string
  appSecret: string
  /** Base URL of the Graph API with its version. */
  baseUrl: string
  templates: Template[]
  /** Callback URL from the app's dashboard; the only one that hears of templates. */
  webhook?: WebhookAddress
  /** Alternate callback URL of the whole account, set by `subscribed_apps`. */
  override?: WebhookAddress
  /** Alternate callback URL of this number; goes before the others. */
  numberOverride?: WebhookAddress
  subscribed: boolean
}

/** Stand-in of the WhatsApp Cloud API. */
export interface WhatsApp {
  add(options?: Partial<WhatsAppNumber>): WhatsAppNumber
  numbers: Map<string, WhatsAppNumber>
  hands: Hands
}

const troubles: TroubleAnswers = {
  unauthorized: () => refusal(190),
  rateLimited: () => refusal(130429),
  unavailable: () => refusal(131016),
  badGateway: () => ({ status: 502, body: badGatewayPage, code: '502' }),
}

/** The number that a token may use under this id, or the vendor's error. */
export type Opened = { number: WhatsAppNumber } | { error: Answer }

/** Registers the API below `/wa/vNN.0`. */
export function registerWhatsApp(app: FastifyInstance, stage: Stage): WhatsApp {
  const numbers = new Map<string, WhatsAppNumber>()
  const sent = new Map<string, { number: WhatsAppNumber, message: SentMessage, report: ReturnType<typeof createReport> }>()

  const wamid = (phone: string): string =>
    `wamid.${Buffer.from(`\x1d\x18\x0b${phone}\x15\x02`).toString('base64url')}${stage.random.letters(26)}A=`

  const tokenOf = (request: FastifyRequest): string | undefined => /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]

  const open = (request: FastifyRequest, id: string, belongs: (number: WhatsAppNumber) => boolean): Opened => {
    const token = tokenOf(request)
    if (token === undefined) return { error: graphError(401, 190, 'Authentication Error') }
    const own = [...numbers.values()].filter((number) => number.token === token)
    if (own.length === 0) return { error: graphError(401, 190, 'Invalid OAuth access token - Cannot parse access token') }
    const number = own.find(belongs)
    return number === undefined ? { error: unknownObject(id, request.method === 'GET' ? 'get' : 'post') } : { number }
  }

  const send = async (number: WhatsAppNumber, raw: Buffer, behaviour: Behaviour): Promise<Answer> => {
    const body = parseJsonObject(raw)
    if (body === undefined) return graphError(400, 100, '(#100) The parameter messaging_product is required.')
    if (body.status === 'read') return markRead(body)
    const read = readMessage(body, number.templates)
    if ('status' in read) return read
    if (behaviour.limits === 'strict' && stage.limiter.take(`wa/${number.phoneNumberId}`, 80, 80) > 0) return refusal(130429)

    let failing = behaviour.mode === 'refuses' ? Number(behaviour.refusal || 131026) : undefined
    if (failing !== undefined && !comesLater(failing)) return refusal(failing)
    const patient = read.phone === undefined ? stage.phones.byWhatsAppUserId(read.userId!) : stage.phones.find(read.phone)
    const now = stage.clock.now()
    const message: SentMessage = {
      id: wamid(read.phone ?? ''), patient, phone: read.phone, userId: read.userId, opaque: read.opaque,
      category: read.template?.category.toLowerCase() ?? 'service', at: now, conversationId: stage.random.hex(32),
    }
    const report = createReport(stage, { messenger: 'whatsapp', account: number.phoneNumberId }, behaviour, (status, at) => {
      const webhook = statusWebhook(stage, number, message, status, at, status === 'failed' ? failing : undefined)
      return webhook === undefined ? Promise.resolve() : stage.poster.post(webhook)
    })
    const answer: Answer = {
      status: 200,
      code: 'ok',
      body: {
        messaging_product: 'whatsapp',
        contacts: [{
          input: read.phone === undefined ? read.userId : body.to,
          ...(read.phone === undefined ? {} : { wa_id: read.phone }),
          ...(patient?.apps.whatsapp === true ? { user_id: patient.whatsappUserId } : {}),
        }],
        messages: [{ id: message.id, message_status: 'accepted' }],
      },
    }

    const instant = behaviour.pace === 'instant' || behaviour.receipts === 'early'
    if (patient?.apps.whatsapp !== true) failing ??= 131026
    else {
      const chat = stage.phones.chat(patient, 'whatsapp', number.phoneNumberId)
      if (read.template === undefined && (chat.lastWroteAt ?? -Infinity) + 86_400_000 <= now) failing ??= 131047
      // About one message per 6 seconds to one person, with a burst of 45.
      if (behaviour.limits === 'strict' && stage.limiter.take(`wa/${number.phoneNumberId}/${patient.id}`, 45, 1 / 6) > 0) failing ??= 131056
    }
    const onPhone = acceptedMessage(stage, 'whatsapp', number.phoneNumberId, message.id, read.text, read.buttons)
    if (read.template !== undefined) onPhone.template = { name: read.template.name, language: read.template.language }
    if (patient !== undefined) stage.phones.keep(patient, onPhone)
    sent.set(message.id, { number, message, report })
    if (failing !== undefined || patient === undefined) {
      onPhone.state = 'refused'
      afterDelay(stage.clock, instant ? 0 : 900, () => void report('failed', stage.clock.now()))
      return answer
    }

    const early: Promise<unknown>[] = []
    const say = (status: 'sent' | 'delivered' | 'read'): void => { early.push(report(status, stage.clock.now())) }
    afterDelay(stage.clock, instant ? 0 : 400, () => say('sent'))
    const carriage = {
      delayMs: instant ? 0 : 1_500,
      expiresAt: now + ttlMs(read.template),
      onArrive: () => {
        say('delivered')
        if (patient.reads || behaviour.receipts === 'readOnly') {
          afterDelay(stage.clock, instant ? 0 : 2_500, () => hands.read!(patient, onPhone))
        }
      },
    }
    const blocked = stage.phones.chat(patient, 'whatsapp', number.phoneNumberId).blocked
    if (behaviour.mode === 'silent' || blocked) stage.phones.hold(patient, onPhone, carriage)
    else stage.phones.carry(patient, onPhone, carriage)
    if (behaviour.receipts === 'early') await settleFirst(early)
    return answer
  }

  const markRead = (body: Record<string, any>): Answer => {
    const patient = stage.phones.all().find((one) => stage.phones.message(one, 'whatsapp', String(body.message_id)) !== undefined)
    return patient === undefined
      ? graphError(400, 131009, '(#131009) Parameter value is not valid', 'message_id is not a message of this conversation')
      : { status: 200, body: { success: true }, code: 'ok' }
  }

  app.post<{ Params: { version: string, id: string } }>('/wa/:version/:id/messages', async (request, reply) => {
    const opened = open(request, request.params.id, (number) => number.phoneNumberId === request.params.id)
    return call(reply, opened, request.params.id, 'POST messages', 'send', (number, behaviour) =>
      send(number, rawOf(request.body), behaviour))
  })

  const call = (
    reply: FastifyReply, opened: Opened, account: string, method: string, kind: 'send' | 'call',
    execute: (number: WhatsAppNumber, behaviour: Behaviour) => Answer | Promise<Answer>,
  ): Promise<FastifyReply> | FastifyReply => {
    if ('error' in opened) {
      stage.calls.add({ messenger: 'whatsapp', account, method, status: opened.error.status, code: opened.error.code })
      return give(reply, opened.error)
    }
    const { number } = opened
    return answerCall(stage, { messenger: 'whatsapp', account: number.phoneNumberId, method, kind }, reply, troubles,
      (behaviour) => execute(number, behaviour))
  }

  registerManagement(app, stage, numbers, open, call)

  const inbound = (patient: Parameters<Hands['write']>[0], account: string, text: string, content: Record<string, unknown>) => {
    const number = numbers.get(account)!
    const message = writtenMessage(stage, 'whatsapp', account, wamid(patient.id), text)
    stage.phones.chat(patient, 'whatsapp', account).lastWroteAt = stage.clock.now()
    stage.phones.chat(patient, 'whatsapp', account).started = true
    stage.phones.keep(patient, message)
    const webhook = inboundWebhook(stage, number, patient, message.id, content)
    if (webhook !== undefined) postUpdate(stage, webhook)
    return message
  }

  const hands: Hands = {
    write: (patient, account, text, quotedId) => inbound(patient, account, text, {
      type: 'text',
      text: { body: text },
      ...(quotedId === undefined ? {} : { context: { from: numbers.get(account)!.displayPhoneNumber, id: quotedId } }),
    }),
    press(patient, message, button) {
      hands.read!(patient, message)
      inbound(patient, message.account, button.text, pressContent(numbers.get(message.account)!, message, button))
    },
    // The other side learns nothing of a block: messages just stay "sent".
    block: (patient, account, blocked) => { stage.phones.chat(patient, 'whatsapp', account).blocked = blocked },
    read(_patient, message) {
      if (message.state !== 'arrived') return
      message.state = 'read'
      message.readAt = stage.clock.now()
      void sent.get(message.id)?.report('read', message.readAt)
      stage.phones.onChange()
    },
  }

  return {
    numbers,
    hands,
    add(options = {}) {
      const phoneNumberId = options.phoneNumberId ?? stage.random.digits(15)
      const number: WhatsAppNumber = {
        phoneNumberId,
        wabaId: stage.random.digits(15),
        displayPhoneNumber: `7495000${stage.random.digits(4)}`,
        verifiedName: 'Клиника «Пример»',
        qualityRating: 'GREEN',
        token: `EAA${stage.random.letters(60)}`,
        appSecret: stage.random.hex(32),
        baseUrl: `${stage.origin()}/wa/v23.0`,
        templates: usualTemplates(stage.random),
        subscribed: false,
        ...options,
      }
      numbers.set(phoneNumberId, number)
      return number
    },
  }
}
