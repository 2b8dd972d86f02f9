import { type Patient, type PhoneMessage } from './phones.ts'
import { type Stage } from './stage.ts'
import { type TelegramBot } from './telegram.ts'
import { showKeyboard } from './telegram-content.ts'
import { showFile } from './telegram-files.ts'

const namesOf = (patient: Patient): Record<string, unknown> => {
  const [first = '', last] = patient.name.split(' ')
  return { first_name: first, ...(last === undefined ? {} : { last_name: last }) }
}

/** A private chat as Telegram shows it. */
export const showChat = (patient: Patient): Record<string, unknown> => ({ id: patient.telegramId, ...namesOf(patient), type: 'private' })

/** A person as Telegram shows one. */
export const showPerson = (patient: Patient): Record<string, unknown> => ({
  id: patient.telegramId, is_bot: false, ...namesOf(patient), language_code: 'ru',
})

/** A bot as Telegram shows one. */
export const showBot = (bot: TelegramBot): Record<string, unknown> => ({
  id: bot.botId, is_bot: true, first_name: bot.name, username: bot.username,
})

const typeOf: Record<PhoneMessage['spans'][number]['kind'], string> = {
  bold: 'bold', italic: 'italic', underline: 'underline', strike: 'strikethrough', spoiler: 'spoiler', code: 'code', pre: 'pre',
  quote: 'blockquote', link: 'text_link',
}

const showSpans = (message: PhoneMessage, name: string): Record<string, unknown> => message.spans.length === 0
  ? {}
  : { [name]: message.spans.map(({ kind, from, length, url }) => ({ offset: from, length, type: typeOf[kind], ...(url === undefined ? {} : { url }) })) }

/** What a message holds: its text or its file with the caption, a place, a card. */
export function showContent(stage: Stage, bot: TelegramBot, message: PhoneMessage): Record<string, unknown> {
  const { text, card, place } = message
  const [file] = message.files
  if (file !== undefined) {
    return { ...showFile(stage, bot, file), ...(text === '' ? {} : { caption: text, ...showSpans(message, 'caption_entities') }) }
  }
  if (place !== undefined) {
    const location = { latitude: place.latitude, longitude: place.longitude }
    if (place.name === undefined) return { location }
    return { location, venue: { location, title: place.name, address: place.address ?? '' } }
  }
  if (card !== undefined) return { contact: { phone_number: card.phone, first_name: card.name } }
  const command = message.direction === 'written' ? /^\/\w+/.exec(text) : null
  return {
    text,
    ...(command === null ? showSpans(message, 'entities') : { entities: [{ offset: 0, length: command[0].length, type: 'bot_command' }] }),
  }
}

/** A message of a private chat as Telegram shows it, with the one that it answers. */
export function showMessage(stage: Stage, bot: TelegramBot, patient: Patient, message: PhoneMessage, depth = 0): Record<string, unknown> {
  const quoted = message.quote === undefined || depth > 0
    ? undefined
    : stage.phones.message(patient, 'telegram', message.quote.id, String(bot.botId))
  return {
    message_id: Number(message.id),
    from: message.direction === 'written' ? showPerson(patient) : showBot(bot),
    chat: showChat(patient),
    date: Math.floor(message.acceptedAt / 1000),
    ...(message.editedAt === undefined ? {} : { edit_date: Math.floor(message.editedAt / 1000) }),
    ...(quoted === undefined ? {} : { reply_to_message: showMessage(stage, bot, patient, quoted, 1) }),
    ...showContent(stage, bot, message),
    ...showKeyboard(message.buttons),
  }
}
