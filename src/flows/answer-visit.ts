import { loadDeliveries, runningOfContacts } from '../db/deliveries.ts'
import { type Trx } from '../db/database.ts'
import { put, ring, type OutboxEntry } from '../db/outbox.ts'
import { type Portal } from '../db/portals.ts'
import { latestOfDeal, saveVisitAnswer } from '../db/visits.ts'
import { type Attempt, type Delivery } from '../domain/delivery.ts'
import { type ConnectionId } from '../domain/ids.ts'
import { type Answer } from '../domain/message.ts'
import { AppError } from '../errors.ts'
import { advanceDeliveries, type DeliveryEvent } from './advance-deliveries.ts'
import { type Deps } from './deps.ts'
import { findVisit, readLaunch, type Visit } from './open-mini-app.ts'

const codes = { confirm: 'confirmed', move: 'moved', cancel: 'cancelled' } as const

const noteWords = {
  ru: {
    title: 'Ответ пациента о визите',
    said: { confirm: 'Пациент придёт', move: 'Пациент просит перенести визит', cancel: 'Пациент отменил визит' },
    text: (said: string, at: string, channel: string) => `${said}: ${at}. Ответ дан в мини-приложении ${channel}.`,
  },
  en: {
    title: "The patient's answer about the visit",
    said: { confirm: 'The patient will come', move: 'The patient asks to move the visit', cancel: 'The patient has cancelled the visit' },
    text: (said: string, at: string, channel: string) => `${said}: ${at}. Answered in the mini-app of ${channel}.`,
  },
} as const

/**
 * Takes a patient's answer about the visit that they saw: a notification of that deal counts as answered by button, as it would in the chat;
 * without one the deal's triggers are fired and its timeline says it. The same answer again changes nothing.
 *
 * @throws AppError SESSION_INVALID for launch data that do not count or an account without a proof; CONFLICT when the visit is another one by now
 */
export const answerVisit = async (deps: Deps, id: string, launchData: string, { answer, visitAt }: { readonly answer: Answer; readonly visitAt: number }): Promise<void> => {
  const { open, portal, contactId } = await readLaunch(deps, id, launchData)
  if (contactId === undefined) throw new AppError('SESSION_INVALID', 'Клиника ещё не знает, что это вы: поделитесь номером телефона в чате с ней.')
  const visit = await findVisit(deps, portal, contactId, true)
  if (visit?.at !== visitAt) throw new AppError('CONFLICT', 'Время визита изменилось: посмотрите на новое и ответьте ещё раз.')
  const now = deps.clock.now()
  await deps.db.transaction().execute(async (trx) => {
    if (!(await saveVisitAnswer(trx, portal.id, { contactId, visitAt: new Date(visitAt), answer, at: new Date(now) }))) return
    const deliveries = await deliveriesOf(deps, trx, portal, contactId, visit)
    const events = deliveries.map((delivery) => eventOf(delivery, open.connection.id, answer, now))
    await advanceDeliveries(deps, trx, events)
    // A notification tells each answer to the deal once in its life; one that comes back is told past it.
    const isTold = deliveries.some((delivery, index) => events[index]!.event.type === 'acted' && !delivery.fired.includes(codes[answer]))
    if (isTold) return
    const title = (open.channel.family ?? open.channel.title)[portal.language]
    await put(trx, directRows(portal, { contactId, visit, answer, title, now }))
    await ring(trx, 'portal')
  })
}

/** The running notifications about this visit; without one the latest of its deal, whose last word counts after the end too, as it does for buttons. */
const deliveriesOf = async (deps: Deps, trx: Trx, portal: Portal, contactId: string, visit: Visit): Promise<readonly Delivery[]> => {
  const refs = await runningOfContacts(trx, [{ portalId: portal.id, contactId }])
  const running = [...(await loadDeliveries(deps.db, refs)).values()].filter((delivery) => visit.dealId === undefined || delivery.dealId === visit.dealId)
  if (running.length > 0 || visit.dealId === undefined) return running
  const latest = await latestOfDeal(trx, portal.id, { contactId, dealId: visit.dealId })
  return latest === undefined ? [] : [...(await loadDeliveries(deps.db, [{ portalId: portal.id, deliveryId: latest }])).values()]
}

/** The page opened in the messenger that carried the notification is as good as a button under it; in another one it is a reply. */
const eventOf = (delivery: Delivery, connection: ConnectionId, answer: Answer, at: number): DeliveryEvent => {
  const attempt = carriedBy(delivery, connection)
  const event = attempt === undefined ? ({ type: 'replied', connectionId: connection, at } as const) : ({ type: 'acted', attemptId: attempt.id, answer, at } as const)
  return { portalId: delivery.portalId, deliveryId: delivery.id, event }
}

const carriedBy = (delivery: Delivery, connection: ConnectionId): Attempt | undefined =>
  delivery.attempts.find((attempt) => attempt.connectionId === connection && ['sending', 'unknown', 'out'].includes(attempt.state))

interface Given {
  readonly contactId: string
  readonly visit: Visit
  readonly answer: Answer
  readonly title: string
  readonly now: number
}

/** What the deal is told without a notification. */
const directRows = (portal: Portal, { contactId, visit, answer, title, now }: Given): readonly OutboxEntry[] => {
  const words = noteWords[portal.language]
  const at = new Intl.DateTimeFormat(portal.language === 'ru' ? 'ru-RU' : 'en-GB', { timeZone: portal.timeZone, day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(visit.at)
  const common = { portalId: portal.id, lane: 'portal', runAt: now, since: now } as const
  const dealId = visit.dealId === undefined ? undefined : Number(visit.dealId)
  const note = { of: dealId === undefined ? { contactId: Number(contactId) } : { dealId }, title: words.title, text: words.text(words.said[answer], at, title) }
  return [
    ...(dealId === undefined ? [] : [{ ...common, kind: 'visitTrigger' as const, payload: { dealId, code: codes[answer] }, urgency: 4 }]),
    { ...common, kind: 'visitNote' as const, payload: note, urgency: 5 },
  ]
}
