import { describe, expect, it } from '@jest/globals'
import { connectorEventOf } from '../../src/bitrix/connector-events.ts'
import { decodeForm, parseEvent } from '../../src/bitrix/incoming.ts'
import { vector } from './vectors.ts'

const bodyOf = (name: string): any => decodeForm(vector(name).wire!.body)
const keyOf = (body: unknown): string => {
  const parsed = parseEvent(body)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.value.key
}
const read = (body: any): ReturnType<typeof connectorEventOf> => {
  const parsed = parseEvent(body)
  return parsed.ok ? connectorEventOf(parsed.value) : undefined
}
const add = 'ONIMCONNECTORMESSAGEADD'
const messageEvent = (message: unknown, im: unknown = { chat_id: '1807', message_id: '86497' }): ReturnType<typeof connectorEventOf> =>
  connectorEventOf({ name: add, data: { CONNECTOR: 'estafeta_max', LINE: '7', MESSAGES: [{ im, message, chat: { id: 'c5' } }] } })
const onlyMessage = (event: ReturnType<typeof connectorEventOf>): any => (event as any).messages[0]

describe("an operator's message", () => {
  it('is read with three kinds of ids that are never each other (F23)', () => {
    expect(read(bodyOf('event.onimconnectormessageadd'))).toEqual({
      type: 'messagesAdded', connector: 'myconnector', line: 107,
      messages: [{ imChatId: 1807, imMessageId: 86497, chatId: 'channel-123', userId: 27, text: '[b]Klaus Weber:[/b] [br]Guten Tag!', files: [], externalIds: [] }],
      unreadableCount: 0,
    })
  })

  it('is edited under the ids that the messenger gave it', () => {
    expect(read(bodyOf('event.onimconnectormessageupdate'))).toMatchObject({
      type: 'messagesEdited', messages: [{ imChatId: 1807, imMessageId: 86501, chatId: 'channel-123', userId: undefined, externalIds: ['ext-msg-005'], text: expect.stringContaining('What questions') }],
    })
  })

  it('is taken back by one id that is no list', () => {
    expect(read(bodyOf('event.onimconnectormessagedelete'))).toMatchObject({ type: 'messagesDeleted', messages: [{ imMessageId: 86501, externalIds: ['ext-msg-005'], text: '', files: [] }] })
  })

  it.each([[{ user_id: '0', text: 'Здравствуйте!' }], [{ user_id: 0, text: 'x' }], [{ text: 'x' }], [{ user_id: '', text: 'x' }], [{ user_id: null, text: 'x' }]])(
    'is of no person where the portal itself wrote it: %j (F22)',
    (message) => {
      expect(onlyMessage(messageEvent(message)).userId).toBeUndefined()
    },
  )

  it('comes with others in one event, as a list or as a map, with files', () => {
    const messages = [
      { im: { chat_id: 1, message_id: 2 }, message: { user_id: 27, files: { 0: { name: 'a.pdf', type: 'file', link: 'https://portal.example/~a', size: '70855' }, 1: { name: 'no link' } } }, chat: { id: 'c1' } },
      { im: { chat_id: '1', message_id: '3' }, message: { user_id: '27', text: 7, files: [{ name: 5, link: 'https://portal.example/~b' }] }, chat: { id: 12 } },
    ]
    const expected = {
      type: 'messagesAdded', connector: 'estafeta_max', line: 7,
      messages: [
        { imChatId: 1, imMessageId: 2, chatId: 'c1', userId: 27, text: '', files: [{ name: 'a.pdf', type: 'file', url: 'https://portal.example/~a', sizeBytes: 70855 }], externalIds: [] },
        { imChatId: 1, imMessageId: 3, chatId: '12', userId: 27, text: '7', files: [{ name: '5', type: undefined, url: 'https://portal.example/~b', sizeBytes: undefined }], externalIds: [] },
      ],
      unreadableCount: 0,
    }
    expect(connectorEventOf({ name: add, data: { CONNECTOR: 'Estafeta_MAX', LINE: 7, MESSAGES: messages } })).toEqual(expected)
    expect(connectorEventOf({ name: add, data: { CONNECTOR: 'estafeta_max', LINE: '7', MESSAGES: { 0: messages[0], 1: messages[1] } } })).toEqual(expected)
  })

  it('that cannot be read does not take the others with it', () => {
    const good = { im: { chat_id: 1, message_id: 2 }, message: { user_id: 27, text: 'x' }, chat: { id: 'c1' } }
    expect(connectorEventOf({ name: add, data: { CONNECTOR: 'estafeta_max', LINE: 7, MESSAGES: [{ im: {} }, good, 'x'] } })).toMatchObject({ messages: [{ imMessageId: 2 }], unreadableCount: 2 })
  })
})

