import { extensionOf, makeFile, sniff, type FileKind, type PhoneFile } from './files.ts'
import { type UploadedFile } from './bodies.ts'
import { type Stage } from './stage.ts'
import { type TelegramBot } from './telegram.ts'
import { TelegramRefusal } from './telegram-content.ts'

/** Files as one bot knows them: an id belongs to the bot that it was given to. */
export interface TelegramFiles {
  byId: Map<string, PhoneFile>
  idOf: Map<PhoneFile, string>
  /** Addresses that `getFile` gave out, with the moment when they end. */
  paths: Map<string, { file: PhoneFile, until: number }>
}

const mebibyte = 1024 * 1024
const bad = (text: string): TelegramRefusal => new TelegramRefusal(400, `Bad Request: ${text}`)

const prefixes: Record<FileKind, string> = {
  image: 'AgACAgIAAxkB', voice: 'AwACAgIAAxkB', audio: 'CQACAgIAAxkB', video: 'BAACAgIAAxkB', file: 'BQACAgIAAxkB', sticker: 'CAACAgIAAxkB',
}
const folders: Record<FileKind, string> = {
  image: 'photos', voice: 'voice', audio: 'music', video: 'videos', file: 'documents', sticker: 'stickers',
}

/** Makes the store of a new bot. */
export function createTelegramFiles(): TelegramFiles {
  return { byId: new Map(), idOf: new Map(), paths: new Map() }
}

/** The bot's id of a file, new ones included. */
export function fileIdOf(stage: Stage, bot: TelegramBot, file: PhoneFile): string {
  let id = bot.files.idOf.get(file)
  if (id === undefined) {
    id = `${prefixes[file.kind]}${stage.random.letters(48)}`
    bot.files.idOf.set(file, id)
    bot.files.byId.set(id, file)
  }
  return id
}

/** The fields of a message that hold its file. */
export function showFile(stage: Stage, bot: TelegramBot, file: PhoneFile): Record<string, unknown> {
  const id = fileIdOf(stage, bot, file)
  const base = { file_id: id, file_unique_id: `AQAD${id.slice(-12)}`, file_size: file.sizeBytes }
  const duration = file.seconds ?? 1
  switch (file.kind) {
    case 'image': {
      // Every photo comes in several sizes, the largest last.
      const smallId = `${id}s`
      bot.files.byId.set(smallId, { ...file, id: `${file.id}s` })
      return {
        photo: [
          { file_id: smallId, file_unique_id: `${base.file_unique_id}s`, file_size: Math.min(1253, file.sizeBytes), width: 90, height: 67 },
          { ...base, width: 1280, height: 960 },
        ],
      }
    }
    case 'voice': return { voice: { duration, mime_type: file.mimeType.split(';')[0], ...base } }
    case 'audio': return { audio: { duration, file_name: file.name, mime_type: file.mimeType, ...base } }
    case 'video': return { video: { duration, width: 640, height: 360, file_name: file.name, mime_type: file.mimeType, ...base } }
    case 'file': return { document: { file_name: file.name, mime_type: file.mimeType, ...base } }
    case 'sticker':
      return { sticker: { width: 512, height: 512, emoji: '🙂', is_animated: false, is_video: false, type: 'regular', ...base } }
  }
}

/**
 * Reads the file of a send: an upload, an `attach://` reference to one, or the id of a file that the bot knows. What is not fit
 * for its kind is sent as a document, as Telegram does.
 * @see https://core.telegram.org/bots/api#sending-files
 */
export function readInputFile(
  stage: Stage, bot: TelegramBot, parameters: Record<string, any>, field: string, kind: FileKind, value: unknown = parameters[field],
): PhoneFile {
  const given: unknown = typeof value === 'string' && value.startsWith('attach://') ? parameters[value.slice(9)] : value
  if (given === undefined || given === '') throw bad(`there is no ${field} in the request`)
  if (typeof given === 'string') {
    // Telegram fetches addresses by itself and cannot see the loopback interface.
    if (/^https?:\/\//i.test(given)) throw bad('failed to get HTTP URL content')
    const known = bot.files.byId.get(given)
    if (known === undefined) throw bad('wrong file identifier/HTTP URL specified')
    return known
  }
  const { filename, contentType, data } = given as UploadedFile
  if (!Buffer.isBuffer(data)) throw bad('wrong file identifier/HTTP URL specified')
  if (data.length === 0) throw bad('file must be non-empty')
  if (data.length > 50 * mebibyte) throw new TelegramRefusal(413, 'Request Entity Too Large')
  const seen = sniff(data)
  if (kind === 'image') {
    if (data.length > 10 * mebibyte) throw bad('file is too big')
    if (seen === undefined || !seen.startsWith('image/')) throw bad('IMAGE_PROCESS_FAILED')
  }
  const isFit = kind === 'voice' ? seen === 'audio/ogg' || seen === 'audio/mpeg' || /mp4|m4a/.test(contentType)
    : kind === 'video' ? seen === 'video/mp4' : kind !== 'sticker' || seen === 'image/webp'
  return makeFile(stage.random, {
    bytes: data, name: filename, mimeType: kind === 'image' ? 'image/jpeg' : contentType, kind: isFit ? kind : 'file',
  })
}

/** `getFile`: an address that is good for an hour. @throws TelegramRefusal for more than the cloud server gives */
export function getFile(stage: Stage, bot: TelegramBot, fileId: unknown): unknown {
  const file = bot.files.byId.get(String(fileId))
  if (file === undefined) throw bad('invalid file_id')
  if (file.sizeBytes > 20 * mebibyte) throw bad('file is too big')
  const path = `${folders[file.kind]}/file_${bot.files.paths.size}${extensionOf(file.name, file.mimeType)}`
  bot.files.paths.set(path, { file, until: stage.clock.now() + 3_600_000 })
  const id = String(fileId)
  return { file_id: id, file_unique_id: `AQAD${id.slice(-12)}`, file_size: file.sizeBytes, file_path: path }
}

/** The bytes behind an address of `getFile`, while it holds. */
export function fileAt(stage: Stage, bot: TelegramBot, path: string): PhoneFile | undefined {
  const found = bot.files.paths.get(path)
  return found === undefined || found.until < stage.clock.now() ? undefined : found.file
}
