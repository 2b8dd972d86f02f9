import { type Clock } from '../clock.ts'
import { messengers, type Messenger } from './behaviour.ts'
import { type PhoneFile, type Place } from './files.ts'
import { type Span } from './formatting.ts'

/** A button as the phone shows it. `id` is what the vendor sends back when it is pressed. */
/** Of an `app` button the id is its start parameter and the url the bot whose page it opens. */
export interface PhoneButton { id: string, text: string, kind: 'callback' | 'url' | 'contact' | 'text' | 'app', url?: string }

/** What became of a message on its way to the phone and on it. */
export type MessageState = 'waiting' | 'held' | 'arrived' | 'read' | 'expired' | 'refused'

/** One message of a conversation, seen from the phone. Times are simulated epoch milliseconds. */
export interface PhoneMessage {
  /** The vendor's id: wamid, message_id, mid, SMSC id. */
  id: string
  messenger: Messenger
  account: string
  direction: 'received' | 'written'
  /** The words on the screen, without marks; a caption where there are files. */
  text: string
  /** The words as they were sent, marks included. */
  raw: string
  /** How stretches of `text` are shown. */
  spans: Span[]
  files: PhoneFile[]
  place?: Place
  /** A contact card. */
  card?: { name: string, phone: string }
  /** The message that this one answers, as the phone shows it above the text. */
  quote?: { id: string, text: string }
  buttons: PhoneButton[][]
  template?: { name: string, language: string }
  /** Name that an SMS comes from. */
  sender?: string
  segments?: number
  state: MessageState
  acceptedAt: number
  arrivedAt?: number
  readAt?: number
  editedAt?: number
  deletedAt?: number
  /** Former texts of an edited message. */
  earlier: { at: number, text: string }[]
  pressed: { at: number, text: string }[]
  /** What the other side put under it. */
  reaction?: string
  /** What the messenger showed after a press (a toast). */
  notice?: string
}

/** What is between a patient and one account of a messenger. */
export interface Chat { started: boolean, blocked: boolean, muted: boolean, lastWroteAt?: number }

/** A person with a phone. */
export interface Patient {
  /** Digits of the phone; also the key in the control API. */
  id: string
  name: string
  phone: string
  online: boolean
  /** Opens what arrives at once, so that messengers with read receipts report it. */
  reads: boolean
  /** WhatsApp keeps the number to itself and names the person by an id only. */
  hidesPhone: boolean
  apps: Readonly<Record<Messenger, boolean>>
  telegramId: number
  telegramDeactivated: boolean
  maxId: number
  maxChatId: number
  vkId: number
  whatsappUserId: string
  messages: PhoneMessage[]
  chats: Map<string, Chat>
}

/** A new person: which messengers are on the phone (all but VK when left out). */
export interface NewPatient {
  name: string
  /** `+7900000xxxx`: numbers of the sandbox are never anybody's. */
  phone: string
  whatsapp?: boolean
  telegram?: boolean
  max?: boolean
  vk?: boolean
  sms?: boolean
  reads?: boolean
  hidesPhone?: boolean
  online?: boolean
}

/** A message on its way to a phone. */
export interface Carriage {
  delayMs: number
  /** After this moment the message never arrives. */
  expiresAt?: number
  onArrive?(message: PhoneMessage): void
  onExpire?(message: PhoneMessage): void
}

