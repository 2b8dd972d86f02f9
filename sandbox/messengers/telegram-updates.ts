import { type Patient, type PhoneMessage } from './phones.ts'
import { postUpdate, writtenMessage, type Hands, type Stage } from './stage.ts'
import { type TelegramBot } from './telegram.ts'
import { type Webhook } from './webhooks.ts'

type RunReply = (bot: TelegramBot, answer: string) => void
type Update = TelegramBot['updates'][number]

/** Kinds of updates that the sandbox makes. */
export const updateKinds = ['message', 'callback_query', 'my_chat_member'] as const

function toWebhook(stage: Stage, bot: TelegramBot, update: Update, chatId: number, runReply: RunReply): Webhook {
  const target = (): { url: string, headers: Record<string, string> } | undefined => bot.webhook === undefined
    ? undefined
    : {
        url: bot.webhook.url,
        headers: {
          'content-type': 'application/json',
          ...(bot.webhook.secretToken === undefined ? {} : { 'x-telegram-bot-api-secret-token': bot.webhook.secretToken }),
        },
      }
  const kind = Object.keys(update).find((key) => key !== 'update_id') ?? ''
  return {
    messenger: 'telegram',
    account: String(bot.botId),
    kind,
    ...target()!,
    refresh: target,
    body: Buffer.from(JSON.stringify(update)),
    // One stuck update holds up its chat only; dropped after a day.
    orderKey: `tg/${bot.botId}/${chatId}`,
    retry: { firstMs: 1_000, longestMs: 60_000, forMs: 86_400_000 },
    onAnswer: (body) => runReply(bot, body),
    onFailure: (reason) => {
      const message = reason.startsWith('HTTP') ? `Wrong response from the webhook: ${reason.slice(5)}` : reason
      bot.lastError = { at: stage.clock.now(), message }
    },
  }
}

function chatOf(update: Update): number {
  const body = update as any
  return (body.message ?? body.callback_query?.message ?? body.my_chat_member)?.chat?.id ?? 0
}

/** Sends what waited until a webhook was set. */
export function flushUpdates(stage: Stage, bot: TelegramBot, runReply: RunReply): void {
  if (bot.webhook === undefined) return
  const waiting = bot.updates
  bot.updates = []
  for (const update of waiting) postUpdate(stage, toWebhook(stage, bot, update, chatOf(update), runReply))
}

