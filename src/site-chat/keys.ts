/** Keys and signatures of the chat on the site. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Visitor } from './store.ts'

export const newKey = (): string => randomBytes(16).toString('base64url')

const isSame = (given: string, wanted: string): boolean => {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Tokens that visitors' browsers keep: opaque, signed, good for one chat of one site. */
export interface Tokens {
  issue(visitor: Visitor): string
  /** The visitor's id; undefined for a token that is not ours, or of another site. */
  read(site: Visitor['site'], token: string): string | undefined
}

export const createTokens = (key: Buffer): Tokens => {
  const sign = ({ site, id }: Visitor): string => createHmac('sha256', key).update(JSON.stringify([site.portalId, site.connectionId, id])).digest('base64url')
  return {
    issue: (visitor) => `${visitor.id}.${sign(visitor)}`,
    read: (site, token) => {
      const [id = '', signature = ''] = token.split('.')
      return isSame(signature, sign({ site, id })) ? id : undefined
    },
  }
}

/** Which wording a visitor agreed to: another word is another version. */
export const consentVersion = (text: string, policyUrl: string): string => createHash('sha256').update(JSON.stringify([text, policyUrl])).digest('hex').slice(0, 16)

/** A webhook's signature, over its very bytes. */
export const signHook = (secret: string, body: Buffer): string => createHmac('sha256', secret).update('estafeta site hook\n').update(body).digest('hex')

const callMinutes = 5

export interface SignedCall {
  readonly method: string
  readonly path: string
  readonly time: string
  readonly signature: string
  readonly payload: string
}

/** Whether the application made this call, and made it just now. `now` is real time, as in the call. */
export const isSignedCall = (secret: string, call: SignedCall, now: number): boolean => {
  if (!/^\d{13}$/.test(call.time) || Math.abs(now - Number(call.time)) > callMinutes * 60_000) return false
  const wanted = createHmac('sha256', secret).update(`estafeta site call\n${call.time}\n${call.method} ${call.path}\n${call.payload}`).digest('hex')
  return isSame(call.signature, wanted)
}
