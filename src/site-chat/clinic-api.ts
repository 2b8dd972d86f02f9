import { createHash } from 'node:crypto'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type z } from 'zod'
import { addFile, bytesOf, cleanName, describeFile, mostFileBytes } from './files.ts'
import { type Hub } from './hub.ts'
import { isSignedCall, newKey } from './keys.ts'
import { type SiteChatParts } from './parts.ts'
import { ClinicEdit, ClinicMessage, ClinicRemoval, ConnectCall, fileId, messageId } from './protocol.ts'
import { Refusal } from './refusal.ts'
import { readSettings } from './settings.ts'
import { addMessage, editMessage, findMessage, findState, openSite, removeMessage, siteByAccount, type Site, type Visitor } from './store.ts'

const mostBytes = mostFileBytes + 1024 * 1024

const parse = <Schema extends z.ZodType>(schema: Schema, payload: string): z.output<Schema> => {
  try {
    return schema.parse(JSON.parse(payload))
  } catch {
    throw new Refusal('FORM_INVALID')
  }
}

/** The signed part of a call - its JSON - and the file that may come beside it. */
interface Call {
  readonly payload: string
  readonly file?: Buffer
}

const callOf = async (request: FastifyRequest): Promise<Call> => {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return { payload: body.toString('utf8') }
  // What is warned of is reading without end: this body is bounded and in memory already.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const form = await new Response(Uint8Array.from(body), { headers: { 'content-type': type } }).formData().catch(() => {
    throw new Refusal('FORM_INVALID')
  })
  const [payload, file] = [form.get('message'), form.get('file')]
  if (typeof payload !== 'string' || file === null || typeof file === 'string') throw new Refusal('FORM_INVALID')
  return { payload, file: Buffer.from(await file.arrayBuffer()) }
}

const header = (request: FastifyRequest, name: string): string => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

/**
 * What the application asks of the chat, under `/chat/server/`: each call is signed with the connection's secret. A message is known by its
 * `ref`, so a call may be repeated.
 */
