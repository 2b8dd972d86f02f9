import { describe, expect, it } from '@jest/globals'
import { createSecrets, deriveKey, isSameSecret } from '../../src/db/secrets.ts'

const secrets = createSecrets('0123456789abcdef0123456789abcdef')

describe('secrets in the database', () => {
  it.each(['', 'token', 'Ключ «клиники» 🙂', 'x'.repeat(10_000)])('open as they were sealed', (value) => {
    expect(secrets.open(secrets.seal(value))).toBe(value)
  })

  it('are sealed differently each time and tell nothing of what they hold', () => {
    const sealed = ['token-of-a-bot', 'token-of-a-bot'].map((value) => secrets.seal(value))
    expect(sealed[0]).not.toBe(sealed[1])
    for (const value of sealed) expect(Buffer.from(value.slice(3), 'base64url').toString('latin1')).not.toContain('token')
  })

  it('throw when a single byte is changed, wherever it is', () => {
    const bytes = Buffer.from(secrets.seal('token').slice(3), 'base64url')
    for (let index = 0; index < bytes.length; index++) {
      const damaged = Buffer.from(bytes)
      damaged[index]! ^= 1
      expect(() => secrets.open(`v1.${damaged.toString('base64url')}`)).toThrow()
    }
  })

  it('throw when anything is cut off, a part of the tag too', () => {
    const sealed = secrets.seal('token')
    for (let length = 0; length < sealed.length; length++) expect(() => secrets.open(sealed.slice(0, length))).toThrow()
    const empty = Buffer.from(secrets.seal('').slice(3), 'base64url')
    for (let length = 0; length < empty.length; length++) expect(() => secrets.open(`v1.${empty.subarray(0, length).toString('base64url')}`)).toThrow()
  })

  it('throw under another secret, and without their version', () => {
    const sealed = secrets.seal('token')
    expect(() => createSecrets('fedcba9876543210fedcba9876543210').open(sealed)).toThrow()
    expect(() => secrets.open(sealed.replace('v1.', 'v2.'))).toThrow('damaged')
    expect(() => secrets.open('token')).toThrow('damaged')
  })

  it('a key for one purpose is none for another', () => {
    expect(deriveKey('secret', 'sessions')).not.toEqual(deriveKey('secret', 'database'))
    expect(deriveKey('secret', 'sessions')).toEqual(deriveKey('secret', 'sessions'))
    expect(deriveKey('secret', 'sessions')).toHaveLength(32)
  })

  it('are the same only when every byte is', () => {
    expect(isSameSecret('abc', 'abc')).toBe(true)
    for (const other of ['abd', 'ab', 'abcd', '', 'ABC']) expect(isSameSecret('abc', other)).toBe(false)
  })
})
