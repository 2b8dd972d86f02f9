import { type Engine } from '../engine.ts'
import { RestError } from '../errors.ts'
import { addLine, changeLine, deleteLine, lineRow, mayUseLine, operatorsOf, wrongLineField } from '../lines/config.ts'
import { findConnector } from '../lines/connectors.ts'
import { putOperatorMessages } from '../lines/messages.ts'
import { type Line, type LineChat } from '../lines/model.ts'
import { takeDialog } from '../lines/operator.ts'
import { finishSession } from '../lines/sessions.ts'
import { dialogShape, historyShape } from '../lines/shapes.ts'
import { asMap, queryList } from '../list-query.ts'
import { type Activity, isYes } from '../model.ts'
import { answer, type Call, causeOf, type Handler } from './call.ts'

const denied = (): RestError => new RestError('ACCESS_DENIED', 'You cannot open this conversation because you do not have sufficient permissions')

function mayOpen(call: Call, chat: LineChat): boolean {
  return chat.members.has(call.user.id) || mayUseLine(call.engine, chat.lineId, call.user.id)
}

/** A chat by CHAT_ID, open to the caller. */
function chatOf(call: Call): LineChat {
  const id = Number(call.params.CHAT_ID)
  if (!(id > 0)) throw new RestError('CHAT_ID', 'The specified chat identifier is invalid')
  const chat = call.engine.world.lines.chats.get(id)
  if (!chat) throw new RestError('CHAT_TYPE', 'The specified chat is not an open line')
  if (!mayOpen(call, chat)) throw denied()
  return chat
}

function dialog(handle: (call: Call, chat: LineChat) => void): Handler {
  return answer((call) => {
    handle(call, chatOf(call))
    return true
  })
}

function line(call: Call, change: boolean): Line | undefined {
  const id = Number(call.params.CONFIG_ID)
  if (!(id > 0)) throw new RestError('CONFIG_ID_EMPTY', "Config ID can't be empty")
  if (change && !call.user.admin) throw new RestError('CONFIG_WRONG_USER_PERMISSION', 'Permission denied', 403)
  return call.engine.world.lines.lines.get(id)
}

function lineParams(call: Call): Record<string, unknown> {
  const config = asMap(call.params.PARAMS)
  const wrong = wrongLineField(config)
  if (wrong !== undefined) throw new RestError('INVALID_FORMAT', wrong)
  return config
}

function queueFields(engine: Engine, of: Line): Record<string, unknown> {
  const operators = operatorsOf(engine, of)
  return {
    QUEUE: operators,
    QUEUE_USERS_FIELDS: operators.length === 0 ? [] : Object.fromEntries(operators.map((id) => {
      const user = engine.world.users.get(id)!
      return [id, { USER_NAME: `${user.name} ${user.lastName}`, USER_WORK_POSITION: null, USER_AVATAR: '', USER_AVATAR_ID: null }]
    })),
  }
}

function configList(call: Call): unknown {
  const params = asMap(call.params.PARAMS)
  const options = asMap(call.params.OPTIONS)
  for (const field of ['select', 'order', 'filter']) {
    if (params[field] !== undefined && (params[field] === null || typeof params[field] !== 'object')) {
      throw new RestError('INVALID_FORMAT', `A wrong format for the PARAMS field '${field}' is passed`)
    }
  }
  const lines = [...call.engine.world.lines.lines.values()].filter((one) => mayUseLine(call.engine, one.id, call.user.id))
  const fields = ['ID', 'LINE_NAME', ...Object.keys(lines[0] ? lineRow(lines[0]) : {})]
  const limit = Math.min(200, Number(params.limit ?? 50))
  const sorted = queryList(lines.map(lineRow), { filter: params.filter, order: params.order ?? { ID: 'ASC' }, start: -1 }, (field) => fields.includes(field)).rows
  const select = Object.values(asMap(params.select)).map(String)
  return sorted.slice(Number(params.offset ?? 0)).slice(0, limit).map((row) => {
    const of = call.engine.world.lines.lines.get(Number(row.ID))!
    return {
      ...(select.length === 0 ? row : Object.fromEntries(select.map((name) => [name, row[name] ?? null]))),
      ...(isYes(options.QUEUE) ? queueFields(call.engine, of) : {}),
      ...(isYes(options.CONFIG_QUEUE) ? { CONFIG_QUEUE: of.queue.map((entry) => ({ ENTITY_ID: String(entry.id), ENTITY_TYPE: entry.type })) } : {}),
    }
  })
}

