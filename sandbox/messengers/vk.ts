import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { type Behaviour } from './behaviour.ts'
import { parseForm, rawOf } from './bodies.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { acceptedMessage, answerCall, badGatewayPage, give, quoteOf, type Answer, type Hands, type Stage, type TroubleAnswers } from './stage.ts'
import { createVkEvents, type VkEvents } from './vk-events.ts'
import { registerVkFiles } from './vk-files.ts'
import { registerVkServers } from './vk-servers.ts'
import { vkButtons } from './vk-keyboard.ts'
import { createVkWall, type VkComment, type VkWall } from './vk-wall.ts'

/** A community with what an administrator types into the application. */
export interface VkCommunity {
  groupId: number
  token: string
  /** The string that a server must return. */
  confirmation: string
  screenName: string
  name: string
  /** Rights of the key: photos 4, messages 4096, wall 8192, docs 131072, manage 262144. */
  mask: number
  servers: VkServer[]
  comments: VkComment[]
  baseUrl: string
}

/** One of the community's ten servers. */
export interface VkServer { id: number, url: string, title: string, secret: string, status: 'unconfigured' | 'failed' | 'wait' | 'ok', events: Set<string>, apiVersion: string }

/** Stand-in of VK. */
export interface Vk {
  communities: Map<string, VkCommunity>
  hands: Hands
  wall: VkWall
  add(options?: Partial<VkCommunity>): VkCommunity
  /** An administrator answers in VK itself. */
  writeFromCommunity(patient: Patient, groupId: number, text: string): PhoneMessage
}

/** VK's error: always with HTTP 200. */
export const vkError = (code: number, text: string): Answer => ({ status: 200, code: String(code), body: { error: { error_code: code, error_msg: text, request_params: [] } } })
export const vkAnswer = (response: unknown): Answer => ({ status: 200, code: 'ok', body: { response } })
export const param = (text: string): Answer => vkError(100, `One of the parameters specified was missing or invalid: ${text}`)

const troubles: TroubleAnswers = {
  unauthorized: () => vkError(5, 'User authorization failed: invalid access_token (4).'),
  rateLimited: () => vkError(6, 'Too many requests per second'),
  unavailable: () => vkError(10, 'Internal server error: Unknown error, try later'),
  badGateway: () => ({ status: 502, code: '502', body: badGatewayPage }),
}

const dayMs = 86_400_000
/** For so long VK takes the same random id for the same message. */
const sameIdMs = 3_600_000

export type Fields = Record<string, string>
export type Route = (method: string, right: number, kind: 'send' | 'call', execute: (community: VkCommunity, fields: Fields, behaviour: Behaviour) => Answer | Promise<Answer>, isMedia?: (fields: Fields) => boolean) => void