/** All phones of the sandbox. */
export interface Phones {
  add(patient: NewPatient): Patient
  all(): readonly Patient[]
  find(phone: string): Patient | undefined
  byTelegramId(id: number): Patient | undefined
  byMaxId(id: number): Patient | undefined
  byMaxChatId(id: number): Patient | undefined
  byVkId(id: number): Patient | undefined
  byWhatsAppUserId(id: string): Patient | undefined
  chat(patient: Patient, messenger: Messenger, account: string): Chat
  message(patient: Patient, messenger: Messenger, id: string, account?: string): PhoneMessage | undefined
  /** Keeps a message in the phone's list without bringing it there. */
  keep(patient: Patient, message: PhoneMessage): void
  /** Brings a kept message to the phone: after the delay, when the phone is on, unless it expired. */
  carry(patient: Patient, message: PhoneMessage, carriage: Carriage): void
  /** Sets a message aside as long as its messenger is silent. */
  hold(patient: Patient, message: PhoneMessage, carriage: Carriage): void
  /** Lets everything go that was set aside; answers how many. */
  release(messenger: Messenger): number
  setOnline(patient: Patient, online: boolean): void
  /** A file of any kept message. */
  file(id: string): PhoneFile | undefined
  /** Called on every visible change. */
  onChange: () => void
}

/** The phone number does not belong to the sandbox or to nobody new. */
export class PhoneError extends Error {}

interface Waiting { patient: Patient, message: PhoneMessage, carriage: Carriage, disarm?: () => void }

/** Makes an empty town of phones. */
export function createPhones(clock: Clock): Phones {
  const byPhone = new Map<string, Patient>()
  const byTelegram = new Map<number, Patient>()
  const byMax = new Map<number, Patient>()
  const byMaxChat = new Map<number, Patient>()
  const byVk = new Map<number, Patient>()
  const byWhatsApp = new Map<string, Patient>()
  const byMessage = new WeakMap<Patient, Map<string, PhoneMessage>>()
  const waiting = new Map<string, Waiting[]>()
  const files = new Map<string, PhoneFile>()
  let held: Waiting[] = []

  const isExpired = (carriage: Carriage): boolean => carriage.expiresAt !== undefined && carriage.expiresAt <= clock.now()

  const expire = (one: Waiting): void => {
    if (one.message.state !== 'waiting' && one.message.state !== 'held') return
    one.message.state = 'expired'
    one.carriage.onExpire?.(one.message)
    phones.onChange()
  }

  const arrive = (one: Waiting): void => {
    one.disarm?.()
    if (one.message.deletedAt !== undefined) return
    if (isExpired(one.carriage)) {
      expire(one)
      return
    }
    one.message.state = 'arrived'
    one.message.arrivedAt = clock.now()
    one.carriage.onArrive?.(one.message)
    phones.onChange()
  }

  const reach = (one: Waiting): void => {
    if (one.patient.online) {
      arrive(one)
      return
    }
    const { expiresAt } = one.carriage
    if (expiresAt !== undefined) one.disarm = clock.after(expiresAt - clock.now(), () => expire(one))
    const list = waiting.get(one.patient.id) ?? []
    list.push(one)
    waiting.set(one.patient.id, list)
  }

  const phones: Phones = {
    onChange: () => undefined,
    add(patient) {
      const id = patient.phone.replace(/\D/g, '')
      if (!/^7900000\d{4}$/.test(id)) throw new PhoneError('A phone of the sandbox is +7900000xxxx')
      if (byPhone.has(id)) throw new PhoneError('This phone already has an owner')
      const number = Number(id.slice(-4))
      const added: Patient = {
        id,
        name: patient.name,
        phone: `+${id}`,
        online: patient.online ?? true,
        reads: patient.reads ?? false,
        hidesPhone: patient.hidesPhone ?? false,
        apps: {
          whatsapp: patient.whatsapp ?? true, telegram: patient.telegram ?? true, max: patient.max ?? true, vk: patient.vk ?? false,
          sms: patient.sms ?? true,
        },
        telegramId: 500_000_000 + number,
        telegramDeactivated: false,
        maxId: 123_450_000 + number,
        maxChatId: 182_180_000 + number,
        vkId: 300_000_000 + number,
        whatsappUserId: `RU.1349120865530274${String(number).padStart(4, '0')}`,
        messages: [],
        chats: new Map(),
      }
      byPhone.set(id, added)
      byTelegram.set(added.telegramId, added)
      byMax.set(added.maxId, added)
      byMaxChat.set(added.maxChatId, added)
      byVk.set(added.vkId, added)
      byWhatsApp.set(added.whatsappUserId, added)
      byMessage.set(added, new Map())
      phones.onChange()
      return added
    },
    all: () => [...byPhone.values()],
    find: (phone) => byPhone.get(phone.replace(/\D/g, '')),
    byTelegramId: (id) => byTelegram.get(id),
    byMaxId: (id) => byMax.get(id),
    byMaxChatId: (id) => byMaxChat.get(id),
    byVkId: (id) => byVk.get(id),
    byWhatsAppUserId: (id) => byWhatsApp.get(id),
    chat(patient, messenger, account) {
      const key = `${messenger}/${account}`
      let chat = patient.chats.get(key)
      if (chat === undefined) patient.chats.set(key, chat = { started: false, blocked: false, muted: false })
      return chat
    },
    message(patient, messenger, id, account) {
      if (account !== undefined) return byMessage.get(patient)?.get(`${messenger}/${account}/${id}`)
      return patient.messages.findLast((message) => message.messenger === messenger && message.id === id)
    },
    keep(patient, message) {
      patient.messages.push(message)
      for (const file of message.files) files.set(file.id, file)
      byMessage.get(patient)?.set(`${message.messenger}/${message.account}/${message.id}`, message)
      phones.onChange()
    },
    carry(patient, message, carriage) {
      message.state = 'waiting'
      if (carriage.delayMs <= 0) reach({ patient, message, carriage })
      else clock.after(carriage.delayMs, () => reach({ patient, message, carriage }))
    },
    hold(patient, message, carriage) {
      message.state = 'held'
      held.push({ patient, message, carriage })
    },
    release(messenger) {
      const free = held.filter((one) => one.message.messenger === messenger)
      held = held.filter((one) => one.message.messenger !== messenger)
      for (const one of free) phones.carry(one.patient, one.message, one.carriage)
      return free.length
    },
    file: (id) => files.get(id),
    setOnline(patient, online) {
      patient.online = online
      if (online) {
        const list = waiting.get(patient.id) ?? []
        waiting.delete(patient.id)
        for (const one of list) if (one.message.state === 'waiting') arrive(one)
      }
      phones.onChange()
    },
  }
  return phones
}

