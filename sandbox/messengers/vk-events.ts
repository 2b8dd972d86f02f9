import { type Behaviour } from './behaviour.ts'
import { type PhoneFile } from './files.ts'
import { PhoneError, rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { createReport, type Report } from './receipts.ts'
import { postUpdate, quoteOf, writtenMessage, type Hands, type Said, type Stage } from './stage.ts'
import { type VkCommunity, type VkServer } from './vk.ts'
import { type Webhook } from './webhooks.ts'

/** What a community is told, and who tells it. */
export interface VkEvents {
  hands: Hands
  /** Tells all servers that asked for this kind. */
  emit(community: VkCommunity, type: string, object: unknown, orderKey?: string): void
  /** A message as VK shows it; addresses of files in it are fresh. */
  show(community: VkCommunity, patient: Patient, message: PhoneMessage): Record<string, unknown>
  /** What a send was given, for what is told of it later. */
  remember(message: PhoneMessage, randomId: number, behaviour: Behaviour): void
  reply(community: VkCommunity, patient: Patient, message: PhoneMessage, adminId?: number): void
  writeFromCommunity(community: VkCommunity, patient: Patient, text: string): PhoneMessage
  /** The message of a press that waits for an answer, once and within a minute. */
  takePress(community: VkCommunity, eventId: string, userId: number, peerId: number): PhoneMessage | undefined
}

/** Makes the side of VK that speaks to servers. */
export function createVkEvents(stage: Stage, communities: Map<string, VkCommunity>, nextNumber: (patient: Patient, account: string) => number, messageId: () => number): VkEvents {
  const randomIds = new WeakMap<PhoneMessage, number>()
  const reports = new WeakMap<PhoneMessage, Report>()
  const authors = new WeakMap<PhoneMessage, number>()
  const presses = new Map<string, { groupId: number, patient: Patient, message: PhoneMessage, at: number }>()
  const communityOf = (account: string): VkCommunity => communities.get(account)!

  const webhooksOf = (community: VkCommunity, type: string, object: unknown, orderKey?: string): Webhook[] => {
    const targets = community.servers.filter((server) => server.status === 'ok' && server.events.has(type))
    if (targets.length === 0) stage.poster.lose({ messenger: 'vk', account: String(community.groupId), kind: type }, 'no server asked for it')
    const eventId = stage.random.hex(40)
    return targets.map((server: VkServer) => ({
      messenger: 'vk', account: String(community.groupId), kind: type, url: server.url, headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ group_id: community.groupId, type, event_id: eventId, v: server.apiVersion, object, ...(server.secret === '' ? {} : { secret: server.secret }) })),
      accepts: (answer) => answer.trim() === 'ok',
      ...(orderKey === undefined ? {} : { orderKey: `vk/${community.groupId}/${server.id}/${orderKey}` }),
      retry: { firstMs: 5_000, longestMs: 3_600_000, forMs: 86_400_000 },
      refresh: () => community.servers.includes(server) && server.status === 'ok' ? { url: server.url, headers: { 'content-type': 'application/json' } } : undefined,
    }))
  }
  const emit: VkEvents['emit'] = (community, type, object, orderKey) => {
    for (const webhook of webhooksOf(community, type, object, orderKey)) postUpdate(stage, webhook)
  }

  const showFile = (file: PhoneFile, index: number): Record<string, unknown> => {
    const url = `${stage.origin()}/vk-store/${file.id}?k=${stage.random.hex(12)}`
    const owned = { id: 457_239_000 + index, owner_id: 300_000_000, access_key: file.id }
    switch (file.kind) {
      case 'image': return { type: 'photo', photo: { ...owned, sizes: [{ type: 's', width: 75, height: 56, url: `${url}&s=1` }, { type: 'x', width: 604, height: 453, url }] } }
      case 'voice': return { type: 'audio_message', audio_message: { ...owned, duration: file.seconds ?? 1, link_mp3: url, link_ogg: url, waveform: [] } }
      case 'sticker': return { type: 'sticker', sticker: { sticker_id: 1, images: [{ url, width: 64, height: 64 }, { url, width: 512, height: 512 }] } }
      case 'video': return { type: 'video', video: { ...owned, title: file.name, duration: file.seconds ?? 1 } }
      case 'audio':
      case 'file': return { type: 'doc', doc: { ...owned, title: file.name, ext: file.name.split('.').at(-1) ?? '', size: file.sizeBytes, url, date: 0, type: 1 } }
    }
  }

  const show: VkEvents['show'] = (community, patient, message) => {
    const isWritten = message.direction === 'written'
    const account = String(community.groupId)
    const quoted = message.quote === undefined ? undefined : stage.phones.message(patient, 'vk', message.quote.id, account)
    return {
      date: Math.floor(message.acceptedAt / 1000), from_id: isWritten ? patient.vkId : -community.groupId, id: messageId(), version: 10_001_501, out: isWritten ? 0 : 1, important: false, is_hidden: false,
      attachments: message.files.map(showFile), conversation_message_id: Number(message.id), fwd_messages: [], text: message.text, peer_id: patient.vkId, random_id: randomIds.get(message) ?? 0,
      ...(message.editedAt === undefined ? {} : { update_time: Math.floor(message.editedAt / 1000) }),
      ...(message.place === undefined ? {} : { geo: { type: 'point', coordinates: { latitude: message.place.latitude, longitude: message.place.longitude } } }),
      ...(quoted === undefined ? {} : { reply_message: { date: 0, from_id: quoted.direction === 'written' ? patient.vkId : -community.groupId, text: quoted.text, attachments: [], conversation_message_id: Number(quoted.id), id: 1 } }),
      ...(authors.has(message) ? { admin_author_id: authors.get(message) } : {}),
    }
  }

  const clientInfo = { button_actions: ['text', 'callback', 'open_link'], keyboard: true, inline_keyboard: true, carousel: true, lang_id: 0 }
  const say = (patient: Patient, account: string, said: Said, more: Record<string, unknown> = {}): PhoneMessage => {
    const community = communityOf(account)
    const message = writtenMessage(stage, 'vk', account, String(nextNumber(patient, account)), said)
    message.quote = quoteOf(stage, patient, 'vk', account, said.quote?.id)
    Object.assign(stage.phones.chat(patient, 'vk', account), { started: true, blocked: false, lastWroteAt: stage.clock.now() })
    stage.phones.keep(patient, message)
    emit(community, 'message_new', { message: { ...show(community, patient, message), ...more }, client_info: clientInfo }, patient.id)
    return message
  }

  const hands: Hands = {
    write(patient, account, said) {
      if (said.card !== undefined) throw new PhoneError('VK has no cards of contacts')
      if (said.isUnsupported === true) return [say(patient, account, { text: '' }, { attachments: [{ type: 'poll', poll: { id: 1 } }] })]
      return [say(patient, account, said)]
    },
    edit(patient, message, text) {
      rewrite(message, stage.clock.now(), { text })
      emit(communityOf(message.account), 'message_edit', show(communityOf(message.account), patient, message), patient.id)
    },
    remove(_patient, message) {
      // VK tells communities nothing of it.
      message.deletedAt = stage.clock.now()
    },
    writeInGroup(patient, account, _kind, text) {
      const community = communityOf(account)
      emit(community, 'message_new', {
        message: { date: Math.floor(stage.clock.now() / 1000), from_id: patient.vkId, id: messageId(), out: 0, attachments: [], conversation_message_id: 5, fwd_messages: [], text, peer_id: 2_000_000_001, random_id: 0 },
        client_info: clientInfo,
      })
    },
    press(patient, message, button) {
      const eventId = stage.random.hex(12)
      presses.set(eventId, { groupId: Number(message.account), patient, message, at: stage.clock.now() })
      emit(communityOf(message.account), 'message_event', { user_id: patient.vkId, peer_id: patient.vkId, event_id: eventId, payload: JSON.parse(button.id || '{}') as unknown, conversation_message_id: Number(message.id) }, patient.id)
    },
    start(patient, account, payload, quietly) {
      Object.assign(stage.phones.chat(patient, 'vk', account), { started: true, blocked: false })
      if (!quietly) say(patient, account, { text: 'Начать' }, { payload: '{"command":"start"}', ...(payload === '' ? {} : { ref: payload, ref_source: 'site' }) })
    },
    block(patient, account, blocked) {
      const chat = stage.phones.chat(patient, 'vk', account)
      if (chat.blocked === blocked) return
      Object.assign(chat, { blocked, started: true })
      if (blocked) emit(communityOf(account), 'message_deny', { user_id: patient.vkId }, patient.id)
      else emit(communityOf(account), 'message_allow', { user_id: patient.vkId, key: '' }, patient.id)
    },
    read(patient, message) {
      if (message.state !== 'arrived') return
      const readAt = stage.clock.now()
      // Whoever reads one has read what stands above it: VK tells one mark.
      const above = patient.messages.filter((one) => one.messenger === 'vk' && one.account === message.account && one.state === 'arrived' && Number(one.id) <= Number(message.id))
      for (const one of above) Object.assign(one, { state: 'read', readAt })
      void reports.get(message)?.('read', readAt)
    },
  }

  const postMark = (community: VkCommunity, patient: Patient, message: PhoneMessage): Promise<unknown> =>
    Promise.all(webhooksOf(community, 'message_read', { from_id: patient.vkId, peer_id: patient.vkId, read_message_id: messageId(), conversation_message_id: Number(message.id) }).map((webhook) => stage.poster.post(webhook)))

  const owners = (message: PhoneMessage): Patient => stage.phones.all().find((one) => one.messages.includes(message))!

  return {
    hands, emit, show,
    remember(message, randomId, behaviour) {
      randomIds.set(message, randomId)
      reports.set(message, createReport(stage, { messenger: 'vk', account: message.account }, behaviour, () => postMark(communityOf(message.account), owners(message), message)))
    },
    reply(community, patient, message, adminId) {
      if (adminId !== undefined) authors.set(message, adminId)
      emit(community, 'message_reply', show(community, patient, message), patient.id)
    },
    writeFromCommunity(community, patient, text) {
      const account = String(community.groupId)
      const message: PhoneMessage = { ...writtenMessage(stage, 'vk', account, String(nextNumber(patient, account)), { text }), direction: 'received', state: 'arrived' }
      stage.phones.keep(patient, message)
      authors.set(message, 400_000_001)
      emit(community, 'message_reply', show(community, patient, message), patient.id)
      return message
    },
    takePress(community, eventId, userId, peerId) {
      const press = presses.get(eventId)
      if (press?.groupId !== community.groupId || press.patient.vkId !== userId || peerId !== userId || stage.clock.now() - press.at > 60_000) return undefined
      presses.delete(eventId)
      return press.message
    },
  }
}
