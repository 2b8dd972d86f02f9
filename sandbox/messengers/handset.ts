import { type Messenger } from './behaviour.ts'
import { makeFile, type FileToSend, type PhoneFile, type Place } from './files.ts'
import { PhoneError, type Patient, type PhoneMessage, type Phones } from './phones.ts'
import { type Random } from './random.ts'
import { type ContactCard, type Hands, type Said } from './stage.ts'

/** Which account of a messenger is meant; may be left out where there is only one. */
export interface AccountChoice { account?: string }

/** What may be said of anything that is written: to whom, and which message it answers (with the words that were picked out). */
export interface WritingOptions extends AccountChoice { quote?: string, quoteText?: string }

/** A message on the phone; a `PhoneMessage` is one. */
export interface MessageRef { messenger: Messenger, id: string }

/** A patient's phone in hand. What is done here reaches the application the way the messenger would tell it. */
export interface Handset {
  readonly patient: Patient
  /** What the phone shows, oldest first; deleted messages stay with `deletedAt`. */
  messages(messenger?: Messenger): PhoneMessage[]
  /** Presses a button (its place counted from 0 or its text) of a message, the last one with buttons when left out. */
  press(messenger: Messenger, options?: { messageId?: string, button?: number | string, times?: number }): PhoneMessage
  /** Writes to the account; `quote` answers a certain message. */
  reply(messenger: Messenger, text: string, options?: WritingOptions): PhoneMessage
  /** What is on the screen now: arrived and not deleted. */
  shown(messenger?: Messenger): PhoneMessage[]
  /** Files that are on the screen and came from the account. */
  files(messenger?: Messenger): PhoneFile[]
  /** Sends a file with a caption; a sample of its kind when there are no bytes. `sizeBytes` claims a size without having the bytes. */
  sendFile(messenger: Messenger, file?: FileToSend & { caption?: string }, options?: WritingOptions): PhoneMessage
  sendPhoto(messenger: Messenger, photo?: FileToSend & { caption?: string }, options?: WritingOptions): PhoneMessage
  sendVideo(messenger: Messenger, video?: FileToSend & { caption?: string }, options?: WritingOptions): PhoneMessage
  /** Sends words spoken into the phone: Ogg with Opus. */
  sendVoice(messenger: Messenger, voice?: FileToSend, options?: WritingOptions): PhoneMessage
  sendSticker(messenger: Messenger, options?: WritingOptions): PhoneMessage
  /** Sends several files at once; Telegram and WhatsApp make a message of each, the caption with the first. */
  sendAlbum(messenger: Messenger, files: readonly FileToSend[], options?: WritingOptions & { caption?: string }): PhoneMessage[]
  sendLocation(messenger: Messenger, place?: Place, options?: WritingOptions): PhoneMessage
  /** Sends a card from the address book: somebody else's, or one's own that proves nothing. */
  sendContact(messenger: Messenger, card?: { name?: string, phone?: string }, options?: WritingOptions): PhoneMessage
  /** Sends something that the vendor's API has no words for: a die, a poll. */
  sendUnsupported(messenger: Messenger, options?: WritingOptions): PhoneMessage
  /** Changes the text (the caption) of a message of one's own. @throws PhoneError where the messenger cannot */
  edit(message: MessageRef, text: string): PhoneMessage
  /** Deletes a message of one's own for both sides. Telegram tells bots nothing of it. */
  remove(message: MessageRef): PhoneMessage
  /** WhatsApp only: puts a sign under a message. */
  react(message: MessageRef, emoji: string): void
  /** Telegram and MAX: writes in a group or a channel where the bot is a member; nothing of it is on this phone's list. */
  writeInGroup(messenger: 'telegram' | 'max', text: string, options?: AccountChoice & { kind?: 'group' | 'channel' }): void
  /** Opens a personal link (`https://t.me/<bot>?start=<token>`, `https://max.ru/<bot>?start=<token>`, `https://vk.me/<name>?ref=<token>`) and starts the bot. */
  openLink(url: string): void
  /** WhatsApp names the person by an id only. */
  hidePhone(hidden?: boolean): void
  /** Starts a bot of Telegram, MAX or VK. `quietly`: as if it had been started long ago. */
  start(messenger: 'telegram' | 'max' | 'vk', options?: AccountChoice & { payload?: string, quietly?: boolean }): void
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
  /** MAX only: opens the mini-app of the bot; answers the address with the signed launch data. @throws PhoneError when the bot has none */
  openApp(messenger: 'max', options?: AccountChoice & { payload?: string }): string
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
  random: Random
  /** The account that a public name belongs to. */
  byUsername(messenger: 'telegram' | 'max' | 'vk', username: string): string | undefined
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

  const own = ({ messenger, id }: MessageRef): PhoneMessage => {
    const message = phones.message(patient, messenger, id)
    if (message?.direction !== 'written' || message.deletedAt !== undefined) throw new PhoneError('There is no such message of one\'s own')
    return message
  }

