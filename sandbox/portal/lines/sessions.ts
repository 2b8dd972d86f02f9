import { type Engine } from '../engine.ts'
import { type Cause, emit } from '../events.ts'
import { operatorsOf } from './config.ts'
import { greets, tellSession } from './events.ts'
import { putSystemText } from './messages.ts'
import { isOn, type LineChat, type LineSession } from './model.ts'
import { linkSession } from './tracker.ts'

/**
 * Begins a session. `crm: false` (a message with disable_crm, a group chat, a line without CRM) leaves it without an activity for good.
 * `text` is the message that began it.
 */
export function startSession(engine: Engine, chat: LineChat, options: { crm: boolean, text?: string, operatorId?: number, cause: Cause }): LineSession {
  const { world } = engine
  const line = world.lines.lines.get(chat.lineId)
  const operators = line ? operatorsOf(engine, line) : []
  const session: LineSession = {
    id: world.nextId('session'), chatId: chat.id, lineId: chat.lineId, operatorId: options.operatorId ?? null, closed: false,
    startedAt: engine.clock.now(), closedAt: null, crm: options.crm && line !== undefined && isOn(line, 'CRM'), activityId: null,
    awaitsVote: false, vote: null, spam: false,
  }
  world.lines.sessions.set(session.id, session)
  chat.sessionIds.push(session.id)
  const first = line?.config.QUEUE_TYPE === 'all' ? operators : operators.slice(0, 1)
  for (const id of options.operatorId === undefined ? first : [options.operatorId]) chat.members.add(id)
  chat.ownerId = options.operatorId ?? first[0] ?? chat.ownerId
  chat.entityData1 = `N|NONE|0|N|N|${session.id}|${Math.floor(engine.clock.now() / 1000)}|0|0|0`
  chat.entityData2 = 'LEAD|0|COMPANY|0|CONTACT|0|DEAL|0'
  if (session.crm) linkSession(engine, chat, session, options.text ?? '', options.cause)
  tellSession(engine, chat, session, options.cause)
  return session
}

/** The greeting of the line, after the message that began the session. */
export function greet(engine: Engine, chat: LineChat): void {
  if (greets(engine, chat)) putSystemText(engine, chat, String(engine.world.lines.lines.get(chat.lineId)!.config.WELCOME_MESSAGE_TEXT), 'automation')
}

/** Ends a session: the activity is completed, the person may be asked for a rating. Nothing happens to one that has ended. */
export function finishSession(engine: Engine, chat: LineChat, cause: Cause, options: { spam?: boolean } = {}): void {
  const session = engine.world.lines.openSession(chat)
  if (!session) return
  const line = engine.world.lines.lines.get(chat.lineId)
  session.closed = true
  session.closedAt = engine.clock.now()
  session.spam = options.spam === true
  const activity = session.activityId === null ? undefined : engine.world.activities.get(session.activityId)
  if (activity) {
    activity.completed = true
    activity.updatedAt = engine.clock.now()
    emit(engine, 'ONCRMACTIVITYUPDATE', { FIELDS: { ID: activity.id } }, cause)
  }
  if (!session.spam && line !== undefined && isOn(line, 'VOTE_MESSAGE') && chat.connector !== 'livechat') {
    session.awaitsVote = true
    putSystemText(engine, chat, String(line.config.VOTE_MESSAGE_2_TEXT), 'automation')
  }
  tellSession(engine, chat, session, cause)
}
