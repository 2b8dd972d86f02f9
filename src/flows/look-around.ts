import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { type Command } from '../bitrix/command.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { contactsCommand, contactsOf, dealsCommand, dealsOf, maxListedIds, type Contact, type Deal } from '../bitrix/world.ts'
import { type Channel } from '../channels/channel.ts'
import { loadDeliveries } from '../db/deliveries.ts'
import { identitiesOf, type Identity } from '../db/identities.ts'
import { type OutboxRow } from '../db/outbox.ts'
import { type Portal } from '../db/portals.ts'
import { type World } from '../domain/cascade.ts'
import { type Delivery, type Reach } from '../domain/delivery.ts'
import { type DeliveryId } from '../domain/ids.ts'
import { normalizeEmail } from '../domain/email.ts'
import { normalizePhone } from '../domain/phone.ts'
import { type Deps } from './deps.ts'
import { isUsable } from './open-connection.ts'

export interface Look {
  /** undefined: the delivery is gone. */
  readonly worlds: ReadonlyMap<DeliveryId, World | BitrixError | undefined>
  readonly outcomes: ReadonlyMap<string, Outcome>
}

/**
 * Looks at the deals and contacts of many deliveries at once, and carries other commands along: `first` goes with the deals, `second`
 * with the contacts, so that no request leaves half empty.
 */
export const lookAround = async (deps: Deps, portal: Portal, client: PortalClient, looks: readonly OutboxRow[], first: readonly Command[], second: readonly Command[]): Promise<Look> => {
  const deliveries = await loadDeliveries(deps.db, looks.map((row) => ({ portalId: portal.id, deliveryId: row.deliveryId! })))
  const dealIds = distinct([...deliveries.values()].map((delivery) => Number(delivery.dealId)))
  const deals = await readMany(client, 'deals', dealIds, dealsCommand, dealsOf, first)
  const contactIds = distinct([...deals.items.values()].flatMap((deal) => deal.contactId ?? []))
  const contacts = await readMany(client, 'contacts', contactIds, contactsCommand, contactsOf, second)
  const identities = Map.groupBy(await identitiesOf(deps.db, portal.id, contactIds.map(String)), (identity) => identity.contactId!)
  const dealOf = new Map([...deals.items].map(([, deal]) => [deal.dealId, deal]))
  const contactOf = new Map([...contacts.items].map(([, contact]) => [contact.contactId, contact]))
  const worlds = new Map<DeliveryId, World | BitrixError | undefined>()
  for (const [id, delivery] of deliveries) {
    const dealId = Number(delivery.dealId)
    const deal = dealOf.get(dealId)
    const failure = deals.failures.get(dealId) ?? (deal?.contactId === undefined ? undefined : contacts.failures.get(deal.contactId))
    worlds.set(id, failure ?? (await worldOf(deps, delivery, deal, deal?.contactId === undefined ? undefined : contactOf.get(deal.contactId), identities)))
  }
  return { worlds, outcomes: new Map([...deals.outcomes, ...contacts.outcomes]) }
}

const distinct = (ids: readonly number[]): readonly number[] => [...new Set(ids)]

/** Lists of up to 50 ids each, in as few requests as possible; what could not be read is named with its error. */
const readMany = async <Item extends Deal | Contact>(
  client: PortalClient,
  name: string,
  ids: readonly number[],
  command: (key: string, ids: readonly number[]) => Command,
  read: (result: unknown) => readonly Item[],
  others: readonly Command[],
): Promise<{ items: Map<number, Item>; failures: Map<number, BitrixError>; outcomes: ReadonlyMap<string, Outcome> }> => {
  const chunks = Array.from({ length: Math.ceil(ids.length / maxListedIds) }, (_, index) => ids.slice(index * maxListedIds, (index + 1) * maxListedIds))
  const commands = [...chunks.map((chunk, index) => command(`${name}.${index}`, chunk)), ...others]
  const outcomes = commands.length === 0 ? new Map<string, Outcome>() : await client.batch(commands)
  const items = new Map<number, Item>()
  const failures = new Map<number, BitrixError>()
  chunks.forEach((chunk, index) => {
    const outcome = outcomes.get(`${name}.${index}`)!
    try {
      if (!outcome.ok) throw outcome.error
      for (const item of read(outcome.result)) items.set('dealId' in item ? item.dealId : item.contactId, item)
    } catch (error) {
      if (!(error instanceof BitrixError)) throw error
      for (const id of chunk) failures.set(id, error)
    }
  })
  return { items, failures, outcomes }
}

const worldOf = async (deps: Deps, delivery: Delivery, deal: Deal | undefined, contact: Contact | undefined, identities: ReadonlyMap<string, readonly Identity[]>): Promise<World> => {
  const own = contact === undefined ? [] : (identities.get(String(contact.contactId)) ?? [])
  const card: CardAddresses = {
    phone: contact?.phones.map(normalizePhone).find((candidate) => candidate !== undefined),
    email: contact?.emails.map(normalizeEmail).find((candidate) => candidate !== undefined),
  }
  const reach: Record<string, Reach> = {}
  for (const step of delivery.route.steps) {
    if (step.kind !== 'channel') continue
    const open = await deps.connections.byId(delivery.portalId, step.connectionId)
    reach[step.connectionId] = reachOf(open?.channel.addressedBy, open !== undefined && isUsable(open), card, own.filter((identity) => identity.connectionId === step.connectionId))
  }
  return {
    deal: deal === undefined ? undefined : { stageId: deal.stageId, isClosed: deal.isClosed, contactId: textOf(deal.contactId), responsibleId: textOf(deal.responsibleId) },
    contactName: contact?.name,
    reach,
  }
}

const textOf = (id: number | undefined): string | undefined => (id === undefined ? undefined : String(id))

/** The first of each kind that is one. */
interface CardAddresses {
  readonly phone: string | undefined
  readonly email: string | undefined
}

/** By phone or e-mail: as in the card. By identity: the account bound to this contact that wrote last. */
const reachOf = (addressedBy: Channel['addressedBy'] | undefined, isOn: boolean, card: CardAddresses, accounts: readonly Identity[]): Reach => {
  if (addressedBy === undefined || !isOn) return { none: 'connectionOff' }
  if (addressedBy !== 'identity') return card[addressedBy] === undefined ? { none: 'noAddress' } : { to: card[addressedBy] }
  const open = accounts.filter((account) => account.state === 'active').sort((a, b) => (b.lastInboundAt ?? 0) - (a.lastInboundAt ?? 0))[0]
  if (open !== undefined) return { to: open.chatId }
  return { none: accounts.length > 0 ? 'blocked' : 'neverStarted' }
}
