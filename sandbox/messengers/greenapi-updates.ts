import { type GreenApiInstance } from './greenapi.ts'
import { type PhoneFile } from './files.ts'
import { rewrite, type Patient, type PhoneMessage } from './phones.ts'
import { postUpdate, writtenMessage, type Hands, type Said, type Stage } from './stage.ts'
import { type RetryPolicy, type Webhook } from './webhooks.ts'

/** Every minute for 24 hours; what is stuck holds up everything behind it. */
const retry: RetryPolicy = { firstMs: 60_000, longestMs: 60_000, forMs: 24 * 3_600_000 }

/** Which setting must be "yes" for which update. */
const switches: Record<string, keyof GreenApiInstance['settings']> = {
  incomingMessageReceived: 'incomingWebhook',
  outgoingMessageStatus: 'outgoingWebhook',
  outgoingMessageReceived: 'outgoingMessageWebhook',
  outgoingAPIMessageReceived: 'outgoingAPIMessageWebhook',
  stateInstanceChanged: 'stateWebhook',
  incomingCall: 'incomingCallWebhook',
}

/** One update as the vendor posts it; undefined when nobody wants it. */
export function updateOf(
  stage: Stage, instance: GreenApiInstance, typeWebhook: string, kind: string, content: Record<string, unknown>, at = stage.clock.now(),
): Webhook | undefined {
  const { settings } = instance
  if (settings.webhookUrl === '' || settings[switches[typeWebhook] ?? 'incomingWebhook'] !== 'yes') return undefined
  const target = (): { url: string, headers: Record<string, string> } => ({
    url: settings.webhookUrl,
    headers: {
      'content-type': 'application/json',
      ...(settings.webhookUrlToken === '' ? {} : { authorization: settings.webhookUrlToken.includes(' ') ? settings.webhookUrlToken : `Bearer ${settings.webhookUrlToken}` }),
    },
  })
  const instanceData = { idInstance: Number(instance.idInstance), wid: `${instance.phone}@c.us`, typeInstance: instance.typeInstance }
  return {
    messenger: 'whatsapp', account: instance.idInstance, kind, ...target(), retry, orderKey: `greenapi/${instance.idInstance}`,
    refresh: () => settings.webhookUrl === '' ? undefined : target(),
    body: Buffer.from(JSON.stringify({ typeWebhook, instanceData, timestamp: Math.floor(at / 1000), ...content })),
  }
}

/** The name by which a chat of two is known. */
export const chatIdOf = (patient: Patient): string => patient.hidesPhone ? `2147483647${patient.id.slice(-5)}@lid` : `${patient.id}@c.us`

const typesOfFiles: Record<PhoneFile['kind'], string> = {
  image: 'imageMessage', video: 'videoMessage', audio: 'audioMessage', voice: 'audioMessage', file: 'documentMessage', sticker: 'stickerMessage',
}

/** The words of a message in the vendor's shape. */
function contentOf(instance: GreenApiInstance, { text, place, card, isUnsupported }: Said, file: PhoneFile | undefined): Record<string, unknown> {
  if (isUnsupported === true) return { typeMessage: 'hologramMessage' }
  if (file !== undefined) {
    const downloadUrl = `${instance.apiUrl}/files/${file.id}`
    return {
      typeMessage: typesOfFiles[file.kind],
      fileMessageData: { downloadUrl, caption: text, fileName: file.name, jpegThumbnail: '', mimeType: file.mimeType, forwardingScore: 0, isForwarded: false },
    }
  }
  if (place !== undefined) {
    return { typeMessage: 'locationMessage', locationMessageData: { nameLocation: place.name ?? '', address: place.address ?? '', latitude: place.latitude, longitude: place.longitude } }
  }
  if (card !== undefined) {
    const digits = card.phone.replace(/\D/g, '')
    const vcard = `BEGIN:VCARD\nVERSION:3.0\nFN:${card.name}\nTEL;type=CELL;waid=${digits}:+${digits}\nEND:VCARD`
    return { typeMessage: 'contactMessage', contactMessageData: { displayName: card.name, vcard, forwardingScore: 0, isForwarded: false } }
  }
  return { typeMessage: 'textMessage', textMessageData: { textMessage: text } }
}

