/** Ids in VK and how ours are written: a person's private chat is their number, a comment's chat is a thread under a post with one person. */

/** Beyond it are chats of several people. @see https://dev.vk.com/method/messages.send */
const firstGroupChat = 2_000_000_000

export const isPerson = (id: number): boolean => Number.isInteger(id) && id > 0 && id < firstGroupChat

/** Of a width, so that ids of one chat sort as their numbers do: VK's mark of reading covers all that are smaller. */
const numberWidth = 10

/** Numbers of messages are unique in their chat only. */
export const messageIdOf = (peer: number, number: number): string => `${peer}:${String(number).padStart(numberWidth, '0')}`

/** The beginning of the ids of all messages in a chat. */
export const chatPrefixOf = (peer: number): string => `${peer}:`

/** The number of a message in the private chat with this person. */
export const messageNumber = (externalId: string, peer: number): number | undefined => {
  const [chat, number] = externalId.split(':')
  return chat === String(peer) && number !== undefined && /^\d{10,15}$/.test(number) ? Number(number) : undefined
}

/** A thread of comments, as it is answered: the comment that began it, and whose words are answered. */
export interface CommentThread {
  readonly postId: number
  readonly rootId: number
  readonly personId: number
}

export const threadIdOf = ({ postId, rootId, personId }: CommentThread): string => `wall:${postId}:${rootId}:${personId}`
export const commentIdOf = (commentId: number): string => `wall:${commentId}`

export const threadOf = (chatId: string): CommentThread | undefined => {
  const [, post, root, person] = /^wall:(\d{1,15}):(\d{1,15}):(\d{1,15})$/.exec(chatId) ?? []
  return post === undefined ? undefined : { postId: Number(post), rootId: Number(root), personId: Number(person) }
}
