import { type Engine } from '../engine.ts'
import { portalDate } from '../model.ts'
import { fileLink, imageSize } from './files.ts'
import { type ChatMessage, type LineChat, type LineSession, type StoredFile } from './model.ts'

const permissions = { manage_users_add: 'member', manage_users_delete: 'manager', manage_ui: 'member', manage_settings: 'owner', manage_messages: 'member', can_post: 'member' }

function messagesOf(engine: Engine, chat: LineChat): ChatMessage[] {
  return chat.messageIds.map((id) => engine.world.lines.messages.get(id)!)
}

/** What is left of a deleted message for a reader. */
export function readable(message: ChatMessage): string {
  return message.deleted ? 'Сообщение удалено' : message.text
}

function camel(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), inner]))
}

/** The answer of imopenlines.dialog.get. @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/sessions/imopenlines-dialog-get.html */
export function dialogShape(engine: Engine, chat: LineChat, userId: number): Record<string, unknown> {
  const last = chat.messageIds.at(-1) ?? 0
  const user = engine.world.lines.users.get(chat.userId)
  return {
    id: chat.id, parent_chat_id: 0, parent_message_id: 0, name: chat.name, description: chat.description || null, owner: chat.ownerId, extranet: false,
    avatar: '', color: '#58cc47', type: 'lines', counter: 0, user_counter: chat.members.size + 1, message_count: chat.messageIds.length, unread_id: 0,
    restrictions: { avatar: true, rename: true, extend: true, call: true, mute: true, leave: true, leave_owner: true, send: true, user_list: true },
    last_message_id: last, last_id: last, marked_id: 0, disk_folder_id: 0, entity_type: 'LINES', entity_id: chat.entityId,
    entity_data_1: chat.entityData1, entity_data_2: chat.entityData2, entity_data_3: 'N', mute_list: [], date_create: portalDate(chat.createdAt),
    message_type: 'L', public: '', role: chat.ownerId === userId ? 'owner' : chat.members.has(userId) ? 'member' : 'guest',
    entity_link: { type: 'LINES', url: '', id: chat.entityId }, text_field_enabled: true, background_id: null, permissions, is_new: false,
    readed_list: [{ user_id: chat.userId, user_name: `${user?.name ?? ''} ${user?.lastName ?? ''}`.trim(), message_id: last, date: null }],
    manager_list: [chat.ownerId], last_message_views: { message_id: last, first_viewers: [], count_of_viewers: 0 }, dialog_id: `chat${chat.id}`,
  }
}

function person(engine: Engine, id: number): { id: number, name: string, first: string, last: string, connector: boolean } | undefined {
  const own = engine.world.users.get(id)
  const foreign = own ? undefined : engine.world.lines.users.get(id)
  const found = own ?? foreign
  return found && { id, name: `${found.name} ${found.lastName}`.trim(), first: found.name, last: found.lastName, connector: foreign !== undefined }
}

/** An empty PHP map is a list. */
function phpMap(value: Record<string, unknown>): unknown {
  return Object.keys(value).length === 0 ? [] : value
}

function lowerFile(engine: Engine, file: StoredFile): Record<string, unknown> {
  const link = fileLink(engine, file)
  return {
    id: file.id, chatid: file.chatId, date: portalDate(file.at), type: file.type, name: file.name, extension: file.name.split('.').at(-1) ?? '',
    size: file.bytes.length, image: imageSize(file.bytes) ?? false, status: 'done', progress: 100, authorid: file.authorId,
    authorname: person(engine, file.authorId)?.name ?? '', urlpreview: link, urlshow: link, urldownload: link,
    viewerattrs: { viewer: '', viewertype: file.type, src: link, objectid: String(file.id), title: file.name }, mediaurl: [],
    istranscribable: false, isvideonote: false, isvoicenote: file.type === 'audio' && file.name.endsWith('.ogg'),
  }
}

/**
 * The answer of imopenlines.session.history.get: the messages of one session. Messages with an id outside show it as `connectorMid`.
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/sessions/imopenlines-session-history-get.html
 */
