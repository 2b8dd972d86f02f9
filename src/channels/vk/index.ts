import { z } from 'zod'
import { ChannelError, type Channel, type ConnectionFacts, type Localized } from '../channel.ts'
import { apiVersion, call, read, type Context } from './api.ts'
import { fields, parseCredentials, type VkCredentials } from './credentials.ts'
import { download } from './files.ts'
import { standsAs } from '../hook.ts'
import { threadOf } from './ids.ts'
import { edit, limits, lookUp, remove, send } from './send.ts'
import { eventTypes, handshake, parse, verify } from './webhook.ts'

const groupsAnswer = z.looseObject({ groups: z.array(z.looseObject({ name: z.string(), screen_name: z.string() })).min(1) })
const serversAnswer = z.looseObject({ items: z.array(z.looseObject({ id: z.int(), url: z.string(), status: z.string().optional() })) })
const permissionsAnswer = z.looseObject({ mask: z.int() })
/** Each event is switched by 1 or 0. @see https://dev.vk.com/method/groups.getCallbackSettings */
const settingsAnswer = z.looseObject({ events: z.record(z.string(), z.unknown().transform(Number)) })
/** What our server is to be told. */
const wanted = Object.fromEntries(eventTypes.map((type) => [type, 1]))
const codeAnswer = z.looseObject({ code: z.string() })
const serverAnswer = z.looseObject({ server_id: z.int() })

/** Bits of a community's key. @see https://dev.vk.com/reference/access-rights */
const rights: readonly (readonly [number, Localized])[] = [
  [4, { ru: 'У ключа нет права на фотографии: картинки не уйдут. Создайте ключ с ним.', en: 'The key lacks the right to photos: pictures will not go out. Make one that has it.' }],
  [131_072, { ru: 'У ключа нет права на документы: файлы не уйдут. Создайте ключ с ним.', en: 'The key lacks the right to documents: files will not go out. Make one that has it.' }],
]
const messagesRight = 4_096

const serversOf = async (context: Context) => read(serversAnswer, await call(context, 'groups.getCallbackServers', { group_id: context.credentials.groupId })).items

/** The community's administrator can switch events off, and those that we learned to read later were never switched on. */
const isTold = async (context: Context, serverId: number): Promise<boolean> => {
  const { events } = read(settingsAnswer, await call(context, 'groups.getCallbackSettings', { group_id: context.credentials.groupId, server_id: serverId }))
  return standsAs(wanted, events)
}

const check = async (context: Context & { readonly hookUrl?: string }): Promise<ConnectionFacts> => {
  const { groupId } = context.credentials
  const group = read(groupsAnswer, await call(context, 'groups.getById', { group_id: groupId })).groups[0]!
  const { mask } = read(permissionsAnswer, await call(context, 'groups.getTokenPermissions', {}))
  if ((mask & messagesRight) === 0) throw new ChannelError({ class: 'channelPermanent', code: 'rights' }, 'У ключа сообщества нет права на сообщения: создайте ключ с ним и впишите его в подключение.')
  const server = context.hookUrl === undefined ? undefined : (await serversOf(context)).find(({ url }) => url === context.hookUrl)
  const warnings = rights.flatMap(([bit, warning]) => ((mask & bit) === 0 ? [warning] : []))
  if (server?.status === 'failed')
    warnings.push({ ru: 'ВКонтакте не смог передать события: проверьте, что сервер доступен из интернета.', en: 'VK could not pass events on: check that the server can be reached from the internet.' })
  return {
    title: `@${group.screen_name}`,
    details: [{ label: { ru: 'Сообщество', en: 'Community' }, value: group.name }],
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(context.hookUrl === undefined || (server !== undefined && (await isTold(context, server.id))) ? {} : { isHookLost: true }),
  }
}

/** A community has ten servers at most: ours is changed where it is there already. */
const connect = async (context: Context & { readonly hookUrl: string }): Promise<ConnectionFacts> => {
  const { groupId, secret, confirmation } = context.credentials
  const { code } = read(codeAnswer, await call(context, 'groups.getCallbackConfirmationCode', { group_id: groupId }))
  if (code !== confirmation) throw new ChannelError({ class: 'channelPermanent', code: 'confirmation' }, 'Строка подтверждения другая: скопируйте её из раздела «Callback API» сообщества ещё раз.')
  const known = (await serversOf(context)).find(({ url }) => url === context.hookUrl)
  const server = { group_id: groupId, url: context.hookUrl, title: 'Estafeta', secret_key: secret }
  if (known !== undefined) await call(context, 'groups.editCallbackServer', { ...server, server_id: known.id })
  const id = known?.id ?? read(serverAnswer, await call(context, 'groups.addCallbackServer', server)).server_id
  await call(context, 'groups.setCallbackSettings', { group_id: groupId, server_id: id, api_version: apiVersion, ...wanted })
  return check(context)
}

/** Only our own server is taken away: others may belong to another program of the clinic. */
const disconnect = async (context: Context & { readonly hookUrl: string }): Promise<void> => {
  try {
    const known = (await serversOf(context)).find(({ url }) => url === context.hookUrl)
    if (known !== undefined) await call(context, 'groups.deleteCallbackServer', { group_id: context.credentials.groupId, server_id: known.id })
  } catch (error) {
    if (!(error instanceof ChannelError) || error.failure.class !== 'channelPermanent') throw error
  }
}

/** A press of a text button is a message, and nothing waits for an answer to it. */
const answerAction = async ({ externalId, chatId, text }: { readonly externalId: string; readonly chatId: string; readonly text: string }, context: Context): Promise<void> => {
  if (externalId.includes(':')) return
  try {
    await call(context, 'messages.sendMessageEventAnswer', { event_id: externalId, user_id: chatId, peer_id: chatId, event_data: JSON.stringify({ type: 'show_snackbar', text }) })
  } catch (error) {
    // The press is no longer known: there is nothing left that waits.
    const isGone = error instanceof ChannelError && (error.failure.class === 'content' || error.failure.class === 'recipientPermanent')
    if (!isGone) throw error
  }
}

/** @see https://dev.vk.com/api/community-messages/getting-started */
const startLink = (token: string, { title }: { readonly title: string }): string | undefined => {
  const [, name] = /^@([\w.]{1,64})$/.exec(title) ?? []
  return name === undefined ? undefined : `https://vk.me/${name}?ref=${encodeURIComponent(token)}`
}

/**
 * Messages of a VK community, and comments on its wall as requests.
 *
 * Idempotent: `random_id` is made of our own id, and for as long as VK does not compare it any more the chat's history is asked.
 *
 * @see https://dev.vk.com/api/community-messages/getting-started
 */
export const vk: Channel<VkCredentials> = {
  id: 'vk',
  title: { ru: 'ВКонтакте', en: 'VK' },
  receipts: ['accepted', 'read', 'acted'],
  limits,
  canStart: 'afterPatientWrote',
  addressedBy: 'identity',
  isIdempotent: true,
  fields,
  acknowledgement: 'ok',
  parseCredentials,
  connect,
  disconnect,
  check,
  handshake,
  verify,
  parse,
  isPublic: (chatId) => threadOf(chatId) !== undefined,
  send,
  lookUp,
  edit,
  remove,
  download,
  startLink,
  answerAction,
}
