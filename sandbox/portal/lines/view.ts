import { type Engine } from '../engine.ts'
import { findConnector, worksOnLine } from './connectors.ts'
import { fileLink } from './files.ts'
import { type ChatMessage, externalChatId, type LineChat } from './model.ts'
import { readable } from './shapes.ts'

export interface FileView {
  id: number
  name: string
  type: 'image' | 'video' | 'audio' | 'file'
  mime: string
  size: number
  /** Public link of the portal. */
  link: string
}

export interface MessageView {
  id: number
  sessionId: number
  /** Who wrote it; texts of the system have author 0. */
  kind: 'patient' | 'operator' | 'system'
  authorId: number
  author: string
  /** With BB codes, as it is kept. */
  text: string
  files: FileView[]
  at: string
  /** The tick: `sending`, `delivered`, `failed` (the connector was off); `none` where nothing goes out. */
  state: ChatMessage['state']
  edited: boolean
  deleted: boolean
  /** Its ids in the messenger. */
  externalIds: string[]
}

export interface CrmCard {
  leadId: number
  companyId: number
  contactId: number
  dealId: number
  /** What the head of the chat shows; empty without a card. */
  title: string
  path: string
}

export interface ChatView {
  id: number
  dialogId: string
  /** USER_CODE. */
  entityId: string
  connector: string
  connectorName: string
  /** The operator can write: the connector is on and without an error. */
  connected: boolean
  lineId: number
  lineName: string
  externalChatId: string
  /** The hidden user behind whom the patient stands, and the id that the connector gave. */
  userId: number
  externalUserId: string
  name: string
  members: number[]
  operatorId: number | null
  sessionId: number
  closed: boolean
  vote: 'like' | 'dislike' | null
  entityData1: string
  entityData2: string
  crm: CrmCard
  lastText: string
  lastAt: string
  /** The patient has written last and nobody has answered yet. */
  waiting: boolean
  messageCount: number
}

function crmCard(engine: Engine, chat: LineChat): CrmCard {
  const parts = chat.entityData2.split('|')
  const id = (name: string): number => Number(parts[parts.indexOf(name) + 1] ?? 0)
  const ids = { leadId: id('LEAD'), companyId: id('COMPANY'), contactId: id('CONTACT'), dealId: id('DEAL') }
  const found = ([[3, 'contact', ids.contactId], [1, 'lead', ids.leadId], [4, 'company', ids.companyId], [2, 'deal', ids.dealId]] as const)
    .map(([type, name, itemId]) => ({ name, item: engine.world.item(type, itemId) })).find(({ item }) => item !== undefined)
  if (!found?.item) return { ...ids, title: '', path: '' }
  const person = `${String(found.item.name ?? '')} ${String(found.item.lastName ?? '')}`.trim()
  return { ...ids, title: person || String(found.item.title), path: `/crm/${found.name}/details/${found.item.id}/` }
}

/** A chat as the list of an operator shows it. */
export function viewChat(engine: Engine, chat: LineChat): ChatView {
  const { lines } = engine.world
  const session = lines.lastSession(chat)
  const last = lines.messages.get(chat.messageIds.at(-1) ?? 0)
  const lastSaid = chat.messageIds.findLast((id) => lines.messages.get(id)?.kind !== 'system')
  const connector = findConnector(engine, chat.connector)?.connector
  return {
    id: chat.id, dialogId: `chat${chat.id}`, entityId: chat.entityId, connector: chat.connector, connectorName: connector?.name ?? chat.connector,
    connected: connector !== undefined && worksOnLine(connector, chat.lineId), lineId: chat.lineId,
    lineName: String(lines.lines.get(chat.lineId)?.config.LINE_NAME ?? ''), externalChatId: externalChatId(chat), userId: chat.userId,
    externalUserId: lines.users.get(chat.userId)?.externalId ?? '', name: chat.name, members: [...chat.members], operatorId: session?.operatorId ?? null,
    sessionId: session?.id ?? 0, closed: session?.closed ?? true, vote: session?.vote ?? null, entityData1: chat.entityData1, entityData2: chat.entityData2,
    crm: crmCard(engine, chat), lastText: last ? readable(last) || lines.files.get(last.fileIds[0] ?? 0)?.name || '' : '',
    lastAt: new Date(last?.at ?? chat.createdAt).toISOString(), waiting: lines.messages.get(lastSaid ?? 0)?.kind === 'patient' && session?.closed === false, messageCount: chat.messageIds.length,
  }
}

export function viewMessage(engine: Engine, message: ChatMessage): MessageView {
  const { world } = engine
  const author = world.users.get(message.authorId) ?? world.lines.users.get(message.authorId)
  return {
    id: message.id, sessionId: message.sessionId, kind: message.kind, authorId: message.authorId, author: author ? `${author.name} ${author.lastName}`.trim() : '',
    text: readable(message),
    files: message.fileIds.flatMap((id) => world.lines.files.get(id) ?? []).map((file) => ({
      id: file.id, name: file.name, type: file.type, mime: file.mime, size: file.bytes.length, link: fileLink(engine, file),
    })),
    at: new Date(message.at).toISOString(), state: message.state, edited: message.edited, deleted: message.deleted, externalIds: message.connectorMid,
  }
}

/** A chat with all its messages, oldest first. */
export function viewWholeChat(engine: Engine, chat: LineChat): ChatView & { messages: MessageView[] } {
  return { ...viewChat(engine, chat), messages: chat.messageIds.map((id) => viewMessage(engine, engine.world.lines.messages.get(id)!)) }
}
