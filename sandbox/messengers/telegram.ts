import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseForm, parseJsonObject, parseMultipart, rawOf } from './bodies.ts'
import { type Patient, type PhoneMessage } from './phones.ts'
import { acceptedMessage, answerCall, badGatewayPage, give, type Answer, type Hands, type Stage, type TroubleAnswers } from './stage.ts'
import { readKeyboard, readText, showKeyboard, TelegramRefusal } from './telegram-content.ts'
import { createTelegramHands, flushUpdates } from './telegram-updates.ts'
import { setWebhook, webhookInfo } from './telegram-webhook.ts'

/** A bot with what an administrator types into the application. */
export interface TelegramBot {
  botId: number
  token: string
  username: string
  name: string
  /** Root of the Bot API as clients want it: `<root>/bot<token>/<method>`. */
  apiRoot: string
  webhook?: { url: string, secretToken?: string, maxConnections: number, allowedUpdates: string[] }
  lastError?: { at: number, message: string }
  nextUpdateId: number
  /** Updates that nobody fetched yet, for `getUpdates`. */
  updates: { update_id: number, [kind: string]: unknown }[]
  lastMessageIds: Map<number, number>
  callbacks: Map<string, { message: PhoneMessage, at: number, answered: boolean }>
}

/** Stand-in of the Telegram Bot API. */
export interface Telegram {
  add(options?: { username?: string, name?: string, botId?: number, token?: string }): TelegramBot
  bots: Map<string, TelegramBot>
  hands: Hands
}

