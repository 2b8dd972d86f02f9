import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Encrypts what lies in the database: AES-256-GCM, a fresh nonce each time. A value from another key or a damaged one throws. */
export interface Secrets {
  seal(value: string): string
  open(sealed: string): string
  /** A key for one purpose, of the same secret. */
  purposeKey(purpose: string): Buffer
}

/** A key for one purpose, derived from the application's secret: sessions and encryption never share one. */
export const deriveKey = (secret: string, purpose: string): Buffer => createHmac('sha256', secret).update(purpose).digest()

export const createSecrets = (secret: string): Secrets => {
  const key = deriveKey(secret, 'database')
  return {
    purposeKey: (purpose) => deriveKey(secret, purpose),
    seal: (value) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
    },
    open: (sealed) => {
      if (!sealed.startsWith('v1.')) throw new Error('A stored secret is damaged.')
      const bytes = Buffer.from(sealed.slice(3), 'base64url')
      // A shortened tag would be easier to forge: only a whole one is taken.
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}

/** Compares in constant time; different lengths are simply unequal. */
export const isSameSecret = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
