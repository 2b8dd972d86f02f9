import { type RobotReturn } from '../bitrix/robots.ts'
import { bestAttempt } from '../domain/cascade.ts'
import { type Attempt, type Delivery } from '../domain/delivery.ts'
import { hasAnsweredElsewhere, provedAt } from './record-view.ts'

const logs = {
  ru: { reached: 'Пациент получил сообщение', notReached: 'Пациента достичь не удалось', stopped: 'Отправка остановлена', running: '' },
  en: { reached: 'The patient has the message', notReached: 'The patient was not reached', stopped: 'Sending was stopped', running: '' },
} as const

const statuses = { reached: 'reached', notReached: 'not_reached', stopped: 'stopped', running: 'running' } as const

/** What the waiting robot gets: status, channel, proof, time (ISO 8601) and answer; a part that does not exist is empty. */
export const robotReturnOf = (delivery: Delivery, titleOf: (attempt: Attempt) => string, language: 'ru' | 'en'): { values: RobotReturn; log: string } => {
  const isElsewhere = hasAnsweredElsewhere(delivery)
  const best = isElsewhere ? undefined : bestAttempt(delivery)
  const at = (best === undefined ? undefined : provedAt(best)) ?? delivery.closedAt ?? delivery.startedAt
  return {
    values: {
      status: statuses[delivery.status],
      channel: best === undefined ? '' : titleOf(best),
      proof: isElsewhere ? 'acted' : (best?.proof ?? ''),
      time: new Date(at).toISOString(),
      answer: delivery.answer ?? '',
    },
    log: `${logs[language][delivery.status]}${best === undefined ? '' : ` (${titleOf(best)})`}`,
  }
}