/** What a person with Telegram can do, told to the bot as updates. */
export function createTelegramHands(
  stage: Stage, bots: Map<string, TelegramBot>, nextMessageId: (bot: TelegramBot, chatId: number) => number,
  showMessage: (bot: TelegramBot, patient: Patient, message: PhoneMessage) => unknown, runReply: RunReply,
): Hands {
  const botOf = (account: string): TelegramBot => [...bots.values()].find((bot) => String(bot.botId) === account)!

  const emit = (bot: TelegramBot, patient: Patient, kind: (typeof updateKinds)[number], value: unknown): void => {
    const update: Update = { update_id: ++bot.nextUpdateId, [kind]: value }
    if (bot.webhook === undefined) {
      bot.updates.push(update)
      return
    }
    if (!bot.webhook.allowedUpdates.includes(kind)) {
      stage.poster.lose({ messenger: 'telegram', account: String(bot.botId), kind }, 'not among allowed_updates')
      return
    }
    postUpdate(stage, toWebhook(stage, bot, update, patient.telegramId, runReply))
  }

  const person = (patient: Patient): unknown => {
    const [first = '', last] = patient.name.split(' ')
    return {
      id: patient.telegramId, is_bot: false, first_name: first, ...(last === undefined ? {} : { last_name: last }), language_code: 'ru',
    }
  }
  const chat = (patient: Patient): unknown => {
    const [first = '', last] = patient.name.split(' ')
    return { id: patient.telegramId, first_name: first, ...(last === undefined ? {} : { last_name: last }), type: 'private' }
  }
  const now = (): number => Math.floor(stage.clock.now() / 1000)

  const say = (patient: Patient, bot: TelegramBot, shown: string, content: Record<string, unknown>): PhoneMessage => {
    const account = String(bot.botId)
    const message = writtenMessage(stage, 'telegram', account, String(nextMessageId(bot, patient.telegramId)), shown)
    const state = stage.phones.chat(patient, 'telegram', account)
    Object.assign(state, { started: true, lastWroteAt: stage.clock.now() })
    stage.phones.keep(patient, message)
    emit(bot, patient, 'message', {
      message_id: Number(message.id), from: person(patient), chat: chat(patient), date: now(), ...content,
    })
    return message
  }

  const membership = (patient: Patient, bot: TelegramBot, from: string, to: string): void => {
    const user = { id: bot.botId, is_bot: true, first_name: bot.name, username: bot.username }
    emit(bot, patient, 'my_chat_member', {
      chat: chat(patient),
      from: person(patient),
      date: now(),
      old_chat_member: { user, status: from, ...(from === 'kicked' ? { until_date: 0 } : {}) },
      new_chat_member: { user, status: to, ...(to === 'kicked' ? { until_date: 0 } : {}) },
    })
  }

  const hands: Hands = {
    write(patient, account, text, quotedId) {
      const bot = botOf(account)
      const quoted = quotedId === undefined ? undefined : stage.phones.message(patient, 'telegram', quotedId, account)
      return say(patient, bot, text, {
        text,
        ...(/^\/\w+/.test(text) ? { entities: [{ offset: 0, length: /^\/\w+/.exec(text)![0].length, type: 'bot_command' }] } : {}),
        ...(quoted === undefined ? {} : { reply_to_message: showMessage(bot, patient, quoted) }),
      })
    },
    press(patient, message, button) {
      const bot = botOf(message.account)
      const id = `43${stage.random.digits(16)}`
      bot.callbacks.set(id, { message, at: stage.clock.now(), answered: false })
      emit(bot, patient, 'callback_query', {
        id, from: person(patient), message: showMessage(bot, patient, message), data: button.id,
        chat_instance: `-${stage.random.digits(18)}`,
      })
    },
    start(patient, account, payload, quietly) {
      const state = stage.phones.chat(patient, 'telegram', account)
      const wasBlocked = state.blocked
      Object.assign(state, { started: true, blocked: false })
      if (quietly) return
      if (wasBlocked) membership(patient, botOf(account), 'kicked', 'member')
      hands.write(patient, account, payload === '' ? '/start' : `/start ${payload}`)
    },
    shareContact(patient, account, card) {
      const [first = ''] = card.name.split(' ')
      const owner = card.kind === 'foreign' ? patient.telegramId + 76 : patient.telegramId
      // The keyboard that asks for the number is no part of the message: it goes away when it was used.
      for (const message of patient.messages) {
        if (message.messenger === 'telegram' && message.buttons.flat().some((button) => button.kind === 'contact')) message.buttons = []
      }
      return say(patient, botOf(account), `☎ ${card.phone}`, {
        contact: {
          // Telegram gives the own number without a plus.
          phone_number: card.kind === 'own' ? card.phone.replace('+', '') : card.phone,
          first_name: first,
          ...(card.kind === 'unsigned' ? {} : { user_id: owner }),
        },
        ...(card.kind === 'tampered' ? { forward_origin: { type: 'user', date: now() - 3600, sender_user: person(patient) } } : {}),
      })
    },
    block(patient, account, blocked) {
      const state = stage.phones.chat(patient, 'telegram', account)
      if (state.blocked === blocked) return
      state.blocked = blocked
      membership(patient, botOf(account), blocked ? 'member' : 'kicked', blocked ? 'kicked' : 'member')
    },
    read(_patient, message) {
      // Telegram tells bots nothing of it.
      if (message.state === 'arrived') Object.assign(message, { state: 'read', readAt: stage.clock.now() })
    },
  }
  return hands
}
