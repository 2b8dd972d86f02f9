import { Telegram } from 'telegraf'
import { type Opts, type Telegram as Methods } from 'telegraf/types'
import { z } from 'zod'
import { ChannelError, type ChannelContext } from '../channel.ts'
import { type FailureClass } from '../../domain/receipt.ts'
import { type HttpAnswer, type HttpRequest } from '../http.ts'
import { type TelegramCredentials } from './credentials.ts'

const answerSchema = z.looseObject({ ok: z.literal(true), result: z.unknown() })
const refusalSchema = z.looseObject({
  error_code: z.number(),
  description: z.string().optional(),
  parameters: z.looseObject({ retry_after: z.number().optional() }).optional(),
})

/**
 * Telegram's typed methods over the application's own HTTP: telegraf's transport waits 500 s, drops the agent of an `http:` server,
 * and throws away what tells "not sent" from "nobody knows".
 *
 * @throws ChannelError from every method
 * @see https://core.telegram.org/bots/api#making-requests
 */
export class TelegramApi extends Telegram {
  readonly #context: ChannelContext<TelegramCredentials>

  constructor(context: ChannelContext<TelegramCredentials>) {
    super(context.credentials.botToken, { apiRoot: context.credentials.apiRoot, webhookReply: false })
    this.#context = context
  }

  override async callApi<Method extends keyof Methods>(method: Method, payload: Opts<Method>): Promise<ReturnType<Methods[Method]>> {
    return (await this.#ask(method, { json: payload })) as ReturnType<Methods[Method]>
  }

  /** Sends a file's bytes: what is not text among the fields goes as JSON. @see https://core.telegram.org/bots/api#sending-files */
  async upload(method: keyof Methods, fields: Readonly<Record<string, unknown>>, file: NonNullable<HttpRequest['multipart']>['file']): Promise<unknown> {
    const written = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)]]))
    return this.#ask(method, { multipart: { fields: Object.fromEntries(written) as Record<string, string>, file } })
  }

  async #ask(method: keyof Methods, body: Pick<HttpRequest, 'json' | 'multipart'>): Promise<unknown> {
    const { credentials, http, signal } = this.#context
    const answer = await http.call({ method: 'POST', url: `${credentials.apiRoot}/bot${credentials.botToken}/${method}`, ...body }, { signal, proxyUrl: credentials.proxyUrl, caFile: credentials.caFile })
    const parsed = answerSchema.safeParse(answer.body)
    if (answer.status !== 200 || !parsed.success) throw refusalOf(answer)
    return parsed.data.result
  }
}

/** 400s that are about the person; a 403 whose text is in capitals reaches us as 400. */
const aboutRecipient = /chat not found|user not found|PEER_ID_INVALID|USER_IS_BLOCKED|INPUT_USER_DEACTIVATED|USER_DEACTIVATED|USER_IS_BOT|chat was upgraded|user is deactivated/i

const classOf = (code: number, description: string): FailureClass => {
  if (code >= 500) return 'transient'
  if (code === 429) return 'rateLimited'
  // 404 is a token in the wrong shape; 409 is another program that reads the same bot.
  if (code === 401 || code === 404 || code === 409) return 'channelPermanent'
  if (code === 403) return 'recipientPermanent'
  if (code === 400) return aboutRecipient.test(description) ? 'recipientPermanent' : 'content'
  return code === 413 ? 'content' : 'channelTemporary'
}

const sentences: Readonly<Partial<Record<FailureClass, string>>> = {
  transient: 'Telegram временно недоступен: проверьте подключение ещё раз через несколько минут.',
  rateLimited: 'Telegram просит отправлять реже: дождитесь снижения нагрузки.',
  channelPermanent: 'Telegram не принял токен бота: получите новый у @BotFather и впишите его в подключение.',
  recipientPermanent: 'Человек остановил бота или ещё не писал ему: отправьте ему личную ссылку на бота.',
  content: 'Telegram не принял содержание сообщения: сократите текст и проверьте кнопки.',
}

/** 400s that mean something of their own: told apart by words, since Telegram gives them no code. */
const meanings: readonly (readonly [RegExp, string, string])[] = [
  [/message is not modified/i, 'message.same', 'Сообщение уже такое: менять нечего.'],
  [/message to \w+ not found|MESSAGE_ID_INVALID/i, 'message.gone', 'Этого сообщения в Telegram больше нет: отправьте новое.'],
  [/message can't be (?:edited|deleted)/i, 'message.late', 'Telegram уже не даёт изменить или удалить это сообщение: отправьте уточнение новым сообщением.'],
  [/file is too big/i, 'file.large', 'Файл больше, чем отдаёт Telegram: попросите прислать его частями или ссылкой.'],
]

const conflictSentence = 'Этого бота читает другая программа: отключите её или создайте отдельного бота.'

/**
 * Telegram's no. A 5xx - often a proxy's HTML page - leaves the outcome open: the Bot API has no idempotency key.
 *
 * @see https://core.telegram.org/bots/api#responseparameters
 */
const refusalOf = (answer: HttpAnswer): ChannelError => {
  const parsed = refusalSchema.safeParse(answer.body)
  if (!parsed.success && answer.status < 400) {
    return new ChannelError({ class: 'transient', code: 'answer' }, 'Ответ Telegram не удалось прочитать: проверьте адрес Bot API в настройках подключения.', { outcome: 'unknown' })
  }
  const code = parsed.success ? parsed.data.error_code : answer.status
  const description = parsed.success ? (parsed.data.description ?? '') : ''
  const failureClass = classOf(code, description)
  const [, ownCode, ownSentence] = (failureClass === 'content' ? meanings.find(([words]) => words.test(description)) : undefined) ?? []
  if (ownCode !== undefined && ownSentence !== undefined) return new ChannelError({ class: 'content', code: ownCode }, ownSentence)
  const sentence = code === 409 ? conflictSentence : (sentences[failureClass] ?? 'Telegram не принял запрос: проверьте адрес Bot API в настройках подключения.')
  const header = Number(answer.headers['retry-after'])
  return new ChannelError({ class: failureClass, code: String(code) }, sentence, {
    outcome: answer.status >= 500 || code >= 500 ? 'unknown' : 'rejected',
    retryAfterSeconds: (parsed.success ? parsed.data.parameters?.retry_after : undefined) ?? (failureClass === 'rateLimited' && header > 0 ? header : undefined),
  })
}
