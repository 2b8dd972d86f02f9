import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseJsonObject, parseMultipart, rawOf } from './bodies.ts'
import { kindOfMime, makeFile, type PhoneFile } from './files.ts'
import { readWhatsAppMarks } from './formatting.ts'
import { createGreenApiHands, updateOf } from './greenapi-updates.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { createReport, type Report } from './receipts.ts'
import { acceptedMessage, answerCall, badGatewayPage, isWebhookAddress, give, postUpdate, quoteOf, type Answer, type Hands, type Stage, type TroubleAnswers } from './stage.ts'

/** States of an instance; only an authorized one sends. */
export type GreenApiState = 'authorized' | 'notAuthorized' | 'blocked' | 'yellowCard' | 'sleepMode' | 'starting'

/** A number that GREEN-API drives, with what an administrator types into the application. */
export interface GreenApiInstance {
  idInstance: string
  apiTokenInstance: string
  apiUrl: string
  typeInstance: string
  /** The number, digits. */
  phone: string
  state: GreenApiState
  /** Chats that the tariff lets the instance write to in a month. */
  correspondents: number
  settings: {
    webhookUrl: string, webhookUrlToken: string, delaySendMessagesMilliseconds: number, incomingWebhook: string, outgoingWebhook: string, outgoingMessageWebhook: string,
    outgoingAPIMessageWebhook: string, stateWebhook: string, incomingCallWebhook: string, editedMessageWebhook: string, deletedMessageWebhook: string
  }
}

/** Stand-in of GREEN-API. */
export interface GreenApi {
  instances: Map<string, GreenApiInstance>
  hands: Hands
  add(options?: Partial<GreenApiInstance>): GreenApiInstance
  /** The number is logged out, banned, back: what waits goes out when it is. */
  setState(idInstance: string, state: GreenApiState): void
  /** Staff write on the clinic's own telephone. */
  writeFromTelephone(patient: Patient, idInstance: string, text: string): PhoneMessage
  /** A patient calls and nobody answers. */
  missCall(patient: Patient, idInstance: string): void
  /** What waits at the vendor. */
  queued(idInstance: string): number
}

interface Queued { messageID: string, type: 'sendMessage' | 'sendFileByUrl', body: Record<string, unknown>, since: number, leave(): void }

const keptMs = 24 * 3_600_000
const editableMs = 15 * 60_000

const troubles: TroubleAnswers = {
  unauthorized: () => ({ status: 401, code: '401', body: { message: 'Unauthorized' } }),
  rateLimited: () => ({ status: 429, code: '429', body: { message: 'Too Many Requests' } }),
  unavailable: () => ({ status: 503, code: '503', body: 'Service Unavailable' }),
  badGateway: () => ({ status: 502, code: '502', body: badGatewayPage }),
}

const ok = (body: unknown): Answer => ({ status: 200, code: 'ok', body })
const refused = (status: number, message: string): Answer => ({ status, code: String(status), body: { statusCode: status, message } })

