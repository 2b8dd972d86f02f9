import { expect, it } from '@jest/globals'
import { webhook } from '../contract/vectors.ts'
import { askedFor, blocked, heard, nobody, pressed, replied, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'
import { raw } from './support.ts'

const form = { token: 'vec-max-bot-token', webhookSecret: 'vec_max-secret_01', baseUrl: nobody }
const subject: Subject = { channel: 'max', form, to: '123456789', message: 'mid.out1' }
const wrote = { ...replied, ...askedFor }
const claimed = { ...heard, said: ['notOwn'] }

const replay = replayVectors(subject, {
  prefix: 'max-',
  effects: {
    'bot-started-plain': { ...heard, ...askedFor },
    'bot-stopped': blocked,
    'callback-message-null': pressed,
    callback: pressed,
    'contact-bad-hash': claimed,
    'contact-foreign': claimed,
    'contact-lf-newlines': claimed,
    'contact-no-hash': claimed,
    'contact-verified': { ...heard, said: ['findContact'] },
    'dialog-cleared': {},
    'dialog-muted': {},
    'dialog-removed': blocked,
    'dialog-unmuted': {},
    'inbound-file': wrote,
    'inbound-group': {},
    'inbound-image': wrote,
    'inbound-text-duplicate': wrote,
    'message-edited': { messages: 1 },
    'message-removed': { messages: 1 },
    'utf8-split': wrote,
  },
  forged: ['bad-secret'],
  unreadable: ['malformed', 'missing-update-type'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { 'x-max-bot-api-secret': 'wrong' }].map((headers) => ({ ...request, headers })),
})

it('utf8-split is read whole when the network cuts it inside a letter', async () => {
  const line = await replay.openLine()
  const request = webhook('max-utf8-split')
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value!]))
  const inside = request.body.indexOf('Привет') + 1
  expect((await raw(replay.board().stage.app.origin, line.hook, { headers, body: request.body, splitAt: inside })).status).toBe(200)
  expect((await replay.board().keptOf(line)).map(({ body }) => body.equals(request.body))).toEqual([true])
})

it('D4 the card that MAX signed binds the account to the contact with that number, another does not', async () => {
  const { contactId } = replay.board().stage.world
  for (const [name, contact] of [['verified', String(contactId)], ['bad-hash', null]] as const) {
    const line = await replay.openLine()
    await replay.send(line, webhook(`max-contact-${name}`))
    expect([name, (await replay.traceOf(line)).people]).toEqual([name, [{ state: 'active', contact_id: contact }]])
  }
})
