import { z } from 'zod'
import { type ChannelChat, type Inbound, type RawRequest } from '../channel.ts'
import { momentOf, readAs, readUpdate, sameSecret } from '../reading.ts'
import { unsupportedText } from '../refusal.ts'
import { contentOf, contentSchema } from './content.ts'
import { type VkCredentials } from './credentials.ts'
import { chatPrefixOf, commentIdOf, isPerson, messageIdOf, threadIdOf } from './ids.ts'

/** What `connect` asks VK for: everything else it keeps to itself. */
export const eventTypes = ['message_new', 'message_edit', 'message_reply', 'message_allow', 'message_deny', 'message_read', 'message_event', 'message_reaction_event', 'message_typing_state', 'wall_reply_new', 'wall_reply_edit', 'wall_reply_restore', 'wall_reply_delete'] as const

/** @see https://dev.vk.com/api/callback/getting-started */
const envelope = z.looseObject({ type: z.string(), group_id: z.int(), secret: z.string().optional(), event_id: z.string().optional(), object: z.unknown().optional() })

/** @see https://dev.vk.com/reference/objects/message */
const messageSchema = contentSchema.extend({
  conversation_message_id: z.int().positive(),
  /** Unix seconds. */
  date: z.unknown().optional(),
  update_time: z.unknown().optional(),
  peer_id: z.int(),
  from_id: z.int(),
  /** The button that was pressed, as JSON or as an object. */
  payload: z.unknown().optional(),
  ref: z.string().optional(),
  /** Only in what an administrator wrote in the community's name. */
  admin_author_id: z.int().optional(),
  reply_message: z.looseObject({ conversation_message_id: z.int().positive(), text: z.string().optional() }).optional(),
  /** Somebody was invited, a message was pinned: nobody said anything. */
  action: z.looseObject({}).optional(),
})
/** @see https://dev.vk.com/api/community-events/json-schema */
const written = z.looseObject({ message: messageSchema })
const allowed = z.looseObject({ user_id: z.int(), key: z.string().optional() })
const marked = z.looseObject({ from_id: z.int(), peer_id: z.int(), conversation_message_id: z.int().positive() })
/** `payload` is JSON in the schema and an object in the documentation's examples. */
const pressed = z.looseObject({ user_id: z.int(), peer_id: z.int(), event_id: z.string().min(1), payload: z.unknown().optional(), conversation_message_id: z.int().positive().optional() })
/** A reaction that is taken back has no id. */
const reacted = z.looseObject({ reacted_id: z.int(), peer_id: z.int(), cmid: z.int().positive(), reaction_id: z.int().optional() })
/** `to_id` is the community. */
const typed = z.looseObject({ state: z.string(), from_id: z.int() })
const commented = z.looseObject({
  id: z.int().positive(),
  from_id: z.int(),
  post_id: z.int().positive(),
  owner_id: z.int().optional(),
  post_owner_id: z.int().optional(),
  date: z.unknown().optional(),
  text: z.string().default(''),
  parents_stack: z.array(z.int()).default([]),
  attachments: z.array(z.unknown()).default([]),
})
const uncommented = z.looseObject({ id: z.int().positive(), owner_id: z.int(), user_id: z.int(), post_id: z.int().positive() })

type Message = z.output<typeof messageSchema>
type Comment = z.output<typeof commented>

const isOurs = ({ group_id }: { readonly group_id: number }, { groupId }: VkCredentials): boolean => sameSecret(String(group_id), groupId)

/** The secret stands in the body; a right one with another community's number is another connection's. */
export const verify = (request: RawRequest, credentials: VkCredentials): boolean => {
  try {
    const body = readAs(envelope, readUpdate(request))
    return sameSecret(body.secret, credentials.secret) && isOurs(body, credentials)
  } catch {
    return false
  }
}

/** VK asks before the secret is known to it, so the community's number is the question's only proof; the answer is no secret. */
export const handshake = (request: RawRequest, credentials: VkCredentials): string | undefined => {
  if (request.method !== 'POST' || !request.body.includes('"confirmation"')) return undefined
  try {
    const body = readAs(envelope, readUpdate(request))
    return body.type === 'confirmation' && isOurs(body, credentials) ? credentials.confirmation : undefined
  } catch {
    return undefined
  }
}

