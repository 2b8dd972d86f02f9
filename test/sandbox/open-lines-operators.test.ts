import { afterEach, describe, expect, it } from '@jest/globals'
import { parseQuery } from '../../sandbox/portal/form.ts'
import { from, type LinePortal, lineVectors, startLines } from './open-lines-support.ts'
import { caller } from './portal-support.ts'

let lines: LinePortal
const closers: (() => unknown)[] = []

async function start(...options: Parameters<typeof startLines>): Promise<LinePortal> {
  lines = await startLines(...options)
  closers.push(lines.close)
  return lines
}

/** Starts and lets a patient write; the id of the chat. */
async function talking(...options: Parameters<typeof startLines>): Promise<LinePortal & { chatId: number, session: any, user: string }> {
  const started = await start(...options)
  const [result] = await started.send(from('1', 'привет'))
  return { ...started, chatId: Number(result.session.CHAT_ID), session: result.session, user: result.user as string }
}

async function delivered(chatId: number, messageId: number, ids: unknown = ['ext-1']): Promise<any> {
  return lines.call('imconnector.send.status.delivery', {
    CONNECTOR: 'clinic_chat', LINE: lines.line, MESSAGES: [{ im: { chat_id: chatId, message_id: messageId }, message: { id: ids, date: 1_768_467_700 }, chat: { id: 'c1' } }],
  })
}

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** The keys of a value all the way down; lists by their first element. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])]
  if (value === null || typeof value !== 'object') return true
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)).map(([key, inner]) => [key, shape(inner)]))
}

const decoded = (name: string): any => parseQuery(lineVectors[name].wire.body)

