import { type Messenger } from './behaviour.ts'
import { PhoneError, type Patient, type PhoneMessage, type Phones } from './phones.ts'
import { type ContactCard, type Hands } from './stage.ts'

/** Which account of a messenger is meant; may be left out where there is only one. */
export interface AccountChoice { account?: string }

/** A patient's phone in hand. What is done here reaches the application the way the messenger would tell it. */
export interface Handset {
  readonly patient: Patient
  /** What the phone shows, oldest first; deleted messages stay with `deletedAt`. */
  messages(messenger?: Messenger): PhoneMessage[]
  /** Presses a button (its place counted from 0 or its text) of a message, the last one with buttons when left out. */
  press(messenger: Messenger, options?: { messageId?: string, button?: number | string, times?: number }): PhoneMessage
  /** Writes to the account; `quote` answers a certain message. */
  reply(messenger: Messenger, text: string, options?: AccountChoice & { quote?: string }): PhoneMessage
  /** Starts a bot of Telegram or MAX. `quietly`: as if it had been started long ago. */
  start(messenger: 'telegram' | 'max', options?: AccountChoice & { payload?: string, quietly?: boolean }): void
  /** Shares the own number by the messenger's button. */
  shareContact(messenger: 'telegram' | 'max', options?: AccountChoice): PhoneMessage
  /** Sends somebody else's card, one without proof, or a manipulated one. */
  forgeContact(
    messenger: 'telegram' | 'max', options?: AccountChoice & { kind?: 'foreign' | 'unsigned' | 'tampered', phone?: string },
  ): PhoneMessage
  block(messenger: Messenger, options?: AccountChoice): void
  unblock(messenger: Messenger, options?: AccountChoice): void
  /** Reads one message, or everything of the messenger. */
  read(messenger: Messenger, messageId?: string): void
  /** MAX only: silences the dialogue. */
  mute(messenger: 'max', muted: boolean, options?: AccountChoice): void
  /** MAX only: deletes the dialogue. */
  removeChat(messenger: 'max', options?: AccountChoice): void
  /** Off: messages wait until the phone is on again. */
  setOnline(online: boolean): void
  /** The Telegram account is deleted for good. */
  deactivateTelegram(): void
}

/** What handsets need of the messengers. */
export interface Network {
  phones: Phones
  hands: Record<Messenger, Hands>
  accounts(messenger: Messenger): string[]
  now: () => number
}

/** Puts a patient's phone in hand. */
export function createHandset(network: Network, patient: Patient): Handset {
  const { phones, hands } = network

  const choose = (messenger: Messenger, account: string | undefined): string => {
    const all = network.accounts(messenger)
    const chosen = account ?? all[0]
    if (chosen === undefined || !all.includes(chosen)) throw new PhoneError(`There is no such account of ${messenger}`)
    if (!patient.apps[messenger]) throw new PhoneError(`${messenger} is not on this phone`)
    return chosen
  }

  const find = (messenger: Messenger, messageId: string | undefined): PhoneMessage => {
    const message = messageId === undefined
      ? patient.messages.findLast((one) => one.messenger === messenger && one.buttons.length > 0 && one.arrivedAt !== undefined)
      : phones.message(patient, messenger, messageId)
    if (message?.arrivedAt === undefined) throw new PhoneError('There is no such message on the phone')
    return message
  }

  const card = (kind: ContactCard['kind'], phone = patient.phone, name = patient.name): ContactCard => ({ kind, phone, name })

  const handset: Handset = {
    patient,
    messages: (messenger) => patient.messages.filter((one) => messenger === undefined || one.messenger === messenger),
    press(messenger, { messageId, button = 0, times = 1 } = {}) {
      const message = find(messenger, messageId)
      const flat = message.buttons.flat()
      const pressed = typeof button === 'number' ? flat[button] : flat.find((one) => one.text === button || one.id === button)
      if (pressed === undefined || message.deletedAt !== undefined) throw new PhoneError('There is no such button')
      for (let count = 0; count < times; count++) {
        message.pressed.push({ at: network.now(), text: pressed.text })
        if (pressed.kind === 'contact') handset.shareContact(messenger as 'telegram' | 'max', { account: message.account })
        else if (pressed.kind === 'text') hands[messenger].write(patient, message.account, pressed.text)
        else if (pressed.kind === 'callback') hands[messenger].press(patient, message, pressed)
      }
      hands[messenger].read?.(patient, message)
      phones.onChange()
      return message
    },
    reply(messenger, text, { account, quote } = {}) {
      const chosen = choose(messenger, account)
      handset.read(messenger)
      return hands[messenger].write(patient, chosen, text, quote)
    },
    start(messenger, { account, payload = '', quietly = false } = {}) {
      hands[messenger].start?.(patient, choose(messenger, account), payload, quietly)
      phones.onChange()
    },
    shareContact: (messenger, { account } = {}) => hands[messenger].shareContact!(patient, choose(messenger, account), card('own')),
    forgeContact: (messenger, { account, kind = 'foreign', phone = '+79000000077' } = {}) =>
      hands[messenger].shareContact!(patient, choose(messenger, account), kind === 'unsigned' ? card(kind) : card(kind, phone, 'Мама')),
    block(messenger, { account } = {}) {
      hands[messenger].block(patient, choose(messenger, account), true)
      phones.onChange()
    },
    unblock(messenger, { account } = {}) {
      hands[messenger].block(patient, choose(messenger, account), false)
      phones.onChange()
    },
    read(messenger, messageId) {
      const some = messageId === undefined ? handset.messages(messenger) : [find(messenger, messageId)]
      for (const message of some) if (message.state === 'arrived') hands[messenger].read?.(patient, message)
      phones.onChange()
    },
    mute(messenger, muted, { account } = {}) {
      hands[messenger].mute?.(patient, choose(messenger, account), muted)
    },
    removeChat(messenger, { account } = {}) {
      hands[messenger].removeChat?.(patient, choose(messenger, account))
    },
    setOnline: (online) => phones.setOnline(patient, online),
    deactivateTelegram() {
      patient.telegramDeactivated = true
      phones.onChange()
    },
  }
  return handset
}
