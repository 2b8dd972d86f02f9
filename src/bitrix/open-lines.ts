import { z } from 'zod'
import { readResult } from './answer.ts'
import { type Command, type Params } from './command.ts'
import { BitrixError } from './errors.ts'

/** One line of one connector: where messages go. */
export interface LineKey {
  /** `estafeta_telegram`, in lower case. */
  readonly connector: string
  readonly line: number
}

/**
 * A patient's message for a line. All ids are ours and opaque: `chat.id` never equals `user.id` (F12), neither holds a `|`.
 *
 * `text` is BB code: a patient's words go through `harmlessText` first. `files` are fetched by the portal during the call, without
 * headers. `disableCrm` keeps the portal from looking for the person in the CRM.
 */
export interface LineMessage {
  readonly user: { readonly id: string; readonly name?: string; readonly lastName?: string; readonly phone?: string; readonly picture?: string }
  readonly message: {
    readonly id: string
    readonly atSeconds?: number
    readonly text?: string
    readonly files?: readonly { readonly url: string; readonly name: string }[]
    readonly disableCrm?: boolean
  }
  readonly chat: { readonly id: string; readonly name?: string }
}

const mostNameLength = 25

/**
 * A name as open lines take it: at most 25 letters, spaces, hyphens and apostrophes. Emoji and digits go; undefined when nothing
 * is left.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-send-messages.html
 */
