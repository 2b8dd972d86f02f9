import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type z } from 'zod'
import { addFile, allowedTypes, bytesOf, cleanName, describeFile, isShown, isWhatItSays, keptBytes, kindOf, mostFileBytes } from './files.ts'
import { type Hub } from './hub.ts'
import { consentVersion, newKey, type Tokens } from './keys.ts'
import { type Limiter, type Limits } from './limits.ts'
import { openStream, type Stream } from './live.ts'
import { type SiteChatParts } from './parts.ts'
import { ChangedText, cursorOf, fileId, HistoryQuery, messageId, NewConsent, NewMarks, NewSession, NewText, Press, textLength, type HistoryView, type MessageView, type SiteView } from './protocol.ts'
import { Refusal } from './refusal.ts'
import { type createWhisper, type Report } from './report.ts'
import { readSettings, type SiteSettings } from './settings.ts'
import { addConsent, addMessage, addVisitor, editMessage, findMessage, findState, hasConsented, moveMarks, pageOf, pressButton, removeMessage, siteByKey, type ChatState, type Site, type StoredMessage, type Visitor } from './store.ts'

export interface VisitorApiParts extends SiteChatParts {
  readonly tokens: Tokens
  readonly limits: Limits
  readonly hub: Hub
  readonly report: Report
  readonly whisper: ReturnType<typeof createWhisper>
  readonly streams: Set<Stream>
  readonly isStopped: () => boolean
}

const pageSize = 50
const mostStreamsOfVisitor = 8
/** What one visitor may keep here in all. */
const mostKeptBytes = 200 * 1024 * 1024

/** A message as the widget gets it. */
const viewOf =
  (site: Site) =>
  (message: StoredMessage): MessageView => {
    const { clientId, file, ...rest } = message
    const { id, ...shown } = file ?? { id: '' }
    return {
      ...rest,
      ...(message.author === 'visitor' ? { clientId } : {}),
      ...(file === undefined ? {} : { file: { ...(shown as Omit<typeof file, 'id'>), path: `/chat/${site.siteKey}/files/${id}` } }),
    }
  }

const take = (limiter: Limiter, key: string): void => {
  const waitMs = limiter.take(key)
  if (waitMs > 0) throw new Refusal('RATE_LIMITED', waitMs)
}

const read = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Refusal('FORM_INVALID')
  return parsed.data
}

const readBody = <Schema extends z.ZodType>(schema: Schema, request: FastifyRequest): z.output<Schema> => {
  try {
    return read(schema, JSON.parse((request.body as Buffer).toString('utf8')))
  } catch {
    throw new Refusal('FORM_INVALID')
  }
}

type SiteRequest = FastifyRequest<{ Params: { site: string; id?: string } }>

/**
 * What visitors' browsers ask, under `/chat/<site key>/`. Every answer but a file's is for pages of the clinic's own origins; a visitor is
 * known by a token in the Authorization header, never by an address or a cookie.
 */
