import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { type ChannelChat, type Inbound, type RawRequest } from '../channel.ts'
import { readAs, readJson, sameSecret } from '../reading.ts'
import { fileKinds } from '../../domain/message.ts'
import { type SiteCredentials } from './credentials.ts'

export const verify = (request: RawRequest, { secret }: SiteCredentials): boolean =>
  sameSecret(request.headers['x-site-signature'], createHmac('sha256', secret).update('estafeta site hook\n').update(request.body).digest('hex'))

const envelope = z.looseObject({ update: z.string() })
const common = { id: z.string(), visitor: z.string().min(1), at: z.number().optional() }
const file = z.looseObject({ ref: z.string(), kind: z.enum(fileKinds), name: z.string(), mimeType: z.string(), sizeBytes: z.int().nonnegative() })
const message = z.looseObject({ ...common, text: z.string(), files: z.array(file).default([]), replyTo: z.string().optional(), quotedText: z.string().optional() })
const edit = z.looseObject({ ...common, text: z.string() })
const removal = z.looseObject(common)
const press = z.looseObject({ ...common, press: z.string(), payload: z.string() })
const passed = z.array(z.looseObject({ id: z.string(), ref: z.string() }))
const typing = z.looseObject({ visitor: z.string().min(1), at: z.number().optional() })
const marks = z.looseObject({ delivered: passed, read: passed, at: z.number().optional() })

const chatOf = (visitor: string): ChannelChat => ({ id: visitor, userId: visitor })
const timeOf = (at: number | undefined): { at?: number } => (at === undefined ? {} : { at })

export const parse = (request: RawRequest): readonly Inbound[] => {
  const body = readJson(request)
  switch (readAs(envelope, body).update) {
    case 'message':
      return ofMessage(readAs(message, body))
    case 'edit': {
      const { id, visitor, text, at } = readAs(edit, body)
      return [{ type: 'edit', externalId: id, chat: chatOf(visitor), text, ...timeOf(at) }]
    }
    case 'delete': {
      const { id, visitor, at } = readAs(removal, body)
      return [{ type: 'delete', externalId: id, chat: chatOf(visitor), ...timeOf(at) }]
    }
    case 'press': {
      const { id, visitor, press: externalId, payload, at } = readAs(press, body)
      return [{ type: 'action', externalId, chat: chatOf(visitor), messageId: id, payload, ...timeOf(at) }]
    }
    case 'typing': {
      const { visitor, at } = readAs(typing, body)
      return [{ type: 'typing', chat: chatOf(visitor), ...timeOf(at) }]
    }
    case 'marks':
      return ofMarks(readAs(marks, body))
    default:
      return []
  }
}

const ofMessage = ({ id, visitor, text, files, replyTo, quotedText, at }: z.output<typeof message>): readonly Inbound[] => [
  {
    type: 'message',
    externalId: id,
    chat: chatOf(visitor),
    text,
    ...(files.length === 0 ? {} : { files: files.map(({ ref, kind, name, mimeType, sizeBytes }) => ({ ref, kind, name, mimeType, sizeBytes })) }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(quotedText === undefined || quotedText === '' ? {} : { quotedText }),
    ...timeOf(at),
  },
]

/** Every message that the visitor's mark has passed; a message that was read at once was delivered too. */
const ofMarks = ({ delivered, read, at }: z.output<typeof marks>): readonly Inbound[] =>
  (['delivered', 'read'] as const).flatMap((level) => (level === 'read' ? read : delivered).map(({ id, ref }): Inbound => ({ type: 'receipt', externalId: id, attemptRef: ref, level, ...timeOf(at) })))
