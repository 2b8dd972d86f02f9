import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Part } from './text.ts'

/**
 * What one session leaves to the next: parts of messages that are not complete, parts of ours whose receipts are still to come, and what
 * may be delivered again because our answer to it may not have left.
 */
const memory = z.object({
  parts: z.array(z.object({ key: z.string(), total: z.number(), number: z.number(), text: z.string().nullable(), at: z.number() })).default([]),
  groups: z.array(z.object({ of: z.string(), waiting: z.array(z.string()), at: z.number() })).default([]),
  unanswered: z.array(z.object({ digest: z.string(), at: z.number() })).default([]),
})
type Memory = z.output<typeof memory>

/** A part that lacks its others for so long goes alone. */
const partLifeMs = 3_600_000
/** Receipts come within the validity period, three days at most. */
const groupLifeMs = 3 * 24 * 3_600_000
const mostGroups = 5_000
/** A message that is the same as the last one of the former session is its repetition only so long after. */
const repetitionMs = 5 * 60_000

export interface SessionMemory {
  /** Takes a part; answers the whole text when it was the last one missing, with `null` for what is no text. */
  addPart(key: string, part: Part, text: string | null, now: number): { readonly text: string | null } | undefined
  /** Parts whose others never came. */
  staleParts(now: number): readonly { readonly key: string; readonly text: string | null }[]
  /** A message of ours in several parts; `of` stands for all of them. */
  addGroup(of: string, ids: readonly string[], now: number): void
  /** A final receipt of one part. `wait`: others are still missing; else what it stands for. */
  passPart(ids: readonly string[], isDelivered: boolean): { readonly of: string } | 'wait' | undefined
  isPart(ids: readonly string[]): boolean
  /** Is this the repetition of what the former session took in and may not have answered? Says yes once. */
  isRepeated(digest: string, now: number): boolean
  tookIn(digest: string, now: number): void
  answered(digest: string): void
  write(): string
}

export const digestOf = (parts: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

const read = (saved: string | undefined): Memory => {
  try {
    return memory.parse(JSON.parse(saved ?? '{}'))
  } catch {
    return memory.parse({})
  }
}

/** A damaged memory is an empty one. */
export const createMemory = (saved: string | undefined): SessionMemory => {
  const state = read(saved)
  const suspects = [...state.unanswered]
  state.unanswered = []
  const groupOf = (ids: readonly string[]) => state.groups.find((group) => group.waiting.some((id) => ids.includes(id)))
  return {
    addPart: (key, { total, number }, text, now) => {
      if (!state.parts.some((known) => known.key === key && known.number === number)) state.parts.push({ key, total, number, text, at: now })
      const all = state.parts.filter((known) => known.key === key)
      if (all.length < total) return undefined
      state.parts = state.parts.filter((known) => known.key !== key)
      return { text: joined(all) }
    },
    staleParts: (now) => {
      const stale = Map.groupBy(state.parts.filter(({ at }) => now - at > partLifeMs), ({ key }) => key)
      state.parts = state.parts.filter(({ key }) => !stale.has(key))
      return [...stale].map(([key, all]) => ({ key, text: joined(all) }))
    },
    addGroup: (of, ids, now) => {
      state.groups = state.groups.filter(({ at }) => now - at < groupLifeMs).slice(-mostGroups + 1)
      state.groups.push({ of, waiting: [...ids], at: now })
    },
    isPart: (ids) => groupOf(ids) !== undefined,
    passPart: (ids, isDelivered) => {
      const group = groupOf(ids)
      if (group === undefined) return undefined
      group.waiting = group.waiting.filter((id) => !ids.includes(id))
      if (isDelivered && group.waiting.length > 0) return 'wait'
      // One part that did not arrive spoils the message, whatever becomes of the others.
      state.groups = state.groups.filter((other) => other !== group)
      return { of: group.of }
    },
    isRepeated: (digest, now) => {
      const index = suspects.findIndex((suspect) => suspect.digest === digest && now - suspect.at < repetitionMs)
      if (index === -1) return false
      suspects.splice(index, 1)
      return true
    },
    tookIn: (digest, now) => void state.unanswered.push({ digest, at: now }),
    answered: (digest) => {
      const index = state.unanswered.findIndex((one) => one.digest === digest)
      if (index !== -1) state.unanswered.splice(index, 1)
    },
    write: () => JSON.stringify(state),
  }
}

const joined = (parts: readonly { readonly number: number; readonly text: string | null }[]): string | null => {
  const texts = [...parts].sort((a, b) => a.number - b.number).map(({ text }) => text)
  return texts.includes(null) ? null : texts.join('')
}
