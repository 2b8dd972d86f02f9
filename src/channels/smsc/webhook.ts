import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Inbound, type RawRequest } from '../channel.ts'
import { readAs, sameSecret } from '../reading.ts'
import { type SmscCredentials } from './credentials.ts'
import { failureOf } from './errors.ts'

/** Times without a zone are not read: only `ts`, unix seconds, is. @see https://smsc.ru/api/http/events/ */
const report = z.looseObject({
  id: z.string().regex(/^\d{1,20}$/),
  phone: z.string(),
  status: z.string().regex(/^-?\d{1,3}$/),
  err: z.string().regex(/^\d{1,4}$/).optional(),
  ts: z.string().regex(/^\d{1,12}$/).optional(),
})
const reply = z.looseObject({ phone: z.string().regex(/^\+?\d{5,20}$/), mes: z.string(), to: z.string(), sent: z.string().optional() })

/** SMSC calls by POST with a form or by GET with a query, as the cabinet says. */
const formOf = (request: RawRequest): Readonly<Record<string, string | undefined>> =>
  request.method === 'GET' ? request.query : { ...request.query, ...Object.fromEntries(new URLSearchParams(request.body.toString('utf8'))) }

/** What has nothing to say may come empty as well. */
const filled = (value: string | undefined): string | undefined => (value === '' ? undefined : value)

const isReply = (form: Readonly<Record<string, string | undefined>>): boolean => form['mes'] !== undefined

/** `md5("id:phone:status:secret")` of a report, `md5("phone:mes:to:secret")` of a patient's SMS. */
export const verify = (request: RawRequest, credentials: SmscCredentials): boolean => {
  const form = formOf(request)
  const signed = isReply(form) ? [form['phone'], form['mes'], form['to']] : [form['id'], form['phone'], form['status']]
  if (signed.includes(undefined)) return false
  const expected = createHash('md5').update([...signed, credentials.callbackSecret].join(':')).digest('hex')
  return sameSecret(form['md5']?.toLowerCase(), expected)
}

export const parse = (request: RawRequest): readonly Inbound[] => {
  const form = formOf(request)
  if (isReply(form)) return ofReply(readAs(reply, form))
  // A request for a call or another service's event: signed by other fields, of no use here.
  if (form['status'] === undefined && form['phone'] !== undefined) return []
  return ofReport(readAs(report, { ...form, err: filled(form['err']), ts: filled(form['ts']) }))
}

/** The status, or at least what it implies: "read" and "link followed" come from other messengers and prove no less than delivery. */
const levels: Readonly<Record<number, 'sent' | 'delivered'>> = { 0: 'sent', 1: 'delivered', 2: 'delivered', 4: 'delivered' }

const ofReport = ({ id, status, err, ts }: z.output<typeof report>): readonly Inbound[] => {
  const which = { externalId: id, ...(ts === undefined ? {} : { at: Number(ts) * 1000 }) }
  const level = levels[Number(status)]
  if (level !== undefined) return [{ type: 'receipt', ...which, level }]
  const failure = failureOf(Number(status), Number(err ?? 0))
  return failure === undefined ? [] : [{ type: 'failure', ...which, failure }]
}

/** A patient's SMS has no id; the same text sent at the same moment from the same number is the same message. */
const ofReply = ({ phone, mes, to, sent }: z.output<typeof reply>): readonly Inbound[] => {
  // F11: operators write a Russian mobile with 8 as well; no country's code begins with 89.
  const digits = phone.replace(/\D/g, '').replace(/^89(?=\d{9}$)/, '79')
  const externalId = createHash('sha256').update([digits, to, sent ?? '', mes].join('\n')).digest('hex').slice(0, 32)
  return [{ type: 'message', externalId: `mo:${externalId}`, chat: { id: digits, userId: digits, phone: `+${digits}` }, text: mes }]
}
