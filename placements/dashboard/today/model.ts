/** Decisions of the "today" tab: what became of each notification, in words, grouped by day. Pure. */
import type { ChannelInfo, DeliverySummary } from '../../../src/http/schemas.ts'
import type { Language } from '../../shared/boot.ts'
import { proofTitle } from '../../shared/proof.ts'
import { purposeTitle } from '../../shared/purpose.ts'
import { dayOf, dayTitle, timeOf } from '../../shared/words.ts'

export type Tone = 'good' | 'going' | 'bad' | 'quiet'

export interface Row {
  readonly id: string
  readonly time: string
  readonly dealId: string
  /** Purpose and route; once, when a clinic gave the route the purpose's name. */
  readonly about: string
  readonly status: { readonly title: string; readonly tone: Tone }
  /** `MAX · доставлено`; empty while nothing was tried. */
  readonly how: string
  /** What the patient answered, if they did. */
  readonly answer: string
}

export interface Day {
  readonly key: string
  readonly title: string
  readonly rows: readonly Row[]
}

const tones: Record<DeliverySummary['status'], Tone> = { running: 'going', reached: 'good', notReached: 'bad', stopped: 'quiet' }

const texts = {
  ru: {
    statuses: { running: 'В пути', reached: 'Получено', notReached: 'Не достучались', stopped: 'Остановлено' },
    answers: { confirm: 'Придёт', move: 'Просит перенести', cancel: 'Отменяет', replied: 'Ответил' },
    task: 'Задача сотруднику',
  },
  en: {
    statuses: { running: 'On its way', reached: 'Reached', notReached: 'Not reached', stopped: 'Stopped' },
    answers: { confirm: 'Will come', move: 'Asks to move', cancel: 'Cancels', replied: 'Replied' },
    task: 'Task for staff',
  },
} satisfies Record<Language, object>

const channelTitle = (id: string, channels: readonly ChannelInfo[], language: Language): string =>
  id === 'task' ? texts[language].task : (channels.find((channel) => channel.id === id)?.title[language] ?? id)

export const rowOf = (delivery: DeliverySummary, channels: readonly ChannelInfo[], timeZone: string, language: Language): Row => ({
  id: delivery.id,
  time: timeOf(new Date(delivery.at), timeZone, language),
  dealId: delivery.dealId,
  about: [...new Set([purposeTitle(delivery.purpose, language), delivery.routeName])].filter((part) => part !== '').join(' · '),
  status: { title: texts[language].statuses[delivery.status], tone: tones[delivery.status] },
  how: [
    delivery.channel === undefined ? undefined : channelTitle(delivery.channel, channels, language),
    delivery.proof === undefined ? undefined : proofTitle(delivery.proof, language),
  ]
    .filter((part) => part !== undefined)
    .join(' · '),
  answer: delivery.answer === undefined ? '' : texts[language].answers[delivery.answer],
})

/** Newest first, a day of the portal's zone under one heading. */
export const daysOf = (deliveries: readonly DeliverySummary[], channels: readonly ChannelInfo[], timeZone: string, now: Date, language: Language): readonly Day[] => {
  const days = new Map<string, { title: string; rows: Row[] }>()
  for (const delivery of [...deliveries].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))) {
    const at = new Date(delivery.at)
    const key = dayOf(at, timeZone)
    const day = days.get(key) ?? { title: dayTitle(at, now, timeZone, language), rows: [] }
    day.rows.push(rowOf(delivery, channels, timeZone, language))
    days.set(key, day)
  }
  return [...days].map(([key, day]) => ({ key, ...day }))
}

export interface Count {
  readonly status: DeliverySummary['status']
  readonly title: string
  readonly tone: Tone
  readonly count: number
}

/** How many of the given deliveries of this day stand where; every status is there, with 0 too. */
export const countsOf = (deliveries: readonly DeliverySummary[], timeZone: string, now: Date, language: Language): readonly Count[] => {
  const today = deliveries.filter((delivery) => dayOf(new Date(delivery.at), timeZone) === dayOf(now, timeZone))
  return (['reached', 'running', 'notReached', 'stopped'] as const).map((status) => ({
    status,
    title: texts[language].statuses[status],
    tone: tones[status],
    count: today.filter((delivery) => delivery.status === status).length,
  }))
}
