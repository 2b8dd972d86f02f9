import { type Channel, type ChannelContext, type ConnectionFacts } from '../channel.ts'
import { fields, parseCredentials, type EmailCredentials } from './credentials.ts'
import { checkImap, download, openSession } from './mailbox.ts'
import { checkSmtp, limits, send } from './send.ts'
import { parse, verify } from './webhook.ts'

/** Logs in at both servers. */
const check = async (context: ChannelContext<EmailCredentials>): Promise<ConnectionFacts> => {
  await checkSmtp(context)
  const sessionStart = await checkImap(context)
  const { address, smtp, imap, folder } = context.credentials
  return {
    title: address,
    sessionStart,
    details: [
      { label: { ru: 'Исходящая почта', en: 'Outgoing mail' }, value: new URL(smtp).host },
      { label: { ru: 'Входящая почта', en: 'Incoming mail' }, value: `${new URL(imap).host}, ${folder}` },
    ],
  }
}

/**
 * E-mail: letters by SMTP, answers and bounces by IMAP.
 *
 * Not idempotent: a Message-ID that was seen before does not stop a second letter.
 */
export const email: Channel<EmailCredentials> = {
  id: 'email',
  title: { ru: 'Электронная почта', en: 'E-mail' },
  family: { ru: 'Почта', en: 'E-mail' },
  receipts: ['accepted', 'sent', 'delivered'],
  limits,
  canStart: 'anyone',
  addressedBy: 'email',
  isIdempotent: false,
  fields,
  session: { carriesSends: false, open: openSession },
  parseCredentials,
  connect: check,
  disconnect: () => Promise.resolve(),
  check,
  verify,
  parse,
  send,
  download,
}
