import { type FastifyInstance } from 'fastify'

import { parseMultipart, rawOf } from './bodies.ts'
import { kindOfMime, makeFile, sniff, type PhoneFile } from './files.ts'
import { type Stage } from './stage.ts'
import { param, vkAnswer, vkError, type Route, type VkCommunity } from './vk.ts'

/** Files of messages, as VK stores them. */
export interface VkFiles {
  /** The stored files that an `attachment` names; undefined when one is unknown or another community's. */
  attached(community: VkCommunity, names: string | undefined): PhoneFile[] | undefined
}

const photos = 4
const docs = 131_072
const refused = /\.(?:mp3|exe|msi|apk|bat|cmd|com|scr|jar)$/i

/** Registers uploading in three steps: a place, the bytes, the saving. */
export function registerVkFiles(app: FastifyInstance, stage: Stage, route: Route, nextId: () => number): VkFiles {
  const places = new Map<string, { kind: 'photo' | 'doc' | 'audio_message', peer: number }>()
  const waiting = new Map<string, PhoneFile>()
  const saved = new Map<string, PhoneFile>()
  let count = 0

  const announce = (kind: 'photo' | 'doc' | 'audio_message', peer: number): string => {
    const key = stage.random.letters(24)
    places.set(key, { kind, peer })
    return `${stage.origin()}/vk-upload/${key}`
  }
  const keep = (community: VkCommunity, kind: 'photo' | 'doc', file: PhoneFile): { id: number, owner_id: number, access_key: string } => {
    const one = { id: nextId() * 1000 + count++, owner_id: -community.groupId, access_key: stage.random.hex(16) }
    saved.set(`${kind}${one.owner_id}_${one.id}`, file)
    return one
  }

  route('photos.getMessagesUploadServer', photos, 'call', (_community, fields) => vkAnswer({ album_id: -64, upload_url: announce('photo', Number(fields.peer_id)), user_id: 0 }), () => true)
  route('docs.getMessagesUploadServer', docs, 'call', (community, fields) => {
    const patient = stage.phones.byVkId(Number(fields.peer_id))
    if (patient === undefined || !stage.phones.chat(patient, 'vk', String(community.groupId)).started) return vkError(901, "Can't send messages for users without permission")
    if (fields.type !== 'doc' && fields.type !== 'audio_message') return param('type')
    return vkAnswer({ upload_url: announce(fields.type, Number(fields.peer_id)) })
  }, () => true)

  app.post<{ Params: { key: string } }>('/vk-upload/:key', (request, reply) => {
    const place = places.get(request.params.key)
    const { files } = parseMultipart(rawOf(request.body), request.headers['content-type'] ?? '')
    const part = files[place?.kind === 'photo' ? 'photo' : 'file']
    if (place === undefined || part === undefined) return reply.send({ error: 'ERR_UPLOAD_BAD_IMAGE_TYPE: no file', error_descr: 'no file' })
    const type = sniff(part.data)
    const token = stage.random.letters(32)
    if (place.kind === 'photo') {
      const isShown = type === 'image/jpeg' || type === 'image/png' || type === 'image/gif'
      if (isShown) waiting.set(token, makeFile(stage.random, { bytes: part.data, name: part.filename, mimeType: type, kind: 'image' }))
      return reply.send({ server: 626_627, photo: isShown ? JSON.stringify([{ photo: token }]) : '[]', hash: token })
    }
    if (refused.test(part.filename) || (place.kind === 'audio_message' && type !== 'audio/ogg')) return reply.send({ error: 'unknown error', error_descr: 'extension is not allowed' })
    const kind = place.kind === 'audio_message' ? 'voice' : kindOfMime(part.contentType) === 'image' ? 'image' : 'file'
    waiting.set(token, makeFile(stage.random, { bytes: part.data, name: part.filename, mimeType: part.contentType, kind }))
    return reply.send({ file: token })
  })

  route('photos.saveMessagesPhoto', photos, 'call', (community, fields) => {
    const file = waiting.get(fields.hash ?? '')
    if (file === undefined || fields.photo !== JSON.stringify([{ photo: fields.hash }])) return vkError(129, 'Invalid photo')
    return vkAnswer([{ ...keep(community, 'photo', file), album_id: -64, date: 0, sizes: [] }])
  }, () => true)
  route('docs.save', docs, 'call', (community, fields) => {
    const file = waiting.get(fields.file ?? '')
    if (file === undefined) return vkError(105, "Couldn't save file")
    const kept = keep(community, 'doc', fields.title === undefined ? file : Object.assign(file, { name: fields.title }))
    return vkAnswer(file.kind === 'voice' ? { type: 'audio_message', audio_message: kept } : { type: 'doc', doc: { ...kept, title: file.name } })
  }, () => true)

  app.get<{ Params: { id: string } }>('/vk-store/:id', (request, reply) => {
    const file = stage.phones.file(request.params.id)
    return file === undefined ? reply.code(404).send('') : reply.type(file.mimeType).send(file.bytes)
  })

  return {
    attached(community, names) {
      const found = (names ?? '').split(',').filter((name) => name !== '').map((name) => {
        const [, kind = '', owner = '', id = '', key] = /^(photo|doc)(-?\d+)_(\d+)(?:_(\w+))?$/.exec(name) ?? []
        const own = saved.get(`${kind}${owner}_${id}`)
        // A file of a message is named by what the message shows of it.
        return Number(owner) === -community.groupId ? own : key === undefined ? undefined : stage.phones.file(key)
      })
      return found.includes(undefined) ? undefined : found as PhoneFile[]
    },
  }
}
