import { randomBytes } from 'node:crypto'
import { type Engine } from '../engine.ts'
import { type LineChat, type StoredFile } from './model.ts'

const mimes: Record<string, string> = {
  jpe: 'image/jpeg', jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', bmp: 'image/bmp',
  mp4: 'video/mp4', webm: 'video/webm', mov: 'video/quicktime', mp3: 'audio/mpeg', ogg: 'audio/ogg', oga: 'audio/ogg', opus: 'audio/ogg', m4a: 'audio/mp4',
  wav: 'audio/wav', pdf: 'application/pdf', txt: 'text/plain; charset=utf-8', doc: 'application/msword',
}
const downloadTimeoutMs = 20_000
const downloadLimitBytes = 100 * 1024 * 1024

/** What kind of file it is goes by the extension alone. */
function typeOf(name: string): { type: StoredFile['type'], mime: string } {
  const mime = mimes[/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream'
  const [family] = mime.split('/')
  return { type: family === 'image' || family === 'video' || family === 'audio' ? family : 'file', mime }
}

/** Keeps a file on the portal's disk. */
export function storeFile(engine: Engine, chat: LineChat, authorId: number, name: string, bytes: Uint8Array): StoredFile {
  const { lines } = engine.world
  const file: StoredFile = {
    id: engine.world.nextId('file'), chatId: chat.id, name, ...typeOf(name), bytes, token: randomBytes(10).toString('hex'), authorId, at: engine.clock.now(),
  }
  lines.files.set(file.id, file)
  lines.fileByToken.set(file.token, file.id)
  return file
}

/** The public short link: whoever has it gets the file, without cookies. */
export function fileLink(engine: Engine, file: StoredFile): string {
  return `${engine.origin}/~${file.token}`
}

/** Downloads what a connector's link leads to; `null` when the portal cannot get it. Nothing but the link goes along: no cookies, no headers of the sender. */
export async function download(url: string): Promise<Uint8Array | null> {
  try {
    const { protocol } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') return null
    const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs), headers: { 'user-agent': 'BitrixCloud BitrixSM/Uploader' } })
    if (!response.ok) {
      await response.body?.cancel()
      return null
    }
    const bytes = new Uint8Array(await response.arrayBuffer())
    return bytes.length === 0 || bytes.length > downloadLimitBytes ? null : bytes
  } catch {
    return null
  }
}

/** Width and height of PNG, GIF and JPEG; nothing for the rest. */
export function imageSize(bytes: Uint8Array): { width: number, height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length > 24 && view.getUint32(0) === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20) }
  if (bytes.length > 10 && view.getUint32(0) === 0x47494638) return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined
  let at = 2
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    // Frame headers, without the tables that share their range.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
