import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseJsonObject, rawOf } from './bodies.ts'
import { kindOfMime, makeFile, type PhoneFile } from './files.ts'
import { readWhatsAppMarks } from './formatting.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { createReport, type Report } from './receipts.ts'
import { acceptedMessage, answerCall, badGatewayPage, give, isWebhookAddress, postUpdate, quoteOf, type Answer, type Hands, type Stage, type TroubleAnswers } from './stage.ts'
import { chatIdOf, createWazzupHands, messageOf, messengerOf, newGuid, updateOf } from './wazzup-updates.ts'

/** An account of the vendor: one key and one address of webhooks for all its channels. */
export interface WazzupAccount {
  apiKey: string
  /** Shown in every webhook where it is set. */
  crmKey: string
  webhooksUri: string
  subscriptions: { messagesAndStatuses: boolean, channelsUpdates: boolean, contactsAndDealsCreation: boolean, templateStatus: boolean }
}

/** A number or an account that Wazzup drives. */
export interface WazzupChannel {
  channelId: string
  transport: 'whatsapp' | 'tgapi' | 'max'
  plainId: string
  state: string
  baseUrl: string
  account: WazzupAccount
}

/** Stand-in of Wazzup's API v3. */
export interface Wazzup {
  channels: Map<string, WazzupChannel>
  hands: Hands
  add(options?: Partial<WazzupChannel>): WazzupChannel
  setState(channelId: string, state: string): void
  /** Staff answer in the vendor's own chats. */
  writeFromChats(patient: Patient, channelId: string, text: string): PhoneMessage
}

const ok = (body: unknown, status = 200): Answer => ({ status, code: 'ok', body })
const refused = (error: string, status = 400): Answer => ({ status, code: error, body: { error, description: error } })

const troubles: TroubleAnswers = {
  unauthorized: () => refused('UNAUTHORIZED', 401),
  rateLimited: () => refused('TOO_MANY_REQUESTS', 429),
  unavailable: () => ({ status: 503, code: '503', body: 'Service Unavailable' }),
  badGateway: () => ({ status: 502, code: '502', body: badGatewayPage }),
}
const repeatedMs = 60_000
const mostBytes = 10 * 1024 * 1024

