import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseJsonObject, rawOf } from './bodies.ts'
import { maxRefusal, readMaxBody, type MaxBody, type MaxRefusal } from './max-content.ts'
import { registerMaxFiles, type UploadType } from './max-files.ts'
import { registerSubscriptions } from './max-subscriptions.ts'
import { createMaxHands, dialogMessage, writeWithBigNumbers } from './max-updates.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import {
  acceptedMessage, answerCall, badGatewayPage, give, quoteOf, type Answer, type Hands, type Stage, type TroubleAnswers,
} from './stage.ts'

/** A bot with what an administrator types into the application. */
export interface MaxBot {
  userId: number
  token: string
  username: string
  name: string
  baseUrl: string
  subscriptions: { url: string, time: number, updateTypes?: string[], secret?: string }[]
  callbacks: Map<string, { patient: Patient, message: PhoneMessage }>
  /** The page that the bot's owner has entered in the cabinet. */
  miniAppUrl?: string
}

/** Stand-in of the MAX Bot API. */
export interface Max {
  add(options?: { username?: string, name?: string, token?: string }): MaxBot
  bots: Map<string, MaxBot>
  hands: Hands
}

const troubles: TroubleAnswers = {
  unauthorized: () => maxRefusal(401, 'verify.token', 'Invalid access_token'),
  rateLimited: () => maxRefusal(429, 'too.many.requests', 'Too many requests'),
  unavailable: () => maxRefusal(503, 'service.unavailable', 'Service unavailable'),
  badGateway: () => ({ status: 502, body: badGatewayPage, code: '502' }),
}

const denied = maxRefusal(403, 'chat.denied', 'error.dialog.suspended')
const notFound = (what: string): MaxRefusal => maxRefusal(404, 'not.found', `${what} not found`)
const wrong = (text: string): MaxRefusal => maxRefusal(400, 'proto.payload', text)
/** MAX's answer to what it did. */
export const done = (body: unknown = { success: true }): Answer => ({
  status: 200, code: 'ok', body: writeWithBigNumbers(body), headers: { 'content-type': 'application/json; charset=utf-8' },
})

type Asked = FastifyRequest<{ Params: Record<string, string>, Querystring: Record<string, string> }>

/** Registers one method for bots with a good token. */
export type Route = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, kind: 'send' | 'call',
  execute: (bot: MaxBot, request: Asked, behaviour: Behaviour) => Answer, isMedia?: (request: Asked) => boolean,
) => void

