import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { createPortalClient, type PortalClient } from '../../src/bitrix/client.ts'
import { type Command } from '../../src/bitrix/command.ts'
import { connectorEventOf, type ConnectorEvent } from '../../src/bitrix/connector-events.ts'
import { dialogCommand, dialogOf, historyCommand, historyOf, sayInChatCommand } from '../../src/bitrix/dialogs.ts'
import { activityBindingsCommand, activityBindingsOf, addContactCommand, addedContactIdOf, bindActivityCommand, cardOf, contactCardCommand, findByMessengerCommand, findContactByOriginCommand, linkCommand, listedIdsOf, mergeContactsCommand, mergeOutcomeOf, sessionActivityCommand, sessionActivityOf, unlinkCommand } from '../../src/bitrix/identity.ts'
import { decodeForm, parseEvent } from '../../src/bitrix/incoming.ts'
import { activateCommand, connectorDataCommand, connectorStatusCommand, connectorStatusOf, lineCommand, lineOf, updateLineCommand } from '../../src/bitrix/lines.ts'
import { readManifest } from '../../src/bitrix/manifest.ts'
import { createOAuth } from '../../src/bitrix/oauth.ts'
import { deleteMessagesCommand, deliveredCommand, sendMessagesCommand, sentMessagesOf, updateMessagesCommand, type LineMessage } from '../../src/bitrix/open-lines.ts'
import { register } from '../../src/bitrix/registration.ts'
import { memoryBudget, memoryTokens } from './memory.ts'

const manifest = readManifest()
let portal: Portal
let client: PortalClient
let server: Server
let events: ConnectorEvent[]
let keys: string[]
let line: { readonly connector: string, readonly line: number }

beforeEach(async () => {
  events = []
  keys = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const parsed = parseEvent(decodeForm(Buffer.concat(chunks).toString('utf8')))
      const event = parsed.ok ? connectorEventOf(parsed.value) : undefined
      if (parsed.ok && event !== undefined) {
        events.push(event)
        keys.push(parsed.value.key)
      }
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const publicUrl = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  portal = await startPortal()
  const app = portal.registerApp({ shape: 'local', ui: true, handlerUrl: `${publicUrl}${manifest.pages.application}`, installUrl: `${publicUrl}${manifest.pages.install}`, scopes: manifest.scopes, name: 'Estafeta' })
  const oauth = createOAuth({ ...app, servers: [portal.oauthOrigin], clock: portal.clock })
  await portal.installApp(app.clientId)
  const tokens = memoryTokens(await oauth.refresh(portal.issueTokens(app.clientId, 1).refreshToken, portal.serverEndpoint))
  client = createPortalClient({ tokens, budget: memoryBudget(), oauth, clock: portal.clock, timeoutMs: 5_000 })
  await register(client, manifest, { publicUrl, language: 'ru', isAdmin: true, userId: '1' })
  portal.finishInstall(app.clientId)
  const lineId = portal.lines.add({ LINE_NAME: 'Пациенты' })
  await ask(updateLineCommand('l', lineId, { operators: [{ type: 'user', id: 1 }] }))
  line = { connector: 'estafeta_telegram', line: lineId }
  await ask(activateCommand('a', { ...line, isActive: true }))
  await ask(connectorDataCommand('d', { ...line, id: '1', name: '@clinic_bot', url: 'https://t.me/clinic_bot' }))
})
afterEach(async () => {
  const refused = portal.refusedCalls()
  await portal.close()
  await new Promise((resolve) => server.close(resolve))
  expect(refused.map(({ method, error }) => [method, error])).toEqual(expected)
  expected = []
})
let expected: unknown[] = []

const ask = async ({ method, params }: Command): Promise<unknown> => (await client.call(method, params)).result
const messageOf = (number: number, text: string, options: Partial<LineMessage['user']> & { disableCrm?: boolean } = {}): LineMessage => {
  const { disableCrm, ...user } = options
  return { user: { id: 'p1', name: 'Анна Иванова', ...user }, message: { id: `m${String(number)}`, text, disableCrm }, chat: { id: 'c1' } }
}
const write = async (...messages: readonly LineMessage[]): Promise<number> => {
  const outcomes = sentMessagesOf(await ask(sendMessagesCommand('s', { ...line, messages })), messages.length)
  const [first] = outcomes
  if (first?.ok !== true || first.chatId === undefined) throw new Error('The message was not taken.')
  expect(outcomes.every(({ ok }) => ok)).toBe(true)
  return first.chatId
}

