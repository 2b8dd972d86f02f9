import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { BehaviourError, messengers as allMessengers, type Behaviours, type Messenger } from './behaviour.ts'
import { parseJsonObject, rawOf } from './bodies.ts'
import { type Handset } from './handset.ts'
import { type Messengers } from './messengers.ts'
import { type FileToSend } from './files.ts'
import { countMessages, PhoneError, type Patient, type PhoneMessage } from './phones.ts'

type Asked = FastifyRequest<{ Params: Record<string, string>, Querystring: Record<string, string> }>
type Wishes = Record<string, any>

/** A message as the control API shows it: files by their addresses. */
export function showPhoneMessage(message: PhoneMessage): Record<string, unknown> {
  return {
    ...message,
    files: message.files.map(({ id, kind, name, mimeType, sizeBytes, seconds }) =>
      ({ id, kind, name, mimeType, sizeBytes, seconds, url: `/sandbox/files/${id}` })),
  }
}

/** A phone as the control API shows it. */
export function showPhone(patient: Patient): Record<string, unknown> {
  return {
    id: patient.id, name: patient.name, phone: patient.phone, online: patient.online, reads: patient.reads, apps: patient.apps,
    telegramId: patient.telegramId, maxId: patient.maxId, maxChatId: patient.maxChatId, vkId: patient.vkId, whatsappUserId: patient.whatsappUserId,
    chats: Object.fromEntries(patient.chats), counts: countMessages(patient), messages: patient.messages.map(showPhoneMessage),
    hidesPhone: patient.hidesPhone,
  }
}

/** Accounts with everything that an administrator types into the application. */
export function showAccounts(messengers: Messengers): Record<Messenger, unknown[]> {
  return {
    whatsapp: messengers.numbers().map(({ templates, ...number }) => ({
      ...number,
      templates: templates.map(({ id, name, language, category, status, message_send_ttl_seconds: ttl }) =>
        ({ id, name, language, category, status, message_send_ttl_seconds: ttl })),
    })),
    telegram: messengers.telegramBots().map(({ botId, token, username, name, apiRoot, webhook }) =>
      ({ botId, token, username, name, apiRoot, webhookUrl: webhook?.url })),
    max: messengers.maxBots().map(({ userId, token, username, name, baseUrl, subscriptions }) =>
      ({ userId, token, username, name, baseUrl, webhookUrl: subscriptions[0]?.url })),
    vk: [...messengers.vk.communities.values()].map(({ groupId, token, confirmation, screenName, name, baseUrl, servers }) =>
      ({ groupId, token, confirmation, screenName, name, baseUrl, webhookUrl: servers[0]?.url })),
    sms: messengers.smscAccounts().map((account) => ({ ...account })),
  }
}

/**
 * Registers the control API of the sandbox below `/sandbox`: reading phones, logs and behaviours, moving hands, ordering
 * trouble. It is for tests, the demo and its page; no vendor has it.
 */
