import { startMailProvider, type SmtpTrouble } from '../../sandbox/messengers/mail.ts'
import { type Trouble, type VendorKind } from './vendor-side.ts'

/** What a provider of mail does: takes letters, meets one with an answer of its own, takes no password, or holds these letters and no others. */
export type MailAnswer = 'accept' | 'noPassword' | SmtpTrouble | { readonly holds: readonly string[]; readonly validity?: number }

/** The clinic's mailbox and a patient's. */
export interface Correspondents {
  readonly clinic: { readonly address: string; readonly password: string }
  readonly patient: string
}

const troubles: Readonly<Record<Trouble, SmtpTrouble>> = { hangUp: { at: 'END', answer: 'drop' }, stayQuiet: { at: 'END', answer: 'hang' } }

/** A provider of mail with its two servers. */
export const overMail = ({ clinic, patient }: Correspondents): VendorKind<MailAnswer> => ({
  nobody: { smtp: 'smtp://127.0.0.1:1', imap: 'imap://127.0.0.1:1' },
  hangUpCode: 'ECONNECTION',
  start: async () => {
    const provider = await startMailProvider()
    const mailbox = provider.add(clinic.address, clinic.password)
    provider.add(patient)
    const meet = (answer: MailAnswer | Trouble): void => {
      if (answer === 'noPassword') mailbox.password = `${clinic.password}, changed`
      else if (answer === 'hangUp' || answer === 'stayQuiet') {
        provider.nextTrouble(troubles[answer])
        if (answer === 'stayQuiet') provider.silentAt = 'GREETING'
      } else if (answer !== 'accept') {
        if ('at' in answer) provider.nextTrouble(answer)
        else {
          Object.assign(mailbox, { letters: [], uidNext: 1, validity: answer.validity ?? mailbox.validity })
          for (const letter of answer.holds) provider.put(mailbox, letter)
        }
      }
    }
    return {
      form: { smtp: provider.smtpUrl, imap: provider.imapUrl },
      url: provider.imapUrl,
      replies: (...answers) => {
        provider.calmDown()
        provider.carried.length = 0
        mailbox.password = clinic.password
        answers.forEach(meet)
      },
      taken: () => provider.carried.length,
      session: {
        receives: (text) => void provider.write({ from: patient, to: clinic.address, text }),
        cut: () => [...provider.imapSessions].forEach((session) => session.end()),
        held: () => provider.imapSessions.size,
      },
      close: async () => provider.stop(),
    }
  },
})
