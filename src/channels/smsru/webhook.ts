import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Inbound, type RawRequest } from '../channel.ts'
import { atOf, readAs, readEach, readJson, sameSecret } from '../reading.ts'
import { type SmsruCredentials } from './credentials.ts'
import { failureOf } from './errors.ts'

interface Callback {
  /** Up to a hundred, in the order of their numbers: the signature covers them in it. */
  readonly records: readonly string[]
  readonly hash: string
}

const listed = z.looseObject({ data: z.array(z.string()).max(1_000), hash: z.string() })

const fieldName = /^data\[(\d{1,4})\]$/

/** Fields of a form, from either way of writing one. @see https://www.rfc-editor.org/rfc/rfc7578 */
const fieldsOf = (request: RawRequest): readonly (readonly [string, string])[] => {
  const boundary = /boundary="?([^";]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
  if (boundary === undefined) return [...new URLSearchParams(request.body.toString('utf8'))]
  return request.body
    .toString('latin1')
    .split(`--${boundary}`)
    .flatMap((part) => {
      const [, head = '', value] = /^\r\n([\s\S]*?)\r\n\r\n([\s\S]*)\r\n$/.exec(part) ?? []
      const name = / name="([^"]*)"/.exec(head)?.[1]
      return name === undefined || value === undefined ? [] : [[name, Buffer.from(value, 'latin1').toString('utf8')] as const]
    })
}

/** A form as a rule; a relay in between may have made JSON of it. @throws Error when it is neither */
const read = (request: RawRequest): Callback => {
  if (request.body[0] === 0x7b) {
    const { data, hash } = readAs(listed, readJson(request))
    return { records: data, hash }
  }
  const fields = fieldsOf(request)
  const numbered = fields.flatMap(([name, value]) => {
    const number = fieldName.exec(name)?.[1]
    return number === undefined ? [] : [{ number: Number(number), value }]
  })
  const records = numbered.sort((a, b) => a.number - b.number).map(({ value }) => value)
  const { data, hash } = readAs(listed, { data: records, hash: fields.find(([name]) => name === 'hash')?.[1] })
  return { records: data, hash }
}

/** `sha256(api_id + data[0] + data[1] + …)`. @see https://sms.ru/api/callback */
export const verify = (request: RawRequest, { apiId }: SmsruCredentials): boolean => {
  try {
    const { records, hash } = read(request)
    return records.length > 0 && sameSecret(hash.toLowerCase(), createHash('sha256').update([apiId, ...records].join('')).digest('hex'))
  } catch {
    return false
  }
}

export const parse = (request: RawRequest): readonly Inbound[] => readEach(read(request).records, ofRecord)

/** "Read" belongs to other messengers of SMS.ru: for an SMS it proves no less than delivery. */
const levels: Readonly<Record<number, 'sent' | 'delivered'>> = { 102: 'sent', 103: 'delivered', 110: 'delivered' }

/** Calls that check a number and tests of the address are other kinds of record. */
const ofRecord = (record: string): readonly Inbound[] => {
  const [kind, externalId = '', code = '', time = ''] = record.split(/\r?\n/)
  if (kind !== 'sms_status') return []
  if (!/^[\w-]{1,64}$/.test(externalId) || !/^-?\d{1,4}$/.test(code)) throw new Error('A status record is not in the documented shape.')
  const which = { externalId, ...atOf(time) }
  const level = levels[Number(code)]
  if (level !== undefined) return [{ type: 'receipt', ...which, level }]
  const failure = failureOf(Number(code))
  return failure === undefined ? [] : [{ type: 'failure', ...which, failure }]
}