/** What the owner of a phone does with a number that GREEN-API drives. */
export function createGreenApiHands(stage: Stage, instances: Map<string, GreenApiInstance>, tellRead: (message: PhoneMessage) => void): Hands {
  const newId = (): string => `3EB0${stage.random.hex(16).toUpperCase()}`
  const senderOf = (patient: Patient): Record<string, unknown> =>
    ({ chatId: chatIdOf(patient), chatName: patient.name, sender: chatIdOf(patient), senderName: patient.name, senderContactName: '' })
  const tell = (patient: Patient, account: string, idMessage: string, messageData: Record<string, unknown>): void => {
    const webhook = updateOf(stage, instances.get(account)!, 'incomingMessageReceived', `message:${String(messageData.typeMessage)}`, { idMessage, senderData: senderOf(patient), messageData })
    if (webhook !== undefined) postUpdate(stage, webhook)
  }
  return {
    write(patient, account, said) {
      const files = said.files ?? []
      const parts = files.length < 2 ? [said] : files.map((file, index): Said => ({ ...said, text: index === 0 ? said.text : '', files: [file] }))
      return parts.map((part) => {
        const message = writtenMessage(stage, 'whatsapp', account, newId(), part)
        stage.phones.keep(patient, message)
        const content = contentOf(instances.get(account)!, part, part.files?.[0])
        const quoted = part.quote === undefined ? undefined : stage.phones.message(patient, 'whatsapp', part.quote.id, account)
        tell(patient, account, message.id, part.quote === undefined || part.files !== undefined
          ? content
          : {
              typeMessage: 'quotedMessage', extendedTextMessageData: { text: part.text, description: '', title: '', previewType: 'None', jpegThumbnail: '', forwardingScore: 0, isForwarded: false },
              quotedMessage: { stanzaId: part.quote.id, participant: chatIdOf(patient), typeMessage: 'textMessage', textMessage: quoted?.text ?? '' },
            })
        return message
      })
    },
    press: () => undefined,
    edit(patient, message, text) {
      rewrite(message, stage.clock.now(), { text })
      tell(patient, message.account, newId(), { typeMessage: 'editedMessage', editedMessageData: { textMessage: text, stanzaId: message.id } })
    },
    remove(patient, message) {
      message.deletedAt = stage.clock.now()
      tell(patient, message.account, newId(), { typeMessage: 'deletedMessage', deletedMessageData: { stanzaId: message.id } })
    },
    react(patient, message, emoji) {
      tell(patient, message.account, newId(), {
        typeMessage: 'reactionMessage', extendedTextMessageData: { text: emoji },
        quotedMessage: { stanzaId: message.id, participant: `${instances.get(message.account)!.phone}@c.us`, typeMessage: 'reactionMessage' },
      })
    },
    writeInGroup(patient, account, _kind, text) {
      const webhook = updateOf(stage, instances.get(account)!, 'incomingMessageReceived', 'message:group', {
        idMessage: newId(), senderData: { ...senderOf(patient), chatId: '120363043968066561@g.us' }, messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: text } },
      })
      if (webhook !== undefined) postUpdate(stage, webhook)
    },
    // The other side learns nothing of a block: messages just stay "sent".
    block: (patient, account, blocked) => { stage.phones.chat(patient, 'whatsapp', account).blocked = blocked },
    read(_patient, message) {
      if (message.state !== 'arrived') return
      Object.assign(message, { state: 'read', readAt: stage.clock.now() })
      tellRead(message)
      stage.phones.onChange()
    },
  }
}
