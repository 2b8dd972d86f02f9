import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { type Stage } from './stage.ts'
import { type Methods, type Parameters, type TelegramBot } from './telegram.ts'
import { readCaption, readKeyboard, readObject, readText, TelegramRefusal, type TelegramText } from './telegram-content.ts'
import { showMessage } from './telegram-show.ts'

const bad = (text: string): TelegramRefusal => new TelegramRefusal(400, `Bad Request: ${text}`)

const notModified = bad('message is not modified: specified new message content and reply markup are exactly the same as a current ' +
  'content and reply markup of the message')

const twoDaysMs = 48 * 3_600_000

/** All methods that change or delete what was sent. @see https://core.telegram.org/bots/api#updating-messages */
export function createChanges(stage: Stage, findChat: (value: unknown) => Patient): Methods {
  const find = (bot: TelegramBot, parameters: Parameters, deed: 'edit' | 'delete'): { patient: Patient, message: PhoneMessage } => {
    const patient = findChat(parameters.chat_id)
    const message = stage.phones.message(patient, 'telegram', String(parameters.message_id), String(bot.botId))
    if (message === undefined || message.deletedAt !== undefined) throw bad(`message to ${deed} not found`)
    if (deed === 'edit' && message.direction === 'written') throw bad("message can't be edited")
    return { patient, message }
  }

  const change = (bot: TelegramBot, parameters: Parameters, read: (message: PhoneMessage) => TelegramText | undefined): unknown => {
    const { patient, message } = find(bot, parameters, 'edit')
    const shown = read(message)
    const { buttons } = readKeyboard(parameters.reply_markup)
    const isSameText = shown === undefined || (shown.text === message.text && JSON.stringify(shown.spans) === JSON.stringify(message.spans))
    if (isSameText && JSON.stringify(buttons) === JSON.stringify(message.buttons)) throw notModified
    if (shown !== undefined) rewrite(message, stage.clock.now(), shown)
    Object.assign(message, { buttons, editedAt: stage.clock.now() })
    return showMessage(stage, bot, patient, message)
  }

  const remove = (message: PhoneMessage): void => {
    if (stage.clock.now() - message.acceptedAt > twoDaysMs) throw bad("message can't be deleted for everyone")
    message.deletedAt = stage.clock.now()
  }

  return {
    editmessagetext: (bot, parameters) => change(bot, parameters, (message) => {
      if (message.files.length > 0 || message.place !== undefined || message.card !== undefined) {
        throw bad('there is no text in the message to edit')
      }
      return readText(parameters.text, parameters.parse_mode, 4096, parameters.entities)
    }),
    editmessagecaption: (bot, parameters) => change(bot, parameters, (message) => {
      if (message.files.length === 0 || message.files[0]!.kind === 'sticker') throw bad('there is no caption in the message to edit')
      return readCaption(parameters)
    }),
    editmessagereplymarkup: (bot, parameters) => change(bot, parameters, () => undefined),
    deletemessage(bot, parameters) {
      remove(find(bot, parameters, 'delete').message)
      return true
    },
    deletemessages(bot, parameters) {
      const patient = findChat(parameters.chat_id)
      const ids: unknown = readObject(parameters.message_ids, 'message identifiers')
      if (!Array.isArray(ids) || ids.length < 1 || ids.length > 100) throw bad('message identifiers are not specified')
      // Those that are not there or too old are skipped without a word.
      for (const id of ids) {
        const message = stage.phones.message(patient, 'telegram', String(id), String(bot.botId))
        if (message !== undefined && stage.clock.now() - message.acceptedAt <= twoDaysMs) message.deletedAt ??= stage.clock.now()
      }
      return true
    },
  }
}
