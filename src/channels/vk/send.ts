import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ChannelError, type ChannelLimits, type OutboundMessage, type Sent, type SentMessage } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { call, read, type Context } from './api.ts'
import { refusalOf, unclearAnswer } from './errors.ts'
import { attachmentsOf, messageNow, mostBytes, refuseFormat, upload } from './files.ts'
import { isPerson, messageIdOf, messageNumber, threadOf, type CommentThread } from './ids.ts'

/** @see https://dev.vk.com/api/bots/development/keyboard */
export const limits: ChannelLimits = {
  textLength: 4096,
  // One button to a row; a row too many is no keyboard. The payload is JSON of 255 bytes, some of them ours.
  buttons: { count: 6, titleLength: 40, payloadBytes: 200 },
  files: { maxBytes: mostBytes, captionLength: 4096, withoutCaption: ['sticker'] },
  perSecond: 20,
}

/** One and the same for the same message: VK drops the second of two within about an hour. Never 0, which switches that off. */
const randomIdOf = (ref: string): number => (createHash('sha256').update(ref).digest().readUInt32BE() % 2_147_483_647) + 1

const keyboardOf = ({ buttons = [] }: OutboundMessage): string | undefined =>
  buttons.length === 0
    ? undefined
    : JSON.stringify({ inline: true, buttons: buttons.map(({ id, title }) => [{ action: { type: 'callback', label: title, payload: JSON.stringify({ a: id }) }, color: 'primary' }]) })

/** A number only: a user name may have passed to another person since (F19). */
const personOf = (to: string): number => {
  const id = /^\d{1,15}$/.test(to) ? Number(to) : 0
  if (!isPerson(id)) throw new ChannelError({ class: 'recipientPermanent', code: 'user.id' }, 'Адрес во ВКонтакте записан неверно: попросите человека снова написать сообществу.')
  return id
}

const sentAnswer = z.array(
  z.looseObject({ peer_id: z.int(), conversation_message_id: z.int().positive().optional(), message_id: z.int().optional(), error: z.looseObject({ code: z.int() }).optional() }),
)

/** By `peer_ids`, though there is one: only so VK answers with the number that its mark of reading uses. */
export const send = async (message: OutboundMessage, context: Context): Promise<Sent> => {
  const thread = threadOf(message.to)
  if (thread !== undefined) return invite(message, thread, context)
  refuseOversize(message, limits)
  const peer = personOf(message.to)
  if (message.file !== undefined) refuseFormat(message.file)
  const attachment = message.file === undefined ? undefined : await upload(message.file, peer, context)
  const quoted = message.replyTo === undefined ? undefined : messageNumber(message.replyTo, peer)
  const answer = await call(context, 'messages.send', {
    peer_ids: peer,
    random_id: randomIdOf(message.ref),
    message: message.text === '' ? undefined : message.text,
    attachment,
    keyboard: keyboardOf(message),
    forward: quoted === undefined ? undefined : JSON.stringify({ peer_id: peer, conversation_message_ids: [quoted], is_reply: true }),
    dont_parse_links: 1,
    disable_mentions: 1,
    group_id: context.credentials.groupId,
  })
  // The answer of older versions: a message that is out, under a number that no mark of reading uses.
  if (typeof answer === 'number' && answer > 0) return { externalId: `${peer}:id${answer}`, parts: 1 }
  const [sent] = read(sentAnswer, answer)
  if (sent?.error !== undefined) throw refusalOf(sent.error.code)
  if (sent?.conversation_message_id === undefined) throw unclearAnswer(200)
  return { externalId: messageIdOf(peer, sent.conversation_message_id), parts: 1 }
}

/** What the community says under a comment, whoever wrote whatever: no fact of a treatment may stand there. @see https://dev.vk.com/method/wall.createComment */
const invitation = (groupId: string): string => `Здравствуйте! Напишите нам, пожалуйста, в сообщения сообщества, там мы сможем ответить: https://vk.me/club${groupId}`

