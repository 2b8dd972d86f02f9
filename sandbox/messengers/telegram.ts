import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseForm, parseJsonObject, parseMultipart, rawOf } from './bodies.ts'
import { type Patient, type PhoneMessage } from './phones.ts'
import { answerCall, badGatewayPage, give, type Answer, type Hands, type Stage, type TroubleAnswers } from './stage.ts'
import { createChanges } from './telegram-changes.ts'
import { TelegramRefusal } from './telegram-content.ts'
import { createTelegramFiles, fileAt, getFile, type TelegramFiles } from './telegram-files.ts'
import { createSends, isMediaMethod, refusals, tooMany } from './telegram-sends.ts'
import { showChat } from './telegram-show.ts'
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
  /** How often updates were asked for: whoever asks last ends the others. */
  polls: number
  /** Updates that nobody fetched yet, for `getUpdates`. */
  updates: { update_id: number, [kind: string]: unknown }[]
  lastMessageIds: Map<number, number>
  callbacks: Map<string, { message: PhoneMessage, at: number, answered: boolean }>
  files: TelegramFiles
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

const troubles: TroubleAnswers = {
  unauthorized: () => errorAnswer(new TelegramRefusal(401, 'Unauthorized')),
  rateLimited: (behaviour) => errorAnswer(tooMany(behaviour.retryAfterSeconds)),
  unavailable: () => errorAnswer(new TelegramRefusal(503, 'Service Unavailable')),
  badGateway: () => ({ status: 502, body: badGatewayPage, code: '502' }),
}

const descriptions: Record<string, string> = { setwebhook: 'Webhook was set', deletewebhook: 'Webhook was deleted' }

/** What a method was called with, uploaded files among it. */
export type Parameters = Record<string, any>

/** Methods of the Bot API by their lower-case names; they answer the result or throw a `TelegramRefusal`. */
export type Methods = Record<string, (bot: TelegramBot, parameters: Parameters, behaviour: Behaviour) => unknown>

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

  const methods: Methods = {
    ...createSends(stage, findChat, nextMessageId),
    ...createChanges(stage, findChat),
    getme: (bot) => ({
      id: bot.botId, is_bot: true, first_name: bot.name, username: bot.username, can_join_groups: false,
      can_read_all_group_messages: false, supports_inline_queries: false, can_connect_to_business: false, has_main_web_app: false,
    }),
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
    getfile: (bot, parameters) => getFile(stage, bot, parameters.file_id),
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

  /** Waits as long as the caller wants, up to 50 s, for an update; false when somebody else began to ask. */
  const hasTurn = async (bot: TelegramBot, parameters: Parameters): Promise<boolean> => {
    const turn = ++bot.polls
    const end = stage.clock.now() + Math.min(50, Math.max(0, Number(parameters.timeout ?? 0))) * 1000
    const isWaiting = (): boolean => bot.polls === turn && bot.webhook === undefined && stage.clock.now() < end &&
      !bot.updates.some((update) => update.update_id >= Number(parameters.offset ?? 0))
    while (isWaiting()) await new Promise((resolve) => setTimeout(resolve, 10))
    return bot.polls === turn
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
    const to = { messenger: 'telegram', account: String(bot.botId), method, kind, isMedia: isMediaMethod(method) } as const
    return answerCall(stage, to, reply, troubles, async (behaviour) => {
      if (method === 'getupdates' && !await hasTurn(bot, parameters)) {
        return errorAnswer(new TelegramRefusal(409,
          'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'))
      }
      return execute(bot, method, parameters, behaviour)
    })
  }
  for (const url of ['/tg/bot:token/:method', '/bot:token/:method']) {
    app.route({ method: ['GET', 'POST'], url, handler: handle as any })
  }

  const download = (request: FastifyRequest<{ Params: { 'token': string, '*': string } }>, reply: FastifyReply) => {
    const bot = bots.get(request.params.token)
    const account = bot === undefined ? '' : String(bot.botId)
    const to = { messenger: 'telegram', account, method: 'file', kind: 'call', isMedia: true } as const
    return answerCall(stage, to, reply, troubles, () => {
      const file = bot === undefined ? undefined : fileAt(stage, bot, request.params['*'])
      if (file === undefined) return errorAnswer(new TelegramRefusal(404, 'Not Found'))
      return { status: 200, body: file.bytes, code: 'ok', headers: { 'content-type': 'application/octet-stream' } }
    })
  }
  for (const url of ['/tg/file/bot:token/*', '/file/bot:token/*']) app.get(url, download as any)

  return {
    bots,
    hands: createTelegramHands(stage, bots, nextMessageId, runReply),
    add(options = {}) {
      const botId = options.botId ?? 7_000_000_000 + bots.size + 1
      const bot: TelegramBot = {
        botId,
        token: options.token ?? `${botId}:AA${stage.random.letters(33)}`,
        username: options.username ?? `clinic_example_${bots.size + 1}_bot`,
        name: options.name ?? 'Клиника «Пример»',
        apiRoot: `${stage.origin()}/tg`,
        nextUpdateId: 881_000_000 + Math.floor(stage.random.next() * 1000) * 1000,
        polls: 0,
        updates: [],
        lastMessageIds: new Map(),
        callbacks: new Map(),
        files: createTelegramFiles(),
      }
      bots.set(bot.token, bot)
      return bot
    },
  }
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
