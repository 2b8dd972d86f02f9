import { ChannelError, type Channel, type ChannelContext, type ChannelLimits, type ConnectionFacts } from '../channel.ts'
import { refuseOversize } from '../refusal.ts'
import { fields, parseCredentials, type SmppCredentials } from './credentials.ts'
import { noConnection } from './errors.ts'
import { openSession } from './session.ts'
import { parse, verify } from './webhook.ts'
import { openWire } from './wire.ts'

/** The SMSC's own rate stands in the contract and is told by `ESME_RTHROTTLED`. */
const limits: ChannelLimits = { textLength: 1000, perSecond: 20 }

/** Binds for a moment, unless a session stands: that one is watched all the time. */
const check = async ({ credentials, signal, session }: ChannelContext<SmppCredentials>): Promise<ConnectionFacts> => {
  if (session === undefined) await bindOnce(credentials, signal)
  return {
    title: credentials.sender,
    details: [{ label: { ru: 'Оператор', en: 'Operator' }, value: new URL(credentials.address).host }],
  }
}

const bindOnce = async (credentials: SmppCredentials, signal: AbortSignal): Promise<void> => {
  try {
    const wire = await openWire(credentials, signal, { bindAs: 'transmitter', onRequest: () => undefined })
    await wire.close()
  } catch (error) {
    // Our own session is there: the SMSC knows the login and takes one bind.
    const isBound = error instanceof ChannelError && error.failure.code === 'status 5'
    if (!isBound) throw error
  }
}

/**
 * SMS straight from an operator or an aggregator by SMPP 3.4.
 *
 * Not idempotent: a submit whose answer was lost is never repeated.
 *
 * @see https://smpp.org/SMPP_v3_4_Issue1_2.pdf
 */
export const smpp: Channel<SmppCredentials> = {
  id: 'smpp',
  title: { ru: 'SMS (SMPP 3.4)', en: 'SMS (SMPP 3.4)' },
  family: { ru: 'SMS', en: 'SMS' },
  receipts: ['accepted', 'sent', 'delivered'],
  limits,
  canStart: 'anyone',
  addressedBy: 'phone',
  isIdempotent: false,
  fields,
  session: { carriesSends: true, open: openSession },
  parseCredentials,
  connect: check,
  disconnect: () => Promise.resolve(),
  check,
  verify,
  parse,
  send: async (message, { session, signal }) => {
    refuseOversize(message, limits)
    if (session?.send === undefined) throw noConnection('noSession')
    return session.send(message, signal)
  },
}