describe('what else the portal tells', () => {
  it('is the beginning and the end of sessions', () => {
    expect(read(bodyOf('event.onimconnectordialogstart'))).toEqual({
      type: 'dialogsStarted', connector: 'newcustomconnector', line: 105, dialogs: [{ sessionId: 3282, chatId: '8', userId: undefined, parentSessionId: undefined }],
    })
    expect(read(bodyOf('event.onimconnectordialogfinish'))).toMatchObject({ type: 'dialogsFinished', dialogs: [{ sessionId: 3282, chatId: '8' }] })
  })

  it('is that a connector or a line is gone', () => {
    expect(connectorEventOf({ name: 'ONIMCONNECTORSTATUSDELETE', data: { connector: 'Estafeta_max', line: '7' } })).toEqual({ type: 'connectorRemoved', connector: 'estafeta_max', line: 7 })
    expect(connectorEventOf({ name: 'ONIMCONNECTORSTATUSDELETE', data: { CONNECTOR: 'estafeta_max', LINE: 7 } })).toEqual({ type: 'connectorRemoved', connector: 'estafeta_max', line: 7 })
    expect(read(bodyOf('event.onimconnectorlinedelete'))).toEqual({ type: 'lineRemoved', line: 107 })
  })

  it('is that a card has changed', () => {
    expect(read(bodyOf('event.oncrmcontactupdate'))).toEqual({ type: 'contactChanged', contactId: 82 })
    expect(connectorEventOf({ name: 'ONCRMCONTACTDELETE', data: { FIELDS: { ID: 82 } } })).toEqual({ type: 'contactDeleted', contactId: 82 })
  })

  it.each([
    [add, undefined], [add, ''], [add, []], [add, { CONNECTOR: 'x', LINE: '1' }], [add, { CONNECTOR: 'x', LINE: '0', MESSAGES: [] }],
    [add, { CONNECTOR: 'x', LINE: '1', MESSAGES: [{ im: { chat_id: '1' }, message: {}, chat: { id: 'c' } }] }],
    ['ONIMCONNECTORDIALOGSTART', { CONNECTOR: 'x', LINE: '1', DATA: [{}] }],
    ['ONIMCONNECTORLINEDELETE', {}], ['ONIMCONNECTORSTATUSDELETE', 'x'], ['ONCRMCONTACTUPDATE', { FIELDS: { ID: '0' } }], ['ONCRMDEALUPDATE', { FIELDS: { ID: '1' } }],
  ])('is nothing when it is another event or cannot be read: %s %j', (name, data) => {
    expect(connectorEventOf({ name, data })).toBeUndefined()
  })
})

describe('the key of a connector event (F10)', () => {
  const { auth } = bodyOf('event.onimconnectormessageadd')

  it.each(['event.onimconnectormessageadd', 'event.onimconnectormessagedelete', 'event.onimconnectorlinedelete'])('is the same whenever and through whatever handler it comes: %s', (name) => {
    const body = bodyOf(name)
    expect(keyOf({ ...body, ts: '1', event_handler_id: '999' })).toBe(keyOf(body))
    expect(keyOf({ ...body, auth: { ...body.auth, member_id: 'another' } })).not.toBe(keyOf(body))
  })

  it('tells messages, chats, lines and connectors apart', () => {
    const body = bodyOf('event.onimconnectormessageadd')
    const [message] = body.data.MESSAGES
    const others = [
      { ...body.data, CONNECTOR: 'another' },
      { ...body.data, LINE: '108' },
      { ...body.data, MESSAGES: [{ ...message, im: { ...message.im, message_id: '86498' } }] },
      { ...body.data, MESSAGES: [message, { ...message, im: { ...message.im, message_id: '86498' } }] },
    ]
    const keys = [body.data, ...others].map((data) => keyOf({ ...body, data }))
    expect(new Set(keys).size).toBe(keys.length)
    expect(keyOf({ ...body, event: 'ONIMCONNECTORMESSAGEDELETE' })).not.toBe(keyOf(body))
  })

  it('lets an edit bring back an earlier text, and a session be opened again: there the time counts, the handler does not', () => {
    for (const name of ['event.onimconnectormessageupdate', 'event.onimconnectordialogstart', 'event.onimconnectordialogfinish']) {
      const body = bodyOf(name)
      expect(keyOf({ ...body, event_handler_id: '999', eventId: '998' })).toBe(keyOf(body))
      expect(keyOf({ ...body, ts: '1' })).not.toBe(keyOf(body))
    }
  })

  it('of one that cannot be read is that of the whole post', () => {
    const body = { event: add, data: { CONNECTOR: 'x' }, ts: '1', auth }
    expect(keyOf({ ...body, ts: '2' })).not.toBe(keyOf(body))
    expect(keyOf({ ...body })).toBe(keyOf(body))
  })
})