  const write = (messenger: Messenger, said: Said, { account, quote, quoteText }: WritingOptions): PhoneMessage[] => {
    const chosen = choose(messenger, account)
    handset.read(messenger)
    return hands[messenger].write(patient, chosen, { ...said, ...(quote === undefined ? {} : { quote: { id: quote, text: quoteText } }) })
  }

  const send = (
    messenger: Messenger, { caption, ...file }: FileToSend & { caption?: string }, options: WritingOptions,
  ): PhoneMessage => write(messenger, { text: caption ?? '', files: [makeFile(network.random, file)] }, options)[0]!

  const card = (kind: ContactCard['kind'], phone = patient.phone, name = patient.name): ContactCard => ({ kind, phone, name })

  const handset: Handset = {
    patient,
    messages: (messenger) => patient.messages.filter((one) => messenger === undefined || one.messenger === messenger),
    shown: (messenger) => handset.messages(messenger).filter((one) => one.arrivedAt !== undefined && one.deletedAt === undefined),
    files: (messenger) => handset.shown(messenger).filter((one) => one.direction === 'received').flatMap((one) => one.files),
    press(messenger, { messageId, button = 0, times = 1 } = {}) {
      const message = find(messenger, messageId)
      const flat = message.buttons.flat()
      const pressed = typeof button === 'number' ? flat[button] : flat.find((one) => one.text === button || one.id === button)
      if (pressed === undefined || message.deletedAt !== undefined) throw new PhoneError('There is no such button')
      for (let count = 0; count < times; count++) {
        message.pressed.push({ at: network.now(), text: pressed.text })
        if (pressed.kind === 'contact') handset.shareContact(messenger as 'telegram' | 'max', { account: message.account })
        else if (pressed.kind === 'text') hands[messenger].write(patient, message.account, { text: pressed.text })
        else if (pressed.kind === 'callback') hands[messenger].press(patient, message, pressed)
      }
      hands[messenger].read?.(patient, message)
      phones.onChange()
      return message
    },
    reply: (messenger, text, options = {}) => write(messenger, { text }, options)[0]!,
    sendFile: (messenger, file = {}, options = {}) => send(messenger, file, options),
    sendPhoto: (messenger, photo = {}, options = {}) => send(messenger, { kind: 'image', ...photo }, options),
    sendVideo: (messenger, video = {}, options = {}) => send(messenger, { kind: 'video', ...video }, options),
    sendVoice: (messenger, voice = {}, options = {}) => send(messenger, { kind: 'voice', ...voice }, options),
    sendSticker: (messenger, options = {}) => send(messenger, { kind: 'sticker' }, options),
    sendAlbum: (messenger, files, { caption = '', ...options } = {}) =>
      write(messenger, { text: caption, files: files.map((file) => makeFile(network.random, file)) }, options),
    sendLocation: (messenger, place = { latitude: 55.7558, longitude: 37.6176 }, options = {}) => write(messenger, { text: '', place }, options)[0]!,
    sendContact: (messenger, { name = 'Мама', phone = '+79000000077' } = {}, options = {}) =>
      write(messenger, { text: '', card: { name, phone } }, options)[0]!,
    sendUnsupported: (messenger, options = {}) => write(messenger, { text: '', isUnsupported: true }, options)[0]!,
    edit(ref, text) {
      const message = own(ref)
      const hand = hands[ref.messenger]
      if (hand.edit === undefined || message.card !== undefined || message.place !== undefined) throw new PhoneError('This message cannot be edited')
      hand.edit(patient, message, text)
      phones.onChange()
      return message
    },
    remove(ref) {
      const message = own(ref)
      const hand = hands[ref.messenger]
      if (hand.remove === undefined) throw new PhoneError('This message cannot be deleted')
      hand.remove(patient, message)
      phones.onChange()
      return message
    },
    react(ref, emoji) {
      const hand = hands[ref.messenger]
      if (hand.react === undefined) throw new PhoneError(`Bots of ${ref.messenger} hear nothing of reactions`)
      hand.react(patient, find(ref.messenger, ref.id), emoji)
    },
    writeInGroup: (messenger, text, { account, kind = 'group' } = {}) =>
      hands[messenger].writeInGroup?.(patient, choose(messenger, account), kind, text),
    openLink(url) {
      const { hostname, pathname, searchParams } = new URL(url)
      const messenger = hostname === 't.me' ? 'telegram' : hostname === 'max.ru' ? 'max' : hostname === 'vk.me' ? 'vk' : undefined
      const account = messenger === undefined ? undefined : network.byUsername(messenger, pathname.slice(1))
      if (messenger === undefined || account === undefined) throw new PhoneError('The link leads to no bot of the sandbox')
      handset.start(messenger, { account, payload: searchParams.get('start') ?? searchParams.get('ref') ?? '' })
    },
    hidePhone(hidden = true) {
      patient.hidesPhone = hidden
      phones.onChange()
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
    openApp: (messenger, { account, payload = '' } = {}) => hands[messenger].launch!(patient, choose(messenger, account), payload),
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
