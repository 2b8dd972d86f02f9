/** Ready routes made of the connections that the portal has: a first route takes two clicks. */
import type { ChannelInfo, Connection } from '../../../src/http/schemas.ts'
import type { Language } from '../../shared/boot.ts'
import { channelOf, usualStep, type StepDraft, type World } from './model.ts'

export interface Preset {
  readonly id: 'all' | 'bots' | 'direct'
  readonly name: string
  readonly why: string
  readonly steps: readonly StepDraft[]
}

const taskMinutes = 120

const texts = {
  ru: {
    all: { name: 'Напоминание о приёме', why: 'Все каналы по очереди, в конце — звонок сотрудника' },
    bots: { name: 'Сначала бесплатно', why: 'Только боты, затем звонок: без платы за сообщения' },
    direct: { name: 'Срочно', why: 'Сразу сообщение по номеру телефона, затем звонок' },
  },
  en: {
    all: { name: 'Visit reminder', why: 'Every channel in turn, a call by staff at the end' },
    bots: { name: 'Free first', why: 'Bots only, then a call: no fee per message' },
    direct: { name: 'Urgent', why: 'A message to the phone number at once, then a call' },
  },
}

/** Rich messengers by number first, bots next, the plain and surest last. */
const placeOf = (channel: ChannelInfo): number => (channel.addressedBy === 'identity' ? 1 : channel.needsTemplate || channel.hasButtons ? 0 : 2)

/** One connection of each channel that may stand in a route and is not for one-to-one talk by default, in the order in which a cascade uses them; those that work go before those that do not. */
const inOrder = (world: World): readonly { connection: Connection; channel: ChannelInfo }[] => {
  const states = { working: 0, broken: 1, off: 2 }
  const seen = new Set<string>()
  return [...world.connections]
    .sort((a, b) => states[a.state] - states[b.state])
    .flatMap((connection) => {
      const channel = channelOf(world, connection.id)
      if (channel === undefined || channel.isManualOnly || channel.isGrey || connection.state === 'off' || seen.has(channel.id)) return []
      seen.add(channel.id)
      return [{ connection, channel }]
    })
    .sort((a, b) => placeOf(a.channel) - placeOf(b.channel) || world.channels.indexOf(a.channel) - world.channels.indexOf(b.channel))
}

/** Presets with at least one messenger step, no two alike; nothing while there is no usable connection. */
export const presetsOf = (world: World, language: Language): readonly Preset[] => {
  const all = inOrder(world)
  const candidates: readonly [Preset['id'], readonly { connection: Connection }[]][] = [
    ['all', all],
    ['bots', all.filter(({ channel }) => placeOf(channel) === 1)],
    ['direct', all.filter(({ channel }) => placeOf(channel) === 2)],
  ]
  const seen = new Set<string>()
  return candidates.flatMap(([id, chosen]) => {
    const ids = chosen.map(({ connection }) => connection.id)
    if (ids.length === 0 || seen.has(ids.join())) return []
    seen.add(ids.join())
    const steps: StepDraft[] = ids.map((connectionId, index) => usualStep(index + 1, connectionId, world, language))
    return [{ id, ...texts[language][id], steps: [...steps, { key: ids.length + 1, kind: 'task' as const, minutes: taskMinutes }] }]
  })
}