const commentAnswer = z.looseObject({ comment_id: z.int().positive() })

/** One invitation for a thread: `guid` makes VK take the next ones for the same. */
const invite = async ({ ref }: OutboundMessage, thread: CommentThread, context: Context): Promise<Sent> => {
  const { groupId } = context.credentials
  const text = invitation(groupId)
  const { comment_id: id } = read(
    commentAnswer,
    await call(context, 'wall.createComment', {
      owner_id: -Number(groupId),
      post_id: thread.postId,
      from_group: groupId,
      message: text,
      reply_to_comment: thread.rootId,
      guid: `estafeta-${thread.postId}-${thread.rootId}-${thread.personId}`,
    }),
  )
  return { externalId: `wall:${id}:${ref}`, parts: 1, instead: text }
}

const history = z.looseObject({ items: z.array(z.looseObject({ conversation_message_id: z.int().positive(), random_id: z.int().optional() })) })

/** How far back a lost answer is looked for: what was said in the chat since. */
const looked = 200

/** VK shows our own `random_id` with what we have sent: a lost answer is found however late. */
export const lookUp = async (message: OutboundMessage, context: Context): Promise<Sent | undefined> => {
  if (threadOf(message.to) !== undefined) return undefined
  const peer = personOf(message.to)
  const { items } = read(history, await call(context, 'messages.getHistory', { peer_id: peer, count: looked, group_id: context.credentials.groupId }))
  const known = items.find((item) => item.random_id === randomIdOf(message.ref))
  return known === undefined ? undefined : { externalId: messageIdOf(peer, known.conversation_message_id), parts: 1 }
}

/** The message that an edit or a removal is about. */
const addressOf = ({ externalId, to }: SentMessage): { peer: number; number: number } => {
  if (threadOf(to) !== undefined) throw new ChannelError({ class: 'content', code: 'wall' }, 'Комментарий на стене отсюда не изменить: сделайте это в сообществе.')
  const peer = personOf(to)
  const number = messageNumber(externalId, peer)
  if (number === undefined) throw new ChannelError({ class: 'content', code: 'message.id' }, 'Этого сообщения во ВКонтакте больше нет: отправьте новое.')
  return { peer, number }
}

/** Within 24 hours of the sending. Files that are not named again go away. @see https://dev.vk.com/method/messages.edit */
export const edit = async (message: SentMessage & { readonly text: string; readonly isCaption: boolean }, context: Context): Promise<void> => {
  const { peer, number } = addressOf(message)
  const { text, isCaption } = message
  if (text.trim() === '' && !isCaption) throw new ChannelError({ class: 'content', code: 'text.empty' }, 'Текст сообщения пуст: впишите его или удалите сообщение.')
  if (text.length > limits.textLength) throw new ChannelError({ class: 'content', code: 'text.long' }, `Текст длиннее ${limits.textLength} символов: сократите его или отправьте новым сообщением.`)
  const attachment = isCaption ? attachmentsOf(await messageNow(peer, number, context)) : undefined
  await call(context, 'messages.edit', {
    peer_id: peer, cmid: number, message: text, attachment, keep_forward_messages: 1, keep_snippets: 1, dont_parse_links: 1, disable_mentions: 1, group_id: context.credentials.groupId,
  })
}

const removedAnswer = z.array(z.looseObject({ response: z.int().optional(), error: z.looseObject({ code: z.int() }).optional() }))

/** Of one that is gone VK says 0, or that it does not know it. @see https://dev.vk.com/method/messages.delete */
export const remove = async (message: SentMessage, context: Context): Promise<void> => {
  const { peer, number } = addressOf(message)
  const [done] = read(removedAnswer, await call(context, 'messages.delete', { peer_id: peer, cmids: number, delete_for_all: 1, group_id: context.credentials.groupId }))
  if (done?.error !== undefined && done.error.code !== notFound) throw refusalOf(done.error.code)
}

const notFound = 104
