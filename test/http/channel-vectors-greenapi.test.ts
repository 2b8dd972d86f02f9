import { broken, failed, nobody, pressed, reached, replied, repliedByPhone, type Subject } from './channel-line.ts'
import { replayVectors, spaced } from './channel-replay.ts'

const form = { idInstance: '1101000001', apiTokenInstance: 'vec-green-api-token', webhookToken: 'vec-green-token', apiUrl: nobody }
const subject: Subject = { channel: 'greenapi', form, to: '+79000000001', message: 'BAE5367237E13A87' }

/** The message waits in the vendor's queue for a day: the step that is left takes it back. */
const left = (code: string): object => ({ ...failed(code), said: ['withdraw'] })

replayVectors(subject, {
  prefix: 'green-api-',
  effects: {
    'inbound-button-reply': pressed,
    'inbound-deleted': { messages: 1 },
    'inbound-document': repliedByPhone,
    'inbound-edited': { messages: 1 },
    'inbound-group': {},
    'inbound-image': repliedByPhone,
    // A hidden number is no phone: the reminder went to the phone, so it is not known who writes.
    'inbound-lid': { people: replied.people, messages: 1, said: ['askContact'] },
    'inbound-reaction': reached('read'),
    'inbound-text-duplicate': repliedByPhone,
    'inbound-unknown-type': repliedByPhone,
    'incoming-call': repliedByPhone,
    // A6: MAX by number is not spoken here.
    'max-v3-status-delivered': {},
    'outgoing-api-echo': {},
    'quota-exceeded': broken('quotaExceeded'),
    'state-blocked': broken('blocked'),
    'state-suspended-max': {},
    'status-delivered': reached('delivered'),
    'status-failed': left('failed'),
    'status-from-phone': {},
    'status-no-account': left('noAccount'),
    'status-not-in-group': {},
    'status-read': reached('read'),
    'status-sent-late': { proof: 'sent' },
    'status-unknown-id': { parked: 1 },
    'status-unknown-value': {},
    'status-waba-no-session': left('noActiveSession'),
    'unknown-webhook': {},
  },
  about: { 'max-v3-status-delivered': '115892373873654321', 'status-failed': 'BAE5FAIL0001', 'status-from-phone': 'BAE5PHONE1', 'status-no-account': 'BAE5NOACC0001', 'status-waba-no-session': 'BAE5WABA01' },
  forged: ['bad-token'],
  unreadable: ['malformed-no-id'],
  rewrite: (request) => ({ ...request, body: spaced(request) }),
  forge: (request) => [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer ' }].map((headers) => ({ ...request, headers })),
})