export const registerVisitorApi = (scope: FastifyInstance, parts: VisitorApiParts): void => {
  const { db, connections, tokens, limits, hub, report, streams } = parts
  const sites = new Map<string, Site>()
  const streamsOf = new Map<string, number>()

  const openSite = async (request: SiteRequest): Promise<{ site: Site; settings: SiteSettings }> => {
    const key = request.params.site
    const site = sites.get(key) ?? (await siteByKey(db, key))
    const open = site === undefined ? undefined : await connections.byId(site.portalId, site.connectionId)
    if (site === undefined || open === undefined || open.connection.state === 'off') {
      sites.delete(key)
      throw new Refusal('NOT_FOUND')
    }
    if (sites.size > 10_000) sites.clear()
    sites.set(key, site)
    return { site, settings: readSettings(open.credentials) }
  }

  /** Lets a page of the clinic's own site in, and says so to its browser. @see https://fetch.spec.whatwg.org/#http-cors-protocol */
  const admit = async (request: SiteRequest, reply: FastifyReply): Promise<{ site: Site; settings: SiteSettings }> => {
    take(limits.requestsOfAddress, request.ip)
    const opened = await openSite(request)
    const { origin } = request.headers
    void reply.header('vary', 'Origin').header('cache-control', 'no-store')
    if (origin === undefined || !opened.settings.origins.includes(origin)) throw new Refusal('ORIGIN_REFUSED')
    void reply.header('access-control-allow-origin', origin)
    return opened
  }

  const wordingOf = (settings: SiteSettings): SiteView['consent'] => ({
    version: consentVersion(settings.consentText, settings.policyUrl), text: settings.consentText, policyUrl: settings.policyUrl,
  })

  /** The visitor whose token came; `needsConsent`: nobody writes before agreeing to the words of today. */
  const admitVisitor = async (request: SiteRequest, reply: FastifyReply, needsConsent = false): Promise<{ visitor: Visitor; state: ChatState; settings: SiteSettings }> => {
    const { site, settings } = await admit(request, reply)
    const id = tokens.read(site, (request.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (id === undefined) throw new Refusal('SESSION_INVALID')
    const visitor = { site, id }
    take(limits.requestsOfVisitor, id)
    const state = await findState(db, visitor)
    if (state === undefined) throw new Refusal('SESSION_INVALID')
    if (needsConsent && !(await hasConsented(db, visitor, wordingOf(settings).version))) throw new Refusal('CONSENT_NEEDED')
    return { visitor, state, settings }
  }

  /** The application knows it before the visitor is told that it is done. */
  const done = async (visitor: Visitor): Promise<void> => {
    hub.changed(visitor)
    await report(visitor)
  }

  const url = (path: string): string => `/chat/:site${path}`
  type Route = { Params: { site: string; id: string } }

  scope.options(url('/*'), async (request: SiteRequest, reply) => {
    await admit(request, reply)
    return reply
      .status(204)
      .headers({ 'access-control-allow-methods': 'GET, POST, PATCH, DELETE', 'access-control-allow-headers': 'authorization, content-type, last-event-id, x-file-name', 'access-control-max-age': '600' })
      .send()
  })

  scope.get<Route>(url('/settings'), async (request, reply): Promise<SiteView> => {
    const { site, settings } = await admit(request, reply)
    return {
      greeting: settings.greeting,
      consent: wordingOf(settings),
      colour: settings.colour,
      hasTransfer: settings.hasTransfer && (await parts.transfer.isPossible(site)),
      limits: { textLength, fileBytes: mostFileBytes, fileTypes: allowedTypes },
    }
  })

  scope.post<Route>(url('/session'), async (request, reply) => {
    const { site, settings } = await admit(request, reply)
    const { consentVersion: accepted, language } = readBody(NewSession, request)
    const wording = wordingOf(settings)
    if (accepted !== wording.version) throw new Refusal('CONSENT_NEEDED')
    take(limits.sessionsOfAddress, request.ip)
    const visitor = { site, id: newKey() }
    await addVisitor(db, visitor, language, { ...wording, at: parts.now() })
    return { token: tokens.issue(visitor) }
  })

  scope.post<Route>(url('/consent'), async (request, reply) => {
    const { visitor, settings } = await admitVisitor(request, reply)
    const wording = wordingOf(settings)
    if (readBody(NewConsent, request).consentVersion !== wording.version) throw new Refusal('CONSENT_NEEDED')
    await addConsent(db, visitor, { ...wording, at: parts.now() })
    return {}
  })

  scope.get<Route>(url('/messages'), async (request, reply): Promise<HistoryView> => {
    const { visitor, state } = await admitVisitor(request, reply)
    const { before } = read(HistoryQuery, request.query)
    // One more than is shown tells whether there are others. The cursor was read first: what came since is told again, never left out.
    const page = await pageOf(db, visitor, before, pageSize + 1)
    const { version, deliveredId, readId, clinicReadId } = state
    return { messages: page.slice(-pageSize).map(viewOf(visitor.site)), hasMore: page.length > pageSize, cursor: version, marks: { deliveredId, readId, clinicReadId } }
  })

  scope.get<Route>(url('/events'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply)
    const count = streamsOf.get(visitor.id) ?? 0
    if (count >= mostStreamsOfVisitor) throw new Refusal('RATE_LIMITED', 10_000)
    streamsOf.set(visitor.id, count + 1)
    const stream = openStream(reply, {
      db, hub, visitor,
      cursor: cursorOf(request.headers['last-event-id'] ?? 0),
      view: viewOf(visitor.site),
      onClose: () => {
        streams.delete(stream)
        const left = (streamsOf.get(visitor.id) ?? 1) - 1
        if (left > 0) streamsOf.set(visitor.id, left)
        else streamsOf.delete(visitor.id)
      },
    })
    streams.add(stream)
    // It was let in while the server was already closing the others.
    if (parts.isStopped()) stream.close()
  })

  scope.post<Route>(url('/messages'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply, true)
    const { clientId, text, fileId: file, replyTo } = readBody(NewText, request)
    take(limits.messagesOfVisitor, visitor.id)
    const [attached, quoted] = await Promise.all([file === undefined ? undefined : describeFile(db, visitor.site, file), replyTo === undefined ? undefined : findMessage(db, visitor, replyTo)])
    if (file !== undefined && attached?.visitorId !== visitor.id) throw new Refusal('FILE_REFUSED')
    const at = parts.now()
    const files = attached === undefined ? [] : [{ ref: attached.id, kind: attached.kind, name: attached.name, mimeType: attached.mimeType, sizeBytes: attached.sizeBytes }]
    const quote = quoted === undefined ? {} : { replyTo: `m${quoted.id}`, quotedText: quoted.text }
    const added = await addMessage(db, visitor, {
      author: 'visitor', clientId, text, at, ...(replyTo === undefined ? {} : { replyTo }), ...(file === undefined ? {} : { fileId: file }),
      told: { update: 'message', visitor: visitor.id, text, files, at, ...quote },
    })
    if (added === undefined) throw new Refusal('SESSION_INVALID')
    await done(visitor)
    return viewOf(visitor.site)(added.message)
  })

  scope.patch<Route>(url('/messages/:id'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply, true)
    const id = read(messageId, request.params.id)
    const { text } = readBody(ChangedText, request)
    take(limits.messagesOfVisitor, visitor.id)
    const at = parts.now()
    await editMessage(db, visitor, { id, author: 'visitor', text, at, told: { update: 'edit', visitor: visitor.id, text, at } })
    const message = await findMessage(db, visitor, id)
    if (message === undefined || message.author !== 'visitor' || message.isDeleted) throw new Refusal('NOT_FOUND')
    await done(visitor)
    return viewOf(visitor.site)(message)
  })

  scope.delete<Route>(url('/messages/:id'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply)
    const id = read(messageId, request.params.id)
    const at = parts.now()
    await removeMessage(db, visitor, { id, author: 'visitor', at, told: { update: 'delete', visitor: visitor.id, at } })
    const message = await findMessage(db, visitor, id)
    if (message === undefined || message.author !== 'visitor') throw new Refusal('NOT_FOUND')
    await done(visitor)
    return viewOf(visitor.site)(message)
  })

  scope.post<Route>(url('/messages/:id/press'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply, true)
    const id = read(messageId, request.params.id)
    const { payload, clientId } = readBody(Press, request)
    take(limits.messagesOfVisitor, visitor.id)
    const isThere = await pressButton(db, visitor, { id, payload, told: { update: 'press', visitor: visitor.id, press: clientId, payload, at: parts.now() } })
    if (!isThere) throw new Refusal('NOT_FOUND')
    await done(visitor)
    return {}
  })

  scope.post<Route>(url('/marks'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply)
    await moveMarks(db, visitor, { ...readBody(NewMarks, request), at: parts.now() })
    await done(visitor)
    return {}
  })

  scope.post<Route>(url('/typing'), async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply, true)
    take(limits.typingOfVisitor, visitor.id)
    await parts.whisper(visitor, { update: 'typing', visitor: visitor.id, at: parts.now() })
    return {}
  })

  scope.post<Route>(url('/files/:id'), { bodyLimit: mostFileBytes }, async (request, reply) => {
    const { visitor } = await admitVisitor(request, reply, true)
    take(limits.filesOfVisitor, visitor.id)
    const id = read(fileId, request.params.id)
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const mimeType = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
    if (bytes.length === 0 || !allowedTypes.includes(mimeType) || !isWhatItSays(mimeType, bytes)) throw new Refusal('FILE_REFUSED')
    if ((await keptBytes(db, visitor)) + bytes.length > mostKeptBytes) throw new Refusal('BODY_TOO_LARGE')
    const isOwn = await addFile(db, visitor, { id, kind: kindOf(mimeType), name: nameOf(request.headers['x-file-name']), mimeType, sizeBytes: bytes.length, bytes })
    if (!isOwn) throw new Refusal('FILE_REFUSED')
    return { fileId: id }
  })

  // Pictures are loaded by the page itself, without headers of ours: whoever knows the unguessable id may have the file.
  scope.get<Route>(url('/files/:id'), async (request, reply) => {
    take(limits.requestsOfAddress, request.ip)
    const { site } = await openSite(request)
    const file = await describeFile(db, site, read(fileId, request.params.id))
    const bytes = file === undefined ? undefined : await bytesOf(db, site, file.id)
    if (file === undefined || bytes === undefined) throw new Refusal('NOT_FOUND')
    const disposition = `${isShown(file.mimeType) ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(file.name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`
    return reply
      .headers({
        'content-type': file.mimeType, 'content-disposition': disposition, 'cache-control': 'private, max-age=86400', 'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox", 'cross-origin-resource-policy': 'cross-origin', 'referrer-policy': 'no-referrer',
      })
      .send(bytes)
  })

  scope.get<Route>(url('/transfer'), async (request, reply) => {
    const { visitor, settings } = await admitVisitor(request, reply, true)
    return { links: settings.hasTransfer ? await parts.transfer.linksFor(visitor) : [] }
  })
}

const nameOf = (header: string | string[] | undefined): string => {
  try {
    return cleanName(decodeURIComponent(String(header ?? 'file')))
  } catch {
    return 'file'
  }
}
