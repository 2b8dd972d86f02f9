import { createHash } from 'node:crypto'
import { type RawRequest } from '../channels/channel.ts'
import { lifecycleOf, parseEvent, parseRobotCall, type IncomingAuth } from '../bitrix/incoming.ts'
import { connectorEventOf } from '../bitrix/connector-events.ts'
import { type Connection } from '../db/connections.ts'
import { type InboxEntry } from '../db/inbox.ts'
import { findPortal, type Portal } from '../db/portals.ts'
import { type Db } from '../db/database.ts'
import { isSameSecret } from '../db/secrets.ts'
import { portalId, type PortalId } from '../domain/ids.ts'
import { type Deps } from './deps.ts'

/** Stores arrivals so that they survive a crash the moment the promise resolves. */
export interface InboxWriter {
  write(entry: InboxEntry): Promise<void>
}

/** A group is committed when it is this large, or this old. */
const groupSize = 500
const groupMs = 2
/** Groups on their way to the database at once. */
const mostInFlight = 2

/**
 * Group commit: arrivals of two milliseconds share one insert and one commit.
 *
 * A row that the database refuses fails alone: its group is then written one by one.
 */
export const createInboxWriter = (record: (entries: readonly InboxEntry[]) => Promise<void>): InboxWriter => {
  const waiting: { entry: InboxEntry; done: () => void; failed: (error: unknown) => void }[] = []
  let timer: NodeJS.Timeout | undefined
  let inFlight = 0
  const flush = (): void => {
    timer = undefined
    const group = waiting.splice(0, groupSize)
    if (group.length === 0) return
    inFlight++
    void record(group.map(({ entry }) => entry))
      .then(
        () => group.forEach(({ done }) => done()),
        async (error: unknown) => {
          if (group.length === 1) group[0]!.failed(error)
          else for (const { entry, done, failed } of group) await record([entry]).then(done, failed)
        },
      )
      .finally(() => {
        inFlight--
        if (waiting.length > 0) timer ??= setTimeout(flush, 0)
      })
  }
  return {
    write: async (entry) =>
      new Promise<void>((done, failed) => {
        waiting.push({ entry, done, failed })
        if (inFlight >= mostInFlight) return
        if (waiting.length >= groupSize) {
          clearTimeout(timer)
          flush()
        } else timer ??= setTimeout(flush, groupMs)
      }),
  }
}

/** Portals by id with their application token in the clear, remembered for a few seconds unless `fresh` is asked for. */
export interface KnownPortals {
  find(id: PortalId, fresh?: 'fresh'): Promise<{ portal: Portal; applicationToken: string } | undefined>
}

const rememberedMs = 3_000

export const createKnownPortals = (db: Db, open: (sealed: string) => string): KnownPortals => {
  const remembered = new Map<PortalId, { at: number; value: ReturnType<KnownPortals['find']> }>()
  return {
    find: (id, fresh) => {
      const known = fresh === 'fresh' ? undefined : remembered.get(id)
      if (known !== undefined && Date.now() - known.at < rememberedMs) return known.value
      if (remembered.size > 10_000) remembered.clear()
      const value = findPortal(db, id).then((portal) => (portal === undefined ? undefined : { portal, applicationToken: open(portal.sealedApplicationToken) }))
      remembered.set(id, { at: Date.now(), value })
      value.catch(() => remembered.delete(id))
      return value
    },
  }
}

export interface Receiver {
  /** `undefined`: no such webhook. Else the body to answer 200 with. */
  webhook(channel: string, hookKey: string, request: RawRequest): Promise<{ status: number; body: string } | undefined>
  /** Bodies as `decodeForm` gives them. */
  robot(body: unknown): Promise<void>
  event(body: unknown): Promise<void>
}

const keptHeaders = ['content-type', 'user-agent'] as const

const digestOf = (value: string | Buffer): string => createHash('sha256').update(value).digest('hex')

/** What a vendor sent to a connection, as it is kept: the same bytes are the same arrival. */
export const arrivalOf = (connection: Pick<Connection, 'portalId' | 'id'>, request: RawRequest): InboxEntry => {
  // A GET callback has its fields in the address: they are kept as a form.
  const body = request.method === 'GET' ? Buffer.from(new URLSearchParams(request.query as Record<string, string>).toString()) : request.body
  const headers = Object.fromEntries(keptHeaders.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, request.headers[name]]])))
  return {
    source: `channel:${connection.portalId}:${connection.id}`,
    externalId: digestOf(body),
    portalId: connection.portalId,
    connectionId: connection.id,
    kind: 'channel',
    headers: { ...headers, ':method': request.method },
    body,
  }
}

