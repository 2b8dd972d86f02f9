import { expect, it } from '@jest/globals'
import { post } from '../contract/vectors.ts'
import { askedFor, heard, nobody, pressed, replied, untouched, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'

const form = { groupId: '223344556', accessToken: 'vk1.a.vec-token-0000000000', confirmation: 'vec1conf', secret: 'vec-vk-secret', baseUrl: nobody }
const subject: Subject = { channel: 'vk', form, to: '300000001', message: '300000001:0000000076' }
const wrote = { ...replied, ...askedFor }

const replay = replayVectors(subject, {
  prefix: 'vk-',
  effects: {
    'message-event': pressed,
    'message-new-button': pressed,
    'message-new-chat': {},
    'message-new-photo': wrote,
    'message-new-ref': { ...heard, ...askedFor },
    'message-reply-operator': heard,
    'message-reply-own': {},
    typing: {},
    'unknown-type': {},
    // Everybody reads it: it is a request, and no answer to a reminder; nobody is asked there who they are.
    'wall-reply-new-thread': heard,
    'wall-reply-new': heard,
    'wall-reply-own': {},
  },
  acknowledgement: 'ok',
  forged: ['bad-secret', 'wrong-group'],
  unreadable: [],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) =>
    [{ secret: 'wrong' }, { secret: undefined }, { secret: '' }, { group_id: 999 }].map((change) => post({ ...(JSON.parse(request.body.toString('utf8')) as object), ...change })),
})

it('the question whose address this is gets the confirmation string, another community\'s nothing', async () => {
  const line = await replay.openLine()
  const question = { type: 'confirmation', group_id: 223344556 }
  for (const body of [question, { ...question, secret: form.secret, event_id: 'e1', v: '5.199' }]) {
    const reply = await replay.send(line, post(body))
    expect([reply.status, reply.body, reply.headers['content-type']]).toEqual([200, 'vec1conf', expect.stringContaining('text/plain')])
  }
  const foreign = await replay.send(line, post({ ...question, group_id: 999 }))
  expect([foreign.status, foreign.body]).toEqual([200, ''])
  expect([await replay.board().keptOf(line), await replay.traceOf(line)]).toEqual([[], untouched])
})