export const parse = (request: RawRequest, credentials: VkCredentials): readonly Inbound[] => {
  const body = readAs(envelope, readUpdate(request))
  if (!isOurs(body, credentials)) return []
  const { object } = body
  switch (body.type) {
    case 'message_new':
      return ofMessage(readAs(written, object).message)
    case 'message_edit':
      return ofEdit(readAs(messageSchema, object))
    case 'message_reply':
      return ofReply(readAs(messageSchema, object))
    case 'message_event':
      return ofPress(readAs(pressed, object))
    case 'message_read':
      return ofMark(readAs(marked, object))
    case 'message_allow':
      return ofAllowance(readAs(allowed, object), body.event_id)
    case 'message_deny':
      return ofDenial(readAs(allowed, object))
    case 'message_reaction_event':
      return ofReaction(readAs(reacted, object))
    case 'message_typing_state':
      return ofTyping(object)
    case 'wall_reply_new':
    case 'wall_reply_restore':
    case 'wall_reply_edit':
      return ofComment(body.type === 'wall_reply_edit', readAs(commented, object), credentials)
    case 'wall_reply_delete':
      return ofRemoval(readAs(uncommented, object), credentials)
    default:
      return []
  }
}

/** VK's number is the person; a name in the address may pass to somebody else, and no update holds it (F19). */
const chatOf = (id: number): ChannelChat => ({ id: String(id), userId: String(id) })

/** Chats of several people are not patients (F42). */
const isPrivate = ({ peer_id, from_id }: { readonly peer_id: number; readonly from_id: number }): boolean => peer_id === from_id && isPerson(peer_id)

interface Pressed {
  /** What a button of ours stands for. */
  readonly own?: string
  /** VK's own Start button. */
  readonly isStart: boolean
}

