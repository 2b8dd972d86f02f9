import { createHmac } from 'node:crypto'

import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { parseMultipart, rawOf } from './bodies.ts'
import { makeFile, sniff, type FileKind, type PhoneFile } from './files.ts'
import { answerCall, give, type Answer, type Stage, type TroubleAnswers } from './stage.ts'
import { type MaxBot } from './max.ts'

/** Types that files are uploaded as. */
export type UploadType = 'image' | 'video' | 'audio' | 'file'

interface Stored { file: PhoneFile, bot: MaxBot, photoId: number, readyAt: number }
interface Upload { type: UploadType, bot: MaxBot, token: string, isUsed: boolean }

/** Files that MAX keeps, by their tokens. */
export interface MaxFiles {
  /** Answers `POST /uploads`: an address for one file; video and audio have their token at once. */
  announce(bot: MaxBot, type: UploadType): Record<string, unknown>
  /** The file behind a token; `notReady` while MAX is still working on it. */
  take(bot: MaxBot, token: unknown): PhoneFile | 'notReady' | undefined
  /** A file as an attachment of a message, with addresses that end after an hour. */
  show(bot: MaxBot, file: PhoneFile): Record<string, unknown>
  /** What `GET /videos/<token>` answers. */
  showVideo(bot: MaxBot, token: string): Record<string, unknown> | undefined
}

const typeOf: Record<FileKind, string> = { image: 'image', video: 'video', audio: 'file', voice: 'audio', file: 'file', sticker: 'sticker' }
const mebibyte = 1024 * 1024
const mostBytes: Record<UploadType, number> = { image: 50 * mebibyte, video: 250 * mebibyte, audio: 256 * mebibyte, file: 4096 * mebibyte }
const imageTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/bmp']
const hourMs = 3_600_000

