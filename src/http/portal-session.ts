import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { portalId, type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'

/** Who calls the API from a page. */
export interface Session {
  readonly portalId: PortalId
  readonly userId: string
  readonly isAdmin: boolean
}

const Claims = z.object({ p: z.string(), u: z.string(), a: z.boolean(), e: z.number() })
export const sessionMinutes = 60

/** Issues and reads sessions: signed by us, valid for an hour, carried in the page and never in a cookie. */
export interface Sessions {
  issue(session: Session): string
  /** @throws AppError SESSION_INVALID */
  read(authorization: string | undefined): Session
}

export const createSessions = (key: Buffer, now: () => number): Sessions => {
  const sign = (payload: string): string => createHmac('sha256', key).update(payload).digest('base64url')
  return {
    issue: (session) => {
      const claims = { p: session.portalId, u: session.userId, a: session.isAdmin, e: now() + sessionMinutes * 60_000 }
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
      return `${payload}.${sign(payload)}`
    },
    read: (authorization) => {
      const [payload = '', signature = ''] = (authorization ?? '').replace(/^Bearer /, '').split('.')
      const [given, wanted] = [Buffer.from(signature), Buffer.from(sign(payload))]
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw expired()
      const claims = Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
      if (claims.e <= now()) throw expired()
      return { portalId: portalId(claims.p), userId: claims.u, isAdmin: claims.a }
    },
  }
}

const expired = (): AppError => new AppError('SESSION_INVALID', 'Страница открыта давно: закройте её и откройте снова.')
