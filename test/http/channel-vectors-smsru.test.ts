import { expect, it } from '@jest/globals'
import { createHash } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { failed, nobody, reached, type Subject } from './channel-line.ts'
import { replayVectors } from './channel-replay.ts'

const form = { apiId: 'vec-smsru-api-id', sender: 'CLINIC', baseUrl: nobody }
const subject: Subject = { channel: 'smsru', form, to: '+79000000001', message: '202647-1000001' }

const signatureOf = (records: readonly string[]): string => createHash('sha256').update([form.apiId, ...records].join('')).digest('hex')
/** A callback as it comes over the wire. */
const callback = (records: readonly string[], hash = signatureOf(records)): RawRequest => {
  const parts = [...records.map((record, index) => [`data[${index}]`, record]), ['hash', hash]]
  const body = `${parts.map(([name, value]) => `--b0und\r\nContent-Disposition: form-data; name="${name!}"\r\n\r\n${value!}\r\n`).join('')}--b0und--\r\n`
  return post(body, { 'content-type': 'multipart/form-data; boundary=b0und' })
}
const recordsOf = (request: RawRequest): readonly string[] => (JSON.parse(request.body.toString('utf8')) as { data: string[] }).data

const replay = replayVectors(subject, {
  prefix: 'sms-smsru-',
  effects: {
    // Two of the three are about messages that are not known.
    'dlr-batch': { ...reached('delivered'), parked: 2 },
    'dlr-callcheck': {},
    'dlr-out-of-order': reached('delivered'),
    'dlr-unknown-kind': {},
  },
  about: { 'dlr-out-of-order': '202647-1000004' },
  acknowledgement: '100',
  forged: ['dlr-bad-hash'],
  unreadable: [],
  rewrite: (request) => (request.body[0] === 0x7b ? callback(recordsOf(request)) : { ...request, body: Buffer.concat([request.body, Buffer.from(request.body.includes('--b0und') ? '\r\n' : '&x=1')]) }),
  forge: (request) => [callback(recordsOf(request), ''), callback(recordsOf(request), '0'.repeat(64)), callback([...recordsOf(request), 'sms_status\n202647-1000001\n103\n1'], signatureOf(recordsOf(request)))],
})

it('each record of a batch is about its own message', async () => {
  for (const [externalId, effect] of [['202647-1000001', reached('delivered')], ['202647-1000002', failed('status 104')], ['202647-1000003', failed('status 105')]] as const) {
    const line = await replay.openLine({ externalId })
    await replay.send(line, webhook('sms-smsru-dlr-batch'))
    expect(await replay.traceOf(line)).toMatchObject(effect)
  }
})

const status = (code: number | string, id = subject.message, time = '1795424405'): string => `sms_status\n${id}\n${code}\n${time}`
const formOf = (records: readonly string[]): RawRequest =>
  post(new URLSearchParams([...records.map((record, index): [string, string] => [`data[${index}]`, record]), ['hash', signatureOf(records).toUpperCase()]]).toString(), { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })

it.each<[string, readonly string[], object]>([
  ['a message in the queue', [status(100)], {}],
  ['a message on its way to the operator', [status(101)], {}],
  ['a message at the operator', [status(102)], { proof: 'sent' }],
  ['a message at the operator after its delivery', [status(103), status(102)], reached('delivered')],
  ['a message whose life is over', [status(104)], failed('status 104')],
  ['a failure and the delivery after it', [status(104), status(103)], reached('delivered')],
  ['a delivery and a failure after it', [status(103), status(105)], reached('delivered')],
  ['a telephone that failed', [status(106)], failed('status 106')],
  ['a reason that nobody knows', [status(107)], failed('status 107')],
  ['a rejection', [status(108)], failed('status 108')],
  ['a message that was read elsewhere', [status(110)], reached('delivered')],
  ['a number without a route', [status(150)], failed('status 150')],
  ['a message that SMS.ru does not know', [status(-1)], failed('status -1')],
  ['a code that nobody knows', [status(777)], {}],
  ['a moment that is none', [status(103, subject.message, 'soon')], reached('delivered')],
  ['a record without a moment', [`sms_status\n${subject.message}\n103`], reached('delivered')],
  ['lines that end as on Windows', [status(103).replaceAll('\n', '\r\n')], reached('delivered')],
  ['a call among the messages', [`callcheck_status\n201737-542\n401\n1`, status(103)], reached('delivered')],
  ['a message of another program', [status(103, '202647-9999999')], { parked: 1 }],
])('%s', async (_, records, effect) => {
  for (const write of [formOf, callback]) await replay.expectEffect(write(records), effect)
})

it('a hundred records count each, in the order of their numbers', async () => {
  const records = Array.from({ length: 100 }, (_, index) => status(103, `202647-20${index}`))
  records[73] = status(103)
  await replay.expectEffect(formOf(records), { ...reached('delivered'), parked: 99 })
})

it('a record that cannot be read takes none of the others along', async () => {
  const line = await replay.openLine()
  const reply = await replay.send(line, formOf([status('abc'), status(103), 'sms_status']))
  expect([reply.status, reply.body]).toEqual([200, '100'])
  expect(await replay.traceOf(line)).toMatchObject(reached('delivered'))
  expect(await replay.board().keptOf(line)).toMatchObject([{ state: 'unreadable' }])
})