const entityTypes: Record<string, number> = { lead: 1, deal: 2, contact: 3, company: 4 }

/** Chats of a CRM entity, by the bindings of the sessions' activities and nothing else; the newest session last. */
function chatsOfEntity(call: Call, activeOnly: boolean): LineChat[] {
  const type = entityTypes[String(call.params.CRM_ENTITY_TYPE).toLowerCase()]
  const entityId = Number(call.params.CRM_ENTITY)
  const { activities, lines } = call.engine.world
  const bound = (activity: Activity): boolean => activity.kind === 'line' && activity.bindings.some((one) => one.entityTypeId === type && one.entityId === entityId)
  const sessions = [...activities.values()].filter(bound).flatMap((activity) => lines.sessions.get(activity.associatedEntityId) ?? [])
  return [...new Set(sessions.filter((session) => !activeOnly || !session.closed).sort((a, b) => a.id - b.id).map((session) => session.chatId))]
    .flatMap((id) => lines.chats.get(id) ?? [])
}

function dialogGet(call: Call): unknown {
  const { lines } = call.engine.world
  const { CHAT_ID: chatId, DIALOG_ID: dialogId, SESSION_ID: sessionId, USER_CODE: userCode } = call.params
  const chat = chatId !== undefined
    ? lines.chats.get(Number(chatId))
    : dialogId !== undefined
      ? lines.chats.get(Number(/^chat(\d+)$/.exec(String(dialogId))?.[1] ?? 0))
      : sessionId !== undefined ? lines.chats.get(lines.sessions.get(Number(sessionId))?.chatId ?? 0) : lines.chatOf(String(userCode ?? ''))
  if (!chat || !mayOpen(call, chat)) throw new RestError('ACCESS_ERROR', 'You do not have access to the specified dialog')
  return dialogShape(call.engine, chat, call.user.id)
}

function history(call: Call): unknown {
  const { lines } = call.engine.world
  if (!(Number(call.params.SESSION_ID) > 0) && !(Number(call.params.CHAT_ID) > 0)) {
    throw new RestError('MISSING_REQUIRED_PARAM', 'Session ID or Chat ID must be provided')
  }
  const asked = lines.chats.get(Number(call.params.CHAT_ID ?? 0))
  const session = call.params.SESSION_ID === undefined ? asked && lines.lastSession(asked) : lines.sessions.get(Number(call.params.SESSION_ID))
  if (!session) throw new RestError('INVALID_SESSION_ID', 'Unable to determine session ID from provided parameters')
  const chat = lines.chats.get(session.chatId)!
  if (!mayOpen(call, chat)) throw denied()
  return historyShape(call.engine, chat, session)
}

/** Hands the dialog to another user or, with `queue<id>`, to another line's queue. */
function transfer(call: Call): true {
  const chat = chatOf(call)
  const target = String(call.params.TRANSFER_ID ?? call.params.USER_ID ?? (call.params.QUEUE_ID === undefined ? '' : `queue${String(call.params.QUEUE_ID)}`))
  if (target === '') throw new RestError('TRANSFER_ID_EMPTY', "Queue ID or User ID can't be empty")
  const session = call.engine.world.lines.openSession(chat)
  const queue = call.engine.world.lines.lines.get(Number(/^queue(\d+)$/.exec(target)?.[1] ?? 0))
  const users = target.startsWith('queue') ? (queue ? operatorsOf(call.engine, queue) : []) : [Number(target)]
  if (!session || users.length === 0 || !users.every((id) => call.engine.world.users.get(id)?.active)) {
    throw new RestError('OPERATOR_WRONG', 'You cannot redirect to this operator')
  }
  chat.members.delete(call.user.id)
  for (const id of users) chat.members.add(id)
  session.operatorId = users.length === 1 ? users[0]! : null
  chat.ownerId = users[0]!
  return true
}

