import { createHmac } from 'node:crypto'
import { type InboundFile } from '../channels/channel.ts'
import { downloadFile } from '../channels/http.ts'
import { findMessages, type MessageFile } from '../db/messages.ts'
import { findPortal } from '../db/portals.ts'
import { isSameSecret } from '../db/secrets.ts'
import { portalId, type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { callSignal, type Deps } from './deps.ts'

/** The portal shows old dialogues too; a week is what it needs to fetch a file at the latest. */
const linkDays = 7
/** A patient's file that is larger than this is not carried. */
export const mostFileBytes = 50 * 1024 * 1024

const nameOf = (file: MessageFile, index: number): string => {
  const extension = extensions[file.mimeType ?? ''] ?? (file.kind === 'image' ? 'jpg' : file.kind === 'video' ? 'mp4' : file.kind === 'voice' ? 'ogg' : file.kind === 'sticker' ? 'webp' : file.kind === 'audio' ? 'mp3' : 'bin')
  const given = file.name?.replace(/[\\/\p{Cc}]/gu, '_').slice(0, 120)
  return given === undefined || given === '' ? `${file.kind}-${index + 1}.${extension}` : /\.[\p{L}\p{N}]{1,8}$/u.test(given) ? given : `${given}.${extension}`
}

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'image/gif': 'gif', 'video/mp4': 'mp4', 'audio/ogg': 'ogg', 'audio/mpeg': 'mp3', 'audio/mp4': 'm4a',
  'application/pdf': 'pdf', 'text/plain': 'txt', 'application/zip': 'zip', 'application/msword': 'doc', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
}

/** What a file is called where it is shown: with an extension, by which the portal tells pictures. */
export const shownName = nameOf

interface Claims {
  readonly portal: string
  readonly message: number
  readonly index: number
  readonly expiresAt: number
}

const sign = (deps: Deps, payload: string): string => createHmac('sha256', deps.secrets.purposeKey('files')).update(payload).digest('base64url').slice(0, 32)

/** A link to a file of a conversation that works without signing in, for a week: the portal fetches it so, and the history page shows it. */
export const fileLink = (deps: Deps, portal: PortalId, messageId: number, index: number, file: MessageFile, days = linkDays): string => {
  // Whole days: the same file keeps the same address for a day, which browsers and the portal can remember.
  const day = Math.floor(Date.now() / 86_400_000) + days + 1
  const payload = Buffer.from(JSON.stringify([portal, messageId, index, day])).toString('base64url')
  return `${deps.publicUrl()}/files/${payload}.${sign(deps, payload)}/${encodeURIComponent(nameOf(file, index))}`
}

const readToken = (deps: Deps, token: string): Claims | undefined => {
  const [payload = '', signature = ''] = token.split('.')
  if (!isSameSecret(signature, sign(deps, payload))) return undefined
  const [portal, message, index, day] = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as [string, number, number, number]
  return { portal, message, index, expiresAt: day * 86_400_000 }
}

export interface OpenedFile {
  readonly bytes: Uint8Array
  readonly mimeType: string
  readonly name: string
}

/** Files that were fetched a moment ago: the portal asks for what we have just made sure of. */
const mostRemembered = 20
const remembered = new Map<string, OpenedFile>()

/**
 * Fetches a patient's file from its messenger; the key to the messenger never leaves this process.
 *
 * @throws AppError NOT_FOUND for a link that is not ours or too old; ChannelError when the messenger has it no more or does not answer
 */
export const openFile = async (deps: Deps, token: string): Promise<OpenedFile> => {
  const claims = readToken(deps, token)
  if (claims === undefined || claims.expiresAt < Date.now()) throw new AppError('NOT_FOUND', 'Эта ссылка на файл больше не действует: откройте файл из чата ещё раз.')
  return fetchFile(deps, portalId(claims.portal), claims.message, claims.index)
}

/** Where an operator's file lies: in the portal that told of it and nowhere else. */
export const portalFileUrl = async (deps: Deps, portal: PortalId, file: MessageFile): Promise<string | undefined> => {
  const known = await findPortal(deps.db, portal)
  const url = URL.parse(file.url ?? '', known?.clientEndpoint)
  const isThere = url !== null && url.host === URL.parse(known?.clientEndpoint ?? '')?.host && /^https?:$/.test(url.protocol)
  return isThere ? url.href : undefined
}

/** An operator's file for a vendor that fetches it itself. */
const fetchOperatorFile = async (deps: Deps, portal: PortalId, file: MessageFile, index: number): Promise<OpenedFile> => {
  const url = await portalFileUrl(deps, portal, file)
  if (url === undefined) throw new AppError('NOT_FOUND', 'Этого файла больше нет.')
  const signal = callSignal(deps)
  const { bytes, mimeType } = await downloadFile(deps.http, { url }, { signal, maxBytes: mostFileBytes })
  return { bytes, mimeType: file.mimeType ?? mimeType ?? 'application/octet-stream', name: nameOf(file, index) }
}

/** The same by the message. */
export const fetchFile = async (deps: Deps, portal: PortalId, messageId: number, index: number): Promise<OpenedFile> => {
  const key = `${portal} ${messageId} ${index}`
  const known = remembered.get(key)
  if (known !== undefined) return known
  const message = (await findMessages(deps.db, portal, [messageId])).get(messageId)
  const file = message?.files[index]
  const open = message === undefined ? undefined : await deps.connections.byId(portal, message.connectionId)
  if (message !== undefined && file?.url !== undefined && message.deletedAt === undefined) return fetchOperatorFile(deps, portal, file, index)
  if (message === undefined || file?.ref === undefined || open?.channel.download === undefined || message.deletedAt !== undefined) throw new AppError('NOT_FOUND', 'Этого файла больше нет.')
  const signal = callSignal(deps, 2)
  const downloaded = await open.channel.download(file as InboundFile, { credentials: open.credentials, http: deps.http, signal, maxBytes: mostFileBytes })
  const opened = { bytes: downloaded.bytes, mimeType: file.mimeType ?? downloaded.mimeType ?? 'application/octet-stream', name: nameOf(file, index) }
  if (opened.bytes.byteLength <= 8 * 1024 * 1024) {
    remembered.set(key, opened)
    for (const oldest of remembered.keys()) {
      if (remembered.size <= mostRemembered) break
      remembered.delete(oldest)
    }
  }
  return opened
}