/** Where an event's row keeps a digest of the application token that proved it: the installation it belongs to. */
export const proofHeader = ':proof'
export const proofOf = (applicationToken: string): string => digestOf(applicationToken)

/**
 * Takes in what comes from outside: proves who sent it, stores it once, and that is all. Everything is answered 200; what is not
 * genuine leaves nothing but a count, what is genuine and cannot be read is kept with the reason.
 */
export const createReceiver = (deps: Deps, writer: InboxWriter, portals: KnownPortals): Receiver => {
  const refuse = (source: string, reason: string): void => {
    deps.metrics.count('estafeta_refused_total', { source, reason })
    deps.log.warn({ source, reason }, 'an arrival was refused')
  }

  const portalBy = async (auth: IncomingAuth, fresh?: 'fresh'): Promise<Portal | undefined> => {
    if (auth.applicationToken === undefined) return undefined
    const known = await portals.find(portalId(auth.memberId), fresh)
    return known !== undefined && isSameSecret(known.applicationToken, auth.applicationToken) ? known.portal : undefined
  }
  /** The portal that sent it. A token that is not the remembered one may be that of a minute ago's installation: nothing is repeated. */
  const isGenuine = async (auth: IncomingAuth): Promise<Portal | undefined> => (await portalBy(auth)) ?? portalBy(auth, 'fresh')

  return {
    webhook: async (channelId, hookKey, request) => {
      const open = await deps.connections.byHook(channelId, hookKey)
      if (open === undefined) return undefined
      const { connection, channel, credentials } = open
      const proof = channel.handshake?.(request, credentials)
      if (proof !== undefined) return { status: 200, body: proof }
      if (request.method === 'GET' && channel.handshake !== undefined) {
        refuse(channelId, 'handshake')
        return { status: 403, body: '' }
      }
      if (!channel.verify(request, credentials)) {
        refuse(channelId, 'signature')
        return { status: 200, body: '' }
      }
      await writer.write(arrivalOf(connection, request))
      return { status: 200, body: channel.acknowledgement ?? '' }
    },

    robot: async (body) => {
      const parsed = parseRobotCall(body)
      if (!parsed.ok) {
        refuse('robot', parsed.reason)
        return
      }
      const call = parsed.value
      const portal = await isGenuine(call.auth)
      if (portal === undefined) {
        refuse('robot', 'application token')
        return
      }
      if (portal.state === 'uninstalled') {
        refuse('robot', 'uninstalled')
        return
      }
      await writer.write({
        source: `robots:${portal.id}`,
        externalId: call.key,
        portalId: portal.id,
        kind: 'robot',
        body: Buffer.from(JSON.stringify(call.publicPart)),
        sealed: deps.secrets.seal(call.eventToken),
      })
    },

    event: async (body) => {
      const parsed = parseEvent(body)
      if (!parsed.ok) {
        refuse('event', parsed.reason)
        return
      }
      const { auth, name, key, publicPart, data } = parsed.value
      const lifecycle = lifecycleOf({ name, data })
      // Installation and update bring a new application token: they are proved by the refresh token they carry, at the OAuth server.
      const provesItself = lifecycle !== undefined && lifecycle.kind !== 'uninstalled' && auth.refreshToken !== undefined
      // A late uninstall of an earlier installation must not meet a token that is only remembered.
      const portal = provesItself ? undefined : await (lifecycle === undefined ? isGenuine(auth) : portalBy(auth, 'fresh'))
      if (!provesItself && portal === undefined) {
        refuse('event', 'application token')
        return
      }
      await writer.write({
        source: `events:${auth.memberId}`,
        // Everybody can guess what an installation looks like: only the same keys are the same installation.
        externalId: provesItself ? `${key} ${digestOf(auth.refreshToken)}` : key,
        portalId: portal?.id,
        kind: lifecycle === undefined && connectorEventOf({ name, data }) !== undefined ? 'line' : 'event',
        headers: auth.applicationToken === undefined ? {} : { [proofHeader]: proofOf(auth.applicationToken) },
        body: Buffer.from(JSON.stringify(publicPart)),
        sealed: provesItself ? deps.secrets.seal(JSON.stringify(auth)) : undefined,
      })
    },
  }
}
