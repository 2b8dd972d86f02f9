import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Part } from './text.ts'

/**
 * What one session leaves to the next: parts of messages that are not complete, parts of ours whose receipts are still to come, and what
 * may be delivered again because our answer to it may not have left. `body` is what is being put into the inbox; null once it is there,
 * and for a part that is only kept.
 */
const memory = z.object({
  parts: z
    .array(z.object({ key: z.string(), total: z.number(), number: z.number(), text: z.string().nullable(), at: z.number(), from: z.string().default(''), to: z.string().default('') }))
    .default([]),
  groups: z
    .array(z.object({
      of: z.string(), waiting: z.array(z.string()), passed: z.array(z.string()).default([]), unsent: z.number().default(0), hasFailed: z.boolean().default(false), at: z.number(),
    }))
    .default([]),
  unanswered: z.array(z.object({ digest: z.string(), at: z.number(), body: z.string().nullable().default(null) })).default([]),
})
type Memory = z.output<typeof memory>
type Unanswered = Memory['unanswered'][number]

/** Between whom a message goes, as the SMSC writes them. */
export interface Ends {
  readonly from: string
  readonly to: string
}

/** A part that lacks its others for so long goes alone. */
const partLifeMs = 3_600_000
/** Receipts come within the validity period, three days at most. */
const groupLifeMs = 3 * 24 * 3_600_000
const mostGroups = 5_000
/** A message that is the same as the last one of the former session is its repetition only so long after. */
const repetitionMs = 5 * 60_000

export interface SessionMemory {
  /** Takes a part; answers the whole text when it was the last one missing, with `null` for what is no text. */
  addPart(key: string, part: Part, text: string | null, ends: Ends, now: number): { readonly text: string | null } | undefined
  /** Parts whose others never came, with whose they are; `at` is when the first of them came. */
  staleParts(now: number): readonly (Ends & { readonly key: string; readonly text: string | null; readonly at: number })[]
  /** They have gone alone. */
  dropParts(key: string): void
  /** The first part of a message of ours is out; `of` stands for all `total` of them. */
  openGroup(of: string, id: string, total: number, now: number): void
  /** A later part is out. */
  joinGroup(of: string, id: string): void
  isPart(ids: readonly string[]): boolean
  /**
   * What a final receipt of a part says of its message: `tells` where it decides, and `pass` to remember it. Nothing is remembered before
   * `pass`: a receipt that could not be stored comes again and is to say the same.
   */
  partReceipt(ids: readonly string[], isDelivered: boolean): { readonly tells?: string; pass(): void }
  /**
   * What is known of a message that was taken before and may not have been answered; told once. With a body it may not be in the inbox: the
   * same bytes are put there again. undefined: it is new.
   */
  recall(digest: string, now: number): { readonly body: string | null } | undefined
  /** Notes what is about to be put into the inbox; null for a part that is only kept. */
  storing(digest: string, body: string | null, now: number): void
  /** It is in the inbox: its repetition is to be passed over. */
  stored(digest: string): void
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
  // What the former session left. Its own list starts anew: a message in it that comes again in this session is another one.
  let suspects: readonly Unanswered[] = state.unanswered
  state.unanswered = []
  const isFresh = ({ at, body }: Unanswered, now: number): boolean => now - at < (body === null ? repetitionMs : partLifeMs)
  const groupOf = (ids: readonly string[]) => state.groups.find(({ waiting, passed }) => [...waiting, ...passed].some((id) => ids.includes(id)))
  return {
    addPart: (key, { total, number }, text, ends, now) => {
      if (!state.parts.some((known) => known.key === key && known.number === number)) state.parts.push({ key, total, number, text, at: now, ...ends })
      const all = state.parts.filter((known) => known.key === key)
      if (all.length < total) return undefined
      state.parts = state.parts.filter((known) => known.key !== key)
      return { text: joined(all) }
    },
    staleParts: (now) => {
      const stale = Map.groupBy(state.parts.filter(({ at }) => now - at > partLifeMs), ({ key }) => key)
      return [...stale].map(([key, all]) => ({ key, text: joined(all), from: all[0]!.from, to: all[0]!.to, at: Math.min(...all.map(({ at }) => at)) }))
    },
    dropParts: (key) => void (state.parts = state.parts.filter((known) => known.key !== key)),
    openGroup: (of, id, total, now) => {
      state.groups = state.groups.filter(({ at }) => now - at < groupLifeMs).slice(-mostGroups + 1)
      state.groups.push({ of, waiting: [id], passed: [], unsent: total - 1, hasFailed: false, at: now })
    },
    joinGroup: (of, id) => {
      const group = state.groups.findLast((one) => one.of === of)
      group?.waiting.push(id)
      if (group !== undefined) group.unsent--
    },
    isPart: (ids) => groupOf(ids) !== undefined,
    partReceipt: (ids, isDelivered) => {
      const group = groupOf(ids)
      if (group === undefined) return { pass: () => undefined }
      const arrived = group.waiting.filter((id) => ids.includes(id))
      const isLast = group.unsent === 0 && group.waiting.length === arrived.length
      // One part that did not arrive spoils the message, whatever becomes of the others; a repetition says nothing new.
      const isNews = arrived.length > 0 && !group.hasFailed
      return {
        ...(isNews && (isLast || !isDelivered) ? { tells: group.of } : {}),
        pass: () => {
          group.waiting = group.waiting.filter((id) => !arrived.includes(id))
          group.passed.push(...arrived)
          group.hasFailed ||= arrived.length > 0 && !isDelivered
          // What failed is kept for as long as receipts may be repeated.
          if (isLast && !group.hasFailed) state.groups = state.groups.filter((other) => other !== group)
        },
      }
    },
    recall: (digest, now) => {
      // In this session only what could not be put is known: what was put is answered before the next one is looked at.
      const known = [...suspects, ...state.unanswered].find((one) => one.digest === digest && isFresh(one, now))
      if (known === undefined) return undefined
      suspects = suspects.filter((one) => one !== known)
      state.unanswered = state.unanswered.filter((one) => one !== known)
      return { body: known.body }
    },
    storing: (digest, body, now) => void state.unanswered.push({ digest, at: now, body }),
    stored: (digest) => {
      for (const one of state.unanswered) if (one.digest === digest) one.body = null
    },
    answered: (digest) => {
      const index = state.unanswered.findIndex((one) => one.digest === digest)
      if (index !== -1) state.unanswered.splice(index, 1)
    },
    write: () => JSON.stringify({ ...state, unanswered: [...suspects, ...state.unanswered] }),
  }
}

const joined = (parts: readonly { readonly number: number; readonly text: string | null }[]): string | null => {
  const texts = [...parts].sort((a, b) => a.number - b.number).map(({ text }) => text)
  return texts.includes(null) ? null : texts.join('')
}