describe('an operator answers', () => {
  it('in the shape of the documentation, to the application of the connector, once', async () => {
    const { portal, chatId, events, line } = await talking({ flags: { NEED_SIGNATURE: true } })
    const message = portal.lines.say(chatId, { text: 'Здравствуйте!', userId: 2 })
    const [data, ...more] = await events('ONIMCONNECTORMESSAGEADD')
    expect(more).toEqual([])
    expect(shape(data)).toEqual(shape(decoded('event.onimconnectormessageadd').data))
    expect(data).toEqual({
      CONNECTOR: 'clinic_chat', LINE: String(line),
      MESSAGES: [{ im: { chat_id: String(chatId), message_id: String(message.id) }, message: { user_id: '2', text: '[b]Ольга Регистратурова:[/b] [br]Здравствуйте!' }, chat: { id: 'c1' } }],
    })
    expect(message).toMatchObject({ kind: 'operator', state: 'sending', authorId: 2 })
  })

  it('without the name when the connector or the line hides it', async () => {
    const { portal, chatId, events, line } = await talking({ flags: { NEED_SIGNATURE: true } })
    portal.lines.update(line, { OPERATOR_DATA: 'hide' })
    portal.lines.say(chatId, { text: 'Да' })
    expect((await events('ONIMCONNECTORMESSAGEADD'))[0].MESSAGES[0].message.text).toBe('Да')
  })

  it('with files behind public links of the portal', async () => {
    const { portal, chatId, events } = await talking()
    const bytes = Buffer.from('R0lGODlhAQACAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
    portal.lines.say(chatId, { text: '', files: [{ name: 'Схема.gif', bytes }, { name: 'памятка.pdf', bytes: Buffer.from('%PDF') }] })
    const [{ MESSAGES: [{ message }] }] = await events('ONIMCONNECTORMESSAGEADD')
    expect(message.files).toEqual([
      { name: 'Схема.gif', type: 'image', link: expect.stringContaining(portal.origin), width: '1', height: '2', size: String(bytes.length) },
      { name: 'памятка.pdf', type: 'file', link: expect.stringContaining(portal.origin), size: '4' },
    ])
    const link = await fetch(message.files[0].link)
    expect([link.status, (await link.arrayBuffer()).byteLength]).toEqual([200, bytes.length])
    expect((await fetch(`${portal.origin}/~unknown`)).status).toBe(404)
  })

  it('several messages in one event', async () => {
    const { portal, chatId, events } = await talking()
    portal.lines.sayTogether(chatId, [{ text: 'раз' }, { text: 'два' }, { text: 'три' }])
    const all = await events('ONIMCONNECTORMESSAGEADD')
    expect(all.map((data) => data.MESSAGES.map((one: any) => one.message.text))).toEqual([['раз', 'два', 'три']])
  })

  it('into nothing when the connector is off or failed: the message is marked and no event goes', async () => {
    const { portal, chatId, events, call, line } = await talking()
    await call('imconnector.set.error', { CONNECTOR: 'clinic_chat', LINE: line })
    expect(portal.lines.say(chatId, { text: 'ау' }).state).toBe('failed')
    expect(portal.lines.chat(chatId).messages.at(-1)).toMatchObject({ kind: 'system', text: expect.stringContaining('не отправлено') })
    portal.lines.disconnect('clinic_chat', line)
    portal.lines.say(chatId, { text: 'ау' })
    expect(await events('ONIMCONNECTORMESSAGEADD')).toEqual([])
    expect(await events('ONIMCONNECTORSTATUSDELETE')).toEqual([{ connector: 'clinic_chat', line: String(line) }])
    expect((await call('imconnector.status', { CONNECTOR: 'clinic_chat', LINE: line })).body.result).toMatchObject({ STATUS: false, CONFIGURED: false })
  })

  it('unheard when the application has not bound the event, or it is lost on the way', async () => {
    const { portal, chatId, received } = await talking({ bind: ['ONIMCONNECTORMESSAGEADD'] })
    portal.misbehave({ kind: 'event_lose', method: 'ONIMCONNECTORMESSAGEADD' })
    const lost = portal.lines.say(chatId, { text: 'раз' })
    portal.lines.say(chatId, { text: 'два' })
    await portal.settle()
    expect(received.map((one) => one.form.event)).toEqual(['ONIMCONNECTORMESSAGEADD'])
    const history = (await lines.call('imopenlines.session.history.get', { CHAT_ID: chatId })).body.result
    expect(history.message[lost.id]).toMatchObject({ senderid: '1', text: 'раз' })
  })
})

describe('the receipt', () => {
  it('ends "sending" and gives the message its ids outside', async () => {
    const { portal, chatId } = await talking()
    const { id } = portal.lines.say(chatId, { text: 'да' })
    expect((await delivered(chatId, id, ['a', 'b'])).body.result).toEqual({ SUCCESS: true, DATA: [] })
    expect(portal.lines.chat(chatId).messages.at(-1)).toMatchObject({ state: 'delivered', externalIds: ['a', 'b'] })
    const history = (await lines.call('imopenlines.session.history.get', { CHAT_ID: chatId })).body.result
    expect(history.message[id].params).toEqual({ connectorMid: ['a', 'b'] })
  })

  it('is passed over for a foreign chat or message, and refused when the ids are no list', async () => {
    const { portal, chatId, call, line } = await talking()
    const { id } = portal.lines.say(chatId, { text: 'да' })
    expect((await delivered(chatId + 1, id)).body.result.SUCCESS).toBe(true)
    expect((await delivered(chatId, id + 100)).body.result.SUCCESS).toBe(true)
    expect(portal.lines.chat(chatId).messages.at(-1)!.state).toBe('sending')
    expect(await delivered(chatId, id, 'ext-1')).toMatchObject({ status: 400, body: { error: 'ERROR_ARGUMENT' } })
    const reading = await call('imconnector.send.status.reading', { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: [{ im: { chat_id: chatId, message_id: id }, message: { id: ['x'] }, chat: { id: 'c1' } }] })
    expect([reading.body.result, portal.lines.chat(chatId).messages.at(-1)!.state]).toEqual([true, 'sending'])
  })

  it('decides whether edits and deletions are told', async () => {
    const { portal, chatId, events } = await talking({ flags: { NEED_SIGNATURE: true } })
    const unconfirmed = portal.lines.say(chatId, { text: 'раз' })
    portal.lines.edit(unconfirmed.id, 'раз!')
    portal.lines.delete(unconfirmed.id)
    expect([await events('ONIMCONNECTORMESSAGEUPDATE'), await events('ONIMCONNECTORMESSAGEDELETE')]).toEqual([[], []])
    const { id } = portal.lines.say(chatId, { text: 'два' })
    await delivered(chatId, id, ['x1', 'x2'])
    portal.lines.edit(id, 'два!')
    portal.lines.delete(id)
    const [update] = await events('ONIMCONNECTORMESSAGEUPDATE')
    expect(shape(update)).toEqual(shape(decoded('event.onimconnectormessageupdate').data))
    expect(update.MESSAGES[0].message).toEqual({ id: ['x1', 'x2'], text: '[b]Анна Админова:[/b][br] два!' })
    const [deletion] = await events('ONIMCONNECTORMESSAGEDELETE')
    expect(shape(deletion)).toEqual(shape(decoded('event.onimconnectormessagedelete').data))
    expect(deletion.MESSAGES.map((one: any) => one.message.id)).toEqual(['x1', 'x2'])
    expect(portal.lines.chat(chatId).messages.at(-1)).toMatchObject({ deleted: true, edited: true })
  })

  it('cannot be edited past the flags of the connector, nor by another', async () => {
    const { portal, chatId } = await talking({ flags: { EDIT_INTERNAL_MESSAGES: false, DEL_INTERNAL_MESSAGES: false, DEL_EXTERNAL_MESSAGES: false } })
    const { id } = portal.lines.say(chatId, { text: 'раз' })
    expect(() => portal.lines.edit(id, 'х')).toThrow('does not take edits')
    expect(() => portal.lines.delete(id)).toThrow('does not let')
    expect(() => portal.lines.delete(portal.lines.chat(chatId).messages[0]!.id)).toThrow('does not let')
    expect(() => portal.lines.edit(id, 'х', { userId: 2 })).toThrow('Only its author')
  })
})

describe('texts of the system', () => {
  it('F22: a greeting goes out with user 0 when the connector takes system texts', async () => {
    const { events, chatId, portal } = await talking({ line: { WELCOME_MESSAGE: 'Y', WELCOME_MESSAGE_TEXT: 'Добрый день' }, flags: { NEED_SYSTEM_MESSAGES: true } })
    expect((await events('ONIMCONNECTORMESSAGEADD'))[0].MESSAGES[0].message).toEqual({ user_id: '0', text: 'Добрый день' })
    expect(portal.lines.chat(chatId).messages.map((message) => message.kind)).toEqual(['patient', 'system'])
  })

  it('stay in the chat when the connector does not take them, those of im.message.add as well', async () => {
    const { events, call, chatId, portal } = await talking({ line: { WELCOME_MESSAGE: 'Y' } })
    const id = (await call('im.message.add', { DIALOG_ID: `chat${chatId}`, MESSAGE: 'Не доставлено: номер не в WhatsApp', SYSTEM: 'Y' })).body.result
    expect(portal.lines.chat(chatId).messages.at(-1)).toMatchObject({ id, kind: 'system', authorId: 0, state: 'none' })
    expect(await events('ONIMCONNECTORMESSAGEADD')).toEqual([])
  })
})

describe('im.message.*', () => {
  it('writes, changes and deletes as the user; the connector hears of it', async () => {
    const { call, chatId, events, portal } = await talking()
    const id = (await call('im.message.add', { DIALOG_ID: `chat${chatId}`, MESSAGE: 'от себя' })).body.result as number
    await delivered(chatId, id)
    expect((await call('im.message.update', { MESSAGE_ID: id, MESSAGE: 'от себя!' })).body.result).toBe(true)
    expect((await call('im.message.delete', { MESSAGE_ID: id })).body.result).toBe(true)
    expect([await events('ONIMCONNECTORMESSAGEADD'), await events('ONIMCONNECTORMESSAGEUPDATE'), await events('ONIMCONNECTORMESSAGEDELETE')].map((all) => all.length)).toEqual([1, 1, 1])
    const foreign = portal.lines.chat(chatId).messages[0]!.id
    expect((await call('im.message.update', { MESSAGE_ID: foreign, MESSAGE: 'x' })).body.error).toBe('CANT_EDIT_MESSAGE')
    expect((await call('im.message.add', { DIALOG_ID: `chat${chatId}`, MESSAGE: '' })).body.error).toBe('MESSAGE_EMPTY')
    expect((await call('im.message.add', { DIALOG_ID: 'chat9', MESSAGE: 'x' })).body.error).toBe('CHAT_ID')
  })

  it('is for members: even an administrator joins first', async () => {
    const { portal, chatId, clientId } = await talking()
    const other = caller(portal, clientId, 3)
    expect((await other('im.message.add', { DIALOG_ID: `chat${chatId}`, MESSAGE: 'x' })).body.error).toBe('ACCESS_ERROR')
    expect((await other('im.dialog.messages.get', { DIALOG_ID: `chat${chatId}` })).body.error).toBe('ACCESS_ERROR')
    expect((await other('imopenlines.session.join', { CHAT_ID: chatId })).body.result).toBe(true)
    expect((await other('im.message.add', { DIALOG_ID: `chat${chatId}`, MESSAGE: 'x' })).body.result).toEqual(expect.any(Number))
  })

  it('reads the newest messages first, older and newer ones by id', async () => {
    const { call, chatId, portal } = await talking()
    for (const text of ['1', '2', '3']) portal.lines.say(chatId, { text })
    const get = async (params: Record<string, unknown>): Promise<any> => (await call('im.dialog.messages.get', { DIALOG_ID: `chat${chatId}`, ...params })).body.result
    const all = await get({})
    expect([all.chat_id, all.messages.map((message: any) => message.text)]).toEqual([chatId, ['3', '2', '1', 'привет']])
    expect((await get({ LAST_ID: all.messages[1].id, LIMIT: 1 })).messages.map((message: any) => message.text)).toEqual(['1'])
    expect((await get({ FIRST_ID: all.messages[2].id })).messages.map((message: any) => message.text)).toEqual(['3', '2'])
    expect(all.users.map((user: any) => user.connector).sort()).toEqual([false, true])
  })
})

describe('dialogs and sessions', () => {
  it('a dialog is found in four ways and has the documented shape', async () => {
    const { call, chatId, session, line, user } = await talking()
    const code = `clinic_chat|${line}|c1|${user}`
    const sample = lineVectors['call.imopenlines.dialog.get.ok'].response.body.result
    for (const params of [{ CHAT_ID: chatId }, { DIALOG_ID: `chat${chatId}` }, { SESSION_ID: session.ID }, { USER_CODE: code }]) {
      const { result } = (await call('imopenlines.dialog.get', params)).body
      expect(Object.keys(result).sort()).toEqual(Object.keys(sample).sort())
      expect(result).toMatchObject({ id: chatId, type: 'lines', entity_type: 'LINES', entity_id: code, dialog_id: `chat${chatId}`, entity_data_2: 'LEAD|0|COMPANY|0|CONTACT|0|DEAL|0' })
      expect(result.entity_data_1).toMatch(new RegExp(`^N\\|NONE\\|0\\|N\\|N\\|${session.ID}\\|\\d+\\|0\\|0\\|0$`))
    }
    expect((await call('imopenlines.session.open', { USER_CODE: code })).body.result).toEqual({ chatId: String(chatId) })
  })

  it('is closed to a colleague outside the queue', async () => {
    const { portal, chatId, clientId } = await talking({ line: { QUEUE: [{ ENTITY_TYPE: 'user', ENTITY_ID: 1 }] } })
    const colleague = caller(portal, clientId, 2)
    expect((await colleague('imopenlines.dialog.get', { CHAT_ID: chatId })).body).toEqual({ error: 'ACCESS_ERROR', error_description: 'You do not have access to the specified dialog' })
    expect((await colleague('imopenlines.session.history.get', { CHAT_ID: chatId })).body.error).toBe('ACCESS_DENIED')
    expect((await colleague('imopenlines.operator.answer', { CHAT_ID: chatId })).body.error).toBe('ACCESS_DENIED')
  })

  it('the history has the documented shape and tells who wrote', async () => {
    const { call, chatId, portal, user, session } = await talking({ line: { WELCOME_MESSAGE: 'Y' } })
    portal.lines.say(chatId, { text: 'ответ', files: [{ name: 'a.png', bytes: new Uint8Array([1]) }], userId: 2 })
    const { result } = (await call('imopenlines.session.history.get', { SESSION_ID: session.ID })).body
    const sample = lineVectors['call.imopenlines.session.history.get.ok'].response.body.result
    expect(Object.keys(result).sort()).toEqual(Object.keys(sample).sort())
    expect(Object.keys(Object.values(result.chat)[0] as object).sort()).toEqual(Object.keys(Object.values(sample.chat)[0] as object).sort())
    expect(Object.keys(result.users[2]).sort()).toEqual(Object.keys(sample.users[103]).sort())
    expect(Object.keys(Object.values(result.message)[0] as object).sort()).toEqual(Object.keys(sample.message[85851]).sort())
    const messages = Object.values(result.message as Record<string, any>)
    expect(messages.map((message) => message.senderid)).toEqual([user, '0', '2'])
    expect(result.users[user]).toMatchObject({ connector: true })
    expect(messages.map((message) => message.params)).toEqual([{ connectorMid: ['m-1-привет'] }, [], { fileId: [expect.any(Number)] }])
    expect((await call('imopenlines.session.history.get', { SESSION_ID: 9 })).body.error).toBe('INVALID_SESSION_ID')
  })

  it('begin and end with events; the next message begins a new session in the same chat', async () => {
    const { call, chatId, events, session, send, user, line } = await talking()
    expect((await call('imopenlines.operator.finish', { CHAT_ID: chatId })).body.result).toBe(true)
    const [next] = await send(from('1', 'ещё'))
    expect([next.session.CHAT_ID, next.session.ID === session.ID]).toEqual([String(chatId), false])
    const [begun] = await events('ONIMCONNECTORDIALOGSTART')
    const [ended] = await events('ONIMCONNECTORDIALOGFINISH')
    expect([shape(begun), shape(ended)]).toEqual([shape(decoded('event.onimconnectordialogstart').data), shape(decoded('event.onimconnectordialogfinish').data)])
    expect([begun.DATA[0].session.closed, ended.DATA[0].session]).toEqual(['N', { id: session.ID, closed: 'Y', parent_id: '0', close_term: '10' }])
    expect((await events('ONSESSIONSTART'))[0].DATA).toEqual({
      connector: { connector_id: 'clinic_chat', line_id: String(line), chat_id: 'c1', user_id: user }, chat: { chat_id: String(chatId) }, line: { id: String(line), name: 'Чаты клиники' },
    })
    expect(shape((await events('ONSESSIONFINISH'))[0])).toEqual(shape(decoded('event.onsessionfinish').data))
    const [added] = await events('ONOPENLINEMESSAGEADD')
    expect(shape(added)).toEqual(shape(decoded('event.onopenlinemessageadd').data))
  })

  it('are taken, handed over, skipped and thrown away', async () => {
    const { call, chatId, portal } = await talking()
    expect((await call('imopenlines.operator.answer', { CHAT_ID: chatId })).body.result).toBe(true)
    expect(portal.lines.chat(chatId).operatorId).toBe(1)
    expect((await call('imopenlines.operator.transfer', { CHAT_ID: chatId })).body.error).toBe('TRANSFER_ID_EMPTY')
    expect((await call('imopenlines.operator.transfer', { CHAT_ID: chatId, TRANSFER_ID: '2' })).body.result).toBe(true)
    expect(portal.lines.chat(chatId)).toMatchObject({ operatorId: 2, members: [2] })
    expect((await call('imopenlines.session.intercept', { CHAT_ID: chatId })).body.result).toBe(true)
    expect(portal.lines.chat(chatId).operatorId).toBe(1)
    await call('imopenlines.operator.skip', { CHAT_ID: chatId })
    expect(portal.lines.chat(chatId)).toMatchObject({ operatorId: null, members: [2] })
    await call('imopenlines.operator.spam', { CHAT_ID: chatId })
    expect(portal.lines.chat(chatId).closed).toBe(true)
    expect((await call('imopenlines.session.start', { CHAT_ID: chatId })).body.result).toBe(true)
    expect(portal.lines.chat(chatId).closed).toBe(false)
    expect((await call('imopenlines.operator.answer', {})).body.error).toBe('CHAT_ID')
    expect((await call('imopenlines.operator.answer', { CHAT_ID: 5 })).body.error).toBe('CHAT_TYPE')
  })
})

describe('lines', () => {
  it('are listed, read, added, changed and deleted; texts are texts', async () => {
    const { call, portal, events, clientId } = await start()
    const list = (await call('imopenlines.config.list.get', { PARAMS: { select: ['ID', 'LINE_NAME'], filter: { ACTIVE: 'Y' } }, OPTIONS: { QUEUE: 'Y' } })).body.result
    expect(list[0]).toEqual({ ID: '1', LINE_NAME: 'Регистратура', QUEUE: [1, 2], QUEUE_USERS_FIELDS: expect.any(Object) })
    // A line as the portal makes it has leads and a rating.
    expect((await call('imopenlines.config.get', { CONFIG_ID: 1 })).body.result).toMatchObject({ ID: '1', CRM: 'Y', CRM_CREATE: 'lead', VOTE_MESSAGE: 'Y' })
    const id = (await call('imopenlines.config.add', { PARAMS: { LINE_NAME: 'WhatsApp', CRM_CREATE: 'none', VOTE_MESSAGE: 'N' } })).body.result as number
    expect((await call('imopenlines.config.update', { CONFIG_ID: id, PARAMS: { LINE_NAME: 'WhatsApp 2' } })).body.result).toBe(true)
    expect((await call('imopenlines.config.get', { CONFIG_ID: id })).body.result).toMatchObject({ LINE_NAME: 'WhatsApp 2', CRM_CREATE: 'none', QUEUE: ['1'] })
    expect((await call('imopenlines.config.get', { CONFIG_ID: '' })).body.error).toBe('CONFIG_ID_EMPTY')
    expect((await caller(portal, clientId, 2)('imopenlines.config.delete', { CONFIG_ID: id }))).toMatchObject({ status: 403, body: { error: 'CONFIG_WRONG_USER_PERMISSION' } })
    expect((await call('imopenlines.config.delete', { CONFIG_ID: id })).body.result).toBe(true)
    expect(await events('ONIMCONNECTORLINEDELETE')).toEqual([String(id)])
    expect((await call('imopenlines.revision.get')).body.result).toEqual({ rest: 2, web: 1, mobile: 1 })
    expect((await call('imopenlines.config.path.get')).body.result).toEqual({ SERVER_ADDRESS: portal.origin, PUBLIC_PATH: '/contact_center/' })
  })

  it('F26: take letters and not numbers', async () => {
    const { call } = await start()
    expect((await call('imopenlines.config.add', { PARAMS: { VOTE_MESSAGE: 0 } })).body).toEqual({ error: 'INVALID_FORMAT', error_description: "Field 'VOTE_MESSAGE' takes Y, N" })
  })

  it('open the settings page of a connector with the documented options', async () => {
    const { portal, line, received } = await start()
    await portal.lines.openSettings('clinic_chat', line)
    const { form, path } = received.find((one) => one.form.PLACEMENT === 'SETTING_CONNECTOR')!
    const sample = JSON.parse(lineVectors['placement.setting-connector'].payload.body.PLACEMENT_OPTIONS)
    expect(path).toBe('/settings')
    const options = JSON.parse(form.PLACEMENT_OPTIONS)
    expect(Object.keys(options)).toEqual(Object.keys(sample))
    expect(options).toMatchObject({ CONNECTOR: 'clinic_chat', LINE: String(line), STATUS: true, ERROR_STATUS: false })
    const page = await (await fetch(`${portal.origin}/contact_center/connector/?ID=clinic_chat&LINE=${line}`)).text()
    expect(page).toContain('SETTING_CONNECTOR')
  })
})
