import { z } from 'zod'
import { type InboundFile, type SharedContact, type Said } from '../channel.ts'
import { unsupportedText } from '../refusal.ts'
import { type FileKind, type Place } from '../../domain/message.ts'
import { normalizePhone } from '../../domain/phone.ts'

const card = z.looseObject({ displayName: z.string().optional(), vcard: z.string().optional() })

/** A button or a line of a list that was chosen: each kind of message has its own name for the id and for the words on it. */
const choice = z
  .looseObject({
    stanzaId: z.string().optional(),
    selectedId: z.string().optional(),
    selectedButtonId: z.string().optional(),
    singleSelectReply: z.string().optional(),
    selectedDisplayText: z.string().optional(),
    selectedButtonText: z.string().optional(),
    title: z.string().optional(),
  })
  .optional()

/** The parts of a message that a person fills in. @see https://green-api.com/docs/api/receiving/notifications-format/incoming-message/ */
export const contentSchema = z.looseObject({
  typeMessage: z.string(),
  textMessageData: z.looseObject({ textMessage: z.string() }).optional(),
  extendedTextMessageData: z.looseObject({ text: z.string().optional(), isForwarded: z.boolean().optional() }).optional(),
  fileMessageData: z
    .looseObject({ caption: z.string().optional(), fileName: z.string().optional(), mimeType: z.string().optional(), isForwarded: z.boolean().optional() })
    .optional(),
  locationMessageData: z.looseObject({ nameLocation: z.string().optional(), address: z.string().optional(), latitude: z.number(), longitude: z.number() }).optional(),
  contactMessageData: card.optional(),
  messageData: z.looseObject({ contacts: z.array(card).optional() }).optional(),
  quotedMessage: z.looseObject({ stanzaId: z.string().optional(), textMessage: z.string().optional(), caption: z.string().optional() }).optional(),
  editedMessageData: z.looseObject({ textMessage: z.string().optional(), caption: z.string().optional(), stanzaId: z.string() }).optional(),
  deletedMessageData: z.looseObject({ stanzaId: z.string() }).optional(),
  templateButtonReplyMessage: choice,
  interactiveButtonsReply: choice,
  interactiveButtonsResponse: choice,
  buttonsResponseMessage: choice,
  listResponseMessage: choice,
})

export type Content = z.output<typeof contentSchema>

const choiceOf = (message: Content): z.output<typeof choice> =>
  message.templateButtonReplyMessage ?? message.interactiveButtonsReply ?? message.interactiveButtonsResponse ?? message.buttonsResponseMessage ?? message.listResponseMessage

/** What was pressed and under which message; undefined where nothing was, or the vendor names only the words on the button. */
export const pressOf = (message: Content): { readonly payload: string; readonly messageId?: string } | undefined => {
  const chosen = choiceOf(message)
  const payload = [chosen?.selectedId, chosen?.selectedButtonId, chosen?.singleSelectReply].find((id) => id !== undefined && id !== '')
  if (payload === undefined) return undefined
  return { payload, ...(chosen?.stanzaId === undefined || chosen.stanzaId === '' ? {} : { messageId: chosen.stanzaId }) }
}

const wordsChosen = (message: Content): string | undefined => {
  const chosen = choiceOf(message)
  return chosen?.selectedDisplayText ?? chosen?.selectedButtonText ?? chosen?.title
}

const kinds: Readonly<Record<string, FileKind>> = {
  imageMessage: 'image',
  videoMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'file',
  stickerMessage: 'sticker',
}

/** A kind that cannot be shown is told in words, so that it is not lost. `where` names the message to GREEN-API when its file is asked for. */
export const contentOf = (message: Content, where: { readonly idMessage: string; readonly chatId: string }): Said => {
  const file = fileOf(message, where)
  const place = placeOf(message)
  const [contact, ...others] = cardsOf(message)
  const text = message.textMessageData?.textMessage ?? message.extendedTextMessageData?.text ?? message.fileMessageData?.caption ?? wordsChosen(message)
  // An open line shows one card: the numbers of the others are told in words.
  const told = others.map(({ phone, name }) => (name === undefined ? phone : `${name}: ${phone}`)).join('\n')
  const isEmpty = (text === undefined || text === '') && file === undefined && place === undefined && contact === undefined
  const isForwarded = message.extendedTextMessageData?.isForwarded === true || message.fileMessageData?.isForwarded === true
  return {
    text: isEmpty ? unsupportedText : (text ?? told),
    ...(file === undefined ? {} : { files: [file] }),
    ...(place === undefined ? {} : { place }),
    ...(contact === undefined ? {} : { contact }),
    ...(isForwarded ? { isForwarded } : {}),
  }
}

/** The address in a webhook is a key and ends: the reference is the message, whose file is asked for afresh. A voice message is Ogg. */
const fileOf = ({ typeMessage, fileMessageData }: Content, where: { readonly idMessage: string; readonly chatId: string }): InboundFile | undefined => {
  const kind = kinds[typeMessage]
  if (kind === undefined || fileMessageData === undefined) return undefined
  const mimeType = fileMessageData.mimeType?.split(';')[0]?.trim()
  const name = fileMessageData.fileName?.trim()
  return {
    kind: kind === 'audio' && mimeType === 'audio/ogg' ? 'voice' : kind,
    ref: `${where.idMessage} ${where.chatId}`,
    ...(name === undefined || name === '' ? {} : { name }),
    ...(mimeType === undefined || mimeType === '' ? {} : { mimeType }),
  }
}

const placeOf = ({ locationMessageData: at }: Content): Place | undefined =>
  at === undefined
    ? undefined
    : {
        latitude: at.latitude,
        longitude: at.longitude,
        ...(at.nameLocation === undefined || at.nameLocation === '' ? {} : { title: at.nameLocation }),
        ...(at.address === undefined || at.address === '' ? {} : { address: at.address }),
      }

/** A card from the address book proves nothing about the sender. `waid` is international, the number as somebody typed it. */
const cardsOf = ({ contactMessageData, messageData }: Content): readonly SharedContact[] =>
  [contactMessageData, ...(messageData?.contacts ?? [])].flatMap((one) => {
    const vcard = one?.vcard ?? ''
    const waid = /waid=(\d{7,15})/i.exec(vcard)?.[1]
    const typed = /^(?:item\d+\.)?TEL[^:\n]*:([^\r\n]+)/im.exec(vcard)?.[1]
    const phone = waid === undefined ? normalizePhone(typed ?? '') : `+${waid}`
    if (phone === undefined) return []
    const name = one?.displayName?.trim()
    return [{ phone, isOwn: false, ...(name === undefined || name === '' ? {} : { name }) }]
  })