export function registerControl(app: FastifyInstance, messengers: Messengers, behaviours: Behaviours): void {
  const post = (path: string, act: (wishes: Wishes, request: Asked) => unknown): void => {
    app.post(`/sandbox${path}`, async (request, reply: FastifyReply) => {
      const raw = rawOf(request.body)
      const wishes = raw.length === 0 ? {} : parseJsonObject(raw)
      if (wishes === undefined) return reply.code(400).send({ error: 'The body is to be a JSON object' })
      try {
        return await act(wishes, request as Asked) ?? { ok: true }
      } catch (error) {
        if (error instanceof BehaviourError || error instanceof PhoneError || error instanceof RangeError || error instanceof NotThere) {
          return reply.code(error instanceof NotThere ? 404 : 400).send({ error: error.message })
        }
        throw error
      }
    })
  }
  const get = (path: string, show: (request: Asked) => unknown): void => {
    app.get(`/sandbox${path}`, async (request, reply: FastifyReply) => {
      try {
        return show(request as Asked)
      } catch (error) {
        if (error instanceof NotThere) return reply.code(404).send({ error: error.message })
        throw error
      }
    })
  }

  const messengerOf = (value: unknown): Messenger => {
    const found = allMessengers.find((one) => one === value)
    if (found === undefined) throw new NotThere(`A messenger is one of: ${allMessengers.join(', ')}`)
    return found
  }
  const handsetOf = (request: Asked): Handset => {
    try {
      return messengers.phone(request.params.phone ?? '')
    } catch {
      throw new NotThere('Nobody in the sandbox has this phone')
    }
  }

  get('/clock', () => ({ now: messengers.clock.now(), speed: messengers.clock.speed }))
  post('/clock', ({ speed, advanceMs }) => {
    if (speed !== undefined) messengers.clock.setSpeed(Number(speed))
    if (advanceMs !== undefined) messengers.clock.advance(Number(advanceMs))
    return { now: messengers.clock.now(), speed: messengers.clock.speed }
  })

  get('/phones', () => messengers.patients().map(showPhone))
  get('/phones/:phone', (request) => showPhone(handsetOf(request).patient))
  post('/patients', (wishes) => showPhone(messengers.addPatient(wishes as any).patient))

  const hand = (deed: string, act: (handset: Handset, messenger: any, wishes: Wishes) => unknown): void =>
    post(`/phones/:phone/${deed}`, (wishes, request) => act(handsetOf(request), messengerOf(wishes.messenger), wishes))
  const tell = (act: (handset: Handset, messenger: any, wishes: Wishes) => PhoneMessage) =>
    (handset: Handset, messenger: any, wishes: Wishes): unknown => showPhoneMessage(act(handset, messenger, wishes))
  hand('press', tell((handset, messenger, wishes) => handset.press(messenger, wishes)))
  hand('reply', tell((handset, messenger, wishes) => handset.reply(messenger, String(wishes.text ?? ''), wishes)))
  hand('file', tell((handset, messenger, wishes) => handset.sendFile(messenger, fileOf(wishes), wishes)))
  hand('album', (handset, messenger, wishes) =>
    handset.sendAlbum(messenger, (Array.isArray(wishes.files) ? wishes.files as Wishes[] : []).map(fileOf), wishes).map(showPhoneMessage))
  hand('location', tell((handset, messenger, wishes) => handset.sendLocation(messenger, wishes.place, wishes)))
  hand('card', tell((handset, messenger, wishes) => handset.sendContact(messenger, wishes, wishes)))
  hand('unsupported', tell((handset, messenger, wishes) => handset.sendUnsupported(messenger, wishes)))
  hand('edit', tell((handset, messenger, wishes) => handset.edit({ messenger, id: String(wishes.messageId) }, String(wishes.text ?? ''))))
  hand('remove', tell((handset, messenger, wishes) => handset.remove({ messenger, id: String(wishes.messageId) })))
  hand('react', (handset, messenger, wishes) => handset.react({ messenger, id: String(wishes.messageId) }, String(wishes.emoji ?? '')))
  hand('group', (handset, messenger, wishes) => handset.writeInGroup(messenger, String(wishes.text ?? ''), wishes))
  hand('start', (handset, messenger, wishes) => handset.start(messenger, wishes))
  hand('contact', tell((handset, messenger, wishes) => wishes.forge === undefined
    ? handset.shareContact(messenger, wishes)
    : handset.forgeContact(messenger, { ...wishes, kind: wishes.forge })))
  hand('block', (handset, messenger, wishes) => handset.block(messenger, wishes))
  hand('unblock', (handset, messenger, wishes) => handset.unblock(messenger, wishes))
  hand('read', (handset, messenger, wishes) => handset.read(messenger, wishes.messageId))
  hand('mute', (handset, messenger, wishes) => handset.mute(messenger, wishes.muted !== false, wishes))
  hand('app', (handset, messenger, wishes) => ({ url: handset.openApp(messenger, wishes) }))
  hand('remove-chat', (handset, messenger, wishes) => handset.removeChat(messenger, wishes))
  post('/phones/:phone/link', (wishes, request) => handsetOf(request).openLink(String(wishes.url)))
  post('/phones/:phone/hide-phone', (wishes, request) => handsetOf(request).hidePhone(wishes.hidden !== false))
  app.get<{ Params: { id: string } }>('/sandbox/files/:id', (request, reply) => {
    const file = messengers.file(request.params.id)
    if (file === undefined) return reply.code(404).send({ error: 'There is no such file' })
    return reply.type(file.mimeType).header('content-disposition', `inline; filename*=UTF-8''${encodeURIComponent(file.name)}`)
      .header('x-content-type-options', 'nosniff').send(file.bytes)
  })
  post('/phones/:phone/online', (wishes, request) => handsetOf(request).setOnline(wishes.online !== false))
  post('/phones/:phone/deactivate-telegram', (_wishes, request) => handsetOf(request).deactivateTelegram())

  const showBehaviour = (messenger: Messenger): unknown => ({
    ...messengers.behaviour(messenger),
    accounts: Object.fromEntries(messengers.accounts(messenger).map((account) => [account, messengers.behaviour(messenger, account)])),
    rules: behaviours.rules(messenger),
  })
  get('/messengers', () => Object.fromEntries(allMessengers.map((one) => [one, showBehaviour(one)])))
  post('/messengers/:messenger', (wishes, request) => {
    const messenger = messengerOf(request.params.messenger)
    messengers.behave(messenger, wishes)
    return showBehaviour(messenger)
  })
  post('/messengers/:messenger/reset', (_wishes, request) => messengers.resetBehaviour(messengerOf(request.params.messenger)))
  post('/messengers/:messenger/release', (_wishes, request) => ({ released: messengers.release(messengerOf(request.params.messenger)) }))

  get('/accounts', () => showAccounts(messengers))
  post('/accounts/:messenger', (wishes, request) => {
    const messenger = messengerOf(request.params.messenger)
    switch (messenger) {
      case 'whatsapp': messengers.addWhatsAppNumber(wishes); break
      case 'telegram': messengers.addTelegramBot(wishes); break
      case 'max': messengers.addMaxBot(wishes); break
      case 'vk': messengers.addVkCommunity(wishes); break
      case 'sms': messengers.addSmscAccount(wishes)
    }
    return showAccounts(messengers)[messenger].at(-1)
  })
  // What an administrator does in the vendors' own cabinets.
  post('/accounts/whatsapp/:account/webhook', async (wishes, request) => {
    const account = request.params.account ?? ''
    if (!messengers.accounts('whatsapp').includes(account)) throw new NotThere('There is no such number')
    const trouble = await messengers.setWhatsAppWebhook(account, String(wishes.url), String(wishes.verifyToken))
    return trouble === undefined ? { ok: true } : { ok: false, error: trouble }
  })
  post('/accounts/whatsapp/:account/echo', (wishes, request) =>
    showPhoneMessage(messengers.writeFromBusinessApp(request.params.account ?? '', String(wishes.phone), String(wishes.text ?? ''))))
  post('/accounts/sms/:account/callback', (wishes, request) => {
    const account = request.params.account ?? ''
    if (!messengers.accounts('sms').includes(account)) throw new NotThere('There is no such account')
    messengers.setSmscCallback(account, String(wishes.url), wishes.secret === undefined ? undefined : String(wishes.secret))
  })
  post('/accounts/whatsapp/:account/templates/:name', (wishes, request) =>
    messengers.setTemplateStatus(request.params.account ?? '', request.params.name ?? '', wishes.status))

  get('/calls', ({ query }) => messengers.calls({ messenger: query.messenger, account: query.account, after: Number(query.after ?? 0) }))
  get('/webhooks', ({ query }) => ({
    pending: messengers.pendingWebhooks(),
    webhooks: messengers.webhooks()
      .filter((one) => query.messenger === undefined || one.messenger === query.messenger)
      .slice(-Number(query.limit ?? 1000)),
  }))
}

/** A file of a request: its bytes come as base64 in `data`. */
function fileOf({ data, name, mimeType, kind, caption, sizeBytes, seconds }: Wishes): FileToSend & { caption?: string } {
  return { name, mimeType, kind, caption, sizeBytes, seconds, ...(typeof data === 'string' ? { bytes: Buffer.from(data, 'base64') } : {}) }
}

class NotThere extends Error {}