/** Registers the API below `/wazzup`. */
export function registerWazzup(app: FastifyInstance, stage: Stage): Wazzup {
  const channels = new Map<string, WazzupChannel>()
  const sent = new Map<string, { channel: WazzupChannel, patient?: Patient, message: PhoneMessage }>()
  const reports = new Map<string, Report>()
  const recent = new Map<string, number>()

  const patientOf = (channel: WazzupChannel, fields: Record<string, any>): Patient | undefined =>
    channel.transport === 'tgapi' && typeof fields.chatId === 'string'
      ? stage.phones.all().find((one) => chatIdOf(channel, one) === fields.chatId)
      : stage.phones.find(String(fields.phone ?? fields.chatId))

  const misfitOf = (channel: WazzupChannel, fields: Record<string, any>): string | undefined => {
    const isTelegram = channel.transport === 'tgapi'
    if (fields.chatType !== (isTelegram ? 'telegram' : channel.transport)) return 'WRONG_TRANSPORT'
    if (fields.phone !== undefined && !isTelegram) return 'VALIDATION_ERROR'
    if (!isTelegram && !/^\d{7,15}$/.test(String(fields.chatId))) return 'VALIDATION_ERROR'
    if (fields.text !== undefined && fields.contentUri !== undefined) return 'MESSAGE_ONLY_TEXT_OR_CONTENT'
    if (fields.text === undefined && fields.contentUri === undefined) return 'MESSAGE_NOTHING_TO_SEND'
    if (typeof fields.text === 'string' && fields.text.length > (isTelegram ? 4096 : 10_000)) return 'MESSAGE_TEXT_TOO_LONG'
    return fields.refMessageId === undefined || typeof fields.refMessageId === 'string' ? undefined : 'VALIDATION_ERROR'
  }

  /** The vendor fetches at once and follows no redirect. */
  const fetchContent = async (address: string): Promise<PhoneFile | undefined> => {
    try {
      const answer = await fetch(address, { redirect: 'manual' })
      if (answer.status !== 200) return undefined
      const mimeType = answer.headers.get('content-type') ?? 'application/octet-stream'
      const name = decodeURIComponent(new URL(address).pathname.split('/').at(-1) ?? 'file')
      return makeFile(stage.random, { bytes: new Uint8Array(await answer.arrayBuffer()), name, mimeType, kind: kindOfMime(mimeType) })
    } catch {
      return undefined
    }
  }

  const send = async (account: WazzupAccount, fields: Record<string, any>, behaviour: Behaviour): Promise<Answer> => {
    const channel = channels.get(String(fields.channelId))
    if (channel?.account !== account) return refused('CHANNEL_NOT_FOUND')
    const misfit = misfitOf(channel, fields)
    if (misfit !== undefined) return refused(misfit)
    if (channel.state.toLowerCase() !== 'active') return refused(channel.state === 'blocked' ? 'CHANNEL_BLOCKED' : 'MESSAGE_CHANNEL_UNAVAILABLE')
    const now = stage.clock.now()
    const key = `${account.apiKey}/${String(fields.crmMessageId)}`
    if (fields.crmMessageId !== undefined && now - (recent.get(key) ?? -Infinity) < repeatedMs) return refused('repeatedCrmMessageId')
    if (behaviour.mode === 'refuses' && behaviour.refusal === behaviour.refusal.toUpperCase() && behaviour.refusal !== '') return refused(behaviour.refusal)
    const file = fields.contentUri === undefined ? undefined : await fetchContent(String(fields.contentUri))
    if (fields.contentUri !== undefined && file === undefined) return refused('MESSAGE_DOWNLOAD_CONTENT_ERROR')
    if ((file?.bytes.length ?? 0) > mostBytes) return refused('MESSAGE_CONTENT_SIZE_EXCEEDED')
    recent.set(key, now)
    const patient = patientOf(channel, fields)
    const messenger = messengerOf(channel)
    const raw = String(fields.text ?? '')
    const shown = messenger === 'whatsapp' ? readWhatsAppMarks(raw) : { text: raw, spans: [] }
    const message = acceptedMessage(stage, messenger, channel.channelId, newGuid(stage), {
      text: shown.text, raw, spans: shown.spans, files: file === undefined ? [] : [file],
      ...(patient === undefined ? {} : { quote: quoteOf(stage, patient, messenger, channel.channelId, fields.refMessageId as string | undefined) }),
    })
    if (patient !== undefined) stage.phones.keep(patient, message)
    sent.set(message.id, { channel, patient, message })
    transmit(channel, patient, message, behaviour)
    return ok({ messageId: message.id, chatId: patient === undefined ? String(fields.chatId) : chatIdOf(channel, patient) }, 201)
  }

  const tellStatus = (channel: WazzupChannel, messageId: string, status: string, at: number, error?: string): Promise<unknown> => {
    const entry = { messageId, timestamp: new Date(at).toISOString(), status, ...(error === undefined ? {} : { error: { error, description: error, data: {} } }) }
    const webhook = updateOf(channel, `status:${status}`, { statuses: [entry] })
    return webhook === undefined ? Promise.resolve() : stage.poster.post(webhook)
  }

  const transmit = (channel: WazzupChannel, patient: Patient | undefined, message: PhoneMessage, behaviour: Behaviour): void => {
    const now = stage.clock.now()
    const report = createReport(stage, { messenger: messengerOf(channel), account: channel.channelId }, behaviour, (receipt, at) => tellStatus(channel, message.id, receipt, at))
    reports.set(message.id, report)
    if (patient?.apps[messengerOf(channel)] !== true || behaviour.mode === 'refuses') {
      message.state = 'refused'
      const error = patient?.apps[messengerOf(channel)] !== true || behaviour.refusal === '' ? 'BAD_CONTACT' : behaviour.refusal
      if (behaviour.receipts !== 'never') stage.clock.after(500, () => void tellStatus(channel, message.id, 'error', stage.clock.now(), error))
      return
    }
    const echo = updateOf(channel, 'echo', { messages: [messageOf(channel, patient, message.id, now, { text: message.raw }, { isEcho: true, status: 'sent' })] })
    if (echo !== undefined) postUpdate(stage, echo)
    void report('sent', now)
    const carriage = {
      delayMs: behaviour.pace === 'instant' ? 0 : 1_500,
      onArrive: () => {
        void report('delivered', stage.clock.now())
        if (patient.reads) hands.read!(patient, message)
      },
    }
    if (behaviour.mode === 'silent' || stage.phones.chat(patient, messengerOf(channel), channel.channelId).blocked) stage.phones.hold(patient, message, carriage)
    else stage.phones.carry(patient, message, carriage)
  }

  const hands = createWazzupHands(stage, channels, (message) => void reports.get(message.id)?.('read', message.readAt!))

  const setWebhooks = async (account: WazzupAccount, fields: Record<string, any>): Promise<Answer> => {
    const uri = String(fields.webhooksUri ?? '')
    if (uri.length > 200 || !isWebhookAddress(stage, uri)) return refused('INVALID_WEBHOOKS_URI')
    const test = await fetch(uri, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ test: true }), redirect: 'manual' }).catch(() => undefined)
    if (test?.status !== 200) return refused('testPostNotPassed')
    Object.assign(account, { webhooksUri: uri })
    for (const name of Object.keys(account.subscriptions) as (keyof WazzupAccount['subscriptions'])[]) account.subscriptions[name] = fields.subscriptions?.[name] === true
    return ok({ ok: true })
  }

  const change = (messageId: string, act: (message: PhoneMessage) => void): Answer => {
    const known = sent.get(messageId)
    if (known === undefined || known.message.deletedAt !== undefined) return refused('MESSAGE_NOT_FOUND', 404)
    act(known.message)
    return ok({ ok: true })
  }

  const route = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, name: string, execute: (account: WazzupAccount, fields: Record<string, any>, behaviour: Behaviour, id: string) => Answer | Promise<Answer>): void => {
    app.route<{ Params: { id: string } }>({
      method,
      url: `/wazzup/v3${path}`,
      handler: (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply) => {
        const key = request.headers.authorization?.replace(/^Bearer /, '')
        const own = [...channels.values()].find(({ account }) => account.apiKey === key)
        if (own === undefined) return give(reply, troubles.unauthorized({} as Behaviour))
        const fields = parseJsonObject(rawOf(request.body)) ?? {}
        const channel = channels.get(String(fields.channelId)) ?? own
        const kind = name === 'message' ? 'send' : 'call'
        return answerCall(stage, { messenger: messengerOf(channel), account: channel.channelId, method: name, kind, isMedia: fields.contentUri !== undefined }, reply, troubles, (behaviour) => {
          if (behaviour.limits === 'strict' && stage.limiter.take(`wazzup/${own.account.apiKey}`, 500, 100) > 0) return troubles.rateLimited(behaviour)
          return execute(own.account, fields, behaviour, request.params.id)
        })
      },
    })
  }
  route('GET', '/channels', 'channels', (account) =>
    ok([...channels.values()].filter((one) => one.account === account).map(({ channelId, transport, plainId, state }) => ({ channelId, transport, plainId, state }))))
  route('GET', '/webhooks', 'webhooks', ({ webhooksUri, subscriptions }) => ok({ webhooksUri, subscriptions }))
  route('PATCH', '/webhooks', 'setWebhooks', setWebhooks)
  route('POST', '/message', 'message', send)
  route('PATCH', '/message/:id', 'edit', (_account, fields, _behaviour, id) => change(id, (message) => {
    const shown = readWhatsAppMarks(String(fields.text))
    rewrite(message, stage.clock.now(), { text: shown.text, raw: String(fields.text), spans: shown.spans })
  }))
  route('DELETE', '/message/:id', 'delete', (_account, _fields, _behaviour, id) => change(id, (message) => { message.deletedAt = stage.clock.now() }))
  app.get<{ Params: { id: string } }>('/wazzup/store/:id/', (request, reply) => {
    const file = stage.phones.file(request.params.id)
    return file === undefined ? reply.code(404).send('') : reply.type(file.mimeType).send(file.bytes)
  })

  return {
    channels,
    hands,
    add(options = {}) {
      const account: WazzupAccount = options.account ?? {
        apiKey: stage.random.hex(32), crmKey: '', webhooksUri: '', subscriptions: { messagesAndStatuses: false, channelsUpdates: false, contactsAndDealsCreation: false, templateStatus: false },
      }
      const channel: WazzupChannel = { channelId: newGuid(stage), transport: 'whatsapp', plainId: '79990000001', state: 'active', baseUrl: `${stage.origin()}/wazzup`, ...options, account }
      channels.set(channel.channelId, channel)
      return channel
    },
    setState(channelId, state) {
      const channel = channels.get(channelId)!
      channel.state = state
      const webhook = updateOf(channel, `state:${state}`, { channelsUpdates: [{ channelId, state, timestamp: stage.clock.now() }] })
      if (webhook !== undefined) postUpdate(stage, webhook)
    },
    writeFromChats(patient, channelId, text) {
      const channel = channels.get(channelId)!
      const message = acceptedMessage(stage, messengerOf(channel), channelId, newGuid(stage), { text })
      stage.phones.keep(patient, message)
      stage.phones.carry(patient, message, { delayMs: 0 })
      const echo = updateOf(channel, 'echo', { messages: [messageOf(channel, patient, message.id, stage.clock.now(), { text }, { isEcho: true, status: 'sent', authorName: 'Мария', authorId: '7' })] })
      if (echo !== undefined) postUpdate(stage, echo)
      return message
    },
  }
}