/** Writes a new text into a message that is already there; the former one is kept. */
export function rewrite(message: PhoneMessage, now: number, shown: { text: string, raw?: string, spans?: Span[] }): void {
  message.earlier.push({ at: now, text: message.text })
  Object.assign(message, { text: shown.text, raw: shown.raw ?? shown.text, spans: shown.spans ?? [], editedAt: now })
}

/** How often each text came to a phone, to assert "exactly once". */
export interface Counts {
  /** Messages that the messenger accepted for this phone, whether or not they arrived. */
  accepted: number
  /** Messages that are or were on the phone. */
  received: number
  written: number
  /** Texts that arrived more than once in this messenger, with their number. */
  repeated: { text: string, times: number }[]
}

/** Counts one phone's messages per messenger. */
export function countMessages(patient: Patient): Record<Messenger, Counts> {
  const counts = Object.fromEntries(messengers.map((one) => [one, { accepted: 0, received: 0, written: 0, repeated: [] }])) as
    unknown as Record<Messenger, Counts>
  const texts = new Map<string, { messenger: Messenger, text: string, times: number }>()
  for (const message of patient.messages) {
    const count = counts[message.messenger]
    if (message.direction === 'written') {
      count.written++
      continue
    }
    count.accepted++
    if (message.arrivedAt === undefined) continue
    count.received++
    const text = message.earlier[0]?.text ?? message.text
    if (text === '' && message.files.length > 0) continue
    const key = `${message.messenger}/${text}`
    const seen = texts.get(key) ?? { messenger: message.messenger, text, times: 0 }
    seen.times++
    texts.set(key, seen)
  }
  for (const { messenger, text, times } of texts.values()) if (times > 1) counts[messenger].repeated.push({ text, times })
  return counts
}
