import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { postUpdate, quoteOf, writtenMessage, type Hands, type Said, type Stage } from './stage.ts'
import { type TelegramBot } from './telegram.ts'
import { showBot, showChat, showContent, showMessage, showPerson } from './telegram-show.ts'
import { type Webhook } from './webhooks.ts'

type RunReply = (bot: TelegramBot, answer: string) => void
type Update = TelegramBot['updates'][number]

/** Kinds of updates that the sandbox makes. */
export const updateKinds = ['message', 'edited_message', 'channel_post', 'callback_query', 'my_chat_member'] as const

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
  return (body.message ?? body.edited_message ?? body.channel_post ?? body.callback_query?.message ?? body.my_chat_member)?.chat?.id ?? 0
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
  runReply: RunReply,
): Hands {
  const botOf = (account: string): TelegramBot => [...bots.values()].find((bot) => String(bot.botId) === account)!

  const emit = (bot: TelegramBot, patient: Patient, kind: (typeof updateKinds)[number], value: unknown, chatId = patient.telegramId): void => {
    const update: Update = { update_id: ++bot.nextUpdateId, [kind]: value }
    if (bot.webhook === undefined) {
      bot.updates.push(update)
      return
    }
    if (!bot.webhook.allowedUpdates.includes(kind)) {
      stage.poster.lose({ messenger: 'telegram', account: String(bot.botId), kind }, 'not among allowed_updates')
      return
    }
    postUpdate(stage, toWebhook(stage, bot, update, chatId, runReply))
  }

  const now = (): number => Math.floor(stage.clock.now() / 1000)

  /** Keeps what was said and tells the bot; `content` stands in for what the message itself would show. */
  const say = (patient: Patient, bot: TelegramBot, said: Said, content?: Record<string, unknown>, album?: string): PhoneMessage => {
    const account = String(bot.botId)
    const message = writtenMessage(stage, 'telegram', account, String(nextMessageId(bot, patient.telegramId)), said)
    message.quote = quoteOf(stage, patient, 'telegram', account, said.quote?.id, said.quote?.text)
    const state = stage.phones.chat(patient, 'telegram', account)
    Object.assign(state, { started: true, lastWroteAt: stage.clock.now() })
    stage.phones.keep(patient, message)
    const shown = showMessage(stage, bot, patient, message)
    if (content === undefined) {
      emit(bot, patient, 'message', { ...shown, ...(album === undefined ? {} : { media_group_id: album }), ...pickedOut(patient, bot, said) })
    } else {
      const { message_id, from, chat, date } = shown
      emit(bot, patient, 'message', { message_id, from, chat, date, ...content })
    }
    return message
  }

  const pickedOut = (patient: Patient, bot: TelegramBot, { quote }: Said): Record<string, unknown> => {
    const quoted = quote?.text === undefined ? undefined : stage.phones.message(patient, 'telegram', quote.id, String(bot.botId))
    return quoted === undefined ? {} : { quote: { text: quote!.text, position: Math.max(0, quoted.text.indexOf(quote!.text!)), is_manual: true } }
  }

  const membership = (patient: Patient, bot: TelegramBot, from: string, to: string): void => {
    const user = showBot(bot)
    emit(bot, patient, 'my_chat_member', {
      chat: showChat(patient),
      from: showPerson(patient),
      date: now(),
      old_chat_member: { user, status: from, ...(from === 'kicked' ? { until_date: 0 } : {}) },
      new_chat_member: { user, status: to, ...(to === 'kicked' ? { until_date: 0 } : {}) },
    })
  }

  const hands: Hands = {
    write(patient, account, said) {
      const bot = botOf(account)
      if (said.isUnsupported === true) return [say(patient, bot, { text: '🎲' }, { dice: { emoji: '🎲', value: 4 } })]
      if (said.card !== undefined) {
        // Of a card that Telegram knows it also names the owner: somebody else.
        const contact = { phone_number: said.card.phone, first_name: said.card.name, user_id: patient.telegramId + 76 }
        return [say(patient, bot, said, { contact })]
      }
      const files = said.files ?? []
      if (files.length < 2) return [say(patient, bot, said)]
      // An album is a message for each file; the words are with the first.
      const group = stage.random.digits(17)
      return files.map((file, index) => say(patient, bot, { ...said, text: index === 0 ? said.text : '', files: [file] }, undefined, group))
    },
    edit(patient, message, text) {
      rewrite(message, stage.clock.now(), { text })
      const bot = botOf(message.account)
      emit(bot, patient, 'edited_message', showMessage(stage, bot, patient, message))
    },
    // Telegram never tells a bot that a person deleted a message.
    remove: (_patient, message) => { message.deletedAt = stage.clock.now() },
    writeInGroup(patient, account, kind, text) {
      const bot = botOf(account)
      const chat = kind === 'group'
        ? { id: -1_001_234_567_890, title: 'Соседи', type: 'supergroup' }
        : { id: -1_009_876_543_210, title: 'Новости клиники', type: 'channel' }
      const message_id = nextMessageId(bot, chat.id)
      const said = writtenMessage(stage, 'telegram', account, String(message_id), { text })
      emit(bot, patient, kind === 'group' ? 'message' : 'channel_post', {
        message_id, ...(kind === 'group' ? { from: showPerson(patient) } : { sender_chat: chat }), chat, date: now(),
        ...showContent(stage, bot, said),
      }, chat.id)
    },
    press(patient, message, button) {
      const bot = botOf(message.account)
      const id = `43${stage.random.digits(16)}`
      bot.callbacks.set(id, { message, at: stage.clock.now(), answered: false })
      emit(bot, patient, 'callback_query', {
        id, from: showPerson(patient), message: showMessage(stage, bot, patient, message), data: button.id,
        chat_instance: `-${stage.random.digits(18)}`,
      })
    },
    start(patient, account, payload, quietly) {
      const state = stage.phones.chat(patient, 'telegram', account)
      const wasBlocked = state.blocked
      Object.assign(state, { started: true, blocked: false })
      if (quietly) return
      if (wasBlocked) membership(patient, botOf(account), 'kicked', 'member')
      hands.write(patient, account, { text: payload === '' ? '/start' : `/start ${payload}` })
    },
    shareContact(patient, account, card) {
      const [first = ''] = card.name.split(' ')
      const owner = card.kind === 'foreign' ? patient.telegramId + 76 : patient.telegramId
      // The keyboard that asks for the number is no part of the message: it goes away when it was used.
      for (const message of patient.messages) {
        if (message.messenger === 'telegram' && message.buttons.flat().some((button) => button.kind === 'contact')) message.buttons = []
      }
      return say(patient, botOf(account), { text: '', card: { name: card.name, phone: card.phone } }, {
        contact: {
          // Telegram gives the own number without a plus.
          phone_number: card.kind === 'own' ? card.phone.replace('+', '') : card.phone,
          first_name: first,
          ...(card.kind === 'unsigned' ? {} : { user_id: owner }),
        },
        ...(card.kind === 'tampered' ? { forward_origin: { type: 'user', date: now() - 3600, sender_user: showPerson(patient) } } : {}),
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
