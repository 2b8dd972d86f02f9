import { type Behaviour } from './behaviour.ts'
import { type FileKind } from './files.ts'
import { type Patient, type PhoneMessage } from './phones.ts'
import { acceptedMessage, quoteOf, type Accepted, type Stage } from './stage.ts'
import { type Methods, type Parameters, type TelegramBot } from './telegram.ts'
import { readCaption, readKeyboard, readObject, readText, TelegramRefusal } from './telegram-content.ts'
import { readInputFile } from './telegram-files.ts'
import { showMessage } from './telegram-show.ts'

const bad = (text: string): TelegramRefusal => new TelegramRefusal(400, `Bad Request: ${text}`)

/** Telegram's "not so fast". */
export const tooMany = (seconds: number): TelegramRefusal => new TelegramRefusal(429, `Too Many Requests: retry after ${seconds}`, seconds)

/** Why Telegram does not take a message for somebody; by the name that a behaviour orders it with. */
export const refusals: Record<string, TelegramRefusal> = {
  '': new TelegramRefusal(403, 'Forbidden: bot was blocked by the user'),
  'blocked': new TelegramRefusal(403, 'Forbidden: bot was blocked by the user'),
  'deactivated': new TelegramRefusal(403, 'Forbidden: user is deactivated'),
  'cant-initiate': new TelegramRefusal(403, "Forbidden: bot can't initiate conversation with a user"),
  'chat-not-found': new TelegramRefusal(400, 'Bad Request: chat not found'),
}

const fileMethods: readonly [method: string, field: string, kind: FileKind][] = [
  ['sendphoto', 'photo', 'image'], ['senddocument', 'document', 'file'], ['sendvideo', 'video', 'video'], ['sendaudio', 'audio', 'audio'],
  ['sendvoice', 'voice', 'voice'], ['sendsticker', 'sticker', 'sticker'],
]
const kindsOfGroups: Record<string, FileKind> = { photo: 'image', video: 'video', document: 'file', audio: 'audio' }

/** Whether a method carries or fetches a file. */
export const isMediaMethod = (method: string): boolean =>
  method === 'sendmediagroup' || method === 'getfile' || fileMethods.some(([name]) => name === method)

/** All methods that send. @see https://core.telegram.org/bots/api#available-methods */
export function createSends(
  stage: Stage, findChat: (value: unknown) => Patient, nextMessageId: (bot: TelegramBot, chatId: number) => number,
): Methods {
  const admit = (bot: TelegramBot, patient: Patient, behaviour: Behaviour): void => {
    const chat = stage.phones.chat(patient, 'telegram', String(bot.botId))
    if (behaviour.mode === 'refuses') throw refusals[behaviour.refusal] ?? refusals['']!
    if (patient.telegramDeactivated) throw refusals.deactivated!
    if (chat.blocked) throw refusals.blocked!
    if (!chat.started) throw refusals['cant-initiate']!
    if (behaviour.limits !== 'strict') return
    const waitMs = stage.limiter.take(`tg/${bot.botId}`, 30, 30) || stage.limiter.take(`tg/${bot.botId}/${patient.id}`, 20, 1)
    if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000))
  }

  const readReply = (bot: TelegramBot, patient: Patient, parameters: Parameters): PhoneMessage['quote'] => {
    const reply = readObject(parameters.reply_parameters, 'reply parameters') ??
      (parameters.reply_to_message_id === undefined ? undefined : { message_id: parameters.reply_to_message_id })
    if (reply === undefined || reply === null) return undefined
    const quote = quoteOf(stage, patient, 'telegram', String(bot.botId), String(reply.message_id))
    const quoted = quote === undefined ? undefined : stage.phones.message(patient, 'telegram', quote.id, String(bot.botId))
    if (quote !== undefined && quoted?.deletedAt === undefined) return quote
    if (String(reply.allow_sending_without_reply) === 'true') return undefined
    throw bad('message to be replied not found')
  }

  const bring = (bot: TelegramBot, patient: Patient, behaviour: Behaviour, content: Accepted): PhoneMessage => {
    const message = acceptedMessage(stage, 'telegram', String(bot.botId), String(nextMessageId(bot, patient.telegramId)), content)
    stage.phones.keep(patient, message)
    const carriage = { delayMs: behaviour.pace === 'instant' ? 0 : 300 }
    if (behaviour.mode === 'silent') stage.phones.hold(patient, message, carriage)
    else stage.phones.carry(patient, message, carriage)
    return message
  }

  const sending = (read: (bot: TelegramBot, parameters: Parameters) => Accepted): Methods[string] => (bot, parameters, behaviour) => {
    const patient = findChat(parameters.chat_id)
    const content = read(bot, parameters)
    const keyboard = readKeyboard(parameters.reply_markup)
    const quote = readReply(bot, patient, parameters)
    admit(bot, patient, behaviour)
    return showMessage(stage, bot, patient, bring(bot, patient, behaviour, { ...content, quote, buttons: keyboard.buttons }))
  }

  const methods: Methods = {
    sendmessage: sending((_bot, parameters) => readText(parameters.text, parameters.parse_mode, 4096, parameters.entities)),
    sendlocation: sending((_bot, parameters) => ({ text: '', place: readPlace(parameters) })),
    sendvenue: sending((_bot, parameters) => {
      if (!parameters.title) throw bad('VENUE_TITLE_EMPTY')
      return { text: '', place: { ...readPlace(parameters), name: String(parameters.title), address: String(parameters.address ?? '') } }
    }),
    sendcontact: sending((_bot, parameters) => {
      if (!parameters.phone_number) throw bad('PHONE_NUMBER_INVALID')
      if (!parameters.first_name) throw bad('first name is empty')
      return { text: '', card: { name: String(parameters.first_name), phone: String(parameters.phone_number) } }
    }),
    sendmediagroup(bot, parameters, behaviour) {
      const patient = findChat(parameters.chat_id)
      const media: unknown = readObject(parameters.media, 'media')
      if (!Array.isArray(media) || media.length < 2 || media.length > 10) throw bad('group send failed: 2-10 media are required')
      const quote = readReply(bot, patient, parameters)
      const contents = media.map((one: Parameters): Accepted => {
        const kind = kindsOfGroups[String(one.type)]
        if (kind === undefined) throw bad(`can't parse InputMedia: type "${String(one.type)}" is unsupported`)
        return { ...readCaption(one), files: [readInputFile(stage, bot, parameters, 'media', kind, one.media)], quote }
      })
      admit(bot, patient, behaviour)
      const group = stage.random.digits(17)
      return contents.map((content) =>
        ({ ...showMessage(stage, bot, patient, bring(bot, patient, behaviour, content)), media_group_id: group }))
    },
  }
  for (const [method, field, kind] of fileMethods) {
    methods[method] = sending((bot, parameters) => ({
      ...(kind === 'sticker' ? { text: '' } : readCaption(parameters)), files: [readInputFile(stage, bot, parameters, field, kind)],
    }))
  }
  return methods
}

function readPlace(parameters: Parameters): { latitude: number, longitude: number } {
  const latitude = Number(parameters.latitude ?? Number.NaN)
  const longitude = Number(parameters.longitude ?? Number.NaN)
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) throw bad('latitude or longitude is invalid')
  return { latitude, longitude }
}
