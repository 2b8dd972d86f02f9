import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { parseJsonObject, rawOf } from './bodies.ts'
import { type Behaviour } from './behaviour.ts'
import { createReport } from './receipts.ts'
import {
  acceptedMessage, afterDelay, answerCall, badGatewayPage, give, quoteOf, settleFirst,
  type Answer, type Stage, type TroubleAnswers,
} from './stage.ts'
import { readWhatsAppMarks } from './formatting.ts'
import { createWhatsAppHands, type WhatsAppHands } from './whatsapp-hands.ts'
import { comesLater, graphError, refusal, unknownObject } from './whatsapp-errors.ts'
import { statusWebhook, type SentMessage } from './whatsapp-events.ts'
import { registerMedia } from './whatsapp-media.ts'
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
  /** What Meta calls the state of the number. */
  status: 'CONNECTED' | 'PENDING' | 'FLAGGED' | 'RESTRICTED' | 'RATE_LIMITED' | 'BANNED' | 'DELETED' | 'MIGRATED' | 'DISCONNECTED'
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
  /** The number also lives in the WhatsApp Business app; only then Meta tells of edits, deletions and what staff writes there. */
  coexists: boolean
}

/** Stand-in of the WhatsApp Cloud API. */
export interface WhatsApp {
  add(options?: Partial<WhatsAppNumber>): WhatsAppNumber
  numbers: Map<string, WhatsAppNumber>
  hands: WhatsAppHands
}

const troubles: TroubleAnswers = {
  unauthorized: () => refusal(190),
  rateLimited: () => refusal(130429),
  unavailable: () => refusal(131016),
  badGateway: () => ({ status: 502, body: badGatewayPage, code: '502' }),
}

/** The number that a token may use under this id, or the vendor's error. */
export type Opened = { number: WhatsAppNumber } | { error: Answer }

/** Finds the number that a request's token may use. */
export type OpenNumber = (request: FastifyRequest, id: string, belongs: (number: WhatsAppNumber) => boolean) => Opened

/** Answers a call for an opened number, staged trouble included. */
export type CallNumber = (
  reply: FastifyReply, opened: Opened, account: string, method: string, kind: 'send' | 'call',
  execute: (number: WhatsAppNumber, behaviour: Behaviour) => Answer | Promise<Answer>, isMedia?: boolean,
) => Promise<FastifyReply> | FastifyReply

/** Registers the API below `/wa/vNN.0`. */
export function registerWhatsApp(app: FastifyInstance, stage: Stage): WhatsApp {
  const numbers = new Map<string, WhatsAppNumber>()
  const sent = new Map<string, { number: WhatsAppNumber, message: SentMessage, report: ReturnType<typeof createReport> }>()

  const wamid = (phone: string): string =>
    `wamid.${Buffer.from(`\x1d\x18\x0b${phone}\x15\x02`).toString('base64url')}${stage.random.letters(26)}A=`

  const tokenOf = (request: FastifyRequest): string | undefined => /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]

  const open: OpenNumber = (request, id, belongs) => {
    const token = tokenOf(request)
    if (token === undefined) return { error: graphError(401, 190, 'Authentication Error') }
    const own = [...numbers.values()].filter((number) => number.token === token)
    if (own.length === 0) return { error: graphError(401, 190, 'Invalid OAuth access token - Cannot parse access token') }
    const number = own.find(belongs)
    return number === undefined ? { error: unknownObject(id, request.method === 'GET' ? 'get' : 'post') } : { number }
  }

  const send = async (number: WhatsAppNumber, body: Record<string, any> | undefined, behaviour: Behaviour): Promise<Answer> => {
    if (body === undefined) return graphError(400, 100, '(#100) The parameter messaging_product is required.')
    if (body.status === 'read') return markRead(body)
    const read = readMessage(body, number.templates, (id) => {
      const medium = media.find(id)
      return medium?.number === number ? medium.file : undefined
    })
    if ('status' in read) return read
    if (behaviour.limits === 'strict' && stage.limiter.take(`wa/${number.phoneNumberId}`, 80, 80) > 0) return refusal(130429)

    let failing = behaviour.mode === 'refuses' ? Number(behaviour.refusal || 131026) : read.misfit === undefined ? undefined : 131053
    if (failing !== undefined && !comesLater(failing)) return refusal(failing)
    const patient = read.phone === undefined ? stage.phones.byWhatsAppUserId(read.userId!) : stage.phones.find(read.phone)
    const now = stage.clock.now()
    const message: SentMessage = {
      id: wamid(read.phone ?? ''), patient, phone: read.phone, userId: read.userId, opaque: read.opaque,
      category: read.template?.category.toLowerCase() ?? 'service', at: now, conversationId: stage.random.hex(32),
    }
    const report = createReport(stage, { messenger: 'whatsapp', account: number.phoneNumberId }, behaviour, (status, at) => {
      const webhook = statusWebhook(stage, number, message, status, at, status === 'failed' && failing !== undefined
        ? { code: failing, details: failing === 131053 ? read.misfit : undefined }
        : undefined)
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
    if (read.reaction !== undefined && patient !== undefined && failing === undefined) {
      const target = stage.phones.message(patient, 'whatsapp', read.reaction.id, number.phoneNumberId)
      if (target !== undefined) target.reaction = read.reaction.emoji || undefined
      stage.phones.onChange()
      return answer
    }
    const { text, buttons, files = [], place, card } = read
    const onPhone = acceptedMessage(stage, 'whatsapp', number.phoneNumberId, message.id, {
      ...readWhatsAppMarks(text), raw: text, buttons, files, place, card,
      quote: patient === undefined ? undefined : quoteOf(stage, patient, 'whatsapp', number.phoneNumberId, read.quotedId),
    })
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
    const body = parseJsonObject(rawOf(request.body))
    const isMedia = ['image', 'document', 'video', 'audio', 'sticker'].includes(String(body?.type))
    return call(reply, opened, request.params.id, 'POST messages', 'send', (number, behaviour) => send(number, body, behaviour), isMedia)
  })

  const call: CallNumber = (reply, opened, account, method, kind, execute, isMedia) => {
    if ('error' in opened) {
      stage.calls.add({ messenger: 'whatsapp', account, method, status: opened.error.status, code: opened.error.code })
      return give(reply, opened.error)
    }
    const { number } = opened
    return answerCall(stage, { messenger: 'whatsapp', account: number.phoneNumberId, method, kind, isMedia }, reply, troubles,
      (behaviour) => execute(number, behaviour))
  }

  const media = registerMedia(app, stage, open, call)
  registerManagement(app, stage, numbers, media, open, call)
  const hands = createWhatsAppHands(stage, numbers, media, wamid, (id) => sent.get(id)?.report)

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
        status: 'CONNECTED',
        token: `EAA${stage.random.letters(60)}`,
        appSecret: stage.random.hex(32),
        baseUrl: `${stage.origin()}/wa/v23.0`,
        templates: usualTemplates(stage.random),
        subscribed: false,
        coexists: false,
        ...options,
      }
      numbers.set(phoneNumberId, number)
      return number
    },
  }
}
