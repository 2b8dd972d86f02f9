import { EventEmitter } from 'node:events'
import { type AddressInfo } from 'node:net'

import Fastify, { type FastifyInstance } from 'fastify'

import { type Clock } from '../clock.ts'
import { createBehaviours, type Behaviour, type BehaviourChange, type Messenger } from './behaviour.ts'
import { keepBodiesRaw } from './bodies.ts'
import { createCalls, type Call } from './calls.ts'
import { registerControl } from './control.ts'
import { registerGreenApi, type GreenApi, type GreenApiInstance } from './greenapi.ts'
import { createHandset, type Handset, type Network } from './handset.ts'
import { type PhoneFile } from './files.ts'
import { createLimiter } from './limits.ts'
import { registerMax, type MaxBot } from './max.ts'
import { createPhones, PhoneError, type NewPatient, type Patient, type PhoneMessage } from './phones.ts'
import { createRandom } from './random.ts'
import { registerSmsc, type SmscAccount } from './smsc.ts'
import { createSmppCentre, type SmppAccount, type SmppCentre } from './smpp.ts'
import { registerSmsru, type SmsruAccount } from './smsru.ts'
import { type Hands, type Stage } from './stage.ts'
import { registerTelegram, type TelegramBot } from './telegram.ts'
import { registerVk, type Vk, type VkCommunity } from './vk.ts'
import { registerWazzup, type Wazzup, type WazzupChannel } from './wazzup.ts'
import { createPoster, type WebhookRecord } from './webhooks.ts'
import { registerWhatsApp, type WhatsAppNumber } from './whatsapp.ts'
import { tellTemplate, verifyCallback } from './whatsapp-management.ts'
import { type Template } from './whatsapp-templates.ts'

/** How to start the messengers. */
export interface MessengersOptions {
  clock: Clock
  /** 0 or left out: a free port of the loopback interface. */
  port?: number
  /** Makes credentials, ids and drawn troubles the same on every run. */
  seed?: number
  /** Vendors want https for webhooks; this takes http on 127.0.0.1 as well. */
  allowLoopbackHttp?: boolean
}

/** Four messengers with the phones behind them. */
export interface Messengers {
  /** `http://127.0.0.1:port`; the vendors' base URLs are below it. */
  readonly origin: string
  addWhatsAppNumber(options?: Partial<WhatsAppNumber>): WhatsAppNumber
  addTelegramBot(options?: { username?: string, name?: string, botId?: number, token?: string }): TelegramBot
  addMaxBot(options?: { username?: string, name?: string, token?: string }): MaxBot
  addSmscAccount(options?: Partial<SmscAccount>): SmscAccount
  /** Another vendor of SMS: its messages come to the patients' phones as SMS, as the account `id`. */
  addSmsruAccount(options?: Partial<SmsruAccount>): SmsruAccount
  /** An account at an operator's SMSC, reached by SMPP 3.4. */
  addSmppAccount(options?: Partial<SmppAccount>): SmppAccount
  readonly smpp: SmppCentre
  addVkCommunity(options?: Partial<VkCommunity>): VkCommunity
  readonly vk: Vk
  /** A number that a gateway drives: its messages come to the patients' WhatsApp, as the account `idInstance`. */
  addGreenApiInstance(options?: Partial<GreenApiInstance>): GreenApiInstance
  readonly greenApi: GreenApi
  /** A number or an account behind another gateway: WhatsApp, or Telegram with the transport `tgapi`, as the account `channelId`. */
  addWazzupChannel(options?: Partial<WazzupChannel>): WazzupChannel
  readonly wazzup: Wazzup
  /**
   * What an administrator does in Meta's app dashboard: callback URL and verify token, with the handshake; subscribes the app.
   * @returns what is wrong with the URL, undefined when it took it
   */
  setWhatsAppWebhook(phoneNumberId: string, url: string, verifyToken: string): Promise<string | undefined>
  /** What an administrator does in SMSC's cabinet. */
  setSmscCallback(login: string, url: string, secret?: string): void
  /** What an administrator does in MAX's cabinet: the page that the bot opens. */
  setMaxMiniApp(userId: number, url: string): void
  /** Meta pauses, disables or approves a template and says so. */
  setTemplateStatus(phoneNumberId: string, name: string, status: Template['status']): void
  /** Staff of the clinic writes to a person from the WhatsApp Business app. @throws PhoneError unless the number lives there too */
  writeFromBusinessApp(phoneNumberId: string, phone: string, text: string): PhoneMessage
  addPatient(patient: NewPatient): Handset
  /** The phone with this number. @throws when there is none */
  phone(phone: string): Handset
  patients(): readonly Patient[]
  /** A file of any message, by its id. */
  file(id: string): PhoneFile | undefined
  behave(messenger: Messenger, change: BehaviourChange): void
  behaviour(messenger: Messenger, account?: string): Behaviour
  resetBehaviour(messenger?: Messenger): void
  /** Lets messages go that were set aside while the messenger was silent; answers how many. */
  release(messenger: Messenger): number
  /** Account keys: phone number id, bot id, MAX user id, VK group id, SMSC login. */
  accounts(messenger: Messenger): string[]
  numbers(): readonly WhatsAppNumber[]
  telegramBots(): readonly TelegramBot[]
  maxBots(): readonly MaxBot[]
  smscAccounts(): readonly SmscAccount[]
  calls(filter?: { messenger?: string, account?: string, after?: number }): Call[]
  webhooks(): readonly WebhookRecord[]
  /** Webhooks that are on their way or being repeated. */
  pendingWebhooks(): number
  /** Also answers the control API on another server, which must leave bodies raw (`keepBodiesRaw`). */
  mountControl(app: FastifyInstance): void
  readonly clock: Clock
  /** `change` after anything visible happened, at most every 60 ms. */
  readonly events: EventEmitter<{ change: [] }>
  stop(): Promise<void>
}

