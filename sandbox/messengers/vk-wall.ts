import { type Patient } from './phones.ts'
import { type Stage } from './stage.ts'
import { type VkEvents } from './vk-events.ts'
import { param, vkAnswer, type Route, type VkCommunity } from './vk.ts'

/** A comment under a post of a community: everybody reads it. */
export interface VkComment { id: number, postId: number, fromId: number, text: string, at: number, parents: number[], guid?: string }

/** What people do on a community's wall. */
export interface VkWall {
  /** Writes a comment under a post, or below another comment. */
  comment(patient: Patient, groupId: number, text: string, options?: { postId?: number, replyTo?: number }): VkComment
  comments(groupId: number): readonly VkComment[]
}

/** Makes the wall and its one method that a community's key may call. */
export function createVkWall(stage: Stage, communities: Map<string, VkCommunity>, events: VkEvents, route: Route): VkWall {
  let nextId = 5_010

  const add = (community: VkCommunity, comment: Omit<VkComment, 'id' | 'at'>): VkComment => {
    const kept = { id: nextId++, at: stage.clock.now(), ...comment }
    community.comments.push(kept)
    events.emit(community, 'wall_reply_new', {
      id: kept.id, from_id: kept.fromId, date: Math.floor(kept.at / 1000), text: kept.text, post_id: kept.postId, owner_id: -community.groupId, post_owner_id: -community.groupId, parents_stack: kept.parents,
      thread: { count: 0, items: [], can_post: true, show_reply_button: true }, ...(kept.parents.length === 0 ? {} : { reply_to_comment: kept.parents.at(-1) }),
    })
    return kept
  }
  /** Comments stand two deep: whatever answers an answer stands under the same root. */
  const parentsOf = (community: VkCommunity, replyTo: number | undefined): number[] => {
    const above = community.comments.find(({ id }) => id === replyTo)
    return above === undefined ? [] : [above.parents[0] ?? above.id]
  }

  route('wall.createComment', 8_192, 'send', (community, fields) => {
    if (Number(fields.owner_id) !== -community.groupId) return param('owner_id is not of this token')
    if (fields.post_id === undefined || (fields.message ?? '') === '') return param('post_id and message are required')
    const replyTo = fields.reply_to_comment === undefined ? undefined : Number(fields.reply_to_comment)
    if (replyTo !== undefined && !community.comments.some(({ id }) => id === replyTo)) return param('reply_to_comment is invalid')
    const same = fields.guid === undefined ? undefined : community.comments.find((one) => one.guid === fields.guid && stage.clock.now() - one.at < 3_600_000)
    const kept = same ?? add(community, { postId: Number(fields.post_id), fromId: -community.groupId, text: fields.message!, parents: parentsOf(community, replyTo), ...(fields.guid === undefined ? {} : { guid: fields.guid }) })
    return vkAnswer({ comment_id: kept.id, parents_stack: kept.parents })
  })

  return {
    comment(patient, groupId, text, { postId = 412, replyTo } = {}) {
      const community = communities.get(String(groupId))!
      return add(community, { postId, fromId: patient.vkId, text, parents: parentsOf(community, replyTo) })
    },
    comments: (groupId) => communities.get(String(groupId))!.comments,
  }
}
