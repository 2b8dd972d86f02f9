import { expect, it } from '@jest/globals'
import { webhook } from '../contract/vectors.ts'
import { askedFor, blocked, heard, nobody, pressed, replied, stranger, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'

const form = { botToken: '7000000001:AAvecTelegramToken-0001', webhookSecret: 'vec_tg_secret-1', apiRoot: nobody }
const subject: Subject = { channel: 'telegram', form, to: '500000001', message: '500000001:90' }
const wrote = { ...replied, ...askedFor }
const started = { ...heard, ...askedFor }

const replay = replayVectors(subject, {
  prefix: 'telegram-',
  effects: {
    blocked,
    'callback-query-double-tap': pressed,
    'callback-query-foreign-user': {},
    'callback-query-inaccessible': pressed,
    'contact-foreign-country': { ...heard, said: ['findContact'] },
    'contact-foreign': { ...heard, said: ['notOwn'] },
    'contact-forwarded-own': { ...heard, said: ['findContact'] },
    'contact-own': { ...heard, said: ['findContact'] },
    'contact-without-user-id': { ...heard, said: ['notOwn'] },
    'edited-message': { messages: 1 },
    'group-message': {},
    'inbound-document-too-big': wrote,
    'inbound-document': wrote,
    'inbound-photo': wrote,
    'inbound-text-duplicate': wrote,
    'inbound-text': wrote,
    'inbound-voice': wrote,
    'reply-to-bot': wrote,
    'start-payload-garbage': started,
    'start-payload': started,
    'start-plain': started,
    unblocked: stranger,
    'unknown-update': {},
  },
  forged: ['missing-secret'],
  unreadable: ['malformed'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { 'x-telegram-bot-api-secret-token': 'wrong' }].map((headers) => ({ ...request, headers })),
})

it('D4 the own card that the patient shared binds the account to the contact with that number, another\'s does not', async () => {
  const { contactId } = replay.board().stage.world
  for (const [name, contact] of [['own', String(contactId)], ['foreign', null]] as const) {
    const line = await replay.openLine()
    await replay.send(line, webhook(`telegram-contact-${name}`))
    expect([name, (await replay.traceOf(line)).people]).toEqual([name, [{ state: 'active', contact_id: contact }]])
  }
})
