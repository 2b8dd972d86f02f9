import { type Engine } from '../engine.ts'
import { RestError } from '../errors.ts'
import { type Cause } from '../events.ts'
import { type Connector, isYes } from '../model.ts'
import { asMap } from '../list-query.ts'
import { operatorsOf } from './config.ts'
import { download, storeFile } from './files.ts'
import { tellLineMessage } from './events.ts'
import { putMessage, putOperatorMessages } from './messages.ts'
import { type ChatMessage, type ConnectorUser, type Line, type LineChat } from './model.ts'
import { greet, startSession } from './sessions.ts'
import { trackText } from './tracker.ts'

type Fields = Record<string, any>

export interface InboundItem {
  user: Fields
  message: Fields
  chat: Fields
}

export interface ItemResult {
  SUCCESS: boolean
  [field: string]: unknown
}

const known: Record<keyof InboundItem, string[]> = {
  user: ['id', 'last_name', 'name', 'picture', 'url', 'gender', 'email', 'phone', 'skip_phone_validate'],
  message: ['id', 'date', 'text', 'files', 'disable_crm', 'user_id'],
  chat: ['id', 'name', 'url'],
}

/**
 * Reads MESSAGES in the words of the page. The server would overlook an unknown field; here it is refused, so that a misspelt one is noticed.
 * @throws RestError ERROR_ARGUMENT
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-send-messages.html
 */