/** Registers the addresses that files are uploaded to and fetched from. @see https://dev.max.ru/docs-api/methods/POST/uploads */
export function registerMaxFiles(app: FastifyInstance, stage: Stage, troubles: TroubleAnswers): MaxFiles {
  const uploads = new Map<string, Upload>()
  const stored = new Map<string, Stored>()
  const tokens = new Map<PhoneFile, string>()
  const secret = stage.random.hex(32)

  const store = (bot: MaxBot, file: PhoneFile, token: string, readyAt: number): Stored => {
    const one = { file, bot, photoId: 9_000_000_000 + stored.size, readyAt }
    stored.set(token, one)
    tokens.set(file, token)
    return one
  }
  const tokenOf = (bot: MaxBot, file: PhoneFile): string => {
    let token = tokens.get(file)
    if (token === undefined) {
      token = stage.random.letters(64)
      store(bot, file, token, 0)
    }
    return token
  }

  const sign = (token: string, expires: number): string => createHmac('sha256', secret).update(`${token}/${expires}`).digest('hex').slice(0, 32)
  const addressOf = (token: string): string => {
    const expires = stage.clock.now() + hourMs
    return `${stage.origin()}/max-files/${token}?expires=${expires}&sig=${sign(token, expires)}`
  }

  const failed = (status: number, text: string): Answer => ({ status, code: 'upload', body: { error_code: status, error_data: text } })

  const receive = (upload: Upload, request: FastifyRequest, processingMs: number): Answer => {
    if (upload.isUsed) return failed(400, 'The address has already taken a file')
    const contentType = request.headers['content-type'] ?? 'application/octet-stream'
    const raw = rawOf(request.body)
    const part = contentType.startsWith('multipart/form-data')
      ? parseMultipart(raw, contentType).files.data
      : { data: raw, filename: /filename="?([^";]+)/.exec(request.headers['content-disposition'] ?? '')?.[1] ?? 'file', contentType }
    if (part === undefined || part.data.length === 0) return failed(400, 'There is no file in the field "data"')
    if (part.data.length > mostBytes[upload.type]) return failed(413, 'The file is too large')
    const seen = sniff(part.data)
    if (upload.type === 'image' && (seen === undefined || !imageTypes.includes(seen))) return failed(400, 'The file is not an image')
    if (upload.type === 'video' && !(seen === 'video/mp4' || /matroska|webm|quicktime/.test(part.contentType))) return failed(400, 'The file is not a video')
    upload.isUsed = true
    const kind: FileKind = upload.type === 'audio' ? 'voice' : upload.type
    const file = makeFile(stage.random, { bytes: part.data, name: decodeName(part.filename), mimeType: part.contentType, kind })
    const { photoId } = store(upload.bot, file, upload.token, stage.clock.now() + (upload.type === 'image' ? 0 : processingMs))
    const json = { 'content-type': 'application/json; charset=utf-8' }
    switch (upload.type) {
      case 'image': return { status: 200, code: 'ok', headers: json, body: { photos: { [`${stage.random.letters(42)}==`]: { token: upload.token } } } }
      case 'file': return { status: 200, code: 'ok', headers: json, body: { fileId: photoId, token: upload.token } }
      case 'audio':
      case 'video': return { status: 200, code: 'ok', body: '<retval>1</retval>' }
    }
  }

  app.post('/max-uploads/:id', (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply) => {
    const upload = uploads.get(request.params.id)
    if (upload === undefined) return give(reply, failed(404, 'There is no such address'))
    const to = { messenger: 'max', account: String(upload.bot.userId), method: `upload ${upload.type}`, kind: 'call', isMedia: true } as const
    return answerCall(stage, to, reply, troubles, (behaviour) => receive(upload, request, behaviour.pace === 'instant' ? 0 : behaviour.processingMs))
  })

  app.get('/max-files/:token', (request: FastifyRequest<{ Params: { token: string }, Querystring: Record<string, string> }>, reply) => {
    const { token } = request.params
    const expires = Number(request.query.expires)
    const found = stored.get(token)
    const to = { messenger: 'max', account: found === undefined ? '' : String(found.bot.userId), method: 'file', kind: 'call', isMedia: true } as const
    return answerCall(stage, to, reply, troubles, () => {
      if (found === undefined || request.query.sig !== sign(token, expires) || expires < stage.clock.now()) return failed(403, 'Forbidden')
      return { status: 200, body: found.file.bytes, code: 'ok', headers: { 'content-type': found.file.mimeType } }
    })
  })

  return {
    announce(bot, type) {
      const id = stage.random.letters(32)
      const token = stage.random.letters(64)
      uploads.set(id, { type, bot, token, isUsed: false })
      return { url: `${stage.origin()}/max-uploads/${id}`, ...(type === 'video' || type === 'audio' ? { token } : {}) }
    },
    take(bot, token) {
      const found = typeof token === 'string' ? stored.get(token) : undefined
      if (found?.bot !== bot) return undefined
      return found.readyAt > stage.clock.now() ? 'notReady' : found.file
    },
    show(bot, file) {
      const token = tokenOf(bot, file)
      const { photoId } = stored.get(token)!
      const url = addressOf(token)
      switch (file.kind) {
        case 'image': return { type: 'image', payload: { photo_id: photoId, token, url } }
        case 'sticker': return { type: 'sticker', payload: { url, code: token.slice(0, 12) }, width: 512, height: 512 }
        case 'voice': return { type: 'audio', payload: { url, token }, transcription: null }
        // The address of a video is a page of the player; files are told by `GET /videos`.
        case 'video': return {
          type: 'video', payload: { url: `${stage.origin()}/max-player/${photoId}`, token }, thumbnail: { url }, width: 640, height: 360,
          duration: file.seconds ?? 1,
        }
        case 'audio':
        case 'file': return { type: typeOf[file.kind], payload: { url, token }, filename: file.name, size: file.sizeBytes }
      }
    },
    showVideo(bot, token) {
      const found = stored.get(token)
      if (found?.bot !== bot || found.file.kind !== 'video') return undefined
      return { token, urls: { mp4_720: addressOf(token), mp4_360: addressOf(token) }, thumbnail: null, width: 640, height: 360, duration: found.file.seconds ?? 1 }
    },
  }
}

// Names in multipart heads come as they are or percent-encoded.
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
