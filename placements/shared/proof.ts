/** Levels of proof in the words of a clinic, and the order between them. */
import type { ChannelInfo } from '../../src/http/schemas.ts'
import type { Language } from './boot.ts'

export type Proof = ChannelInfo['receipts'][number]

/** Weakest first, as the server ranks them. */
export const proofOrder: readonly Proof[] = ['accepted', 'sent', 'delivered', 'read', 'acted']

const words: Record<Language, Record<Proof, { readonly title: string; readonly explanation: string }>> = {
  ru: {
    accepted: { title: 'принято мессенджером', explanation: 'мессенджер взял сообщение; до пациента оно могло не дойти' },
    sent: { title: 'отправлено', explanation: 'сообщение ушло к пациенту; дошло ли оно, неизвестно' },
    delivered: { title: 'доставлено', explanation: 'сообщение пришло на телефон пациента' },
    read: { title: 'прочитано', explanation: 'пациент открыл сообщение' },
    acted: { title: 'нажал кнопку или ответил', explanation: 'самое надёжное: пациент сам отозвался' },
  },
  en: {
    accepted: { title: 'accepted by the messenger', explanation: 'the messenger took the message; it may not have reached the patient' },
    sent: { title: 'sent', explanation: 'the message left for the patient; whether it arrived is not known' },
    delivered: { title: 'delivered', explanation: 'the message is on the patient’s phone' },
    read: { title: 'read', explanation: 'the patient opened the message' },
    acted: { title: 'pressed a button or replied', explanation: 'the surest: the patient answered' },
  },
}

export const proofTitle = (proof: Proof, language: Language): string => words[language][proof].title
export const proofExplanation = (proof: Proof, language: Language): string => words[language][proof].explanation

/** What a step over this channel may wait for, strongest last. */
export const possibleProofs = (channel: Pick<ChannelInfo, 'receipts'>): readonly Proof[] => proofOrder.filter((proof) => channel.receipts.includes(proof))

/**
 * The proof to begin with: delivery where the channel reports it, else an answer of the patient (bots report no delivery),
 * else the best that there is.
 */
export const usualProof = (channel: Pick<ChannelInfo, 'receipts'>): Proof =>
  (['delivered', 'read', 'acted', 'sent'] as const).find((proof) => channel.receipts.includes(proof)) ?? 'accepted'
