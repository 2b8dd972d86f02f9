/** Decisions about who the patient is: how sure we are, what may be offered to make it sure. Pure. */
import type { Candidate, IdentityLog, IdentityProof, IdentityView, PatientView } from '../../../src/http/patient-schemas.ts'
import type { Language } from '../../shared/boot.ts'
import { texts } from './texts.ts'

/**
 * `known` - the card is the patient's and the account beside us is proved; `unproved` - a card, but nobody proved that this account
 * is its person; `unknown` - an account without a card; `empty` - a deal without a contact, and no account either.
 */
export type Standing = 'known' | 'unproved' | 'unknown' | 'empty'

export const standingOf = (view: Pick<PatientView, 'contact' | 'chat'>): Standing => {
  if (view.contact === undefined) return view.chat === undefined ? 'empty' : 'unknown'
  return view.chat !== undefined && view.chat.identity.proof === undefined ? 'unproved' : 'known'
}

/** Medical facts must not be told to whoever sits there. */
export const isDoubtful = (standing: Standing): boolean => standing === 'unknown' || standing === 'unproved'

export const proofBadge = (identity: Pick<IdentityView, 'proof'>, language: Language): { readonly title: string; readonly isProved: boolean } =>
  identity.proof === undefined ? { title: texts[language].notProved, isProved: false } : { title: texts[language].proofs[identity.proof], isProved: true }

/** In what a card's accounts are proved, in one badge: how many, or that there is none. */
export const accountsBadge = (identities: readonly IdentityView[], language: Language): { readonly title: string; readonly isProved: boolean } => {
  const proved = identities.filter(({ proof }) => proof !== undefined).length
  return proved === 0 ? { title: texts[language].noAccounts, isProved: false } : { title: texts[language].accounts(proved), isProved: true }
}

/** Up to two letters of the name; nothing of a name that has no letters (a phone, an emoji). */
export const initialsOf = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => /^\p{L}/u.exec(word)?.[0] ?? '')
    .filter((letter) => letter !== '')
    .slice(0, 2)
    .join('')
    .toUpperCase()

/** `+7 900 000-00-00` as a person reads it; other countries' numbers as they are. */
export const phoneTitle = (phone: string): string => phone.replace(/^\+7(\d{3})(\d{3})(\d{2})(\d{2})$/, '+7 $1 $2-$3-$4')

/** The typed phone can be confirmed by a person: it is there, and nothing proved it yet. */
export const canConfirm = (view: Pick<PatientView, 'chat' | 'contact'>): boolean =>
  view.contact === undefined && view.chat?.claim?.phone !== undefined && !view.chat.claim.isPhoneProved

/** Cards to choose from; the one that the chat is tied to without a proof comes first. */
export const candidatesOf = ({ chat, contact }: Pick<PatientView, 'chat' | 'contact'>): readonly Candidate[] => {
  const found = chat?.candidates ?? []
  return contact === undefined || found.some(({ contactId }) => contactId === contact.contactId) ? found : [{ contactId: contact.contactId, name: contact.name }, ...found]
}

/** What a search is worth asking the server for: two letters or three digits. */
export const isSearchable = (query: string): boolean => {
  const typed = query.trim()
  return /\p{L}/u.test(typed) ? typed.length >= 2 : typed.replace(/\D/g, '').length >= 3
}

export const candidateTitle = ({ name, phone }: Candidate): string => (phone === undefined ? name : `${name}, ${phoneTitle(phone)}`)

type LogLine = IdentityLog['lines'][number]

/** `Привязан по личной ссылке · Telegram` and who did it. */
export const logTitle = (line: LogLine, language: Language): string => {
  const t = texts[language]
  const how: IdentityProof | undefined = line.what === 'bound' ? line.proof : undefined
  const what = how === undefined ? t.log.what[line.what] : `${t.log.what[line.what]} (${t.proofs[how].toLowerCase()})`
  return [what, line.channelTitle?.[language]].filter((part) => part !== undefined).join(' · ')
}

export const byTitle = (by: string, language: Language): string => (by === 'patient' || by === 'application' ? texts[language].log.by[by] : by)

/** Lines that an employee ought to look at: somebody may have tried to enter another person's card. */
export const isSuspicious = ({ what }: Pick<LogLine, 'what'>): boolean => what === 'forgedContact' || what === 'codeWrong' || what === 'notMe'