export const registerClinicApi = (scope: FastifyInstance, parts: SiteChatParts & { readonly hub: Hub }): void => {
  const { db, connections, hub } = parts

  /** @throws Refusal unless the owner of the connection's secret made this call just now */
  const admit = async (request: FastifyRequest, call: Call): Promise<Site> => {
    const site = await siteByAccount(db, header(request, 'x-site-account'))
    const open = site === undefined ? undefined : await connections.byId(site.portalId, site.connectionId)
    if (site === undefined || open === undefined) throw new Refusal('SESSION_INVALID')
    const signed = { method: request.method, path: request.url, time: header(request, 'x-site-time'), signature: header(request, 'x-site-signature'), payload: call.payload }
    if (!isSignedCall(readSettings(open.credentials).secret, signed, Date.now())) throw new Refusal('SESSION_INVALID')
    return site
  }

  const visitorOf = async (site: Site, id: string): Promise<Visitor> => {
    const visitor = { site, id }
    if ((await findState(db, visitor)) === undefined) throw new Refusal('NOT_FOUND')
    return visitor
  }

  const factsOf = (site: Site): { siteKey: string; origin: string } => ({ siteKey: site.siteKey, origin: parts.publicUrl() })

  // Proved by the hook's key, which nobody else knows, because the secret of a connection that is being changed is not stored yet.
  scope.post('/chat/server/connection', async (request) => {
    const { hookKey, account } = parse(ConnectCall, (await callOf(request)).payload)
    const open = await connections.byHook('site', hookKey)
    if (open === undefined) throw new Refusal('SESSION_INVALID')
    const site = await openSite(db, { portalId: open.connection.portalId, connectionId: open.connection.id, siteKey: newKey(), account })
    if (site === undefined) throw new Refusal('FORM_INVALID')
    return factsOf(site)
  })

  scope.get('/chat/server/connection', async (request) => factsOf(await admit(request, await callOf(request))))

  scope.post('/chat/server/messages', { bodyLimit: mostBytes }, async (request) => {
    const call = await callOf(request)
    const site = await admit(request, call)
    const message = parse(ClinicMessage, call.payload)
    const visitor = await visitorOf(site, message.to)
    const keptFile = message.file === undefined ? undefined : await keepFile(visitor, message.ref, message.file, call.file)
    const replyTo = /^m(\d{1,15})$/.exec(message.replyTo ?? '')?.[1]
    const added = await addMessage(db, visitor, {
      author: 'clinic', clientId: message.ref, text: message.text, at: parts.now(),
      ...(message.rich === undefined ? {} : { rich: message.rich }),
      ...(message.buttons === undefined || message.buttons.length === 0 ? {} : { buttons: message.buttons }),
      ...(replyTo === undefined ? {} : { replyTo: Number(replyTo) }),
      ...(keptFile === undefined ? {} : { fileId: keptFile }),
    })
    if (added === undefined) throw new Refusal('NOT_FOUND')
    hub.changed(visitor)
    return { id: `m${added.message.id}` }
  })

  /** Under an id that follows from the message's: a repeated call keeps one file. Nobody can guess it without the bytes and the ref. */
  const keepFile = async (visitor: Visitor, ref: string, file: NonNullable<z.output<typeof ClinicMessage>['file']>, bytes: Buffer | undefined): Promise<string> => {
    if (bytes === undefined || bytes.length === 0 || createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw new Refusal('FORM_INVALID')
    const id = createHash('sha256').update(parts.tokenKey).update(JSON.stringify([visitor.id, ref, file.sha256])).digest('base64url')
    const mimeType = /^[\w.+-]+\/[\w.+-]+$/.test(file.mimeType) ? file.mimeType.toLowerCase() : 'application/octet-stream'
    if (!(await addFile(db, visitor, { id, kind: file.kind, name: cleanName(file.name), mimeType, sizeBytes: bytes.length, bytes }))) throw new Refusal('NOT_FOUND')
    return id
  }

  type Route = { Params: { id: string } }
  const idOf = (request: FastifyRequest<Route>): number => {
    const parsed = messageId.safeParse(/^m(\d+)$/.exec(request.params.id)?.[1])
    if (!parsed.success) throw new Refusal('NOT_FOUND')
    return parsed.data
  }

  scope.patch<Route>('/chat/server/messages/:id', async (request) => {
    const call = await callOf(request)
    const site = await admit(request, call)
    const { to, text, rich } = parse(ClinicEdit, call.payload)
    const visitor = await visitorOf(site, to)
    const id = idOf(request)
    await editMessage(db, visitor, { id, author: 'clinic', text, at: parts.now(), ...(rich === undefined ? {} : { rich }) })
    const message = await findMessage(db, visitor, id)
    if (message === undefined || message.author !== 'clinic' || message.isDeleted) throw new Refusal('NOT_FOUND')
    hub.changed(visitor)
    return {}
  })

  scope.post<Route>('/chat/server/messages/:id/removal', async (request) => {
    const call = await callOf(request)
    const site = await admit(request, call)
    const visitor = await visitorOf(site, parse(ClinicRemoval, call.payload).to)
    await removeMessage(db, visitor, { id: idOf(request), author: 'clinic', at: parts.now() })
    hub.changed(visitor)
    return {}
  })

  scope.get<Route>('/chat/server/files/:id', async (request, reply) => {
    const site = await admit(request, await callOf(request))
    const id = fileId.safeParse(request.params.id)
    const file = id.success ? await describeFile(db, site, id.data) : undefined
    const bytes = file === undefined ? undefined : await bytesOf(db, site, file.id)
    if (file === undefined || bytes === undefined) throw new Refusal('NOT_FOUND')
    return reply.header('content-type', file.mimeType).send(bytes)
  })
}
