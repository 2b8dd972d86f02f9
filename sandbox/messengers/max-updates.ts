import { createHmac } from 'node:crypto'

import { showBot, showUser, type MaxBot } from './max.ts'
import { type MaxFiles } from './max-files.ts'
import { launchUrl } from './max-launch.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { postUpdate, quoteOf, writtenMessage, type ContactCard, type Hands, type Said, type Stage } from './stage.ts'

/** JSON with integers above 2^53 written as numbers, as MAX does; `JSON.parse` on the other side loses their end. */
export function writeWithBigNumbers(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => typeof one === 'bigint' ? `\u0000${one.toString()}\u0000` : one)
    .replace(/"\\u0000(\d+)\\u0000"/g, '$1')
}

function showKeyboard(message: PhoneMessage): unknown {
  return {
    type: 'inline_keyboard',
    callback_id: message.id,
    payload: {
      buttons: message.buttons.map((row) => row.map((button) => button.kind === 'callback'
        ? { type: 'callback', text: button.text, payload: button.id, intent: 'default' }
        : button.kind === 'contact'
          ? { type: 'request_contact', text: button.text }
          : button.kind === 'app'
            ? { type: 'open_app', text: button.text, web_app: button.url, ...(button.id === '' ? {} : { payload: button.id }) }
          : { type: 'link', text: button.text, url: button.url })),
    },
  }
}

/** The body of a message; addresses of files in it are fresh. */
function showBody(files: MaxFiles, bot: MaxBot, message: PhoneMessage, seq: bigint): Record<string, unknown> {
  const { place, card } = message
  const attachments = [
    ...message.files.map((file) => files.show(bot, file)),
    ...(place === undefined ? [] : [{ type: 'location', latitude: place.latitude, longitude: place.longitude }]),
    ...(card === undefined ? [] : [{ type: 'contact', payload: { vcf_info: writeVcard(card.phone, card.name), max_info: null } }]),
    ...(message.buttons.length === 0 ? [] : [showKeyboard(message)]),
  ]
  return { mid: message.id, seq, text: message.text, ...(attachments.length === 0 ? {} : { attachments }) }
}

/** A message of a dialogue as MAX shows it. */
export function dialogMessage(
  stage: Stage, files: MaxFiles, bot: MaxBot, patient: Patient, message: PhoneMessage, seq: bigint,
): Record<string, unknown> {
  const written = message.direction === 'written'
  const quoted = message.quote === undefined ? undefined : stage.phones.message(patient, 'max', message.quote.id, String(bot.userId))
  return {
    recipient: { chat_id: patient.maxChatId, chat_type: 'dialog', user_id: written ? bot.userId : patient.maxId },
    timestamp: message.acceptedAt,
    ...(quoted === undefined
      ? {}
      : {
          link: {
            type: 'reply', sender: quoted.direction === 'written' ? showUser(stage, patient) : showBot(stage, bot),
            chat_id: patient.maxChatId, message: showBody(files, bot, quoted, seq - 1n),
          },
        }),
    body: showBody(files, bot, message, seq),
    sender: written ? showUser(stage, patient) : showBot(stage, bot),
  }
}

/** The card that a contact attachment carries. The hash covers these very bytes. */
export function writeVcard(phone: string, name: string): string {
  return `BEGIN:VCARD\r\nVERSION:3.0\r\nTEL;TYPE=cell:${phone.replace(/\D/g, '')}\r\nFN:${name}\r\nEND:VCARD\r\n`
}

/** `hash` of a contact that came by the request_contact button: HMAC-SHA256 of the card with the bot's token. */
export function hashVcard(vcard: string, botToken: string): string {
  return createHmac('sha256', botToken).update(vcard).digest('hex')
}

const eightHoursMs = 8 * 3_600_000

