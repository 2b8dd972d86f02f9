import { afterEach, describe, expect, it } from '@jest/globals'
import { post } from './portal-support.ts'
import { from, type LinePortal, lineVectors, registerConnector, startFiles, startLines, switchOn } from './open-lines-support.ts'

let lines: LinePortal
const closers: (() => unknown)[] = []

async function start(...options: Parameters<typeof startLines>): Promise<LinePortal> {
  lines = await startLines(...options)
  closers.push(lines.close)
  return lines
}

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const chatOf = (result: any): number => Number(result.session.CHAT_ID)
const keys = (value: object): string[] => Object.keys(value).sort()

describe('imconnector.send.messages', () => {
  it('answers in the shape of the documentation, with the internal user and the session as texts', async () => {
    const { call, portal } = await start()
    const sample = lineVectors['call.imconnector.send.messages.ok']
    const [message] = structuredClone(sample.request.params.MESSAGES)
    message.message.files = []
    const result = (await call('imconnector.send.messages', { CONNECTOR: 'CLINIC_CHAT', LINE: String(lines.line), MESSAGES: [message] })).body.result
    const expected = sample.response.body.result.DATA.RESULT[0]
    expect(result).toEqual({ SUCCESS: true, DATA: { RESULT: [{ ...expected, user: expect.stringMatching(/^\d+$/), session: { ID: expect.stringMatching(/^\d+$/), CHAT_ID: expect.stringMatching(/^\d+$/) } }] } })
    const chat = portal.lines.chat(chatOf(result.DATA.RESULT[0]))
    expect(chat.entityId).toBe(`clinic_chat|${lines.line}|channel-123|${result.DATA.RESULT[0].user}`)
    expect(chat.messages).toEqual([expect.objectContaining({ kind: 'patient', author: 'Ivan Ivanov', text: 'Good afternoon', externalIds: ['ext-msg-1001'] })])
  })

  it.each([
    ['no list', 'hello', "The value of an argument 'MESSAGES' must be of type array"],
    ['an empty list', [], "Argument 'MESSAGES' is null or empty"],
    ['elements that are no maps', ['hello'], 'The MESSAGES parameter must be an array of messages (arrays)'],
    ['an element without its chat', [{ user: { id: 'p1' }, message: { id: '1', text: 'x' } }], 'The incorrect structure of a message inside MESSAGES parameter'],
    ['a field that the page does not know', [from('1', 'x', { user: { sex: 'male' } })], "Unknown field 'sex' in 'user' inside MESSAGES parameter"],
  ])('refuses %s', async (_name, messages, description) => {
    const { call, line } = await start()
    const answer = await call('imconnector.send.messages', { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: messages })
    expect([answer.status, answer.body]).toEqual([400, { error: 'ERROR_ARGUMENT', error_description: description }])
  })

  it('refuses a line that is missing, inactive, or without the connector switched on, and a connector of nobody', async () => {
    const { call, line, portal } = await start()
    const refusal = async (CONNECTOR: string, LINE: number): Promise<string> => (await call('imconnector.send.messages', { CONNECTOR, LINE, MESSAGES: [from('1', 'x')] })).body.error
    expect(await refusal('clinic_chat', 999)).toBe('NOT_ACTIVE_LINE')
    expect(await refusal('clinic_chat', 1)).toBe('NOT_ACTIVE_LINE')
    portal.lines.update(line, { ACTIVE: 'N' })
    expect(await refusal('clinic_chat', line)).toBe('NOT_ACTIVE_LINE')
    expect(await refusal('other', line)).toBe('IMCONNECTOR_NO_CORRECT_PROVIDER')
  })

  it('succeeds outside while an element fails: names with signs or too long, nothing to show', async () => {
    const { send } = await start()
    const results = await send(
      from('1', 'привет', { user: { name: 'Иван 🌷' } }), from('2', 'привет', { user: { name: 'Ы'.repeat(26) } }), from('3', ''), from('4', 'привет', { user: { name: "О'Генри-мл" } }),
      from('5', 'x', { user: { phone: 'tg:12345' } }),
    )
    expect(results.map((one) => one.SUCCESS)).toEqual([false, false, false, true, false])
    expect(results[0]).toEqual({ message: { id: expect.any(String) }, chat: { id: 'c1' }, SUCCESS: false, ERRORS: ["Field 'user.name' contains invalid characters"] })
    expect(results[2].ERRORS).toEqual(['The message is empty'])
    expect(results[3].ERRORS).toBeUndefined()
  })

  it('F05: does not know a message again: a retry is a second message', async () => {
    const { send, portal } = await start()
    const [first] = await send(from('1', 'привет'))
    await send(from('1', 'привет'))
    expect(portal.lines.chat(chatOf(first)).messages.map((message) => message.text)).toEqual(['привет', 'привет'])
  })

  it('keys a chat by the person, and with CHAT_GROUP by the external chat', async () => {
    const { send, call, portal } = await start()
    const [one, same, other] = await send(from('1', 'a'), from('1', 'b', { chat: { id: 'c77' } }), from('2', 'c', { chat: { id: 'c1' } }))
    expect([chatOf(same) === chatOf(one), chatOf(other) === chatOf(one)]).toEqual([true, false])
    expect(portal.lines.chat(chatOf(one)).externalChatId).toBe('c1')
    await registerConnector(call, 'http://127.0.0.1:9', 'group_chat', { CHAT_GROUP: true })
    const line = portal.lines.add({})
    await switchOn(call, 'group_chat', line)
    const group = (await call('imconnector.send.messages', { CONNECTOR: 'group_chat', LINE: line, MESSAGES: [from('1', 'a', { chat: { id: 'g' } }), from('2', 'b', { chat: { id: 'g' } })] })).body.result.DATA.RESULT
    expect(chatOf(group[0])).toBe(chatOf(group[1]))
  })

  it('loses the way back when a chat id holds a bar', async () => {
    const { send, portal, events } = await start()
    const [result] = await send(from('1', 'привет', { chat: { id: 'tg|55' } }))
    portal.lines.say(chatOf(result), { text: 'ответ' })
    expect((await events('ONIMCONNECTORMESSAGEADD'))[0].MESSAGES[0].chat.id).toBe('tg')
  })

  it('splits a name of two words and keeps one hidden user per person and connector', async () => {
    const { send, portal, call } = await start()
    const [first] = await send(from('1', 'a', { user: { name: 'Иван Тестов' } }))
    const [second] = await send(from('1', 'b', { user: { name: 'Иван' } }))
    expect(second.user).toBe(first.user)
    expect(portal.lines.chat(chatOf(first)).messages[0]!.author).toBe('Иван Тестов')
    expect((await call('user.get', { FILTER: { ID: first.user } })).body.result).toEqual([])
  })

  it('F36: takes files during the call; one that cannot be reached is missing, and a message of nothing else fails', async () => {
    const files = await startFiles({ '/ok/scan.png': new Uint8Array([137, 80, 78, 71]) })
    closers.push(files.close)
    const { send, portal } = await start()
    const [whole, half, none] = await send(
      from('1', 'снимок', { message: { files: [{ url: `${files.origin}/ok/scan.png`, name: 'Снимок.png' }] } }),
      from('1', 'снимок', { message: { files: [{ url: `${files.origin}/gone.png`, name: 'Нет.png' }] } }),
      from('1', '', { message: { files: [{ url: 'http://127.0.0.1:1/x.png', name: 'Нет.png' }] } }),
    )
    const { messages } = portal.lines.chat(chatOf(whole))
    expect(messages.map((message) => message.files.map((file) => [file.name, file.type, file.size]))).toEqual([[['Снимок.png', 'image', 4]], []])
    expect([half.SUCCESS, half.message.files, none.SUCCESS, none.ERRORS]).toEqual([true, [], false, ['The message is empty']])
    const link = await fetch(messages[0]!.files[0]!.link)
    expect([link.headers.get('content-type'), [...new Uint8Array(await link.arrayBuffer())]]).toEqual(['image/png', [137, 80, 78, 71]])
    expect([...portal.lines.file(messages[0]!.files[0]!.id).bytes]).toEqual([137, 80, 78, 71])
    expect(files.headers[0]).not.toHaveProperty('authorization')
  })

  it('F21: a message on behalf of a manager comes back as an event', async () => {
    const { send, events, portal } = await start()
    const [result] = await send(from('1', 'ответ робота', { message: { user_id: 1 } }))
    expect(portal.lines.chat(chatOf(result)).messages[0]).toMatchObject({ kind: 'operator', authorId: 1, state: 'sending' })
    expect((await events('ONIMCONNECTORMESSAGEADD'))[0].MESSAGES[0].message).toMatchObject({ user_id: '1', text: 'ответ робота' })
  })

  it('swallows a bare 1 as the rating after a session with VOTE_MESSAGE, and only then', async () => {
    const { send, portal } = await start({ line: { VOTE_MESSAGE: 'Y' } })
    const [first] = await send(from('1', '1'))
    portal.lines.finish(chatOf(first))
    const [vote] = await send(from('1', '1'))
    expect(vote.session.ID).toBe(first.session.ID)
    const after = portal.lines.chat(chatOf(first))
    expect([after.vote, after.closed, after.messages.map((message) => message.text)]).toEqual(['like', true, ['1', expect.stringContaining('Оцените'), '[like]']])
    const [next] = await send(from('1', '1'))
    expect(next.session.ID).not.toBe(first.session.ID)
    expect(portal.lines.chat(chatOf(next)).messages.at(-1)!.text).toBe('1')
  })

  it('edits and deletes by the external id; a message that is not there fails alone', async () => {
    const { send, call, portal, line } = await start()
    const sample = (name: string): any => lineVectors[`call.imconnector.${name}.messages.ok`].response.body.result.DATA.RESULT[0]
    const [sent] = await send(from('1', 'привет', { message: { id: 'ext-1' } }))
    const change = async (method: string, message: Record<string, unknown>): Promise<any> =>
      (await call(method, { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: [{ user: { id: 'p1' }, message, chat: { id: 'c1', url: 'https://clinic.example' } }] })).body.result.DATA.RESULT[0]
    const updated = await change('imconnector.update.messages', { id: 'ext-1', text: 'привет!' })
    expect([updated.SUCCESS, updated.user, updated.message]).toEqual([true, sent.user, { id: 'ext-1', date: {}, text: 'привет!' }])
    expect(keys(updated)).toEqual(keys(sample('update')))
    expect(portal.lines.chat(chatOf(sent)).messages[0]).toMatchObject({ text: 'привет!', edited: true })
    const deleted = await change('imconnector.delete.messages', { id: 'ext-1' })
    expect(keys(deleted)).toEqual(keys(sample('delete')))
    expect(portal.lines.chat(chatOf(sent)).messages[0]).toMatchObject({ deleted: true, files: [] })
    expect(await change('imconnector.delete.messages', { id: 'ext-1' })).toMatchObject({ SUCCESS: false, ERRORS: ['Message not found'] })
  })

  it('renames a chat by both external ids', async () => {
    const { send, call, portal, line } = await start()
    const [sent] = await send(from('1', 'привет'))
    const rename = (params: Record<string, unknown>): Promise<any> => call('imconnector.chat.name.set', { CONNECTOR: 'clinic_chat', LINE: line, NAME: 'Иван Т.', ...params }).then((answer) => answer.body)
    expect(await rename({ CHAT_ID: 'c1' })).toMatchObject({ error: 'ERROR_ARGUMENT' })
    expect(await rename({ CHAT_ID: 'c2', USER_ID: 'p1' })).toMatchObject({ error: 'CHAT_RENAMING_FAILED' })
    expect((await rename({ CHAT_ID: 'c1', USER_ID: 'p1' })).result).toEqual({ SUCCESS: true, DATA: { RESULT: {} } })
    expect(portal.lines.chat(chatOf(sent)).name).toBe('Иван Т.')
  })

  it('does what was asked even when the answer is lost, and refuses when told to', async () => {
    const { call, portal, line, send } = await start()
    portal.misbehave({ kind: 'drop_after', method: 'imconnector.send.messages' })
    await expect(call('imconnector.send.messages', { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: [from('1', 'один')] })).rejects.toThrow()
    portal.misbehave({ kind: 'query_limit', method: 'imconnector.*' })
    expect((await call('imconnector.send.messages', { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: [from('1', 'два')] })).status).toBe(503)
    const [third] = await send(from('1', 'три'))
    const { messages, sessionId } = portal.lines.chat(chatOf(third))
    expect(messages.map((message) => message.text)).toEqual(['один', 'три'])
    // What was written is found again by its external id.
    const history = (await call('imopenlines.session.history.get', { SESSION_ID: sessionId })).body.result
    expect(Object.values(history.message as Record<string, any>).map((message) => message.params.connectorMid[0]).sort()).toEqual(['m-1-один', 'm-1-три'])
  })

  it('asks for the scope and for an application', async () => {
    const { portal, line } = await start()
    const hook = portal.addWebhook({ userId: 1, scopes: ['imopenlines'] })
    expect((await post(`${hook}imconnector.send.messages`, { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: [from('1', 'x')] })).body.error).toBe('WRONG_AUTH_TYPE')
    const poor = portal.addWebhook({ userId: 1, scopes: ['crm'] })
    expect((await post(`${poor}imopenlines.config.list.get`, {})).body.error).toBe('insufficient_scope')
  })
})
