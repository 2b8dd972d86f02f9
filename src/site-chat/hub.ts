import { type Db } from '../db/database.ts'
import { versionsOf, type Visitor } from './store.ts'

/** Tells open pages that their chat has changed; what has changed they read themselves. */
export interface Hub {
  /** @returns how to stop watching */
  watch(visitor: Visitor, onChange: () => void): () => void
  /** A change made by this process: its own pages need not wait for the next look. */
  changed(visitor: Visitor): void
  stop(): void
}

/** A change made by another process shows after at most this time. */
const lookMs = 700

interface Watched {
  readonly visitor: Visitor
  version: number
  readonly listeners: Set<() => void>
}

/**
 * One look at the versions of all chats that are open here, however many pages show them: no connection of the database is held for
 * listening, and any number of processes see each other's changes.
 */
export const createHub = (db: Db, onError: (error: unknown) => void): Hub => {
  const watched = new Map<string, Watched>()
  const keyOf = ({ site, id }: Visitor): string => `${site.portalId} ${site.connectionId} ${id}`
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const look = async (): Promise<void> => {
    const all = [...watched.values()]
    try {
      const versions = new Map((await versionsOf(db, all.map(({ visitor }) => visitor))).map(({ id, version }) => [id, version]))
      for (const one of all) {
        const version = versions.get(one.visitor.id)
        // A chat that is gone is told too: its pages find that out by reading.
        if (version === one.version) continue
        one.version = version ?? -1
        for (const listener of one.listeners) listener()
      }
    } catch (error) {
      if (!isStopped) onError(error)
    }
    timer = undefined
    arm()
  }
  const arm = (): void => {
    if (timer !== undefined || isStopped || watched.size === 0) return
    timer = setTimeout(() => void look(), lookMs)
    timer.unref()
  }
  return {
    watch: (visitor, onChange) => {
      const key = keyOf(visitor)
      const one = watched.get(key) ?? { visitor, version: -1, listeners: new Set() }
      watched.set(key, one)
      one.listeners.add(onChange)
      arm()
      return () => {
        one.listeners.delete(onChange)
        if (one.listeners.size === 0) watched.delete(key)
      }
    },
    changed: (visitor) => watched.get(keyOf(visitor))?.listeners.forEach((listener) => listener()),
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
