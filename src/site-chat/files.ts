/** Files of the chat on the site: their bytes are kept in the database, so that every process has them. */
import { sql } from 'kysely'
import { type Db } from '../db/database.ts'
import { type FileKind } from '../domain/message.ts'
import { type Site, type StoredFile, type Visitor } from './store.ts'

/** Types that a visitor may send: what doctors are shown and no program. */
const documents = [
  'application/pdf', 'application/msword', 'application/rtf', 'application/vnd.ms-excel', 'application/vnd.oasis.opendocument.text',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'text/plain', 'application/dicom',
] as const
const pictures = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/heic'] as const
const sounds = ['audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/webm'] as const
const films = ['video/mp4', 'video/quicktime', 'video/webm'] as const

export const allowedTypes: readonly string[] = [...documents, ...pictures, ...sounds, ...films]
export const mostFileBytes = 20 * 1024 * 1024

export const kindOf = (mimeType: string): FileKind => {
  if ((pictures as readonly string[]).includes(mimeType)) return 'image'
  if (mimeType.startsWith('audio/')) return 'audio'
  return mimeType.startsWith('video/') ? 'video' : 'file'
}

const starts: readonly (readonly [type: string, at: number, bytes: string])[] = [
  ['image/jpeg', 0, 'ffd8ff'],
  ['image/png', 0, '89504e470d0a1a0a'],
  ['image/gif', 0, '474946383'],
  ['image/webp', 8, '57454250'],
  ['application/pdf', 0, '255044462d'],
]

/** Whether the bytes are what their type says, for the types that browsers show at once. */
export const isWhatItSays = (mimeType: string, bytes: Buffer): boolean => {
  const start = starts.find(([type]) => type === mimeType)
  return start === undefined || bytes.toString('hex', start[1], start[1] + 16).startsWith(start[2])
}

/** Shown inside the page; everything else is saved to the disk. */
export const isShown = (mimeType: string): boolean => ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].includes(mimeType)

/** A name that a person reads: no path, no control characters, and not too long. */
export const cleanName = (name: string): string => {
  const last = name.split(/[/\\]/).at(-1)!.replace(/\p{C}/gu, '').trim()
  return last.length <= 120 ? last || 'file' : `${last.slice(0, 100)}${/\.\w{1,8}$/.exec(last)?.[0] ?? ''}`
}

/** Keeps a file once under its id. @returns whether the id is this visitor's */
export const addFile = async (db: Db, visitor: Visitor, file: StoredFile & { readonly bytes: Buffer }): Promise<boolean> => {
  const { site, id } = visitor
  const { rows } = await sql<{ is_own: boolean }>`
    with f as (
      insert into site_files (portal_id, connection_id, visitor_id, file_id, kind, name, mime_type, size_bytes, bytes)
      select portal_id, connection_id, visitor_id, ${file.id}, ${file.kind}, ${file.name}, ${file.mimeType}, ${file.bytes.byteLength}, ${file.bytes} from site_visitors
      where portal_id = ${site.portalId} and connection_id = ${site.connectionId} and visitor_id = ${id} on conflict do nothing returning visitor_id
    )
    select true as is_own from f union all
    select visitor_id = ${id} from site_files where portal_id = ${site.portalId} and connection_id = ${site.connectionId} and file_id = ${file.id}`.execute(db)
  return rows.some(({ is_own: isOwn }) => isOwn)
}

type FileRow = { file_id: string; kind: FileKind; name: string; mime_type: string; size_bytes: number; visitor_id: string }

/** What is known of a file, the bytes apart. */
export const describeFile = async (db: Db, site: Site, fileId: string): Promise<(StoredFile & { readonly visitorId: string }) | undefined> => {
  const { rows } = await sql<FileRow>`
    select file_id, kind, name, mime_type, size_bytes, visitor_id from site_files where portal_id = ${site.portalId} and connection_id = ${site.connectionId} and file_id = ${fileId}`.execute(db)
  const row = rows[0]
  if (row === undefined) return undefined
  return { id: row.file_id, kind: row.kind, name: row.name, mimeType: row.mime_type, sizeBytes: row.size_bytes, visitorId: row.visitor_id }
}

export const bytesOf = async (db: Db, site: Site, fileId: string): Promise<Buffer | undefined> => {
  const { rows } = await sql<{ bytes: Buffer }>`select bytes from site_files where portal_id = ${site.portalId} and connection_id = ${site.connectionId} and file_id = ${fileId}`.execute(db)
  return rows[0]?.bytes
}

/** How many bytes one visitor keeps here. */
export const keptBytes = async (db: Db, { site, id }: Visitor): Promise<number> => {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(size_bytes), 0)::bigint as bytes from site_files where portal_id = ${site.portalId} and connection_id = ${site.connectionId} and visitor_id = ${id}`.execute(db)
  return rows[0]!.bytes
}

/** Takes away what was uploaded a day ago and never sent. */
export const pruneFiles = async (db: Db): Promise<void> => {
  await sql`
    delete from site_files f where f.created_at < now() - interval '1 day' and not exists (
      select from site_messages m where m.portal_id = f.portal_id and m.connection_id = f.connection_id and m.file_id = f.file_id)`.execute(db)
}
