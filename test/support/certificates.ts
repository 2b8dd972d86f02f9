import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/*
 * Just enough of X.509 to make an authority and a server's certificate that it has signed: keys are made anew in each run, so that
 * none is kept anywhere. @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */

const length = (bytes: number): Buffer => (bytes < 128 ? Buffer.from([bytes]) : bytes < 256 ? Buffer.from([0x81, bytes]) : Buffer.from([0x82, bytes >> 8, bytes & 255]))
const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const value = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), length(value.byteLength), value])
}
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const bits = (value: Buffer): Buffer => der(0x03, Buffer.from([0]), value)
const time = (at: Date): Buffer => der(0x18, Buffer.from(`${at.toISOString().replace(/\D/g, '').slice(0, 14)}Z`))
const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const yes = Buffer.from([0x01, 0x01, 0xff])

const basicConstraints = sequence(oid('551d13'), yes, der(0x04, sequence(yes)))
const alternativeNames = (address: string): Buffer => sequence(oid('551d11'), der(0x04, sequence(der(0x87, Buffer.from(address.split('.').map(Number))))))

const day = 24 * 3600_000

const certificate = (serial: number, subject: string, publicKey: KeyObject, issuer: { name: string; key: KeyObject }, extension: Buffer): string => {
  const now = Date.now()
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial])),
    ecdsaWithSha256,
    nameOf(issuer.name),
    sequence(time(new Date(now - day)), time(new Date(now + day))),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  )
  const whole = sequence(content, ecdsaWithSha256, bits(sign('sha256', content, issuer.key)))
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** An authority that nobody knows, and a server at 127.0.0.1 that it vouches for; all PEM. */
export const makeAuthority = (name = 'Clinic test authority'): { readonly authority: string; readonly key: string; readonly cert: string } => {
  const root = newKey()
  const server = newKey()
  return {
    authority: certificate(1, name, root.publicKey, { name, key: root.privateKey }, basicConstraints),
    cert: certificate(2, '127.0.0.1', server.publicKey, { name, key: root.privateKey }, alternativeNames('127.0.0.1')),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}
