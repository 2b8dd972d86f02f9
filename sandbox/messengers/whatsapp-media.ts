import { createHash } from 'node:crypto'

import { type FastifyInstance, type FastifyRequest } from 'fastify'

import { parseMultipart, rawOf } from './bodies.ts'
import { kindOfMime, makeFile, type FileKind, type PhoneFile } from './files.ts'
import { type Answer, type Stage } from './stage.ts'
import { type CallNumber, type OpenNumber, type WhatsAppNumber } from './whatsapp.ts'
import { graphError, unknownObject } from './whatsapp-errors.ts'

/** A file that Meta keeps for a number. */
export interface Medium { id: string, file: PhoneFile, sha256: Buffer, number: WhatsAppNumber, until: number }

/** Files of all numbers. */
export interface Media {
  /** Keeps what a person sent: for a week, uploads for a month. */
  keep(number: WhatsAppNumber, file: PhoneFile, days: number): Medium
  find(id: string): Medium | undefined
  /** What `GET /<media id>` answers, with an address that is good for five minutes. */
  show(medium: Medium): Record<string, unknown>
}

type ById = FastifyRequest<{ Params: { id: string }, Querystring: Record<string, string> }>

const mebibyte = 1024 * 1024
const fiveMinutesMs = 300_000

const uploadable = ['audio/aac', 'audio/mp4', 'audio/mpeg', 'audio/amr', 'audio/ogg', 'audio/opus', 'application/vnd.ms-powerpoint',
  'application/msword', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'application/pdf', 'text/plain', 'application/vnd.ms-excel',
  'image/jpeg', 'image/png', 'image/webp', 'video/mp4', 'video/3gpp']

/** What each type of message may carry. @see https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types */
const fits: Record<string, { title: string, types: readonly string[], shown: string, mostBytes: number }> = {
  image: { title: 'Image', types: ['image/jpeg', 'image/png'], shown: 'image/png, image/jpeg', mostBytes: 5 * mebibyte },
  video: { title: 'Video', types: ['video/mp4', 'video/3gpp'], shown: 'video/mp4, video/3gpp', mostBytes: 16 * mebibyte },
  audio: {
    title: 'Audio', types: ['audio/ogg', 'audio/mpeg', 'audio/amr', 'audio/mp4', 'audio/aac'],
    shown: 'audio/ogg; codecs=opus, audio/mpeg, audio/amr, audio/mp4, audio/aac', mostBytes: 16 * mebibyte,
  },
  sticker: { title: 'Sticker', types: ['image/webp'], shown: 'image/webp', mostBytes: 500 * 1024 },
  document: { title: 'Document', types: uploadable, shown: uploadable.join(', '), mostBytes: 100 * mebibyte },
}

const bare = (mimeType: string): string => mimeType.split(';')[0]!.trim().toLowerCase()

/** Why a stored file cannot go as a message of this type, in Meta's words; undefined when it can. It is told after the send. */
export function misfitOf(type: string, { mimeType, sizeBytes }: PhoneFile): string | undefined {
  const fit = fits[type]!
  if (!fit.types.includes(bare(mimeType))) return `Unsupported ${fit.title} mime type ${mimeType}. Please use one of ${fit.shown}.`
  return sizeBytes > fit.mostBytes ? `${fit.title} file size is too big. Maximum size is ${fit.mostBytes} bytes.` : undefined
}

/** Registers upload, look-up, deletion and the addresses of files. @see https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media */
export function registerMedia(app: FastifyInstance, stage: Stage, open: OpenNumber, call: CallNumber): Media {
  const kept = new Map<string, Medium>()

  const media: Media = {
    keep(number, file, days) {
      const medium = {
        id: stage.random.digits(16), file, sha256: createHash('sha256').update(file.bytes).digest(), number,
        until: stage.clock.now() + days * 86_400_000,
      }
      kept.set(medium.id, medium)
      return medium
    },
    find(id) {
      const medium = kept.get(id)
      return medium === undefined || medium.until < stage.clock.now() ? undefined : medium
    },
    show: ({ id, file, sha256 }) => ({
      url: `${stage.origin()}/wa-media/${id}?eat=${stage.clock.now() + fiveMinutesMs}`, mime_type: file.mimeType,
      sha256: sha256.toString('hex'), file_size: file.sizeBytes, id, messaging_product: 'whatsapp',
    }),
  }

  app.post('/wa/:version/:id/media', (request: ById, reply) => {
    const { id } = request.params
    const opened = open(request, id, (number) => number.phoneNumberId === id)
    return call(reply, opened, id, 'POST media', 'call', (number) => upload(number, request), true)
  })

  const upload = (number: WhatsAppNumber, request: ById): Answer => {
    const { fields, files } = parseMultipart(rawOf(request.body), request.headers['content-type'] ?? '')
    if (fields.messaging_product !== 'whatsapp') return graphError(400, 100, '(#100) The parameter messaging_product is required.')
    if (files.file === undefined) return graphError(400, 100, '(#100) The parameter file is required.')
    const { data, contentType, filename } = files.file
    const type = bare(contentType)
    if (!uploadable.includes(type)) {
      return graphError(400, 100, `(#100) Param file must be a file with one of the following types: ${uploadable.join(', ')}. ` +
        `Received file of type '${type}'.`)
    }
    const kind = kindOfUpload(type)
    if (data.length === 0 || data.length > fits[kind]!.mostBytes) {
      return graphError(400, 131053, '(#131053) Media upload error', data.length === 0 ? 'File is empty.' : 'File size is too big.')
    }
    const file = makeFile(stage.random, { bytes: data, name: filename, mimeType: contentType, kind: kindOfMime(type) })
    return { status: 200, body: { id: media.keep(number, file, 30).id }, code: 'ok' }
  }

  app.delete('/wa/:version/:id', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => media.find(id)?.number === number), id, 'DELETE media', 'call', () =>
      ({ status: 200, body: { success: kept.delete(id) }, code: 'ok' }))
  })

  // The address wants the token as well, and ends.
  app.get('/wa-media/:id', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => media.find(id)?.number === number), id, 'GET media bytes', 'call', () => {
      const medium = media.find(id)
      if (medium === undefined) return unknownObject(id)
      if (!(Number(request.query.eat) >= stage.clock.now())) return { status: 404, body: 'Not Found', code: '404' }
      return { status: 200, body: medium.file.bytes, code: 'ok', headers: { 'content-type': medium.file.mimeType } }
    }, true)
  })

  return media
}

function kindOfUpload(type: string): string {
  if (type === 'image/webp') return 'sticker'
  const kind: FileKind = kindOfMime(type)
  return kind === 'file' ? 'document' : kind
}
