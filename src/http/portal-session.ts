import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { portalId, type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { type PageSubject } from '../flows/page-subject.ts'

/** Who calls the API from a page. */
export interface Session {
  readonly portalId: PortalId
  readonly userId: string
  readonly isAdmin: boolean
  readonly name?: string
  /** Of the page. */
  readonly language?: 'ru' | 'en'
  /** What the page is about, as the portal let this person see it. */
  readonly subject?: PageSubject
  /** The viewer's own key to the portal, sealed. */
  readonly access?: string
}

const Id = z.string().regex(/^[1-9]\d*$/)
const Subject = z.discriminatedUnion('door', [
  z.strictObject({ door: z.literal('deal'), dealId: Id, contactId: Id.optional() }),
  z.strictObject({ door: z.literal('contact'), contactId: Id }),
  z.strictObject({ door: z.literal('chat'), dialog: z.number() }),
  z.strictObject({ door: z.literal('connector'), connector: z.string(), lineId: Id }),
])
const Claims = z.object({ p: z.string(), u: z.string(), a: z.boolean(), e: z.number(), l: z.enum(['ru', 'en']).optional(), s: Subject.optional(), k: z.string().optional(), n: z.string().optional() })
export const sessionMinutes = 60

/** Issues and reads sessions: signed by us, valid for an hour, carried in the page and never in a cookie. */
export interface Sessions {
  issue(session: Session): string
  /** @throws AppError SESSION_INVALID */
  read(authorization: string | undefined): Session
  /** Of the page that the session was issued to, when it was issued by us; a session that is over still tells it. */
  languageOf(authorization: string | undefined): Session['language']
}

export const createSessions = (key: Buffer, now: () => number): Sessions => {
  const sign = (payload: string): string => createHmac('sha256', key).update(payload).digest('base64url')
  const open = (authorization: string | undefined): z.output<typeof Claims> | undefined => {
    const [payload = '', signature = ''] = (authorization ?? '').replace(/^Bearer /, '').split('.')
    const [given, wanted] = [Buffer.from(signature), Buffer.from(sign(payload))]
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
    return Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
  }
  return {
    issue: (session) => {
      const claims = { p: session.portalId, u: session.userId, a: session.isAdmin, e: now() + sessionMinutes * 60_000, l: session.language, s: session.subject, k: session.access, n: session.name }
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
      return `${payload}.${sign(payload)}`
    },
    read: (authorization) => {
      const claims = open(authorization)
      if (claims === undefined || claims.e <= now()) throw expired()
      return { portalId: portalId(claims.p), userId: claims.u, isAdmin: claims.a, language: claims.l, subject: claims.s, access: claims.k, name: claims.n }
    },
    languageOf: (authorization) => open(authorization)?.l,
  }
}

const expired = (): AppError => new AppError('SESSION_INVALID', 'Страница открыта давно: закройте её и откройте снова.')
