import { createWire } from './wire.ts'
import { isWebhookAddress, type Answer, type Stage } from './stage.ts'
import { param, vkAnswer, vkError, type Fields, type Route, type VkCommunity, type VkServer } from './vk.ts'

const manage = 262_144

/** What a server can be told of messages and of the wall. @see https://dev.vk.com/ru/api/community-events/json-schema */
const allEvents = [
  'message_new', 'message_reply', 'message_allow', 'message_deny', 'message_edit', 'message_read', 'message_typing_state', 'message_event', 'message_reaction_event',
  'wall_post_new', 'wall_repost', 'wall_reply_new', 'wall_reply_edit', 'wall_reply_restore', 'wall_reply_delete',
]

/** What a community's key may do with its servers of callbacks. */
export function registerVkServers(stage: Stage, communities: Map<string, VkCommunity>, route: Route): void {
  /** VK asks the address for the community's string; what answers anything else is not taken for ours. */
  const confirm = async (community: VkCommunity, server: VkServer): Promise<void> => {
    const wire = createWire()
    const body = Buffer.from(JSON.stringify({ type: 'confirmation', group_id: community.groupId, event_id: stage.random.hex(40), v: server.apiVersion, ...(server.secret === '' ? {} : { secret: server.secret }) }))
    const answer = await wire.post(new URL(server.url), { 'content-type': 'application/json' }, body)
    wire.close()
    server.status = answer.status === 200 && answer.body.trim() === community.confirmation ? 'ok' : 'failed'
  }
  const check = (fields: Fields): Answer | undefined => {
    if (!isWebhookAddress(stage, fields.url ?? '')) return param('url is invalid')
    if ((fields.title ?? '') === '' || fields.title!.length > 14) return param('title is invalid')
    return (fields.secret_key ?? '').length > 50 ? param('secret_key is too long') : undefined
  }
  const serverOf = (community: VkCommunity, fields: Fields): VkServer | undefined => community.servers.find((one) => one.id === Number(fields.server_id))

  route('groups.getById', 0, 'call', (community) => vkAnswer({ groups: [{ id: community.groupId, name: community.name, screen_name: community.screenName, is_closed: 0, type: 'group' }], profiles: [] }))
  route('groups.getTokenPermissions', 0, 'call', (community) => vkAnswer({ mask: community.mask, permissions: [] }))
  route('groups.getCallbackConfirmationCode', manage, 'call', (community, fields) =>
    communities.has(fields.group_id ?? '') ? vkAnswer({ code: community.confirmation }) : param('group_id is required'))
  route('groups.getCallbackServers', manage, 'call', (community) => vkAnswer({
    count: community.servers.length, items: community.servers.map(({ id, url, title, secret, status }) => ({ id, title, creator_id: 0, url, secret_key: secret, status })),
  }))
  route('groups.addCallbackServer', manage, 'call', async (community, fields) => {
    const wrong = check(fields)
    if (wrong !== undefined) return wrong
    if (community.servers.length >= 10) return vkError(2000, 'Servers number limit is reached')
    const server: VkServer = {
      id: 1 + Math.max(0, ...community.servers.map(({ id }) => id)), url: fields.url!, title: fields.title!, secret: fields.secret_key ?? '', status: 'wait', events: new Set(), apiVersion: '5.199',
    }
    community.servers.push(server)
    await confirm(community, server)
    return vkAnswer({ server_id: server.id })
  })
  route('groups.editCallbackServer', manage, 'call', async (community, fields) => {
    const server = serverOf(community, fields)
    const wrong = server === undefined ? vkError(104, 'Not found') : check(fields)
    if (wrong !== undefined || server === undefined) return wrong!
    Object.assign(server, { url: fields.url, title: fields.title, secret: fields.secret_key ?? '' })
    await confirm(community, server)
    return vkAnswer(1)
  })
  route('groups.deleteCallbackServer', manage, 'call', (community, fields) => {
    if (serverOf(community, fields) === undefined) return vkError(104, 'Not found')
    community.servers = community.servers.filter((one) => one.id !== Number(fields.server_id))
    return vkAnswer(1)
  })
  // Every event of the API is named, switched on or not.
  route('groups.getCallbackSettings', manage, 'call', (community, fields) => {
    const server = serverOf(community, fields)
    if (server === undefined) return vkError(104, 'Not found')
    return vkAnswer({ api_version: server.apiVersion, events: Object.fromEntries(allEvents.map((name) => [name, server.events.has(name) ? 1 : 0])) })
  })
  route('groups.setCallbackSettings', manage, 'call', (community, fields) => {
    const server = serverOf(community, fields)
    if (server === undefined) return vkError(104, 'Not found')
    if (fields.api_version !== undefined) server.apiVersion = fields.api_version
    for (const [name, value] of Object.entries(fields)) {
      if (!/^(?:message|wall)_/.test(name)) continue
      if (value === '1') server.events.add(name)
      else server.events.delete(name)
    }
    return vkAnswer(1)
  })
}
