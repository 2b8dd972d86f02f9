import { type Engine } from '../engine.ts'
import { emit } from '../events.ts'
import { isOn, type Line } from './model.ts'

/** As a new line is born: with leads and with a rating, both of which an application for clinics has to switch off. */
const defaults: Record<string, unknown> = {
  ACTIVE: 'Y', CRM: 'Y', CRM_CREATE: 'lead', CRM_CREATE_SECOND: '', CRM_CREATE_THIRD: 'N', CRM_FORWARD: 'N', CRM_CHAT_TRACKER: 'Y', CRM_TRANSFER_CHANGE: 'N',
  CRM_SOURCE: 'create', QUEUE_TIME: '60', NO_ANSWER_TIME: '60', QUEUE_TYPE: 'all', CHECK_AVAILABLE: 'N', WATCH_TYPING: 'Y',
  WELCOME_BOT_ENABLE: 'N', WELCOME_BOT_JOIN: 'always', WELCOME_BOT_ID: '0', WELCOME_BOT_TIME: '180', WELCOME_BOT_LEFT: 'queue',
  WELCOME_MESSAGE: 'N', WELCOME_MESSAGE_TEXT: 'Здравствуйте! Вам ответит первый освободившийся оператор.', SEND_WELCOME_EACH_SESSION: 'Y',
  VOTE_MESSAGE: 'Y', VOTE_TIME_LIMIT: '0', VOTE_BEFORE_FINISH: 'N', VOTE_CLOSING_DELAY: 'N', VOTE_MESSAGE_1_TEXT: 'Оцените качество обслуживания.',
  VOTE_MESSAGE_1_LIKE: 'Спасибо за оценку!', VOTE_MESSAGE_1_DISLIKE: 'Нам жаль, что мы не смогли помочь.',
  VOTE_MESSAGE_2_TEXT: 'Оцените качество обслуживания. Отправьте: 1 — хорошо, 0 — плохо', VOTE_MESSAGE_2_LIKE: 'Спасибо за оценку!',
  VOTE_MESSAGE_2_DISLIKE: 'Нам жаль, что мы не смогли помочь.', AGREEMENT_MESSAGE: 'N', AGREEMENT_ID: '0', CATEGORY_ENABLE: 'N', CATEGORY_ID: '0',
  NO_ANSWER_RULE: 'none', NO_ANSWER_FORM_ID: '0', NO_ANSWER_BOT_ID: '0', NO_ANSWER_TEXT: '', WORKTIME_ENABLE: 'N', WORKTIME_FROM: '9', WORKTIME_TO: '18',
  WORKTIME_TIMEZONE: 'Europe/Moscow', WORKTIME_HOLIDAYS: [''], WORKTIME_DAYOFF: [''], WORKTIME_DAYOFF_RULE: 'none', WORKTIME_DAYOFF_FORM_ID: '0',
  WORKTIME_DAYOFF_BOT_ID: '0', WORKTIME_DAYOFF_TEXT: '', CLOSE_RULE: 'none', CLOSE_FORM_ID: '0', CLOSE_BOT_ID: '0', CLOSE_TEXT: '', FULL_CLOSE_TIME: '10',
  AUTO_CLOSE_RULE: 'none', AUTO_CLOSE_FORM_ID: '0', AUTO_CLOSE_BOT_ID: '0', AUTO_CLOSE_TIME: '14400', AUTO_CLOSE_TEXT: '', AUTO_EXPIRE_TIME: '0',
  TEMPORARY: 'N', XML_ID: '', LANGUAGE_ID: 'ru', QUICK_ANSWERS_IBLOCK_ID: '0', SESSION_PRIORITY: '0', TYPE_MAX_CHAT: 'answered_new', MAX_CHAT: '0',
  OPERATOR_DATA: 'profile', DEFAULT_OPERATOR_DATA: [],
}

/** Names of the fields that imopenlines.config.add and update take. */
export const lineFields = [...Object.keys(defaults), 'LINE_NAME', 'QUEUE', 'QUEUE_USERS_FIELDS']

const choices: Record<string, string[]> = {
  CRM_CREATE: ['none', 'lead', 'deal'], OPERATOR_DATA: ['profile', 'queue', 'hide'], QUEUE_TYPE: ['evenly', 'strictly', 'all'],
  ...Object.fromEntries(['ACTIVE', 'CRM', 'CRM_CHAT_TRACKER', 'VOTE_MESSAGE', 'WELCOME_MESSAGE', 'SEND_WELCOME_EACH_SESSION', 'CRM_FORWARD', 'CRM_TRANSFER_CHANGE']
    .map((field) => [field, ['Y', 'N']])),
}

/** The fields of a line that the portal would not take, with the reason. */
export function wrongLineField(config: Record<string, unknown>): string | undefined {
  for (const [field, value] of Object.entries(config)) {
    if (!lineFields.includes(field)) return `Unknown field '${field}' of a line`
    const allowed = choices[field]
    // "0" and false are not "N": the server compares with the letter.
    if (allowed && !allowed.includes(String(value))) return `Field '${field}' takes ${allowed.join(', ')}`
  }
  return undefined
}

export function addLine(engine: Engine, config: Record<string, unknown>): Line {
  const id = engine.world.nextId('line')
  const line: Line = { id, config: { ...structuredClone(defaults), LINE_NAME: `Открытая линия ${id}` }, queue: [] }
  engine.world.lines.lines.set(id, line)
  changeLine(line, config)
  return line
}

export function changeLine(line: Line, config: Record<string, unknown>): void {
  const { QUEUE: queue, ...rest } = config
  Object.assign(line.config, rest)
  if (queue === undefined) return
  line.queue = Object.values(queue as object).map((raw: unknown) => {
    const entry = raw as { ENTITY_TYPE?: unknown, ENTITY_ID?: unknown }
    return { type: entry.ENTITY_TYPE === 'department' ? 'department' : 'user', id: Number(entry.ENTITY_ID) }
  })
}

/**
 * Removes a line with what was on it. ONIMCONNECTORLINEDELETE carries a bare number and is not filtered by application.
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/events/on-im-connector-line-delete.html
 */
export function deleteLine(engine: Engine, line: Line, userId: number): void {
  engine.world.lines.lines.delete(line.id)
  for (const app of engine.world.apps.values()) for (const connector of app.connectors.values()) connector.lines.delete(line.id)
  emit(engine, 'ONIMCONNECTORLINEDELETE', line.id, { userId })
}

/** Users who get the dialogs of the line, in the order of the queue; a department stands for everybody active. */
export function operatorsOf(engine: Engine, line: Line): number[] {
  const { users } = engine.world
  const everybody = [...users.values()].filter((user) => user.active).map((user) => user.id)
  return [...new Set(line.queue.flatMap((entry) => entry.type === 'department' ? everybody : everybody.includes(entry.id) ? [entry.id] : []))]
}

/** Whether the user may see and take dialogs of the line. */
export function mayUseLine(engine: Engine, lineId: number, userId: number): boolean {
  const line = engine.world.lines.lines.get(lineId)
  return engine.isAdmin(userId) || (line !== undefined && operatorsOf(engine, line).includes(userId))
}

/** A line as imopenlines.config.get gives it: all scalars are strings. */
export function lineRow(line: Line): Record<string, unknown> {
  return { ID: String(line.id), ...Object.fromEntries(Object.entries(line.config).map(([field, value]) => [field, typeof value === 'object' ? value : String(value)])) }
}

export function lineIsActive(line: Line | undefined): line is Line {
  return line !== undefined && isOn(line, 'ACTIVE')
}