export function historyShape(engine: Engine, chat: LineChat, session: LineSession): Record<string, unknown> {
  const key = `chat${chat.id}`
  const messages = messagesOf(engine, chat).filter((message) => message.sessionId === session.id).reverse()
  const files = messages.flatMap((message) => message.fileIds.flatMap((id) => engine.world.lines.files.get(id) ?? []))
  const people = [...new Set([...messages.map((message) => message.authorId), ...chat.members])].flatMap((id) => person(engine, id) ?? [])
  const everybody = [...chat.members, chat.userId]
  const silent = Object.fromEntries(everybody.map((id) => [id, false]))
  return {
    chatId: chat.id, canJoin: 'Y', canVoteHead: 'Y', sessionId: session.id, sessionVoteHead: 0, sessionCommentHead: null, userId: key,
    message: phpMap(Object.fromEntries(messages.map((message) => [message.id, {
      id: String(message.id), chatid: String(chat.id), senderid: String(message.authorId), recipientid: key, date: portalDate(message.at),
      text: readable(message), textlegacy: readable(message),
      params: phpMap({
        ...(message.connectorMid.length > 0 ? { connectorMid: message.connectorMid } : {}), ...(message.fileIds.length > 0 ? { fileId: message.fileIds } : {}),
        ...(message.edited ? { isEdited: 'Y' } : {}), ...(message.deleted ? { isDeleted: 'Y' } : {}),
      }),
    }]))),
    usersMessage: { [key]: messages.map((message) => String(message.id)) },
    users: phpMap(Object.fromEntries(people.map((one) => [one.id, {
      id: String(one.id), name: one.name, active: true, firstName: one.first, lastName: one.last, workPosition: '', color: '#4ba984', avatar: '', avatarId: '',
      birthday: '', gender: 'M', phoneDevice: false, phones: false, extranet: one.connector, network: false, bot: false, connector: one.connector,
      profile: `/company/personal/user/${one.id}/`, externalAuthId: one.connector ? 'imconnector' : 'socservices', status: 'online', idle: false,
      lastActivityDate: false, mobileLastDate: false, desktopLastDate: false, departments: one.connector ? [] : [1], absent: false,
      type: 'user', services: null, botData: null,
    }]))),
    openlines: { canvoteashead: { [chat.lineId]: true } },
    userInGroup: { 1: { id: 1, users: [...chat.members].map(String) } },
    woUserInGroup: [],
    chat: {
      [chat.id]: {
        id: String(chat.id), parentChatId: 0, parentMessageId: 0, name: chat.name, owner: String(chat.ownerId), color: '#ba9c7b', extranet: false, avatar: '',
        call: '0', callNumber: '', entityType: 'LINES', entityId: chat.entityId, entityData1: chat.entityData1, entityData2: chat.entityData2, entityData3: '',
        messageCount: chat.messageIds.length, public: '', muteList: silent, managerList: [chat.ownerId], dateCreate: portalDate(chat.createdAt), type: 'lines',
        entityLink: { type: 'LINES', url: '', id: chat.entityId }, permissions: camel(permissions), textFieldEnabled: true, backgroundId: null, messageType: 'L', isNew: false,
      },
    },
    userBlockChat: { [chat.id]: silent },
    userInChat: { [chat.id]: everybody },
    files: phpMap(Object.fromEntries(files.map((file) => [file.id, lowerFile(engine, file)]))),
  }
}

/** The answer of im.dialog.messages.get, newest first. @see https://apidocs.bitrix24.com/api-reference/chats/messages/im-dialog-messages-get.html */
export function messagesShape(engine: Engine, chat: LineChat, query: { lastId?: number, firstId?: number, limit: number }): Record<string, unknown> {
  const all = messagesOf(engine, chat)
  const chosen = query.firstId !== undefined
    ? all.filter((message) => message.id > query.firstId!).slice(0, query.limit).reverse()
    : all.filter((message) => query.lastId === undefined || message.id < query.lastId).slice(-query.limit).reverse()
  const files = chosen.flatMap((message) => message.fileIds.flatMap((id) => engine.world.lines.files.get(id) ?? []))
  const people = [...new Set(chosen.map((message) => message.authorId))].flatMap((id) => person(engine, id) ?? [])
  return {
    chat_id: chat.id,
    messages: chosen.map((message) => ({
      id: message.id, chat_id: chat.id, author_id: message.authorId, date: portalDate(message.at), text: readable(message), unread: false, uuid: message.uuid,
      replaces: [],
      params: phpMap({
        ...(message.connectorMid.length > 0 ? { CONNECTOR_MID: message.connectorMid } : {}), ...(message.fileIds.length > 0 ? { FILE_ID: message.fileIds } : {}),
        ...(message.edited ? { IS_EDITED: 'Y' } : {}), ...(message.deleted ? { IS_DELETED: 'Y' } : {}),
      }),
      disappearing_date: null,
    })),
    users: people.map((one) => ({
      id: one.id, active: true, name: one.name, first_name: one.first, last_name: one.last, work_position: '', color: '#4ba984', avatar: '', avatar_hr: '',
      gender: 'M', birthday: '', extranet: one.connector, network: false, bot: false, connector: one.connector,
      external_auth_id: one.connector ? 'imconnector' : 'socservices', status: 'online', idle: false, last_activity_date: false, mobile_last_date: false,
      desktop_last_date: false, absent: false, departments: one.connector ? [] : [1], phones: false, bot_data: null, type: 'user', website: '', email: '',
    })),
    files: files.map((file) => ({
      id: file.id, chatId: chat.id, date: portalDate(file.at), type: file.type, name: file.name, extension: file.name.split('.').at(-1) ?? '', size: file.bytes.length,
      image: imageSize(file.bytes) ?? false, status: 'done', progress: 100, authorId: file.authorId, authorName: person(engine, file.authorId)?.name ?? '',
      urlPreview: fileLink(engine, file), urlShow: fileLink(engine, file), urlDownload: fileLink(engine, file),
    })),
  }
}