/** One messenger, several ways to drive a number in it: the account says whose hands tell of it. */
function handsByAccount(of: (account: string) => Hands): Hands {
  return {
    write: (patient, account, said) => of(account).write(patient, account, said),
    press: (patient, message, button) => of(message.account).press(patient, message, button),
    edit: (patient, message, text) => of(message.account).edit?.(patient, message, text),
    remove: (patient, message) => of(message.account).remove?.(patient, message),
    writeInGroup: (patient, account, kind, text) => of(account).writeInGroup?.(patient, account, kind, text),
    react: (patient, message, emoji) => of(message.account).react?.(patient, message, emoji),
    block: (patient, account, blocked) => of(account).block(patient, account, blocked),
    read: (patient, message) => of(message.account).read?.(patient, message),
  }
}

/** Starts the four messengers on one server. */
export async function startMessengers(options: MessengersOptions): Promise<Messengers> {
  const { clock } = options
  const app = Fastify({ bodyLimit: 110 * 1024 * 1024, routerOptions: { maxParamLength: 400 }, forceCloseConnections: true })
  keepBodiesRaw(app)
  let origin = ''
  const random = createRandom(options.seed ?? 1)
  const phones = createPhones(clock)
  const poster = createPoster(clock)
  const behaviours = createBehaviours(random)
  const calls = createCalls(clock)
  const stage: Stage = {
    clock, random, behaviours, phones, poster, calls, limiter: createLimiter(clock), origin: () => origin,
    allowLoopbackHttp: options.allowLoopbackHttp ?? false,
  }

  const events = new EventEmitter<{ change: [] }>()
  let changing: NodeJS.Timeout | undefined
  phones.onChange = () => {
    changing ??= setTimeout(() => {
      changing = undefined
      events.emit('change')
    }, 60)
  }

  const whatsapp = registerWhatsApp(app, stage)
  const telegram = registerTelegram(app, stage)
  const max = registerMax(app, stage)
  const smsc = registerSmsc(app, stage)
  const smsru = registerSmsru(app, stage)
  const smpp = createSmppCentre(stage)
  const vk = registerVk(app, stage)
  const greenApi = registerGreenApi(app, stage)
  const wazzup = registerWazzup(app, stage)
  const wazzupChannels = (isTelegram: boolean): string[] => [...wazzup.channels.values()].filter((one) => (one.transport === 'tgapi') === isTelegram).map((one) => one.channelId)

  const accounts = (messenger: Messenger): string[] => {
    switch (messenger) {
      case 'whatsapp': return [...whatsapp.numbers.keys(), ...greenApi.instances.keys(), ...wazzupChannels(false)]
      case 'telegram': return [...[...telegram.bots.values()].map((bot) => String(bot.botId)), ...wazzupChannels(true)]
      case 'max': return [...max.bots.values()].map((bot) => String(bot.userId))
      case 'vk': return [...vk.communities.keys()]
      case 'sms': return [...smsc.accounts.keys(), ...smsru.accounts.keys(), ...smpp.accounts.keys()]
    }
  }
  const whatsappHands = handsByAccount((account) => greenApi.instances.has(account) ? greenApi.hands : wazzup.channels.has(account) ? wazzup.hands : whatsapp.hands)
  const telegramHands: Hands = { ...telegram.hands, ...handsByAccount((account) => wazzup.channels.has(account) ? wazzup.hands : telegram.hands), react: undefined }
  const smsHands: Hands = { ...handsByAccount((account) => smsru.accounts.has(account) ? smsru.hands : smpp.accounts.has(account) ? smpp.hands : smsc.hands), edit: undefined, remove: undefined, react: undefined }
  const hands = { whatsapp: whatsappHands, telegram: telegramHands, max: max.hands, vk: vk.hands, sms: smsHands }
  const network: Network = {
    phones, accounts, hands, random, now: () => clock.now(),
    byUsername: (messenger, username) => messenger === 'telegram'
      ? messengers.telegramBots().filter((bot) => bot.username === username).map((bot) => String(bot.botId))[0]
      : messenger === 'vk' ? [...vk.communities.values()].filter((one) => one.screenName === username).map((one) => String(one.groupId))[0]
      : messengers.maxBots().filter((bot) => bot.username === username).map((bot) => String(bot.userId))[0],
  }
  const handsets = new Map<string, Handset>()

  const number = (id: string): WhatsAppNumber => {
    const found = whatsapp.numbers.get(id)
    if (found === undefined) throw new Error(`There is no WhatsApp number ${id}`)
    return found
  }

  const messengers: Messengers = {
    get origin() { return origin },
    clock,
    events,
    addWhatsAppNumber: (wanted) => whatsapp.add(wanted),
    addTelegramBot: (wanted) => telegram.add(wanted),
    addMaxBot: (wanted) => max.add(wanted),
    addSmscAccount: (wanted) => smsc.add(wanted),
    addSmsruAccount: (wanted) => smsru.add(wanted),
    addSmppAccount: (wanted) => smpp.add(wanted),
    smpp,
    addVkCommunity: (wanted) => vk.add(wanted),
    vk,
    addGreenApiInstance: (wanted) => greenApi.add(wanted),
    greenApi,
    addWazzupChannel: (wanted) => wazzup.add(wanted),
    wazzup,
    async setWhatsAppWebhook(id, url, verifyToken) {
      const trouble = await verifyCallback(stage, url, verifyToken)
      if (trouble === undefined) Object.assign(number(id), { webhook: { url, verifyToken }, subscribed: true })
      return trouble
    },
    setSmscCallback(login, url, secret) {
      const account = smsc.accounts.get(login)
      if (account === undefined) throw new Error(`There is no SMSC account ${login}`)
      account.callbackUrl = url
      if (secret !== undefined) account.secret = secret
    },
    setMaxMiniApp(userId, url) {
      const bot = messengers.maxBots().find((one) => one.userId === userId)
      if (bot === undefined) throw new Error(`There is no MAX bot ${userId}`)
      bot.miniAppUrl = url
    },
    setTemplateStatus(id, name, status) {
      for (const template of number(id).templates) {
        if (template.name !== name) continue
        template.status = status
        tellTemplate(stage, number(id), template, status)
      }
    },
    writeFromBusinessApp(id, phone, text) {
      if (!number(id).coexists) throw new PhoneError('The number does not live in the WhatsApp Business app')
      return whatsapp.hands.writeFromBusinessApp(messengers.phone(phone).patient, id, text)
    },
    addPatient(patient) {
      const handset = createHandset(network, phones.add(patient))
      handsets.set(handset.patient.id, handset)
      return handset
    },
    phone(phone) {
      const handset = handsets.get(phone.replace(/\D/g, ''))
      if (handset === undefined) throw new Error('Nobody in the sandbox has this phone')
      return handset
    },
    patients: () => phones.all(),
    file: (id) => phones.file(id),
    behave(messenger, change) {
      behaviours.change(messenger, change)
      phones.onChange()
    },
    behaviour: (messenger, account) => behaviours.current(messenger, account),
    resetBehaviour: (messenger) => behaviours.reset(messenger),
    release: (messenger) => phones.release(messenger),
    accounts,
    numbers: () => [...whatsapp.numbers.values()],
    telegramBots: () => [...telegram.bots.values()],
    maxBots: () => [...max.bots.values()],
    smscAccounts: () => [...smsc.accounts.values()],
    calls: (filter) => calls.list(filter),
    webhooks: () => poster.records(),
    pendingWebhooks: () => poster.pending(),
    mountControl: (other) => registerControl(other, messengers, behaviours),
    async stop() {
      clearTimeout(changing)
      poster.stop()
      smpp.stop()
      await app.close()
    },
  }

  messengers.mountControl(app)
  await smpp.listen()
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return messengers
}