const errorAnswer = (error: TelegramRefusal): Answer => ({
  status: error.status,
  code: String(error.status),
  body: {
    ok: false, error_code: error.status, description: error.description,
    ...(error.retryAfterSeconds === undefined ? {} : { parameters: { retry_after: error.retryAfterSeconds } }),
  },
  ...(error.retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': String(error.retryAfterSeconds) } }),
})

const tooMany = (seconds: number): TelegramRefusal => new TelegramRefusal(429, `Too Many Requests: retry after ${seconds}`, seconds)

const troubles: TroubleAnswers = {
  unauthorized: () => errorAnswer(new TelegramRefusal(401, 'Unauthorized')),
  rateLimited: (behaviour) => errorAnswer(tooMany(behaviour.retryAfterSeconds)),
  unavailable: () => errorAnswer(new TelegramRefusal(503, 'Service Unavailable')),
  badGateway: () => ({ status: 502, body: badGatewayPage, code: '502' }),
}

const refusals: Record<string, TelegramRefusal> = {
  '': new TelegramRefusal(403, 'Forbidden: bot was blocked by the user'),
  'blocked': new TelegramRefusal(403, 'Forbidden: bot was blocked by the user'),
  'deactivated': new TelegramRefusal(403, 'Forbidden: user is deactivated'),
  'cant-initiate': new TelegramRefusal(403, "Forbidden: bot can't initiate conversation with a user"),
  'chat-not-found': new TelegramRefusal(400, 'Bad Request: chat not found'),
}

const descriptions: Record<string, string> = { setwebhook: 'Webhook was set', deletewebhook: 'Webhook was deleted' }

type Parameters = Record<string, any>
type Method = (bot: TelegramBot, parameters: Parameters, behaviour: Behaviour) => unknown

/** Registers the API at `/tg/bot<token>/<method>` and, for clients that cannot have a path in the root, at `/bot<token>/…`. */
export function registerTelegram(app: FastifyInstance, stage: Stage): Telegram {
  const bots = new Map<string, TelegramBot>()

  const nextMessageId = (bot: TelegramBot, chatId: number): number => {
    const id = (bot.lastMessageIds.get(chatId) ?? 100) + 1
    bot.lastMessageIds.set(chatId, id)
    return id
  }

  const findChat = (value: unknown): Patient => {
    if (value === undefined || value === '') throw new TelegramRefusal(400, 'Bad Request: chat_id is empty')
    const patient = stage.phones.byTelegramId(Number(value))
    if (patient?.apps.telegram !== true) throw new TelegramRefusal(400, 'Bad Request: chat not found')
    return patient
  }

  const findMessage = (bot: TelegramBot, parameters: Parameters, deed: string): { patient: Patient, message: PhoneMessage } => {
    const patient = findChat(parameters.chat_id)
    const message = stage.phones.message(patient, 'telegram', String(parameters.message_id), String(bot.botId))
    if (message === undefined || message.deletedAt !== undefined) {
      throw new TelegramRefusal(400, `Bad Request: message to ${deed} not found`)
    }
    return { patient, message }
  }

  const showMessage = (bot: TelegramBot, patient: Patient, message: PhoneMessage): unknown => ({
    message_id: Number(message.id),
    from: { id: bot.botId, is_bot: true, first_name: bot.name, username: bot.username },
    chat: showChat(patient),
    date: Math.floor(message.acceptedAt / 1000),
    ...(message.editedAt === undefined ? {} : { edit_date: Math.floor(message.editedAt / 1000) }),
    text: message.text,
    ...showKeyboard(message.buttons),
  })

  const deliver = (bot: TelegramBot, parameters: Parameters, behaviour: Behaviour, text: string): unknown => {
    const patient = findChat(parameters.chat_id)
    const chat = stage.phones.chat(patient, 'telegram', String(bot.botId))
    const keyboard = readKeyboard(parameters.reply_markup)
    if (behaviour.mode === 'refuses') throw refusals[behaviour.refusal] ?? refusals['']!
    if (patient.telegramDeactivated) throw refusals.deactivated!
    if (chat.blocked) throw refusals.blocked!
    if (!chat.started) throw refusals['cant-initiate']!
    if (behaviour.limits === 'strict') {
      const waitMs = stage.limiter.take(`tg/${bot.botId}`, 30, 30) || stage.limiter.take(`tg/${bot.botId}/${patient.id}`, 20, 1)
      if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000))
    }
    const id = String(nextMessageId(bot, patient.telegramId))
    const message = acceptedMessage(stage, 'telegram', String(bot.botId), id, text, keyboard.buttons)
    stage.phones.keep(patient, message)
    const carriage = { delayMs: behaviour.pace === 'instant' ? 0 : 300 }
    if (behaviour.mode === 'silent') stage.phones.hold(patient, message, carriage)
    else stage.phones.carry(patient, message, carriage)
    return showMessage(bot, patient, message)
  }

  const methods: Record<string, Method> = {
    getme: (bot) => ({
      id: bot.botId, is_bot: true, first_name: bot.name, username: bot.username, can_join_groups: false,
      can_read_all_group_messages: false, supports_inline_queries: false, can_connect_to_business: false, has_main_web_app: false,
    }),
    sendmessage: (bot, parameters, behaviour) => deliver(bot, parameters, behaviour, readText(parameters.text, parameters.parse_mode, 4096)),
    sendphoto: (bot, parameters, behaviour) => deliver(bot, parameters, behaviour, fileText('photo', parameters)),
    senddocument: (bot, parameters, behaviour) => deliver(bot, parameters, behaviour, fileText('document', parameters)),
    editmessagetext(bot, parameters) {
      const { patient, message } = findMessage(bot, parameters, 'edit')
      if (message.direction === 'written') throw new TelegramRefusal(400, "Bad Request: message can't be edited")
      const text = readText(parameters.text, parameters.parse_mode, 4096)
      const keyboard = readKeyboard(parameters.reply_markup)
      if (text === message.text && JSON.stringify(keyboard.buttons) === JSON.stringify(message.buttons)) throw notModified
      message.earlier.push({ at: stage.clock.now(), text: message.text })
      Object.assign(message, { text, buttons: keyboard.buttons, editedAt: stage.clock.now() })
      return showMessage(bot, patient, message)
    },
    editmessagereplymarkup(bot, parameters) {
      const { patient, message } = findMessage(bot, parameters, 'edit')
      if (message.direction === 'written') throw new TelegramRefusal(400, "Bad Request: message can't be edited")
      const keyboard = readKeyboard(parameters.reply_markup)
      if (JSON.stringify(keyboard.buttons) === JSON.stringify(message.buttons)) throw notModified
      Object.assign(message, { buttons: keyboard.buttons, editedAt: stage.clock.now() })
      return showMessage(bot, patient, message)
    },
    deletemessage(bot, parameters) {
      const { message } = findMessage(bot, parameters, 'delete')
      if (stage.clock.now() - message.acceptedAt > 48 * 3_600_000) {
        throw new TelegramRefusal(400, "Bad Request: message can't be deleted for everyone")
      }
      message.deletedAt = stage.clock.now()
      return true
    },
    answercallbackquery(bot, parameters) {
      const callback = bot.callbacks.get(String(parameters.callback_query_id))
      if (callback === undefined || callback.answered || stage.clock.now() - callback.at > 15 * 60_000) {
        throw new TelegramRefusal(400, 'Bad Request: query is too old and response timeout expired or query ID is invalid')
      }
      if (typeof parameters.text === 'string' && parameters.text.length > 200) {
        throw new TelegramRefusal(400, 'Bad Request: MESSAGE_TOO_LONG')
      }
      callback.answered = true
      if (typeof parameters.text === 'string' && parameters.text !== '') callback.message.notice = parameters.text
      return true
    },
    getchat: (_bot, parameters) => showChat(findChat(parameters.chat_id)),
    sendchataction(bot, parameters) {
      if (stage.phones.chat(findChat(parameters.chat_id), 'telegram', String(bot.botId)).blocked) throw refusals.blocked!
      return true
    },
    setmycommands: () => true,
    deletemycommands: () => true,
    getmycommands: () => [],
    setwebhook: (bot, parameters) => setWebhook(stage, bot, parameters),
    deletewebhook(bot, parameters) {
      bot.webhook = undefined
      if (String(parameters.drop_pending_updates) === 'true') bot.updates = []
      return true
    },
    getwebhookinfo: (bot) => webhookInfo(stage, bot),
    getupdates(bot, parameters) {
      if (bot.webhook !== undefined) {
        throw new TelegramRefusal(409,
          "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
      }
      bot.updates = bot.updates.filter((update) => update.update_id >= Number(parameters.offset ?? 0))
      return bot.updates.slice(0, Number(parameters.limit ?? 100))
    },
  }

  const execute = (bot: TelegramBot, method: string, parameters: Parameters, behaviour: Behaviour): Answer => {
    try {
      const result = methods[method]!(bot, parameters, behaviour)
      if (method === 'setwebhook') flushUpdates(stage, bot, runReply)
      const description = descriptions[method]
      return { status: 200, code: 'ok', body: { ok: true, result, ...(description === undefined ? {} : { description }) } }
    } catch (error) {
      if (error instanceof TelegramRefusal) return errorAnswer(error)
      throw error
    }
  }

  // A method may also be called in the answer to a webhook; its result is never seen.
  const runReply = (bot: TelegramBot, answer: string): void => {
    if (!answer.startsWith('{')) return
    const body = parseJsonObject(Buffer.from(answer))
    const method = String(body?.method ?? '').toLowerCase()
    if (body === undefined || methods[method] === undefined) return
    const { status, code } = execute(bot, method, body, stage.behaviours.draw('telegram', String(bot.botId), 'call'))
    stage.calls.add({ messenger: 'telegram', account: String(bot.botId), method: `${method} (webhook answer)`, status, code })
  }

  const handle = (request: FastifyRequest<{ Params: { token: string, method: string } }>, reply: FastifyReply) => {
    const { token } = request.params
    const method = request.params.method.toLowerCase()
    const bot = bots.get(token)
    if (bot === undefined || methods[method] === undefined) {
      // A path that cannot be a token, or a method that does not exist, is just not found.
      const isUnknown = bot !== undefined || !/^\d+:[\w-]{10,}$/.test(token)
      const answer = errorAnswer(isUnknown ? new TelegramRefusal(404, 'Not Found') : new TelegramRefusal(401, 'Unauthorized'))
      const account = bot === undefined ? '' : String(bot.botId)
      stage.calls.add({ messenger: 'telegram', account, method, status: answer.status, code: answer.code })
      return give(reply, answer)
    }
    const parameters = { ...request.query as Parameters, ...readParameters(request) }
    const kind = method.startsWith('send') && method !== 'sendchataction' ? 'send' : 'call'
    const to = { messenger: 'telegram', account: String(bot.botId), method, kind } as const
    return answerCall(stage, to, reply, troubles, (behaviour) => execute(bot, method, parameters, behaviour))
  }
  for (const url of ['/tg/bot:token/:method', '/bot:token/:method']) {
    app.route({ method: ['GET', 'POST'], url, handler: handle as any })
  }

  return {
    bots,
    hands: createTelegramHands(stage, bots, nextMessageId, showMessage, runReply),
    add(options = {}) {
      const botId = options.botId ?? 7_000_000_000 + bots.size + 1
      const bot: TelegramBot = {
        botId,
        token: options.token ?? `${botId}:AA${stage.random.letters(33)}`,
        username: options.username ?? `clinic_example_${bots.size + 1}_bot`,
        name: options.name ?? 'Клиника «Пример»',
        apiRoot: `${stage.origin()}/tg`,
        nextUpdateId: 881_000_000 + Math.floor(stage.random.next() * 1000) * 1000,
        updates: [],
        lastMessageIds: new Map(),
        callbacks: new Map(),
      }
      bots.set(bot.token, bot)
      return bot
    },
  }
}

const notModified = new TelegramRefusal(400, 'Bad Request: message is not modified: specified new message content and reply markup are ' +
  'exactly the same as a current content and reply markup of the message')

const showChat = (patient: Patient): unknown => {
  const [first = '', last] = patient.name.split(' ')
  return { id: patient.telegramId, first_name: first, ...(last === undefined ? {} : { last_name: last }), type: 'private' }
}

function fileText(kind: 'photo' | 'document', parameters: Parameters): string {
  if (parameters[kind] === undefined) throw new TelegramRefusal(400, `Bad Request: there is no ${kind} in the request`)
  const { caption } = parameters
  return caption === undefined || caption === '' ? `[${kind}]` : `[${kind}] ${readText(caption, parameters.parse_mode, 1024)}`
}

function readParameters(request: FastifyRequest): Parameters {
  const type = request.headers['content-type'] ?? ''
  const raw = rawOf(request.body)
  if (type.startsWith('application/json')) {
    const parsed = parseJsonObject(raw)
    return parsed ?? {}
  }
  if (type.startsWith('multipart/form-data')) {
    const { fields, files } = parseMultipart(raw, type)
    return { ...fields, ...files }
  }
  return parseForm(raw)
}
