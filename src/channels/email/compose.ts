import MailComposer from 'nodemailer/lib/mail-composer/index.js'
import { type OutboundMessage } from '../channel.ts'
import { renderRich, type Marks } from '../../domain/rich-text.ts'
import { domainOf, type EmailCredentials } from './credentials.ts'

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')

const html: Marks = {
  text: escape,
  lineBreak: '<br>\n',
  bold: (inner) => `<b>${inner}</b>`,
  italic: (inner) => `<i>${inner}</i>`,
  underline: (inner) => `<u>${inner}</u>`,
  strike: (inner) => `<s>${inner}</s>`,
  quote: (inner) => `<blockquote>${inner}</blockquote>`,
  code: (text) => `<code>${escape(text)}</code>`,
  link: (inner, url) => `<a href="${escape(url)}">${inner === '' ? escape(url) : inner}</a>`,
}

/** The letter's words for programs that show HTML; everything that is not ours is escaped. */
export const htmlOf = ({ text, rich }: Pick<OutboundMessage, 'text' | 'rich'>): string => {
  const inner = rich === undefined ? escape(text).replace(/\r?\n/g, '<br>\n') : renderRich(rich, html)
  return `<!doctype html><html><body>${inner}</body></html>`
}

/** Our id of a letter, without brackets: it holds the attempt or the message, so that answers and bounces find it. */
export const messageIdOf = (ref: string, credentials: EmailCredentials): string => `${ref}@${domainOf(credentials)}`

/** What the letter of `messageIdOf` belongs to; undefined for a letter that is not ours. */
export const refOf = (messageId: string, credentials: EmailCredentials): string | undefined => {
  const end = `@${domainOf(credentials)}`
  return messageId.endsWith(end) ? messageId.slice(0, -end.length) : undefined
}

/** Where bounces of a letter go, when a clinic gives them an address of their own. */
export const returnPathOf = (ref: string, { bounceAddress, address }: EmailCredentials): string => bounceAddress?.replace('*', ref) ?? address

/** The letter as it goes over the wire. */
export const composeLetter = async (message: OutboundMessage, credentials: EmailCredentials): Promise<Buffer> => {
  const { address, senderName, subject } = credentials
  const composer = new MailComposer({
    from: { name: senderName ?? '', address },
    to: { name: '', address: message.to },
    subject: message.replyTo === undefined ? subject : `Re: ${subject}`,
    messageId: `<${messageIdOf(message.ref, credentials)}>`,
    date: new Date(),
    text: message.text,
    html: htmlOf(message),
    ...(message.replyTo === undefined ? {} : { inReplyTo: `<${message.replyTo}>`, references: [`<${message.replyTo}>`] }),
    // What an application says by itself is said to be so: holiday answers then keep silent. An operator's words have their formatting.
    headers: message.rich === undefined ? { 'Auto-Submitted': 'auto-generated' } : {},
    attachments: message.file === undefined ? [] : [{ filename: message.file.name, contentType: message.file.mimeType, content: Buffer.from(message.file.bytes) }],
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const node = composer.compile()
  return new Promise((resolve, reject) => node.build((error, built) => (error === null ? resolve(built) : reject(error))))
}