describe('a line', () => {
  it('has the settings that conversations need, and works once it is connected', async () => {
    expect(lineOf(await ask(lineCommand('l', line.line)))).toMatchObject({ lineId: line.line, name: 'Пациенты', wrong: [] })
    expect(connectorStatusOf(await ask(connectorStatusCommand('c', line)))).toMatchObject({ isWorking: true, lineId: line.line })
    portal.lines.update(line.line, { VOTE_MESSAGE: 'Y', CRM_CREATE: 'lead' })
    expect(lineOf(await ask(lineCommand('l', line.line))).wrong).toEqual(['CRM_CREATE', 'VOTE_MESSAGE'])
    await ask(updateLineCommand('u', line.line))
    expect(lineOf(await ask(lineCommand('l', line.line))).wrong).toEqual([])
    await ask(activateCommand('a', { ...line, isActive: false }))
    expect(connectorStatusOf(await ask(connectorStatusCommand('c', line))).isWorking).toBe(false)
  })

  it('that is switched off refuses in words, and the messages may be sent later', async () => {
    await ask(activateCommand('a', { ...line, isActive: false }))
    await expect(write(messageOf(1, 'Здравствуйте'))).rejects.toMatchObject({ action: 'connectLine', retryable: true, outcome: 'rejected' })
    expected = [['imconnector.send.messages', 'NOT_ACTIVE_LINE']]
  })
})

describe('a conversation', () => {
  it('goes both ways: messages, their edits and removals, ticks, words of ours to the operators', async () => {
    const chatId = await write(messageOf(1, 'Здравствуйте'), messageOf(2, 'Можно завтра?'))
    expect(portal.lines.chat(chatId).messages.filter(({ kind }) => kind === 'patient').map(({ text }) => text)).toEqual(['Здравствуйте', 'Можно завтра?'])
    expect(sentMessagesOf(await ask(updateMessagesCommand('u', { ...line, messages: [messageOf(2, 'Можно в среду?')] })), 1)).toMatchObject([{ ok: true }])
    expect(sentMessagesOf(await ask(deleteMessagesCommand('d', { ...line, messages: [{ userId: 'p1', messageId: 'm1', chatId: 'c1' }] })), 1)).toMatchObject([{ ok: true }])
    expect(portal.lines.chat(chatId).messages.filter(({ kind, deleted }) => kind === 'patient' && !deleted).map(({ text }) => text)).toEqual(['Можно в среду?'])

    portal.lines.sayTogether(chatId, [{ text: '[b]Да[/b]' }, { files: [{ name: 'анализы.pdf', bytes: Buffer.from('%PDF-1.4') }] }])
    await portal.settle()
    const added = events.flatMap((event) => (event.type === 'messagesAdded' ? event.messages : []))
    expect(added).toMatchObject([
      { imChatId: chatId, chatId: 'c1', userId: 1, text: '[b]Да[/b]', files: [], externalIds: [] },
      { imChatId: chatId, chatId: 'c1', userId: 1, files: [{ name: 'анализы.pdf', url: expect.stringContaining('http'), sizeBytes: 8 }] },
    ])
    const messages = added.map(({ imChatId, imMessageId, chatId: id }, index) => ({ imChatId, imMessageId, chatId: id, externalIds: [`tg${String(index)}`], atSeconds: 1_700_000_000 }))
    await ask(deliveredCommand('t', { ...line, messages }))
    expect(portal.lines.chat(chatId).messages.filter(({ kind }) => kind === 'operator').map(({ state }) => state)).toEqual(['delivered', 'delivered'])

    portal.lines.edit(added[0]!.imMessageId, '[b]Да, в 10:30[/b]')
    portal.lines.delete(added[1]!.imMessageId)
    await portal.settle()
    expect(events.find((event) => event.type === 'messagesEdited')).toMatchObject({ messages: [{ imMessageId: added[0]!.imMessageId, chatId: 'c1', externalIds: ['tg0'], text: '[b]Да, в 10:30[/b]' }] })
    expect(events.find((event) => event.type === 'messagesDeleted')).toMatchObject({ messages: [{ imMessageId: added[1]!.imMessageId, chatId: 'c1', externalIds: ['tg1'] }] })
    expect(new Set(keys).size).toBe(keys.length)

    const before = events.length
    await ask(sayInChatCommand('s', { chatId, text: 'Пациент заблокировал бота: позвоните ему.' }))
    expect(portal.lines.chat(chatId).messages.at(-1)).toMatchObject({ kind: 'system', text: 'Пациент заблокировал бота: позвоните ему.' })
    await portal.settle()
    // Our own words never come back as an operator's (F21).
    expect(events.length).toBe(before)
  })

  it('is found again whole: by its chat, its session and its name, with what operators said while we were away', async () => {
    const chatId = await write(messageOf(1, 'Здравствуйте'))
    portal.lines.say(chatId, { text: 'Слушаем вас' })
    await portal.settle()
    const dialog = dialogOf(await ask(dialogCommand('d', { chatId })))
    expect(dialog).toMatchObject({ chatId, userCode: { connector: line.connector, line: line.line, chatId: 'c1' }, sessionId: expect.any(Number) })
    expect(dialogOf(await ask(dialogCommand('d', { userCode: dialog.userCode!.text })))).toEqual(dialog)
    const history = historyOf(await ask(historyCommand('h', { sessionId: dialog.sessionId! })))
    const said = history.messages.filter(({ isSystem }) => !isSystem)
    expect(said.map(({ text, senderId }) => [text, history.users.get(senderId!)!.isConnector])).toEqual([['Здравствуйте', true], ['Слушаем вас', false]])
    expect(said[0]!.connectorMids).toEqual(['m1'])
    portal.lines.finish(chatId)
    await portal.settle()
    expect(events.filter((event) => event.type === 'dialogsFinished')).toMatchObject([{ dialogs: [{ sessionId: dialog.sessionId, chatId: 'c1' }] }])
  })

  it('tells when the connector or the line is taken away', async () => {
    portal.lines.disconnect(line.connector, line.line)
    portal.lines.remove(line.line)
    await portal.settle()
    expect(events).toEqual([{ type: 'connectorRemoved', connector: line.connector, line: line.line }, { type: 'lineRemoved', line: line.line }])
  })
})