/** Registers the API below `/greenapi`. */
export function registerGreenApi(app: FastifyInstance, stage: Stage): GreenApi {
  const instances = new Map<string, GreenApiInstance>()
  const queues = new Map<string, Queued[]>()
  const reports = new Map<string, Report>()
  const chats = new Map<string, Set<string>>()
  const draining = new Set<string>()

  /** One message leaves after another, while the number sends; what waited for a day is dropped. */
  const drain = async (instance: GreenApiInstance): Promise<void> => {
    if (draining.has(instance.idInstance)) return
    draining.add(instance.idInstance)
    const queue = queues.get(instance.idInstance)!
    try {
      while (instance.state === 'authorized' && queue.length > 0) {
        const next = queue.shift()!
        if (stage.clock.now() - next.since < keptMs) next.leave()
        stage.phones.onChange()
        await stage.clock.sleep(instance.settings.delaySendMessagesMilliseconds)
      }
    } finally {
      draining.delete(instance.idInstance)
    }
    if (instance.state === 'authorized' && queue.length > 0) void drain(instance)
  }

  /** `undefined`: nobody of the sandbox, as any number without WhatsApp. */
  const patientOf = (chatId: string): Patient | undefined =>
    stage.phones.find(chatId.split('@')[0]!) ?? stage.phones.all().find((one) => one.hidesPhone && `2147483647${one.id.slice(-5)}@lid` === chatId)

  const accept = (instance: GreenApiInstance, behaviour: Behaviour, type: Queued['type'], fields: Record<string, unknown>, files: PhoneFile[]): Answer => {
    const chatId = String(fields.chatId)
    const known = chats.get(instance.idInstance)!
    if (!known.has(chatId) && known.size >= instance.correspondents) {
      const correspondentsStatus = { method: 'correspondents', used: known.size, total: instance.correspondents, status: 'QUOTE_EXCEEDED', description: 'Chats quota exceeded' }
      return { status: 466, code: '466', body: { invokeStatus: null, correspondentsStatus } }
    }
    known.add(chatId)
    const idMessage = `BAE5${stage.random.hex(12).toUpperCase()}`
    const text = String(fields.message ?? fields.caption ?? '')
    const patient = patientOf(chatId)
    const shown = readWhatsAppMarks(text)
    const message = acceptedMessage(stage, 'whatsapp', instance.idInstance, idMessage, {
      text: shown.text, raw: text, spans: shown.spans, files,
      ...(patient === undefined ? {} : { quote: quoteOf(stage, patient, 'whatsapp', instance.idInstance, fields.quotedMessageId as string | undefined) }),
    })
    if (patient !== undefined) stage.phones.keep(patient, message)
    const report = createReport(stage, { messenger: 'whatsapp', account: instance.idInstance }, behaviour, (receipt, at) => tellStatus(instance, message, chatId, receipt, at))
    reports.set(idMessage, report)
    const leave = (): void => transmit(instance, patient, message, chatId, behaviour, report)
    queues.get(instance.idInstance)!.push({ messageID: idMessage, type, body: { ...fields }, since: stage.clock.now(), leave })
    void drain(instance)
    return ok({ idMessage })
  }

  const tellStatus = (instance: GreenApiInstance, message: PhoneMessage, chatId: string, status: string, at: number): Promise<unknown> => {
    const webhook = updateOf(stage, instance, 'outgoingMessageStatus', `status:${status}`, { chatId, idMessage: message.id, status, sendByApi: true }, at)
    return webhook === undefined ? Promise.resolve() : stage.poster.post(webhook)
  }

  const transmit = (instance: GreenApiInstance, patient: Patient | undefined, message: PhoneMessage, chatId: string, behaviour: Behaviour, report: Report): void => {
    const now = stage.clock.now()
    const echo = updateOf(stage, instance, 'outgoingAPIMessageReceived', 'echo', {
      idMessage: message.id, senderData: { chatId, sender: `${instance.phone}@c.us`, senderName: 'Клиника' }, messageData: { typeMessage: 'extendedTextMessage', extendedTextMessageData: { text: message.raw } },
    })
    if (echo !== undefined) postUpdate(stage, echo)
    if (patient?.apps.whatsapp !== true || behaviour.mode === 'refuses') {
      message.state = 'refused'
      const status = patient?.apps.whatsapp !== true ? 'noAccount' : behaviour.refusal === '' ? 'failed' : behaviour.refusal
      if (behaviour.receipts !== 'never') void tellStatus(instance, message, chatId, status, now)
      return
    }
    void report('sent', now)
    const carriage = {
      delayMs: behaviour.pace === 'instant' ? 0 : 1_500,
      onArrive: () => {
        void report('delivered', stage.clock.now())
        if (patient.reads) hands.read!(patient, message)
      },
    }
    if (behaviour.mode === 'silent' || stage.phones.chat(patient, 'whatsapp', instance.idInstance).blocked) stage.phones.hold(patient, message, carriage)
    else stage.phones.carry(patient, message, carriage)
  }

  const hands = createGreenApiHands(stage, instances, (message) => void reports.get(message.id)?.('read', message.readAt!))

  const isChat = (value: unknown): value is string => typeof value === 'string' && /^\d{5,20}@(?:c\.us|g\.us|lid)$/.test(value)
  const ownMessage = (instance: GreenApiInstance, { chatId, idMessage }: Record<string, unknown>): PhoneMessage | undefined => {
    const patient = isChat(chatId) ? patientOf(chatId) : undefined
    return patient === undefined ? undefined : stage.phones.message(patient, 'whatsapp', String(idMessage), instance.idInstance)
  }

  type Execute = (instance: GreenApiInstance, fields: Record<string, any>, behaviour: Behaviour, upload?: PhoneFile) => Answer
  const methods: Record<string, { verb: 'GET' | 'POST', kind?: 'send', isMedia?: boolean, execute: Execute }> = {
    getStateInstance: { verb: 'GET', execute: (instance) => ok({ stateInstance: instance.state }) },
    getSettings: { verb: 'GET', execute: (instance) => ok({ wid: `${instance.phone}@c.us`, typeInstance: instance.typeInstance, typeAccount: '', ...instance.settings }) },
    setSettings: {
      verb: 'POST',
      execute: (instance, fields) => {
        if (fields.webhookUrl !== undefined && fields.webhookUrl !== '' && !isWebhookAddress(stage, String(fields.webhookUrl))) return refused(400, "Validation failed. Details: 'webhookUrl' must be a valid uri")
        const unknown = Object.keys(fields).find((name) => !(name in instance.settings))
        if (unknown !== undefined) return refused(400, `Validation failed. Details: '${unknown}' is not allowed`)
        Object.assign(instance.settings, fields)
        return ok({ saveSettings: true })
      },
    },
    sendMessage: {
      verb: 'POST', kind: 'send',
      execute: (instance, fields, behaviour) => {
        if (!isChat(fields.chatId)) return refused(400, "Validation failed. Details: 'chatId' is invalid")
        if (typeof fields.message !== 'string' || fields.message === '') return refused(400, "Validation failed. Details: 'message' is required")
        if (fields.message.length > 20_000) return refused(400, "Validation failed. Details: 'message' length must be less than or equal to 20000 characters long")
        return accept(instance, behaviour, 'sendMessage', fields, [])
      },
    },
    sendFileByUpload: {
      verb: 'POST', kind: 'send', isMedia: true,
      execute: (instance, fields, behaviour, upload) => {
        if (!isChat(fields.chatId)) return refused(400, "Validation failed. Details: 'chatId' is invalid")
        if (upload === undefined) return refused(400, 'Validation failed. Details: file is required')
        if (!/\.\w{1,8}$/.test(String(fields.fileName ?? ''))) return refused(400, "Validation failed. Details: 'fileName' must have an extension")
        if (upload.bytes.length > 100 * 1024 * 1024) return refused(413, 'Request Entity Too Large')
        return accept(instance, behaviour, 'sendFileByUrl', fields, [{ ...upload, name: String(fields.fileName) }])
      },
    },
    editMessage: {
      verb: 'POST',
      execute: (instance, fields) => {
        const message = ownMessage(instance, fields)
        if (message === undefined || message.files.length > 0 || stage.clock.now() - message.acceptedAt > editableMs) return refused(400, 'Message can not be edited')
        const shown = readWhatsAppMarks(String(fields.message))
        rewrite(message, stage.clock.now(), { text: shown.text, raw: String(fields.message), spans: shown.spans })
        return ok({ idMessage: `3EB0${stage.random.hex(16).toUpperCase()}` })
      },
    },
    deleteMessage: {
      verb: 'POST',
      execute: (instance, fields) => {
        const message = ownMessage(instance, fields)
        if (message === undefined) return refused(400, 'Message not found')
        message.deletedAt ??= stage.clock.now()
        return ok({})
      },
    },
    downloadFile: {
      verb: 'POST', isMedia: true,
      execute: (instance, fields) => {
        const file = ownMessage(instance, fields)?.files[0]
        return file === undefined ? refused(400, 'Message not found') : ok({ downloadUrl: `${instance.apiUrl}/files/${file.id}` })
      },
    },
    showMessagesQueue: {
      verb: 'GET',
      execute: (instance) => ok(queues.get(instance.idInstance)!.slice(0, 500).map(({ messageID, type, body }) => ({ messageID, type, body }))),
    },
    clearMessagesQueue: {
      verb: 'GET',
      execute: (instance) => {
        queues.get(instance.idInstance)!.length = 0
        return ok({ isCleared: true })
      },
    },
  }

  app.get<{ Params: { id: string } }>('/greenapi/files/:id', (request, reply) => {
    const file = stage.phones.file(request.params.id)
    return file === undefined ? reply.code(404).send('') : reply.type(file.mimeType).send(file.bytes)
  })
  app.route<{ Params: { instance: string, method: string, token: string } }>({
    method: ['GET', 'POST'],
    url: '/greenapi/:instance/:method/:token',
    handler: (request: FastifyRequest<{ Params: { instance: string, method: string, token: string } }>, reply: FastifyReply) => {
      const instance = instances.get(request.params.instance.replace(/^waInstance/, ''))
      const method = methods[request.params.method]
      if (instance === undefined || method?.verb !== request.method) return give(reply, refused(404, 'Not Found'))
      if (instance.apiTokenInstance !== request.params.token) return give(reply, refused(401, 'Unauthorized'))
      const type = request.headers['content-type'] ?? ''
      const form = type.startsWith('multipart/') ? parseMultipart(rawOf(request.body), type) : undefined
      const uploaded = form?.files.file
      const upload = uploaded === undefined
        ? undefined
        : makeFile(stage.random, { bytes: uploaded.data, name: uploaded.filename, mimeType: uploaded.contentType, kind: kindOfMime(uploaded.contentType) })
      const fields = form?.fields ?? parseJsonObject(rawOf(request.body)) ?? {}
      return answerCall(stage, { messenger: 'whatsapp', account: instance.idInstance, method: request.params.method, kind: method.kind ?? 'call', isMedia: method.isMedia }, reply, troubles, (behaviour) => {
        if (method.kind === 'send' && behaviour.limits === 'strict' && stage.limiter.take(`greenapi/${instance.idInstance}`, 50, 50) > 0) return troubles.rateLimited(behaviour)
        if (method.kind === 'send' && instance.state === 'starting') return refused(400, 'Instance is starting, try later')
        return method.execute(instance, fields, behaviour, upload)
      })
    },
  })

  return {
    instances,
    hands,
    add(options = {}) {
      const idInstance = options.idInstance ?? String(1_101_000_001 + instances.size)
      const no = { incomingWebhook: 'no', outgoingWebhook: 'no', outgoingMessageWebhook: 'no', outgoingAPIMessageWebhook: 'no', stateWebhook: 'no', incomingCallWebhook: 'no', editedMessageWebhook: 'no', deletedMessageWebhook: 'no' }
      const instance: GreenApiInstance = {
        idInstance, apiTokenInstance: stage.random.hex(50), apiUrl: `${stage.origin()}/greenapi`, typeInstance: 'whatsapp', phone: '79990000000', state: 'authorized', correspondents: 1_000_000,
        settings: { webhookUrl: '', webhookUrlToken: '', delaySendMessagesMilliseconds: 5_000, ...no }, ...options,
      }
      instances.set(idInstance, instance)
      queues.set(idInstance, [])
      chats.set(idInstance, new Set())
      return instance
    },
    setState(idInstance, state) {
      const instance = instances.get(idInstance)!
      instance.state = state
      const webhook = updateOf(stage, instance, 'stateInstanceChanged', `state:${state}`, { stateInstance: state })
      if (webhook !== undefined) postUpdate(stage, webhook)
      void drain(instance)
    },
    writeFromTelephone(patient, idInstance, text) {
      const instance = instances.get(idInstance)!
      const message = acceptedMessage(stage, 'whatsapp', idInstance, `3EB0${stage.random.hex(16).toUpperCase()}`, { text })
      stage.phones.keep(patient, message)
      stage.phones.carry(patient, message, { delayMs: 0 })
      const webhook = updateOf(stage, instance, 'outgoingMessageReceived', 'echo', {
        idMessage: message.id, senderData: { chatId: `${patient.id}@c.us`, chatName: patient.name, sender: `${instance.phone}@c.us`, senderName: 'Клиника' },
        messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: text } },
      })
      if (webhook !== undefined) postUpdate(stage, webhook)
      return message
    },
    missCall(patient, idInstance) {
      const webhook = updateOf(stage, instances.get(idInstance)!, 'incomingCall', 'call', { from: `${patient.id}@c.us`, status: 'missed', idMessage: stage.random.hex(20).toUpperCase() })
      if (webhook !== undefined) postUpdate(stage, webhook)
    },
    queued: (idInstance) => queues.get(idInstance)!.length,
  }
}
