import { type Channel } from '../channels/channel.ts'
import { type Connection } from '../db/connections.ts'
import { type Identity } from '../db/identities.ts'
import { closedBy, needsTemplateAt, proposedOf, reasonOf, type WayFacts } from '../domain/choice.ts'
import { normalizeEmail } from '../domain/email.ts'
import { normalizePhone } from '../domain/phone.ts'
import { keyOf, type Patient } from './find-patient.ts'
import { wayWords } from './patient-words.ts'
import { type Deps } from './deps.ts'

/** Where a card says that its person can be reached, as it is stored there. */
export interface CardAddresses {
  readonly phones: readonly string[]
  readonly emails: readonly string[]
}

/** A way to write to the patient. `identity` is absent for an address of the card to which nothing was written yet. */
export interface Way {
  readonly key: string
  readonly connection: Connection
  readonly channel: Channel
  readonly identity: Identity | undefined
  /** The card's phone or e-mail address, in the one spelling that counts. */
  readonly address: string | undefined
  readonly facts: WayFacts
  readonly isProposed: boolean
  readonly reason: string
}

/**
 * All ways to the patient of a page, closed ones with their reason: each account that is bound, and for messengers that are addressed
 * by phone or by e-mail the card's first address that has no account yet. What is not proved is never open (I5).
 */
export const waysOf = (deps: Deps, patient: Patient, connections: readonly Connection[], card: CardAddresses, language: 'ru' | 'en'): readonly Way[] => {
  const now = deps.clock.now()
  const addresses = { phone: card.phones.flatMap((phone) => normalizePhone(phone) ?? []), email: card.emails.flatMap((email) => normalizeEmail(email) ?? []), identity: [] }
  const found = connections.flatMap((connection): Omit<Way, 'isProposed' | 'reason'>[] => {
    const channel = deps.channelById(connection.channel)
    if (channel === undefined) return []
    const accounts = patient.identities.filter((identity) => identity.connectionId === connection.id)
    const ways = accounts.map((identity) => ({ key: `i:${keyOf(identity)}`, connection, channel, identity, address: undefined, facts: factsOf(connection, channel, identity, patient.contactId, now) }))
    const address = patient.contactId === undefined ? undefined : addresses[channel.addressedBy].find((one) => !accounts.some((identity) => identity.chatId === one))
    // The account that is there already says more than the address of the card.
    if (address === undefined || ways.length > 0) return ways
    return [{ key: `c:${connection.id}`, connection, channel, identity: undefined, address, facts: factsOf(connection, channel, undefined, patient.contactId, now) }]
  })
  const proposed = proposedOf(found.map(({ facts }) => facts))
  return found.map((way, index) => ({ ...way, isProposed: index === proposed, reason: wayWords[language][reasonOf(way.facts, index === proposed)] }))
}

const factsOf = (connection: Connection, channel: Channel, identity: Identity | undefined, contactId: string | undefined, now: number): WayFacts => ({
  connection: connection.state,
  ...(channel.addressedBy === 'identity' ? {} : { byCard: channel.addressedBy }),
  isProved: contactId !== undefined && (identity === undefined || (identity.contactId === contactId && identity.proof !== undefined)),
  isBlocked: identity?.state === 'blocked',
  ...(identity?.lastInboundAt === undefined ? {} : { lastInboundAt: identity.lastInboundAt }),
  needsTemplate: needsTemplateAt(channel.canStart, identity?.lastInboundAt, now),
})

export const isOpen = (way: Way): boolean => closedBy(way.facts) === undefined
