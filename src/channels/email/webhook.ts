import { createHash } from 'node:crypto'
import { type Inbound, type InboundFile, type RawRequest } from '../channel.ts'
import { readAs, readJson } from '../reading.ts'
import { unsupportedText } from '../refusal.ts'
import { normalizeEmail } from '../../domain/email.ts'
import { type FileKind } from '../../domain/message.ts'
import { messageIdOf, refOf } from './compose.ts'
import { type EmailCredentials } from './credentials.ts'
import { classOf } from './errors.ts'
import { letter, type Letter } from './letter.ts'

/** Nobody posts here: letters come through the mailbox that the session watches. */
export const verify = (): boolean => false

export const parse = (request: RawRequest, credentials: EmailCredentials): readonly Inbound[] => {
  const mail = readAs(letter, readJson(request))
  if (mail.report !== undefined) return ofReport(mail, mail.report, credentials)
  if (isAutomatic(mail, credentials)) return ofAutomatic(mail, credentials)
  return ofMessage(mail)
}

/** Our letter that a report or an automatic answer is about: by its id, by the envelope's id, or by the address it came to. */
const aboutOf = ({ to, report, inReplyTo }: Letter, credentials: EmailCredentials): { externalId: string; attemptRef?: string } | undefined => {
  const byAddress = credentials.bounceAddress === undefined ? undefined : starOf(credentials.bounceAddress, to)
  const ref = report?.envelopeId ?? byAddress
  const externalId = report?.messageId ?? (ref === undefined ? inReplyTo : messageIdOf(ref, credentials))
  if (externalId === undefined) return undefined
  const attemptRef = ref ?? refOf(externalId, credentials)
  return attemptRef === undefined ? { externalId } : { externalId, attemptRef }
}

const starOf = (pattern: string, addresses: readonly string[]): string | undefined => {
  const [before = '', after = ''] = pattern.toLowerCase().split('*')
  const found = addresses.find((address) => address.length > before.length + after.length && address.toLowerCase().startsWith(before) && address.toLowerCase().endsWith(after))
  return found?.slice(before.length, found.length - after.length)
}

const timeOf = ({ at }: Letter): { at?: number } => (at === undefined ? {} : { at })

/** "Relayed" and "expanded" mean that a server has it which reports no further; "delayed" says nothing final. */
const ofReport = (mail: Letter, report: NonNullable<Letter['report']>, credentials: EmailCredentials): readonly Inbound[] => {
  const about = aboutOf(mail, credentials)
  if (about === undefined) return []
  switch (report.action) {
    case 'failed':
      return [{ type: 'failure', ...about, failure: { class: classOf(report.status || '5.0.0'), code: report.status || 'failed' }, ...timeOf(mail) }]
    case 'delivered':
      return [{ type: 'receipt', ...about, level: 'delivered', ...timeOf(mail) }]
    case 'relayed':
    case 'expanded':
      return [{ type: 'receipt', ...about, level: 'sent', ...timeOf(mail) }]
    default:
      return []
  }
}

/** Programs that write: holiday answers, mailing lists, robots, bounces that are no reports. Nobody reads what is answered to them (RFC 3834). */
const isAutomatic = ({ marks, from }: Letter, credentials: EmailCredentials): boolean =>
  (marks['auto-submitted'] !== undefined && !marks['auto-submitted'].startsWith('no')) ||
  /\b(?:bulk|junk|list|auto_reply)\b/.test(marks['precedence'] ?? '') ||
  ['x-auto-response-suppress', 'x-autoreply', 'x-autorespond', 'list-id', 'list-unsubscribe'].some((name) => marks[name] !== undefined && marks[name] !== 'no') ||
  marks['return-path']?.replace(/\s/g, '') === '<>' ||
  /^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+=@-]|$)/i.test(from) ||
  // F21: a copy of our own letter.
  normalizeEmail(from) === credentials.address

/** An automatic answer to our letter shows that it came into the mailbox, and not that a person saw it. */
const ofAutomatic = (mail: Letter, credentials: EmailCredentials): readonly Inbound[] => {
  const isAnswer = mail.marks['auto-submitted']?.startsWith('auto-replied') === true && normalizeEmail(mail.from) !== credentials.address
  const about = isAnswer && mail.inReplyTo !== undefined ? aboutOf(mail, credentials) : undefined
  return about === undefined ? [] : [{ type: 'receipt', ...about, level: 'delivered', ...timeOf(mail) }]
}

const kindOf = (mimeType: string): FileKind => {
  const [type = ''] = mimeType.split('/')
  return type === 'image' || type === 'video' || type === 'audio' ? type : 'file'
}

const ofMessage = (mail: Letter): readonly Inbound[] => {
  // One spelling of an address is one person (F11).
  const address = normalizeEmail(mail.from)
  if (address === undefined) return []
  const files = mail.attachments.map(({ part, name, mimeType, sizeBytes }): InboundFile => ({ kind: kindOf(mimeType), ref: `${mail.place}.${part}`, mimeType, sizeBytes, ...(name === undefined ? {} : { name }) }))
  // A subject of their own is a part of what they say; that of an answer is ours.
  const subject = mail.inReplyTo !== undefined || /^(?:re|отв|ha)\s*:/i.test(mail.subject) ? '' : mail.subject
  const text = [subject, mail.text].filter((part) => part !== '').join('\n\n')
  const externalId = mail.messageId ?? createHash('sha256').update(JSON.stringify([address, mail.at, mail.subject, mail.text])).digest('hex')
  return [
    {
      type: 'message',
      externalId,
      chat: { id: address, userId: address, ...(mail.fromName === undefined ? {} : { name: mail.fromName }) },
      text: text === '' && files.length === 0 ? unsupportedText : text,
      ...(mail.inReplyTo === undefined ? {} : { replyTo: mail.inReplyTo }),
      ...(files.length === 0 ? {} : { files }),
      ...timeOf(mail),
    },
  ]
}