describe('a patient who is known late', () => {
  it('is written into the right card, and taken out of the wrong one', async () => {
    const chatId = await write(messageOf(1, 'Здравствуйте', { disableCrm: true }))
    const { userCode, contactId } = dialogOf(await ask(dialogCommand('d', { chatId })))
    expect(contactId).toBeUndefined()
    const right = addedContactIdOf(await ask(addContactCommand('c', { originId: 'o1', name: 'Анна', phone: '+79160000001', source: 'Telegram' })))
    expect(listedIdsOf(await ask(findContactByOriginCommand('f', 'o1')))).toEqual([right])
    expect(listedIdsOf(await ask(findContactByOriginCommand('f', 'o2')))).toEqual([])
    const wrong = portal.addContact({ name: 'Другая' }).id
    for (const id of [right, wrong]) await ask(linkCommand('l', cardOf(await ask(contactCardCommand('c', id))), { userCode: userCode!.text })!)
    expect(listedIdsOf(await ask(findByMessengerCommand('m', 3, userCode!.text)))).toEqual([right, wrong].sort((a, b) => a - b))
    await ask(unlinkCommand('u', cardOf(await ask(contactCardCommand('c', wrong))), userCode!.text)!)
    expect(listedIdsOf(await ask(findByMessengerCommand('m', 3, userCode!.text)))).toEqual([right])
    const card = cardOf(await ask(contactCardCommand('c', right)))
    expect(linkCommand('l', card, { userCode: userCode!.text, phone: '8 916 000-00-01' })).toBeUndefined()
    expect(card.fields.find(({ typeId }) => typeId === 'IM')).toMatchObject({ valueType: 'IMOL', value: `imol|${userCode!.text}` })
  })

  it('has the activity of a session on every card that it belongs to', async () => {
    const known = portal.addContact({ name: 'Анна', phones: ['+79160000001'] })
    const other = portal.addContact({ name: 'Ольга' })
    const chatId = await write(messageOf(1, 'Здравствуйте', { phone: '+79160000001' }))
    const { sessionId, contactId } = dialogOf(await ask(dialogCommand('d', { chatId })))
    expect(contactId).toBe(known.id)
    const activity = sessionActivityOf(await ask(sessionActivityCommand('a', sessionId!)))!
    await ask(bindActivityCommand('b', activity.activityId, { entityTypeId: 3, id: other.id }))
    expect(activityBindingsOf(await ask(activityBindingsCommand('l', activity.activityId)))).toEqual(expect.arrayContaining([{ entityTypeId: 3, id: known.id }, { entityTypeId: 3, id: other.id }]))
    expect(mergeOutcomeOf(await ask(mergeContactsCommand('m', known.id, [portal.addContact({ name: 'Анна' }).id])))).toMatchObject({ state: 'merged' })
  })
})
