import { readFileSync } from 'node:fs'
import path from 'node:path'

import { type Random } from './random.ts'

/** What a messenger takes a file for; `voice` is spoken into the phone, `audio` is a recording that was attached. */
export type FileKind = 'image' | 'video' | 'audio' | 'voice' | 'file' | 'sticker'

/** A file of a message, as it is on the phone. */
export interface PhoneFile {
  /** Key of `GET /sandbox/files/<id>`. */
  id: string
  kind: FileKind
  name: string
  mimeType: string
  bytes: Buffer
  /** What the messenger says of the size; it differs from `bytes` only where a test wants a huge file without its bytes. */
  sizeBytes: number
  /** Length of a voice, an audio or a video. */
  seconds?: number
}

/** A file as it is handed over to be sent. What is left out is guessed from the rest. */
export interface FileToSend {
  bytes?: Uint8Array
  name?: string
  mimeType?: string
  kind?: FileKind
  sizeBytes?: number
  seconds?: number
}

/** A point on the map. */
export interface Place { latitude: number, longitude: number, name?: string, address?: string }

const samples = path.join(import.meta.dirname, 'samples')
const sampleOf: Record<FileKind, { file: string, name: string, mimeType: string, seconds?: number }> = {
  image: { file: 'photo.jpg', name: 'photo.jpg', mimeType: 'image/jpeg' },
  voice: { file: 'voice.ogg', name: 'voice.ogg', mimeType: 'audio/ogg; codecs=opus', seconds: 2 },
  audio: { file: 'voice.ogg', name: 'recording.ogg', mimeType: 'audio/ogg', seconds: 2 },
  video: { file: 'video.mp4', name: 'video.mp4', mimeType: 'video/mp4', seconds: 1 },
  file: { file: 'results.pdf', name: 'Анализы.pdf', mimeType: 'application/pdf' },
  sticker: { file: 'sticker.webp', name: 'sticker.webp', mimeType: 'image/webp' },
}

/** The kind that a MIME type is sent as when nobody says otherwise. */
export function kindOfMime(mimeType: string): FileKind {
  const [group] = mimeType.split('/')
  return group === 'image' || group === 'video' || group === 'audio' ? group : 'file'
}

/** Makes a file of what is known of it; the sample of its kind when there are no bytes. */
export function makeFile(random: Random, { bytes, name, mimeType, kind, sizeBytes, seconds }: FileToSend): PhoneFile {
  const type = kind ?? (mimeType === undefined ? 'file' : kindOfMime(mimeType))
  const sample = sampleOf[type]
  const data = bytes === undefined ? readFileSync(path.join(samples, sample.file)) : Buffer.from(bytes)
  const length = seconds ?? sample.seconds
  return {
    id: random.letters(24), kind: type, name: name ?? sample.name, mimeType: mimeType ?? sample.mimeType, bytes: data,
    sizeBytes: sizeBytes ?? data.length, ...(length === undefined ? {} : { seconds: length }),
  }
}

/** What the bytes themselves say they are, for the few formats that vendors look into. */
export function sniff(bytes: Buffer): 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif' | 'image/bmp' | 'audio/ogg' | 'audio/mpeg' |
  'video/mp4' | 'application/pdf' | undefined {
  const head = bytes.toString('latin1', 0, 12)
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (head.startsWith('\x89PNG')) return 'image/png'
  if (head.startsWith('RIFF') && head.slice(8) === 'WEBP') return 'image/webp'
  if (head.startsWith('GIF8')) return 'image/gif'
  if (head.startsWith('BM')) return 'image/bmp'
  if (head.startsWith('OggS')) return 'audio/ogg'
  if (head.startsWith('ID3') || /^\xff[\xfb\xf3\xf2]/.test(head)) return 'audio/mpeg'
  if (head.slice(4, 8) === 'ftyp') return 'video/mp4'
  return head.startsWith('%PDF') ? 'application/pdf' : undefined
}

/** A name with the extension that its MIME type has, for stores that name files themselves. */
export function extensionOf(name: string, mimeType: string): string {
  const known: Record<string, string> = {
    'image/jpeg': '.jpg', 'image/png': '.png', 'image/webp': '.webp', 'audio/ogg': '.oga', 'audio/mpeg': '.mp3', 'video/mp4': '.mp4',
  }
  return known[mimeType.split(';')[0]!.trim()] ?? path.extname(name)
}
