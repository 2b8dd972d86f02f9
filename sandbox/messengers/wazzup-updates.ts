import { type PhoneFile } from './files.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { postUpdate, writtenMessage, type Hands, type Said, type Stage } from './stage.ts'
import { type WazzupChannel } from './wazzup.ts'
import { type RetryPolicy, type Webhook } from './webhooks.ts'

/** The vendor does not say how it repeats; a few times within an hour is what is seen. */
const retry: RetryPolicy = { firstMs: 30_000, longestMs: 10 * 60_000, forMs: 3_600_000 }

/** The messenger that a channel's messages are in. */
export const messengerOf = ({ transport }: WazzupChannel): 'whatsapp' | 'telegram' => transport === 'tgapi' ? 'telegram' : 'whatsapp'

/** An id that never comes twice. */
export const newGuid = (stage: Stage): string => {
  const hex = stage.random.hex(32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** How a channel names a person: the number, or in Telegram an id of the gateway's own. */
export const chatIdOf = (channel: WazzupChannel, patient: Patient): string => channel.transport === 'tgapi' ? `${patient.telegramId.toString(16)}-guid` : patient.id

/** One post to the account's address; undefined when nobody wants it. */
export function updateOf(channel: WazzupChannel, kind: string, body: Record<string, unknown>): Webhook | undefined {
  const { account } = channel
  const wanted = 'channelsUpdates' in body ? 'channelsUpdates' : 'messagesAndStatuses'
  if (account.webhooksUri === '' || !account.subscriptions[wanted]) return undefined
  const headers = { 'content-type': 'application/json; charset-utf-8', ...(account.crmKey === '' ? {} : { authorization: `Bearer ${account.crmKey}` }) }
  return { messenger: messengerOf(channel), account: channel.channelId, kind, url: account.webhooksUri, headers, retry, body: Buffer.from(JSON.stringify(body)) }
}

const typesOfFiles: Record<PhoneFile['kind'], string> = { image: 'image', video: 'video', audio: 'audio', voice: 'audio', file: 'document', sticker: 'image' }

/** A message as the vendor tells of it. */
export function messageOf(channel: WazzupChannel, patient: Patient, messageId: string, at: number, said: Said, more: Record<string, unknown>): Record<string, unknown> {
  const [file] = said.files ?? []
  const type = said.isUnsupported === true || said.place !== undefined ? 'unsupported' : said.card !== undefined ? 'vcard' : file === undefined ? 'text' : typesOfFiles[file.kind]
  const digits = said.card?.phone.replace(/\D/g, '')
  const text = said.card === undefined ? said.text : `BEGIN:VCARD\nVERSION:3.0\nFN:${said.card.name}\nTEL;type=CELL;waid=${digits!}:+${digits!}\nEND:VCARD`
  const contact = channel.transport === 'tgapi'
    ? { name: patient.name, username: `user${patient.telegramId}`, ...(patient.hidesPhone ? {} : { phone: patient.id }) }
    : { name: patient.name }
  return {
    messageId, channelId: channel.channelId, chatType: channel.transport === 'tgapi' ? 'telegram' : 'whatsapp', chatId: chatIdOf(channel, patient),
    dateTime: new Date(at).toISOString(), type, contact,
    ...(text === '' ? {} : { text }), ...(file === undefined ? {} : { contentUri: `${channel.baseUrl}/store/${file.id}/?filename=${encodeURIComponent(file.name)}` }), ...more,
  }
}

/** What the owner of a phone does with a number or an account that Wazzup drives. */
export function createWazzupHands(stage: Stage, channels: Map<string, WazzupChannel>, tellRead: (message: PhoneMessage) => void): Hands {
  const tell = (patient: Patient, message: PhoneMessage, said: Said, more: Record<string, unknown>): void => {
    const channel = channels.get(message.account)!
    const webhook = updateOf(channel, 'message', { messages: [messageOf(channel, patient, message.id, stage.clock.now(), said, { isEcho: false, status: 'inbound', ...more })] })
    if (webhook !== undefined) postUpdate(stage, webhook)
  }
  return {
    write(patient, account, said) {
      const files = said.files ?? []
      const parts = files.length < 2 ? [said] : files.map((file, index): Said => ({ ...said, text: index === 0 ? said.text : '', files: [file] }))
      return parts.map((part) => {
        const messenger = messengerOf(channels.get(account)!)
        const message = writtenMessage(stage, messenger, account, newGuid(stage), part)
        stage.phones.keep(patient, message)
        const quoted = part.quote === undefined ? undefined : stage.phones.message(patient, messenger, part.quote.id, account)
        tell(patient, message, part, quoted === undefined ? {} : { quotedMessage: { messageId: quoted.id, text: quoted.text } })
        return message
      })
    },
    press: () => undefined,
    edit(patient, message, text) {
      const oldText = message.text
      rewrite(message, stage.clock.now(), { text })
      tell(patient, message, { text }, { isEdited: true, oldInfo: { oldText } })
    },
    remove(patient, message) {
      message.deletedAt = stage.clock.now()
      tell(patient, message, { text: message.text }, { isDeleted: true })
    },
    block: (patient, account, blocked) => { stage.phones.chat(patient, messengerOf(channels.get(account)!), account).blocked = blocked },
    read(_patient, message) {
      if (message.state !== 'arrived') return
      Object.assign(message, { state: 'read', readAt: stage.clock.now() })
      tellRead(message)
      stage.phones.onChange()
    },
  }
}
