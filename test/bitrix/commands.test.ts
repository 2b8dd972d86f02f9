import { describe, expect, it } from '@jest/globals'
import { checkParams, findMethod } from '../../sandbox/portal/catalogue.ts'
import * as appointments from '../../src/bitrix/appointments.ts'
import { writeCommand, writeParams, type Command } from '../../src/bitrix/command.ts'
import * as dialogs from '../../src/bitrix/dialogs.ts'
import * as identity from '../../src/bitrix/identity.ts'
import { decodeForm } from '../../src/bitrix/incoming.ts'
import * as lines from '../../src/bitrix/lines.ts'
import { connectorParamsOf, readManifest } from '../../src/bitrix/manifest.ts'
import * as openLines from '../../src/bitrix/open-lines.ts'
import { vector } from './vectors.ts'

const line = { connector: 'estafeta_telegram', line: 7 }
const message: openLines.LineMessage = {
  user: { id: 'p1', name: 'Анна', lastName: 'Иванова', phone: '+79160000001', picture: 'https://app.example/p.png' },
  message: { id: 'm1', atSeconds: 1_700_000_000, text: 'Добрый день', files: [{ url: 'https://app.example/files/t/a.pdf', name: 'a.pdf' }], disableCrm: true },
  chat: { id: 'c1', name: 'Анна' },
}
const card: identity.Card = { item: { entityTypeId: 3, id: 5 }, firstName: '', secondName: '', lastName: '', fields: [{ id: 15, typeId: 'IM', valueType: 'IMOL', value: 'imol|a|1|c1|9' }] }

const commands: readonly Command[] = [
  openLines.sendMessagesCommand('k', { ...line, messages: [message] }),
  openLines.updateMessagesCommand('k', { ...line, messages: [message] }),
  openLines.deleteMessagesCommand('k', { ...line, messages: [{ userId: 'p1', messageId: 'm1', chatId: 'c1' }] }),
  openLines.deliveredCommand('k', { ...line, messages: [{ imChatId: 1, imMessageId: 2, chatId: 'c1', externalIds: ['a', 'b'], atSeconds: 1_700_000_000 }] }),
  dialogs.dialogCommand('k', { chatId: 1 }),
  dialogs.dialogCommand('k', { dialogId: 'chat1' }),
  dialogs.dialogCommand('k', { sessionId: 1 }),
  dialogs.dialogCommand('k', { userCode: 'a|1|c1|9' }),
  dialogs.historyCommand('k', { sessionId: 1 }),
  dialogs.historyCommand('k', { chatId: 1 }),
  dialogs.sayInChatCommand('k', { chatId: 1, text: 'Не дошло' }),
  lines.lineCommand('k', 1),
  lines.updateLineCommand('k', 1, { name: 'Пациенты', operators: [] }),
  lines.activateCommand('k', { ...line, isActive: true }),
  lines.connectorDataCommand('k', { ...line, id: '12', name: '@clinic_bot', url: 'https://t.me/clinic_bot' }),
  lines.connectorStatusCommand('k', line),
  lines.connectorListCommand('k'),
  identity.contactCardCommand('k', 5),
  identity.addContactCommand('k', { originId: 'o1', name: 'Анна', lastName: 'Иванова', phone: '+79160000001', source: 'Telegram', responsibleId: 1 }),
  identity.findContactByOriginCommand('k', 'o1'),
  identity.findByMessengerCommand('k', 3, 'a|1|c1|9'),
  identity.findContactsByPhoneCommand('k', ['+79160000001']),
  identity.linkCommand('k', card, { userCode: 'a|1|c2|9', phone: '+79160000001' })!,
  identity.unlinkCommand('k', card, 'a|1|c1|9')!,
  identity.sessionActivityCommand('k', 1),
  identity.bindActivityCommand('k', 1, { entityTypeId: 3, id: 5 }),
  identity.unbindActivityCommand('k', 1, { entityTypeId: 3, id: 5 }),
  identity.activityBindingsCommand('k', 1),
  identity.mergeContactsCommand('k', 5, [6]),
  appointments.dealsOfContactCommand('k', 5, { fields: ['ufCrm_1'] }),
  appointments.dealCardCommand('k', 1),
  appointments.dealFieldsCommand('k'),
  appointments.bookingsCommand('k', { contactId: 5, from: 1_700_000_000_000, to: 1_800_000_000_000 }),
  appointments.resourcesCommand('k'),
  appointments.resourceTypesCommand('k'),
  ...readManifest().connectors.map((connector) => ({ key: 'k', method: 'imconnector.register', params: connectorParamsOf(connector, { publicUrl: 'https://app.example', language: 'ru' }) })),
]