/** Registers the API below `/vk`. */
export function registerVk(app: FastifyInstance, stage: Stage): Vk {
  const communities = new Map<string, VkCommunity>()
  const sent = new Map<string, { at: number, cmid: number }>()
  const numbers = new Map<string, number>()
  let messageId = 1_500

  const methods = new Map<string, { right: number, kind: 'send' | 'call', execute: Parameters<Route>[3], isMedia: (fields: Fields) => boolean }>()
  const route: Route = (method, right, kind, execute, isMedia = () => false) => { methods.set(method, { right, kind, execute, isMedia }) }

  app.route({
    method: ['GET', 'POST'],
    url: '/vk/method/:method',
    handler: (request: FastifyRequest<{ Params: { method: string } }>, reply: FastifyReply) => {
      const fields = { ...parseForm(request.url.split('?')[1] ?? ''), ...parseForm(rawOf(request.body)) }
      const name = request.params.method
      const community = [...communities.values()].find((one) => one.token === fields.access_token)
      const method = methods.get(name)
      const early = fields.v === undefined ? vkError(8, 'Invalid request: v (version) is required')
        : method === undefined ? vkError(3, 'Unknown method passed')
          : community === undefined ? troubles.unauthorized(stage.behaviours.current('vk'))
            : fields.group_id !== undefined && Number(fields.group_id) !== community.groupId ? vkError(15, 'Access denied: group_id is not of this token')
              : (community.mask & method.right) === 0 && method.right !== 0 ? vkError(15, 'Access denied: no access to call this method') : undefined
      if (early !== undefined || method === undefined || community === undefined) {
        stage.calls.add({ messenger: 'vk', account: String(community?.groupId ?? ''), method: name, status: 200, code: early!.code })
        return give(reply, early!)
      }
      const to = { messenger: 'vk', account: String(community.groupId), method: name, kind: method.kind, isMedia: method.isMedia(fields) } as const
      return answerCall(stage, to, reply, troubles, (behaviour) => {
        if (behaviour.limits === 'strict' && stage.limiter.take(`vk/${community.groupId}`, 20, 20) > 0) return troubles.rateLimited(behaviour)
        return method.execute(community, fields, behaviour)
      })
    },
  })

  const nextNumber = (patient: Patient, account: string): number => {
    const key = `${account}/${patient.vkId}`
    const number = (numbers.get(key) ?? 0) + 1
    numbers.set(key, number)
    messageId++
    return number
  }
  const events: VkEvents = createVkEvents(stage, communities, nextNumber, () => messageId)
  const files = registerVkFiles(app, stage, route, () => messageId)
  const wall = createVkWall(stage, communities, events, route)
  registerVkServers(stage, communities, route)

  const account = (community: VkCommunity): string => String(community.groupId)
  const messageOf = (community: VkCommunity, peer: string | undefined, cmid: string | undefined): { patient: Patient, message: PhoneMessage } | undefined => {
    const patient = stage.phones.byVkId(Number(peer))
    const message = patient === undefined || cmid === undefined ? undefined : stage.phones.message(patient, 'vk', cmid, account(community))
    return patient === undefined || message === undefined || message.deletedAt !== undefined ? undefined : { patient, message }
  }

  route('messages.send', 4096, 'send', (community, fields, behaviour) => {
    if (fields.random_id === undefined) return param('random_id is a required parameter')
    if (!/^-?\d+$/.test(fields.random_id)) return param('random_id is not integer')
    const peers = fields.peer_ids ?? fields.peer_id ?? fields.user_id
    if (peers === undefined || !/^\d+(,\d+)*$/.test(peers)) return param('you should pass one of: user_id, peer_id, peer_ids')
    const text = fields.message ?? ''
    if (text.length > 4096) return vkError(914, 'Message is too long')
    const buttons = vkButtons(fields.keyboard)
    if (buttons === undefined) return vkError(911, 'Keyboard format is invalid')
    const attached = files.attached(community, fields.attachment)
    if (attached === undefined) return param('attachment is invalid')
    if (text === '' && attached.length === 0) return param('message is empty or invalid')
    const results = peers.split(',').map((peer) => sendTo(community, Number(peer), fields, { text, buttons, files: attached }, behaviour))
    const [only] = results
    if (fields.peer_ids !== undefined) return vkAnswer(results)
    return only?.error === undefined ? vkAnswer(only!.message_id) : vkError(only.error.code, only.error.description)
  }, (fields) => (fields.attachment ?? '') !== '')

  const sendTo = (
    community: VkCommunity, peer: number, fields: Fields, said: { text: string, buttons: PhoneMessage['buttons'], files: PhoneMessage['files'] }, behaviour: Behaviour,
  ): { peer_id: number, message_id: number, conversation_message_id?: number, error?: { code: number, description: string } } => {
    const no = (code: number, description: string) => ({ peer_id: peer, message_id: 0, error: { code, description } })
    const patient = stage.phones.byVkId(peer)
    if (patient?.apps.vk !== true) return no(936, 'Contact not found')
    const key = `${community.groupId}/${peer}/${fields.random_id!}`
    const known = sent.get(key)
    if (fields.random_id !== '0' && known !== undefined && stage.clock.now() - known.at < sameIdMs) return { peer_id: peer, message_id: messageId, conversation_message_id: known.cmid }
    if (behaviour.mode === 'refuses') return no(behaviour.refusal === '' ? 901 : Number(behaviour.refusal), "Can't send messages for users without permission")
    const chat = stage.phones.chat(patient, 'vk', account(community))
    if (!chat.started || chat.blocked) return no(901, "Can't send messages for users without permission")
    const cmid = nextNumber(patient, account(community))
    sent.set(key, { at: stage.clock.now(), cmid })
    const message = acceptedMessage(stage, 'vk', account(community), String(cmid), { ...said, quote: quoteOf(stage, patient, 'vk', account(community), quotedOf(fields.forward)) })
    events.remember(message, Number(fields.random_id), behaviour)
    stage.phones.keep(patient, message)
    events.reply(community, patient, message)
    const carriage = { delayMs: behaviour.pace === 'instant' ? 0 : 300, onArrive: () => { if (patient.reads) hands.read!(patient, message) } }
    if (behaviour.mode === 'silent') stage.phones.hold(patient, message, carriage)
    else stage.phones.carry(patient, message, carriage)
    return { peer_id: peer, message_id: messageId, conversation_message_id: cmid }
  }

  route('messages.edit', 4096, 'call', (community, fields) => {
    const found = messageOf(community, fields.peer_id, fields.cmid)
    if (found === undefined || found.message.direction === 'written') return vkError(920, "Can't edit this kind of message")
    if (stage.clock.now() - found.message.acceptedAt > dayMs) return vkError(909, "Can't edit this message, because it's too old")
    const attached = files.attached(community, fields.attachment)
    if (attached === undefined) return param('attachment is invalid')
    if ((fields.message ?? '') === '' && attached.length === 0) return param('message is empty or invalid')
    rewrite(found.message, stage.clock.now(), { text: fields.message ?? '' })
    Object.assign(found.message, { files: attached, buttons: vkButtons(fields.keyboard) ?? [] })
    stage.phones.onChange()
    return vkAnswer(1)
  })

  route('messages.delete', 4096, 'call', (community, fields) => {
    if (fields.cmids === undefined || fields.peer_id === undefined) return param('cmids and peer_id are required')
    return vkAnswer(fields.cmids.split(',').map((cmid) => {
      const named = { peer_id: Number(fields.peer_id), conversation_message_id: Number(cmid) }
      const found = messageOf(community, fields.peer_id, cmid)
      if (found === undefined) return { ...named, error: { code: 104, description: 'Not found' } }
      const isLate = fields.delete_for_all === '1' && (found.message.direction === 'written' || stage.clock.now() - found.message.acceptedAt > dayMs)
      if (isLate) return { ...named, error: { code: 924, description: "Can't delete this message for everybody" } }
      found.message.deletedAt = stage.clock.now()
      stage.phones.onChange()
      return { ...named, response: 1 }
    }))
  })

  route('messages.getByConversationMessageId', 4096, 'call', (community, fields) => {
    const found = (fields.conversation_message_ids ?? '').split(',').flatMap((cmid) => messageOf(community, fields.peer_id, cmid) ?? [])
    return vkAnswer({ count: found.length, items: found.map(({ patient, message }) => events.show(community, patient, message)) })
  })

  route('messages.getHistory', 4096, 'call', (community, fields) => {
    const patient = stage.phones.byVkId(Number(fields.peer_id ?? fields.user_id))
    const own = (patient?.messages ?? []).filter((one) => one.messenger === 'vk' && one.account === account(community) && one.deletedAt === undefined)
    const items = own.slice(-Math.min(Number(fields.count ?? 20), 200)).reverse()
    return vkAnswer({ count: own.length, items: items.map((one) => events.show(community, patient!, one)) })
  })

  route('messages.sendMessageEventAnswer', 4096, 'call', (community, fields) => {
    const message = events.takePress(community, fields.event_id ?? '', Number(fields.user_id), Number(fields.peer_id))
    if (message === undefined) return param('event_id is invalid')
    const shown = JSON.parse(fields.event_data ?? '{}') as { type?: string, text?: string }
    if (shown.type === 'show_snackbar' && typeof shown.text === 'string' && shown.text.length <= 90) message.notice = shown.text
    stage.phones.onChange()
    return vkAnswer(1)
  })

  const hands = events.hands
  return {
    communities, hands, wall,
    writeFromCommunity: (patient, groupId, text) => events.writeFromCommunity(communities.get(String(groupId))!, patient, text),
    add(options = {}) {
      const groupId = 223_344_556 + communities.size
      const community: VkCommunity = {
        groupId, token: `vk1.a.${stage.random.letters(80)}`, confirmation: stage.random.hex(8), screenName: `klinika_primer_${communities.size + 1}`, name: 'Клиника «Пример»',
        mask: 4 + 4096 + 8192 + 131_072 + 262_144, servers: [], comments: [], baseUrl: `${stage.origin()}/vk`, ...options,
      }
      communities.set(String(community.groupId), community)
      return community
    },
  }
}

function quotedOf(forward: string | undefined): string | undefined {
  if (forward === undefined) return undefined
  const { conversation_message_ids: ids, is_reply: isReply } = JSON.parse(forward) as { conversation_message_ids?: number[], is_reply?: boolean | number }
  return isReply === true || isReply === 1 ? ids?.map(String)[0] : undefined
}