/** Registers the API below `/max`. */
export function registerMax(app: FastifyInstance, stage: Stage): Max {
  const bots = new Map<string, MaxBot>()
  let sequence = 116_327_994_376_978_001n

  const files = registerMaxFiles(app, stage, troubles)
  const take = (bot: MaxBot) => (token: unknown) => files.take(bot, token)
  const hasFile = (request: Asked): boolean => {
    const list: unknown = parseJsonObject(rawOf(request.body))?.attachments
    return Array.isArray(list) && list.some((one: any) => ['image', 'video', 'audio', 'file'].includes(one?.type))
  }

  const nextIds = (chatId: number): { mid: string, seq: bigint } => {
    sequence += BigInt(1 + Math.floor(stage.random.next() * 1000))
    return { mid: `mid.${chatId.toString(16).padStart(16, '0')}${sequence.toString(16)}`, seq: sequence }
  }

  const route: Route = (method, path, kind, execute, isMedia = () => false) => {
    app.route({
      method,
      url: `/max${path}`,
      handler: (request, reply: FastifyReply) => {
        // The token goes into the header as it is: no "Bearer", and not into the query.
        const bot = bots.get(request.headers.authorization ?? '')
        const name = `${method} ${path}`
        if (bot === undefined) {
          const answer = troubles.unauthorized(stage.behaviours.current('max'))
          stage.calls.add({ messenger: 'max', account: '', method: name, status: answer.status, code: answer.code })
          return give(reply, answer)
        }
        const to = { messenger: 'max', account: String(bot.userId), method: name, kind, isMedia: isMedia(request as Asked) } as const
        return answerCall(stage, to, reply, troubles,
          (behaviour) => {
            if (behaviour.limits === 'strict' && stage.limiter.take(`max/${bot.userId}`, 30, 30) > 0) return troubles.rateLimited(behaviour)
            return execute(bot, request as Asked, behaviour)
          })
      },
    })
  }

  const account = (bot: MaxBot): string => String(bot.userId)
  const isPaced = (bot: MaxBot, patient: Patient, behaviour: Behaviour): boolean =>
    behaviour.limits === 'off' || stage.limiter.take(`max/${bot.userId}/${patient.id}`, 2, 2) === 0

  const findMessage = (bot: MaxBot, mid: string | undefined): { patient: Patient, message: PhoneMessage } | undefined => {
    if (mid === undefined) return undefined
    const chatId = Number.parseInt(mid.slice(4, 20), 16)
    const patient = stage.phones.byMaxChatId(chatId)
    const message = patient === undefined ? undefined : stage.phones.message(patient, 'max', mid, account(bot))
    return patient === undefined || message === undefined || message.deletedAt !== undefined ? undefined : { patient, message }
  }

  route('GET', '/me', 'call', (bot) => done(showBot(stage, bot)))

  route('POST', '/messages', 'send', (bot, request, behaviour) => {
    const { user_id: userId, chat_id: chatId } = request.query
    if (userId === undefined && chatId === undefined) return wrong('user_id or chat_id is required')
    const body = readMaxBody(parseJsonObject(rawOf(request.body)), take(bot))
    if ('status' in body) return body
    const patient = userId === undefined ? stage.phones.byMaxChatId(Number(chatId)) : stage.phones.byMaxId(Number(userId))
    if (patient?.apps.max !== true) return notFound(userId === undefined ? 'Chat' : 'User')
    if (behaviour.mode === 'refuses') return behaviour.refusal === 'not-found' ? notFound('Chat') : denied
    const chat = stage.phones.chat(patient, 'max', account(bot))
    if (!chat.started) return notFound('Chat')
    if (chat.blocked) return denied
    if (!isPaced(bot, patient, behaviour)) return troubles.rateLimited(behaviour)
    const { mid, seq } = nextIds(patient.maxChatId)
    const quote = quoteOf(stage, patient, 'max', account(bot), body.quotedId)
    const message = acceptedMessage(stage, 'max', account(bot), mid, { text: '', ...body.text, ...body.attached, quote })
    stage.phones.keep(patient, message)
    const carriage = { delayMs: behaviour.pace === 'instant' ? 0 : 300 }
    if (behaviour.mode === 'silent') stage.phones.hold(patient, message, carriage)
    else stage.phones.carry(patient, message, carriage)
    return done({ message: dialogMessage(stage, files, bot, patient, message, seq) })
  }, hasFile)

  route('PUT', '/messages', 'call', (bot, request, behaviour) => {
    const found = findMessage(bot, request.query.message_id)
    if (found === undefined || found.message.direction === 'written') return notFound('Message')
    const body = readMaxBody(parseJsonObject(rawOf(request.body)), take(bot), true)
    if ('status' in body) return body
    if (!isPaced(bot, found.patient, behaviour)) return troubles.rateLimited(behaviour)
    if (stage.clock.now() - found.message.acceptedAt > 86_400_000) {
      return done({ success: false, message: 'Message is older than 24 hours' })
    }
    edit(found.message, body)
    return done()
  })

  const edit = (message: PhoneMessage, body: MaxBody): void => {
    if (body.text !== undefined && body.text.text !== message.text) rewrite(message, stage.clock.now(), body.text)
    Object.assign(message, body.attached, { editedAt: stage.clock.now() })
  }

  route('DELETE', '/messages', 'call', (bot, request, behaviour) => {
    const found = findMessage(bot, request.query.message_id)
    if (found === undefined) return notFound('Message')
    if (!isPaced(bot, found.patient, behaviour)) return troubles.rateLimited(behaviour)
    if (stage.clock.now() - found.message.acceptedAt > 86_400_000) {
      return done({ success: false, message: 'Message is older than 24 hours' })
    }
    if (found.message.direction === 'written') return denied
    found.message.deletedAt = stage.clock.now()
    return done()
  })

  route('GET', '/messages/:mid', 'call', (bot, request) => {
    const found = findMessage(bot, request.params.mid)
    return found === undefined ? notFound('Message') : done(dialogMessage(stage, files, bot, found.patient, found.message, sequence))
  })

  route('GET', '/messages', 'call', (bot, request) => {
    const patient = stage.phones.byMaxChatId(Number(request.query.chat_id))
    if (patient === undefined) return notFound('Chat')
    const own = patient.messages.filter((one) => one.messenger === 'max' && one.account === account(bot) && one.deletedAt === undefined)
    const shown = own.slice(-Number(request.query.count ?? 50)).reverse()
    return done({ messages: shown.map((one) => dialogMessage(stage, files, bot, patient, one, sequence)) })
  })

  route('POST', '/uploads', 'call', (bot, request) => {
    const { type = '' } = request.query
    if (!['image', 'video', 'audio', 'file'].includes(type)) return wrong('type: must be one of image, video, audio, file')
    return done(files.announce(bot, type as UploadType))
  }, () => true)

  route('GET', '/videos/:token', 'call', (bot, request) => {
    const video = files.showVideo(bot, request.params.token ?? '')
    return video === undefined ? notFound('Video') : done(video)
  })

  route('POST', '/answers', 'call', (bot, request, behaviour) => {
    const callback = bot.callbacks.get(request.query.callback_id ?? '')
    if (callback === undefined) return wrong('callback_id: unknown or too old')
    const raw = parseJsonObject(rawOf(request.body))
    if (raw?.message === undefined && raw?.notification === undefined) return wrong('message or notification is required')
    if (!isPaced(bot, callback.patient, behaviour)) return troubles.rateLimited(behaviour)
    if (raw.message !== undefined && raw.message !== null) {
      const body = readMaxBody(raw.message, take(bot), true)
      if ('status' in body) return body
      edit(callback.message, body)
    }
    if (typeof raw.notification === 'string') callback.message.notice = raw.notification
    return done()
  })

  route('GET', '/chats/:id', 'call', (bot, request) => {
    const patient = stage.phones.byMaxChatId(Number(request.params.id))
    const chat = patient === undefined ? undefined : stage.phones.chat(patient, 'max', account(bot))
    if (patient === undefined || chat?.started !== true) return notFound('Chat')
    return done({
      chat_id: patient.maxChatId, type: 'dialog', status: chat.blocked ? 'suspended' : 'active', title: null, icon: null,
      last_event_time: stage.clock.now(), participants_count: 2, is_public: false, dialog_with_user: showUser(stage, patient),
    })
  })

  route('POST', '/chats/:id/actions', 'call', (_bot, request) =>
    stage.phones.byMaxChatId(Number(request.params.id)) === undefined ? notFound('Chat') : done())

  registerSubscriptions(stage, route)

  return {
    bots,
    hands: createMaxHands(stage, files, bots, nextIds),
    add(options = {}) {
      const bot: MaxBot = {
        userId: 229_229_229 + bots.size,
        token: options.token ?? `f9LHodD0cOI${stage.random.letters(57)}`,
        username: options.username ?? `id770000000${bots.size}_bot`,
        name: options.name ?? 'Клиника «Пример»',
        baseUrl: `${stage.origin()}/max`,
        subscriptions: [],
        callbacks: new Map(),
      }
      bots.set(bot.token, bot)
      return bot
    },
  }
}

/** A bot as MAX shows it. */
export function showBot(stage: Stage, bot: MaxBot): Record<string, unknown> {
  return {
    user_id: bot.userId, first_name: bot.name, username: bot.username, is_bot: true, last_activity_time: stage.clock.now(), name: bot.name,
  }
}

/** A person as MAX shows one. */
export function showUser(stage: Stage, patient: Patient): Record<string, unknown> {
  const [first = '', last] = patient.name.split(' ')
  return {
    user_id: patient.maxId, first_name: first, ...(last === undefined ? {} : { last_name: last }), is_bot: false,
    last_activity_time: stage.clock.now(), name: patient.name,
  }
}
