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
  rewrite: (request) => callback(recordsOf(request)),
  forge: (request) => [callback(recordsOf(request), ''), callback(recordsOf(request), '0'.repeat(64)), callback([...recordsOf(request), 'sms_status\n202647-1000001\n103\n1'], signatureOf(recordsOf(request)))],
})

it('each record of a batch is about its own message', async () => {
  for (const [externalId, effect] of [['202647-1000001', reached('delivered')], ['202647-1000002', failed('status 104')], ['202647-1000003', failed('status 105')]] as const) {
    const line = await replay.openLine({ externalId })
    await replay.send(line, webhook('sms-smsru-dlr-batch'))
    expect(await replay.traceOf(line)).toMatchObject(effect)
  }
})