/** As PHP reads what stands behind the method's name in a batch. */
const fromBatch = (command: Command): any => decodeForm(writeCommand(command, (key) => key).split('?')[1] ?? '')
const keysIn = (value: any): readonly string[] =>
  Array.isArray(value) ? [...new Set(value.flatMap(keysIn))] : typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner).map((deeper) => `${key}.${deeper}`)]) : []

describe('every command', () => {
  it.each(commands.map((command): [string, Command] => [command.method, command]))('has the parameters of the documentation and no others, alone and in a batch: %s', (method, command) => {
    const rule = findMethod(method)
    expect(rule?.name).toBe(method)
    expect(() => checkParams(rule!, fromBatch(command))).not.toThrow()
    expect(() => checkParams(rule!, JSON.parse(JSON.stringify(writeParams(command.params))))).not.toThrow()
  })

  it.each([
    ['call.imconnector.send.messages.ok', openLines.sendMessagesCommand('k', { ...line, messages: [message] })],
    ['call.imconnector.update.messages.ok', openLines.updateMessagesCommand('k', { ...line, messages: [{ ...message, user: { id: 'p1', phone: undefined }, message: { id: 'm1', text: 'x' } }] })],
    ['call.imconnector.delete.messages.ok', openLines.deleteMessagesCommand('k', { ...line, messages: [{ userId: 'p1', messageId: 'm1', chatId: 'c1' }] })],
    ['call.imconnector.connector.data.set.ok', lines.connectorDataCommand('k', { ...line, id: '1', name: 'n' })],
  ])('nests only names that the documentation has: %s', (name, command) => {
    const documented = keysIn(vector(name).request.params)
    expect(keysIn(JSON.parse(JSON.stringify(writeParams(command.params)))).filter((key) => !documented.includes(key))).toEqual([])
  })

  it('says yes and no in the spelling that counts (F26)', () => {
    const settings = fromBatch(lines.updateLineCommand('k', 1)).PARAMS
    expect(settings).toEqual({ CRM: 'Y', CRM_CREATE: 'none', VOTE_MESSAGE: 'N' })
    // Here it is the other way round: "N" is not empty, and whatever is not empty switches on.
    expect(fromBatch(lines.activateCommand('k', { ...line, isActive: false })).ACTIVE).toBe('0')
    expect(fromBatch(lines.activateCommand('k', { ...line, isActive: true })).ACTIVE).toBe('1')
    const register = fromBatch({ key: 'k', method: 'imconnector.register', params: connectorParamsOf(readManifest().connectors[0]!, { publicUrl: 'https://app.example/', language: 'ru' }) })
    expect(register).toMatchObject({ NEED_SYSTEM_MESSAGES: 'N', NEED_SIGNATURE: 'N', CHAT_GROUP: 'N', NEWSLETTER: 'N', DEL_EXTERNAL_MESSAGES: 'Y', EDIT_INTERNAL_MESSAGES: 'Y', DEL_INTERNAL_MESSAGES: 'Y' })
    expect(register.PLACEMENT_HANDLER).toBe('https://app.example/placements/connector-settings')
    expect(register.ICON.DATA_IMAGE).toMatch(/^data:image\/svg\+xml,%3Csvg[^'"<>\s]*%3C%2Fsvg%3E$/)
  })

  it('refuses to say what would mean everything or nothing', () => {
    expect(() => openLines.sendMessagesCommand('k', { ...line, messages: [] })).toThrow(RangeError)
    expect(() => openLines.deliveredCommand('k', { ...line, messages: [{ imChatId: 1, imMessageId: 2, chatId: 'c1', externalIds: [] }] })).toThrow(RangeError)
    expect(() => identity.mergeContactsCommand('k', 5, [5])).toThrow(RangeError)
  })
})
