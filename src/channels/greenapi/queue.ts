import { z } from 'zod'
import { ChannelError } from '../channel.ts'
import { call, read, type Context } from './api.ts'
import { working } from './errors.ts'
import { jidOf, personOf } from './person.ts'

/** Older instances call the id otherwise or leave it out. @see https://green-api.com/docs/api/queues/ShowMessagesQueue/ */
const queueAnswer = z.array(z.looseObject({ messageID: z.string().optional(), body: z.looseObject({ chatId: z.string().optional() }).optional() }))
const clearedAnswer = z.looseObject({ isCleared: z.literal(true) })
export const stateAnswer = z.looseObject({ stateInstance: z.string() })

/**
 * Empties the vendor's queue when this message is in it, and always when the instance does not send: the list is known to miss its first
 * entry. The queue keeps messages for 24 hours and lets them go the moment the number is back; it can only be emptied as a whole.
 *
 * @see https://green-api.com/docs/api/queues/ClearMessagesQueue/
 */
export const withdraw = async ({ externalId, to }: { readonly externalId?: string; readonly to: string }, context: Context): Promise<readonly string[]> => {
  const queue = read(queueAnswer, await call(context, 'showMessagesQueue'))
  const person = personOf(jidOf(to))
  const isOurs = (entry: (typeof queue)[number]): boolean =>
    externalId !== undefined && entry.messageID !== undefined ? entry.messageID === externalId : personOf(entry.body?.chatId ?? '') === person
  const isSending = read(stateAnswer, await call(context, 'getStateInstance')).stateInstance === working
  if (isSending && !queue.some(isOurs)) return []
  const cleared = clearedAnswer.safeParse((await call(context, 'clearMessagesQueue')).body)
  if (!cleared.success) throw new ChannelError({ class: 'channelTemporary', code: 'queue' }, 'Очередь GREEN-API не очистилась: очистите её в карточке инстанса, иначе сообщения уйдут позже.')
  return [...new Set([...queue.flatMap(({ messageID }) => messageID ?? []), ...(externalId === undefined ? [] : [externalId])])]
}
