import { expect, it } from '@jest/globals'
import { createHash } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { post, webhook } from '../contract/vectors.ts'
import { failed, failedForAll, nobody, reached, repliedByPhone, untouched, type Subject } from './channel-line.ts'
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
    'dlr-no-funds': failedForAll('status 24'),
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

const signed = (...parts: readonly string[]): string => createHash('md5').update([...parts, form.callbackSecret].join(':')).digest('hex')
const report = (status: string, more: Record<string, string> = {}): RawRequest => {
  const { id = '1001', phone = '79000000001' } = more
  return urlencoded(new URLSearchParams({ id, phone, status, time: '24.11.2026 10:00:00', ts: '1795424405', err: '0', type: '0', flag: '0', ...more, md5: more['md5'] ?? signed(id, phone, status) }))
}
const reply = (mes: string, more: Record<string, string> = {}): RawRequest => {
  const { phone = '79000000001', to = '79990000000' } = more
  return urlencoded(new URLSearchParams({ phone, mes, to, sent: '1795424405', time: '1795424406', smsc: '7', ...more, md5: signed(phone, mes, to) }))
}

it.each<[string, RawRequest, object]>([
  ['a message in the queue', report('-1'), {}],
  ['a message that is not found', report('-3'), {}],
  ['a message that was stopped', report('-2'), failed('status -2')],
  ['a message at the operator', report('0'), { proof: 'sent' }],
  ['a signature in capitals', report('1', { md5: signed('1001', '79000000001', '1').toUpperCase() }), reached('delivered')],
  ['a message that was read elsewhere', report('2'), reached('delivered')],
  ['a message whose link was followed', report('4'), reached('delivered')],
  ['a message whose life is over', report('3', { err: '6' }), failed('err 6')],
  ['a telephone that is off', report('20', { err: '6' }), failed('err 6')],
  ['a spam filter', report('20', { err: '253' }), failed('err 253')],
  ['a sender that is not registered', report('20', { err: '254' }), failedForAll('err 254')],
  ['a wrong number', report('22'), failed('status 22')],
  ['a forbidden text', report('23'), failed('status 23')],
  ['a number that is not available', report('25', { err: '255' }), failed('err 255')],
  ['a status that nobody knows', report('42'), {}],
  ['fields that are empty', report('1', { err: '', ts: '', time: '' }), reached('delivered')],
  ['an error that is empty', report('20', { err: '' }), failed('status 20')],
  ['a phone with a plus', report('1', { phone: '+79000000001' }), reached('delivered')],
  ['a message of another program', report('1', { id: '4294967296' }), { parked: 1 }],
  ['an answer with emoji, lines and a colon', reply('Да: приду 👍\nспасибо'), repliedByPhone],
  ['an answer with 8', reply('Да', { phone: '89000000001' }), repliedByPhone],
  ['a stop word', reply('СТОП'), repliedByPhone],
  ['an empty answer', reply(''), repliedByPhone],
])('%s', async (_, request, effect) => {
  await replay.expectEffect(request, effect)
})

it('two equal answers at different moments are two, and one that is repeated is one', async () => {
  const line = await replay.openLine()
  for (const sent of ['1795424405', '1795424405', '1795424499']) await replay.send(line, reply('Да', { sent, time: sent }))
  expect(await replay.traceOf(line)).toMatchObject({ messages: 2 })
})

it('a wait for a call is none of ours', async () => {
  const line = await replay.openLine()
  const request = urlencoded(new URLSearchParams({ phone: '79000000001', waitcall: '1', ts: '1795424405', md5: signed('79000000001', '1795424405') }))
  expect((await replay.send(line, request)).status).toBe(200)
  expect(await replay.traceOf(line)).toEqual(untouched)
})
