import { expect, it } from '@jest/globals'
import { createHash } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { failed, nobody, reached, repliedByPhone, type Subject } from './channel-line.ts'
import { replayVectors } from './channel-replay.ts'

const form = { apiKey: 'vec-smsc-api-key', sender: 'CLINIC', callbackSecret: 'vec-smsc-secret', baseUrl: nobody }
const subject: Subject = { channel: 'smsc', form, to: '+79000000001', message: '1001' }
const formOf = (request: RawRequest): URLSearchParams => new URLSearchParams(request.body.toString('utf8'))
const urlencoded = (fields: URLSearchParams): RawRequest => post(fields.toString(), { 'content-type': 'application/x-www-form-urlencoded' })

const replay = replayVectors(subject, {
  prefix: 'sms-smsc-',
  effects: {
    'dlr-delivered': reached('delivered'),
    'dlr-duplicate': reached('delivered'),
    'dlr-impossible-no-subscriber': failed('err 1'),
    'dlr-no-funds': failed('status 24'),
    'dlr-operator-rejected': failed('err 255'),
    'dlr-to-operator': { proof: 'sent' },
    'mo-stop': repliedByPhone,
  },
  about: { 'dlr-impossible-no-subscriber': '1003', 'dlr-operator-rejected': '1005', 'dlr-no-funds': '1007' },
  forged: ['dlr-bad-md5'],
  unreadable: [],
  // What is not signed may differ.
  rewrite: (request) => {
    const fields = formOf(request)
    fields.set('flag', '7')
    return urlencoded(fields)
  },
  forge: (request) =>
    ['', '0'.repeat(32), undefined].map((md5) => {
      const fields = formOf(request)
      if (md5 === undefined) fields.delete('md5')
      else fields.set('md5', md5)
      return urlencoded(fields)
    }),
})

it('a report is read from a GET as well', async () => {
  const line = await replay.openLine()
  const request: RawRequest = { method: 'GET', headers: {}, query: Object.fromEntries(formOf(webhook('sms-smsc-dlr-delivered'))), body: Buffer.alloc(0) }
  expect((await replay.send(line, request)).status).toBe(200)
  expect(await replay.traceOf(line)).toMatchObject(reached('delivered'))
})

it('a report that is signed and still makes no sense is kept with the reason', async () => {
  const line = await replay.openLine()
  const md5 = createHash('md5').update(`1001:79000000001:soon:${form.callbackSecret}`).digest('hex')
  expect((await replay.send(line, urlencoded(new URLSearchParams({ id: '1001', phone: '79000000001', status: 'soon', md5 })))).status).toBe(200)
  expect(await replay.board().keptOf(line)).toMatchObject([{ state: 'unreadable' }])
})