/** @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/index.html */
export const openLineMethods: Record<string, Handler> = {
  'imopenlines.config.list.get': answer(configList),
  'imopenlines.config.get': answer((call) => {
    const of = line(call, false)
    if (!of || !mayUseLine(call.engine, of.id, call.user.id)) return false
    return { ...lineRow(of), ...(call.params.WITH_QUEUE === 'N' ? {} : { ...queueFields(call.engine, of), QUEUE: operatorsOf(call.engine, of).map(String) }) }
  }),
  'imopenlines.config.add': answer((call) => {
    if (!call.user.admin) throw new RestError('CONFIG_WRONG_USER_PERMISSION', 'Permission denied', 403)
    const config = lineParams(call)
    // Without a queue whoever adds the line answers in it.
    return addLine(call.engine, { QUEUE: [{ ENTITY_TYPE: 'user', ENTITY_ID: call.user.id }], ...config }).id
  }),
  'imopenlines.config.update': answer((call) => {
    const of = line(call, true)
    if (!of) return false
    changeLine(of, lineParams(call))
    return true
  }),
  'imopenlines.config.delete': answer((call) => {
    const of = line(call, true)
    if (!of) return false
    deleteLine(call.engine, of, call.user.id)
    return true
  }),
  'imopenlines.config.path.get': answer(({ engine }) => ({ SERVER_ADDRESS: engine.origin, PUBLIC_PATH: '/contact_center/' })),
  'imopenlines.revision.get': answer(() => ({ rest: 2, web: 1, mobile: 1 })),
  'imopenlines.dialog.get': answer(dialogGet),
  'imopenlines.session.history.get': answer(history),
  'imopenlines.session.open': answer((call) => {
    const chat = call.engine.world.lines.chatOf(String(call.params.USER_CODE))
    if (!chat || !mayOpen(call, chat)) throw denied()
    return { chatId: String(chat.id) }
  }),
  'imopenlines.session.start': dialog((call, chat) => {
    takeDialog(call.engine, chat, call.user.id)
  }),
  'imopenlines.session.join': dialog((call, chat) => {
    chat.members.add(call.user.id)
  }),
  'imopenlines.session.intercept': dialog((call, chat) => {
    takeDialog(call.engine, chat, call.user.id).operatorId = call.user.id
    chat.ownerId = call.user.id
  }),
  'imopenlines.operator.answer': dialog((call, chat) => {
    takeDialog(call.engine, chat, call.user.id)
  }),
  'imopenlines.operator.finish': dialog((call, chat) => finishSession(call.engine, chat, causeOf(call))),
  'imopenlines.operator.another.finish': dialog((call, chat) => finishSession(call.engine, chat, causeOf(call))),
  'imopenlines.operator.spam': dialog((call, chat) => finishSession(call.engine, chat, causeOf(call), { spam: true })),
  'imopenlines.operator.skip': dialog((call, chat) => {
    const session = call.engine.world.lines.openSession(chat)
    if (!session) throw new RestError('ACCESS_DENIED_KICK', 'Insufficient permissions to remove participants from the chat')
    chat.members.delete(call.user.id)
    if (session.operatorId === call.user.id) session.operatorId = null
    const next = operatorsOf(call.engine, call.engine.world.lines.lines.get(chat.lineId)!).find((id) => id !== call.user.id)
    if (next !== undefined) chat.members.add(next)
  }),
  'imopenlines.operator.transfer': answer(transfer),
  'imopenlines.crm.chat.get': answer((call) => chatsOfEntity(call, call.params.ACTIVE_ONLY !== 'N').map((chat) => ({
    CHAT_ID: String(chat.id), CONNECTOR_ID: chat.connector, CONNECTOR_TITLE: findConnector(call.engine, chat.connector)?.connector.name ?? chat.connector,
  }))),
  'imopenlines.crm.chat.getLastId': answer((call) => {
    const chat = chatsOfEntity(call, false).at(-1)
    if (!chat) throw new RestError('CRM_CHAT_EMPTY_CRM_DATA', 'Could not find CRM object')
    return chat.id
  }),
  // Writes as an operator into a dialog of the entity: the patient gets it through the connector.
  'imopenlines.crm.message.add': answer((call) => {
    const chat = chatsOfEntity(call, false).find((one) => one.id === Number(call.params.CHAT_ID))
    if (!chat) throw new RestError('CHAT_NOT_IN_CRM', 'Chat does not belong to the CRM entity being checked')
    const userId = Number(call.params.USER_ID)
    if (!call.engine.world.users.get(userId)?.active) throw new RestError('CANCELED', 'You cannot send messages to the specified chat')
    takeDialog(call.engine, chat, userId)
    return putOperatorMessages(call.engine, chat, userId, [{ text: String(call.params.MESSAGE) }])[0]!.id
  }),
}