export const lineNameOf = (name: string | undefined): string | undefined => {
  // Decorated letters (𝓐, ａ) are plain ones in this form, and an accent is one letter with what it is on.
  const letters = (name ?? '').normalize('NFKC').replace(/[’ʼ`]/g, "'").replace(/[‐‑–—]/g, '-').replace(/[^\p{L}\s'-]/gu, ' ')
  const words = (text: string): string => text.replace(/\s+/g, ' ').replace(/^[\s'-]+|[\s'-]+$/g, '')
  const clean = words(Array.from(words(letters)).slice(0, mostNameLength).join(''))
  return clean === '' ? undefined : clean
}

const messageParams = ({ user, message, chat }: LineMessage): Params => {
  // The portal would lose the person's card, or read the user code wrongly.
  if (user.id === chat.id || /\|/.test(user.id + chat.id)) throw new RangeError('Ids of a chat and of the person in it differ and hold no "|".')
  return {
    user: {
      id: user.id,
      name: lineNameOf(user.name),
      last_name: lineNameOf(user.lastName),
      phone: user.phone,
      // Numbers are normalised before they come here; foreign ones would be dropped by the portal's own check.
      skip_phone_validate: user.phone === undefined ? undefined : 'Y',
      picture: user.picture === undefined ? undefined : { url: user.picture },
    },
    message: {
      id: message.id,
      date: message.atSeconds,
      text: message.text === '' ? undefined : message.text,
      files: message.files === undefined || message.files.length === 0 ? undefined : message.files,
      disable_crm: message.disableCrm === true ? 'Y' : undefined,
    },
    chat: { id: chat.id, name: chat.name },
  }
}

const someOf = <T>(messages: readonly T[]): readonly T[] => {
  if (messages.length === 0) throw new RangeError('A line takes one message at least.')
  return messages
}

/**
 * Puts patients' messages into a line. Not idempotent: the portal does not look at `message.id`, a repetition is a second message.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-send-messages.html
 */
export const sendMessagesCommand = (key: string, { connector, line, messages }: LineKey & { readonly messages: readonly LineMessage[] }): Command => ({
  key,
  method: 'imconnector.send.messages',
  params: { CONNECTOR: connector, LINE: line, MESSAGES: someOf(messages).map(messageParams) },
})

/**
 * Changes messages that were put into the line under the same `message.id`; it may be repeated.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-update-messages.html
 */
export const updateMessagesCommand = (key: string, { connector, line, messages }: LineKey & { readonly messages: readonly LineMessage[] }): Command => ({
  key,
  method: 'imconnector.update.messages',
  params: { CONNECTOR: connector, LINE: line, MESSAGES: someOf(messages).map(messageParams) },
})

/**
 * Takes messages out of the line again.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-delete-messages.html
 */
export const deleteMessagesCommand = (
  key: string,
  { connector, line, messages }: LineKey & { readonly messages: readonly { readonly userId: string; readonly messageId: string; readonly chatId: string }[] },
): Command => ({
  key,
  method: 'imconnector.delete.messages',
  params: {
    CONNECTOR: connector,
    LINE: line,
    MESSAGES: someOf(messages).map(({ userId, messageId, chatId }) => ({ user: { id: userId }, message: { id: messageId }, chat: { id: chatId } })),
  },
})

/** What became of one message of a call. `userId` is the portal's hidden user of the patient, the last part of the user code. */
export type LineMessageOutcome =
  | { readonly ok: true; readonly userId?: number; readonly sessionId?: number; readonly chatId?: number }
  | { readonly ok: false; readonly error: BitrixError }

/** `0`, `""` and what is no number are nobody's id. */
const GivenId = z.coerce.number().int().positive().optional().catch(undefined)
const Flag = z.union([z.boolean(), z.string(), z.number()]).transform((value) => value === true || value === 'Y' || value === 'true' || String(value) === '1')
/** Lists that PHP filtered come as maps. */
const listOf = <Item extends z.ZodType>(item: Item): z.ZodType<z.infer<Item>[]> =>
  z.preprocess((value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : value), z.array(item))
const Problem = z.union([
  z.string().transform((code) => ({ code, message: code })),
  z.looseObject({ code: z.coerce.string().default(''), message: z.coerce.string().default('') }).transform(({ code, message }) => ({ code, message })),
])
const Item = z.looseObject({
  user: z.union([GivenId, z.looseObject({ id: GivenId }).transform(({ id }) => id)]).catch(undefined),
  SUCCESS: Flag.default(true),
  ERRORS: listOf(Problem).optional().catch(undefined),
  session: z.looseObject({ ID: GivenId, CHAT_ID: GivenId }).optional().catch(undefined),
})
/** By its number in the request: a map where PHP has left some out. */
const Items = z.looseObject({ DATA: z.looseObject({ RESULT: z.union([z.record(z.string(), Item), z.array(Item).transform((list) => Object.fromEntries(list.entries()))]) }) })

/**
 * What became of each message of `send`, `update` or `delete.messages`, in the order of the request (F10: the call's own success
 * says nothing of them). A message that is not mentioned has the error `NO_ANSWER`: it may be there.
 */
export const sentMessagesOf = (result: unknown, count: number, method = 'imconnector.send.messages'): readonly LineMessageOutcome[] => {
  const items: Readonly<Record<string, z.infer<typeof Item>>> = readResult(Items, result, method).DATA.RESULT
  return Array.from({ length: count }, (_, index): LineMessageOutcome => {
    const item = items[String(index)]
    if (item === undefined) return { ok: false, error: new BitrixError({ method, httpStatus: 200, bitrixCode: 'NO_ANSWER' }) }
    if (!item.SUCCESS) {
      const { code = '', message = '' } = item.ERRORS?.[0] ?? {}
      return { ok: false, error: new BitrixError({ method, httpStatus: 200, bitrixCode: code === '' ? 'RESULT_FALSE' : code, description: message }) }
    }
    return { ok: true, userId: item.user, sessionId: item.session?.ID, chatId: item.session?.CHAT_ID }
  })
}

/** An operator's message that the messenger has taken. */
export interface Delivered {
  readonly imChatId: number
  readonly imMessageId: number
  /** Ours, as given in `send.messages`. */
  readonly chatId: string
  /** Ids under which edits and removals name the message later; one operator's message may be several of the messenger's. */
  readonly externalIds: readonly string[]
  readonly atSeconds?: number
}

/**
 * Tells that operators' messages were taken by the messenger. Without it the portal never reports their edits and removals. It
 * cannot be taken back.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-send-status-delivery.html
 */
export const deliveredCommand = (key: string, { connector, line, messages }: LineKey & { readonly messages: readonly Delivered[] }): Command => ({
  key,
  method: 'imconnector.send.status.delivery',
  params: {
    CONNECTOR: connector,
    LINE: line,
    MESSAGES: someOf(messages).map(({ imChatId, imMessageId, chatId, externalIds, atSeconds }) => ({
      im: { chat_id: imChatId, message_id: imMessageId },
      message: { id: someOf(externalIds), date: atSeconds },
      chat: { id: chatId },
    })),
  },
})