/** What a person with MAX can do, told to the bot as updates. */
export function createMaxHands(
  stage: Stage, files: MaxFiles, bots: Map<string, MaxBot>, nextIds: (chatId: number) => { mid: string, seq: bigint },
): Hands {
  const botOf = (account: string): MaxBot => [...bots.values()].find((bot) => String(bot.userId) === account)!

  const emit = (bot: MaxBot, patient: Patient, type: string, update: Record<string, unknown>): void => {
    const account = String(bot.userId)
    if (bot.subscriptions.length === 0) stage.poster.lose({ messenger: 'max', account, kind: type }, 'no subscription')
    for (const subscription of bot.subscriptions) {
      const headers: Record<string, string> = {
        'content-type': 'application/json; charset=utf-8',
        ...(subscription.secret === undefined ? {} : { 'x-max-bot-api-secret': subscription.secret }),
      }
      if (subscription.updateTypes !== undefined && !subscription.updateTypes.includes(type)) continue
      postUpdate(stage, {
        messenger: 'max',
        account,
        kind: type,
        url: subscription.url,
        headers,
        body: Buffer.from(writeWithBigNumbers({ ...update, timestamp: stage.clock.now(), update_type: type })),
        orderKey: `max/${account}/${subscription.url}/${patient.id}`,
        retry: { firstMs: 5_000, longestMs: 1_800_000, forMs: eightHoursMs },
        onFailure: (_reason, failingMs) => {
          // After eight hours without a 200 MAX removes the subscription and says nothing.
          if (failingMs >= eightHoursMs * 0.9) bot.subscriptions = bot.subscriptions.filter((one) => one !== subscription)
        },
        refresh: () => bot.subscriptions.includes(subscription) ? { url: subscription.url, headers } : undefined,
      })
    }
  }

  /** Keeps what was said and tells the bot; `attachments` stand in for what the message itself would show. */
  const say = (patient: Patient, bot: MaxBot, said: Said, attachments?: unknown[]): PhoneMessage => {
    const account = String(bot.userId)
    const { mid, seq } = nextIds(patient.maxChatId)
    const message = writtenMessage(stage, 'max', account, mid, said)
    message.quote = quoteOf(stage, patient, 'max', account, said.quote?.id)
    Object.assign(stage.phones.chat(patient, 'max', account), { started: true, blocked: false, lastWroteAt: stage.clock.now() })
    stage.phones.keep(patient, message)
    const shape = dialogMessage(stage, files, bot, patient, message, seq)
    emit(bot, patient, 'message_created', {
      message: attachments === undefined ? shape : { ...shape, body: { mid, seq, text: '', attachments } }, user_locale: 'ru',
    })
    return message
  }

  const dialog = (patient: Patient): Record<string, unknown> => ({
    chat_id: patient.maxChatId, user: showUser(stage, patient), user_locale: 'ru',
  })

  const hands: Hands = {
    write(patient, account, said) {
      const bot = botOf(account)
      if (said.isUnsupported === true) return [say(patient, bot, { text: '📊' }, [{ type: 'poll', payload: { title: 'Опрос' } }])]
      if (said.card !== undefined) {
        // A card from the address book has neither an owner nor a hash.
        return [say(patient, bot, said, [{ type: 'contact', payload: { vcf_info: writeVcard(said.card.phone, said.card.name), max_info: null } }])]
      }
      return [say(patient, bot, said)]
    },
    edit(patient, message, text) {
      rewrite(message, stage.clock.now(), { text })
      const bot = botOf(message.account)
      emit(bot, patient, 'message_edited', { message: dialogMessage(stage, files, bot, patient, message, nextIds(patient.maxChatId).seq) })
    },
    remove(patient, message) {
      message.deletedAt = stage.clock.now()
      emit(botOf(message.account), patient, 'message_removed', {
        message_id: message.id, chat_id: patient.maxChatId, user_id: patient.maxId,
      })
    },
    writeInGroup(patient, account, kind, text) {
      const chatId = kind === 'group' ? -70_801_090_403_050 : -70_801_090_403_051
      const { seq } = nextIds(patient.maxChatId)
      emit(botOf(account), patient, 'message_created', {
        message: {
          recipient: { chat_id: chatId, chat_type: kind === 'group' ? 'chat' : 'channel' }, timestamp: stage.clock.now(),
          body: { mid: `mid.ffffbdb48e6c3775${seq.toString(16)}`, seq, text },
          ...(kind === 'group' ? { sender: showUser(stage, patient) } : {}),
        },
        user_locale: 'ru',
      })
    },
    press(patient, message, button) {
      const bot = botOf(message.account)
      if (button.kind === 'text') {
        hands.write(patient, message.account, { text: button.text })
        return
      }
      const callbackId = `f9LHodD0cOJf4_${stage.random.letters(40)}`
      bot.callbacks.set(callbackId, { patient, message })
      emit(bot, patient, 'message_callback', {
        callback: { timestamp: stage.clock.now(), callback_id: callbackId, user: showUser(stage, patient), payload: button.id },
        message: message.deletedAt === undefined ? dialogMessage(stage, files, bot, patient, message, nextIds(patient.maxChatId).seq) : null,
        user_locale: 'ru',
      })
    },
    start(patient, account, payload, quietly) {
      Object.assign(stage.phones.chat(patient, 'max', account), { started: true, blocked: false })
      if (quietly) return
      emit(botOf(account), patient, 'bot_started', { ...dialog(patient), ...(payload === '' ? {} : { payload }), user_id: patient.maxId })
    },
    shareContact(patient, account, card) {
      const bot = botOf(account)
      return say(patient, bot, { text: '', card: { name: card.name, phone: card.phone } }, [contactAttachment(stage, bot, patient, card)])
    },
    block(patient, account, blocked) {
      const chat = stage.phones.chat(patient, 'max', account)
      if (chat.blocked === blocked) return
      chat.blocked = blocked
      if (blocked) emit(botOf(account), patient, 'bot_stopped', dialog(patient))
      else emit(botOf(account), patient, 'bot_started', { ...dialog(patient), user_id: patient.maxId })
    },
    read(_patient, message) {
      // MAX tells bots nothing of it.
      if (message.state === 'arrived') Object.assign(message, { state: 'read', readAt: stage.clock.now() })
    },
    mute(patient, account, muted) {
      stage.phones.chat(patient, 'max', account).muted = muted
      emit(botOf(account), patient, muted ? 'dialog_muted' : 'dialog_unmuted', {
        ...dialog(patient), ...(muted ? { muted_until: stage.clock.now() + 1_875_000 } : {}),
      })
    },
    launch: (patient, account, payload) => launchUrl(stage, botOf(account), patient, payload),
    removeChat(patient, account) {
      Object.assign(stage.phones.chat(patient, 'max', account), { started: true, blocked: true })
      emit(botOf(account), patient, 'dialog_removed', dialog(patient))
    },
  }
  return hands
}

function contactAttachment(stage: Stage, bot: MaxBot, patient: Patient, card: ContactCard): unknown {
  const [name = ''] = card.name.split(' ')
  const vcard = writeVcard(card.phone, name)
  const owner = showUser(stage, patient)
  // A tampered card carries the hash of the card that it was made from.
  const hash = hashVcard(card.kind === 'tampered' ? writeVcard(patient.phone, name) : vcard, bot.token)
  return {
    type: 'contact',
    payload: {
      vcf_info: vcard,
      max_info: card.kind === 'foreign' ? { ...owner, user_id: 555_000_555 } : owner,
      ...(card.kind === 'unsigned' ? {} : { hash }),
    },
  }
}
