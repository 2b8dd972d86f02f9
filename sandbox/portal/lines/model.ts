/** The data of the open lines. */

export interface Line {
  id: number
  /** Under the names of imopenlines.config.*: LINE_NAME, ACTIVE, CRM, CRM_CREATE, VOTE_MESSAGE, WELCOME_MESSAGE, OPERATOR_DATA and so on. */
  config: Record<string, unknown>
  /** Who gets the dialogs. */
  queue: { type: 'user' | 'department', id: number }[]
}

/** A hidden user of the portal behind whom a person of an external system stands. */
export interface ConnectorUser {
  id: number
  connector: string
  externalId: string
  name: string
  lastName: string
  phone: string
  email: string
  picture: string
  url: string
  gender: string
}

export interface LineChat {
  id: number
  lineId: number
  connector: string
  /** The user code: `<connector>|<line>|<external chat id>|<internal user id>`. */
  entityId: string
  userId: number
  name: string
  description: string
  members: Set<number>
  ownerId: number
  /** `Y|CONTACT|12|N|N|<session>|<seconds>|0|0|0` */
  entityData1: string
  /** `LEAD|0|COMPANY|0|CONTACT|12|DEAL|0` */
  entityData2: string
  createdAt: number
  messageIds: number[]
  sessionIds: number[]
}

export interface LineSession {
  id: number
  chatId: number
  lineId: number
  operatorId: number | null
  closed: boolean
  startedAt: number
  closedAt: number | null
  /** It began with a look into the CRM. Without it nothing is looked up later either: there is no activity that could be bound. */
  crm: boolean
  activityId: number | null
  /** The patient was asked to rate it: the next bare `1` or `0` is the rating. */
  awaitsVote: boolean
  vote: 'like' | 'dislike' | null
  spam: boolean
}

export interface ChatMessage {
  id: number
  chatId: number
  sessionId: number
  /** 0 for texts of the system. */
  authorId: number
  kind: 'patient' | 'operator' | 'system'
  text: string
  fileIds: number[]
  at: number
  /** Its ids in the external system. */
  connectorMid: string[]
  /** `none`: nothing had to be sent; `sending` until the application confirms; `failed`: the connector was off. */
  state: 'none' | 'sending' | 'delivered' | 'failed'
  edited: boolean
  deleted: boolean
  uuid: string | null
}

export interface StoredFile {
  id: number
  chatId: number
  name: string
  type: 'image' | 'video' | 'audio' | 'file'
  mime: string
  bytes: Uint8Array
  /** The unguessable part of its public link. */
  token: string
  authorId: number
  at: number
}

export class OpenLines {
  readonly lines = new Map<number, Line>()
  readonly users = new Map<number, ConnectorUser>()
  readonly chats = new Map<number, LineChat>()
  readonly sessions = new Map<number, LineSession>()
  readonly messages = new Map<number, ChatMessage>()
  readonly files = new Map<number, StoredFile>()
  /** External person `<connector>|<id>` -> connector user. */
  readonly userByExternal = new Map<string, number>()
  /** What a chat is keyed by, see `chatKey` -> chat. */
  readonly chatByKey = new Map<string, number>()
  /** Message of an external system `<chat>|<external id>` -> message. */
  readonly messageByMid = new Map<string, number>()
  readonly fileByToken = new Map<string, number>()

  /** The running session of the chat. */
  openSession(chat: LineChat): LineSession | undefined {
    const last = this.lastSession(chat)
    return last?.closed === false ? last : undefined
  }

  lastSession(chat: LineChat): LineSession | undefined {
    return this.sessions.get(chat.sessionIds.at(-1) ?? 0)
  }

  chatOf(entityId: string): LineChat | undefined {
    return [...this.chats.values()].find((chat) => chat.entityId === entityId)
  }
}

/** The external chat id, as the portal reads it back from the user code: a `|` inside the id cuts it. */
export function externalChatId(chat: LineChat): string {
  return chat.entityId.split('|')[2] ?? ''
}

export function isOn(line: Line, field: string): boolean {
  return line.config[field] === 'Y'
}