/** Ours are `{"a": …}`; a keyboard of another program may be on the screen as well. */
const payloadOf = (payload: unknown): Pressed => {
  const read = z.looseObject({ a: z.string().min(1).optional(), command: z.string().optional() }).safeParse(typeof payload === 'string' ? jsonOf(payload) : payload)
  if (!read.success) return { isStart: false }
  return { ...(read.data.a === undefined ? {} : { own: read.data.a }), isStart: read.data.command === 'start' }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const startToken = /^[A-Za-z0-9_-]{1,64}$/
/** What the Start button types. */
const startWords = new Set(['Начать', 'Start'])

const ofMessage = (message: Message): readonly Inbound[] => {
  const { peer_id: peer, conversation_message_id: number, ref, reply_message: quoted, fwd_messages: passed, action } = message
  if (!isPrivate(message) || action !== undefined) return []
  const common = { chat: chatOf(peer), at: momentOf(message.date) }
  const externalId = messageIdOf(peer, number)
  const press = payloadOf(message.payload)
  if (press.own !== undefined) return [{ type: 'action', externalId, ...common, payload: press.own }]
  const token = ref !== undefined && startToken.test(ref) ? ref : undefined
  const isStart = press.isStart || (token !== undefined && startWords.has(message.text))
  const start: Inbound = { type: 'message', externalId: isStart ? externalId : `${externalId}:start`, ...common, text: '/start', ...(token === undefined ? {} : { startPayload: token }) }
  if (isStart) return [start]
  const said: Inbound = {
    type: 'message',
    externalId,
    ...common,
    ...contentOf(message, peer, number),
    ...(quoted === undefined ? {} : { replyTo: messageIdOf(peer, quoted.conversation_message_id) }),
    ...(quoted?.text === undefined || quoted.text === '' ? {} : { quotedText: quoted.text }),
    ...(passed.length === 0 ? {} : { isForwarded: true }),
  }
  // Whoever comes by a link with a token and asks something at once has done both.
  return token === undefined ? [said] : [start, said]
}

/** Our own edits come back as well: those are in the community's name. */
const ofEdit = (message: Message): readonly Inbound[] => {
  if (!isPrivate(message)) return []
  const { peer_id: peer, conversation_message_id: number } = message
  return [{ type: 'edit', externalId: messageIdOf(peer, number), chat: chatOf(peer), text: contentOf(message, peer, number).text, at: momentOf(message.update_time ?? message.date) }]
}

/** F21: what an administrator wrote in VK itself. What has no author is ours, or another program's. */
const ofReply = (message: Message): readonly Inbound[] => {
  const { peer_id: peer, conversation_message_id: number, admin_author_id: author } = message
  if (author === undefined || !isPerson(author) || !isPerson(peer)) return []
  const { text, files } = contentOf(message, peer, number)
  return [{ type: 'echo', externalId: messageIdOf(peer, number), chat: chatOf(peer), text, ...(files === undefined ? {} : { files }), at: momentOf(message.date) }]
}

const ofPress = ({ user_id: user, peer_id: peer, event_id: externalId, payload, conversation_message_id: number }: z.output<typeof pressed>): readonly Inbound[] => {
  if (user !== peer || !isPerson(peer)) return []
  const { own } = payloadOf(payload)
  const text = own ?? (typeof payload === 'string' ? payload : JSON.stringify(payload ?? ''))
  return [{ type: 'action', externalId, chat: chatOf(peer), ...(number === undefined ? {} : { messageId: messageIdOf(peer, number) }), payload: text }]
}

/** One mark for the chat: the patient has seen everything up to it. */
const ofMark = ({ from_id, peer_id: peer, conversation_message_id: number }: z.output<typeof marked>): readonly Inbound[] =>
  isPrivate({ from_id, peer_id: peer }) ? [{ type: 'receipt', externalId: messageIdOf(peer, number), coversFrom: chatPrefixOf(peer), level: 'read' }] : []

/** Whoever puts a sign under a message has read it. */
const ofReaction = ({ reacted_id, peer_id: peer, cmid, reaction_id }: z.output<typeof reacted>): readonly Inbound[] =>
  reaction_id !== undefined && isPrivate({ from_id: reacted_id, peer_id: peer }) ? [{ type: 'receipt', externalId: messageIdOf(peer, cmid), level: 'read' }] : []

/** Of no use later: one that cannot be read is nothing. */
const ofTyping = (object: unknown): readonly Inbound[] => {
  const { data } = typed.safeParse(object)
  return data?.state === 'typing' && isPerson(data.from_id) ? [{ type: 'typing', chat: chatOf(data.from_id) }] : []
}

/** `key` is what the button "allow messages" on a site was given: a personal token there binds as a link does. */
const ofAllowance = ({ user_id: user, key }: z.output<typeof allowed>, eventId: string | undefined): readonly Inbound[] => {
  if (!isPerson(user)) return []
  const chat = chatOf(user)
  const active: Inbound = { type: 'reachability', chat, state: 'active' }
  if (key === undefined || !startToken.test(key)) return [active]
  return [active, { type: 'message', externalId: `allow:${user}:${eventId ?? key}`, chat, text: '/start', startPayload: key }]
}

const ofDenial = ({ user_id: user }: z.output<typeof allowed>): readonly Inbound[] => (isPerson(user) ? [{ type: 'reachability', chat: chatOf(user), state: 'blocked' }] : [])

const isOnOurWall = (ownerId: number | undefined, { groupId }: VkCredentials): boolean => ownerId === -Number(groupId)

/** A thread with one person is a chat of its own: whatever is written there everybody reads, so it never mixes with their private one. */
const threadChatOf = (postId: number, rootId: number, personId: number): ChannelChat => {
  const id = threadIdOf({ postId, rootId, personId })
  return { id, userId: id }
}

const ofComment = (isEdit: boolean, comment: Comment, credentials: VkCredentials): readonly Inbound[] => {
  const { id, from_id: person, post_id: postId, parents_stack: parents, date, text, attachments } = comment
  // The community's own comments, and those of other communities, are nobody's request.
  if (!isPerson(person) || !isOnOurWall(comment.post_owner_id ?? comment.owner_id, credentials)) return []
  const shown = attachments.length === 0 ? text : `${text}\nhttps://vk.com/wall-${credentials.groupId}_${postId}?reply=${id}`.trim()
  const chat = threadChatOf(postId, parents[0] ?? id, person)
  return [{ type: isEdit ? 'edit' : 'message', externalId: commentIdOf(id), chat, text: shown === '' ? unsupportedText : shown, at: momentOf(date) }]
}

/** A deletion does not name its thread: the comment's own id finds the message. */
const ofRemoval = ({ id, owner_id, user_id: person, post_id: postId }: z.output<typeof uncommented>, credentials: VkCredentials): readonly Inbound[] =>
  isPerson(person) && isOnOurWall(owner_id, credentials) ? [{ type: 'delete', externalId: commentIdOf(id), chat: threadChatOf(postId, id, person) }] : []
