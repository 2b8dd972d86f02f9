import { setTimeout as sleep } from 'node:timers/promises'
import { historyCommand, historyOf } from '../bitrix/dialogs.ts'
import { type PortalId } from '../domain/ids.ts'
import { messageOf } from '../errors.ts'
import { type Deps } from './deps.ts'

const rememberedMs = 60 * 60_000
const mostRemembered = 20_000
/** Dialogues that are asked for names on behalf of one page. */
const mostAsked = 3
const patienceMs = 1_500

const remembered = new Map<string, { readonly at: number; readonly name: string | undefined }>()
const keyOf = (portal: PortalId, userId: string): string => `${portal} ${userId}`

/** A name that became known by the way: of whoever opened a page. */
export const rememberName = (portal: PortalId, userId: string, name: string | undefined): void => {
  if (remembered.size >= mostRemembered) remembered.clear()
  remembered.set(keyOf(portal, userId), { at: Date.now(), name })
}

/**
 * Names of employees by their portal ids; one that cannot be learned is missing. The application has no right to the list of users, so
 * names come from those who open our pages and from the sessions in which they spoke; each is asked for once an hour.
 */
export const nameEmployees = async (deps: Deps, portal: PortalId, spoke: readonly { readonly userId: string; readonly sessionId: string | undefined }[]): Promise<ReadonlyMap<string, string>> => {
  const isFresh = (userId: string): boolean => Date.now() - (remembered.get(keyOf(portal, userId))?.at ?? 0) < rememberedMs
  const unknown = spoke.filter(({ userId, sessionId }) => sessionId !== undefined && !isFresh(userId))
  const sessions = [...new Map(unknown.map(({ userId, sessionId }) => [userId, sessionId!])).values()]
  const asked = [...new Set(sessions)].slice(0, mostAsked)
  // The history is not held up by a portal that is slow: the names are there with the next page.
  if (asked.length > 0) await Promise.race([learn(deps, portal, unknown, asked), sleep(patienceMs, undefined, { ref: false })])
  return new Map(spoke.flatMap(({ userId }) => {
    const name = remembered.get(keyOf(portal, userId))?.name
    return name === undefined ? [] : [[userId, name] as const]
  }))
}

const learn = async (deps: Deps, portal: PortalId, unknown: readonly { readonly userId: string; readonly sessionId: string | undefined }[], asked: readonly string[]): Promise<void> => {
  try {
    const outcomes = await deps.portalClient(portal).batch(asked.map((sessionId) => historyCommand(sessionId, { sessionId: Number(sessionId) })))
    const learned = new Set<string>()
    for (const outcome of outcomes.values()) {
      if (!outcome.ok) continue
      for (const [id, { name, isConnector }] of historyOf(outcome.result).users) {
        if (isConnector || name === '') continue
        rememberName(portal, String(id), name)
        learned.add(String(id))
      }
    }
    // Whoever was not named there is not asked for again with each page.
    for (const { userId, sessionId } of unknown) if (asked.includes(sessionId!) && !learned.has(userId)) rememberName(portal, userId, undefined)
  } catch (error) {
    deps.log.warn({ portal, reason: messageOf(error) }, 'names of employees could not be read')
  }
}