export function readItems(raw: unknown): InboundItem[] {
  const wrong = (text: string): RestError => new RestError('ERROR_ARGUMENT', text)
  if (raw === null || typeof raw !== 'object') throw wrong("The value of an argument 'MESSAGES' must be of type array")
  const items = Object.values(raw) as unknown[]
  if (items.length === 0) throw wrong("Argument 'MESSAGES' is null or empty")
  if (!items.every((item) => item !== null && typeof item === 'object')) throw wrong('The MESSAGES parameter must be an array of messages (arrays)')
  return items.map((item) => {
    const { user, message, chat } = item as Partial<InboundItem>
    if (![user, message, chat].every((block) => typeof block === 'object' && Object.keys(block).length > 0)) {
      throw wrong('The incorrect structure of a message inside MESSAGES parameter')
    }
    const blocks = { user, message, chat } as InboundItem
    for (const [name, fields] of Object.entries(known)) {
      const stranger = Object.keys(blocks[name as keyof InboundItem]).find((field) => !fields.includes(field))
      if (stranger !== undefined) throw wrong(`Unknown field '${stranger}' in '${name}' inside MESSAGES parameter`)
    }
    return blocks
  })
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

/**
 * The page forbids digits and other signs in names and more than 25 characters, and says that an element that failed carries texts in ERRORS:
 * such an element is refused rather than cut, so that an application that does not clean names is noticed.
 */
function wrongItem(item: InboundItem, needsContent: boolean): string[] {
  const errors: string[] = []
  if (text(item.user.id) === '') errors.push("Field 'user.id' is empty")
  if (text(item.chat.id) === '') errors.push("Field 'chat.id' is empty")
  for (const field of ['name', 'last_name']) {
    const value = text(item.user[field])
    if (Array.from(value).length > 25) errors.push(`Field 'user.${field}' is longer than 25 characters`)
    if (!/^[\p{L}\p{M} '’-]*$/u.test(value)) errors.push(`Field 'user.${field}' contains invalid characters`)
  }
  if (item.user.gender !== undefined && !['male', 'female'].includes(text(item.user.gender))) errors.push("Field 'user.gender' must be male or female")
  for (const flag of [item.message.disable_crm, item.user.skip_phone_validate]) {
    if (flag !== undefined && flag !== 'Y') errors.push('A flag takes Y or is left out')
  }
  if (isYes(item.user.skip_phone_validate) ? false : text(item.user.phone) !== '' && !/^\+?[\d\s()-]{7,20}$/.test(text(item.user.phone))) {
    errors.push("Field 'user.phone' is not a phone number")
  }
  if (needsContent && text(item.message.text) === '' && Object.keys(asMap(item.message.files)).length === 0) errors.push('The message is empty')
  return errors
}

/** The hidden user of the portal for an external person: made at the first message, kept up to date by the next ones. */
function connectorUser(engine: Engine, connector: Connector, fields: Fields): ConnectorUser {
  const { lines } = engine.world
  const key = `${connector.id}|${text(fields.id)}`
  let [name, lastName] = [text(fields.name), text(fields.last_name)]
  const words = name.split(' ').filter((word) => word !== '')
  if (lastName === '' && words.length === 2) [name, lastName] = words as [string, string]
  let user = lines.users.get(lines.userByExternal.get(key) ?? 0)
  if (!user) {
    user = {
      id: engine.world.nextId('user'), connector: connector.id, externalId: text(fields.id), name: '', lastName: '', phone: '', email: '', picture: '', url: '', gender: '',
    }
    lines.users.set(user.id, user)
    lines.userByExternal.set(key, user.id)
  }
  const given = { name, lastName, phone: text(fields.phone), email: text(fields.email), picture: text(fields.picture?.url), url: text(fields.url), gender: text(fields.gender) }
  Object.assign(user, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')))
  return user
}

/** One chat per person, or with CHAT_GROUP one per external chat. */
function chatKey(connector: Connector, line: Line, user: ConnectorUser, externalId: string): string {
  return connector.flags.CHAT_GROUP ? `${connector.id}|${line.id}|chat ${externalId}` : `${connector.id}|${line.id}|user ${user.id}`
}

function findChat(engine: Engine, connector: Connector, line: Line, user: ConnectorUser, externalId: string): LineChat | undefined {
  const { lines } = engine.world
  return lines.chats.get(lines.chatByKey.get(chatKey(connector, line, user, externalId)) ?? 0)
}

function needChat(engine: Engine, connector: Connector, line: Line, user: ConnectorUser, item: InboundItem): LineChat {
  const externalId = text(item.chat.id)
  const found = findChat(engine, connector, line, user, externalId)
  if (found) return found
  const { lines } = engine.world
  const chat: LineChat = {
    id: engine.world.nextId('chat'), lineId: line.id, connector: connector.id, userId: user.id,
    entityId: `${connector.id}|${line.id}|${externalId}|${connector.flags.CHAT_GROUP ? 0 : user.id}`,
    name: `${`${user.name} ${user.lastName}`.trim() || 'Гость'} - ${String(line.config.LINE_NAME)}`, description: description(item.chat),
    members: new Set(), ownerId: operatorsOf(engine, line)[0] ?? 0, entityData1: '', entityData2: '', createdAt: engine.clock.now(), messageIds: [], sessionIds: [],
  }
  lines.chats.set(chat.id, chat)
  lines.chatByKey.set(chatKey(connector, line, user, externalId), chat.id)
  return chat
}

function description(chat: Fields): string {
  return text(chat.url) === '' ? '' : `Link to the original post: ${text(chat.url)}`
}

function chatResult(chat: Fields): Record<string, unknown> {
  const about = description(chat)
  return { id: text(chat.id), ...(chat.name === undefined ? {} : { name: text(chat.name) }), ...(about === '' ? {} : { description: about }) }
}

function failed(item: InboundItem, errors: string[]): ItemResult {
  return { message: { id: text(item.message.id) }, chat: { id: text(item.chat.id) }, SUCCESS: false, ERRORS: errors }
}

/**
 * One element of imconnector.send.messages. Files are downloaded now; one that the portal cannot get is missing in the message, and a message
 * of nothing else fails. The same `message.id` again is one more message.
 */
export async function receive(engine: Engine, connector: Connector, line: Line, item: InboundItem, cause: Cause): Promise<ItemResult> {
  const errors = wrongItem(item, true)
  if (errors.length > 0) return failed(item, errors)
  const wanted = (Object.values(asMap(item.message.files)) as { url?: unknown, name?: unknown }[]).map((file) => ({ url: text(file.url), name: text(file.name) }))
  const bodies = await Promise.all(wanted.map((file) => download(file.url)))
  const got = wanted.flatMap((file, index) => bodies[index] ? [{ name: file.name || decodeURIComponent(new URL(file.url).pathname.split('/').at(-1) ?? '') || 'file', bytes: bodies[index] }] : [])
  if (text(item.message.text) === '' && got.length === 0) return failed(item, ['The message is empty'])

  const { lines } = engine.world
  const user = connectorUser(engine, connector, item.user)
  const chat = needChat(engine, connector, line, user, item)
  const fileIds = got.map((file) => storeFile(engine, chat, user.id, file.name, file.bytes).id)
  const managerId = Number(item.message.user_id ?? 0)
  let body = text(item.message.text)
  const crm = item.message.disable_crm !== 'Y' && connector.flags.CHAT_GROUP !== true

  const last = lines.lastSession(chat)
  if (last?.awaitsVote && /^[01](\s|$)/.test(body) && managerId === 0) {
    // Swallowed as a rating of the session that has ended: the operator never reads what was written.
    last.awaitsVote = false
    last.vote = body.startsWith('1') ? 'like' : 'dislike'
    body = last.vote === 'like' ? '[like]' : '[dislike]'
  } else if (!lines.openSession(chat)) {
    startSession(engine, chat, { crm, text: body, cause })
  } else if (crm) trackText(engine, chat, lines.openSession(chat)!, body, cause)
  const session = lines.lastSession(chat)!

  if (managerId > 0 && engine.world.users.has(managerId)) {
    // Written on behalf of a manager, but not marked as coming from the connector: it goes back there as if the manager had typed it.
    chat.members.add(managerId)
    putOperatorMessages(engine, chat, managerId, [{ text: body, fileIds }], cause)
  } else {
    const mid = text(item.message.id)
    putMessage(engine, chat, { authorId: user.id, kind: 'patient', text: body, fileIds, connectorMid: mid === '' ? [] : [mid], sessionId: session.id }, cause)
    if (lines.lastSession(chat) !== last) greet(engine, chat)
  }
  const extra = {
    ...(item.user.skip_phone_validate === 'Y' ? { skip_phone_validate: 'Y' } : {}), ...(item.message.disable_crm === 'Y' ? { disable_tracker: 'Y' } : {}),
  }
  return {
    user: String(user.id),
    // The date is an object of PHP and arrives empty; of the files only those are told that the portal has got.
    message: { id: text(item.message.id), date: {}, text: text(item.message.text), files: fileIds },
    chat: chatResult(item.chat),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
    SUCCESS: true,
    session: { ID: String(session.id), CHAT_ID: String(chat.id) },
  }
}

function earlier(engine: Engine, connector: Connector, line: Line, item: InboundItem): { user: ConnectorUser, chat: LineChat, message: ChatMessage } | undefined {
  const { lines } = engine.world
  const user = lines.users.get(lines.userByExternal.get(`${connector.id}|${text(item.user.id)}`) ?? 0)
  const chat = user && findChat(engine, connector, line, user, text(item.chat.id))
  const message = chat && lines.messages.get(lines.messageByMid.get(`${chat.id}|${text(item.message.id)}`) ?? 0)
  return user && chat && message?.kind === 'patient' && !message.deleted ? { user, chat, message } : undefined
}

/** One element of imconnector.update.messages: the earlier message is found by its external id in the chat of that person. */
export function receiveUpdate(engine: Engine, connector: Connector, line: Line, item: InboundItem, cause: Cause): ItemResult {
  const errors = wrongItem(item, true)
  const found = errors.length === 0 ? earlier(engine, connector, line, item) : undefined
  if (!found) return failed(item, errors.length > 0 ? errors : ['Message not found'])
  found.message.text = text(item.message.text)
  found.message.edited = true
  tellLineMessage(engine, found.chat, found.message, 'UPDATE', cause)
  return { user: String(found.user.id), message: { id: text(item.message.id), date: {}, text: found.message.text }, chat: chatResult(item.chat), SUCCESS: true }
}

/** One element of imconnector.delete.messages. */
export function receiveDelete(engine: Engine, connector: Connector, line: Line, item: InboundItem, cause: Cause): ItemResult {
  const errors = wrongItem(item, false)
  const found = errors.length === 0 ? earlier(engine, connector, line, item) : undefined
  if (!found) return failed(item, errors.length > 0 ? errors : ['Message not found'])
  Object.assign(found.message, { deleted: true, text: '', fileIds: [] })
  tellLineMessage(engine, found.chat, found.message, 'DELETE', cause)
  return { user: String(found.user.id), message: { id: text(item.message.id) }, chat: chatResult(item.chat), SUCCESS: true }
}

/** The chat that imconnector.chat.name.set names. */
export function chatToRename(engine: Engine, connector: Connector, line: Line, externalChatId: string, externalUserId: string): LineChat | undefined {
  const { lines } = engine.world
  if (connector.flags.CHAT_GROUP) return lines.chats.get(lines.chatByKey.get(`${connector.id}|${line.id}|chat ${externalChatId}`) ?? 0)
  const user = lines.users.get(lines.userByExternal.get(`${connector.id}|${externalUserId}`) ?? 0)
  const chat = user && findChat(engine, connector, line, user, externalChatId)
  return chat?.entityId.split('|')[2] === externalChatId ? chat : undefined
}
