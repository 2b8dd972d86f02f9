import { type Inbound } from '../channels/channel.ts'
import { type Trx } from '../db/database.ts'
import { addressKey, findAttempts, loadDeliveries, unansweredTo } from '../db/deliveries.ts'
import { type Attempt, type Delivery } from '../domain/delivery.ts'
import { deliveryOf } from '../domain/ids.ts'
import { render } from '../domain/render.ts'
import { type ChannelStep } from '../domain/route.ts'
import { type DeliveryEvent } from './advance-deliveries.ts'
import { clampMoment, type Arrival } from './arrivals.ts'
import { type Deps } from './deps.ts'
import { type OpenConnection } from './open-connection.ts'

/** A call that is not answered after this time is a thing of the past: what comes back now is another one's. */
const mostAgeMs = 15 * 60_000

/**
 * Finds the sends whose answer was lost, or is still on its way, by what the vendor shows of them: the chat, the text and the time are
 * the same (B12). Two that may be meant are none: a wrong id would hide the receipts of both. Receipts that came before wait for the id.
 */
export const healedEvents = async (deps: Deps, trx: Trx, arrivals: readonly Arrival<Extract<Inbound, { type: 'own' }>>[]): Promise<readonly DeliveryEvent[]> => {
  const addresses = arrivals.map(({ open, inbound }) => ({ portalId: open.connection.portalId, connectionId: open.connection.id, externalId: inbound.externalId }))
  const known = await findAttempts(trx, addresses)
  const events: DeliveryEvent[] = []
  const now = deps.clock.now()
  for (const { open, inbound } of arrivals) {
    const { portalId, id: connectionId } = open.connection
    if (known.has(addressKey(portalId, connectionId, inbound.externalId))) continue
    const refs = await unansweredTo(trx, portalId, connectionId, inbound.chat.phone ?? inbound.chat.id)
    const deliveries = await loadDeliveries(trx, refs)
    const meant = refs.flatMap(({ deliveryId, step }) => {
      const delivery = deliveries.get(deliveryId)
      const attempt = delivery?.attempts.find((one) => one.step === step)
      return delivery !== undefined && attempt !== undefined && now - attempt.startedAt < mostAgeMs && isSameText(inbound.text, textOf(open, delivery, attempt)) ? [attempt.id] : []
    })
    const [attempt] = meant
    if (attempt === undefined || meant.length > 1) continue
    // Repeated by the vendor, or told twice in one batch: the first counts.
    known.set(addressKey(portalId, connectionId, inbound.externalId), attempt)
    events.push({ portalId, deliveryId: deliveryOf(attempt), event: { type: 'accepted', attemptId: attempt, externalId: inbound.externalId, parts: 1, at: clampMoment(inbound.at, now) } })
  }
  return events
}

const textOf = ({ channel }: OpenConnection, delivery: Delivery, attempt: Attempt): string => {
  const step = delivery.route.steps[attempt.step] as ChannelStep
  const { limits } = channel
  return render(step.content, { text: delivery.text, name: delivery.contactName ?? '' }, { textLength: limits.textLength, hasButtons: false, freeText: true }, attempt.id).text
}

/** Signs that a messenger reads as formatting may have been replaced on the way out. */
const isSameText = (shown: string, sent: string): boolean => lettersOf(shown) !== '' && lettersOf(shown) === lettersOf(sent)
const lettersOf = (text: string): string => text.replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
